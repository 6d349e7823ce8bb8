//! Transport packets (ISO/IEC 13818-1 2.4.3) and where they begin.

use kinora_bytes::Cursor;

/// Bytes of a packet proper.
pub(super) const LEN: usize = 188;
/// Distances between packets: plain; M2TS, with 4 bytes of arrival time before; with 16 bytes of Reed-Solomon code behind.
const STRIDES: [usize; 3] = [188, 192, 204];
/// Sync bytes in a row that make a stream.
const CONFIRM: usize = 5;
/// Bytes that always suffice to decide about one offset.
pub(super) const ENOUGH: usize = STRIDES[2] * CONFIRM;

const SYNC: u8 = 0x47;

/// Where packets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    /// Bytes before the first packet.
    pub(super) skip: usize,
    /// Bytes from a packet to the next.
    pub(super) stride: usize,
}

/// Looks for packets with the given stride (any stride if `None`) at the first `within` offsets. Where `bytes` ends before the
/// fifth packet, those that are there must do, at least two of them.
pub(super) fn find_grid(bytes: &[u8], within: usize, stride: Option<usize>) -> Option<Grid> {
    (0..bytes.len().min(within)).filter(|&skip| bytes[skip] == SYNC).find_map(|skip| {
        let fits = |&stride: &usize| {
            let marks = || bytes[skip..].iter().step_by(stride).take(CONFIRM);
            marks().all(|&b| b == SYNC) && (marks().count() > 1 || bytes.len() - skip == LEN)
        };
        let stride = STRIDES.into_iter().filter(|&s| stride.is_none_or(|only| only == s)).find(fits)?;
        Some(Grid { skip, stride })
    })
}

/// A packet's header and payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    pub(super) pid: u16,
    /// payload_unit_start_indicator.
    pub(super) starts_unit: bool,
    /// transport_scrambling_control is not 0.
    pub(super) scrambled: bool,
    pub(super) counter: u8,
    /// discontinuity_indicator.
    pub(super) discontinuity: bool,
    /// adaptation_field_control says there is payload, which is what the counter counts.
    pub(super) has_payload: bool,
    pub(super) payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Parses one packet; `None` when the sync byte is missing. An adaptation field longer than the packet leaves no payload.
    pub(super) fn parse(bytes: &'a [u8; LEN]) -> Option<Packet<'a>> {
        let mut c = Cursor::new(bytes);
        let [SYNC, a, b, flags] = c.array()? else { return None };
        let mut discontinuity = false;
        if flags & 0x20 != 0 {
            let len = usize::from(c.u8()?);
            let field = c.take(len).unwrap_or_else(|| c.take(c.remaining()).unwrap_or_default());
            discontinuity = field.first().is_some_and(|f| f & 0x80 != 0);
        }
        Some(Packet {
            pid: u16::from(a & 0x1f) << 8 | u16::from(b),
            starts_unit: a & 0x40 != 0,
            scrambled: flags & 0xc0 != 0,
            counter: flags & 15,
            discontinuity,
            has_payload: flags & 0x10 != 0,
            payload: if flags & 0x10 != 0 { c.rest() } else { &[] },
        })
    }
}

/// Checks continuity_counter (2.4.3.3) of one PID.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Continuity(Option<u8>);

/// What the counter of a packet says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Continuation {
    /// The next one, or one after a declared discontinuity.
    Good,
    /// The last one again.
    Duplicate,
    /// Packets are missing before it.
    Gap,
}

impl Continuity {
    /// Takes in a packet with payload.
    pub(super) fn check(&mut self, packet: &Packet) -> Continuation {
        let before = self.0.replace(packet.counter);
        match before {
            Some(last) if !packet.discontinuity => {
                if packet.counter == (last + 1) & 15 {
                    Continuation::Good
                } else if packet.counter == last {
                    Continuation::Duplicate
                } else {
                    Continuation::Gap
                }
            }
            _ => Continuation::Good,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(stride: usize, lead: usize, n: usize) -> Vec<u8> {
        let mut bytes = vec![0x11; lead];
        for _ in 0..n {
            let start = bytes.len();
            bytes.resize(start + stride, 0xff);
            bytes[start] = SYNC;
        }
        bytes
    }

    #[test]
    fn grid_is_found_for_each_stride_behind_garbage() {
        for stride in STRIDES {
            assert_eq!(find_grid(&packets(stride, 4, 6), 99, None), Some(Grid { skip: 4, stride }));
        }
        assert_eq!(find_grid(&[SYNC; 3], 99, None), None);
    }

    #[test]
    fn packet_with_adaptation_field_longer_than_itself_has_no_payload() {
        let mut bytes = [0xff; LEN];
        bytes[..5].copy_from_slice(&[SYNC, 0x41, 0x00, 0x37, 200]);
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!((packet.pid, packet.starts_unit, packet.counter), (256, true, 7));
        assert!(packet.payload.is_empty() && packet.discontinuity);
    }

    #[test]
    fn continuity_tells_duplicates_from_gaps() {
        let mut c = Continuity::default();
        let mut check = |counter, discontinuity| {
            c.check(&Packet {
                pid: 1,
                starts_unit: false,
                scrambled: false,
                counter,
                discontinuity,
                has_payload: true,
                payload: &[],
            })
        };
        use Continuation::*;
        let seen = [(15, false), (0, false), (0, false), (3, false), (9, true)].map(|(n, d)| check(n, d));
        assert_eq!(seen, [Good, Good, Duplicate, Gap, Good]);
    }
}
