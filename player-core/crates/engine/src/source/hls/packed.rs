//! The ID3 tag in front of a packed audio segment, which carries its timestamp (RFC 8216 section 3.4).

use kinora_bytes::Cursor;
use kinora_time::{MediaUs, ticks_to_us};

const OWNER: &[u8] = b"com.apple.streaming.transportStreamTimestamp\0";
/// A tag that is longer is content (a cover), not a timestamp, and stays.
const MAX_TAG: usize = 64 << 10;

/// What a segment begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// Too little has arrived to tell.
    Unknown,
    /// No tag of this kind.
    Plain,
    /// A tag of so many bytes with a timestamp.
    Timestamp { len: usize, pts_us: MediaUs },
}

/// Looks at the first bytes of a segment; `ended` when there are no more.
pub(super) fn head(bytes: &[u8], ended: bool) -> Head {
    const HEADER: usize = 10;
    let short = if ended { Head::Plain } else { Head::Unknown };
    if bytes.len() < HEADER {
        return if b"ID3".starts_with(&bytes[..bytes.len().min(3)]) { short } else { Head::Plain };
    }
    if !bytes.starts_with(b"ID3") {
        return Head::Plain;
    }
    let Some(size) = syncsafe(&bytes[6..HEADER]) else { return Head::Plain };
    let len = HEADER + size;
    if len > MAX_TAG {
        return Head::Plain;
    }
    let Some(frames) = bytes.get(HEADER..len) else { return short };
    match timestamp(frames, bytes[3]) {
        Some(pts_us) => Head::Timestamp { len, pts_us },
        None => Head::Plain,
    }
}

/// Four times seven bits (ID3v2.4.0 structure, section 6.2).
fn syncsafe(bytes: &[u8]) -> Option<usize> {
    bytes.iter().try_fold(0, |value, byte| (byte & 0x80 == 0).then_some(value << 7 | usize::from(*byte)))
}

fn timestamp(frames: &[u8], version: u8) -> Option<MediaUs> {
    let mut cursor = Cursor::new(frames);
    loop {
        let id = cursor.take(4)?;
        let size = cursor.take(4)?;
        let plain = u32::from_be_bytes(size.try_into().ok()?) as usize;
        let size = if version >= 4 { syncsafe(size).unwrap_or(plain) } else { plain };
        cursor.skip(2)?;
        let body = cursor.take(size)?;
        if let (b"PRIV", Some(value)) = (id, body.strip_prefix(OWNER)) {
            let ticks = u64::from_be_bytes(value.try_into().ok()?) & ((1 << 33) - 1);
            return Some(ticks_to_us(ticks as i64, 90_000));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tag(ticks: u64) -> Vec<u8> {
        let mut body = OWNER.to_vec();
        body.extend_from_slice(&ticks.to_be_bytes());
        let mut out = b"ID3\x04\0\0\0\0\0".to_vec();
        out.push((body.len() + 10) as u8);
        out.extend_from_slice(b"PRIV\0\0\0");
        out.push(body.len() as u8);
        out.extend_from_slice(&[0, 0]);
        out.extend(body);
        out
    }

    #[test]
    fn tag_with_timestamp_is_found() {
        let bytes = tag(900_000);
        assert_eq!(head(&bytes, false), Head::Timestamp { len: bytes.len(), pts_us: 10_000_000 });
    }

    #[test]
    fn tag_that_has_not_arrived_is_waited_for() {
        let bytes = tag(1);
        for n in 0..bytes.len() {
            assert_eq!(head(&bytes[..n], false), Head::Unknown);
            assert_eq!(head(&bytes[..n], true), Head::Plain);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), ended: bool) {
            head(&bytes, ended);
            head(&[b"ID3\x04\0\0\0\0\x01\x20", &bytes[..]].concat(), ended);
        }
    }
}
