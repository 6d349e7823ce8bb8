//! Decoded sound as a WAV file of 32-bit floats: exact for everything up to 24 bits.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use kinora_port::{PcmBlock, PcmSamples};

/// `WAVE_FORMAT_EXTENSIBLE` with the sub-format `IEEE_FLOAT` (Microsoft, multiple channel audio data and WAVE files).
const IEEE_FLOAT: [u8; 16] = [3, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
/// Bytes before the samples.
const HEADER: u32 = 68;

/// Writes blocks as they are decoded. The first block decides rate and channels.
pub(crate) struct WavWriter {
    file: BufWriter<File>,
    format: Option<(u32, u32)>,
    bytes: u64,
}

impl WavWriter {
    pub(crate) fn create(path: &Path) -> std::io::Result<Self> {
        Ok(WavWriter { file: BufWriter::new(File::create(path)?), format: None, bytes: 0 })
    }

    /// Appends a block; one of another rate or channel count than the first has no place in a WAV file and is left out.
    pub(crate) fn write(&mut self, block: &PcmBlock) -> std::io::Result<()> {
        let format = (block.rate_hz, block.channels);
        match self.format {
            None => {
                self.format = Some(format);
                self.file.write_all(&header(format, 0))?;
            }
            Some(first) if first != format => return Ok(()),
            Some(_) => {}
        }
        let mut put = |sample: f32| {
            self.bytes += 4;
            self.file.write_all(&sample.to_le_bytes())
        };
        match &block.samples {
            PcmSamples::S16(samples) => samples.iter().try_for_each(|&s| put(f32::from(s) / 32768.0)),
            PcmSamples::S32(samples) => {
                samples.iter().try_for_each(|&s| put((f64::from(s) / 2_147_483_648.0) as f32))
            }
            PcmSamples::F32(samples) => samples.iter().try_for_each(|&s| put(s)),
        }
    }

    /// Writes the sizes. Without any sound the file is an empty stereo one.
    pub(crate) fn finish(mut self) -> std::io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&header(self.format.unwrap_or((48_000, 2)), self.bytes))?;
        self.file.flush()
    }
}

fn header((rate, channels): (u32, u32), data: u64) -> Vec<u8> {
    // Sizes beyond 4 GiB say "until the end of the file", which readers of long WAV files understand.
    let size = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
    let mut out = Vec::with_capacity(HEADER as usize);
    out.extend(b"RIFF");
    out.extend(size(data + u64::from(HEADER) - 8));
    out.extend(b"WAVEfmt ");
    out.extend(40u32.to_le_bytes());
    out.extend(0xfffe_u16.to_le_bytes());
    out.extend((channels as u16).to_le_bytes());
    out.extend(rate.to_le_bytes());
    out.extend((rate * channels * 4).to_le_bytes());
    out.extend(((channels * 4) as u16).to_le_bytes());
    out.extend(32u16.to_le_bytes());
    out.extend(22u16.to_le_bytes());
    out.extend(32u16.to_le_bytes());
    out.extend(speakers(channels).to_le_bytes());
    out.extend(IEEE_FLOAT);
    out.extend(b"data");
    out.extend(size(data));
    out
}

/// Channel mask of the default layout of so many channels.
fn speakers(channels: u32) -> u32 {
    match channels {
        1 => 0x4,
        2 => 0x3,
        3 => 0x7,
        4 => 0x33,
        5 => 0x37,
        6 => 0x3f,
        7 => 0x13f,
        8 => 0x63f,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_is_as_long_as_it_says() {
        assert_eq!(header((44_100, 6), 0).len(), HEADER as usize);
    }
}
