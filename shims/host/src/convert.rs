//! Between the seam's plain types and the contract's generated ones, which stop here.

use kinora_port as port;
use kinora_port::{InputEvent, NetChange};

use std::sync::Arc;

use kinora_pipeline as pipeline;

use crate::bindings::{audio, display, net, player, player::Event, shell, streams, timeline, types, video};

pub(crate) fn failure(f: port::Failure) -> types::Failure {
    use types::NextStep;
    let next = match f.next {
        port::Next::Retry => NextStep::Retry,
        port::Next::Wait => NextStep::Wait,
        port::Next::Rebuild => NextStep::Rebuild,
        port::Next::Skip => NextStep::Skip,
        port::Next::TellUser => NextStep::TellUser,
        port::Next::Stop => NextStep::Stop,
        port::Next::Gone => NextStep::Gone,
        port::Next::Unsupported => NextStep::Unsupported,
    };
    types::Failure { next, code: f.code, message: f.message }
}

pub(crate) fn net_event(ticket: u64, change: NetChange) -> Event {
    let change = match change {
        NetChange::Head(h) => net::Change::Head(net::Head {
            status: h.status,
            final_url: h.final_url,
            headers: h.headers,
            sent_us: h.sent_us,
            first_byte_us: h.first_byte_us,
        }),
        NetChange::Chunk(at_us, bytes) => net::Change::Chunk((at_us, bytes)),
        NetChange::End(total) => net::Change::End(total),
        NetChange::Failed(f) => net::Change::Failed(failure(f)),
    };
    Event::Net((ticket, change))
}

pub(crate) fn net_request(r: net::Request) -> port::NetRequest {
    port::NetRequest {
        method: r.method,
        url: r.url,
        headers: r.headers,
        body: r.body,
        window_bytes: r.window_bytes,
    }
}

pub(crate) fn build(build: port::Build) -> shell::Build {
    shell::Build { id: build.id, title: build.title, chosen: build.chosen }
}

pub(crate) fn now_playing(n: shell::NowPlaying) -> port::NowPlaying {
    port::NowPlaying {
        kind: n.kind,
        title: n.title,
        artist: n.artist,
        duration_us: n.duration_us,
        position_us: n.position_us,
        rate_permille: n.rate_permille,
        can_next: n.can_next,
        can_previous: n.can_previous,
    }
}

pub(crate) fn key(k: port::Key) -> Event {
    Event::Key(player::Key {
        code: k.code,
        meaning: k.meaning,
        phase: k.phase,
        modifiers: k.modifiers,
        text: k.text,
        host_us: k.host_us,
    })
}

/// `node`: what the host's hit test found.
pub(crate) fn pointer(p: port::Pointer, node: u64) -> Event {
    Event::Pointer(player::Pointer {
        phase: p.phase,
        device: p.device,
        node,
        x_milli_px: p.x_milli_px,
        y_milli_px: p.y_milli_px,
        delta_x: p.delta_x,
        delta_y: p.delta_y,
        buttons: p.buttons,
        clicks: p.clicks,
        modifiers: p.modifiers,
        host_us: p.host_us,
    })
}

/// The surface an [`InputEvent::Surface`] tells of.
pub(crate) fn surface(event: &InputEvent) -> Option<display::Surface> {
    let InputEvent::Surface { width_px, height_px, scale_permille, refresh_mhz, fullscreen } = *event else {
        return None;
    };
    Some(display::Surface {
        width_px,
        height_px,
        scale_permille,
        refresh_mhz,
        hdr: 0,
        fullscreen,
        extras: Vec::new(),
    })
}

/// Bytes that count against the payload of a call's events.
pub(crate) fn payload_bytes(event: &Event) -> usize {
    match event {
        Event::Net((_, net::Change::Chunk((_, bytes)))) => bytes.len(),
        _ => 64,
    }
}

pub(crate) fn timeline_event(event: pipeline::Event) -> Event {
    use pipeline::Change;
    let change = match event.change {
        Change::State(s) => timeline::Change::State(state(s)),
        Change::Anchor(a) => timeline::Change::Anchor(anchor(a)),
        Change::Seeked(at_us) => timeline::Change::Seeked(at_us),
        Change::Want(w) => timeline::Change::Want(timeline::Want {
            stream: w.stream,
            seek: w.seek,
            restart: w.restart,
            from_us: w.from_us,
            room_bytes: w.room_bytes,
        }),
        Change::Failed(f) => timeline::Change::Failed(failure(f)),
    };
    Event::Timeline((event.timeline, event.ticket, change))
}

fn state(s: pipeline::State) -> timeline::State {
    match s {
        pipeline::State::Initialised => timeline::State::Initialised,
        pipeline::State::Prerolling => timeline::State::Prerolling,
        pipeline::State::Presenting => timeline::State::Presenting,
        pipeline::State::Stalled => timeline::State::Stalled,
        pipeline::State::Ended => timeline::State::Ended,
        pipeline::State::Failed => timeline::State::Failed,
    }
}

fn anchor(a: pipeline::Anchor) -> timeline::Anchor {
    timeline::Anchor { media_us: a.media_us, host_us: a.host_us, rate_permille: a.rate_permille }
}

pub(crate) fn status(s: pipeline::TimelineStatus) -> timeline::Status {
    timeline::Status {
        id: s.id,
        tag: s.tag,
        state: state(s.state),
        playing: s.playing,
        anchor: anchor(s.anchor),
        seek: s.seek,
        streams: s.streams.into_iter().map(stream_status).collect(),
        extras: Vec::new(),
    }
}

fn stream_status(s: pipeline::StreamStatus) -> timeline::StreamStatus {
    timeline::StreamStatus {
        id: s.id,
        kind: match s.kind {
            pipeline::Kind::Video => 1,
            pipeline::Kind::Audio => 2,
        },
        codec: s.codec,
        enabled: s.enabled,
        ended: s.ended,
        cursor_seek: s.cursor.seek,
        cursor_tag: s.cursor.tag,
        cursor_count: s.cursor.count,
        tail_dts_us: s.cursor.tail_dts_us,
        buffered: s.buffered.iter().map(|b| types::Span { from_us: b.from_us, to_us: b.to_us }).collect(),
        room_bytes: s.room_bytes,
        extras: Vec::new(),
    }
}

pub(crate) fn tuning(t: &timeline::Tuning) -> pipeline::Tuning {
    pipeline::Tuning { start_us: t.start_us, resume_us: t.resume_us, late_us: t.late_us, skip_us: t.skip_us }
}

pub(crate) fn video_config(c: video::Config) -> port::VideoConfig {
    let [primaries, transfer, matrix, range] = c.cicp.to_le_bytes();
    port::VideoConfig {
        codec: c.codec,
        extradata: c.extradata,
        width: c.width_px,
        height: c.height_px,
        par: c.par,
        rotation_deg: c.rotation_deg,
        cicp: port::Cicp { primaries, transfer, matrix, full_range: range == 1 },
    }
}

pub(crate) fn audio_config(c: audio::Config) -> port::AudioConfig {
    port::AudioConfig { codec: c.codec, extradata: c.extradata, rate_hz: c.rate_hz, channels: c.channels }
}

/// Bits of `streams.sample.bits` and the key of its trim side data (`wit/streams.wit`).
mod sample_bits {
    pub(super) const KEY: u32 = 1;
    pub(super) const DECODE_ONLY: u32 = 2;
    pub(super) const DISCONTINUITY: u32 = 4;
    pub(super) const SIDE_TRIM: u32 = 1;
}

/// The samples of an append over their shared body. Fails when sizes and body disagree.
pub(crate) fn samples(
    headers: &[streams::Sample],
    body: Arc<[u8]>,
) -> Result<Vec<port::EncodedSample>, port::Failure> {
    let mut at = 0u32;
    let mut samples = Vec::with_capacity(headers.len());
    for header in headers {
        let ends =
            at.checked_add(header.size).and_then(|end| Some((end, end.checked_add(header.side_size)?)));
        let Some((end, side_end)) = ends.filter(|(_, side_end)| *side_end as usize <= body.len()) else {
            return Err(disagree());
        };
        samples.push(port::EncodedSample {
            pts_us: header.pts_us,
            dts_us: header.dts_us,
            duration_us: header.duration_us,
            key: header.bits & sample_bits::KEY != 0,
            decode_only: header.bits & sample_bits::DECODE_ONLY != 0,
            discontinuity: header.bits & sample_bits::DISCONTINUITY != 0,
            trim: trim(&body[end as usize..side_end as usize]),
            body: Arc::clone(&body),
            range: (at, end),
        });
        at = side_end;
    }
    if at as usize == body.len() { Ok(samples) } else { Err(disagree()) }
}

fn disagree() -> port::Failure {
    port::Failure::new(port::Next::Skip, port::code::INVALID, "sample sizes and body disagree")
}

/// The trim in a sample's side data, (0, 0) where there is none.
fn trim(mut side: &[u8]) -> (u32, u32) {
    while let Some((head, rest)) = side.split_first_chunk::<8>() {
        let [k0, k1, k2, k3, l0, l1, l2, l3] = *head;
        let (key, length) = (u32::from_le_bytes([k0, k1, k2, k3]), u32::from_le_bytes([l0, l1, l2, l3]));
        let Some((item, rest)) = rest.split_at_checked(length as usize) else { break };
        if let (sample_bits::SIDE_TRIM, [s0, s1, s2, s3, e0, e1, e2, e3]) = (key, item) {
            let start = u32::from_le_bytes([*s0, *s1, *s2, *s3]);
            return (start, u32::from_le_bytes([*e0, *e1, *e2, *e3]));
        }
        side = rest;
    }
    (0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(size: u32, side_size: u32) -> streams::Sample {
        streams::Sample { pts_us: 0, dts_us: 0, duration_us: 0, bits: 1, size, side_size }
    }

    #[test]
    fn samples_with_side_data_are_told_apart() {
        let mut body = vec![7, 7, 7];
        body.extend([1, 0, 0, 0, 8, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0]);
        body.push(9);
        let samples = samples(&[header(3, 16), header(1, 0)], body.into()).unwrap();
        assert_eq!((samples[0].data(), samples[0].trim), (&[7, 7, 7][..], (5, 6)));
        assert_eq!((samples[1].data(), samples[1].trim), (&[9][..], (0, 0)));
    }

    #[test]
    fn samples_that_do_not_fit_the_body_are_refused() {
        for headers in
            [[header(2, 0), header(2, 0)], [header(1, 0), header(1, 0)], [header(u32::MAX, 9), header(1, 0)]]
        {
            assert!(samples(&headers, Arc::from([0; 3])).is_err());
        }
    }

    #[test]
    fn trim_in_damaged_side_data_is_none() {
        assert_eq!(trim(&[1, 0, 0, 0, 255, 255, 255, 255, 1]), (0, 0));
    }
}
