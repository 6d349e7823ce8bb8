//! The kit checked: the reference shim passes everything, and each mistake seeded in it is caught by a check of the MUST it breaks.

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::mpsc;

use crate::checks::{CHECKS, Check};
use crate::report::About;
use crate::rig::HeadlessRig;
use crate::run::{self, Done, Outcome, flawless};
use crate::{report, selected};

/// Runs at the same time; a good part of a run is waiting.
const AT_ONCE: usize = 4;

/// A mistake the shim offers to make.
struct Fault {
    name: String,
    id: String,
    about: String,
}

/// Checks the kit by a shim that can make mistakes. `only` limits the checks, and with them the faults.
pub(crate) fn certify_self(
    shim: &[String],
    core: &Path,
    folder: &Path,
    only: &[String],
) -> Result<bool, String> {
    let faults = faults(shim)?;
    if let Some(fault) = faults.iter().find(|fault| CHECKS.iter().all(|check| check.id != fault.id)) {
        return Err(format!("the fault {} breaks {}, which nothing checks", fault.name, fault.id));
    }
    let of = |check: &'static Check| {
        faults.iter().filter(move |fault| fault.id == check.id).map(move |fault| (check, Some(fault)))
    };
    let clean = selected(only).map(|check| (check, None));
    let mut jobs: Vec<(&'static Check, Option<&Fault>)> = clean.chain(selected(only).flat_map(of)).collect();
    // What waits in real time waits while the rest is done.
    jobs.sort_by_key(|(check, _)| !check.real_time);

    let (mut passed, mut wrong) = (Vec::new(), 0);
    let queue = Mutex::new(jobs.into_iter());
    let (sender, results) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            let (queue, sender) = (&queue, sender.clone());
            scope.spawn(move || {
                loop {
                    let job = queue.lock().expect("nobody panics with it").next();
                    let Some((check, fault)) = job else { break };
                    let mut rig = HeadlessRig { shim: with(shim, fault) };
                    let name = fault.map_or("clean", |fault| fault.name.as_str());
                    let done = run::run(check, &mut rig, core, &folder.join(name).join(check.id));
                    let _ = sender.send((done, fault));
                }
            });
        }
        drop(sender);
        for (done, fault) in results {
            wrong += u32::from(!line(&done, fault));
            if fault.is_none() {
                passed.push(done);
            }
        }
    });
    let order = |done: &Done| CHECKS.iter().position(|check| check.id == done.check.id);
    passed.sort_by_key(order);
    let about = About { shim: &shim.join(" "), rig: "headless", core };
    report::write(&passed, None, &about, folder)?;
    let unseen = report::unseen_answers(&passed);
    if only.is_empty() && !unseen.is_empty() {
        println!("answers the contract documents and no check has seen: {}", unseen.join(", "));
        wrong += 1;
    }
    println!("{}; {} faults, {wrong} surprises", report::summary(&passed), faults.len());
    Ok(wrong == 0 && flawless(&passed))
}

/// A line of the live table; whether the kit did what it must.
fn line(done: &Done, fault: Option<&Fault>) -> bool {
    let Some(fault) = fault else {
        let right = matches!(done.outcome, Outcome::Passed(_));
        if !right {
            println!("CLEAN {} {}: {}", done.check.id, done.outcome.word(), done.outcome.detail());
        }
        return right;
    };
    let caught = matches!(done.outcome, Outcome::Failed(_));
    let word = if caught { "caught" } else { "MISSED" };
    let seconds = done.took.as_secs_f64();
    println!(
        "{word} {:26} {:34} {seconds:4.1} s  {}: {}",
        fault.name,
        fault.id,
        fault.about,
        done.outcome.detail()
    );
    caught
}

/// What the shim can do wrong: `NAME ID WORDS` a line.
fn faults(shim: &[String]) -> Result<Vec<Fault>, String> {
    let output =
        Command::new(&shim[0]).arg("--list-faults").output().map_err(|e| format!("{}: {e}", shim[0]))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let fault = |line: &str| {
        let mut words = line.splitn(3, ' ').map(str::to_owned);
        Some(Fault { name: words.next()?, id: words.next()?, about: words.next()? })
    };
    Ok(text.lines().filter_map(fault).collect())
}

fn with(shim: &[String], fault: Option<&Fault>) -> Vec<String> {
    let mut shim = shim.to_vec();
    shim.extend(fault.into_iter().flat_map(|fault| ["--fault".to_owned(), fault.name.clone()]));
    shim
}
