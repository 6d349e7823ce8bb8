//! Where samples come from: a file, or a presentation described by a playlist.

mod download;
mod file;
mod hls;
mod reader;
mod sniff;

use kinora_time::{HostUs, LiveEdge, MediaUs};

pub(crate) use download::{Download, Fetched};
pub(crate) use file::FileSource;
pub(crate) use hls::{Kept, LiveState, Mark};
pub(crate) use reader::Reader;
pub use sniff::OpenContainer;
pub(crate) use sniff::{Sniffed, Sniffer};

use crate::error::Error;
use crate::event::NetChange;
use crate::shim::Shim;
use crate::streams::{Feeds, Refill};

/// What a piece of work may use.
pub(crate) struct Cx<'a> {
    pub(crate) now: HostUs,
    pub(crate) shim: &'a mut dyn Shim,
    /// Where tracks, samples and cues go, and who says whether more are needed.
    pub(crate) feeds: &'a mut Feeds,
    pub(crate) budget: &'a mut Budget,
}

/// Work left in this turn. Counts bytes and steps, never time, so that a turn is the same on every machine.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes: usize,
    steps: usize,
}

impl Budget {
    /// About 3 ms of demuxing on the slowest box aimed at (1 GB/s of copying, 2 us a step).
    pub(crate) fn turn() -> Self {
        Budget { bytes: 3 << 20, steps: 1500 }
    }

    /// Counts one step that handled `bytes`.
    pub(crate) fn spend(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
        self.steps = self.steps.saturating_sub(1);
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.bytes == 0 || self.steps == 0
    }
}

/// What is known of a source once its tracks are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Extent {
    /// `media_time` of its start.
    pub(crate) start_us: MediaUs,
    /// How long it is; none when that is not known.
    pub(crate) duration_us: Option<MediaUs>,
    /// Whether it can be read from anywhere.
    pub(crate) seekable: bool,
    /// Where playing begins if nobody says otherwise.
    pub(crate) begin_us: MediaUs,
    /// It goes on at its end, which is the live position, and may lose its start; none: it is complete.
    pub(crate) live: Option<LiveEdge>,
}

impl Extent {
    /// `media_time` of its end, or of the live position.
    pub(crate) fn end_us(&self) -> Option<MediaUs> {
        self.duration_us.map(|duration| self.start_us.saturating_add(duration).max(self.start_us))
    }
}

/// Something that gives tracks and samples.
///
/// It works only in `poll`, reads samples only while [`Feeds::hungry`] says that some track needs them, and stops when nothing more has
/// arrived or the budget is spent. After an error it is asked for nothing more.
pub(crate) trait Source {
    /// Goes on with what has arrived; fetches what is missing.
    fn poll(&mut self, cx: &mut Cx<'_>) -> Result<(), Error>;

    /// Takes an event of a fetch; whether it was this source's.
    fn net(&mut self, ticket: u64, change: &NetChange, cx: &mut Cx<'_>) -> Result<bool, Error>;

    /// Goes on from elsewhere. Only once the tracks are known; also after the end.
    fn seek(&mut self, to: Refill, cx: &mut Cx<'_>) -> Result<(), Error>;

    fn extent(&self) -> Extent;

    /// Says which tracks are wanted, of those that are fetched only on demand. For another audio track a seek follows.
    fn choose(&mut self, _audio: Option<u32>, _captions: Option<u32>, _shim: &mut dyn Shim) {}

    /// Where to go since what was to come next is gone, and nothing else is left to play.
    fn take_jump(&mut self) -> Option<MediaUs> {
        None
    }

    /// What the next instance must know to go on with a live stream.
    fn live_state(&self) -> Option<LiveState> {
        None
    }

    /// Something the person should know, since the last call.
    fn take_notice(&mut self) -> Option<String> {
        None
    }

    /// When, later than `after`, `poll` is due without an event.
    fn wake_us(&self, after: HostUs) -> Option<HostUs>;

    /// Cancels what it has under way.
    fn close(&mut self, shim: &mut dyn Shim);
}
