//! The running player: what this shim brings to it, which is nothing yet. Replace one Null after the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc;

use kinora_host::realtime::{Links, Parts, Session};
use kinora_host::{BUFFER_BYTES, Device, LaunchExtras, Limits, core_file};
use kinora_port::{InputEvent, NullDecoders, NullNet, NullShell, NullSink, NullStorage};

use crate::args::Options;

/// Size of the surface that nobody sees, pixels.
const SIZE: (u32, u32) = (1280, 720);

/// Runs until the core asks to exit; answers with its status. The error says why it could not start.
pub(crate) fn run(options: &Options) -> Result<u32, String> {
    let links = Links::new();
    if !options.sources.is_empty() {
        links.input.send(InputEvent::Open { sources: options.sources.clone(), append: false });
    }
    let parts = Parts {
        core: core_file(options.core.as_deref())?,
        // Step 4: what decodes on this platform (`kinora_port::Decoders`).
        decoders: Arc::new(NullDecoders),
        // Step 5: what plays sound (`kinora_port::AudioSink`).
        sink: Box::new(NullSink),
        // Step 4: `kinora-net` reaches files and servers.
        net: Box::new(NullNet),
        // Step 6: `kinora-store` keeps values in files.
        storage: Box::new(NullStorage),
        journal: Box::new(NullStorage),
        // Step 6: the window or box around the player (`kinora_port::Shell`).
        shell: Box::new(NullShell),
        device: device(),
        launch_extras: LaunchExtras { forgetful: true, exit_at_end: true },
        take_over: false,
        buffer_bytes: BUFFER_BYTES,
        limits: Limits::REAL_TIME,
        log_level: options.log_level,
        recorder: None,
    };
    let (sender, ended) = mpsc::channel();
    let session = Session::start(links, parts, move |outcome| {
        // Whoever waits for it is gone only with the process.
        let _ = sender.send(outcome);
    })?;
    // Step 2: a thread of its own runs `realtime::present` on an implementation of `kinora_port::VideoOutput`.
    session.surface(InputEvent::Surface {
        width_px: SIZE.0,
        height_px: SIZE.1,
        scale_permille: 1000,
        refresh_mhz: 0,
        fullscreen: true,
    });
    ended.recv().map_err(|_| "the core's thread ended without a word")?
}

/// Step 7: facts of the device (`wit/device.wit`).
fn device() -> Device {
    let facts = [("class", "tv"), ("pointer", "no"), ("locale", "en")];
    Device { facts: BTreeMap::from(facts.map(|(name, value)| (name.into(), value.into()))) }
}
