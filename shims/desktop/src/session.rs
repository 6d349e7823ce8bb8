//! The running player: what this shim brings to it.

use std::sync::Arc;

use kinora_audio_cpal::CpalSink;
use kinora_decode_ffmpeg::FfmpegDecoders;
use kinora_decode_symphonia::SymphoniaDecoders;
use kinora_host::realtime::{Clock, Links, Parts, Session};
use kinora_host::{BUFFER_BYTES, Device, LaunchExtras, chosen_core, record};
use kinora_net::HostNet;
use kinora_port::{Chain, Decoders, InputEvent, MemoryStorage, Net, NetEvents, Storage};
use kinora_store::FileStorage;
use winit::event_loop::EventLoopProxy;

use crate::app::Ask;
use crate::args::Options;
use crate::shell::DesktopShell;

/// As traces and reports name it.
pub(crate) const PROGRAM: &str = concat!("kinora ", env!("CARGO_PKG_VERSION"));

/// Starts everything that needs no window; the end is told to the window.
pub(crate) fn start(options: &Options, window: EventLoopProxy<Ask>) -> Result<Session, String> {
    let core = chosen_core(options.core.as_deref())?;
    let recent = kinora_host::state_folder();
    let recorder = record(options.record.as_deref(), recent.as_deref(), PROGRAM)?;
    let links = Links::new();
    let mut net = HostNet::new(links.clock.reading(), links.inbox.net_events())
        .map_err(|e| format!("no network: {e}"))?;
    net.restrict(options.rules.clone());
    if !options.sources.is_empty() {
        links.input.send(InputEvent::Open { sources: options.sources.clone(), append: false });
    }
    crate::gamepad::start(Arc::clone(&links.input));
    let watched = options.watch.then(|| core.clone());
    let parts = Parts {
        core,
        decoders: decoders(),
        sink: Box::new(CpalSink::new(links.clock.reading())),
        device: device(&mut net),
        net: Box::new(net),
        storage: storage(),
        journal: journal(),
        take_over: options.sources.is_empty(),
        shell: Box::new(DesktopShell::new(window.clone(), Arc::clone(&links.input))),
        launch_extras: LaunchExtras { forgetful: false, exit_at_end: options.exit_at_end },
        buffer_bytes: BUFFER_BYTES,
        log_level: options.log_level,
        recorder,
    };
    let session = Session::start(links, parts, move |outcome| {
        // The loop may be gone already.
        let _ = window.send_event(Ask::Exit(outcome));
    })?;
    watched.map_or(Ok(()), |core| session.watch(core))?;
    Ok(session)
}

/// A net for what is no playback.
pub(crate) fn net(events: NetEvents) -> Result<Box<dyn Net>, String> {
    let net = HostNet::new(Clock::new().reading(), events);
    net.map(|net| Box::new(net) as Box<dyn Net>).map_err(|e| format!("no network: {e}"))
}

/// The decoders of this shim, the pure ones first.
pub(crate) fn decoders() -> Arc<dyn Decoders> {
    Arc::new(Chain(vec![Arc::new(SymphoniaDecoders), Arc::new(FfmpegDecoders::default())]))
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

/// In case the process dies. Of several players at once only the first has one.
fn journal() -> Box<dyn Storage> {
    let kept = kinora_host::state_folder().map(|folder| FileStorage::open(&folder.join("journal")));
    match kept.filter(FileStorage::is_writable) {
        Some(storage) => Box::new(storage),
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
