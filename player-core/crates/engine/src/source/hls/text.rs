//! Subtitles of a presentation: WebVTT segments, fetched around the position.

use std::collections::BTreeSet;
use std::sync::Arc;

use kinora_captions::{Cue, parse_file};
use kinora_manifest::Segment;
use kinora_time::{HostUs, MediaUs, SECOND_US, ticks_to_us};

use super::lane::Shared;
use super::lines::Lines;
use super::listing::Listing;
use super::playlists::{PLAYLIST_BYTES, media};
use super::timetable::Timetable;
use crate::captions::NewCue;
use crate::error::{Error, ErrorKind};
use crate::event::NetChange;
use crate::shim::Shim;
use crate::source::reader::Part;
use crate::source::{Cx, Download, Fetched};

/// Subtitles are small: they are fetched as far ahead as the picture at most is.
const AHEAD_US: MediaUs = 60 * SECOND_US;
const SEGMENT_BYTES: usize = 8 << 20;

/// See the [module](self).
pub(super) struct TextLane {
    track: u32,
    url: String,
    listing: Option<Listing>,
    download: Option<(What, Download)>,
    /// Numbers of segments that were fetched.
    done: BTreeSet<u64>,
}

/// What is being fetched.
enum What {
    /// With when it was asked for.
    Playlist(HostUs),
    /// With its line of timestamps and playlist time.
    Segment(u64, MediaUs),
}

impl TextLane {
    pub(super) fn new(track: u32, url: &str) -> Self {
        TextLane { track, url: url.to_owned(), listing: None, download: None, done: BTreeSet::new() }
    }

    pub(super) fn track(&self) -> u32 {
        self.track
    }

    /// Fetches what shows soon; an error ends the lane. `main`: what the pictures go by.
    pub(super) fn poll(&mut self, shared: &Shared, main: &Timetable, cx: &mut Cx<'_>) -> Result<(), Error> {
        let lines = &shared.lines;
        let Some(base_us) = lines.base_us() else { return Ok(()) };
        if let Some(listing) = &mut self.listing
            && listing.poll(main.start_us(main.live_index()), &shared.variables, cx.now, cx.shim)
        {
            self.done.clear();
        }
        while !cx.budget.is_spent() {
            if self.download.is_none() {
                self.download = match &self.listing {
                    Some(_) => self.due(cx.feeds.position_us().saturating_sub(base_us)),
                    None => {
                        let download = Download::new(&self.url, None, PLAYLIST_BYTES);
                        Some((What::Playlist(cx.now), download))
                    }
                };
            }
            let Some((_, download)) = &mut self.download else { return Ok(()) };
            let polled = download.poll(cx.now, cx.shim);
            if matches!(polled, Ok(None)) {
                return Ok(());
            }
            match (self.download.take().map(|(what, _)| what), polled) {
                (Some(What::Playlist(asked_us)), Ok(Some(file))) => {
                    let playlist = media(&file, &shared.variables)?;
                    if playlist.segments.iter().any(|segment| segment.init.is_some()) {
                        let reason = "Subtitles in this container are not supported.";
                        return Err(Error::new(ErrorKind::Unsupported, reason));
                    }
                    let table = main.aligned(Arc::new(playlist));
                    self.listing = Some(Listing::new(table, &self.url, asked_us));
                }
                (Some(What::Playlist(_)), Err(error)) => return Err(error),
                (Some(What::Segment(line, at_us)), Ok(Some(file))) => {
                    self.cues(line, at_us, &file, lines, cx);
                }
                // One lost segment is a few lost lines.
                (Some(What::Segment(..)), Err(error)) => {
                    cx.shim.log(2, &format!("subtitles: {}", error.reason));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The fetch of the first missing segment around playlist time `at_us`.
    fn due(&mut self, at_us: MediaUs) -> Option<(What, Download)> {
        let table = self.listing.as_ref()?.table();
        let kept = self.done.split_off(&table.sequence(0));
        self.done = kept;
        let until_us = at_us.saturating_add(AHEAD_US);
        let readable = |segment: &Segment| !segment.gap && segment.key.is_none();
        let shows = |index: &usize| table.start_us(index + 1) >= at_us && table.start_us(*index) <= until_us;
        let index = (0..table.len()).filter(shows).find(|index| {
            table.segment(*index).is_some_and(readable) && !self.done.contains(&table.sequence(*index))
        })?;
        let segment = table.segment(index)?;
        let part = segment.byte_range.map(|range| Part { start: range.offset, len: range.length });
        let what = What::Segment(table.line(index)?, table.start_us(index));
        self.done.insert(table.sequence(index));
        Some((what, Download::new(&segment.uri, part, SEGMENT_BYTES)))
    }

    fn cues(&self, line: u64, at_us: MediaUs, file: &Fetched, lines: &Lines, cx: &mut Cx<'_>) {
        let parsed = parse_file(&file.url, &file.bytes);
        cx.budget.spend(file.bytes.len());
        // Without a map, cue times count from the start of the presentation.
        let shift_us = match parsed.timestamp_map {
            Some(map) => {
                let pts_us = ticks_to_us(map.mpegts as i64, 90_000);
                let to_line = pts_us.saturating_sub(map.local_us);
                to_line.saturating_add(lines.text_offset(line, pts_us, at_us))
            }
            None => lines.base_us().unwrap_or(0),
        };
        for cue in parsed.cues {
            let cue = Cue {
                start_us: cue.start_us.saturating_add(shift_us),
                end_us: cue.end_us.saturating_add(shift_us),
                ..cue
            };
            cx.feeds.push_cue(NewCue::Parsed(self.track, cue));
        }
    }

    pub(super) fn net(
        &mut self,
        ticket: u64,
        change: &NetChange,
        now: HostUs,
        shim: &mut dyn Shim,
    ) -> Result<bool, Error> {
        if self.listing.as_mut().is_some_and(|listing| listing.net(ticket, change, now, shim)) {
            return Ok(true);
        }
        let Some((what, download)) = &mut self.download else { return Ok(false) };
        match download.net(ticket, change, now, shim) {
            Err(error) if matches!(what, What::Segment(..)) => {
                shim.log(2, &format!("subtitles: {}", error.reason));
                self.download = None;
                Ok(true)
            }
            other => other,
        }
    }

    pub(super) fn wake_us(&self, after: HostUs) -> Option<HostUs> {
        let download = self.download.as_ref().and_then(|(_, download)| download.wake_us(after));
        let listing = self.listing.as_ref().and_then(|listing| listing.wake_us(after));
        [download, listing].into_iter().flatten().min()
    }

    pub(super) fn close(&mut self, shim: &mut dyn Shim) {
        if let Some((_, mut download)) = self.download.take() {
            download.close(shim);
        }
        if let Some(listing) = &mut self.listing {
            listing.close(shim);
        }
    }
}
