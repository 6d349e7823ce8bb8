//! What the programs around the player have in common: words of the command line, how they end, what they bring to a session that is no
//! matter of the platform, and what their doctors look at.

pub mod args;
mod doctor;
mod memory;
mod parts;

use std::process::ExitCode;

pub use doctor::Report;
pub use memory::give_back_memory;
#[cfg(target_os = "linux")]
pub use memory::memory_bytes;
pub use parts::{absolute, decoders, facts, journal, net, plain_net, storage};

/// Does what the words after `core` of a command line ask for; none if it asks for something else. `class` is the device's.
pub fn core_command(
    program: &str,
    class: &str,
    words: impl IntoIterator<Item = std::ffi::OsString>,
) -> Option<ExitCode> {
    let mut words = words.into_iter();
    words.next().filter(|word| word == "core")?;
    let words: Result<Vec<String>, _> = words.map(|word| word.into_string()).collect();
    let done = words.map_err(|_| "a word is not valid UTF-8".to_owned()).and_then(|words| {
        kinora_host::core_command(&words, class, &plain_net, &mut std::io::stdout()).map(|()| 0)
    });
    Some(end(program, done))
}

/// How a program ends: with the status of what it did, or with 1 and the reason on standard error.
pub fn end(program: &str, result: Result<u32, String>) -> ExitCode {
    match result {
        Ok(status) => ExitCode::from(u8::try_from(status).unwrap_or(1)),
        Err(reason) => {
            eprintln!("{program}: {reason}");
            ExitCode::from(1)
        }
    }
}

/// How a program ends that does not understand its command line.
pub fn misuse(program: &str, mistake: &str, usage: &str) -> ExitCode {
    eprintln!("{program}: {mistake}\n\n{usage}");
    ExitCode::from(2)
}

/// Has a panic in any thread end the process, with 1, after `last`: without one of its threads a player shows a picture that stands still, and
/// the next process goes on there.
pub fn end_with_any_thread(last: impl Fn() + Send + Sync + 'static) {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |failure| {
        usual(failure);
        last();
        std::process::exit(1);
    }));
}
