//! What the loudspeaker played.

use std::path::Path;

/// Bytes before the samples in the WAV files that QEMU writes.
const HEADER: usize = 44;

/// Recorded sound, 16 bits a sample in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    /// Hertz.
    pub rate: u32,
    /// Interleaved channels.
    pub channels: usize,
    /// All samples, full scale 1.
    pub samples: Vec<f32>,
}

impl Sound {
    /// Reads a file that QEMU may still be writing: the lengths in its header are not set until it ends. Silence between two uses of the
    /// device is not in it.
    pub fn read(file: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(file).map_err(|e| format!("{}: {e}", file.display()))?;
        let (header, data) = bytes
            .split_at_checked(HEADER)
            .filter(|(header, _)| &header[..4] == b"RIFF" && &header[36..40] == b"data" && header[34] == 16)
            .ok_or_else(|| format!("{} is not what QEMU writes", file.display()))?;
        let samples = data.chunks_exact(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32768.0);
        Ok(Sound {
            rate: u32::from_le_bytes([header[24], header[25], header[26], header[27]]),
            channels: usize::from(header[22]),
            samples: samples.collect(),
        })
    }

    /// The mean of the channels.
    pub fn mono(&self) -> Vec<f32> {
        let channels = self.channels.max(1);
        self.samples.chunks_exact(channels).map(|frame| frame.iter().sum::<f32>() / channels as f32).collect()
    }
}
