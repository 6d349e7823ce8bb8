//! Program specific information (ISO/IEC 13818-1 2.4.4): which PIDs carry what.

use kinora_bytes::Cursor;

use super::packet::Packet;
use crate::codec::frame::FrameSyntax;

/// Gathers the sections of one PID.
#[derive(Debug, Default)]
pub(super) struct Sections {
    bytes: Vec<u8>,
    started: bool,
}

impl Sections {
    /// Drops what is incomplete.
    pub(super) fn reset(&mut self) {
        self.started = false;
        self.bytes.clear();
    }

    /// Takes in a packet; calls `each` with every complete section whose CRC is right.
    pub(super) fn push(&mut self, packet: &Packet, mut each: impl FnMut(&[u8])) {
        let mut payload = packet.payload;
        if packet.starts_unit {
            let Some((&pointer, rest)) = payload.split_first() else { return };
            let Some((tail, next)) = rest.split_at_checked(usize::from(pointer)) else { return self.reset() };
            self.append(tail, &mut each);
            self.reset();
            self.started = true;
            payload = next;
        }
        self.append(payload, &mut each);
    }

    fn append(&mut self, payload: &[u8], each: &mut impl FnMut(&[u8])) {
        if !self.started {
            return;
        }
        self.bytes.extend_from_slice(payload);
        loop {
            // table_id 0xff is stuffing up to the next unit start.
            if self.bytes.first() == Some(&0xff) {
                return self.reset();
            }
            let &[_, a, b, ..] = &self.bytes[..] else { return };
            let len = 3 + (usize::from(a & 15) << 8 | usize::from(b));
            if self.bytes.len() < len {
                return;
            }
            if crc32(&self.bytes[..len]) == 0 {
                each(&self.bytes[..len]);
            }
            self.bytes.drain(..len);
        }
    }
}

/// CRC of annex A; 0 over a section with its CRC.
fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte) << 24, |crc, _| {
            crc << 1 ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 }
        })
    })
}

/// The body of a section in force (current_next_indicator), behind its eight bytes of head and before the CRC, with its table_id_extension.
fn body(section: &[u8], table: u8) -> Option<(u16, Cursor<'_>)> {
    let mut c = Cursor::new(section.get(..section.len().checked_sub(4)?)?);
    let [id, _, _] = c.array()?;
    let extension = c.u16_be()?;
    let [flags, _, _] = c.array()?;
    (id == table && flags & 1 == 1).then_some((extension, c))
}

/// The programs of a program association section: number and PID of the map.
pub(super) fn parse_pat(section: &[u8]) -> Option<Vec<(u16, u16)>> {
    let (_, mut c) = body(section, 0)?;
    let mut programs = Vec::new();
    while let Some((number, pid)) = c.u16_be().zip(c.u16_be()) {
        // Program 0 is the network information.
        if number != 0 {
            programs.push((number, pid & 0x1fff));
        }
    }
    Some(programs)
}

/// What an elementary stream carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    H264,
    Hevc,
    Audio(FrameSyntax),
    /// Pictures in a coding that is not played.
    OtherVideo,
    /// Sound in a coding that is not played.
    OtherAudio,
}

/// One elementary stream of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) pid: u16,
    pub(super) content: Content,
    /// ISO 639-2, from the descriptor; empty when absent or undetermined.
    pub(super) language: String,
}

/// Elementary streams of one program that are kept: real ones have a handful.
const MAX_ENTRIES: usize = 64;

/// Program number and streams of a program map section; data streams (captions, splice points, ID3) are left out.
pub(super) fn parse_pmt(section: &[u8]) -> Option<(u16, Vec<Entry>)> {
    let (program, mut c) = body(section, 2)?;
    c.skip(2)?; // PCR_PID
    let info = usize::from(c.u16_be()? & 0xfff);
    c.skip(info)?;
    let mut entries = Vec::new();
    while let Some([stream_type, pid_high, pid_low, len_high, len_low]) = c.array() {
        let len = usize::from(len_high & 15) << 8 | usize::from(len_low);
        let Some(descriptors) = c.take(len) else { break };
        let pid = u16::from(pid_high & 0x1f) << 8 | u16::from(pid_low);
        let duplicate = entries.iter().any(|e: &Entry| e.pid == pid);
        if let Some(content) =
            content(stream_type, descriptors).filter(|_| !duplicate && entries.len() < MAX_ENTRIES)
        {
            entries.push(Entry { pid, content, language: language(descriptors) });
        }
    }
    Some((program, entries))
}

/// By stream_type (table 2-34; user private ones as ATSC A/53 and Blu-ray use them), else by descriptor.
fn content(stream_type: u8, descriptors: &[u8]) -> Option<Content> {
    Some(match stream_type {
        0x1b => Content::H264,
        0x24 => Content::Hevc,
        0x0f => Content::Audio(FrameSyntax::Adts),
        0x03 | 0x04 => Content::Audio(FrameSyntax::Mpeg),
        0x81 | 0x84 | 0x87 => Content::Audio(FrameSyntax::Ac3),
        0x01 | 0x02 | 0x10 | 0x33 | 0xea => Content::OtherVideo,
        0x11 | 0x1c | 0x80 | 0x82 | 0x83 | 0x85 | 0x86 | 0x8a => Content::OtherAudio,
        0x06 => tags(descriptors).find_map(|(tag, body)| match (tag, body) {
            // ETSI EN 300 468 annex D: AC-3, enhanced AC-3, AAC; D.3: DTS.
            (0x6a | 0x7a, _) | (5, b"AC-3" | b"EAC3") => Some(Content::Audio(FrameSyntax::Ac3)),
            (5, b"HEVC") => Some(Content::Hevc),
            (0x7b, _) | (5, b"Opus" | b"DTS1" | b"DTS2" | b"DTS3" | b"BSSD") => Some(Content::OtherAudio),
            _ => None,
        })?,
        _ => return None,
    })
}

/// ISO_639_language_descriptor (2.6.18).
fn language(descriptors: &[u8]) -> String {
    let code = tags(descriptors).find(|&(tag, body)| tag == 10 && body.len() >= 3);
    let letters = code.map_or(&[][..], |(_, body)| &body[..3]);
    match std::str::from_utf8(letters) {
        Ok(code) if code.bytes().all(|b| b.is_ascii_alphabetic()) && !code.eq_ignore_ascii_case("und") => {
            code.to_ascii_lowercase()
        }
        _ => String::new(),
    }
}

fn tags(descriptors: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut c = Cursor::new(descriptors);
    std::iter::from_fn(move || {
        let [tag, len] = c.array()?;
        Some((tag, c.take(usize::from(len))?))
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A section with its length and CRC filled in.
    pub(crate) fn section(table: u8, extension: u16, body: &[u8]) -> Vec<u8> {
        let len = body.len() + 9;
        let mut s = vec![
            table,
            0xb0 | (len >> 8) as u8,
            len as u8,
            (extension >> 8) as u8,
            extension as u8,
            0xc1,
            0,
            0,
        ];
        s.extend(body);
        let crc = crc32(&s);
        s.extend(crc.to_be_bytes());
        s
    }

    #[test]
    fn pmt_gives_streams_with_language_and_leaves_data_out() {
        let mut body = vec![0xe1, 0x00, 0xf0, 0x00];
        body.extend([0x1b, 0xe1, 0x00, 0xf0, 0x00]);
        body.extend([0x0f, 0xe1, 0x01, 0xf0, 0x06, 10, 4, b'E', b'N', b'G', 0]);
        body.extend([0x06, 0xe1, 0x02, 0xf0, 0x03, 0x6a, 1, 0]);
        body.extend([0x86, 0xe1, 0x03, 0xf0, 0x06, 5, 4, b'C', b'U', b'E', b'I']);
        body.extend([0x15, 0xe1, 0x04, 0xf0, 0x00]);
        let (program, entries) = parse_pmt(&section(2, 7, &body)).unwrap();
        assert_eq!(program, 7);
        let seen: Vec<_> = entries.iter().map(|e| (e.pid, e.content, &e.language[..])).collect();
        assert_eq!(seen[0], (256, Content::H264, ""));
        assert_eq!(seen[1], (257, Content::Audio(FrameSyntax::Adts), "eng"));
        assert_eq!(seen[2], (258, Content::Audio(FrameSyntax::Ac3), ""));
        assert!(seen.iter().all(|s| s.0 != 260));
    }

    #[test]
    fn sections_split_over_packets_are_joined_and_damaged_ones_dropped() {
        let good = section(0, 1, &[0, 1, 0xf0, 0]);
        let mut bad = good.clone();
        bad[9] ^= 1;
        let mut sections = Sections::default();
        let mut found = 0;
        let mut push = |starts_unit, payload: &[u8]| {
            let packet = Packet {
                pid: 0,
                starts_unit,
                scrambled: false,
                counter: 0,
                discontinuity: false,
                has_payload: true,
                payload,
            };
            sections.push(&packet, |s| {
                assert_eq!(parse_pat(s), Some(vec![(1, 0x1000)]));
                found += 1;
            });
        };
        push(false, &good);
        push(true, &[&[0][..], &good[..5]].concat());
        push(false, &[&good[5..], &[0xff, 0xff]].concat());
        push(true, &[&[0][..], &bad].concat());
        assert_eq!(found, 1);
    }

    proptest! {
        #[test]
        fn arbitrary_sections_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), starts: bool) {
            let _ = (parse_pat(&bytes), parse_pmt(&bytes));
            let _ = parse_pmt(&section(2, 1, &bytes));
            let mut sections = Sections::default();
            for payload in bytes.chunks(50) {
                let packet = Packet { pid: 0, starts_unit: starts, scrambled: false, counter: 0, discontinuity: false, has_payload: true, payload };
                sections.push(&packet, |_| {});
            }
        }
    }
}
