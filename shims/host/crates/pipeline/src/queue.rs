//! The media buffer of one stream: encoded samples in decode order, ahead of and behind the position.

use std::collections::VecDeque;
use std::sync::Arc;

use kinora_port::{AudioConfig, EncodedSample, MediaUs, VideoConfig};

use crate::events::Span;

/// Gaps below this are rounding or frames without a duration, not holes.
const GAP_US: i64 = 200_000;
/// A position behind which an audio decoder has settled after a start in the middle: RFC 7845 section 4.6 asks for 80 ms.
const AUDIO_PREROLL_US: i64 = 100_000;
/// Spans a status lists.
const MAX_SPANS: usize = 16;

/// A stream's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Config {
    Video(VideoConfig),
    Audio(AudioConfig),
}

impl Config {
    pub(crate) fn codec(&self) -> &str {
        match self {
            Config::Video(config) => &config.codec,
            Config::Audio(config) => &config.codec,
        }
    }
}

#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) sample: EncodedSample,
    pub(crate) config: Arc<Config>,
}

impl Entry {
    fn bytes(&self) -> u64 {
        u64::from(self.sample.range.1 - self.sample.range.0)
    }

    fn span(&self) -> Span {
        let duration = i64::from(self.sample.duration_us.max(1));
        Span { from_us: self.sample.pts_us, to_us: self.sample.pts_us.saturating_add(duration) }
    }
}

/// Samples by an index that counts from the stream's opening, so that it survives eviction.
#[derive(Default)]
pub(crate) struct Queue {
    entries: VecDeque<Entry>,
    first: u64,
    bytes: u64,
    spans: Vec<Span>,
}

impl Queue {
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// The index the next sample gets.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    pub(crate) fn get(&self, index: u64) -> Option<&Entry> {
        self.entries.get(usize::try_from(index.checked_sub(self.first)?).ok()?)
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        self.bytes += entry.bytes();
        insert(&mut self.spans, entry.span());
        self.entries.push_back(entry);
    }

    /// Drops everything; indices go on.
    pub(crate) fn clear(&mut self) {
        self.first = self.end();
        self.entries.clear();
        self.spans.clear();
        self.bytes = 0;
    }

    /// Drops the samples from `index` on.
    pub(crate) fn truncate(&mut self, index: u64) {
        let keep = index.saturating_sub(self.first) as usize;
        if keep < self.entries.len() {
            self.entries.truncate(keep);
            self.recount();
        }
    }

    /// Drops the samples before `index`.
    pub(crate) fn evict(&mut self, index: u64) {
        let gone = (index.saturating_sub(self.first) as usize).min(self.entries.len());
        if gone > 0 {
            self.entries.drain(..gone);
            self.first += gone as u64;
            self.recount();
        }
    }

    fn recount(&mut self) {
        self.bytes = self.entries.iter().map(Entry::bytes).sum();
        self.spans.clear();
        for entry in &self.entries {
            insert(&mut self.spans, entry.span());
        }
    }

    /// What is held, in presentation time; the last spans if there are too many to list.
    pub(crate) fn spans(&self) -> &[Span] {
        &self.spans[self.spans.len().saturating_sub(MAX_SPANS)..]
    }

    /// Where the last sample in presentation order ends.
    pub(crate) fn end_us(&self) -> Option<MediaUs> {
        self.spans.last().map(|span| span.to_us)
    }

    /// Where what is held at and after `position` without a hole ends.
    pub(crate) fn buffered_to(&self, position: MediaUs) -> Option<MediaUs> {
        self.spans.iter().find(|span| span.to_us > position).map(|span| span.to_us)
    }

    pub(crate) fn holds(&self, position: MediaUs) -> bool {
        self.spans.iter().any(|span| span.from_us <= position && position < span.to_us)
    }

    /// The last key frame at or before `position`.
    pub(crate) fn key_at(&self, position: MediaUs) -> Option<u64> {
        let found = self.entries.iter().rposition(|e| e.sample.key && e.sample.pts_us <= position);
        found.map(|i| self.first + i as u64)
    }

    /// The first key frame from `index` on.
    pub(crate) fn key_from(&self, index: u64) -> Option<u64> {
        (index.max(self.first)..self.end()).find(|&i| self.get(i).is_some_and(|e| e.sample.key))
    }

    /// Where an audio decoder starts so that it has settled at `position`.
    pub(crate) fn audio_start(&self, position: MediaUs) -> Option<u64> {
        if self.entries.is_empty() {
            return None;
        }
        Some(self.key_at(position.saturating_sub(AUDIO_PREROLL_US)).unwrap_or(self.first))
    }

    /// The first sample from `index` on with `dts >= from`.
    pub(crate) fn dts_from(&self, index: u64, from: MediaUs) -> u64 {
        (index.max(self.first)..self.end())
            .find(|&i| self.get(i).is_some_and(|e| e.sample.dts_us >= from))
            .unwrap_or(self.end())
    }

    /// The pts of presented samples, sorted.
    pub(crate) fn presentation_order(&self) -> Vec<MediaUs> {
        let mut order: Vec<_> =
            self.entries.iter().filter(|e| !e.sample.decode_only).map(|e| e.sample.pts_us).collect();
        order.sort_unstable();
        order
    }

    /// Bytes of the samples before `index`.
    pub(crate) fn bytes_before(&self, index: u64) -> u64 {
        self.entries.iter().take(index.saturating_sub(self.first) as usize).map(Entry::bytes).sum()
    }
}

/// Adds a span to a sorted list without overlaps.
fn insert(spans: &mut Vec<Span>, new: Span) {
    let from = spans.partition_point(|span| span.to_us.saturating_add(GAP_US) < new.from_us);
    let to = spans.partition_point(|span| span.from_us <= new.to_us.saturating_add(GAP_US));
    let merged = spans[from..to]
        .iter()
        .fold(new, |a, b| Span { from_us: a.from_us.min(b.from_us), to_us: a.to_us.max(b.to_us) });
    spans.splice(from..to, [merged]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(pts_us: i64, key: bool) -> Entry {
        Entry {
            sample: EncodedSample {
                pts_us,
                dts_us: pts_us,
                duration_us: 40_000,
                key,
                decode_only: false,
                discontinuity: false,
                trim: (0, 0),
                body: Arc::from([0u8; 10]),
                range: (0, 10),
            },
            config: Arc::new(Config::Audio(AudioConfig {
                codec: "opus".into(),
                extradata: Vec::new(),
                rate_hz: 0,
                channels: 0,
            })),
        }
    }

    #[test]
    fn spans_of_reordered_samples_merge_and_holes_stay() {
        let mut queue = Queue::default();
        for pts in [0, 120_000, 40_000, 80_000, 1_000_000] {
            queue.push(entry(pts, pts == 0));
        }
        let expected = [Span { from_us: 0, to_us: 160_000 }, Span { from_us: 1_000_000, to_us: 1_040_000 }];
        assert_eq!(queue.spans(), expected);
        assert_eq!(queue.buffered_to(10), Some(160_000));
        assert!(queue.holds(159_999) && !queue.holds(160_000));
    }

    #[test]
    fn indices_survive_eviction_and_truncation() {
        let mut queue = Queue::default();
        (0..10).for_each(|i| queue.push(entry(i * 40_000, i % 5 == 0)));
        queue.evict(5);
        assert_eq!((queue.first(), queue.end(), queue.bytes()), (5, 10, 50));
        assert_eq!(queue.key_at(399_999), Some(5));
        queue.truncate(7);
        assert_eq!((queue.end(), queue.end_us()), (7, Some(280_000)));
        queue.clear();
        assert_eq!((queue.first(), queue.end(), queue.bytes()), (7, 7, 0));
    }
}
