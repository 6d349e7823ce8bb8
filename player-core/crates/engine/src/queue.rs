//! What plays after what.

use crate::event::{Open, SourceSpec};

/// Most items a queue holds; a playlist that names more is cut. Guards the snapshot and the interface's list.
const MAX_ITEMS: usize = 2000;

/// What happens at the end of an item and of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Repeat {
    /// Plays each once.
    #[default]
    Off,
    /// The same item over and over.
    One,
    /// From the last item to the first.
    All,
}

/// The items and which of them is current.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Queue {
    items: Vec<SourceSpec>,
    current: usize,
    repeat: Repeat,
    changed: bool,
}

impl Queue {
    pub(crate) fn items(&self) -> &[SourceSpec] {
        &self.items
    }

    pub(crate) fn index(&self) -> usize {
        self.current
    }

    pub(crate) fn current(&self) -> Option<&SourceSpec> {
        self.items.get(self.current)
    }

    pub(crate) fn repeat(&self) -> Repeat {
        self.repeat
    }

    pub(crate) fn set_repeat(&mut self, repeat: Repeat) {
        self.repeat = repeat;
        self.changed = true;
    }

    /// Whether anything changed since the last call: a long queue is not compared at every turn.
    pub(crate) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Whether the current item changed by it.
    pub(crate) fn open(&mut self, open: Open) -> bool {
        self.changed = true;
        let was_empty = self.items.is_empty();
        if !open.append {
            self.items.clear();
            self.current = 0;
        }
        self.items.extend(open.sources);
        self.items.truncate(MAX_ITEMS);
        !open.append || was_empty
    }

    /// Puts the entries of a playlist in the place of the current item, which named it.
    pub(crate) fn expand_current(&mut self, entries: Vec<SourceSpec>) {
        if self.current < self.items.len() {
            self.changed = true;
            self.items.splice(self.current..=self.current, entries);
            self.items.truncate(MAX_ITEMS);
        }
    }

    /// Makes item `index` current; whether there is one.
    pub(crate) fn select(&mut self, index: usize) -> bool {
        let there = index < self.items.len();
        if there {
            self.changed = true;
            self.current = index;
        }
        there
    }

    /// Makes the next item current; whether there is one.
    pub(crate) fn next(&mut self) -> bool {
        match self.following() {
            Some(index) => self.select(index),
            None => false,
        }
    }

    /// Makes the item before current; whether there is one.
    pub(crate) fn previous(&mut self) -> bool {
        match self.current.checked_sub(1) {
            Some(index) => self.select(index),
            None => self.repeat == Repeat::All && self.select(self.items.len().saturating_sub(1)),
        }
    }

    /// Whether another item follows the current one.
    pub(crate) fn has_next(&self) -> bool {
        self.following().is_some_and(|index| index != self.current)
    }

    fn following(&self) -> Option<usize> {
        let next = self.current + 1;
        if next < self.items.len() {
            Some(next)
        } else {
            (self.repeat == Repeat::All && !self.items.is_empty()).then_some(0)
        }
    }
}

/// A name for an item without a title: the last part of its path, percent-decoded, without an extension.
pub(crate) fn title_of(spec: &SourceSpec) -> String {
    if !spec.title.is_empty() {
        return spec.title.clone();
    }
    let path = spec.url.split(['?', '#']).next().unwrap_or_default();
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let name = percent_decoded(name);
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && extension.len() <= 5 => stem.to_owned(),
        _ => name,
    }
}

/// RFC 3986 2.1; bytes that are no UTF-8 afterwards are replaced.
pub(crate) fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = (bytes[i] == b'%').then(|| bytes.get(i + 1..i + 3)).flatten();
        let hex =
            hex.filter(|h| h.iter().all(u8::is_ascii_hexdigit)).and_then(|h| std::str::from_utf8(h).ok());
        match hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                i += 3;
            }
            None => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(urls: &[&str]) -> Queue {
        let mut queue = Queue::default();
        let sources =
            urls.iter().map(|url| SourceSpec { url: (*url).to_owned(), ..Default::default() }).collect();
        queue.open(Open { sources, append: false });
        queue
    }

    #[test]
    fn next_at_the_end_is_refused_unless_all_repeat() {
        let mut q = queue(&["a", "b"]);
        assert!(q.next());
        assert!(!q.next());
        q.set_repeat(Repeat::All);
        assert!(q.next());
        assert_eq!(q.index(), 0);
    }

    #[test]
    fn title_of_url_is_its_decoded_stem() {
        let spec =
            SourceSpec { url: "file:///films/Big%20Buck.2008.mp4?x=1".to_owned(), ..Default::default() };
        assert_eq!(title_of(&spec), "Big Buck.2008");
    }

    #[test]
    fn expand_current_keeps_what_follows() {
        let mut q = queue(&["list.m3u", "z"]);
        q.expand_current(queue(&["a", "b"]).items);
        assert_eq!(q.items().iter().map(|i| i.url.as_str()).collect::<Vec<_>>(), ["a", "b", "z"]);
    }
}
