//! The desktop player in a real window on a virtual display, with and without sound: what it shows is what the headless player shows, and
//! it answers to keys, sizes, devices and desktops as people expect.

mod scenes;
mod updates;
mod watching;
mod world;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let mut arguments = Arguments::from_args();
    // Each needs a whole machine to keep up: decoding, drawing and the display server on the same processors.
    arguments.test_threads = Some(1);
    let mut trials = Vec::new();
    for presenter in ["cpu", "gpu"] {
        trials.extend(scenes::trials(presenter));
    }
    trials.extend(world::trials());
    trials.extend(updates::trials());
    libtest_mimic::run(&arguments, trials).exit();
}

/// A test.
fn trial(name: String, run: impl FnOnce() -> Result<(), String> + Send + 'static) -> Trial {
    Trial::test(name, move || run().map_err(Failed::from))
}
