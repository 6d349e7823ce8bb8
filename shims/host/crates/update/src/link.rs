//! Blocking transfers over a [`Net`], bounded in bytes and in time.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};

use kinora_port::{Net, NetChange, NetEvents, NetHead, NetRequest};
use url::Url;

use crate::error::{Error, Kind};

/// A transfer may take this long, microseconds, ...
const GRACE_US: u64 = 60_000_000;
/// ... and besides as long as its bytes take at this rate. Slower than that, a server holds devices up rather than serving them.
const MIN_BYTES_PER_S: u64 = 1024;
/// Body bytes on their way at once.
const WINDOW_BYTES: u32 = 256 << 10;

/// What came of a transfer that ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Got {
    /// The file, from its beginning.
    Whole,
    /// What was asked for, from the byte that was asked for.
    Rest,
    /// There is nothing behind that byte.
    NothingMore,
    /// The server has no such file.
    Missing,
}

/// Takes bytes as they come.
type Take<'a> = dyn FnMut(Got, &[u8]) -> Result<(), Error> + 'a;

/// The network, and what it reports.
pub(crate) struct Link {
    net: Box<dyn Net>,
    events: Receiver<(u64, NetChange)>,
    ticket: u64,
}

impl Link {
    pub(crate) fn new(
        connect: impl FnOnce(NetEvents) -> std::io::Result<Box<dyn Net>>,
        base: &Url,
    ) -> Result<Self, Error> {
        let (sender, events) = channel();
        let sender = Mutex::new(sender);
        let report: NetEvents = Arc::new(move |ticket, change| {
            // Without a receiver nobody is interested any more.
            let _ = sender.lock().unwrap_or_else(PoisonError::into_inner).send((ticket, change));
        });
        let mut net = connect(report)
            .map_err(|error| Error::new(Kind::Setup, format!("updates have no network: {error}")))?;
        net.grant(base.as_str());
        Ok(Self { net, events, ticket: 0 })
    }

    /// A whole file of at most `most` bytes; `None` where there is none.
    pub(crate) fn read(&mut self, url: &Url, most: u64) -> Result<Option<Vec<u8>>, Error> {
        let mut bytes = Vec::new();
        let got = self.get(url, None, most, &mut |_, chunk| {
            bytes.extend_from_slice(chunk);
            Ok(())
        })?;
        Ok((got != Got::Missing).then_some(bytes))
    }

    /// Gives the file's bytes to `take` as they come, at most `most` of them. With `from`, only those from that byte on are asked
    /// for; `take` is told whether that is what comes.
    pub(crate) fn get(
        &mut self,
        url: &Url,
        from: Option<u64>,
        most: u64,
        take: &mut Take<'_>,
    ) -> Result<Got, Error> {
        self.ticket += 1;
        let ticket = self.ticket;
        let range = from.map(|from| ("range".to_owned(), format!("bytes={from}-")));
        let request = NetRequest {
            method: "GET".into(),
            url: url.to_string(),
            headers: range.into_iter().collect(),
            body: Vec::new(),
            window_bytes: WINDOW_BYTES,
        };
        self.net.fetch(ticket, request).map_err(Error::transfer)?;
        let outcome = self.follow(ticket, url, from, most, take);
        // After the end there is nothing to cancel.
        self.net.cancel(ticket);
        outcome
    }

    fn follow(
        &mut self,
        ticket: u64,
        url: &Url,
        from: Option<u64>,
        most: u64,
        take: &mut Take<'_>,
    ) -> Result<Got, Error> {
        let (mut got, mut sent_us, mut total) = (Got::Whole, 0, 0_u64);
        loop {
            let Ok((of, change)) = self.events.recv() else {
                return Err(Error::new(Kind::Later, "the network has ended"));
            };
            if of != ticket {
                // Of a transfer that was cancelled.
                continue;
            }
            match change {
                NetChange::Head(head) => {
                    sent_us = head.sent_us;
                    got = judge(&head, url, from)?;
                    if matches!(got, Got::Missing | Got::NothingMore) {
                        return Ok(got);
                    }
                }
                NetChange::Chunk(came_us, bytes) => {
                    total += bytes.len() as u64;
                    if total > most {
                        return Err(Error::refused(format!(
                            "{url} is refused: it is larger than {most} bytes"
                        )));
                    }
                    let allowed_us = GRACE_US + total * 1_000_000 / MIN_BYTES_PER_S;
                    if came_us.saturating_sub(sent_us) > allowed_us {
                        return Err(Error::new(Kind::Later, format!("{url} comes too slowly")));
                    }
                    take(got, &bytes)?;
                    self.net.credit(ticket, bytes.len() as u32);
                }
                NetChange::End(_) => return Ok(got),
                NetChange::Failed(failure) => return Err(Error::transfer(failure)),
            }
        }
    }
}

/// What an answer's status says (RFC 9110 section 15).
fn judge(head: &NetHead, url: &Url, from: Option<u64>) -> Result<Got, Error> {
    match (head.status, from) {
        (200, _) => Ok(Got::Whole),
        (206, Some(from)) => {
            let range = head.headers.iter().find(|(name, _)| name == "content-range");
            let start = range.and_then(|(_, value)| value.strip_prefix("bytes ")?.split('-').next());
            if start.and_then(|start| start.parse().ok()) == Some(from) {
                Ok(Got::Rest)
            } else {
                Err(Error::new(
                    Kind::Later,
                    format!("{url}: the server sent another part than was asked for"),
                ))
            }
        }
        (416, Some(_)) => Ok(Got::NothingMore),
        // Object stores answer 403 for what is not there.
        (403 | 404 | 410, _) => Ok(Got::Missing),
        (status, _) => {
            Err(Error::new(Kind::Later, format!("{url}: the server answers with status {status}")))
        }
    }
}
