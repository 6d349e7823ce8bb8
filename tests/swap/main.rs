//! Another build of the core takes over while something plays, and nobody notices; a bad one gives way to the one before it.

mod cores;
mod quality;
mod slow;

use std::path::Path;

use kinora_tests::{
    LIVE_STREAM, LiveConfig, LiveServer, Media, Outcome, Played, Random, Screen, TRACE, framemd5, guest,
    make, other_build, play, replay, root, scratch,
};
use libtest_mimic::{Arguments, Failed, Trial};

/// A hundred seconds: a film needs no more pixels to show that a frame is missing.
const LONG: Media = Media {
    name: "long.mp4",
    args: "-f lavfi -i testsrc2=s=192x108:r=30:d=100 -f lavfi -i sine=f=440:r=48000:d=100 \
           -c:v libx264 -preset ultrafast -g 60 -bf 2 -pix_fmt yuv420p -c:a aac -b:a 64k -movflags +faststart",
};

/// What plays, and how often the builds take turns, in seconds.
const PEACEFUL: &[(&str, &str)] =
    &[(FILM, "0.31"), ("assets/demo/2 Ripples.webm", "0.17"), ("assets/demo/aurora-hls/master.m3u8", "0.23")];

/// Bad builds, whether under the virtual clock (else limits of time must hold), and what is said of them.
const BAD: &[(&str, bool, &str)] = &[
    ("takes_over_and_traps", true, "the core before it is back"),
    ("takes_over_and_traps_at_start", true, "trapped"),
    ("takes_over_and_traps_in_snapshot", true, "trapped"),
    ("takes_over_and_loops", false, "`handle` took longer than allowed; the core before it is back"),
    ("takes_over_and_loops_at_start", false, "`start` took longer than allowed"),
    ("takes_over_and_leaks", true, "the core before it is back"),
    ("takes_over_and_dawdles", false, "takes longer than 8 ms for most calls; the core before it is back"),
    ("takes_over_and_shows_nothing", true, "shows nothing; the core before it is back"),
    ("takes_over_and_hides_the_film", true, "hides the film"),
];

/// What somebody does while the builds take turns.
#[derive(Clone, Copy)]
struct Doing {
    name: &'static str,
    source: &'static str,
    /// Times and keys.
    keys: &'static str,
    until: &'static str,
    /// How often the builds take turns, in seconds.
    every: &'static str,
    /// When the screen is looked at.
    looks: &'static [&'static str],
}

const FILM: &str = "assets/demo/3 Flash and beep.mp4";
const LOOKS: &[&str] = &["1.2", "2.2", "5.5"];
const DOINGS: &[Doing] = &[
    doing("seeks", "1:right,2:left,3:5,4:2", "12", "0.29"),
    doing("pauses", "1:space,2:space,3:space,6:space", "12", "0.37"),
    doing("changes_the_volume", "1:up,2:down,3:m,4:m", "8", "0.41"),
    doing("goes_to_the_end", "1:9", "20", "0.19"),
    Doing {
        name: "reads_captions_of_the_file",
        source: "tests/scenarios/captions_embedded/film.mkv",
        looks: &["1", "2.2", "2.8", "4"],
        ..doing("", "0.5:c,3:c", "6", "0.31")
    },
    Doing {
        name: "reads_captions_beside_the_file",
        source: "tests/scenarios/captions_beside/film.mp4",
        looks: &["1.5", "2.5", "3.5"],
        ..doing("", "0.5:c", "6", "0.31")
    },
];

const fn doing(name: &'static str, keys: &'static str, until: &'static str, every: &'static str) -> Doing {
    Doing { name, source: FILM, keys, until, every, looks: LOOKS }
}

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = vec![
        Trial::test("hundred_swaps_in_a_film_leave_no_trace", || hundred().map_err(Failed::from)),
        Trial::test("swap_of_foreign_snapshot_goes_back_to_the_same_film", || {
            foreign().map_err(Failed::from)
        }),
        Trial::test("build_that_lets_playback_starve_gives_way", || starving().map_err(Failed::from)),
        Trial::test("swaps_while_playback_stalls_lose_no_frame", || slow::stalling().map_err(Failed::from)),
        Trial::test("swap_to_what_is_no_core_is_refused", || no_core().map_err(Failed::from)),
        Trial::test("swapped_run_replays_with_both_builds", || replayed().map_err(Failed::from)),
        Trial::test("core_commands_install_use_and_go_back", || {
            other_build().and_then(|build| cores::commands(&build)).map_err(Failed::from)
        }),
        Trial::test("core_that_cannot_run_here_is_refused_in_words", || {
            other_build().and_then(|build| cores::refused(&build)).map_err(Failed::from)
        }),
        Trial::test("swaps_in_a_live_stream_leave_no_trace", || live().map_err(Failed::from)),
        Trial::test("build_is_not_blamed_for_a_live_server_that_stands_still", || {
            standstill().map_err(Failed::from)
        }),
        Trial::test("random_swaps_leave_no_trace", || random().map_err(Failed::from)),
        Trial::test("build_as_good_as_the_one_before_stays", || quality::as_good().map_err(Failed::from)),
        Trial::test("build_that_is_worse_than_the_factory_core_was_in_another_run_gives_way", || {
            quality::over_starts().map_err(Failed::from)
        }),
        Trial::test("trap_that_the_build_before_suffers_too_is_excused", || {
            quality::both_fail().map_err(Failed::from)
        }),
        Trial::test("trap_that_only_the_new_build_suffers_is_noted", || {
            quality::one_fails().map_err(Failed::from)
        }),
    ];
    trials.extend(quality::WORSE.iter().map(|&(name, key, why)| {
        Trial::test(format!("build_that_{name}_gives_way"), move || {
            quality::worse(name, key, why).map_err(Failed::from)
        })
    }));
    trials.extend(PEACEFUL.iter().map(|&(source, every)| {
        let name = name_of(source);
        Trial::test(format!("swaps_while_{name}_plays_leave_no_trace"), move || {
            peaceful(&name, source, every).map_err(Failed::from)
        })
    }));
    trials.extend(DOINGS.iter().map(|doing| {
        Trial::test(format!("swaps_while_somebody_{}_leave_no_trace", doing.name), move || {
            done(doing).map_err(Failed::from)
        })
    }));
    trials.extend(BAD.iter().map(|&(guest, virtual_clock, why)| {
        Trial::test(format!("bad_build_{guest}_gives_way"), move || {
            bad(guest, virtual_clock, why).map_err(Failed::from)
        })
    }));
    libtest_mimic::run(&arguments, trials).exit();
}

fn name_of(source: &str) -> String {
    Path::new(source).file_stem().unwrap_or_default().to_string_lossy().replace(' ', "_")
}

/// Plays with builds taking turns and expects at least so many swaps, all good.
fn swapping(name: &str, source: &str, every: &str, least: u64, extra: &[&str]) -> Result<Played, String> {
    let other = other_build()?;
    let args: Vec<&str> =
        ["--swap-core", &other, "--swap-every", every].into_iter().chain(extra.iter().copied()).collect();
    let played = play(&format!("swap/{name}"), source, &args);
    played.expect_played()?;
    let (count, failed) = (played.figure("/swap/count")?, played.figure("/swap/failed")?);
    if count < least || failed != 0 {
        return Err(format!("{count} swaps, {failed} failed\n{}", played.stderr));
    }
    let lost = (played.figure("/swap/dropped_frames")?, played.figure("/swap/underruns")?);
    if lost != (0, 0) {
        return Err(format!("{lost:?} dropped frames and underruns"));
    }
    Ok(played)
}

fn same_sound(peace: &Played, swapped: &Played) -> Result<(), String> {
    if peace.sound()? == swapped.sound()? { Ok(()) } else { Err("other sound".into()) }
}

/// Whether a key is among them that seeks. What is decoded and thrown away unheard may then be a block more or less, in peace as well.
fn seeks(keys: &str) -> bool {
    let seeks = |key: &str| matches!(key, "left" | "right") || key.parse::<u8>().is_ok();
    keys.split(',').filter_map(|item| item.split_once(':')).any(|(_, key)| seeks(key))
}

fn same_frames(peace: &Played, swapped: &Played) -> Result<(), String> {
    let (expected, got) = (peace.frames(), swapped.frames());
    if let Some(at) = (0..expected.len().max(got.len())).find(|&at| expected.get(at) != got.get(at)) {
        let (wanted, found) = (expected.get(at), got.get(at));
        return Err(format!(
            "frame {at} of {}: {found:?} instead of {wanted:?}\n{}",
            expected.len(),
            swapped.stderr
        ));
    }
    Ok(())
}

fn hundred() -> Result<(), String> {
    let path = make(&LONG)?;
    let source = path.to_string_lossy();
    let swapped = swapping("hundred", &source, "1", 99, &[])?;
    if swapped.frames() != framemd5(&path)? {
        return Err(format!("the frames are not FFmpeg's\n{}", swapped.stderr));
    }
    let peace = play("swap/hundred-peace", &source, &[]);
    same_sound(&peace, &swapped)?;
    let (before, after) = (peace.figure("/core/memory_bytes")?, swapped.figure("/core/memory_bytes")?);
    if after > before * 3 / 2 {
        return Err(format!("{after} bytes of memory in use, in peace {before}"));
    }
    Ok(())
}

fn peaceful(name: &str, source: &str, every: &str) -> Result<(), String> {
    let source = root().join(source).to_string_lossy().into_owned();
    let peace = play(&format!("swap/{name}-peace"), &source, &[]);
    let swapped = swapping(name, &source, every, 10, &[])?;
    same_frames(&peace, &swapped)?;
    same_sound(&peace, &swapped)
}

/// The window slides while builds take turns, and the stream comes to its end.
fn live() -> Result<(), String> {
    let path = make(&LIVE_STREAM)?;
    let folder = path.parent().ok_or("a file lies in a folder")?.to_owned();
    let serve =
        || LiveServer::start(LiveConfig { folder: folder.clone(), window: 8, holds: None, total: 25 });
    let peace = play("swap/live-peace", &serve()?.url(LIVE_STREAM.name), &[]);
    peace.expect_played()?;
    let swapped = swapping("live", &serve()?.url(LIVE_STREAM.name), "0.7", 50, &[])?;
    same_frames(&peace, &swapped)?;
    same_sound(&peace, &swapped)?;
    // From the sixth segment on: three target durations before the end of the first window.
    if peace.frames() == framemd5(&path)?[5 * 120..] {
        Ok(())
    } else {
        Err("the frames are not FFmpeg's".into())
    }
}

/// A build takes over shortly before the server adds nothing for half a minute: it stays, and goes on when the server does.
fn standstill() -> Result<(), String> {
    let path = make(&LIVE_STREAM)?;
    let folder = path.parent().ok_or("a file lies in a folder")?.to_owned();
    let server = LiveServer::start(LiveConfig { folder, window: 8, holds: Some((12, 16)), total: 25 })?;
    let args = ["--swap-core", &other_build()?, "--swap-every", "22"];
    let played = play("swap/standstill", &server.url(LIVE_STREAM.name), &args);
    played.expect_played()?;
    let (count, failed) = (played.figure("/swap/count")?, played.figure("/swap/failed")?);
    if count < 2 || failed != 0 {
        return Err(format!("{count} swaps, {failed} failed\n{}", played.stderr));
    }
    if played.frames() == framemd5(&path)?[5 * 120..] { Ok(()) } else { Err("other frames".into()) }
}

/// Also what is on the screen is the same, at rest and while controls show.
fn done(doing: &Doing) -> Result<(), String> {
    let Doing { name, keys, until, every, looks, .. } = *doing;
    let source = root().join(doing.source).to_string_lossy().into_owned();
    let shots: Vec<String> = looks.iter().map(|at| format!("{at}={at}.png")).collect();
    let mut args = vec!["--keys", keys, "--until", until, "--size", "640x360"];
    shots.iter().for_each(|shot| args.extend(["--screenshot", shot]));
    let peace = play(&format!("swap/{name}-peace"), &source, &args);
    let swapped = swapping(name, &source, every, 10, &args)?;
    same_frames(&peace, &swapped)?;
    if !seeks(keys) {
        same_sound(&peace, &swapped)?;
    }
    for look in looks {
        let (expected, got) = (picture(&peace, look)?, picture(&swapped, look)?);
        if let Some(difference) = expected.difference(&got) {
            return Err(format!("at {look} s: {difference}"));
        }
    }
    Ok(())
}

fn picture(played: &Played, at: &str) -> Result<Screen, String> {
    let png = std::fs::read(played.folder.join(format!("{at}.png")));
    Screen::from_png(&png.map_err(|e| format!("{e}: {}", played.stderr))?)
}

/// Keys and intervals by chance. With swaps it is as without.
fn random() -> Result<(), String> {
    const KEYS: [&str; 8] = ["space", "right", "left", "up", "down", "m", "3", "7"];
    let mut random = Random::new(0x5a9);
    for run in 0..12 {
        let source = PEACEFUL[random.below(PEACEFUL.len() as u64) as usize].0;
        let source = root().join(source).to_string_lossy().into_owned();
        let mut at_ms = 300;
        let mut keys = Vec::new();
        for _ in 0..random.below(6) {
            at_ms += 200 + random.below(2000);
            let key = KEYS[random.below(KEYS.len() as u64) as usize];
            keys.push(format!("{}.{:03}:{key}", at_ms / 1000, at_ms % 1000));
        }
        let (keys, every) = (keys.join(","), format!("0.{:03}", 101 + random.below(800)));
        let args = ["--keys", &keys, "--until", "15"];
        let peace = play(&format!("swap/random-{run}-peace"), &source, &args);
        let swapped = swapping(&format!("random-{run}"), &source, &every, 1, &args)?;
        let sound = || if seeks(&keys) { Ok(()) } else { same_sound(&peace, &swapped) };
        same_frames(&peace, &swapped)
            .and_then(|()| sound())
            .map_err(|e| format!("{source}, keys {keys}, every {every} s: {e}"))?;
    }
    Ok(())
}

/// A build that asks for nothing more: when the buffer is empty, the one before it is back, and no frame is missing.
fn starving() -> Result<(), String> {
    let path = make(&LONG)?;
    let args = ["--swap-core", &guest("takes_over"), "--swap-every", "45"];
    let played = play("swap/starving", &path.to_string_lossy(), &args);
    played.expect_played()?;
    let reasons = played.report()["swap"]["reasons"].to_string();
    if !reasons.contains("lets playback wait without need") {
        return Err(format!("what was said of it: {reasons}\n{}", played.stderr));
    }
    if played.frames() == framemd5(&path)? { Ok(()) } else { Err("other frames".into()) }
}

/// A bad build comes once; the film does not suffer.
fn bad(guest_name: &str, virtual_clock: bool, why: &str) -> Result<(), String> {
    let path = root().join(FILM);
    let other = guest(guest_name);
    let mut args = vec!["--swap-core", &other, "--swap-every", "4"];
    if !virtual_clock {
        args.extend(["--clock", "real"]);
    }
    let played = play(&format!("swap/{guest_name}"), &path.to_string_lossy(), &args);
    if played.outcome != Outcome::Exit(0) {
        return Err(format!("{:?}\n{}", played.outcome, played.stderr));
    }
    if played.frames() != framemd5(&path)? {
        return Err(format!("other frames\n{}", played.stderr));
    }
    let reasons = played.report()["swap"]["reasons"].to_string();
    if played.figure("/swap/failed")? == 0 || !reasons.contains(why) {
        return Err(format!("what was said of it: {reasons}\n{}", played.stderr));
    }
    Ok(())
}

/// A build whose snapshots nobody else understands runs in turns with the player core, which finds its film all the same.
fn foreign() -> Result<(), String> {
    let path = root().join(FILM);
    let args = ["--swap-core", &guest("takes_over"), "--swap-every", "1.3"];
    let played = play("swap/foreign", &path.to_string_lossy(), &args);
    played.expect_played()?;
    let (count, failed) = (played.figure("/swap/count")?, played.figure("/swap/failed")?);
    if count < 4 || failed != 0 || played.frames() != framemd5(&path)? {
        return Err(format!("{count} swaps, {failed} failed, or other frames\n{}", played.stderr));
    }
    Ok(())
}

/// A component without the contract's exports that says it is a core.
fn no_core() -> Result<(), String> {
    let path = scratch("swap").join("no-core.wasm");
    let mut wasm = b"\0asm\x0d\0\x01\0".to_vec();
    let (name, version) = (b"kinora:contract", b"0.1.0");
    wasm.extend([0, (1 + name.len() + version.len()) as u8, name.len() as u8]);
    wasm.extend(name);
    wasm.extend(version);
    std::fs::write(&path, wasm).map_err(|e| e.to_string())?;
    let film = root().join(FILM);
    let args = ["--swap-core", &path.to_string_lossy(), "--swap-every", "2"];
    let played = play("swap/no-core", &film.to_string_lossy(), &args);
    played.expect_played()?;
    if played.figure("/swap/count")? != 0 || played.figure("/swap/failed")? == 0 {
        return Err(format!("it took over\n{}", played.stderr));
    }
    if played.frames() == framemd5(&film)? { Ok(()) } else { Err("other frames".into()) }
}

fn replayed() -> Result<(), String> {
    let film = root().join(FILM);
    let played = swapping("replayed", &film.to_string_lossy(), "0.7", 10, &["--record", TRACE])?;
    let other = other_build()?;
    replay(&played.folder.join(TRACE), &["--swap-core", &other]).into_iter().collect()
}
