//! From the contract's generated types, which stop here, to those of engine and interface.

use kinora_engine as engine;
use kinora_engine::{Lifecycle, NetChange, SourceSpec, TimelineChange, Want};
use kinora_ui::Surface;

use crate::bindings::exports::kinora::shim::player::{Event, Pointer};
use crate::bindings::kinora::shim::{display, net, timeline};
use crate::shim::{anchor, failure, state};

/// The engine's part of the events; none for the interface's and for what this build does not know.
pub(crate) fn engine_event(event: Event) -> Option<engine::Event> {
    Some(match event {
        Event::Open(open) => engine::Event::Open(engine::Open {
            sources: open
                .sources
                .into_iter()
                .map(|s| SourceSpec { url: s.url, title: s.title, related: s.related })
                .collect(),
            append: open.mode == 1,
        }),
        Event::Timeline((id, ticket, change)) => {
            engine::Event::Timeline { id, ticket, change: timeline_change(change) }
        }
        Event::Net((ticket, change)) => engine::Event::Net { ticket, change: net_change(change) },
        Event::Stored((ticket, f)) => engine::Event::Stored { ticket, failure: f.map(failure) },
        Event::Lifecycle(n) => engine::Event::Lifecycle(lifecycle(n)?),
        Event::Key(_) | Event::Pointer(_) | Event::Surface(_) | Event::Image(_) => return None,
        Event::WallOffsetUs(_) | Event::Signal(_) => return None,
    })
}

fn timeline_change(change: timeline::Change) -> TimelineChange {
    match change {
        timeline::Change::State(s) => TimelineChange::State(state(s)),
        timeline::Change::Anchor(a) => TimelineChange::Anchor(anchor(a)),
        timeline::Change::Seeked(at_us) => TimelineChange::Seeked(at_us),
        timeline::Change::Want(w) => TimelineChange::Want(Want {
            stream: w.stream,
            seek: w.seek,
            restart: w.restart,
            from_us: w.from_us,
            room_bytes: w.room_bytes,
        }),
        timeline::Change::Failed(f) => TimelineChange::Failed(failure(f)),
    }
}

fn net_change(change: net::Change) -> NetChange {
    match change {
        net::Change::Head(h) => NetChange::Head(engine::NetHead {
            status: h.status,
            final_url: h.final_url,
            headers: h.headers,
            sent_us: h.sent_us,
            first_byte_us: h.first_byte_us,
        }),
        net::Change::Chunk((host_us, bytes)) => NetChange::Chunk { host_us, bytes },
        net::Change::End(total) => NetChange::End(total),
        net::Change::Failed(f) => NetChange::Failed(failure(f)),
    }
}

fn lifecycle(n: u32) -> Option<Lifecycle> {
    Some(match n {
        1 => Lifecycle::Focused,
        2 => Lifecycle::Blurred,
        3 => Lifecycle::Concealed,
        4 => Lifecycle::Frozen,
        5 => Lifecycle::LowMemory,
        6 => Lifecycle::Stop,
        _ => return None,
    })
}

pub(crate) fn surface(s: &display::Surface) -> Surface {
    Surface { width_px: s.width_px, height_px: s.height_px, scale_permille: s.scale_permille }
}

pub(crate) fn pointer(p: &Pointer) -> kinora_ui::Pointer {
    kinora_ui::Pointer {
        phase: p.phase,
        node: p.node,
        x_milli_px: p.x_milli_px,
        y_milli_px: p.y_milli_px,
        delta_x: p.delta_x,
        delta_y: p.delta_y,
        buttons: p.buttons,
        clicks: p.clicks,
    }
}
