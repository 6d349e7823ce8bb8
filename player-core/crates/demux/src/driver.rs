//! Runs a demuxer over bytes in tests: the owner's side of [`Demux`].

use crate::{Demux, Error, Sample, Step, Window};

/// What a run gave.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Run {
    pub(crate) samples: Vec<Sample>,
    pub(crate) issues: Vec<String>,
    /// How often the tracks were reported.
    pub(crate) tracks: usize,
    pub(crate) error: Option<Error>,
}

/// How the resource arrives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    /// Bytes a time.
    pub(crate) piece: usize,
    /// The total length is known from the start.
    pub(crate) sized: bool,
}

/// The ways that must make no difference.
pub(crate) const ARRIVALS: [Arrival; 6] = [
    Arrival { piece: 1, sized: false },
    Arrival { piece: 7, sized: true },
    Arrival { piece: 188, sized: false },
    Arrival { piece: 4096, sized: true },
    Arrival { piece: 4096, sized: false },
    Arrival { piece: usize::MAX, sized: true },
];

/// Runs to the end. Panics when the demuxer goes on for ever, or asks for what it has already.
pub(crate) fn run(demux: &mut dyn Demux, bytes: &[u8], arrival: Arrival) -> Run {
    let mut window = Window::at(0);
    window.set_total(arrival.sized.then_some(bytes.len() as u64));
    resume(demux, bytes, arrival, &mut window)
}

/// Runs over a whole resource until the tracks are reported.
pub(crate) fn open(demux: &mut dyn Demux, bytes: &[u8]) -> Window {
    let window = Window::whole(bytes.to_vec());
    for _ in 0..1000 {
        match demux.step(&window) {
            Ok(Step::More { .. }) => {}
            Ok(Step::Tracks) => return window,
            other => panic!("no tracks but {other:?}"),
        }
    }
    panic!("no tracks");
}

/// Goes on with a window, as after a seek.
pub(crate) fn resume(demux: &mut dyn Demux, bytes: &[u8], arrival: Arrival, window: &mut Window) -> Run {
    let mut run = Run::default();
    let mut steps = 64 * bytes.len() / arrival.piece.min(bytes.len().max(1)) + 4 * bytes.len() + 10_000;
    loop {
        steps = steps.checked_sub(1).expect("the demuxer does not come to an end");
        match demux.step(window) {
            Ok(Step::More { at, .. }) => {
                if window.range().contains(&at) || window.end() == at {
                    window.drop_before(at);
                } else {
                    window.restart_at(at);
                }
                let from = usize::try_from(window.end()).unwrap().min(bytes.len());
                let to = from.saturating_add(arrival.piece).min(bytes.len());
                window.extend(&bytes[from..to]);
                if to == bytes.len() {
                    window.set_ended();
                }
            }
            Ok(Step::Tracks) => run.tracks += 1,
            Ok(Step::Sample(sample)) => {
                assert!(run.tracks > 0 || !demux.tracks().is_empty(), "a sample before the tracks");
                run.samples.push(sample);
            }
            Ok(Step::Cue(_)) => {}
            Ok(Step::End) => break,
            Err(error) => {
                run.error = Some(error);
                assert_eq!(demux.step(window), Ok(Step::End));
                break;
            }
        }
    }
    run.issues = demux.take_issues();
    run
}

/// The hash of the dumps of androidx/media: Java's `Arrays.hashCode`.
pub(crate) fn java_hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(1, |hash: u32, &b| hash.wrapping_mul(31).wrapping_add(b as i8 as u32))
}

/// A file of the fixtures. Tests whose names begin with `fixture_` need them.
pub(crate) fn fixture(path: &str) -> Vec<u8> {
    let root = std::env::var_os("KINORA_FIXTURES").expect("KINORA_FIXTURES, or `--skip fixture_`");
    std::fs::read(std::path::Path::new(&root).join(path)).expect("a fixture that exists")
}
