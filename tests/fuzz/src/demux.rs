//! Demuxers: every input whole, in pieces, over a line that fails before each read, with and without a known length, and after seeks.

use std::collections::BTreeSet;

use kinora_demux::{Demux, Elementary, Flac, Kind, Matroska, Mp4, Ogg, Step, Ts, Wav, Window};

use crate::repair;

/// Samples and cues looked at: tables may describe billions in a few bytes.
const MOST_OUTPUTS: usize = 500;
/// The same after a seek.
const MOST_AFTER_SEEK: usize = 24;
/// Bytes of them.
const MOST_BYTES: usize = 4 << 20;

pub(crate) fn mp4(data: &[u8]) {
    demux(data, || Box::new(Mp4::new()));
}

pub(crate) fn matroska(data: &[u8]) {
    demux(data, || Box::new(Matroska::new()));
}

pub(crate) fn ts(data: &[u8]) {
    let open = || Box::new(Ts::new()) as Box<dyn Demux>;
    match data {
        [kind, rest @ ..] if rest.len() <= repair::MOST_AROUND => {
            // Where transport packets cut a PES packet makes no difference.
            let cuts = [usize::from(kind >> 1) % 32, 32];
            let [one, other] = cuts.map(|first| repair::ts_around(rest, kind & 1 == 1, first));
            demux(&one, open);
            let [one, other] = [one, other].map(|data| Reader::new(open(), &data, WHOLE).read(MOST_OUTPUTS));
            assert!(one == other, "cut after {cuts:?} bytes: {}", difference(&one, &other));
        }
        _ => demux(&repair::ts(data), open),
    }
}

pub(crate) fn ogg(data: &[u8]) {
    demux(&repair::ogg(data), || Box::new(Ogg::new()));
}

pub(crate) fn flac(data: &[u8]) {
    demux(data, || Box::new(Flac::new()));
}

pub(crate) fn wav(data: &[u8]) {
    demux(data, || Box::new(Wav::new()));
}

pub(crate) fn adts(data: &[u8]) {
    demux(data, || Box::new(Elementary::adts()));
}

pub(crate) fn mp3(data: &[u8]) {
    demux(data, || Box::new(Elementary::mp3()));
}

pub(crate) fn ac3(data: &[u8]) {
    demux(data, || Box::new(Elementary::ac3()));
}

/// Issues kept for the log.
const MOST_ISSUES: usize = 64;

/// How a resource arrives.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    /// Bytes a read.
    piece: usize,
    /// The length is known from the start.
    sized: bool,
    /// Each read fails once before it succeeds: its owner has lost what it had and reads anew where the demuxer wants it.
    fails: bool,
    /// The read after so many fails for good, and the owner gives up.
    last: usize,
}

/// At once.
const WHOLE: Arrival = Arrival { piece: usize::MAX, sized: true, fails: false, last: usize::MAX };

/// Reads of a resource that breaks off, at each of them in turn.
const CUTS: usize = 4;

/// What came of a resource.
#[derive(Debug, Default, PartialEq)]
struct Run {
    /// Samples, cues and changes of tracks, in order.
    steps: Vec<Step>,
    error: Option<kinora_demux::Error>,
}

fn demux(data: &[u8], open: fn() -> Box<dyn Demux>) {
    let mut reader = Reader::new(open(), data, WHOLE);
    let expected = reader.read(MOST_OUTPUTS);

    // Pieces small enough to cut every structure, large enough that a long input takes a hundred reads.
    let small = (data.len() / 100).max(1);
    let odd = small + 1 + data.iter().fold(0, |sum: usize, &byte| sum * 31 % 1021 + usize::from(byte)) % 300;
    for (piece, sized, fails) in
        [(small, true, false), (odd, true, true), (odd, false, false), (usize::MAX, false, false)]
    {
        let arrival = Arrival { piece, sized, fails, last: usize::MAX };
        let mut other = Reader::new(open(), data, arrival);
        let run = other.read(MOST_OUTPUTS);
        assert!(run == expected, "{arrival:?} makes a difference: {}", difference(&expected, &run));
        if fails && !reader.demux.tracks().is_empty() {
            compare_seeks(&mut reader, &mut other, &expected);
        } else if !other.demux.tracks().is_empty() {
            other.seek(middle(&expected));
        }
    }
    for last in 0..CUTS {
        let arrival = Arrival { piece: data.len() / CUTS + 1, sized: last % 2 == 0, fails: false, last };
        Reader::new(open(), data, arrival).read(MOST_OUTPUTS);
    }
}

/// Seeks give the same however the bytes arrive.
fn compare_seeks(reader: &mut Reader<'_>, other: &mut Reader<'_>, expected: &Run) {
    for to_us in [middle(expected), i64::MIN, i64::MAX, 0] {
        let (a, b) = (reader.seek(to_us), other.seek(to_us));
        assert!(
            a == b,
            "after a seek to {to_us}, {:?} makes a difference: {}",
            other.arrival,
            difference(&a, &b)
        );
    }
}

fn middle(run: &Run) -> i64 {
    let times: Vec<i64> = run
        .steps
        .iter()
        .filter_map(|step| if let Step::Sample(s) = step { Some(s.pts_us) } else { None })
        .collect();
    times.get(times.len() / 2).copied().unwrap_or(1_000_000)
}

/// A demuxer with its owner.
struct Reader<'a> {
    demux: Box<dyn Demux>,
    data: &'a [u8],
    arrival: Arrival,
    window: Window,
    reads: usize,
    /// All tracks there have been, with whether they are text: what was queued before a change comes after it.
    tracks: BTreeSet<(u32, bool)>,
}

impl<'a> Reader<'a> {
    fn new(demux: Box<dyn Demux>, data: &'a [u8], arrival: Arrival) -> Self {
        let mut window = Window::at(0);
        window.set_total(arrival.sized.then_some(data.len() as u64));
        // Nothing is waited for then: what the others are compared with.
        if arrival.piece >= data.len() && arrival.sized {
            window = Window::whole(data.to_vec());
        }
        Reader { demux, data, arrival, window, reads: 0, tracks: BTreeSet::new() }
    }

    fn seek(&mut self, to_us: i64) -> Run {
        self.demux.seek(to_us);
        self.read(MOST_AFTER_SEEK)
    }

    /// Reads on, up to so many samples and cues.
    fn read(&mut self, most: usize) -> Run {
        let mut run = Run::default();
        let mut bytes = 0;
        // Looking for a place takes several passes; what never ends takes more.
        let budget =
            8 * self.data.len() / self.arrival.piece.min(self.data.len().max(1)) + self.data.len() + 4096;
        let mut idle = 0;
        while run.steps.len() < most && bytes < MOST_BYTES {
            match self.demux.step(&self.window) {
                Ok(Step::More { at, least }) => {
                    idle += 1;
                    assert!(
                        idle < budget,
                        "the demuxer comes to no end: {:?} wants {least} at {at} of {}",
                        self.arrival,
                        self.data.len()
                    );
                    self.supply(at, least);
                    continue;
                }
                Ok(Step::Tracks) => self.check_tracks(),
                Ok(Step::Sample(ref sample)) => {
                    bytes += sample.data.len();
                    self.check_output(sample.track, false);
                    run.steps.push(Step::Sample(sample.clone()));
                }
                Ok(Step::Cue(ref cue)) => {
                    bytes += cue.data.len();
                    self.check_output(cue.track, true);
                    run.steps.push(Step::Cue(cue.clone()));
                }
                Ok(Step::End) => {
                    assert_eq!(self.demux.step(&self.window), Ok(Step::End), "something follows the end");
                    break;
                }
                Err(error) => {
                    run.error = Some(error);
                    assert_eq!(self.demux.step(&self.window), Ok(Step::End), "something follows an error");
                    break;
                }
            }
            idle = 0;
        }
        // They may differ: who knows the length looks at the end first, and meets the damage twice.
        let issues = self.demux.take_issues();
        assert!(issues.len() <= MOST_ISSUES, "{} issues", issues.len());
        let _times = (self.demux.start_us(), self.demux.duration_us(), self.demux.seekable());
        run
    }

    /// Answers a wish by one read.
    fn supply(&mut self, at: u64, least: usize) {
        if !self.arrival.fails && (self.window.range().contains(&at) || self.window.end() == at) {
            self.window.drop_before(at);
        } else {
            self.window.restart_at(at);
        }
        let from = usize::try_from(self.window.end()).unwrap_or(usize::MAX).min(self.data.len());
        // Beginning anew each time, only a read of more than is needed makes progress.
        let needed = if self.arrival.fails { least } else { 0 };
        let piece = self.arrival.piece.saturating_add(needed);
        let to = from.saturating_add(piece).min(self.data.len());
        self.reads += 1;
        if self.reads > self.arrival.last {
            self.window.set_ended();
            return;
        }
        self.window.extend(&self.data[from..to]);
        if to == self.data.len() {
            self.window.set_ended();
        }
    }

    fn check_tracks(&mut self) {
        let tracks = self.demux.tracks();
        for (i, track) in tracks.iter().enumerate() {
            assert!(tracks[..i].iter().all(|other| other.id != track.id), "two tracks {}", track.id);
            self.tracks.insert((track.id, matches!(track.kind, Kind::Text(_))));
        }
    }

    fn check_output(&self, id: u32, cue: bool) {
        assert!(self.tracks.contains(&(id, cue)), "output of track {id}, which was not announced as such");
    }
}

/// Where two runs part, in words.
fn difference(a: &Run, b: &Run) -> String {
    match a.steps.iter().zip(&b.steps).position(|(a, b)| a != b) {
        Some(n) => format!("output {n}: {}, or {}", brief(&a.steps[n]), brief(&b.steps[n])),
        None => {
            format!("{} outputs, {:?}, or {} outputs, {:?}", a.steps.len(), a.error, b.steps.len(), b.error)
        }
    }
}

fn brief(step: &Step) -> String {
    match step {
        Step::Sample(s) => format!(
            "track {} pts {} dts {} for {} key {} bytes {}",
            s.track,
            s.pts_us,
            s.dts_us,
            s.duration_us,
            s.key,
            s.data.len()
        ),
        other => format!("{other:?}"),
    }
}
