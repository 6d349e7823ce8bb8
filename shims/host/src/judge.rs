//! What the store of cores learns from a run: whether an installed core comes up, how it compares with the one before it, why it gave way.

use std::path::{Path, PathBuf};

use kinora_cores::{Cores, Figures, Folder};

use crate::cores::{chosen_core, id, store};
use crate::places::factory_core;

/// Follows the runs of an installed core, so that one that does not come up, or does worse, is not started for ever.
#[derive(Clone)]
pub struct Judge {
    id: String,
    known: Option<Known>,
}

/// What is known of a core that has yet to be accepted.
#[derive(Clone, Default)]
pub(crate) struct Known {
    /// What it came to in earlier runs.
    pub(crate) earlier: Figures,
    /// What the one before it came to of late.
    pub(crate) before: Figures,
}

impl Judge {
    /// Counts the start, durably, before it is made; none for a core that is not from the store.
    pub fn of(core: &Path) -> Option<Judge> {
        let mut cores = store()?;
        let id = cores.state().cores.keys().find(|id| cores.path(id) == core)?.clone();
        // Where nothing can be written nothing can be counted; the core has been verified.
        let _ = cores.starting(&id);
        let known = !cores.state().cores.get(&id)?.accepted;
        let known = known.then(|| Known { earlier: cores.figures(&id), before: before(&cores) });
        Some(Judge { id, known })
    }

    /// What to compare it by; none once it has been accepted.
    pub(crate) fn known(&self) -> Option<&Known> {
        self.known.as_ref()
    }

    /// It has run for a while, or ended as it should.
    pub(crate) fn came_up(&self) {
        self.note(|cores| cores.proved(&self.id));
    }

    /// It was given up. The file of the core to run instead.
    pub(crate) fn condemn(&self, why: &str) -> Option<PathBuf> {
        self.note(|cores| cores.condemn(&self.id, why));
        let instead = chosen_core(None).ok()?;
        (instead != store()?.path(&self.id)).then_some(instead)
    }

    /// It gave way, and is not to blame.
    pub(crate) fn excuse(&self, why: &str) {
        self.note(|cores| cores.excused(&self.id, why));
    }

    fn note(&self, change: impl FnOnce(&mut Cores<Folder>) -> Result<(), kinora_cores::Error>) {
        // What cannot be noted is found again.
        let _ = store().map(|mut cores| change(&mut cores));
    }
}

/// Keeps what was measured of a core; with `accepted`, it has been no worse than the one before it for long enough.
pub(crate) fn keep(core: &str, figures: &Figures, accepted: bool) {
    // Without a store every run is the first.
    let _ = store().map(|mut cores| cores.measured(core, figures, accepted));
}

/// What the core before the chosen one came to, be it the factory's.
fn before(cores: &Cores<Folder>) -> Figures {
    let previous = cores.state().previous.clone().or_else(|| id(&factory_core()?));
    previous.map(|id| cores.figures(&id)).unwrap_or_default()
}
