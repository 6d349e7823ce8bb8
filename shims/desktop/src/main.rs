//! `kinora`: the player in a window, for freedesktop systems (X11 and Wayland).
//!
//! ```text
//! main thread      the window and its events (winit)
//! core thread      calls of the player core; sleeps until something happened
//! media thread     moves the pipeline on; sleeps until its next deadline
//! presenting       draws what is due; sleeps while nothing changes
//! bus, gamepads    media controls and keep-awake; buttons
//! ```

mod app;
mod args;
mod awake;
mod bus;
mod doctor;
mod keys;
mod mpris;
mod pointer;
mod present;
mod session;
mod shell;

use std::process::ExitCode;

use args::Command;

fn main() -> ExitCode {
    if let Some(done) = kinora_program::core_command("kinora", "desktop", std::env::args_os().skip(1)) {
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
        Ok(Command::Report(options, file)) => {
            kinora_program::end("kinora", doctor::report(&options, &file).map(|()| 0))
        }
        Ok(Command::Play(options)) => {
            kinora_program::end_with_any_thread(|| ());
            kinora_program::give_back_memory();
            kinora_program::end("kinora", app::run(options))
        }
        Err(mistake) => kinora_program::misuse("kinora", &mistake, &args::usage()),
    }
}
