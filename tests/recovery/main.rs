//! Whatever the core does, the picture and the sound go on. Hostile guests (`tests/guests`) do their worst while a film lies in the
//! queues; the real core is ended in the middle of its calls and must leave no trace of that.

use std::path::Path;

use kinora_tests::{Outcome, Played, Random, Screen, framemd5, play, root, scratch, target_folder};
use libtest_mimic::{Arguments, Failed, Trial};

/// Guests, and whether the shim gives them up in the end. The others are refused what they ask, and end the film properly.
const GUESTS: &[(&str, Option<&str>)] = &[
    ("loops_in_handle", Some("`handle` took longer than allowed")),
    ("loops_in_start", Some("`start` took longer than allowed")),
    ("loops_in_snapshot", Some("`snapshot` took longer than allowed")),
    ("traps", Some("trapped")),
    ("recurses", Some("trapped")),
    // Its memory or its time runs out first.
    ("allocates", Some("the core")),
    ("floods_commands", None),
    ("floods_fetches", None),
    ("floods_timelines", None),
    ("floods_images", None),
    ("floods_log", None),
    ("sends_bad_lists", None),
    ("uses_unknown_ids", None),
    ("answers_stale_wants", None),
    ("lies_in_snapshot", None),
];
/// Frames of the guests' film, and samples of its sound.
const FRAMES: usize = 75;
const SAMPLES: usize = 24_000;
/// Most memory the process may have used: the core's own, the queues, and what every player needs.
const MEMORY_KIB: u64 = 700 << 10;

/// What is played while the core is killed, and in how many runs.
const KILLED: &[(&str, u64)] = &[
    ("assets/demo/3 Flash and beep.mp4", 40),
    ("assets/demo/2 Ripples.webm", 30),
    ("assets/demo/aurora-hls/master.m3u8", 30),
];

fn main() {
    let arguments = Arguments::from_args();
    let mut trials: Vec<Trial> = GUESTS
        .iter()
        .map(|&(guest, given_up)| {
            Trial::test(format!("guest_{guest}_film_goes_on"), move || {
                guest_film(guest, given_up).map_err(Failed::from)
            })
        })
        .collect();
    trials.extend(KILLED.iter().map(|&(source, runs)| {
        let name = Path::new(source).file_stem().unwrap_or_default().to_string_lossy().replace(' ', "_");
        Trial::test(format!("kills_while_{name}_plays_leave_no_trace"), move || {
            killed(&name, source, runs).map_err(Failed::from)
        })
    }));
    trials.push(Trial::test("item_that_fails_twice_is_left_out", || left_out().map_err(Failed::from)));
    trials.push(Trial::test("stalled_core_captions_change_on_time", || stalled().map_err(Failed::from)));
    libtest_mimic::run(&arguments, trials).exit();
}

fn guest_film(guest: &str, given_up: Option<&str>) -> Result<(), String> {
    let core = target_folder().parent().expect("target/PROFILE").join(format!("guests/{guest}.wasm"));
    let core = core.to_string_lossy();
    // Real time: what loops is stopped by the limits that hold on devices.
    let played = play(&format!("recovery/{guest}"), "none", &["--core", &core, "--clock", "real"]);
    let frames = played.frames().len();
    if frames != FRAMES {
        return Err(format!("{frames} of {FRAMES} frames were presented\n{}", played.stderr));
    }
    let samples = played.sound()?.samples.len();
    if samples != SAMPLES {
        return Err(format!("{samples} of {SAMPLES} samples were heard\n{}", played.stderr));
    }
    if played.peak_kib > MEMORY_KIB {
        return Err(format!("{} KiB of memory were used", played.peak_kib));
    }
    match (given_up, &played.outcome) {
        (None, Outcome::Exit(0)) => Ok(()),
        (Some(reason), Outcome::Exit(1)) if played.stderr.contains(reason) => Ok(()),
        (_, outcome) => Err(format!("{outcome:?}\n{}", played.stderr)),
    }
}

/// Ends the core in a random call of each run; frames and sound are those of a run in peace. Twice in one run would be another matter: the
/// item would be left out.
fn killed(name: &str, source: &str, runs: u64) -> Result<(), String> {
    let path = root().join(source);
    let source = path.to_string_lossy();
    let peace = play(&format!("recovery/{name}-peace"), &source, &[]);
    peace.expect_played()?;
    // Variants of a presentation have frames of their own: there the run in peace is the measure.
    if !source.ends_with(".m3u8") && peace.frames() != framemd5(&path)? {
        return Err("even in peace the frames are not FFmpeg's".into());
    }
    let calls = peace.report()["core"]["calls"].as_u64().ok_or("the report counts no calls")?;
    let mut random = Random::new(0x5eed);
    for run in 0..runs {
        let call = 1 + random.below(calls);
        let played = play(&format!("recovery/{name}-{run}"), &source, &["--kill", &call.to_string()]);
        let differs =
            |what: &str| Err(format!("killed in call {call} of {calls}: {what}\n{}", played.stderr));
        if played.outcome != Outcome::Exit(0) {
            return differs(&format!("{:?}", played.outcome));
        }
        if played.frames() != peace.frames() {
            return differs(&format!("{} frames, in peace {}", played.frames().len(), peace.frames().len()));
        }
        if played.sound()? != peace.sound()? {
            return differs("other sound");
        }
    }
    Ok(())
}

/// The core fails twice while one item of the queue plays: what is buffered of it plays on, then the next one comes.
fn left_out() -> Result<(), String> {
    let [first, next] =
        ["assets/demo/3 Flash and beep.mp4", "assets/demo/1 Aurora.mp4"].map(|clip| root().join(clip));
    let played =
        play("recovery/left-out", &first.to_string_lossy(), &[&next.to_string_lossy(), "--kill", "30,34"]);
    if played.outcome != Outcome::Exit(0) || !played.stderr.contains("failed twice") {
        return Err(format!("{:?}\n{}", played.outcome, played.stderr));
    }
    let (all, last) = (played.frames(), framemd5(&next)?);
    let buffered = framemd5(&first)?;
    let begun = all.len().saturating_sub(last.len());
    if all.get(begun..) != Some(&last[..]) || all.get(..begun) != buffered.get(..begun) || begun == 0 {
        return Err(format!("{} frames, the last item has {}", all.len(), last.len()));
    }
    Ok(())
}

/// The core hangs for three seconds, in which one caption goes and another comes: the pictures are those of a run in peace.
fn stalled() -> Result<(), String> {
    const CAPTIONS: &str =
        "1\n00:00:06,000 --> 00:00:07,000\nBefore\n\n2\n00:00:07,400 --> 00:00:08,400\nAfter\n";
    let folder = scratch("recovery/stalled");
    let film = folder.join("film.mp4");
    let copied = std::fs::copy(root().join("tests/scenarios/captions_beside/film.mp4"), &film);
    copied.and_then(|_| std::fs::write(folder.join("film.srt"), CAPTIONS)).map_err(|e| e.to_string())?;
    let looks = ["6.5", "7.2", "7.9"];
    let run = |name: &str, extra: &[&str]| {
        let mut args = vec!["--keys", "1:c", "--until", "9"];
        let shots: Vec<String> = looks.iter().map(|at| format!("{at}={at}.png")).collect();
        shots.iter().for_each(|shot| args.extend(["--screenshot", shot]));
        args.extend(extra);
        play(&format!("recovery/stalled/{name}"), &film.to_string_lossy(), &args)
    };
    let (peace, stalled) = (run("peace", &[]), run("hung", &["--stall", "5.5-8.6"]));
    let picture = |played: &Played, at: &str| {
        let png = std::fs::read(played.folder.join(format!("{at}.png")))
            .map_err(|e| format!("{e}: {}", played.stderr))?;
        Screen::from_png(&png)
    };
    let shown: Vec<Screen> = looks.iter().map(|at| picture(&peace, at)).collect::<Result<_, _>>()?;
    if shown[0] == shown[1] || shown[1] == shown[2] || shown[0] == shown[2] {
        return Err("the captions do not change even in peace".into());
    }
    for (at, expected) in looks.iter().zip(&shown) {
        if let Some(difference) = expected.difference(&picture(&stalled, at)?) {
            return Err(format!("at {at} s: {difference}"));
        }
    }
    if peace.frames() == stalled.frames() { Ok(()) } else { Err("other frames".into()) }
}
