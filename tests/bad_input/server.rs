//! A small HTTP/1.1 server that misbehaves on request.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

/// Serves one film: `/film` well, `/no-ranges` without ranges, `/cut` only half of it, `/404` and `/500` as named.
pub(crate) struct Server {
    address: SocketAddr,
}

impl Server {
    /// Starts on a free port of loopback. It ends with the process.
    pub(crate) fn start(film: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let film: Arc<[u8]> = film.into();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let film = Arc::clone(&film);
                // A client that goes away is none of the server's business.
                std::thread::spawn(move || drop(answer(stream, &film)));
            }
        });
        Server { address }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

fn answer(mut stream: TcpStream, film: &[u8]) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut first, mut range) = (String::new(), None);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
            range = parse_range(value.trim(), film.len());
        }
    }
    let path = first.split(' ').nth(1).unwrap_or("/");
    let head = |status: &str, length: usize, more: &str| {
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{more}\r\n")
    };
    let total = film.len();
    match (path, range) {
        ("/404", _) => stream.write_all(head("404 Not Found", 0, "").as_bytes()),
        ("/500", _) => stream.write_all(head("500 Internal Server Error", 0, "").as_bytes()),
        ("/cut", _) => {
            stream.write_all(head("200 OK", total, "").as_bytes())?;
            stream.write_all(&film[..total / 2])
        }
        ("/film", Some((from, to))) => {
            let more = format!("content-range: bytes {from}-{}/{total}\r\naccept-ranges: bytes\r\n", to - 1);
            stream.write_all(head("206 Partial Content", to - from, &more).as_bytes())?;
            stream.write_all(&film[from..to])
        }
        ("/film", None) => {
            stream.write_all(head("200 OK", total, "accept-ranges: bytes\r\n").as_bytes())?;
            stream.write_all(film)
        }
        _ => {
            stream.write_all(head("200 OK", total, "").as_bytes())?;
            stream.write_all(film)
        }
    }
}

/// `A-B` or `A-` as a half-open range inside `len`.
fn parse_range(text: &str, len: usize) -> Option<(usize, usize)> {
    let (from, to) = text.split_once('-')?;
    let from = from.parse().ok().filter(|from| *from < len)?;
    let to = if to.is_empty() { len } else { to.parse::<usize>().ok()?.checked_add(1)?.min(len) };
    (from < to).then_some((from, to))
}
