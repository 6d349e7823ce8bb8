//! What a session needs that is the same on every system with a libavcodec and a file system.

use std::path::Path;
use std::sync::Arc;

use kinora_decode_ffmpeg::FfmpegDecoders;
use kinora_decode_symphonia::SymphoniaDecoders;
use kinora_host::Device;
use kinora_host::realtime::{Clock, Links};
use kinora_net::{HostNet, Rules};
use kinora_port::{Chain, Decoders, MemoryStorage, Net, NetEvents, Storage};
use kinora_store::FileStorage;

/// The decoders, the pure ones first.
pub fn decoders() -> Arc<dyn Decoders> {
    Arc::new(Chain(vec![Arc::new(SymphoniaDecoders), Arc::new(FfmpegDecoders::default())]))
}

/// The network and the files, within the rules.
pub fn net(links: &Links, rules: &Rules) -> Result<HostNet, String> {
    let mut net = HostNet::new(links.clock.reading(), links.inbox.net_events())
        .map_err(|e| format!("no network: {e}"))?;
    net.restrict(rules.clone());
    Ok(net)
}

/// A net for what is no playback.
pub fn plain_net(events: NetEvents) -> Result<Box<dyn Net>, String> {
    let net = HostNet::new(Clock::new().reading(), events).map_err(|e| format!("no network: {e}"))?;
    Ok(Box::new(net))
}

/// Settings and positions in `folder`; without one they last as long as the process. What a person should know about it goes to
/// standard error.
pub fn storage(program: &str, folder: Option<&Path>) -> Box<dyn Storage> {
    let Some(folder) = folder else { return Box::new(MemoryStorage::default()) };
    let storage = FileStorage::open(folder);
    if let Some(notice) = storage.notice() {
        eprintln!("{program}: {notice}");
    }
    Box::new(storage)
}

/// What a run keeps in case its process dies, in `folder`. Of several programs at once only the first has one.
pub fn journal(folder: Option<&Path>) -> Box<dyn Storage> {
    match folder.map(FileStorage::open).filter(FileStorage::is_writable) {
        Some(storage) => Box::new(storage),
        None => Box::new(MemoryStorage::default()),
    }
}

/// The facts of a device of this class (`wit/device.wit`) with the system's fonts, which are granted on `net`.
pub fn facts(class: &str, pointer: bool, memory_bytes: u64, net: &mut HostNet) -> Device {
    let mut facts = kinora_host::font_facts(|path| net.grant_file(path));
    let pointer = if pointer { "yes" } else { "no" };
    for (name, value) in [("class", class), ("pointer", pointer), ("locale", &kinora_host::locale())] {
        facts.insert(name.into(), value.into());
    }
    facts.insert("memory-bytes".into(), memory_bytes.to_string());
    Device { facts }
}

/// A source by its full name, since the core knows no current folder; URLs stay as they are.
pub fn absolute(source: &str) -> String {
    if source.contains("://") {
        return source.to_owned();
    }
    std::path::absolute(source).map_or_else(|_| source.to_owned(), |path| path.to_string_lossy().into_owned())
}
