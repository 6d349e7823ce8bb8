//! Mouse, touch and pen.

use kinora_time::{HostUs, MediaUs};

use super::{Drag, Screen, Ui};
use crate::action::{Action, Pointer};
use crate::focus::Control;
use crate::view::View;

const DOWN: u32 = 1;
const MOVE: u32 = 2;
const UP: u32 = 3;
const LEAVE: u32 = 4;
const WHEEL: u32 = 5;
const CANCEL: u32 = 6;
const PRIMARY: u32 = 1;
const NOTCH: i32 = 120_000;
/// A notch of the wheel, in permille of volume.
const NOTCH_VOLUME: i32 = 50;
/// Dragging the seek bar asks for a key frame at most so often: a seek shows its picture before the next one replaces it.
const DRAG_EVERY_US: u64 = 80_000;

impl Ui {
    pub(super) fn pointer(&mut self, now: HostUs, p: &Pointer, view: &View<'_>) -> Vec<Action> {
        self.pointer_at = (p.x_milli_px.div_euclid(1000), p.y_milli_px.div_euclid(1000));
        match p.phase {
            LEAVE => {
                self.hover = None;
                return Vec::new();
            }
            CANCEL => {
                self.hover = None;
                self.press = None;
                self.drag = None;
                return Vec::new();
            }
            _ => self.hover = Control::of(p.node),
        }
        self.poke(now);
        match p.phase {
            DOWN if p.buttons & PRIMARY != 0 => self.pointer_down(now, p, view),
            MOVE => self.pointer_move(now, view),
            UP if p.buttons & PRIMARY == 0 => self.pointer_up(now, view),
            WHEEL => self.pointer_wheel(p, view),
            _ => Vec::new(),
        }
    }

    fn pointer_down(&mut self, now: HostUs, p: &Pointer, view: &View<'_>) -> Vec<Action> {
        self.focus_visible = false;
        self.press = Some(self.hover);
        match self.hover {
            Some(Control::Seek) if view.can_seek() => {
                let media_us = self.media_at_pointer(view);
                self.drag = Some(Drag { control: Control::Seek, media_us, asked_us: now });
                vec![Action::SeekTo { us: media_us, exact: false }]
            }
            Some(Control::Volume) => {
                self.drag = Some(Drag { control: Control::Volume, media_us: 0, asked_us: now });
                vec![Action::SetVolume(self.volume_at_pointer())]
            }
            None if self.menu.take().is_some() => {
                // The press that closes a menu does nothing else.
                self.press = None;
                Vec::new()
            }
            None if p.clicks == 2 && self.screen == Screen::Player && view.can_fullscreen => {
                vec![Action::SetFullscreen(!view.fullscreen)]
            }
            _ => Vec::new(),
        }
    }

    fn pointer_move(&mut self, now: HostUs, view: &View<'_>) -> Vec<Action> {
        let Some(mut drag) = self.drag else { return Vec::new() };
        if drag.control == Control::Volume {
            return vec![Action::SetVolume(self.volume_at_pointer())];
        }
        drag.media_us = self.media_at_pointer(view);
        let due = now.saturating_sub(drag.asked_us) >= DRAG_EVERY_US;
        if due {
            drag.asked_us = now;
        }
        self.drag = Some(drag);
        if due { vec![Action::SeekTo { us: drag.media_us, exact: false }] } else { Vec::new() }
    }

    fn pointer_up(&mut self, now: HostUs, view: &View<'_>) -> Vec<Action> {
        let pressed = self.press.take();
        if let Some(drag) = self.drag.take() {
            return if drag.control == Control::Seek {
                vec![Action::SeekTo { us: self.media_at_pointer(view), exact: true }]
            } else {
                Vec::new()
            };
        }
        match (pressed, self.hover) {
            // The second click of a double click undoes what the first one did.
            (Some(None), None) if self.screen == Screen::Player => vec![Action::TogglePlay],
            (Some(Some(down)), Some(up)) if down == up => self.activate(now, down, view),
            _ => Vec::new(),
        }
    }

    fn pointer_wheel(&mut self, p: &Pointer, view: &View<'_>) -> Vec<Action> {
        self.wheel = self.wheel.saturating_add(p.delta_y);
        let notches = self.wheel / NOTCH;
        self.wheel %= NOTCH;
        if notches == 0 {
            return Vec::new();
        }
        if self.menu.is_some() {
            self.scroll_menu(notches, view);
            return Vec::new();
        }
        let by = notches.saturating_mul(-NOTCH_VOLUME);
        vec![Action::SetVolume(view.volume_permille.saturating_add_signed(by).min(1000))]
    }

    /// The media time under the pointer on the seek bar.
    pub(crate) fn media_at_pointer(&self, view: &View<'_>) -> MediaUs {
        let along = self.pointer_at.0.saturating_sub(self.track.x).clamp(0, self.track.w.max(1));
        let duration = view.bar_us().unwrap_or(0);
        let into = kinora_time::mul_div_floor(duration, along.into(), self.track.w.max(1).into());
        view.start_us.saturating_add(into)
    }

    fn volume_at_pointer(&self) -> u32 {
        let Some(at) = self.placed.iter().find(|placed| placed.control == Control::Volume) else { return 0 };
        let line = self.volume_line(at.at);
        let along = self.pointer_at.0.saturating_sub(line.x).clamp(0, line.w.max(1));
        (along * 1000 / line.w.max(1)) as u32
    }
}
