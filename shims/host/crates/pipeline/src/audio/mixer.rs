//! What runs on the device's real-time thread: it neither locks nor allocates nor frees.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kinora_port::{AudioSource, HostUs, SinkFormat};
use rtrb::{Consumer, Producer, RingBuffer};

use super::voice::{Start, Voice};

/// Voices that may sound or fade at once.
const MAX_VOICES: usize = 64;
/// Commands between two calls of the device.
const MAX_COMMANDS: usize = 256;

/// What the timeline tells the mixer.
pub(crate) enum Command {
    Add(Box<Voice>),
    Remove(u64),
    Start(u64, Start),
    Stop(u64),
    Gain(u64, f32),
}

/// What the device's thread reports.
#[derive(Default)]
pub(crate) struct MixerShared {
    /// When the first frame it is asked for next becomes audible; 0 before the first call.
    next_audible_us: AtomicU64,
    /// Values it was asked for: frames times channels.
    values: AtomicU64,
    /// `rate << 32 | channels` of the device, known once it is open; 0 before.
    format: AtomicU64,
}

impl MixerShared {
    pub(crate) fn next_audible_us(&self) -> Option<HostUs> {
        Some(self.next_audible_us.load(Ordering::Acquire)).filter(|&at| at > 0)
    }

    /// Frames it was asked for.
    pub(crate) fn frames(&self) -> u64 {
        let channels = self.format().map_or(1, |format| u64::from(format.channels));
        self.values.load(Ordering::Relaxed) / channels
    }

    fn format(&self) -> Option<SinkFormat> {
        let packed = self.format.load(Ordering::Acquire);
        let format = SinkFormat { rate_hz: (packed >> 32) as u32, channels: packed as u32 };
        Some(format).filter(|format| format.rate_hz > 0 && format.channels > 0)
    }
}

pub(crate) struct Mixer {
    commands: Consumer<Command>,
    /// Voices go back to be freed elsewhere.
    retired: Producer<Box<Voice>>,
    // Boxed, so that moving a voice between the lists moves a pointer.
    #[expect(clippy::vec_box, reason = "a voice arrives and leaves as a box and must not be freed here")]
    voices: Vec<Box<Voice>>,
    shared: Arc<MixerShared>,
}

/// The timeline's end of a mixer.
pub(crate) struct MixerHandle {
    format: SinkFormat,
    commands: Producer<Command>,
    retired: Consumer<Box<Voice>>,
    pub(crate) shared: Arc<MixerShared>,
}

impl MixerHandle {
    /// What the device turned out to play; until then the mixer is silent.
    pub(crate) fn set_format(&mut self, format: SinkFormat) {
        self.format = SinkFormat { rate_hz: format.rate_hz.max(1), channels: format.channels.max(1) };
        let packed = u64::from(self.format.rate_hz) << 32 | u64::from(self.format.channels);
        self.shared.format.store(packed, Ordering::Release);
    }

    pub(crate) fn format(&self) -> SinkFormat {
        self.format
    }

    /// A command that finds the queue full is lost; the device is then not running and will be replaced with its voices.
    pub(crate) fn send(&mut self, command: Command) {
        while self.retired.pop().is_ok() {}
        let _ = self.commands.push(command);
    }
}

/// A mixer for a device that is about to be opened.
pub(crate) fn mixer() -> (Mixer, MixerHandle) {
    let (command_producer, command_consumer) = RingBuffer::new(MAX_COMMANDS);
    let (retired_producer, retired_consumer) = RingBuffer::new(MAX_VOICES);
    let shared = Arc::new(MixerShared::default());
    let mixer = Mixer {
        commands: command_consumer,
        retired: retired_producer,
        voices: Vec::with_capacity(MAX_VOICES),
        shared: shared.clone(),
    };
    let format = SinkFormat { rate_hz: 1, channels: 1 };
    (mixer, MixerHandle { format, commands: command_producer, retired: retired_consumer, shared })
}

impl Mixer {
    fn voice(&mut self, id: u64) -> Option<&mut Voice> {
        self.voices.iter_mut().find(|voice| voice.id == id).map(|voice| &mut **voice)
    }

    fn obey(&mut self) {
        while self.voices.len() < MAX_VOICES
            && let Ok(command) = self.commands.pop()
        {
            match command {
                Command::Add(voice) => self.voices.push(voice),
                Command::Remove(id) => {
                    if let Some(voice) = self.voice(id) {
                        voice.stop();
                        voice.removed = true;
                    }
                }
                Command::Start(id, start) => {
                    if let Some(voice) = self.voice(id) {
                        voice.start(start);
                    }
                }
                Command::Stop(id) => {
                    if let Some(voice) = self.voice(id) {
                        voice.stop();
                    }
                }
                Command::Gain(id, gain) => {
                    if let Some(voice) = self.voice(id) {
                        voice.set_gain(gain);
                    }
                }
            }
        }
    }

    fn retire(&mut self) {
        let mut index = 0;
        while index < self.voices.len() {
            if self.voices[index].is_over() && !self.retired.is_full() {
                let voice = self.voices.swap_remove(index);
                let _ = self.retired.push(voice);
            } else {
                index += 1;
            }
        }
    }
}

impl AudioSource for Mixer {
    fn fill(&mut self, out: &mut [f32], audible_us: HostUs) {
        out.fill(0.0);
        self.shared.values.fetch_add(out.len() as u64, Ordering::Relaxed);
        let Some(format) = self.shared.format() else { return };
        self.obey();
        for voice in &mut self.voices {
            voice.mix(out, audible_us);
        }
        self.retire();
        let frames = out.len() as u64 / u64::from(format.channels);
        let length_us = frames * 1_000_000 / u64::from(format.rate_hz);
        self.shared.next_audible_us.store((audible_us + length_us).max(1), Ordering::Release);
    }
}
