//! One run: everything is put together, and time is moved on.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use kinora_host::{
    BUFFER_BYTES, Inbox, Judge, LaunchExtras, Limits, Player, PlayerConfig, Ports, Rest, Stage, core_file,
    record,
};
use kinora_net::HostNet;
use kinora_pipeline::{Pacing, Pipeline, PipelineConfig, VirtualSink};
use kinora_port::{AudioSink, HostUs, InputEvent, MemoryStorage, NullSink, Storage};

use crate::args::Options;
use crate::faults::{Fault, Seeded};
use crate::film::{Film, screenshot};
use crate::keys::Script;
use crate::report::{self, Report};
use crate::shell::{Caused, HeadlessShell, Kind, Told, builds};
use crate::store::Settled;
use crate::tap::Recording;

/// A virtual run in which nothing is shown and nothing asked of the core for so long will never end.
const HALTED_US: HostUs = 600_000_000;
/// A virtual run in which so many steps pass without time moving on is stuck.
const MAX_STEPS_AT_ONCE: u32 = 100_000;
/// Real time that work in flight may take while the virtual clock waits.
const SETTLE_LIMIT: Duration = Duration::from_secs(60);

/// Plays; the error is why it could not.
pub(crate) fn play(options: &Options) -> Result<(), String> {
    let launched = Instant::now();
    let recording = Recording::create(options)?;
    let mut run = Run::new(options, &recording, launched)?;
    let ended = run.play_out(options);
    run.player.flush();
    recording.finish()?;
    let report = run.report(&recording);
    if let Some(path) = &options.report {
        report::write(&report, path)?;
    }
    match ended? {
        0 => Ok(()),
        _ => Err(report.errors.last().cloned().unwrap_or_else(|| "could not play".into())),
    }
}

struct Run {
    player: Player,
    pipeline: Arc<Pipeline>,
    stage: Arc<Stage>,
    inbox: Arc<Inbox>,
    clock: Clock,
    core_start: Duration,
    launched: Instant,
    first_frame: Option<Duration>,
    /// When a frame was last shown or the core last called.
    last_progress_us: HostUs,
    size: (u32, u32),
    film: Option<Film>,
    told: Told,
    seeded: Seeded,
    /// Between these times the core is not called.
    stall_us: Option<(HostUs, HostUs)>,
    swapping: Option<Swapping>,
    reports: Vec<String>,
}

/// Two builds of the core that take turns.
struct Swapping {
    cores: [PathBuf; 2],
    /// SHA-256 of the first.
    first: String,
    every_us: u64,
    next_us: HostUs,
}

/// The time everything goes by.
#[derive(Clone)]
struct Clock {
    now_us: Arc<AtomicU64>,
    /// Real time since then; `None`: virtual.
    since: Option<Instant>,
}

impl Clock {
    fn now(&self) -> HostUs {
        match self.since {
            Some(since) => since.elapsed().as_micros() as u64,
            None => self.now_us.load(Ordering::Relaxed),
        }
    }
}

impl Run {
    fn new(options: &Options, recording: &Arc<Recording>, launched: Instant) -> Result<Self, String> {
        let clock = Clock { now_us: Arc::default(), since: (!options.virtual_clock).then_some(launched) };
        let engine = kinora_host::engine();
        let path = core_file(options.common.core.as_deref())?;
        let judge = Judge::of(&path);
        let core = kinora_host::load(&engine, &path, kinora_host::cache_folder().as_deref())
            .map_err(|e| e.to_string())?;
        let swapping = options.swap_core.clone().map(|other| Swapping {
            cores: [path, other],
            first: core.sha256.clone(),
            every_us: options.swap_every_us,
            next_us: options.swap_every_us,
        });
        let core_start = launched.elapsed();

        let seeded = Seeded::new(options.fault);
        let inbox = Inbox::new();
        let ids = Arc::new(AtomicU64::new(1));
        let decoders = seeded.decoders(kinora_program::decoders());
        let sink: Box<dyn AudioSink> = if options.sound {
            let heard = Arc::clone(recording);
            Box::new(VirtualSink::heard_by(move |samples, format, at| heard.hear(samples, format, at)))
        } else {
            Box::new(NullSink)
        };
        let now = clock.clone();
        let reading: Arc<dyn Fn() -> HostUs + Send + Sync> = Arc::new(move || now.now());
        let bell = Arc::clone(&inbox);
        let pipeline = Pipeline::new(
            PipelineConfig {
                buffer_bytes: BUFFER_BYTES,
                max_timelines: 4,
                pacing: Pacing::EveryFrame,
                clock: Arc::clone(&reading),
                ids: Arc::clone(&ids),
            },
            Arc::clone(&decoders),
            seeded.sink(sink),
            recording.taps(),
            Box::new(move || bell.ring()),
        );
        let stage = Stage::new(Arc::clone(&pipeline));
        let mut net =
            HostNet::new(Arc::clone(&reading), inbox.net_events()).map_err(|e| format!("no network: {e}"))?;
        net.restrict(options.common.rules.clone());
        let storage = kinora_program::storage("kinora-headless", options.storage.as_deref());
        let storage: Box<dyn Storage> =
            if options.virtual_clock { Box::new(Settled(storage)) } else { storage };
        let config = PlayerConfig {
            limits: if options.virtual_clock || seeded.is(Fault::HungForEver) {
                Limits::VIRTUAL
            } else {
                Limits::REAL_TIME
            },
            seed: 0,
            wall_offset_us: None,
            device: options.device.device(kinora_host::font_facts(|path| net.grant_file(path))),
            launch_extras: LaunchExtras { forgetful: options.storage.is_none(), exit_at_end: true },
            take_over: false,
            log_level: options.common.log_level,
            kill_calls: options.kill_calls.clone(),
        };
        let program = concat!("kinora-headless ", env!("CARGO_PKG_VERSION"));
        let sources = options.sources.iter().map(|source| kinora_program::absolute(source)).collect();
        let surface = InputEvent::Surface {
            width_px: options.size.0,
            height_px: options.size.1,
            scale_permille: options.scale_permille,
            refresh_mhz: 0,
            fullscreen: options.device == Kind::Tv,
        };
        let caused = Caused::default();
        let told = Told::default();
        let shell = HeadlessShell {
            kind: options.device,
            surface: surface.clone(),
            caused: Arc::clone(&caused),
            told: Arc::clone(&told),
            pick: options.pick.clone(),
            builds: builds(&options.builds),
            now: Box::new(move || reading()),
        };
        let ports = Ports {
            pipeline: Arc::clone(&pipeline),
            decoders,
            ids,
            stage: Arc::clone(&stage),
            inbox: Arc::clone(&inbox),
            net: seeded.net(Box::new(net)),
            storage: seeded.storage(storage),
            journal: Box::new(MemoryStorage::default()),
            shell: seeded.shell(Box::new(shell)),
            input: Box::new(Script::new(sources, &options.keys, caused)),
            recorder: record(options.common.record.as_deref(), None, program)?,
        };
        let mut player = Player::new(engine, core, config, ports, surface).judged(judge);
        if let Some(edge) = seeded.edge() {
            player.set_edge(edge);
        }
        Ok(Run {
            player,
            pipeline,
            stage,
            inbox,
            clock,
            core_start,
            launched,
            first_frame: None,
            last_progress_us: 0,
            size: options.size,
            film: options.film.as_deref().map(Film::create).transpose()?,
            told,
            seeded,
            stall_us: options.stall_us,
            swapping,
            reports: Vec::new(),
        })
    }

    /// Plays until the core asks to exit, `--until`, or nothing can happen any more. Returns the exit status.
    fn play_out(&mut self, options: &Options) -> Result<u32, String> {
        let mut screenshots = options.screenshots.iter().peekable();
        let (mut steps, mut last) = (0, 0);
        loop {
            let now = self.clock.now();
            let mut next = self.settle(now)?;
            let broken = self.player.given_up().filter(|(_, rest)| *rest != Rest::Playing);
            let broken = broken.map(|(fault, _)| Err(fault.to_string()));
            if let Some(end) = self.player.exit_status().map(Ok).or(broken) {
                // What is to be seen later is what stays on the screen.
                for (at, path) in screenshots {
                    self.advance_to(Some(*at), now);
                    screenshot(&self.stage, self.size, &self.seeded, *at, path)?;
                }
                return end;
            }
            next = earliest(next, self.present(now));
            if let Some(film) = &mut self.film {
                next = earliest(next, film.look(&self.stage, self.size, &self.seeded, now)?);
            }
            while let Some((_, path)) = screenshots.next_if(|(at, _)| *at <= now) {
                screenshot(&self.stage, self.size, &self.seeded, now, path)?;
            }
            if options.until_us.is_some_and(|until| until <= now) {
                return Ok(0);
            }
            next = earliest(next, self.stalled_until(now).or(self.player.next_wake()));
            next = earliest(next, screenshots.peek().map(|(at, _)| *at));
            next = earliest(next, options.until_us);
            next = earliest(next, self.swapping.as_ref().map(|swapping| swapping.next_us));
            let halted = next.is_none() || now > self.last_progress_us + HALTED_US;
            if halted && self.clock.since.is_none() {
                return Err("playback came to a halt before the end".into());
            }
            self.advance_to(next, now);

            steps = if self.clock.now() == last { steps + 1 } else { 0 };
            last = self.clock.now();
            if steps > MAX_STEPS_AT_ONCE {
                return Err(format!("playback is stuck at {last} us"));
            }
        }
    }

    /// Lets everything happen that happens at `now`; the pipeline's next deadline. Under the virtual clock this waits for the network and
    /// the decoders, so that the outcome does not depend on their speed.
    fn settle(&mut self, now: HostUs) -> Result<Option<HostUs>, String> {
        let began = Instant::now();
        self.swap_if_due(now);
        loop {
            let deadline = self.pipeline.advance(now);
            self.reports.extend(self.pipeline.take_reports());
            let stalled = self.stalled_until(now).is_some();
            let called = !stalled && self.player.turn(now);
            if called {
                self.last_progress_us = now;
            }
            if self.player.exit_status().is_some() {
                return Ok(None);
            }
            if called || self.pipeline.has_events() && !stalled {
                continue;
            }
            if self.clock.since.is_some() {
                return Ok(deadline);
            }
            if began.elapsed() > SETTLE_LIMIT {
                return Err("no answer from the network or a decoder for a minute".into());
            }
            if self.player.net_busy() || self.player.is_swapping() && !stalled {
                self.inbox.wait(Duration::from_millis(50));
            } else if !self.pipeline.wait_settled(SETTLE_LIMIT) {
                return Err("a decoder does not come to rest".into());
            } else {
                // What the decoders finished may have moved the pipeline on.
                let deadline = self.pipeline.advance(now);
                if stalled || !self.pipeline.has_events() {
                    return Ok(deadline);
                }
            }
        }
    }

    /// Lets the build that does not run take over when it is its turn.
    fn swap_if_due(&mut self, now: HostUs) {
        let Some(swapping) = self.swapping.as_mut().filter(|swapping| swapping.next_us <= now) else {
            return;
        };
        swapping.next_us = now + swapping.every_us;
        let next = usize::from(self.player.core().sha256 == swapping.first);
        self.player.swap(&swapping.cores[next]);
    }

    fn stalled_until(&self, now: HostUs) -> Option<HostUs> {
        self.stall_us.filter(|(from, to)| (*from..*to).contains(&now)).map(|(_, to)| to)
    }

    /// Presents every frame that is due; when the next one is.
    fn present(&mut self, now: HostUs) -> Option<HostUs> {
        let mut next = None;
        for timeline in self.pipeline.status() {
            let shown = self.pipeline.frame_at(timeline.id, now, 0);
            if shown.next_change.is_some() {
                self.last_progress_us = now;
            }
            if shown.frame.is_some() {
                self.first_frame.get_or_insert_with(|| self.launched.elapsed());
            }
            next = earliest(next, shown.next_change);
        }
        next
    }

    fn advance_to(&self, next: Option<HostUs>, now: HostUs) {
        match self.clock.since {
            None => self.clock.now_us.store(next.unwrap_or(now).max(now), Ordering::Relaxed),
            Some(_) => {
                let limit = next.map_or(1_000_000, |next| next.saturating_sub(self.clock.now()));
                if limit > 0 {
                    self.inbox.wait(Duration::from_micros(limit));
                }
            }
        }
    }

    fn report(&self, recording: &Recording) -> Report {
        let core = self.player.stats();
        let errors = [&core.faults, &core.errors, &self.reports].into_iter().flatten().cloned().collect();
        Report {
            duration_us: self.clock.now(),
            streams: self.pipeline.stats(),
            seen: recording.seen(),
            core,
            real_time: self.clock.since.is_some(),
            core_start: self.core_start,
            first_frame: self.first_frame,
            errors,
            shell: self.told.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

fn earliest(a: Option<HostUs>, b: Option<HostUs>) -> Option<HostUs> {
    [a, b].into_iter().flatten().min()
}

/// Makes the calls of a trace again.
pub(crate) fn replay(
    trace: &Path,
    core: Option<&Path>,
    swap_core: Option<&Path>,
    interpret: bool,
) -> Result<(), String> {
    let engine = if interpret { kinora_host::interpreter() } else { kinora_host::engine() };
    let cache = kinora_host::cache_folder();
    let load = |path: &Path| kinora_host::load(&engine, path, cache.as_deref()).map_err(|e| e.to_string());
    let mut cores = vec![load(&core_file(core)?)?];
    cores.extend(swap_core.map(load).transpose()?);
    let replayed = kinora_host::replay(&engine, &cores, trace).map_err(|e| e.to_string())?;
    println!(
        "{} calls with {} imports of {} instances as recorded by core {}",
        replayed.calls,
        replayed.imports,
        replayed.instances,
        replayed.recorded_cores.join(" and ")
    );
    Ok(())
}

/// Compiles a core for programs without a compiler.
pub(crate) fn compile(folder: &Path, core: Option<&Path>, interpret: bool) -> Result<(), String> {
    let core = core_file(core)?;
    let artefact = kinora_host::precompile(&core, interpret, folder).map_err(|e| e.to_string())?;
    println!("{}", artefact.display());
    Ok(())
}
