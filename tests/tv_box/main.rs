//! The player on a virtual set-top box, which `cargo xtask test --tv` makes: what its screen shows, its loudspeaker plays and its keys do,
//! and that nothing which happens to a box loses where somebody was. The box is emulated in software: its speed is never judged.

mod cores;
mod films;
mod power;
mod surroundings;
mod viewing;
mod world;

use std::path::PathBuf;

use libtest_mimic::{Arguments, Failed, Trial};

use world::World;

/// A name and what is done with a world of its own.
type Test = (&'static str, fn(&World) -> Result<(), String>);

fn main() {
    let mut arguments = Arguments::from_args();
    // A box wants all processors of this machine.
    arguments.test_threads = Some(1);
    let system = std::env::var_os("KINORA_BOX").map(PathBuf::from);
    if system.is_none() {
        println!(
            "KINORA_BOX names no system of a box: its tests are left out (`cargo xtask test --tv` makes it)"
        );
    }
    let tests = [viewing::TESTS, surroundings::TESTS, power::TESTS].concat();
    let trials = system.into_iter().flat_map(|system| {
        tests.iter().map(move |&(name, test)| {
            let system = system.clone();
            Trial::test(name, move || {
                World::new(name, system.clone()).and_then(|world| test(&world)).map_err(Failed::from)
            })
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}
