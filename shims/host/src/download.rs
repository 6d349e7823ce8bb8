//! Fetching a file whole, outside playback: a core to install.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use kinora_port::{Net, NetChange, NetEvents, NetRequest};

/// Nothing larger is kept (`kinora_cores::QUOTA_BYTES`).
const MAX_BYTES: usize = kinora_cores::QUOTA_BYTES as usize;
const WINDOW_BYTES: u32 = 1 << 20;
/// A server that says nothing for so long will not.
const PATIENCE: Duration = Duration::from_secs(30);

/// Makes the shim's net, which reports to what it is given.
pub type MakeNet<'a> = &'a dyn Fn(NetEvents) -> Result<Box<dyn Net>, String>;

/// The same for a thread that keeps it.
pub type OwnedNet = Box<dyn Fn(NetEvents) -> Result<Box<dyn Net>, String> + Send>;

/// Fetches what an address or a path names. The error is for the person who named it.
pub(crate) fn download(source: &str, make: MakeNet<'_>) -> Result<Vec<u8>, String> {
    const TICKET: u64 = 1;
    let (events, changes) = mpsc::channel();
    // Whoever stops listening has heard enough.
    let mut net = make(Arc::new(move |_, change| drop(events.send(change))))?;
    let request = NetRequest {
        method: "GET".into(),
        url: net.grant(source).url,
        headers: Vec::new(),
        body: Vec::new(),
        window_bytes: WINDOW_BYTES,
    };
    let why = |failure: kinora_port::Failure| format!("cannot fetch {source}: {}", failure.message);
    net.fetch(TICKET, request).map_err(why)?;
    let mut body = Vec::new();
    loop {
        match changes.recv_timeout(PATIENCE) {
            Ok(NetChange::Head(head)) if head.status != 200 => {
                return Err(format!("cannot fetch {source}: the server answers {}", head.status));
            }
            Ok(NetChange::Head(_)) => {}
            Ok(NetChange::Chunk(_, bytes)) => {
                body.extend_from_slice(&bytes);
                if body.len() > MAX_BYTES {
                    return Err(format!("{source} is larger than {} MiB, and no core", MAX_BYTES >> 20));
                }
                net.credit(TICKET, bytes.len() as u32);
            }
            Ok(NetChange::End(_)) => return Ok(body),
            Ok(NetChange::Failed(failure)) => return Err(why(failure)),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                return Err(format!("cannot fetch {source}: nothing came for {} s", PATIENCE.as_secs()));
            }
        }
    }
}
