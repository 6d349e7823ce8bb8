//! `kinora-stub`: the start of a port. It links, starts the core and answers "not supported" to everything; each ability is replaced by a
//! real one, in the order of `shims/README.md`.

mod args;
mod session;

use std::process::ExitCode;

fn main() -> ExitCode {
    let options = match args::parse(std::env::args_os().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{}", args::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(mistake) => {
            eprintln!("kinora-stub: {mistake}\n\n{}", args::USAGE);
            return ExitCode::from(2);
        }
    };
    match session::run(&options) {
        Ok(status) => ExitCode::from(u8::try_from(status).unwrap_or(1)),
        Err(reason) => {
            eprintln!("kinora-stub: {reason}");
            ExitCode::FAILURE
        }
    }
}
