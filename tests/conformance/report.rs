//! The report: JSON and JUnit for machines, one page for people that holds everything.

mod html;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::checks::CHECKS;
use crate::contract;
use crate::run::{Done, Outcome, flawless};
use crate::timing::{Figure, Timing};

/// What was checked, and by what.
pub(crate) struct About<'a> {
    /// The command.
    pub(crate) shim: &'a str,
    /// Its name.
    pub(crate) rig: &'a str,
    /// The kit's core.
    pub(crate) core: &'a Path,
}

/// What is common to the forms.
struct Report<'a> {
    done: &'a [Done],
    timing: Option<&'a Timing>,
    shim: &'a str,
    rig: &'a str,
    /// SHA-256 of the kit's core.
    core: String,
    facts: Vec<(String, String)>,
    /// Function, answer and how often, over all checks.
    calls: BTreeMap<String, u64>,
}

/// Writes all forms into a folder.
pub(crate) fn write(
    done: &[Done],
    timing: Option<&Timing>,
    about: &About<'_>,
    folder: &Path,
) -> Result<(), String> {
    let &About { shim, rig, core } = about;
    let bytes = std::fs::read(core).map_err(|e| format!("{}: {e}", core.display()))?;
    let core = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let facts = done.iter().flat_map(|done| done.facts.clone()).collect();
    let report = Report { done, timing, shim, rig, core, facts, calls: calls(done) };
    let file = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))
    };
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    file("report.json", report.json())?;
    file("junit.xml", report.junit())?;
    file("report.html", html::page(&report))
}

/// One line for people.
pub(crate) fn summary(done: &[Done]) -> String {
    let count = |word: &str| done.iter().filter(|done| done.outcome.word() == word).count();
    let counts =
        ["passed", "failed", "not measured", "not offered"].map(|word| format!("{} {word}", count(word)));
    format!("{}: {}", verdict(done), counts.join(", "))
}

/// In a word or some.
fn verdict(done: &[Done]) -> &'static str {
    match (flawless(done), done.len() == CHECKS.len()) {
        (true, true) => "certified",
        (true, false) => "nothing wrong in this part",
        (false, _) => "not certified",
    }
}

fn calls(done: &[Done]) -> BTreeMap<String, u64> {
    let mut calls = BTreeMap::new();
    for (call, count) in done.iter().flat_map(|done| &done.calls) {
        *calls.entry(call.clone()).or_default() += count;
    }
    calls
}

/// Answers that the contract documents and no check has seen.
pub(crate) fn unseen_answers(done: &[Done]) -> Vec<String> {
    let calls = calls(done);
    contract::answers().into_iter().filter(|answer| !calls.contains_key(answer)).collect()
}

impl Report<'_> {
    fn json(&self) -> String {
        let checks = self.done.iter().map(|done| {
            json!({
                "id": done.check.id,
                "group": done.check.group,
                "optional": done.check.optional,
                "must": contract::sentence(done.check.id),
                "outcome": done.outcome.word(),
                "detail": done.outcome.detail(),
                "seconds": done.took.as_secs_f64(),
            })
        });
        let report = json!({
            "certified": verdict(self.done) == "certified",
            "verdict": verdict(self.done),
            "contract": contract::name(),
            "kit": env!("CARGO_PKG_VERSION"),
            "shim": self.shim,
            "rig": self.rig,
            "core_sha256": self.core,
            "device": self.facts.iter().cloned().collect::<BTreeMap<_, _>>(),
            "checks": checks.collect::<Vec<_>>(),
            "calls": self.calls,
            "timing": self.timing.map(Report::timing),
        });
        format!("{report:#}\n")
    }

    /// Times are told and not judged: no word of what passed.
    fn timing(timing: &Timing) -> Value {
        let figure = |figure: &Figure| {
            let taken = figure.figure().ok();
            let runs = figure.runs.as_ref().ok().into_iter().flatten();
            json!({
                "figure": figure.row.what,
                "unit": figure.row.unit,
                "value": taken.map(|(value, _)| value),
                "error": taken.map(|(_, error)| error),
                "bar": figure.row.bar,
                "void": figure.disturbed(),
                "runs": runs.map(|run| json!({ "value": run.value, "error": run.error, "disturbed": run.disturbed })).collect::<Vec<_>>(),
                "not_measured": figure.figure().err(),
            })
        };
        json!({
            "clock": if timing.real_time { "real" } else { "virtual" },
            "load_before": timing.load,
            "longest_gap_ms": timing.gap.as_secs_f64() * 1000.0,
            "figures": timing.figures.iter().map(figure).collect::<Vec<_>>(),
        })
    }

    fn junit(&self) -> String {
        let count = |word: &str| self.done.iter().filter(|done| done.outcome.word() == word).count();
        let skipped = count("not measured") + count("not offered");
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let (tests, failures) = (self.done.len(), count("failed"));
        let _ = writeln!(
            out,
            "<testsuite name=\"kinora-certify\" tests=\"{tests}\" failures=\"{failures}\" skipped=\"{skipped}\">"
        );
        for done in self.done {
            let (group, id, seconds) = (done.check.group, done.check.id, done.took.as_secs_f64());
            let _ = write!(out, "  <testcase classname=\"{group}\" name=\"{id}\" time=\"{seconds:.3}\"");
            let detail = escaped(&done.outcome.detail());
            let _ = match done.outcome {
                Outcome::Passed(_) => writeln!(out, "/>"),
                Outcome::Failed(_) => writeln!(out, "><failure message=\"{detail}\"/></testcase>"),
                _ => writeln!(out, "><skipped message=\"{detail}\"/></testcase>"),
            };
        }
        out + "</testsuite>\n"
    }
}

/// Text as it may stand in XML and HTML, attributes included. Control characters, which XML forbids, are left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}
