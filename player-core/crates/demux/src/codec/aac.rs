//! AAC configuration: AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1) and the ADTS frame header (ISO/IEC 13818-7 6.2).

use kinora_bytes::BitCursor;

/// samplingFrequencyIndex, ISO/IEC 14496-3 table 1.18.
const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
/// Channels by channelConfiguration, table 1.19; 0: described in the stream.
const CHANNELS: [u32; 16] = [0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8, 0];

/// What an AudioSpecificConfig says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Config {
    /// audioObjectType as signalled: 2 AAC-LC, 5 SBR (HE-AAC), 29 PS (HE-AAC v2), 42 xHE-AAC.
    pub object_type: u32,
    /// Output sample rate: the extension's when SBR is signalled.
    pub rate_hz: u32,
    /// Rate of the core coder, whose frames `frame_len` counts.
    pub core_rate_hz: u32,
    /// Channels out of the decoder; 0 when only the stream tells (program config element).
    pub channels: u32,
    /// Samples per channel of a frame, at the core's rate: 1024 or 960.
    pub frame_len: u32,
}

impl Config {
    /// Parses an AudioSpecificConfig, with both ways of signalling SBR explicitly (hierarchical and the 0x2b7 extension).
    pub(crate) fn parse(bytes: &[u8]) -> Option<Config> {
        let mut b = BitCursor::new(bytes);
        let mut object_type = object_type(&mut b)?;
        let core_rate_hz = rate(&mut b)?;
        let channel_config = b.bits(4)? as usize;
        let signalled = object_type;
        let mut rate_hz = core_rate_hz;
        if matches!(object_type, 5 | 29) {
            rate_hz = rate(&mut b)?;
            object_type = self::object_type(&mut b)?;
        }
        let short = matches!(object_type, 1..=4 | 6 | 7 | 17 | 19..=23) && b.flag()?;
        let mut config = Config {
            object_type: signalled,
            rate_hz,
            core_rate_hz,
            channels: CHANNELS[channel_config],
            frame_len: if short { 960 } else { 1024 },
        };
        if signalled == 29 && config.channels == 1 {
            config.channels = 2;
        }
        if signalled == 2 && channel_config != 0 {
            config.backward_compatible_extension(&mut b);
        }
        Some(config)
    }

    /// syncExtensionType 0x2b7: SBR and PS said behind the configuration of the core (1.6.5.2).
    fn backward_compatible_extension(&mut self, b: &mut BitCursor) -> Option<()> {
        let depends_on_core = b.flag()?;
        b.skip(if depends_on_core { 14 } else { 0 })?;
        b.flag()?;
        if b.bits(11)? == 0x2b7 && object_type(b)? == 5 && b.flag()? {
            self.object_type = 5;
            self.rate_hz = rate(b)?;
            if b.bits(11)? == 0x548 && b.flag()? {
                self.object_type = 29;
                self.channels = self.channels.max(2);
            }
        }
        Some(())
    }

    /// RFC 6381 codec string.
    pub(crate) fn codec_string(&self) -> String {
        format!("mp4a.40.{}", self.object_type)
    }
}

/// GetAudioObjectType, table 1.16.
fn object_type(b: &mut BitCursor) -> Option<u32> {
    Some(match b.bits(5)? as u32 {
        31 => 32 + b.bits(6)? as u32,
        plain => plain,
    })
}

fn rate(b: &mut BitCursor) -> Option<u32> {
    match b.bits(4)? as usize {
        15 => b.bits(24).map(|hz| hz as u32).filter(|&hz| hz > 0),
        index => RATES.get(index).copied(),
    }
}

/// An ADTS frame header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Adts {
    /// audioObjectType: 1 to 4. HE-AAC is never said here (its SBR is signalled implicitly): the decoder finds out.
    pub object_type: u8,
    rate_index: u8,
    channel_config: u8,
    /// Bytes of the header, with its CRC.
    pub header_len: usize,
    /// Bytes of header and payload.
    pub frame_len: usize,
    /// AAC frames in it, 1 to 4. More than 1 cannot be split without decoding.
    pub blocks: u32,
}

impl Adts {
    /// Bytes that [`Adts::parse`] needs.
    pub(crate) const LEN: usize = 7;

    /// Parses the fixed and variable header.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Adts> {
        let &[a, b, c, d, e, f, g] = bytes.first_chunk::<{ Adts::LEN }>()?;
        // Sync word, and layer 0, which tells it from MPEG audio.
        if a != 0xff || b & 0xf6 != 0xf0 {
            return None;
        }
        let rate_index = c >> 2 & 15;
        let header_len = if b & 1 == 1 { 7 } else { 9 };
        let frame_len = usize::from(d & 3) << 11 | usize::from(e) << 3 | usize::from(f >> 5);
        if usize::from(rate_index) >= RATES.len() || frame_len < header_len {
            return None;
        }
        Some(Adts {
            object_type: (c >> 6) + 1,
            rate_index,
            channel_config: (c & 1) << 2 | d >> 6,
            header_len,
            frame_len,
            blocks: u32::from(g & 3) + 1,
        })
    }

    /// Sample rate of the core coder, hertz.
    pub(crate) fn rate_hz(&self) -> u32 {
        RATES[usize::from(self.rate_index)]
    }

    /// Number of channels; 0 when only the stream tells.
    pub(crate) fn channels(&self) -> u32 {
        CHANNELS[usize::from(self.channel_config)]
    }

    /// Audio frames coded, at the core's rate.
    pub(crate) fn samples(&self) -> u32 {
        self.blocks * 1024
    }

    /// Whether `other` may follow in the same stream without a new configuration.
    pub(crate) fn continues(&self, other: &Adts) -> bool {
        (self.object_type, self.rate_index, self.channel_config)
            == (other.object_type, other.rate_index, other.channel_config)
    }

    /// The AudioSpecificConfig of the frames. `frame` is the first of them: where the channel configuration is 0, the program
    /// config element it must start with goes into the configuration (1.6.2.1, GASpecificConfig).
    pub(crate) fn config(&self, frame: &[u8]) -> Option<Vec<u8>> {
        let mut w = BitWriter::default();
        w.push(u64::from(self.object_type), 5);
        w.push(u64::from(self.rate_index), 4);
        w.push(u64::from(self.channel_config), 4);
        w.push(0, 3); // 1024-sample frames, no core coder, no extension
        if self.channel_config == 0 {
            copy_program_config(&mut w, frame.get(self.header_len..)?)?;
        }
        Some(w.bytes)
    }

    /// RFC 6381 codec string.
    pub(crate) fn codec_string(&self) -> String {
        format!("mp4a.40.{}", self.object_type)
    }
}

/// Copies the program_config_element (ISO/IEC 14496-3 4.4.1.1) that a raw_data_block starts with.
fn copy_program_config(w: &mut BitWriter, block: &[u8]) -> Option<()> {
    let mut b = BitCursor::new(block);
    if b.bits(3)? != 5 {
        return None;
    }
    let mut copy = |b: &mut BitCursor, n: u32| {
        let value = b.bits(n)?;
        w.push(value, n);
        Some(value as u32)
    };
    copy(&mut b, 10)?; // instance, object type, frequency index
    let [front, side, back] = [copy(&mut b, 4)?, copy(&mut b, 4)?, copy(&mut b, 4)?];
    let [lfe, data, coupling] = [copy(&mut b, 2)?, copy(&mut b, 3)?, copy(&mut b, 4)?];
    for mixdown_bits in [4, 4, 3] {
        if copy(&mut b, 1)? == 1 {
            copy(&mut b, mixdown_bits)?;
        }
    }
    for (count, bits) in [(front, 5), (side, 5), (back, 5), (lfe, 4), (data, 4), (coupling, 5)] {
        for _ in 0..count {
            copy(&mut b, bits)?;
        }
    }
    // byte_alignment() counts from the start of the block, and in the copy from the start of the configuration.
    b.skip(b.position().wrapping_neg() & 7)?;
    w.align();
    let comment = b.bits(8)?;
    w.push(comment, 8);
    for _ in 0..comment {
        w.push(b.bits(8)?, 8);
    }
    Some(())
}

/// Writes bits, most significant first.
#[derive(Default)]
struct BitWriter {
    bytes: Vec<u8>,
    used: u32,
}

impl BitWriter {
    fn push(&mut self, value: u64, n: u32) {
        for bit in (0..n).rev() {
            if self.used == 0 {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> bit & 1) as u8) << (7 - self.used);
            }
            self.used = (self.used + 1) % 8;
        }
    }

    fn align(&mut self) {
        self.used = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn config_of_plain_lc_is_read() {
        let c = Config::parse(&[0x12, 0x10]).unwrap();
        assert_eq!((c.object_type, c.rate_hz, c.channels, c.frame_len), (2, 44_100, 2, 1024));
        assert_eq!(c.codec_string(), "mp4a.40.2");
    }

    #[test]
    fn config_with_hierarchical_sbr_has_both_rates() {
        let c = Config::parse(&[0x2b, 0x92, 0x08, 0x00]).unwrap();
        assert_eq!((c.object_type, c.core_rate_hz, c.rate_hz, c.channels), (5, 22_050, 44_100, 2));
    }

    #[test]
    fn config_with_backward_compatible_sbr_and_ps_is_he_v2() {
        // LC 24 kHz mono, 0x2b7, SBR 48 kHz, 0x548, PS.
        let c = Config::parse(&[0x13, 0x08, 0x56, 0xe5, 0x9d, 0x48, 0x80]).unwrap();
        assert_eq!((c.object_type, c.core_rate_hz, c.rate_hz, c.channels), (29, 24_000, 48_000, 2));
    }

    #[test]
    fn adts_header_gives_lengths_and_configuration() {
        let header = [0xff, 0xf1, 0x50, 0x80, 0x2e, 0x7f, 0xfc];
        let adts = Adts::parse(&header).unwrap();
        assert_eq!((adts.header_len, adts.frame_len, adts.blocks), (7, 371, 1));
        assert_eq!((adts.rate_hz(), adts.channels()), (44_100, 2));
        assert_eq!(adts.config(&header).unwrap(), [0x12, 0x10]);
    }

    #[test]
    fn adts_program_config_goes_into_the_configuration() {
        let mut frame = vec![0xff, 0xf1, 0x4c, 0x00, 0x02, 0x7f, 0xfc];
        let mut block = BitWriter::default();
        // One front pair and one LFE element, no mixdown, no comment.
        for (value, n) in [
            (5, 3),
            (0, 4),
            (1, 2),
            (3, 4),
            (1, 4),
            (0, 4),
            (0, 4),
            (1, 2),
            (0, 3),
            (0, 4),
            (0, 3),
            (16, 5),
            (0, 4),
        ] {
            block.push(value, n);
        }
        block.align();
        block.push(0, 8);
        frame.extend(block.bytes);
        let config = Adts::parse(&frame).unwrap().config(&frame).unwrap();
        assert_eq!(&config[..2], [0x11, 0x80]);
        assert_eq!(Config::parse(&config).unwrap().channels, 0);
        assert_eq!(config.len(), 2 + 7);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Config::parse(&bytes);
            if let Some(adts) = Adts::parse(&bytes) {
                let _ = adts.config(&bytes);
            }
            let mut forced = vec![0xff, 0xf1];
            forced.extend(&bytes);
            if let Some(adts) = Adts::parse(&forced) {
                let _ = adts.config(&forced);
            }
        }
    }
}
