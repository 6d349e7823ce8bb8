//! `cargo xtask`: everything one does with this repository, set-up included.

use std::process::ExitCode;

mod android;
mod bench;
mod certify;
mod check;
mod core;
mod dev;
mod dist;
mod env;
mod fuzz;
mod inspect;
mod machine;
mod new_shim;
mod patches;
mod play;
mod replay;
mod setup;
mod tidy;
mod tv;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  play [FILE|URL]...   set up, build and open the player (on the demo clips without arguments)
  dev [FILE|URL]...    the same for developers of the core: it is built anew on each save and takes over while things play
  test [FILTER]        set up, build and run all tests
  core                 build the player core component; the last line is PATH bytes=N zstd=N sha256=HEX
  guests               build the components of the tests, the conformance kit's among them
  certify [headless|desktop|tv]... [ARGUMENT]...
                       certify the shims by the conformance kit, tv in the virtual box; ARGUMENTs are the kit's (--only GROUP)
  certify-self [ARGUMENT]...
                       prove the conformance kit: headless passes, and each fault seeded in it is caught
  new-shim NAME        begin a port: copy shims/stub and wire it in
  inspect SRC [--samples] [--cues] [--manifest]
                       what the core's parsers see in a file
  bless                write the scenarios' expectations anew
  fuzz [TARGET]... [--minutes N] [--planted]
                       fuzz the parsers and the engine; or look for faults planted in them
  replay               play the scenarios here and on another processor (aarch64 under QEMU), and replay there what was recorded here
  tv [FILE|URL]...     make a virtual set-top box and watch the player in it
  test --tv [FILTER]   have the tests drive that box (also tv --test)
  tidy                 check the architecture rules
  check --android      compile and link what all ports share for Android
  ci                   fmt, clippy, tidy and test, as CI runs them
  bench all|NAME...    measure against the peers (tests/bench/README.md)
  dist [--target aarch64-unknown-linux-gnu|x86_64-unknown-linux-gnu]
                       build the shims as people install them, for this processor or another
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    let result = match command.as_str() {
        "play" => play::play(&rest),
        "dev" => dev::dev(&rest),
        "test" if rest.first().is_some_and(|word| word == "--tv") => tv::test(&rest[1..]),
        "test" => check::test(&rest),
        "check" if rest == ["--android"] => android::check(),
        "core" => {
            setup::ensure(setup::Purpose::Core).and_then(|()| core::build()).map(|core| println!("{core}"))
        }
        "guests" => setup::ensure(setup::Purpose::Core).and_then(|()| core::build_guests()),
        "new-shim" => new_shim::new_shim(&rest),
        "certify" => certify::certify(&rest),
        "certify-self" => certify::certify_self(&rest),
        "inspect" => inspect::inspect(&rest),
        "fuzz" => fuzz::fuzz(&rest),
        "tidy" => tidy::check(),
        "bless" => check::bless(),
        "ci" => check::ci(),
        "replay" => replay::replay(),
        "bench" => bench::bench(&rest),
        "tv" => tv::tv(&rest),
        "dist" => dist::dist(&rest),
        "" | "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(())
        }
        _ => Err(format!("unknown command `{command}`\n\n{USAGE}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
