//! Audio streams without a container: AAC in ADTS, MPEG audio, AC-3 and E-AC-3. Frames follow one another, each with its
//! length; tags may stand before, behind and (in joined segments) between them.
//!
//! Timestamps count the coded frames from 0. Encoder delay and padding that an MP3's Info frame states are trimmed as
//! FFmpeg does.

mod map;
mod tags;
#[cfg(test)]
mod tests;
mod xing;

use kinora_bytes::Window;
use kinora_time::{mul_div_floor, ticks_to_us};

use crate::codec::frame::{Confirmation, Frame, FrameSyntax};
use crate::issues::Issues;
use crate::{Demux, Error, Kind, Sample, Step, Track};
use map::Map;
use xing::Info;

/// Bytes in which the first frame, and after damage the next one, must begin.
const MAX_GARBAGE: u64 = 1 << 20;
/// Frames looked at before the track is reported: their mean length tells the duration of what has no index.
const PROBE_FRAMES: u64 = 128;
/// Frames read before the target of a seek, for MP3's bit reservoir (511 bytes, ISO/IEC 11172-3 2.4.3.4.5).
const PREROLL_FRAMES: u64 = 4;

/// Whether `head` begins with AAC in ADTS.
pub(crate) fn sniff_adts(head: &[u8]) -> bool {
    begins_with_frames(FrameSyntax::Adts, head, 1)
}

/// Whether `head` holds MPEG audio.
pub(crate) fn sniff_mp3(head: &[u8]) -> bool {
    // Files cut out of others begin within a frame.
    begins_with_frames(FrameSyntax::Mpeg, head, 2048)
}

/// Whether `head` begins with AC-3 or E-AC-3.
pub(crate) fn sniff_ac3(head: &[u8]) -> bool {
    begins_with_frames(FrameSyntax::Ac3, head, 1)
}

/// Whether three frames follow one another, from one of the first `within` offsets on; where the bytes end before, fewer do.
fn begins_with_frames(syntax: FrameSyntax, head: &[u8], within: usize) -> bool {
    (0..head.len().min(within)).any(|start| {
        let mut at = start;
        let mut before: Option<Frame> = None;
        for count in 0..3 {
            let rest = head.get(at..).unwrap_or_default();
            match syntax.parse(rest) {
                Some(frame) if before.is_none_or(|b| b.continues(&frame)) => {
                    at += frame.len();
                    before = Some(frame);
                }
                _ => return count > 0 && start == 0 && rest.len() < FrameSyntax::HEADER_LEN,
            }
        }
        true
    })
}

/// Demuxes a stream of audio frames.
pub struct Elementary {
    syntax: FrameSyntax,
    pos: u64,
    /// The header of the frames; frames are found by their own length from then on.
    frame: Option<Frame>,
    synchronised: bool,
    /// Where the search for a frame began.
    searched_from: u64,
    /// Number of the frame at `pos`.
    number: u64,
    info: Info,
    map: Option<Map>,
    tracks: Vec<Track>,
    announced: bool,
    /// The number of the frame at `pos` is to be taken from its place.
    lost_count: bool,
    changed: bool,
    done: bool,
    issues: Issues,
}

impl Elementary {
    /// AAC in ADTS.
    pub fn adts() -> Self {
        Elementary::new(FrameSyntax::Adts)
    }

    /// MPEG audio: layer III, also II and I.
    pub fn mp3() -> Self {
        Elementary::new(FrameSyntax::Mpeg)
    }

    /// AC-3 and E-AC-3.
    pub fn ac3() -> Self {
        Elementary::new(FrameSyntax::Ac3)
    }

    fn new(syntax: FrameSyntax) -> Self {
        Elementary {
            syntax,
            pos: 0,
            frame: None,
            synchronised: false,
            searched_from: 0,
            number: 0,
            info: Info::default(),
            map: None,
            tracks: Vec::new(),
            announced: false,
            lost_count: false,
            changed: false,
            done: false,
            issues: Issues::default(),
        }
    }

    /// Finds the frame at or behind `pos`, passing over tags and garbage.
    fn find<'w>(&mut self, window: &'w Window) -> Result<Found<'w>, Error> {
        let ended = window.ended() && self.pos >= window.start();
        loop {
            let rest = window.from(self.pos).unwrap_or_default();
            if rest.is_empty() && ended {
                return Ok(Found::End);
            }
            if rest.len() < tags::HEAD_LEN && !ended {
                return Ok(Found::More(tags::HEAD_LEN));
            }
            if let Some(len) = tags::len(rest) {
                self.pos += len;
                self.searched_from = self.pos;
                continue;
            }
            let confirmation = match self.syntax.parse(rest) {
                Some(frame) if self.synchronised && self.frame.is_none_or(|f| f.continues(&frame)) => {
                    match rest.get(..frame.len()) {
                        Some(_) => Confirmation::Yes(frame),
                        // FFmpeg decodes what is there of the last frame.
                        None if ended && self.syntax == FrameSyntax::Mpeg => Confirmation::Yes(frame),
                        None if ended => Confirmation::No,
                        None => Confirmation::TooShort,
                    }
                }
                _ => self.syntax.confirm(rest, ended),
            };
            match confirmation {
                Confirmation::Yes(frame) => {
                    if !self.synchronised && self.pos > self.searched_from {
                        let (from, to) = (self.searched_from, self.pos);
                        self.issues.push(|| format!("bytes {from} to {to} are no audio frames"));
                    }
                    self.synchronised = true;
                    return Ok(Found::Frame(frame, &rest[..frame.len().min(rest.len())]));
                }
                Confirmation::TooShort => {
                    let frame = self.syntax.parse(rest).map_or(0, |frame| frame.len());
                    return Ok(Found::More(frame + FrameSyntax::HEADER_LEN));
                }
                Confirmation::No => {
                    if std::mem::take(&mut self.synchronised) {
                        self.searched_from = self.pos;
                    }
                    self.pos += 1;
                    if self.frame.is_none() && self.pos - self.searched_from > MAX_GARBAGE {
                        return Err(Error::Unrecognised("no audio frames".into()));
                    }
                }
            }
        }
    }

    /// Reads the first frames: the Info frame, the format, the mean length.
    fn probe(&mut self, window: &Window) -> Result<Step, Error> {
        let (first, frame, bytes) = match self.find(window)? {
            Found::Frame(frame, bytes) => (self.pos, frame, bytes),
            Found::More(least) => return Ok(Step::More { at: self.pos, least }),
            Found::End => return Err(Error::Unrecognised("no audio frames".into())),
        };
        if self.frame.is_none() {
            if let Some(info) = Info::parse(&frame, bytes) {
                // The Info frame is silence for players that do not know it.
                self.info = info;
                self.info.at = first;
                self.pos += frame.len() as u64;
                self.synchronised = false;
                self.searched_from = self.pos;
            }
            self.frame = Some(frame);
            return self.probe(window);
        }
        let (mut at, mut frames) = (first, 0);
        while frames < PROBE_FRAMES {
            let rest = window.from(at).unwrap_or_default();
            if rest.len() < FrameSyntax::HEADER_LEN && !window.ended() {
                return Ok(Step::More { at: first, least: (at - first) as usize + FrameSyntax::HEADER_LEN });
            }
            let Some(next) = self.syntax.parse(rest) else { break };
            at += next.len() as u64;
            frames += 1;
        }
        self.take_format(frame, bytes);
        let mean = (at - first, frames.max(1));
        self.map = Some(Map::new(first, mean, &frame, &self.info, window.total()));
        self.announced = true;
        self.changed = false;
        Ok(Step::Tracks)
    }

    fn take_format(&mut self, frame: Frame, bytes: &[u8]) {
        self.frame = Some(frame);
        let (codec, codec_string) = frame.codec();
        self.tracks = vec![Track {
            id: 1,
            codec,
            codec_string,
            extradata: frame.extradata(bytes),
            kind: Kind::Audio(frame.format()),
            language: String::new(),
            label: String::new(),
            default: true,
            forced: false,
        }];
        self.changed = true;
    }

    /// Time of the start of frame `number`.
    fn time_us(&self, number: u64) -> i64 {
        let Some(frame) = &self.frame else { return 0 };
        let samples = number.saturating_mul(frame.samples().into());
        ticks_to_us(i64::try_from(samples).unwrap_or(i64::MAX), frame.format().rate_hz)
    }

    fn advance(&mut self, window: &Window) -> Result<Step, Error> {
        if self.done {
            return Ok(Step::End);
        }
        if !self.announced {
            return self.probe(window);
        }
        let (frame, bytes) = match self.find(window)? {
            Found::Frame(frame, bytes) => (frame, bytes),
            Found::More(least) => return Ok(Step::More { at: self.pos, least }),
            Found::End => {
                self.done = true;
                return Ok(Step::End);
            }
        };
        if self.frame.is_none_or(|before| !before.continues(&frame)) {
            self.take_format(frame, bytes);
        }
        if std::mem::take(&mut self.changed) {
            return Ok(Step::Tracks);
        }
        if std::mem::take(&mut self.lost_count)
            && let Some(map) = &self.map
        {
            self.number = map.number_at(self.pos);
        }
        let mut data = bytes.get(frame.skip()..).unwrap_or_default().to_vec();
        let mut end = self.pos + bytes.len() as u64;
        // Dependent substreams of E-AC-3 belong to the frame before them.
        while matches!(frame, Frame::Ac3(header) if header.enhanced) {
            let rest = window.from(end).unwrap_or_default();
            if rest.len() < FrameSyntax::HEADER_LEN && !window.ended() {
                return Ok(Step::More {
                    at: self.pos,
                    least: (end - self.pos) as usize + FrameSyntax::HEADER_LEN,
                });
            }
            let Some(next) = self.syntax.parse(rest).filter(Frame::dependent) else { break };
            let Some(part) = rest.get(..next.len()) else {
                if window.ended() {
                    break;
                }
                return Ok(Step::More { at: self.pos, least: (end - self.pos) as usize + next.len() });
            };
            data.extend_from_slice(part);
            end += part.len() as u64;
            if data.len() > 1 << 20 {
                return Err(Error::Limit("dependent substreams of E-AC-3".into()));
            }
        }
        let pts_us = self.time_us(self.number);
        let next_us = self.time_us(self.number + 1);
        let trim = self.info.trim(self.number, frame.samples());
        self.pos = end;
        self.number += 1;
        Ok(Step::Sample(Sample {
            track: 1,
            pts_us,
            dts_us: pts_us,
            duration_us: u32::try_from(next_us - pts_us).unwrap_or(0),
            key: true,
            decode_only: false,
            trim,
            data,
        }))
    }
}

/// What was found at `pos`.
enum Found<'w> {
    Frame(Frame, &'w [u8]),
    /// So many bytes are needed there.
    More(usize),
    End,
}

impl Demux for Elementary {
    fn step(&mut self, window: &Window) -> Result<Step, Error> {
        self.advance(window).inspect_err(|_| self.done = true)
    }

    fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    fn start_us(&self) -> i64 {
        let rate_hz = self.frame.map_or(0, |frame| frame.format().rate_hz);
        ticks_to_us(self.info.skip.into(), rate_hz)
    }

    fn duration_us(&self) -> Option<i64> {
        let (frames, frame) = (self.map.as_ref()?.frames()?, self.frame?);
        let coded = frames.saturating_mul(frame.samples().into());
        let heard = coded.saturating_sub(u64::from(self.info.skip) + u64::from(self.info.padding));
        Some(ticks_to_us(i64::try_from(heard).unwrap_or(i64::MAX), frame.format().rate_hz))
    }

    fn seekable(&self) -> bool {
        self.duration_us().is_some()
    }

    fn seek(&mut self, to_us: i64) {
        let (Some(map), Some(frame)) = (&self.map, &self.frame) else { return };
        let rate = i64::from(frame.format().rate_hz);
        let wanted = mul_div_floor(to_us.max(0), rate, 1_000_000 * i64::from(frame.samples()));
        let preroll = if self.syntax == FrameSyntax::Mpeg { PREROLL_FRAMES } else { 0 };
        let number =
            (wanted as u64).min(map.frames().unwrap_or(u64::MAX).saturating_sub(1)).saturating_sub(preroll);
        self.pos = map.place_of(number);
        self.number = number;
        // An index places frames about right, so that their numbers are the best guess; a constant rate places them exactly.
        self.lost_count = map.is_exact();
        self.synchronised = false;
        self.searched_from = self.pos;
        self.done = false;
    }

    fn take_issues(&mut self) -> Vec<String> {
        self.issues.take()
    }
}
