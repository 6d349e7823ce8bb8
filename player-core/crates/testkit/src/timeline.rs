//! A timeline as `wit/timeline.wit` describes it, without decoders: samples are held, time passes, wants are issued.

use kinora_engine::{SampleHeader, StreamStatus, TimelineChange, TimelineState, TimelineStatus, Want};
use kinora_time::{Anchor, HostUs, MediaUs, Span};

const START_US: MediaUs = 1_000_000;
const RESUME_US: MediaUs = 2_000_000;
/// Samples so far behind the position are dropped when room is short.
const BEHIND_US: MediaUs = 5_000_000;

#[derive(Debug)]
pub(crate) struct FakeStream {
    pub(crate) id: u64,
    pub(crate) kind: u32,
    pub(crate) codec: String,
    pub(crate) enabled: bool,
    pub(crate) ended: bool,
    pub(crate) samples: Vec<SampleHeader>,
    pub(crate) want: Option<Want>,
    pub(crate) needs_key: bool,
    pub(crate) restart: Option<MediaUs>,
    /// Newly enabled: the others do not wait for it.
    pub(crate) joining: bool,
    pub(crate) cursor: (u64, u64, u64),
    pub(crate) tail_dts: Option<MediaUs>,
}

impl FakeStream {
    fn end(&self) -> Option<MediaUs> {
        self.samples.iter().map(|s| s.pts_us + i64::from(s.duration_us)).max()
    }

    /// Whether a seek to `at` needs no data of it.
    fn holds(&self, at: MediaUs) -> bool {
        let past = self.ended && self.end().is_some_and(|end| end <= at);
        past || self.span().is_some_and(|span| span.contains(at))
    }

    fn span(&self) -> Option<Span> {
        let from_us = self.samples.iter().map(|s| s.pts_us).min()?;
        Some(Span { from_us, to_us: self.end()? })
    }

    fn bytes(&self) -> u64 {
        self.samples.iter().map(|s| u64::from(s.size)).sum()
    }

    /// Whether `ahead_us` from `at` on is held, or all there is.
    fn has(&self, at: MediaUs, ahead_us: MediaUs) -> bool {
        self.ended || self.end().is_some_and(|end| end >= at.saturating_add(ahead_us))
    }
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct FakeTimeline {
    pub(crate) id: u64,
    pub(crate) tag: u64,
    pub(crate) state: TimelineState,
    pub(crate) playing: bool,
    pub(crate) rate: i32,
    pub(crate) anchor: Anchor,
    pub(crate) seek: u64,
    pub(crate) streams: Vec<FakeStream>,
    pub(crate) budget: u64,
    seeking: Option<(u64, MediaUs)>,
    pub(crate) events: Vec<(u64, TimelineChange)>,
}

impl FakeTimeline {
    pub(crate) fn new(id: u64, tag: u64, budget: u64, now: HostUs) -> Self {
        FakeTimeline {
            id,
            tag,
            state: TimelineState::Initialised,
            playing: false,
            rate: 1000,
            anchor: Anchor { media_us: 0, host_us: now, rate_permille: 0 },
            seek: 0,
            streams: Vec::new(),
            budget,
            seeking: None,
            events: Vec::new(),
        }
    }

    pub(crate) fn open(&mut self, id: u64, kind: u32, codec: &str) {
        self.streams.push(FakeStream {
            id,
            kind,
            codec: codec.to_owned(),
            enabled: true,
            ended: false,
            samples: Vec::new(),
            want: None,
            needs_key: true,
            restart: Some(0),
            joining: false,
            cursor: (0, 0, 0),
            tail_dts: None,
        });
    }

    pub(crate) fn position(&self, now: HostUs) -> MediaUs {
        self.anchor.media_at(now)
    }

    fn hold_at(&mut self, media_us: MediaUs, now: HostUs) {
        self.set_anchor(Anchor { media_us, host_us: now, rate_permille: 0 });
    }

    fn set_anchor(&mut self, anchor: Anchor) {
        if anchor.rate_permille != self.anchor.rate_permille
            || anchor.media_us != self.anchor.media_at(anchor.host_us)
        {
            self.events.push((0, TimelineChange::Anchor(anchor)));
        }
        self.anchor = anchor;
    }

    fn set_state(&mut self, state: TimelineState) {
        if self.state != state {
            self.state = state;
            self.events.push((0, TimelineChange::State(state)));
        }
    }

    pub(crate) fn set_rate(&mut self, permille: i32, now: HostUs) {
        self.rate = permille.clamp(250, 4000);
        if self.anchor.rate_permille != 0 {
            let media_us = self.position(now);
            self.set_anchor(Anchor { media_us, host_us: now, rate_permille: self.rate });
        }
    }

    pub(crate) fn seek(&mut self, ticket: u64, to_us: MediaUs, exact: bool, now: HostUs) {
        self.seek = ticket;
        let buffered = self.streams.iter().any(|s| s.enabled)
            && self.streams.iter().filter(|s| s.enabled).all(|s| s.holds(to_us));
        let mut reached = to_us;
        if buffered && !exact {
            let keys = |s: &FakeStream| {
                let before =
                    s.samples.iter().filter(|h| h.bits & SampleHeader::KEY != 0 && h.pts_us <= to_us);
                before.map(|h| h.pts_us).max()
            };
            reached = self.streams.iter().find(|s| s.kind == 1).and_then(keys).unwrap_or(to_us);
        }
        for stream in &mut self.streams {
            stream.want = None;
            stream.joining = false;
            if !buffered {
                stream.ended = false;
                stream.samples.clear();
                stream.restart = Some(to_us);
                stream.needs_key = true;
                stream.tail_dts = None;
            }
        }
        self.hold_at(reached, now);
        self.seeking = Some((ticket, reached));
        self.set_state(TimelineState::Prerolling);
    }

    /// A step inside the buffer is no seek: wants stay as they are. Elsewhere it is one under its own ticket.
    pub(crate) fn step(&mut self, ticket: u64, to_us: MediaUs, now: HostUs) {
        if self.streams.iter().filter(|s| s.enabled).all(|s| s.holds(to_us)) {
            self.playing = false;
            self.hold_at(to_us, now);
            self.seeking = Some((ticket, to_us));
        } else {
            self.seek(ticket, to_us, true, now);
        }
    }

    pub(crate) fn enable(&mut self, id: u64, on: bool, now: HostUs) {
        let (position, running) = (self.position(now), self.anchor.rate_permille != 0);
        let Some(stream) = self.streams.iter_mut().find(|s| s.id == id && s.enabled != on) else { return };
        stream.enabled = on;
        stream.want = None;
        stream.joining = on && running;
        if on && !stream.holds(position) {
            stream.samples.clear();
            stream.ended = false;
            stream.needs_key = true;
            stream.tail_dts = None;
            stream.restart = Some(position);
        }
    }

    /// Lets time pass until `now` and says what happened.
    pub(crate) fn update(&mut self, now: HostUs) {
        let position = self.position(now);
        for stream in self.streams.iter_mut().filter(|s| s.joining) {
            stream.joining = !stream.has(position, 1);
        }
        let enabled = || self.streams.iter().filter(|s| s.enabled && !s.joining);
        let any = enabled().next().is_some();
        let dry_at = enabled().filter(|s| !s.ended).map(|s| s.end().unwrap_or(self.anchor.media_us)).min();
        let over_at = enabled().filter_map(FakeStream::end).max().unwrap_or(position);
        let all_ended = any && enabled().all(|s| s.ended);
        if self.state == TimelineState::Presenting && self.seeking.is_none() {
            match dry_at {
                _ if all_ended && position >= over_at => {
                    self.hold_at(over_at, now);
                    self.set_state(TimelineState::Ended);
                }
                Some(dry_at) if position >= dry_at && self.anchor.rate_permille != 0 => {
                    self.hold_at(dry_at, now);
                    self.set_state(TimelineState::Stalled);
                }
                _ => {}
            }
        }
        if let Some((ticket, reached)) = self.seeking {
            let there = any && self.streams.iter().filter(|s| s.enabled).all(|s| s.has(reached, 1));
            if there {
                self.seeking = None;
                self.events.push((ticket, TimelineChange::Seeked(reached)));
            }
        }
        self.start(now);
        self.issue_wants(now);
    }

    fn start(&mut self, now: HostUs) {
        let position = self.position(now);
        let enough = |ahead: MediaUs| {
            let mut enabled = self.streams.iter().filter(|s| s.enabled && !s.joining).peekable();
            enabled.peek().is_some() && enabled.all(|s| s.has(position, ahead))
        };
        let filled = self.streams.iter().any(|s| !s.samples.is_empty());
        match self.state {
            TimelineState::Initialised if filled => self.set_state(TimelineState::Prerolling),
            TimelineState::Prerolling if self.seeking.is_none() && enough(START_US) => {
                self.set_state(TimelineState::Presenting);
            }
            TimelineState::Stalled if enough(RESUME_US) => self.set_state(TimelineState::Presenting),
            _ => {}
        }
        let runs = self.state == TimelineState::Presenting && self.playing;
        let rate_permille = if runs { self.rate } else { 0 };
        if self.anchor.rate_permille != rate_permille {
            self.set_anchor(Anchor { media_us: position, host_us: now, rate_permille });
        }
    }

    fn issue_wants(&mut self, now: HostUs) {
        let position = self.position(now);
        let share = self.budget / self.streams.len().max(1) as u64;
        for stream in &mut self.streams {
            if !stream.enabled || stream.ended || stream.want.is_some() {
                continue;
            }
            if stream.bytes() >= share / 2 {
                stream.samples.retain(|s| s.pts_us >= position - BEHIND_US);
            }
            let room = share.saturating_sub(stream.bytes());
            if room < share / 8 && !stream.samples.is_empty() {
                continue;
            }
            let want = Want {
                stream: stream.id,
                seek: self.seek,
                restart: stream.restart.is_some(),
                from_us: stream.restart.unwrap_or(position),
                room_bytes: room.min(u64::from(u32::MAX)) as u32,
            };
            stream.restart = None;
            stream.want = Some(want);
            self.events.push((0, TimelineChange::Want(want)));
        }
    }

    /// When time alone changes something.
    pub(crate) fn next_us(&self, now: HostUs) -> Option<HostUs> {
        if self.anchor.rate_permille == 0 {
            return None;
        }
        let enabled = || self.streams.iter().filter(|s| s.enabled && !s.joining);
        let ends = if enabled().all(|s| s.ended) {
            enabled().filter_map(FakeStream::end).max()
        } else {
            enabled().filter(|s| !s.ended).filter_map(FakeStream::end).min()
        };
        let due = ends.and_then(|end| self.anchor.host_at(end)).map(|at| at.max(now + 1));
        // Room comes free as time passes.
        let room =
            self.streams.iter().any(|s| s.enabled && !s.ended && s.want.is_none()).then_some(now + 100_000);
        [due, room].into_iter().flatten().min()
    }

    pub(crate) fn status(&self) -> TimelineStatus {
        let streams = self.streams.iter().map(|s| StreamStatus {
            id: s.id,
            kind: s.kind,
            codec: s.codec.clone(),
            enabled: s.enabled,
            ended: s.ended,
            cursor_seek: s.cursor.0,
            cursor_tag: s.cursor.1,
            cursor_count: s.cursor.2,
            tail_dts_us: s.tail_dts,
            buffered: s.span().into_iter().collect(),
            room_bytes: 0,
        });
        TimelineStatus {
            id: self.id,
            tag: self.tag,
            state: self.state,
            playing: self.playing,
            anchor: self.anchor,
            seek: self.seek,
            streams: streams.collect(),
        }
    }

    /// The wants that are outstanding, for a new instance.
    pub(crate) fn resend(&mut self) {
        let wants: Vec<Want> = self.streams.iter().filter_map(|s| s.want).collect();
        self.events.extend(wants.into_iter().map(|want| (0, TimelineChange::Want(want))));
    }
}
