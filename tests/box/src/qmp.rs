//! The QEMU Machine Protocol: JSON objects over a socket.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// QEMU answers at once; one that does not is stuck.
const ANSWER: Duration = Duration::from_secs(60);

/// A connection to a running QEMU.
pub struct Qmp {
    socket: BufReader<UnixStream>,
    /// What came of a line that is not whole yet.
    partial: Vec<u8>,
    /// What happened and nobody asked for yet.
    events: VecDeque<Value>,
}

impl Qmp {
    /// Connects to the socket of a QEMU that was just started.
    pub fn connect(socket: &Path) -> Result<Self, String> {
        let socket = connect(socket)?;
        let mut qmp = Qmp { socket: BufReader::new(socket), partial: Vec::new(), events: VecDeque::new() };
        // The greeting, which asks for the answer that takes over.
        qmp.object(Instant::now() + ANSWER)?;
        qmp.call("qmp_capabilities", json!({}))?;
        Ok(qmp)
    }

    /// Has QEMU do something; the error is what it says of it.
    pub fn call(&mut self, command: &str, arguments: Value) -> Result<Value, String> {
        let line = json!({ "execute": command, "arguments": arguments }).to_string();
        let until = Instant::now() + ANSWER;
        writeln!(self.socket.get_mut(), "{line}").map_err(|e| format!("QEMU: {command}: {e}"))?;
        loop {
            let mut object = self.object(until).map_err(|why| format!("QEMU: {command}: {why}"))?;
            if object.get("event").is_some() {
                self.events.push_back(object);
            } else if let Some(error) = object.get("error") {
                return Err(format!("QEMU: {command}: {}", error["desc"].as_str().unwrap_or("refused")));
            } else {
                return Ok(object["return"].take());
            }
        }
    }

    /// Waits for something to happen.
    pub fn wait_for(&mut self, event: &str, patience: Duration) -> Result<Value, String> {
        let until = Instant::now() + patience;
        loop {
            let known = self.events.iter().position(|object| object["event"] == event);
            if let Some(object) = known.and_then(|at| self.events.remove(at)) {
                return Ok(object);
            }
            let object = self.object(until).map_err(|why| format!("QEMU: waiting for {event}: {why}"))?;
            self.events.push_back(object);
        }
    }

    fn object(&mut self, until: Instant) -> Result<Value, String> {
        loop {
            let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            self.socket.get_ref().set_read_timeout(Some(left)).map_err(|e| e.to_string())?;
            match self.socket.read_until(b'\n', &mut self.partial) {
                Ok(0) => return Err("it has ended".into()),
                Ok(_) => {
                    let line = std::mem::take(&mut self.partial);
                    return serde_json::from_slice(&line).map_err(|e| format!("not JSON: {e}"));
                }
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    if Instant::now() >= until {
                        return Err("no answer".into());
                    }
                }
                Err(e) => return Err(e.to_string()),
            }
        }
    }
}

/// Connects to a socket that a program which was just started is about to open.
pub(crate) fn connect(path: &Path) -> Result<UnixStream, String> {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        match UnixStream::connect(path) {
            Ok(socket) => return Ok(socket),
            Err(e) if Instant::now() > until => return Err(format!("{}: {e}", path.display())),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
