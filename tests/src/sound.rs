//! A sound server of a test's own, with one device that nobody hears but the test.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::Running;

/// Frames a second of what is heard.
pub const HEARD_HZ: usize = 48_000;

/// What is no louder belongs to no beep.
const QUIET: f32 = 0.02;
/// Silence before a beep, in frames.
pub(crate) const BEFORE_BEEP: usize = HEARD_HZ / 5;

/// Seconds at which beeps begin: the first loud sample after 200 ms of silence.
pub fn beeps(heard: &[f32]) -> Vec<f64> {
    let (mut beeps, mut quiet) = (Vec::new(), HEARD_HZ);
    for (at, sample) in heard.iter().enumerate() {
        if sample.abs() < QUIET {
            quiet += 1;
        } else {
            if quiet > BEFORE_BEEP {
                beeps.push(at as f64 / HEARD_HZ as f64);
            }
            quiet = 0;
        }
    }
    beeps
}

/// A running PulseAudio server; ended when dropped.
pub struct SoundServer {
    _server: Running,
    socket: PathBuf,
}

impl Drop for SoundServer {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.socket);
    }
}

impl SoundServer {
    /// Starts a server that keeps its files in `folder`.
    pub fn start(folder: &Path) -> Result<Self, String> {
        SoundServer::with_device(folder, "module-null-sink sink_name=ears rate=48000")
    }

    /// Starts one whose device is this module of PulseAudio's.
    pub fn with_device(folder: &Path, module: &str) -> Result<Self, String> {
        // Paths of sockets are short: not below the target folder.
        let socket = std::env::temp_dir().join(format!("kinora-pulse-{}", std::process::id()));
        let protocol = format!("module-native-protocol-unix auth-anonymous=1 socket={}", socket.display());
        let log = std::fs::File::create(folder.join("pulseaudio.log")).map_err(|e| e.to_string())?;
        let mut command = Command::new("pulseaudio");
        command
            .args(["-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--high-priority=no"])
            .args(["-L", module, "-L", &protocol])
            .env("HOME", folder)
            .env("XDG_RUNTIME_DIR", folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let server = SoundServer { _server: Running::start(&mut command)?, socket };
        for _ in 0..500 {
            if server.socket.exists() {
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err("pulseaudio opens no socket".into())
    }

    /// Value for `PULSE_SERVER`.
    pub fn address(&self) -> String {
        format!("unix:{}", self.socket.display())
    }

    /// Listens from now on.
    pub fn listen(&self) -> Result<Ears, String> {
        let mut command = Command::new("parec");
        command
            .args(["--device=ears.monitor", "--format=float32le", "--rate=48000", "--channels=1"])
            .args(["--raw", "--latency-msec=20"])
            .env("PULSE_SERVER", self.address())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut recorder = Running::start(&mut command)?;
        let mut out = recorder.stdout.take().expect("it was piped");
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&bytes);
        let reader = std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(n @ 1..) = out.read(&mut chunk) {
                heard.lock().expect("nobody panics with it").extend_from_slice(&chunk[..n]);
            }
        });
        Ok(Ears { recorder: Some(recorder), reader: Some(reader), bytes })
    }
}

/// What is heard of the server's device.
pub struct Ears {
    recorder: Option<Running>,
    reader: Option<JoinHandle<()>>,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Ears {
    /// Everything heard so far, one channel at [`HEARD_HZ`].
    pub fn heard(&self) -> Vec<f32> {
        let bytes = self.bytes.lock().expect("nobody panics with it");
        bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        // The reader ends with what it reads from.
        self.recorder = None;
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}
