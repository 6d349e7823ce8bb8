//! A small HTTP/1.1 server that answers well and badly, and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::rig::LOOPBACK;

/// `/bytes/N` well and with ranges, `/drip/N` slowly, `/redirect/N` from another path, `/cut/N` only half of it, `/reset/N` with a connection
/// that is reset, `/stall` a head and nothing more, `/loop` redirects for ever, `/refused` to where nobody listens, `/status/N`.
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts on a free port: for this machine only, unless devices know it by another name than that of loopback. It ends with the process.
    pub(crate) fn start(host: &str) -> Result<Self, String> {
        let address = if host == LOOPBACK { LOOPBACK } else { "0.0.0.0" };
        let listener = TcpListener::bind((address, 0)).map_err(|e| format!("no server on {address}: {e}"))?;
        let port = listener.local_addr().map_err(|e| e.to_string())?.port();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                lock(&log).push("connected".into());
                let log = Arc::clone(&log);
                // A client that goes away is none of the server's business.
                std::thread::spawn(move || drop(answer(stream, &log)));
            }
        });
        Ok(Server { port, asked })
    }

    /// What it was asked since the last time: paths, and `connected` for each connection.
    pub(crate) fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.asked))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Byte `at` of every body.
fn pattern(at: usize) -> u8 {
    (at ^ (at >> 8) ^ (at >> 16)) as u8
}

/// The first line of a request, and nothing after it.
fn first_line(stream: &mut TcpStream) -> std::io::Result<String> {
    let (mut line, mut byte) = (String::new(), [0]);
    while line.len() < 4096 && stream.read(&mut byte)? == 1 && byte[0] != b'\n' {
        line.push(char::from(byte[0]));
    }
    Ok(line)
}

fn answer(mut stream: TcpStream, log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let first = first_line(&mut stream)?;
    let path = first.split(' ').nth(1).unwrap_or("/").to_owned();
    lock(log).push(path.clone());
    let (what, n) =
        path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
    let n: usize = n.parse().unwrap_or(0);
    let body: Vec<u8> = (0..n.min(8 << 20)).map(pattern).collect();
    let head = |status: &str, length: usize, more: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{more}\r\n")
    };
    if what == "reset" {
        // Closing a connection with something unread resets it (RFC 2525, 2.17): here the headers of the request.
        stream.write_all(head("200 OK", 2 * n, "").as_bytes())?;
        return stream.write_all(&body);
    }
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut range = None;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
            range = value.trim().split_once('-').and_then(|(from, to)| {
                Some((from.parse::<usize>().ok()?, to.parse::<usize>().map_or(n, |to| (to + 1).min(n))))
            });
        }
    }
    match (what, range) {
        ("bytes", Some((from, to))) if from < to => {
            let more = format!("Content-Range: bytes {from}-{}/{n}\r\n", to - 1);
            stream.write_all(head("206 Partial Content", to - from, &more).as_bytes())?;
            stream.write_all(&body[from..to])
        }
        ("bytes", _) => {
            stream.write_all(head("200 OK", n, "Accept-Ranges: bytes\r\n").as_bytes())?;
            stream.write_all(&body)
        }
        ("drip", _) => {
            stream.write_all(head("200 OK", n, "").as_bytes())?;
            for part in body.chunks(1000) {
                stream.write_all(part)?;
                stream.flush()?;
                std::thread::sleep(Duration::from_millis(2));
            }
            Ok(())
        }
        ("cut", _) => {
            stream.write_all(head("200 OK", 2 * n, "").as_bytes())?;
            stream.write_all(&body)
        }
        ("stall", _) => {
            stream.write_all(head("200 OK", 1000, "").as_bytes())?;
            // Until the client has had enough.
            let mut rest = String::new();
            reader.read_line(&mut rest).map(drop)
        }
        ("redirect", _) => {
            let more = format!("Location: /bytes/{n}\r\n");
            stream.write_all(head("302 Found", 0, &more).as_bytes())
        }
        ("loop", _) => stream.write_all(head("302 Found", 0, "Location: /loop\r\n").as_bytes()),
        // Port 9 is `discard` (RFC 863), which nobody offers any more.
        ("refused", _) => {
            stream.write_all(head("302 Found", 0, "Location: http://127.0.0.1:9/\r\n").as_bytes())
        }
        ("status", _) => stream.write_all(head(&format!("{n} As Asked"), 0, "").as_bytes()),
        _ => stream.write_all(head("200 OK", 0, "").as_bytes()),
    }
}
