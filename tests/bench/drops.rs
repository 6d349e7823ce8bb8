//! Pictures that never came to the screen in ten minutes, as seen from outside, and breaks in the sound.

use std::time::{Duration, Instant};

use kinora_tests::Speaker;

use crate::calm::Machine;
use crate::film::{FPS, SECONDS};
use crate::report::Row;
use crate::stage::{PAIRS, Player, Stage};

/// Ten minutes; of the peer, which is not judged, as much as shows what kind of figure it is.
const FILMS: usize = 5;
const PEER_FILMS: usize = 1;
/// Pictures at the very beginning that starting may swallow, and at the end, which some players do not hold.
const FIRST: u32 = FPS;
const LAST: u32 = 2;
/// Sound and picture of the next film may begin so far apart.
const CHANGE: Duration = Duration::from_secs(1);

pub(crate) fn bench(machine: &mut Machine, rows: &mut Vec<Row>) -> Result<(), String> {
    let (stage, speaker) = Stage::with_speaker()?;
    for (ours, peer) in PAIRS {
        let mut watched = |player, films| {
            let (seen, gaps) = machine.long(|| watch(&stage, &speaker, player, films))?;
            let lost =
                seen.losses.iter().filter(|(at, _)| !gaps.touch(*at)).map(|(_, lost)| *lost).sum::<u32>();
            let broke = seen.breaks.iter().filter(|at| !gaps.touch(**at)).count();
            let in_ten_minutes = |count: f64| count * (FILMS / films) as f64;
            Ok::<_, String>([f64::from(lost), broke as f64].map(in_ten_minutes))
        };
        let (one, other) = (watched(ours, FILMS)?, watched(peer, PEER_FILMS)?);
        for (index, what) in ["pictures lost", "breaks of the tone"].into_iter().enumerate() {
            let what = format!("10 min, {what}: {}", ours.beside(peer));
            rows.push(Row { peer: vec![other[index]], ..Row::alone(what, "", vec![one[index]], 0.0) });
        }
    }
    Ok(())
}

/// What was seen and heard.
struct Seen {
    /// When pictures were found to be lost, and how many.
    losses: Vec<(Instant, u32)>,
    /// When the sound broke.
    breaks: Vec<Instant>,
}

fn watch(stage: &Stage, speaker: &Speaker, player: Player, films: usize) -> Result<Seen, String> {
    let mut show = stage.play(player, films)?;
    show.wait_first()?;
    show.wait_number(|number| number >= FIRST)?;
    speaker.forget();
    let (mut last, mut changes, mut losses) = (FIRST, Vec::new(), Vec::new());
    let limit = Duration::from_secs(u64::from(SECONDS) * films as u64 + 30);
    let ended = show.watch(limit, |number| {
        let lost = if number < last {
            // The next film.
            changes.push(Instant::now());
            SECONDS * FPS - 1 - last + number
        } else {
            (number - last).saturating_sub(1)
        };
        if lost > 0 {
            losses.push((Instant::now(), lost));
        }
        last = number;
        changes.len() + 1 == films && number >= SECONDS * FPS - 1 - LAST
    })?;
    let end = ended.ok_or_else(|| format!("{player:?} does not come to the end"))?;
    changes.push(end);
    // Another film's tone begins anew.
    let near = |at: &Instant| changes.iter().any(|c| *at + CHANGE > *c && *at < *c + CHANGE);
    let breaks = speaker.heard().breaks.into_iter().filter(|at| !near(at)).collect();
    Ok(Seen { losses, breaks })
}
