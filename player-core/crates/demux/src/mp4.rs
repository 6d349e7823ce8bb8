//! ISO base media files (MP4, QuickTime, fragmented MP4 and CMAF): ISO/IEC 14496-12, -14 and -15, and the QuickTime File Format.
//!
//! Samples come lowest file offset first, unless decode times of the tracks drift more than a second apart: then the lowest
//! decode time is first, wherever it lies, and the owner may have to read back. FFmpeg orders them likewise, and is the reference
//! for everything the standards leave open: edit lists, damaged tables, audio that begins before its edit.

mod audio_entry;
mod boxes;
mod edit;
mod fragment;
mod index;
mod movie;
mod queue;
mod sample_entry;
mod sample_table;
mod seek;
#[cfg(test)]
mod tests;
mod video_entry;

use crate::issues::Issues;
use crate::{Cue, Demux, Error, Kind, Sample, Step, TextFormat, Track, Window};
use boxes::{Boxes, Header};
use index::Index;
use queue::Queue;
use seek::Seek;

/// Longest `moov`: the sample tables of days of media.
const MAX_MOOV_LEN: u64 = 64 << 20;
/// Longest `moof`, `sidx` and `mfra`.
const MAX_INDEX_LEN: u64 = 16 << 20;
/// Boxes passed over in one step.
const BOXES_PER_STEP: usize = 64;

/// The demuxer.
///
/// [`Mp4::new`] is for a file. For segmented streams (HLS, DASH) take [`Mp4::segments`] and feed the initialisation segment and
/// then media segments: either all through one window, one after the other, or with a call to [`Mp4::restart_segment`]
/// whenever the next bytes are another segment's.
#[derive(Debug, Default)]
pub struct Mp4 {
    /// The resource is not a file that has an end to look at.
    segmented: bool,
    /// Offset of the next top-level box.
    at: u64,
    tracks: Vec<Track>,
    queues: Vec<Queue>,
    states: Vec<fragment::State>,
    has_movie: bool,
    fragmented: bool,
    /// Where the fragments may begin.
    fragments_at: u64,
    index: Index,
    seek: Option<Seek>,
    /// Whether the end of the file was searched for a random access index.
    looked_for_mfra: bool,
    has_mfra: bool,
    /// The tracks are to be reported.
    announce: bool,
    announced: bool,
    start_us: Option<i64>,
    end_us: Option<i64>,
    /// Duration that the file states for its fragments.
    stated_duration_us: Option<i64>,
    failed: bool,
    issues: Issues,
}

/// Whether a resource begins with a box of an ISO base media or QuickTime file; not so a still picture (HEIF, JPEG XL).
pub(crate) fn sniff(head: &[u8]) -> bool {
    let Ok(Some(header)) = Header::parse(head) else { return false };
    let brand = head.get(8..12).unwrap_or_default();
    match &header.kind {
        b"ftyp" => !matches!(brand, b"avif" | b"heic" | b"heix" | b"mif1" | b"jxl " | b"jp2 "),
        b"styp" | b"moov" | b"moof" | b"mdat" | b"sidx" | b"ssix" | b"emsg" | b"prft" | b"free" | b"skip"
        | b"wide" | b"pnot" | b"udta" | b"uuid" | b"junk" | b"pict" => true,
        _ => false,
    }
}

/// What the walk over top-level boxes came to.
enum Walk {
    /// Further boxes, or samples, may follow.
    On,
    More(Step),
    End,
}

impl Mp4 {
    /// A demuxer at offset 0.
    pub fn new() -> Self {
        Mp4::default()
    }

    /// A demuxer at offset 0 of segments: it never looks for an index or the duration at the end.
    pub fn segments() -> Self {
        Mp4 { segmented: true, ..Mp4::default() }
    }

    /// Goes on at a box at `at`, of another segment: what was read of the one before is forgotten, the tracks are kept. Times
    /// go on as the segment says (`tfdt`). Also after [`Step::End`], for which the end of the window that held the segment before
    /// is taken.
    pub fn restart_segment(&mut self, at: u64) {
        self.at = at;
        self.seek = None;
        self.queues.iter_mut().for_each(Queue::clear);
        self.states.iter_mut().for_each(|state| state.last_dts = None);
    }

    /// Passes over or reads the box at `self.at`.
    fn walk(&mut self, window: &Window) -> Result<Walk, Error> {
        let more = |at, least| Walk::More(Step::More { at, least });
        let Some(bytes) = window.from(self.at) else {
            let beyond = window.ended() && self.at > window.end()
                || window.total().is_some_and(|total| self.at >= total);
            return Ok(if beyond { Walk::End } else { more(self.at, 8) });
        };
        let header = match Header::parse(bytes) {
            Ok(Some(header)) => header,
            Err(_) if window.ended() => return Ok(Walk::End),
            Err(least) => return Ok(more(self.at, least)),
            Ok(None) if self.has_movie => {
                self.issues.push(|| format!("no box at offset {}", self.at));
                return Ok(Walk::End);
            }
            Ok(None) => return Err(Error::Damaged(format!("no box at offset {}", self.at))),
        };
        let limit = match &header.kind {
            b"moov" => MAX_MOOV_LEN,
            b"moof" | b"sidx" => MAX_INDEX_LEN,
            _ => {
                let next =
                    header.body_len.and_then(|len| self.at.checked_add(header.header_len)?.checked_add(len));
                let Some(next) = next else { return Ok(Walk::End) };
                self.at = next;
                return Ok(Walk::On);
            }
        };
        let len = match header.body_len {
            Some(len) => len,
            None if window.ended() => bytes.len() as u64 - header.header_len,
            None => return Ok(more(self.at, bytes.len() + 1)),
        };
        if len > limit {
            return Err(Error::Limit(format!("a {} box of {len} bytes", boxes::name(header.kind))));
        }
        let whole = (header.header_len + len) as usize;
        let Some(body) = bytes.get(header.header_len as usize..whole) else {
            if !window.ended() {
                return Ok(more(self.at, whole));
            }
            if header.kind == *b"moov" {
                return Err(Error::Damaged("the file ends inside its movie header".into()));
            }
            self.issues.push(|| format!("the file ends inside a {} box", boxes::name(header.kind)));
            return Ok(Walk::End);
        };
        let at = self.at;
        self.at += whole as u64;
        match &header.kind {
            b"moov" => self.read_movie(body, at, window.total())?,
            b"moof" => self.read_fragment(body, at, window.total())?,
            _ => self.read_segment_index(body),
        }
        Ok(Walk::On)
    }

    fn read_movie(&mut self, body: &[u8], at: u64, total: Option<u64>) -> Result<(), Error> {
        let movie = movie::parse(body, total, &mut self.issues)?;
        // A second movie box opens another initialisation segment; in a plain file it is a stray.
        if self.has_movie && !movie.fragmented {
            return Ok(());
        }
        let tracks: Vec<Track> = movie.tracks.iter().map(|track| track.info.clone()).collect();
        let changed = !self.has_movie || tracks != self.tracks;
        // The first samples may be in the movie box itself, and the fragments go on from there.
        let has_samples = movie.tracks.iter().any(|track| !track.entries.is_empty());
        self.fragments_at = if has_samples { at } else { self.at };
        self.has_movie = true;
        self.fragmented = movie.fragmented;
        self.stated_duration_us = movie.fragments_duration_us.filter(|&duration| duration > 0);
        self.tracks = tracks;
        self.states = movie.tracks.iter().map(|track| track.fragments.clone()).collect();
        self.queues = movie.tracks.into_iter().map(Queue::new).collect();
        self.extend_span();
        // Without samples the start is told by the first fragment.
        self.announce |= changed && (self.start_us.is_some() || !self.fragmented);
        if has_samples {
            self.note_point(at, &[]);
        } else {
            self.index.add_read(self.at, i64::MIN, self.states.iter().map(|state| state.end));
        }
        Ok(())
    }

    /// Adds the box just read to the index, if it has samples, with the decode times before them.
    fn note_point(&mut self, at: u64, decode_times: &[i64]) {
        if let Some(first) = self.primary().and_then(|i| self.queues[i].first_pts_us()) {
            self.index.add_read(at, first, decode_times.iter().copied());
        }
    }

    /// Takes in the span of the samples that have just been queued.
    fn extend_span(&mut self) {
        let spans =
            self.queues.iter().zip(&self.tracks).filter(|(_, track)| !matches!(track.kind, Kind::Text(_)));
        for (start, end) in spans.filter_map(|(queue, _)| queue.span_us()).collect::<Vec<_>>() {
            self.start_us = Some(self.start_us.map_or(start, |s| s.min(start)));
            self.end_us = Some(self.end_us.map_or(end, |e| e.max(end)));
        }
    }

    fn read_fragment(&mut self, body: &[u8], at: u64, total: Option<u64>) -> Result<(), Error> {
        if !self.has_movie {
            return Err(Error::Damaged("a fragment before any movie header".into()));
        }
        let decode_times: Vec<i64> = self.states.iter().map(|state| state.end).collect();
        let fragments = fragment::parse(body, at, total, &mut self.states, &mut self.issues);
        self.queues.iter_mut().for_each(Queue::clear);
        for fragment in fragments {
            if let Some(i) = self.tracks.iter().position(|t| t.id == fragment.track) {
                self.queues[i].extend(fragment.entries);
            }
        }
        self.note_point(at, &decode_times);
        let first = self.start_us.is_none();
        self.extend_span();
        self.announce |= first && self.start_us.is_some();
        Ok(())
    }

    fn read_segment_index(&mut self, body: &[u8]) {
        let Some(primary) = self.primary() else { return };
        let offset_us =
            kinora_time::ticks_to_us(self.states[primary].time_offset, self.queues[primary].timescale());
        let to_us = |ticks, timescale| kinora_time::ticks_to_us(ticks, timescale).saturating_sub(offset_us);
        // One about another track says nothing new; a damaged one is used as far as it goes.
        let _ = self.index.add_sidx(body, self.at, self.tracks[primary].id, to_us);
    }

    /// The track that seeks go by.
    fn primary(&self) -> Option<usize> {
        let of = |wanted: fn(&Kind) -> bool| self.tracks.iter().position(|track| wanted(&track.kind));
        of(|kind| matches!(kind, Kind::Video(_)))
            .or_else(|| of(|kind| matches!(kind, Kind::Audio(_))))
            .or_else(|| of(|_| true))
    }

    /// The track whose sample is next.
    fn next_track(&self) -> Option<usize> {
        let mut best: Option<(usize, u64, i64)> = None;
        for (i, queue) in self.queues.iter().enumerate() {
            let Some((offset, dts_us)) = queue.peek() else { continue };
            let better = best.is_none_or(|(_, best_offset, best_dts)| {
                if best_dts.abs_diff(dts_us) <= kinora_time::SECOND_US as u64 {
                    offset < best_offset
                } else {
                    dts_us < best_dts
                }
            });
            if better {
                best = Some((i, offset, dts_us));
            }
        }
        best.map(|(i, ..)| i)
    }

    /// The next sample of a track; none when it was left out.
    fn take_sample(&mut self, i: usize, window: &Window) -> Option<Step> {
        let queue = &mut self.queues[i];
        let entry = *queue.next_entry()?;
        if let Some(description) = queue.switch_description(&entry) {
            let track = &mut self.tracks[i];
            description.apply_to(track);
            return Some(Step::Tracks);
        }
        let Some(data) = window.get(entry.offset, entry.size as usize) else {
            let end = entry.offset.saturating_add(u64::from(entry.size));
            if window.ended() && end > window.end() && entry.offset >= window.start()
                || window.total().is_some_and(|t| end > t)
            {
                queue.clear();
                self.issues
                    .push(|| format!("track {} goes on beyond the end of the file", self.tracks[i].id));
                return None;
            }
            return Some(Step::More { at: entry.offset, least: entry.size as usize });
        };
        let times = queue.times(&entry);
        let form = queue.form();
        queue.advance();
        let track = &self.tracks[i];
        if let Kind::Text(format) = track.kind {
            let empty = match format {
                TextFormat::WebVttBoxes => !Boxes(data).any(|(kind, _)| kind == *b"vttc"),
                _ => data.len() <= 2 || data.starts_with(&[0, 0]),
            };
            let cue = Cue {
                track: track.id,
                start_us: times.pts_us,
                duration_us: times.duration_us,
                data: data.to_vec(),
            };
            return (!empty).then_some(Step::Cue(cue));
        }
        let (data, dropped) = queue::convert(data.to_vec(), form);
        if dropped > 0 {
            self.issues
                .push(|| format!("track {} at {} us: {dropped} bytes are damaged", track.id, times.pts_us));
            if data.is_empty() {
                return None;
            }
        }
        Some(Step::Sample(Sample {
            track: self.tracks[i].id,
            pts_us: times.pts_us,
            dts_us: times.dts_us,
            duration_us: times.duration_us,
            key: entry.key,
            decode_only: entry.hidden,
            trim: times.trim,
            data,
        }))
    }

    fn advance(&mut self, window: &Window) -> Result<Step, Error> {
        for _ in 0..BOXES_PER_STEP {
            if self.seek.is_some() {
                match self.advance_seek(window)? {
                    Walk::On => continue,
                    Walk::More(step) => return Ok(step),
                    Walk::End => (),
                }
            }
            if self.announce && self.lacks_duration(window) {
                self.start_measuring();
                continue;
            }
            if std::mem::take(&mut self.announce) {
                self.announced = true;
                return Ok(Step::Tracks);
            }
            if let Some(i) = self.next_track() {
                match self.take_sample(i, window) {
                    Some(step) => return Ok(step),
                    None => continue,
                }
            }
            if self.has_movie && !self.fragmented {
                return Ok(Step::End);
            }
            match self.walk(window)? {
                Walk::On => (),
                Walk::More(step) => return Ok(step),
                Walk::End if !self.has_movie => return Err(Error::Damaged("no movie header (moov)".into())),
                Walk::End if !self.announced => self.announce = true,
                Walk::End => {
                    if !self.segmented {
                        self.index.end_us = self.index.end_us.max(self.end_us);
                    }
                    return Ok(Step::End);
                }
            }
        }
        let next = self.next_track().and_then(|i| self.queues[i].peek());
        Ok(Step::More { at: next.map_or(self.at, |(offset, _)| offset), least: 1 })
    }
}

impl Demux for Mp4 {
    fn step(&mut self, window: &Window) -> Result<Step, Error> {
        if self.failed {
            return Ok(Step::End);
        }
        let result = self.advance(window);
        self.failed = result.is_err();
        result
    }

    fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    fn start_us(&self) -> i64 {
        self.start_us.unwrap_or(0)
    }

    fn duration_us(&self) -> Option<i64> {
        let start = self.start_us?;
        if !self.fragmented {
            return Some(self.end_us?.saturating_sub(start));
        }
        self.index.end_us.map(|end| end.saturating_sub(start)).or(self.stated_duration_us)
    }

    fn seekable(&self) -> bool {
        self.has_movie
    }

    fn seek(&mut self, to_us: i64) {
        self.start_seek(to_us);
    }

    fn take_issues(&mut self) -> Vec<String> {
        self.issues.take()
    }
}
