//! A build that goes wrong: the one before it is back at once, the film does not suffer, and `core why` tells the story.

use std::path::{Path, PathBuf};

use kinora_cores::{Cores, Facts, Folder};
use kinora_tests::{Headless, Media, Played, framemd5, guest, make, play};
use libtest_mimic::{Failed, Trial};

use crate::cores::{core, home, install};
use crate::same_sound;

/// The bad build comes in the middle, and who is to blame shows within ten seconds.
pub(crate) const FILM: Media = Media {
    name: "bad.mp4",
    args: "-f lavfi -i testsrc2=s=128x72:r=25:d=24 -f lavfi -i sine=f=440:r=48000:d=24 -c:v libx264 \
           -preset ultrafast -g 25 -bf 2 -pix_fmt yuv420p -c:a aac -b:a 64k -movflags +faststart",
};
const COMES_AT: &str = "12.5";
/// From what a build does wrong until the one before it shows its picture again.
const BACK_US: u64 = 300_000;

/// When a build begins to do wrong.
#[derive(Clone, Copy, PartialEq)]
enum Begins {
    /// Before it takes over, which it therefore does not.
    OnTrial,
    /// When it takes over.
    AtOnce,
    /// In a later call.
    Later,
}
use Begins::{AtOnce, Later, OnTrial};

#[derive(Clone, Copy)]
struct Bad {
    guest: &'static str,
    begins: Begins,
    /// Whether limits of processor time must hold, which are off on the virtual clock.
    real_time: bool,
    /// What is told of it.
    told: &'static str,
}

const fn bad(guest: &'static str, begins: Begins, told: &'static str) -> Bad {
    Bad { guest, begins, real_time: false, told }
}

const BAD: &[Bad] = &[
    bad("takes_over_and_traps", Later, "the core trapped"),
    bad("takes_over_and_traps_at_start", OnTrial, "the core trapped"),
    bad("takes_over_and_traps_in_snapshot", OnTrial, "the core trapped"),
    bad("takes_over_and_traps_in_a_later_snapshot", Later, "the core trapped"),
    bad("takes_over_and_corrupts_its_snapshot", Later, "the core trapped"),
    bad("takes_over_and_leaks", AtOnce, "has a memory use of"),
    bad("takes_over_and_shows_nothing", AtOnce, "shows nothing"),
    bad("takes_over_and_hides_the_film", OnTrial, "hides the film"),
    Bad { real_time: true, ..bad("takes_over_and_loops", Later, "`handle` took longer than allowed") },
    Bad {
        real_time: true,
        ..bad("takes_over_and_loops_at_start", OnTrial, "`start` took longer than allowed")
    },
    Bad { real_time: true, ..bad("takes_over_and_dawdles", AtOnce, "takes longer than 8 ms for most calls") },
];

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: String, run: Box<dyn FnOnce() -> Result<(), String> + Send>| {
        Trial::test(name, move || run().map_err(Failed::from))
    };
    let mut trials: Vec<Trial> = BAD
        .iter()
        .map(|bad| trial(format!("bad_build_{}_gives_way", bad.guest), Box::new(move || gives_way(bad))))
        .collect();
    trials.push(trial("bad_build_that_is_not_what_it_says_gives_way".into(), Box::new(liar)));
    trials
}

fn gives_way(bad: &Bad) -> Result<(), String> {
    let home = home(bad.guest)?;
    let id = install(&home, Path::new(&guest(bad.guest)))?;
    let played = plays_on(&home, bad.guest, &id, bad.real_time)?;
    let report = played.report();
    let gave_way = &report["swap"]["gave_way"];
    let us = |figure: &str| gave_way[0][figure].as_u64().unwrap_or(u64::MAX);
    let took_us = match bad.begins {
        OnTrial if gave_way == &serde_json::json!([]) => 0,
        OnTrial => return Err(format!("it took over: {gave_way}")),
        AtOnce => us("after_us").saturating_add(us("back_us")),
        Later => us("back_us"),
    };
    // How long it takes a machine is measured by `bench swap`.
    if took_us > BACK_US && (!bad.real_time || took_us == u64::MAX) {
        return Err(format!("the core before it was not back in time: {gave_way}"));
    }
    tells(&home, bad.told, &played)
}

/// A component of none of the contract's functions that says it is a core, and came into the store without a trial.
fn liar() -> Result<(), String> {
    let home = home("liar")?;
    let mut wasm = b"\0asm\x0d\0\x01\0\0\x15\x0f".to_vec();
    wasm.extend(b"kinora:contract0.1.0");
    let mut cores = Cores::open(Folder::new(&home.join("kinora/cores")));
    let facts = Facts { contract: "0.1.0".into(), version: "9.9.9".into(), ..Facts::default() };
    let id = cores.install(&wasm, facts).map_err(|e| e.to_string())?;
    let played = plays_on(&home, "liar", &id, false)?;
    tells(&home, "kinora:shim/player", &played)
}

/// Plays while an installed build is to take over: it fails once, and nothing of the film is lost.
fn plays_on(home: &Path, name: &str, id: &str, real_time: bool) -> Result<Played, String> {
    core(home, &["use", id])?;
    let (film, installed) = (make(&FILM)?, installed(home, id));
    let (source, installed) = (film.to_string_lossy(), installed.to_string_lossy());
    let mut args = vec!["--swap-core", &installed, "--swap-every", COMES_AT];
    if real_time {
        args.extend(["--clock", "real"]);
    }
    let played = Headless::here().at_home(home).play(&format!("swap/{name}"), &source, &args);
    played.expect_played()?;
    if played.figure("/swap/failed")? != 1 {
        return Err(format!("it did not fail once\n{}", played.stderr));
    }
    if played.frames() != framemd5(&film)? {
        return Err(format!("the frames are not FFmpeg's\n{}", played.stderr));
    }
    same_sound(&play(&format!("swap/{name}-peace"), &source, &[]), &played)?;
    Ok(played)
}

/// Where the component of an installed core lies.
pub(crate) fn installed(home: &Path, id: &str) -> PathBuf {
    home.join(format!("kinora/cores/{id}.wasm"))
}

fn tells(home: &Path, told: &str, played: &Played) -> Result<(), String> {
    let why = core(home, &["why"])?;
    let words = ["chosen by hand", "proved bad: ", told, "gone back to by itself"];
    match words.into_iter().find(|words| !why.contains(words)) {
        Some(words) => Err(format!("not told: {words}\n{why}\n{}", played.stderr)),
        None => Ok(()),
    }
}
