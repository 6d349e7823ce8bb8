//! What a manifest says, whichever format said it.

use std::collections::BTreeMap;
use std::sync::Arc;

use kinora_time::MediaUs;
use serde::Serialize;

/// Values of `EXT-X-DEFINE`, by name: those of a multivariant playlist are passed on to its media playlists.
pub type Variables = BTreeMap<String, String>;

/// Something that was read over: the manifest breaks a rule and the rest is still usable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Issue {
    /// Line of the text, from 1; 0 when it concerns the whole.
    pub line: usize,
    /// What is wrong, in English.
    pub what: &'static str,
}

/// The choices that a presentation offers: an HLS multivariant playlist.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Presentation {
    /// Combinations to adapt between, in the order of the manifest.
    pub variants: Vec<Variant>,
    /// Alternative audio, video, subtitles and captions, which variants name by group.
    pub renditions: Vec<Rendition>,
    /// Streams of key frames only, for trick play.
    pub i_frame_streams: Vec<Variant>,
    /// Keys that may be fetched before any media playlist.
    pub session_keys: Vec<Key>,
    /// Where the author wants playback to begin.
    pub start: Option<Start>,
    /// Every segment can be decoded without an earlier one.
    pub independent_segments: bool,
    /// Variables to hand to the media playlists.
    pub variables: Variables,
    /// What was read over.
    pub issues: Vec<Issue>,
}

/// One combination of streams at one bit rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Variant {
    /// Absolute address of its media playlist.
    pub uri: String,
    /// Peak rate in bits a second; 0 when the manifest does not say.
    pub bandwidth_bps: u64,
    /// Mean rate in bits a second.
    pub average_bandwidth_bps: Option<u64>,
    /// Codec strings of RFC 6381, of all its streams.
    pub codecs: Vec<String>,
    /// Size of the picture.
    pub resolution: Option<Resolution>,
    /// Most frames in a thousand seconds.
    pub frame_rate_milli: Option<u32>,
    /// Transfer characteristics: `SDR`, `HLG` or `PQ`.
    pub video_range: Option<String>,
    /// Group of the renditions that replace its audio.
    pub audio_group: Option<String>,
    /// Group of the renditions that replace its video.
    pub video_group: Option<String>,
    /// Group of the subtitles that go with it.
    pub subtitles_group: Option<String>,
    /// Group of the captions inside its video; none also when the manifest says there are none.
    pub closed_captions_group: Option<String>,
}

/// A picture size in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Resolution {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// What a rendition carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum RenditionKind {
    /// Sound.
    Audio,
    /// Pictures, such as another camera.
    Video,
    /// Subtitles in their own segments.
    Subtitles,
    /// Captions inside the video (CEA-608, CEA-708).
    ClosedCaptions,
}

/// One alternative within a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rendition {
    /// What it carries.
    pub kind: RenditionKind,
    /// The group that variants name.
    pub group: String,
    /// Absolute address of its media playlist; none when it is inside the variant.
    pub uri: Option<String>,
    /// Name to show.
    pub name: String,
    /// Language, a BCP 47 tag.
    pub language: Option<String>,
    /// To be played when the person chose nothing.
    pub default: bool,
    /// May be chosen by the system language.
    pub autoselect: bool,
    /// Subtitles that are essential, such as signs and foreign speech.
    pub forced: bool,
    /// Audio channels.
    pub channels: Option<u32>,
    /// Uniform type identifiers, such as `public.accessibility.describes-video`.
    pub characteristics: Vec<String>,
    /// `CC1` to `CC4` or `SERVICE1` to `SERVICE63`, of closed captions.
    pub instream_id: Option<String>,
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Start {
    /// From the beginning, or when negative from the end of the last segment.
    pub offset_us: MediaUs,
    /// Do not show what lies before within that segment.
    pub precise: bool,
}

/// How a media playlist may change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum PlaylistKind {
    /// Complete.
    Vod,
    /// Grows at its end only.
    Event,
    /// A sliding window.
    #[default]
    Live,
}

/// The segments of one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MediaPlaylist {
    /// In playing order.
    pub segments: Vec<Segment>,
    /// No segment is longer, rounded to the second; the clock of reloading.
    pub target_duration_us: MediaUs,
    /// Number of the first segment.
    pub media_sequence: u64,
    /// Nothing will be added.
    pub end_list: bool,
    /// How it may change.
    pub kind: PlaylistKind,
    /// Where the author wants playback to begin.
    pub start: Option<Start>,
    /// How far from its end live playback is to keep; at least three target durations.
    pub hold_back_us: Option<MediaUs>,
    /// Every segment can be decoded without an earlier one.
    pub independent_segments: bool,
    /// The segments hold key frames only.
    pub i_frames_only: bool,
    /// What was read over.
    pub issues: Vec<Issue>,
}

/// One piece of media.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Segment {
    /// Absolute address.
    pub uri: String,
    /// The part of the resource; none: all.
    pub byte_range: Option<ByteRange>,
    /// Length on the media line.
    pub duration_us: MediaUs,
    /// Its number, which stays the same in every reload.
    pub sequence: u64,
    /// Timestamps, tracks or encoding change before it.
    pub discontinuity: bool,
    /// Counts discontinuities; segments of two streams with the same count share a line of timestamps.
    pub discontinuity_sequence: u64,
    /// The author has no media here: do not fetch it.
    pub gap: bool,
    /// What a demuxer needs before it.
    pub init: Option<Arc<Init>>,
    /// How it is encrypted; none: it is not.
    pub key: Option<Arc<Key>>,
    /// `wall_time` of its first sample, microseconds since 1970, counted on from the last segment that states it.
    pub program_date_time_us: Option<i64>,
    /// Words for people.
    pub title: Option<String>,
}

impl Segment {
    /// The initialisation vector: the stated one, else the sequence number as a big-endian integer (RFC 8216 section 5.2).
    pub fn iv(&self) -> [u8; 16] {
        let stated = self.key.as_ref().and_then(|key| key.iv);
        stated.unwrap_or_else(|| u128::from(self.sequence).to_be_bytes())
    }
}

/// A part of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ByteRange {
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
}

impl ByteRange {
    /// The value of a `range` request header; none when it is empty or ends beyond the last offset there is.
    pub fn header(&self) -> Option<String> {
        let last = self.offset.checked_add(self.length.checked_sub(1)?)?;
        Some(format!("bytes={}-{last}", self.offset))
    }
}

/// An initialisation section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Init {
    /// Absolute address.
    pub uri: String,
    /// The part of the resource; none: all.
    pub range: Option<ByteRange>,
    /// How it is encrypted.
    pub key: Option<Arc<Key>>,
}

/// How segments are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum KeyMethod {
    /// Whole segments, AES-128 CBC, PKCS7.
    Aes128,
    /// Samples, AES-128 CBC.
    SampleAes,
    /// Samples, AES-128 CTR (Common Encryption `cenc`).
    SampleAesCtr,
    /// A method that this player does not know.
    Unknown,
}

/// Where the key is and how it is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Key {
    /// What is encrypted and how.
    pub method: KeyMethod,
    /// Absolute address of the key.
    pub uri: Option<String>,
    /// Initialisation vector, when stated.
    pub iv: Option<[u8; 16]>,
    /// `identity` (16 bytes at `uri`) or the name of a key system.
    pub format: String,
}

/// An entry of a plain list of files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListItem {
    /// Absolute address.
    pub uri: String,
    /// Words for people.
    pub title: Option<String>,
    /// Length, when stated.
    pub duration_us: Option<MediaUs>,
}
