//! Whether sound and picture of one moment come at one moment: flashes as the observer sees them, beeps as the loudspeaker plays them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use kinora_tests::{Gaps, Media, Speaker, TICK, make, percentile, scratch};

use crate::calm::Machine;
use crate::plot::{Chart, Series};
use crate::report::{Bar, Row};
use crate::slope::slope;
use crate::stage::{HEIGHT, PAIRS, Player, Stage, WIDTH};
use crate::usage::spent;

/// A flash and a beep of 80 ms begin at one moment of each second, but not at the same moment of every second, so that an error of a whole
/// second or several is seen as what it is. In the middle of a black band the flash is all that changes.
const PART: Media = Media {
    name: "flashes.mp4",
    args: "-f lavfi -i testsrc2=size=1920x1080:rate=30:duration=120 \
        -f lavfi -i aevalsrc=st(0\\,floor(n/48000))*0+st(1\\,48000*ld(0)+1600*mod(7*ld(0)*ld(0)+3*ld(0)\\,19))*0\
+0.5*sin(2*PI*1000*(n-ld(1))/48000)*between(n-ld(1)\\,0\\,3839):sample_rate=48000:duration=120 \
        -filter_complex [0]drawbox=y=400:h=280:color=black:t=fill,drawbox=y=400:h=280:color=white:t=fill:\
enable='between(mod(n,30)-mod(7*floor(n/30)*floor(n/30)+3*floor(n/30),19),0,2)',format=yuv420p[out] \
        -map [out] -map 1 -c:v libx264 -preset veryfast -b:v 2M -bf 0 -g 60 -c:a alac -ac 2",
};
/// After so many seconds the part comes again.
const PART_SECONDS: u64 = 120;
/// How long the run is that tells the drift, and one that only tells the offset.
const LONG: Duration = Duration::from_secs(30 * 60);
const SHORT: Duration = Duration::from_secs(4 * 60);
/// A run only tried out.
const TRIED: Duration = Duration::from_secs(45);
/// Fewest flashes a figure comes from.
const FLASHES: usize = 200;
/// Flash and beep that are further from their place than this are not what they are taken for.
const FAR: f64 = 0.15;
/// Flashes at the beginning that starting may swallow.
const SWALLOWED: usize = 10;

/// When the flash of a second begins, in seconds from the beginning of the film.
fn moment(second: usize) -> f64 {
    let k = second as u64 % PART_SECONDS;
    second as f64 + ((7 * k * k + 3 * k) % 19) as f64 / 30.0
}

pub(crate) fn bench(machine: &mut Machine, rows: &mut Vec<Row>) -> Result<(), String> {
    let (stage, speaker) = Stage::with_speaker()?;
    for ((ours, peer), length) in PAIRS.into_iter().zip([LONG, SHORT]) {
        let mut run = |player: Player, length: Duration| {
            let length = machine.length(length, TRIED);
            let film = film(length)?;
            let (mut run, gaps) = machine.long(|| watch(&stage, &speaker, player, &film, length))?;
            run.leave_out(&gaps);
            if run.flashes.len() < FLASHES && !machine.tries {
                machine.void.push(format!("only {} flashes with their beeps", run.flashes.len()));
            }
            Ok::<_, String>(run)
        };
        // How far apart the peer's clocks drift is not judged.
        let (one, other) = (run(ours, length)?, run(peer, SHORT)?);
        let beside = ours.beside(peer);
        let mut row = |what: &str, unit: &'static str, figure: &dyn Fn(&Run) -> f64, bar: Bar| {
            let what = format!("A/V {what}: {beside}");
            rows.push(Row { what, unit, ours: vec![figure(&one)], peer: vec![figure(&other)], bar });
        };
        row("offset, mean", "ms", &|run| run.mean(), Bar::Within(10.0));
        row("offset, p99", "ms", &|run| run.p99(), Bar::Value(20.0));
        row("flashes", "", &|run| run.flashes.len() as f64, Bar::None);
        row("method's own error, p99", "ms", &|run| percentile(&run.errors(), 0.99), Bar::None);
        if length == LONG {
            let (drift, bound) = one.drift();
            let what = format!("A/V drift: {}", ours.name());
            rows.push(Row { bar: Bar::None, ..Row::alone(what, "ms/h", vec![drift], 0.0) });
            rows.push(Row::alone(
                format!("A/V drift, 95 % bound: {}", ours.name()),
                "ms/h",
                vec![bound],
                5.0,
            ));
        }
        Chart {
            title: format!("Picture after sound: {beside}"),
            x: "minutes",
            y: "ms",
            series: vec![
                Series { name: format!("kinora {}", ours.name()), points: one.offsets() },
                Series { name: format!("mpv {}", peer.name()), points: other.offsets() },
            ],
            limits: vec![-20.0, 20.0],
        }
        .write(&format!("av-{}", ours.name()))?;
    }
    Ok(())
}

/// A flash that was seen and its beep.
struct Flash {
    /// When it was seen.
    at: Instant,
    /// Where it is in the film, in minutes.
    minutes: f64,
    /// Milliseconds by which it was later than its beep.
    offset: f64,
    /// By how much that may be wrong, milliseconds: half the time between the looks before and at the flash, half a tick of the loudspeaker, and
    /// by how much that tick was late.
    error: f64,
}

/// What came of a run.
struct Run {
    flashes: Vec<Flash>,
}

impl Run {
    /// Leaves out what may be due to what else the machine did.
    fn leave_out(&mut self, gaps: &Gaps) {
        self.flashes.retain(|flash| !gaps.touch(flash.at));
    }

    /// Minutes into the film, and milliseconds by which its flash was later than its beep.
    fn offsets(&self) -> Vec<(f64, f64)> {
        self.flashes.iter().map(|flash| (flash.minutes, flash.offset)).collect()
    }

    fn errors(&self) -> Vec<f64> {
        self.flashes.iter().map(|flash| flash.error).collect()
    }

    fn mean(&self) -> f64 {
        self.flashes.iter().map(|flash| flash.offset).sum::<f64>() / self.flashes.len() as f64
    }

    fn p99(&self) -> f64 {
        let sizes: Vec<f64> = self.flashes.iter().map(|flash| flash.offset.abs()).collect();
        percentile(&sizes, 0.99)
    }

    /// Slope in milliseconds an hour, and how far from none it is at most, with 95 % confidence.
    fn drift(&self) -> (f64, f64) {
        let points: Vec<(f64, f64)> =
            self.flashes.iter().map(|flash| (flash.minutes / 60.0, flash.offset)).collect();
        let (slope, half_width) = slope(&points);
        (slope, slope.abs() + half_width)
    }
}

/// Plays the film for so long.
fn watch(
    stage: &Stage,
    speaker: &Speaker,
    player: Player,
    film: &Path,
    length: Duration,
) -> Result<Run, String> {
    speaker.forget();
    let mut show = stage.open(player, &[film], |_| {})?;
    let began = Instant::now();
    // Flashes, with half the time between the look that saw it and the one before.
    let (mut flashes, mut halves) = (Vec::new(), Vec::new());
    let (mut last, mut was_white) = (began, true);
    // The end, with its end card, is no part of it.
    while last - began < length - Duration::from_secs(2) {
        let (line, now) = show.line(HEIGHT / 2)?;
        let white = line.pixel(WIDTH / 2, 0)[1] > 128;
        if white && !was_white {
            let half = (now - last) / 2;
            flashes.push((now - half - began).as_secs_f64());
            halves.push(half);
        }
        (last, was_white) = (now, white);
        show.pause()?;
    }
    drop(show);
    let heard = speaker.heard();
    let beeps: Vec<f64> =
        heard.beeps.iter().map(|at| at.saturating_duration_since(began).as_secs_f64()).collect();
    let seconds = length.as_secs() as usize;
    let mut of_run = Vec::new();
    for (second, pair) in placed(&flashes, seconds).into_iter().zip(placed(&beeps, seconds)).enumerate() {
        let (Some(flash), Some(beep)) = pair else { continue };
        let error = halves[flash] + TICK / 2 + heard.late[beep];
        of_run.push(Flash {
            at: began + Duration::from_secs_f64(flashes[flash]),
            minutes: moment(second) / 60.0,
            offset: (flashes[flash] - beeps[beep]) * 1000.0,
            error: error.as_secs_f64() * 1000.0,
        });
    }
    Ok(Run { flashes: of_run })
}

/// Which of the moments seen or heard belongs to each second, by the pattern they make; nobody knows when the film began.
fn placed(times: &[f64], seconds: usize) -> Vec<Option<usize>> {
    let place = |began: f64| {
        let mut of_second = vec![None; seconds];
        for (index, time) in times.iter().enumerate() {
            let into = time - began;
            // No moment is later in its second than 0.6 s.
            let second = (into + FAR).max(0.0) as usize;
            if second < seconds && (into - moment(second)).abs() < FAR {
                of_second[second] = Some(index);
            }
        }
        of_second
    };
    let begins =
        times.iter().take(SWALLOWED).flat_map(|time| (0..SWALLOWED).map(move |second| time - moment(second)));
    begins.map(place).max_by_key(|of_second| of_second.iter().flatten().count()).unwrap_or_default()
}

/// The film, so long.
fn film(length: Duration) -> Result<PathBuf, String> {
    let part = make(&PART)?;
    let film = scratch("bench/av").join(format!("{}.mp4", length.as_secs()));
    spent(
        Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-y", "-stream_loop", "-1", "-i"])
            .arg(part)
            .args(["-c", "copy", "-t", &length.as_secs().to_string()])
            .arg(&film),
    )?;
    Ok(film)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_seen_late_and_with_gaps_are_placed() {
        let times: Vec<f64> = (3..300).filter(|k| k % 7 != 0).map(|k| moment(k) + 12.34).collect();
        let placed = placed(&times, 300);
        for (second, index) in placed.iter().enumerate() {
            let seen = second >= 3 && second % 7 != 0;
            let off = index.map(|index| (times[index] - 12.34 - moment(second)).abs());
            assert_eq!(off.map(|off| off < 1e-6), seen.then_some(true), "{second}: {off:?}");
        }
    }

    #[test]
    fn beeps_a_second_late_are_not_taken_for_the_next_ones() {
        let (flashes, beeps): (Vec<f64>, Vec<f64>) = (0..100).map(|k| (moment(k), moment(k) + 1.0)).unzip();
        let pairs = placed(&flashes, 100).into_iter().zip(placed(&beeps, 100));
        assert!(pairs.flat_map(|(flash, beep)| flash.zip(beep)).all(|(flash, beep)| flash == beep));
    }
}
