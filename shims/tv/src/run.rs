//! One run: what this shim brings to a player, and its end.

use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use kinora_audio_cpal::CpalSink;
use kinora_host::realtime::{self, Links, Parts, Session, spawn};
use kinora_host::{LaunchExtras, Limits, chosen_core, record};
use kinora_input_evdev::{Devices, Keymap, Wanted};
use kinora_port::{Build, Failure, InputEvent, Shell};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::args::Options;
use crate::console::Console;
use crate::kms::{Card, Outputs, Plug};

/// What kind of device this is (`wit/device.wit`), by which updates are offered too.
pub(crate) const CLASS: &str = "tv";
/// As traces name it.
const PROGRAM: &str = concat!("kinora-tv ", env!("CARGO_PKG_VERSION"));
/// Encoded samples kept: this part of the box's memory,
const BUFFER_PART: u64 = 16;
/// but no more than what a minute of high definition needs, and no less than two groups of pictures.
const BUFFER_BYTES: RangeInclusive<u64> = 8 << 20..=48 << 20;
/// How long a signal waits for the core's thread and for what is stored to be durable.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// What ends a run.
enum End {
    Outcome(Result<u32, String>),
    Signal,
}

/// Plays until the end; the exit status.
pub(crate) fn play(options: &Options) -> Result<u32, String> {
    let card = Arc::new(Card::open(options.card.as_deref())?);
    let keymap = Keymap::with(options.keymap.as_deref())?;
    let keys = Devices::open(Wanted::All, keymap).map_err(no_input)?;
    check(&keys)?;
    let (end, ended) = mpsc::channel();
    watch_signals(end.clone())?;
    if let Some(silence) = kinora_audio_cpal::alsa_silence() {
        eprintln!("kinora-tv: {silence}; playing without");
    }
    // Restored on the way out of here, whatever the way.
    let console = Arc::new(Console::take());
    let shown = Arc::downgrade(&console);
    kinora_program::end_with_any_thread(move || {
        if let Some(Some(console)) = shown.upgrade().as_deref() {
            console.restore();
        }
    });
    let session = Arc::new(start(options, end.clone())?);
    let links = session.links();
    let plug = Arc::new(Plug::default());
    let outputs = Outputs {
        card: Arc::clone(&card),
        plug: Arc::clone(&plug),
        session: Arc::clone(&session),
        wish: options.mode,
    };
    let mut first = Some(outputs.connected()?);
    plug.watch(&card, links)?;
    let (input, clock) = (Arc::clone(&links.input), links.clock);
    spawn("keys", move || {
        let listened = keys.listen(|| clock.now(), |key| input.send(InputEvent::Key(key)));
        if let Err(error) = listened {
            eprintln!("kinora-tv: no more keys: {error}");
        }
    })?;
    let (stage, screen) = (Arc::clone(session.stage()), Arc::clone(&links.screen));
    spawn("presenting", move || {
        let presented = realtime::present(&stage, &screen, clock, &mut |lost| {
            if let Some(failure) = lost {
                eprintln!("kinora-tv: {failure}");
            }
            first.take().map_or_else(|| outputs.again(), Ok)
        });
        if let Err(reason) = presented {
            // The end may have begun already.
            let _ = end.send(End::Outcome(Err(reason)));
        }
    })?;
    let outcome = wait(&session, &ended);
    links.screen.close();
    links.screen.wait_finished();
    outcome
}

/// Waits for the end, and brings it about when a signal asks for it.
fn wait(session: &Session, ended: &Receiver<End>) -> Result<u32, String> {
    match ended.recv() {
        Ok(End::Outcome(outcome)) => return outcome,
        Ok(End::Signal) => session.stop(),
        Err(_) => return Err("all threads have ended".into()),
    }
    match ended.recv_timeout(STOP_LIMIT) {
        Ok(End::Outcome(outcome)) => outcome,
        // A second signal: at once.
        Ok(End::Signal) => Ok(0),
        Err(RecvTimeoutError::Timeout) => Err("the player core did not come to an end".into()),
        Err(RecvTimeoutError::Disconnected) => Err("all threads have ended".into()),
    }
}

fn watch_signals(end: Sender<End>) -> Result<(), String> {
    let mut signals =
        Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(|e| format!("cannot wait for signals: {e}"))?;
    spawn("signals", move || {
        for _ in signals.forever() {
            // The end may have begun already.
            let _ = end.send(End::Signal);
        }
    })
}

fn start(options: &Options, end: Sender<End>) -> Result<Session, String> {
    let common = &options.common;
    let core = chosen_core(common.core.as_deref())?;
    // A core that was named is to stay.
    let followed = common.core.is_none().then(|| core.clone());
    let recorder = record(common.record.as_deref(), None, PROGRAM)?;
    let links = Links::new();
    let mut net = kinora_program::net(&links, &common.rules)?;
    let sources: Vec<_> = options.sources.iter().map(|source| kinora_program::absolute(source)).collect();
    let buffer_bytes = buffer_bytes(kinora_program::memory_bytes());
    let journal = kinora_program::journal(Some(&options.data.join("journal")));
    // A run that died goes on if it was to play the same, or nothing else is wanted.
    let left = kinora_host::left_open(&*journal);
    let take_over = left.is_some_and(|left| sources.is_empty() || left == sources);
    if !take_over && !sources.is_empty() {
        links.input.send(InputEvent::Open { sources, append: false });
    }
    let parts = Parts {
        core,
        decoders: kinora_program::decoders(),
        sink: Box::new(CpalSink::alsa(options.sound.as_deref(), links.clock.reading())),
        device: kinora_program::facts(CLASS, false, buffer_bytes, &mut net),
        net: Box::new(net),
        storage: kinora_program::storage("kinora-tv", Some(&options.data)),
        journal,
        take_over,
        shell: Box::new(TvShell { follows: followed.is_some() }),
        launch_extras: LaunchExtras { forgetful: false, exit_at_end: options.exit_at_end },
        buffer_bytes,
        limits: Limits::BOX,
        log_level: common.log_level,
        recorder,
    };
    let session = Session::start(links, parts, move |outcome| {
        // The end may have begun already.
        let _ = end.send(End::Outcome(outcome));
    })?;
    followed.map_or(Ok(()), |core| session.follow(core, CLASS, Box::new(kinora_program::plain_net)))?;
    Ok(session)
}

/// What may be kept where there is so much memory.
fn buffer_bytes(memory_bytes: u64) -> u64 {
    (memory_bytes / BUFFER_PART).clamp(*BUFFER_BYTES.start(), *BUFFER_BYTES.end())
}

/// There is no window to ask anything of.
struct TvShell {
    /// Whether the core that is chosen on this box is the one that runs.
    follows: bool,
}

impl Shell for TvShell {
    fn has(&self, ability: &str) -> bool {
        ability == "exit" || ability == "builds" && self.follows
    }

    fn builds(&self) -> Vec<Build> {
        if self.follows { kinora_host::builds() } else { Vec::new() }
    }

    fn choose_build(&mut self, id: &str) -> Result<(), Failure> {
        if !self.follows {
            return Err(Failure::unsupported("choosing a build"));
        }
        kinora_host::choose_build(id);
        Ok(())
    }
}

/// What to say where devices can never be found.
pub(crate) fn no_input(error: io::Error) -> String {
    format!("no input: /dev/input cannot be watched: {error}; load the kernel's `evdev` module")
}

/// Devices that all refuse are a mistake in the set-up; where there are none, one may be plugged in later.
fn check(keys: &Devices) -> Result<(), String> {
    if keys.found().is_empty() {
        eprintln!("kinora-tv: no remote or keyboard is there yet; one that is plugged in is used at once");
    }
    keys.refusal().map_or(Ok(()), |refusal| Err(format!("no input: {refusal}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffer_bytes_is_a_part_of_the_memory_within_limits() {
        let mib = [(64, 8), (256, 16), (512, 32), (1024, 48), (8192, 48)];
        for (memory, kept) in mib {
            assert_eq!(buffer_bytes(memory << 20), kept << 20, "{memory} MiB");
        }
    }
}
