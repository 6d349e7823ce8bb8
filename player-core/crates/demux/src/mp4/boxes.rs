//! The box structure, ISO/IEC 14496-12, 4.2.

use kinora_bytes::Cursor;

pub(super) type FourCc = [u8; 4];

/// Name of a box or sample entry for a message.
pub(super) fn name(kind: FourCc) -> String {
    String::from_utf8_lossy(&kind).escape_default().to_string()
}

/// The header of a box in a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: FourCc,
    /// Bytes before the body.
    pub(super) header_len: u64,
    /// Bytes of the body; `None` when it reaches to the end of the resource.
    pub(super) body_len: Option<u64>,
}

/// Longest header: size, type and 64-bit size.
pub(super) const MAX_HEADER_LEN: usize = 16;

impl Header {
    /// Reads the header at the front. `Err` says how many bytes it takes.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<Header>, usize> {
        let mut c = Cursor::new(bytes);
        let (Some(size), Some(kind)) = (c.u32_be(), c.array()) else {
            return Err(8);
        };
        let (header_len, size) = match size {
            0 => (8, None),
            1 => (16, Some(c.u64_be().ok_or(MAX_HEADER_LEN)?)),
            n => (8, Some(u64::from(n))),
        };
        Ok(match size.map(|size| size.checked_sub(header_len)) {
            Some(None) => None,
            body_len => Some(Header { kind, header_len, body_len: body_len.flatten() }),
        })
    }
}

/// The boxes in the body of another: kind and body of each. The last is cut where its parent ends.
#[derive(Clone, Copy)]
pub(super) struct Boxes<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Boxes<'a> {
    type Item = (FourCc, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let header = Header::parse(self.0).ok().flatten()?;
        let rest = &self.0[header.header_len as usize..];
        let len =
            header.body_len.map_or(rest.len(), |n| rest.len().min(usize::try_from(n).unwrap_or(usize::MAX)));
        let (body, rest) = rest.split_at(len);
        self.0 = rest;
        Some((header.kind, body))
    }
}

/// The body of the first box of this kind.
pub(super) fn child(parent: &[u8], kind: FourCc) -> Option<&[u8]> {
    Boxes(parent).find(|&(k, _)| k == kind).map(|(_, body)| body)
}

/// The body of the box that this path of kinds leads to.
pub(super) fn descendant<'a>(parent: &'a [u8], path: &[FourCc]) -> Option<&'a [u8]> {
    path.iter().try_fold(parent, |body, &kind| child(body, kind))
}

/// A full box: its version, its flags and the rest.
pub(super) fn full(body: &[u8]) -> Option<(u8, u32, Cursor<'_>)> {
    let mut c = Cursor::new(body);
    let (version, flags) = (c.u8()?, c.u24_be()?);
    Some((version, flags, c))
}

/// A time or duration that takes 64 bits from version 1 on.
pub(super) fn versioned(c: &mut Cursor<'_>, version: u8) -> Option<u64> {
    if version == 0 { c.u32_be().map(u64::from) } else { c.u64_be() }
}

#[cfg(test)]
pub(super) mod build {
    use super::FourCc;

    /// A box of these parts.
    pub(crate) fn boxed(kind: &FourCc, parts: &[&[u8]]) -> Vec<u8> {
        let len = 8 + parts.iter().map(|p| p.len()).sum::<usize>();
        let mut out = (len as u32).to_be_bytes().to_vec();
        out.extend(kind);
        parts.iter().for_each(|p| out.extend(*p));
        out
    }

    /// A full box of 32-bit words.
    pub(crate) fn words(kind: &FourCc, version_and_flags: u32, words: &[u32]) -> Vec<u8> {
        let body: Vec<u8> =
            std::iter::once(&version_and_flags).chain(words).flat_map(|w| w.to_be_bytes()).collect();
        boxed(kind, &[&body])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_with_64_bit_size_is_read() {
        let bytes = [0, 0, 0, 1, b'm', b'd', b'a', b't', 0, 0, 0, 1, 0, 0, 0, 0];
        let header = Header { kind: *b"mdat", header_len: 16, body_len: Some((1 << 32) - 16) };
        assert_eq!(Header::parse(&bytes), Ok(Some(header)));
        assert_eq!(Header::parse(&bytes[..15]), Err(16));
        assert_eq!(Header::parse(&bytes[..7]), Err(8));
    }

    #[test]
    fn header_smaller_than_itself_is_none() {
        assert_eq!(Header::parse(&[0, 0, 0, 7, b'm', b'o', b'o', b'v']), Ok(None));
    }

    #[test]
    fn children_beyond_their_parent_are_cut() {
        let bytes = [0, 0, 0, 9, b'a', b'b', b'c', b'd', 1, 0, 0, 0, 99, b'e', b'f', b'g', b'h', 2];
        let found: Vec<_> = Boxes(&bytes).collect();
        assert_eq!(found, [(*b"abcd", &[1][..]), (*b"efgh", &[2][..])]);
    }
}
