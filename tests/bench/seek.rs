//! From the press of a key or a button to the target's picture: seeks to tenths of the film, of which none but the first is a key frame.

use std::time::{Duration, Instant};

use crate::calm::Machine;
use crate::film::{FPS, GOP, SECONDS};
use crate::report::{Bar, Row, median};
use crate::stage::{HEIGHT, MPV_KEY_FRAMES, PAIRS, Player, Show, Stage, WIDTH};

/// Seeks of a run; with the runs of a bench a hundred.
const SEEKS: u32 = 20;
/// Played between two seeks.
const PAUSE: Duration = Duration::from_millis(300);
/// Frames of a tenth.
const TENTH: u32 = SECONDS * FPS / 10;
/// Where on the seek bar of a paused film it is found out which time is where: its line from the bottom of the window, and two places.
const BAR: u32 = 37;
const PLACES: [u32; 2] = [WIDTH / 4, WIDTH * 3 / 4];
const PRIMARY: u8 = 1;

/// Where a seek goes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum To {
    /// That frame. The digits do that here, and in mpv as it is set up.
    Frame,
    /// The key frame before it. Here it is what pressing on the seek bar does, until the button is released; in mpv a key.
    KeyFrame,
}

pub(crate) fn bench(machine: &mut Machine, rows: &mut Vec<Row>) -> Result<(), String> {
    let stage = Stage::new()?;
    for (ours, peer) in PAIRS {
        for (name, to) in [("exact", To::Frame), ("key-frame", To::KeyFrame)] {
            let runs = machine.paired(|| seek_ms(&stage, ours, to), || seek_ms(&stage, peer, to))?;
            let what = format!("{name} seek, p50: {}", ours.beside(peer));
            rows.push(Row::paired(what, "ms", &runs, |ms| *ms, Bar::Ratio(1.0)));
        }
    }
    Ok(())
}

/// Median over the seeks of a run, in milliseconds.
fn seek_ms(stage: &Stage, player: Player, to: To) -> Result<f64, String> {
    let mut show = stage.play(player, 1)?;
    show.wait_first()?;
    std::thread::sleep(Duration::from_secs(2));
    let bar = match (player, to) {
        (Player::Kinora(_), To::KeyFrame) => Some(SeekBar::find(&mut show)?),
        _ => None,
    };
    let mut took = Vec::new();
    for tenth in tenths().take(SEEKS as usize) {
        let frame = tenth * TENTH;
        let (target, pressed) = match (to, &bar) {
            (To::Frame, _) => (frame, show.pressed(&tenth.to_string())?),
            (To::KeyFrame, None) => {
                (frame - frame % GOP, show.pressed(&MPV_KEY_FRAMES[tenth as usize..][..1])?)
            }
            (To::KeyFrame, Some(bar)) => (frame - frame % GOP, bar.press(&show, frame)?),
        };
        // A picture before the target is none that was asked for; the rounding of a percentage may miss it by one.
        let seen = show.wait_number(|number| (target.saturating_sub(1)..target + FPS).contains(&number))?;
        took.push((seen - pressed).as_secs_f64() * 1000.0);
        if bar.is_some() {
            show.display().button(PRIMARY, false)?;
        }
        std::thread::sleep(PAUSE);
    }
    Ok(median(&took))
}

/// Which frame is where on the seek bar.
struct SeekBar {
    frame: u32,
    x: u32,
    frames_a_pixel: f64,
}

impl SeekBar {
    /// Finds out by seeking to two places of it, exactly, as releasing the button does.
    fn find(show: &mut Show<'_>) -> Result<SeekBar, String> {
        let mut frames = [0; 2];
        for (frame, x) in frames.iter_mut().zip(PLACES) {
            show.press("space")?;
            point(show, x)?;
            show.display().click(PRIMARY)?;
            std::thread::sleep(Duration::from_secs(1));
            *frame = show.number()?.0.ok_or("there is no picture")?;
            show.press("space")?;
            std::thread::sleep(PAUSE);
        }
        let frames_a_pixel =
            f64::from(frames[1].saturating_sub(frames[0])) / f64::from(PLACES[1] - PLACES[0]);
        // All of the film lies on less than the window's width.
        if frames_a_pixel < f64::from(SECONDS * FPS) / f64::from(WIDTH) {
            return Err(format!("there is no seek bar: its places showed the frames {frames:?}"));
        }
        Ok(SeekBar { frame: frames[0], x: PLACES[0], frames_a_pixel })
    }

    /// Presses where the frame is; when that was. No tenth but the first is so near to a key frame that a pixel would make it another.
    fn press(&self, show: &Show<'_>, frame: u32) -> Result<Instant, String> {
        let frame = frame.max(self.frames_a_pixel.ceil() as u32);
        let from_place = (f64::from(frame) - f64::from(self.frame)) / self.frames_a_pixel;
        point(show, (f64::from(self.x) + from_place).round() as u32)?;
        let now = Instant::now();
        show.display().button(PRIMARY, true)?;
        Ok(now)
    }
}

/// Moves the pointer to a place of the seek bar, which shows it.
fn point(show: &Show<'_>, x: u32) -> Result<(), String> {
    show.display().point(x as i16, (HEIGHT - BAR) as i16)?;
    std::thread::sleep(PAUSE);
    Ok(())
}

/// The same targets for everybody, in an order without a pattern: never twice the same, never where the film is already.
fn tenths() -> impl Iterator<Item = u32> {
    let (mut state, mut last) = (2024_u32, 0);
    std::iter::from_fn(move || {
        // Numerical Recipes' generator; its high bits are good enough for this.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        last = (last + 1 + (state >> 16) % 9) % 10;
        Some(last)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenths_in_a_row_are_never_the_same() {
        let tenths: Vec<u32> = tenths().take(200).collect();
        assert!(tenths.windows(2).all(|pair| pair[0] != pair[1]));
        assert!((0..10).all(|tenth| tenths.contains(&tenth)));
    }
}
