//! Blocks and their lacing, RFC 9559 sections 10 and 5.1.3.

use super::ebml::{children, int, uint, vint};

/// A `SimpleBlock`, or a `Block` with what its group says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block<'a> {
    pub(super) track: u64,
    /// To add to the cluster's timestamp, in ticks.
    pub(super) relative: i16,
    pub(super) key: bool,
    /// In ticks; the whole block's.
    pub(super) duration: Option<u64>,
    /// Nanoseconds to drop at the end of its sound, or at the start when negative.
    pub(super) discard_ns: i64,
    pub(super) frames: Vec<&'a [u8]>,
}

/// Number and relative timestamp and flags at the front of a block: as much as a search for key frames needs.
pub(super) fn head(data: &[u8]) -> Option<(u64, i16, u8, &[u8])> {
    let (track, length) = vint(data)?;
    let (fields, rest) = data.get(length..)?.split_first_chunk::<3>()?;
    Some((track, i16::from_be_bytes([fields[0], fields[1]]), fields[2], rest))
}

/// The data of a `SimpleBlock`; frames that lacing puts beyond its end are left out.
pub(super) fn simple(data: &[u8]) -> Option<Block<'_>> {
    let (track, relative, flags, rest) = head(data)?;
    let frames = unlace(rest, flags)?;
    Some(Block { track, relative, key: flags & 0x80 != 0, duration: None, discard_ns: 0, frames })
}

/// The data of a `BlockGroup`.
pub(super) fn group(data: &[u8]) -> Option<Block<'_>> {
    let mut block = None;
    let (mut key, mut duration, mut discard_ns) = (true, None, 0);
    for (id, data) in children(data) {
        match id {
            0xa1 => block = simple(data),
            0x9b => duration = Some(uint(data)),
            // A reference to another block: this one cannot be decoded alone.
            0xfb => key = false,
            0x75a2 => discard_ns = int(data),
            _ => {}
        }
    }
    Some(Block { key, duration, discard_ns, ..block? })
}

fn unlace(data: &[u8], flags: u8) -> Option<Vec<&[u8]>> {
    let lacing = flags >> 1 & 3;
    if lacing == 0 {
        return Some(vec![data]);
    }
    let (&last, mut rest) = data.split_first()?;
    let count = usize::from(last) + 1;
    let mut sizes: Vec<usize> = Vec::with_capacity(count);
    match lacing {
        // Xiph: each size is bytes of 255 and a smaller one.
        1 => {
            for _ in 1..count {
                let mut size = 0usize;
                loop {
                    let (&byte, after) = rest.split_first()?;
                    rest = after;
                    size += usize::from(byte);
                    if byte < 255 {
                        break;
                    }
                }
                sizes.push(size);
            }
        }
        // EBML: the first size, then differences biased to be unsigned.
        3 => {
            let mut size = 0i64;
            for n in 1..count {
                let (value, length) = vint(rest)?;
                rest = &rest[length..];
                let bias = if n == 1 { 0 } else { (1i64 << (7 * length - 1)) - 1 };
                size = size.checked_add(i64::try_from(value).ok()? - bias)?;
                sizes.push(usize::try_from(size).ok()?);
            }
        }
        _ => sizes.resize(count - 1, rest.len() / count),
    }
    let mut frames = Vec::with_capacity(count);
    for size in sizes {
        let Some((frame, after)) = rest.split_at_checked(size) else { return Some(frames) };
        frames.push(frame);
        rest = after;
    }
    frames.push(rest);
    Some(frames)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn simple_without_lacing_is_one_frame() {
        let block = simple(&[0x81, 0xff, 0xfe, 0x80, 1, 2, 3]).expect("valid");
        assert_eq!((block.track, block.relative, block.key), (1, -2, true));
        assert_eq!(block.frames, [&[1, 2, 3]]);
    }

    #[test]
    fn simple_every_lacing_gives_its_frames() {
        let frames = |flags: u8, body: &[u8]| -> Vec<usize> {
            let data = [&[0x81, 0, 0, flags], body].concat();
            simple(&data).expect("valid").frames.iter().map(|f| f.len()).collect()
        };
        let xiph = [&[2, 255, 45, 1][..], &[0; 300 + 1 + 7]].concat();
        assert_eq!(frames(0x02, &xiph), [300, 1, 7]);
        // RFC 9559 section 10.3.3: 800, 500, 1000 bytes.
        let ebml = [&[2, 0x43, 0x20, 0x5e, 0xd3][..], &[0; 2300]].concat();
        assert_eq!(frames(0x06, &ebml), [800, 500, 1000]);
        assert_eq!(frames(0x04, &[2, 0, 0, 0, 0, 0, 0]), [2, 2, 2]);
        assert_eq!(frames(0x02, &[1, 9, 0, 0]), Vec::<usize>::new());
    }

    #[test]
    fn group_carries_duration_reference_and_padding() {
        let data = [
            &[0xa1, 0x85, 0x82, 0, 5, 0, 7][..],
            &[0x9b, 0x81, 40],
            &[0xfb, 0x81, 0xff],
            &[0x75, 0xa2, 0x81, 0xf6],
        ]
        .concat();
        let block = group(&data).expect("valid");
        assert_eq!((block.track, block.relative, block.key), (2, 5, false));
        assert_eq!((block.duration, block.discard_ns, block.frames), (Some(40), -10, vec![&[7u8][..]]));
    }

    proptest! {
        #[test]
        fn block_any_bytes_never_panic_and_frames_stay_inside(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for block in [simple(&bytes), group(&bytes)].into_iter().flatten() {
                prop_assert!(block.frames.len() <= 256);
                prop_assert!(block.frames.iter().map(|f| f.len()).sum::<usize>() <= bytes.len());
            }
        }
    }
}
