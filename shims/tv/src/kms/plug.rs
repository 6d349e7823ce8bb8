//! Displays that are unplugged and plugged in while the player runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use drm::control::connector;
use kinora_host::realtime::{Links, spawn};
use kinora_port::InputEvent;

use super::{Card, is_connected};

/// How often the kernel is asked what it knows, which makes it look for nothing. Its own message (a uevent) comes from too many
/// subsystems and not from all drivers.
const EVERY: Duration = Duration::from_millis(500);
/// Lifecycle events (`wit/player.wit`).
const FOCUSED: u32 = 1;
const CONCEALED: u32 = 3;

/// Counts how often something was plugged in or out.
#[derive(Default)]
pub(crate) struct Plug(AtomicU64);

impl Plug {
    /// The count so far.
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Watches the card's connectors on a thread of its own. Each change wakes the presenting thread and is told to the core.
    pub(crate) fn watch(self: &Arc<Self>, card: &Arc<Card>, links: &Links) -> Result<(), String> {
        let (plug, card) = (Arc::clone(self), Arc::clone(card));
        let (screen, input) = (Arc::clone(&links.screen), Arc::clone(&links.input));
        let mut known = connected(&card);
        spawn("plug", move || {
            while !screen.is_closed() {
                std::thread::sleep(EVERY);
                let now = connected(&card);
                if now == known {
                    continue;
                }
                let state = if now.is_empty() { CONCEALED } else { FOCUSED };
                known = now;
                plug.0.fetch_add(1, Ordering::Release);
                screen.expose();
                input.send(InputEvent::Lifecycle(state));
            }
        })
    }
}

fn connected(card: &Card) -> Vec<connector::Handle> {
    // A card that does not answer has nothing connected.
    let connectors = card.connectors(false).unwrap_or_default();
    connectors.iter().filter(|connector| is_connected(connector)).map(connector::Info::handle).collect()
}
