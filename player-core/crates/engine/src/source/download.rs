//! A small resource read whole: playlists, caption files, initialisation sections.

use kinora_time::HostUs;

use super::Reader;
use super::reader::Part;
use crate::error::{Error, ErrorKind};
use crate::event::NetChange;
use crate::shim::Shim;

/// The window is asked to grow by so much at a time, so that credit follows what arrives.
const STEP: usize = 256 << 10;

/// A resource.
pub(crate) struct Fetched {
    /// Where it was in the end, after redirects.
    pub(crate) url: String,
    pub(crate) bytes: Vec<u8>,
}

/// See the [module](self).
pub(crate) struct Download {
    reader: Reader,
    limit: usize,
}

impl Download {
    /// Reads at most `limit` bytes; a resource that is longer is an error.
    pub(crate) fn new(url: &str, part: Option<Part>, limit: usize) -> Self {
        Download { reader: Reader::whole(url, part, STEP as u64), limit }
    }

    /// Goes on with what a reader has begun.
    pub(crate) fn rest_of(reader: Reader, limit: usize) -> Self {
        Download { reader, limit }
    }

    pub(crate) fn net(
        &mut self,
        ticket: u64,
        change: &NetChange,
        now: HostUs,
        shim: &mut dyn Shim,
    ) -> Result<bool, Error> {
        self.reader.net(ticket, change, now, shim)
    }

    /// Goes on; the resource, once all of it is there.
    pub(crate) fn poll(&mut self, now: HostUs, shim: &mut dyn Shim) -> Result<Option<Fetched>, Error> {
        let held = self.reader.window().len();
        if held > self.limit {
            return Err(Error::new(ErrorKind::Content, "It is larger than such a file may be."));
        }
        self.reader.need(0, held + STEP, shim)?;
        self.reader.poll(now, shim)?;
        let window = self.reader.window();
        let whole = window.from(0).filter(|_| window.ended());
        Ok(whole.map(|bytes| Fetched { url: self.reader.facts().final_url.clone(), bytes: bytes.to_vec() }))
    }

    pub(crate) fn wake_us(&self, after: HostUs) -> Option<HostUs> {
        self.reader.wake_us(after)
    }

    pub(crate) fn close(&mut self, shim: &mut dyn Shim) {
        self.reader.close(shim);
    }
}
