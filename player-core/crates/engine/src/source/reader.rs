//! One resource read over `net`: a [`Window`] that follows what the parser asks for.

use kinora_bytes::Window;
use kinora_time::HostUs;

use crate::error::{Error, ErrorKind, is_transient, is_transient_status};
use crate::event::NetChange;
use crate::shim::{Request, Shim};

/// Bytes of a file that lie ahead in memory or are on their way, at most, unless a parser needs one structure that is larger.
const WINDOW_BYTES: u64 = 1 << 20;
/// Bytes kept behind what was asked for last: containers whose tracks lie in blocks are read to and fro within about so much.
const BEHIND_BYTES: u64 = 1 << 20;
/// Credit of a new fetch: enough for the head of most files, little enough that a jump elsewhere wastes no time.
const FIRST_CREDIT: u64 = 512 << 10;
/// Credit is given in pieces no smaller, to spare calls.
const CREDIT_STEP: u64 = 256 << 10;
/// A jump ahead of no more is read through: cheaper than a new request (about 100 ms at 20 Mbit/s).
const READ_THROUGH: u64 = 256 << 10;
/// Waits before the second, third and fourth try.
const BACK_OFF_US: [HostUs; 3] = [1_000_000, 2_000_000, 4_000_000];
/// A structure a parser may ask for at once. A hostile file can ask for more; the `moov` box of a ten-hour film does not.
const MAX_LEAST: u64 = 64 << 20;

/// A part of a resource: `len` bytes at `start` (HLS byte ranges).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) start: u64,
    pub(crate) len: u64,
}

/// What the server said about the resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// After redirects; what relative addresses inside refer to.
    pub(crate) final_url: String,
    /// Lower case, without parameters; empty when not said.
    pub(crate) content_type: String,
}

/// A transfer's size and time, for the estimate of throughput.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Transfer {
    pub(crate) bytes: u64,
    pub(crate) sent_us: HostUs,
    pub(crate) first_byte_us: HostUs,
    pub(crate) last_byte_us: HostUs,
}

/// Reads a resource, or a part of it, in the order its parser needs.
pub(crate) struct Reader {
    url: String,
    part: Option<Part>,
    /// Read from front to back: the first request asks for no range, which caches serve best.
    whole: bool,
    window_bytes: u64,
    window: Window,
    need: (u64, u64),
    fetch: Option<Fetch>,
    /// Whether the server serves ranges; unknown before the first answer.
    ranges: Option<bool>,
    facts: Facts,
    attempt: usize,
    retry_at: Option<HostUs>,
    last: Option<Transfer>,
}

struct Fetch {
    ticket: u64,
    /// Offset asked for.
    from: u64,
    /// Bytes to throw away first: the server began before `from`.
    skip: u64,
    /// Credit given and not used.
    credit: u64,
    transfer: Transfer,
    headed: bool,
}

impl Reader {
    pub(crate) fn new(url: &str, part: Option<Part>) -> Self {
        let mut window = Window::default();
        window.set_total(part.map(|part| part.len));
        Reader {
            url: url.to_owned(),
            part,
            whole: false,
            window_bytes: WINDOW_BYTES,
            window,
            need: (0, 1),
            fetch: None,
            ranges: None,
            facts: Facts { final_url: url.to_owned(), content_type: String::new() },
            attempt: 0,
            retry_at: None,
            last: None,
        }
    }

    /// Reads from front to back, with at most `window_bytes` in memory and on their way.
    pub(crate) fn whole(url: &str, part: Option<Part>, window_bytes: u64) -> Self {
        Reader { whole: true, window_bytes, ..Reader::new(url, part) }
    }

    /// Moves what has arrived to the end of `window`; whether that was anything.
    pub(crate) fn pour(&mut self, window: &mut Window) -> bool {
        let (start, end) = (self.window.start(), self.window.end());
        let bytes = self.window.from(start).unwrap_or_default();
        window.extend(bytes);
        self.need = (end, 1);
        self.window.drop_before(end);
        start < end
    }

    pub(crate) fn window(&self) -> &Window {
        &self.window
    }

    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Whether the resource can be read from any offset, as far as known.
    pub(crate) fn can_jump(&self) -> bool {
        self.ranges != Some(false)
    }

    /// The measured transfer of what was read to its end, once. All bytes may be there before the fetch is said to be over.
    pub(crate) fn take_transfer(&mut self) -> Option<Transfer> {
        if self.window.ended() && self.fetch.is_some() {
            self.finish();
        }
        self.last.take()
    }

    /// When, later than `after`, [`Reader::poll`] is due without an event.
    pub(crate) fn wake_us(&self, after: HostUs) -> Option<HostUs> {
        self.retry_at.filter(|at| *at > after)
    }

    /// States that at least `least` bytes at `at` are needed, and none before.
    pub(crate) fn need(&mut self, at: u64, least: usize, shim: &mut dyn Shim) -> Result<(), Error> {
        let least = least as u64;
        if least > MAX_LEAST {
            return Err(Error::new(ErrorKind::Content, "A part of the file is too large to be read."));
        }
        if self.need == (at, least) {
            return Ok(());
        }
        self.need = (at, least);
        let reach = self.window.end().saturating_add(READ_THROUGH);
        if at < self.window.start() || at > reach && self.can_jump() {
            if !self.can_jump() {
                return Err(Error::new(ErrorKind::Network, "The server does not allow to go back in it."));
            }
            self.drop_fetch(shim);
            self.window.restart_at(at);
        }
        Ok(())
    }

    /// Forgets that the end was reached: a parser that goes back elsewhere must not take it for the end there.
    pub(crate) fn reopen(&mut self) {
        if self.window.ended() {
            self.window.restart_at(0);
            self.need = (0, 1);
        }
    }

    /// Whether what was asked for is there, or can never be.
    pub(crate) fn ready(&self) -> bool {
        let (at, least) = self.need;
        self.window.ended() && self.window.start() <= at || self.window.get(at, least as usize).is_some()
    }

    /// Starts or continues the fetch as far as there is room.
    pub(crate) fn poll(&mut self, now: HostUs, shim: &mut dyn Shim) -> Result<(), Error> {
        self.window.drop_before(self.need.0.saturating_sub(BEHIND_BYTES));
        let ahead = self.window.end().saturating_sub(self.need.0);
        let room = self.window_bytes.max(self.need.1 + CREDIT_STEP).saturating_sub(ahead);
        if let Some(fetch) = &mut self.fetch {
            let give = room.saturating_sub(fetch.credit);
            if give >= CREDIT_STEP || fetch.credit == 0 && give > 0 {
                fetch.credit += give;
                shim.credit(fetch.ticket, give as u32);
            }
            return Ok(());
        }
        let enough = self.ready() && ahead >= CREDIT_STEP;
        if enough || self.window.ended() || self.retry_at.is_some_and(|at| now < at) {
            return Ok(());
        }
        self.retry_at = None;
        self.start(now, room.clamp(1, FIRST_CREDIT.min(self.window_bytes).max(self.need.1)), shim)
    }

    fn start(&mut self, now: HostUs, credit: u64, shim: &mut dyn Shim) -> Result<(), Error> {
        // After a refusal of ranges the whole is read again and what is known already thrown away.
        let from = self.window.end();
        let base = self.part.map_or(0, |part| part.start);
        let mut headers = Vec::new();
        let anywhere = self.whole && from == 0 && self.part.is_none();
        if self.ranges != Some(false) && !anywhere {
            let last = self.part.map(|part| (part.start + part.len).saturating_sub(1));
            let last = last.map(|last| last.to_string()).unwrap_or_default();
            headers.push(("range".to_owned(), format!("bytes={}-{last}", base.saturating_add(from))));
        }
        let request = Request { url: self.url.clone(), headers, window_bytes: credit as u32 };
        match shim.fetch(&request) {
            Ok(ticket) => {
                let transfer = Transfer { bytes: 0, sent_us: now, first_byte_us: now, last_byte_us: now };
                self.fetch = Some(Fetch { ticket, from, skip: 0, credit, transfer, headed: false });
                Ok(())
            }
            Err(failure) if is_transient(&failure) => self.try_later(now, Error::fetch(&failure)),
            Err(failure) => Err(Error::fetch(&failure)),
        }
    }

    /// Takes an event of a fetch; whether it was this reader's.
    pub(crate) fn net(
        &mut self,
        ticket: u64,
        change: &NetChange,
        now: HostUs,
        shim: &mut dyn Shim,
    ) -> Result<bool, Error> {
        let Some(fetch) = self.fetch.as_mut().filter(|fetch| fetch.ticket == ticket) else {
            return Ok(false);
        };
        match change {
            NetChange::Head(head) => {
                fetch.transfer.sent_us = head.sent_us;
                fetch.transfer.first_byte_us = head.first_byte_us;
                fetch.headed = true;
                let outcome = self.head(head);
                if outcome.is_err() {
                    self.drop_fetch(shim);
                }
                if let Err(error) = outcome {
                    if is_transient_status(head.status) {
                        self.try_later(now, error)?;
                    } else if head.status != 416 || !self.ended_by_416(head) {
                        return Err(error);
                    }
                }
            }
            NetChange::Chunk { host_us, bytes } => {
                let len = bytes.len() as u64;
                fetch.credit = fetch.credit.saturating_sub(len);
                fetch.transfer.bytes += len;
                fetch.transfer.last_byte_us = *host_us;
                let skip = fetch.skip.min(len);
                fetch.skip -= skip;
                let room = self.part.map_or(u64::MAX, |part| part.len.saturating_sub(self.window.end()));
                let bytes = &bytes[skip as usize..];
                let bytes = &bytes[..bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX))];
                self.window.extend(bytes);
                self.window.drop_before(self.need.0.saturating_sub(BEHIND_BYTES));
                if !bytes.is_empty() {
                    self.attempt = 0;
                }
                if self.part.is_some_and(|part| self.window.end() >= part.len) {
                    self.finish();
                    shim.cancel(ticket);
                }
            }
            NetChange::End(_) => {
                let got = self.window.end();
                self.finish();
                match self.window.total() {
                    Some(total) if got < total => self.try_later(now, Error::new(ErrorKind::Network, CUT))?,
                    _ => self.window.set_ended(),
                }
            }
            NetChange::Failed(failure) => {
                self.fetch = None;
                if !is_transient(failure) {
                    return Err(Error::fetch(failure));
                }
                self.try_later(now, Error::fetch(failure))?;
            }
        }
        Ok(true)
    }

    fn head(&mut self, head: &crate::event::NetHead) -> Result<(), Error> {
        let Some(fetch) = &mut self.fetch else { return Ok(()) };
        let base = self.part.map_or(0, |part| part.start);
        let wanted = base.saturating_add(fetch.from);
        let kind = head.header("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let total = match head.status {
            206 => {
                let (first, total) =
                    content_range(head.header("content-range").unwrap_or_default()).unwrap_or((wanted, None));
                if first > wanted {
                    return Err(Error::new(
                        ErrorKind::Network,
                        "The server sent another part than it was asked for.",
                    ));
                }
                fetch.skip = wanted - first;
                self.ranges = Some(true);
                total
            }
            200 => {
                fetch.skip = wanted;
                if !self.whole || wanted > 0 {
                    self.ranges = Some(false);
                }
                let encoded = head.header("content-encoding").is_some();
                head.header("content-length").filter(|_| !encoded).and_then(|len| len.trim().parse().ok())
            }
            status => return Err(Error::http(status)),
        };
        self.facts = Facts { final_url: head.final_url.clone(), content_type: kind };
        if self.part.is_none() && total.is_some() {
            self.window.set_total(total);
        }
        Ok(())
    }

    /// "Range not satisfiable" at what turns out to be the end is the end (an empty file, or one that shrank to it).
    fn ended_by_416(&mut self, head: &crate::event::NetHead) -> bool {
        let total = head.header("content-range").and_then(|range| range.rsplit_once('/'));
        let total = total.and_then(|(_, total)| total.trim().parse::<u64>().ok());
        let at_end = self.part.is_none() && total.is_some_and(|total| self.window.end() >= total);
        if at_end {
            self.ranges = Some(true);
            self.window.set_ended();
        }
        at_end
    }

    fn try_later(&mut self, now: HostUs, error: Error) -> Result<(), Error> {
        let Some(wait) = BACK_OFF_US.get(self.attempt) else { return Err(error) };
        self.attempt += 1;
        self.retry_at = Some(now.saturating_add(*wait));
        Ok(())
    }

    fn finish(&mut self) {
        self.last = self.fetch.take().filter(|fetch| fetch.headed).map(|fetch| fetch.transfer);
    }

    fn drop_fetch(&mut self, shim: &mut dyn Shim) {
        if let Some(fetch) = self.fetch.take() {
            shim.cancel(fetch.ticket);
        }
    }

    /// Stops reading.
    pub(crate) fn close(&mut self, shim: &mut dyn Shim) {
        self.drop_fetch(shim);
        self.retry_at = None;
    }
}

const CUT: &str = "The connection was lost.";

/// First byte and total length of `bytes A-B/TOTAL` (RFC 9110 14.4).
fn content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
    let first = range.split_once('-')?.0.trim().parse().ok()?;
    Some((first, total.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_range_with_unknown_total_gives_the_start() {
        assert_eq!(content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(content_range("bytes 5-9/*"), Some((5, None)));
        assert_eq!(content_range("items 1"), None);
    }
}
