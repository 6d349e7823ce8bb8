//! Ogg pages (RFC 3533 section 6).

use kinora_bytes::Cursor;

/// Bytes of the longest page.
pub(super) const MAX_LEN: usize = 27 + 255 + 255 * 255;

/// A page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page<'a> {
    /// The first packet began on an earlier page.
    pub(super) continued: bool,
    /// First page of its stream.
    pub(super) begins: bool,
    /// Last page of its stream.
    pub(super) ends: bool,
    /// Position at the end of the last packet that ends here; `None` when none does.
    pub(super) granule: Option<i64>,
    pub(super) serial: u32,
    pub(super) sequence: u32,
    lacing: &'a [u8],
    payload: &'a [u8],
    /// Bytes of the whole page.
    pub(super) len: usize,
}

/// What stands at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parsed<'a> {
    Page(Page<'a>),
    /// So many bytes are needed to tell.
    TooShort(usize),
    /// No page, or a damaged one.
    No,
}

impl<'a> Page<'a> {
    /// Parses a page whose checksum is right.
    pub(super) fn parse(bytes: &'a [u8]) -> Parsed<'a> {
        let known = bytes.len().min(4);
        if bytes[..known] != b"OggS"[..known] {
            return Parsed::No;
        }
        let Some(&head) = bytes.first_chunk::<27>() else { return Parsed::TooShort(27) };
        let lacing_end = 27 + usize::from(head[26]);
        let Some(lacing) = bytes.get(27..lacing_end) else { return Parsed::TooShort(lacing_end) };
        let len = lacing_end + lacing.iter().map(|&n| usize::from(n)).sum::<usize>();
        let Some(page) = bytes.get(..len) else { return Parsed::TooShort(len) };
        let mut c = Cursor::new(&head[4..]);
        let fields = (|| Some((c.u8()?, c.u8()?, c.i64_le()?, c.u32_le()?, c.u32_le()?, c.u32_le()?)))();
        match fields {
            Some((0, flags, granule, serial, sequence, crc)) if checksum(page) == crc => Parsed::Page(Page {
                continued: flags & 1 != 0,
                begins: flags & 2 != 0,
                ends: flags & 4 != 0,
                granule: (granule != -1).then_some(granule),
                serial,
                sequence,
                lacing,
                payload: &page[lacing_end..],
                len,
            }),
            _ => Parsed::No,
        }
    }

    /// The page's parts of packets, and whether the packet ends with its part.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&'a [u8], bool)> {
        let (mut lacing, mut payload) = (self.lacing, self.payload);
        std::iter::from_fn(move || {
            if lacing.is_empty() {
                return None;
            }
            let full = lacing.iter().take_while(|&&n| n == 255).count();
            let segments = (full + 1).min(lacing.len());
            let len = lacing[..segments].iter().map(|&n| usize::from(n)).sum();
            let (part, rest) = payload.split_at_checked(len)?;
            let ends = full < lacing.len();
            (lacing, payload) = (&lacing[segments..], rest);
            Some((part, ends))
        })
    }
}

const CRC: [u32; 256] = {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let mut crc = (n as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = crc << 1 ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 };
            bit += 1;
        }
        table[n] = crc;
        n += 1;
    }
    table
};

/// The checksum of a page, taken with its own field as 0.
pub(super) fn checksum(page: &[u8]) -> u32 {
    page.iter().enumerate().fold(0, |crc: u32, (at, &byte)| {
        let byte = if (22..26).contains(&at) { 0 } else { byte };
        crc << 8 ^ CRC[usize::from((crc >> 24) as u8 ^ byte)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn packets_are_cut_by_the_lacing_values() {
        let bytes = super::super::tests::page(2, 5, 7, 0, &[255, 3, 0, 255], &[1; 513]);
        let Parsed::Page(page) = Page::parse(&bytes) else { panic!("a page") };
        let parts: Vec<_> = page.parts().map(|(part, ends)| (part.len(), ends)).collect();
        assert_eq!(parts, [(258, true), (0, true), (255, false)]);
        assert_eq!((page.begins, page.granule, page.serial), (true, Some(5), 7));
        assert_eq!(Page::parse(&bytes[..300]), Parsed::TooShort(bytes.len()));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Page::parse(&bytes);
            let _ = Page::parse(&[&b"OggS"[..], &bytes].concat());
        }
    }
}
