//! Commands in the box.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::qmp::connect;

/// ASCII's record separator: before the exit status of a command, after all that it said.
const END: u8 = 0x1e;

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Exit status.
    pub status: i32,
    /// Standard output and error.
    pub text: String,
}

/// The shell at the other end of the serial line.
pub(crate) struct Guest {
    socket: UnixStream,
    /// What was read and not yet looked at.
    read: Vec<u8>,
}

impl Guest {
    pub(crate) fn connect(socket: &Path) -> Result<Self, String> {
        Ok(Guest { socket: connect(socket)?, read: Vec::new() })
    }

    /// Runs a line of shell.
    pub(crate) fn run(&mut self, line: &str, patience: Duration) -> Result<Said, String> {
        if line.contains('\n') {
            return Err(format!("a command for the box is one line: {line}"));
        }
        let until = Instant::now() + patience;
        writeln!(self.socket, "{line}").map_err(|e| format!("the box: {line}: {e}"))?;
        let text = self.until(END, until).map_err(|why| format!("the box: {line}: {why}"))?;
        let status = self.until(b'\n', until).map_err(|why| format!("the box: {line}: {why}"))?;
        let status = status.trim().parse().map_err(|_| format!("the box: {line}: status `{status}`"))?;
        Ok(Said { status, text })
    }

    /// What comes up to a byte, which is taken too.
    fn until(&mut self, end: u8, until: Instant) -> Result<String, String> {
        loop {
            if let Some(at) = self.read.iter().position(|byte| *byte == end) {
                let rest = self.read.split_off(at + 1);
                let mut text = std::mem::replace(&mut self.read, rest);
                text.pop();
                return Ok(String::from_utf8_lossy(&text).into_owned());
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(format!("no answer, only `{}`", String::from_utf8_lossy(&self.read)));
            }
            self.socket.set_read_timeout(Some(left)).map_err(|e| e.to_string())?;
            let mut chunk = [0; 4096];
            match self.socket.read(&mut chunk) {
                Ok(0) => return Err("the line was cut".into()),
                Ok(n) => self.read.extend_from_slice(&chunk[..n]),
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(e) => return Err(e.to_string()),
            }
        }
    }
}
