//! Mouse and touch as the contract's pointers.

use kinora_port::{HostUs, Pointer};
use winit::event::{ElementState, MouseButton, MouseScrollDelta, Touch, TouchPhase, WindowEvent};

/// A wheel's notch (`wit/player.wit`).
const NOTCH: f64 = 120_000.0;
/// A touchpad scrolls by logical pixels: so many count as a notch, as in browsers.
const NOTCH_PX: f64 = 100.0;
/// A second press within this time and distance is a double click.
const DOUBLE_US: HostUs = 400_000;
const DOUBLE_PX: f64 = 4.0;

/// Phases (`wit/player.wit`).
mod phase {
    pub(super) const DOWN: u32 = 1;
    pub(super) const MOVE: u32 = 2;
    pub(super) const UP: u32 = 3;
    pub(super) const LEAVE: u32 = 4;
    pub(super) const WHEEL: u32 = 5;
    pub(super) const CANCEL: u32 = 6;
}

const PRIMARY: u32 = 1;

/// Where the mouse is and what it holds.
#[derive(Default)]
pub(crate) struct Pointers {
    at: (f64, f64),
    buttons: u32,
    /// The last primary press that may become half of a double click.
    pressed: Option<(HostUs, (f64, f64))>,
}

impl Pointers {
    /// The contract's event for one of the window's, if it is one of a pointer.
    pub(crate) fn translate(
        &mut self,
        event: &WindowEvent,
        scale: f64,
        modifiers: u32,
        now: HostUs,
    ) -> Option<Pointer> {
        let mut pointer = match event {
            WindowEvent::CursorMoved { position, .. } => {
                self.at = (position.x, position.y);
                self.event(phase::MOVE)
            }
            WindowEvent::CursorLeft { .. } => self.event(phase::LEAVE),
            WindowEvent::MouseInput { state, button, .. } => self.button(*state, *button, scale, now)?,
            WindowEvent::MouseWheel { delta, .. } => {
                let (x, y) = match delta {
                    MouseScrollDelta::LineDelta(x, y) => (f64::from(*x), f64::from(*y)),
                    MouseScrollDelta::PixelDelta(px) => (px.x / scale / NOTCH_PX, px.y / scale / NOTCH_PX),
                };
                // The window system counts the way the content moves.
                let delta = |notches: f64| (-notches * NOTCH).round() as i32;
                Pointer { delta_x: delta(x), delta_y: delta(y), ..self.event(phase::WHEEL) }
            }
            WindowEvent::Touch(touch) => self.touch(touch, scale, now),
            _ => return None,
        };
        (pointer.modifiers, pointer.host_us) = (modifiers, now);
        Some(pointer)
    }

    fn event(&self, phase: u32) -> Pointer {
        let milli = |px: f64| (px * 1000.0).round() as i32;
        Pointer {
            phase,
            x_milli_px: milli(self.at.0),
            y_milli_px: milli(self.at.1),
            buttons: self.buttons,
            ..Pointer::default()
        }
    }

    fn button(
        &mut self,
        state: ElementState,
        button: MouseButton,
        scale: f64,
        now: HostUs,
    ) -> Option<Pointer> {
        let bit = match button {
            MouseButton::Left => PRIMARY,
            MouseButton::Right => 2,
            MouseButton::Middle => 4,
            MouseButton::Back => 8,
            MouseButton::Forward => 16,
            MouseButton::Other(_) => return None,
        };
        if state == ElementState::Released {
            self.buttons &= !bit;
            return Some(self.event(phase::UP));
        }
        self.buttons |= bit;
        let clicks = if bit == PRIMARY { self.press(scale, now) } else { 1 };
        Some(Pointer { clicks, ..self.event(phase::DOWN) })
    }

    /// Counts a primary press: 1, or 2 for the second of a double click.
    fn press(&mut self, scale: f64, now: HostUs) -> u32 {
        let near = |(at, (x, y)): &(HostUs, (f64, f64))| {
            now - at <= DOUBLE_US && (x - self.at.0).hypot(y - self.at.1) <= DOUBLE_PX * scale
        };
        match self.pressed.take().filter(near) {
            Some(_) => 2,
            None => {
                self.pressed = Some((now, self.at));
                1
            }
        }
    }

    fn touch(&mut self, touch: &Touch, scale: f64, now: HostUs) -> Pointer {
        self.at = (touch.location.x, touch.location.y);
        let phase = match touch.phase {
            TouchPhase::Started => phase::DOWN,
            TouchPhase::Moved => phase::MOVE,
            TouchPhase::Ended => phase::UP,
            TouchPhase::Cancelled => phase::CANCEL,
        };
        let buttons = if matches!(phase, phase::DOWN | phase::MOVE) { PRIMARY } else { 0 };
        let clicks = if phase == phase::DOWN { self.press(scale, now) } else { 0 };
        // The mouse is pointer 0.
        Pointer { device: (touch.id as u32).saturating_add(1), buttons, clicks, ..self.event(phase) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use winit::dpi::PhysicalPosition;
    use winit::event::DeviceId;

    fn press(pointers: &mut Pointers, now: HostUs) -> Pointer {
        let device_id = DeviceId::dummy();
        let (state, button) = (ElementState::Pressed, MouseButton::Left);
        pointers.translate(&WindowEvent::MouseInput { device_id, state, button }, 1.0, 0, now).unwrap()
    }

    fn move_to(pointers: &mut Pointers, x: f64) -> Pointer {
        let event = WindowEvent::CursorMoved {
            device_id: DeviceId::dummy(),
            position: PhysicalPosition::new(x, 2.5),
        };
        pointers.translate(&event, 1.0, 0, 0).unwrap()
    }

    fn wheel(delta: MouseScrollDelta) -> (i32, i32) {
        let event = WindowEvent::MouseWheel { device_id: DeviceId::dummy(), delta, phase: TouchPhase::Moved };
        let pointer = Pointers::default().translate(&event, 2.0, 0, 0).unwrap();
        (pointer.delta_x, pointer.delta_y)
    }

    #[test]
    fn presses_near_in_time_and_place_make_a_double_click_once() {
        let mut pointers = Pointers::default();
        let clicks: Vec<_> =
            [0, 300_000, 600_000, 1_200_000].map(|at| press(&mut pointers, at).clicks).into();
        assert_eq!(clicks, [1, 2, 1, 1]);
        move_to(&mut pointers, 50.0);
        assert_eq!(press(&mut pointers, 1_300_000).clicks, 1);
    }

    #[test]
    fn moves_are_in_thousandths_of_a_physical_pixel_with_held_buttons() {
        let mut pointers = Pointers::default();
        press(&mut pointers, 0);
        let moved = move_to(&mut pointers, 10.25);
        assert_eq!((moved.phase, moved.x_milli_px, moved.y_milli_px, moved.buttons), (2, 10_250, 2_500, 1));
    }

    #[test]
    fn wheel_turned_away_scrolls_up_by_notches_or_pixels() {
        assert_eq!(wheel(MouseScrollDelta::LineDelta(0.0, 1.0)), (0, -120_000));
        let pixels = PhysicalPosition::new(-100.0, -200.0);
        assert_eq!(wheel(MouseScrollDelta::PixelDelta(pixels)), (60_000, 120_000));
    }
}
