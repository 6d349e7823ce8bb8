//! Ogg (RFC 3533) with Opus (RFC 7845), Vorbis and FLAC. Streams side by side are tracks; streams one after another (a chain)
//! go on in time where the ones before ended.

mod mapping;
mod page;
mod stream;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use kinora_bytes::Window;
use kinora_time::us_to_ticks;

use crate::bisection::Bisection;
use crate::issues::Issues;
use crate::{Codec, Demux, Error, Sample, Step, Track};
use page::{Page, Parsed};
use stream::Stream;

/// Streams side by side: real files have a handful.
const MAX_STREAMS: usize = 32;
/// Bytes in which pages must begin.
const MAX_GARBAGE: u64 = 1 << 20;
/// Bytes before the end in which the last pages are looked for.
const END_BYTES: u64 = 256 << 10;
/// A search that has come down to this many bytes gives way to reading them: a page and what comes before it.
const NEAR_BYTES: u64 = 128 << 10;
/// Samples that wait for the headers of other streams.
const MAX_WAITING: usize = 1024;
/// Bytes of damage that a step looks through.
const MAX_DAMAGE: usize = 4 << 20;
/// Pages a step handles.
const STEP_PAGES: usize = 256;

/// Whether `head` begins an Ogg file.
pub(crate) fn sniff(head: &[u8]) -> bool {
    head.starts_with(b"OggS\0")
}

/// Demuxes an Ogg file.
pub struct Ogg {
    pos: u64,
    streams: Vec<Stream>,
    tracks: Vec<Track>,
    announced: bool,
    ready: VecDeque<Step>,
    /// Place of the first page with sound: where a seek to the beginning goes.
    first: Option<u64>,
    start_us: Option<i64>,
    /// End of the sound read so far: a chained stream begins there.
    end_us: i64,
    duration_us: Option<i64>,
    total: Option<u64>,
    search: Option<Search>,
    garbage: u64,
    done: bool,
    issues: Issues,
}

/// Reading elsewhere.
enum Search {
    /// The last granule position, for the duration.
    End { resume: u64, latest_us: Option<i64> },
    /// The page around a granule position of the stream with that serial number.
    Place { serial: u32, bisection: Bisection },
}

impl Default for Ogg {
    fn default() -> Self {
        Ogg::new()
    }
}

impl Ogg {
    /// A demuxer at the start of a file.
    pub fn new() -> Self {
        Ogg {
            pos: 0,
            streams: Vec::new(),
            tracks: Vec::new(),
            announced: false,
            ready: VecDeque::new(),
            first: None,
            start_us: None,
            end_us: 0,
            duration_us: None,
            total: None,
            search: None,
            garbage: 0,
            done: false,
            issues: Issues::default(),
        }
    }

    /// The page at or behind `pos`, and its place; `None` at the end.
    fn next_page<'w>(&mut self, window: &'w Window) -> Result<Option<(Page<'w>, u64)>, Result<Step, Error>> {
        let mut work = 0;
        loop {
            let bytes = window.from(self.pos).unwrap_or_default();
            let ended = window.ended() && window.start() <= self.pos;
            let missing = match Page::parse(bytes) {
                Parsed::Page(page) => {
                    let at = self.pos;
                    self.pos += page.len as u64;
                    self.garbage = 0;
                    return Ok(Some((page, at)));
                }
                Parsed::TooShort(_) if ended && bytes.is_empty() => return Ok(None),
                Parsed::TooShort(least) if !ended => return Err(Ok(Step::More { at: self.pos, least })),
                _ => bytes.iter().skip(1).position(|&b| b == b'O').map_or(bytes.len(), |at| at + 1),
            };
            if self.garbage == 0 && self.search.is_none() {
                let at = self.pos;
                self.issues.push(|| format!("no page at byte {at}: searching for the next"));
            }
            // What passes for a page may be long, and its checksum wrong.
            work += missing.max(bytes.len().min(page::MAX_LEN));
            if work > MAX_DAMAGE {
                return Err(Ok(Step::More { at: self.pos, least: 1 }));
            }
            self.pos += missing as u64;
            self.garbage += missing as u64;
            if !self.announced && self.garbage > MAX_GARBAGE {
                return Err(Err(Error::Unrecognised("no Ogg pages".into())));
            }
        }
    }

    fn take_page(&mut self, page: &Page, at: u64) {
        if page.begins {
            self.begin_stream(page.serial);
        }
        let Some(index) = self.streams.iter().position(|s| s.serial == page.serial) else { return };
        let mut out = Vec::new();
        if self.streams[index].push(page, &mut out) {
            self.issues.push(|| format!("pages are missing before byte {at}"));
        }
        if out.is_empty() {
            return;
        }
        self.first.get_or_insert(at);
        let start_us = out.iter().map(heard_us).min();
        if !self.announced {
            self.start_us = self.start_us.into_iter().chain(start_us).min();
        }
        let end_us = out.last().map_or(0, |s| s.pts_us.saturating_add(s.duration_us.into()));
        self.end_us = self.end_us.max(end_us);
        self.ready.extend(out.into_iter().map(Step::Sample));
    }

    /// A stream begins: beside those that have only begun too, or after those that have given samples.
    fn begin_stream(&mut self, serial: u32) {
        if self.first.take().is_some() {
            // A chain's next link: its tracks take the ids of the ones before, and come with its first samples.
            self.streams.clear();
            self.announced = false;
        }
        if self.streams.iter().any(|s| s.serial == serial) {
            return;
        }
        if self.streams.len() < MAX_STREAMS {
            let track = self.streams.len() as u32 + 1;
            self.streams.push(Stream::new(serial, track, self.end_us));
        }
    }

    fn update_tracks(&mut self) {
        let tracks =
            self.streams.iter().filter(|s| s.is_ready()).filter_map(|s| s.headers.as_ref()?.track(s.track));
        self.tracks = tracks.collect();
        if let Some(first) = self.tracks.iter_mut().find(|t| t.codec != Codec::Other) {
            first.default = true;
        }
    }

    /// Announces the tracks, behind a look at the end if there is one.
    fn announce(&mut self) -> Result<(), Error> {
        self.update_tracks();
        if self.tracks.iter().all(|t| t.codec == Codec::Other) {
            return Err(Error::Unsupported("Ogg without Opus, Vorbis or FLAC".into()));
        }
        self.announced = true;
        self.ready.push_front(Step::Tracks);
        Ok(())
    }

    fn end_search(&mut self, search: Search) -> Result<(), Error> {
        match search {
            Search::End { resume, latest_us } => {
                self.pos = resume;
                let start_us = self.start_us.unwrap_or(0);
                self.duration_us = latest_us.map(|latest| latest.saturating_sub(start_us).max(0));
                self.announce()
            }
            Search::Place { serial, mut bisection } => {
                bisection.found(None);
                self.look(serial, bisection);
                Ok(())
            }
        }
    }

    /// Goes to the next place of a search, or to where it came down.
    fn look(&mut self, serial: u32, mut bisection: Bisection) {
        match bisection.aim(NEAR_BYTES) {
            Some(at) => {
                self.pos = at;
                self.search = Some(Search::Place { serial, bisection });
            }
            None => self.go_to(bisection.low()),
        }
    }

    fn go_to(&mut self, at: u64) {
        self.pos = at;
        self.search = None;
        let start = self.first.is_none_or(|first| at <= first);
        self.streams.iter_mut().for_each(|stream| stream.reset(start));
    }

    /// A page seen while searching.
    fn peek(&mut self, page: &Page, at: u64) {
        let stream = self.streams.iter().find(|s| s.serial == page.serial && s.is_played());
        let time_us = |granule| stream.map(|s| s.time_us(granule));
        match self.search.take() {
            Some(Search::End { resume, latest_us }) => {
                let latest_us = latest_us.max(page.granule.and_then(time_us));
                self.search = Some(Search::End { resume, latest_us });
            }
            Some(Search::Place { serial, mut bisection }) => {
                if at >= bisection.high() {
                    bisection.found(None);
                    self.look(serial, bisection);
                } else if let Some(granule) = page.granule.filter(|_| page.serial == serial) {
                    bisection.found(Some((at, granule)));
                    self.look(serial, bisection);
                } else {
                    self.search = Some(Search::Place { serial, bisection });
                }
            }
            None => {}
        }
    }

    fn advance(&mut self, window: &Window) -> Result<Step, Error> {
        for _ in 0..STEP_PAGES {
            if self.announced && self.search.is_none() {
                // A stream whose headers came after the tracks were told has none.
                let known = |step: &Step| match step {
                    Step::Sample(sample) => self.tracks.iter().any(|track| track.id == sample.track),
                    _ => true,
                };
                while let Some(step) = self.ready.pop_front() {
                    if known(&step) {
                        return Ok(step);
                    }
                }
            }
            if self.done {
                return Ok(Step::End);
            }
            let page = match self.next_page(window) {
                Ok(page) => page,
                Err(answer) => return answer,
            };
            let Some((page, at)) = page else {
                match self.search.take() {
                    Some(search) => self.end_search(search)?,
                    None => {
                        self.done = true;
                        if !self.announced {
                            self.announce()?;
                        }
                    }
                }
                continue;
            };
            if self.search.is_some() {
                self.peek(&page, at);
                continue;
            }
            self.take_page(&page, at);
            let waits = !self.streams.iter().all(Stream::is_ready) && self.ready.len() < MAX_WAITING;
            if !self.announced && self.first.is_some() && !waits {
                self.find_end_or_announce(window)?;
            }
        }
        Ok(Step::More { at: self.pos, least: 1 })
    }

    fn find_end_or_announce(&mut self, window: &Window) -> Result<(), Error> {
        if self.total.is_none() && self.tracks.is_empty() {
            self.total = window.total();
            if let Some(total) = self.total {
                self.search = Some(Search::End { resume: self.pos, latest_us: None });
                self.pos = total.saturating_sub(END_BYTES).max(self.first.unwrap_or(0));
                return Ok(());
            }
        }
        self.announce()
    }
}

/// When the first audio frame of a sample is heard.
fn heard_us(sample: &Sample) -> i64 {
    // A sample that is dropped whole is heard at its end.
    if sample.trim.start > 0 { sample.pts_us.max(0) } else { sample.pts_us }
}

impl Demux for Ogg {
    fn step(&mut self, window: &Window) -> Result<Step, Error> {
        self.advance(window).inspect_err(|_| {
            self.done = true;
            self.ready.clear();
        })
    }

    fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    fn start_us(&self) -> i64 {
        self.start_us.unwrap_or(0)
    }

    fn duration_us(&self) -> Option<i64> {
        self.duration_us
    }

    fn seekable(&self) -> bool {
        self.duration_us.is_some()
    }

    fn seek(&mut self, to_us: i64) {
        self.ready.clear();
        self.done = false;
        self.search = None;
        let Some(first) = self.first else { return };
        let stream = self.streams.iter().find(|s| s.is_played());
        let mapping = stream.and_then(|s| Some((s, &s.headers.as_ref()?.mapping)));
        let (Some((stream, mapping)), Some(total)) =
            (mapping, self.total.filter(|_| self.duration_us.is_some()))
        else {
            return self.go_to(first);
        };
        let granule = |us: i64| {
            let heard = us_to_ticks(us.saturating_sub(stream.base_us), mapping.rate_hz());
            heard.saturating_add(mapping.pre_skip().into())
        };
        let start_us = self.start_us.unwrap_or(0);
        let end_us = start_us.saturating_add(self.duration_us.unwrap_or(0));
        let target = granule(to_us.clamp(start_us, end_us.saturating_sub(1).max(start_us)))
            .saturating_sub(mapping.preroll().into());
        let bisection = Bisection::new(
            target,
            (first, granule(start_us).min(target)),
            (total.max(first), granule(end_us)),
        );
        self.look(stream.serial, bisection);
    }

    fn take_issues(&mut self) -> Vec<String> {
        self.issues.take()
    }
}
