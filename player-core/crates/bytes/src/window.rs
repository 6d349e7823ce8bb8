use std::ops::Range;

/// The part of a resource that is in memory: contiguous bytes from `start()` on.
///
/// The owner appends what arrives and drops what the reader no longer needs; the reader asks for absolute offsets and
/// gets `None` for anything that is not there (yet).
#[derive(Debug, Default, Clone)]
pub struct Window {
    start: u64,
    bytes: Vec<u8>,
    dropped: usize,
    total: Option<u64>,
    ended: bool,
}

impl Window {
    /// An empty window at `offset`.
    pub fn at(offset: u64) -> Self {
        Window { start: offset, ..Window::default() }
    }

    /// A window that holds a whole resource.
    pub fn whole(bytes: Vec<u8>) -> Self {
        Window { total: Some(bytes.len() as u64), bytes, ended: true, ..Window::default() }
    }

    /// Offset of the first byte held.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// Offset after the last byte held.
    pub fn end(&self) -> u64 {
        self.start + self.len() as u64
    }

    /// Number of bytes held.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.dropped
    }

    /// Whether no byte is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Length of the whole resource, if known.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// States the length of the whole resource.
    pub fn set_total(&mut self, total: Option<u64>) {
        self.total = total;
    }

    /// Whether nothing follows the bytes held: the resource ends at [`Window::end`].
    pub fn ended(&self) -> bool {
        self.ended || self.total == Some(self.end())
    }

    /// States that the resource ends here, whatever its total was said to be.
    pub fn set_ended(&mut self) {
        self.ended = true;
    }

    /// Appends what arrived next. The memory taken is at most a third more than the most that was ever held at once.
    pub fn extend(&mut self, bytes: &[u8]) {
        if bytes.len() > self.bytes.capacity() - self.bytes.len() {
            self.bytes.drain(..self.dropped);
            self.dropped = 0;
            let held = self.bytes.len() + bytes.len();
            // With less room the bytes held would be moved too often.
            if self.bytes.capacity() - self.bytes.len() < bytes.len() + held / 8 {
                self.bytes.reserve_exact(bytes.len() + held / 4);
            }
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Empties the window and moves it to `offset`; the total stays known.
    pub fn restart_at(&mut self, offset: u64) {
        self.start = offset;
        self.bytes.clear();
        self.dropped = 0;
        self.ended = false;
    }

    /// Lets go of everything before `offset`.
    pub fn drop_before(&mut self, offset: u64) {
        let n = offset.saturating_sub(self.start).min(self.len() as u64);
        self.dropped += n as usize;
        self.start += n;
    }

    /// Exactly `len` bytes at `offset`, if all of them are held.
    pub fn get(&self, offset: u64, len: usize) -> Option<&[u8]> {
        self.from(offset)?.get(..len)
    }

    /// Everything held from `offset` on; `None` when `offset` lies outside (the end itself gives an empty slice).
    pub fn from(&self, offset: u64) -> Option<&[u8]> {
        let skip = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        self.bytes.get(self.dropped..)?.get(skip..)
    }

    /// The offsets held.
    pub fn range(&self) -> Range<u64> {
        self.start..self.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn get_outside_the_window_is_none() {
        let mut w = Window::at(10);
        w.extend(&[1, 2, 3, 4]);
        assert_eq!(w.get(9, 1), None);
        assert_eq!(w.get(12, 2), Some(&[3, 4][..]));
        assert_eq!(w.get(12, 3), None);
        assert_eq!(w.from(14), Some(&[][..]));
        assert_eq!(w.from(15), None);
    }

    #[test]
    fn window_that_slides_takes_little_more_than_it_holds() {
        let mut w = Window::at(0);
        for n in 0..10_000_u64 {
            w.extend(&[n as u8; 100]);
            w.drop_before(w.end().saturating_sub(50_000));
        }
        assert_eq!((w.len(), w.get(w.end() - 1, 1)), (50_000, Some(&[(9_999_u64 & 255) as u8][..])));
        assert!(w.bytes.capacity() < 67_000, "{}", w.bytes.capacity());
    }

    #[test]
    fn drop_before_keeps_absolute_offsets() {
        let mut w = Window::at(0);
        w.extend(&[0, 1, 2, 3, 4, 5]);
        w.drop_before(4);
        w.extend(&[6, 7]);
        assert_eq!(w.range(), 4..8);
        assert_eq!(w.get(4, 4), Some(&[4, 5, 6, 7][..]));
        w.drop_before(100);
        assert!(w.is_empty());
        assert_eq!(w.start(), 8);
    }
}
