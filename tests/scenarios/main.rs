//! Scenario folders: `test.toml` says what is played and done, `expected.txt` what must come of it, `expected-TIME.png` what must be
//! seen. `cargo xtask bless` writes the expectations anew, to be reviewed as text and pictures.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use kinora_tests::{Headless, Played, Scenario, Screen, TRACE, blessing, replay, scenarios};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for (player, suffix) in [(Some(Headless::here()), ""), (Headless::elsewhere(), "_elsewhere")] {
        let Some(player) = player else { continue };
        trials.extend(scenarios().expect("scenarios are committed").into_iter().map(|scenario| {
            let (name, player) = (scenario.name() + suffix, player.clone());
            Trial::test(name.clone(), move || check(&scenario, &player, &name).map_err(Failed::from))
        }));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn check(scenario: &Scenario, player: &Headless, name: &str) -> Result<(), String> {
    let folder = &scenario.folder;
    let played = scenario.play(player, &format!("scenarios/{name}"));

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
    for replayed in replay(&played.folder.join(TRACE), &[]) {
        differences.push_str(&replayed.err().unwrap_or_default());
    }
    if differences.is_empty() { Ok(()) } else { Err(differences) }
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
    match (Screen::from_png(expected), Screen::from_png(seen)) {
        (Ok(expected), Ok(seen)) => expected.difference(&seen),
        (Err(e), _) | (_, Err(e)) => Some(e),
    }
}
