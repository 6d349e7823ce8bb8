//! What a check says, and in which form: log lines `kit: WORD REST`.

use crate::api::{self, log};
use crate::running::now;

/// Why a check ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The shim does something else than the contract says.
    Wrong(String),
    /// The shim says that it lacks what is tested.
    NotOffered(String),
}

/// How a check ended, as far as a guest can see.
pub(crate) type Verdict = Result<(), Stop>;

impl<S: Into<String>> From<S> for Stop {
    fn from(why: S) -> Self {
        Stop::Wrong(why.into())
    }
}

/// Goes on only if `right`; `what` says what the contract promises.
pub(crate) fn must(right: bool, what: impl Into<String>) -> Verdict {
    if right { Ok(()) } else { Err(Stop::Wrong(what.into())) }
}

/// Says something; at a level that every log shows which shows lines for people.
pub(crate) fn say(words: &str) {
    log::write(3, &format!("kit: {words}"));
}

/// Something the driver judges.
pub(crate) fn note(words: &str) {
    say(&format!("note {words}"));
}

/// Names this moment for the driver, who has seen and heard what there was then.
pub(crate) fn mark(name: &str) {
    say(&format!("mark {name} {}", now()));
}

/// The last word of a run.
pub(crate) fn verdict(verdict: &Verdict) {
    say(&format!("calls {}", api::take_calls()));
    match verdict {
        Ok(()) => say("passed"),
        Err(Stop::Wrong(why)) => say(&format!("failed {why}")),
        Err(Stop::NotOffered(what)) => say(&format!("not-offered {what}")),
    }
}
