//! Commands, faults and events in any order: nothing panics, and the contract is kept.

use kinora_engine::{
    Engine, Event, Failure, Lifecycle, NetChange, NetHead, NextStep, Phase, Repeat, SeekMode, TimelineChange,
    TimelineState, Want,
};
use kinora_testkit::toy::Toy;
use kinora_testkit::{FakeShim, Fault, LiveShow, Player, Resource};
use kinora_time::{Anchor, HostUs};
use proptest::prelude::*;

const SECOND: u64 = 1_000_000;

#[derive(Clone, Debug)]
enum Act {
    Run(u64),
    Play,
    Pause,
    Toggle,
    Seek(i64, bool),
    SeekBy(i64, bool),
    Step(i32),
    Rate(i32),
    Volume(u32),
    Audio(u32),
    Captions(Option<u32>),
    Next,
    Previous,
    Item(usize),
    Repeat(u8),
    Stop,
    Retry,
    Open(bool, u8),
    Restart(bool),
    Break(u8),
    Hide,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (0u64..8 * SECOND).prop_map(Act::Run),
        1 => Just(Act::Play),
        1 => Just(Act::Pause),
        1 => Just(Act::Toggle),
        4 => (any::<i64>().prop_map(|us| us % 100_000_000), any::<bool>()).prop_map(|(us, exact)| Act::Seek(us, exact)),
        2 => (-20_000_000i64..20_000_000, any::<bool>()).prop_map(|(us, exact)| Act::SeekBy(us, exact)),
        1 => (-3..4).prop_map(Act::Step),
        1 => any::<i32>().prop_map(Act::Rate),
        1 => any::<u32>().prop_map(Act::Volume),
        2 => (0u32..210).prop_map(Act::Audio),
        2 => proptest::option::of(prop_oneof![0u32..210, (1u32 << 24)..(1 << 24) + 3]).prop_map(Act::Captions),
        1 => Just(Act::Next),
        1 => Just(Act::Previous),
        1 => (0usize..5).prop_map(Act::Item),
        1 => (0u8..3).prop_map(Act::Repeat),
        1 => Just(Act::Stop),
        1 => Just(Act::Retry),
        2 => (any::<bool>(), 0u8..6).prop_map(|(append, which)| Act::Open(append, which)),
        2 => any::<bool>().prop_map(Act::Restart),
        1 => (0u8..5).prop_map(Act::Break),
        1 => Just(Act::Hide),
    ]
}

fn fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        4 => Just(None),
        1 => prop_oneof![Just(404), Just(416), Just(500), Just(200), Just(302)].prop_map(|s| Some(Fault::Status(s))),
        2 => (0usize..300_000).prop_map(|n| Some(Fault::Cut(n))),
        1 => (0usize..300_000).prop_map(|n| Some(Fault::Stall(n))),
    ]
}

const ADDRESSES: [&str; 6] = [
    "file:///a.toy",
    "http://x/b.toy",
    "http://x/c.m3u8",
    "http://x/gone",
    "http://x/list.m3u",
    "http://x/live.m3u8",
];

fn shim(faults: &[Option<Fault>], ranges: bool, network: (u64, u64, usize), frame_bytes: usize) -> FakeShim {
    let mut shim = FakeShim::new();
    shim.set_network(network.0, network.1, network.2);
    shim.set_budget(4 << 20);
    // Large frames make a short file, so that the test stays fast.
    let duration_us = if frame_bytes > 50_000 { 8_000_000 } else { 40_000_000 };
    let toy = Toy { duration_us, audio: 2, text: true, frame_bytes, ..Toy::default() };
    let late = Toy { start_us: 9_000_000, ..toy.clone() };
    let mut faults = faults.iter().cloned();
    let mut resource = |body: Vec<u8>| {
        let resource = Resource::new(body).with_faults(faults.by_ref().take(2));
        if ranges { resource } else { resource.without_ranges() }
    };
    shim.serve(ADDRESSES[0], Resource::new(toy.bytes()));
    shim.serve(ADDRESSES[1], resource(late.bytes()));
    let mut list = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"i\"\n".to_owned();
    shim.serve("http://x/i", Resource::new(toy.init()));
    for n in 0..6 {
        let part = Toy { start_us: n * 4_000_000, duration_us: 4_000_000, ..toy.clone() };
        shim.serve(&format!("http://x/{n}.seg"), resource(part.segment()));
        list.push_str(&format!("#EXTINF:4,\n{n}.seg\n"));
    }
    shim.serve(ADDRESSES[2], Resource::new(format!("{list}#EXT-X-ENDLIST\n").into_bytes()));
    shim.serve(ADDRESSES[4], Resource::new(b"#EXTM3U\nb.toy\nc.m3u8\ngone\n".to_vec()));
    let toy = Toy { frame_bytes: frame_bytes.min(1000), ..toy };
    LiveShow { toy, parts: Some(7), ..LiveShow::new("http://x/live") }.serve(&mut shim, 120);
    shim
}

fn perform(p: &mut Player, act: &Act) {
    match *act {
        Act::Run(us) => p.run_for(us),
        Act::Open(append, which) => {
            let source = kinora_engine::SourceSpec {
                url: ADDRESSES[usize::from(which)].to_owned(),
                related: vec!["http://x/a.en.srt".to_owned()],
                ..Default::default()
            };
            p.send(Event::Open(kinora_engine::Open { sources: vec![source], append }));
        }
        Act::Restart(kept) => {
            let snapshot = p.engine.snapshot(p.now());
            assert!(snapshot.len() <= 256 << 10);
            p.restart(kept.then_some(&snapshot));
        }
        Act::Break(n) => {
            let next =
                [NextStep::Rebuild, NextStep::Skip, NextStep::TellUser, NextStep::Gone, NextStep::Stop];
            let failure = Failure { next: next[usize::from(n)], code: 11, message: "broken".to_owned() };
            if let Some(timeline) = p.status().clock.timeline {
                p.shim.break_timeline(timeline, failure);
                p.run_for(1);
            }
        }
        Act::Hide => p.send(Event::Lifecycle(Lifecycle::Concealed)),
        _ => p.command(|e, now, s| command(act, e, now, s)),
    }
}

/// What is no more than a command.
fn command(act: &Act, e: &mut Engine, now: HostUs, s: &mut FakeShim) {
    let mode = |exact: bool| if exact { SeekMode::Exact } else { SeekMode::Key };
    match *act {
        Act::Play => e.play(now, s),
        Act::Pause => e.pause(now, s),
        Act::Toggle => e.toggle(now, s),
        Act::Seek(us, exact) => e.seek_to(us, mode(exact), now, s),
        Act::SeekBy(us, exact) => e.seek_by(us, mode(exact), now, s),
        Act::Step(frames) => e.step(frames, now, s),
        Act::Rate(permille) => e.set_rate(permille, now, s),
        Act::Volume(permille) => e.set_volume(permille, now, s),
        Act::Audio(track) => e.select_audio(track, now, s),
        Act::Captions(track) => e.select_captions(track, now, s),
        Act::Next => e.next(now, s),
        Act::Previous => e.previous(now, s),
        Act::Item(index) => e.play_item(index, now, s),
        Act::Repeat(n) => {
            e.set_repeat([Repeat::Off, Repeat::One, Repeat::All][usize::from(n)], now, s);
        }
        Act::Stop => e.stop(now, s),
        Act::Retry => e.retry(now, s),
        Act::Run(_) | Act::Open(..) | Act::Restart(_) | Act::Break(_) | Act::Hide => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_commands_and_faults_keep_the_contract(
        acts in proptest::collection::vec(act(), 1..40),
        faults in proptest::collection::vec(fault(), 0..16),
        ranges: bool,
        network in (0u64..300_000, 50u64..20_000, 1usize..80_000),
        frame_bytes in prop_oneof![Just(10usize), Just(1000), Just(20_000), Just(100_000)],
        first in 0u8..6,
    ) {
        // Chunks of a few bytes only where there are few of them.
        let network = (network.0, network.1, network.2.max(frame_bytes.min(20_000) / 4));
        let mut p = Player::new(shim(&faults, ranges, network, frame_bytes));
        perform(&mut p, &Act::Open(false, first));
        for act in &acts {
            perform(&mut p, act);
            prop_assert!(p.shim.violations().is_empty(), "{:?}\n{}", p.shim.violations(), p.shim.dump());
            let timelines = p.shim.timelines().len();
            prop_assert!(timelines <= 1, "{timelines} timelines");
        }
    }

    #[test]
    fn item_left_alone_after_anything_plays_to_its_end(acts in proptest::collection::vec(act(), 1..25), first in 0u8..3) {
        let mut p = Player::new(shim(&[], true, (5_000, 20_000, 64 << 10), 1000));
        perform(&mut p, &Act::Open(false, first));
        for act in &acts {
            perform(&mut p, act);
        }
        perform(&mut p, &Act::Repeat(0));
        perform(&mut p, &Act::Rate(1000));
        perform(&mut p, &Act::Open(false, first));
        p.run_for(60 * SECOND);
        prop_assert_eq!(p.status().clock.phase, Phase::Ended, "{}", p.shim.dump());
    }
}

fn failure() -> impl Strategy<Value = Failure> {
    (0usize..8, 0u32..25).prop_map(|(next, code)| {
        use NextStep::{Gone, Rebuild, Retry, Skip, Stop, TellUser, Unsupported, Wait};
        let next = [Retry, Wait, Rebuild, Skip, TellUser, Stop, Gone, Unsupported][next];
        Failure { next, code, message: String::new() }
    })
}

/// Events no shim would send.
fn odd_event() -> impl Strategy<Value = Event> {
    let head = (0u32..600, "[a-z]{0,5}", "(bytes )?[0-9*/-]{0,24}", any::<u64>()).prop_map(
        |(status, url, range, us)| {
            NetChange::Head(NetHead {
                status,
                final_url: url,
                headers: vec![
                    ("content-range".to_owned(), range.clone()),
                    ("content-length".to_owned(), range),
                ],
                sent_us: us,
                first_byte_us: us / 2,
            })
        },
    );
    let net = prop_oneof![
        head,
        (any::<u64>(), proptest::collection::vec(any::<u8>(), 0..300))
            .prop_map(|(host_us, bytes)| NetChange::Chunk { host_us, bytes }),
        any::<u64>().prop_map(NetChange::End),
        failure().prop_map(NetChange::Failed),
    ];
    let states = prop_oneof![
        Just(TimelineState::Initialised),
        Just(TimelineState::Prerolling),
        Just(TimelineState::Presenting),
        Just(TimelineState::Stalled),
        Just(TimelineState::Ended),
        Just(TimelineState::Failed),
    ];
    let timeline = prop_oneof![
        states.prop_map(TimelineChange::State),
        (any::<i64>(), any::<u32>(), any::<i32>()).prop_map(|(media_us, host, rate_permille)| {
            TimelineChange::Anchor(Anchor { media_us, host_us: u64::from(host), rate_permille })
        }),
        any::<i64>().prop_map(TimelineChange::Seeked),
        (0u64..12, 0u64..12, any::<bool>(), any::<i64>(), any::<u32>()).prop_map(
            |(stream, seek, restart, from_us, room_bytes)| {
                TimelineChange::Want(Want { stream, seek, restart, from_us, room_bytes })
            }
        ),
        failure().prop_map(TimelineChange::Failed),
    ];
    prop_oneof![
        (0u64..12, net).prop_map(|(ticket, change)| Event::Net { ticket, change }),
        (0u64..12, 0u64..12, timeline).prop_map(|(id, ticket, change)| Event::Timeline {
            id,
            ticket,
            change
        }),
        failure().prop_map(|failure| Event::Stored { ticket: 1, failure: Some(failure) }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn events_no_shim_would_send_never_panic(
        events in proptest::collection::vec(odd_event(), 1..60),
        acts in proptest::collection::vec(act(), 1..20),
        first in 0u8..6,
    ) {
        let mut p = Player::new(shim(&[], true, (5_000, 20_000, 64 << 10), 1000));
        perform(&mut p, &Act::Open(false, first));
        let mut acts = acts.iter();
        for event in events {
            let now = p.now();
            p.engine.handle(now, event, &mut p.shim);
            p.engine.poll(now, &mut p.shim);
            if let Some(act) = acts.next() {
                // Without letting the shim answer.
                command(act, &mut p.engine, now, &mut p.shim);
            }
        }
    }
}
