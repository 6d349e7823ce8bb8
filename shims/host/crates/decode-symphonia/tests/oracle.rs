//! Against FFmpeg, fed with the same packets.

use kinora_decode_ffmpeg::{FfmpegConfig, FfmpegDecoders};
use kinora_decode_symphonia::SymphoniaDecoders;
use kinora_port::{AudioConfig, AudioDecoder, DecodeError, Decoders, EncodedSample, PcmBlock, PcmSamples};
use proptest::prelude::*;

/// The largest error of a lossy codec, RMS relative to full scale: -60 dB.
const MAX_ERROR: f64 = 1e-3;

/// Each file holds the codec's configuration and then packets, all behind their u32 little-endian length; 0.12 s of two sines and noise,
/// encoded by FFmpeg.
const CLIPS: [(&str, &[u8], bool); 7] = [
    ("mp4a.40.2", include_bytes!("data/aac.packets"), false),
    ("mp3", include_bytes!("data/mp3.packets"), false),
    ("vorbis", include_bytes!("data/vorbis.packets"), false),
    ("flac", include_bytes!("data/flac16.packets"), true),
    ("flac", include_bytes!("data/flac24.packets"), true),
    ("alac", include_bytes!("data/alac.packets"), true),
    ("alac", include_bytes!("data/alac24.packets"), true),
];

fn parse(codec: &str, mut file: &[u8]) -> (AudioConfig, Vec<EncodedSample>) {
    let mut parts = Vec::new();
    while let Some((len, rest)) = file.split_first_chunk::<4>() {
        let (part, rest) = rest.split_at(u32::from_le_bytes(*len) as usize);
        parts.push(part.to_vec());
        file = rest;
    }
    let extradata = parts.remove(0);
    let config = AudioConfig { codec: codec.into(), extradata, rate_hz: 44_100, channels: 2 };
    (config, parts.iter().enumerate().map(|(i, part)| sample(part, i as i64)).collect())
}

fn sample(bytes: &[u8], index: i64) -> EncodedSample {
    EncodedSample {
        pts_us: index * 20_000,
        dts_us: index * 20_000,
        duration_us: 20_000,
        key: true,
        decode_only: false,
        discontinuity: false,
        trim: (0, 0),
        body: bytes.into(),
        range: (0, bytes.len() as u32),
    }
}

fn decode(mut decoder: Box<dyn AudioDecoder>, samples: &[EncodedSample]) -> Vec<PcmBlock> {
    let mut blocks = Vec::new();
    for sample in samples {
        decoder.send(sample).unwrap();
        while let Some(block) = decoder.receive().unwrap() {
            blocks.push(block);
        }
    }
    blocks
}

fn floats(blocks: &[PcmBlock]) -> Vec<f64> {
    let values = |block: &PcmBlock| -> Vec<f64> {
        match &block.samples {
            PcmSamples::S16(values) => values.iter().map(|&x| f64::from(x) / 32_768.0).collect(),
            PcmSamples::S32(values) => values.iter().map(|&x| f64::from(x) / 2_147_483_648.0).collect(),
            PcmSamples::F32(values) => values.iter().map(|&x| f64::from(x)).collect(),
        }
    };
    blocks.iter().flat_map(values).collect()
}

fn ffmpeg() -> FfmpegDecoders {
    FfmpegDecoders::new(FfmpegConfig { threads: 1, hardware: false })
}

#[test]
fn every_codec_decodes_as_ffmpeg_does() {
    for (codec, file, lossless) in CLIPS {
        for trim in [(0, 0), (1_500, 300)] {
            let (config, mut samples) = parse(codec, file);
            samples.first_mut().unwrap().trim.0 = trim.0;
            samples.last_mut().unwrap().trim.1 = trim.1;
            let ours = decode(SymphoniaDecoders.audio(&config).unwrap(), &samples);
            let theirs = decode(ffmpeg().audio(&config).unwrap(), &samples);
            if lossless {
                assert_eq!(ours, theirs, "{codec}");
                continue;
            }
            let (ours, theirs) = (floats(&ours), floats(&theirs));
            assert_eq!(ours.len(), theirs.len(), "{codec}");
            let square: f64 = ours.iter().zip(&theirs).map(|(a, b)| (a - b) * (a - b)).sum();
            let error = (square / ours.len() as f64).sqrt();
            assert!(error <= MAX_ERROR, "{codec}: {:.1} dBFS", 20.0 * error.log10());
        }
    }
}

#[test]
fn alac_cookie_with_and_without_its_box_opens_everywhere() {
    let (boxed, samples) = parse("alac", CLIPS[5].1);
    let mut bare = boxed.clone();
    bare.extradata.drain(..12);
    let expected = decode(ffmpeg().audio(&boxed).unwrap(), &samples);
    assert_eq!(decode(ffmpeg().audio(&bare).unwrap(), &samples), expected);
    assert_eq!(decode(SymphoniaDecoders.audio(&bare).unwrap(), &samples), expected);
}

#[test]
fn every_pcm_is_the_same_as_ffmpegs() {
    let bytes: Vec<u8> = (0..240u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for codec in ["u8", "s16le", "s16be", "s24le", "s24be", "s32le", "s32be", "alaw", "mulaw"] {
        let codec = format!("pcm-{codec}");
        let config = AudioConfig { codec: codec.clone(), extradata: Vec::new(), rate_hz: 8_000, channels: 2 };
        let ours = decode(SymphoniaDecoders.audio(&config).unwrap(), &[sample(&bytes, 0)]);
        let theirs = decode(ffmpeg().audio(&config).unwrap(), &[sample(&bytes, 0)]);
        assert_eq!(ours, theirs, "{codec}");
    }
}

#[test]
fn aac_that_has_or_may_hide_sbr_is_left_to_others() {
    let open = |extradata: &[u8]| {
        let config = AudioConfig {
            codec: "mp4a.40.2".into(),
            extradata: extradata.to_vec(),
            rate_hz: 48_000,
            channels: 2,
        };
        SymphoniaDecoders.audio(&config).map(drop)
    };
    assert!(open(&[0x11, 0x90]).is_ok(), "LC, 48 kHz, stereo");
    for refused in [[0x2b, 0x92], [0xeb, 0x92], [0x13, 0x10], [0x0a, 0x10]] {
        assert!(matches!(open(&refused), Err(DecodeError::Unsupported(_))), "{refused:02x?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn damaged_sound_never_panics(
        clip in 0..CLIPS.len(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let (codec, file, _) = CLIPS[clip];
        let (mut config, samples) = parse(codec, file);
        if let Ok(mut decoder) = SymphoniaDecoders.audio(&config) {
            for sample in &samples {
                let mut bytes = sample.data().to_vec();
                for (at, with) in &flips {
                    let at = at.index(bytes.len());
                    bytes[at] ^= with;
                }
                bytes.truncate(cut.index(bytes.len()) + 1);
                let _ = decoder.send(&self::sample(&bytes, 0));
                while let Ok(Some(_)) = decoder.receive() {}
            }
        }
        for (at, with) in flips {
            if !config.extradata.is_empty() {
                let at = at.index(config.extradata.len());
                config.extradata[at] ^= with;
            }
        }
        if let Ok(mut decoder) = SymphoniaDecoders.audio(&config) {
            let _ = decoder.send(&samples[0]);
        }
    }
}
