//! Bindings: the value of an animated property at an instant, and when it next changes.

use crate::model::{Binding, Curve, Key, Property};

/// Where an instant stands among the keys.
enum Place<'a> {
    /// Before the first key, which is `until` in clock microseconds.
    Before { until: i64 },
    /// Between two keys: microseconds after the first of them.
    Between { from: &'a Key, to: &'a Key, since: i64 },
    /// After the last key, until the next period begins, if ever.
    After { until: Option<i64> },
}

fn place(binding: &Binding, at: i64) -> Place<'_> {
    let keys = &binding.keys;
    let first = keys[0].at_us;
    if at < first {
        return Place::Before { until: first };
    }
    let period = i64::from(binding.repeat_us);
    let (phase, until) = if period > 0 {
        let since = at.saturating_sub(first) % period;
        (first.saturating_add(since), Some(at.saturating_add(period - since)))
    } else {
        (at, None)
    };
    let next = keys.partition_point(|key| key.at_us <= phase);
    match keys.get(next) {
        Some(to) => {
            let from = &keys[next - 1];
            Place::Between { from, to, since: phase.saturating_sub(from.at_us) }
        }
        None => Place::After { until },
    }
}

/// The property's value at `at` microseconds of the binding's clock.
pub(crate) fn value(binding: &Binding, at: i64) -> f64 {
    match place(binding, at) {
        Place::Before { .. } => f64::from(binding.keys[0].value),
        Place::Between { from, to, since } => {
            let t = since as f64 / (to.at_us.saturating_sub(from.at_us)) as f64;
            let (a, b) = (f64::from(from.value), f64::from(to.value));
            a + (b - a) * ease(binding.curve, t)
        }
        Place::After { .. } => f64::from(binding.keys[binding.keys.len() - 1].value),
    }
}

/// The way gone, 0 to 1, at the part `t` of the time from one key to the next.
fn ease(curve: Curve, t: f64) -> f64 {
    match curve {
        Curve::Linear => t,
        Curve::EaseOut => 1.0 - (1.0 - t).powi(3),
        Curve::EaseInOut => t * t * (3.0 - 2.0 * t),
        Curve::Spring => spring(t) / spring(1.0),
        Curve::Step => 0.0,
    }
}

fn spring(t: f64) -> f64 {
    1.0 - (1.0 + 8.0 * t) * (-8.0 * t).exp()
}

/// The first instant from `at` on, in microseconds of the binding's clock, at which the property may look different from what it
/// does at `at`: `at` itself while it moves.
pub(crate) fn next_change(binding: &Binding, at: i64) -> Option<i64> {
    let first = binding.keys[0].value;
    if binding.keys.iter().all(|key| key.value == first) {
        return None;
    }
    match place(binding, at) {
        Place::Before { until } => Some(until),
        Place::After { until } => until,
        Place::Between { from, to, since } => {
            let rest = to.at_us.saturating_sub(from.at_us) - since;
            let change = i64::from(to.value) - i64::from(from.value);
            let wait = match binding.curve {
                _ if change == 0 => rest,
                Curve::Step => rest,
                // Slow constant motion (a seek bar) need not be drawn at every refresh.
                Curve::Linear => (rest.saturating_add(since) / change.abs())
                    .saturating_mul(visible_step(binding.property))
                    .min(rest),
                Curve::EaseOut | Curve::EaseInOut | Curve::Spring => 0,
            };
            Some(at.saturating_add(wait))
        }
    }
}

/// The smallest change that can be seen, in the property's unit.
fn visible_step(property: Property) -> i64 {
    match property {
        // An eighth of a pixel moves an anti-aliased edge by 32 of 255 steps.
        Property::TranslateX | Property::TranslateY | Property::ClipWidth => 125,
        // 1/255.
        Property::Opacity => 4,
        // A pixel at the edge of something 1000 pixels large.
        Property::Scale => 1,
        Property::Rotate => 100,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Clock;

    fn binding(curve: Curve, repeat_us: u32, keys: &[(i64, i32)]) -> Binding {
        let keys = keys.iter().map(|&(at_us, value)| Key { at_us, value }).collect();
        Binding { property: Property::Opacity, clock: Clock::Host, keys, curve, repeat_us }
    }

    #[test]
    fn value_outside_keys_holds_first_and_last() {
        let b = binding(Curve::Linear, 0, &[(100, 10), (200, 20)]);
        assert_eq!((value(&b, i64::MIN), value(&b, 100), value(&b, 150)), (10.0, 10.0, 15.0));
        assert_eq!((value(&b, 200), value(&b, i64::MAX)), (20.0, 20.0));
    }

    #[test]
    fn value_of_each_curve_ends_at_second_key() {
        for curve in [Curve::Linear, Curve::EaseOut, Curve::EaseInOut, Curve::Spring] {
            assert_eq!((ease(curve, 0.0), ease(curve, 1.0)), (0.0, 1.0), "{curve:?}");
            assert!(
                (0..100).all(|i| ease(curve, f64::from(i) / 100.0) < ease(curve, f64::from(i + 1) / 100.0))
            );
        }
        let step = binding(Curve::Step, 0, &[(0, 1), (10, 2)]);
        assert_eq!((value(&step, 9), value(&step, 10)), (1.0, 2.0));
    }

    #[test]
    fn value_with_repeat_starts_anew_each_period() {
        let b = binding(Curve::Linear, 1000, &[(100, 0), (600, 50)]);
        assert_eq!(
            (value(&b, 350), value(&b, 2350), value(&b, 900), value(&b, 1100)),
            (25.0, 25.0, 50.0, 0.0)
        );
        assert_eq!(next_change(&b, 900), Some(1100));
    }

    #[test]
    fn next_change_of_moving_resting_and_finished_value_differs() {
        let b = binding(Curve::EaseOut, 0, &[(100, 0), (200, 50), (300, 50), (400, 60)]);
        assert_eq!(next_change(&b, 0), Some(100));
        assert_eq!(next_change(&b, 150), Some(150));
        assert_eq!(next_change(&b, 200), Some(300));
        assert_eq!(next_change(&b, 400), None);
        let slow = binding(Curve::Linear, 0, &[(0, 0), (1_000_000, 1000)]);
        assert_eq!(next_change(&slow, 0), Some(4000));
    }
}
