//! Seeks and steps: one at the shim at a time, the newest target wins.

use kinora_time::{HostUs, MediaUs};

use super::{Pending, SEEK_PATIENCE_US, Session, Start};
use crate::error::Error;
use crate::shim::Shim;
use crate::source::Extent;

impl Session {
    /// Moves to `to_us`, clamped to the item. While the item opens it decides where it begins.
    pub(crate) fn seek(&mut self, to_us: MediaUs, exact: bool, now: HostUs, shim: &mut dyn Shim) {
        if self.timeline.is_none() || self.orphan.is_some() {
            self.start = Start::Media(to_us);
            return;
        }
        if !self.extent().seekable {
            return;
        }
        let extent = self.extent();
        // Who is at the live position cannot get further; between two loads of the playlist it lies behind.
        let at_us = self.position(now).unwrap_or(to_us);
        if extent.live.is_some() && extent.end_us().is_some_and(|end_us| to_us >= end_us && at_us >= end_us) {
            return;
        }
        let to_us = clamp(to_us, extent);
        let newest_counts = |pending: &Pending| {
            let drags_on = pending.to.is_some_and(|(_, was_exact)| was_exact || !exact);
            !drags_on || now >= pending.since + SEEK_PATIENCE_US
        };
        if self.pending.as_ref().is_none_or(newest_counts) {
            self.next_seek = None;
            self.issue_seek(to_us, exact, now, shim);
        } else {
            self.next_seek = Some((to_us, exact));
        }
    }

    pub(super) fn issue_seek(&mut self, to_us: MediaUs, exact: bool, now: HostUs, shim: &mut dyn Shim) {
        let Some(timeline) = self.timeline else { return };
        match shim.seek(timeline, to_us, exact) {
            Ok(ticket) => {
                self.feeds.seeking(ticket);
                self.pending = Some(Pending { ticket, to: Some((to_us, exact)), since: now });
            }
            Err(failure) => self.fail(Error::timeline(&failure), shim),
        }
    }

    /// Moves by frames.
    pub(crate) fn step(&mut self, frames: i32, now: HostUs, shim: &mut dyn Shim) {
        let Some(timeline) = self.timeline.filter(|_| self.orphan.is_none()) else { return };
        match shim.step(timeline, frames) {
            Ok(ticket) => {
                self.next_seek = None;
                self.pending = Some(Pending { ticket, to: None, since: now });
            }
            Err(failure) => shim.log(2, &format!("no frame step: {}", failure.message)),
        }
    }
}

/// The position nearest to `at_us` inside the item.
pub(super) fn clamp(at_us: MediaUs, extent: Extent) -> MediaUs {
    at_us.clamp(extent.start_us, extent.end_us().unwrap_or(MediaUs::MAX))
}
