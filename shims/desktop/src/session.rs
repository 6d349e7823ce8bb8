//! The running player: what this shim brings to it.

use std::sync::Arc;

use kinora_audio_cpal::CpalSink;
use kinora_host::realtime::{Links, Parts, Session, spawn};
use kinora_host::{BUFFER_BYTES, LaunchExtras, Limits, chosen_core, data_folder, record, state_folder};
use kinora_input_evdev::{Devices, Keymap, Wanted};
use kinora_port::InputEvent;
use winit::event_loop::EventLoopProxy;

use crate::app::Ask;
use crate::args::Options;
use crate::shell::DesktopShell;

/// As traces and reports name it.
pub(crate) const PROGRAM: &str = concat!("kinora ", env!("CARGO_PKG_VERSION"));

/// What kind of device this is (`wit/device.wit`), by which updates are offered too.
const CLASS: &str = "desktop";

/// Starts everything that needs no window; the end is told to the window.
pub(crate) fn start(options: &Options, window: EventLoopProxy<Ask>) -> Result<Session, String> {
    let common = &options.common;
    let core = chosen_core(common.core.as_deref())?;
    let recent = state_folder();
    let recorder = record(common.record.as_deref(), recent.as_deref(), PROGRAM)?;
    let links = Links::new();
    let mut net = kinora_program::net(&links, &common.rules)?;
    if !options.sources.is_empty() {
        links.input.send(InputEvent::Open { sources: options.sources.clone(), append: false });
    }
    listen_to_gamepads(&links);
    // A core that was named is to stay.
    let followed = common.core.is_none().then(|| core.clone());
    let parts = Parts {
        core,
        decoders: kinora_program::decoders(),
        sink: Box::new(CpalSink::new(links.clock.reading())),
        device: kinora_program::facts(CLASS, true, BUFFER_BYTES, &mut net),
        net: Box::new(net),
        storage: kinora_program::storage("kinora", data_folder().as_deref()),
        journal: kinora_program::journal(recent.map(|folder| folder.join("journal")).as_deref()),
        take_over: options.sources.is_empty(),
        shell: Box::new(DesktopShell::new(window.clone(), Arc::clone(&links.input), followed.is_some())),
        launch_extras: LaunchExtras { forgetful: false, exit_at_end: options.exit_at_end },
        buffer_bytes: BUFFER_BYTES,
        limits: Limits::REAL_TIME,
        log_level: common.log_level,
        recorder,
    };
    let ended = move |outcome| {
        // The loop may be gone already.
        let _ = window.send_event(Ask::Exit(outcome));
    };
    if options.watch {
        return Session::develop(links, parts, ended);
    }
    let session = Session::start(links, parts, ended)?;
    followed.map_or(Ok(()), |core| session.follow(core, CLASS, Box::new(kinora_program::plain_net)))?;
    Ok(session)
}

/// A system without gamepads, or without access to them, is none to report; everything else works.
fn listen_to_gamepads(links: &Links) {
    let Ok(gamepads) = Devices::open(Wanted::Gamepads, Keymap::default()) else { return };
    let (input, clock) = (Arc::clone(&links.input), links.clock);
    let _ = spawn("gamepads", move || {
        let _ = gamepads.listen(|| clock.now(), |key| input.send(InputEvent::Key(key)));
    });
}
