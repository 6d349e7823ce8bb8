//! Two builds of the core take turns a hundred times while a film plays in real time and somebody types; bad ones take over and give way.

use kinora_tests::{guest, other_build, play};
use serde_json::Value;

use crate::calm::Machine;
use crate::film::film;
use crate::report::{Bar, Row};

/// Seconds that are played; the builds take turns at each.
const SECONDS: u32 = 101;
const KEYS_HZ: u32 = 60;
/// Steps until the new build answers, of which the first two are made while the old one still does; and what follows.
const STEPS: [&str; 5] = ["load", "instantiate", "snapshot", "start", "handle"];
const LAST_STEP: &str = "land";
/// What they may take together, and so each.
const ALL_STEPS_MS: f64 = 20.0;
/// Guests that take over and go wrong, and whether they do so from the beginning.
const BAD: [(&str, &str, bool); 4] = [
    ("that traps", "takes_over_and_traps", false),
    ("that hangs", "takes_over_and_loops", false),
    ("that draws nothing", "takes_over_and_shows_nothing", true),
    ("that is slow", "takes_over_and_dawdles", true),
];
/// When it comes, and when the film is over, seconds.
const BAD_AT: &str = "4";
const BAD_UNTIL: &str = "7";
/// From what a build does wrong to a picture of the one before it.
const BACK_MS: f64 = 300.0;

pub(crate) fn bench(machine: &mut Machine, rows: &mut Vec<Row>) -> Result<(), String> {
    rows.extend(turns(machine)?);
    for (name, guest, at_once) in BAD {
        rows.push(bad(machine, name, guest, at_once)?);
    }
    Ok(())
}

/// How long a bad build is there.
fn bad(machine: &mut Machine, name: &str, bad: &str, at_once: bool) -> Result<Row, String> {
    let (film, other) = (film()?, guest(bad));
    let args = ["--clock", "real", "--swap-core", &other, "--swap-every", BAD_AT, "--until", BAD_UNTIL];
    let back = machine.alone(|| {
        let played = play("bench/swap-bad", &film.to_string_lossy(), &args);
        played.expect_played()?;
        let gave_way = &played.report()["swap"]["gave_way"][0];
        let us = |figure: &str| gave_way[figure].as_f64().ok_or("the core before it does not come back");
        Ok((us("back_us")? + if at_once { us("after_us")? } else { 0.0 }) / 1000.0)
    })?;
    Ok(Row::alone(format!("swap: core before one {name}, back"), "ms", back, BACK_MS))
}

/// What the turns cost.
fn turns(machine: &mut Machine) -> Result<Vec<Row>, String> {
    let (film, other) = (film()?, other_build()?);
    let film = film.to_string_lossy();
    // A key that nothing is bound to.
    let press = |n: u32| format!("{:.4}:z", f64::from(n) / f64::from(KEYS_HZ));
    let keys: Vec<String> = (KEYS_HZ..SECONDS * KEYS_HZ).map(press).collect();
    let (keys, until) = (keys.join(","), SECONDS.to_string());
    let args =
        ["--clock", "real", "--swap-core", &other, "--swap-every", "1", "--keys", &keys, "--until", &until];
    let reports = machine.alone(|| {
        let played = play("bench/swap", &film, &args);
        played.expect_played()?;
        Ok(played.report()["swap"].clone())
    })?;
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    let figures = |figure: &dyn Fn(&Value) -> f64| reports.iter().map(figure).collect::<Vec<_>>();
    let step = |r: &Value, step: &str| number(&r["phases_ms"][step]);
    let mut rows = vec![
        // Of a hundred none may fail.
        Row::alone("swap: of 100, not made", "", figures(&|r| 100.0 - number(&r["count"])), 0.0),
        Row::alone("swap: failed", "", figures(&|r| number(&r["failed"])), 0.0),
        Row::alone("swap: frames dropped", "", figures(&|r| number(&r["dropped_frames"])), 0.0),
        Row::alone("swap: underruns of sound", "", figures(&|r| number(&r["underruns"])), 0.0),
        Row::alone("swap: input unanswered, p99", "ms", figures(&|r| number(&r["ui_gap_ms_p99"])), 50.0),
        Row::alone(
            "swap: all steps",
            "ms",
            figures(&|r| STEPS.iter().map(|s| step(r, s)).sum()),
            ALL_STEPS_MS,
        ),
    ];
    rows.extend(
        STEPS
            .map(|name| Row::alone(format!("swap: {name}"), "ms", figures(&|r| step(r, name)), ALL_STEPS_MS)),
    );
    let mut land = Row::alone(format!("swap: {LAST_STEP}"), "ms", figures(&|r| step(r, LAST_STEP)), f64::NAN);
    land.bar = Bar::None;
    rows.push(land);
    Ok(rows)
}
