//! Plays a sine of 440 Hz for some seconds and prints what the device says: `sine [seconds]`. Record it with
//! `parec -d SINK.monitor --format=float32le --rate=48000 --channels=2`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kinora_audio_cpal::CpalSink;
use kinora_port::{AudioSink, AudioSource, HostUs, SinkFormat};

struct Sine {
    frame: u64,
    format: Arc<std::sync::OnceLock<SinkFormat>>,
    line: Option<(HostUs, u64)>,
}

impl AudioSource for Sine {
    fn fill(&mut self, out: &mut [f32], audible_us: HostUs) {
        let Some(format) = self.format.get() else { return };
        for frame in out.chunks_exact_mut(format.channels as usize) {
            let turns = (self.frame * 440) as f64 / f64::from(format.rate_hz);
            frame.fill((turns.fract() * std::f64::consts::TAU).sin() as f32 * 0.5);
            self.frame += 1;
        }
        let (from_us, from) = *self.line.get_or_insert((audible_us, self.frame));
        if self.frame % 48_000 < out.len() as u64 / u64::from(format.channels) {
            let counted = (self.frame - from) as f64 / f64::from(format.rate_hz);
            let stated = (audible_us - from_us) as f64 / 1e6;
            println!("{counted:.3} s played, audible time {:+.2} ms off", (stated - counted) * 1e3);
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seconds = std::env::args().nth(1).map_or(Ok(3), |text| text.parse())?;
    let origin = Instant::now();
    let mut sink = CpalSink::new(Arc::new(move || origin.elapsed().as_micros() as HostUs));
    let format = Arc::new(std::sync::OnceLock::new());
    let source = Sine { frame: 0, format: format.clone(), line: None };
    let opened = sink.open(SinkFormat { rate_hz: 48_000, channels: 2 }, Box::new(source))?;
    let _ = format.set(opened);
    println!("{}", sink.name());
    for _ in 0..seconds * 4 {
        std::thread::sleep(Duration::from_millis(250));
        if !sink.healthy() {
            println!("the device is gone");
            break;
        }
    }
    sink.close();
    Ok(())
}
