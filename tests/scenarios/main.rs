//! Scenario folders: `test.toml` says what is played and done, `expected.txt` what must come of it, `expected-TIME.png` what must be
//! seen. `cargo xtask bless` writes the expectations anew, to be reviewed as text and pictures.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use kinora_tests::{Played, blessing, play, root};
use libtest_mimic::{Arguments, Failed, Trial};
use serde::Deserialize;

/// Most that a channel of a pixel may differ, and the permille of pixels that may differ more (edges of shapes).
const CHANNEL: u8 = 2;
const PERMILLE: usize = 1;

/// A scenario.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    /// What it shows, for the reader.
    #[serde(rename = "about")]
    _about: String,
    /// Played one after another, relative to the repository's root.
    sources: Vec<String>,
    /// As `--keys` takes them.
    #[serde(default)]
    keys: String,
    /// As `--size` takes it.
    #[serde(default)]
    size: Option<String>,
    /// As `--scale` takes it.
    #[serde(default)]
    scale: Option<String>,
    /// Seconds.
    #[serde(default)]
    until: Option<f64>,
    /// Seconds at which the screen is looked at.
    #[serde(default)]
    screenshots: Vec<f64>,
}

fn main() {
    let arguments = Arguments::from_args();
    let folder = root().join("tests/scenarios");
    let mut folders: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("scenarios are committed")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("test.toml").is_file())
        .collect();
    folders.sort();
    let trials = folders.into_iter().map(|folder| {
        let name = folder.file_name().expect("it has a name").to_string_lossy().into_owned();
        Trial::test(name.clone(), move || check(&name, &folder).map_err(Failed::from))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

fn check(name: &str, folder: &Path) -> Result<(), String> {
    let text = fs::read_to_string(folder.join("test.toml")).map_err(|e| e.to_string())?;
    let scenario: Scenario = toml::from_str(&text).map_err(|e| e.to_string())?;
    let played = run(name, &scenario);

    let mut differences = String::new();
    let dump = dump(&played);
    compare(&folder.join("expected.txt"), dump.as_bytes(), &mut differences, |expected| {
        let expected = String::from_utf8_lossy(expected);
        let at = expected.lines().zip(dump.lines()).position(|(a, b)| a != b);
        let at = at.unwrap_or_else(|| expected.lines().count().min(dump.lines().count()));
        let line = |text: &str| text.lines().nth(at).unwrap_or("nothing").to_owned();
        (expected != dump)
            .then(|| format!("line {}: expected `{}`, got `{}`", at + 1, line(&expected), line(&dump)))
    });
    for time in &scenario.screenshots {
        let file = format!("{time}.png");
        let seen = fs::read(played.folder.join(&file)).unwrap_or_default();
        compare(&folder.join(format!("expected-{file}")), &seen, &mut differences, |expected| {
            picture_difference(expected, &seen)
                .map(|why| format!("{why}; see {}", played.folder.join(&file).display()))
        });
    }
    if differences.is_empty() { Ok(()) } else { Err(differences) }
}

fn run(name: &str, scenario: &Scenario) -> Played {
    let mut extra: Vec<String> = Vec::new();
    let mut option = |flag: &str, value: String| extra.extend([flag.to_owned(), value]);
    for time in &scenario.screenshots {
        option("--screenshot", format!("{time}={time}.png"));
    }
    if !scenario.keys.is_empty() {
        option("--keys", scenario.keys.clone());
    }
    for (flag, value) in [
        ("--size", scenario.size.clone()),
        ("--scale", scenario.scale.clone()),
        ("--until", scenario.until.map(|t| t.to_string())),
    ] {
        if let Some(value) = value {
            option(flag, value);
        }
    }
    let path = |source: &String| root().join(source).to_string_lossy().into_owned();
    extra.extend(scenario.sources[1..].iter().map(path));
    let extra: Vec<&str> = extra.iter().map(String::as_str).collect();
    play(&format!("scenarios/{name}"), &path(&scenario.sources[0]), &extra)
}

/// What a run came to, without anything that depends on the machine's speed.
fn dump(played: &Played) -> String {
    let report = played.report();
    let mut out = String::new();
    let _ = writeln!(out, "outcome {:?}", played.outcome);
    let _ = writeln!(out, "duration_us {}", report["duration_us"]);
    for (kind, fields) in [
        ("video", &["codec", "width", "height", "presented", "dropped"][..]),
        ("audio", &["codec", "rate", "channels", "underruns"]),
    ] {
        for field in fields {
            let _ = writeln!(out, "{kind}.{field} {}", report[kind][field]);
        }
    }
    let _ = writeln!(out, "errors {}", report["errors"]);
    for frame in played.frames() {
        let _ = writeln!(out, "frame {frame}");
    }
    out
}

fn compare(
    golden: &Path,
    got: &[u8],
    differences: &mut String,
    difference: impl Fn(&[u8]) -> Option<String>,
) {
    let expected = fs::read(golden);
    let why = match &expected {
        Ok(expected) => difference(expected),
        Err(_) => Some("it is not there".into()),
    };
    let Some(why) = why else { return };
    let name = golden.file_name().expect("goldens are files").to_string_lossy();
    if blessing() {
        match fs::write(golden, got) {
            Ok(()) => eprintln!("{name} written: {why}"),
            Err(e) => differences.push_str(&format!("{name}: {e}\n")),
        }
    } else {
        differences.push_str(&format!("{name}: {why}\n"));
    }
}

fn picture_difference(expected: &[u8], seen: &[u8]) -> Option<String> {
    let (expected, seen) = match (decode(expected), decode(seen)) {
        (Ok(expected), Ok(seen)) => (expected, seen),
        (Err(e), _) | (_, Err(e)) => return Some(e),
    };
    if (expected.0, expected.1) != (seen.0, seen.1) {
        return Some(format!("{}x{} instead of {}x{}", seen.0, seen.1, expected.0, expected.1));
    }
    let pairs = expected.2.chunks_exact(3).zip(seen.2.chunks_exact(3));
    let off = pairs.filter(|(a, b)| a.iter().zip(*b).any(|(a, b)| a.abs_diff(*b) > CHANNEL)).count();
    let all = expected.2.len() / 3;
    (off * 1000 > all * PERMILLE).then(|| format!("{off} of {all} pixels differ"))
}

type Pixels = (u32, u32, Vec<u8>);

fn decode(bytes: &[u8]) -> Result<Pixels, String> {
    let mut reader =
        png::Decoder::new(std::io::Cursor::new(bytes)).read_info().map_err(|e| format!("no picture: {e}"))?;
    let mut pixels = vec![0; reader.output_buffer_size().ok_or("a picture too large")?];
    let info = reader.next_frame(&mut pixels).map_err(|e| format!("no picture: {e}"))?;
    pixels.truncate(info.buffer_size());
    Ok((info.width, info.height, pixels))
}
