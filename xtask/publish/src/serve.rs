//! A static HTTP/1.1 server for trying a repository out: this machine only, no TLS. Real devices are served by any HTTPS server.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kinora_update::is_plain;

/// Longest request head, bytes.
const MAX_HEAD_BYTES: u64 = 16 << 10;
/// For a client to say or take something.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that has not begun yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    folder: PathBuf,
}

impl Server {
    /// Takes `port` of loopback, or any with 0.
    pub fn bind(folder: &Path, port: u16) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(("127.0.0.1", port))?, folder: folder.to_owned() })
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until the process ends.
    pub fn run(self) {
        for stream in self.listener.incoming().flatten() {
            let folder = self.folder.clone();
            std::thread::spawn(move || {
                // A client that goes away is none of the server's business.
                let _ = answer(&stream, &folder);
            });
        }
    }
}

fn answer(stream: &TcpStream, folder: &Path) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new(stream.take(MAX_HEAD_BYTES)).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    let mut from = None;
    for line in lines {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        let range = line.strip_prefix("range: bytes=").and_then(|range| range.trim().strip_suffix('-'));
        from = range.and_then(|range| range.parse::<u64>().ok()).or(from);
    }
    let mut stream = stream;
    let mut head = |status: &str, length: u64, more: &str| {
        write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{more}\r\n")
    };
    let Some(mut file) = find(&request, folder) else { return head("404 Not Found", 0, "") };
    let length = file.metadata()?.len();
    match from {
        None => head("200 OK", length, "accept-ranges: bytes\r\n")?,
        Some(from) if from >= length => {
            return head("416 Range Not Satisfiable", 0, &format!("content-range: bytes */{length}\r\n"));
        }
        Some(from) => {
            let range = format!("content-range: bytes {from}-{}/{length}\r\n", length - 1);
            head("206 Partial Content", length - from, &range)?;
            file.seek(SeekFrom::Start(from))?;
        }
    }
    io::copy(&mut file, &mut stream).map(drop)
}

/// The file that a request line asks for: one of the two folders and a plain name, nothing else.
fn find(request: &str, folder: &Path) -> Option<File> {
    let path = request.strip_prefix("GET /")?.split(' ').next()?;
    let (place, name) = path.split_once('/')?;
    let known = matches!(place, "metadata" | "targets") && is_plain(name);
    known.then(|| File::open(folder.join(place).join(name)).ok()).flatten()
}
