//! Packetized elementary streams (ISO/IEC 13818-1 2.4.3.6) and their 33-bit clock.

/// Timestamps of a PES packet, 90 kHz, unrolled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stamps {
    pub(super) pts: Option<i64>,
    pub(super) dts: Option<i64>,
}

/// What a payload gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// 33-bit PTS and DTS, when a PES packet's payload begins with this piece.
    pub(super) begins: Option<(Option<u64>, Option<u64>)>,
    pub(super) bytes: &'a [u8],
}

/// Takes PES packets out of transport packets. Payload is passed on as it comes, so a video packet of unbounded length
/// needs no buffer here.
#[derive(Debug, Default)]
pub(super) struct Pes {
    header: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Before the first unit start, behind the end of a packet, or in one that is damaged.
    #[default]
    Waiting,
    Header,
    /// In the payload; so many bytes are left, if the packet says.
    Payload(Option<usize>),
}

/// Bytes up to PES_header_data_length.
const FIXED: usize = 9;

impl Pes {
    /// Drops what is incomplete.
    pub(super) fn reset(&mut self) {
        *self = Pes::default();
    }

    /// Takes in the payload of a transport packet.
    pub(super) fn push<'a>(&mut self, starts_unit: bool, payload: &'a [u8]) -> Option<Piece<'a>> {
        if starts_unit {
            self.header.clear();
            self.state = State::Header;
        }
        match self.state {
            State::Waiting => None,
            State::Payload(left) => {
                let bytes = &payload[..left.unwrap_or(usize::MAX).min(payload.len())];
                self.state = after(left, bytes.len());
                Some(Piece { begins: None, bytes })
            }
            State::Header => {
                let before = self.header.len();
                self.header.extend_from_slice(payload);
                let Some(&[0, 0, 1, stream_id, len_high, len_low, flags, has, header_len]) =
                    self.header.first_chunk::<FIXED>()
                else {
                    if self.header.len() >= FIXED {
                        self.state = State::Waiting;
                    }
                    return None;
                };
                // Stream ids without the optional header carry no elementary stream (2.4.3.7); the marker tells from MPEG-1.
                if flags & 0xc0 != 0x80 || matches!(stream_id, 0xbc | 0xbe | 0xbf | 0xf0..=0xf2 | 0xf8 | 0xff)
                {
                    self.state = State::Waiting;
                    return None;
                }
                let start = FIXED + usize::from(header_len);
                if self.header.len() < start {
                    return None;
                }
                let stamps = (
                    (has & 0x80 != 0).then(|| stamp(self.header.get(9..start)?)).flatten(),
                    (has & 0xc0 == 0xc0).then(|| stamp(self.header.get(14..start)?)).flatten(),
                );
                let len = usize::from(len_high) << 8 | usize::from(len_low);
                // 0: unbounded, which only video may be.
                let left = (len > 0).then(|| (len + 6).saturating_sub(start));
                let bytes = &payload[start.saturating_sub(before).min(payload.len())..];
                let bytes = &bytes[..left.unwrap_or(usize::MAX).min(bytes.len())];
                self.state = after(left, bytes.len());
                Some(Piece { begins: Some(stamps), bytes })
            }
        }
    }
}

fn after(left: Option<usize>, used: usize) -> State {
    match left.map(|left| left - used) {
        Some(0) => State::Waiting,
        left => State::Payload(left),
    }
}

/// A 33-bit timestamp in five bytes with marker bits, which are not checked: FFmpeg does not either.
fn stamp(bytes: &[u8]) -> Option<u64> {
    let &[a, b, c, d, e] = bytes.first_chunk()?;
    let high = u64::from(a >> 1 & 7) << 30;
    Some(high | u64::from(b) << 22 | u64::from(c >> 1) << 15 | u64::from(d) << 7 | u64::from(e >> 1))
}

/// Unrolls 33-bit timestamps: each but the first is taken as near as possible to the one before, on whatever stream.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clock {
    first: Option<i64>,
    last: i64,
}

const WRAP: i64 = 1 << 33;
/// A stream that begins so shortly before the wrap (60 s) begins before 0 instead, as FFmpeg has it. So resources cut from
/// one stream on either side of the wrap fit together.
const NEAR_WRAP: i64 = 60 * 90_000;

impl Clock {
    /// The unrolled timestamp.
    pub(super) fn unroll(&mut self, raw: u64) -> i64 {
        let raw = raw as i64 & (WRAP - 1);
        let first = if raw >= WRAP - NEAR_WRAP { raw - WRAP } else { raw };
        let near = if self.first.is_some() { self.last } else { first };
        self.first.get_or_insert(first);
        let step = (raw - near).rem_euclid(WRAP);
        let step = if step >= WRAP / 2 { step - WRAP } else { step };
        self.last = near.saturating_add(step);
        self.last
    }

    /// A clock for reading elsewhere in the same resource: what lies up to ten minutes before the first timestamp is taken as before
    /// it, everything else as behind it.
    pub(super) fn anywhere(&self) -> Clock {
        const BEFORE: i64 = 600 * 90_000;
        let first = self.first.unwrap_or(0);
        Clock { first: self.first, last: first.saturating_add(WRAP / 2 - BEFORE) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: [u8; 14] = [0, 0, 1, 0xc0, 0, 11, 0x80, 0x80, 5, 0x21, 0x00, 0x07, 0xd8, 0x61];

    #[test]
    fn bounded_packet_ends_where_it_says() {
        let mut pes = Pes::default();
        assert_eq!(pes.push(false, &[1, 2, 3]), None);
        let piece =
            pes.push(true, &[&HEADER[..], &[1, 2, 3, 4, 5]].concat()).map(|p| (p.begins, p.bytes.to_vec()));
        assert_eq!(piece, Some((Some((Some(126_000), None)), vec![1, 2, 3])));
        assert_eq!(pes.push(false, &[6]), None);
    }

    #[test]
    fn header_split_over_packets_is_joined() {
        let mut pes = Pes::default();
        assert_eq!(pes.push(true, &HEADER[..4]), None);
        assert_eq!(pes.push(false, &HEADER[4..12]), None);
        let rest = [HEADER[12], HEADER[13], 7];
        let piece = pes.push(false, &rest).unwrap();
        assert_eq!((piece.begins, piece.bytes), (Some((Some(126_000), None)), &[7][..]));
    }

    #[test]
    fn clock_goes_on_over_the_wrap_and_back() {
        let mut clock = Clock::default();
        let end = (1 << 33) - 60 * 90_000 - 1;
        assert_eq!(clock.unroll(end), end as i64);
        assert_eq!(clock.unroll(9), (1 << 33) + 9);
        assert_eq!(clock.unroll(end - 5), end as i64 - 5);
    }

    #[test]
    fn clock_that_begins_just_before_the_wrap_begins_before_zero() {
        let mut clock = Clock::default();
        assert_eq!((clock.unroll((1 << 33) - 90_000), clock.unroll(5)), (-90_000, 5));
        assert_eq!(clock.anywhere().unroll((1 << 33) - 80_000), -80_000);
    }

    proptest! {
        #[test]
        fn arbitrary_payloads_never_panic(payloads in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..30)), 0..20)) {
            let mut pes = Pes::default();
            for (start, payload) in payloads {
                pes.push(start, &[&HEADER[..6 * usize::from(start)], &payload].concat());
            }
        }
    }
}
