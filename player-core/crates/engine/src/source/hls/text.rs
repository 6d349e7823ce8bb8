//! Subtitles of a presentation: WebVTT segments, fetched around the position.

use std::sync::Arc;

use kinora_captions::{Cue, parse_file};
use kinora_manifest::{MediaPlaylist, Playlist, Variables};
use kinora_time::{HostUs, MediaUs, SECOND_US, ticks_to_us};

use super::lines::Lines;
use crate::captions::NewCue;
use crate::error::{Error, ErrorKind};
use crate::event::NetChange;
use crate::shim::Shim;
use crate::source::reader::Part;
use crate::source::{Cx, Download, Fetched};

/// Subtitles are small: they are fetched as far ahead as the picture at most is.
const AHEAD_US: MediaUs = 60 * SECOND_US;
const PLAYLIST_BYTES: usize = 16 << 20;
const SEGMENT_BYTES: usize = 8 << 20;

/// See the [module](self).
pub(super) struct TextLane {
    track: u32,
    playlist: Option<Arc<MediaPlaylist>>,
    variables: Variables,
    download: Option<(Option<usize>, Download)>,
    /// Segments that were fetched, or cannot be.
    done: Vec<bool>,
}

impl TextLane {
    pub(super) fn new(track: u32, url: &str, variables: &Variables) -> Self {
        let download = Download::new(url, None, PLAYLIST_BYTES);
        TextLane {
            track,
            playlist: None,
            variables: variables.clone(),
            download: Some((None, download)),
            done: Vec::new(),
        }
    }

    pub(super) fn track(&self) -> u32 {
        self.track
    }

    /// Fetches what shows soon; an error ends the lane.
    pub(super) fn poll(&mut self, lines: &Lines, cx: &mut Cx<'_>) -> Result<(), Error> {
        let Some(base_us) = lines.base_us() else { return Ok(()) };
        while !cx.budget.is_spent() {
            if self.download.is_none() {
                self.download = self.due(cx.feeds.position_us().saturating_sub(base_us));
            }
            let Some((segment, download)) = &mut self.download else { return Ok(()) };
            let segment = *segment;
            let polled = download.poll(cx.now, cx.shim);
            if matches!(polled, Ok(None)) {
                return Ok(());
            }
            self.download = None;
            match (segment, polled) {
                (_, Ok(None)) => {}
                (None, Ok(Some(file))) => self.open(&file)?,
                (None, Err(error)) => return Err(error),
                (Some(index), Ok(Some(file))) => self.cues(index, &file, lines, cx),
                // One lost segment is a few lost lines.
                (Some(_), Err(error)) => cx.shim.log(2, &format!("subtitles: {}", error.reason)),
            }
        }
        Ok(())
    }

    fn open(&mut self, file: &Fetched) -> Result<(), Error> {
        let unusable = || Error::new(ErrorKind::Content, "The list of subtitles cannot be read.");
        match kinora_manifest::parse(&file.bytes, &file.url, &self.variables) {
            Ok(Playlist::Media(playlist))
                if playlist.segments.iter().all(|segment| segment.init.is_none()) =>
            {
                self.done =
                    playlist.segments.iter().map(|segment| segment.gap || segment.key.is_some()).collect();
                self.playlist = Some(Arc::new(playlist));
                Ok(())
            }
            Ok(Playlist::Media(_)) => {
                Err(Error::new(ErrorKind::Unsupported, "Subtitles in this container are not supported."))
            }
            _ => Err(unusable()),
        }
    }

    /// The fetch of the first missing segment around playlist time `at_us`.
    fn due(&mut self, at_us: MediaUs) -> Option<(Option<usize>, Download)> {
        let playlist = self.playlist.as_ref()?;
        let mut start_us: MediaUs = 0;
        for (index, segment) in playlist.segments.iter().enumerate() {
            let end_us = start_us.saturating_add(segment.duration_us);
            if start_us > at_us.saturating_add(AHEAD_US) {
                return None;
            }
            if end_us >= at_us && !std::mem::replace(self.done.get_mut(index)?, true) {
                let part = segment.byte_range.map(|range| Part { start: range.offset, len: range.length });
                return Some((Some(index), Download::new(&segment.uri, part, SEGMENT_BYTES)));
            }
            start_us = end_us;
        }
        None
    }

    fn cues(&self, index: usize, file: &Fetched, lines: &Lines, cx: &mut Cx<'_>) {
        let Some(playlist) = &self.playlist else { return };
        let Some(segment) = playlist.segments.get(index) else { return };
        let parsed = parse_file(&file.url, &file.bytes);
        cx.budget.spend(file.bytes.len());
        let at_us = playlist.segments.iter().take(index).map(|segment| segment.duration_us).sum();
        // Without a map, cue times count from the start of the presentation.
        let shift_us = match parsed.timestamp_map {
            Some(map) => {
                let pts_us = ticks_to_us(map.mpegts as i64, 90_000);
                let to_line = pts_us.saturating_sub(map.local_us);
                to_line.saturating_add(lines.text_offset(segment.discontinuity_sequence, pts_us, at_us))
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
        let Some((segment, download)) = &mut self.download else { return Ok(false) };
        match download.net(ticket, change, now, shim) {
            Err(error) if segment.is_some() => {
                shim.log(2, &format!("subtitles: {}", error.reason));
                self.download = None;
                Ok(true)
            }
            other => other,
        }
    }

    pub(super) fn wake_us(&self, after: HostUs) -> Option<HostUs> {
        self.download.as_ref().and_then(|(_, download)| download.wake_us(after))
    }

    pub(super) fn close(&mut self, shim: &mut dyn Shim) {
        if let Some((_, mut download)) = self.download.take() {
            download.close(shim);
        }
    }
}
