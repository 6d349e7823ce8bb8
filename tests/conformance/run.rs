//! Running checks and what came of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use kinora_tests::Screen;

use crate::checks::Check;
use crate::rig::{Ability, Order, Rig, Seen};
use crate::server::Server;

/// Longest time of one run; the longest check, the soak, lasts 46 seconds of host time.
const LIMIT: Duration = Duration::from_secs(90);
/// In real time a fault must not hold everything up.
const REAL_LIMIT: Duration = Duration::from_secs(12);

/// What the guest of `player.handle-input` waits for.
const KEYS: &[&str] = &["right", "ok", "a"];

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// With words of evidence.
    Passed(String),
    /// With what is wrong.
    Failed(String),
    /// The rig lacks this ability.
    NotMeasured(Ability),
    /// The shim says that it lacks this.
    NotOffered(String),
}

impl Outcome {
    /// In reports.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Outcome::Passed(_) => "passed",
            Outcome::Failed(_) => "failed",
            Outcome::NotMeasured(_) => "not measured",
            Outcome::NotOffered(_) => "not offered",
        }
    }

    /// The rest of it.
    pub(crate) fn detail(&self) -> String {
        match self {
            Outcome::Passed(words) | Outcome::Failed(words) | Outcome::NotOffered(words) => words.clone(),
            Outcome::NotMeasured(ability) => {
                format!("the rig cannot {}", ability.words())
            }
        }
    }
}

/// A check that was run, with what there is to show for it.
pub(crate) struct Done {
    pub(crate) check: &'static Check,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
    /// Function and answer, and how often.
    pub(crate) calls: BTreeMap<String, u64>,
    /// Facts of the device, if the check asked for them.
    pub(crate) facts: Vec<(String, String)>,
    /// What was on the screen last, or at the last marked moment.
    pub(crate) picture: Option<Screen>,
    pub(crate) heard: Vec<f32>,
    pub(crate) log: String,
}

/// Whether nothing failed, and nothing mandatory is missing or unmeasured. All checks together certify a port.
pub(crate) fn flawless(done: &[Done]) -> bool {
    done.iter().all(|done| match done.outcome {
        Outcome::Passed(_) => true,
        Outcome::NotOffered(_) | Outcome::NotMeasured(_) => done.check.optional,
        Outcome::Failed(_) => false,
    })
}

/// Runs one check in a folder of its own.
pub(crate) fn run(check: &'static Check, rig: &mut dyn Rig, core: &Path, folder: &Path) -> Done {
    let began = Instant::now();
    let mut done = Done {
        check,
        outcome: Outcome::Passed(String::new()),
        took: Duration::ZERO,
        calls: BTreeMap::new(),
        facts: Vec::new(),
        picture: None,
        heard: Vec::new(),
        log: String::new(),
    };
    if let Some(ability) = check.needs.iter().find(|ability| !rig.can(**ability)) {
        done.outcome = Outcome::NotMeasured(*ability);
        return done;
    }
    match runs(check, rig, core, folder) {
        Ok((seen, asked)) => {
            done.outcome = judge(check, &seen, &asked);
            for one in seen {
                one.calls()
                    .into_iter()
                    .for_each(|(call, count)| *done.calls.entry(call).or_default() += count);
                let facts =
                    one.words.iter().filter_map(|words| words.strip_prefix("note fact ")?.split_once('='));
                done.facts.extend(facts.map(|(name, value)| (name.to_owned(), value.to_owned())));
                done.picture = picture(&one).or(done.picture);
                done.log.push_str(&one.log);
                done.heard.extend(one.heard);
            }
        }
        Err(why) => done.outcome = Outcome::Failed(why),
    }
    done.took = began.elapsed();
    done
}

/// The picture at the last marked moment, or the last one.
fn picture(seen: &Seen) -> Option<Screen> {
    let marks = seen.words.iter().rev().filter_map(|words| words.strip_prefix("mark ")?.split(' ').next());
    let marked = marks.filter_map(|mark| seen.screen(mark).ok()).next();
    marked.or(seen.film.last().map(|(_, screen)| screen)).cloned()
}

type Runs = (Vec<Seen>, Vec<String>);

/// All runs of a check, and what its server was asked.
fn runs(check: &Check, rig: &mut dyn Rig, core: &Path, folder: &Path) -> Result<Runs, String> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    let store = folder.join("store");
    make(&store)?;
    let host = rig.host();
    let server = Server::start(&host)?;
    let mut all = Vec::new();
    for n in 1..=check.runs {
        let folder = folder.join(format!("run-{n}"));
        make(&folder)?;
        let last = format!("{}@{host}:{}", check.id, server.port);
        let source = if check.from_file {
            let path = folder.join(last);
            std::fs::write(&path, "opened by the kit").map_err(|e| format!("{}: {e}", path.display()))?;
            path.to_string_lossy().into_owned()
        } else {
            format!("http://{host}:{}/{last}?run={n}", server.port)
        };
        let order = Order {
            source,
            core: core.to_path_buf(),
            store: store.clone(),
            needs: check.needs,
            keys: if check.needs.contains(&Ability::Press) { KEYS } else { &[] },
            real_time: check.real_time,
            limit: if check.real_time { REAL_LIMIT } else { LIMIT },
        };
        all.push(rig.run(&order, &folder)?);
    }
    Ok((all, server.take_asked()))
}

pub(crate) fn make(folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))
}

/// The guest's verdict first, then that of the outside.
fn judge(check: &Check, seen: &[Seen], asked: &[String]) -> Outcome {
    for (n, one) in seen.iter().enumerate() {
        let word =
            |start: &str| one.words.iter().find_map(|words| words.strip_prefix(start)).map(str::to_owned);
        if let Some(why) = word("failed ") {
            return Outcome::Failed(why);
        }
        if let Some(what) = word("not-offered ") {
            return Outcome::NotOffered(what);
        }
        // A run that was killed has no last word; the last run always has.
        let ended = word("passed").is_some() || word("kill").is_some() && n + 1 < seen.len();
        if !ended {
            let log: String = one.log.lines().rev().take(3).collect::<Vec<_>>().join(" | ");
            return Outcome::Failed(format!("the core did not come to the end of the check; last: {log}"));
        }
    }
    // Without a report the figures stand at the end of a log, which that of a process that stays has not.
    let stays = |one: &Seen| one.report.is_null() && one.words.iter().any(|words| words == "stays");
    if check.needs.contains(&Ability::Report) && seen.iter().any(stays) {
        return Outcome::NotMeasured(Ability::Report);
    }
    if check.from_file && !asked.is_empty() {
        return Outcome::Failed(format!("what was denied caused traffic: {asked:?}"));
    }
    (check.judge)(seen).map_or_else(Outcome::Failed, Outcome::Passed)
}
