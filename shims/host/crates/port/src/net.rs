use std::sync::Arc;

use crate::{Failure, HostUs, Next};

/// A request (`wit/net.wit`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetRequest {
    /// `GET`, `HEAD` or `POST`.
    pub method: String,
    /// `http:`, `https:` or a granted `file:`.
    pub url: String,
    /// Names in any case.
    pub headers: Vec<(String, String)>,
    /// Empty for most.
    pub body: Vec<u8>,
    /// Body bytes that may be delivered at once.
    pub window_bytes: u32,
}

/// The head of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetHead {
    /// HTTP status; files answer 200 and 206.
    pub status: u32,
    /// After redirects.
    pub final_url: String,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    /// When the request went out.
    pub sent_us: HostUs,
    /// When the first byte came.
    pub first_byte_us: HostUs,
}

/// What happened to a fetch. One `Head`, chunks, then one `End` or `Failed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetChange {
    /// Status and headers.
    Head(NetHead),
    /// At most 64 KiB and the time its last byte came.
    Chunk(HostUs, Vec<u8>),
    /// Number of body bytes delivered.
    End(u64),
    /// No more comes.
    Failed(Failure),
}

/// Where a net reports, by ticket: it queues the change and wakes the core's thread. Callable from any thread, never blocks.
pub type NetEvents = Arc<dyn Fn(u64, NetChange) + Send + Sync>;

/// Something a person opened, as the core sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grant {
    /// Absolute URL: paths become `file:` URLs.
    pub url: String,
    /// A name to show: the file's stem or the last part of the URL's path, decoded; may be empty.
    pub title: String,
    /// Granted caption files that belong to it, as URLs.
    pub related: Vec<String>,
}

/// Fetches bytes and reports to the [`NetEvents`] it was made with. Returns at once; work goes on on threads of its own. Policy (which URLs, which addresses after name look-up, which
/// redirects, which files) is enforced inside, as the implementation was configured, since only it sees each hop.
pub trait Net: Send {
    /// Starts a fetch under a ticket the caller minted.
    fn fetch(&mut self, ticket: u64, request: NetRequest) -> Result<(), Failure>;
    /// Lets so many body bytes more be delivered.
    fn credit(&mut self, ticket: u64, bytes: u32);
    /// Ends a fetch.
    fn cancel(&mut self, ticket: u64);
    /// Grants what a person opened, a path or a URL, with its allowed neighbours (redirect targets and relative references of an http
    /// origin; the file, its same-stem captions and, for a playlist, what lies below its folder), and names it. What cannot be
    /// granted is named all the same: fetching it fails with the reason.
    fn grant(&mut self, source: &str) -> Grant;
    /// Whether a fetch could deliver something without further credit: the virtual clock waits for those.
    fn busy(&self) -> bool;
}

/// No network and no files.
#[derive(Debug, Default, Clone, Copy)]
pub struct NullNet;

impl Net for NullNet {
    fn fetch(&mut self, _: u64, request: NetRequest) -> Result<(), Failure> {
        let message = format!("{} cannot be reached: this device has no network", request.url);
        Err(Failure::new(Next::Unsupported, crate::code::UNREACHABLE, message))
    }
    fn credit(&mut self, _: u64, _: u32) {}
    fn cancel(&mut self, _: u64) {}
    fn grant(&mut self, source: &str) -> Grant {
        Grant { url: source.into(), ..Grant::default() }
    }
    fn busy(&self) -> bool {
        false
    }
}
