//! Which picture is on the screen at a vsync.

use std::collections::VecDeque;
use std::sync::Arc;

use kinora_port::{HostUs, MediaUs, VideoFrame};

/// A picture is shown at least this often, however late all of them are.
const FORCE_US: u64 = 100_000;

/// How pictures are paced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pacing {
    /// At each vsync the picture that is due then; what is overtaken is dropped.
    Vsync,
    /// Each picture once at its own time, none dropped: for recording and comparing.
    EveryFrame,
}

#[derive(Default)]
pub(crate) struct Pacer {
    shown: Option<Arc<VideoFrame>>,
    shown_at: HostUs,
    /// The next picture is shown at once, whenever it is due.
    fresh: bool,
    /// Pictures whose time lies about midway between two vsyncs are shown at the earlier one.
    early: bool,
}

/// What a choice did.
#[derive(Default)]
pub(crate) struct Choice {
    /// A picture that was not on the screen before.
    pub(crate) new: Option<Arc<VideoFrame>>,
    /// Pictures overtaken.
    pub(crate) dropped: u64,
}

impl Pacer {
    pub(crate) fn shown(&self) -> Option<&Arc<VideoFrame>> {
        self.shown.as_ref()
    }

    /// When the picture on the screen is over.
    pub(crate) fn shown_until(&self) -> Option<MediaUs> {
        let frame = self.shown.as_ref().filter(|_| !self.fresh)?;
        Some(frame.pts_us.saturating_add(i64::from(frame.duration_us)))
    }

    pub(crate) fn expect_fresh(&mut self) {
        self.fresh = true;
    }

    pub(crate) fn is_fresh(&self) -> bool {
        self.fresh || self.shown.is_none()
    }

    /// Whether the screen waited so long that even a late picture is shown.
    pub(crate) fn is_overdue(&self, now: HostUs) -> bool {
        now.saturating_sub(self.shown_at) >= FORCE_US
    }

    fn show(&mut self, frame: Arc<VideoFrame>, now: HostUs) -> Arc<VideoFrame> {
        self.shown = Some(frame.clone());
        self.shown_at = now;
        self.fresh = false;
        frame
    }

    /// The picture for a vsync of `period_us` at which `position` is audible. A picture is due at the vsync nearest to its pts; one near
    /// the middle between two stays on the side where the last such was, so that the clock's noise does not break the cadence
    /// (24 in 60 is a strict 3:2).
    pub(crate) fn choose(
        &mut self,
        frames: &mut VecDeque<Arc<VideoFrame>>,
        position: MediaUs,
        period_us: u64,
        now: HostUs,
        pacing: Pacing,
    ) -> Choice {
        let mut choice = Choice::default();
        if self.is_fresh() {
            choice.new = frames.pop_front().map(|frame| self.show(frame, now));
            return choice;
        }
        let period = period_us as i64;
        let reach = match pacing {
            Pacing::EveryFrame => 0,
            Pacing::Vsync if self.early => period * 3 / 4,
            Pacing::Vsync => period / 4,
        };
        while let Some(frame) = frames.pop_front_if(|frame| frame.pts_us <= position.saturating_add(reach)) {
            let error = frame.pts_us - position;
            if choice.new.replace(frame).is_some() {
                choice.dropped += 1;
            }
            if pacing == Pacing::EveryFrame {
                break;
            }
            if error.abs() > period / 4 {
                self.early = error > 0;
            }
        }
        if let Some(frame) = choice.new.clone() {
            self.show(frame, now);
        }
        choice
    }

    /// The position at which the next picture is due.
    pub(crate) fn next_due(&self, next: &VideoFrame, period_us: u64, pacing: Pacing) -> MediaUs {
        match pacing {
            Pacing::EveryFrame => next.pts_us,
            Pacing::Vsync => next.pts_us.saturating_sub(period_us as i64 * 3 / 4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinora_port::{Cicp, PixelFormat};

    fn frame(pts_us: i64) -> Arc<VideoFrame> {
        Arc::new(VideoFrame {
            pts_us,
            duration_us: 41_667,
            width: 2,
            height: 2,
            format: PixelFormat::Gray8,
            planes: Vec::new(),
            par: (1, 1),
            rotation_deg: 0,
            cicp: Cicp::default(),
        })
    }

    #[test]
    fn film_at_sixty_hertz_with_a_noisy_clock_keeps_a_strict_cadence() {
        let mut pacer = Pacer::default();
        let mut frames: VecDeque<_> = (0..240).map(|i| frame(i * 1_000_000 / 24)).collect();
        let mut held = Vec::new();
        for vsync in 0..590i64 {
            let noise = (vsync * 7919 % 5 - 2) * 900;
            let at = vsync * 1_000_000 / 60;
            match pacer.choose(&mut frames, at + noise, 16_667, at as u64, Pacing::Vsync).new {
                Some(_) => held.push(1),
                None => *held.last_mut().unwrap() += 1,
            }
        }
        let settled = &held[2..held.len() - 1];
        assert!(settled.windows(2).all(|w| w[0] + w[1] == 5 && w[0] != w[1]), "{settled:?}");
    }

    #[test]
    fn overtaken_pictures_are_dropped_only_when_paced_by_vsync() {
        for (pacing, dropped, shown) in [(Pacing::Vsync, 2, 3), (Pacing::EveryFrame, 0, 1)] {
            let mut pacer = Pacer::default();
            let mut frames: VecDeque<_> = (0..5).map(|i| frame(i * 10_000)).collect();
            pacer.choose(&mut frames, 0, 16_000, 0, pacing);
            let choice = pacer.choose(&mut frames, 30_000, 16_000, 1, pacing);
            assert_eq!((choice.dropped, choice.new.unwrap().pts_us), (dropped, shown * 10_000));
        }
    }
}
