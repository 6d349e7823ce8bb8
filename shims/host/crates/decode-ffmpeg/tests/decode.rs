//! The decoders against what FFmpeg's own tools say of the same bytes, and against damage.

use std::sync::Arc;

use kinora_decode_ffmpeg::{FfmpegConfig, FfmpegDecoders};
use kinora_port::{
    AudioConfig, AudioDecoder, Cicp, DecodeError, Decoders, EncodedSample, PcmBlock, PcmSamples, PixelFormat,
    VideoConfig, VideoDecoder, VideoFrame,
};
use proptest::prelude::*;

/// Twelve pictures of 66x50, two groups of I B B B P B, made by `ffmpeg -f lavfi -i testsrc2=s=66x50:r=25 -frames:v 12 -pix_fmt
/// yuv420p -c:v libx264 -bf 3 -b_strategy 0 -g 6 -sc_threshold 0 -crf 40 -bsf:v filter_units=remove_types=6 bframes.h264`.
const CLIP: &[u8] = include_bytes!("data/bframes.h264");

fn decoders() -> FfmpegDecoders {
    FfmpegDecoders::new(FfmpegConfig { threads: 2, hardware: false })
}

fn config(codec: &str) -> VideoConfig {
    VideoConfig {
        codec: codec.into(),
        extradata: Vec::new(),
        width: 66,
        height: 50,
        par: (1, 1),
        rotation_deg: 90,
        cicp: Cicp { primaries: 9, ..Cicp::default() },
    }
}

fn sample(bytes: &[u8], index: i64) -> EncodedSample {
    EncodedSample {
        pts_us: index * 40_000,
        dts_us: index * 40_000,
        duration_us: 40_000,
        key: index == 0,
        decode_only: false,
        discontinuity: false,
        trim: (0, 0),
        body: bytes.into(),
        range: (0, bytes.len() as u32),
    }
}

/// The clip's access units. Every slice (NAL type 1 or 5) ends one, since each picture is a single slice. The pts are those of
/// decode order, which is all that tells whether a decoder passes them through.
fn access_units(clip: &[u8]) -> Vec<EncodedSample> {
    let starts: Vec<usize> =
        (0..clip.len().saturating_sub(4)).filter(|&i| clip[i..i + 3] == [0, 0, 1]).collect();
    let mut units = Vec::new();
    let mut from = 0;
    for (n, &start) in starts.iter().enumerate() {
        let to = starts.get(n + 1).copied().unwrap_or(clip.len());
        if matches!(clip[start + 3] & 31, 1 | 5) {
            units.push(sample(&clip[from..to], units.len() as i64));
            from = to;
        }
    }
    units
}

fn decode(decoder: &mut dyn VideoDecoder, units: &[EncodedSample]) -> Vec<VideoFrame> {
    let mut frames = Vec::new();
    for unit in units {
        decoder.send(unit).unwrap();
        while let Some(frame) = decoder.receive().unwrap() {
            frames.push(frame);
        }
    }
    decoder.drain().unwrap();
    while let Some(frame) = decoder.receive().unwrap() {
        frames.push(frame);
    }
    frames
}

fn pictures(frames: &[VideoFrame]) -> Vec<Vec<u8>> {
    frames
        .iter()
        .map(|frame| {
            let mut bytes = Vec::new();
            for (plane, (w, h)) in frame.planes.iter().zip([(66, 50), (33, 25), (33, 25)]) {
                (0..h).for_each(|y| bytes.extend_from_slice(plane.row(y, w)));
            }
            bytes
        })
        .collect()
}

#[test]
fn h264_with_b_pictures_comes_out_whole_and_in_presentation_order() {
    let units = access_units(CLIP);
    assert_eq!(units.len(), 12);
    let frames = decode(&mut *decoders().video(&config("avc1.64000a")).unwrap(), &units);
    let order: Vec<i64> = frames.iter().map(|frame| frame.pts_us / 40_000).collect();
    assert_eq!(order, ORDER);
    let frame = &frames[0];
    assert_eq!((frame.width, frame.height, frame.format), (66, 50, PixelFormat::Yuv420p));
    assert_eq!((frame.duration_us, frame.rotation_deg, frame.cicp.primaries), (40_000, 90, 9));
}

/// Decode indices in presentation order.
const ORDER: [i64; 12] = [0, 3, 2, 4, 1, 5, 6, 9, 8, 10, 7, 11];

#[test]
fn video_decoder_flushed_decodes_the_same_again() {
    let units = access_units(CLIP);
    let mut decoder = decoders().video(&config("avc1")).unwrap();
    let first = pictures(&decode(&mut *decoder, &units));
    decoder.flush();
    assert_eq!(pictures(&decode(&mut *decoder, &units)), first);
}

#[test]
fn decode_only_sample_gives_no_picture_but_is_decoded() {
    let mut units = access_units(CLIP);
    let all = pictures(&decode(&mut *decoders().video(&config("avc1")).unwrap(), &units));
    units.iter_mut().take(6).for_each(|unit| unit.decode_only = true);
    let rest = pictures(&decode(&mut *decoders().video(&config("avc1")).unwrap(), &units));
    assert_eq!(rest, all[6..]);
}

#[test]
fn discarding_spares_unreferenced_pictures_and_harms_no_other() {
    let units = access_units(CLIP);
    let all = decode(&mut *decoders().video(&config("avc1")).unwrap(), &units);
    let mut decoder = decoders().video(&config("avc1")).unwrap();
    decoder.set_discarding(true);
    let some = decode(&mut *decoder, &units);
    assert!(some.len() < all.len());
    let all_pictures = pictures(&all);
    for (frame, picture) in some.iter().zip(pictures(&some)) {
        let same = all.iter().position(|other| other.pts_us == frame.pts_us).unwrap();
        assert_eq!(picture, all_pictures[same]);
    }
}

fn pcm(codec: &str, rate_hz: u32, channels: u32) -> Box<dyn AudioDecoder> {
    let config = AudioConfig { codec: codec.into(), extradata: Vec::new(), rate_hz, channels };
    decoders().audio(&config).unwrap()
}

fn sound(decoder: &mut dyn AudioDecoder, samples: &[EncodedSample]) -> Vec<PcmBlock> {
    let mut blocks = Vec::new();
    for sample in samples {
        decoder.send(sample).unwrap();
        while let Some(block) = decoder.receive().unwrap() {
            blocks.push(block);
        }
    }
    blocks
}

#[test]
fn trim_longer_than_a_packet_goes_on_in_the_next() {
    let packet: Vec<u8> = (0..10i16).flat_map(i16::to_le_bytes).collect();
    let mut samples: Vec<_> = (0..3).map(|i| sample(&packet, i)).collect();
    samples[0].trim = (13, 0);
    samples[2].trim = (0, 4);
    let blocks = sound(&mut *pcm("pcm-s16le", 1_000, 1), &samples);
    assert_eq!(blocks[0].pts_us, 40_000 + 3_000);
    assert_eq!(blocks[0].samples, PcmSamples::S16((3..10).collect()));
    assert_eq!(blocks[1].samples, PcmSamples::S16((0..6).collect()));
}

#[test]
fn pcm_of_24_bits_stands_in_the_high_bits() {
    let blocks =
        sound(&mut *pcm("pcm-s24be", 48_000, 2), &[sample(&[0x12, 0x34, 0x56, 0xff, 0xff, 0xff], 0)]);
    assert_eq!(blocks[0].samples, PcmSamples::S32(vec![0x1234_5600, -256]));
}

#[test]
fn supports_of_every_codec_it_affirms_opens() {
    let decoders = decoders();
    for codec in
        ["avc1.64001f", "hvc1.1.6.L93.B0", "vp8", "vp09.00.10.08", "av01.0.04M.08", "mp4v.20.9", "mp4v.61"]
    {
        assert!(decoders.supports(codec), "{codec}");
        assert!(decoders.video(&config(codec)).is_ok(), "{codec}");
    }
    for codec in ["mp4a.40.2", "mp4a.40.5", "mp3", "mp2", "ac-3", "ec-3", "pcm-u8", "pcm-f64le", "pcm-alaw"] {
        assert!(decoders.supports(codec), "{codec}");
        let config = AudioConfig { codec: codec.into(), extradata: Vec::new(), rate_hz: 48_000, channels: 2 };
        assert!(decoders.audio(&config).is_ok(), "{codec}");
    }
    assert!(!decoders.supports("nonsense"));
    assert!(matches!(decoders.video(&config("nonsense")), Err(DecodeError::Unsupported(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_video_never_panics(flips in prop::collection::vec((0..CLIP.len(), any::<u8>()), 0..20)) {
        let mut clip = CLIP.to_vec();
        flips.iter().for_each(|&(at, with)| clip[at] ^= with);
        let mut decoder = decoders().video(&config("avc1")).unwrap();
        let mut frames = 0;
        for unit in access_units(&clip) {
            let _ = decoder.send(&unit);
            while !matches!(decoder.receive(), Ok(None)) { frames += 1; }
        }
        prop_assert!(frames <= 64);
    }

    #[test]
    fn arbitrary_sound_never_panics(
        codec in prop::sample::select(vec!["mp3", "mp2", "ac-3", "ec-3", "mp4a.40.2", "pcm-s24le"]),
        bytes in prop::collection::vec(any::<u8>(), 0..600), trim in any::<(u32, u32)>(),
    ) {
        let config = AudioConfig { codec: codec.into(), extradata: bytes.clone(), rate_hz: 44_100, channels: 2 };
        if let Ok(mut decoder) = decoders().audio(&config) {
            let _ = decoder.send(&EncodedSample { trim, ..sample(&bytes, 0) });
            while let Ok(Some(_)) = decoder.receive() {}
        }
    }
}

#[test]
fn picture_kept_after_its_decoder_is_gone_stays_readable() {
    let mut decoder = decoders().video(&config("avc1")).unwrap();
    let frames = decode(&mut *decoder, &access_units(CLIP));
    let before = pictures(&frames);
    let kept = Arc::new(frames);
    drop(decoder);
    assert_eq!(pictures(&kept), before);
}
