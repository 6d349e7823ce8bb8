//! Blocks to samples and cues.

use kinora_time::mul_div_floor;

use super::block::Block;
use super::codecs::Framing;
use super::encoding::{LARGEST_FRAME, undo};
use super::seek::Skip;
use super::timing::opus_frames;
use super::tracks::TrackState;
use crate::codec::nal;
use crate::{Cue, Kind, Sample, Step, Track, Trim};

/// What the file says of the place of a block.
pub(super) struct Place {
    /// The cluster's timestamp, ticks.
    pub(super) cluster_ticks: i64,
    /// Nanoseconds a tick.
    pub(super) scale_ns: u64,
    /// Whether it is the first of its track in the file.
    pub(super) first: bool,
}

impl Place {
    pub(super) fn us(&self, ticks: i64) -> i64 {
        mul_div_floor(ticks, i64::try_from(self.scale_ns).unwrap_or(i64::MAX), 1000)
    }
}

/// The samples or cues of a block, in order; what `skip` says is not needed is left out.
pub(super) fn read(
    block: &Block<'_>,
    place: &Place,
    track: &Track,
    state: &mut TrackState,
    skip: &mut Option<Skip>,
    issues: &mut Vec<String>,
) -> Vec<Step> {
    let block_ticks = place.cluster_ticks.saturating_add(i64::from(block.relative));
    let ticks = block_ticks.saturating_sub(state.delay_ticks(place.scale_ns));
    let laces = block.frames.len() as i64;
    let block_duration = block.duration.and_then(|ticks| i64::try_from(ticks).ok()).unwrap_or(0);
    // Offset of the n-th frame of a lace, as far as the file tells; the last is the end of the block. A block's own duration
    // is for what differs from the track's, but in whole ticks, so it only stands in for that within a lace.
    let offset_us = |n: i64| match i64::try_from(state.default_duration_ns) {
        Ok(ns @ 1..) if laces > 1 || block_duration == 0 => Some(mul_div_floor(ns, n, 1000)),
        _ if block_duration > 0 => Some(place.us(mul_div_floor(block_duration, n, laces))),
        _ => None,
    };
    let block_us = place.us(ticks);
    let (mut out, mut unpacked, mut next_us) = (Vec::new(), 0, block_us);
    for (n, frame) in block.frames.iter().enumerate() {
        let Some(data) = undo(&state.encodings, frame) else {
            issues.push(format!("track {}: a packed frame is damaged", state.number));
            continue;
        };
        unpacked += data.len();
        if unpacked > 2 * LARGEST_FRAME {
            issues.push(format!("track {}: a block unpacks to more than {unpacked} bytes", state.number));
            break;
        }
        let (pts_us, duration_us) = match (offset_us(n as i64), offset_us(n as i64 + 1)) {
            (Some(from), Some(to)) => (block_us.saturating_add(from), to - from),
            _ => (next_us, own_duration_us(state.framing, track, &data)),
        };
        next_us = pts_us.saturating_add(duration_us);
        let duration_us = u32::try_from(duration_us).unwrap_or(0);
        if matches!(track.kind, Kind::Text(_)) {
            let data = text(state.framing, &data);
            out.push(Step::Cue(Cue { track: track.id, start_us: pts_us, duration_us, data }));
            continue;
        }
        let audio = matches!(track.kind, Kind::Audio(_));
        // Frames after the first of a lace are only ever sound, which can be decoded from anywhere.
        let key = audio || block.key && n == 0;
        let end_us = pts_us.saturating_add(i64::from(duration_us));
        if skip.as_mut().is_some_and(|skip| !skip.wants(state.index, audio, key, block_ticks, end_us)) {
            continue;
        }
        let mut trim = Trim::default();
        if audio {
            let discard = discarded(block.discard_ns, track);
            if n == 0 {
                let before_zero = u32::try_from(-discard).unwrap_or(0);
                trim.start = before_zero.saturating_add(if place.first { state.pre_skip } else { 0 });
            }
            if n as i64 == laces - 1 {
                trim.end = u32::try_from(discard).unwrap_or(0);
            }
        }
        let data = match state.framing {
            Framing::Nal(length_size) => {
                let (data, dropped) = nal::to_annex_b(data.into_owned(), length_size);
                if dropped > 0 {
                    issues.push(format!("track {}: {dropped} bytes after the last NAL unit", state.number));
                }
                data
            }
            _ => data.into_owned(),
        };
        // 40 ms: what a film's frame lasts, where nothing is said.
        let frame_us = if duration_us > 0 { i64::from(duration_us) } else { 40_000 };
        let dts_us = state.reorder.dts_us(pts_us, frame_us);
        out.push(Step::Sample(Sample {
            track: track.id,
            pts_us,
            dts_us,
            duration_us,
            key,
            decode_only: false,
            trim,
            data,
        }));
    }
    out
}

/// What a frame says of its own duration; 0 when it does not or is not asked.
fn own_duration_us(framing: Framing, track: &Track, data: &[u8]) -> i64 {
    let Kind::Audio(format) = track.kind else { return 0 };
    let at = |frames: i64, rate: u32| {
        if rate == 0 { 0 } else { mul_div_floor(frames, 1_000_000, i64::from(rate)) }
    };
    match framing {
        Framing::Opus => at(i64::from(opus_frames(data)), 48_000),
        Framing::Fixed(frames) => at(i64::from(frames), format.rate_hz),
        Framing::Pcm(bytes) => {
            at((data.len() as i64) / i64::from(bytes * format.channels.max(1)), format.rate_hz)
        }
        _ => 0,
    }
}

/// `DiscardPadding` in audio frames, rounded to the nearest as FFmpeg does; Opus always decodes to 48 kHz.
fn discarded(ns: i64, track: &Track) -> i64 {
    let rate = match track.kind {
        Kind::Audio(_) if track.codec == crate::Codec::Opus => 48_000,
        Kind::Audio(format) => i64::from(format.rate_hz),
        _ => 0,
    };
    let frames = mul_div_floor(ns.saturating_abs(), 2 * rate, 1_000_000_000).saturating_add(1) / 2;
    if ns < 0 { -frames } else { frames }
}

/// A text frame in the form its track names. WebM's lines become the boxes that keep a cue's settings with it.
fn text(framing: Framing, data: &[u8]) -> Vec<u8> {
    if framing != Framing::WebVttLines {
        return data.to_vec();
    }
    let mut parts = data.splitn(3, |b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let (_identifier, settings, payload) = (parts.next(), parts.next(), parts.next());
    let boxed = |kind: &[u8; 4], body: &[u8]| {
        let size = u32::try_from(body.len() + 8).unwrap_or(u32::MAX);
        [&size.to_be_bytes(), &kind[..], body].concat()
    };
    let settings = settings.filter(|s| !s.is_empty()).map_or(Vec::new(), |s| boxed(b"sttg", s));
    boxed(b"vttc", &[settings, boxed(b"payl", payload.unwrap_or(&[]))].concat())
}
