//! Where figures come from: without it they are worth nothing.

use std::process::Command;

use serde_json::{Value, json};

/// Processor, system and peers.
pub(crate) struct Setting {
    processor: String,
    processors: usize,
    memory_gib: f64,
    kernel: String,
    peers: Vec<(&'static str, String)>,
    load: String,
    day: String,
}

impl Setting {
    pub(crate) fn here() -> Setting {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        // proc(5): `model name` of the first processor, where the architecture has one; `MemTotal` in KiB.
        let field = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let memory = field(&read("/proc/meminfo"), "MemTotal");
        let kib = memory.and_then(|text| text.trim_end_matches(" kB").parse::<f64>().ok());
        Setting {
            processor: field(&read("/proc/cpuinfo"), "model name")
                .unwrap_or_else(|| std::env::consts::ARCH.into()),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: kib.unwrap_or(0.0) / f64::from(1 << 20),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            peers: vec![("mpv", version("mpv", "--version")), ("ffmpeg", version("ffmpeg", "-version"))],
            day: said("date", &["-u", "+%F"]).trim().to_owned(),
            load: read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" "),
        }
    }

    pub(crate) fn json(&self) -> Value {
        let peers: serde_json::Map<String, Value> =
            self.peers.iter().map(|(name, version)| ((*name).to_owned(), json!(version))).collect();
        json!({
            "processor": self.processor,
            "processors": self.processors,
            "memory_gib": self.memory_gib,
            "kernel": self.kernel,
            "peers": peers,
            "load_1_5_15_min": self.load,
            "day": self.day,
        })
    }
}

impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Setting { processor, processors, memory_gib, kernel, peers, load, day } = self;
        writeln!(
            f,
            "{day}, {processors} x {processor}, {memory_gib:.0} GiB, {} {kernel}, load {load}",
            std::env::consts::OS
        )?;
        let peers: Vec<String> = peers.iter().map(|(name, version)| format!("{name} {version}")).collect();
        write!(f, "beside {}", peers.join(", "))
    }
}

/// The word after the program's name in the first line it says of itself (`ffmpeg version 5.1`, `mpv 0.35.1`).
fn version(program: &str, argument: &str) -> String {
    let text = said(program, &[argument]);
    let mut words = text.split_whitespace().skip(1).skip_while(|word| *word == "version");
    words.next().unwrap_or("not installed").to_owned()
}

/// What a program writes, nothing if there is none.
fn said(program: &str, arguments: &[&str]) -> String {
    let output =
        Command::new(program).args(arguments).output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).into_owned()
}
