//! The running player: what this shim brings to it.

use std::sync::Arc;

use kinora_audio_cpal::CpalSink;
use kinora_decode_ffmpeg::FfmpegDecoders;
use kinora_decode_symphonia::SymphoniaDecoders;
use kinora_host::realtime::{Links, Parts, Session};
use kinora_host::{BUFFER_BYTES, Device, LaunchExtras, core_file, record};
use kinora_net::HostNet;
use kinora_port::{Chain, Decoders, InputEvent, MemoryStorage, Storage};
use kinora_store::FileStorage;
use winit::event_loop::EventLoopProxy;

use crate::app::Ask;
use crate::args::Options;
use crate::shell::DesktopShell;

/// As traces and reports name it.
pub(crate) const PROGRAM: &str = concat!("kinora ", env!("CARGO_PKG_VERSION"));

/// Starts everything that needs no window; the end is told to the window.
pub(crate) fn start(options: &Options, window: EventLoopProxy<Ask>) -> Result<Session, String> {
    let core = core_file(options.core.as_deref())?;
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
    Session::start(links, parts, move |outcome| {
        // The loop may be gone already.
        let _ = window.send_event(Ask::Exit(outcome));
    })
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
