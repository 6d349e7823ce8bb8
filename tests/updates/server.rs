//! A server of a repository's folder that does other things with some files.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What happens to a file instead of being served.
#[derive(Debug, Clone)]
pub(crate) enum Mischief {
    /// Another answer.
    Status(u16),
    /// Other bytes.
    Bytes(Vec<u8>),
    /// Zeros without end.
    Endless,
    /// A byte a reading of the network's clock.
    Drip,
    /// So many bytes of it, under its right length.
    Cut(usize),
    /// All of it, whatever range was asked for.
    NoRanges,
}

/// Serves until the process ends.
pub(crate) struct Server {
    address: String,
    mischief: Arc<Mutex<HashMap<String, Mischief>>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// `readings` tells when the network's clock was read.
    pub(crate) fn start(folder: &Path, readings: Receiver<()>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = format!("http://{}/", listener.local_addr().expect("it is bound"));
        let (mischief, requests) = (Arc::default(), Arc::default());
        let handler = Handler {
            folder: folder.to_owned(),
            mischief: Arc::clone(&mischief),
            requests: Arc::clone(&requests),
            readings: Arc::new(Mutex::new(readings)),
        };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let handler = handler.clone();
                // A client that goes away is none of the server's business.
                std::thread::spawn(move || drop(handler.answer(stream)));
            }
        });
        Self { address, mischief, requests }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Does it to every file whose path ends in `ending`.
    pub(crate) fn spoil(&self, ending: &str, mischief: Mischief) {
        self.mischief.lock().unwrap().insert(ending.to_owned(), mischief);
    }

    pub(crate) fn behave(&self) {
        self.mischief.lock().unwrap().clear();
    }

    /// The requests so far, path and range.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

#[derive(Clone)]
struct Handler {
    folder: PathBuf,
    mischief: Arc<Mutex<HashMap<String, Mischief>>>,
    requests: Arc<Mutex<Vec<String>>>,
    readings: Arc<Mutex<Receiver<()>>>,
}

impl Handler {
    fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let (mut first, mut from) = (String::new(), None);
        reader.read_line(&mut first)?;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 || line == "\r\n" {
                break;
            }
            if let Some(range) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
                from = range.trim().trim_end_matches('-').parse::<usize>().ok();
            }
        }
        let path = first.split(' ').nth(1).unwrap_or("/").to_owned();
        self.requests
            .lock()
            .unwrap()
            .push(format!("{path} {}", from.map_or("-".into(), |at| at.to_string())));
        let spoilt = self.mischief.lock().unwrap();
        let mischief = spoilt.iter().find(|(ending, _)| path.ends_with(ending.as_str()));
        let mischief = mischief.map(|(_, mischief)| mischief.clone());
        drop(spoilt);

        let file = std::fs::read(self.folder.join(path.trim_start_matches('/'))).ok();
        let head =
            |status: &str, more: String| format!("HTTP/1.1 {status}\r\nconnection: close\r\n{more}\r\n");
        let length = |bytes: &[u8]| format!("content-length: {}\r\n", bytes.len());
        match (mischief, file) {
            (Some(Mischief::Status(status)), _) => {
                stream.write_all(head(&format!("{status} As Told"), length(b"")).as_bytes())
            }
            (Some(Mischief::Bytes(bytes)), _) => {
                stream.write_all(head("200 OK", length(&bytes)).as_bytes())?;
                stream.write_all(&bytes)
            }
            (Some(Mischief::Endless), _) => {
                stream.write_all(head("200 OK", String::new()).as_bytes())?;
                loop {
                    stream.write_all(&[0; 65_536])?;
                }
            }
            (Some(Mischief::Drip), _) => {
                stream.set_nodelay(true)?;
                let readings = self.readings.lock().unwrap();
                while readings.try_recv().is_ok() {}
                stream.write_all(head("200 OK", String::new()).as_bytes())?;
                // Ends when the client is tired of it and reads its clock no more.
                while readings.recv_timeout(Duration::from_secs(2)).is_ok() {
                    stream.write_all(b" ")?;
                }
                Ok(())
            }
            (Some(Mischief::Cut(count)), Some(file)) => {
                stream.write_all(head("200 OK", length(&file)).as_bytes())?;
                stream.write_all(&file[..count])
            }
            (_, None) => stream.write_all(head("404 Not Found", length(b"")).as_bytes()),
            (None, Some(file)) if from.is_some_and(|from| from < file.len()) => {
                let from = from.unwrap_or_default();
                let range = format!("content-range: bytes {from}-{}/{}\r\n", file.len() - 1, file.len());
                stream.write_all(head("206 Partial Content", length(&file[from..]) + &range).as_bytes())?;
                stream.write_all(&file[from..])
            }
            (None, Some(_)) if from.is_some() => {
                stream.write_all(head("416 Range Not Satisfiable", length(b"")).as_bytes())
            }
            (_, Some(file)) => {
                stream.write_all(head("200 OK", length(&file)).as_bytes())?;
                stream.write_all(&file)
            }
        }
    }
}
