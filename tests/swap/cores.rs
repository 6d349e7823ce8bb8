//! `kinora-headless core ...`: what people do with installed cores.

use std::path::{Path, PathBuf};

use kinora_tests::{Headless, framemd5, guest, make, scratch};
use serde_json::Value;

use crate::bad;

/// A home of its own, without any core.
pub(crate) fn home(name: &str) -> Result<PathBuf, String> {
    let home = scratch("swap/homes").join(name);
    if home.exists() {
        std::fs::remove_dir_all(&home).map_err(|e| e.to_string())?;
    }
    Ok(home)
}

/// `core ...` with what this home has installed.
pub(crate) fn core(home: &Path, words: &[&str]) -> Result<String, String> {
    Headless::here().at_home(home).core(words)
}

fn json(home: &Path, words: &[&str]) -> Result<Value, String> {
    let out = core(home, &[words, &["--json"]].concat())?;
    serde_json::from_str(&out).map_err(|e| format!("{e}: {out}"))
}

/// Tries and keeps a component; its id.
pub(crate) fn install(home: &Path, file: &Path) -> Result<String, String> {
    let installed = json(home, &["install", &file.to_string_lossy()])?;
    Ok(installed["id"].as_str().ok_or("an installed core has an id")?.to_owned())
}

/// From the factory core to an installed one and back, and `why` tells it.
pub(crate) fn commands(build: &str) -> Result<(), String> {
    let home = home("commands")?;
    let expect = |what: &str, right: bool| if right { Ok(()) } else { Err(what.to_owned()) };
    let runs_factory = |home: &Path| Ok::<_, String>(json(home, &["why"])?["factory"] == true);
    expect("only the factory core is there", json(&home, &["list"])?.as_array().map(Vec::len) == Some(1))?;
    expect("nothing to go back to", core(&home, &["rollback"]).is_err())?;

    let installed = json(&home, &["install", build])?;
    let id = installed["id"].as_str().ok_or("an installed core has an id")?.to_owned();
    expect("its stamp is read", installed["name"] == "player-core" && installed["contract"] == "0.1.0")?;
    expect("installing changes nothing yet", runs_factory(&home)?)?;
    expect("an id is enough to begin", core(&home, &["use", &id[..8]])?.contains("was chosen"))?;
    expect("it was chosen", json(&home, &["info"])?["id"] == id.as_str())?;
    expect("what runs is not removed", core(&home, &["remove", &id]).is_err())?;
    expect("it is pinned", core(&home, &["pin"])?.contains("pinned"))?;
    expect("it is unpinned", !core(&home, &["unpin"])?.contains("pinned"))?;

    core(&home, &["rollback"])?;
    expect("back at the factory core", runs_factory(&home)?)?;
    core(&home, &["remove", &id])?;
    let why = core(&home, &["why"])?;
    let told = ["installed from", "chosen by hand", "gone back to by hand", "removed"];
    expect(&format!("the story is told: {why}"), told.iter().all(|words| why.contains(words)))?;
    let mistake = core(&home, &["use", "frobnicate"]).err().unwrap_or_default();
    expect(&format!("a mistake is named: {mistake}"), mistake.contains("frobnicate"))
}

/// A component of another contract, damaged or none at all is refused in words, and nothing is kept of it.
pub(crate) fn refused(build: &str) -> Result<(), String> {
    let home = home("refused")?;
    std::fs::create_dir_all(&home).map_err(|e| e.to_string())?;
    let good = std::fs::read(build).map_err(|e| e.to_string())?;
    let newer = replaced(&good, b"kinora:contract0.1.0", b"kinora:contract0.9.0").ok_or("no stamp")?;
    let cut = good[..good.len() / 2].to_vec();
    let mut lying = b"\0asm\x0d\0\x01\0\0\x15\x0f".to_vec();
    lying.extend(b"kinora:contract0.1.0");
    let cases: [(&str, Vec<u8>, &[&str]); 4] = [
        ("newer", newer, &["contract 0.9.0", "offers 0.1"]),
        ("cut", cut, &["cut short"]),
        ("lying", lying, &["kinora:shim/player"]),
        ("text", b"hello".to_vec(), &["not a WebAssembly component"]),
    ];
    for (name, wasm, words) in cases {
        let file = home.join(format!("{name}.wasm"));
        std::fs::write(&file, wasm).map_err(|e| e.to_string())?;
        let why = match core(&home, &["install", &file.to_string_lossy()]) {
            Ok(told) => return Err(format!("{name} was installed: {told}")),
            Err(why) => why,
        };
        if !words.iter().all(|word| why.contains(word)) {
            return Err(format!("{name}: {why}"));
        }
    }
    match json(&home, &["list"])?.as_array().map(Vec::len) {
        Some(1) => Ok(()),
        other => Err(format!("{other:?} cores are there")),
    }
}

/// Where the store cannot be written, what was chosen runs, and nothing else can be; a build that goes wrong gives way there as well.
pub(crate) fn read_only(build: &str) -> Result<(), String> {
    let home = home("read-only")?;
    let (id, bad) =
        (install(&home, Path::new(build))?, install(&home, Path::new(&guest("takes_over_and_traps")))?);
    core(&home, &["use", &id])?;
    let before = core(&home, &["why"])?;
    let here = Headless::here().at_home(&home);
    let Some(here) = here.reading_only(&home) else {
        println!("no mount is allowed here: a store that is mounted read-only is not tried");
        return Ok(());
    };
    if here.core(&["why"])? != before {
        return Err(format!("another core runs: {}", here.core(&["why"])?));
    }
    let changes: [&[&str]; 6] = [
        &["use", "factory"],
        &["use", &bad],
        &["rollback"],
        &["pin"],
        &["remove", &bad],
        &["install", build],
    ];
    for words in changes {
        let why = here.core(words).err().ok_or_else(|| format!("{words:?} is done"))?;
        if !why.contains("cannot be written to") {
            return Err(format!("{words:?}: {why}"));
        }
    }
    let film = make(&bad::FILM)?;
    let (installed, bad) = (bad::installed(&home, &id), bad::installed(&home, &bad));
    let args = [
        "--core",
        &installed.to_string_lossy(),
        "--swap-core",
        &bad.to_string_lossy(),
        "--swap-every",
        "12.5",
    ];
    let played = here.play("swap/read-only", &film.to_string_lossy(), &args);
    played.expect_played()?;
    if played.figure("/swap/failed")? != 1 || played.frames() != framemd5(&film)? {
        return Err(format!("it does not give way, or other frames\n{}", played.stderr));
    }
    if core(&home, &["why"])? == before { Ok(()) } else { Err("something was written".into()) }
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
    let at = bytes.windows(from.len()).position(|window| window == from)?;
    let mut out = bytes.to_vec();
    out[at..at + to.len()].copy_from_slice(to);
    Some(out)
}
