//! The samples of one track that are known and not yet given out.

use kinora_time::{mul_div_floor, ticks_to_us};

use crate::codec::nal;
use crate::{Codec, Kind, Track, Trim};

use super::edit::Empty;
use super::movie::MovieTrack;
use super::sample_entry::{Description, Form, Pcm, Repack};
use super::sample_table::Entry;

/// Times of a sample as the trait has them.
pub(super) struct Times {
    pub(super) pts_us: i64,
    pub(super) dts_us: i64,
    pub(super) duration_us: u32,
    pub(super) trim: Trim,
}

#[derive(Debug)]
pub(super) struct Queue {
    entries: Vec<Entry>,
    next: usize,
    timescale: u32,
    empty: Empty,
    descriptions: Vec<Description>,
    /// Index of the description in force.
    description: u16,
    audio_rate_hz: u32,
    /// Audio frames to drop, counted from `first_dts`.
    lead_frames: i64,
    first_dts: i64,
    /// Codecs that nobody plays are not given out.
    playable: bool,
}

impl Queue {
    pub(super) fn new(track: MovieTrack) -> Queue {
        let audio_rate_hz = match track.info.kind {
            Kind::Audio(format) => format.rate_hz,
            _ => 0,
        };
        let mut queue = Queue {
            entries: Vec::new(),
            next: 0,
            timescale: track.timescale,
            empty: track.empty,
            descriptions: track.descriptions,
            description: 0,
            audio_rate_hz,
            lead_frames: track.lead_frames,
            first_dts: track.entries.first().map_or(0, |entry| entry.dts),
            playable: track.info.codec != Codec::Other,
        };
        queue.extend(track.entries);
        queue
    }

    pub(super) fn extend(&mut self, entries: Vec<Entry>) {
        if !self.playable {
            return;
        }
        if self.entries.is_empty() {
            self.entries = entries;
        } else {
            self.entries.extend(entries);
        }
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.next = 0;
    }

    pub(super) fn timescale(&self) -> u32 {
        self.timescale
    }

    pub(super) fn next_entry(&self) -> Option<&Entry> {
        self.entries.get(self.next)
    }

    pub(super) fn advance(&mut self) {
        self.next += 1;
    }

    /// Offset and decode time of the next sample.
    pub(super) fn peek(&self) -> Option<(u64, i64)> {
        self.next_entry().map(|entry| (entry.offset, self.to_us(entry.dts)))
    }

    fn to_us(&self, ticks: i64) -> i64 {
        ticks_to_us(ticks.saturating_sub(self.empty.ticks), self.timescale).saturating_add(self.empty.us)
    }

    fn pts_us(&self, entry: &Entry) -> i64 {
        self.to_us(entry.pts())
    }

    pub(super) fn first_pts_us(&self) -> Option<i64> {
        self.entries.iter().map(|entry| self.pts_us(entry)).min()
    }

    /// Presentation time of the first sample that is presented and of the end of the last, without what is trimmed.
    pub(super) fn span_us(&self) -> Option<(i64, i64)> {
        let shown = || self.entries.iter().filter(|entry| !entry.hidden);
        let start = shown().map(|entry| entry.pts().saturating_add(self.lead_ticks(entry))).min()?;
        let end = shown().map(|entry| entry.pts().saturating_add(i64::from(entry.duration))).max()?;
        Some((self.to_us(start), self.to_us(end)))
    }

    fn lead_ticks(&self, entry: &Entry) -> i64 {
        if self.lead_frames == 0 {
            return 0;
        }
        mul_div_floor(
            i64::from(self.trim_frames(entry)),
            i64::from(self.timescale),
            i64::from(self.audio_rate_hz),
        )
    }

    /// How many of an audio sample's frames lie in the lead.
    fn trim_frames(&self, entry: &Entry) -> u32 {
        if self.lead_frames == 0 || entry.hidden {
            return 0;
        }
        let frames = |ticks| mul_div_floor(ticks, i64::from(self.audio_rate_hz), i64::from(self.timescale));
        let before = frames(entry.dts.saturating_sub(self.first_dts));
        let left = self.lead_frames.saturating_sub(before);
        left.clamp(0, frames(i64::from(entry.duration)).clamp(0, i64::from(u32::MAX))) as u32
    }

    pub(super) fn times(&self, entry: &Entry) -> Times {
        Times {
            pts_us: self.pts_us(entry),
            dts_us: self.to_us(entry.dts),
            duration_us: u32::try_from(ticks_to_us(i64::from(entry.duration), self.timescale))
                .unwrap_or(u32::MAX),
            trim: Trim { start: self.trim_frames(entry), end: 0 },
        }
    }

    /// The description of an entry if it differs from the one in force, which it then becomes.
    pub(super) fn switch_description(&mut self, entry: &Entry) -> Option<&Description> {
        let old = self.descriptions.get(usize::from(self.description))?;
        let new = self.descriptions.get(usize::from(entry.description))?;
        self.description = entry.description;
        (old != new).then_some(new)
    }

    /// How samples of the description in force are stored.
    pub(super) fn form(&self) -> Form {
        self.descriptions.get(usize::from(self.description)).map_or(Form::Plain, |d| d.form)
    }

    /// Goes on at the key sample at or before a time, else at the first. Gives the time of that sample.
    pub(super) fn seek_key(&mut self, to_us: i64) -> Option<i64> {
        let at_or_before = |entry: &Entry| entry.key && self.pts_us(entry) <= to_us;
        let found =
            self.entries.iter().rposition(at_or_before).or_else(|| self.entries.iter().position(|e| e.key));
        self.next = found.unwrap_or(0);
        self.next_entry().map(|entry| self.pts_us(entry))
    }

    /// Goes on at the last sample that is presented at or before a time, else at the first.
    pub(super) fn seek_any(&mut self, to_us: i64) {
        self.next = self.entries.iter().rposition(|entry| self.pts_us(entry) <= to_us).unwrap_or(0);
    }

    /// Passes over the samples that end by a time.
    pub(super) fn skip_before(&mut self, time_us: i64) {
        while let Some(entry) = self.next_entry() {
            if self.to_us(entry.pts().saturating_add(i64::from(entry.duration))) > time_us {
                break;
            }
            self.next += 1;
        }
    }

    /// The last key sample presented at or before a time.
    pub(super) fn has_key_by(&self, to_us: i64) -> bool {
        self.entries.iter().any(|entry| entry.key && self.pts_us(entry) <= to_us)
    }
}

impl Description {
    /// Makes a track one of this description; what the description does not say stays.
    pub(super) fn apply_to(&self, track: &mut Track) {
        track.codec = self.codec;
        track.codec_string.clone_from(&self.codec_string);
        track.extradata.clone_from(&self.extradata);
        track.kind = match (&self.kind, &track.kind) {
            (&Kind::Video(mut new), Kind::Video(old)) => {
                new.rotation_deg = old.rotation_deg;
                Kind::Video(new)
            }
            (kind, _) => kind.clone(),
        };
    }
}

/// Turns a stored sample into one of the contract, and says how many damaged bytes were dropped.
pub(super) fn convert(mut data: Vec<u8>, form: Form) -> (Vec<u8>, usize) {
    match form {
        Form::Nal(length_size) => return nal::to_annex_b(data, length_size),
        Form::Pcm(Pcm { repack: Repack::FlipSign, .. }) => data.iter_mut().for_each(|byte| *byte ^= 0x80),
        Form::Pcm(Pcm { repack: Repack::Swap(len), .. }) => {
            data.chunks_exact_mut(len).for_each(<[u8]>::reverse)
        }
        Form::Plain | Form::Pcm(_) => (),
    }
    (data, 0)
}
