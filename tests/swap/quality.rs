//! A build that works, and does worse than the one before it: it has to give way, in a run or over several; one that is as good stays.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use kinora_tests::{Headless, Media, Played, guest, make, other_build, scratch};

use crate::cores::{core, home};
use crate::{same_frames, same_sound};

/// Two seconds that begin at once.
const ITEM: Media = Media {
    name: "item.mp4",
    args: "-f lavfi -i testsrc2=s=128x72:r=25:d=2 -f lavfi -i sine=f=440:r=48000:d=2 \
           -c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p -c:a aac -b:a 64k -movflags +faststart",
};
const ITEMS: usize = 40;
/// The volume goes up and down once a second, before and after the other build comes.
const KEYS: &str = "2:down,3:up,4:down,5:up,6:down,7:up,8:down,9:up,10:down,\
                    43:down,44:up,45:down,46:up,47:down,48:up,49:down,50:up,51:down,52:up";

/// A second after the other build has come, and in the midst of an item: what one begins with is in a snapshot a second later.
const TRAP: &str = "32:f7";

/// What a build does worse, the key that has the faulty core do it, and what is said of it.
pub(crate) const WORSE: &[(&str, &str, &str)] = &[
    ("fails_on_each_item", "41:f9", "has an error rate of "),
    ("starts_slowly", "41:f10", "has a start time (median) of 3."),
    ("answers_late", "41:f11", "has an input latency (median) of 524 ms; the core before it had 0.0 ms"),
];

/// A queue of items, each a file of its own.
fn queue() -> Result<&'static [String], String> {
    static MADE: OnceLock<Result<Vec<String>, String>> = OnceLock::new();
    let make_all = || {
        let (item, folder) = (make(&ITEM)?, scratch("swap/queue"));
        let copy = |n: usize| {
            let path = folder.join(format!("item {n}.mp4"));
            std::fs::copy(&item, &path).map_err(|e| e.to_string())?;
            Ok(path.to_string_lossy().into_owned())
        };
        (0..ITEMS).map(copy).collect()
    };
    MADE.get_or_init(make_all).as_deref().map_err(Clone::clone)
}

fn play_queue(headless: &Headless, name: &str, extra: &[&str]) -> Result<Played, String> {
    let items = queue()?;
    let rest = items[1..].iter().map(String::as_str);
    let args: Vec<&str> = rest.chain(extra.iter().copied()).collect();
    let played = headless.play(&format!("swap/{name}"), &items[0], &args);
    played.expect_played()?;
    Ok(played)
}

fn peace(name: &str, keys: &str) -> Result<Played, String> {
    play_queue(&Headless::here(), &format!("{name}-peace"), &["--keys", keys])
}

/// The faulty core takes over, works, and is then told to do worse.
pub(crate) fn worse(name: &str, key: &str, why: &str) -> Result<(), String> {
    let keys = format!("{KEYS},{key}");
    let faulty = guest("faulty_core");
    let args = ["--keys", &keys, "--swap-core", &faulty, "--swap-every", "40"];
    let played = play_queue(&Headless::here(), name, &args)?;
    same_frames(&peace(name, KEYS)?, &played)?;
    let reasons = played.report()["swap"]["reasons"].to_string();
    if played.figure("/swap/failed")? != 1 || !reasons.contains(why) || !reasons.contains("is back") {
        return Err(format!("what was said of it: {reasons}\n{}", played.stderr));
    }
    Ok(())
}

/// A build that is as good as the one before it is not sent away for anything that happens meanwhile.
pub(crate) fn as_good() -> Result<(), String> {
    let args = ["--keys", KEYS, "--swap-core", &other_build()?, "--swap-every", "40"];
    let played = play_queue(&Headless::here(), "as-good", &args)?;
    let peace = peace("as-good", KEYS)?;
    same_frames(&peace, &played).and_then(|()| same_sound(&peace, &played))?;
    match (played.figure("/swap/count")?, played.figure("/swap/failed")?) {
        (1.., 0) => Ok(()),
        (count, failed) => Err(format!("{count} swaps, {failed} failed\n{}", played.stderr)),
    }
}

/// The file of the faulty core in a store where it was chosen; a section more makes it another build.
fn installed(home: &Path) -> Result<PathBuf, String> {
    let mut wasm = std::fs::read(guest("faulty_core")).map_err(|e| e.to_string())?;
    wasm.extend(b"\0\x05\x04last");
    let file = scratch("swap").join("faulty.wasm");
    std::fs::write(&file, wasm).map_err(|e| e.to_string())?;
    let told = core(home, &["install", &file.to_string_lossy(), "--json"])?;
    let told: serde_json::Value = serde_json::from_str(&told).map_err(|e| format!("{e}: {told}"))?;
    let id = told["id"].as_str().ok_or("an installed core has an id")?;
    core(home, &["use", id])?;
    Ok(home.join(format!("kinora/cores/{id}.wasm")))
}

/// What was measured in one run condemns a build in the next, which goes on with the factory core.
pub(crate) fn over_starts() -> Result<(), String> {
    let home = home("over-starts")?;
    let headless = Headless::here().at_home(&home);
    let storage = |name: &str| home.join(name).to_string_lossy().into_owned();
    play_queue(&headless, "over-starts-before", &["--storage", &storage("before")])?;
    let faulty = installed(&home)?;
    let args = ["--core", &faulty.to_string_lossy(), "--storage", &storage("now"), "--keys", "5:f9"];
    let played = play_queue(&headless, "over-starts", &args)?;
    same_frames(&peace("over-starts", "5:f9")?, &played)?;
    let why = core(&home, &["why"])?;
    let told =
        ["proved bad", "has an error rate of ", "; the core before it had 0 %", "gone back to by itself"];
    match told.into_iter().find(|words| !why.contains(words)) {
        Some(words) => Err(format!("not told: {words}\n{why}\n{}", played.stderr)),
        None => Ok(()),
    }
}

/// A trap that the build before suffers too is held against neither.
pub(crate) fn both_fail() -> Result<(), String> {
    let home = home("both-fail")?;
    let (one, other) = (guest("faulty_core"), installed(&home)?);
    let args = ["--core", &one, "--swap-core", &other.to_string_lossy(), "--swap-every", "31"];
    let traps = "32:f7,36:f7";
    let args = [&args[..], &["--keys", traps]].concat();
    let played = play_queue(&Headless::here().at_home(&home), "both-fail", &args)?;
    same_frames(&peace("both-fail", traps)?, &played)?;
    let why = core(&home, &["why"])?;
    if why.contains("the core before it failed at the same") && !why.contains("proved bad") {
        return Ok(());
    }
    Err(format!("{why}\n{}", played.stderr))
}

/// A trap of its own is.
pub(crate) fn one_fails() -> Result<(), String> {
    let home = home("one-fails")?;
    let other = installed(&home)?;
    let args = ["--swap-core", &other.to_string_lossy(), "--swap-every", "31", "--keys", TRAP];
    let played = play_queue(&Headless::here().at_home(&home), "one-fails", &args)?;
    same_frames(&peace("one-fails", TRAP)?, &played)?;
    let why = core(&home, &["why"])?;
    if why.contains("proved bad: the core trapped") {
        Ok(())
    } else {
        Err(format!("{why}\n{}", played.stderr))
    }
}
