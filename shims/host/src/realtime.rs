//! Running a player in real time, for every shim with a screen: the core's thread, the media thread and the presenting thread.
//!
//! ```text
//! core thread       calls the core when something has happened; sleeps otherwise
//! media thread      moves the pipeline on; sleeps until its next deadline
//! presenting thread draws what is due on the shim's output; sleeps while nothing changes
//! ```

mod builds;
mod input;
mod pace;
mod screen;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kinora_pipeline::{Pacing, Pipeline, PipelineConfig, Taps};
use kinora_port::{AudioSink, Decoders, HostUs, InputEvent, Net, Shell, Storage};

use crate::engine;
use crate::inbox::Inbox;
use crate::instance::Limits;
use crate::judge::Judge;
use crate::launch::LaunchExtras;
use crate::player::{Player, PlayerConfig, Ports, Rest};
use crate::stage::Stage;
use crate::trace::Recorder;
use crate::turn::Device;

pub use input::Input;
pub use pace::Refreshes;
pub use screen::{Screen, present};

use builds::{TakeOver, Watched};
use input::Arrived;

/// Lifecycle event: the end is near (`wit/player.wit`).
const STOP: u32 = 6;

/// The shim's monotonic clock, from its launch on. It stands still while the system sleeps, so that playback goes on where it was.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Instant);

impl Clock {
    /// A clock that begins now.
    #[expect(clippy::new_without_default, reason = "a clock that begins anywhere is no default")]
    pub fn new() -> Self {
        Clock(Instant::now())
    }

    /// The time.
    pub fn now(self) -> HostUs {
        self.0.elapsed().as_micros() as u64
    }

    /// The clock as adapters take it.
    pub fn reading(self) -> Arc<dyn Fn() -> HostUs + Send + Sync> {
        Arc::new(move || self.now())
    }

    fn until(self, at: HostUs) -> Duration {
        Duration::from_micros(at.saturating_sub(self.now()))
    }

    fn wall_offset_us(self) -> Option<i64> {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(wall.as_micros()).ok()?.checked_sub_unsigned(self.now())
    }
}

/// What the threads reach each other by; made first, since adapters want parts of it.
pub struct Links {
    /// The time everything goes by.
    pub clock: Clock,
    /// Takes what people and the system do.
    pub input: Arc<Input>,
    /// Takes what the net reports.
    pub inbox: Arc<Inbox>,
    /// Takes what happens to the screen.
    pub screen: Arc<Screen>,
}

impl Links {
    /// Links between threads that do not run yet.
    #[expect(clippy::new_without_default, reason = "it begins a clock")]
    pub fn new() -> Self {
        let (clock, inbox) = (Clock::new(), Inbox::new());
        let input = Arc::new(Input::new(clock, Arc::clone(&inbox)));
        Links { clock, input, inbox, screen: Screen::new() }
    }
}

/// What a shim brings along.
pub struct Parts {
    /// The core's file.
    pub core: PathBuf,
    /// Decodes.
    pub decoders: Arc<dyn Decoders>,
    /// Plays sound.
    pub sink: Box<dyn AudioSink>,
    /// Network and files.
    pub net: Box<dyn Net>,
    /// Durable values.
    pub storage: Box<dyn Storage>,
    /// What a run keeps in case its process dies; not shared with another.
    pub journal: Box<dyn Storage>,
    /// Window or box.
    pub shell: Box<dyn Shell>,
    /// Facts for the core.
    pub device: Device,
    /// Extras of `launch` (`wit/player.wit`).
    pub launch_extras: LaunchExtras,
    /// Whether to go on where a run left off whose process died.
    pub take_over: bool,
    /// Encoded samples kept.
    pub buffer_bytes: u64,
    /// What a call of the core may take.
    pub limits: Limits,
    /// Most detailed level of log lines on stderr.
    pub log_level: u32,
    /// Writes down what the core is told and answers.
    pub recorder: Option<Recorder>,
}

/// A running player.
pub struct Session {
    links: Links,
    stage: Arc<Stage>,
    /// Takes the first surface; the core starts with it.
    surface: Sender<InputEvent>,
    /// Takes builds that are to take over.
    swaps: Sender<TakeOver>,
}

/// What the core's and the media thread share.
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
    /// Starts loading the core and readies everything that needs no screen. `ended` hears, on the core's thread, the exit status or
    /// why it could not go on.
    pub fn start(
        links: Links,
        parts: Parts,
        ended: impl FnOnce(Result<u32, String>) + Send + 'static,
    ) -> Result<Session, String> {
        Session::run(links, parts, false, ended)
    }

    /// The same for whoever works on the core: whenever its file changes it takes over.
    pub fn develop(
        links: Links,
        parts: Parts,
        ended: impl FnOnce(Result<u32, String>) + Send + 'static,
    ) -> Result<Session, String> {
        Session::run(links, parts, true, ended)
    }

    fn run(
        links: Links,
        parts: Parts,
        develops: bool,
        ended: impl FnOnce(Result<u32, String>) + Send + 'static,
    ) -> Result<Session, String> {
        let clock = links.clock;
        let (swaps, swapped) = mpsc::channel();
        // Before it is read, so that no change is missed.
        let watched = develops.then(|| Watched::new(&parts.core, swaps.clone(), &links.inbox));
        let loading = thread::spawn(move || {
            let judge = Judge::of(&parts.core);
            let engine = if develops { engine::developing() } else { engine::engine() };
            let core = crate::load(&engine, &parts.core, crate::cache_folder().as_deref())
                .map_err(|e| e.to_string())?;
            watched.map_or(Ok(()), |watched| watched.watch(engine.clone()))?;
            Ok::<_, String>((engine, core, judge))
        });
        let media = Inbox::new();
        let bell = Arc::clone(&media);
        let ids = Arc::new(AtomicU64::new(1));
        let pipeline = Pipeline::new(
            PipelineConfig {
                buffer_bytes: parts.buffer_bytes,
                max_timelines: 4,
                pacing: Pacing::Vsync,
                clock: clock.reading(),
                ids: Arc::clone(&ids),
            },
            Arc::clone(&parts.decoders),
            parts.sink,
            Taps::default(),
            Box::new(move || bell.ring()),
        );
        let stage = Stage::new(Arc::clone(&pipeline));
        let shared = Arc::new(Shared {
            clock,
            pipeline: Arc::clone(&pipeline),
            inbox: Arc::clone(&links.inbox),
            media,
            screen: Arc::clone(&links.screen),
            log_level: parts.log_level,
        });
        let config = PlayerConfig {
            limits: parts.limits,
            seed: seed(),
            wall_offset_us: clock.wall_offset_us(),
            device: parts.device,
            launch_extras: parts.launch_extras,
            take_over: parts.take_over,
            log_level: parts.log_level,
            kill_calls: BTreeSet::new(),
        };
        let ports = Ports {
            pipeline,
            decoders: parts.decoders,
            ids,
            stage: Arc::clone(&stage),
            inbox: Arc::clone(&links.inbox),
            net: parts.net,
            storage: parts.storage,
            journal: parts.journal,
            shell: parts.shell,
            input: Box::new(Arrived(Arc::clone(&links.input))),
            recorder: parts.recorder,
        };
        let (surface, surfaces) = mpsc::channel();
        spawn("core", move || {
            ended(match loading.join() {
                Ok(Ok((engine, core, judge))) => {
                    let new = |surface| {
                        let player = Player::new(engine, core, config, ports, surface).judged(judge);
                        if develops { player.uncached() } else { player }
                    };
                    play(&shared, new, &surfaces, &swapped)
                }
                Ok(Err(error)) => Err(error),
                Err(_) => Err("loading the player core failed".into()),
            });
        })?;
        Ok(Session { links, stage, surface, swaps })
    }

    /// The links it was started with.
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// What is to be seen.
    pub fn stage(&self) -> &Arc<Stage> {
        &self.stage
    }

    /// Reports the surface; the core starts with the first.
    pub fn surface(&self, surface: InputEvent) {
        // Whoever no longer takes a first one takes events.
        let _ = self.surface.send(surface.clone());
        self.links.input.send(surface);
    }

    /// Asks the core's thread to come to an end and what is stored to become durable.
    pub fn stop(&self) {
        self.links.input.send(InputEvent::Lifecycle(STOP));
        self.links.screen.close();
        self.links.inbox.ring();
    }
}

/// The core's thread: calls the core whenever something has happened, until it or the person wants to end.
fn play(
    shared: &Arc<Shared>,
    new: impl FnOnce(InputEvent) -> Player,
    surfaces: &Receiver<InputEvent>,
    swaps: &Receiver<TakeOver>,
) -> Result<u32, String> {
    let surface = surfaces.recv().map_err(|_| "there was no screen")?;
    let media = Arc::clone(shared);
    spawn("media", move || media.run())?;
    let mut player = new(surface);
    let mut waiting: Option<TakeOver> = None;
    loop {
        // Before the events are taken, so that the last of them is among them.
        let stopping = shared.screen.is_closed();
        waiting = swaps.try_iter().last().or(waiting);
        if let Some(next) = waiting.take_if(|next| !next.idle || player.is_idle())
            && next.id.as_ref() != Some(&player.core().sha256)
        {
            eprintln!("kinora: another core is to take over: {}", next.core.display());
            player.swap(&next.core);
        }
        let now = shared.clock.now();
        while player.turn(now) {
            shared.media.ring();
            shared.screen.ring();
        }
        if let Some((fault, rest)) = player.given_up() {
            // Once more for the card.
            shared.screen.ring();
            if *rest == Rest::Dismissed {
                return Err(fault.to_string());
            }
        }
        if let Some(status) = player.exit_status().or(stopping.then_some(0)) {
            player.flush();
            return Ok(status);
        }
        shared.inbox.wait(player.next_wake().map_or(Duration::MAX, |at| shared.clock.until(at)));
    }
}

impl Shared {
    /// The media thread: keeps clock, decoders and sound going, whatever the core does.
    fn run(&self) {
        while !self.screen.is_closed() {
            let next = self.pipeline.advance(self.clock.now());
            for report in self.pipeline.take_reports() {
                if self.log_level >= 1 {
                    eprintln!("kinora: {report}");
                }
            }
            if self.pipeline.has_events() {
                self.inbox.ring();
            }
            self.screen.ring_if_waiting();
            self.media.wait(next.map_or(Duration::MAX, |at| self.clock.until(at)));
        }
    }
}

/// Starts a named thread.
pub fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), String> {
    let thread = thread::Builder::new().name(name.into()).spawn(run);
    thread.map(drop).map_err(|e| format!("cannot start a thread: {e}"))
}

/// The hasher's keys are random for each process.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}
