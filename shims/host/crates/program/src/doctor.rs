//! What every program's doctor looks at.

use std::path::Path;

use kinora_port::{AudioSink, AudioSource, Decoders, HostUs, SinkFormat};

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

/// What a system offers, and what to do about what it lacks.
pub struct Report {
    /// What was found, for people.
    pub text: String,
    /// Whether the player can run.
    pub can_run: bool,
}

impl Default for Report {
    fn default() -> Self {
        Report { text: String::new(), can_run: true }
    }
}

impl Report {
    /// Something that is as it should be. An empty name goes on with what stands above.
    pub fn line(&mut self, name: &str, value: &str) {
        self.text.push_str(&format!("{name:<12} {value}\n"));
    }

    /// Something that could be better.
    pub fn problem(&mut self, name: &str, what: &str, remedy: &str) {
        self.text.push_str(&format!("{name:<12} {what}\n{:<12} -> {remedy}\n", ""));
    }

    /// Something without which the player cannot run.
    pub fn fatal(&mut self, name: &str, what: &str, remedy: &str) {
        self.can_run = false;
        self.problem(name, what, remedy);
    }

    /// The player core, by loading it.
    pub fn core(&mut self, named: Option<&Path>) {
        let remedy = "build it with `cargo xtask core`, or name one with --core";
        let file = match kinora_host::chosen_core(named) {
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

    /// The sound output, by opening it.
    pub fn sound(&mut self, mut sink: impl AudioSink, remedy: &str) {
        struct Silence;
        impl AudioSource for Silence {
            fn fill(&mut self, out: &mut [f32], _: HostUs) {
                out.fill(0.0);
            }
        }
        match sink.open(SinkFormat { rate_hz: 48_000, channels: 2 }, Box::new(Silence)) {
            Ok(_) => self.line("sound", &sink.name()),
            Err(error) => self.problem("sound", &error.to_string(), remedy),
        }
    }

    /// What can be decoded.
    pub fn codecs(&mut self, decoders: &dyn Decoders) {
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

    /// Fonts for captions in scripts that the core's own font lacks.
    pub fn fonts(&mut self) {
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

    /// A folder that things are kept in.
    pub fn folder(&mut self, name: &str, folder: &Path) {
        // The folder itself may not exist yet; then its nearest ancestor must let it be made.
        let existing = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
        match rustix::fs::access(existing, rustix::fs::Access::WRITE_OK) {
            Ok(()) => self.line(name, &folder.display().to_string()),
            Err(_) => {
                let remedy = "let this user write there, or positions are forgotten at exit";
                self.problem(name, &format!("{} cannot be written", folder.display()), remedy);
            }
        }
    }
}
