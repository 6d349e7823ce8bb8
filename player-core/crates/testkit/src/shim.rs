//! The fake shim: records every call, keeps the contract's rules, and notes calls that break them.

use std::collections::BTreeMap;

use kinora_engine::{
    AudioConfig, Event, Failure, NextStep, Request, SampleHeader, Shim, TimelineStatus, VideoConfig,
};
use kinora_time::{HostUs, MediaUs};

use crate::net::{FakeNet, Resource, Script};
use crate::timeline::FakeTimeline;

/// Samples and bytes of one append, and credit of one fetch, that the engine promises to keep under.
const MOST_SAMPLES: usize = 512;
const MOST_BYTES: usize = 1 << 20;
const MOST_CREDIT: u64 = 4 << 20;

/// See the [crate](crate).
#[derive(Debug, Default)]
pub struct FakeShim {
    pub(crate) now: HostUs,
    pub(crate) net: FakeNet,
    pub(crate) timelines: Vec<FakeTimeline>,
    storage: BTreeMap<String, Vec<u8>>,
    facts: Vec<(String, String)>,
    refused_codecs: Vec<String>,
    /// Media buffer of a timeline.
    budget: u64,
    last_id: u64,
    calls: Vec<String>,
    violations: Vec<String>,
    pub(crate) events: Vec<Event>,
}

impl FakeShim {
    /// A shim at time 0 with 48 MB of media buffer.
    pub fn new() -> Self {
        FakeShim { budget: 48 << 20, ..FakeShim::default() }
    }

    /// Serves `resource` at `url`.
    pub fn serve(&mut self, url: &str, resource: Resource) {
        self.net.resources.insert(url.to_owned(), resource);
    }

    /// Serves at `url` what `script` says when it is asked for; none: nothing is there.
    pub fn serve_script(&mut self, url: &str, script: impl FnMut(HostUs) -> Option<Resource> + 'static) {
        self.net.scripts.insert(url.to_owned(), Script(Box::new(script)));
    }

    /// Sets the network's delay and throughput, and the size of its chunks.
    pub fn set_network(&mut self, latency_us: HostUs, bytes_per_ms: u64, chunk: usize) {
        (self.net.latency_us, self.net.bytes_per_ms, self.net.chunk) =
            (latency_us, bytes_per_ms.max(1), chunk.max(1));
    }

    /// Sets the media buffer of new timelines.
    pub fn set_budget(&mut self, bytes: u64) {
        self.budget = bytes;
    }

    /// States a fact of the device.
    pub fn set_fact(&mut self, name: &str, value: &str) {
        self.facts.push((name.to_owned(), value.to_owned()));
    }

    /// Refuses streams of a codec.
    pub fn refuse_codec(&mut self, codec: &str) {
        self.refused_codecs.push(codec.to_owned());
    }

    /// Every call so far, a line each, with its time in milliseconds.
    pub fn dump(&self) -> String {
        self.calls.join("\n")
    }

    /// How many calls begin with `name`.
    pub fn count(&self, name: &str) -> usize {
        self.calls
            .iter()
            .filter(|call| call.split_once(' ').is_some_and(|(_, rest)| rest.starts_with(name)))
            .count()
    }

    /// Calls that broke a rule of the contract.
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// Values kept.
    pub fn storage(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.storage
    }

    /// Live timelines.
    pub fn timelines(&self) -> Vec<TimelineStatus> {
        self.timelines.iter().map(FakeTimeline::status).collect()
    }

    /// Headers of the samples a stream holds, by its place in its timeline.
    pub fn samples(&self, timeline: u64, stream: usize) -> Vec<SampleHeader> {
        let found = self.timelines.iter().find(|t| t.id == timeline);
        found.and_then(|t| t.streams.get(stream)).map(|s| s.samples.clone()).unwrap_or_default()
    }

    /// Lets a timeline fail.
    pub fn break_timeline(&mut self, timeline: u64, failure: Failure) {
        let change = kinora_engine::TimelineChange::Failed(failure);
        self.events.push(Event::Timeline { id: timeline, ticket: 0, change });
    }

    fn mint(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn note(&mut self, call: impl std::fmt::Display) {
        self.calls.push(format!("{} {call}", self.now / 1000));
    }

    fn timeline(&mut self, id: u64) -> Result<&mut FakeTimeline, Failure> {
        self.timelines.iter_mut().find(|timeline| timeline.id == id).ok_or_else(gone)
    }

    fn owner(&mut self, stream: u64) -> Result<&mut FakeTimeline, Failure> {
        self.timelines.iter_mut().find(|t| t.streams.iter().any(|s| s.id == stream)).ok_or_else(gone)
    }

    fn open(&mut self, timeline: u64, kind: u32, codec: &str) -> Result<u64, Failure> {
        self.note(format_args!("open t{timeline} {codec}"));
        if self.refused_codecs.iter().any(|refused| refused == codec) {
            let message = format!("no decoder for {codec}");
            return Err(Failure { next: NextStep::Unsupported, code: 10, message });
        }
        let id = self.mint();
        self.timeline(timeline)?.open(id, kind, codec);
        Ok(id)
    }

    fn configured(&mut self, stream: u64, codec: &str) -> Result<(), Failure> {
        for stream in self.owner(stream)?.streams.iter_mut().filter(|s| s.id == stream) {
            codec.clone_into(&mut stream.codec);
        }
        Ok(())
    }

    /// Rules of `streams.append`, in the order a shim meets them.
    fn check_append(
        &mut self,
        stream: u64,
        seek: u64,
        samples: &[SampleHeader],
        body: &[u8],
    ) -> Result<(), Failure> {
        let mut broken = Vec::new();
        let timeline = self.owner(stream)?;
        let current = timeline.seek;
        let Some(target) = timeline.streams.iter_mut().find(|s| s.id == stream) else { return Err(gone()) };
        if seek == current && target.want.is_none() {
            broken.push("append without a want".to_owned());
        }
        let sizes: usize = samples.iter().map(|s| (s.size + s.side_size) as usize).sum();
        if sizes != body.len() {
            broken.push("sizes and body disagree".to_owned());
        }
        if samples.is_empty() || samples.len() > MOST_SAMPLES || samples.len() > 1 && body.len() > MOST_BYTES
        {
            broken.push(format!("append of {} samples, {} bytes", samples.len(), body.len()));
        }
        if seek == current {
            let mut tail = target.tail_dts;
            for sample in samples {
                let anew = sample.bits & SampleHeader::DISCONTINUITY != 0;
                if !anew && tail.is_some_and(|tail| sample.dts_us < tail) {
                    broken.push(format!("dts goes back to {}", sample.dts_us));
                }
                tail = Some(sample.dts_us);
            }
            let key = samples.first().is_some_and(|s| s.bits & SampleHeader::KEY != 0);
            if target.needs_key && !key {
                broken.push("no key frame after a restart".to_owned());
            }
        }
        self.violations.extend(broken);
        Ok(())
    }
}

fn gone() -> Failure {
    Failure { next: NextStep::Gone, code: 0, message: "gone".to_owned() }
}

impl Shim for FakeShim {
    fn create_timeline(&mut self, tag: u64) -> Result<u64, Failure> {
        if self.timelines.len() >= 2 {
            self.violations.push("a third timeline".to_owned());
            return Err(Failure { next: NextStep::Wait, code: 2, message: "too many timelines".to_owned() });
        }
        let id = self.mint();
        self.note(format_args!("create t{id} tag {tag}"));
        self.timelines.push(FakeTimeline::new(id, tag, self.budget, self.now));
        Ok(id)
    }

    fn close_timeline(&mut self, timeline: u64) -> Result<(), Failure> {
        self.note(format_args!("close t{timeline}"));
        self.timeline(timeline)?;
        self.timelines.retain(|t| t.id != timeline);
        Ok(())
    }

    fn live_timelines(&mut self) -> Vec<TimelineStatus> {
        self.timelines()
    }

    fn seek(&mut self, timeline: u64, to_us: MediaUs, exact: bool) -> Result<u64, Failure> {
        let ticket = self.mint();
        let how = if exact { "exact" } else { "key" };
        self.note(format_args!("seek t{timeline} {}ms {how} -> {ticket}", to_us / 1000));
        let now = self.now;
        self.timeline(timeline)?.seek(ticket, to_us, exact, now);
        Ok(ticket)
    }

    fn step(&mut self, timeline: u64, frames: i32) -> Result<u64, Failure> {
        let ticket = self.mint();
        self.note(format_args!("step t{timeline} {frames} -> {ticket}"));
        let now = self.now;
        let timeline = self.timeline(timeline)?;
        let to_us = (timeline.position(now) + i64::from(frames) * 40_000).max(0);
        timeline.step(ticket, to_us, now);
        Ok(ticket)
    }

    fn play(&mut self, timeline: u64) -> Result<(), Failure> {
        self.note(format_args!("play t{timeline}"));
        self.timeline(timeline)?.playing = true;
        Ok(())
    }

    fn pause(&mut self, timeline: u64) -> Result<(), Failure> {
        self.note(format_args!("pause t{timeline}"));
        self.timeline(timeline)?.playing = false;
        Ok(())
    }

    fn set_rate(&mut self, timeline: u64, permille: i32) -> Result<(), Failure> {
        self.note(format_args!("rate t{timeline} {permille}"));
        let now = self.now;
        self.timeline(timeline)?.set_rate(permille, now);
        Ok(())
    }

    fn set_gain(&mut self, timeline: u64, linear_permille: u32) -> Result<(), Failure> {
        self.note(format_args!("gain t{timeline} {linear_permille}"));
        self.timeline(timeline).map(|_| ())
    }

    fn open_video(&mut self, timeline: u64, config: &VideoConfig) -> Result<u64, Failure> {
        self.open(timeline, 1, &config.codec)
    }

    fn configure_video(&mut self, stream: u64, config: &VideoConfig) -> Result<(), Failure> {
        self.note(format_args!(
            "configure s{stream} {} {}x{}",
            config.codec, config.width_px, config.height_px
        ));
        self.configured(stream, &config.codec)
    }

    fn open_audio(&mut self, timeline: u64, config: &AudioConfig) -> Result<u64, Failure> {
        self.open(timeline, 2, &config.codec)
    }

    fn configure_audio(&mut self, stream: u64, config: &AudioConfig) -> Result<(), Failure> {
        self.note(format_args!("configure s{stream} {} {}Hz", config.codec, config.rate_hz));
        self.configured(stream, &config.codec)
    }

    fn append(
        &mut self,
        stream: u64,
        seek: u64,
        tag: u64,
        samples: &[SampleHeader],
        body: &[u8],
    ) -> Result<u32, Failure> {
        let times = samples.first().zip(samples.last()).map(|(a, b)| (a.dts_us / 1000, b.dts_us / 1000));
        let (first, last) = times.unwrap_or((0, 0));
        self.note(format_args!("append s{stream} {} samples {first}..{last}ms", samples.len()));
        self.check_append(stream, seek, samples, body)?;
        let timeline = self.owner(stream)?;
        let current = timeline.seek;
        let Some(target) = timeline.streams.iter_mut().find(|s| s.id == stream) else { return Err(gone()) };
        if seek != current {
            return Ok(0);
        }
        let wait = || Failure { next: NextStep::Wait, code: 0, message: "no want".to_owned() };
        let mut room = i64::from(target.want.take().ok_or_else(wait)?.room_bytes);
        let mut taken = 0;
        for sample in samples {
            room -= i64::from(sample.size);
            if room < 0 && taken > 0 {
                break;
            }
            target.samples.push(*sample);
            target.tail_dts = Some(sample.dts_us);
            target.needs_key = false;
            taken += 1;
        }
        target.cursor = (seek, tag, target.cursor.2 + u64::from(taken));
        Ok(taken)
    }

    fn end(&mut self, stream: u64, seek: u64) -> Result<(), Failure> {
        self.note(format_args!("end s{stream}"));
        let timeline = self.owner(stream)?;
        let current = timeline.seek;
        if let Some(target) = timeline.streams.iter_mut().find(|s| s.id == stream && seek == current) {
            let unwanted = target.want.take().is_none();
            target.ended = true;
            if unwanted {
                self.violations.push(format!("end of s{stream} without a want"));
            }
        }
        Ok(())
    }

    fn enable(&mut self, stream: u64, on: bool) -> Result<(), Failure> {
        self.note(format_args!("enable s{stream} {on}"));
        let now = self.now;
        self.owner(stream)?.enable(stream, on, now);
        Ok(())
    }

    fn fetch(&mut self, request: &Request) -> Result<u64, Failure> {
        let ticket = self.mint();
        let range =
            request.headers.iter().find(|(name, _)| name == "range").map_or("", |(_, value)| value.as_str());
        self.note(format_args!("fetch {} {range}", request.url));
        self.net.fetch(ticket, request, self.now);
        Ok(ticket)
    }

    fn credit(&mut self, ticket: u64, bytes: u32) {
        self.net.credit(ticket, bytes);
        if self.net.most_credit() > MOST_CREDIT {
            self.violations.push(format!("{} bytes of credit", self.net.most_credit()));
        }
    }

    fn cancel(&mut self, ticket: u64) {
        self.note(format_args!("cancel {ticket}"));
        self.net.cancel(ticket);
    }

    fn live_fetches(&mut self) -> Vec<u64> {
        self.net.live()
    }

    fn stored_value(&mut self, key: &str) -> Option<Vec<u8>> {
        self.storage.get(key).cloned()
    }

    fn stored_keys(&mut self, prefix: &str) -> Vec<String> {
        self.storage.keys().filter(|key| key.starts_with(prefix)).cloned().collect()
    }

    fn store(&mut self, batch: &[(String, Option<Vec<u8>>)]) -> Result<u64, Failure> {
        for (key, value) in batch {
            self.note(format_args!("store {key} {}", if value.is_some() { "set" } else { "removed" }));
            match value {
                Some(value) => self.storage.insert(key.clone(), value.clone()),
                None => self.storage.remove(key),
            };
        }
        let ticket = self.mint();
        self.events.push(Event::Stored { ticket, failure: None });
        Ok(ticket)
    }

    fn facts(&mut self) -> Vec<(String, String)> {
        self.facts.clone()
    }

    fn log(&mut self, level: u32, message: &str) {
        self.note(format_args!("log {level} {message}"));
    }
}
