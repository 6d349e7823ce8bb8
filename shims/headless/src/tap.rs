//! What is listened in on: presented frames and decoded sound.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use kinora_pipeline::Taps;
use kinora_port::{HostUs, PcmBlock, PcmSamples, PixelFormat, SinkFormat, VideoFrame};
use md5::{Digest, Md5};

use crate::args::Options;
use crate::wav::WavWriter;

/// The files being written; the first error of each is kept for the end.
#[derive(Default)]
pub(crate) struct Recording {
    frames: Mutex<Option<BufWriter<File>>>,
    sound: Mutex<Option<WavWriter>>,
    heard: Mutex<Option<WavWriter>>,
    seen: Mutex<Seen>,
    error: Mutex<Option<String>>,
}

/// Facts for the report that only frames and blocks tell.
#[derive(Default, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) frame_size: Option<(u32, u32)>,
    pub(crate) sound_format: Option<(u32, u32)>,
    /// When the first sample left the loudspeaker.
    pub(crate) heard_from_us: Option<HostUs>,
}

impl Recording {
    pub(crate) fn create(options: &Options) -> Result<Arc<Self>, String> {
        let named = |path: &Path, e: std::io::Error| format!("cannot write {}: {e}", path.display());
        let recording = Recording::default();
        if let Some(path) = &options.frames {
            let file = File::create(path).map_err(|e| named(path, e))?;
            *lock(&recording.frames) = Some(BufWriter::new(file));
        }
        if let Some(path) = &options.audio {
            *lock(&recording.sound) = Some(WavWriter::create(path).map_err(|e| named(path, e))?);
        }
        if let Some(path) = &options.heard {
            *lock(&recording.heard) = Some(WavWriter::create(path).map_err(|e| named(path, e))?);
        }
        Ok(Arc::new(recording))
    }

    pub(crate) fn taps(self: &Arc<Self>) -> Taps {
        let (frames, sound) = (Arc::clone(self), Arc::clone(self));
        Taps {
            frame: Some(Box::new(move |_, frame| frames.frame(frame))),
            audio: Some(Box::new(move |_, block| sound.block(block))),
        }
    }

    /// What the loudspeaker plays.
    pub(crate) fn hear(&self, samples: &[f32], format: SinkFormat, audible_us: HostUs) {
        lock(&self.seen).heard_from_us.get_or_insert(audible_us);
        if let Some(file) = &mut *lock(&self.heard) {
            let SinkFormat { rate_hz, channels } = format;
            let samples = PcmSamples::F32(samples.to_vec());
            self.keep(file.write(&PcmBlock { pts_us: 0, rate_hz, channels, samples }));
        }
    }

    fn frame(&self, frame: &VideoFrame) {
        lock(&self.seen).frame_size.get_or_insert((frame.width, frame.height));
        if let Some(file) = &mut *lock(&self.frames) {
            let (pts_us, width, height) = (frame.pts_us, frame.width, frame.height);
            self.keep(writeln!(file, "{pts_us} {width} {height} {}", frame_md5(frame)));
        }
    }

    fn block(&self, block: &PcmBlock) {
        lock(&self.seen).sound_format.get_or_insert((block.rate_hz, block.channels));
        if let Some(file) = &mut *lock(&self.sound) {
            self.keep(file.write(block));
        }
    }

    fn keep(&self, result: std::io::Result<()>) {
        if let Err(e) = result {
            lock(&self.error).get_or_insert(e.to_string());
        }
    }

    pub(crate) fn seen(&self) -> Seen {
        *lock(&self.seen)
    }

    /// Closes the files; the first thing that went wrong with them.
    pub(crate) fn finish(&self) -> Result<(), String> {
        if let Some(mut file) = lock(&self.frames).take() {
            self.keep(file.flush());
        }
        for sound in [&self.sound, &self.heard] {
            if let Some(file) = lock(sound).take() {
                self.keep(file.finish());
            }
        }
        lock(&self.error).take().map_or(Ok(()), |e| Err(format!("cannot write what was played: {e}")))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The hash FFmpeg's `framemd5` gives: rows of all planes without padding.
fn frame_md5(frame: &VideoFrame) -> String {
    let mut hash = Md5::new();
    for (plane, (row_bytes, rows)) in frame.planes.iter().zip(plane_sizes(frame)) {
        for y in 0..rows {
            hash.update(plane.row(y, row_bytes));
        }
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// Bytes of a row and number of rows of each plane.
fn plane_sizes(frame: &VideoFrame) -> Vec<(usize, usize)> {
    use PixelFormat::*;
    let (w, h) = (frame.width as usize, frame.height as usize);
    let (half_w, half_h) = (w.div_ceil(2), h.div_ceil(2));
    match frame.format {
        Yuv420p => vec![(w, h), (half_w, half_h), (half_w, half_h)],
        Yuv422p => vec![(w, h), (half_w, h), (half_w, h)],
        Yuv444p | Gbrp => vec![(w, h); 3],
        Yuv420p10 => vec![(2 * w, h), (2 * half_w, half_h), (2 * half_w, half_h)],
        Yuv422p10 => vec![(2 * w, h), (2 * half_w, h), (2 * half_w, h)],
        Yuv444p10 => vec![(2 * w, h); 3],
        Nv12 => vec![(w, h), (2 * half_w, half_h)],
        P010 => vec![(2 * w, h), (4 * half_w, half_h)],
        Gray8 => vec![(w, h)],
        Gray10 => vec![(2 * w, h)],
    }
}
