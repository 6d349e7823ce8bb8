//! The bytes of a slot: magic, generation, length, checksum, then for each key its length, the key, the length of the value and the
//! value. Numbers are little-endian.

use crate::Map;

const MAGIC: [u8; 8] = *b"kinora\0\x01";
const HEADER_BYTES: usize = 8 + 8 + 4 + 4;
/// A store of 1 MiB made of the shortest keys takes less.
pub(crate) const MAX_BYTES: u64 = 16 << 20;

fn checksum(generation: u64, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&generation.to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

/// The image of `map` as the `generation`th that was written.
pub(crate) fn encode(generation: u64, map: &Map) -> Vec<u8> {
    let mut payload = Vec::new();
    for (key, value) in map {
        for part in [key.as_bytes(), value] {
            // Both are far below 4 GiB: the store is at most 1 MiB.
            payload.extend((part.len() as u32).to_le_bytes());
            payload.extend(part);
        }
    }
    let mut image = Vec::with_capacity(HEADER_BYTES + payload.len());
    image.extend(MAGIC);
    image.extend(generation.to_le_bytes());
    image.extend((payload.len() as u32).to_le_bytes());
    image.extend(checksum(generation, &payload).to_le_bytes());
    image.extend(payload);
    image
}

/// The generation and the map of a whole image. What follows it is left of a longer one.
pub(crate) fn decode(image: &[u8]) -> Option<(u64, Map)> {
    let rest = image.strip_prefix(&MAGIC)?;
    let (generation, rest) = rest.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (stated, rest) = rest.split_first_chunk()?;
    let generation = u64::from_le_bytes(*generation);
    let mut payload = rest.get(..u32::from_le_bytes(*length) as usize)?;
    if checksum(generation, payload) != u32::from_le_bytes(*stated) {
        return None;
    }
    let mut map = Map::new();
    while !payload.is_empty() {
        let key = take(&mut payload)?;
        let value = take(&mut payload)?;
        map.insert(String::from_utf8(key.to_vec()).ok()?, value.into());
    }
    Some((generation, map))
}

fn take<'a>(payload: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = payload.split_first_chunk()?;
    let (part, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *payload = rest;
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn map(entries: &[(&str, &[u8])]) -> Map {
        entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect()
    }

    proptest! {
        #[test]
        fn decode_any_bytes_never_panics(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
            // With a right header too.
            let sum = checksum(1, &bytes);
            let mut image = MAGIC.to_vec();
            image.extend(1_u64.to_le_bytes());
            image.extend((bytes.len() as u32).to_le_bytes());
            image.extend(sum.to_le_bytes());
            image.append(&mut bytes);
            let _ = decode(&image);
        }

        #[test]
        fn decode_of_encoded_map_gives_it_back(
            entries in proptest::collection::btree_map(".{0,8}", proptest::collection::vec(any::<u8>(), 0..40), 0..8),
            generation in any::<u64>(),
            tail in proptest::collection::vec(any::<u8>(), 0..20),
        ) {
            let map: Map = entries.into_iter().map(|(key, value)| (key, value.into())).collect();
            let mut image = encode(generation, &map);
            image.extend(tail);
            prop_assert_eq!(decode(&image), Some((generation, map)));
        }

        /// A disk persists the sectors of a write in any order before a cut: some are new, some old.
        #[test]
        fn decode_of_torn_image_is_none_unless_nothing_differs(
            sectors in proptest::collection::vec(any::<bool>(), 8),
            fill in any::<u8>(),
        ) {
            const SECTOR: usize = 32;
            let old = encode(3, &map(&[("a", &[1; 100]), ("b", &[2; 100])]));
            let new = encode(5, &map(&[("a", &[fill; 100]), ("b", &[3; 100])]));
            let mut torn = old.clone();
            for (index, take_new) in sectors.into_iter().enumerate() {
                let range = (index * SECTOR).min(old.len())..((index + 1) * SECTOR).min(old.len());
                if take_new {
                    torn[range.clone()].copy_from_slice(&new[range]);
                }
            }
            if torn != old && torn != new {
                prop_assert_eq!(decode(&torn), None);
            }
        }
    }
}
