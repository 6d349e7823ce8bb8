//! What is played: a film whose frames carry their number as a barcode, tones that are worked out, and the feeds that answer wants.

use std::cell::RefCell;

use kinora_display_list::{Fit, Layer, Node, Rect, Video};
use kinora_guests::bindings::exports::kinora::shim::player::Event;
use kinora_guests::bindings::kinora::shim::types::Failure;

use crate::api::streams::{self, Sample};
use crate::api::timeline::{self, Change, State, Status, Tuning, Want};
use crate::api::{audio, video};
use crate::display;
use crate::report::{Stop, Verdict, must};
use crate::running::event;

/// 75 frames of 160x96, a key frame each second; numbered from 0. ITU-R BT.601.
const NUMBERS: (&[u8], &str) =
    (include_bytes!("../media/numbers.h264"), include_str!("../media/numbers.order"));
/// 25 frames of 96x48, numbered from 100.
const OTHER: (&[u8], &str) = (include_bytes!("../media/other.h264"), include_str!("../media/other.order"));
/// Access unit delimiter, with which each access unit begins (ITU-T H.264 7.3.2.4).
const DELIMITER: &[u8] = &[0, 0, 0, 1, 9];
/// H.264 Main profile, level 1.1.
pub(crate) const H264: &str = "avc1.4d400b";
/// Duration of a frame.
pub(crate) const FRAME_US: i64 = 40_000;
/// B frames are decoded up to two frames before they are shown.
const REORDER_US: i64 = 2 * FRAME_US;
/// Bits of a sample (`wit/streams.wit`).
pub(crate) const KEY: u32 = 1;
pub(crate) const DISCONTINUITY: u32 = 4;
/// Sound samples in one sample of a stream, in milliseconds.
const BLOCK_MS: u32 = 20;
/// The mark that appends carry.
pub(crate) const TAG: u64 = 0x6b69;
/// Where the film stands on the screen, in pixels.
const PLACE: (i32, i32) = (8, 8);

/// One access unit or block of sound.
#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) sample: Sample,
    pub(crate) bytes: Vec<u8>,
}

/// A stream that is fed when it wants.
struct Feed {
    stream: u64,
    parts: Vec<Part>,
    next: usize,
    /// Only so many parts are given yet.
    limit: usize,
    held: Option<Want>,
}

thread_local! {
    static FEEDS: RefCell<Vec<Feed>> = const { RefCell::new(Vec::new()) };
}

/// Answers a want of a stream that is fed.
pub(crate) fn answer(event: &Event) {
    if let Event::Timeline((_, _, Change::Want(want))) = event {
        FEEDS.with_borrow_mut(|feeds| {
            if let Some(feed) = feeds.iter_mut().find(|feed| feed.stream == want.stream) {
                feed.answer(want);
            }
        });
    }
}

impl Feed {
    fn answer(&mut self, want: &Want) {
        if want.restart {
            let starts = |part: &Part| part.sample.bits & KEY != 0 && part.sample.pts_us <= want.from_us;
            self.next = self.parts.iter().rposition(starts).unwrap_or(0);
        }
        if self.next < self.limit {
            // A refusal shows in what is seen and heard.
            let taken = append(want.stream, want.seek, &self.parts[self.next..self.limit]);
            self.next += taken.unwrap_or(0) as usize;
        } else if self.next == self.parts.len() {
            let _ = streams::end(want.stream, want.seek);
        } else {
            self.held = Some(*want);
        }
    }
}

/// Feeds a stream from now on, at first only `limit` parts.
pub(crate) fn feed(stream: u64, parts: Vec<Part>, limit: usize) {
    let limit = limit.min(parts.len());
    FEEDS.with_borrow_mut(|feeds| feeds.push(Feed { stream, parts, next: 0, limit, held: None }));
}

/// Lets a feed give all of it.
pub(crate) fn feed_all(stream: u64) {
    FEEDS.with_borrow_mut(|feeds| {
        let Some(feed) = feeds.iter_mut().find(|feed| feed.stream == stream) else { return };
        feed.limit = feed.parts.len();
        if let Some(want) = feed.held.take() {
            feed.answer(&want);
        }
    });
}

/// `streams.append` of some parts.
pub(crate) fn append(stream: u64, seek: u64, parts: &[Part]) -> Result<u32, Failure> {
    let samples: Vec<Sample> = parts.iter().map(|part| part.sample).collect();
    let body: Vec<u8> = parts.iter().flat_map(|part| part.bytes.iter().copied()).collect();
    streams::append(stream, seek, TAG, &samples, &body)
}

/// The film with numbers, in decode order.
pub(crate) fn numbers() -> Vec<Part> {
    pictures(NUMBERS)
}

/// The other film, moved to begin at `from_us`.
pub(crate) fn other(from_us: i64) -> Vec<Part> {
    let mut parts = pictures(OTHER);
    for part in &mut parts {
        part.sample.pts_us += from_us;
        part.sample.dts_us += from_us;
    }
    parts
}

fn pictures((film, order): (&[u8], &str)) -> Vec<Part> {
    let starts: Vec<usize> = film
        .windows(DELIMITER.len())
        .enumerate()
        .filter(|(_, w)| *w == DELIMITER)
        .map(|(at, _)| at)
        .collect();
    let ends = starts.iter().copied().skip(1).chain([film.len()]);
    let units = starts.iter().copied().zip(ends);
    let parts = units.zip(order.split_whitespace()).enumerate().map(|(n, ((start, end), word))| {
        let shown: i64 = word.trim_end_matches('K').parse().expect("the order lists numbers");
        let sample = Sample {
            pts_us: shown * FRAME_US,
            dts_us: n as i64 * FRAME_US - REORDER_US,
            duration_us: FRAME_US as u32,
            bits: if word.ends_with('K') { KEY } else { 0 },
            size: (end - start) as u32,
            side_size: 0,
        };
        Part { sample, bytes: film[start..end].to_vec() }
    });
    parts.collect()
}

/// Sound of one channel, 16 bits, a quarter of full scale; `hz` by milliseconds.
pub(crate) fn tone(rate_hz: u32, from_us: i64, ms: u32, hz: impl Fn(u32) -> f32) -> Vec<Part> {
    let block = rate_hz * BLOCK_MS / 1000;
    let mut phase = 0.0_f32;
    let parts = (0..ms / BLOCK_MS).map(|n| {
        let mut bytes = Vec::with_capacity(2 * block as usize);
        for i in 0..block {
            let value = (phase * std::f32::consts::TAU).sin() * 8192.0;
            bytes.extend((value as i16).to_le_bytes());
            phase = (phase + hz(n * BLOCK_MS + i * 1000 / rate_hz) / rate_hz as f32).fract();
        }
        let at = from_us + i64::from(n * BLOCK_MS) * 1000;
        let duration_us = BLOCK_MS * 1000;
        let size = bytes.len() as u32;
        Part { sample: Sample { pts_us: at, dts_us: at, duration_us, bits: KEY, size, side_size: 0 }, bytes }
    });
    parts.collect()
}

/// The configuration of a video codec; with the parameter sets of the film where it is the film's.
pub(crate) fn video_config(codec: &str, (width_px, height_px): (u32, u32)) -> video::Config {
    let film = if (width_px, height_px) == (96, 48) { OTHER.0 } else { NUMBERS.0 };
    video::Config {
        codec: codec.into(),
        extradata: if codec.starts_with("avc1") { parameter_sets(film) } else { Vec::new() },
        width_px,
        height_px,
        par: (1, 1),
        rotation_deg: 0,
        // BT.601 (525 lines) by all three code points, limited range.
        cicp: 0x0006_0606,
        extras: Vec::new(),
    }
}

/// Sequence and picture parameter sets (NAL unit types 7 and 8) of a film, Annex B.
fn parameter_sets(film: &[u8]) -> Vec<u8> {
    let mut sets = Vec::new();
    let starts: Vec<usize> =
        film.windows(3).enumerate().filter(|(_, w)| *w == [0, 0, 1]).map(|(at, _)| at + 3).collect();
    for (i, &start) in starts.iter().enumerate().take(8) {
        let end = starts.get(i + 1).map_or(film.len(), |next| next - 3);
        if matches!(film[start] & 31, 7 | 8) {
            sets.extend([0, 0, 0, 1]);
            let unit = &film[start..end];
            let zeros = unit.iter().rev().take_while(|byte| **byte == 0).count();
            sets.extend(&unit[..unit.len() - zeros]);
        }
    }
    sets
}

/// The configuration of a sound codec of one channel.
pub(crate) fn audio_config(codec: &str, rate_hz: u32) -> audio::Config {
    audio::Config { codec: codec.into(), extradata: Vec::new(), rate_hz, channels: 1, extras: Vec::new() }
}

/// A timeline on which every frame counts, however slow the machine.
pub(crate) fn new_timeline(tag: u64, start_us: u32) -> Result<u64, Stop> {
    let timeline = timeline::create(tag).map_err(|e| e.message)?;
    let tuning = Tuning {
        start_us,
        resume_us: start_us,
        late_us: 60_000_000,
        skip_us: 60_000_000,
        extras: Vec::new(),
    };
    timeline::tune(timeline, &tuning).map_err(|e| e.message)?;
    Ok(timeline)
}

/// What a shim cannot decode it does not offer; any other failure to open is one.
pub(crate) fn opened(codec: &str, stream: Result<u64, Failure>) -> Result<u64, Stop> {
    stream.map_err(|e| if e.code == 10 { Stop::NotOffered(codec.into()) } else { e.message.into() })
}

/// Opens the film's pictures on a timeline.
pub(crate) fn open_numbers(timeline: u64) -> Result<u64, Stop> {
    opened(H264, video::open(timeline, &video_config(H264, (160, 96))))
}

/// Opens a sound stream of 16-bit samples on a timeline.
pub(crate) fn open_pcm(timeline: u64, rate_hz: u32) -> Result<u64, Stop> {
    opened("pcm-s16le", audio::open(timeline, &audio_config("pcm-s16le", rate_hz)))
}

/// Opens a sound stream on a timeline and feeds it.
pub(crate) fn open_tone(timeline: u64, rate_hz: u32, parts: Vec<Part>) -> Result<u64, Stop> {
    let stream = open_pcm(timeline, rate_hz)?;
    feed(stream, parts, usize::MAX);
    Ok(stream)
}

/// The film on a timeline of its own, on the screen; `limit` of its frames are given yet. Answers with timeline and stream.
pub(crate) fn open(limit: usize) -> Result<(u64, u64), Stop> {
    let timeline = new_timeline(1, 500_000)?;
    let stream = open_numbers(timeline)?;
    feed(stream, numbers(), limit);
    show(timeline)?;
    Ok((timeline, stream))
}

/// The whole film, shown and paused on its first frame.
pub(crate) async fn open_whole() -> Result<(u64, u64), Stop> {
    let opened = open(usize::MAX)?;
    reach(opened.0, State::Presenting).await?;
    crate::running::sleep(300_000).await;
    Ok(opened)
}

/// Puts a timeline's picture on the screen, in its own size.
pub(crate) fn show(timeline: u64) -> Verdict {
    show_sized(timeline, (160, 96))
}

/// The same in so many pixels.
pub(crate) fn show_sized(timeline: u64, (w, h): (i32, i32)) -> Verdict {
    let rect = Rect { x: PLACE.0 * 1000, y: PLACE.1 * 1000, w: w * 1000, h: h * 1000 };
    let nodes = vec![Node::Video(Video { timeline, rect, fit: Fit::Fill })];
    display::show(&[Layer { id: 1, z: 0, nodes }])
}

/// Waits until a timeline is in a state.
pub(crate) async fn reach(timeline: u64, state: State) -> Verdict {
    let reached = event(20_000_000, |event| match event {
        Event::Timeline((id, _, Change::State(new))) if *id == timeline => (*new == state).then_some(()),
        _ => None,
    });
    must(reached.await.is_some(), format!("the timeline does not come to {state:?}"))
}

/// Plays a timeline and waits until its clock goes; opening a sound device takes its time.
pub(crate) async fn start(timeline: u64) -> Verdict {
    timeline::play(timeline).map_err(|e| e.message)?;
    let started = event(20_000_000, |event| match event {
        Event::Timeline((id, _, Change::Anchor(anchor))) if *id == timeline => {
            (anchor.rate_permille != 0).then_some(())
        }
        _ => None,
    });
    must(started.await.is_some(), "the clock does not start")
}

/// The `seeked` of a ticket.
pub(crate) async fn seeked(ticket: u64) -> Result<i64, Stop> {
    let reached = event(5_000_000, |event| match event {
        Event::Timeline((_, t, Change::Seeked(at))) if *t == ticket => Some(*at),
        _ => None,
    });
    reached.await.ok_or_else(|| "no `seeked` came".into())
}

/// A timeline as it is listed.
pub(crate) fn status(timeline: u64) -> Result<Status, Stop> {
    let live = timeline::live().into_iter().find(|status| status.id == timeline);
    live.ok_or_else(|| "a timeline that lives is not listed".into())
}
