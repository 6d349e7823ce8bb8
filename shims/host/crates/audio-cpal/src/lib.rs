//! Sound through cpal: PulseAudio (and PipeWire's server for it), ALSA, CoreAudio, WASAPI.

mod timing;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{
    BufferSize, Device, DeviceId, ErrorKind, FromSample, Host, HostId, OutputCallbackInfo, Sample,
    SampleFormat, SizedSample, Stream, StreamConfig, SupportedBufferSize,
};
use kinora_port::{AudioSink, AudioSource, HostUs, SinkError, SinkFormat};
#[cfg(target_os = "linux")]
use rustix::fs::{Access, access};

use crate::timing::Audible;

/// What is asked of the device. The default may be anything up to minutes where a sound server stands between; 20 to 50 ms work
/// everywhere.
const BUFFER_MS: u32 = 30;
/// How long opening may block in a driver.
const OPEN_TIMEOUT: Duration = Duration::from_secs(2);
/// How many questions after its health pass before the default device is looked up, which asks the sound server.
const LOOK_UP_EVERY: u32 = 2;

/// Plays on the default output device, or a chosen one.
pub struct CpalSink {
    /// ALSA's, by name; `None`: the default one of whatever plays sound on this system.
    chosen: Option<String>,
    clock: Arc<dyn Fn() -> HostUs + Send + Sync>,
    host: Option<Host>,
    open: Option<Open>,
    asked: u32,
}

struct Open {
    /// Playing as long as it lives.
    stream: Stream,
    id: Option<DeviceId>,
    name: String,
    /// Cleared by an error, and on closing, after which nothing is asked of the source.
    works: Arc<AtomicBool>,
}

impl Open {
    /// Lets go of the stream on a thread of its own: drivers take their time, and cpal 0.18 joins PulseAudio's driver thread, which never
    /// ends when the server killed the stream because its sink went away.
    fn retire(self) {
        self.works.store(false, Ordering::Release);
        let stream = self.stream;
        // Without a thread to spare the stream is dropped here, with the closure.
        let _ = std::thread::Builder::new().name("audio-close".into()).spawn(move || drop(stream));
    }
}

impl CpalSink {
    /// `clock` is the shim's monotonic clock; it is read on the device's thread.
    pub fn new(clock: Arc<dyn Fn() -> HostUs + Send + Sync>) -> Self {
        CpalSink { chosen: None, clock, host: None, open: None, asked: 0 }
    }

    /// Plays on an ALSA device and looks for no sound server: `device` as `aplay -L` names it, ALSA's `default` if none is named.
    #[cfg(target_os = "linux")]
    pub fn alsa(device: Option<&str>, clock: Arc<dyn Fn() -> HostUs + Send + Sync>) -> Self {
        let mut sink = CpalSink::new(clock);
        sink.chosen = Some(device.unwrap_or("default").to_owned());
        sink
    }

    /// The device to play on, looked up anew: a sound server or card may have come or gone since.
    fn device(&self) -> Result<(Host, Device), SinkError> {
        let Some(name) = &self.chosen else {
            let host = cpal::default_host();
            let device = host.default_output_device();
            return Ok((host, device.ok_or_else(|| SinkError::NoDevice("no output device".into()))?));
        };
        let host = alsa_host().ok_or_else(|| SinkError::NoDevice("there is no ALSA here".into()))?;
        let device = match name.as_str() {
            "default" => host.default_output_device(),
            name => host.device_by_id(&DeviceId::new(host.id(), name)),
        };
        let missing =
            || SinkError::NoDevice(format!("there is no ALSA device `{name}` (`aplay -L` lists them)"));
        Ok((host, device.ok_or_else(missing)?))
    }

    /// An error of a chosen device, which says its name.
    fn named(&self, error: SinkError) -> SinkError {
        let Some(name) = &self.chosen else { return error };
        match error {
            SinkError::NoDevice(why) => SinkError::NoDevice(format!("{name}: {why}")),
            SinkError::Busy(why) => SinkError::Busy(format!("{name}: {why}")),
            SinkError::Failed(why) => SinkError::Failed(format!("{name}: {why}")),
        }
    }

    fn build(
        &self,
        device: &Device,
        wanted: SinkFormat,
        source: Box<dyn AudioSource>,
    ) -> Result<Built, SinkError> {
        let default = device.default_output_config().map_err(sink_error)?;
        let (format, range, config) = choose(device, wanted).unwrap_or_else(|| {
            let format = SinkFormat { rate_hz: default.sample_rate(), channels: default.channels().into() };
            (default.sample_format(), *default.buffer_size(), format)
        });
        let frames = config.rate_hz * BUFFER_MS / 1000;
        let frames = match range {
            SupportedBufferSize::Range { min, max } => frames.clamp(min, max.max(min)),
            SupportedBufferSize::Unknown => frames,
        };
        let works = Arc::new(AtomicBool::new(true));
        let source = Arc::new(Mutex::new(source));
        let build = |buffer_size| {
            let callback = Callback {
                source: Arc::clone(&source),
                works: works.clone(),
                clock: self.clock.clone(),
                audible: Audible::new(config.rate_hz),
                channels: config.channels.max(1) as usize,
                // A device that asks for more than this costs one allocation.
                scratch: Vec::with_capacity(frames as usize * config.channels as usize * 4),
            };
            let channels = config.channels as u16;
            let request = StreamConfig { channels, sample_rate: config.rate_hz, buffer_size };
            match format {
                SampleFormat::I16 => callback.stream::<i16>(device, request),
                SampleFormat::I32 => callback.stream::<i32>(device, request),
                _ => callback.stream::<f32>(device, request),
            }
        };
        let stream = match build(BufferSize::Fixed(frames)) {
            // ALSA's range is that of all rates; at this one a device may take only its own size, as its mixer (dmix) does.
            Err(error) if error.kind() == ErrorKind::UnsupportedConfig => build(BufferSize::Default),
            built => built,
        };
        Ok((stream.map_err(sink_error)?, config, works))
    }
}

/// Without a device alsa-lib writes pages to standard error. What this thread's calls return says the same.
#[cfg(target_os = "linux")]
fn hush() {
    let _ = alsa::Output::local_error_handler();
}

#[cfg(not(target_os = "linux"))]
fn hush() {}

/// Names of the ALSA devices that play on a card, with what their drivers call them; ALSA's many plugins are left out.
#[cfg(target_os = "linux")]
pub fn alsa_devices() -> Vec<String> {
    hush();
    let devices = alsa_host().and_then(|host| host.output_devices().ok());
    let describe = |device: Device| {
        let id = device.id().ok().filter(|id| id.id().contains("CARD="))?;
        let description = device.description().map_or_else(|_| String::new(), |text| format!(": {text}"));
        Some(format!("{}{description}", id.id()))
    };
    devices.into_iter().flatten().filter_map(describe).collect()
}

/// Why there will be no sound on this system, and what to do, if that is certain already: a device that is only busy is tried again while
/// playing.
#[cfg(target_os = "linux")]
pub fn alsa_silence() -> Option<String> {
    let is_player = |name: &str| name.starts_with("pcm") && name.ends_with('p');
    let entries =
        std::fs::read_dir("/dev/snd").into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let nodes: Vec<_> = entries
        .filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_player))
        .collect();
    let Some(first) = nodes.first() else {
        return Some("no sound: there is no /dev/snd/pcm*; load the driver of the sound card".into());
    };
    let open = nodes.iter().any(|node| access(node, Access::WRITE_OK).is_ok());
    (!open).then(|| {
        format!(
            "no sound: cannot open {}: permission denied; let this user in: `usermod -aG audio USER`, or \
             `SupplementaryGroups=audio` in the unit",
            first.display()
        )
    })
}

#[cfg(target_os = "linux")]
fn alsa_host() -> Option<Host> {
    cpal::host_from_id(HostId::Alsa).ok()
}

#[cfg(not(target_os = "linux"))]
fn alsa_host() -> Option<Host> {
    None
}

type Built = (Stream, SinkFormat, Arc<AtomicBool>);

/// The best of what the device offers: the wanted channels and rate, floats before 32 before 16 bits.
fn choose(device: &Device, wanted: SinkFormat) -> Option<(SampleFormat, SupportedBufferSize, SinkFormat)> {
    let rank = |format| match format {
        SampleFormat::F32 => 0,
        SampleFormat::I32 => 1,
        _ => 2,
    };
    // More channels than the device has by itself would be mixed down by somebody else's rules.
    let most = device.default_output_config().map_or(2, |config| config.channels());
    device
        .supported_output_configs()
        .ok()?
        .filter(|range| {
            matches!(range.sample_format(), SampleFormat::F32 | SampleFormat::I32 | SampleFormat::I16)
        })
        .filter(|range| range.channels() <= most.max(2))
        .filter(|range| (range.min_sample_rate()..=range.max_sample_rate()).contains(&wanted.rate_hz))
        .min_by_key(|range| {
            let channels = u32::from(range.channels());
            (channels.abs_diff(wanted.channels), rank(range.sample_format()))
        })
        .map(|range| {
            let format = SinkFormat { rate_hz: wanted.rate_hz, channels: range.channels().into() };
            (range.sample_format(), *range.buffer_size(), format)
        })
}

struct Callback {
    /// Shared with nobody else as soon as the stream plays.
    source: Arc<Mutex<Box<dyn AudioSource>>>,
    works: Arc<AtomicBool>,
    clock: Arc<dyn Fn() -> HostUs + Send + Sync>,
    audible: Audible,
    channels: usize,
    scratch: Vec<f32>,
}

impl Callback {
    fn stream<T: SizedSample + FromSample<f32>>(
        mut self,
        device: &Device,
        config: StreamConfig,
    ) -> Result<Stream, cpal::Error> {
        let works = self.works.clone();
        let stream = device.build_output_stream::<T, _, _>(
            config,
            move |out, info| self.fill(out, info),
            move |error| {
                let harmless = matches!(
                    error.kind(),
                    ErrorKind::Xrun | ErrorKind::RealtimeDenied | ErrorKind::DeviceChanged
                );
                if !harmless {
                    works.store(false, Ordering::Release);
                }
            },
            Some(OPEN_TIMEOUT),
        )?;
        stream.play()?;
        Ok(stream)
    }

    fn fill<T: Sample + FromSample<f32>>(&mut self, out: &mut [T], info: &OutputCallbackInfo) {
        if !self.works.load(Ordering::Acquire) {
            out.fill(T::EQUILIBRIUM);
            return;
        }
        let now_us = (self.clock)();
        let timestamp = info.timestamp();
        // Stream clocks have origins and drifts of their own: only the difference means something to ours.
        let latency = timestamp.playback.duration_since(timestamp.callback);
        let frames = (out.len() / self.channels) as u64;
        let audible_us = self.audible.next(now_us + latency.as_micros() as u64, frames);
        self.scratch.resize(out.len(), 0.0);
        match self.source.try_lock() {
            Ok(mut source) => source.fill(&mut self.scratch, audible_us),
            Err(_) => self.scratch.fill(0.0),
        }
        for (to, from) in out.iter_mut().zip(&self.scratch) {
            *to = T::from_sample(from.clamp(-1.0, 1.0));
        }
    }
}

fn sink_error(error: cpal::Error) -> SinkError {
    let text = error.to_string();
    match error.kind() {
        ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable => SinkError::NoDevice(text),
        ErrorKind::DeviceBusy => SinkError::Busy(text),
        _ => SinkError::Failed(text),
    }
}

impl Drop for CpalSink {
    fn drop(&mut self) {
        self.close();
    }
}

impl AudioSink for CpalSink {
    fn open(&mut self, wanted: SinkFormat, source: Box<dyn AudioSource>) -> Result<SinkFormat, SinkError> {
        self.close();
        hush();
        let (host, device) = self.device()?;
        let (stream, format, works) =
            self.build(&device, wanted, source).map_err(|error| self.named(error))?;
        let description =
            device.description().map_or_else(|_| "default device".to_owned(), |d| d.to_string());
        self.open = Some(Open {
            stream,
            id: device.id().ok(),
            name: format!(
                "{description} ({}, {} Hz, {} channels)",
                host.id(),
                format.rate_hz,
                format.channels
            ),
            works,
        });
        self.host = Some(host);
        Ok(format)
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            open.retire();
        }
        self.host = None;
    }

    fn healthy(&mut self) -> bool {
        let (Some(open), Some(host)) = (&self.open, &self.host) else { return false };
        if !open.works.load(Ordering::Acquire) {
            return false;
        }
        self.asked = self.asked.wrapping_add(1);
        if self.chosen.is_some() || !self.asked.is_multiple_of(LOOK_UP_EVERY) {
            return true;
        }
        let default = host.default_output_device().and_then(|device| device.id().ok());
        // A server that does not answer is no reason to leave a stream that plays.
        default.is_none() || default == open.id
    }

    fn name(&self) -> String {
        self.open.as_ref().map_or_else(|| "closed".into(), |open| open.name.clone())
    }
}
