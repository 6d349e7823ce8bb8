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
            print!("{}", args::usage());
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
        Ok(Command::Replay { trace, core, interpret }) => {
            end(run::replay(&trace, core.as_deref(), interpret))
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
