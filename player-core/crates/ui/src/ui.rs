//! The state of the interface, and the way from a view to what the shim is told.

mod keys;
mod pointer;
mod resume;
mod timers;

use std::collections::BTreeMap;

use kinora_display_list::{Layer, Node};
use kinora_time::{HostUs, MediaUs};

use crate::action::{Action, Input};
use crate::anim::{Fade, Tween};
use crate::focus::Control;
use crate::layout::{Box2, Metrics, Placed};
use crate::screens::menu::Menu;
use crate::text::Text;
use crate::text::atlas::{ImagePut, ImageUpdate};
use crate::theme;
use crate::view::{Phase, Surface, UiConfig, View};

/// What the shim is to be told after a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Layers that changed; empty: the screen stays as it is, nothing is to be committed.
    pub layers: Vec<Layer>,
    /// The commit replaces everything (base generation 0).
    pub replaces_all: bool,
    /// New images, to be put before the commit.
    pub images: Vec<ImagePut>,
    /// Changed parts of images, before the commit too.
    pub updates: Vec<ImageUpdate>,
    /// Images that no layer shows any more, to be dropped after the commit.
    pub drops: Vec<u64>,
    /// When the screen next has to change by itself; none: only when something happens.
    pub wake_us: Option<HostUs>,
    /// Whether the pointer is to be seen.
    pub cursor_visible: bool,
}

impl Frame {
    /// The patch for `display.commit`; none when there is nothing to commit.
    pub fn patch(&self) -> Option<Vec<u8>> {
        (!self.layers.is_empty()).then(|| kinora_display_list::encode(&self.layers))
    }
}

/// Which of the three screens shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Screen {
    Idle,
    Player,
    Failed,
}

impl Screen {
    pub(crate) fn of(phase: Phase) -> Screen {
        match phase {
            Phase::Idle => Screen::Idle,
            Phase::Failed => Screen::Failed,
            _ => Screen::Player,
        }
    }
}

/// What the pointer drags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Drag {
    /// The seek bar or the volume.
    pub(crate) control: Control,
    /// Where the seek bar is held.
    pub(crate) media_us: MediaUs,
    /// When the last seek was asked for.
    asked_us: HostUs,
}

/// The focus ring's last move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ring {
    pub(crate) from: Box2,
    pub(crate) to: Box2,
    pub(crate) since_us: HostUs,
}

/// Something that shows for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Brief<T> {
    pub(crate) what: T,
    pub(crate) fade: Fade,
    until_us: HostUs,
}

/// The interface.
pub struct Ui {
    pub(crate) config: UiConfig,
    pub(crate) text: Text,
    pub(crate) m: Metrics,
    pub(crate) screen: Screen,
    phase: Phase,
    pub(crate) controls: Fade,
    hide_at_us: HostUs,
    pub(crate) focus: Control,
    pub(crate) focus_visible: bool,
    pub(crate) ring: Option<Ring>,
    /// Under the pointer, and where that is.
    pub(crate) hover: Option<Control>,
    pub(crate) pointer_at: (i32, i32),
    press: Option<Option<Control>>,
    pub(crate) drag: Option<Drag>,
    wheel: i32,
    /// Arrow presses in a row on the seek bar.
    held: i64,
    pub(crate) menu: Option<Menu>,
    pub(crate) card: Fade,
    pub(crate) volume: Brief<(u32, bool)>,
    pub(crate) notice: Brief<String>,
    seen: timers::Seen,
    pub(crate) waiting_since_us: Option<HostUs>,
    /// How far captions are raised over the controls, pixels.
    pub(crate) raise: Tween,
    /// First second of the running time that is committed.
    pub(crate) time_base: i64,
    pub(crate) placed: Vec<Placed>,
    pub(crate) track: Box2,
    sent: BTreeMap<u32, Layer>,
    replaces_all: bool,
}

impl Ui {
    /// An interface that has shown nothing yet.
    pub fn new(config: UiConfig) -> Ui {
        let surface = Surface { width_px: 1, height_px: 1, scale_permille: 1000 };
        Ui {
            text: Text::new(&config.locale),
            m: Metrics::new(surface, &config),
            focus_visible: config.tv,
            config,
            screen: Screen::Idle,
            phase: Phase::Idle,
            controls: Fade::HIDDEN,
            hide_at_us: 0,
            focus: Control::Open,
            ring: None,
            hover: None,
            pointer_at: (0, 0),
            press: None,
            drag: None,
            wheel: 0,
            held: 0,
            menu: None,
            card: Fade::HIDDEN,
            volume: Brief { what: (0, false), fade: Fade::HIDDEN, until_us: 0 },
            notice: Brief { what: String::new(), fade: Fade::HIDDEN, until_us: 0 },
            seen: timers::Seen::default(),
            waiting_since_us: None,
            raise: Tween::at(0),
            time_base: 0,
            placed: Vec::new(),
            track: Box2::default(),
            sent: BTreeMap::new(),
            replaces_all: true,
        }
    }

    /// What a person's input asks for.
    pub fn input(&mut self, now: HostUs, input: Input<'_>, view: &View<'_>) -> Vec<Action> {
        self.enter(now, view);
        match input {
            Input::Key(key) => self.key(now, &key, view),
            Input::Pointer(pointer) => self.pointer(now, &pointer, view),
        }
    }

    /// The screen for `view`, as the difference to what was returned before.
    pub fn frame(&mut self, now: HostUs, surface: Surface, view: &View<'_>) -> Frame {
        self.m = Metrics::new(surface, &self.config);
        self.enter(now, view);
        self.run_timers(now, view);
        let mut layers = self.build(now, view);
        if self.text.atlas().is_full() {
            self.text.atlas().restart();
            layers = self.build(now, view);
        }

        let mut changed: Vec<Layer> = Vec::new();
        for id in self.sent.keys().filter(|id| layers.iter().all(|layer| layer.id != **id)) {
            changed.push(Layer { id: *id, z: *id as i32, nodes: Vec::new() });
        }
        for layer in &layers {
            if self.sent.get(&layer.id) != Some(layer) {
                changed.push(layer.clone());
            }
        }
        self.sent = layers.into_iter().map(|layer| (layer.id, layer)).collect();
        let images = self.text.atlas().changes();
        Frame {
            replaces_all: !changed.is_empty() && std::mem::take(&mut self.replaces_all),
            layers: changed,
            images: images.puts,
            updates: images.updates,
            drops: images.drops,
            wake_us: self.wake(now, view),
            cursor_visible: self.screen != Screen::Player || self.controls.shown(),
        }
    }

    /// After a commit failed with `rebuild`, or the shim lost its images: the next frame sends everything.
    pub fn forget_sent(&mut self) {
        self.sent.clear();
        self.replaces_all = true;
        self.text.atlas().forget_sent();
    }

    /// ISO 15924 codes of scripts that were to be shown and that no font covers.
    pub fn missing_scripts(&self) -> Vec<[u8; 4]> {
        self.text.missing_scripts()
    }

    /// A font file, and which of its faces is for which of [`Ui::missing_scripts`] or of those that may come; no bytes: there is none.
    /// Returns the scripts it is unusable for: boxes stand for their characters, and they are not asked for again.
    pub fn add_font(&mut self, bytes: Vec<u8>, faces: &[([u8; 4], u32)]) -> Vec<[u8; 4]> {
        self.text.add_font(bytes, faces)
    }

    fn build(&mut self, now: HostUs, view: &View<'_>) -> Vec<Layer> {
        let mut out = Layers(Vec::new());
        self.placed.clear();
        match self.screen {
            Screen::Idle => self.idle_layers(&mut out, now, view),
            Screen::Player => self.player_layers(&mut out, now, view),
            Screen::Failed => self.error_layers(&mut out, now, view),
        }
        self.overlay_layers(&mut out, now);
        out.0
    }

    /// Shows the controls for a while.
    pub(crate) fn poke(&mut self, now: HostUs) {
        if self.screen == Screen::Player {
            self.controls.set(true, now);
            let stay = if self.config.tv { theme::HIDE_TV_US } else { theme::HIDE_POINTER_US };
            self.hide_at_us = now.saturating_add(stay);
        }
    }
}

/// Layers of a frame; an id is also the drawing order.
pub(crate) struct Layers(pub(crate) Vec<Layer>);

impl Layers {
    /// Adds a layer unless it is empty.
    pub(crate) fn push(&mut self, id: u32, nodes: Vec<Node>) {
        if !nodes.is_empty() {
            self.0.push(Layer { id, z: id as i32, nodes });
        }
    }
}
