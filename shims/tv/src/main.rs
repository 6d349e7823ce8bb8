//! `kinora-tv`: the player on a television, for Linux boxes without a window system.
//!
//! ```text
//! main thread      waits for the end: of the last item, or a signal
//! core thread      calls of the player core; sleeps until something happened
//! media thread     moves the pipeline on; sleeps until its next deadline
//! presenting       draws what is due into a buffer of the display (KMS); sleeps while nothing changes
//! keys             reads remotes, keyboards and gamepads (evdev); sleeps until one is pressed
//! plug, signals    watch for displays that come and go; wait for a signal
//! ```

mod args;
mod console;
mod doctor;
mod kms;
mod run;

use std::process::ExitCode;

use args::Command;

fn main() -> ExitCode {
    if let Some(done) = kinora_program::core_command("kinora-tv", run::CLASS, std::env::args_os().skip(1)) {
        return done;
    }
    match args::parse(std::env::args_os().skip(1)) {
        Ok(Command::Help) => {
            print!("{}", args::usage());
            ExitCode::SUCCESS
        }
        Ok(Command::Doctor(options)) => match doctor::examine(&options) {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(1),
        },
        Ok(Command::Play(options)) => {
            kinora_program::give_back_memory();
            kinora_program::end("kinora-tv", run::play(&options))
        }
        Err(mistake) => kinora_program::misuse("kinora-tv", &mistake, &args::usage()),
    }
}
