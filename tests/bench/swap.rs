//! Two builds of the core take turns a hundred times while a film plays in real time and somebody types.

use kinora_tests::{other_build, play};
use serde_json::Value;

use crate::calm::Machine;
use crate::film::film;
use crate::report::Row;

/// Seconds that are played; the builds take turns at each.
const SECONDS: u32 = 101;
const KEYS_HZ: u32 = 60;
/// Steps until the new build answers, of which the first two are made while the old one still does.
const STEPS: [&str; 5] = ["load", "instantiate", "snapshot", "start", "handle"];
/// What they may take together, and so each.
const ALL_STEPS_MS: f64 = 20.0;

pub(crate) fn bench(machine: &mut Machine) -> Result<Vec<Row>, String> {
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
    Ok(rows)
}
