//! The byte budget that all streams share: three quarters for what lies ahead, the rest for what was played.

use crate::events::Kind;
use crate::stream::Stream;
use crate::timeline::Timeline;

/// The most a want asks for: about a segment.
const MAX_ROOM: u64 = 4 << 20;
/// Samples of sound that are evicted together.
const AUDIO_GROUP: u64 = 64;

/// What may still be taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    room: u64,
    threshold: u64,
}

impl Budget {
    /// Evicts what the budget no longer covers, oldest first, and says what is left.
    pub(crate) fn settle(bytes: u64, timelines: &mut [Timeline]) -> Budget {
        let mut total: u64 = streams(timelines).map(|(_, stream)| stream.queue.bytes()).sum();
        while total > bytes {
            let oldest = timelines
                .iter_mut()
                .flat_map(|timeline| {
                    let position = timeline.position();
                    timeline.streams.iter_mut().map(move |stream| (position, stream))
                })
                .filter_map(|(position, stream)| {
                    let to = group_end(stream, kept_from(stream, position))?;
                    let age = position.saturating_sub(stream.queue.get(stream.queue.first())?.sample.pts_us);
                    Some((age, to, stream))
                })
                .max_by_key(|(age, ..)| *age);
            let Some((_, to, stream)) = oldest else { break };
            total -= stream.queue.bytes_before(to);
            stream.queue.evict(to);
        }
        let behind: u64 = streams(timelines)
            .map(|(position, stream)| stream.queue.bytes_before(kept_from(stream, position)))
            .sum();
        let count = streams(timelines).filter(|(_, stream)| stream.enabled).count().max(1) as u64;
        let free = (bytes / 4 * 3).saturating_sub(total - behind.min(total));
        Budget { room: (free / count).min(MAX_ROOM), threshold: (bytes / 16 / count).clamp(1, MAX_ROOM / 2) }
    }

    /// Room of a stream, 0 while it is not worth a want.
    pub(crate) fn room(self, stream: &Stream) -> u32 {
        let starving = stream.next >= stream.queue.end();
        let room = match (self.room >= self.threshold, starving) {
            (true, _) => self.room,
            // However full the buffer is: a group of pictures may be larger than the budget.
            (false, true) => self.threshold,
            (false, false) => 0,
        };
        u32::try_from(room).unwrap_or(u32::MAX)
    }
}

fn streams(timelines: &[Timeline]) -> impl Iterator<Item = (i64, &Stream)> {
    timelines.iter().flat_map(|t| t.streams.iter().map(move |stream| (t.position(), stream)))
}

/// The first sample that is still needed: the start of the group at the position, and whatever is not decoded.
fn kept_from(stream: &Stream, position: i64) -> u64 {
    let start = match stream.kind() {
        Kind::Video => stream.queue.key_at(position),
        Kind::Audio => stream.queue.audio_start(position),
    };
    start.unwrap_or(stream.queue.first()).min(stream.next)
}

/// Where the oldest group ends, if all of it is behind.
fn group_end(stream: &Stream, kept: u64) -> Option<u64> {
    let first = stream.queue.first();
    let end = match stream.kind() {
        Kind::Video => stream.queue.key_from(first + 1)?,
        Kind::Audio => (first + AUDIO_GROUP).min(kept),
    };
    (first < end && end <= kept).then_some(end)
}
