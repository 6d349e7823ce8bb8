//! A progressive file: one container over one [`Reader`].

use kinora_demux::{Demux, Step};
use kinora_time::HostUs;

use super::{Cx, Extent, Reader, Source};
use crate::captions::NewCue;
use crate::error::{Error, ErrorKind};
use crate::event::NetChange;
use crate::shim::Shim;
use crate::streams::Refill;

/// See the [module](self).
pub(crate) struct FileSource {
    reader: Reader,
    demux: Box<dyn Demux>,
    has_tracks: bool,
    /// Nothing but the head has been read: a seek to the start is no move.
    at_start: bool,
    ended: bool,
    /// What was asked for last at the end of the resource.
    asked: Option<(u64, usize)>,
}

impl FileSource {
    pub(crate) fn new(reader: Reader, demux: Box<dyn Demux>) -> Self {
        FileSource { reader, demux, has_tracks: false, at_start: true, ended: false, asked: None }
    }

    fn step(&mut self, cx: &mut Cx<'_>) -> Result<bool, Error> {
        let step = self.demux.step(self.reader.window());
        for issue in self.demux.take_issues() {
            cx.shim.log(2, &issue);
        }
        let mut bytes = 0;
        match step? {
            Step::More { at, least } => {
                self.reader.need(at, least, cx.shim)?;
                self.reader.poll(cx.now, cx.shim)?;
                cx.budget.spend(0);
                // At the end a parser must make do with what there is; one that asks again would ask for ever.
                let asked = self.reader.window().ended().then_some((at, least));
                if asked.is_some() && self.asked == asked {
                    return Err(Error::new(ErrorKind::Content, "The file ends too early."));
                }
                self.asked = asked;
                return Ok(self.reader.ready());
            }
            Step::Tracks => {
                self.has_tracks = true;
                cx.feeds.set_tracks(self.demux.tracks());
            }
            Step::Sample(sample) => {
                self.at_start = false;
                bytes = sample.data.len();
                cx.feeds.push(sample, None);
            }
            Step::Cue(cue) => cx.feeds.push_cue(NewCue::Payload(cue)),
            Step::End => {
                self.ended = true;
                cx.feeds.end(None);
            }
        }
        cx.budget.spend(bytes);
        Ok(true)
    }
}

impl Source for FileSource {
    fn poll(&mut self, cx: &mut Cx<'_>) -> Result<(), Error> {
        self.reader.poll(cx.now, cx.shim)?;
        while !self.ended && (!self.has_tracks || cx.feeds.hungry(None)) && !cx.budget.is_spent() {
            if !self.step(cx)? {
                break;
            }
        }
        Ok(())
    }

    fn net(&mut self, ticket: u64, change: &NetChange, cx: &mut Cx<'_>) -> Result<bool, Error> {
        self.reader.net(ticket, change, cx.now, cx.shim)
    }

    fn seek(&mut self, to: Refill, _cx: &mut Cx<'_>) -> Result<(), Error> {
        if self.at_start && to.from_us <= self.demux.start_us() {
            return Ok(());
        }
        self.reader.reopen();
        self.demux.seek(to.from_us);
        self.at_start = false;
        self.ended = false;
        Ok(())
    }

    fn extent(&self) -> Extent {
        Extent {
            start_us: self.demux.start_us(),
            duration_us: self.demux.duration_us(),
            seekable: self.demux.seekable() && self.reader.can_jump(),
            begin_us: self.demux.start_us(),
            live: None,
        }
    }

    fn wake_us(&self, after: HostUs) -> Option<HostUs> {
        self.reader.wake_us(after)
    }

    fn close(&mut self, shim: &mut dyn Shim) {
        self.reader.close(shim);
    }
}
