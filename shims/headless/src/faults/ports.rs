//! Mistakes of the network, the store and the shell.

use std::net::{TcpStream, ToSocketAddrs};

use kinora_port::{Failure, Grant, Net, NetRequest, NowPlaying, Shell, Storage};

use super::Fault;

pub(super) struct MistakenNet {
    pub(super) inner: Box<dyn Net>,
    pub(super) fault: Fault,
    pub(super) grants: u32,
}

impl Net for MistakenNet {
    fn fetch(&mut self, ticket: u64, mut request: NetRequest) -> Result<(), Failure> {
        match self.fault {
            Fault::CreditIgnored => request.window_bytes = u32::MAX,
            Fault::PolicyLate => {
                let host = request.url.strip_prefix("http://").and_then(|rest| rest.split('/').next());
                let addresses = host.and_then(|host| host.to_socket_addrs().ok());
                drop(addresses.into_iter().flatten().next().map(TcpStream::connect));
            }
            _ => {}
        }
        self.inner.fetch(ticket, request)
    }
    fn credit(&mut self, ticket: u64, bytes: u32) {
        self.inner.credit(ticket, bytes);
    }
    fn cancel(&mut self, ticket: u64) {
        self.inner.cancel(ticket);
    }
    fn grant(&mut self, source: &str) -> Grant {
        self.grants += 1;
        if self.fault == Fault::PickUngranted && self.grants > 1 {
            return Grant { url: format!("file://{source}"), ..Grant::default() };
        }
        self.inner.grant(source)
    }
    fn busy(&self) -> bool {
        self.inner.busy()
    }
}

type Batch = Vec<(String, Option<Vec<u8>>)>;

pub(super) struct MistakenStorage {
    inner: Box<dyn Storage>,
    fault: Fault,
    /// Not given to the store yet.
    late: Vec<(u64, Batch)>,
    stored: Vec<(u64, Option<Failure>)>,
    polls: u32,
}

impl MistakenStorage {
    pub(super) fn new(inner: Box<dyn Storage>, fault: Fault) -> Self {
        MistakenStorage { inner, fault, late: Vec::new(), stored: Vec::new(), polls: 0 }
    }

    fn catch_up(&mut self) {
        for (ticket, batch) in std::mem::take(&mut self.late) {
            if let Err(failure) = self.inner.apply(ticket, batch) {
                self.stored.push((ticket, Some(failure)));
            }
        }
    }
}

impl Storage for MistakenStorage {
    fn get(&self, key: &str) -> Option<&[u8]> {
        self.inner.get(key)
    }
    fn keys(&self, prefix: &str) -> Vec<String> {
        let mut keys = self.inner.keys(prefix);
        if self.fault == Fault::KeysUnsorted {
            keys.reverse();
        }
        keys
    }
    fn apply(&mut self, ticket: u64, mut batch: Batch) -> Result<(), Failure> {
        match self.fault {
            Fault::GetLate => self.late.push((ticket, batch)),
            Fault::StoredEarly | Fault::ExitForgets => {
                self.late.push((0, batch));
                self.stored.push((ticket, None));
            }
            Fault::HalfBatch => {
                self.catch_up();
                let rest = batch.split_off(batch.len().div_ceil(2));
                self.inner.apply(0, batch)?;
                self.inner.flush();
                self.late.push((0, rest));
                self.stored.push((ticket, None));
            }
            _ => return self.inner.apply(ticket, batch),
        }
        Ok(())
    }
    fn poll(&mut self) -> Vec<(u64, Option<Failure>)> {
        self.polls += 1;
        if self.fault == Fault::GetLate && self.polls.is_multiple_of(5) {
            self.catch_up();
        }
        let mut stored = std::mem::take(&mut self.stored);
        stored.extend(self.inner.poll().into_iter().filter(|(ticket, _)| *ticket != 0));
        stored
    }
    fn flush(&mut self) {
        if self.fault != Fault::ExitForgets {
            self.catch_up();
        }
        self.inner.flush();
    }
}

/// Never lets the screen go dark again.
pub(super) struct SleeplessShell(pub(super) Box<dyn Shell>);

impl Shell for SleeplessShell {
    fn has(&self, ability: &str) -> bool {
        self.0.has(ability)
    }
    fn set_awake(&mut self, on: bool) -> Result<(), Failure> {
        if on { self.0.set_awake(true) } else { Ok(()) }
    }
    fn set_fullscreen(&mut self, on: bool) -> Result<(), Failure> {
        self.0.set_fullscreen(on)
    }
    fn pick_file(&mut self) -> Result<(), Failure> {
        self.0.pick_file()
    }
    fn set_title(&mut self, title: &str) -> Result<(), Failure> {
        self.0.set_title(title)
    }
    fn set_cursor(&mut self, visible: bool) -> Result<(), Failure> {
        self.0.set_cursor(visible)
    }
    fn set_now_playing(&mut self, now: &NowPlaying) -> Result<(), Failure> {
        self.0.set_now_playing(now)
    }
}
