use kinora_port::HostUs;

/// Time constant of the low-pass: PulseAudio alternates by 40 ms after a start.
const TAU_US: f64 = 1_000_000.0;
/// A jump beyond this is a new route, not noise.
const JUMP_US: f64 = 100_000.0;

/// When what is handed over becomes audible: counted in frames, which is smooth, and drawn slowly to what the device says, which is
/// right on average.
pub(crate) struct Audible {
    rate_hz: f64,
    next_us: Option<f64>,
    seen_us: f64,
}

impl Audible {
    pub(crate) fn new(rate_hz: u32) -> Self {
        Audible { rate_hz: f64::from(rate_hz.max(1)), next_us: None, seen_us: 0.0 }
    }

    /// The time for a buffer of `frames` of which the device says `stated_us`.
    pub(crate) fn next(&mut self, stated_us: HostUs, frames: u64) -> HostUs {
        let stated = stated_us as f64;
        let length = frames as f64 * 1_000_000.0 / self.rate_hz;
        let at = match self.next_us {
            Some(counted) if (stated - counted).abs() < JUMP_US => {
                // At first the plain mean, later the low-pass.
                let weight = length / (self.seen_us + length).min(TAU_US).max(length);
                counted + (stated - counted) * weight
            }
            _ => {
                self.seen_us = 0.0;
                stated
            }
        };
        self.seen_us += length;
        self.next_us = Some(at + length);
        at as HostUs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_of_the_device_is_averaged_away() {
        let mut audible = Audible::new(48_000);
        let mut worst = 0.0f64;
        for i in 0..600u64 {
            let noise = (i * 7919 % 41) as f64 * 1_000.0 - 20_000.0;
            let exact = 1_000_000.0 + i as f64 * 10_000.0;
            let at = audible.next((exact + noise) as u64, 480) as f64;
            if i > 100 {
                worst = worst.max((at - exact).abs());
            }
        }
        assert!(worst < 4_000.0, "{worst}");
    }

    #[test]
    fn new_route_is_followed_at_once() {
        let mut audible = Audible::new(48_000);
        for i in 0..100 {
            audible.next(1_000_000 + i * 10_000, 480);
        }
        assert_eq!(audible.next(2_300_000, 480), 2_300_000);
    }
}
