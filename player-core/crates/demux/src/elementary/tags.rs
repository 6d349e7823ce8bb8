//! Tags of text and pictures among audio frames.

/// Bytes that [`len`] needs.
pub(super) const HEAD_LEN: usize = 32;

/// Length of the tag that `bytes` begins with.
pub(super) fn len(bytes: &[u8]) -> Option<u64> {
    if bytes.starts_with(b"ID3") {
        // ID3v2.4 structure, 3.1; the flag says that a footer follows.
        let &[_, _, _, _, _, flags, a, b, c, d] = bytes.first_chunk()?;
        let size = [a, b, c, d].iter().fold(0, |size, &byte| size << 7 | u64::from(byte & 0x7f));
        return Some(10 + size + if flags & 0x10 != 0 { 10 } else { 0 });
    }
    if bytes.starts_with(b"APETAGEX") {
        // APEv2: the size counts the items and the footer, but not the header, which this is unless bit 29 is clear.
        let &[_, _, _, _, _, _, _, _, _, _, _, _, a, b, c, d, _, _, _, _, e, f, g, h] =
            bytes.first_chunk()?;
        let is_header = u32::from_le_bytes([e, f, g, h]) & 1 << 29 != 0;
        return Some(32 + if is_header { u64::from(u32::from_le_bytes([a, b, c, d])) } else { 0 });
    }
    // ID3v1, and the extended tag some writers put before it.
    match bytes {
        _ if bytes.starts_with(b"TAG+") => Some(227),
        _ if bytes.starts_with(b"TAG") => Some(128),
        _ => None,
    }
}
