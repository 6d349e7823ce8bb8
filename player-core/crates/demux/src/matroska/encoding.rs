//! Content encodings, RFC 9559 section 5.1.4.1.31: how a track's frames were packed.

use std::borrow::Cow;

use super::ebml::{children, uint};

/// One step of packing, to be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Encoding {
    /// These bytes were cut off the front of every frame.
    Stripped(Vec<u8>),
    /// RFC 1950.
    Zlib,
}

/// The packing of a track's frames and of its `CodecPrivate`, in the order of undoing; `None` when it cannot be undone here
/// (encryption, bzip2, LZO).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Encodings {
    pub(super) frames: Vec<Encoding>,
    pub(super) private: Vec<Encoding>,
}

/// Largest unpacked frame: above what any real frame has, below what a hostile one would take.
pub(super) const LARGEST_FRAME: usize = 16 << 20;

impl Encodings {
    /// Reads `ContentEncodings`.
    pub(super) fn read(data: &[u8]) -> Option<Encodings> {
        let mut all: Vec<(u64, u64, Encoding)> = Vec::new();
        for (_, data) in children(data).filter(|(id, _)| *id == 0x6240) {
            let (mut order, mut scope, mut kind, mut compression) = (0, 1, 0, &[][..]);
            for (id, data) in children(data) {
                match id {
                    0x5031 => order = uint(data),
                    0x5032 => scope = uint(data),
                    0x5033 => kind = uint(data),
                    0x5034 => compression = data,
                    _ => {}
                }
            }
            let (mut algorithm, mut settings) = (0, Vec::new());
            for (id, data) in children(compression) {
                match id {
                    0x4254 => algorithm = uint(data),
                    0x4255 => settings = data.to_vec(),
                    _ => {}
                }
            }
            let encoding = match (kind, algorithm) {
                (0, 0) => Encoding::Zlib,
                // A real prefix has a few bytes; it multiplies with the frames of a block.
                (0, 3) if settings.len() <= 4096 => Encoding::Stripped(settings),
                _ => return None,
            };
            all.push((order, scope, encoding));
        }
        // The highest order was applied last and is undone first.
        all.sort_by_key(|(order, _, _)| std::cmp::Reverse(*order));
        let of = |bit: u64| {
            all.iter().filter(|(_, scope, _)| scope & bit != 0).map(|(_, _, e)| e.clone()).collect()
        };
        Some(Encodings { frames: of(1), private: of(2) })
    }
}

/// Undoes `encodings`; `None` when the data is damaged or too large.
pub(super) fn undo<'a>(encodings: &[Encoding], data: &'a [u8]) -> Option<Cow<'a, [u8]>> {
    let mut data = Cow::Borrowed(data);
    for encoding in encodings {
        data = Cow::Owned(match encoding {
            Encoding::Stripped(head) => [head, &data[..]].concat(),
            Encoding::Zlib => {
                miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(&data, LARGEST_FRAME).ok()?
            }
        });
    }
    Some(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(id: &[u8], data: &[u8]) -> Vec<u8> {
        [id, &[0x80 | data.len() as u8], data].concat()
    }

    fn encoding(order: u8, inner: &[u8]) -> Vec<u8> {
        let compression = element(&[0x50, 0x34], inner);
        element(&[0x62, 0x40], &[element(&[0x50, 0x31], &[order]), compression].concat())
    }

    #[test]
    fn undo_steps_in_reverse_order_of_packing() {
        let strip = [element(&[0x42, 0x54], &[3]), element(&[0x42, 0x55], b"ab")].concat();
        let read =
            Encodings::read(&[encoding(0, &strip), encoding(1, &element(&[0x42, 0x54], &[0]))].concat());
        let read = read.expect("supported");
        assert_eq!(read.frames, [Encoding::Zlib, Encoding::Stripped(b"ab".to_vec())]);
        assert!(read.private.is_empty());
        let packed = miniz_oxide::deflate::compress_to_vec_zlib(b"cd", 6);
        assert_eq!(undo(&read.frames, &packed).as_deref(), Some(&b"abcd"[..]));
        assert_eq!(undo(&read.frames, b"nonsense"), None);
    }

    #[test]
    fn read_encryption_is_not_supported() {
        let encrypted = element(&[0x62, 0x40], &element(&[0x50, 0x33], &[1]));
        assert_eq!(Encodings::read(&encrypted), None);
    }
}
