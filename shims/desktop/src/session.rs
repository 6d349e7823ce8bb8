//! Everything put together: the core's thread, the media thread, and what the others reach them by.

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kinora_audio_cpal::CpalSink;
use kinora_decode_ffmpeg::FfmpegDecoders;
use kinora_decode_symphonia::SymphoniaDecoders;
use kinora_host::{CoreError, Device, Inbox, Limits, Player, PlayerConfig, Ports, Stage};
use kinora_net::HostNet;
use kinora_pipeline::{Pacing, Pipeline, PipelineConfig, Taps};
use kinora_port::{Chain, Decoders, HostUs, InputEvent, InputSource, Key, MemoryStorage, Storage};
use kinora_store::FileStorage;
use winit::event_loop::EventLoopProxy;

use crate::app::Ask;
use crate::args::Options;
use crate::keys::phase;
use crate::present::Screen;
use crate::shell::DesktopShell;

/// Encoded samples kept.
const BUFFER_BYTES: u64 = 150 << 20;
/// Extra of `launch` (`wit/player.wit`).
const EXIT_AT_END: u32 = 2;
/// Lifecycle event: the end is near.
const STOP: u32 = 6;

/// The shim's monotonic clock. It stands still while the system sleeps, so that playback goes on where it was.
#[derive(Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn now(self) -> HostUs {
        self.0.elapsed().as_micros() as u64
    }
}

/// What people and the system do, on its way to the core's thread.
pub(crate) struct Input {
    clock: Clock,
    events: Mutex<Vec<InputEvent>>,
    inbox: Arc<Inbox>,
}

impl Input {
    /// Sends an event from any thread.
    pub(crate) fn send(&self, event: InputEvent) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        self.inbox.ring();
    }

    /// Presses and releases a key that has only a meaning.
    pub(crate) fn press(&self, meaning: u32, text: String) {
        let key = Key { meaning, text, host_us: self.now(), ..Key::default() };
        self.send(InputEvent::Key(Key { phase: phase::DOWN, ..key.clone() }));
        self.send(InputEvent::Key(Key { phase: phase::UP, text: String::new(), ..key }));
    }

    /// The time of an event that happens now.
    pub(crate) fn now(&self) -> HostUs {
        self.clock.now()
    }

    fn take(&self) -> Vec<InputEvent> {
        std::mem::take(&mut self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The core's thread's end of [`Input`].
struct Arrived(Arc<Input>);

impl InputSource for Arrived {
    fn poll(&mut self, _now_us: HostUs) -> Vec<InputEvent> {
        self.0.take()
    }
}

/// The running player, as the window sees it.
pub(crate) struct Session {
    pub(crate) clock: Clock,
    pub(crate) input: Arc<Input>,
    pub(crate) stage: Arc<Stage>,
    pub(crate) screen: Arc<Screen>,
    /// Takes the first surface; the core starts with it.
    surface: Sender<InputEvent>,
    pub(crate) proxy: EventLoopProxy<Ask>,
}

/// What the two threads share.
struct Shared {
    clock: Clock,
    pipeline: Arc<Pipeline>,
    inbox: Arc<Inbox>,
    /// Wakes the media thread.
    media: Arc<Inbox>,
    screen: Arc<Screen>,
    log_level: u32,
}

impl Session {
    /// Starts loading the core and readies everything that needs no window.
    pub(crate) fn start(options: Options, proxy: EventLoopProxy<Ask>) -> Result<Session, String> {
        let clock = Clock(Instant::now());
        let file = core_file(options.core.clone())?;
        let loading = thread::spawn(move || {
            let engine = kinora_host::engine();
            let core = kinora_host::load(&engine, &file, kinora_host::cache_folder().as_deref())?;
            Ok::<_, CoreError>((engine, core))
        });
        let (inbox, media, screen) = (Inbox::new(), Inbox::new(), Screen::new());
        let ids = Arc::new(AtomicU64::new(1));
        let decoders = decoders();
        let bell = Arc::clone(&media);
        let pipeline = Pipeline::new(
            PipelineConfig {
                buffer_bytes: BUFFER_BYTES,
                max_timelines: 4,
                pacing: Pacing::Vsync,
                clock: Arc::new(move || clock.now()),
                ids: Arc::clone(&ids),
            },
            Arc::clone(&decoders),
            Box::new(CpalSink::new(Arc::new(move || clock.now()))),
            Taps::default(),
            Box::new(move || bell.ring()),
        );
        let stage = Stage::new(Arc::clone(&pipeline));
        let input = Arc::new(Input { clock, events: Mutex::default(), inbox: Arc::clone(&inbox) });
        if !options.sources.is_empty() {
            input.send(InputEvent::Open { sources: options.sources.clone(), append: false });
        }
        let (surface, surfaces) = mpsc::channel();
        let shared = Arc::new(Shared {
            clock,
            pipeline: Arc::clone(&pipeline),
            inbox: Arc::clone(&inbox),
            media,
            screen: Arc::clone(&screen),
            log_level: options.log_level,
        });
        let mut net = HostNet::new(Arc::new(move || clock.now()), inbox.net_events())
            .map_err(|e| format!("no network: {e}"))?;
        let config = PlayerConfig {
            limits: Limits::REAL_TIME,
            seed: seed(),
            wall_offset_us: wall_offset_us(clock),
            device: device(&mut net),
            launch_extras: vec![(EXIT_AT_END, vec![u8::from(options.exit_at_end)])],
            log_level: options.log_level,
        };
        let ports = Ports {
            pipeline,
            decoders,
            ids,
            stage: Arc::clone(&stage),
            inbox,
            net: Box::new(net),
            storage: storage(),
            shell: Box::new(DesktopShell::new(proxy.clone(), Arc::clone(&input))),
            input: Box::new(Arrived(Arc::clone(&input))),
        };
        crate::gamepad::start(Arc::clone(&input));
        let window = proxy.clone();
        spawn("core", move || {
            let outcome = match loading.join() {
                Ok(Ok((engine, core))) => {
                    let new = |surface| Player::new(engine, core, config, ports, surface);
                    play(&shared, new, &surfaces)
                }
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err("loading the player core failed".into()),
            };
            // The loop may be gone already.
            let _ = proxy.send_event(Ask::Exit(outcome));
        })?;
        Ok(Session { clock, input, stage, screen, surface, proxy: window })
    }

    /// Reports the surface; the core starts with the first.
    pub(crate) fn surface(&self, surface: InputEvent) {
        // Whoever no longer takes a first one takes events.
        let _ = self.surface.send(surface.clone());
        self.input.send(surface);
    }

    /// Asks the core's thread to come to an end; it answers with [`Ask::Exit`].
    pub(crate) fn stop(&self) {
        self.input.send(InputEvent::Lifecycle(STOP));
        self.screen.close();
    }
}

/// The core's thread: calls the core whenever something has happened, until it or the person wants to end.
fn play(
    shared: &Arc<Shared>,
    new: impl FnOnce(InputEvent) -> Player,
    surfaces: &Receiver<InputEvent>,
) -> Result<u32, String> {
    let surface = surfaces.recv().map_err(|_| "the window was never opened")?;
    let media = Arc::clone(shared);
    spawn("media", move || media.run_media())?;
    let mut player = new(surface);
    loop {
        let stopping = shared.screen.is_closed();
        let now = shared.clock.now();
        while player.turn(now) {
            shared.media.ring();
            shared.screen.ring();
        }
        if let Some(status) = player.exit_status() {
            player.flush();
            return Ok(status);
        }
        if let Some(fault) = player.given_up() {
            return Err(fault.to_string());
        }
        if stopping {
            player.flush();
            return Ok(0);
        }
        let limit = player.next_wake().map_or(Duration::MAX, |at| shared.until(at));
        shared.inbox.wait(limit);
    }
}

impl Shared {
    fn until(&self, at: HostUs) -> Duration {
        Duration::from_micros(at.saturating_sub(self.clock.now()))
    }

    /// The media thread: keeps clock, decoders and sound going, whatever the core does.
    fn run_media(&self) {
        while !self.screen.is_closed() {
            let next = self.pipeline.advance(self.clock.now());
            for report in self.pipeline.take_reports() {
                if self.log_level >= 2 {
                    eprintln!("kinora: {report}");
                }
            }
            if self.pipeline.has_events() {
                self.inbox.ring();
            }
            self.screen.ring_if_waiting();
            self.media.wait(next.map_or(Duration::MAX, |at| self.until(at)));
        }
    }
}

/// Starts a named thread.
pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), String> {
    let thread = thread::Builder::new().name(name.into()).spawn(run);
    thread.map(drop).map_err(|e| format!("cannot start a thread: {e}"))
}

/// The decoders of this shim, the pure ones first.
pub(crate) fn decoders() -> Arc<dyn Decoders> {
    Arc::new(Chain(vec![Arc::new(SymphoniaDecoders), Arc::new(FfmpegDecoders::default())]))
}

/// The core to run.
pub(crate) fn core_file(given: Option<PathBuf>) -> Result<PathBuf, String> {
    given
        .or_else(kinora_host::factory_core)
        .ok_or_else(|| "there is no player core beside this program; name one with --core".into())
}

fn storage() -> Box<dyn Storage> {
    match kinora_host::data_folder() {
        Some(folder) => {
            let storage = FileStorage::open(&folder);
            if let Some(notice) = storage.notice() {
                eprintln!("kinora: {notice}");
            }
            Box::new(storage)
        }
        None => Box::new(MemoryStorage::default()),
    }
}

fn device(net: &mut HostNet) -> Device {
    let mut facts = kinora_host::font_facts(|path| net.grant_file(path));
    for (name, value) in [("class", "desktop"), ("pointer", "yes"), ("locale", &locale())] {
        facts.insert(name.into(), value.into());
    }
    facts.insert("memory-bytes".into(), BUFFER_BYTES.to_string());
    Device { facts }
}

/// The language of messages as BCP 47, from `LC_ALL`, `LC_MESSAGES`, `LANG` in POSIX's order.
pub(crate) fn locale() -> String {
    let set = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let posix = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(set).unwrap_or_default();
    bcp47(&posix)
}

fn bcp47(posix: &str) -> String {
    match posix.split(['.', '@']).next() {
        None | Some("" | "C" | "POSIX") => "en".into(),
        Some(name) => name.replace('_', "-"),
    }
}

fn wall_offset_us(clock: Clock) -> Option<i64> {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(wall.as_micros()).ok()?.checked_sub_unsigned(clock.now())
}

/// The hasher's keys are random for each process.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bcp47_of_posix_names_drops_what_is_no_language() {
        for (posix, tag) in
            [("de_AT.UTF-8", "de-AT"), ("C.UTF-8", "en"), ("", "en"), ("sr_RS@latin", "sr-RS")]
        {
            assert_eq!(bcp47(posix), tag);
        }
    }
}
