use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ffmpeg_sys_next::{AV_NOPTS_VALUE, AVColorRange};
use kinora_port::{Cicp, DecodeError, EncodedSample, VideoConfig, VideoDecoder, VideoFrame};

use crate::av::{Codec, Context, Device, Frame, Setup};
use crate::codec;

/// Samples in flight whose facts are remembered: a decoder holds at most 16 pictures for reordering and one a thread.
const IN_FLIGHT: usize = 128;

/// What libavcodec does not carry from a sample to its picture on every decoder.
struct Sent {
    pts_us: i64,
    duration_us: u32,
    decode_only: bool,
}

pub(crate) struct FfmpegVideo {
    context: Context,
    config: VideoConfig,
    sent: VecDeque<Sent>,
    name: String,
    device_works: Option<Arc<AtomicBool>>,
}

impl FfmpegVideo {
    pub(crate) fn open(
        config: &VideoConfig,
        threads: usize,
        device: Option<&Device>,
        device_works: Arc<AtomicBool>,
    ) -> Result<Self, DecodeError> {
        let codec = codec::video(&config.codec)
            .and_then(Codec::find)
            .ok_or_else(|| DecodeError::Unsupported(format!("no decoder for {}", config.codec)))?;
        let setup = Setup { extradata: &config.extradata, threads, rate_hz: 0, channels: 0, device };
        let context = Context::open(codec, &setup)?;
        let on = if device.is_some() { "VAAPI where it can, " } else { "" };
        Ok(FfmpegVideo {
            context,
            config: config.clone(),
            sent: VecDeque::new(),
            name: format!("{} (libavcodec, {on}{threads} threads)", codec.name()),
            device_works: device.map(|_| device_works),
        })
    }

    fn picture(&mut self, frame: Frame) -> Result<Option<VideoFrame>, DecodeError> {
        let pts_us = if frame.pts == AV_NOPTS_VALUE { frame.best_effort_timestamp } else { frame.pts };
        let found = self.sent.iter().position(|sent| sent.pts_us == pts_us);
        let sent = found.and_then(|index| self.sent.remove(index));
        if sent.as_ref().is_some_and(|sent| sent.decode_only) {
            return Ok(None);
        }
        let stated = Cicp {
            primaries: frame.color_primaries as u8,
            transfer: frame.color_trc as u8,
            matrix: frame.colorspace as u8,
            full_range: frame.color_range == AVColorRange::AVCOL_RANGE_JPEG,
        };
        let range_stated = frame.color_range != AVColorRange::AVCOL_RANGE_UNSPECIFIED;
        let stated_or = |stated: u8, container: u8| if stated == 2 { container } else { stated };
        let container = self.config.cicp;
        let sar = frame.sample_aspect_ratio;
        let (width, height) = (frame.width.max(0) as u32, frame.height.max(0) as u32);
        let (frame, format, full_by_name) = frame.into_known_format()?;
        Ok(Some(VideoFrame {
            pts_us,
            duration_us: sent.map_or(0, |sent| sent.duration_us),
            width,
            height,
            format,
            planes: frame.into_planes(),
            // A container that states a shape other than square overrules the bitstream, as in FFmpeg.
            par: match self.config.par {
                (w, h) if w > 0 && h > 0 && w != h => (w, h),
                _ if sar.num > 0 && sar.den > 0 => (sar.num as u32, sar.den as u32),
                _ => (1, 1),
            },
            rotation_deg: self.config.rotation_deg,
            cicp: Cicp {
                primaries: stated_or(stated.primaries, container.primaries),
                transfer: stated_or(stated.transfer, container.transfer),
                matrix: stated_or(stated.matrix, container.matrix),
                full_range: full_by_name
                    || if range_stated { stated.full_range } else { container.full_range },
            },
        }))
    }

    /// A decoder that is lost while on a device makes its successor stay off it.
    fn note<T>(&self, result: Result<T, DecodeError>) -> Result<T, DecodeError> {
        if let (Err(DecodeError::Lost(_)), Some(works)) = (&result, &self.device_works) {
            works.store(false, Ordering::Relaxed);
        }
        result
    }
}

impl VideoDecoder for FfmpegVideo {
    fn send(&mut self, sample: &EncodedSample) -> Result<(), DecodeError> {
        if self.sent.len() == IN_FLIGHT {
            self.sent.pop_front();
        }
        self.sent.push_back(Sent {
            pts_us: sample.pts_us,
            duration_us: sample.duration_us,
            decode_only: sample.decode_only,
        });
        let taken = self.context.send(sample.data(), sample.pts_us, sample.dts_us);
        match self.note(taken)? {
            true => Ok(()),
            false => Err(DecodeError::Lost("fed before its pictures were taken".into())),
        }
    }

    fn receive(&mut self) -> Result<Option<VideoFrame>, DecodeError> {
        loop {
            let received = self.context.receive();
            let Some(frame) = self.note(received)? else { return Ok(None) };
            if let Some(picture) = self.picture(frame)? {
                return Ok(Some(picture));
            }
        }
    }

    fn drain(&mut self) -> Result<(), DecodeError> {
        self.context.drain().map(|_| ())
    }

    fn flush(&mut self) {
        self.context.flush();
        self.sent.clear();
    }

    fn set_discarding(&mut self, on: bool) {
        self.context.skip_unreferenced(on);
    }

    fn name(&self) -> &str {
        &self.name
    }
}
