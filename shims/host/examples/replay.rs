//! `replay TRACE CORE`: makes the calls of a trace again. It needs nothing of a shim but this crate, so that it is quickly built for any
//! processor; `cargo xtask replay` does that.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(trace), Some(core)) = (args.next(), args.next()) else {
        eprintln!("usage: replay TRACE CORE");
        return ExitCode::from(2);
    };
    let engine = kinora_host::engine();
    let replayed = kinora_host::load(&engine, &core, kinora_host::cache_folder().as_deref())
        .map_err(|e| e.to_string())
        .and_then(|core| kinora_host::replay(&engine, &[core], &trace).map_err(|e| e.to_string()));
    match replayed {
        Ok(replayed) => {
            println!("{} calls on {}", replayed.calls, std::env::consts::ARCH);
            ExitCode::SUCCESS
        }
        Err(difference) => {
            eprintln!("replay: {difference}");
            ExitCode::from(1)
        }
    }
}
