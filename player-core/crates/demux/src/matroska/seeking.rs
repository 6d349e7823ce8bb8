//! What a seek makes the demuxer do: consult the index, fetch captions that still show, or hunt for a key frame.

use kinora_time::mul_div_floor;

use super::ebml::{Header, id};
use super::seek::{Hunt, Phase, Point, Skip};
use super::{Matroska, Mode, block};
use crate::Kind;

/// Sound kept ahead of a seek's key frame: decoders need it to converge (80 ms for Opus, RFC 7845 section 4.6).
const PRE_ROLL_US: i64 = 100_000;

/// A seek so close after a key frame also reads the cluster before it: writers differ in where they put the sound around a
/// cluster's border.
const STRADDLE_US: i64 = 250_000;

impl Matroska {
    /// Notes a key frame of the leading track; ends the scan at the first block after the target.
    pub(super) fn scan(&mut self, id: u32, data: &[u8]) {
        let leader = self.leader().map(|n| self.states[n].number);
        let (Mode::Hunt(hunt), Some(cluster)) = (&mut self.mode, self.cluster) else { return };
        let found = if id == id::SIMPLE_BLOCK {
            block::head(data).map(|(track, relative, flags, _)| (track, relative, flags & 0x80 != 0))
        } else {
            block::group(data).map(|block| (block.track, block.relative, block.key))
        };
        let Some((_, relative, key)) = found.filter(|(track, ..)| Some(*track) == leader) else { return };
        let ticks = cluster.ticks.saturating_add(i64::from(relative));
        if ticks <= hunt.to_ticks && key {
            hunt.best = Some(Point { ticks, cluster: cluster.at });
        } else if ticks > hunt.to_ticks {
            // Whatever is decoded later is also shown later, but for leading pictures of a later key frame.
            self.hunted();
        }
    }

    /// A scan came to its end: goes to the key frame it found, or looks earlier.
    pub(super) fn hunted(&mut self) {
        let Mode::Hunt(hunt) = &mut self.mode else { return };
        let first = self.first_cluster.unwrap_or(self.at);
        if let Some(point) = hunt.best {
            self.resume(point, point.cluster);
        } else if !hunt.back(first, self.scale_ns) {
            self.resume(Point { ticks: i64::MIN, cluster: first }, first);
        } else if hunt.phase == Phase::Scan {
            let low = hunt.low;
            self.go(low);
        }
    }

    /// Index of the track that seeks go by: the first video track, else the first audio track.
    pub(super) fn leader(&self) -> Option<usize> {
        let first = |wanted: fn(&Kind) -> bool| self.tracks.iter().position(|track| wanted(&track.kind));
        first(|kind| matches!(kind, Kind::Video(_))).or_else(|| first(|kind| matches!(kind, Kind::Audio(_))))
    }

    pub(super) fn seek_to_ticks(&mut self, to_ticks: i64) {
        let straddle = mul_div_floor(STRADDLE_US, 1000, self.scale_ns as i64);
        match self.index.find(to_ticks, straddle) {
            Some((point, from)) => {
                self.resume(point, from);
                let list = self.index.showing(to_ticks, from);
                if !list.is_empty() {
                    self.mode = Mode::Captions { list, block_at: None, resume_at: from };
                    self.next_caption();
                }
            }
            None => self.hunt(to_ticks),
        }
    }

    /// Goes to the next caption to fetch, else to where the seek goes on.
    fn next_caption(&mut self) {
        let Mode::Captions { list, block_at, resume_at } = &mut self.mode else { return };
        *block_at = None;
        match list.last() {
            Some(caption) => {
                let at = caption.cluster;
                self.go(at);
            }
            None => {
                let at = *resume_at;
                self.mode = Mode::Play;
                self.go(at);
            }
        }
    }

    /// Takes the element at `at` while fetching captions: the timestamp, then, straight to it, the block.
    pub(super) fn fetch_caption(&mut self, header: Header, data: &[u8], element_at: u64) {
        let (Mode::Captions { list, block_at, .. }, Some(cluster)) = (&mut self.mode, self.cluster) else {
            return;
        };
        let target = list.last().and_then(|caption| cluster.data_at.checked_add(caption.relative));
        if header.id == id::TIMESTAMP
            && block_at.is_none()
            && target.is_some_and(|target| target > element_at)
        {
            *block_at = target;
            self.at = target.unwrap_or(self.at);
            return;
        }
        let found = *block_at == Some(element_at) && header.id != id::TIMESTAMP;
        list.pop();
        if found {
            self.block(header.id, data, element_at);
        }
        self.next_caption();
    }

    /// Begins a search from the first cluster on; without any there is nothing to go to.
    pub(super) fn hunt(&mut self, to_ticks: i64) {
        self.cues_at = None;
        let Some(first) = self.first_cluster else {
            self.mode = Mode::Done;
            return;
        };
        self.mode = Mode::Hunt(Hunt::new(to_ticks, first, self.total));
        self.go(first);
    }

    /// Plays on from the cluster at `from`, as of the key frame `point`.
    fn resume(&mut self, point: Point, from: u64) {
        let key_us = mul_div_floor(point.ticks, self.scale_ns as i64, 1000);
        self.skip = self.leader().map(|leader| Skip {
            leader,
            leader_ticks: point.ticks,
            started: 0,
            sound_from_us: key_us.saturating_sub(PRE_ROLL_US),
        });
        self.states.iter_mut().for_each(|state| state.reorder.restart());
        self.mode = Mode::Play;
        self.go(from);
    }

    /// Gives a caption up that is not where the index says; false when none was being fetched.
    pub(super) fn give_caption_up(&mut self) -> bool {
        let Mode::Captions { list, .. } = &mut self.mode else { return false };
        list.pop();
        self.next_caption();
        true
    }
}
