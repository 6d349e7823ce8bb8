//! A core and decoders simple enough to be obviously right, on virtual time.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kinora_pipeline::{
    AudioTap, Change, Event, FrameTap, Kind, Pacing, Pipeline, PipelineConfig, State, StreamStats, Taps,
    TimelineStatus, VirtualSink, Want,
};
use kinora_port::{
    AudioConfig, AudioDecoder, AudioSink, Cicp, DecodeError, Decoders, EncodedSample, PcmBlock, PcmSamples,
    PixelFormat, VideoConfig, VideoDecoder, VideoFrame,
};

pub const FRAME_US: i64 = 40_000;
pub const BLOCK_US: i64 = 20_000;
pub const RATE_HZ: u32 = 48_000;

/// What the fake decoders do with the first byte of a sample.
pub const GOOD: u8 = 0;
pub const DAMAGED: u8 = 1;
pub const LOST: u8 = 2;

/// Of its pictures only key frames are referred to by others.
struct FakeVideo {
    held: Vec<VideoFrame>,
    draining: bool,
    discarding: bool,
}

impl VideoDecoder for FakeVideo {
    fn send(&mut self, sample: &EncodedSample) -> Result<(), DecodeError> {
        match sample.data()[0] {
            DAMAGED => return Err(DecodeError::Damaged("as asked".into())),
            // Lost once: the next decoder gets the same bytes and would be lost too without a memory.
            LOST if LOSSES.fetch_add(1, Ordering::SeqCst) == 0 => {
                return Err(DecodeError::Lost("as asked".into()));
            }
            _ => {}
        }
        if !sample.decode_only && (sample.key || !self.discarding) {
            self.held.push(VideoFrame {
                pts_us: sample.pts_us,
                duration_us: sample.duration_us,
                width: 2,
                height: 2,
                format: PixelFormat::Gray8,
                planes: Vec::new(),
                par: (1, 1),
                rotation_deg: 0,
                cicp: Cicp::default(),
            });
            self.held.sort_by_key(|frame| frame.pts_us);
        }
        Ok(())
    }
    fn receive(&mut self) -> Result<Option<VideoFrame>, DecodeError> {
        // Two pictures are held for reordering.
        let ready = self.held.len() > if self.draining { 0 } else { 2 };
        Ok(ready.then(|| self.held.remove(0)))
    }
    fn drain(&mut self) -> Result<(), DecodeError> {
        self.draining = true;
        Ok(())
    }
    fn flush(&mut self) {
        self.held.clear();
        self.draining = false;
    }
    fn set_discarding(&mut self, on: bool) {
        self.discarding = on;
    }
    fn name(&self) -> &str {
        "fake"
    }
}

pub static LOSSES: AtomicU64 = AtomicU64::new(0);

struct FakeAudio(Option<PcmBlock>);

impl AudioDecoder for FakeAudio {
    fn send(&mut self, sample: &EncodedSample) -> Result<(), DecodeError> {
        let frames = (u64::from(RATE_HZ) * BLOCK_US as u64 / 1_000_000) as usize;
        self.0 = Some(PcmBlock {
            pts_us: sample.pts_us,
            rate_hz: RATE_HZ,
            channels: 2,
            samples: PcmSamples::S16(vec![i16::from(sample.data()[0]) * 256; frames * 2]),
        });
        Ok(())
    }
    fn receive(&mut self) -> Result<Option<PcmBlock>, DecodeError> {
        Ok(self.0.take())
    }
    fn drain(&mut self) -> Result<(), DecodeError> {
        Ok(())
    }
    fn flush(&mut self) {}
    fn name(&self) -> &str {
        "fake"
    }
}

struct FakeDecoders;

impl Decoders for FakeDecoders {
    fn supports(&self, codec: &str) -> bool {
        codec.starts_with("fake")
    }
    fn video(&self, _: &VideoConfig) -> Result<Box<dyn VideoDecoder>, DecodeError> {
        Ok(Box::new(FakeVideo { held: Vec::new(), draining: false, discarding: false }))
    }
    fn audio(&self, _: &AudioConfig) -> Result<Box<dyn AudioDecoder>, DecodeError> {
        Ok(Box::new(FakeAudio(None)))
    }
}

pub fn sample(pts_us: i64, dts_us: i64, duration_us: i64, key: bool, byte: u8) -> EncodedSample {
    EncodedSample {
        pts_us,
        dts_us,
        duration_us: duration_us as u32,
        key,
        decode_only: false,
        discontinuity: false,
        trim: (0, 0),
        body: Arc::from(vec![byte; 100]),
        range: (0, 100),
    }
}

/// `frames` pictures in groups of `gop`, each pair after the first of a group swapped in decode order.
pub fn pictures(frames: i64, gop: i64) -> Vec<EncodedSample> {
    let mut order: Vec<i64> = (0..frames).collect();
    for group in order.chunks_mut(gop as usize) {
        for pair in group[1..].chunks_exact_mut(2) {
            pair.swap(0, 1);
        }
    }
    order
        .iter()
        .enumerate()
        .map(|(i, &at)| sample(at * FRAME_US, (i as i64 - 1) * FRAME_US, FRAME_US, at % gop == 0, GOOD))
        .collect()
}

pub fn sounds(blocks: i64, byte: u8) -> Vec<EncodedSample> {
    (0..blocks).map(|i| sample(i * BLOCK_US, i * BLOCK_US, BLOCK_US, true, byte)).collect()
}

pub fn video_config() -> VideoConfig {
    VideoConfig {
        codec: "fake-video".into(),
        extradata: Vec::new(),
        width: 2,
        height: 2,
        par: (1, 1),
        rotation_deg: 0,
        cicp: Cicp::default(),
    }
}

pub fn audio_config() -> AudioConfig {
    AudioConfig { codec: "fake-audio".into(), extradata: Vec::new(), rate_hz: RATE_HZ, channels: 2 }
}

/// A source the core reads: all its samples, and how far it answered.
struct Source {
    samples: Vec<EncodedSample>,
    next: usize,
}

pub struct Rig {
    pub pipeline: Arc<Pipeline>,
    clock: Arc<AtomicU64>,
    activity: Arc<AtomicU64>,
    pub timeline: u64,
    sources: BTreeMap<u64, Source>,
    /// Samples of each source that the core has so far; more is as on a slow network.
    pub available: usize,
    pub most_per_answer: usize,
    pub shown: Arc<Mutex<Vec<i64>>>,
    pub sound: Arc<Mutex<Vec<(u64, i64)>>>,
    pub heard: Arc<Mutex<Vec<f32>>>,
    pub events: Vec<Event>,
    pub wants: Vec<Want>,
    /// Wants for which nothing has arrived yet.
    unanswered: Vec<Want>,
}

impl Rig {
    pub fn new() -> Rig {
        Rig::with(32 << 20, Pacing::EveryFrame)
    }

    pub fn with(buffer_bytes: u64, pacing: Pacing) -> Rig {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let sink = VirtualSink::heard_by({
            let heard = heard.clone();
            move |samples, _, _| heard.lock().unwrap().extend_from_slice(samples)
        });
        Rig { heard, ..Rig::with_sink(buffer_bytes, pacing, Box::new(sink)) }
    }

    pub fn with_sink(buffer_bytes: u64, pacing: Pacing, sink: Box<dyn AudioSink>) -> Rig {
        let clock = Arc::new(AtomicU64::new(1_000_000));
        let shown = Arc::new(Mutex::new(Vec::new()));
        let sound = Arc::new(Mutex::new(Vec::new()));
        let frame: FrameTap = Box::new({
            let shown = shown.clone();
            move |_, frame| shown.lock().unwrap().push(frame.pts_us)
        });
        let audio: AudioTap = Box::new({
            let sound = sound.clone();
            move |stream, block| sound.lock().unwrap().push((stream, block.pts_us))
        });
        let config = PipelineConfig {
            buffer_bytes,
            max_timelines: 2,
            pacing,
            clock: Arc::new({
                let clock = clock.clone();
                move || clock.load(Ordering::SeqCst)
            }),
            ids: Arc::new(AtomicU64::new(1)),
        };
        let activity = Arc::new(AtomicU64::new(0));
        let taps = Taps { frame: Some(frame), audio: Some(audio) };
        let pipeline = Pipeline::new(config, Arc::new(FakeDecoders), sink, taps, {
            let activity = activity.clone();
            Box::new(move || {
                activity.fetch_add(1, Ordering::SeqCst);
            })
        });
        let mut tx = pipeline.begin();
        let timeline = tx.create(7).unwrap();
        pipeline.commit(tx, clock.load(Ordering::SeqCst));
        Rig {
            pipeline,
            clock,
            activity,
            timeline,
            sources: BTreeMap::new(),
            available: usize::MAX,
            most_per_answer: usize::MAX,
            shown,
            sound,
            heard: Arc::default(),
            events: Vec::new(),
            wants: Vec::new(),
            unanswered: Vec::new(),
        }
    }

    pub fn now(&self) -> u64 {
        self.clock.load(Ordering::SeqCst)
    }

    pub fn command<T>(&mut self, act: impl FnOnce(&mut kinora_pipeline::Transaction, u64) -> T) -> T {
        assert!(self.pipeline.wait_settled(Duration::from_secs(10)));
        let mut tx = self.pipeline.begin();
        let result = act(&mut tx, self.timeline);
        self.pipeline.commit(tx, self.now());
        result
    }

    pub fn add_video(&mut self, samples: Vec<EncodedSample>) -> u64 {
        let id = self.command(|tx, timeline| tx.open_video(timeline, video_config())).unwrap();
        self.sources.insert(id, Source { samples, next: 0 });
        id
    }

    pub fn add_audio(&mut self, samples: Vec<EncodedSample>) -> u64 {
        let id = self.command(|tx, timeline| tx.open_audio(timeline, audio_config())).unwrap();
        self.sources.insert(id, Source { samples, next: 0 });
        id
    }

    /// A timeline that has `frames` pictures and as much sound.
    pub fn clip(frames: i64) -> Rig {
        let mut rig = Rig::new();
        rig.add_video(pictures(frames, 25));
        rig.add_audio(sounds(frames * 2, 10));
        rig
    }

    /// Answers wants as a core would, until nothing is left to answer.
    pub fn answer(&mut self) {
        loop {
            let events = self.pipeline.take_events();
            if events.is_empty() {
                return;
            }
            for event in events {
                if let Change::Want(want) = event.change {
                    self.wants.push(want);
                    self.give(want);
                }
                self.events.push(event);
            }
        }
    }

    fn give(&mut self, want: Want) {
        if want.seek != self.status().seek {
            return;
        }
        let Some(source) = self.sources.get_mut(&want.stream) else { return };
        if want.restart {
            let key = source.samples.iter().rposition(|s| s.key && s.pts_us <= want.from_us);
            source.next = key.unwrap_or(0);
        }
        let end = source.samples.len().min(self.available);
        let count = (end - source.next.min(end)).min(self.most_per_answer);
        let samples = source.samples[source.next..source.next + count].to_vec();
        let ends = source.next + count == source.samples.len();
        if count == 0 && !ends {
            self.unanswered.push(want);
            return;
        }
        assert!(self.pipeline.wait_settled(Duration::from_secs(10)));
        let mut tx = self.pipeline.begin();
        let taken = tx.append(want.stream, want.seek, 1, samples).unwrap_or(0) as usize;
        source.next += taken;
        if ends && taken == count {
            tx.end(want.stream, want.seek).unwrap();
        }
        self.pipeline.commit(tx, self.clock.load(Ordering::SeqCst));
    }

    /// More of the sources has come: answers what was asked before.
    pub fn arrive(&mut self, available: usize) {
        self.available = available;
        for want in std::mem::take(&mut self.unanswered) {
            self.give(want);
        }
    }

    /// A tail was removed: goes on reading behind what is left.
    pub fn rewind(&mut self, stream: u64) {
        let status = self.status();
        let cursor = status.streams.iter().find(|s| s.id == stream).unwrap().cursor;
        let source = self.sources.get_mut(&stream).unwrap();
        if let Some(tail) = cursor.tail_dts_us {
            source.next = source.samples.partition_point(|sample| sample.dts_us <= tail);
        }
    }

    /// Lets everything happen that can without time moving; says when the next thing is due.
    pub fn settle(&mut self) -> Option<u64> {
        loop {
            assert!(self.pipeline.wait_settled(Duration::from_secs(10)), "decode threads hang");
            let activity = self.activity.load(Ordering::SeqCst);
            let due = self.pipeline.advance(self.now());
            self.answer();
            assert!(self.pipeline.wait_settled(Duration::from_secs(10)));
            let before = self.shown.lock().unwrap().len();
            let shown = self.pipeline.frame_at(self.timeline, self.now(), 16_667);
            let idle = self.pipeline.wait_settled(Duration::ZERO)
                && !self.pipeline.has_events()
                && activity == self.activity.load(Ordering::SeqCst)
                && before == self.shown.lock().unwrap().len();
            if idle {
                let change = shown.next_change.filter(|&at| at > self.now());
                return [due, change].into_iter().flatten().min();
            }
        }
    }

    /// Runs until `done` or `us` have passed; says whether `done`.
    pub fn run(&mut self, us: u64, done: impl Fn(&Rig) -> bool) -> bool {
        let until = self.now() + us;
        loop {
            let due = self.settle();
            if done(self) {
                return true;
            }
            match due {
                Some(at) if at <= until => self.clock.store(at.max(self.now() + 1), Ordering::SeqCst),
                _ => {
                    self.clock.store(until, Ordering::SeqCst);
                    self.settle();
                    return done(self);
                }
            }
        }
    }

    pub fn run_for(&mut self, us: u64) {
        self.run(us, |_| false);
    }

    pub fn play(&mut self) {
        self.command(|tx, timeline| tx.play(timeline)).unwrap();
    }

    pub fn seek(&mut self, to_us: i64, exact: bool) -> u64 {
        self.command(|tx, timeline| tx.seek(timeline, to_us, exact)).unwrap()
    }

    pub fn seeked(&self, ticket: u64) -> Vec<i64> {
        let seeked = self.events.iter().filter(|event| event.ticket == ticket);
        seeked
            .filter_map(|event| match event.change {
                Change::Seeked(at) => Some(at),
                _ => None,
            })
            .collect()
    }

    pub fn status(&self) -> TimelineStatus {
        self.pipeline.status().remove(0)
    }

    pub fn state(&self) -> State {
        self.status().state
    }

    pub fn ended(&self) -> bool {
        self.state() == State::Ended
    }

    pub fn position(&self) -> i64 {
        self.pipeline.media_at(self.timeline, self.now()).unwrap()
    }

    pub fn stats(&self, kind: Kind) -> StreamStats {
        self.pipeline.stats().into_iter().find(|stats| stats.kind == kind).unwrap()
    }

    pub fn take_shown(&mut self) -> Vec<i64> {
        std::mem::take(&mut self.shown.lock().unwrap())
    }

    pub fn states(&self) -> Vec<State> {
        let states = self.events.iter().filter_map(|event| match event.change {
            Change::State(state) => Some(state),
            _ => None,
        });
        states.collect()
    }
}

pub fn frames(range: std::ops::Range<i64>) -> Vec<i64> {
    range.map(|i| i * FRAME_US).collect()
}
