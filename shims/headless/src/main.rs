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
    if let Some(done) =
        kinora_program::core_command("kinora-headless", "headless", std::env::args_os().skip(1))
    {
        return done;
    }
    match args::parse(std::env::args_os().skip(1)) {
        Ok(Command::Help) => {
            print!("{}", args::usage());
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
        Ok(Command::Replay { trace, core, swap_core, interpret }) => {
            end(run::replay(&trace, core.as_deref(), swap_core.as_deref(), interpret))
        }
        Ok(Command::Compile { folder, core, interpret }) => {
            end(run::compile(&folder, core.as_deref(), interpret))
        }
        Err(mistake) => kinora_program::misuse("kinora-headless", &mistake, &args::usage()),
    }
}

fn end(result: Result<(), String>) -> ExitCode {
    kinora_program::end("kinora-headless", result.map(|()| 0))
}
