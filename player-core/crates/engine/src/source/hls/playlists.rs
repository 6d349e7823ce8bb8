//! The playlists of variants and renditions: fetched when they are needed, kept for the way back.

use std::sync::Arc;

use kinora_manifest::{MediaPlaylist, Playlist, Variables};

use super::lane::{Ids, Lane};
use super::{HlsSource, MOST_MUXED_AUDIO, MUXED_AUDIO, RENDITIONS, VIDEO, playlist_error};
use crate::error::{Error, ErrorKind};
use crate::source::{Cx, Download, Fetched};

/// Bytes of a playlist: a day of two-second segments has about 5 MB.
const PLAYLIST_BYTES: usize = 16 << 20;

impl HlsSource {
    /// Fetches what is missing of playlists; whether the lanes can go on.
    pub(super) fn open_playlists(&mut self, cx: &mut Cx<'_>) -> Result<bool, Error> {
        if self.main.is_none() && self.playlists[self.current].is_none() && self.download.is_none() {
            self.fetch_variant(self.current);
        }
        if let Some((variant, download)) = &mut self.download {
            let variant = *variant;
            match download.poll(cx.now, cx.shim) {
                Ok(None) => {}
                Ok(Some(file)) => {
                    self.download = None;
                    match media(&file, &self.presentation.variables) {
                        Ok(playlist) => self.playlists[variant] = Some(Arc::new(playlist)),
                        Err(error) => self.playlist_failed(variant, error)?,
                    }
                }
                Err(error) => {
                    self.download = None;
                    self.playlist_failed(variant, error)?;
                }
            }
        }
        if self.switching {
            let Some(playlist) = self.playlists[self.current].clone() else {
                // Its playlist failed too: the next turn tries what is left, or goes on without the segment.
                if self.download.is_none() {
                    self.switching = false;
                    return self.segment_failed(missing(), cx).map(|()| !self.switching);
                }
                return Ok(false);
            };
            self.switching = false;
            if let Some(main) = &mut self.main {
                main.change(playlist);
            }
        }
        if self.main.is_none() {
            let Some(playlist) = self.playlists[self.current].clone() else { return Ok(false) };
            if !playlist.end_list {
                self.notice =
                    Some("This is a live stream: what it held when it was opened is played.".to_owned());
            }
            let most_audio = if self.audio_rendition.is_some() { 0 } else { MOST_MUXED_AUDIO };
            let ids = Ids { video: Some(VIDEO), audio: Some(MUXED_AUDIO), most_audio };
            self.main = Some(Lane::new(playlist, ids));
        }
        self.open_audio(cx)
    }

    fn open_audio(&mut self, cx: &mut Cx<'_>) -> Result<bool, Error> {
        let Some(place) = self.audio_rendition.filter(|_| self.audio.is_none()) else { return Ok(true) };
        if self.audio_download.is_none() {
            let url = self.rendition_url(place).unwrap_or_default();
            self.audio_download = Some(Download::new(url, None, PLAYLIST_BYTES));
        }
        let Some(download) = &mut self.audio_download else { return Ok(false) };
        let Some(file) = download.poll(cx.now, cx.shim)? else { return Ok(false) };
        let playlist = media(&file, &self.presentation.variables)?;
        self.audio_download = None;
        let ids = Ids { video: None, audio: Some(RENDITIONS + place as u32), most_audio: 1 };
        let mut lane = Lane::new(Arc::new(playlist), ids);
        if let (Some(base_us), true) = (self.shared.lines.base_us(), self.at_us > 0) {
            lane.seek(self.at_us, base_us, cx.shim);
        }
        self.audio = Some(lane);
        Ok(true)
    }

    pub(super) fn fetch_variant(&mut self, variant: usize) {
        let variants = &self.presentation.variants;
        if let Some(uri) = self.places.get(variant).and_then(|place| variants.get(*place)).map(|v| &v.uri) {
            self.download = Some((variant, Download::new(uri, None, PLAYLIST_BYTES)));
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

/// A playlist of segments that can be played.
fn media(file: &Fetched, variables: &Variables) -> Result<MediaPlaylist, Error> {
    let reason = match kinora_manifest::parse(&file.bytes, &file.url, variables) {
        Ok(Playlist::Media(playlist)) if !playlist.segments.is_empty() => return Ok(playlist),
        Ok(Playlist::Media(_)) => "The playlist is empty.",
        Ok(_) => "The playlist names other playlists where it should name segments.",
        Err(error) => return Err(playlist_error(error)),
    };
    Err(Error::new(ErrorKind::Content, reason))
}
