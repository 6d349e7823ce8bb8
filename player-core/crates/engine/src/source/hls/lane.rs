//! The segments of one stream, read one after the other and demuxed as one resource.
//!
//! A *run* is a row of segments that continue each other (same playlist, initialisation section and discontinuity sequence): its
//! demuxer sees them as one file. What breaks the row (a discontinuity, another variant, a seek) ends the run, so that demuxers need no
//! notion of segments, and packets that reach over a segment's end come out whole.

mod reading;

use std::sync::Arc;

use kinora_demux::{Demux, Sample, Track, Window};
use kinora_manifest::{ByteRange, Init, Segment, Variables};
use kinora_time::{HostUs, MediaUs, SECOND_US};

use super::lines::Lines;
use super::listing::Listing;
use super::timetable::Timetable;
use crate::error::{Error, ErrorKind};
use crate::event::NetChange;
use crate::shim::Shim;
use crate::source::reader::Part;
use crate::source::{Cx, Download, OpenContainer, Reader};

/// Bytes of a segment on their way.
const WINDOW_BYTES: u64 = 1 << 20;
/// An initialisation section holds a header without samples.
const INIT_BYTES: usize = 1 << 20;
/// Times of live playlists may be so far off before they are corrected: what a demuxer holds back at the end of a segment is less.
const TOLERANCE_US: MediaUs = 500_000;
/// Times the newest segment of a live playlist is asked for again, half a target duration apart, since it may be named before it is there.
const MOST_TRIES: u32 = 2;

/// Where a lane stands.
pub(super) enum Progress {
    /// Waits for bytes, or for a track to be hungry.
    Idle,
    /// At the end of a segment, with another one there: [`Lane::advance`] goes on, after [`Lane::change`] with another variant.
    Boundary,
    /// The segment to read next has left the window of a live playlist.
    Behind,
    /// Segment `next` cannot be had.
    Failed(Error),
}

/// What all lanes of a presentation share.
pub(super) struct Shared {
    pub(super) open: OpenContainer,
    pub(super) lines: Lines,
    /// For media playlists.
    pub(super) variables: Variables,
}

/// See the [module](self).
pub(super) struct Lane {
    listing: Listing,
    /// Number of the segment to read next, or being read.
    next: u64,
    run: Option<Run>,
    init: Option<(Arc<Init>, Vec<u8>)>,
    init_download: Option<Download>,
    /// A seek's target until the first key frame shows that it was met, and how often it was not.
    target: Option<(MediaUs, usize)>,
    /// After a change of a live variant: pictures up to this decode time have been read.
    past_dts: Option<MediaUs>,
    /// Decode time of the last picture, and the end of what has been read without a break.
    last_dts: Option<MediaUs>,
    read_to_us: Option<MediaUs>,
    /// Ids of the tracks of this lane, by kind: the first video, then the audio tracks.
    ids: Ids,
    /// The tracks as the feeds know them.
    tracks: Vec<Track>,
    /// The first sample, kept until the tracks are announced.
    held: Option<Sample>,
    /// Bytes and time of a finished segment.
    transfer: Option<(u64, HostUs)>,
    error: Option<Error>,
    /// When a missing segment is asked for again, and how often it was.
    retry_at: Option<HostUs>,
    tries: u32,
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
    init: Option<Arc<Init>>,
    at_us: MediaUs,
    /// Timestamp of a packed segment, and the demuxer's time it stands for.
    packed_us: Option<MediaUs>,
    offset_us: Option<MediaUs>,
    /// The demuxer's track ids and ours.
    map: Vec<(u32, u32)>,
}

impl Lane {
    /// Reads from the segment that holds `begin_us`, playlist time.
    pub(super) fn new(listing: Listing, begin_us: MediaUs, ids: Ids) -> Self {
        let table = listing.table();
        Lane {
            next: table.sequence(table.index_of(begin_us)),
            listing,
            run: None,
            init: None,
            init_download: None,
            target: None,
            past_dts: None,
            last_dts: None,
            read_to_us: None,
            ids,
            tracks: Vec::new(),
            held: None,
            transfer: None,
            error: None,
            retry_at: None,
            tries: 0,
            ended: false,
            fresh: true,
        }
    }

    pub(super) fn table(&self) -> &Timetable {
        self.listing.table()
    }

    /// Why nothing more is to be expected, for when nothing is left to play.
    pub(super) fn trouble(&self, now: HostUs) -> Option<Error> {
        self.listing.trouble(now).filter(|_| self.waits())
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

    /// The place of segment `next`: the end of the table while it is to come, none when it has left the window.
    fn index(&self) -> Option<usize> {
        self.table().find(self.next)
    }

    fn segment(&self) -> Option<&Segment> {
        self.table().segment(self.index()?)
    }

    /// Playlist time of segment `next`.
    fn at_us(&self) -> MediaUs {
        self.table().start_us(self.index().unwrap_or(0))
    }

    /// Whether the next segment is not there yet.
    fn waits(&self) -> bool {
        self.table().is_live() && self.index() == Some(self.table().len())
    }

    pub(super) fn is_behind(&self) -> bool {
        self.table().is_live() && self.index().is_none()
    }

    /// Loads the playlist anew when it is due.
    pub(super) fn reload(&mut self, shared: &Shared, now: HostUs, shim: &mut dyn Shim) {
        let base_us = shared.lines.base_us().unwrap_or(0);
        let stands_us = self.read_to_us.map_or(self.at_us(), |to_us| to_us.saturating_sub(base_us));
        if self.listing.poll(stands_us, &shared.variables, now, shim) {
            // What is being read of the old ones may not come to its end any more.
            self.stop(shim);
            self.go_live();
        }
    }

    /// Goes on at the live position, playlist time.
    pub(super) fn go_live(&mut self) -> MediaUs {
        self.next = self.table().sequence(self.table().live_index());
        self.at_us()
    }

    /// Goes on from the segment that holds `to_us`, playlist time. If that has left the window of a live playlist the lane is behind.
    pub(super) fn seek(&mut self, to_us: MediaUs, base_us: MediaUs, shim: &mut dyn Shim) {
        let table = self.table();
        let gone = table.is_live() && to_us.saturating_add(TOLERANCE_US) < table.start_us(0);
        let first = table.sequence(0);
        let next = if gone { first.wrapping_sub(1) } else { table.sequence(table.index_of(to_us)) };
        if self.fresh && self.held.is_some() && next == self.next && self.run.is_some() {
            return;
        }
        self.stop(shim);
        self.fresh = false;
        self.next = next;
        self.target = Some((base_us.saturating_add(to_us), 0));
    }

    /// Goes on with the playlist of another variant, where this one stands. Only at a boundary.
    pub(super) fn change(&mut self, listing: Listing, base_us: Option<MediaUs>, shim: &mut dyn Shim) {
        let at_us = self.at_us();
        self.listing.close(shim);
        self.listing = listing;
        self.next = self.table().sequence(self.table().index_from(at_us));
        self.init = None;
        if let (true, Some(base_us)) = (self.table().is_live(), base_us) {
            // Its place may have been guessed: timestamps tell.
            self.target = Some((base_us.saturating_add(at_us).saturating_add(TOLERANCE_US), 0));
            self.past_dts = self.last_dts;
        }
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

    /// Lets go of everything.
    pub(super) fn close(&mut self, shim: &mut dyn Shim) {
        self.stop(shim);
        self.listing.close(shim);
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
        self.retry_at = None;
        self.ended = false;
        (self.past_dts, self.last_dts, self.read_to_us) = (None, None, None);
    }

    pub(super) fn wake_us(&self, after: HostUs) -> Option<HostUs> {
        let reader =
            self.run.as_ref().and_then(|run| run.reader.as_ref()).and_then(|reader| reader.wake_us(after));
        let init = self.init_download.as_ref().and_then(|download| download.wake_us(after));
        let retry = self.retry_at.filter(|at| *at > after);
        [reader, init, retry, self.listing.wake_us(after)].into_iter().flatten().min()
    }

    pub(super) fn net(&mut self, ticket: u64, change: &NetChange, now: HostUs, shim: &mut dyn Shim) -> bool {
        if self.listing.net(ticket, change, now, shim) {
            return true;
        }
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
                return self.failed(error, cx);
            }
            let wanted = if announced { cx.feeds.hungry(Some(&ids)) } else { self.held.is_none() };
            let later = self.retry_at.is_some_and(|at| cx.now < at);
            if !wanted || later || cx.budget.is_spent() || self.ended {
                return Progress::Idle;
            }
            self.retry_at = None;
            if let Some(sample) = self.held.take_if(|_| announced) {
                self.fresh = false;
                cx.feeds.push(sample, Some(&ids));
            }
            let outcome = if self.run.is_some() { self.step(announced, shared, cx) } else { self.begin(cx) };
            match outcome {
                Ok(None) => {}
                Ok(Some(progress)) => {
                    if matches!(progress, Progress::Boundary) {
                        self.correct(&shared.lines);
                    }
                    return progress;
                }
                Err(error) => return self.failed(error, cx),
            }
        }
    }

    /// Gives a segment up, unless it may only be late.
    fn failed(&mut self, error: Error, cx: &mut Cx<'_>) -> Progress {
        let newest =
            self.table().is_live() && self.index().is_some_and(|index| index + 1 == self.table().len());
        if !newest || error.kind != ErrorKind::NotFound || self.tries == MOST_TRIES {
            self.tries = 0;
            return Progress::Failed(error);
        }
        self.stop(cx.shim);
        self.tries += 1;
        let wait = self.table().playlist().target_duration_us.max(SECOND_US) as HostUs / 2;
        self.retry_at = Some(cx.now.saturating_add(wait));
        Progress::Idle
    }

    /// Starts a run with segment `next`.
    fn begin(&mut self, cx: &mut Cx<'_>) -> Result<Option<Progress>, Error> {
        while self.segment().is_some_and(|segment| segment.gap) {
            self.next += 1;
        }
        if self.is_behind() {
            return Ok(Some(Progress::Behind));
        }
        let Some(segment) = self.segment() else {
            if self.waits() {
                cx.feeds.wait(&self.track_ids());
                return Ok(Some(Progress::Idle));
            }
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
        let (Some(segment), Some(line)) = (self.segment(), self.line()) else { return Ok(None) };
        self.run = Some(Run {
            window,
            demux: None,
            reader: Some(open(segment)),
            headed: false,
            line,
            init: segment.init.clone(),
            at_us: self.at_us(),
            packed_us: None,
            offset_us: None,
            map: Vec::new(),
        });
        Ok(None)
    }

    fn line(&self) -> Option<u64> {
        self.table().line(self.index()?)
    }

    /// Goes on behind a boundary: with the next segment if it continues the run, else by ending the run.
    pub(super) fn advance(&mut self) {
        if self.waits() {
            return;
        }
        let (line, segment) = (self.line(), self.segment().cloned());
        let Some(run) = &mut self.run else { return };
        match segment {
            Some(segment)
                if !run.window.ended()
                    && !segment.gap
                    && segment.key.is_none()
                    && line == Some(run.line)
                    && segment.init == run.init =>
            {
                run.reader = Some(open(&segment));
                run.headed = false;
            }
            _ => run.window.set_ended(),
        }
    }

    /// At a boundary: moves the times of a live playlist to where its media really is.
    fn correct(&mut self, lines: &Lines) {
        let (Some(base_us), Some(read_to_us), Some(index)) =
            (lines.base_us(), self.read_to_us, self.table().find(self.next))
        else {
            return;
        };
        let off_us = read_to_us.saturating_sub(base_us).saturating_sub(self.listing.table().start_us(index));
        if self.table().is_live() && off_us.saturating_abs() > TOLERANCE_US {
            self.listing.table_mut().shift(off_us);
        }
    }
}

fn part(range: ByteRange) -> Part {
    Part { start: range.offset, len: range.length }
}

fn open(segment: &Segment) -> Reader {
    Reader::whole(&segment.uri, segment.byte_range.map(part), WINDOW_BYTES)
}
