//! From what a rig saw and heard to figures.

use std::collections::BTreeMap;

use kinora_tests::percentile;

use crate::judge::number;
use crate::rig::{Moment, Seen, Timed};

/// A figure and by how much the rig may be wrong, both in the figure's unit; or why there is none.
pub(super) type Taken = Result<(f64, f64), String>;

/// The film's numbers begin again after so many pictures, of so many microseconds each.
const LAP: u32 = 75;
const FRAME_US: u64 = 40_000;
/// As near to the same distance most pictures are from their beeps.
const NEAR_US: i64 = 60_000;
/// Further from it a picture and a beep are not of one moment.
const FAR_US: i64 = 150_000;
/// What a screen takes for a picture where the shim does not know, in thousandths of a hertz.
const USUAL_MHZ: u64 = 60_000;

/// Of `timing.play`: A/V offset's mean and 99th percentile, pictures lost and late, start to picture.
pub(super) fn play(seen: &Seen) -> Vec<Taken> {
    let frames = frames(&seen.timed);
    let offsets = offsets_ms(seen, &frames);
    let errors = |offsets: &[(f64, f64)]| {
        percentile(&offsets.iter().map(|(_, error)| *error).collect::<Vec<_>>(), 0.99)
    };
    let mean = |offsets: &Vec<(f64, f64)>| {
        let sum: f64 = offsets.iter().map(|(offset, _)| offset).sum();
        (sum / offsets.len() as f64, errors(offsets))
    };
    let p99 = |offsets: &Vec<(f64, f64)>| {
        let sizes: Vec<f64> = offsets.iter().map(|(offset, _)| offset.abs()).collect();
        (percentile(&sizes, 0.99), errors(offsets))
    };
    let first = frames.values().next().map(|at| (ms(at.at_us), ms(at.error_us)));
    vec![
        offsets.as_ref().map(mean).map_err(Clone::clone),
        offsets.as_ref().map(p99).map_err(Clone::clone),
        lost(seen, &frames),
        late(seen, &frames),
        first.ok_or_else(|| "no picture of the film was seen".into()),
    ]
}

/// Of `timing.input`: how long after a press the picture changed, in the middle and at worst.
pub(super) fn input(seen: &Seen) -> Vec<Taken> {
    let (pictures, presses) = (&seen.timed.pictures, &seen.timed.presses);
    let mut answers = Vec::new();
    for (n, press) in presses.iter().enumerate() {
        let next_us = presses.get(n + 1).map_or(u64::MAX, |next| next.at_us);
        let mut changes = pictures.iter().map(|(at, _)| at);
        let answer = changes.find(|at| at.at_us + at.error_us >= press.at_us && at.at_us < next_us);
        answers.extend(
            answer.map(|at| (ms(at.at_us.saturating_sub(press.at_us)), ms(at.error_us + press.error_us))),
        );
    }
    if answers.is_empty() || answers.len() < presses.len() {
        let why = format!("{} of {} presses changed the picture", answers.len(), presses.len());
        return vec![Err(why.clone()), Err(why)];
    }
    let (took, errors): (Vec<f64>, Vec<f64>) = answers.into_iter().unzip();
    [0.5, 1.0].map(|share| Ok((percentile(&took, share), percentile(&errors, 1.0)))).into()
}

/// Of `timing.rest`: calls of the core, and processor time.
pub(super) fn rest(seen: &Seen) -> Vec<Taken> {
    let calls = seen.note("calls-at-rest").and_then(|n| n.parse::<f64>().map_err(|_| format!("{n} calls")));
    let at = |mark: &str| {
        let found = seen.cpu_ms.iter().find(|(name, _)| name == mark);
        found.map(|(_, ms)| *ms).ok_or_else(|| format!("nothing was measured at `{mark}`"))
    };
    let spent = at("resting").and_then(|before| Ok(at("rested")? - before));
    // Linux counts hundredths of a second.
    vec![calls.map(|calls| (calls, 0.0)), spent.map(|ms| (ms as f64, 10.0))]
}

fn ms(us: u64) -> f64 {
    us as f64 / 1000.0
}

/// When each picture of the film came, by how many came before it.
fn frames(timed: &Timed) -> BTreeMap<u32, Moment> {
    let mut frames = BTreeMap::new();
    let mut last: Option<u32> = None;
    for (at, number) in timed.pictures.iter().filter_map(|(at, screen)| Some((*at, number(screen)?))) {
        let frame = last.map_or(number, |last| last + (number + LAP - last % LAP) % LAP);
        frames.entry(frame).or_insert(at);
        last = Some(frame);
    }
    frames
}

/// By how much pictures came later than the beeps of their moments, each with its error, in milliseconds.
fn offsets_ms(seen: &Seen, frames: &BTreeMap<u32, Moment>) -> Result<Vec<(f64, f64)>, String> {
    let with_beep = seen.note("beeps")?.split(',').filter_map(|frame| frame.parse::<u32>().ok());
    let pictures: Vec<Moment> = with_beep.filter_map(|frame| frames.get(&frame).copied()).collect();
    let beeps = &seen.timed.beeps;
    let apart = |picture: &Moment, beep: &Moment| picture.at_us as i64 - beep.at_us as i64;
    // The pattern of all tells which beep belongs to which picture, however far sound and picture are apart.
    let nearest = |picture: &Moment, shift_us: i64, most_us: i64| {
        let off = |beep: &&Moment| (apart(picture, beep) - shift_us).abs();
        beeps.iter().min_by_key(off).filter(|beep| off(beep) < most_us)
    };
    let fits = |shift_us: i64| {
        pictures.iter().filter(|picture| nearest(picture, shift_us, NEAR_US).is_some()).count()
    };
    let shifts = pictures.iter().flat_map(|picture| beeps.iter().map(move |beep| apart(picture, beep)));
    let best = shifts.max_by_key(|shift_us| (fits(*shift_us), -shift_us.abs()));
    let best = best.ok_or("no beep was heard with its picture")?;
    let offset = |picture: &Moment| {
        let beep = nearest(picture, best, FAR_US)?;
        Some((apart(picture, beep) as f64 / 1000.0, ms(picture.error_us + beep.error_us)))
    };
    Ok(pictures.iter().filter_map(offset).collect())
}

/// Pictures that nobody saw. Where nobody looked for as long as some pictures take, so many may have been there.
fn lost(seen: &Seen, frames: &BTreeMap<u32, Moment>) -> Taken {
    let all = seen.note("frames")?.parse::<usize>().map_err(|e| e.to_string())?;
    Ok((all.saturating_sub(frames.len()) as f64, (seen.timed.unseen_us / FRAME_US) as f64))
}

/// Pictures that came more than a refresh of the screen after their place, which most of them keep.
fn late(seen: &Seen, frames: &BTreeMap<u32, Moment>) -> Taken {
    let mhz = seen.note("refresh")?.parse::<u64>().ok().filter(|mhz| *mhz > 0).unwrap_or(USUAL_MHZ);
    let refresh_ms = 1e6 / mhz as f64;
    let off_ms = |(frame, at): (&u32, &Moment)| ms(at.at_us) - ms(u64::from(*frame) * FRAME_US);
    let offs: Vec<f64> = frames.iter().map(off_ms).collect();
    let place_ms = percentile(&offs, 0.5);
    let beyond = |sign: f64| {
        let errors = frames.values().map(|at| ms(at.error_us));
        let late = offs.iter().zip(errors).filter(|(off, error)| *off - place_ms > refresh_ms + sign * error);
        late.count() as f64
    };
    // How many more or fewer it would be if every look was wrong by as much as it may be.
    let (count, least, most) = (beyond(0.0), beyond(1.0), beyond(-1.0));
    Ok((count, (count - least).max(most - count)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinora_tests::Screen;

    const BEEPS: [u64; 8] = [9, 20, 34, 43, 58, 69, 80, 95];

    /// The film's barcode (`judge::number`).
    fn screen(number: u32) -> Screen {
        let mut rgb = vec![0; 168 * 60 * 3];
        for (bit, row) in (0..8).flat_map(|bit| [(bit, 24), (bit, 56)]) {
            if (number >> bit & 1 == 1) == (row == 24) {
                let at = (row * 168 + 8 + 20 * bit + 10) * 3;
                rgb[at..at + 3].fill(255);
            }
        }
        Screen { width: 168, height: 60, rgb }
    }

    /// A hundred pictures from 0.2 s on, each with its beep `early_us` before it where it has one.
    fn seen(early_us: u64, keep: impl Fn(u64) -> bool, delay_us: impl Fn(u64) -> u64) -> Seen {
        let place = |n: u64| 2_000_000 + n * FRAME_US;
        let moment = |at_us| Moment { at_us, error_us: 500 };
        let shown = (0..100).filter(|n| keep(*n));
        let pictures = shown.map(|n| (moment(place(n) + delay_us(n)), screen(n as u32 % LAP))).collect();
        let beeps = BEEPS.map(|n| moment(place(n) - early_us)).into();
        let words = BEEPS.map(|n| n.to_string()).join(",");
        let notes = [format!("note beeps {words}"), "note frames 100".into(), "note refresh 0".into()];
        Seen { words: notes.into(), timed: Timed { pictures, beeps, ..Timed::default() }, ..Seen::default() }
    }

    fn values(seen: &Seen) -> Vec<f64> {
        play(seen).into_iter().map(|taken| taken.unwrap().0).collect()
    }

    #[test]
    fn sound_that_is_early_is_found_however_early_it_is() {
        assert_eq!(values(&seen(7_000, |_| true, |_| 0))[..2], [7.0, 7.0]);
        assert_eq!(values(&seen(1_000_000, |_| true, |_| 0))[..2], [1000.0, 1000.0]);
    }

    #[test]
    fn pictures_lost_and_late_are_counted() {
        let seen = seen(0, |n| n != 30 && n != 80, |n| if n == 50 { 20_000 } else { 0 });
        assert_eq!(values(&seen), [0.0, 0.0, 2.0, 1.0, 2000.0]);
    }

    #[test]
    fn press_without_a_change_of_the_picture_has_no_figure() {
        let moment = |at_us| Moment { at_us, error_us: 0 };
        let pictures =
            vec![(moment(0), screen(1)), (moment(110_000), screen(2)), (moment(230_000), screen(1))];
        let presses = vec![moment(100_000), moment(200_000)];
        let mut seen = Seen { timed: Timed { pictures, presses, ..Timed::default() }, ..Seen::default() };
        let took: Vec<f64> = input(&seen).into_iter().map(|taken| taken.unwrap().0).collect();
        assert_eq!(took, [20.0, 30.0]);
        seen.timed.pictures.pop();
        assert!(input(&seen).iter().all(|taken| taken.as_ref().is_err_and(|why| why.starts_with("1 of 2"))));
    }
}
