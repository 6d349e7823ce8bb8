//! What was wrong but could be lived with.

/// A bounded list: damage tends to repeat itself, and the log needs its beginning.
#[derive(Debug, Default)]
pub(crate) struct Issues {
    list: Vec<String>,
    dropped: usize,
}

impl Issues {
    const MAX: usize = 16;

    /// Notes an issue.
    pub(crate) fn push(&mut self, issue: impl FnOnce() -> String) {
        if self.list.len() < Self::MAX {
            self.list.push(issue());
        } else {
            self.dropped += 1;
        }
    }

    /// The issues since the last call.
    pub(crate) fn take(&mut self) -> Vec<String> {
        if self.dropped > 0 {
            self.list.push(format!("{} more issues", std::mem::take(&mut self.dropped)));
        }
        std::mem::take(&mut self.list)
    }
}
