//! The playlists of variants and renditions: fetched when they are needed, kept for the way back.

use std::sync::Arc;

use kinora_manifest::{MediaPlaylist, Playlist, Variables};
use kinora_time::HostUs;

use super::lane::{Ids, Lane};
use super::listing::{Listing, Loaded};
use super::timetable::Timetable;
use super::{HlsSource, Kept, MOST_MUXED_AUDIO, MUXED_AUDIO, RENDITIONS, VIDEO, playlist_error};
use crate::error::{Error, ErrorKind};
use crate::source::{Cx, Download, Fetched};

/// Bytes of a playlist: a day of two-second segments has about 5 MB.
pub(super) const PLAYLIST_BYTES: usize = 16 << 20;

/// The playlist of a variant on its way.
pub(super) struct Fetching {
    pub(super) variant: usize,
    pub(super) asked_us: HostUs,
    pub(super) download: Download,
}

impl HlsSource {
    /// Fetches what is missing of playlists; whether the lanes can go on.
    pub(super) fn open_playlists(&mut self, cx: &mut Cx<'_>) -> Result<bool, Error> {
        if self.main.is_none() && self.playlists[self.current].is_none() && self.download.is_none() {
            self.fetch_variant(self.current, cx.now);
        }
        if let Some(Fetching { variant, asked_us, download }) = &mut self.download {
            let (variant, asked_us) = (*variant, *asked_us);
            let file = download.poll(cx.now, cx.shim);
            if !matches!(file, Ok(None)) {
                self.download = None;
            }
            match file.and_then(|file| file.map(|file| media(&file, &self.shared.variables)).transpose()) {
                Ok(None) => {}
                Ok(Some(playlist)) => {
                    self.playlists[variant] = Some(Loaded { playlist: Arc::new(playlist), asked_us });
                }
                Err(error) => self.playlist_failed(variant, error)?,
            }
        }
        if self.switching {
            let Some(listing) = self.listing(self.current) else {
                // Its playlist failed too: the next turn tries what is left, or goes on without the segment.
                if self.download.is_none() {
                    self.switching = false;
                    return self.segment_failed(missing(), cx).map(|()| !self.switching);
                }
                return Ok(false);
            };
            self.switching = false;
            let base_us = self.shared.lines.base_us();
            if let Some(main) = &mut self.main {
                main.change(listing, base_us, cx.shim);
            }
        }
        if self.main.is_none() && !self.open_main(cx.now) {
            return Ok(false);
        }
        self.open_audio(cx)
    }

    /// The playlist of a variant beside that of the current one, if it tells what is there now.
    pub(super) fn fresh_listing(&self, variant: usize, now: HostUs) -> Option<Listing> {
        let fresh = self.playlists[variant].as_ref().is_some_and(|loaded| loaded.is_fresh(now));
        if fresh { self.listing(variant) } else { None }
    }

    fn listing(&self, variant: usize) -> Option<Listing> {
        let loaded = self.playlists[variant].as_ref()?;
        let table = self.main.as_ref()?.table().aligned(Arc::clone(&loaded.playlist));
        Some(Listing::new(table, &self.urls[variant], loaded.asked_us))
    }

    /// Opens the main lane, once its playlist is there.
    fn open_main(&mut self, now: HostUs) -> bool {
        let Some(Loaded { playlist, asked_us }) = self.playlists[self.current].clone() else { return false };
        let mut resumed_us = None;
        let table = match self.kept.take() {
            Some(Kept { state, at_us }) => {
                self.restore(&state, now);
                resumed_us = at_us.map(|at_us| at_us.saturating_sub(state.base_us));
                Timetable::beside(playlist, &state.mark)
            }
            None => Timetable::first(playlist),
        };
        let span = table.span();
        self.begin_us = match resumed_us.filter(|at_us| (span.from_us..=span.to_us).contains(at_us)) {
            Some(at_us) => at_us,
            None if table.is_live() => table.begin_us(self.presentation.start),
            None => span.from_us,
        };
        self.at_us = self.begin_us;
        let most_audio = if self.audio_rendition.is_some() { 0 } else { MOST_MUXED_AUDIO };
        let ids = Ids { video: Some(VIDEO), audio: Some(MUXED_AUDIO), most_audio };
        let listing = Listing::new(table, &self.urls[self.current], asked_us);
        self.main = Some(Lane::new(listing, self.begin_us, ids));
        true
    }

    fn open_audio(&mut self, cx: &mut Cx<'_>) -> Result<bool, Error> {
        let Some(place) = self.audio_rendition.filter(|_| self.audio.is_none()) else { return Ok(true) };
        let url = self.rendition_url(place).unwrap_or_default().to_owned();
        let (asked_us, download) =
            self.audio_download.get_or_insert_with(|| (cx.now, Download::new(&url, None, PLAYLIST_BYTES)));
        let asked_us = *asked_us;
        let Some(file) = download.poll(cx.now, cx.shim)? else { return Ok(false) };
        let playlist = media(&file, &self.shared.variables)?;
        self.audio_download = None;
        let Some(main) = &self.main else { return Ok(false) };
        let listing = Listing::new(main.table().aligned(Arc::new(playlist)), &url, asked_us);
        let ids = Ids { video: None, audio: Some(RENDITIONS + place as u32), most_audio: 1 };
        let mut lane = Lane::new(listing, self.at_us, ids);
        if let (Some(base_us), true) = (self.shared.lines.base_us(), self.announced) {
            lane.seek(self.at_us, base_us, cx.shim);
        }
        self.audio = Some(lane);
        Ok(true)
    }

    pub(super) fn fetch_variant(&mut self, variant: usize, now: HostUs) {
        if let Some(url) = self.urls.get(variant) {
            let download = Download::new(url, None, PLAYLIST_BYTES);
            self.download = Some(Fetching { variant, asked_us: now, download });
        }
    }

    /// Notes that a variant fails, and gives another that has not: the nearest below if there is one.
    pub(super) fn other_than(&mut self, variant: usize) -> Option<usize> {
        if !self.failed.contains(&variant) {
            self.failed.push(variant);
        }
        let rate = |other: &usize| self.rates_bps[*other];
        let left = || (0..self.places.len()).filter(|other| !self.failed.contains(other));
        let below = left().filter(|other| rate(other) <= rate(&variant)).max_by_key(rate);
        below.or_else(|| left().min_by_key(rate))
    }

    /// Before anything plays, another variant is opened; afterwards this one is not switched to.
    pub(super) fn playlist_failed(&mut self, variant: usize, error: Error) -> Result<(), Error> {
        let other = self.other_than(variant);
        if self.main.is_none() {
            self.current = other.ok_or(error)?;
        }
        Ok(())
    }
}

fn missing() -> Error {
    Error::new(ErrorKind::Network, "Parts of it are missing on the server.")
}

/// A playlist of segments; that of a live stream may have none yet.
pub(super) fn media(file: &Fetched, variables: &Variables) -> Result<MediaPlaylist, Error> {
    let reason = match kinora_manifest::parse(&file.bytes, &file.url, variables) {
        Ok(Playlist::Media(playlist)) => return Ok(playlist),
        Ok(_) => "The playlist names other playlists where it should name segments.",
        Err(error) => return Err(playlist_error(error)),
    };
    Err(Error::new(ErrorKind::Content, reason))
}
