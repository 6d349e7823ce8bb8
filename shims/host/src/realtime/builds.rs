//! Which build of the core a running player is to change to: one that was asked for, one that is being developed, or one that was chosen
//! among the installed, by hand or by an update.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, SystemTime};

use kinora_cores::When;
use kinora_update::Schedule;
use wasmtime::Engine;

use super::{Session, seed, spawn};
use crate::cores;
use crate::download::{MakeNet, OwnedNet};
use crate::engine;
use crate::inbox::Inbox;
use crate::updates::Source;

/// How often a watched file is looked at: a developer waits for it.
const WATCH_EVERY: Duration = Duration::from_millis(20);
/// How often the store of cores is looked at: soon enough for whoever chose another.
const FOLLOW_EVERY: Duration = Duration::from_secs(2);

/// A build that is to take over.
pub(super) struct TakeOver {
    pub(super) core: PathBuf,
    /// Its id, if it is not to take over from itself.
    pub(super) id: Option<String>,
    /// Only while nothing plays.
    pub(super) idle: bool,
}

impl Session {
    /// Has another build of the core take over, while everything goes on.
    pub fn swap(&self, core: PathBuf) {
        // A player that has ended needs none.
        let _ = self.swaps.send(TakeOver { core, id: None, idle: false });
        self.links.inbox.ring();
    }

    /// Has the core that is chosen among the installed ones take over whenever another is, be it by hand or by an update. `started` is the
    /// one it was started with, `class` the device's. Where updates come from is asked for them as long as this runs.
    pub fn follow(&self, started: PathBuf, class: &'static str, net: OwnedNet) -> Result<(), String> {
        let (swaps, inbox) = (self.swaps.clone(), Arc::clone(&self.links.inbox));
        spawn("cores", move || follow(started, &swaps, &inbox))?;
        match Source::find() {
            Ok(Some(source)) => spawn("updates", move || ask(&source, class, &*net)),
            Ok(None) => Ok(()),
            // No reason not to play.
            Err(why) => {
                eprintln!("kinora: no updates: {why}");
                Ok(())
            }
        }
    }
}

/// A core's file that takes over whenever it changes.
pub(super) struct Watched {
    core: PathBuf,
    /// When it was last written.
    seen: Option<SystemTime>,
    swaps: Sender<TakeOver>,
    inbox: Arc<Inbox>,
}

impl Watched {
    /// Watched from now on.
    pub(super) fn new(core: &Path, swaps: Sender<TakeOver>, inbox: &Arc<Inbox>) -> Self {
        Watched { core: core.to_owned(), seen: written(core), swaps, inbox: Arc::clone(inbox) }
    }

    /// Looks at it as long as the player runs, with `engine` ready to compile what has changed and nothing else.
    pub(super) fn watch(mut self, engine: Engine) -> Result<(), String> {
        spawn("watch", move || {
            engine::compile_ahead(&engine, &self.core);
            loop {
                let now = written(&self.core);
                if now.is_some() && now != self.seen {
                    self.seen = now;
                    let next = TakeOver { core: self.core.clone(), id: None, idle: false };
                    if self.swaps.send(next).is_err() {
                        return;
                    }
                    self.inbox.ring();
                }
                thread::sleep(WATCH_EVERY);
            }
        })
    }
}

fn written(core: &Path) -> Option<SystemTime> {
    core.metadata().and_then(|file| file.modified()).ok()
}

/// Looks into the store now and then, and reports what was chosen since.
fn follow(started: PathBuf, swaps: &Sender<TakeOver>, inbox: &Inbox) {
    let (mut running, mut seen) = (started, None);
    loop {
        let now = cores::generation();
        if now != seen {
            seen = now;
            if let Some((core, when)) = cores::wanted()
                && when != When::Start
                && core != running
            {
                running.clone_from(&core);
                let id = cores::id(&core);
                if swaps.send(TakeOver { core, id, idle: when == When::Idle }).is_err() {
                    return;
                }
                inbox.ring();
            }
        }
        thread::sleep(FOLLOW_EVERY);
    }
}

/// Asks for updates on schedule.
fn ask(source: &Source, class: &str, net: MakeNet<'_>) {
    let mut schedule = Schedule::default();
    loop {
        thread::sleep(schedule.wait(seed()));
        let checked = cores::check(source, class, net);
        schedule.checked(checked.is_ok());
        match checked {
            Ok(checked) => eprintln!("kinora: updates: {}", checked.why),
            Err(why) => eprintln!("kinora: updates: what runs is kept: {why}"),
        }
    }
}
