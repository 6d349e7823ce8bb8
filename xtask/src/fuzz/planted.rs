//! Faults put into the parsers on purpose: fuzzing that does not find them again is not worth its time.

use super::run::Outcome;
use super::{folder, run};
use crate::env::root;
use crate::patches::{Tree, children, name};

/// How long a fault may hide from what begins with the small seeds, and then from what begins with all that is known.
const ANEW_SECONDS: u64 = 60;
const SECONDS: u64 = 120;

/// Plants each fault of `tests/fuzz/planted/TARGET/` (of `names`, or all) in a copy of the sources and fuzzes until it shows.
pub(super) fn find(names: &[String]) -> Result<(), String> {
    let patches = root().join("tests/fuzz/planted");
    let mut targets = children(&patches)?;
    targets.retain(|path| names.is_empty() || names.contains(&name(path)));
    let tree = Tree::copy(folder().join("planted"))?;
    let (mut found, mut total) = (0, 0);
    for target in targets {
        let target_name = name(&target);
        run::build(&target_name, tree.path())?;
        if let Some(reason) = run::replay(&target_name)?.reason {
            return Err(format!("{target_name} fails without any planted fault: {reason}"));
        }
        for patch in children(&target)? {
            tree.apply(&patch)?;
            let outcome = run::build(&target_name, tree.path()).and_then(|()| look(&target_name));
            tree.take_back(&patch)?;
            let outcome = outcome?;
            total += 1;
            found += usize::from(outcome.reason.is_some());
            println!(
                "{target_name:<10} {:<44} {:>4} s {:>9} executions  {}",
                name(&patch),
                outcome.seconds,
                outcome.executions,
                outcome.reason.as_deref().unwrap_or("NOT FOUND")
            );
        }
    }
    println!("{found} of {total} planted faults found");
    if found == total { Ok(()) } else { Err(format!("{} planted faults were not found", total - found)) }
}

/// Looks for a fault, in two ways.
fn look(target: &str) -> Result<Outcome, String> {
    let anew = run::fuzz_anew(target, ANEW_SECONDS)?;
    if anew.reason.is_some() {
        return Ok(anew);
    }
    let known = run::fuzz(target, SECONDS)?;
    Ok(Outcome {
        seconds: anew.seconds + known.seconds,
        executions: anew.executions + known.executions,
        ..known
    })
}
