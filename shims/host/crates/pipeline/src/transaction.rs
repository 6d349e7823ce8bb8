//! The commands of one call of the core: judged at once, carried out together or not at all.

use std::sync::Arc;

use kinora_port::{AudioConfig, EncodedSample, Failure, MediaUs, Next, VideoConfig, code};

use crate::events::{Anchor, Cursor, Kind, State, StreamStatus, TimelineStatus, Tuning, Want};
use crate::pipeline::Pipeline;
use crate::queue::Config;

/// Streams of a timeline.
const MAX_STREAMS: usize = 32;

pub(crate) enum Command {
    Create { id: u64, tag: u64 },
    Close { timeline: u64 },
    Seek { timeline: u64, ticket: u64, to_us: MediaUs, exact: bool },
    Step { timeline: u64, ticket: u64, frames: i32 },
    Play { timeline: u64 },
    Pause { timeline: u64 },
    SetRate { timeline: u64, permille: i32 },
    SetGain { timeline: u64, permille: u32 },
    Tune { timeline: u64, tuning: Tuning },
    Open { timeline: u64, id: u64, kind: Kind, config: Config },
    Configure { stream: u64, config: Config },
    Append { stream: u64, seek: u64, tag: u64, samples: Vec<EncodedSample> },
    Remove { stream: u64, from_dts_us: MediaUs },
    End { stream: u64 },
    Enable { stream: u64, on: bool },
    CloseStream { stream: u64 },
}

/// What a timeline would be after the commands so far.
pub(crate) struct Staged {
    pub(crate) status: TimelineStatus,
    /// Outstanding wants.
    pub(crate) wants: Vec<Want>,
}

/// The functions of `timeline`, `streams`, `video` and `audio` in `wit/`, as of when it began plus what it did since. Give it to
/// [`Pipeline::commit`]; dropped, it has had no effect.
pub struct Transaction {
    pipeline: Arc<Pipeline>,
    staged: Vec<Staged>,
    pub(crate) commands: Vec<Command>,
}

impl Transaction {
    pub(crate) fn new(pipeline: Arc<Pipeline>, staged: Vec<Staged>) -> Self {
        Transaction { pipeline, staged, commands: Vec::new() }
    }

    fn timeline(&mut self, id: u64) -> Result<&mut Staged, Failure> {
        self.staged.iter_mut().find(|t| t.status.id == id).ok_or_else(|| Failure::gone("timeline", id))
    }

    fn owner(&mut self, stream: u64) -> Result<&mut Staged, Failure> {
        self.staged
            .iter_mut()
            .find(|t| t.status.streams.iter().any(|s| s.id == stream))
            .ok_or_else(|| Failure::gone("stream", stream))
    }

    fn stream(&mut self, id: u64) -> Result<&mut StreamStatus, Failure> {
        let owner = self.owner(id)?;
        owner.status.streams.iter_mut().find(|s| s.id == id).ok_or_else(|| Failure::gone("stream", id))
    }

    fn push(&mut self, command: Command) {
        self.commands.push(command);
    }

    /// `timeline.create`
    pub fn create(&mut self, tag: u64) -> Result<u64, Failure> {
        let limit = self.pipeline.max_timelines();
        if self.staged.len() >= limit {
            let message = format!("no more than {limit} timelines at once");
            return Err(Failure::new(Next::Wait, code::TOO_MANY, message));
        }
        let id = self.pipeline.mint();
        self.staged.push(Staged {
            status: TimelineStatus {
                id,
                tag,
                state: State::Initialised,
                playing: false,
                anchor: Anchor { media_us: 0, host_us: 0, rate_permille: 0 },
                seek: 0,
                streams: Vec::new(),
            },
            wants: Vec::new(),
        });
        self.push(Command::Create { id, tag });
        Ok(id)
    }

    /// `timeline.close`
    pub fn close(&mut self, timeline: u64) -> Result<(), Failure> {
        self.timeline(timeline)?;
        self.staged.retain(|t| t.status.id != timeline);
        self.push(Command::Close { timeline });
        Ok(())
    }

    /// `timeline.live`
    pub fn live(&self) -> Vec<TimelineStatus> {
        self.timelines().cloned().collect()
    }

    /// The timelines as they are after the call, to look at.
    pub fn timelines(&self) -> impl Iterator<Item = &TimelineStatus> {
        self.staged.iter().map(|timeline| &timeline.status)
    }

    /// `timeline.seek`
    pub fn seek(&mut self, timeline: u64, to_us: MediaUs, exact: bool) -> Result<u64, Failure> {
        let ticket = self.pipeline.mint();
        let staged = self.timeline(timeline)?;
        staged.status.seek = ticket;
        staged.wants.clear();
        self.push(Command::Seek { timeline, ticket, to_us, exact });
        Ok(ticket)
    }

    /// `timeline.step`
    pub fn step(&mut self, timeline: u64, frames: i32) -> Result<u64, Failure> {
        let ticket = self.pipeline.mint();
        let staged = self.timeline(timeline)?;
        staged.status.playing = false;
        self.push(Command::Step { timeline, ticket, frames });
        Ok(ticket)
    }

    /// `timeline.play`
    pub fn play(&mut self, timeline: u64) -> Result<(), Failure> {
        self.timeline(timeline)?.status.playing = true;
        self.push(Command::Play { timeline });
        Ok(())
    }

    /// `timeline.pause`
    pub fn pause(&mut self, timeline: u64) -> Result<(), Failure> {
        self.timeline(timeline)?.status.playing = false;
        self.push(Command::Pause { timeline });
        Ok(())
    }

    /// `timeline.set-rate`
    pub fn set_rate(&mut self, timeline: u64, permille: i32) -> Result<(), Failure> {
        self.timeline(timeline)?;
        self.push(Command::SetRate { timeline, permille });
        Ok(())
    }

    /// `timeline.set-gain`
    pub fn set_gain(&mut self, timeline: u64, linear_permille: u32) -> Result<(), Failure> {
        self.timeline(timeline)?;
        self.push(Command::SetGain { timeline, permille: linear_permille });
        Ok(())
    }

    /// `timeline.tune`
    pub fn tune(&mut self, timeline: u64, tuning: Tuning) -> Result<(), Failure> {
        self.timeline(timeline)?;
        self.push(Command::Tune { timeline, tuning });
        Ok(())
    }

    /// `video.open`
    pub fn open_video(&mut self, timeline: u64, config: VideoConfig) -> Result<u64, Failure> {
        self.open(timeline, Kind::Video, Config::Video(config))
    }

    /// `audio.open`
    pub fn open_audio(&mut self, timeline: u64, config: AudioConfig) -> Result<u64, Failure> {
        self.open(timeline, Kind::Audio, Config::Audio(config))
    }

    fn supported(&self, config: &Config) -> Result<(), Failure> {
        let codec = config.codec();
        if self.pipeline.supports(codec) {
            return Ok(());
        }
        Err(Failure::new(Next::Unsupported, code::CODEC, format!("{codec} cannot be decoded here")))
    }

    fn open(&mut self, timeline: u64, kind: Kind, config: Config) -> Result<u64, Failure> {
        let count = self.timeline(timeline)?.status.streams.len();
        self.supported(&config)?;
        if count >= MAX_STREAMS {
            let message = format!("no more than {MAX_STREAMS} streams in a timeline");
            return Err(Failure::new(Next::Wait, code::TOO_MANY, message));
        }
        let id = self.pipeline.mint();
        self.timeline(timeline)?.status.streams.push(StreamStatus {
            id,
            kind,
            codec: config.codec().to_owned(),
            enabled: true,
            ended: false,
            cursor: Cursor::default(),
            buffered: Vec::new(),
            room_bytes: 0,
        });
        self.push(Command::Open { timeline, id, kind, config });
        Ok(id)
    }

    /// `video.configure`
    pub fn configure_video(&mut self, stream: u64, config: VideoConfig) -> Result<(), Failure> {
        self.configure(stream, Kind::Video, Config::Video(config))
    }

    /// `audio.configure`
    pub fn configure_audio(&mut self, stream: u64, config: AudioConfig) -> Result<(), Failure> {
        self.configure(stream, Kind::Audio, Config::Audio(config))
    }

    fn configure(&mut self, stream: u64, kind: Kind, config: Config) -> Result<(), Failure> {
        if self.stream(stream)?.kind != kind {
            return Err(Failure::new(
                Next::Gone,
                code::INVALID,
                format!("stream {stream} is of another kind"),
            ));
        }
        self.supported(&config)?;
        self.stream(stream)?.codec = config.codec().to_owned();
        self.push(Command::Configure { stream, config });
        Ok(())
    }

    /// `streams.append`; the samples' ranges lie in their bodies.
    pub fn append(
        &mut self,
        stream: u64,
        seek: u64,
        tag: u64,
        mut samples: Vec<EncodedSample>,
    ) -> Result<u32, Failure> {
        let owner = self.owner(stream)?;
        if seek != owner.status.seek || samples.is_empty() {
            return Ok(0);
        }
        let whole = |s: &EncodedSample| s.range.0 <= s.range.1 && s.range.1 as usize <= s.body.len();
        if !samples.iter().all(whole) {
            return Err(Failure::new(Next::Skip, code::INVALID, "sample sizes and body disagree"));
        }
        let Some(index) = owner.wants.iter().position(|want| want.stream == stream) else {
            return Err(Failure::new(Next::Wait, code::UNSPECIFIED, "no want is outstanding"));
        };
        let want = owner.wants[index];
        if want.restart && !samples[0].key {
            return Err(Failure::new(Next::Skip, code::INVALID, "a restart begins with a key frame"));
        }
        owner.wants.remove(index);
        let mut room = u64::from(want.room_bytes);
        let fitting = samples.iter().take_while(|sample| {
            let size = u64::from(sample.range.1 - sample.range.0);
            let fits = size <= room;
            room = room.saturating_sub(size);
            fits
        });
        let taken = fitting.count().max(1);
        samples.truncate(taken);
        let cursor = &mut self.stream(stream)?.cursor;
        if cursor.seek != seek {
            cursor.count = 0;
        }
        *cursor = Cursor {
            seek,
            tag,
            count: cursor.count + taken as u64,
            tail_dts_us: samples.last().map(|sample| sample.dts_us),
        };
        self.push(Command::Append { stream, seek, tag, samples });
        Ok(taken as u32)
    }

    /// `streams.remove`
    pub fn remove(&mut self, stream: u64, from_dts_us: MediaUs) -> Result<(), Failure> {
        self.owner(stream)?.wants.retain(|want| want.stream != stream);
        self.stream(stream)?.ended = false;
        self.push(Command::Remove { stream, from_dts_us });
        Ok(())
    }

    /// `streams.end`
    pub fn end(&mut self, stream: u64, seek: u64) -> Result<(), Failure> {
        let owner = self.owner(stream)?;
        if owner.status.seek == seek {
            owner.wants.retain(|want| want.stream != stream);
            self.stream(stream)?.ended = true;
            self.push(Command::End { stream });
        }
        Ok(())
    }

    /// `streams.enable`
    pub fn enable(&mut self, stream: u64, on: bool) -> Result<(), Failure> {
        self.stream(stream)?.enabled = on;
        if !on {
            self.owner(stream)?.wants.retain(|want| want.stream != stream);
        }
        self.push(Command::Enable { stream, on });
        Ok(())
    }

    /// `streams.close`
    pub fn close_stream(&mut self, stream: u64) -> Result<(), Failure> {
        let owner = self.owner(stream)?;
        owner.wants.retain(|want| want.stream != stream);
        owner.status.streams.retain(|s| s.id != stream);
        self.push(Command::CloseStream { stream });
        Ok(())
    }
}
