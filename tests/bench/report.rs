//! Figures against their bars, for people and as JSON.

use std::fmt;
use std::path::PathBuf;

use kinora_tests::{percentile, target_folder};
use serde_json::{Value, json};

use crate::calm::Machine;
use crate::setting::Setting;

/// The table's first line.
pub(crate) const HEAD: &str =
    "                                                         ours       peer  ratio  bar";

/// What a figure may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bar {
    /// At most so many times the peer's.
    Ratio(f64),
    /// At most this.
    Value(f64),
    /// So much more than the peer's.
    More(f64),
    /// As far from nothing as this, either way.
    Within(f64),
    /// Anything: it is there to judge the others by.
    None,
}

/// A figure, of several runs.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    pub(crate) ours: Vec<f64>,
    /// In the same order; none where there is nothing to compare with.
    pub(crate) peer: Vec<f64>,
    pub(crate) bar: Bar,
}

impl Row {
    /// A figure of pairs of runs.
    pub(crate) fn paired<T>(
        what: impl Into<String>,
        unit: &'static str,
        runs: &[(T, T)],
        figure: impl Fn(&T) -> f64,
        bar: Bar,
    ) -> Row {
        let (ours, peer) = runs.iter().map(|(ours, peer)| (figure(ours), figure(peer))).unzip();
        Row { what: what.into(), unit, ours, peer, bar }
    }

    /// A figure of ours alone.
    pub(crate) fn alone(what: impl Into<String>, unit: &'static str, ours: Vec<f64>, bar: f64) -> Row {
        Row { what: what.into(), unit, ours, peer: Vec::new(), bar: Bar::Value(bar) }
    }

    /// Median of the ratios of the pairs, where they are the measure: what disturbs both runs of a pair cancels out.
    fn ratio(&self) -> Option<f64> {
        if !matches!(self.bar, Bar::Ratio(_)) {
            return None;
        }
        let ratios: Vec<f64> = self.ours.iter().zip(&self.peer).map(|(ours, peer)| ours / peer).collect();
        (!ratios.is_empty()).then(|| median(&ratios))
    }

    /// Pass or fail, or nothing where nothing is judged. A disturbance only makes worse what is held against a number: such a figure that is good
    /// enough in void runs is good enough.
    fn verdict(&self, void: bool) -> &'static str {
        match (self.bar, self.passes()) {
            (Bar::None, _) => "",
            (Bar::Value(_), true) => "pass",
            _ if void => "void",
            (_, true) => "pass",
            (_, false) => "FAIL",
        }
    }

    fn passes(&self) -> bool {
        match self.bar {
            Bar::Ratio(most) => self.ratio().is_some_and(|ratio| ratio <= most),
            Bar::Value(most) => median(&self.ours) <= most,
            Bar::More(most) => {
                let more: Vec<f64> =
                    self.ours.iter().zip(&self.peer).map(|(ours, peer)| ours - peer).collect();
                median(&more) <= most
            }
            Bar::Within(most) => median(&self.ours).abs() <= most,
            Bar::None => true,
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_blank = |value: Option<String>| value.unwrap_or_default();
        let what = format!("{} [{}]", self.what, self.unit);
        let peer = or_blank((!self.peer.is_empty()).then(|| rounded(median(&self.peer))));
        let ratio = or_blank(self.ratio().map(|ratio| format!("{ratio:.3}")));
        let bar = match self.bar {
            Bar::Ratio(most) => format!("<= {most:.2}x"),
            Bar::Value(most) => format!("<= {}", rounded(most)),
            Bar::More(most) => format!("<= +{}", rounded(most)),
            Bar::Within(most) => format!("within {}", rounded(most)),
            Bar::None => String::new(),
        };
        write!(f, "{what:<50} {:>10} {peer:>10} {ratio:>6}  {bar:<11}", rounded(median(&self.ours)))
    }
}

/// Three digits that matter.
pub(crate) fn rounded(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// The middle one, or the mean of the two.
pub(crate) fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

/// Where reports and pictures go: `target/bench`.
pub(crate) fn folder() -> Result<PathBuf, String> {
    let folder = target_folder().parent().expect("target/PROFILE").join("bench");
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    Ok(folder)
}

/// Prints the rows and writes `target/bench/NAME.json`, with why the bench broke off if it did. Whether all passed, in runs that count.
pub(crate) fn publish(
    name: &str,
    rows: &[Row],
    broke_off: Option<&String>,
    machine: &Machine,
    setting: &Setting,
) -> Result<bool, String> {
    let void = !machine.void.is_empty();
    let verdict = |row: &Row| if machine.tries { "tried" } else { row.verdict(void) };
    for row in rows {
        println!("{row} {}", verdict(row));
    }
    if void {
        println!(
            "{name}: {} of {} runs were disturbed each time: {}. Void figures prove nothing.",
            machine.void.len(),
            machine.runs,
            machine.void.join(", ")
        );
    }
    let row = |row: &Row| {
        let bar = match row.bar {
            Bar::Ratio(most) => json!({ "ratio": most }),
            Bar::Value(most) => json!({ "value": most }),
            Bar::More(most) => json!({ "more": most }),
            Bar::Within(most) => json!({ "within": most }),
            Bar::None => json!(null),
        };
        json!({
            "what": row.what,
            "unit": row.unit,
            "ours": row.ours,
            "peer": row.peer,
            "ours_median": median(&row.ours),
            "ratio": row.ratio(),
            "bar": bar,
            "verdict": verdict(row),
            "line": format!("{row} {}", verdict(row)),
        })
    };
    let report = json!({
        "bench": name,
        "machine": setting.json(),
        "load_before": machine.load,
        "longest_gap_ms": machine.gap.as_secs_f64() * 1000.0,
        "left_out_of_long_runs": machine.left_out,
        "void": machine.void,
        "broke_off": broke_off,
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
    });
    if machine.tries {
        return Ok(false);
    }
    let path = folder()?.join(format!("{name}.json"));
    std::fs::write(&path, format!("{report:#}\n")).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(rows.iter().all(|row| matches!(verdict(row), "pass" | "")))
}

/// Prints what was last measured of each bench: all of them take longer than one may want to wait at a time.
pub(crate) fn table(names: impl Iterator<Item = &'static str>) -> Result<(), String> {
    println!("{HEAD}");
    for name in names {
        let path = folder()?.join(format!("{name}.json"));
        let Ok(text) = std::fs::read_to_string(&path) else {
            println!("-- {name}: not measured");
            continue;
        };
        let report: Value = serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?;
        let machine = &report["machine"];
        let said = |value: &Value| value.as_str().unwrap_or("?").to_owned();
        println!("-- {name}: {}, {}", said(&machine["day"]), said(&machine["processor"]));
        for row in report["rows"].as_array().into_iter().flatten() {
            println!("{}", said(&row["line"]));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratio_of_pairs_is_the_median_of_their_ratios() {
        let runs = [(2.0, 1.0), (30.0, 10.0), (4.0, 1.0)];
        let row = Row::paired("CPU", "s", &runs, |value| *value, Bar::Ratio(3.0));
        assert_eq!(row.ratio(), Some(3.0));
        assert!(row.passes());
        assert!(!Row { bar: Bar::Ratio(2.9), ..row }.passes());
    }

    #[test]
    fn void_figure_within_its_number_passes_and_no_other() {
        let alone = |ours| Row::alone("lost", "", vec![ours], 1.0);
        assert_eq!([alone(1.0).verdict(true), alone(2.0).verdict(true)], ["pass", "void"]);
        assert_eq!([alone(1.0).verdict(false), alone(2.0).verdict(false)], ["pass", "FAIL"]);
        let paired = |bar| Row { peer: vec![1.0], bar, ..alone(1.0) };
        let bars = [Bar::Ratio(1.0), Bar::More(1.0), Bar::Within(1.0), Bar::None];
        assert_eq!(bars.map(|bar| paired(bar).verdict(true)), ["void", "void", "void", ""]);
        assert_eq!(bars.map(|bar| paired(bar).verdict(false)), ["pass", "pass", "pass", ""]);
    }
}
