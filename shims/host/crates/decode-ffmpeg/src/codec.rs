//! The contract's codec names (`wit/video.wit`, `wit/audio.wit`) as libavcodec's.

use ffmpeg_sys_next::AVCodecID::{self, *};

fn family(codec: &str) -> &str {
    codec.split('.').next().unwrap_or(codec)
}

/// The video codec an RFC 6381 string names.
pub(crate) fn video(codec: &str) -> Option<AVCodecID> {
    Some(match family(codec) {
        "avc1" | "avc3" => AV_CODEC_ID_H264,
        "hvc1" | "hev1" => AV_CODEC_ID_HEVC,
        "av01" => AV_CODEC_ID_AV1,
        "vp8" | "vp08" => AV_CODEC_ID_VP8,
        "vp9" | "vp09" => AV_CODEC_ID_VP9,
        // Object types of ISO/IEC 14496-1 table 5 (mp4ra.org): 0x20 MPEG-4 Visual, 0x60-0x65 MPEG-2, 0x6A MPEG-1.
        "mp4v" => match codec.split('.').nth(1)?.to_ascii_lowercase().as_str() {
            "20" => AV_CODEC_ID_MPEG4,
            "60" | "61" | "62" | "63" | "64" | "65" => AV_CODEC_ID_MPEG2VIDEO,
            "6a" => AV_CODEC_ID_MPEG1VIDEO,
            _ => return None,
        },
        "mpeg2" => AV_CODEC_ID_MPEG2VIDEO,
        "mpeg1" => AV_CODEC_ID_MPEG1VIDEO,
        "mpeg4" => AV_CODEC_ID_MPEG4,
        "mjpeg" => AV_CODEC_ID_MJPEG,
        "theora" => AV_CODEC_ID_THEORA,
        _ => return None,
    })
}

/// The audio codec a name of the contract stands for.
pub(crate) fn audio(codec: &str) -> Option<AVCodecID> {
    Some(match codec {
        "mp3" | "mp4a.69" | "mp4a.6b" | "mp4a.6B" => AV_CODEC_ID_MP3,
        "mp2" => AV_CODEC_ID_MP2,
        "ac-3" | "mp4a.a5" => AV_CODEC_ID_AC3,
        "ec-3" | "mp4a.a6" => AV_CODEC_ID_EAC3,
        "opus" => AV_CODEC_ID_OPUS,
        "flac" => AV_CODEC_ID_FLAC,
        "vorbis" => AV_CODEC_ID_VORBIS,
        "alac" => AV_CODEC_ID_ALAC,
        "dts" | "dtsc" => AV_CODEC_ID_DTS,
        "truehd" | "mlpa" => AV_CODEC_ID_TRUEHD,
        "pcm-u8" => AV_CODEC_ID_PCM_U8,
        "pcm-s16le" => AV_CODEC_ID_PCM_S16LE,
        "pcm-s16be" => AV_CODEC_ID_PCM_S16BE,
        "pcm-s24le" => AV_CODEC_ID_PCM_S24LE,
        "pcm-s24be" => AV_CODEC_ID_PCM_S24BE,
        "pcm-s32le" => AV_CODEC_ID_PCM_S32LE,
        "pcm-s32be" => AV_CODEC_ID_PCM_S32BE,
        "pcm-f32le" => AV_CODEC_ID_PCM_F32LE,
        "pcm-f64le" => AV_CODEC_ID_PCM_F64LE,
        "pcm-alaw" => AV_CODEC_ID_PCM_ALAW,
        "pcm-mulaw" => AV_CODEC_ID_PCM_MULAW,
        // mp4a.40.2, .5 and .29 (HE-AAC, v2), and 0x67 (MPEG-2 AAC LC).
        _ if family(codec) == "mp4a" => match codec.split('.').nth(1).unwrap_or("40") {
            "40" | "66" | "67" | "68" => AV_CODEC_ID_AAC,
            _ => return None,
        },
        _ => return None,
    })
}
