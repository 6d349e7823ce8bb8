//! A playlist of segments that is kept up to date: loaded again and again while it is live, no faster than its server allows (RFC 8216
//! section 6.3.4).

use std::sync::Arc;

use kinora_manifest::{MediaPlaylist, Variables};
use kinora_time::{HostUs, MediaUs, SECOND_US};

use super::playlists::{PLAYLIST_BYTES, media};
use super::timetable::{Succession, Timetable};
use crate::error::{Error, ErrorKind};
use crate::event::NetChange;
use crate::shim::Shim;
use crate::source::Download;

/// A server that states less is not asked more often.
const LEAST_TARGET_US: MediaUs = SECOND_US;
/// Doublings of the wait after failures, from half a target duration on: a server that is back is to be found before the window has passed.
const MOST_DOUBLINGS: u32 = 2;
/// Old copies in a row that are taken for a slow cache; then the server is believed.
const MOST_STALE: u32 = 3;
/// Failures in a row that are sat out even when nothing is left to play.
const MOST_FAILURES: u32 = 5;
/// A stream that stands still so long, or ten target durations, has been given up by its server: an encoder that was started anew is back
/// sooner.
const STUCK_US: MediaUs = 60 * SECOND_US;

/// A playlist and when it was asked for.
#[derive(Clone)]
pub(super) struct Loaded {
    pub(super) playlist: Arc<MediaPlaylist>,
    pub(super) asked_us: HostUs,
}

/// See the [module](self).
pub(super) struct Listing {
    table: Timetable,
    url: String,
    download: Option<Download>,
    /// What a running load came to outside of [`Listing::poll`].
    failed: Option<Error>,
    /// When the last load began, from which waits count.
    asked_us: HostUs,
    due_us: HostUs,
    /// When it last moved on.
    moved_us: HostUs,
    /// Loads in a row that failed, and why the last one did.
    failures: u32,
    error: Option<Error>,
    /// Loads in a row that brought an old copy.
    stale: u32,
}

impl Listing {
    /// A playlist that was asked for at `asked_us`.
    pub(super) fn new(table: Timetable, url: &str, asked_us: HostUs) -> Self {
        let mut listing = Listing {
            table,
            url: url.to_owned(),
            download: None,
            failed: None,
            asked_us,
            due_us: 0,
            moved_us: asked_us,
            failures: 0,
            error: None,
            stale: 0,
        };
        listing.due_us = asked_us.saturating_add(listing.target_us());
        listing
    }

    pub(super) fn table(&self) -> &Timetable {
        &self.table
    }

    pub(super) fn table_mut(&mut self) -> &mut Timetable {
        &mut self.table
    }

    fn target_us(&self) -> HostUs {
        self.table.playlist().target_duration_us.max(LEAST_TARGET_US) as HostUs
    }

    /// Loads when it is due. True when the server began anew: then the segment at which live goes on stands at `at_us`.
    pub(super) fn poll(
        &mut self,
        at_us: MediaUs,
        variables: &Variables,
        now: HostUs,
        shim: &mut dyn Shim,
    ) -> bool {
        if !self.table.is_live() || self.download.is_none() && self.failed.is_none() && now < self.due_us {
            return false;
        }
        let loaded = match self.failed.take() {
            Some(error) => Err(error),
            None => {
                let download = self.download.get_or_insert_with(|| {
                    self.asked_us = now;
                    Download::new(&self.url, None, PLAYLIST_BYTES)
                });
                match download.poll(now, shim) {
                    Ok(None) => return false,
                    Ok(Some(file)) => media(&file, variables),
                    Err(error) => Err(error),
                }
            }
        };
        self.download = None;
        match loaded {
            Ok(playlist) => self.take(playlist, at_us, now),
            Err(error) => {
                shim.log(2, &format!("playlist: {}", error.reason));
                let wait = (self.target_us() / 2).saturating_mul(1 << self.failures.min(MOST_DOUBLINGS));
                self.due_us = now.saturating_add(wait);
                self.failures += 1;
                self.error = Some(error);
                false
            }
        }
    }

    fn take(&mut self, playlist: MediaPlaylist, at_us: MediaUs, now: HostUs) -> bool {
        (self.failures, self.error) = (0, None);
        let window =
            |playlist: &MediaPlaylist| (playlist.media_sequence, playlist.segments.len(), playlist.end_list);
        let mut moved = window(self.table.playlist()) != window(&playlist);
        let restarted = match self.table.succeeded_by(playlist) {
            Succession::Next(table) => {
                self.table = table;
                false
            }
            Succession::Stale(_) if self.stale < MOST_STALE => {
                self.stale += 1;
                moved = false;
                false
            }
            Succession::Stale(playlist) | Succession::Restarted(playlist) => {
                self.table = self.table.restarted(playlist, at_us);
                true
            }
        };
        let wait = self.target_us();
        self.due_us = self.asked_us.saturating_add(if moved { wait } else { wait / 2 });
        if moved {
            (self.moved_us, self.stale) = (now, 0);
        }
        restarted
    }

    /// Why nothing more is to be expected of it, for when nothing is left to play.
    pub(super) fn trouble(&self, now: HostUs) -> Option<Error> {
        if !self.table.is_live() {
            return None;
        }
        let patience = self.target_us().saturating_mul(10).max(STUCK_US as HostUs);
        let stuck = now.saturating_sub(self.moved_us) >= patience;
        let stuck =
            stuck.then(|| Error::new(ErrorKind::Network, "The server adds nothing to the stream any more."));
        self.error.clone().filter(|_| self.failures >= MOST_FAILURES).or(stuck)
    }

    /// Takes an event of a fetch; whether it was that of a load.
    pub(super) fn net(&mut self, ticket: u64, change: &NetChange, now: HostUs, shim: &mut dyn Shim) -> bool {
        let Some(download) = &mut self.download else { return false };
        download.net(ticket, change, now, shim).unwrap_or_else(|error| {
            self.failed = Some(error);
            true
        })
    }

    pub(super) fn wake_us(&self, after: HostUs) -> Option<HostUs> {
        match &self.download {
            Some(download) => download.wake_us(after),
            None => self.table.is_live().then_some(self.due_us).filter(|due| *due > after),
        }
    }

    pub(super) fn close(&mut self, shim: &mut dyn Shim) {
        if let Some(mut download) = self.download.take() {
            download.close(shim);
        }
    }
}

impl Loaded {
    /// Whether it tells nearly what is there now: it was asked for at the boundary before, if not later.
    pub(super) fn is_fresh(&self, now: HostUs) -> bool {
        let target_us = self.playlist.target_duration_us.max(LEAST_TARGET_US) as HostUs;
        self.playlist.end_list || now.saturating_sub(self.asked_us) < target_us.saturating_mul(2)
    }
}
