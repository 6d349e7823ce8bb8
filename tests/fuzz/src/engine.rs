//! The engine: commands and faults in any order keep the contract; events that no shim would send, and snapshots that nobody
//! wrote, do no harm.

use arbitrary::{Arbitrary, Unstructured};
use kinora_engine::{
    Config, Engine, Event, Failure, Lifecycle, NetChange, NetHead, NextStep, Open, Repeat, SeekMode,
    SourceSpec, TimelineChange, TimelineState, Want,
};
use kinora_testkit::toy::{self, Toy};
use kinora_testkit::{FakeShim, Fault, Player, Resource};
use kinora_time::Anchor;

/// Steps of one input: longer ones find nothing that shorter ones do not, and take longer.
const MOST_STEPS: usize = 48;
const ADDRESSES: [&str; 6] = [
    "file:///a.toy",
    "http://x/b.toy",
    "http://x/c.m3u8",
    "http://x/gone",
    "http://x/list.m3u",
    "http://x/self.m3u",
];
const MOST_SNAPSHOT: usize = 256 << 10;

#[derive(Debug, Arbitrary)]
enum Act {
    Run(u32),
    RunLong(u8),
    Play,
    Pause,
    Toggle,
    Seek(i32, bool),
    SeekFar(i64),
    SeekBy(i32, bool),
    Step(i8),
    Rate(i32),
    Volume(u32),
    Mute(bool),
    Audio(u8),
    Captions(Option<u8>),
    CaptionFile(u8),
    Next,
    Previous,
    Item(u8),
    Repeat(u8),
    Stop,
    Retry,
    Open { append: bool, which: u8 },
    Restart(bool),
    Break(u8),
    Lifecycle(u8),
}

/// What one line of a fetch does.
#[derive(Debug, Arbitrary)]
enum Accident {
    None,
    Status(u16),
    Cut(u16),
    Stall(u16),
    Fail(u8),
}

/// Any commands, network and faults: no rule of the contract is broken.
pub(crate) fn legal(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let Ok(mut p) = player(&mut u) else { return };
    for _ in 0..MOST_STEPS {
        if u.is_empty() {
            break;
        }
        let Ok(act) = Act::arbitrary(&mut u) else { break };
        perform(&mut p, &act);
        assert!(p.shim.violations().is_empty(), "{act:?}: {:?}\n{}", p.shim.violations(), p.shim.dump());
        assert!(p.shim.timelines().len() <= 1, "{} timelines", p.shim.timelines().len());
    }
}

/// Events no shim would send, among commands.
pub(crate) fn illegal(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let Ok(mut p) = player(&mut u) else { return };
    for _ in 0..MOST_STEPS {
        if u.is_empty() {
            break;
        }
        let now = p.now();
        match u.int_in_range(0..=3) {
            Ok(0) => {
                let Ok(act) = Act::arbitrary(&mut u) else { break };
                command(&mut p, &act);
            }
            Ok(_) => {
                let Ok(event) = event(&mut u) else { break };
                p.engine.handle(now, event, &mut p.shim);
                p.engine.poll(now, &mut p.shim);
            }
            Err(_) => break,
        }
        let _when = p.engine.wake_us(now);
    }
    assert!(p.engine.snapshot(p.now()).len() <= MOST_SNAPSHOT);
}

/// Any bytes as a snapshot: the engine starts, and what it keeps it reads again as it was.
pub(crate) fn snapshot(data: &[u8]) {
    let config = Config { open_container: toy::open, ..Config::new(true) };
    // The version, which the first mutation breaks.
    let data = [&[1], data].concat();
    let mut shim = FakeShim::new();
    let engine = Engine::new(config, 0, Some(&data), &mut shim);
    let kept = engine.snapshot(0);
    assert!(kept.len() <= MOST_SNAPSHOT, "{} bytes", kept.len());
    let queue = engine.status().queue.clone();
    let mut shim = FakeShim::new();
    let engine = Engine::new(config, 0, Some(&kept), &mut shim);
    assert!(*engine.status().queue == *queue, "{:?}, or {:?}", *queue, *engine.status().queue);
    assert!(shim.violations().is_empty(), "{:?}", shim.violations());
}

fn player(u: &mut Unstructured<'_>) -> arbitrary::Result<Player> {
    let mut shim = FakeShim::new();
    let latency_us = u64::from(u16::arbitrary(u)?) * 5;
    let chunk = [700, 4_000, 64 << 10][usize::from(u8::arbitrary(u)? % 3)];
    shim.set_network(latency_us, 50 << (u8::arbitrary(u)? % 10), chunk);
    shim.set_budget(64 << (10 + u8::arbitrary(u)? % 6));
    let ranges: bool = u.arbitrary()?;
    let frame_bytes = [10, 300, 5_000][usize::from(u8::arbitrary(u)? % 3)];
    let toy = Toy { duration_us: 8_000_000, audio: 2, text: true, frame_bytes, ..Toy::default() };
    let mut serve = |url: &str, body: Vec<u8>| {
        let mut resource = Resource::new(body);
        for _ in 0..2 {
            resource.faults.push_back(u.arbitrary().ok().and_then(|accident| fault(&accident)));
        }
        shim.serve(url, if ranges { resource } else { resource.without_ranges() });
    };
    serve(ADDRESSES[0], toy.bytes());
    serve(ADDRESSES[1], Toy { start_us: 9_000_000, odd_video: !ranges, ..toy.clone() }.bytes());
    let mut list = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"i\"\n".to_owned();
    serve("http://x/i", toy.init());
    for n in 0..4 {
        let part = Toy { start_us: n * 2_000_000, duration_us: 2_000_000, ..toy.clone() };
        serve(&format!("http://x/{n}.seg"), part.segment());
        list.push_str(&format!("#EXTINF:2,\n{n}.seg\n"));
    }
    serve(ADDRESSES[2], format!("{list}#EXT-X-ENDLIST\n").into_bytes());
    serve(ADDRESSES[4], b"#EXTM3U\nb.toy\nc.m3u8\ngone\n".to_vec());
    serve(ADDRESSES[5], b"#EXTM3U\nself.m3u\nb.toy\n".to_vec());
    serve("http://x/a.en.srt", b"1\n00:00:01,000 --> 00:00:02,000\nHi\n".to_vec());
    Ok(Player::with_config(
        shim,
        Config { open_container: toy::open, leave_out: u.arbitrary()?, ..Config::new(u.arbitrary()?) },
    ))
}

fn fault(accident: &Accident) -> Option<Fault> {
    Some(match *accident {
        Accident::None => return None,
        Accident::Status(status) => Fault::Status(u32::from(status) % 600),
        Accident::Cut(after) => Fault::Cut(usize::from(after)),
        Accident::Stall(after) => Fault::Stall(usize::from(after)),
        Accident::Fail(next) => Fault::Fail(failure(next)),
    })
}

fn failure(next: u8) -> Failure {
    use NextStep::{Gone, Rebuild, Retry, Skip, Stop, TellUser, Unsupported, Wait};
    let steps = [Retry, Wait, Rebuild, Skip, TellUser, Stop, Gone, Unsupported];
    Failure { next: steps[usize::from(next) % 8], code: u32::from(next / 8), message: "failed".to_owned() }
}

fn perform(p: &mut Player, act: &Act) {
    match *act {
        Act::Run(us) => p.run_for(u64::from(us) % 3_000_000),
        Act::RunLong(seconds) => p.run_for(u64::from(seconds) * 250_000),
        Act::Restart(kept) => {
            let snapshot = p.engine.snapshot(p.now());
            assert!(snapshot.len() <= MOST_SNAPSHOT);
            p.restart(kept.then_some(&snapshot));
        }
        Act::Break(next) => {
            if let Some(timeline) = p.status().clock.timeline {
                p.shim.break_timeline(timeline, failure(next));
                p.run_for(1);
            }
        }
        _ => {
            command(p, act);
            p.run_for(0);
        }
    }
}

/// A command alone, without letting the shim answer.
fn command(p: &mut Player, act: &Act) {
    let now = p.now();
    let mode = |exact: bool| if exact { SeekMode::Exact } else { SeekMode::Key };
    let (e, s) = (&mut p.engine, &mut p.shim);
    match *act {
        Act::Play => e.play(now, s),
        Act::Pause => e.pause(now, s),
        Act::Toggle => e.toggle(now, s),
        Act::Seek(us, exact) => e.seek_to(i64::from(us) % 20_000_000, mode(exact), now, s),
        Act::SeekFar(us) => e.seek_to(us, SeekMode::Exact, now, s),
        Act::SeekBy(us, exact) => e.seek_by(i64::from(us), mode(exact), now, s),
        Act::Step(frames) => e.step(i32::from(frames), now, s),
        Act::Rate(permille) => e.set_rate(permille, now, s),
        Act::Volume(permille) => e.set_volume(permille, now, s),
        Act::Mute(on) => e.set_muted(on, now, s),
        Act::Audio(track) => e.select_audio(u32::from(track), now, s),
        Act::Captions(track) => e.select_captions(track.map(u32::from), now, s),
        Act::CaptionFile(n) => e.select_captions(Some((1 << 24) + u32::from(n % 3)), now, s),
        Act::Next => e.next(now, s),
        Act::Previous => e.previous(now, s),
        Act::Item(index) => e.play_item(usize::from(index), now, s),
        Act::Repeat(n) => {
            e.set_repeat([Repeat::Off, Repeat::One, Repeat::All][usize::from(n % 3)], now, s);
        }
        Act::Stop => e.stop(now, s),
        Act::Retry => e.retry(now, s),
        Act::Open { append, which } => {
            let source = SourceSpec {
                url: ADDRESSES[usize::from(which) % ADDRESSES.len()].to_owned(),
                related: vec!["http://x/a.en.srt".to_owned()],
                ..SourceSpec::default()
            };
            e.handle(now, Event::Open(Open { sources: vec![source], append }), s);
            e.poll(now, s);
        }
        Act::Lifecycle(n) => {
            use Lifecycle::{Blurred, Concealed, Focused, Frozen, LowMemory, Stop};
            let states = [Focused, Blurred, Concealed, Frozen, LowMemory, Stop];
            e.handle(now, Event::Lifecycle(states[usize::from(n) % states.len()]), s);
        }
        Act::Run(_) | Act::RunLong(_) | Act::Restart(_) | Act::Break(_) => {}
    }
}

/// An event with senseless contents. Ids are small, so that they are often those of something.
fn event(u: &mut Unstructured<'_>) -> arbitrary::Result<Event> {
    let id = u.int_in_range(0..=15)?;
    let ticket = u.int_in_range(0..=15)?;
    Ok(match u.int_in_range(0..=9)? {
        0 => Event::Stored { ticket, failure: Some(failure(u.arbitrary()?)) },
        1 => Event::Net { ticket, change: NetChange::Failed(failure(u.arbitrary()?)) },
        2 => Event::Net { ticket, change: NetChange::End(u.arbitrary()?) },
        3 => Event::Net { ticket, change: NetChange::Head(head(u)?) },
        4 => {
            let (host_us, bytes) = (u.arbitrary()?, u.arbitrary()?);
            Event::Net { ticket, change: NetChange::Chunk { host_us, bytes } }
        }
        _ => Event::Timeline { id, ticket, change: timeline_change(u)? },
    })
}

fn head(u: &mut Unstructured<'_>) -> arbitrary::Result<NetHead> {
    let names = ["content-range", "content-length", "content-type", "retry-after", "location"];
    let values =
        ["", "-1", "0", "bytes 0-0/1", "bytes 5-2/*", "bytes */0", "18446744073709551615", "audio/mpegurl"];
    let mut headers = Vec::new();
    for _ in 0..u.int_in_range(0..=3)? {
        let value = if u.arbitrary()? { (*u.choose(&values)?).to_owned() } else { u.arbitrary()? };
        headers.push(((*u.choose(&names)?).to_owned(), value));
    }
    Ok(NetHead {
        status: *u.choose(&[200, 206, 204, 304, 404, 416, 503, 0])?,
        final_url: (*u.choose(&["", "http://y/z", "file:///etc/passwd", "http://x/b.toy"])?).to_owned(),
        headers,
        sent_us: u.arbitrary()?,
        first_byte_us: u.arbitrary()?,
    })
}

fn timeline_change(u: &mut Unstructured<'_>) -> arbitrary::Result<TimelineChange> {
    use TimelineState::{Ended, Failed, Initialised, Prerolling, Presenting, Stalled};
    Ok(match u.int_in_range(0..=4)? {
        0 => TimelineChange::State(*u.choose(&[
            Initialised,
            Prerolling,
            Presenting,
            Stalled,
            Ended,
            Failed,
        ])?),
        1 => TimelineChange::Anchor(Anchor {
            media_us: u.arbitrary()?,
            host_us: u.arbitrary()?,
            rate_permille: u.arbitrary()?,
        }),
        2 => TimelineChange::Seeked(u.arbitrary()?),
        3 => TimelineChange::Failed(failure(u.arbitrary()?)),
        _ => TimelineChange::Want(Want {
            stream: u.int_in_range(0..=15)?,
            seek: u.int_in_range(0..=15)?,
            restart: u.arbitrary()?,
            from_us: u.arbitrary()?,
            room_bytes: u.arbitrary()?,
        }),
    })
}
