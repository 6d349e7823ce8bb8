//! The movie box: tracks with their samples.

use kinora_bytes::Cursor;

use crate::issues::Issues;
use crate::{Codec, Error, Kind, Track};

use super::boxes::{Boxes, FourCc, child, descendant, full, versioned};
use super::edit::{self, Edited, Empty};
use super::fragment;
use super::sample_entry::{self, Description, Form, Media};
use super::sample_table::{self, Entry, MAX_SAMPLES, Table};

/// What `moov` says.
#[derive(Debug, Default)]
pub(super) struct Movie {
    pub(super) tracks: Vec<MovieTrack>,
    /// Whether fragments follow.
    pub(super) fragmented: bool,
    /// Duration with all fragments (`mehd`), microseconds.
    pub(super) fragments_duration_us: Option<i64>,
}

/// A track that is presented, or listed.
#[derive(Debug)]
pub(super) struct MovieTrack {
    pub(super) info: Track,
    pub(super) timescale: u32,
    pub(super) descriptions: Vec<Description>,
    /// In the order in which they are to be decoded.
    pub(super) entries: Vec<Entry>,
    /// Audio frames, counted from the first entry, to drop after decoding.
    pub(super) lead_frames: i64,
    /// Empty edits that `entries` include.
    pub(super) empty: Empty,
    pub(super) fragments: fragment::State,
}

/// Reads the body of `moov`. `total` is the length of the resource, when known.
pub(super) fn parse(moov: &[u8], total: Option<u64>, issues: &mut Issues) -> Result<Movie, Error> {
    if child(moov, *b"cmov").is_some() {
        return Err(Error::Unsupported("a compressed movie header".into()));
    }
    let header = child(moov, *b"mvhd").and_then(MovieHeader::parse).unwrap_or_default();
    let mvex = child(moov, *b"mvex");
    let mut movie = Movie {
        fragmented: mvex.is_some(),
        fragments_duration_us: mvex
            .and_then(|mvex| full(child(mvex, *b"mehd")?))
            .and_then(|(version, _, mut c)| i64::try_from(versioned(&mut c, version)?).ok())
            .map(|duration| kinora_time::ticks_to_us(duration, header.timescale)),
        ..Movie::default()
    };
    let traks = || Boxes(moov).filter(|&(kind, _)| kind == *b"trak").map(|(_, body)| body);
    let chapters: Vec<u32> =
        traks().filter_map(|trak| descendant(trak, &[*b"tref", *b"chap"])).flat_map(words).collect();
    let mut room = sample_table::room(MAX_SAMPLES, moov.len(), total);
    for trak in traks() {
        let Some(parts) = TrackParts::parse(trak) else { continue };
        if chapters.contains(&parts.id) || movie.tracks.iter().any(|t| t.info.id == parts.id) {
            continue;
        }
        let descriptions = sample_entry::parse(parts.stsd, parts.media, parts.display)?;
        if descriptions.is_empty() {
            issues.push(|| format!("track {} has no sample description that is understood", parts.id));
            continue;
        }
        let defaults = mvex.and_then(|mvex| {
            let mut all = Boxes(mvex).filter(|&(kind, _)| kind == *b"trex");
            all.find_map(|(_, body)| fragment::Defaults::parse(body).filter(|d| d.track == parts.id))
        });
        let track = parts.build(&header, descriptions, defaults, total, room, issues);
        room = room.saturating_sub(track.entries.len());
        movie.tracks.push(track);
    }
    if let Some(priming) = itunes_priming(moov)
        && let Some(last) = movie.tracks.last_mut()
        && last.info.codec == Codec::Aac
    {
        last.lead_frames = priming;
    }
    Ok(movie)
}

fn words(body: &[u8]) -> impl Iterator<Item = u32> + '_ {
    body.chunks_exact(4).filter_map(|w| Cursor::new(w).u32_be())
}

/// A transformation matrix without its translation and perspective, 16.16.
type Matrix = [[i64; 2]; 2];

/// What is used of `mvhd`.
struct MovieHeader {
    timescale: u32,
    matrix: Matrix,
}

impl Default for MovieHeader {
    fn default() -> Self {
        MovieHeader { timescale: 0, matrix: [[1 << 16, 0], [0, 1 << 16]] }
    }
}

impl MovieHeader {
    fn parse(body: &[u8]) -> Option<MovieHeader> {
        let (version, _, mut c) = full(body)?;
        c.skip(if version == 0 { 8 } else { 16 })?;
        let timescale = c.u32_be()?;
        versioned(&mut c, version)?;
        let matrix = c.skip(16).and_then(|()| matrix(&mut c));
        Some(MovieHeader { timescale, matrix: matrix.unwrap_or(MovieHeader::default().matrix) })
    }
}

/// ISO/IEC 14496-12, 6.2.2: a, b, u, c, d, v, x, y, w.
fn matrix(c: &mut Cursor<'_>) -> Option<Matrix> {
    let mut row = || {
        let (x, y) = (c.i32_be()?, c.i32_be()?);
        c.skip(4)?;
        Some([i64::from(x), i64::from(y)])
    };
    Some([row()?, row()?])
}

/// The clockwise quarter turn that brings the picture's upside to the top, after the track's and the movie's matrix.
/// A mirrored picture keeps being mirrored: the contract knows no mirroring.
fn rotation(track: &Matrix, movie: &Matrix) -> u32 {
    // Where the vector that points down in the picture points to.
    let down = [0, 1].map(|j| (track[1][0] * movie[0][j] + track[1][1] * movie[1][j]) >> 16);
    match (down[0].abs() > down[1].abs(), down[0] < 0, down[1] < 0) {
        (true, true, _) => 90,
        (true, false, _) => 270,
        (false, _, true) => 180,
        (false, _, false) => 0,
    }
}

/// The boxes of a `trak`, read but not yet interpreted.
struct TrackParts<'a> {
    id: u32,
    enabled: bool,
    matrix: Matrix,
    /// Display size before the matrix, pixels.
    display: (u32, u32),
    timescale: u32,
    language: String,
    label: String,
    forced: bool,
    media: Media,
    edits: Vec<edit::Edit>,
    stbl: &'a [u8],
    stsd: &'a [u8],
}

impl<'a> TrackParts<'a> {
    /// None for a track that is not presented or lacks its mandatory boxes.
    fn parse(trak: &'a [u8]) -> Option<TrackParts<'a>> {
        let (version, flags, mut tkhd) = full(child(trak, *b"tkhd")?)?;
        tkhd.skip(if version == 0 { 8 } else { 16 })?;
        let id = tkhd.u32_be()?;
        tkhd.skip(if version == 0 { 8 } else { 12 } + 16)?;
        let matrix = matrix(&mut tkhd)?;
        let display = tkhd.skip(12).and_then(|()| Some((tkhd.u32_be()? >> 16, tkhd.u32_be()? >> 16)));

        let mdia = child(trak, *b"mdia")?;
        let (version, _, mut mdhd) = full(child(mdia, *b"mdhd")?)?;
        mdhd.skip(if version == 0 { 8 } else { 16 })?;
        let timescale = mdhd.u32_be()?;
        versioned(&mut mdhd, version)?;
        let packed_language = mdhd.u16_be().unwrap_or(0);
        let extended = child(mdia, *b"elng").and_then(full).map(|(_, _, c)| text(c.rest()));

        let hdlr = child(mdia, *b"hdlr")?;
        let handler: FourCc = hdlr.get(8..12)?.try_into().ok()?;
        let title = descendant(trak, &[*b"udta", *b"name"]).map(text).filter(|name| !name.is_empty());
        let stbl = descendant(mdia, &[*b"minf", *b"stbl"])?;
        Some(TrackParts {
            id,
            enabled: flags & 1 != 0,
            matrix,
            display: display.unwrap_or_default(),
            timescale,
            language: extended.filter(|tag| !tag.is_empty()).unwrap_or_else(|| language(packed_language)),
            label: title.or_else(|| handler_name(hdlr)).unwrap_or_default(),
            forced: is_forced(trak),
            media: Media::of_handler(handler)?,
            edits: descendant(trak, &[*b"edts", *b"elst"]).map(edit::parse).unwrap_or_default(),
            stbl,
            stsd: child(stbl, *b"stsd")?,
        })
    }

    fn build(
        self,
        header: &MovieHeader,
        descriptions: Vec<Description>,
        defaults: Option<fragment::Defaults>,
        total: Option<u64>,
        room: usize,
        issues: &mut Issues,
    ) -> MovieTrack {
        let description = &descriptions[0];
        let timescale = if self.timescale == 0 { header.timescale.max(1) } else { self.timescale };
        let audio = self.media == Media::Audio;
        let pcm_frame = match description.form {
            Form::Pcm(pcm) => Some(pcm.frame_len),
            _ => None,
        };
        let context = sample_table::Context { pcm_frame, video: self.media == Media::Video, total, room };
        let table = sample_table::expand(self.stbl, &context).unwrap_or_else(|| {
            issues.push(|| format!("track {} lacks a part of its sample table", self.id));
            Table::default()
        });
        // Edits are stated in the movie's timescale: without one they mean nothing.
        let edits = if header.timescale == 0 { &[] } else { &self.edits[..] };
        let time_offset = edit::time_offset(edits, timescale, header.timescale);
        let (cut, end) = (table.cut, table.end);
        let context = edit::Context { timescale, movie_timescale: header.timescale, audio, room };
        let Edited { entries, lead, empty, cut: edits_cut } = edit::apply(table, edits, &context);
        if cut || edits_cut {
            issues.push(|| format!("track {} declares samples that the file has no room for", self.id));
        }

        let mut kind = description.kind.clone();
        let mut lead_frames = 0;
        match &mut kind {
            Kind::Video(video) => video.rotation_deg = rotation(&self.matrix, &header.matrix),
            Kind::Audio(format) => {
                lead_frames =
                    kinora_time::mul_div_floor(lead, i64::from(format.rate_hz), i64::from(timescale));
            }
            Kind::Text(_) => (),
        }
        MovieTrack {
            info: Track {
                id: self.id,
                codec: description.codec,
                codec_string: description.codec_string.clone(),
                extradata: description.extradata.clone(),
                kind,
                language: self.language,
                label: self.label,
                default: self.enabled,
                forced: self.forced || description.forced,
            },
            timescale,
            fragments: fragment::State {
                defaults: defaults.unwrap_or_else(|| fragment::Defaults::of_track(self.id)),
                audio,
                pcm_frame,
                time_offset,
                end,
                last_dts: entries.last().map(|entry| entry.dts),
            },
            descriptions,
            entries,
            lead_frames,
            // FFmpeg times pictures in whole ticks. Sound is timed exactly: a rounded start would be a rounding error
            // against the pictures.
            empty: if audio { empty } else { Empty::default() },
        }
    }
}

/// Text up to its terminator.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end.min(256)]).trim().to_string()
}

/// The name in `hdlr`, unless it is what a writer puts into every file. QuickTime counts its length in the first byte.
fn handler_name(hdlr: &[u8]) -> Option<String> {
    let bytes = hdlr.get(24..)?;
    let counted =
        bytes.split_first().and_then(|(&len, rest)| rest.get(..usize::from(len)).filter(|_| len < 32));
    let name = text(counted.filter(|name| !name.is_empty()).unwrap_or(bytes));
    let generic =
        ["handler", "core media", "iso media", "media file", "gpac", "mpeg-", "stereo", "mono", "surround"];
    let lower = name.to_lowercase();
    (!name.is_empty() && !generic.iter().any(|word| lower.contains(word))).then_some(name)
}

/// Three letters of five bits each; below 0x400 a language number of classic Mac OS.
fn language(packed: u16) -> String {
    const MAC: [&str; 34] = [
        "eng", "fra", "deu", "ita", "nld", "swe", "spa", "dan", "por", "nor", "heb", "jpn", "ara", "fin",
        "ell", "isl", "mlt", "tur", "hrv", "zho", "urd", "hin", "tha", "kor", "lit", "pol", "hun", "est",
        "lav", "sme", "fao", "fas", "rus", "zho",
    ];
    if packed < 0x400 {
        return MAC.get(usize::from(packed)).copied().unwrap_or_default().to_string();
    }
    let letters = [10, 5, 0].map(|shift| (packed >> shift & 31) as u8 + 0x60);
    let code = String::from_utf8_lossy(&letters).into_owned();
    if code == "und" || !letters.iter().all(u8::is_ascii_lowercase) { String::new() } else { code }
}

/// DASH role `forced-subtitle` in a `kind` box, ISO/IEC 14496-12, 8.10.4.
fn is_forced(trak: &[u8]) -> bool {
    let Some(udta) = child(trak, *b"udta") else { return false };
    Boxes(udta).any(|(kind, body)| {
        let value = full(body).and_then(|(_, _, c)| c.rest().split(|&b| b == 0).nth(1));
        kind == *b"kind"
            && value.is_some_and(|value| value == b"forced-subtitle" || value == b"forced_subtitle")
    })
}

/// Encoder delay as iTunes notes it: `iTunSMPB` holds hexadecimal numbers, the second is the priming in audio frames.
/// FFmpeg takes it for the last track and prefers it to the edit list.
fn itunes_priming(moov: &[u8]) -> Option<i64> {
    let meta = descendant(moov, &[*b"udta", *b"meta"])?;
    // QuickTime's `meta` is no full box: its children begin at once.
    let ilst = child(meta.get(4..)?, *b"ilst").or_else(|| child(meta, *b"ilst"))?;
    Boxes(ilst).filter(|&(kind, _)| kind == *b"----").find_map(|(_, item)| {
        if child(item, *b"name")?.get(4..)? != b"iTunSMPB" {
            return None;
        }
        let value = std::str::from_utf8(child(item, *b"data")?.get(8..)?).ok()?;
        let priming = i64::from_str_radix(value.split_ascii_whitespace().nth(1)?, 16).ok()?;
        (1..16_384).contains(&priming).then_some(priming)
    })
}
