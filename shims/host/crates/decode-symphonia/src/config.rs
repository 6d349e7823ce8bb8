//! Which configurations are taken, and the decoders for them.

use kinora_port::{AudioConfig, DecodeError};
use symphonia_bundle_flac::FlacDecoder;
use symphonia_bundle_mp3::MpaDecoder;
use symphonia_codec_aac::AacDecoder;
use symphonia_codec_alac::AlacDecoder;
use symphonia_codec_pcm::PcmDecoder;
use symphonia_codec_vorbis::VorbisDecoder;
use symphonia_core::audio::Channels;
use symphonia_core::codecs::audio::well_known::*;
use symphonia_core::codecs::audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions};

/// Up to this rate plain-looking AAC may hide its other half in SBR, which only its payload tells: `implicit signalling`, ISO/IEC
/// 14496-3 section 1.6.5.2. Symphonia would decode half the bandwidth at half the rate.
const MAX_HALF_RATE_HZ: u32 = 24_000;

fn pcm(codec: &str) -> Option<AudioCodecId> {
    Some(match codec {
        "pcm-u8" => CODEC_ID_PCM_U8,
        "pcm-s16le" => CODEC_ID_PCM_S16LE,
        "pcm-s16be" => CODEC_ID_PCM_S16BE,
        "pcm-s24le" => CODEC_ID_PCM_S24LE,
        "pcm-s24be" => CODEC_ID_PCM_S24BE,
        "pcm-s32le" => CODEC_ID_PCM_S32LE,
        "pcm-s32be" => CODEC_ID_PCM_S32BE,
        "pcm-f32le" => CODEC_ID_PCM_F32LE,
        "pcm-f64le" => CODEC_ID_PCM_F64LE,
        "pcm-alaw" => CODEC_ID_PCM_ALAW,
        "pcm-mulaw" => CODEC_ID_PCM_MULAW,
        _ => return None,
    })
}

/// Whether every stream of this name is taken.
pub(crate) fn always_opens(codec: &str) -> bool {
    codec == "mp3" || codec == "flac" || pcm(codec).is_some()
}

fn unsupported(why: impl Into<String>) -> DecodeError {
    DecodeError::Unsupported(why.into())
}

/// A decoder, and for lossless codecs the bits of a sample.
pub(crate) fn open(config: &AudioConfig) -> Result<(Box<dyn AudioDecoder>, Option<u32>), DecodeError> {
    let mut params = AudioCodecParameters::new();
    if config.rate_hz > 0 {
        params.with_sample_rate(config.rate_hz);
    }
    // Without a gap to trim, this makes the Vorbis decoder give nothing for the first packet after a start, as the format says.
    let options = AudioDecoderOptions::default().gapless(true);
    let opened = match config.codec.as_str() {
        "mp4a.40.2" => {
            params.for_codec(CODEC_ID_AAC).with_extra_data(low_complexity(config)?.into());
            AacDecoder::try_new(&params, &options).map(boxed)
        }
        "mp3" => {
            params.for_codec(CODEC_ID_MP3);
            MpaDecoder::try_new(&params, &options).map(boxed)
        }
        "flac" => {
            params.for_codec(CODEC_ID_FLAC).with_extra_data(config.extradata.clone().into());
            FlacDecoder::try_new(&params, &options).map(boxed)
        }
        "alac" => {
            // The cookie may come in its box (size, `alac`, version).
            let cookie = match config.extradata.get(4..8) {
                Some(b"alac") => &config.extradata[12.min(config.extradata.len())..],
                _ => &config.extradata[..],
            };
            // frameLength (4 bytes) and compatibleVersion come before the bit depth.
            let bits = cookie.get(5).copied().unwrap_or(0);
            params.for_codec(CODEC_ID_ALAC).with_bits_per_sample(bits.into()).with_extra_data(cookie.into());
            AlacDecoder::try_new(&params, &options).map(boxed)
        }
        "vorbis" => {
            params.for_codec(CODEC_ID_VORBIS).with_extra_data(vorbis_headers(config)?.into());
            VorbisDecoder::try_new(&params, &options).map(boxed)
        }
        codec => {
            let id = pcm(codec).ok_or_else(|| unsupported(format!("no decoder for {codec}")))?;
            let channels = u16::try_from(config.channels).map_err(|_| unsupported("too many channels"))?;
            params.for_codec(id).with_channels(Channels::Discrete(channels));
            PcmDecoder::try_new(&params, &options).map(boxed)
        }
    };
    let codec = opened.map_err(|error| unsupported(error.to_string()))?;
    let channels = codec.codec_params().channels.as_ref().map_or(0, Channels::count);
    // Symphonia keeps the order of the stream where these two have their own.
    if channels > 2 && matches!(config.codec.as_str(), "vorbis" | "alac") {
        return Err(unsupported("channel order"));
    }
    let bits = codec.codec_params().bits_per_sample;
    Ok((codec, bits))
}

fn boxed(codec: impl AudioDecoder + 'static) -> Box<dyn AudioDecoder> {
    Box::new(codec)
}

/// The AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1), if it is that of AAC-LC and no more.
fn low_complexity(config: &AudioConfig) -> Result<&[u8], DecodeError> {
    const RATES: [u32; 13] = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
    ];
    let asc = &config.extradata[..];
    let &[first, second, ..] = asc else { return Err(unsupported("AudioSpecificConfig too short")) };
    let object_type = first >> 3;
    let rate = RATES.get(usize::from((first & 7) << 1 | second >> 7));
    match (object_type, rate) {
        (2, Some(&rate)) if rate > MAX_HALF_RATE_HZ => Ok(asc),
        (2, _) => Err(unsupported("AAC at a rate at which SBR may be hidden in it")),
        _ => Err(unsupported(format!("AAC object type {object_type}"))),
    }
}

/// The first and last of the contract's three headers, as Symphonia wants them.
fn vorbis_headers(config: &AudioConfig) -> Result<Vec<u8>, DecodeError> {
    let short = || unsupported("damaged Vorbis headers");
    let mut rest = &config.extradata[..];
    let mut headers = Vec::new();
    for _ in 0..3 {
        let (len, after) = rest.split_first_chunk::<4>().ok_or_else(short)?;
        let (header, after) = after.split_at_checked(u32::from_le_bytes(*len) as usize).ok_or_else(short)?;
        headers.push(header);
        rest = after;
    }
    Ok([headers[0], headers[2]].concat())
}
