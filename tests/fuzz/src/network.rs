//! Whole resources through the engine's network: how the bytes arrive makes no difference to what is played.

use kinora_captions::Cue;
use kinora_engine::{Config, Event, Open, Phase, SourceSpec};
use kinora_testkit::{FakeShim, Fault, Player, Resource, toy};
use kinora_time::MediaUs;

/// How a server behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Line {
    /// Sends whole chunks.
    Good,
    /// Sends a few bytes a time.
    Pieces,
    /// Cuts each connection once it has sent a part.
    Cuts,
    /// Neither says how long the resource is nor serves parts of it.
    Unsized,
}

const LINES: [Line; 4] = [Line::Good, Line::Pieces, Line::Cuts, Line::Unsized];

fn resource(data: &[u8], line: Line) -> Resource {
    let resource = Resource::new(data);
    match line {
        Line::Cuts => resource.with_faults((0..3).map(|n| Some(Fault::Cut(data.len() * (n + 1) / 5)))),
        Line::Unsized => resource.without_ranges().without_length(),
        Line::Good | Line::Pieces => resource,
    }
}

fn shim(line: Line, len: usize) -> FakeShim {
    let mut shim = FakeShim::new();
    let chunk = if line == Line::Pieces { len / 60 + 8 } else { 64 << 10 };
    shim.set_network(1_000, 1_000, chunk);
    shim
}

/// Any bytes opened as a file to play, with the player's own demuxers.
pub(crate) fn media(data: &[u8]) {
    for line in LINES {
        play("http://x/a", data, line);
    }
}

/// A playlist of segments that are not there: it is read, or refused, the same over every line.
pub(crate) fn playlist(data: &[u8]) {
    let phases: Vec<Option<String>> = LINES.iter().map(|line| play("http://x/a.m3u8", data, *line)).collect();
    assert!(phases.iter().all(|phase| *phase == phases[0]), "the line makes a difference: {phases:?}");
}

/// The failure that is shown after a while, if any.
fn play(url: &str, data: &[u8], line: Line) -> Option<String> {
    let mut shim = shim(line, data.len());
    shim.serve(url, resource(data, line));
    let mut p = Player::with_config(shim, Config::new(false));
    p.open(&[url]);
    // Beyond the waits of all retries, 7 s.
    for _ in 0..6 {
        p.run_for(3_000_000);
        if matches!(p.status().clock.phase, Phase::Ended | Phase::Failed) {
            break;
        }
    }
    // A structure that a file says is large is asked for as a whole.
    let broken = p.shim.violations().iter().find(|violation| !violation.ends_with("bytes of credit"));
    assert!(broken.is_none(), "{line:?}: {broken:?}\n{}", p.shim.dump());
    p.status().error.as_ref().map(|card| format!("{}: {}", card.title, card.reason))
}

/// Whether an input goes over the network too. A network and a player around it take a hundred times as long as a parser: while
/// inputs are invented only every sixteenth does, by its bytes; those that are kept as regressions all do.
pub(crate) fn chosen(data: &[u8]) -> bool {
    // FNV-1a, whose low bits depend on every byte.
    let hash = data.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    cfg!(not(feature = "libfuzzer")) || hash.is_multiple_of(16)
}

/// A caption file beside a film: every line gives the cues that reading it whole gives.
pub(crate) fn captions(name: &str, data: &[u8], expected: &[Cue]) {
    let film = toy::Toy { duration_us: 1_000_000, audio: 0, frame_bytes: 10, ..toy::Toy::default() };
    let url = format!("http://x/{name}");
    for line in LINES {
        let mut shim = shim(line, data.len());
        shim.set_fact("captions", "on");
        shim.serve("file:///a.toy", Resource::new(film.bytes()));
        shim.serve(&url, resource(data, line));
        let mut p = Player::new(shim);
        let source =
            SourceSpec { url: "file:///a.toy".into(), related: vec![url.clone()], ..SourceSpec::default() };
        p.send(Event::Open(Open { sources: vec![source], append: false }));
        p.run_for(30_000_000);
        assert!(p.shim.violations().is_empty(), "{:?}", p.shim.violations());
        let cues = p.engine.cues(MediaUs::MIN, MediaUs::MAX).filter(|cue| !cue.lines.is_empty()).count();
        assert_eq!(cues, shown(expected), "cues over {line:?}");
    }
}

/// How many of them a list holds: none twice, and none that shows nothing.
fn shown(cues: &[Cue]) -> usize {
    let mut list = kinora_captions::CueList::new();
    list.extend(cues.iter().cloned());
    list.between(MediaUs::MIN, MediaUs::MAX).count()
}
