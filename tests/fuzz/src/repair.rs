//! Checksums made good again: a mutation breaks them first, and then nothing behind them would be read.

/// Bytes of a packet of a transport stream (ISO/IEC 13818-1 2.4.3).
const PACKET: usize = 188;
/// Bytes around which [`ts_around`] makes a stream.
pub(crate) const MOST_AROUND: usize = 150;

/// `CRC_32` of the sections of a transport stream that begin and end in one packet (ISO/IEC 13818-1 annex A).
pub(crate) fn ts(data: &[u8]) -> Vec<u8> {
    let mut out = data.to_vec();
    for packet in out.chunks_exact_mut(PACKET) {
        if let Some(section) = section(packet) {
            let at = section.len() - 4;
            let crc = crc32(!0, &section[..at]);
            section[at..].copy_from_slice(&crc.to_be_bytes());
        }
    }
    out
}

/// A short stream around at most [`MOST_AROUND`] bytes: the program map from its `program_info_length` on, or else (`pes`) the headers and payload of
/// PES packets from their `PES_packet_length` on, of which so many bytes more than the first four are in a transport packet of their own.
pub(crate) fn ts_around(bytes: &[u8], pes: bool, first: usize) -> Vec<u8> {
    // One stream of H.264 and one of AAC with a language.
    const MAP: &[u8] = b"\xf0\x00\x1b\xe1\x00\xf0\x00\x0f\xe1\x01\xf0\x06\x0a\x04eng\x00";
    let (map, pes) = if pes { (MAP, bytes) } else { (bytes, &[][..]) };
    let mut out = Vec::new();
    let table = |id: u8, number: [u8; 2], body: &[&[u8]]| {
        let body = body.concat();
        let len = 5 + body.len() + 4;
        let head = [0, id, 0xb0 | (len >> 8) as u8, len as u8, number[0], number[1], 0xc1, 0, 0];
        [&head[..], &body, &[0; 4]].concat()
    };
    packet(&mut out, 0, 0x40, &table(0, [0, 1], &[&[0, 1, 0xf0, 0]]), &[0xff]);
    packet(&mut out, 0x1000, 0x40, &table(2, [0, 1], &[&[0xe1, 0], map]), &[0xff]);
    for (pid, id) in [(0x100, 0xe0), (0x101, 0xc0)] {
        let whole = [&[0, 0, 1, id][..], pes].concat();
        let (first, rest) = whole.split_at(whole.len().min(4 + first));
        packet(&mut out, pid, 0x40, first, &[]);
        packet(&mut out, pid, 0, rest, &[]);
        packet(&mut out, pid, 0x40, &[0, 0, 1, id, 0, 0, 0x80, 0, 0], &[]);
    }
    ts(&out)
}

/// Adds a packet with this payload, filled up with `filler`, or where there is none by an adaptation field.
fn packet(out: &mut Vec<u8>, pid: u16, flags: u8, payload: &[u8], filler: &[u8]) {
    let end = out.len() + PACKET;
    let counter = (out.len() / PACKET % 16) as u8;
    let adapted = filler.is_empty();
    out.extend([0x47, flags | (pid >> 8) as u8, pid as u8, if adapted { 0x30 } else { 0x10 } | counter]);
    if adapted {
        let len = PACKET - 5 - payload.len();
        out.push(len as u8);
        out.extend([0].iter().chain(std::iter::repeat(&0xff)).take(len));
    }
    out.extend(payload);
    out.extend(filler.iter().cycle().take(end.saturating_sub(out.len())));
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
