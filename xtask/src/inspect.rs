//! `inspect`: what the core's own parsers, compiled natively, see in a file.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use kinora_captions::{Cue, PayloadFormat, parse_file, parse_payload};
use kinora_demux::{Demux, Kind, Probe, Sample, Step, TextFormat, Track, Window, open};
use kinora_manifest::Variables;

/// Bytes read at once.
const READ: usize = 1 << 20;

/// What to print besides the tracks.
#[derive(Default)]
struct Wanted {
    samples: bool,
    cues: bool,
    manifest: bool,
}

/// `inspect SRC [--samples] [--cues] [--manifest]`.
pub(crate) fn inspect(args: &[String]) -> Result<(), String> {
    let mut wanted = Wanted::default();
    let mut source = None;
    for arg in args {
        match arg.as_str() {
            "--samples" => wanted.samples = true,
            "--cues" => wanted.cues = true,
            "--manifest" => wanted.manifest = true,
            _ if source.is_none() => source = Some(arg),
            _ => return Err(format!("inspect: one source at a time, not also `{arg}`")),
        }
    }
    let path = Path::new(source.ok_or("inspect: name a file")?);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let result = if wanted.manifest {
        manifest(path, &mut out)
    } else if is_captions(path) {
        captions(path, &mut out)
    } else {
        media(path, &wanted, &mut out)
    };
    // A reader that has seen enough (`| head`) is no error.
    match result.and_then(|()| out.flush().map_err(Failed::Output)) {
        Ok(()) => Ok(()),
        Err(Failed::Output(e)) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(Failed::Output(e)) => Err(e.to_string()),
        Err(Failed::Source(why)) => Err(format!("{}: {why}", path.display())),
    }
}

enum Failed {
    Source(String),
    Output(std::io::Error),
}

impl From<std::io::Error> for Failed {
    fn from(e: std::io::Error) -> Self {
        Failed::Output(e)
    }
}

fn source<E: std::fmt::Display>(e: E) -> Failed {
    Failed::Source(e.to_string())
}

fn is_captions(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    ["srt", "vtt", "ass", "ssa"].contains(&extension.as_str())
}

fn captions(path: &Path, out: &mut impl Write) -> Result<(), Failed> {
    let bytes = std::fs::read(path).map_err(source)?;
    let parsed = parse_file(&path.to_string_lossy(), &bytes);
    for cue in &parsed.cues {
        cue_line(cue, out)?;
    }
    for issue in &parsed.issues {
        writeln!(out, "issue {issue}")?;
    }
    Ok(())
}

/// `cue start_us end_us text`, lines of the cue separated by ` | `.
fn cue_line(cue: &Cue, out: &mut impl Write) -> Result<(), Failed> {
    let line =
        |line: &kinora_captions::Line| line.runs.iter().map(|run| run.text.as_str()).collect::<String>();
    let text = cue.lines.iter().map(line).collect::<Vec<_>>().join(" | ");
    Ok(writeln!(out, "cue {} {} {text}", cue.start_us, cue.end_us)?)
}

fn manifest(path: &Path, out: &mut impl Write) -> Result<(), Failed> {
    let bytes = std::fs::read(path).map_err(source)?;
    let absolute = std::path::absolute(path).map_err(source)?;
    let base = format!("file://{}", absolute.display());
    let playlist = kinora_manifest::parse(&bytes, &base, &Variables::default()).map_err(source)?;
    serde_json::to_writer_pretty(&mut *out, &playlist).map_err(source)?;
    Ok(writeln!(out)?)
}

fn media(path: &Path, wanted: &Wanted, out: &mut impl Write) -> Result<(), Failed> {
    let mut reader = Reader::open(path).map_err(source)?;
    let name = path.to_string_lossy();
    let mut demuxer = loop {
        match open(&reader.window, &name).map_err(source)? {
            Probe::Demuxer(demuxer) => break demuxer,
            Probe::More { at, least } => reader.fill(at, least).map_err(source)?,
        }
    };
    let mut listed = false;
    loop {
        match demuxer.step(&reader.window).map_err(source)? {
            Step::More { at, least } => reader.fill(at, least).map_err(source)?,
            Step::Tracks => {
                tracks(demuxer.as_ref(), out)?;
                if listed || !(wanted.samples || wanted.cues) {
                    break;
                }
                listed = true;
            }
            Step::Sample(sample) if wanted.samples => sample_line(&sample, demuxer.tracks(), out)?,
            Step::Cue(cue) if wanted.cues => embedded_cue(&cue, demuxer.tracks(), out)?,
            Step::Sample(_) | Step::Cue(_) => {}
            Step::End => break,
        }
    }
    for issue in demuxer.take_issues() {
        writeln!(out, "issue {issue}")?;
    }
    Ok(())
}

fn tracks(demuxer: &dyn Demux, out: &mut impl Write) -> Result<(), Failed> {
    let duration = demuxer.duration_us().map_or("unknown".into(), |us| us.to_string());
    writeln!(out, "start_us {} duration_us {duration} seekable {}", demuxer.start_us(), demuxer.seekable())?;
    for track in demuxer.tracks() {
        write!(out, "track {} {}", track.id, track.codec_string)?;
        match &track.kind {
            Kind::Video(v) => {
                let [primaries, transfer, matrix, range] = v.cicp;
                write!(
                    out,
                    " video {}x{} par {}:{} rotation {}",
                    v.width, v.height, v.par.0, v.par.1, v.rotation_deg
                )?;
                write!(out, " cicp {primaries}/{transfer}/{matrix}/{range}")?;
            }
            Kind::Audio(a) => write!(out, " audio {} Hz {} channels", a.rate_hz, a.channels)?,
            Kind::Text(format) => write!(out, " text {format:?}")?,
        }
        for (name, value) in [("language", &track.language), ("label", &track.label)] {
            if !value.is_empty() {
                write!(out, " {name} {value:?}")?;
            }
        }
        writeln!(out, " extradata {}{}", track.extradata.len(), if track.default { " default" } else { "" })?;
    }
    Ok(())
}

/// `track codec time_us duration_us key size hash`.
fn sample_line(sample: &Sample, tracks: &[Track], out: &mut impl Write) -> Result<(), Failed> {
    let codec = tracks.iter().find(|t| t.id == sample.track).map_or("?", |t| t.codec_string.as_str());
    Ok(writeln!(
        out,
        "{} {codec} {} {} {} {} {:X}",
        sample.track,
        sample.pts_us,
        sample.duration_us,
        u8::from(sample.key),
        sample.data.len(),
        hash(&sample.data)
    )?)
}

/// Java's `Arrays.hashCode`, which the dumps of other players use.
fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(1, |h: u32, &b| h.wrapping_mul(31).wrapping_add(b as i8 as u32))
}

fn embedded_cue(cue: &kinora_demux::Cue, tracks: &[Track], out: &mut impl Write) -> Result<(), Failed> {
    let Some(track) = tracks.iter().find(|t| t.id == cue.track) else { return Ok(()) };
    let Kind::Text(format) = track.kind else { return Ok(()) };
    let format = match format {
        TextFormat::Tx3g => PayloadFormat::Tx3g,
        TextFormat::Subrip => PayloadFormat::Subrip,
        TextFormat::WebVtt => PayloadFormat::WebVtt,
        TextFormat::WebVttBoxes => PayloadFormat::WebVttBoxes,
        TextFormat::Ass => PayloadFormat::Ass,
    };
    let end_us = cue.start_us.saturating_add(i64::from(cue.duration_us));
    for cue in parse_payload(format, &track.extradata, cue.start_us, end_us, &cue.data) {
        write!(out, "{} ", track.id)?;
        cue_line(&cue, out)?;
    }
    Ok(())
}

/// Feeds a window from a file the way a demuxer asks.
struct Reader {
    file: File,
    window: Window,
}

impl Reader {
    fn open(path: &Path) -> std::io::Result<Self> {
        let file = File::open(path)?;
        let mut window = Window::at(0);
        let metadata = file.metadata()?;
        window.set_total(metadata.is_file().then_some(metadata.len()));
        Ok(Reader { file, window })
    }

    fn fill(&mut self, at: u64, least: usize) -> std::io::Result<()> {
        if at < self.window.start() || at > self.window.end() {
            self.window.restart_at(at);
        }
        self.window.drop_before(at);
        self.file.seek(SeekFrom::Start(self.window.end()))?;
        let missing = least.saturating_sub(self.window.len()).max(READ);
        let mut bytes = Vec::new();
        (&mut self.file).take(missing as u64).read_to_end(&mut bytes)?;
        self.window.extend(&bytes);
        if bytes.len() < missing {
            self.window.set_ended();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_is_javas_arrays_hash_code() {
        // Arrays.hashCode(new byte[] {1, -1}) == (31 + 1) * 31 - 1
        assert_eq!((hash(&[]), hash(&[1, 0xff])), (1, 991));
    }
}
