//! `kinora doctor`: what this system offers, and what to install for what it lacks. `kinora report`: that and the last minutes, to be sent
//! to whoever can help.

use std::path::Path;
use std::sync::Arc;

use kinora_audio_cpal::CpalSink;
use kinora_port::{AudioSink, AudioSource, Decoders, HostUs, SinkFormat};

use crate::args::Options;
use crate::present::gpu;
use crate::{bus, session, shell};

/// Codec strings asked for, with what people call them.
const CODECS: &[(&str, &str)] = &[
    ("avc1.640028", "H.264"),
    ("hvc1.1.6.L120.90", "HEVC"),
    ("vp09.00.40.08", "VP9"),
    ("av01.0.08M.08", "AV1"),
    ("mp4a.40.2", "AAC"),
    ("mp4a.40.5", "HE-AAC"),
    ("ac-3", "AC-3"),
    ("ec-3", "E-AC-3"),
    ("opus", "Opus"),
    ("vorbis", "Vorbis"),
    ("flac", "FLAC"),
    ("mp3", "MP3"),
];

/// Prints what it finds; whether the player can run.
pub(crate) fn examine(options: &Options) -> bool {
    let found = Report::of(options);
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
        Report::of(options).text,
    );
    std::fs::write(file, text).map_err(|e| format!("cannot write {}: {e}", file.display()))?;
    println!(
        "{} is written. Read it before you send it: it names the files and addresses you played.",
        file.display()
    );
    Ok(())
}

struct Report {
    text: String,
    can_run: bool,
}

impl Report {
    fn of(options: &Options) -> Report {
        let mut report = Report { text: String::new(), can_run: true };
        report.core(options);
        report.display();
        report.gpus();
        report.sound();
        report.codecs(session::decoders().as_ref());
        report.fonts();
        report.desktop();
        for (name, folder) in [("cache", kinora_host::cache_folder()), ("data", kinora_host::data_folder())] {
            match folder {
                Some(folder) => report.folder(name, &folder),
                None => {
                    report.problem(name, "no home folder", "set HOME, or positions are forgotten at exit");
                }
            }
        }
        report
    }

    fn line(&mut self, name: &str, value: &str) {
        self.text.push_str(&format!("{name:<12} {value}\n"));
    }

    fn problem(&mut self, name: &str, what: &str, remedy: &str) {
        self.text.push_str(&format!("{name:<12} {what}\n{:<12} -> {remedy}\n", ""));
    }

    fn fatal(&mut self, name: &str, what: &str, remedy: &str) {
        self.can_run = false;
        self.problem(name, what, remedy);
    }

    fn core(&mut self, options: &Options) {
        let remedy = "build it with `cargo xtask core`, or name one with --core";
        let file = match kinora_host::chosen_core(options.core.as_deref()) {
            Ok(file) => file,
            Err(reason) => return self.fatal("core", &reason, remedy),
        };
        let engine = kinora_host::engine();
        match kinora_host::load(&engine, &file, kinora_host::cache_folder().as_deref()) {
            Ok(core) => {
                self.line("core", &file.display().to_string());
                self.line("", &format!("sha256 {}", core.sha256));
                self.line("", &format!("contract {}, {} bytes", core.stamp.contract, core.size));
            }
            Err(error) => self.fatal("core", &error.to_string(), remedy),
        }
    }

    fn display(&mut self) {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        match (set("WAYLAND_DISPLAY"), set("DISPLAY")) {
            (Some(name), _) => self.line("display", &format!("Wayland {name}")),
            (None, Some(name)) => self.line("display", &format!("X11 {name}")),
            (None, None) => self.fatal(
                "display",
                "none: neither WAYLAND_DISPLAY nor DISPLAY is set",
                "start a desktop session, or try kinora-headless",
            ),
        }
    }

    fn gpus(&mut self) {
        let adapters = gpu::adapters();
        let is_gpu = |info: &&wgpu::AdapterInfo| info.device_type != wgpu::DeviceType::Cpu;
        for info in &adapters {
            let kind = if is_gpu(&info) { "" } else { ", a CPU" };
            self.line("adapter", &format!("{} ({:?}{kind})", info.name, info.backend));
        }
        match adapters.iter().find(is_gpu) {
            Some(info) if gpu::may_exist() => self.line("presenter", &format!("gpu: {}", info.name)),
            _ => self.line("presenter", "cpu, into memory shared with the display: there is no GPU"),
        }
        if adapters.is_empty() && gpu::may_exist() {
            self.problem("", "a GPU is there, but no driver", "Debian: mesa-vulkan-drivers, libvulkan1");
        }
    }

    fn sound(&mut self) {
        struct Silence;
        impl AudioSource for Silence {
            fn fill(&mut self, out: &mut [f32], _: HostUs) {
                out.fill(0.0);
            }
        }
        let mut sink = CpalSink::new(Arc::new(|| 0));
        match sink.open(SinkFormat { rate_hz: 48_000, channels: 2 }, Box::new(Silence)) {
            Ok(format) => {
                self.line(
                    "sound",
                    &format!("{}: {} Hz, {} channels", sink.name(), format.rate_hz, format.channels),
                );
            }
            Err(error) => {
                let remedy = "start PipeWire or PulseAudio; until then films play silently";
                self.problem("sound", &error.to_string(), remedy);
            }
        }
    }

    fn codecs(&mut self, decoders: &dyn Decoders) {
        let list = |wanted: bool| {
            let names = CODECS.iter().filter(|(codec, _)| decoders.supports(codec) == wanted);
            names.map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
        };
        self.line("codecs", &list(true));
        let missing = list(false);
        if !missing.is_empty() {
            let remedy = "install an FFmpeg (libavcodec) that was built with them";
            self.problem("", &format!("missing: {missing}"), remedy);
        }
    }

    fn fonts(&mut self) {
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for (script, font) in kinora_host::system_fonts() {
            if font.is_some() { found.push(script) } else { missing.push(script) }
        }
        self.line("fonts", &format!("captions in {}", found.join(", ")));
        if !missing.is_empty() {
            let remedy = "Debian: fonts-noto-core, fonts-noto-cjk, fonts-noto-color-emoji";
            self.problem("", &format!("missing: {}", missing.join(", ")), remedy);
        }
    }

    fn desktop(&mut self) {
        if bus::has_session_bus() {
            self.line("session bus", "media controls, keep-awake, file chooser");
        } else {
            let remedy = "start the session with dbus-run-session; Debian: dbus-user-session";
            self.problem("session bus", "none: no media controls, the display may fall asleep", remedy);
            if !shell::has_program("zenity") {
                self.problem("", "no file chooser either", "Debian: zenity; dropping files works");
            }
        }
    }

    fn folder(&mut self, name: &str, folder: &Path) {
        // The folder itself may not exist yet; then its nearest ancestor must let it be made.
        let existing = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
        match std::fs::metadata(existing) {
            Ok(metadata) if metadata.permissions().readonly() => {
                let remedy = "make it writable, or positions are forgotten at exit";
                self.problem(name, &format!("{} cannot be written", folder.display()), remedy);
            }
            _ => self.line(name, &folder.display().to_string()),
        }
    }
}
