//! Values that move by themselves. The core computes the same curve as the shim, so that a movement interrupted half way starts
//! from where the screen is.

use kinora_display_list::{Binding, Clock, Curve, Key, Property};
use kinora_time::HostUs;

/// A value on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tween {
    from: i32,
    to: i32,
    start_us: HostUs,
    duration_us: u64,
}

impl Tween {
    /// A value that rests.
    pub(crate) const fn at(value: i32) -> Tween {
        Tween { from: value, to: value, start_us: 0, duration_us: 0 }
    }

    /// Where it is going.
    pub(crate) fn target(&self) -> i32 {
        self.to
    }

    /// Sends it somewhere else from where it is now. Nothing changes when it is already on its way there.
    pub(crate) fn go(&mut self, to: i32, now: HostUs, duration_us: u64) {
        if to != self.to {
            *self = Tween { from: self.value(now), to, start_us: now, duration_us };
        }
    }

    /// The instant it arrives, if it is still under way.
    pub(crate) fn end(&self, now: HostUs) -> Option<HostUs> {
        let end = self.start_us.saturating_add(self.duration_us);
        (self.from != self.to && now < end).then_some(end)
    }

    /// Value at `now`, ease-out: `1 - (1 - t)^3`.
    pub(crate) fn value(&self, now: HostUs) -> i32 {
        if self.duration_us == 0 || now >= self.start_us.saturating_add(self.duration_us) {
            return self.to;
        }
        let left = 1000 - (now.saturating_sub(self.start_us) * 1000 / self.duration_us) as i64;
        let rest = left * left * left / 1_000_000;
        self.to - ((i64::from(self.to) - i64::from(self.from)) * rest / 1000) as i32
    }

    /// The binding that makes the shim show it; `map` turns the value into the property's unit. None when it rests.
    pub(crate) fn binding(&self, property: Property, map: impl Fn(i32) -> i32) -> Option<Binding> {
        let (from, to) = (map(self.from), map(self.to));
        (from != to && self.duration_us > 0).then(|| Binding {
            property,
            clock: Clock::Host,
            keys: vec![
                Key { at_us: self.start_us as i64, value: from },
                Key { at_us: (self.start_us + self.duration_us) as i64, value: to },
            ],
            curve: Curve::EaseOut,
            repeat_us: 0,
        })
    }
}

/// Something that fades in and out, permille.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fade(Tween);

impl Fade {
    pub(crate) const HIDDEN: Fade = Fade(Tween::at(0));
    pub(crate) const SHOWN: Fade = Fade(Tween::at(1000));

    pub(crate) fn set(&mut self, shown: bool, now: HostUs) {
        let (to, duration) =
            if shown { (1000, crate::theme::FADE_IN_US) } else { (0, crate::theme::FADE_OUT_US) };
        self.0.go(to, now, duration);
    }

    /// Shown or on its way to be.
    pub(crate) fn shown(&self) -> bool {
        self.0.target() > 0
    }

    /// Whether there is anything to draw.
    pub(crate) fn drawn(&self, now: HostUs) -> bool {
        self.shown() || self.0.end(now).is_some()
    }

    /// When what has faded out is to be taken away.
    pub(crate) fn gone_at(&self, now: HostUs) -> Option<HostUs> {
        if self.shown() { None } else { self.0.end(now) }
    }

    pub(crate) fn tween(&self) -> &Tween {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tween_interrupted_half_way_starts_from_there() {
        let mut tween = Tween::at(0);
        tween.go(1000, 0, 100);
        assert_eq!(tween.value(50), 875);
        tween.go(0, 50, 200);
        assert_eq!(tween.value(50), 875);
        assert_eq!(tween.value(250), 0);
        assert_eq!(tween.end(250), None);
    }
}
