//! `kinora-headless`: the reference shim. No screen, no sound device, a virtual or real clock; it captures what would be seen and heard.

mod args;
mod keys;
mod report;
mod run;
mod shell;
mod tap;
mod wav;

use std::process::ExitCode;

use args::Command;

fn main() -> ExitCode {
    match args::parse(std::env::args_os().skip(1)) {
        Ok(Command::Help) => {
            print!("{}", args::USAGE);
            ExitCode::SUCCESS
        }
        Ok(Command::ListKeys) => {
            println!("{}", keys::names());
            ExitCode::SUCCESS
        }
        Ok(Command::Play(options)) => end(run::play(&options)),
        Ok(Command::List { trace }) => {
            end(kinora_host::list_trace(&trace, &mut std::io::stdout()).map_err(|e| e.to_string()))
        }
        Ok(Command::Core(words)) => end(kinora_host::core_command(&words, &run::net, &mut std::io::stdout())),
        Ok(Command::Replay { trace, core, swap_core, interpret }) => {
            end(run::replay(&trace, core.as_deref(), swap_core.as_deref(), interpret))
        }
        Err(mistake) => {
            eprintln!("kinora-headless: {mistake}\n\n{}", args::USAGE);
            ExitCode::from(2)
        }
    }
}

fn end(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("kinora-headless: {reason}");
            ExitCode::from(1)
        }
    }
}
