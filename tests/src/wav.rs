//! Reading back what the headless player recorded.

use std::path::Path;

/// A WAV file of 32-bit floats.
#[derive(Debug, Clone, PartialEq)]
pub struct Wav {
    /// Hertz.
    pub rate: u32,
    /// Interleaved channels.
    pub channels: usize,
    /// All samples.
    pub samples: Vec<f32>,
}

impl Wav {
    /// Reads the form `--audio` writes: a 68-byte header, then the samples.
    pub fn read(path: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
        let (header, data) = bytes.split_at_checked(68).ok_or("shorter than its header")?;
        let u32_at =
            |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        if &header[..4] != b"RIFF" || &header[60..64] != b"data" || u32_at(64) as usize != data.len() {
            return Err("not the header that was to be written".into());
        }
        let samples = data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        Ok(Wav { rate: u32_at(24), channels: usize::from(header[22]), samples })
    }

    /// Root mean square of the difference to `other` in each channel, in dB of full scale; equal lengths.
    pub fn error_db(&self, other: &[f32]) -> Vec<f64> {
        let frames = (self.samples.len() / self.channels.max(1)).max(1) as f64;
        (0..self.channels)
            .map(|channel| {
                let pairs = self.samples.iter().zip(other).skip(channel).step_by(self.channels);
                let sum: f64 = pairs.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
                10.0 * (sum / frames).max(1e-30).log10()
            })
            .collect()
    }
}
