//! `kinora doctor`: what this system offers, and what to install for what it lacks. `kinora report`: that and the last minutes, to be sent
//! to whoever can help.

use std::path::Path;
use std::sync::Arc;

use kinora_audio_cpal::CpalSink;
use kinora_program::Report;

use crate::args::Options;
use crate::present::gpu;
use crate::{bus, session, shell};

/// Prints what it finds; whether the player can run.
pub(crate) fn examine(options: &Options) -> bool {
    let found = look(options);
    print!("{}", found.text);
    found.can_run
}

/// Writes what it finds and what the player was told and did of late into a file.
pub(crate) fn report(options: &Options, file: &Path) -> Result<(), String> {
    let folder = kinora_host::state_folder();
    let recent = folder.map_or_else(String::new, |folder| kinora_host::recent_calls(&folder));
    let text = format!(
        "{}\n\n{}\nThe last calls of the player core, without queries of addresses and values of headers:\n\n{recent}",
        session::PROGRAM,
        look(options).text,
    );
    std::fs::write(file, text).map_err(|e| format!("cannot write {}: {e}", file.display()))?;
    println!(
        "{} is written. Read it before you send it: it names the files and addresses you played.",
        file.display()
    );
    Ok(())
}

fn look(options: &Options) -> Report {
    let mut report = Report::default();
    report.core(options.common.core.as_deref());
    display(&mut report);
    gpus(&mut report);
    let remedy = "start PipeWire or PulseAudio; until then films play silently";
    report.sound(CpalSink::new(Arc::new(|| 0)), remedy);
    report.codecs(kinora_program::decoders().as_ref());
    report.fonts();
    session_bus(&mut report);
    for (name, folder) in [("cache", kinora_host::cache_folder()), ("data", kinora_host::data_folder())] {
        match folder {
            Some(folder) => report.folder(name, &folder),
            None => report.problem(name, "no home folder", "set HOME, or positions are forgotten at exit"),
        }
    }
    report
}

fn display(report: &mut Report) {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    match (set("WAYLAND_DISPLAY"), set("DISPLAY")) {
        (Some(name), _) => report.line("display", &format!("Wayland {name}")),
        (None, Some(name)) => report.line("display", &format!("X11 {name}")),
        (None, None) => report.fatal(
            "display",
            "none: neither WAYLAND_DISPLAY nor DISPLAY is set",
            "start a desktop session, or try kinora-headless",
        ),
    }
}

fn gpus(report: &mut Report) {
    let adapters = gpu::adapters();
    let is_gpu = |info: &&wgpu::AdapterInfo| info.device_type != wgpu::DeviceType::Cpu;
    for info in &adapters {
        let kind = if is_gpu(&info) { "" } else { ", a CPU" };
        report.line("adapter", &format!("{} ({:?}{kind})", info.name, info.backend));
    }
    match adapters.iter().find(is_gpu) {
        Some(info) if gpu::may_exist() => report.line("presenter", &format!("gpu: {}", info.name)),
        _ => report.line("presenter", "cpu, into memory shared with the display: there is no GPU"),
    }
    if adapters.is_empty() && gpu::may_exist() {
        report.problem("", "a GPU is there, but no driver", "Debian: mesa-vulkan-drivers, libvulkan1");
    }
}

fn session_bus(report: &mut Report) {
    if bus::has_session_bus() {
        report.line("session bus", "media controls, keep-awake, file chooser");
    } else {
        let remedy = "start the session with dbus-run-session; Debian: dbus-user-session";
        report.problem("session bus", "none: no media controls, the display may fall asleep", remedy);
        if !shell::has_program("zenity") {
            report.problem("", "no file chooser either", "Debian: zenity; dropping files works");
        }
    }
}
