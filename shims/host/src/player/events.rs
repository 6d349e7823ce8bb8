//! What has happened since the last call, on its way into the next one.

use std::collections::VecDeque;

use kinora_port::{HostUs, InputEvent, NetChange, phase};

use super::{Event, Player};
use crate::bindings::player::{Open, Source};
use crate::bindings::timeline::Change;
use crate::convert;

/// Most events of one call.
const MAX_EVENTS: usize = 256;
/// Most payload of one call's events, bytes.
const MAX_EVENT_BYTES: usize = 256 << 10;

impl Player {
    /// Takes what has happened; how many bytes have come from the network.
    pub(super) fn gather(&mut self, now: HostUs) -> usize {
        for event in self.input.poll(now) {
            self.input_event(event, now);
        }
        let world = self.world.as_mut().expect("the world is lent only during a call");
        let mut heard_bytes = 0;
        for (ticket, change) in self.inbox.take() {
            if let NetChange::Chunk(_, bytes) = &change {
                heard_bytes += bytes.len();
            }
            let last = matches!(change, NetChange::End(_) | NetChange::Failed(_));
            let known = if last { world.fetches.remove(&ticket) } else { world.fetches.contains(&ticket) };
            if known {
                self.meter.heard(&change, now);
                self.pending.push_back(convert::net_event(ticket, change));
            }
        }
        for (ticket, failure) in world.storage.poll() {
            self.pending.push_back(Event::Stored((ticket, failure.map(convert::failure))));
        }
        for event in world.pipeline.take_events() {
            self.meter.changed(&event.change, now);
            self.pending.push_back(convert::timeline_event(event));
        }
        heard_bytes
    }

    fn input_event(&mut self, event: InputEvent, now: HostUs) {
        let event = match event {
            InputEvent::Key(key) => {
                if key.phase == phase::DOWN {
                    self.meter.pressed(key.code, key.meaning, key.host_us.min(now));
                }
                convert::key(key)
            }
            InputEvent::Pointer(pointer) => {
                let node = self.world().stage.hit(pointer.x_milli_px, pointer.y_milli_px, now);
                // Moves are merged: only the last position counts.
                if pointer.phase == 2
                    && let Some(Event::Pointer(last)) = self.pending.back()
                    && last.phase == 2
                    && last.buttons == pointer.buttons
                {
                    self.pending.pop_back();
                }
                convert::pointer(pointer, node)
            }
            InputEvent::Surface { .. } => {
                let surface = convert::surface(&event).expect("it is one");
                self.surface = surface.clone();
                Event::Surface(surface)
            }
            InputEvent::Open { sources, append } => self.open(&sources, append, now),
            InputEvent::Lifecycle(state) => Event::Lifecycle(state),
        };
        self.pending.push_back(event);
    }

    /// Grants what a person opened and names it, with its captions, to the core. A source that cannot be granted is opened all
    /// the same: fetching it gives the error that the person should see.
    fn open(&mut self, sources: &[String], append: bool, now: HostUs) -> Event {
        self.journal.opened(sources, append);
        let net = &mut self.world_mut().net;
        let sources: Vec<Source> = sources
            .iter()
            .map(|source| {
                let granted = net.grant(source);
                Source { url: granted.url, title: granted.title, related: granted.related }
            })
            .collect();
        self.meter.opened(sources.iter().map(|source| source.url.as_str()), append, now);
        Event::Open(Open { sources, mode: u32::from(append), extras: Vec::new() })
    }

    /// What a new build is told first: what is said only once and the old one has not heard, then how timelines stand.
    pub(super) fn told_anew(&self, now: HostUs) -> VecDeque<Event> {
        let seeked = |event: &&Event| matches!(event, Event::Timeline((_, _, Change::Seeked(_))));
        let lasting = |event: &&Event| {
            is_open(event)
                || is_input(event)
                || matches!(event, Event::Surface(_) | Event::Lifecycle(_) | Event::WallOffsetUs(_))
        };
        let outstanding = self.world().pipeline.outstanding(now).into_iter().map(convert::timeline_event);
        let mut told: VecDeque<Event> = self.pending.iter().filter(seeked).cloned().collect();
        told.extend(outstanding);
        told.extend(self.pending.iter().filter(lasting).cloned());
        told
    }
}

/// The next events in order, within the limits of a call; always at least one if there is any.
pub(super) fn batch(pending: &mut VecDeque<Event>) -> Vec<Event> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while batch.len() < MAX_EVENTS
        && let Some(event) = pending.front()
    {
        bytes += convert::payload_bytes(event);
        if bytes > MAX_EVENT_BYTES && !batch.is_empty() {
            break;
        }
        batch.extend(pending.pop_front());
    }
    batch
}

pub(super) fn is_open(event: &Event) -> bool {
    matches!(event, Event::Open(_))
}

pub(super) fn is_input(event: &Event) -> bool {
    matches!(event, Event::Key(_) | Event::Pointer(_))
}
