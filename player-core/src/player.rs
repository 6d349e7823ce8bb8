//! Engine and interface as one state machine.

use kinora_engine::{self as engine, Engine, Phase, SeekMode};
use kinora_time::{HostUs, SECOND_US};
use kinora_ui::{Action, BuildLabel, Frame, Input, Surface, Ui, UiConfig};

use crate::bindings::exports::kinora::shim::player::{Event, Launch, Turn};
use crate::bindings::kinora::shim::{device, display, log, shell, types};
use crate::convert;
use crate::fonts::Fonts;
use crate::shim::{Imports, failure};
use crate::view::Model;

/// Keys of `launch.extras` (`wit/player.wit`).
mod extra {
    /// Value 1: nothing is remembered from or for other runs.
    pub(super) const FORGETFUL: u32 = 1;
    /// Value 1: exit when the queue is over.
    pub(super) const EXIT_AT_END: u32 = 2;
    /// Number of faults within the last seconds.
    pub(super) const FAULTS: u32 = 3;
    /// In the answer of `start`. Value 0: the snapshot could not be read.
    pub(super) const UNDERSTOOD: u32 = 1;
}

/// Captions are committed this far ahead, so that they change on time whatever happens to the core.
const CUES_AHEAD_US: i64 = 5 * SECOND_US;

/// `launch.reason`: another build ran until now, whose picture is on the screen.
const SWAP: u32 = 4;
/// Key of the interface's section in a snapshot.
const INTERFACE: u8 = 1;
/// A swap is not to be seen: the old picture stays until the item is known again, but no longer than a slow server may take. It is the
/// delay from which on people notice that nothing reacts.
const CATCH_UP_US: u64 = 100_000;

/// Image format of glyph pages (`wit/display.wit`).
const A8: u32 = 1;

/// The player.
pub(crate) struct Player {
    engine: Engine,
    ui: Ui,
    fonts: Fonts,
    model: Model,
    /// Ids of the builds in the model.
    builds: Vec<String>,
    surface: Surface,
    generation: u64,
    exit_at_end: bool,
    shown: Shown,
    catching_up: Option<CatchingUp>,
}

/// After a swap, before the first picture.
struct CatchingUp {
    until_us: HostUs,
    /// What the build before showed.
    interface: Vec<u8>,
}

/// What the shell was last told, so that it is told only of changes.
#[derive(Default)]
struct Shown {
    title: Option<String>,
    cursor: Option<bool>,
    awake: Option<bool>,
    now_playing: Option<NowPlayingKey>,
    error: Option<String>,
    exited: bool,
}

type NowPlayingKey = (u32, String, Option<i64>, i64, i32);

impl Player {
    /// Starts from `launch`. Effects are staged by the shim until the first `handle` returns.
    pub(crate) fn start(launch: Launch) -> (Player, Turn) {
        let byte = |key| {
            let extra = launch.extras.iter().find(|extra| extra.key == key);
            extra.and_then(|extra| extra.value.first().copied()).unwrap_or(0)
        };
        let config = engine::Config {
            leave_out: byte(extra::FAULTS) >= 2,
            ..engine::Config::new(byte(extra::FORGETFUL) != 1)
        };
        let facts = device::facts();
        let fact = |name: &str| facts.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value);
        let ui = Ui::new(UiConfig {
            pointer: fact("pointer") == "yes",
            tv: fact("class") == "tv",
            reduced_motion: fact("reduced-motion") == "yes",
            locale: fact("locale").to_owned(),
        });
        let snapshot = launch.snapshot.as_deref();
        let mut player = Player {
            engine: Engine::new(config, launch.host_us, snapshot, &mut Imports),
            ui,
            fonts: Fonts::new(facts),
            model: Model::new(device::has("shell.fullscreen"), device::has("shell.pick-file")),
            builds: Vec::new(),
            surface: convert::surface(&launch.surface),
            generation: 0,
            exit_at_end: byte(extra::EXIT_AT_END) == 1,
            shown: Shown::default(),
            catching_up: (launch.reason == SWAP).then(|| CatchingUp {
                until_us: launch.host_us + CATCH_UP_US,
                interface: snapshot
                    .and_then(|snapshot| engine::section(snapshot, INTERFACE))
                    .unwrap_or_default()
                    .to_vec(),
            }),
        };
        if device::has("shell.builds") {
            player.ask_builds();
        }
        // Drawing can wait for the first `handle`, which follows at once and knows what is to be opened.
        let understood =
            types::Extra { key: extra::UNDERSTOOD, value: vec![u8::from(player.engine.understood())] };
        let turn = Turn { wake_us: Some(launch.host_us), checkpoint: false, extras: vec![understood] };
        (player, turn)
    }

    pub(crate) fn handle(&mut self, now: HostUs, events: Vec<Event>) -> Turn {
        for event in events {
            self.event(now, event);
        }
        self.engine.poll(now, &mut Imports);
        if self.catching_up.as_ref().is_some_and(|it| it.until_us <= now || self.engine.is_caught_up()) {
            self.catch_up(now);
        }
        let ui_wake = match &self.catching_up {
            Some(catching_up) => Some(catching_up.until_us),
            None => self.draw(now),
        };
        self.tell_shell(now);
        let wake_us = [self.engine.wake_us(now), ui_wake].into_iter().flatten().min();
        Turn { wake_us, checkpoint: self.engine.take_checkpoint(), extras: Vec::new() }
    }

    pub(crate) fn snapshot(&self, now: HostUs) -> Vec<u8> {
        let mut snapshot = self.engine.snapshot(now);
        let interface = match &self.catching_up {
            Some(catching_up) => catching_up.interface.clone(),
            None => self.ui.snapshot(),
        };
        engine::add_section(&mut snapshot, INTERFACE, &interface);
        snapshot
    }

    /// From now on this instance draws, and goes on from what the build before showed.
    fn catch_up(&mut self, now: HostUs) {
        if let Some(catching_up) = self.catching_up.take() {
            self.model.update(&self.engine, now, CUES_AHEAD_US);
            self.ui.resume(&catching_up.interface, now, &self.model.view(self.engine.status()));
        }
    }

    fn event(&mut self, now: HostUs, event: Event) {
        match event {
            Event::Key(key) => {
                let key = kinora_ui::Key {
                    code: key.code,
                    meaning: key.meaning,
                    phase: key.phase,
                    modifiers: key.modifiers,
                    text: &key.text,
                };
                self.input(now, Input::Key(key));
            }
            Event::Pointer(pointer) => self.input(now, Input::Pointer(convert::pointer(&pointer))),
            Event::Surface(surface) => {
                self.model.fullscreen = surface.fullscreen;
                self.surface = convert::surface(&surface);
            }
            Event::Image((ticket, Some(refused))) => {
                log::write(2, &format!("image {ticket} refused: {}", refused.message));
            }
            Event::Net((ticket, change)) if self.fonts.owns(ticket) => {
                if let Some(font) = self.fonts.net(ticket, change) {
                    for script in self.ui.add_font(font.bytes, &font.faces) {
                        log::write(
                            2,
                            &format!("the font for {} is unusable", String::from_utf8_lossy(&script)),
                        );
                    }
                }
            }
            event => {
                if let Some(event) = convert::engine_event(event) {
                    self.engine.handle(now, event, &mut Imports);
                }
            }
        }
    }

    fn input(&mut self, now: HostUs, input: Input<'_>) {
        self.catch_up(now);
        self.model.update(&self.engine, now, CUES_AHEAD_US);
        let actions = self.ui.input(now, input, &self.model.view(self.engine.status()));
        for action in actions {
            self.act(now, action);
        }
    }

    fn act(&mut self, now: HostUs, action: Action) {
        let (engine, shim) = (&mut self.engine, &mut Imports);
        let mode = |exact| if exact { SeekMode::Exact } else { SeekMode::Key };
        match action {
            Action::TogglePlay => engine.toggle(now, shim),
            Action::Play => engine.play(now, shim),
            Action::Pause => engine.pause(now, shim),
            Action::Stop => engine.stop(now, shim),
            Action::SeekTo { us, exact } => engine.seek_to(us, mode(exact), now, shim),
            Action::SeekBy { us, exact } => engine.seek_by(us, mode(exact), now, shim),
            Action::GoLive => engine.go_live(now, shim),
            Action::StepFrames(frames) => engine.step(frames, now, shim),
            Action::SetRate(permille) => engine.set_rate(permille, now, shim),
            Action::SetVolume(permille) => {
                engine.set_muted(false, now, shim);
                engine.set_volume(permille, now, shim);
            }
            Action::ToggleMute => engine.set_muted(!engine.status().sound.muted, now, shim),
            Action::SelectAudio(id) => engine.select_audio(id as u32, now, shim),
            Action::SelectCaptions(id) => engine.select_captions(id.map(|id| id as u32), now, shim),
            Action::CycleAudio => {
                if let Some(next) = self.model.next_audio() {
                    engine.select_audio(next, now, shim);
                }
            }
            Action::CycleCaptions => engine.select_captions(self.model.next_captions(), now, shim),
            Action::Next => engine.next(now, shim),
            Action::Previous => engine.previous(now, shim),
            Action::ToggleLoop => {
                let repeat = match engine.status().queue.repeat {
                    engine::Repeat::Off => engine::Repeat::One,
                    _ => engine::Repeat::Off,
                };
                engine.set_repeat(repeat, now, shim);
            }
            Action::Retry => engine.retry(now, shim),
            Action::Skip => engine.next(now, shim),
            Action::SetFullscreen(on) => refused("full screen", shell::set_fullscreen(on)),
            Action::OpenFile => refused("choosing a file", shell::pick_file()),
            Action::AskBuilds => self.ask_builds(),
            Action::ChooseBuild(index) => {
                if let Some(build) = self.builds.get(index) {
                    refused("choosing another core", shell::choose_build(build));
                }
            }
            Action::Quit => self.quit(0),
        }
    }

    /// Asks anew which builds there are: others may have been installed since.
    fn ask_builds(&mut self) {
        let builds = shell::builds();
        let label = |build: &shell::Build| BuildLabel { title: build.title.clone(), chosen: build.chosen };
        self.model.builds = builds.iter().map(label).collect();
        self.builds = builds.into_iter().map(|build| build.id).collect();
    }

    /// Brings the screen up to date; the time at which the interface wants to draw again.
    fn draw(&mut self, now: HostUs) -> Option<HostUs> {
        self.model.update(&self.engine, now, CUES_AHEAD_US);
        let frame = self.ui.frame(now, self.surface, &self.model.view(self.engine.status()));
        for script in self.ui.missing_scripts() {
            self.fonts.ask(script);
        }
        if let Err(failure) = self.send(&frame) {
            // The shim's screen is not what the interface believes: everything is sent anew.
            log::write(2, &format!("display: {}", failure.message));
            self.ui.forget_sent();
            return Some(now);
        }
        if self.shown.cursor != Some(frame.cursor_visible) {
            self.shown.cursor = Some(frame.cursor_visible);
            // A shim without a pointer refuses, and has none to hide.
            let _no_pointer = shell::set_cursor(frame.cursor_visible);
        }
        frame.wake_us
    }

    /// Sends what changed: images first, so that nothing is shown without them.
    fn send(&mut self, frame: &Frame) -> Result<(), types::Failure> {
        for image in &frame.images {
            display::put_image(image.key, A8, image.width_px, image.height_px, &image.bytes)?;
        }
        for part in &frame.updates {
            display::update_image(
                part.key,
                part.x_px,
                part.y_px,
                part.width_px,
                part.height_px,
                &part.bytes,
            )?;
        }
        if let Some(patch) = frame.patch() {
            let base = if frame.replaces_all { 0 } else { self.generation };
            let next = self.generation + 1;
            display::commit(base, next, &patch)?;
            self.generation = next;
        }
        for &key in &frame.drops {
            display::drop_image(key);
        }
        Ok(())
    }

    /// Title, keep-awake, media controls and the end, each only when it changes.
    fn tell_shell(&mut self, now: HostUs) {
        let status = self.engine.status();
        let (clock, queue) = (&status.clock, &status.queue);
        let title = queue.titles.get(queue.index).cloned().unwrap_or_default();
        if self.shown.title.as_ref() != Some(&title) {
            let _no_window = shell::set_title(&if title.is_empty() {
                "Kinora".into()
            } else {
                format!("{title} – Kinora")
            });
            self.shown.title = Some(title.clone());
        }
        let playing = clock.wants_play && !matches!(clock.phase, Phase::Idle | Phase::Ended | Phase::Failed);
        if self.shown.awake != Some(playing) {
            let _cannot = shell::set_awake(playing);
            self.shown.awake = Some(playing);
        }
        let kind = match clock.phase {
            Phase::Idle => 0,
            _ if playing => 2,
            _ => 1,
        };
        // Where the item would have begun, had it played all along: changes with a seek or a pause, not with time.
        // A live stream has neither beginning nor length.
        let (position_us, duration_us) = match clock.live {
            Some(_) => (0, None),
            None => (clock.media_at(now) - clock.start_us, clock.duration_us),
        };
        let origin = if clock.anchor.rate_permille == 0 { position_us } else { clock.anchor.media_us };
        let key = (kind, title.clone(), duration_us, origin, clock.anchor.rate_permille);
        if self.shown.now_playing.as_ref() != Some(&key) {
            self.shown.now_playing = Some(key);
            let _no_controls = shell::set_now_playing(&shell::NowPlaying {
                kind,
                title,
                artist: String::new(),
                duration_us,
                position_us,
                rate_permille: clock.rate_permille,
                can_next: queue.can_next,
                can_previous: queue.index > 0,
                extras: Vec::new(),
            });
        }
        let error =
            status.error.as_ref().map(|card| format!("{}: {} {}", card.title, card.reason, card.hint));
        if self.shown.error != error {
            if let Some(error) = &error {
                log::write(1, error);
            }
            self.shown.error = error;
        }
        let phase = clock.phase;
        let last = !queue.can_next;
        if self.exit_at_end && last && matches!(phase, Phase::Ended | Phase::Failed) {
            self.quit(u32::from(phase == Phase::Failed));
        }
    }

    fn quit(&mut self, status: u32) {
        if !self.shown.exited {
            self.shown.exited = true;
            shell::exit(status);
        }
    }
}

/// What a shim refuses although it was asked for is worth a line in the log.
fn refused(what: &str, result: Result<(), types::Failure>) {
    if let Err(f) = result {
        log::write(2, &format!("{what}: {}", failure(f).message));
    }
}
