//! Where to go on after a seek: by the file's `Cues` (RFC 9559 section 5.1.5), else by looking at its clusters.

use super::ebml::{Front, children, front, id, uint};
use super::tracks::MOST_TRACKS;

/// A key frame of the track that seeks go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Point {
    /// Its block's time, before the codec's delay.
    pub(super) ticks: i64,
    /// Offset of its cluster.
    pub(super) cluster: u64,
}

/// A caption that the file lists: when it shows, and where its block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Caption {
    from_ticks: i64,
    to_ticks: i64,
    /// Offset of its cluster.
    pub(super) cluster: u64,
    /// Offset of its block from the cluster's data.
    pub(super) relative: u64,
}

/// What the file lists.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Key frames of the track that seeks go by, by time.
    points: Vec<Point>,
    captions: Vec<Caption>,
}

impl Index {
    /// Reads the data of `Cues`: the points of the track `leader`, and those of `texts` that say how long they show.
    pub(super) fn read(data: &[u8], leader: u64, texts: &[u64], segment: u64) -> Index {
        let mut index = Index::default();
        for (_, point) in children(data).filter(|(id, _)| *id == 0xbb) {
            let ticks = children(point).find(|(id, _)| *id == 0xb3).map_or(0, |(_, data)| uint(data));
            let Ok(ticks) = i64::try_from(ticks) else { continue };
            for (_, place) in children(point).filter(|(id, _)| *id == 0xb7) {
                let field =
                    |wanted| children(place).find(|(id, _)| *id == wanted).map(|(_, data)| uint(data));
                let Some(cluster) = field(0xf1).and_then(|position| segment.checked_add(position)) else {
                    continue;
                };
                match (field(0xf7), field(0xb2), field(0xf0)) {
                    (Some(track), ..) if track == leader => index.points.push(Point { ticks, cluster }),
                    (Some(track), Some(duration), Some(relative)) if texts.contains(&track) => {
                        let to_ticks = ticks.saturating_add(i64::try_from(duration).unwrap_or(0));
                        index.captions.push(Caption { from_ticks: ticks, to_ticks, cluster, relative });
                    }
                    _ => {}
                }
            }
        }
        index.points.sort_unstable();
        index
    }

    pub(super) fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// The captions that show at `ticks` and stand in clusters before `from`; the last few are enough for any screen.
    pub(super) fn showing(&self, ticks: i64, from: u64) -> Vec<Caption> {
        const MOST: usize = 16;
        let shows = |c: &&Caption| c.from_ticks <= ticks && ticks < c.to_ticks && c.cluster < from;
        self.captions.iter().filter(shows).rev().take(MOST).copied().collect()
    }

    /// The last point at or before `ticks`, else the first, and where to read from for it: one point earlier when sound
    /// that goes with the target may lie in the cluster before.
    pub(super) fn find(&self, ticks: i64, straddle_ticks: i64) -> Option<(Point, u64)> {
        let n = self.points.partition_point(|point| point.ticks <= ticks).saturating_sub(1);
        let point = *self.points.get(n)?;
        let near = ticks.saturating_sub(point.ticks) < straddle_ticks;
        let from = self
            .points
            .get(n.saturating_sub(1))
            .filter(|_| near)
            .map_or(point.cluster, |before| before.cluster);
        Some((point, from.min(point.cluster)))
    }
}

/// What is not needed between the place where reading goes on and the target of a seek.
#[derive(Debug, Clone, Copy)]
pub(super) struct Skip {
    /// Index of the track that the seek goes by, and the time of its key frame.
    pub(super) leader: usize,
    pub(super) leader_ticks: i64,
    /// A bit for each video track that has had a key frame (there are at most [`MOST_TRACKS`]).
    pub(super) started: u128,
    /// Sound that ends before is left out.
    pub(super) sound_from_us: i64,
}

impl Skip {
    /// Whether a sample is needed.
    pub(super) fn wants(&mut self, index: usize, audio: bool, key: bool, ticks: i64, end_us: i64) -> bool {
        if audio {
            return end_us >= self.sound_from_us;
        }
        let bit = 1u128 << (index % MOST_TRACKS);
        if key && (index != self.leader || ticks >= self.leader_ticks) {
            self.started |= bit;
        }
        self.started & bit != 0
    }
}

/// A search without an index: halve the file by the clusters' timestamps, then look through block heads from the cluster
/// before the target for the last key frame. A stretch without one is searched again from earlier.
#[derive(Debug)]
pub(super) struct Hunt {
    /// Where the seek goes.
    pub(super) to_ticks: i64,
    /// How much earlier than that this round looks.
    back_ticks: i64,
    /// A cluster at or before the sought one.
    pub(super) low: u64,
    /// The sought cluster begins before.
    high: u64,
    /// The best key frame of the scan.
    pub(super) best: Option<Point>,
    pub(super) phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Looking for a cluster from `from` on; what was read up to `at` holds none.
    Halve { from: u64, at: u64 },
    /// Reading block heads.
    Scan,
}

/// A stretch that is cheaper to scan than to halve once more: one fetch.
const SHORT: u64 = 256 << 10;

/// What a search does next.
pub(super) enum Hunted {
    /// Needs bytes at this offset.
    Read { at: u64, least: usize },
    /// Scans block heads from here.
    Scan(u64),
}

impl Hunt {
    /// A search in a file whose first cluster is at `first` and which is `total` bytes long, if that is known.
    pub(super) fn new(to_ticks: i64, first: u64, total: Option<u64>) -> Self {
        let mut hunt = Hunt {
            to_ticks,
            back_ticks: 0,
            low: first,
            high: total.unwrap_or(first),
            best: None,
            phase: Phase::Scan,
        };
        hunt.halve();
        hunt
    }

    /// Starts again from earlier; false when the round before began at the first cluster.
    pub(super) fn back(&mut self, first: u64, scale_ns: u64) -> bool {
        if self.low <= first {
            return false;
        }
        let second = (1_000_000_000 / scale_ns.max(1)).max(1);
        self.back_ticks =
            (self.back_ticks.saturating_mul(4)).max(i64::try_from(second).unwrap_or(1).saturating_mul(2));
        (self.high, self.low) = (self.low, first);
        self.halve();
        true
    }

    fn halve(&mut self) {
        self.phase = if self.high.saturating_sub(self.low) <= SHORT {
            Phase::Scan
        } else {
            let from = self.low + (self.high - self.low) / 2;
            Phase::Halve { from, at: from }
        };
    }

    /// Looks for a cluster in `bytes`, which are held from the offset `at` of the phase on.
    pub(super) fn step(&mut self, bytes: &[u8], ended: bool) -> Hunted {
        let Phase::Halve { from, at } = self.phase else { return Hunted::Scan(self.low) };
        let (found, searched) = match find_cluster(bytes) {
            Some(n) => (Some(n), n),
            None => (None, bytes.len().saturating_sub(3)),
        };
        if at + searched as u64 >= self.high || (ended && found.is_none()) {
            self.high = from;
            self.halve();
            return self.next();
        }
        let Some(n) = found else {
            self.phase = Phase::Halve { from, at: at + searched as u64 };
            return Hunted::Read { at: at + searched as u64, least: 4 };
        };
        let cluster = at + n as u64;
        match cluster_ticks(&bytes[n..]) {
            Some(ticks) if ticks <= self.to_ticks.saturating_sub(self.back_ticks) => self.low = cluster,
            Some(_) => self.high = from,
            // Perhaps its timestamp has not arrived yet.
            None if bytes.len() - n < CLUSTER_HEAD && !ended => {
                self.phase = Phase::Halve { from, at: cluster };
                return Hunted::Read { at: cluster, least: CLUSTER_HEAD };
            }
            None => {
                self.phase = Phase::Halve { from, at: cluster + 4 };
                return Hunted::Read { at: cluster + 4, least: 4 };
            }
        }
        self.halve();
        self.next()
    }

    fn next(&self) -> Hunted {
        match self.phase {
            Phase::Halve { at, .. } => Hunted::Read { at, least: 4 },
            Phase::Scan => Hunted::Scan(self.low),
        }
    }
}

/// Offset of the next cluster's id.
pub(super) fn find_cluster(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|w| w == id::CLUSTER.to_be_bytes())
}

/// Enough for a cluster's header, a checksum and its timestamp.
const CLUSTER_HEAD: usize = 12 + 6 + 10;

/// The timestamp at the front of a cluster.
fn cluster_ticks(bytes: &[u8]) -> Option<i64> {
    let Front::Element(header) = front(bytes) else { return None };
    let mut rest = bytes.get(header.length..)?;
    // Only checksums, padding and positions stand before it.
    for _ in 0..4 {
        let Front::Element(header) = front(rest) else { return None };
        let size = usize::try_from(header.size?).ok()?;
        let data = rest.get(header.length..)?;
        if header.id == id::TIMESTAMP {
            return i64::try_from(uint(data.get(..size)?)).ok();
        }
        rest = data.get(size..)?;
    }
    None
}

/// Offset of the cues that a `SeekHead` names, from the start of the segment's data.
pub(super) fn cues_position(seek_head: &[u8]) -> Option<u64> {
    children(seek_head).filter(|(id, _)| *id == id::SEEK).find_map(|(_, seek)| {
        let field = |wanted| children(seek).find(|(id, _)| *id == wanted).map(|(_, data)| uint(data));
        (field(id::SEEK_ID)? == u64::from(id::CUES)).then(|| field(id::SEEK_POSITION)).flatten()
    })
}
