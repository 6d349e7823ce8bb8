//! A shim's timing as far as a rig can take it (`--timing`). Figures stand beside the bars they are meant for, and nobody passes or fails by
//! them: a machine that does something else has others.

mod figures;

use std::path::Path;
use std::time::Duration;

use kinora_tests::{MAX_GAP, Watched, percentile};

use crate::rig::Ability::{self, Hear, Press, See, Time, Weigh};
use crate::rig::{Order, Rig, Seen};
use crate::run;
use figures::Taken;

/// Runs of which the median is taken.
const RUNS: u32 = 5;
/// Longest time of a run; the one at rest takes 67 s.
const LIMIT: Duration = Duration::from_secs(120);
/// Pressed one after another: as many as the guest answers.
const PRESSES: &[&str] = &["a"; 12];

/// A line of the table.
pub(crate) struct Row {
    pub(crate) what: &'static str,
    pub(crate) unit: &'static str,
    /// What the figure is to be.
    pub(crate) bar: &'static str,
    needs: &'static [Ability],
}

/// What one run of the kit's core tells.
struct Measurement {
    /// Of the guest's part.
    id: &'static str,
    keys: &'static [&'static str],
    rows: &'static [Row],
    /// A figure for each row.
    take: fn(&Seen) -> Vec<Taken>,
}

/// What is taken. How far sound and picture drift apart shows after half an hour only: `cargo xtask bench av`.
const MEASUREMENTS: &[Measurement] = &[
    Measurement {
        id: "timing.play",
        keys: &[],
        rows: &[
            Row { what: "A/V offset, mean", unit: "ms", bar: "within 10", needs: &[Time, See, Hear] },
            Row { what: "A/V offset, p99", unit: "ms", bar: "at most 20", needs: &[Time, See, Hear] },
            Row { what: "pictures lost, of 525", unit: "", bar: "0", needs: &[Time, See] },
            Row { what: "pictures late, of 525", unit: "", bar: "0", needs: &[Time, See] },
            Row { what: "start to first picture", unit: "ms", bar: "that of mpv", needs: &[Time, See] },
        ],
        take: figures::play,
    },
    Measurement {
        id: "timing.input",
        keys: PRESSES,
        rows: &[
            Row { what: "key to picture, median", unit: "ms", bar: INPUT, needs: &[Time, See, Press] },
            Row { what: "key to picture, worst", unit: "ms", bar: INPUT, needs: &[Time, See, Press] },
        ],
        take: figures::input,
    },
    Measurement {
        id: "timing.rest",
        keys: &[],
        rows: &[
            Row { what: "paused 60 s, calls of the core", unit: "", bar: "0", needs: &[] },
            Row { what: "paused 60 s, processor time", unit: "ms", bar: "at most 60", needs: &[Weigh] },
        ],
        take: figures::rest,
    },
];

const INPUT: &str = "at most 2 refreshes and 8 (41.3 at 60 Hz)";

/// A figure of one run.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) value: f64,
    /// By how much the rig may be wrong.
    pub(crate) error: f64,
    /// Whether the machine did something else, so that the run proves nothing.
    pub(crate) disturbed: bool,
}

/// A row with what came of it.
pub(crate) struct Figure {
    pub(crate) row: &'static Row,
    /// All runs, or why there are none.
    pub(crate) runs: Result<Vec<Run>, String>,
}

impl Figure {
    /// Median and largest error of the runs that were not disturbed, or of all where each one was.
    pub(crate) fn figure(&self) -> Result<(f64, f64), &str> {
        let runs = self.runs.as_ref().map_err(String::as_str)?;
        let calm = |run: &&Run| !run.disturbed || self.disturbed();
        let of = |part: fn(&Run) -> f64| runs.iter().filter(calm).map(part).collect::<Vec<_>>();
        Ok((percentile(&of(|run| run.value), 0.5), percentile(&of(|run| run.error), 1.0)))
    }

    /// Whether no run was undisturbed.
    pub(crate) fn disturbed(&self) -> bool {
        self.runs.as_ref().is_ok_and(|runs| runs.iter().all(|run| run.disturbed))
    }

    /// Figure, error and the rest as words: value, error, remark.
    pub(crate) fn words(&self) -> [String; 3] {
        match self.figure() {
            Ok((value, error)) => {
                let remark = if self.disturbed() { "void: every run was disturbed" } else { "" };
                [format!("{value:.2} {}", self.row.unit), format!("{error:.2}"), remark.into()]
            }
            Err(why) => ["not measured".into(), String::new(), why.into()],
        }
    }
}

/// All that was measured.
pub(crate) struct Timing {
    pub(crate) figures: Vec<Figure>,
    /// Whether time passed as it does for people.
    pub(crate) real_time: bool,
    /// Share of the processors that others used before and after the runs, at most.
    pub(crate) load: f64,
    /// The longest that a loop was kept waiting which sleeps a millisecond at a time.
    pub(crate) gap: Duration,
}

impl Timing {
    /// How the figures came about, as a sentence.
    pub(crate) fn about(&self) -> String {
        if !self.real_time {
            return "One run by a virtual clock: what processors cost is not in the figures.".into();
        }
        format!(
            "Medians of {RUNS} runs. Before and after them others used up to {:.0} % of the processors; the longest scheduling gap was {:.1} ms, and a run \
             with one over {} ms is void.",
            self.load * 100.0,
            self.gap.as_secs_f64() * 1000.0,
            MAX_GAP.as_millis()
        )
    }
}

/// Takes all figures that the rig can take, and prints a table.
pub(crate) fn measure(rig: &mut dyn Rig, core: &Path, folder: &Path) -> Timing {
    let mut timing =
        Timing { figures: Vec::new(), real_time: rig.real_time(), load: 0.0, gap: Duration::ZERO };
    let runs = if timing.real_time { RUNS } else { 1 };
    println!("{:32} {:>13} {:>8}  bar", "timing", "figure", "error");
    for measurement in MEASUREMENTS {
        let folder = folder.join(measurement.id);
        let mut figures: Vec<Figure> = measurement.rows.iter().map(|row| figure(row, &*rig)).collect();
        for n in 1..=runs {
            if figures.iter().all(|figure| figure.runs.is_err()) {
                break;
            }
            let folder = folder.join(format!("run-{n}"));
            let (taken, disturbed) = timing.watched(|| once(measurement, rig, core, &folder));
            for (n, figure) in figures.iter_mut().enumerate() {
                let Ok(runs) = &mut figure.runs else { continue };
                match taken.as_ref().map_err(Clone::clone).and_then(|taken| taken[n].clone()) {
                    Ok((value, error)) => runs.push(Run { value, error, disturbed }),
                    Err(why) => figure.runs = Err(why),
                }
            }
        }
        figures.iter().for_each(line);
        timing.figures.extend(figures);
    }
    println!("{}", timing.about());
    timing
}

/// A row before anything was measured.
fn figure(row: &'static Row, rig: &dyn Rig) -> Figure {
    let lacks = row.needs.iter().find(|ability| !rig.can(**ability));
    let runs = match lacks {
        Some(ability) => Err(format!("the rig cannot {}", ability.words())),
        None if row.needs.contains(&Weigh) && !rig.real_time() => Err("the rig's clock is virtual".into()),
        None => Ok(Vec::new()),
    };
    Figure { row, runs }
}

impl Timing {
    /// Runs something while it is watched whether the machine does something else.
    fn watched<T>(&mut self, run: impl FnOnce() -> T) -> (T, bool) {
        if !self.real_time {
            return (run(), false);
        }
        let (result, watched) = Watched::run(run);
        (self.load, self.gap) = (self.load.max(watched.load), self.gap.max(watched.gap));
        (result, watched.disturbed().is_some())
    }
}

/// One run, in a folder of its own; a figure for each row.
fn once(
    measurement: &Measurement,
    rig: &mut dyn Rig,
    core: &Path,
    folder: &Path,
) -> Result<Vec<Taken>, String> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    let store = folder.join("store");
    run::make(&store)?;
    let path = folder.join(format!("{}@{}", measurement.id, rig.host()));
    std::fs::write(&path, "opened by the kit").map_err(|e| format!("{}: {e}", path.display()))?;
    let order = Order {
        source: path.to_string_lossy().into_owned(),
        core: core.to_path_buf(),
        store,
        needs: &[Time, See, Hear, Press, Weigh],
        keys: measurement.keys,
        real_time: false,
        limit: LIMIT,
    };
    let seen = rig.run(&order, folder)?;
    let word = |start: &str| seen.words.iter().find_map(|words| words.strip_prefix(start));
    match (word("failed "), word("not-offered "), word("passed")) {
        (Some(why), ..) => Err(why.into()),
        (_, Some(what), _) => Err(format!("the shim does not offer {what}")),
        (.., Some(_)) => Ok((measurement.take)(&seen)),
        _ => Err("the core did not come to the end of it".into()),
    }
}

/// A line of the table.
fn line(figure: &Figure) {
    let [value, error, remark] = figure.words();
    println!("{:32} {value:>13} {error:>8}  {}  {remark}", figure.row.what, figure.row.bar);
}
