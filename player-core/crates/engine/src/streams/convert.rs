//! Tracks and samples in the form of the contract (`wit/video.wit`, `wit/audio.wit`, `wit/streams.wit`).

use kinora_demux::{Kind, Sample, Track};

use crate::shim::{AudioConfig, SampleHeader, VideoConfig};

/// Appends the bytes and side data of a sample and gives its header.
pub(super) fn write(sample: &Sample, discontinuity: bool, body: &mut Vec<u8>) -> SampleHeader {
    const TRIM: u32 = 1;
    let mut bits = 0;
    for (set, bit) in [
        (sample.key, SampleHeader::KEY),
        (sample.decode_only, SampleHeader::DECODE_ONLY),
        (discontinuity, SampleHeader::DISCONTINUITY),
    ] {
        bits |= if set { bit } else { 0 };
    }
    body.extend_from_slice(&sample.data);
    let before = body.len();
    if sample.trim != kinora_demux::Trim::default() {
        for word in [TRIM, 8, sample.trim.start, sample.trim.end] {
            body.extend_from_slice(&word.to_le_bytes());
        }
    }
    SampleHeader {
        pts_us: sample.pts_us,
        dts_us: sample.dts_us,
        duration_us: sample.duration_us,
        bits,
        size: sample.data.len() as u32,
        side_size: (body.len() - before) as u32,
    }
}

/// Whether a decoder for one track can go on with the other.
pub(crate) fn same_format(a: &Track, b: &Track) -> bool {
    a.codec_string == b.codec_string && a.extradata == b.extradata && a.kind == b.kind
}

/// A video track as the contract describes it.
pub(super) fn video_config(track: &Track) -> VideoConfig {
    let format = match track.kind {
        Kind::Video(format) => format,
        _ => kinora_demux::VideoFormat {
            width: 0,
            height: 0,
            par: (1, 1),
            rotation_deg: 0,
            cicp: [2, 2, 2, 0],
        },
    };
    VideoConfig {
        codec: track.codec_string.clone(),
        extradata: track.extradata.clone(),
        width_px: format.width,
        height_px: format.height,
        par: format.par,
        rotation_deg: format.rotation_deg,
        cicp: u32::from_le_bytes(format.cicp),
    }
}

/// An audio track as the contract describes it.
pub(super) fn audio_config(track: &Track) -> AudioConfig {
    let (rate_hz, channels) = match track.kind {
        Kind::Audio(format) => (format.rate_hz, format.channels),
        _ => (0, 0),
    };
    AudioConfig { codec: track.codec_string.clone(), extradata: track.extradata.clone(), rate_hz, channels }
}
