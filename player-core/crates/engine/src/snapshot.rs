//! The state worth keeping over a restart: what plays, where, and the choices made. Semantic, versioned, no media bytes.
//!
//! What follows is the part that every core of this contract reads and writes, so that each can go on where another was: it does not change
//! within a minor version of the contract. What one build adds are sections behind it, each a key (u8), a length (u32) and bytes; a build that
//! does not know a key skips it, and does without. Keys: 1 the interface, in the words of `kinora-ui`;
//! 2 captions that were read ahead; 3 how the times of a live stream were made.
//!
//! Layout, little-endian: version u8; item serial u64; position i64; rate i32; volume u32; flags u8; repeat u8; audio track
//! u32 + 1; caption track u32 + 1 (0: none); current u32; count u32; then a source as url, title, count of related and those,
//! each text as u32 length and UTF-8.

mod cues;
mod live;

use kinora_bytes::Cursor;
use kinora_captions::Cue;
use kinora_time::MediaUs;

use crate::event::SourceSpec;
use crate::queue::Repeat;
use crate::source::LiveState;
use crate::status::Sound;

const VERSION: u8 = 1;
/// In the place of a position: the item was being opened and had none. It need not begin at 0.
pub(crate) const OPENING: MediaUs = MediaUs::MIN;
/// The contract's limit (`wit/player.wit`).
const MAX_BYTES: usize = 256 << 10;
/// Kept free of sources: the fields before them, and sections.
const RESERVED: usize = (4 << 10) + cues::MAX_BYTES;
/// Key of the section with captions.
const CUES: u8 = 2;
/// Key of the section with what is known of a live stream.
const LIVE: u8 = 3;
const PLAYING: u8 = 1;
const HAS_POSITION: u8 = 2;
const CAPTIONS_CHOSEN: u8 = 4;
const MUTED: u8 = 8;

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// Tag of the timeline: counts the items opened.
    pub(crate) serial: u64,
    pub(crate) position_us: Option<i64>,
    pub(crate) rate_permille: i32,
    pub(crate) playing: bool,
    pub(crate) sound: Sound,
    pub(crate) repeat: Repeat,
    pub(crate) audio: Option<u32>,
    /// The outer one: whether captions were chosen at all.
    pub(crate) captions: Option<Option<u32>>,
    pub(crate) current: usize,
    pub(crate) sources: Vec<SourceSpec>,
}

impl Snapshot {
    /// At most [`MAX_BYTES`]: a queue that does not fit is cut after the current item, then before it.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let encoded: Vec<Vec<u8>> = self.sources.iter().map(encode_source).collect();
        let mut first = 0;
        let mut last = encoded.len();
        let size =
            |first: usize, last: usize| RESERVED + encoded[first..last].iter().map(Vec::len).sum::<usize>();
        while size(first, last) > MAX_BYTES && last > self.current + 1 {
            last -= 1;
        }
        while size(first, last) > MAX_BYTES && first < last {
            first += 1;
        }
        let mut out = vec![VERSION];
        out.extend_from_slice(&self.serial.to_le_bytes());
        out.extend_from_slice(&self.position_us.unwrap_or(0).to_le_bytes());
        out.extend_from_slice(&self.rate_permille.to_le_bytes());
        out.extend_from_slice(&self.sound.volume_permille.to_le_bytes());
        let flags = [
            (self.playing, PLAYING),
            (self.position_us.is_some(), HAS_POSITION),
            (self.captions.is_some(), CAPTIONS_CHOSEN),
            (self.sound.muted, MUTED),
        ];
        out.push(flags.iter().filter(|(set, _)| *set).map(|(_, flag)| flag).sum());
        out.push(match self.repeat {
            Repeat::Off => 0,
            Repeat::One => 1,
            Repeat::All => 2,
        });
        for track in [self.audio, self.captions.flatten()] {
            out.extend_from_slice(&track.map_or(0, |track| track.saturating_add(1)).to_le_bytes());
        }
        out.extend_from_slice(&(self.current.saturating_sub(first) as u32).to_le_bytes());
        out.extend_from_slice(&((last - first) as u32).to_le_bytes());
        out.extend(encoded[first..last].iter().flatten());
        out
    }

    /// None when the bytes are of another version or damaged.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Snapshot> {
        Snapshot::read(&mut Cursor::new(bytes.get(..bytes.len().min(MAX_BYTES))?))
    }

    fn read(cursor: &mut Cursor<'_>) -> Option<Snapshot> {
        if cursor.u8()? != VERSION {
            return None;
        }
        let serial = cursor.u64_le()?;
        let position_us = cursor.i64_le()?;
        let rate_permille = cursor.i32_le()?.clamp(250, 4000);
        let volume_permille = cursor.u32_le()?.min(1000);
        let flags = cursor.u8()?;
        let repeat = match cursor.u8()? {
            0 => Repeat::Off,
            1 => Repeat::One,
            _ => Repeat::All,
        };
        let audio = cursor.u32_le()?.checked_sub(1);
        let captions = cursor.u32_le()?.checked_sub(1);
        let current = cursor.u32_le()? as usize;
        let count = cursor.u32_le()?;
        let mut sources = Vec::new();
        for _ in 0..count {
            // Every source takes at least 12 bytes, so that damaged counts end with the bytes.
            sources.push(decode_source(cursor)?);
        }
        Some(Snapshot {
            serial,
            position_us: (flags & HAS_POSITION != 0).then_some(position_us),
            rate_permille,
            playing: flags & PLAYING != 0,
            sound: Sound { volume_permille, muted: flags & MUTED != 0 },
            repeat,
            audio,
            captions: (flags & CAPTIONS_CHOSEN != 0).then_some(captions),
            current,
            sources,
        })
    }
}

/// Adds a section to a snapshot.
pub fn add_section(snapshot: &mut Vec<u8>, key: u8, bytes: &[u8]) {
    snapshot.push(key);
    snapshot.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    snapshot.extend_from_slice(bytes);
}

/// Adds cues with their tracks, as many as fit.
pub(crate) fn add_cues(snapshot: &mut Vec<u8>, cues: &[(u32, &Cue)]) {
    add_section(snapshot, CUES, &cues::encode(cues));
}

/// The cues in a snapshot, with their tracks.
pub(crate) fn cues(snapshot: &[u8]) -> Vec<(u32, Cue)> {
    section(snapshot, CUES).map_or_else(Vec::new, cues::decode)
}

/// Adds what is known of a live stream.
pub(crate) fn add_live(snapshot: &mut Vec<u8>, state: &LiveState) {
    add_section(snapshot, LIVE, &live::encode(state));
}

/// What a snapshot tells of a live stream; none also when it is of a build that knew none.
pub(crate) fn live(snapshot: &[u8]) -> Option<LiveState> {
    live::decode(section(snapshot, LIVE)?)
}

/// A section of a snapshot, if it has one of this key.
pub fn section(snapshot: &[u8], key: u8) -> Option<&[u8]> {
    let mut cursor = Cursor::new(snapshot);
    Snapshot::read(&mut cursor)?;
    loop {
        let found = cursor.u8()?;
        let len = cursor.u32_le()? as usize;
        let bytes = cursor.take(len)?;
        if found == key {
            return Some(bytes);
        }
    }
}

fn encode_source(source: &SourceSpec) -> Vec<u8> {
    let mut out = Vec::new();
    encode_text(&source.url, &mut out);
    encode_text(&source.title, &mut out);
    out.extend_from_slice(&(source.related.len() as u32).to_le_bytes());
    for related in &source.related {
        encode_text(related, &mut out);
    }
    out
}

fn encode_text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn decode_source(cursor: &mut Cursor<'_>) -> Option<SourceSpec> {
    let url = decode_text(cursor)?;
    let title = decode_text(cursor)?;
    let count = cursor.u32_le()?;
    let mut related = Vec::new();
    for _ in 0..count {
        related.push(decode_text(cursor)?);
    }
    Some(SourceSpec { url, title, related })
}

fn decode_text(cursor: &mut Cursor<'_>) -> Option<String> {
    let len = cursor.u32_le()? as usize;
    String::from_utf8(cursor.take(len)?.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn snapshot(sources: usize) -> Snapshot {
        let source = |n: usize| SourceSpec {
            url: format!("https://example.org/{n}/{}", "x".repeat(1000)),
            title: format!("Item {n}"),
            related: vec!["a.srt".to_owned()],
        };
        Snapshot {
            serial: 7,
            position_us: Some(-5),
            rate_permille: 1500,
            playing: true,
            sound: Sound { volume_permille: 300, muted: true },
            repeat: Repeat::All,
            audio: Some(0),
            captions: Some(None),
            current: sources / 2,
            sources: (0..sources).map(source).collect(),
        }
    }

    #[test]
    fn snapshot_encoded_and_decoded_is_the_same() {
        assert_eq!(Snapshot::decode(&snapshot(3).encode()), Some(snapshot(3)));
    }

    #[test]
    fn snapshot_with_sections_of_another_build_is_understood_without_them() {
        let mut bytes = snapshot(3).encode();
        add_section(&mut bytes, 200, b"from the future");
        add_section(&mut bytes, 1, b"here");
        assert_eq!(Snapshot::decode(&bytes), Some(snapshot(3)));
        assert_eq!((section(&bytes, 1), section(&bytes, 2)), (Some(&b"here"[..]), None));
    }

    #[test]
    fn snapshot_of_a_huge_queue_fits_and_keeps_the_current_item() {
        let bytes = snapshot(1000).encode();
        assert!(bytes.len() <= MAX_BYTES);
        let kept = Snapshot::decode(&bytes).expect("decodes");
        assert!(kept.sources[kept.current].title == "Item 500");
    }

    proptest! {
        #[test]
        fn snapshot_any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            Snapshot::decode(&bytes);
            section(&bytes, 1);
        }

        #[test]
        fn snapshot_mutated_never_panics(at in 0usize..2000, byte: u8) {
            let mut bytes = snapshot(2).encode();
            let at = at % bytes.len();
            bytes[at] = byte;
            Snapshot::decode(&bytes);
        }
    }
}
