//! The running player: what this shim brings to it.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use kinora_audio_cpal::CpalSink;
use kinora_decode_ffmpeg::FfmpegDecoders;
use kinora_decode_symphonia::SymphoniaDecoders;
use kinora_host::realtime::{Links, Parts, Session};
use kinora_host::{Device, Recorder};
use kinora_net::HostNet;
use kinora_port::{Chain, Decoders, InputEvent, MemoryStorage, Storage};
use kinora_store::FileStorage;
use winit::event_loop::EventLoopProxy;

use crate::app::Ask;
use crate::args::Options;
use crate::shell::DesktopShell;

/// Encoded samples kept.
const BUFFER_BYTES: u64 = 150 << 20;
/// Extra of `launch` (`wit/player.wit`).
const EXIT_AT_END: u32 = 2;

/// Starts everything that needs no window; the end is told to the window.
pub(crate) fn start(options: &Options, window: EventLoopProxy<Ask>) -> Result<Session, String> {
    let core = core_file(options.core.clone())?;
    let recorder = options.record.as_deref().map(|path| {
        Recorder::create(path, concat!("kinora ", env!("CARGO_PKG_VERSION")))
            .map_err(|e| format!("cannot record to {}: {e}", path.display()))
    });
    let links = Links::new();
    let mut net = HostNet::new(links.clock.reading(), links.inbox.net_events())
        .map_err(|e| format!("no network: {e}"))?;
    if !options.sources.is_empty() {
        links.input.send(InputEvent::Open { sources: options.sources.clone(), append: false });
    }
    crate::gamepad::start(Arc::clone(&links.input));
    let parts = Parts {
        core,
        decoders: decoders(),
        sink: Box::new(CpalSink::new(links.clock.reading())),
        device: device(&mut net),
        net: Box::new(net),
        storage: storage(),
        shell: Box::new(DesktopShell::new(window.clone(), Arc::clone(&links.input))),
        launch_extras: vec![(EXIT_AT_END, vec![u8::from(options.exit_at_end)])],
        buffer_bytes: BUFFER_BYTES,
        log_level: options.log_level,
        recorder: recorder.transpose()?,
    };
    Session::start(links, parts, move |outcome| {
        // The loop may be gone already.
        let _ = window.send_event(Ask::Exit(outcome));
    })
}

/// Starts a named thread.
pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), String> {
    let thread = thread::Builder::new().name(name.into()).spawn(run);
    thread.map(drop).map_err(|e| format!("cannot start a thread: {e}"))
}

/// The decoders of this shim, the pure ones first.
pub(crate) fn decoders() -> Arc<dyn Decoders> {
    Arc::new(Chain(vec![Arc::new(SymphoniaDecoders), Arc::new(FfmpegDecoders::default())]))
}

/// The core to run.
pub(crate) fn core_file(given: Option<PathBuf>) -> Result<PathBuf, String> {
    given
        .or_else(kinora_host::factory_core)
        .ok_or_else(|| "there is no player core beside this program; name one with --core".into())
}

fn storage() -> Box<dyn Storage> {
    match kinora_host::data_folder() {
        Some(folder) => {
            let storage = FileStorage::open(&folder);
            if let Some(notice) = storage.notice() {
                eprintln!("kinora: {notice}");
            }
            Box::new(storage)
        }
        None => Box::new(MemoryStorage::default()),
    }
}

fn device(net: &mut HostNet) -> Device {
    let mut facts = kinora_host::font_facts(|path| net.grant_file(path));
    for (name, value) in [("class", "desktop"), ("pointer", "yes"), ("locale", &kinora_host::locale())] {
        facts.insert(name.into(), value.into());
    }
    facts.insert("memory-bytes".into(), BUFFER_BYTES.to_string());
    Device { facts }
}
