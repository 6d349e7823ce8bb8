//! Samples on their way from the source to the shim's streams: a queue a stream, the wants, and the answers to them.

use std::collections::VecDeque;

use kinora_demux::{Kind, Sample, Track};
use kinora_time::{Anchor, HostUs, MediaUs, Span};

use crate::captions::NewCue;
use crate::event::Want;
use crate::shim::{Failure, NextStep, SampleHeader, Shim, StreamStatus};

mod convert;

pub(crate) use self::convert::same_format;
use self::convert::{audio_config, video_config, write};

/// Most bytes and samples of one append.
const APPEND_BYTES: usize = 1 << 20;
const APPEND_SAMPLES: usize = 512;
/// Samples in the core, over all streams. With the reader's window it stays under the 4 MiB a core may hold.
const HELD_BYTES: usize = 2 << 20;
/// A want is answered once so much media is queued, so that an append is worth its call, unless the stream runs low.
const BATCH_US: MediaUs = 1_000_000;
/// A stream with less ahead takes whatever is queued.
const URGENT_US: MediaUs = 3_000_000;
/// A full buffer is topped up when so much has been played: a few large turns instead of many small ones.
const REFILL_US: MediaUs = 5_000_000;
/// A track that lies so far behind another in the same file has nothing to say here (a short or sparse track); it is ended until
/// the next seek, lest the others wait for it for ever. Files are interleaved within a second or two.
const SPARSE_US: MediaUs = 10_000_000;

/// One stream of the timeline with what is queued for it.
#[derive(Debug)]
struct Feed {
    track: u32,
    stream: u64,
    video: bool,
    enabled: bool,
    want: Option<Want>,
    queue: VecDeque<Entry>,
    bytes: usize,
    /// Decode time of the last sample queued.
    last_dts: Option<MediaUs>,
    /// Decode time of the last sample the shim took since the last restart.
    sent_dts: Option<MediaUs>,
    /// Enabled while the others played: the shim may want this stream alone anew.
    joining: bool,
    /// Samples after the cursor were dropped.
    lost: bool,
    /// A seek's target: of the key frames at or before it only the last is needed. None once that is found.
    trim_to: Option<MediaUs>,
    /// The shim holds presentation times in it.
    held: Option<Span>,
    /// Whether it is being filled up to the target, or played down from it.
    filling: bool,
    /// Samples before the first key frame are dropped: decoding starts there.
    needs_key: bool,
    /// The next sample gets the discontinuity bit.
    discontinuity: bool,
    /// Samples up to this decode time are in the shim already.
    skip_to_dts: Option<MediaUs>,
    /// The source has nothing more for it now: what is queued is handed over, however little it is.
    waiting: bool,
    /// The source has nothing more for it.
    ended: bool,
    /// The shim was told so, under the current seek.
    end_sent: bool,
}

#[derive(Debug)]
enum Entry {
    Sample(Sample, bool),
    Configure(Box<Track>),
}

impl Feed {
    fn new(track: u32, stream: u64, video: bool) -> Self {
        Feed {
            track,
            stream,
            video,
            enabled: true,
            want: None,
            queue: VecDeque::new(),
            bytes: 0,
            last_dts: None,
            sent_dts: None,
            joining: false,
            lost: false,
            trim_to: None,
            held: None,
            filling: true,
            needs_key: true,
            discontinuity: false,
            skip_to_dts: None,
            waiting: false,
            ended: false,
            end_sent: false,
        }
    }

    fn restart(&mut self, from_us: MediaUs) {
        self.last_dts = None;
        self.sent_dts = None;
        self.joining = false;
        self.lost = false;
        self.discontinuity = false;
        self.trim_to = self.video.then_some(from_us);
        self.queue.clear();
        self.bytes = 0;
        self.held = None;
        self.filling = true;
        self.needs_key = true;
        self.skip_to_dts = None;
        self.waiting = false;
        self.ended = false;
        self.end_sent = false;
    }

    /// A disabled stream wants nothing, and gets nothing.
    fn set_enabled(&mut self, on: bool) {
        self.enabled = on;
        self.joining = on;
        if !on {
            self.want = None;
            self.lost |= !self.queue.is_empty();
            self.queue.clear();
            self.bytes = 0;
            self.last_dts = self.sent_dts;
        }
    }

    fn ahead_us(&self, position_us: MediaUs) -> MediaUs {
        self.held.map_or(0, |held| held.to_us.saturating_sub(position_us))
    }

    fn queued_us(&self) -> MediaUs {
        let mut times = self.queue.iter().filter_map(|entry| match entry {
            Entry::Sample(sample, _) => Some(sample.dts_us),
            Entry::Configure(_) => None,
        });
        match (times.next(), times.next_back()) {
            (Some(first), Some(last)) => last.saturating_sub(first),
            _ => 0,
        }
    }

    /// Before a seek's target, every key frame makes what is queued before it superfluous.
    fn trim(&mut self, sample: &Sample) {
        let Some(target) = self.trim_to else { return };
        if sample.dts_us > target {
            self.trim_to = None;
        } else if sample.key && sample.pts_us <= target {
            // A configuration stays: it holds for what follows.
            self.queue.retain(|entry| matches!(entry, Entry::Configure(_)));
            self.bytes = 0;
        }
    }

    fn batch_ready(&self) -> bool {
        self.bytes >= APPEND_BYTES || self.queue.len() >= APPEND_SAMPLES || self.queued_us() >= BATCH_US
    }
}

/// What the source must read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refill {
    /// From the key frame at or before.
    pub(crate) from_us: MediaUs,
    /// For this track alone; none: for all.
    pub(crate) track: Option<u32>,
}

/// All streams of one timeline.
#[derive(Debug, Default)]
pub(crate) struct Feeds {
    feeds: Vec<Feed>,
    tracks: Vec<Track>,
    new_tracks: bool,
    cues: Vec<NewCue>,
    /// The seek whose `restart` wants the source has followed.
    restarted: Option<u64>,
    restart_from: Option<MediaUs>,
    target_us: MediaUs,
    /// The source failed: what is queued is all there will be.
    pub(crate) draining: bool,
    position_us: MediaUs,
    /// Mark of the source in the append cursor.
    pub(crate) tag: u64,
}

impl Feeds {
    pub(crate) fn new(target_us: MediaUs) -> Self {
        Feeds { target_us, ..Feeds::default() }
    }

    // ---- what the source calls

    /// States the tracks; again when they changed, which holds from the next sample on.
    pub(crate) fn set_tracks(&mut self, tracks: &[Track]) {
        for track in tracks {
            let known = self.tracks.iter().find(|known| known.id == track.id);
            if known.is_some_and(|known| !same_format(known, track)) {
                self.configure(track);
            }
        }
        self.tracks = tracks.to_vec();
        self.new_tracks = true;
    }

    /// Whether samples of `track` (none: of any) are needed now.
    pub(crate) fn hungry(&self, tracks: Option<&[u32]>) -> bool {
        let held: usize = self.feeds.iter().map(|feed| feed.bytes).sum();
        held < HELD_BYTES
            && self.feeds.iter().any(|feed| {
                tracks.is_none_or(|tracks| tracks.contains(&feed.track))
                    && feed.want.is_some()
                    && feed.filling
                    && !feed.ended
                    && (feed.trim_to.is_some() || !feed.batch_ready())
            })
    }

    /// Takes the next sample in decode order. `together`: the tracks interleaved with it (none: all).
    pub(crate) fn push(&mut self, sample: Sample, together: Option<&[u32]>) {
        let dts_us = sample.dts_us;
        let Some(feed) = self.feeds.iter_mut().find(|feed| feed.track == sample.track) else { return };
        if feed.ended || feed.needs_key && !sample.key || feed.skip_to_dts.is_some_and(|dts| dts_us <= dts) {
            return;
        }
        if !feed.enabled && feed.want.is_none() {
            feed.lost = true;
            return;
        }
        // Two segments of different variants may overlap by an audio frame.
        if !feed.discontinuity && feed.last_dts.is_some_and(|last| dts_us < last) {
            return;
        }
        feed.trim(&sample);
        feed.waiting = false;
        feed.needs_key = false;
        feed.skip_to_dts = None;
        feed.last_dts = Some(dts_us);
        feed.bytes += sample.data.len();
        let discontinuity = std::mem::take(&mut feed.discontinuity);
        feed.queue.push_back(Entry::Sample(sample, discontinuity));
        self.end_sparse(dts_us, together);
    }

    /// Takes a cue of one of the source's text tracks.
    pub(crate) fn push_cue(&mut self, cue: NewCue) {
        self.cues.push(cue);
    }

    /// The next sample of the track is of a new configuration.
    pub(crate) fn configure(&mut self, track: &Track) {
        if let Some(feed) = self.feeds.iter_mut().find(|feed| feed.track == track.id) {
            feed.queue.push_back(Entry::Configure(Box::new(track.clone())));
            feed.discontinuity = true;
            feed.needs_key = true;
        }
    }

    /// Nothing follows for `tracks` at the moment.
    pub(crate) fn wait(&mut self, tracks: &[u32]) {
        for feed in self.feeds.iter_mut().filter(|feed| tracks.contains(&feed.track)) {
            feed.waiting = true;
        }
    }

    /// Nothing follows for `tracks` (none: for any).
    pub(crate) fn end(&mut self, tracks: Option<&[u32]>) {
        for feed in &mut self.feeds {
            if tracks.is_none_or(|tracks| tracks.contains(&feed.track)) {
                feed.ended = true;
            }
        }
    }

    fn end_sparse(&mut self, dts_us: MediaUs, together: Option<&[u32]>) {
        let interleaved = |feed: &&mut Feed| together.is_none_or(|tracks| tracks.contains(&feed.track));
        for feed in self.feeds.iter_mut().filter(interleaved) {
            let reached = feed.held.map(|held| held.to_us).or(self.restart_from);
            let behind = reached.is_some_and(|reached| dts_us.saturating_sub(reached) > SPARSE_US);
            if feed.queue.is_empty() && behind && feed.want.is_some() {
                feed.ended = true;
            }
        }
    }

    // ---- what the session calls

    /// The tracks, when they are new since the last call.
    pub(crate) fn take_tracks(&mut self) -> Option<Vec<Track>> {
        std::mem::take(&mut self.new_tracks).then(|| self.tracks.clone())
    }

    pub(crate) fn take_cues(&mut self) -> Vec<NewCue> {
        std::mem::take(&mut self.cues)
    }

    /// Opens a stream for `track`.
    pub(crate) fn open(&mut self, timeline: u64, track: &Track, shim: &mut dyn Shim) -> Result<(), Failure> {
        let (stream, video) = match &track.kind {
            Kind::Video(_) => (shim.open_video(timeline, &video_config(track))?, true),
            Kind::Audio(_) => (shim.open_audio(timeline, &audio_config(track))?, false),
            Kind::Text(_) => return Ok(()),
        };
        self.feeds.push(Feed::new(track.id, stream, video));
        Ok(())
    }

    /// Goes on feeding a stream that an earlier instance opened, after what it had appended.
    pub(crate) fn adopt(&mut self, track: u32, video: bool, seek: u64, status: &StreamStatus) {
        if status.tail_dts_us.is_some() {
            self.restarted = Some(seek);
        }
        let mut feed = Feed::new(track, status.id, video);
        feed.enabled = status.enabled;
        feed.held = match (status.buffered.first(), status.buffered.last()) {
            (Some(first), Some(last)) => Some(Span { from_us: first.from_us, to_us: last.to_us }),
            _ => None,
        };
        feed.skip_to_dts = status.tail_dts_us;
        feed.last_dts = status.tail_dts_us;
        feed.sent_dts = status.tail_dts_us;
        feed.needs_key = status.tail_dts_us.is_none();
        feed.ended = status.ended;
        self.feeds.push(feed);
    }

    /// Lets go of the streams, whose timeline is closed.
    pub(crate) fn close(&mut self) {
        self.feeds.clear();
        self.restarted = None;
        self.restart_from = None;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.feeds.is_empty()
    }

    pub(crate) fn has_video(&self) -> bool {
        self.feeds.iter().any(|feed| feed.video)
    }

    /// Whether a stream carries `track`.
    pub(crate) fn carries(&self, track: u32) -> bool {
        self.feeds.iter().any(|feed| feed.track == track)
    }

    /// The enabled audio track.
    pub(crate) fn audio(&self) -> Option<u32> {
        self.feeds.iter().find(|feed| !feed.video && feed.enabled).map(|feed| feed.track)
    }

    /// Makes `track` the audio that is heard.
    pub(crate) fn choose_audio(&mut self, track: u32, shim: &mut dyn Shim) -> Result<(), Failure> {
        // On before off: the clock never finds the timeline without sound.
        for on in [true, false] {
            for feed in self.feeds.iter_mut().filter(|feed| !feed.video && (feed.track == track) == on) {
                if feed.enabled != on {
                    shim.enable(feed.stream, on)?;
                    feed.set_enabled(on);
                }
            }
        }
        Ok(())
    }

    /// Takes a want. What the source must go back to for it, if anything.
    pub(crate) fn want(&mut self, want: Want) -> Option<Refill> {
        let index = self.feeds.iter().position(|feed| feed.stream == want.stream)?;
        let flushed = want.restart && self.restarted != Some(want.seek);
        let feed = &mut self.feeds[index];
        feed.want = Some(want);
        let joins = std::mem::take(&mut feed.joining);
        if want.restart && (joins || !flushed && feed.sent_dts.is_some()) {
            // This stream alone begins anew: it was enabled where it held nothing.
            feed.restart(want.from_us);
            return Some(self.refill(index, want.from_us));
        }
        if flushed {
            self.restarted = Some(want.seek);
            self.restart_from = Some(want.from_us);
            for feed in &mut self.feeds {
                feed.restart(want.from_us);
            }
            return Some(Refill { from_us: want.from_us, track: None });
        }
        if !want.restart && std::mem::take(&mut feed.lost) {
            // What followed its cursor was read and dropped while it was disabled.
            feed.skip_to_dts = feed.sent_dts;
            feed.ended = false;
            let from_us = feed.sent_dts.unwrap_or(want.from_us);
            return Some(self.refill(index, from_us));
        }
        None
    }

    /// The other streams go on after what they have.
    fn refill(&mut self, index: usize, from_us: MediaUs) -> Refill {
        for (_, other) in self.feeds.iter_mut().enumerate().filter(|(i, _)| *i != index) {
            other.skip_to_dts = other.last_dts.or(other.skip_to_dts);
        }
        Refill { from_us, track: Some(self.feeds[index].track) }
    }

    /// A seek was accepted: wants before it are stale, and ends have to be said again.
    pub(crate) fn seeking(&mut self, seek: u64) {
        for feed in &mut self.feeds {
            feed.want = feed.want.filter(|want| want.seek == seek);
            feed.end_sent = false;
        }
    }

    /// Answers every want it can; whether it did anything.
    pub(crate) fn answer(&mut self, shim: &mut dyn Shim) -> Result<bool, Failure> {
        let position_us = self.position_us;
        let held: usize = self.feeds.iter().map(|feed| feed.bytes).sum();
        // Over half full with something hungry left: the streams that have enough take more, so that the hungry ones are reached.
        let crowded = held >= HELD_BYTES / 2;
        let mut worked = false;
        for feed in &mut self.feeds {
            let ahead = feed.ahead_us(position_us);
            if ahead >= self.target_us {
                feed.filling = false;
            } else if ahead <= self.target_us - REFILL_US {
                feed.filling = true;
            }
            let Some(want) = feed.want else { continue };
            let may_be_trimmed = feed.trim_to.is_some() && !feed.ended && !feed.waiting;
            if may_be_trimmed && !self.draining && held < HELD_BYTES {
                continue;
            }
            if feed.queue.is_empty() {
                if feed.ended && !feed.end_sent {
                    feed.end_sent = true;
                    feed.want = None;
                    shim.end(feed.stream, want.seek)?;
                    worked = true;
                }
                continue;
            }
            let due = feed.batch_ready() || feed.ended || feed.waiting || ahead < URGENT_US;
            if due && feed.filling || crowded || self.draining {
                feed.append(want, self.tag, shim)?;
                worked = true;
            }
        }
        Ok(worked)
    }

    /// When, later than `after`, a stream falls under its target with nothing else happening.
    pub(crate) fn wake_us(&self, anchor: Anchor, after: HostUs) -> Option<HostUs> {
        let low = self.target_us - REFILL_US;
        let waiting = self.feeds.iter().filter(|feed| feed.want.is_some() && !feed.filling && !feed.end_sent);
        // A millisecond late rather than a rounding early, which would wake at once again.
        waiting
            .filter_map(|feed| anchor.host_at(feed.held?.to_us.saturating_sub(low)))
            .map(|at| at + 1000)
            .filter(|at| *at > after)
            .min()
    }

    /// Media ahead of the position in the enabled stream that has least.
    pub(crate) fn ahead_us(&self) -> MediaUs {
        let enabled = self.feeds.iter().filter(|feed| feed.enabled && !feed.ended);
        enabled.map(|feed| feed.ahead_us(self.position_us)).min().unwrap_or(0)
    }

    /// States `media_time`, before the source is asked to go on.
    pub(crate) fn set_position(&mut self, position_us: MediaUs) {
        self.position_us = position_us;
    }

    /// `media_time` as last stated.
    pub(crate) fn position_us(&self) -> MediaUs {
        self.position_us
    }

    /// What is buffered in every enabled stream, as far as it was appended since the last restart.
    pub(crate) fn buffered(&self) -> Option<Span> {
        let mut spans = self.feeds.iter().filter(|feed| feed.enabled).map(|feed| feed.held);
        let first = spans.next()??;
        spans.try_fold(first, |a, b| {
            let b = b?;
            let both = Span { from_us: a.from_us.max(b.from_us), to_us: a.to_us.min(b.to_us) };
            (both.from_us < both.to_us).then_some(both)
        })
    }

    /// Earliest decode time that a stream taken over from an earlier instance still lacks.
    pub(crate) fn adopted_from(&self) -> Option<MediaUs> {
        let fed = self.feeds.iter().filter(|feed| feed.enabled && !feed.ended);
        fed.map(|feed| feed.skip_to_dts.unwrap_or(0)).min()
    }
}

impl Feed {
    /// One append of as much as want and limits allow.
    fn append(&mut self, want: Want, tag: u64, shim: &mut dyn Shim) -> Result<(), Failure> {
        while let Some(Entry::Configure(track)) = self.queue.front() {
            if self.video {
                shim.configure_video(self.stream, &video_config(track))?;
            } else {
                shim.configure_audio(self.stream, &audio_config(track))?;
            }
            self.queue.pop_front();
        }
        let room = APPEND_BYTES.min(want.room_bytes as usize);
        let (mut headers, mut body) = (Vec::new(), Vec::new());
        for entry in self.queue.iter().take(APPEND_SAMPLES) {
            let Entry::Sample(sample, discontinuity) = entry else { break };
            if !headers.is_empty() && body.len() + sample.data.len() > room {
                break;
            }
            headers.push(write(sample, *discontinuity, &mut body));
        }
        if headers.is_empty() {
            return Ok(());
        }
        self.want = None;
        let taken = match shim.append(self.stream, want.seek, tag, &headers, &body) {
            Ok(taken) => taken as usize,
            // The want was withdrawn in between; the next one brings it.
            Err(failure) if failure.next == NextStep::Wait => 0,
            Err(failure) => return Err(failure),
        };
        for header in headers.iter().take(taken) {
            let to_us = header.pts_us.saturating_add(i64::from(header.duration_us));
            if header.bits & SampleHeader::DECODE_ONLY == 0 {
                let held = self.held.get_or_insert(Span { from_us: header.pts_us, to_us });
                held.from_us = held.from_us.min(header.pts_us);
                held.to_us = held.to_us.max(to_us);
            }
            self.sent_dts = Some(header.dts_us);
            if let Some(Entry::Sample(sample, _)) = self.queue.pop_front() {
                self.bytes -= sample.data.len();
            }
        }
        Ok(())
    }
}
