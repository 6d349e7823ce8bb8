//! Seeks and steps.

use kinora_port::MediaUs;

use crate::events::{Change, Kind, State};
use crate::stream::Stream;
use crate::timeline::{Context, Timeline};

/// A frame's length where nothing says it.
const FRAME_US: i64 = 40_000;

/// A seek or step that has not arrived.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pending {
    ticket: u64,
    kind: PendingKind,
}

#[derive(Debug, Clone, Copy)]
enum PendingKind {
    /// To the picture whose interval holds the position.
    Exact(MediaUs),
    /// To the key frame at or before it.
    Key(MediaUs),
    /// Forward by pictures that are still to come.
    Forward(u32),
    /// To the picture that the buffer says is so many back.
    Back,
}

impl Timeline {
    pub(crate) fn seek(&mut self, ticket: u64, to_us: MediaUs, exact: bool, cx: &mut Context<'_>) {
        self.stop(cx);
        self.seek = ticket;
        let kind = if exact { PendingKind::Exact(to_us) } else { PendingKind::Key(to_us) };
        self.pending = Some(Pending { ticket, kind });
        self.go(to_us, exact, cx);
    }

    /// Decodes from elsewhere: from the buffer if all of it is there, else from the core.
    fn go(&mut self, to_us: MediaUs, exact: bool, cx: &mut Context<'_>) {
        if !matches!(self.state(), State::Initialised | State::Failed) {
            self.set_state(State::Prerolling, cx);
        }
        let mut enabled = self.streams.iter().filter(|stream| stream.enabled).peekable();
        let mut position = to_us;
        if enabled.peek().is_some() && enabled.all(|stream| stream.holds(to_us)) {
            if !exact && let Some(key) = self.picture().and_then(|s| s.queue.get(s.queue.key_at(to_us)?)) {
                position = key.sample.pts_us;
            }
            let seek = self.seek;
            for stream in self.streams.iter_mut().filter(|stream| stream.enabled) {
                stream.restart_in_buffer(position, cx.mixer);
                // A want under the old ticket would be answered in vain.
                if stream.want.take().is_some_and(|want| want.seek != seek) {
                    cx.events.forget_want(stream.id);
                }
            }
        } else {
            let has_picture = self.picture().is_some();
            for stream in &mut self.streams {
                // Sound of a key-frame seek starts where the picture does, which only its first sample tells.
                let waits = !exact && has_picture && stream.kind() == Kind::Audio;
                stream.restart((!waits).then_some(to_us), cx.mixer);
                cx.events.forget_want(stream.id);
            }
        }
        for stream in &mut self.streams {
            stream.joining = false;
        }
        self.clock.set(position, cx.now);
        self.announce(cx);
    }

    /// The first sample of a key-frame seek has come.
    pub(crate) fn note_key(&mut self, pts_us: MediaUs, cx: &mut Context<'_>) {
        let Some(Pending { kind: PendingKind::Key(_), .. }) = self.pending else { return };
        if let Some(stream) = self.picture_mut() {
            stream.target = Some(pts_us);
        }
        self.clock.set(pts_us, cx.now);
        for stream in self.streams.iter_mut().filter(|stream| stream.kind() == Kind::Audio) {
            stream.target = Some(pts_us);
            if stream.want.is_none() && stream.queue.end_us().is_none() {
                stream.restart_from = Some(pts_us);
            }
        }
    }

    pub(crate) fn step(&mut self, ticket: u64, frames: i32, cx: &mut Context<'_>) {
        self.pause(cx);
        let shown = self.picture().and_then(Stream::video).and_then(|video| video.pacer.shown());
        let shown = shown.map(|frame| (frame.pts_us, i64::from(frame.duration_us)));
        let (kind, back) = match (u32::try_from(frames), shown) {
            (Err(_), Some((pts_us, duration_us))) => {
                (PendingKind::Back, Some((pts_us, duration_us, frames.unsigned_abs())))
            }
            (Ok(forward), _) => (PendingKind::Forward(forward), None),
            (Err(_), None) => (PendingKind::Forward(0), None),
        };
        self.pending = Some(Pending { ticket, kind });
        let Some((pts_us, duration_us, back)) = back else { return };
        let order = self.picture().map(|stream| stream.queue.presentation_order()).unwrap_or_default();
        let index = order.partition_point(|&pts| pts < pts_us);
        match index.checked_sub(back as usize).and_then(|index| order.get(index)) {
            Some(&target) if self.picture().is_some_and(|stream| stream.holds(target)) => {
                if let Some(stream) = self.picture_mut() {
                    stream.restart_in_buffer(target, cx.mixer);
                }
            }
            // Before what is held: an ordinary seek, whose wants carry the step's ticket.
            _ => {
                let duration_us = if duration_us > 0 { duration_us } else { FRAME_US };
                self.seek = ticket;
                self.go(pts_us.saturating_sub(duration_us * i64::from(back)), true, cx);
            }
        }
    }

    /// Pictures are being passed that nobody is to see.
    pub(crate) fn is_stepping(&self) -> bool {
        matches!(self.pending, Some(Pending { kind: PendingKind::Forward(_), .. }))
    }

    /// Ends the pending seek or step when its picture, or without pictures its sound, is there.
    pub(crate) fn finish_pending(&mut self, cx: &mut Context<'_>) {
        let Some(pending) = self.pending else { return };
        let reached = match pending.kind {
            PendingKind::Exact(to_us) => self.arrived(to_us, true),
            PendingKind::Key(to_us) => self.arrived(to_us, false),
            PendingKind::Back => self.arrived(self.position(), false),
            PendingKind::Forward(frames) => self.step_forward(frames, pending.ticket),
        };
        let Some(position) = reached else { return };
        self.pending = None;
        self.clock.set(position, cx.now);
        if matches!(pending.kind, PendingKind::Forward(_) | PendingKind::Back) {
            self.realign_sound(position, cx);
        }
        self.announce(cx);
        cx.events.push(self.id, pending.ticket, Change::Seeked(position));
    }

    fn arrived(&self, to_us: MediaUs, exact: bool) -> Option<MediaUs> {
        if let Some(stream) = self.picture() {
            let video = stream.video()?;
            if !stream.first_out {
                return stream.finished.then_some(to_us);
            }
            let shown = video.pacer.shown().filter(|_| !video.pacer.is_fresh());
            let first = video.frames.front().filter(|_| video.pacer.is_fresh()).or(shown)?;
            // Past the end the last picture is shown, and the position is its.
            let ends = first.pts_us.saturating_add(i64::from(first.duration_us.max(1)));
            let holds = first.pts_us <= to_us && to_us < ends;
            let follows = !stream.finished || video.frames.len() > 1;
            return Some(if exact && (holds || follows) { to_us.max(first.pts_us) } else { first.pts_us });
        }
        let mut sound = self.streams.iter().filter(|stream| stream.enabled);
        sound.all(|stream| stream.queue.end_us().is_some() || stream.ended).then_some(to_us)
    }

    /// Takes pictures off the queue until `frames` are passed; the last of them is what the screen shows next.
    fn step_forward(&mut self, frames: u32, ticket: u64) -> Option<MediaUs> {
        let position = self.position();
        let Some(stream) = self.picture_mut() else { return Some(position) };
        let over = stream.finished;
        let video = stream.video_mut()?;
        let mut left = frames;
        // The one that is about to be shown anyway counts as the one on the screen.
        let mut front_is_shown = video.pacer.is_fresh();
        while left > 0 {
            let ahead = video.frames.len() - usize::from(front_is_shown && !video.frames.is_empty());
            if ahead == 0 {
                break;
            }
            if front_is_shown {
                video.frames.pop_front();
            }
            front_is_shown = true;
            video.pacer.expect_fresh();
            left -= 1;
        }
        if left > 0 && !over {
            self.pending = Some(Pending { ticket, kind: PendingKind::Forward(left) });
            return None;
        }
        let next = video.frames.front().filter(|_| front_is_shown);
        Some(next.or(video.pacer.shown()).map_or(position, |frame| frame.pts_us))
    }

    fn realign_sound(&mut self, position: MediaUs, cx: &mut Context<'_>) {
        for stream in self.streams.iter_mut().filter(|s| s.enabled && s.kind() == Kind::Audio) {
            if stream.holds(position) {
                stream.restart_in_buffer(position, cx.mixer);
            }
        }
    }
}

impl Stream {
    /// Gives up decoding what is long past, if a key frame at or before `limit` lies ahead.
    pub(crate) fn skip_to_key(
        &mut self,
        limit: MediaUs,
        mixer: &mut Option<crate::audio::mixer::MixerHandle>,
    ) {
        let Some(next) = self.queue.get(self.next) else { return };
        if next.sample.pts_us >= limit || self.target.is_some() {
            return;
        }
        if let Some(key) = self.queue.key_at(limit).filter(|&key| key > self.next) {
            let skipped = key - self.next;
            self.stats.dropped += skipped;
            self.stats.late += skipped;
            self.flush(key, None, mixer);
        }
    }
}
