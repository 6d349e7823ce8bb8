//! MP4 against the dumps of androidx/media (`$KINORA_FIXTURES/androidx`): time, size, hash and key flag of every sample, with
//! every way of reading.

use std::path::PathBuf;

use kinora_demux::{Demux, Mp4, Step, Window};

/// `time`, key, length and hash of a sample as the dumps have them.
type Line = (i64, bool, usize, u32);

/// `Arrays.hashCode(byte[])` of Java.
fn java_hash(data: &[u8]) -> u32 {
    data.iter().fold(1, |hash: u32, &byte| hash.wrapping_mul(31).wrapping_add(i32::from(byte as i8) as u32))
}

/// Samples by track id.
type Samples = Vec<(u32, Vec<Line>)>;

fn parse_dump(dump: &str) -> Samples {
    let mut tracks: Samples = Vec::new();
    let mut sample: Option<(i64, bool)> = None;
    for line in dump.lines().map(str::trim) {
        let number = |prefix: &str| line.strip_prefix(prefix).and_then(|v| v.parse::<i64>().ok());
        if line.starts_with("sample ") && line.ends_with(':') {
            sample = Some((0, false));
        } else if let Some(id) = number("id = ") {
            tracks.push((id as u32, Vec::new()));
        } else if let (Some(time), Some(s)) = (number("time = "), &mut sample) {
            s.0 = time;
        } else if let (Some(flags), Some(s)) = (number("flags = "), &mut sample) {
            s.1 = flags & 1 != 0;
        } else if let (Some(data), Some((time, key))) = (line.strip_prefix("data = length "), sample) {
            let (len, hash) = data.split_once(", hash ").unwrap();
            let line = (time, key, len.parse().unwrap(), u32::from_str_radix(hash, 16).unwrap());
            tracks.last_mut().unwrap().1.push(line);
            sample = None;
        }
    }
    tracks
}

/// Demuxes a file that arrives in pieces of `chunk` bytes.
fn demux(bytes: &[u8], chunk: usize, total_known: bool) -> Samples {
    let mut demuxer = Mp4::new();
    let mut window = Window::at(0);
    window.set_total(total_known.then_some(bytes.len() as u64));
    let mut tracks: Samples = Vec::new();
    loop {
        match demuxer.step(&window).unwrap() {
            Step::More { at, .. } => {
                if window.range().contains(&at) || at == window.end() {
                    window.drop_before(at);
                } else {
                    window.restart_at(at);
                }
                let end = window.end() as usize;
                match bytes.get(end..bytes.len().min(end + chunk)) {
                    Some(next) if !next.is_empty() => window.extend(next),
                    _ => window.set_ended(),
                }
            }
            Step::Tracks => tracks = demuxer.tracks().iter().map(|t| (t.id, Vec::new())).collect(),
            Step::Sample(s) => {
                let lines = &mut tracks.iter_mut().find(|(id, _)| *id == s.track).unwrap().1;
                lines.push((s.pts_us, s.key, s.data.len(), java_hash(&s.data)));
            }
            Step::Cue(_) => (),
            Step::End => break,
        }
    }
    assert_eq!(demuxer.take_issues(), Vec::<String>::new());
    tracks
}

#[test]
fn androidx_files_by_any_way_of_reading_give_the_samples_of_their_dumps() {
    let Some(fixtures) = std::env::var_os("KINORA_FIXTURES").map(PathBuf::from) else {
        println!("skipped: KINORA_FIXTURES is not set");
        return;
    };
    for name in ["sample.mp4", "sample_fragmented.mp4"] {
        let bytes = std::fs::read(fixtures.join("androidx/media/mp4").join(name)).unwrap();
        let dump =
            std::fs::read_to_string(fixtures.join(format!("androidx/dumps/mp4/{name}.0.dump"))).unwrap();
        let expected = parse_dump(&dump);
        assert!(expected.iter().all(|(_, samples)| samples.len() > 20));
        for chunk in [1, 7, 4096, usize::MAX / 2] {
            for total_known in [true, false] {
                assert_eq!(demux(&bytes, chunk, total_known), expected, "{name} by {chunk}");
            }
        }
    }
}
