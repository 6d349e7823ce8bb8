//! One elementary stream of the program: from transport packets to access units and a track.

use super::audio::AudioUnits;
use super::packet::{Continuation, Continuity, Packet};
use super::pes::{Clock, Pes, Stamps};
use super::psi::{Content, Entry};
use super::unit::Unit;
use super::video::VideoUnits;
use crate::codec::{h264::H264, hevc::Hevc};
use crate::issues::Issues;
use crate::{AudioFormat, Codec, Kind, Track, VideoFormat};

pub(super) struct Stream {
    pub(super) entry: Entry,
    continuity: Continuity,
    pes: Pes,
    elementary: Elementary,
}

enum Elementary {
    Video(VideoUnits),
    Audio(AudioUnits),
    /// Listed, not read.
    Other,
}

impl Stream {
    pub(super) fn new(entry: Entry) -> Self {
        let elementary = match entry.content {
            Content::H264 => Elementary::Video(VideoUnits::new(Box::<H264>::default())),
            Content::Hevc => Elementary::Video(VideoUnits::new(Box::<Hevc>::default())),
            Content::Audio(syntax) => Elementary::Audio(AudioUnits::new(syntax)),
            Content::OtherVideo | Content::OtherAudio => Elementary::Other,
        };
        Stream { entry, continuity: Continuity::default(), pes: Pes::default(), elementary }
    }

    pub(super) fn is_video(&self) -> bool {
        matches!(self.elementary, Elementary::Video(_))
    }

    pub(super) fn is_played(&self) -> bool {
        !matches!(self.elementary, Elementary::Other)
    }

    /// Microseconds of a picture; 0 unknown.
    pub(super) fn frame_us(&self) -> u32 {
        if let Elementary::Video(units) = &self.elementary { units.frame_us() } else { 0 }
    }

    /// Drops what is incomplete; the configuration stays.
    pub(super) fn reset(&mut self) {
        self.continuity = Continuity::default();
        self.pes.reset();
        match &mut self.elementary {
            Elementary::Video(units) => units.reset(),
            Elementary::Audio(units) => units.reset(),
            Elementary::Other => {}
        }
    }

    /// Takes in a packet that lies at `origin` in the resource; gives the access units that it completes.
    pub(super) fn push(
        &mut self,
        packet: &Packet,
        origin: u64,
        clock: &mut Clock,
        out: &mut Vec<Unit>,
        issues: &mut Issues,
    ) {
        if !packet.has_payload || !self.is_played() {
            return;
        }
        match self.continuity.check(packet) {
            Continuation::Good => {}
            Continuation::Duplicate => return,
            // What is there of the access unit goes on to the decoder, which conceals: so does FFmpeg.
            Continuation::Gap => {
                issues.push(|| format!("packets of PID {} are missing near byte {origin}", packet.pid))
            }
        }
        let Some(piece) = self.pes.push(packet.starts_unit, packet.payload) else { return };
        let stamps = piece.begins.map(|(pts, dts)| {
            let dts = dts.map(|raw| clock.unroll(raw));
            Stamps { pts: pts.map(|raw| clock.unroll(raw)), dts }
        });
        match &mut self.elementary {
            Elementary::Video(units) => {
                if let Some(stamps) = stamps {
                    units.begin(stamps, origin);
                }
                units.push(piece.bytes, out, issues);
            }
            Elementary::Audio(units) => {
                if let Some(stamps) = stamps {
                    units.begin(stamps, origin);
                }
                units.push(piece.bytes, out, issues);
            }
            Elementary::Other => {}
        }
    }

    /// The stream ends here.
    pub(super) fn flush(&mut self, out: &mut Vec<Unit>, issues: &mut Issues) {
        match &mut self.elementary {
            Elementary::Video(units) => units.flush(out, issues),
            Elementary::Audio(units) => units.flush(out, issues),
            Elementary::Other => {}
        }
    }

    /// The track, once what it carries is known.
    pub(super) fn track(&self) -> Option<Track> {
        let (codec, codec_string, extradata, kind) = match &self.elementary {
            Elementary::Video(units) => {
                let config = units.config()?;
                let codec = if self.entry.content == Content::H264 { Codec::H264 } else { Codec::Hevc };
                (codec, config.codec_string.clone(), config.extradata.clone(), Kind::Video(config.format))
            }
            Elementary::Audio(units) => {
                let (frame, extradata) = units.config()?;
                let (codec, codec_string) = frame.codec();
                (codec, codec_string, extradata.clone(), Kind::Audio(frame.format()))
            }
            Elementary::Other if self.entry.content == Content::OtherVideo => {
                let format =
                    VideoFormat { width: 0, height: 0, par: (1, 1), rotation_deg: 0, cicp: [2, 2, 2, 0] };
                (Codec::Other, String::new(), Vec::new(), Kind::Video(format))
            }
            Elementary::Other => (
                Codec::Other,
                String::new(),
                Vec::new(),
                Kind::Audio(AudioFormat { rate_hz: 0, channels: 0 }),
            ),
        };
        Some(Track {
            id: self.entry.pid.into(),
            codec,
            codec_string,
            extradata,
            kind,
            language: self.entry.language.clone(),
            label: String::new(),
            default: false,
            forced: false,
        })
    }
}
