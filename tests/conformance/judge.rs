//! What the outside must have seen and heard.

use kinora_tests::{HEARD_HZ, Screen};

use crate::rig::Seen;

/// What an outside judge finds: words of evidence, or what is wrong.
pub(crate) type Judgement = Result<String, String>;

/// Most that a channel may differ: coding, and the conversion of a display.
const CHANNEL: u8 = 14;
pub(crate) const RED: [u8; 3] = [0xe0, 0x10, 0x20];
pub(crate) const BLUE: [u8; 3] = [0x10, 0x20, 0xe0];
pub(crate) const GREEN: [u8; 3] = [0x10, 0xc0, 0x20];
pub(crate) const BLACK: [u8; 3] = [0, 0, 0];
/// Where the film stands, and how large it is.
const PLACE: (u32, u32) = (8, 8);

fn near(a: [u8; 3], b: [u8; 3]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= CHANNEL)
}

/// These pixels have these colours.
pub(crate) fn pixels(screen: &Screen, expected: &[((u32, u32), [u8; 3])]) -> Result<(), String> {
    for &((x, y), color) in expected {
        if x >= screen.width || y >= screen.height {
            return Err(format!("the screen has only {}x{} pixels", screen.width, screen.height));
        }
        let seen = screen.pixel(x, y);
        if !near(seen, color) {
            return Err(format!("the pixel at {x}, {y} is {seen:?} instead of {color:?}"));
        }
    }
    Ok(())
}

/// The same at a marked moment.
pub(crate) fn pixels_at(seen: &Seen, mark: &str, expected: &[((u32, u32), [u8; 3])]) -> Result<(), String> {
    pixels(seen.screen(mark)?, expected).map_err(|why| format!("at `{mark}` {why}"))
}

/// The number in the barcode of the film's picture: eight bits from the lowest, and below them their opposite. `None` where there is none.
pub(crate) fn number(screen: &Screen) -> Option<u32> {
    let bright = |x: u32, y: u32| {
        let [r, g, b] = screen.pixel(x, y).map(u32::from);
        match (r + g + b) / 3 {
            0..=70 => Some(0),
            185.. => Some(1),
            _ => None,
        }
    };
    (0..8).try_fold(0, |number, bit| {
        let x = PLACE.0 + 20 * bit + 10;
        let (value, opposite) = (bright(x, PLACE.1 + 16)?, bright(x, PLACE.1 + 48)?);
        (value != opposite).then_some(number | value << bit)
    })
}

/// Numbers shown from one moment to another, each once as long as it stayed.
pub(crate) fn numbers(seen: &Seen, from: u64, to: u64) -> Vec<u32> {
    let mut numbers: Vec<u32> = seen.between(from, to).filter_map(number).collect();
    numbers.dedup();
    numbers
}

/// The whole run's.
pub(crate) fn all_numbers(seen: &Seen) -> Vec<u32> {
    numbers(seen, 0, u64::MAX)
}

/// The numbers are these. A rig that samples the screen may miss some, never see others or another order.
pub(crate) fn shown(seen: &Seen, numbers: &[u32], expected: &[u32]) -> Judgement {
    let words = || format!("frames {}", short(numbers));
    if seen.every_picture {
        return if numbers == expected { Ok(words()) } else { Err(format!("{} were shown", words())) };
    }
    let mut rest = expected.iter();
    let in_order = numbers.iter().all(|number| rest.any(|next| next == number));
    let enough = numbers.len() * 10 >= expected.len() * 8 && numbers.last() == expected.last();
    if in_order && enough { Ok(words()) } else { Err(format!("{} were shown", words())) }
}

/// Runs of numbers as `0-24 100-124`.
fn short(numbers: &[u32]) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let word = |&(from, to): &(u32, u32)| if from == to { from.to_string() } else { format!("{from}-{to}") };
    let words: Vec<String> = runs.iter().map(word).collect();
    if words.is_empty() { "(none)".into() } else { words.join(" ") }
}

/// Frames of sound in a window of 20 ms.
const WINDOW: usize = HEARD_HZ / 50;

/// Root mean square of a pitch in a window (Goertzel).
fn level(window: &[f32], hz: u32) -> f32 {
    let w = std::f32::consts::TAU * hz as f32 / HEARD_HZ as f32;
    let coefficient = 2.0 * w.cos();
    let (mut one, mut two) = (0.0_f32, 0.0_f32);
    for &sample in window {
        (one, two) = (sample + coefficient * one - two, one);
    }
    let power = one * one + two * two - coefficient * one * two;
    (2.0 * power).sqrt() / window.len() as f32
}

fn rms(window: &[f32]) -> f32 {
    (window.iter().map(|s| s * s).sum::<f32>() / window.len() as f32).sqrt()
}

/// What is heard: pitch (to 50 Hz; `None` silence) and for how many milliseconds, one after the other. Windows of 20 ms in which one tone
/// gives way to another belong to neither.
pub(crate) fn tones(heard: &[f32]) -> Vec<(Option<u32>, u32)> {
    let mut tones: Vec<(Option<u32>, u32)> = Vec::new();
    for window in heard.chunks_exact(WINDOW) {
        let pitch = (rms(window) > 0.01).then(|| {
            let candidates = (300..=2000).step_by(50);
            candidates.max_by(|a, b| level(window, *a).total_cmp(&level(window, *b))).unwrap_or(0)
        });
        match tones.last_mut() {
            Some((last, ms)) if *last == pitch => *ms += 20,
            _ => tones.push((pitch, 20)),
        }
    }
    // A window on the edge of two tones sounds like a third.
    tones.retain(|(pitch, ms)| *ms > 20 || pitch.is_none());
    tones
}

/// The tones, without silence before and after, and with their lengths to a tenth.
pub(crate) fn heard(seen: &Seen, expected: &[(u32, u32)]) -> Judgement {
    let all = tones(&seen.heard);
    let mut heard: Vec<(u32, u32)> = Vec::new();
    for (pitch, ms) in all.iter().filter_map(|(pitch, ms)| Some(((*pitch)?, *ms))) {
        match heard.last_mut() {
            Some((last, total)) if *last == pitch => *total += ms,
            _ => heard.push((pitch, ms)),
        }
    }
    let words = heard.iter().map(|(hz, ms)| format!("{hz} Hz for {ms} ms")).collect::<Vec<_>>().join(", ");
    let right = heard.len() == expected.len()
        && heard
            .iter()
            .zip(expected)
            .all(|((hz, ms), (hz2, ms2))| hz == hz2 && ms.abs_diff(*ms2) <= ms2 / 10 + 40);
    if right { Ok(words) } else { Err(format!("{words} was heard")) }
}

/// A pitch is heard for about so long and without a gap.
pub(crate) fn steady(seen: &Seen, hz: u32, ms: u32) -> Judgement {
    let windows: Vec<bool> = seen.heard.chunks_exact(WINDOW).map(|window| level(window, hz) > 0.05).collect();
    let first = windows.iter().position(|on| *on).ok_or_else(|| format!("{hz} Hz is not heard"))?;
    let last = windows.iter().rposition(|on| *on).unwrap_or(first);
    let gaps = windows[first..=last].iter().filter(|on| !**on).count();
    let length = 20 * (last - first + 1) as u32;
    let words = format!("{hz} Hz for {length} ms with {} ms of gaps", 20 * gaps);
    if gaps <= 1 && length.abs_diff(ms) <= ms / 10 + 40 { Ok(words) } else { Err(words) }
}

/// Levels of a pitch that last, in thousandths of full scale, one after the other.
pub(crate) fn levels(heard: &[f32], hz: u32) -> Vec<u32> {
    let all: Vec<f32> = heard.chunks_exact(WINDOW).map(|window| level(window, hz) * 1000.0).collect();
    let mut levels: Vec<(f32, u32)> = Vec::new();
    for value in all {
        match levels.last_mut() {
            Some((last, count)) if (value - *last).abs() <= last.max(4.0) * 0.03 => *count += 1,
            _ => levels.push((value, 1)),
        }
    }
    let mut lasting: Vec<u32> =
        levels.iter().filter(|(_, count)| *count >= 20).map(|(value, _)| value.round() as u32).collect();
    lasting.dedup();
    lasting
}
