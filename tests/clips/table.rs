//! The clips.

use kinora_tests::Media;

/// How near the sound must be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sound {
    /// Bit for bit.
    Lossless,
    /// RMS error of at most -60 dBFS a channel.
    Lossy,
}

/// A clip and what is compared.
#[derive(Debug)]
pub(crate) struct Clip {
    pub(crate) media: Media,
    pub(crate) picture: bool,
    pub(crate) sound: Option<Sound>,
}

const fn clip(name: &'static str, args: &'static str, picture: bool, sound: Option<Sound>) -> Clip {
    Clip { media: Media { name, args }, picture, sound }
}

const LOSSY: Option<Sound> = Some(Sound::Lossy);
const EXACT: Option<Sound> = Some(Sound::Lossless);

/// Two tones and a little noise, so that channels swapped or shifted show.
macro_rules! tones {
    ($rate:literal, $layout:literal, $seconds:literal) => {
        concat!(
            "-f lavfi -i aevalsrc=exprs=0.3*sin(440*2*PI*t)|0.2*sin(554*2*PI*t)+0.02*random(0):s=",
            $rate,
            ":d=",
            $seconds,
            ",aformat=channel_layouts=",
            $layout
        )
    };
}

macro_rules! picture {
    ($rate:literal, $seconds:literal) => {
        concat!("-f lavfi -i testsrc2=s=320x180:r=", $rate, ":d=", $seconds)
    };
}

/// H.264 with the given options beside AAC.
macro_rules! h264 {
    ($rate:literal, $options:literal) => {
        concat!(
            picture!($rate, "3"),
            " ",
            tones!("48000", "stereo", "3"),
            " -c:v libx264 -preset fast -pix_fmt yuv420p -g 25 ",
            $options,
            " -c:a aac"
        )
    };
}

/// Sound alone.
macro_rules! sound {
    ($rate:literal, $layout:literal, $options:literal) => {
        concat!(tones!($rate, $layout, "3"), " -c:a ", $options)
    };
}

pub(crate) const CLIPS: &[Clip] = &[
    // H.264: reordering, open GOP, frame rates.
    clip("h264_bframes.mp4", h264!("25", "-bf 3 -movflags +faststart"), true, LOSSY),
    clip("h264_moov_last.mp4", h264!("25", "-bf 2"), true, LOSSY),
    clip("h264_open_gop.mp4", h264!("25", "-bf 3 -x264-params open-gop=1:b-pyramid=strict"), true, LOSSY),
    clip("h264_23976.mp4", h264!("24000/1001", "-bf 2"), true, LOSSY),
    clip("h264_2997.mp4", h264!("30000/1001", "-bf 2"), true, LOSSY),
    clip("h264_50.mp4", h264!("50", "-bf 2"), true, LOSSY),
    clip("h264_60.mkv", h264!("60", "-bf 2"), true, LOSSY),
    clip(
        "h264_fragmented.mp4",
        h264!("25", "-bf 2 -movflags +frag_keyframe+empty_moov+default_base_moof"),
        true,
        LOSSY,
    ),
    clip("h264.ts", h264!("25", "-bf 2"), true, LOSSY),
    clip(
        "h264_10bit.mp4",
        "-f lavfi -i testsrc2=s=320x180:r=25:d=2 -c:v libx264 -preset fast -pix_fmt yuv420p10le",
        true,
        None,
    ),
    clip(
        "h264_444.mkv",
        "-f lavfi -i testsrc2=s=320x180:r=25:d=2 -c:v libx264 -preset fast -pix_fmt yuv444p",
        true,
        None,
    ),
    clip(
        "h264_odd_size.mp4",
        "-f lavfi -i testsrc2=s=322x182:r=25:d=2 -c:v libx264 -preset fast -pix_fmt yuv420p",
        true,
        None,
    ),
    clip(
        "h264_rotated.mp4",
        "-f lavfi -i testsrc2=s=320x180:r=25:d=2 -c:v libx264 -preset fast -pix_fmt yuv420p THEN -c copy -metadata:s:v:0 rotate=90",
        true,
        None,
    ),
    clip(
        "h264_anamorphic.mp4",
        "-f lavfi -i testsrc2=s=320x180:r=25:d=2,setsar=4/3 -c:v libx264 -preset fast -pix_fmt yuv420p",
        true,
        None,
    ),
    // Other video codecs.
    clip(
        "hevc.mp4",
        "-f lavfi -i testsrc2=s=320x180:r=25:d=3 -c:v libx265 -preset fast -x265-params log-level=none -pix_fmt yuv420p -tag:v hvc1",
        true,
        None,
    ),
    clip(
        "hevc_10bit.mkv",
        "-f lavfi -i testsrc2=s=320x180:r=25:d=2 -c:v libx265 -preset fast -x265-params log-level=none -pix_fmt yuv420p10le",
        true,
        None,
    ),
    clip(
        "hevc.ts",
        "-f lavfi -i testsrc2=s=320x180:r=25:d=3 -c:v libx265 -preset fast -x265-params log-level=none -pix_fmt yuv420p",
        true,
        None,
    ),
    clip(
        "vp8_vorbis.webm",
        concat!(
            picture!("25", "3"),
            " ",
            tones!("44100", "stereo", "3"),
            " -c:v libvpx -deadline realtime -cpu-used 8 -c:a libvorbis"
        ),
        true,
        LOSSY,
    ),
    clip(
        "vp9_opus.webm",
        concat!(
            picture!("30", "3"),
            " ",
            tones!("48000", "stereo", "3"),
            " -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus"
        ),
        true,
        LOSSY,
    ),
    clip(
        "av1_opus.mkv",
        concat!(
            picture!("25", "2"),
            " ",
            tones!("48000", "stereo", "2"),
            " -c:v libsvtav1 -preset 12 -pix_fmt yuv420p -c:a libopus"
        ),
        true,
        LOSSY,
    ),
    clip(
        "av1.mp4",
        "-f lavfi -i testsrc2=s=320x180:r=25:d=2 -c:v libsvtav1 -preset 12 -pix_fmt yuv420p",
        true,
        None,
    ),
    // Sound: codecs, containers, rates, layouts.
    clip("aac_mono_44.m4a", sound!("44100", "mono", "aac"), false, LOSSY),
    clip("aac_51.mp4", sound!("48000", "5.1", "aac -b:a 256k"), false, LOSSY),
    clip("aac.aac", sound!("44100", "stereo", "aac"), false, LOSSY),
    clip("mp3.mp3", sound!("44100", "stereo", "libmp3lame -b:a 128k"), false, LOSSY),
    clip("mp3_vbr_mono.mp3", sound!("44100", "mono", "libmp3lame -q:a 4"), false, LOSSY),
    clip("mp3.ts", sound!("48000", "stereo", "libmp3lame"), false, LOSSY),
    clip("ac3_51.mkv", sound!("48000", "5.1", "ac3"), false, LOSSY),
    clip("ac3.ts", sound!("48000", "stereo", "ac3"), false, LOSSY),
    clip("flac.flac", sound!("44100", "stereo", "flac"), false, EXACT),
    clip(
        "flac_24bit.mkv",
        sound!("48000", "stereo", "flac -sample_fmt s32 -bits_per_raw_sample 24"),
        false,
        EXACT,
    ),
    clip("flac.mp4", sound!("48000", "stereo", "flac -strict -2"), false, EXACT),
    clip("opus.opus", sound!("48000", "stereo", "libopus"), false, LOSSY),
    clip("opus_mono.webm", sound!("48000", "mono", "libopus"), false, LOSSY),
    clip("vorbis.ogg", sound!("44100", "stereo", "libvorbis"), false, LOSSY),
    clip("pcm16.wav", sound!("44100", "stereo", "pcm_s16le"), false, EXACT),
    clip("pcm24_51.wav", sound!("48000", "5.1", "pcm_s24le"), false, EXACT),
    clip("pcm_float.wav", sound!("48000", "mono", "pcm_f32le"), false, EXACT),
    clip("pcm.mov", sound!("48000", "stereo", "pcm_s16be"), false, EXACT),
    clip("alac.m4a", sound!("44100", "stereo", "alac"), false, EXACT),
];
