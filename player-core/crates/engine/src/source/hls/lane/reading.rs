//! From a segment's bytes to samples with their places on the line.

use kinora_demux::{Kind, Probe, Sample, Step, Track};
use kinora_time::SECOND_US;

use super::{Lane, Progress, Shared};
use crate::error::{Error, ErrorKind};
use crate::source::Cx;
use crate::source::hls::packed::{self, Head};
use crate::streams::same_format;

/// Bytes of a run kept: a segment whose tracks lie in blocks is read to and fro. The one thing for which the core may hold more than
/// 4 MiB, since what a lane has let go of it cannot get back.
const KEPT_BYTES: u64 = 8 << 20;
/// A container that cannot be told from so much of a segment is unknown.
const PROBE_BYTES: usize = 64 << 10;
/// Segments to go back when playlist and timestamps disagree about where a target lies.
const MOST_STEPS_BACK: usize = 2;

impl Lane {
    /// One step of the run's demuxer.
    pub(super) fn step(
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
        let waits = self.waits();
        let Some(run) = &mut self.run else { return Ok(None) };
        let Some(reader) = &mut run.reader else {
            if waits && !run.window.ended() {
                cx.feeds.wait(&self.track_ids());
                return Ok(Some(Progress::Idle));
            }
            return Ok(Some(Progress::Boundary));
        };
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
            self.tries = 0;
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
        if self.is_past(&sample) {
            return;
        }
        if self.missed(&sample) {
            // What was read before is not to come again.
            self.past_dts = self.last_dts;
            if let Some(mut reader) = self.run.take().and_then(|run| run.reader) {
                reader.close(cx.shim);
            }
            return;
        }
        let to_us = sample.pts_us.saturating_add(sample.duration_us.into());
        self.read_to_us = Some(self.read_to_us.map_or(to_us, |read| read.max(to_us)));
        if Some(sample.track) == self.ids.video {
            self.last_dts = Some(sample.dts_us);
        }
        if announced {
            self.fresh = false;
            let ids = self.track_ids();
            cx.feeds.push(sample, Some(&ids));
        } else {
            self.held = Some(sample);
        }
    }

    /// Whether it is a picture that the variant before brought too.
    fn is_past(&mut self, sample: &Sample) -> bool {
        let Some(past_dts) = self.past_dts.filter(|_| Some(sample.track) == self.ids.video) else {
            return false;
        };
        let past = sample.dts_us <= past_dts || !sample.key;
        if !past {
            self.past_dts = None;
        }
        past
    }

    /// Whether the playlist's times led a seek past its target; then the segment before is next.
    fn missed(&mut self, sample: &Sample) -> bool {
        let Some((target_us, steps)) = self.target else { return false };
        let decides = self.ids.video.is_none() || Some(sample.track) == self.ids.video;
        if !decides || !sample.key {
            return false;
        }
        let can_go_back = self.index().is_some_and(|index| index > 0);
        let missed = sample.pts_us > target_us && can_go_back && steps < MOST_STEPS_BACK;
        self.target = missed.then_some((target_us, steps + 1));
        if missed {
            self.next -= 1;
        }
        missed
    }
}
