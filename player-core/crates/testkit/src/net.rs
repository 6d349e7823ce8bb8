//! The network: resources by address, served in virtual time, with faults.

use std::collections::{BTreeMap, VecDeque};

use kinora_engine::{Failure, NetChange, NetHead, NextStep, Request};
use kinora_time::HostUs;

const CHUNK: usize = 64 << 10;

/// What an address holds.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The bytes.
    pub body: Vec<u8>,
    /// Header of that name.
    pub content_type: String,
    /// Whether ranges are served.
    pub ranges: bool,
    /// Whether the length is told.
    pub length: bool,
    /// What goes wrong with the first fetches, one each; `None` is a good one.
    pub faults: VecDeque<Option<Fault>>,
}

impl Resource {
    /// A resource that is served without fault.
    pub fn new(body: impl Into<Vec<u8>>) -> Self {
        Resource {
            body: body.into(),
            content_type: String::new(),
            ranges: true,
            length: true,
            faults: VecDeque::new(),
        }
    }

    /// The same, with faults.
    pub fn with_faults(mut self, faults: impl IntoIterator<Item = Option<Fault>>) -> Self {
        self.faults = faults.into_iter().collect();
        self
    }

    /// The same, from a server that knows no ranges.
    pub fn without_ranges(mut self) -> Self {
        self.ranges = false;
        self
    }

    /// The same, from a server that does not tell its length.
    pub fn without_length(mut self) -> Self {
        self.length = false;
        self
    }
}

/// What an address holds at a time; none: nothing.
pub(crate) struct Script(pub(crate) Box<dyn FnMut(HostUs) -> Option<Resource>>);

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script")
    }
}

/// Something that goes wrong with one fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The server answers so.
    Status(u32),
    /// The connection ends after so many bytes, as a failure.
    Cut(usize),
    /// Nothing comes after so many bytes.
    Stall(usize),
    /// The fetch fails before any answer.
    Fail(Failure),
}

/// A failure of the network as shims report it.
pub(crate) fn cut() -> Failure {
    Failure { next: NextStep::Retry, code: 19, message: "connection cut".to_owned() }
}

#[derive(Debug)]
struct Fetch {
    head: Option<NetHead>,
    body: VecDeque<u8>,
    sent: u64,
    credit: u64,
    ready_us: HostUs,
    failure: Option<Failure>,
    stalls: bool,
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct FakeNet {
    pub(crate) resources: BTreeMap<String, Resource>,
    /// Addresses whose resources change with time.
    pub(crate) scripts: BTreeMap<String, Script>,
    /// Time from a fetch to its head.
    pub(crate) latency_us: HostUs,
    /// Throughput of each fetch.
    pub(crate) bytes_per_ms: u64,
    pub(crate) chunk: usize,
    fetches: BTreeMap<u64, Fetch>,
}

impl Default for FakeNet {
    fn default() -> Self {
        FakeNet {
            resources: BTreeMap::new(),
            scripts: BTreeMap::new(),
            latency_us: 10_000,
            bytes_per_ms: 10_000,
            chunk: CHUNK,
            fetches: BTreeMap::new(),
        }
    }
}

impl FakeNet {
    pub(crate) fn fetch(&mut self, ticket: u64, request: &Request, now: HostUs) {
        let mut fetch = Fetch {
            head: None,
            body: VecDeque::new(),
            sent: 0,
            credit: u64::from(request.window_bytes),
            ready_us: now + self.latency_us,
            failure: None,
            stalls: false,
        };
        let mut head = NetHead {
            status: 404,
            final_url: request.url.clone(),
            headers: Vec::new(),
            sent_us: now,
            first_byte_us: fetch.ready_us,
        };
        if let Some(script) = self.scripts.get_mut(&request.url) {
            match (script.0)(now) {
                Some(resource) => self.resources.insert(request.url.clone(), resource),
                None => self.resources.remove(&request.url),
            };
        }
        if let Some(resource) = self.resources.get_mut(&request.url) {
            let fault = resource.faults.pop_front().flatten();
            let range =
                request.headers.iter().find(|(name, _)| name == "range").map(|(_, value)| value.as_str());
            let total = resource.body.len();
            let (first, end) = range.filter(|_| resource.ranges).and_then(parse).unwrap_or((0, None));
            let end = end.map_or(total, |end| end.saturating_add(1).min(total));
            head.status = if range.is_some() && resource.ranges { 206 } else { 200 };
            head.headers.push(("content-type".to_owned(), resource.content_type.clone()));
            if first >= end {
                head.status = 416;
                head.headers.push(("content-range".to_owned(), format!("bytes */{total}")));
            } else {
                fetch.body = resource.body[first..end].iter().copied().collect();
                if resource.length {
                    head.headers.push(("content-length".to_owned(), (end - first).to_string()));
                }
                if head.status == 206 {
                    let value = format!("bytes {first}-{}/{total}", end - 1);
                    head.headers.push(("content-range".to_owned(), value));
                }
            }
            match fault {
                None => {}
                Some(Fault::Status(status)) => {
                    head.status = status;
                    fetch.body.clear();
                }
                Some(Fault::Cut(after)) => {
                    fetch.body.truncate(after);
                    fetch.failure = Some(cut());
                }
                Some(Fault::Stall(after)) => {
                    fetch.body.truncate(after);
                    fetch.stalls = true;
                }
                Some(Fault::Fail(failure)) => {
                    fetch.body.clear();
                    fetch.failure = Some(failure);
                    self.fetches.insert(ticket, fetch);
                    return;
                }
            }
        }
        fetch.head = Some(head);
        self.fetches.insert(ticket, fetch);
    }

    pub(crate) fn credit(&mut self, ticket: u64, bytes: u32) {
        if let Some(fetch) = self.fetches.get_mut(&ticket) {
            fetch.credit += u64::from(bytes);
        }
    }

    /// Most credit any fetch holds.
    pub(crate) fn most_credit(&self) -> u64 {
        self.fetches.values().map(|fetch| fetch.credit).max().unwrap_or(0)
    }

    pub(crate) fn cancel(&mut self, ticket: u64) {
        self.fetches.remove(&ticket);
    }

    pub(crate) fn live(&self) -> Vec<u64> {
        self.fetches.keys().copied().collect()
    }

    /// When something is next to be delivered.
    pub(crate) fn next_us(&self) -> Option<HostUs> {
        let waits = |fetch: &&Fetch| {
            fetch.head.is_some()
                || (fetch.credit > 0 || fetch.body.is_empty()) && !(fetch.body.is_empty() && fetch.stalls)
        };
        self.fetches.values().filter(waits).map(|fetch| fetch.ready_us).min()
    }

    /// What arrived until `now`, at most about 256 KiB.
    pub(crate) fn deliver(&mut self, now: HostUs) -> Vec<(u64, NetChange)> {
        let mut out = Vec::new();
        let mut room = 4;
        let mut over = Vec::new();
        for (&ticket, fetch) in &mut self.fetches {
            while room > 0 && fetch.ready_us <= now {
                if let Some(head) = fetch.head.take() {
                    out.push((ticket, NetChange::Head(head)));
                } else if fetch.body.is_empty() {
                    if fetch.stalls {
                        break;
                    }
                    out.push((
                        ticket,
                        match fetch.failure.take() {
                            Some(failure) => NetChange::Failed(failure),
                            None => NetChange::End(fetch.sent),
                        },
                    ));
                    over.push(ticket);
                    break;
                } else {
                    let len = self.chunk.min(fetch.body.len()).min(fetch.credit as usize);
                    if len == 0 {
                        break;
                    }
                    let bytes: Vec<u8> = fetch.body.drain(..len).collect();
                    fetch.credit -= len as u64;
                    fetch.sent += len as u64;
                    fetch.ready_us += (len as u64 * 1000) / self.bytes_per_ms;
                    out.push((ticket, NetChange::Chunk { host_us: fetch.ready_us.min(now), bytes }));
                    room -= 1;
                }
            }
        }
        for ticket in over {
            self.fetches.remove(&ticket);
        }
        out
    }
}

fn parse(range: &str) -> Option<(usize, Option<usize>)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()))
}
