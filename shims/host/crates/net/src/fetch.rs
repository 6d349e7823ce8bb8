//! One fetch: its credit, its silence after a cancel, and the delivery of a body.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kinora_port::{Failure, HostUs, NetChange, NetEvents, NetHead};
use reqwest::Url;
use tokio::io::{AsyncBufRead, AsyncBufReadExt};
use tokio::sync::Notify;

use crate::failure;

/// Most bytes in one chunk, by contract.
pub(crate) const CHUNK_BYTES: usize = 64 * 1024;

/// A body that can be looked at before it is taken.
pub(crate) type Body = Pin<Box<dyn AsyncBufRead + Send>>;

#[derive(Debug)]
struct State {
    credit: u64,
    /// Bytes are there and credit is not.
    starved: bool,
    cancelled: bool,
}

/// What the owner's thread and the network's thread share of a fetch.
#[derive(Debug)]
pub(crate) struct Fetch {
    state: Mutex<State>,
    more: Notify,
}

impl Fetch {
    pub(crate) fn new(window_bytes: u32) -> Self {
        let state = State { credit: u64::from(window_bytes), starved: false, cancelled: false };
        Self { state: Mutex::new(state), more: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn credit(&self, bytes: u32) {
        let mut state = self.state();
        state.credit = state.credit.saturating_add(u64::from(bytes));
        state.starved &= state.credit == 0;
        self.more.notify_one();
    }

    /// After this returns no event follows: events are sent under the same lock.
    pub(crate) fn cancel(&self) {
        self.state().cancelled = true;
    }

    /// Whether an event may come without more credit.
    pub(crate) fn is_busy(&self) -> bool {
        !self.state().starved
    }

    /// Waits for credit and takes up to `most` of it.
    async fn take(&self, most: usize) -> usize {
        loop {
            {
                let mut state = self.state();
                if state.credit > 0 {
                    let taken = state.credit.min(most as u64);
                    state.credit -= taken;
                    return taken as usize;
                }
                state.starved = true;
            }
            self.more.notified().await;
        }
    }
}

/// Where the events of one fetch go.
pub(crate) struct Sink {
    pub(crate) ticket: u64,
    pub(crate) fetch: Arc<Fetch>,
    pub(crate) events: NetEvents,
    pub(crate) clock: Arc<dyn Fn() -> HostUs + Send + Sync>,
}

impl Sink {
    pub(crate) fn now_us(&self) -> HostUs {
        (self.clock)()
    }

    fn send(&self, change: NetChange) {
        let state = self.fetch.state();
        if !state.cancelled {
            (self.events)(self.ticket, change);
        }
    }

    pub(crate) fn head(&self, head: NetHead) {
        self.send(NetChange::Head(head));
    }

    /// The last event.
    pub(crate) fn finish(&self, outcome: Result<u64, Failure>) {
        self.send(match outcome {
            Ok(total) => NetChange::End(total),
            Err(failure) => NetChange::Failed(failure),
        });
    }

    /// Sends a body to its end as credit allows; the number of its bytes. Only waiting for the body counts as idle: a core that gives
    /// no credit may take its time.
    pub(crate) async fn deliver(&self, url: &Url, mut body: Body, idle: Duration) -> Result<u64, Failure> {
        let mut total = 0_u64;
        loop {
            let filled = tokio::time::timeout(idle, body.fill_buf()).await;
            let available = match filled {
                Err(_) => return Err(failure::timed_out(url)),
                Ok(Err(error)) => return Err(broken(url, &error)),
                Ok(Ok([])) => return Ok(total),
                Ok(Ok(bytes)) => bytes,
            };
            let came_us = self.now_us();
            let count = self.fetch.take(available.len().min(CHUNK_BYTES)).await;
            let bytes = available[..count].to_vec();
            body.as_mut().consume(count);
            total += count as u64;
            self.send(NetChange::Chunk(came_us, bytes));
        }
    }
}

fn broken(url: &Url, error: &std::io::Error) -> Failure {
    match url.scheme() {
        "file" => failure::of_file(&url.to_file_path().unwrap_or_default(), error),
        _ => failure::of_transfer(url, error),
    }
}
