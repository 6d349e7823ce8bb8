//! What an address holds, told by its first bytes.

use kinora_demux::{Demux, Window};
use kinora_time::HostUs;

use super::{FileSource, Reader, Source};
use crate::error::{Error, ErrorKind};
use crate::event::NetChange;
use crate::shim::Shim;

/// Opens the container whose head is in a window; none while the window is too short to tell.
pub type OpenContainer = fn(&Window) -> Result<Option<Box<dyn Demux>>, kinora_demux::Error>;

/// A first look that tells most containers, and a second for those whose mark comes late (a transport stream that starts amid a packet, a file
/// with padding in front).
const LOOKS: [usize; 2] = [8 << 10, 256 << 10];

/// Reads the head of an address.
pub(crate) struct Sniffer {
    reader: Reader,
    look: usize,
    open: OpenContainer,
}

/// What was found.
pub(crate) enum Sniffed {
    /// Media, to be played.
    Media(Box<dyn Source>),
}

impl Sniffer {
    pub(crate) fn new(url: &str, open: OpenContainer) -> Self {
        Sniffer { reader: Reader::new(url, None), look: 0, open }
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

    pub(crate) fn wake_us(&self) -> Option<HostUs> {
        self.reader.wake_us()
    }

    pub(crate) fn close(&mut self, shim: &mut dyn Shim) {
        self.reader.close(shim);
    }

    /// Goes on; what was found, once that is known. Afterwards the sniffer is empty.
    pub(crate) fn poll(&mut self, now: HostUs, shim: &mut dyn Shim) -> Result<Option<Sniffed>, Error> {
        while let Some(&least) = LOOKS.get(self.look) {
            self.reader.need(0, least, shim)?;
            self.reader.poll(now, shim)?;
            if !self.reader.ready() {
                return Ok(None);
            }
            if self.reader.window().is_empty() {
                return Err(Error::new(ErrorKind::Content, "It is empty."));
            }
            match (self.open)(self.reader.window()) {
                Ok(Some(demux)) => {
                    let reader = std::mem::replace(&mut self.reader, Reader::new("", None));
                    return Ok(Some(Sniffed::Media(Box::new(FileSource::new(reader, demux)))));
                }
                Ok(None) => self.look += 1,
                Err(error) if self.look + 1 == LOOKS.len() || self.reader.window().ended() => {
                    return Err(error.into());
                }
                Err(_) => self.look += 1,
            }
        }
        Err(Error::new(ErrorKind::Content, "It is not a media file that can be played."))
    }
}
