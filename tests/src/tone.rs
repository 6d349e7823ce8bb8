//! Whether the film's tone goes on without a break: left-out, repeated or silent samples show in its phase.

use std::f64::consts::TAU;
use std::time::Instant;

use crate::HEARD_HZ;

/// The film's tone.
const TONE_HZ: usize = 440;
/// Samples of which the phase is taken together: whole periods of the tone, and of the film's beeps of four times its frequency.
const WINDOW: usize = 11 * HEARD_HZ / TONE_HZ;
/// Further than this the phase does not go from one window to the next by what coding and resampling do: two samples, in radians.
const MAX_STEP: f64 = TAU * 2.0 * TONE_HZ as f64 / HEARD_HZ as f64;
/// A tone of less is none; FFmpeg's `sine` in both channels has a twelfth of the full scale.
const MIN_LEVEL: f64 = 0.04;
/// Windows in which a break is still the one before: that with the break in it, and the one after.
const SAME: usize = 3;

/// Follows a tone.
#[derive(Default)]
pub(crate) struct Tone {
    /// Sum of the window's samples times the turning phasor.
    re: f64,
    im: f64,
    samples: usize,
    /// Phase of the window before; none where there was no tone.
    phase: Option<f64>,
    /// Windows since the last break.
    since: usize,
}

impl Tone {
    /// Takes a sample that was heard then. When the tone broke, to about a window, if that is known with this sample.
    pub(crate) fn push(&mut self, sample: f32, at: Instant) -> Option<Instant> {
        let turn = TAU * (TONE_HZ * self.samples) as f64 / HEARD_HZ as f64;
        self.re += f64::from(sample) * turn.cos();
        self.im += f64::from(sample) * turn.sin();
        self.samples += 1;
        if self.samples < WINDOW {
            return None;
        }
        let level = 2.0 * self.re.hypot(self.im) / WINDOW as f64;
        let phase = (level >= MIN_LEVEL).then(|| self.im.atan2(self.re));
        let step = phase.zip(self.phase).map(|(now, before)| {
            let turned = (now - before).rem_euclid(TAU);
            turned.min(TAU - turned)
        });
        let broke = step.is_none_or(|step| step > MAX_STEP) && self.since >= SAME;
        let since = if broke { 0 } else { self.since + 1 };
        *self = Tone { phase, since, ..Tone::default() };
        broke.then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Breaks in two seconds of the tone, of whose samples some are changed.
    fn breaks(change: impl FnOnce(&mut Vec<f32>)) -> usize {
        let sample = |n: usize| (0.125 * (TAU * (TONE_HZ * n) as f64 / HEARD_HZ as f64).sin()) as f32;
        let mut samples: Vec<f32> = (0..2 * HEARD_HZ).map(sample).collect();
        change(&mut samples);
        let (mut tone, now) = (Tone::default(), Instant::now());
        let broke = samples.into_iter().filter_map(|sample| tone.push(sample, now));
        broke.count()
    }

    #[test]
    fn tone_that_goes_on_has_no_break() {
        assert_eq!(breaks(|_| ()), 0);
    }

    #[test]
    fn tone_with_left_out_repeated_or_silent_samples_has_one() {
        assert_eq!(breaks(|samples| drop(samples.drain(50_000..50_480))), 1);
        assert_eq!(breaks(|samples| drop(samples.splice(50_000..50_000, vec![0.0; 960]))), 1);
        assert_eq!(breaks(|samples| samples[50_000..51_500].fill(0.0)), 1);
    }

    #[test]
    fn tone_resampled_by_a_thousandth_has_no_break() {
        let stretched = |samples: &mut Vec<f32>| {
            let sample = |n: usize| (0.125 * (TAU * 440.44 * n as f64 / HEARD_HZ as f64).sin()) as f32;
            *samples = (0..2 * HEARD_HZ).map(sample).collect();
        };
        assert_eq!(breaks(stretched), 0);
    }
}
