use std::collections::VecDeque;

use kinora_port::{AudioConfig, AudioDecoder, DecodeError, EncodedSample, PcmBlock};

use crate::av::{Codec, Context, Setup};
use crate::codec;

pub(crate) struct FfmpegAudio {
    context: Context,
    ready: VecDeque<PcmBlock>,
    /// Frames still to drop at the start: a trim may be longer than a packet.
    skip: u32,
    name: String,
}

impl FfmpegAudio {
    pub(crate) fn open(config: &AudioConfig) -> Result<Self, DecodeError> {
        let codec = codec::audio(&config.codec)
            .and_then(Codec::find)
            .ok_or_else(|| DecodeError::Unsupported(format!("no decoder for {}", config.codec)))?;
        let extradata = match config.codec.as_str() {
            "vorbis" => xiph_lacing(&config.extradata)
                .ok_or_else(|| DecodeError::Unsupported("damaged Vorbis headers".into()))?,
            // The magic cookie alone, which libavcodec wants in its box: size, `alac`, version and flags.
            "alac" if config.extradata.get(4..8) != Some(b"alac") => {
                let size = config.extradata.len() as u32 + 12;
                [&size.to_be_bytes()[..], b"alac", &[0; 4], &config.extradata].concat()
            }
            _ => config.extradata.clone(),
        };
        let setup = Setup {
            extradata: &extradata,
            threads: 1,
            rate_hz: config.rate_hz,
            channels: config.channels,
            device: None,
        };
        let context = Context::open(codec, &setup)?;
        let name = format!("{} (libavcodec)", codec.name());
        Ok(FfmpegAudio { context, ready: VecDeque::new(), skip: 0, name })
    }

    /// Takes what the last packet gave and applies its trim. libavcodec keeps no sound across packets for the codecs of the
    /// contract beyond what overlap needs, so the frames between two packets are those of the first.
    fn collect(&mut self, fallback_pts_us: i64, trim: (u32, u32)) -> Result<(), DecodeError> {
        let mut blocks = Vec::new();
        while let Some(frame) = self.context.receive()? {
            let channels = frame.ch_layout.nb_channels.max(1) as u32;
            let rate_hz = u32::try_from(frame.sample_rate).unwrap_or(0).max(1);
            let pts_us =
                if frame.pts == ffmpeg_sys_next::AV_NOPTS_VALUE { fallback_pts_us } else { frame.pts };
            blocks.push(PcmBlock { pts_us, rate_hz, channels, samples: frame.pcm()? });
        }
        self.skip = self.skip.saturating_add(trim.0);
        let mut end = trim.1;
        for block in blocks.iter_mut().rev() {
            let dropped = end.min(block.frames());
            block.trim(0, dropped);
            end -= dropped;
        }
        for mut block in blocks {
            let dropped = self.skip.min(block.frames());
            block.trim(dropped, 0);
            self.skip -= dropped;
            if block.frames() > 0 {
                self.ready.push_back(block);
            }
        }
        Ok(())
    }
}

/// The contract's three Vorbis headers (each behind its u32 length) with Xiph lacing, as libavcodec wants them: the number of
/// headers less one, the sizes of all but the last in base 255, the headers.
fn xiph_lacing(headers: &[u8]) -> Option<Vec<u8>> {
    let mut rest = headers;
    let mut parts = Vec::new();
    for _ in 0..3 {
        let (len, after) = rest.split_first_chunk::<4>()?;
        let (part, after) = after.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        parts.push(part);
        rest = after;
    }
    let mut laced = vec![2];
    for part in &parts[..2] {
        laced.extend(std::iter::repeat_n(255, part.len() / 255));
        laced.push((part.len() % 255) as u8);
    }
    laced.extend(parts.concat());
    Some(laced)
}

impl AudioDecoder for FfmpegAudio {
    fn send(&mut self, sample: &EncodedSample) -> Result<(), DecodeError> {
        self.context.send(sample.data(), sample.pts_us, sample.dts_us)?;
        if sample.decode_only {
            while self.context.receive()?.is_some() {}
            return Ok(());
        }
        self.collect(sample.pts_us, sample.trim)
    }

    fn receive(&mut self) -> Result<Option<PcmBlock>, DecodeError> {
        Ok(self.ready.pop_front())
    }

    fn drain(&mut self) -> Result<(), DecodeError> {
        self.context.drain()?;
        self.collect(0, (0, 0))
    }

    fn flush(&mut self) {
        self.context.flush();
        self.ready.clear();
        self.skip = 0;
    }

    fn name(&self) -> &str {
        &self.name
    }
}
