//! `Tracks`, RFC 9559 section 5.1.4.

use kinora_time::mul_div_floor;

use super::codecs::{self, Framing};
use super::ebml::{children, float, string, uint};
use super::encoding::{Encoding, Encodings, undo};
use super::timing::Reorder;
use crate::{AudioFormat, Kind, Track, VideoFormat};

/// What a track's blocks need to become samples.
#[derive(Debug)]
pub(super) struct TrackState {
    pub(super) number: u64,
    /// Index in the public list.
    pub(super) index: usize,
    pub(super) framing: Framing,
    pub(super) encodings: Vec<Encoding>,
    /// `DefaultDuration` of a frame, nanoseconds; 0 unknown.
    pub(super) default_duration_ns: u64,
    /// `CodecDelay`, nanoseconds: block times are late by it.
    pub(super) delay_ns: u64,
    /// Audio frames that the decoder gives before the first sound.
    pub(super) pre_skip: u32,
    pub(super) reorder: Reorder,
    /// Offset of the track's first block, whose sound begins with the pre-skip.
    pub(super) first_block: Option<u64>,
}

/// Most tracks: a disc with every language has about 60.
pub(super) const MOST_TRACKS: usize = 128;

/// Reads the data of `Tracks`. A track that cannot be played is listed as [`crate::Codec::Other`]; those without a number and those of
/// other types (buttons, metadata) are left out.
pub(super) fn read(data: &[u8], issues: &mut Vec<String>) -> (Vec<Track>, Vec<TrackState>) {
    let (mut tracks, mut states) = (Vec::new(), Vec::new());
    for (_, entry) in children(data).filter(|(id, _)| *id == 0xae).take(MOST_TRACKS) {
        let Some((track, mut state)) = Entry::read(entry).resolve(issues) else { continue };
        if states.iter().any(|known: &TrackState| known.number == state.number) {
            issues.push(format!("track {} is there twice", state.number));
            continue;
        }
        state.index = tracks.len();
        tracks.push(track);
        states.push(state);
    }
    (tracks, states)
}

/// A `TrackEntry` as written, with the standard's defaults.
struct Entry<'a> {
    number: u64,
    kind: u64,
    codec: String,
    private: &'a [u8],
    language: String,
    bcp47: String,
    name: String,
    default: bool,
    forced: bool,
    default_duration_ns: u64,
    delay_ns: u64,
    encodings: Option<Encodings>,
    width: u32,
    height: u32,
    display: (u64, u64, u64),
    cicp: [u8; 4],
    rate: f64,
    output_rate: f64,
    channels: u64,
    bit_depth: u64,
}

impl<'a> Entry<'a> {
    fn read(data: &'a [u8]) -> Self {
        let mut entry = Entry {
            number: 0,
            kind: 0,
            codec: String::new(),
            private: &[],
            language: "eng".into(),
            bcp47: String::new(),
            name: String::new(),
            default: true,
            forced: false,
            default_duration_ns: 0,
            delay_ns: 0,
            encodings: Some(Encodings::default()),
            width: 0,
            height: 0,
            display: (0, 0, 0),
            cicp: [2, 2, 2, 0],
            rate: 8000.0,
            output_rate: 0.0,
            channels: 1,
            bit_depth: 0,
        };
        for (id, data) in children(data) {
            match id {
                0xd7 => entry.number = uint(data),
                0x83 => entry.kind = uint(data),
                0x86 => entry.codec = string(data),
                0x63a2 => entry.private = data,
                0x0022_b59c => entry.language = string(data),
                0x0022_b59d => entry.bcp47 = string(data),
                0x536e => entry.name = string(data),
                0x88 => entry.default = uint(data) != 0,
                0x55aa => entry.forced = uint(data) != 0,
                0x0023_e383 => entry.default_duration_ns = uint(data),
                0x56aa => entry.delay_ns = uint(data),
                0x6d80 => entry.encodings = Encodings::read(data),
                0xe0 => entry.read_video(data),
                0xe1 => entry.read_audio(data),
                _ => {}
            }
        }
        entry
    }

    fn read_video(&mut self, data: &[u8]) {
        // PixelCrop is left aside: FFmpeg 5.1 shows the whole picture, and real files crop in the bitstream.
        for (id, data) in children(data) {
            match id {
                0xb0 => self.width = uint(data).min(1 << 16) as u32,
                0xba => self.height = uint(data).min(1 << 16) as u32,
                0x54b0 => self.display.0 = uint(data),
                0x54ba => self.display.1 = uint(data),
                0x54b2 => self.display.2 = uint(data),
                0x55b0 => self.read_colour(data),
                _ => {}
            }
        }
    }

    fn read_colour(&mut self, data: &[u8]) {
        for (id, data) in children(data) {
            let value = u8::try_from(uint(data)).unwrap_or(2);
            match id {
                0x55bb => self.cicp[0] = value,
                0x55ba => self.cicp[1] = value,
                0x55b1 => self.cicp[2] = value,
                // 1 broadcast range, 2 full range.
                0x55b9 => self.cicp[3] = u8::from(value == 2),
                _ => {}
            }
        }
    }

    fn read_audio(&mut self, data: &[u8]) {
        for (id, data) in children(data) {
            match id {
                0xb5 => self.rate = float(data),
                0x78b5 => self.output_rate = float(data),
                0x9f => self.channels = uint(data),
                0x6264 => self.bit_depth = uint(data),
                _ => {}
            }
        }
    }

    fn resolve(self, issues: &mut Vec<String>) -> Option<(Track, TrackState)> {
        if self.number == 0 {
            issues.push("a track has no number".into());
            return None;
        }
        let kind = match self.kind {
            1 => Kind::Video(self.video()),
            2 => Kind::Audio(self.audio()),
            17 => Kind::Text(crate::TextFormat::Subrip),
            _ => return None,
        };
        let encodings = self.encodings.clone();
        let private = encodings.as_ref().and_then(|e| undo(&e.private, self.private));
        let mut codec = codecs::resolve(&self.codec, private.as_deref().unwrap_or(&[]), self.bit_depth);
        if private.is_none() {
            issues.push(format!("track {}: encrypted or packed in an unsupported way", self.number));
            codec = codecs::other(&self.codec);
        } else if codec.codec == crate::Codec::Other {
            issues.push(format!("track {}: {:.64} is not supported", self.number, self.codec));
        }
        if let (Framing::Fixed(frames), crate::Codec::Mp3) = (&mut codec.framing, codec.codec)
            && self.rate < 32_000.0
        {
            // The low sampling frequencies of MPEG-2 have one granule a frame.
            *frames /= 2;
        }
        let kind = match (kind, codec.text, codec.format) {
            (Kind::Text(_), Some(format), _) => Kind::Text(format),
            (Kind::Audio(said), _, Some(known)) => {
                let channels = if known.channels == 0 { said.channels } else { known.channels };
                Kind::Audio(AudioFormat { channels, ..known })
            }
            (kind, ..) => kind,
        };
        let language = if self.bcp47.is_empty() { self.language } else { self.bcp47 };
        let track = Track {
            id: u32::try_from(self.number).unwrap_or(u32::MAX),
            codec: codec.codec,
            codec_string: codec.string,
            extradata: codec.extradata,
            kind,
            language: if language == "und" { String::new() } else { language },
            label: self.name,
            default: self.default,
            forced: self.forced,
        };
        let state = TrackState {
            number: self.number,
            index: 0,
            framing: codec.framing,
            encodings: encodings.map_or(Vec::new(), |e| e.frames),
            default_duration_ns: self.default_duration_ns.min(10_000_000_000),
            delay_ns: self.delay_ns.min(10_000_000_000),
            pre_skip: codec.pre_skip,
            reorder: Reorder::new(codec.reorder_depth),
            first_block: None,
        };
        Some((track, state))
    }

    fn video(&self) -> VideoFormat {
        let (width, height) = (u64::from(self.width), u64::from(self.height));
        let (display_width, display_height, unit) = self.display;
        let shown = |display: u64, pixels: u64| if display == 0 { pixels } else { display.min(1 << 31) };
        // Unit 4: unknown. Centimetres and ratios give the same aspect as pixels.
        let par = match unit {
            0..=3 => ratio(shown(display_width, width) * height, shown(display_height, height) * width),
            _ => (1, 1),
        };
        VideoFormat { width: self.width, height: self.height, par, rotation_deg: 0, cicp: self.cicp }
    }

    fn audio(&self) -> AudioFormat {
        // SBR doubles the rate that the core codec runs at.
        let rate = if self.output_rate > 0.0 { self.output_rate } else { self.rate };
        AudioFormat { rate_hz: rate.clamp(0.0, 1e7) as u32, channels: self.channels.min(255) as u32 }
    }
}

/// `a / b` in lowest terms, within 32 bits; square when either is 0.
fn ratio(a: u64, b: u64) -> (u32, u32) {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    match (u32::try_from(a / x.max(1)), u32::try_from(b / x.max(1))) {
        (Ok(a), Ok(b)) if a > 0 && b > 0 => (a, b),
        _ => (1, 1),
    }
}

impl TrackState {
    /// [`TrackState::delay_ns`] in ticks, rounded to the nearest as FFmpeg does.
    pub(super) fn delay_ticks(&self, scale_ns: u64) -> i64 {
        let scale = i64::try_from(scale_ns).unwrap_or(i64::MAX);
        mul_div_floor(self.delay_ns as i64 + scale / 2, 1, scale)
    }
}
