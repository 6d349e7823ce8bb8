//! Checksums made good again: a mutation breaks them first, and then nothing behind them would be read.

/// `CRC_32` of the sections of a transport stream that begin and end in one packet (ISO/IEC 13818-1 annex A).
pub(crate) fn ts(data: &[u8]) -> Vec<u8> {
    let mut out = data.to_vec();
    for packet in out.chunks_exact_mut(188) {
        if let Some(section) = section(packet) {
            let at = section.len() - 4;
            let crc = crc32(!0, &section[..at]);
            section[at..].copy_from_slice(&crc.to_be_bytes());
        }
    }
    out
}

/// The first section that begins in a packet, if its tables are those a demuxer reads.
fn section(packet: &mut [u8]) -> Option<&mut [u8]> {
    let &[0x47, flags, _, control, ..] = &packet[..] else { return None };
    let skip = if control & 0x20 != 0 { usize::from(packet[4]) + 1 } else { 0 };
    let payload = packet.get_mut(4 + skip..).filter(|_| flags & 0x40 != 0)?;
    let start = usize::from(*payload.first()?) + 1;
    let &[0 | 2, high, low] = payload.get(start..start + 3)? else { return None };
    let len = 3 + (usize::from(high & 15) << 8 | usize::from(low));
    payload.get_mut(start..start + len).filter(|section| section.len() >= 7)
}

/// The checksums of the pages of an Ogg file (RFC 3533 section 6).
pub(crate) fn ogg(data: &[u8]) -> Vec<u8> {
    let mut out = data.to_vec();
    let mut at = 0;
    while let Some(found) = out[at..].windows(4).position(|four| four == b"OggS") {
        at += found;
        let Some(&segments) = out.get(at + 26) else { break };
        let lengths = out[at + 27..].iter().take(usize::from(segments));
        let len = 27 + usize::from(segments) + lengths.map(|&len| usize::from(len)).sum::<usize>();
        if let Some(page) = out.get_mut(at..at + len) {
            page[22..26].fill(0);
            let crc = crc32(0, page);
            page[22..26].copy_from_slice(&crc.to_le_bytes());
        }
        at += 4;
    }
    out
}

fn crc32(first: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(first, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte) << 24, |crc, _| {
            crc << 1 ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 }
        })
    })
}
