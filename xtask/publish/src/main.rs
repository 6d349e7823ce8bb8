//! `kinora-publish`: the command line.

mod args;
mod commands;

use std::process::ExitCode;

fn main() -> ExitCode {
    let (places, command) = match args::parse(lexopt::Parser::from_env()) {
        Ok(parsed) => parsed,
        Err(error) => {
            eprintln!("kinora-publish: {error}\n\n{}", args::USAGE);
            return ExitCode::from(2);
        }
    };
    match commands::run(&places, command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kinora-publish: {error}");
            ExitCode::FAILURE
        }
    }
}
