//! The segments of one stream, read one after the other and demuxed as one resource.
//!
//! A *run* is a row of segments that continue each other (same playlist, initialisation section and discontinuity sequence): its
//! demuxer sees them as one file. What breaks the row (a discontinuity, another variant, a seek) ends the run, so that demuxers need no
//! notion of segments, and packets that reach over a segment's end come out whole.

use std::sync::Arc;

use kinora_demux::{Demux, Kind, Probe, Sample, Step, Track, Window};
use kinora_manifest::{ByteRange, Init, MediaPlaylist, Segment};
use kinora_time::{HostUs, MediaUs, SECOND_US};

use super::lines::Lines;
use super::packed::{self, Head};
use crate::error::{Error, ErrorKind};
use crate::event::NetChange;
use crate::shim::Shim;
use crate::source::reader::Part;
use crate::source::{Cx, Download, OpenContainer, Reader};
use crate::streams::same_format;

/// Bytes of a segment on their way.
const WINDOW_BYTES: u64 = 1 << 20;
/// Bytes of a run kept: a segment whose tracks lie in blocks is read to and fro. The one thing for which the core may hold more than
/// 4 MiB, since what a lane has let go of it cannot get back.
const KEPT_BYTES: u64 = 8 << 20;
/// An initialisation section holds a header without samples.
const INIT_BYTES: usize = 1 << 20;
/// A container that cannot be told from so much of a segment is unknown.
const PROBE_BYTES: usize = 64 << 10;
/// Segments to go back when playlist and timestamps disagree about where a target lies.
const MOST_STEPS_BACK: usize = 2;

/// Where a lane stands.
pub(super) enum Progress {
    /// Waits for bytes, or for a track to be hungry.
    Idle,
    /// At the end of a segment: [`Lane::advance`] goes on, after [`Lane::change`] with another variant.
    Boundary,
    /// Segment `next` cannot be had.
    Failed(Error),
}

/// What all lanes of a presentation share.
pub(super) struct Shared {
    pub(super) open: OpenContainer,
    pub(super) lines: Lines,
}

/// See the [module](self).
pub(super) struct Lane {
    playlist: Arc<MediaPlaylist>,
    /// Playlist time of each segment's start, and of the end.
    starts: Vec<MediaUs>,
    /// The segment to read next, or being read.
    next: usize,
    run: Option<Run>,
    init: Option<(Arc<Init>, Vec<u8>)>,
    init_download: Option<Download>,
    /// A seek's target until the first key frame shows that it was met, and how often it was not.
    target: Option<(MediaUs, usize)>,
    /// Ids of the tracks of this lane, by kind: the first video, then the audio tracks.
    ids: Ids,
    /// The tracks as the feeds know them.
    tracks: Vec<Track>,
    /// The first sample, kept until the tracks are announced.
    held: Option<Sample>,
    /// Bytes and time of a finished segment.
    transfer: Option<(u64, HostUs)>,
    error: Option<Error>,
    ended: bool,
    /// Nothing has left this lane since the first sample was read.
    fresh: bool,
}

/// Track ids of a lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ids {
    /// Of the video track; none when pictures are not taken from this lane.
    pub(super) video: Option<u32>,
    /// Of the first audio track; none when sound is not taken from this lane.
    pub(super) audio: Option<u32>,
    /// Audio tracks taken.
    pub(super) most_audio: u32,
}

struct Run {
    window: Window,
    demux: Option<Box<dyn Demux>>,
    reader: Option<Reader>,
    /// Whether the head of the segment was looked at for a timestamp.
    headed: bool,
    line: u64,
    at_us: MediaUs,
    /// Timestamp of a packed segment, and the demuxer's time it stands for.
    packed_us: Option<MediaUs>,
    offset_us: Option<MediaUs>,
    /// The demuxer's track ids and ours.
    map: Vec<(u32, u32)>,
}

impl Lane {
    pub(super) fn new(playlist: Arc<MediaPlaylist>, ids: Ids) -> Self {
        let mut lane = Lane {
            starts: Vec::new(),
            playlist: Arc::default(),
            next: 0,
            run: None,
            init: None,
            init_download: None,
            target: None,
            ids,
            tracks: Vec::new(),
            held: None,
            transfer: None,
            error: None,
            ended: false,
            fresh: true,
        };
        lane.set_playlist(playlist);
        lane
    }

    fn set_playlist(&mut self, playlist: Arc<MediaPlaylist>) {
        let mut at_us: MediaUs = 0;
        self.starts.clear();
        self.starts.push(0);
        for segment in &playlist.segments {
            at_us = at_us.saturating_add(segment.duration_us.max(0));
            self.starts.push(at_us);
        }
        self.playlist = playlist;
    }

    /// Length of the playlist.
    pub(super) fn duration_us(&self) -> MediaUs {
        self.starts.last().copied().unwrap_or(0)
    }

    /// The tracks, once known.
    pub(super) fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Whether a sample has been read, which tells where the line begins.
    pub(super) fn has_sample(&self) -> bool {
        self.held.is_some() || !self.fresh
    }

    pub(super) fn take_transfer(&mut self) -> Option<(u64, HostUs)> {
        self.transfer.take()
    }

    fn segment(&self) -> Option<&Segment> {
        self.playlist.segments.get(self.next)
    }

    /// The segment that holds playlist time `at_us`.
    fn index_of(&self, at_us: MediaUs) -> usize {
        let after = self.starts.partition_point(|start| *start <= at_us);
        after.saturating_sub(1).min(self.playlist.segments.len().saturating_sub(1))
    }

    /// Goes on from the segment that holds `to_us`, playlist time.
    pub(super) fn seek(&mut self, to_us: MediaUs, base_us: MediaUs, shim: &mut dyn Shim) {
        let index = self.index_of(to_us);
        if self.fresh && self.held.is_some() && index == self.next && self.run.is_some() {
            return;
        }
        self.stop(shim);
        self.fresh = false;
        self.next = index;
        self.target = Some((base_us.saturating_add(to_us), 0));
    }

    /// Goes on with `playlist`, of another variant, where this one stands. Only at a boundary.
    pub(super) fn change(&mut self, playlist: Arc<MediaPlaylist>) {
        let at_us = self.starts.get(self.next).copied().unwrap_or(0);
        self.set_playlist(playlist);
        // Variants cut at the same places; a little off is rounding.
        self.next = self.starts.partition_point(|start| *start < at_us.saturating_sub(500_000));
        self.init = None;
        if let Some(run) = &mut self.run {
            run.window.set_ended();
        }
    }

    /// Passes over the segment that cannot be had.
    pub(super) fn skip(&mut self, shim: &mut dyn Shim) {
        let next = self.next + 1;
        self.stop(shim);
        self.next = next;
    }

    /// Drops what is under way; the segment is read from its start again.
    pub(super) fn stop(&mut self, shim: &mut dyn Shim) {
        if let Some(mut reader) = self.run.take().and_then(|run| run.reader) {
            reader.close(shim);
        }
        if let Some(mut download) = self.init_download.take() {
            download.close(shim);
        }
        self.held = None;
        self.error = None;
        self.ended = false;
    }

    pub(super) fn wake_us(&self, after: HostUs) -> Option<HostUs> {
        let reader =
            self.run.as_ref().and_then(|run| run.reader.as_ref()).and_then(|reader| reader.wake_us(after));
        reader.or(self.init_download.as_ref().and_then(|download| download.wake_us(after)))
    }

    pub(super) fn net(&mut self, ticket: u64, change: &NetChange, now: HostUs, shim: &mut dyn Shim) -> bool {
        let reader = self.run.as_mut().and_then(|run| run.reader.as_mut());
        let mut taken = reader.map_or(Ok(false), |reader| reader.net(ticket, change, now, shim));
        if let (Ok(false), Some(download)) = (&taken, &mut self.init_download) {
            taken = download.net(ticket, change, now, shim);
        }
        taken.unwrap_or_else(|error| {
            self.error = Some(error);
            true
        })
    }

    pub(super) fn may_carry(&self, track: u32) -> bool {
        self.track_ids().contains(&track)
    }

    /// Of the tracks it may carry.
    fn track_ids(&self) -> Vec<u32> {
        let audio = self.ids.audio.into_iter().flat_map(|first| first..first + self.ids.most_audio);
        self.ids.video.into_iter().chain(audio).collect()
    }

    /// Goes on as long as its tracks are hungry. `announced`: the feeds know the tracks.
    pub(super) fn poll(&mut self, announced: bool, shared: &mut Shared, cx: &mut Cx<'_>) -> Progress {
        let ids = self.track_ids();
        loop {
            if let Some(error) = self.error.take() {
                return Progress::Failed(error);
            }
            let wanted = if announced { cx.feeds.hungry(Some(&ids)) } else { self.held.is_none() };
            if !wanted || cx.budget.is_spent() || self.ended {
                return Progress::Idle;
            }
            if let Some(sample) = self.held.take_if(|_| announced) {
                self.fresh = false;
                cx.feeds.push(sample, Some(&ids));
            }
            let outcome = if self.run.is_some() { self.step(announced, shared, cx) } else { self.begin(cx) };
            match outcome {
                Ok(None) => {}
                Ok(Some(progress)) => return progress,
                Err(error) => return Progress::Failed(error),
            }
        }
    }

    /// Starts a run with segment `next`.
    fn begin(&mut self, cx: &mut Cx<'_>) -> Result<Option<Progress>, Error> {
        while self.segment().is_some_and(|segment| segment.gap) {
            self.next += 1;
        }
        let Some(segment) = self.segment() else {
            self.ended = true;
            cx.feeds.end(Some(&self.track_ids()));
            return Ok(Some(Progress::Idle));
        };
        if segment.key.is_some() || segment.init.as_ref().is_some_and(|init| init.key.is_some()) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "It is encrypted, which this player cannot open.",
            ));
        }
        let mut window = Window::default();
        if let Some(init) = segment.init.clone() {
            if self.init.as_ref().is_none_or(|(held, _)| *held != init) {
                let part = init.range.map(part);
                let download =
                    self.init_download.get_or_insert_with(|| Download::new(&init.uri, part, INIT_BYTES));
                let Some(file) = download.poll(cx.now, cx.shim)? else { return Ok(Some(Progress::Idle)) };
                self.init = Some((init, file.bytes));
                self.init_download = None;
            }
            window.extend(self.init.as_ref().map_or(&[], |(_, bytes)| bytes));
        }
        let Some(segment) = self.segment() else { return Ok(None) };
        self.run = Some(Run {
            window,
            demux: None,
            reader: Some(open(segment)),
            headed: false,
            line: segment.discontinuity_sequence,
            at_us: self.starts.get(self.next).copied().unwrap_or(0),
            packed_us: None,
            offset_us: None,
            map: Vec::new(),
        });
        Ok(None)
    }

    /// Goes on behind a boundary: with the next segment if it continues the run, else by ending the run.
    pub(super) fn advance(&mut self) {
        let Some(run) = &mut self.run else { return };
        let before = self.next.checked_sub(1).and_then(|before| self.playlist.segments.get(before));
        match (before, self.playlist.segments.get(self.next)) {
            (Some(before), Some(segment))
                if !run.window.ended()
                    && !segment.gap
                    && segment.key.is_none()
                    && segment.discontinuity_sequence == run.line
                    && segment.init == before.init =>
            {
                run.reader = Some(open(segment));
                run.headed = false;
            }
            _ => run.window.set_ended(),
        }
    }

    /// One step of the run's demuxer.
    fn step(
        &mut self,
        announced: bool,
        shared: &mut Shared,
        cx: &mut Cx<'_>,
    ) -> Result<Option<Progress>, Error> {
        let Some(run) = &mut self.run else { return Ok(None) };
        let Some(demux) = &mut run.demux else { return self.open_container(shared, cx) };
        let step = demux.step(&run.window);
        for issue in demux.take_issues() {
            cx.shim.log(2, &issue);
        }
        cx.budget.spend(0);
        match step? {
            Step::More { at, least } => {
                if run.window.get(at, least).is_some() {
                    return Ok(None);
                }
                if run.window.ended() || at < run.window.start() {
                    return Err(Error::new(ErrorKind::Content, "A segment is damaged."));
                }
                let kept = run.window.end().saturating_sub(KEPT_BYTES);
                run.window.drop_before(if run.reader.is_some() { kept.min(at) } else { at });
                self.fill(cx)
            }
            Step::Tracks => {
                let tracks = demux.tracks().to_vec();
                self.map_tracks(&tracks, announced, cx);
                Ok(None)
            }
            Step::Sample(sample) => {
                self.sample(sample, announced, shared, cx);
                Ok(None)
            }
            Step::Cue(_) => Ok(None),
            Step::End => {
                self.run = None;
                Ok(None)
            }
        }
    }

    fn open_container(&mut self, shared: &mut Shared, cx: &mut Cx<'_>) -> Result<Option<Progress>, Error> {
        let name = self
            .segment()
            .map(|segment| segment.uri.split(['?', '#']).next().unwrap_or_default().to_owned())
            .unwrap_or_default();
        let Some(run) = &mut self.run else { return Ok(None) };
        match (shared.open)(&run.window, &name)? {
            Probe::Demuxer(demux) => {
                run.demux = Some(demux);
                Ok(None)
            }
            Probe::More { .. } if run.window.ended() || run.window.len() > PROBE_BYTES => {
                Err(Error::new(ErrorKind::Content, "A segment is of an unknown format."))
            }
            Probe::More { .. } => self.fill(cx),
        }
    }

    /// Moves what has arrived of the segment into the run.
    fn fill(&mut self, cx: &mut Cx<'_>) -> Result<Option<Progress>, Error> {
        let Some(run) = &mut self.run else { return Ok(None) };
        let Some(reader) = &mut run.reader else { return Ok(Some(Progress::Boundary)) };
        if !run.headed {
            let (bytes, ended) = (reader.window().from(0).unwrap_or_default(), reader.window().ended());
            match packed::head(bytes, ended) {
                Head::Unknown => {
                    reader.need(0, bytes.len() + 1, cx.shim)?;
                    reader.poll(cx.now, cx.shim)?;
                    return Ok(Some(Progress::Idle));
                }
                Head::Plain => {}
                Head::Timestamp { len, pts_us } => {
                    reader.need(len as u64, 1, cx.shim)?;
                    reader.poll(cx.now, cx.shim)?;
                    run.packed_us.get_or_insert(pts_us);
                }
            }
            run.headed = true;
        }
        if reader.pour(&mut run.window) {
            return Ok(None);
        }
        if reader.window().ended() {
            let measured = reader.take_transfer();
            self.transfer = measured.map(|t| (t.bytes, t.last_byte_us.saturating_sub(t.first_byte_us)));
            run.reader = None;
            self.next += 1;
            return Ok(Some(Progress::Boundary));
        }
        reader.poll(cx.now, cx.shim)?;
        Ok(Some(Progress::Idle))
    }

    fn map_tracks(&mut self, tracks: &[Track], announced: bool, cx: &mut Cx<'_>) {
        let Some(run) = &mut self.run else { return };
        let (mut video, mut audio) = (self.ids.video, 0);
        for track in tracks {
            let id = match track.kind {
                Kind::Video(_) => video.take(),
                Kind::Audio(_) if audio < self.ids.most_audio => {
                    audio += 1;
                    self.ids.audio.map(|first| first + audio - 1)
                }
                _ => None,
            };
            let Some(id) = id else { continue };
            run.map.push((track.id, id));
            let track = Track { id, ..track.clone() };
            match self.tracks.iter_mut().find(|known| known.id == id) {
                None => {
                    // The stream was opened with the configuration of another rendition.
                    if announced {
                        cx.feeds.configure(&track);
                    }
                    self.tracks.push(track);
                }
                Some(known) => {
                    if !same_format(known, &track) {
                        cx.feeds.configure(&track);
                        *known = track;
                    }
                }
            }
        }
    }

    fn sample(&mut self, mut sample: Sample, announced: bool, shared: &mut Shared, cx: &mut Cx<'_>) {
        let Some(run) = &mut self.run else { return };
        let Some((_, id)) = run.map.iter().find(|(theirs, _)| *theirs == sample.track) else { return };
        cx.budget.spend(sample.data.len());
        let packed_us = run.packed_us.unwrap_or(0);
        // The other tracks may begin a little earlier.
        let start_us = run.demux.as_ref().map_or(sample.pts_us, |demux| demux.start_us());
        let near = (0..SECOND_US).contains(&sample.pts_us.saturating_sub(start_us));
        let first_us = if near { start_us } else { sample.pts_us }.saturating_add(packed_us);
        let offset_us = *run.offset_us.get_or_insert_with(|| {
            packed_us.saturating_add(shared.lines.offset(run.line, first_us, run.at_us))
        });
        sample.track = *id;
        sample.pts_us = sample.pts_us.saturating_add(offset_us);
        sample.dts_us = sample.dts_us.saturating_add(offset_us);
        if self.missed(&sample) {
            if let Some(mut reader) = self.run.take().and_then(|run| run.reader) {
                reader.close(cx.shim);
            }
            return;
        }
        if announced {
            self.fresh = false;
            let ids = self.track_ids();
            cx.feeds.push(sample, Some(&ids));
        } else {
            self.held = Some(sample);
        }
    }

    /// Whether the playlist's times led a seek past its target; then the segment before is next.
    fn missed(&mut self, sample: &Sample) -> bool {
        let Some((target_us, steps)) = self.target else { return false };
        let decides = self.ids.video.is_none() || Some(sample.track) == self.ids.video;
        if !decides || !sample.key {
            return false;
        }
        let missed = sample.pts_us > target_us && self.next > 0 && steps < MOST_STEPS_BACK;
        self.target = missed.then_some((target_us, steps + 1));
        if missed {
            self.next -= 1;
        }
        missed
    }
}

fn part(range: ByteRange) -> Part {
    Part { start: range.offset, len: range.length }
}

fn open(segment: &Segment) -> Reader {
    Reader::whole(&segment.uri, segment.byte_range.map(part), WINDOW_BYTES)
}
