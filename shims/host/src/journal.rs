//! What outlives a process that dies: the last snapshot, and what a person had opened, whose grants a new process needs.

use kinora_port::Storage;

use crate::trace::encode;

const SNAPSHOT: &str = "snapshot";
const OPENED: &str = "opened";

/// Kept in a store of its own; emptied when a run ends as it should.
pub(crate) struct Journal {
    storage: Box<dyn Storage>,
    opened: Vec<String>,
}

/// What a run that did not end left behind.
pub(crate) struct Left {
    pub(crate) opened: Vec<String>,
    pub(crate) snapshot: Vec<u8>,
}

/// What the run that this journal was left by had open; `None` if the run ended as it should.
pub fn left_open(journal: &dyn Storage) -> Option<Vec<String>> {
    journal.get(SNAPSHOT)?;
    postcard::from_bytes(journal.get(OPENED)?).ok()
}

impl Journal {
    pub(crate) fn new(storage: Box<dyn Storage>) -> Self {
        Journal { storage, opened: Vec::new() }
    }

    /// What an earlier run left; this one goes on with it.
    pub(crate) fn take_over(&mut self) -> Option<Left> {
        let snapshot = self.storage.get(SNAPSHOT)?.to_vec();
        let opened = left_open(&*self.storage)?;
        self.opened.clone_from(&opened);
        Some(Left { opened, snapshot })
    }

    /// A person opened something, in the place of what was there or after it.
    pub(crate) fn opened(&mut self, sources: &[String], append: bool) {
        if !append {
            self.opened.clear();
        }
        self.opened.extend_from_slice(sources);
    }

    /// Keeps the newest snapshot, in the background.
    pub(crate) fn keep(&mut self, snapshot: &[u8]) {
        self.write(Some(snapshot.to_vec()), Some(encode(&self.opened)));
    }

    /// The run ends as it should: the next one begins anew.
    pub(crate) fn close(&mut self) {
        if self.storage.get(SNAPSHOT).is_some() {
            self.write(None, None);
        }
        self.storage.flush();
    }

    fn write(&mut self, snapshot: Option<Vec<u8>>, opened: Option<Vec<u8>>) {
        // Without it the next run begins anew, which is no reason to disturb this one.
        let _ = self.storage.apply(0, vec![(SNAPSHOT.into(), snapshot), (OPENED.into(), opened)]);
        drop(self.storage.poll());
    }
}

#[cfg(test)]
mod tests {
    use kinora_port::MemoryStorage;

    use super::*;

    #[test]
    fn journal_closed_leaves_nothing_and_kept_leaves_all() {
        let mut journal = Journal::new(Box::new(MemoryStorage::default()));
        assert!(journal.take_over().is_none());
        journal.opened(&["a".into()], false);
        journal.opened(&["b".into()], true);
        journal.keep(&[1, 2]);
        assert_eq!(left_open(&*journal.storage), Some(vec!["a".to_owned(), "b".to_owned()]));
        let left = journal.take_over().expect("kept");
        assert_eq!((left.opened, left.snapshot), (vec!["a".to_owned(), "b".to_owned()], vec![1, 2]));
        journal.close();
        assert!(journal.take_over().is_none());
    }
}
