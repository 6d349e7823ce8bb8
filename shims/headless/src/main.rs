//! `kinora-headless`: the reference shim. No screen, no sound device, a virtual or real clock; it captures what would be seen and heard.

mod args;
mod faults;
mod film;
mod keys;
mod report;
mod run;
mod shell;
mod store;
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
        Ok(Command::ListFaults) => {
            print!("{}", faults::Fault::list());
            ExitCode::SUCCESS
        }
        Ok(Command::Play(options)) => {
            let ended = run::play(&options);
            if options.fault == Some(faults::Fault::ExitAlwaysZero) { ExitCode::SUCCESS } else { end(ended) }
        }
        Ok(Command::List { trace }) => {
            end(kinora_host::list_trace(&trace, &mut std::io::stdout()).map_err(|e| e.to_string()))
        }
        Ok(Command::Replay { trace, core, interpret }) => {
            end(run::replay(&trace, core.as_deref(), interpret))
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
