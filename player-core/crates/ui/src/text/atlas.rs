//! Coverage of glyphs and icons, packed into A8 pages that the shim holds as images.

use std::collections::HashMap;

/// Side of a page: room for the glyphs of several screens at 4K, one mebibyte.
pub(crate) const PAGE_SIDE: u32 = 1024;
/// Pages kept; with more, everything begins anew.
const MAX_PAGES: usize = 6;
/// Keys of pages, apart from any other image's. Never used twice by one instance: a page that is given up stays what it was until the
/// layers that show it are replaced.
const FIRST_KEY: u64 = 0x4b69_6e6f_0000_0001;

/// What a patch of coverage is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Patch {
    /// Font, glyph, size in pixels, bold by emboldening, slant in degrees.
    Glyph { font: u16, glyph: u16, size: u16, embolden: bool, skew: i8 },
    /// Icon and size in pixels.
    Icon { icon: u16, size: u16 },
}

/// Where a patch is and how it lies to its origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) page: u64,
    pub(crate) x: u16,
    pub(crate) y: u16,
    pub(crate) w: u16,
    pub(crate) h: u16,
    /// From the pen position to the left edge.
    pub(crate) left: i32,
    /// From the baseline up to the top edge.
    pub(crate) top: i32,
}

/// Coverage as rasterised.
pub(crate) struct Coverage {
    pub(crate) w: u32,
    pub(crate) h: u32,
    pub(crate) left: i32,
    pub(crate) top: i32,
    pub(crate) bytes: Vec<u8>,
}

/// A new image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImagePut {
    /// Key for `put-image`.
    pub key: u64,
    /// Pixels.
    pub width_px: u32,
    /// Pixels.
    pub height_px: u32,
    /// A8, row by row.
    pub bytes: Vec<u8>,
}

/// A rectangle of an image that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ImageUpdate {
    pub key: u64,
    pub x_px: u32,
    pub y_px: u32,
    pub width_px: u32,
    pub height_px: u32,
    /// A8, row by row.
    pub bytes: Vec<u8>,
}

/// What the shim is to be told.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) puts: Vec<ImagePut>,
    pub(crate) updates: Vec<ImageUpdate>,
    pub(crate) drops: Vec<u64>,
}

struct Page {
    key: u64,
    bytes: Vec<u8>,
    /// Shelves from the top: first row after the shelf, its height, first free column.
    shelves: Vec<(u32, u32, u32)>,
    /// Rows that the shim has not seen.
    dirty: Option<(u32, u32)>,
    sent: bool,
}

/// The pages and what is on them.
pub(crate) struct Atlas {
    pages: Vec<Page>,
    slots: HashMap<Patch, Option<Slot>>,
    next_key: u64,
    given_up: Vec<u64>,
}

impl Atlas {
    pub(crate) fn new() -> Atlas {
        Atlas { pages: Vec::new(), slots: HashMap::new(), next_key: FIRST_KEY, given_up: Vec::new() }
    }

    /// The place of `patch`, rasterising it on first use. None for what leaves no mark, and for what is larger than a page.
    pub(crate) fn slot(&mut self, patch: Patch, make: impl FnOnce() -> Option<Coverage>) -> Option<Slot> {
        if let Some(slot) = self.slots.get(&patch) {
            return *slot;
        }
        let slot = make().and_then(|coverage| self.place(&coverage));
        self.slots.insert(patch, slot);
        slot
    }

    /// Whether the pages overflow: the caller then calls [`Atlas::restart`] and builds its picture again.
    pub(crate) fn is_full(&self) -> bool {
        self.pages.len() > MAX_PAGES
    }

    /// Gives up every page. Starting anew, rather than evicting single glyphs, keeps what retained layers show intact: a page is never
    /// rewritten under a layer that has not been replaced.
    pub(crate) fn restart(&mut self) {
        self.given_up.extend(self.pages.drain(..).filter(|page| page.sent).map(|page| page.key));
        self.slots.clear();
    }

    /// Forgets what the shim was given, so that everything is sent again.
    pub(crate) fn forget_sent(&mut self) {
        for page in &mut self.pages {
            page.sent = false;
        }
    }

    fn place(&mut self, c: &Coverage) -> Option<Slot> {
        // One empty column and row between neighbours, for bilinear sampling.
        let (w, h) = (c.w + 1, c.h + 1);
        if c.w == 0 || c.h == 0 || w > PAGE_SIDE || h > PAGE_SIDE {
            return None;
        }
        let found =
            self.pages.iter_mut().enumerate().find_map(|(i, page)| page.reserve(w, h).map(|at| (i, at)));
        let (index, (x, y)) = match found {
            Some(found) => found,
            None => {
                self.pages.push(Page {
                    key: self.next_key,
                    bytes: vec![0; (PAGE_SIDE * PAGE_SIDE) as usize],
                    shelves: Vec::new(),
                    dirty: None,
                    sent: false,
                });
                self.next_key += 1;
                let index = self.pages.len() - 1;
                (index, self.pages[index].reserve(w, h)?)
            }
        };
        let page = &mut self.pages[index];
        for (row, source) in c.bytes.chunks_exact(c.w as usize).enumerate() {
            let at = ((y + row as u32) * PAGE_SIDE + x) as usize;
            page.bytes[at..at + source.len()].copy_from_slice(source);
        }
        let (from, to) = page.dirty.unwrap_or((y, y));
        page.dirty = Some((from.min(y), to.max(y + c.h)));
        Some(Slot {
            page: page.key,
            x: x as u16,
            y: y as u16,
            w: c.w as u16,
            h: c.h as u16,
            left: c.left,
            top: c.top,
        })
    }

    /// What changed since the last call.
    pub(crate) fn changes(&mut self) -> Changes {
        let mut changes = Changes { drops: std::mem::take(&mut self.given_up), ..Changes::default() };
        for page in &mut self.pages {
            let dirty = page.dirty.take();
            if !page.sent {
                page.sent = true;
                changes.puts.push(ImagePut {
                    key: page.key,
                    width_px: PAGE_SIDE,
                    height_px: PAGE_SIDE,
                    bytes: page.bytes.clone(),
                });
            } else if let Some((from, to)) = dirty {
                let bytes = &page.bytes[(from * PAGE_SIDE) as usize..(to * PAGE_SIDE) as usize];
                changes.updates.push(ImageUpdate {
                    key: page.key,
                    x_px: 0,
                    y_px: from,
                    width_px: PAGE_SIDE,
                    height_px: to - from,
                    bytes: bytes.to_vec(),
                });
            }
        }
        changes
    }
}

impl Page {
    /// Room of `w` by `h` on the lowest shelf that it fits without wasting half of it, or on a new shelf.
    fn reserve(&mut self, w: u32, h: u32) -> Option<(u32, u32)> {
        let fits = |(_, height, x): &(u32, u32, u32)| h <= *height && *height <= h * 2 && x + w <= PAGE_SIDE;
        if let Some(i) = self.shelves.iter().position(fits) {
            let (end, height, x) = &mut self.shelves[i];
            let at = (*x, *end - *height);
            *x += w;
            return Some(at);
        }
        let top = self.shelves.last().map_or(0, |shelf| shelf.0);
        // Shelves of a few common heights fill better.
        let height = h.next_multiple_of(4).min(PAGE_SIDE - top);
        if height < h {
            return None;
        }
        self.shelves.push((top + height, height, w));
        Some((0, top))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(n: u16) -> Patch {
        Patch::Icon { icon: n, size: 1 }
    }

    fn block(w: u32, h: u32) -> Option<Coverage> {
        Some(Coverage { w, h, left: 0, top: 0, bytes: vec![255; (w * h) as usize] })
    }

    #[test]
    fn slots_of_many_sizes_do_not_overlap() {
        let mut atlas = Atlas::new();
        let mut seen: Vec<Slot> = Vec::new();
        for n in 0..400u16 {
            let slot = atlas.slot(patch(n), || block(5 + u32::from(n * 7 % 60), 5 + u32::from(n * 11 % 50)));
            let slot = slot.expect("fits");
            for other in seen.iter().filter(|other| other.page == slot.page) {
                let apart = slot.x + slot.w <= other.x
                    || other.x + other.w <= slot.x
                    || slot.y + slot.h <= other.y
                    || other.y + other.h <= slot.y;
                assert!(apart, "{slot:?} {other:?}");
            }
            seen.push(slot);
        }
    }

    #[test]
    fn page_sent_once_then_only_changed_rows() {
        let mut atlas = Atlas::new();
        atlas.slot(patch(1), || block(10, 10));
        assert_eq!(atlas.changes().puts.len(), 1);
        atlas.slot(patch(1), || panic!("cached"));
        let quiet = atlas.changes();
        assert!(quiet.puts.is_empty() && quiet.updates.is_empty());
        atlas.slot(patch(2), || block(10, 10));
        assert_eq!(atlas.changes().updates[0].height_px, 10);
    }

    #[test]
    fn oversized_patch_is_refused() {
        assert_eq!(Atlas::new().slot(patch(1), || block(PAGE_SIDE, 1)), None);
    }

    #[test]
    fn restart_drops_the_pages_the_shim_holds() {
        let mut atlas = Atlas::new();
        let before = atlas.slot(patch(1), || block(9, 9)).expect("fits");
        atlas.changes();
        atlas.restart();
        let after = atlas.slot(patch(1), || block(9, 9)).expect("fits");
        assert_ne!(before.page, after.page);
        assert_eq!(atlas.changes().drops, [before.page]);
    }
}
