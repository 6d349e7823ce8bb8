//! Plays a sine of 440 Hz through the whole pipeline, pauses and seeks once, and prints what the clock did: `timeline_sine
//! [seconds]`. Record it with `parec -d SINK.monitor --format=float32le --rate=48000 --channels=2`.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use kinora_audio_cpal::CpalSink;
use kinora_decode_symphonia::SymphoniaDecoders;
use kinora_pipeline::{Change, Pacing, Pipeline, PipelineConfig, Taps};
use kinora_port::{AudioConfig, EncodedSample, HostUs};

const BLOCK_US: i64 = 20_000;

/// Block `index` of the sine: its phase is that of its place, so that a block lost or doubled is heard and seen.
fn block(index: i64) -> EncodedSample {
    let bytes: Vec<u8> = (index * 960..(index + 1) * 960)
        .flat_map(|frame| {
            let value = ((frame * 440) as f64 / 48_000.0 * std::f64::consts::TAU).sin() * 16_000.0;
            let value = (value as i16).to_le_bytes();
            [value, value].concat()
        })
        .collect();
    EncodedSample {
        pts_us: index * BLOCK_US,
        dts_us: index * BLOCK_US,
        duration_us: BLOCK_US as u32,
        key: true,
        decode_only: false,
        discontinuity: false,
        trim: (0, 0),
        range: (0, bytes.len() as u32),
        body: bytes.into(),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seconds: u64 = std::env::args().nth(1).map_or(Ok(6), |text| text.parse())?;
    let origin = Instant::now();
    let clock = Arc::new(move || origin.elapsed().as_micros() as HostUs);
    let config = PipelineConfig {
        buffer_bytes: 16 << 20,
        max_timelines: 2,
        pacing: Pacing::Vsync,
        clock: clock.clone(),
        ids: Arc::new(AtomicU64::new(1)),
    };
    let sink = Box::new(CpalSink::new(clock.clone()));
    let pipeline = Pipeline::new(config, Arc::new(SymphoniaDecoders), sink, Taps::default(), Box::new(|| {}));
    let mut tx = pipeline.begin();
    let timeline = tx.create(0)?;
    let sound =
        AudioConfig { codec: "pcm-s16le".into(), extradata: Vec::new(), rate_hz: 48_000, channels: 2 };
    tx.open_audio(timeline, sound)?;
    tx.play(timeline)?;
    pipeline.commit(tx, clock());

    let mut next = 0;
    let until = origin + Duration::from_secs(seconds);
    let mut name = String::new();
    while Instant::now() < until {
        let due = pipeline.advance(clock());
        for event in pipeline.take_events() {
            if let Change::Want(want) = event.change {
                if want.restart {
                    next = want.from_us.max(0) / BLOCK_US;
                }
                let mut tx = pipeline.begin();
                next += i64::from(tx.append(
                    want.stream,
                    want.seek,
                    0,
                    (next..next + 100).map(block).collect(),
                )?);
                pipeline.commit(tx, clock());
            } else {
                println!("{:>9} {:?}", clock(), event.change);
            }
        }
        for report in pipeline.take_reports() {
            println!("{:>9} {report}", clock());
        }
        if pipeline.output_name() != name {
            name = pipeline.output_name();
            println!("{:>9} {name}", clock());
        }
        let wait = due.map_or(20_000, |at| at.saturating_sub(clock())).clamp(1_000, 20_000);
        std::thread::sleep(Duration::from_micros(wait));
    }
    println!("{:?}", pipeline.stats());
    Ok(())
}
