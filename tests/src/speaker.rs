//! A loudspeaker of which is known when each sample leaves it: the observer itself takes the sound out of the server, by its own clock.
//!
//! A null sink's monitor gives a block of sound when the server has mixed it, which is up to a block before it would be heard, and says
//! nothing of when that is. Here the server's device is a pipe. Whoever reads it at the rate of the sound is the loudspeaker: the server
//! sees how much is left in the pipe and tells players that as the device's latency, as it does for a sound card.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc::O_NONBLOCK;

use crate::sound::BEFORE_BEEP;
use crate::tone::Tone;
use crate::{HEARD_HZ, SoundServer};

/// How often samples are taken from a [`Speaker`].
pub const TICK: Duration = Duration::from_millis(1);
const TICK_FRAMES: usize = HEARD_HZ / 1000;
/// Two channels of 32-bit floats.
const FRAME_BYTES: usize = 8;
/// Sound in the pipe, at most; 43 ms, as a sound card might hold. The kernel rounds to pages, of which the server fills each at once.
const PIPE_BYTES: i32 = 16 << 10;
/// Louder than what resampling lets ring before a beep of half the full scale.
const LOUD: f32 = 0.05;
/// What is quieter is silence.
const QUIET: f32 = 0.001;

/// What was heard of a [`Speaker`].
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// When beeps began.
    pub beeps: Vec<Instant>,
    /// How late the samples of each beep were taken: what the server told of its device then was wrong by as much.
    pub late: Vec<Duration>,
    /// Longest silence between two sounds.
    pub silence: Duration,
    /// When the film's tone broke.
    pub breaks: Vec<Instant>,
}

/// The device of a sound server of its own.
pub struct Speaker {
    heard: Arc<Mutex<Heard>>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Speaker {
    /// Starts a server that keeps its files in `folder`, with a speaker as its device.
    pub fn start(folder: &Path) -> Result<(SoundServer, Speaker), String> {
        let path = folder.join("speaker");
        let device = format!(
            "module-pipe-sink sink_name=ears file={} format=float32le rate={HEARD_HZ} channels=2",
            path.display()
        );
        let server = SoundServer::with_device(folder, &device)?;
        let named = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        let pipe =
            OpenOptions::new().read(true).custom_flags(O_NONBLOCK).open(&path).map_err(|e| named(&e))?;
        fcntl(&pipe, FcntlArg::F_SETPIPE_SZ(PIPE_BYTES)).map_err(|e| named(&e))?;
        let (heard, ends) = (Arc::<Mutex<Heard>>::default(), Arc::<AtomicBool>::default());
        let (hears, end) = (Arc::clone(&heard), Arc::clone(&ends));
        let thread = std::thread::spawn(move || sound(pipe, &hears, &end));
        Ok((server, Speaker { heard, ends, thread: Some(thread) }))
    }

    /// Forgets what was heard so far.
    pub fn forget(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Heard::default();
    }

    /// What was heard since.
    pub fn heard(&self) -> Heard {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Takes the samples of each tick when it is over, until `ends`. Where there are none it is silent.
fn sound(mut pipe: File, heard: &Mutex<Heard>, ends: &AtomicBool) {
    let began = Instant::now();
    let mut bytes = [0; TICK_FRAMES * FRAME_BYTES];
    // Frames since the last loud one, and since the last that was not silent.
    let (mut since_loud, mut since_sound) = (BEFORE_BEEP + 1, None::<usize>);
    let mut tone = Tone::default();
    for tick in 1_u32.. {
        let due = began + TICK * tick;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if ends.load(Ordering::Relaxed) {
            return;
        }
        let late = due.elapsed();
        // The pipe holds whole frames; an error is that it is empty.
        let read = pipe.read(&mut bytes).unwrap_or(0);
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        let mut frames =
            bytes[..read].chunks_exact(FRAME_BYTES).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        for index in 0..TICK_FRAMES {
            let sample = frames.next().unwrap_or(0.0);
            heard.breaks.extend(tone.push(sample, due));
            let level = sample.abs();
            if level > QUIET {
                let silent = since_sound.replace(0).unwrap_or(0);
                heard.silence = heard.silence.max(duration(silent));
            } else if let Some(silent) = &mut since_sound {
                *silent += 1;
            }
            if level <= LOUD {
                since_loud += 1;
                continue;
            }
            if since_loud > BEFORE_BEEP {
                // Between two ticks the server is right on average if the tick's middle is now.
                heard.beeps.push(due - TICK / 2 + duration(index));
                heard.late.push(late);
            }
            since_loud = 0;
        }
    }
}

fn duration(frames: usize) -> Duration {
    Duration::from_secs_f64(frames as f64 / HEARD_HZ as f64)
}
