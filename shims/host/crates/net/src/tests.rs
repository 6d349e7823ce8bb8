//! Against real sockets on this device: servers that behave and servers that do not.

mod files;
mod http;
mod tls;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use kinora_port::{Failure, Net, NetChange, NetHead, NetRequest};
use rustls::pki_types::CertificateDer;

use crate::HostNet;
use crate::client::Patience;

/// Only hangs reach it.
const HANG: Duration = Duration::from_secs(20);

/// A net and what it reported.
struct Bench {
    net: HostNet,
    events: Receiver<(u64, NetChange)>,
    next_ticket: u64,
}

/// All that came of one fetch.
#[derive(Debug)]
struct Outcome {
    head: Option<NetHead>,
    body: Vec<u8>,
    end: Result<u64, Failure>,
}

impl Outcome {
    fn status(&self) -> u32 {
        self.head.as_ref().map_or(0, |head| head.status)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let headers = &self.head.as_ref()?.headers;
        headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn code(&self) -> u32 {
        self.end.as_ref().expect_err("a failure").code
    }
}

impl Bench {
    fn new() -> Self {
        Self::with(Matcher::builder().build(), Vec::new(), Patience::default())
    }

    fn with(proxies: Matcher, trusted: Vec<CertificateDer<'static>>, patience: Patience) -> Self {
        let (sender, events) = channel();
        let sender = Mutex::new(sender);
        let report = move |ticket, change| drop(sender.lock().unwrap().send((ticket, change)));
        // Every reading of the clock is one microsecond later.
        let ticks = AtomicU64::new(0);
        let clock = move || ticks.fetch_add(1, Ordering::Relaxed);
        let net = HostNet::with(Arc::new(clock), Arc::new(report), proxies, trusted, patience).unwrap();
        Self { net, events, next_ticket: 0 }
    }

    fn start(&mut self, request: NetRequest) -> Result<u64, Failure> {
        self.next_ticket += 1;
        self.net.fetch(self.next_ticket, request).map(|()| self.next_ticket)
    }

    fn next(&self) -> (u64, NetChange) {
        self.events.recv_timeout(HANG).expect("an event")
    }

    /// Waits until nothing more can come without credit, and sees that nothing did.
    fn starve(&self) {
        while self.net.busy() {
            std::thread::yield_now();
        }
        assert_eq!(self.events.try_recv(), Err(TryRecvError::Empty));
    }

    /// Collects the rest of the fetch `ticket`.
    fn finish(&self, ticket: u64) -> Outcome {
        let mut outcome = Outcome { head: None, body: Vec::new(), end: Ok(0) };
        loop {
            let (from, change) = self.next();
            assert_eq!(from, ticket);
            match change {
                NetChange::Head(head) => assert!(outcome.head.replace(head).is_none(), "a second head"),
                NetChange::Chunk(_, bytes) => {
                    assert!((1..=65_536).contains(&bytes.len()), "{}", bytes.len());
                    outcome.body.extend(bytes);
                }
                NetChange::End(total) => {
                    assert_eq!(total, outcome.body.len() as u64);
                    outcome.end = Ok(total);
                    return outcome;
                }
                NetChange::Failed(failure) => {
                    outcome.end = Err(failure);
                    return outcome;
                }
            }
        }
    }

    fn get(&mut self, url: &str) -> Outcome {
        let ticket = self.start(request(url)).expect("a ticket");
        self.finish(ticket)
    }
}

fn request(url: &str) -> NetRequest {
    NetRequest {
        method: "GET".into(),
        url: url.into(),
        headers: Vec::new(),
        body: Vec::new(),
        window_bytes: u32::MAX,
    }
}

fn with_header(mut request: NetRequest, name: &str, value: &str) -> NetRequest {
    request.headers.push((name.into(), value.into()));
    request
}

/// A server whose every answer is a function of the request's head. A connection serves requests until its answer fails to be written.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn new(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (counter, log, answer) = (Arc::clone(&connections), Arc::clone(&requests), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::SeqCst);
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &log, &*answer));
            }
        });
        Self { address, connections, requests }
    }

    /// Always the same answer.
    fn fixed(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::new(move |_, stream| drop(stream.write_all(&answer)))
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn request(&self, index: usize) -> String {
        self.requests.lock().unwrap()[index].clone()
    }
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<String>>, answer: &dyn Fn(&str, &mut TcpStream)) {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while stream.read_exact(&mut byte).is_ok() {
        bytes.push(byte[0]);
        if bytes.ends_with(b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&std::mem::take(&mut bytes)).into_owned();
            log.lock().unwrap().push(head.clone());
            answer(&head, &mut stream);
        }
    }
}

/// An answer with its length.
fn ok(headers: &str, body: &[u8]) -> Vec<u8> {
    let mut answer =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{headers}\r\n", body.len()).into_bytes();
    answer.extend(body);
    answer
}

fn redirect(status: u32, location: &str) -> String {
    format!("HTTP/1.1 {status} Moved\r\nContent-Length: 0\r\nLocation: {location}\r\n\r\n")
}

/// A folder that goes away with its test.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("kinora-net-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: &[u8]) -> std::path::PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
