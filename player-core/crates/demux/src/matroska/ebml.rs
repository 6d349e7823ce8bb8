//! EBML, RFC 8794: elements of id, size and data, and the ids of Matroska, RFC 9559, that this crate reads.

/// An element's id and where its data lies, counted from the element's first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) id: u32,
    /// Length of id and size.
    pub(super) length: usize,
    /// Length of the data; none when unknown (live streams).
    pub(super) size: Option<u64>,
}

/// Longest id and size together, section 11.2.4 and 11.2.5 with Matroska's limits.
pub(super) const LONGEST_HEADER: usize = 4 + 8;

/// What the front of a slice holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Front {
    Element(Header),
    /// Too short: so many bytes are needed.
    Short(usize),
    /// No element can begin so.
    Garbage,
}

pub(super) fn front(bytes: &[u8]) -> Front {
    let Some(&first) = bytes.first() else { return Front::Short(2) };
    let id_length = first.leading_zeros() as usize + 1;
    if id_length > 4 {
        return Front::Garbage;
    }
    let Some(&second) = bytes.get(id_length) else { return Front::Short(id_length + 1) };
    let length = id_length + second.leading_zeros() as usize + 1;
    if length > id_length + 8 {
        return Front::Garbage;
    }
    let Some(size) = bytes.get(id_length..length) else { return Front::Short(length) };
    let id = bytes[..id_length].iter().fold(0, |id, b| id << 8 | u32::from(*b));
    Front::Element(Header { id, length, size: vint(size).map(|(size, _)| size) })
}

/// A variable-size integer (section 4) and its length; `None` when it is cut, malformed, or all ones ("unknown").
pub(super) fn vint(bytes: &[u8]) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    let length = first.leading_zeros() as usize + 1;
    let field = bytes.get(..length).filter(|_| length <= 8)?;
    let raw = field.iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
    let mask = (1u64 << (7 * length)) - 1;
    (raw & mask != mask).then_some((raw & mask, length))
}

/// The elements of a master element's data, as far as they are whole.
pub(super) fn children(mut bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    std::iter::from_fn(move || {
        let Front::Element(header) = front(bytes) else { return None };
        let rest = bytes.get(header.length..)?;
        // A header element of unknown size ends where its parent does.
        let size = header.size.map_or(Some(rest.len()), |size| usize::try_from(size).ok())?;
        let (data, after) = rest.split_at_checked(size)?;
        bytes = after;
        Some((header.id, data))
    })
}

/// An unsigned integer of at most eight bytes; an empty one is 0. Longer ones are damage and saturate.
pub(super) fn uint(data: &[u8]) -> u64 {
    if data.len() > 8 {
        return u64::MAX;
    }
    data.iter().fold(0, |n, b| n << 8 | u64::from(*b))
}

/// A signed integer of at most eight bytes.
pub(super) fn int(data: &[u8]) -> i64 {
    let unused = 64 - 8 * data.len().min(8) as u32;
    (uint(data) as i64).checked_shl(unused).map_or(0, |shifted| shifted >> unused)
}

/// A float of four or eight bytes; anything else is 0.
pub(super) fn float(data: &[u8]) -> f64 {
    match (<[u8; 4]>::try_from(data), <[u8; 8]>::try_from(data)) {
        (Ok(four), _) => f64::from(f32::from_be_bytes(four)),
        (_, Ok(eight)) => f64::from_be_bytes(eight),
        _ => 0.0,
    }
}

/// Text up to its padding of zeros.
pub(super) fn string(data: &[u8]) -> String {
    let end = data.iter().position(|b| *b == 0).unwrap_or(data.len());
    String::from_utf8_lossy(&data[..end]).into_owned()
}

/// Element ids, with their length marker.
pub(super) mod id {
    pub(in super::super) const EBML: u32 = 0x1a45_dfa3;
    pub(in super::super) const SEGMENT: u32 = 0x1853_8067;
    pub(in super::super) const SEEK_HEAD: u32 = 0x114d_9b74;
    pub(in super::super) const SEEK: u32 = 0x4dbb;
    pub(in super::super) const SEEK_ID: u32 = 0x53ab;
    pub(in super::super) const SEEK_POSITION: u32 = 0x53ac;
    pub(in super::super) const INFO: u32 = 0x1549_a966;
    pub(in super::super) const TIMESTAMP_SCALE: u32 = 0x002a_d7b1;
    pub(in super::super) const DURATION: u32 = 0x4489;
    pub(in super::super) const TRACKS: u32 = 0x1654_ae6b;
    pub(in super::super) const CUES: u32 = 0x1c53_bb6b;
    pub(in super::super) const CLUSTER: u32 = 0x1f43_b675;
    pub(in super::super) const TAGS: u32 = 0x1254_c367;
    pub(in super::super) const CHAPTERS: u32 = 0x1043_a770;
    pub(in super::super) const ATTACHMENTS: u32 = 0x1941_a469;
    pub(in super::super) const TIMESTAMP: u32 = 0xe7;
    pub(in super::super) const SIMPLE_BLOCK: u32 = 0xa3;
    pub(in super::super) const BLOCK_GROUP: u32 = 0xa0;

    /// Whether an element stands directly in the segment, and so ends a cluster of unknown size (RFC 9559 section 25.1).
    pub(in super::super) fn ends_cluster(id: u32) -> bool {
        matches!(
            id,
            EBML | SEGMENT | SEEK_HEAD | INFO | TRACKS | CUES | CLUSTER | TAGS | CHAPTERS | ATTACHMENTS
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn front_known_and_unknown_sizes_are_read() {
        let header = |id, length, size| Front::Element(Header { id, length, size });
        assert_eq!(front(&[0xa3, 0x81]), header(0xa3, 2, Some(1)));
        assert_eq!(
            front(&[0x1f, 0x43, 0xb6, 0x75, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            header(id::CLUSTER, 12, None)
        );
        assert_eq!(front(&[0x1f, 0x43, 0xb6, 0x75, 0xff]), header(id::CLUSTER, 5, None));
        assert_eq!(front(&[0x42, 0x86, 0x40]), Front::Short(4));
        assert_eq!(front(&[0x08, 0]), Front::Garbage);
        assert_eq!(front(&[0xa3, 0]), Front::Garbage);
    }

    #[test]
    fn int_short_fields_keep_their_sign() {
        assert_eq!((int(&[0xff]), int(&[0x80, 0]), int(&[]), int(&[0x7f])), (-1, -32768, 0, 127));
        assert_eq!(int(&[0xff; 8]), -1);
    }

    proptest! {
        #[test]
        fn children_any_bytes_never_panic_and_stay_inside(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let total: usize = children(&bytes).map(|(_, data)| data.len()).sum();
            prop_assert!(total <= bytes.len());
            int(&bytes);
            float(&bytes);
            string(&bytes);
        }
    }
}
