//! One stream: its buffer, what it asked for, how far its decode thread is, and what that thread made.

use std::collections::VecDeque;
use std::sync::Arc;

use kinora_port::{EncodedSample, Failure, HostUs, MediaUs, VideoFrame};

use crate::audio::mixer::{Command, MixerHandle};
use crate::audio::voice::VoiceShared;
use crate::events::{Cursor, Kind, StreamStatus, Want};
use crate::pacer::Pacer;
use crate::queue::{Config, Entry, Queue};
use crate::stats::StreamStats;

/// Decoded pictures that wait, besides the one on the screen: three, so that with it four are held.
const MAX_FRAMES: usize = 3;
/// Samples among which the next picture to be shown is looked for: no codec reorders over more (H.264 A.3.1, HEVC A.4.2).
const LOOKED_AHEAD: u64 = 16;
/// Sound that waits in the ring.
const AUDIO_AHEAD_MS: u64 = 150;

/// What a decode thread is to do next.
pub(crate) enum Job {
    /// Forget everything; the output of what follows belongs to the stream's current generation.
    Reset,
    /// Decode the sample at the cursor.
    Decode(Entry),
    /// Get the last frames out.
    Drain,
    /// Hand on sound that did not fit.
    Pump,
}

pub(crate) struct VoiceRef {
    pub(crate) id: u64,
    pub(crate) shared: Arc<VoiceShared>,
    pub(crate) rate_hz: u32,
    pub(crate) started: bool,
    /// Number of the last measurement the clock followed.
    pub(crate) measured: u64,
    /// The timeline's gain it was last told.
    pub(crate) gain: u32,
}

#[derive(Default)]
pub(crate) struct AudioOut {
    pub(crate) voice: Option<VoiceRef>,
    /// The thread holds sound that the ring did not take.
    pub(crate) pending: bool,
}

#[derive(Default)]
pub(crate) struct VideoOut {
    pub(crate) frames: VecDeque<Arc<VideoFrame>>,
    /// The last picture before the target of an exact seek: shown if it turns out to hold it, or to be the last.
    candidate: Option<Arc<VideoFrame>>,
    pub(crate) pacer: Pacer,
}

pub(crate) enum Out {
    Video(VideoOut),
    Audio(AudioOut),
}

pub(crate) struct Stream {
    pub(crate) id: u64,
    pub(crate) enabled: bool,
    pub(crate) ended: bool,
    pub(crate) queue: Queue,
    pub(crate) want: Option<Want>,
    pub(crate) cursor: Cursor,
    /// A want from here is due.
    pub(crate) restart_from: Option<MediaUs>,
    /// Newly enabled: the others do not wait for it.
    pub(crate) joining: bool,
    config: Arc<Config>,
    next_config: Option<Arc<Config>>,
    /// Counts the flushes; output of an earlier one is dropped.
    pub(crate) generation: u64,
    /// The one the decode thread works for.
    pub(crate) worker_generation: u64,
    /// Index of the next sample to decode.
    pub(crate) next: u64,
    /// Output before this is not presented.
    pub(crate) target: Option<MediaUs>,
    pub(crate) drained: bool,
    /// Everything up to the end was decoded and handed on.
    pub(crate) finished: bool,
    /// The decode thread is at work.
    pub(crate) busy: bool,
    /// Something was decoded since the last flush.
    pub(crate) first_out: bool,
    pub(crate) failed: Option<Failure>,
    pub(crate) out: Out,
    pub(crate) stats: StreamStats,
}

impl Stream {
    pub(crate) fn new(id: u64, kind: Kind, config: Config) -> Self {
        let out = match kind {
            Kind::Video => Out::Video(VideoOut::default()),
            Kind::Audio => Out::Audio(AudioOut::default()),
        };
        let stats = StreamStats::new(id, kind, config.codec());
        Stream {
            id,
            enabled: true,
            ended: false,
            queue: Queue::default(),
            want: None,
            cursor: Cursor::default(),
            restart_from: None,
            joining: false,
            config: Arc::new(config),
            next_config: None,
            generation: 1,
            worker_generation: 0,
            next: 0,
            target: None,
            drained: false,
            finished: false,
            busy: false,
            first_out: false,
            failed: None,
            out,
            stats,
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.out {
            Out::Video(_) => Kind::Video,
            Out::Audio(_) => Kind::Audio,
        }
    }

    pub(crate) fn video(&self) -> Option<&VideoOut> {
        if let Out::Video(video) = &self.out { Some(video) } else { None }
    }

    pub(crate) fn video_mut(&mut self) -> Option<&mut VideoOut> {
        if let Out::Video(video) = &mut self.out { Some(video) } else { None }
    }

    pub(crate) fn audio(&self) -> Option<&AudioOut> {
        if let Out::Audio(audio) = &self.out { Some(audio) } else { None }
    }

    pub(crate) fn audio_mut(&mut self) -> Option<&mut AudioOut> {
        if let Out::Audio(audio) = &mut self.out { Some(audio) } else { None }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn configure(&mut self, config: Config) {
        self.next_config = Some(Arc::new(config));
    }

    pub(crate) fn append(&mut self, seek: u64, tag: u64, samples: Vec<EncodedSample>) {
        self.want = None;
        if self.cursor.seek != seek {
            self.cursor.count = 0;
        }
        for sample in samples {
            let renews = match self.kind() {
                Kind::Video => sample.key,
                Kind::Audio => sample.discontinuity,
            };
            if renews && let Some(config) = self.next_config.take() {
                self.config = config;
            }
            self.cursor =
                Cursor { seek, tag, count: self.cursor.count + 1, tail_dts_us: Some(sample.dts_us) };
            self.queue.push(Entry { sample, config: self.config.clone() });
        }
    }

    /// Drops what is not decoded yet with `dts >= from`, and asks anew.
    pub(crate) fn remove(&mut self, from_dts_us: MediaUs, position: MediaUs) {
        let keep = self.queue.dts_from(self.next, from_dts_us);
        let removed = self.queue.end() - keep;
        self.queue.truncate(keep);
        self.cursor.count = self.cursor.count.saturating_sub(removed);
        self.cursor.tail_dts_us =
            keep.checked_sub(1).and_then(|last| self.queue.get(last)).map(|entry| entry.sample.dts_us);
        self.want = None;
        self.ended = false;
        if self.cursor.tail_dts_us.is_none() {
            self.restart_from = Some(position);
        }
    }

    /// Whether a seek to `position` needs no data.
    pub(crate) fn holds(&self, position: MediaUs) -> bool {
        let past_end = self.ended && self.queue.end_us().is_some_and(|end| end <= position);
        let covered = self.queue.holds(position) || past_end;
        covered && (self.kind() == Kind::Audio || self.queue.key_at(position).is_some())
    }

    /// Decodes anew from the buffer so that `position` is the first thing presented.
    pub(crate) fn restart_in_buffer(&mut self, position: MediaUs, mixer: &mut Option<MixerHandle>) {
        let from = match self.kind() {
            Kind::Video => self.queue.key_at(position),
            Kind::Audio => self.queue.audio_start(position),
        };
        let next = from.unwrap_or(self.queue.first());
        self.flush(next, Some(position), mixer);
    }

    /// Drops the buffer and wants it anew from `position`; `None`: not yet.
    pub(crate) fn restart(&mut self, position: Option<MediaUs>, mixer: &mut Option<MixerHandle>) {
        self.queue.clear();
        self.ended = false;
        self.want = None;
        self.cursor.tail_dts_us = None;
        self.restart_from = position;
        self.flush(self.queue.end(), position, mixer);
    }

    /// Makes the decode thread go on at `next` and drops what it made.
    pub(crate) fn flush(&mut self, next: u64, target: Option<MediaUs>, mixer: &mut Option<MixerHandle>) {
        self.generation += 1;
        self.next = next;
        self.target = target;
        self.drained = false;
        self.finished = false;
        self.first_out = false;
        match &mut self.out {
            Out::Video(video) => {
                video.frames.clear();
                video.candidate = None;
                video.pacer.expect_fresh();
            }
            Out::Audio(audio) => {
                audio.pending = false;
                if let (Some(voice), Some(mixer)) = (audio.voice.take(), mixer) {
                    mixer.send(Command::Remove(voice.id));
                }
            }
        }
    }

    /// After the decoder was lost: goes back to the key frame, so that a new one makes what was not shown yet.
    pub(crate) fn decode_again(&mut self, mixer: &mut Option<MixerHandle>) {
        let Some(video) = self.video() else { return };
        let waiting = video.frames.front().map(|frame| frame.pts_us);
        if let Some(position) = waiting.or(video.pacer.shown_until()).or(self.target)
            && let Some(key) = self.queue.key_at(position)
        {
            self.flush(key, Some(position), mixer);
        }
    }

    /// What the decode thread should do, `None` when it has to wait.
    pub(crate) fn next_job(&self, device_open: bool) -> Option<Job> {
        if !self.enabled || self.failed.is_some() {
            return None;
        }
        if self.generation != self.worker_generation {
            return (self.kind() == Kind::Video || device_open).then_some(Job::Reset);
        }
        match &self.out {
            Out::Video(video) if video.frames.len() >= MAX_FRAMES => return None,
            Out::Video(_) => {}
            Out::Audio(audio) => {
                let voice = audio.voice.as_ref()?;
                if voice.shared.queued() * 1000 >= AUDIO_AHEAD_MS * u64::from(voice.rate_hz) {
                    return None;
                }
                if audio.pending {
                    return Some(Job::Pump);
                }
            }
        }
        if self.finished {
            return None;
        }
        match self.queue.get(self.next) {
            Some(entry) => Some(Job::Decode(entry.clone())),
            None => (self.ended && !self.drained).then_some(Job::Drain),
        }
    }

    /// Whether nobody will see the picture of a sample that is about to be decoded: among those that follow it is one that is shown
    /// later, and not after the target.
    pub(crate) fn is_before_target(&self, sample: &EncodedSample) -> bool {
        let Some(target) = self.target else { return false };
        let following = (self.next..self.next + LOOKED_AHEAD).map_while(|index| self.queue.get(index));
        let mut shown = following.map(|entry| &entry.sample).filter(|following| !following.decode_only);
        shown.any(|following| following.pts_us > sample.pts_us && following.pts_us <= target)
    }

    /// Takes a decoded picture in presentation order.
    pub(crate) fn push_frame(&mut self, frame: VideoFrame) {
        self.stats.decoded += 1;
        let frame = Arc::new(frame);
        let target = self.target;
        let Some(video) = self.video_mut() else { return };
        if let Some(target) = target {
            let ends = frame.pts_us.saturating_add(i64::from(frame.duration_us));
            if frame.pts_us < target && ends <= target {
                video.candidate = Some(frame);
                return;
            }
            let before = video.candidate.take();
            if frame.pts_us > target
                && let Some(before) = before
            {
                video.frames.push_back(before);
            }
        }
        video.frames.push_back(frame);
        self.target = None;
        self.first_out = true;
    }

    /// Nothing more will be decoded.
    pub(crate) fn finish(&mut self) {
        self.finished = true;
        if let Some(video) = self.video_mut()
            && let Some(last) = video.candidate.take()
        {
            video.frames.push_back(last);
            self.first_out = true;
        }
        self.target = None;
    }

    /// Fed with all there is, and nothing made of it is left to present at `position`.
    pub(crate) fn is_dry(&self, position: MediaUs) -> bool {
        if self.busy || self.next < self.queue.end() || (self.ended && !self.finished) {
            return false;
        }
        match &self.out {
            Out::Video(video) => {
                video.frames.is_empty() && video.pacer.shown_until().is_none_or(|until| position >= until)
            }
            Out::Audio(audio) => {
                !audio.pending && audio.voice.as_ref().is_some_and(|voice| voice.shared.queued() == 0)
            }
        }
    }

    /// Whether enough is there for the clock to run: `need_us` buffered or all there is, and the first of it decoded.
    pub(crate) fn is_ready(&self, position: MediaUs, need_us: u32, device_open: bool, full: bool) -> bool {
        let buffered = self.ended || full || self.ahead_us(position) >= i64::from(need_us);
        let decoded = match &self.out {
            Out::Video(_) => self.first_out,
            Out::Audio(audio) => {
                !device_open || audio.voice.as_ref().is_some_and(|voice| voice.shared.queued() > 0)
            }
        };
        buffered && (decoded || self.finished)
    }

    /// Whether there is still something to decode, and `enough_us` of it after `position`.
    pub(crate) fn has_ahead(&self, position: MediaUs, enough_us: MediaUs) -> bool {
        self.next < self.queue.end() && self.ahead_us(position) >= enough_us
    }

    fn ahead_us(&self, position: MediaUs) -> MediaUs {
        self.queue.buffered_to(position).map_or(0, |to| to - position)
    }

    /// The next moment at which something changes by itself: a picture is due or over, or nobody takes pictures.
    pub(crate) fn next_due(
        &self,
        host_at: impl Fn(MediaUs) -> Option<HostUs>,
        late_us: u32,
    ) -> Option<HostUs> {
        let video = self.video()?;
        let over = match video.frames.back() {
            // It may still wait to be shown, and nothing else may wake whoever waits for the end.
            Some(last) => Some(last.pts_us.saturating_add(i64::from(last.duration_us))),
            None => video.pacer.shown_until(),
        };
        let given_up = video.frames.get(1).map(|frame| frame.pts_us.saturating_add(i64::from(late_us)));
        [over, given_up].into_iter().flatten().filter_map(host_at).min()
    }

    pub(crate) fn status(&self, room_bytes: u32) -> StreamStatus {
        StreamStatus {
            id: self.id,
            kind: self.kind(),
            codec: self.config.codec().to_owned(),
            enabled: self.enabled,
            ended: self.ended,
            cursor: self.cursor,
            buffered: self.queue.spans().to_vec(),
            room_bytes,
        }
    }
}
