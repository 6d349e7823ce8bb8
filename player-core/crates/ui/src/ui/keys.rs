//! Keys: bindings, and the D-pad among controls, menus and cards.

use kinora_time::{HostUs, SECOND_US};

use super::{Screen, Ui};
use crate::action::{Action, Key};
use crate::bindings::{self, Command, SPEEDS};
use crate::focus::{self, Control, Direction};
use crate::screens::menu::{Menu, MenuKind};
use crate::view::{Phase, View};

impl Ui {
    pub(super) fn key(&mut self, now: HostUs, key: &Key<'_>, view: &View<'_>) -> Vec<Action> {
        let arrows_move = self.config.tv || self.menu.is_some() || self.screen != Screen::Player;
        let Some(command) = bindings::command(key, arrows_move) else { return Vec::new() };
        let repeats = matches!(command, Command::Move(Direction::Left | Direction::Right)) && key.phase == 2;
        self.held = if repeats { self.held + 1 } else { 0 };
        match command {
            Command::Move(way) => self.dpad(now, way, view),
            Command::Ok => self.ok(now, view),
            Command::Tab { back } => {
                self.tab(now, back);
                Vec::new()
            }
            Command::Escape | Command::Back => self.leave(now, command == Command::Back, view),
            Command::Act(action) => self.act(now, action, view),
            Command::Tenth(10) if view.live.is_some() => self.act(now, Action::GoLive, view),
            Command::Tenth(tenth) => match view.bar_us() {
                Some(duration) if view.seekable => {
                    let us = view.start_us.saturating_add(duration / 10 * tenth);
                    self.act(now, Action::SeekTo { us, exact: true }, view)
                }
                _ => Vec::new(),
            },
            Command::VolumeBy(by) => {
                let volume = view.volume_permille.saturating_add_signed(by).min(1000);
                vec![Action::SetVolume(volume)]
            }
            Command::RateStep(step) => {
                let rate = view.rate_permille;
                let next = if step > 0 {
                    SPEEDS.iter().find(|speed| **speed > rate)
                } else {
                    SPEEDS.iter().rev().find(|speed| **speed < rate)
                };
                next.map(|speed| Action::SetRate(*speed)).into_iter().collect()
            }
            Command::Settings if view.builds.is_empty() => Vec::new(),
            Command::Settings => {
                self.poke(now);
                self.focus_visible = true;
                self.toggle_menu(now, MenuKind::Builds, view);
                vec![Action::AskBuilds]
            }
            Command::ToggleFullscreen => self.act(now, Action::SetFullscreen(!view.fullscreen), view),
        }
    }

    /// Passes an action on if it means anything now.
    fn act(&mut self, now: HostUs, action: Action, view: &View<'_>) -> Vec<Action> {
        let playing = self.screen == Screen::Player;
        let allowed = match action {
            Action::SeekBy { .. } | Action::SeekTo { .. } => playing && view.can_seek(),
            Action::GoLive => playing && view.live.is_some(),
            Action::TogglePlay | Action::Play | Action::Pause | Action::Stop | Action::StepFrames(_) => {
                playing
            }
            Action::CycleCaptions => playing && !view.caption_tracks.is_empty(),
            Action::CycleAudio => playing && view.audio_tracks.len() > 1,
            Action::ToggleLoop | Action::SetRate(_) => playing,
            Action::Next => view.queue_index + 1 < view.queue_len,
            Action::Previous => view.queue_len > 1,
            Action::SetFullscreen(_) => view.can_fullscreen,
            Action::OpenFile => view.can_open,
            _ => true,
        };
        let quiet = matches!(
            action,
            Action::SetVolume(_) | Action::ToggleMute | Action::SetFullscreen(_) | Action::CycleCaptions
        );
        if !quiet {
            self.poke(now);
        }
        if allowed { vec![action] } else { Vec::new() }
    }

    fn dpad(&mut self, now: HostUs, way: Direction, view: &View<'_>) -> Vec<Action> {
        if self.menu.is_some() {
            self.poke(now);
            self.focus_visible = true;
            self.move_in_menu(way, view);
            return Vec::new();
        }
        let sideways = match way {
            Direction::Left => -1,
            Direction::Right => 1,
            Direction::Up | Direction::Down => 0,
        };
        if self.screen == Screen::Player && !self.controls.shown() {
            self.poke(now);
            self.focus_visible = true;
            if sideways != 0 && view.can_seek() {
                self.focus = Control::Seek;
                return self.seek_step(sideways);
            }
            self.focus = Control::Play;
            return Vec::new();
        }
        self.poke(now);
        if !std::mem::replace(&mut self.focus_visible, true) {
            return Vec::new();
        }
        if sideways != 0 && self.focus == Control::Seek {
            return self.seek_step(sideways);
        }
        let volume = view.volume_permille;
        if sideways != 0
            && self.focus == Control::Volume
            && (if sideways < 0 { volume > 0 } else { volume < 1000 })
        {
            return vec![Action::SetVolume(volume.saturating_add_signed(sideways as i32 * 50).min(1000))];
        }
        if let Some(next) = focus::neighbour(&self.placed, self.focus, way) {
            self.focus = next;
        } else if !self.placed.iter().any(|placed| placed.control == self.focus)
            && let Some(first) = self.placed.first()
        {
            self.focus = first.control;
        }
        Vec::new()
    }

    /// A step of the seek bar: ten seconds, longer the longer the key is held.
    fn seek_step(&self, sideways: i64) -> Vec<Action> {
        let seconds = match self.held {
            0..8 => 10,
            8..24 => 30,
            _ => 60,
        };
        vec![Action::SeekBy { us: sideways * seconds * SECOND_US, exact: self.held == 0 }]
    }

    fn ok(&mut self, now: HostUs, view: &View<'_>) -> Vec<Action> {
        let hidden = self.screen == Screen::Player && !self.controls.shown();
        self.poke(now);
        if hidden || !self.focus_visible {
            self.focus_visible |= self.config.tv;
            return if self.screen == Screen::Player {
                vec![Action::TogglePlay]
            } else {
                self.activate(now, self.focus, view)
            };
        }
        match self.menu.as_ref().map(|menu| menu.focus) {
            Some(row) => self.activate(now, Control::Item(row), view),
            None => self.activate(now, self.focus, view),
        }
    }

    fn tab(&mut self, now: HostUs, back: bool) {
        let seen = self.controls.shown() || self.screen != Screen::Player;
        self.poke(now);
        if self.menu.is_some() || !seen || !std::mem::replace(&mut self.focus_visible, true) {
            self.focus_visible = true;
            return;
        }
        if let Some(next) = focus::next(&self.placed, self.focus, back) {
            self.focus = next;
        }
    }

    fn leave(&mut self, now: HostUs, back: bool, view: &View<'_>) -> Vec<Action> {
        if self.menu.take().is_some() {
            self.poke(now);
        } else if back && self.screen == Screen::Player && self.controls.shown() && view.phase != Phase::Ended
        {
            self.hide_controls(now);
        } else if view.fullscreen && view.can_fullscreen {
            return vec![Action::SetFullscreen(false)];
        } else if back {
            return vec![Action::Quit];
        }
        Vec::new()
    }

    fn toggle_menu(&mut self, now: HostUs, kind: MenuKind, view: &View<'_>) {
        let closes = self.menu.as_ref().is_some_and(|menu| menu.kind == kind);
        self.menu = if closes { None } else { Some(Menu::open(kind, view, now)) };
        self.ring = None;
    }

    /// Does what a control is for.
    pub(super) fn activate(&mut self, now: HostUs, control: Control, view: &View<'_>) -> Vec<Action> {
        let seconds = |s: i64| Action::SeekBy { us: s * SECOND_US, exact: true };
        let action = match control {
            Control::Play | Control::Seek => Action::TogglePlay,
            Control::Back => seconds(-10),
            Control::Forward => seconds(10),
            Control::Live => Action::GoLive,
            Control::Previous => Action::Previous,
            Control::Next => Action::Next,
            Control::Mute | Control::Volume => Action::ToggleMute,
            Control::Fullscreen => Action::SetFullscreen(!view.fullscreen),
            Control::Open => Action::OpenFile,
            Control::Retry => Action::Retry,
            Control::Skip => Action::Skip,
            Control::Captions | Control::Audio | Control::Speed => {
                let kind = match control {
                    Control::Captions => MenuKind::Captions,
                    Control::Audio => MenuKind::Audio,
                    _ => MenuKind::Speed,
                };
                self.toggle_menu(now, kind, view);
                return Vec::new();
            }
            Control::Item(row) => {
                let chosen =
                    self.menu.take().and_then(|menu| menu.kind.rows(view).into_iter().nth(row.into()));
                self.ring = None;
                return chosen.map(|row| row.action).into_iter().collect();
            }
            Control::Menu => return Vec::new(),
        };
        self.act(now, action, view)
    }
}
