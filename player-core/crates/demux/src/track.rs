/// One track of a container.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Unique in its container (MP4 track id, TS PID, Matroska track number; 1 for elementary formats).
    pub id: u32,
    /// What it carries.
    pub codec: Codec,
    /// RFC 6381 codec string (`avc1.64001f`, `mp4a.40.2`), or the contract's name (`mp3`, `pcm-s16le`, ...).
    pub codec_string: String,
    /// Decoder configuration in the form of the contract (Annex B parameter sets, AudioSpecificConfig, OpusHead ...).
    pub extradata: Vec<u8>,
    /// Facts that depend on the kind.
    pub kind: Kind,
    /// BCP 47 or ISO 639 code; empty when unknown or undetermined.
    pub language: String,
    /// A name given by the author; often empty.
    pub label: String,
    /// Chosen by the author as a default.
    pub default: bool,
    /// Forced narrative captions.
    pub forced: bool,
}

/// The kind of a track with its format.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Pictures.
    Video(VideoFormat),
    /// Sound.
    Audio(AudioFormat),
    /// Captions.
    Text(TextFormat),
}

/// Format of a video track.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VideoFormat {
    /// Coded width after cropping, pixels; 0 unknown.
    pub width: u32,
    /// Coded height after cropping, pixels; 0 unknown.
    pub height: u32,
    /// Pixel aspect, width to height.
    pub par: (u32, u32),
    /// Clockwise turn for display: 0, 90, 180 or 270.
    pub rotation_deg: u32,
    /// ITU-T H.273 primaries, transfer, matrix (2 unspecified) and full-range flag.
    pub cicp: [u8; 4],
}

/// Format of an audio track.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AudioFormat {
    /// Sample rate, hertz; 0 unknown.
    pub rate_hz: u32,
    /// Number of channels; 0 unknown.
    pub channels: u32,
}

/// Form of a text track's cues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFormat {
    /// 3GPP timed text: u16 length, UTF-8 text, style boxes.
    Tx3g,
    /// Plain text with SubRip tags, as Matroska's `S_TEXT/UTF8`.
    Subrip,
    /// WebVTT cue payload (Matroska `S_TEXT/WEBVTT`).
    WebVtt,
    /// WebVTT sample boxes (`wvtt` in MP4, ISO/IEC 14496-30).
    WebVttBoxes,
    /// ASS event fields without times (Matroska `S_TEXT/ASS`); the header is the track's extradata.
    Ass,
}

/// What a track carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names are the codecs' own")]
pub enum Codec {
    H264,
    Hevc,
    Vp8,
    Vp9,
    Av1,
    Mpeg2Video,
    Mpeg4Visual,
    Aac,
    Mp3,
    Mp2,
    Ac3,
    Eac3,
    Opus,
    Vorbis,
    Flac,
    Alac,
    Pcm,
    Text,
    /// Anything else: listed, not playable.
    Other,
}
