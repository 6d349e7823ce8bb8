//! The rig of anything else: a program that the porter writes starts and ends the device's shim, and leaves files where the kit finds them.
//!
//! It is called as `PROGRAM SOURCE CORE STORE FOLDER [OPTION]...`, passes the shim's log on to its standard output line by line as it comes, and
//! ends when the shim has. Options: `--keys a,b` (press these after the line `kit: mark ready`), `--pick FILE`, `--no-sound`. Into FOLDER it may write
//! `film/HOST_US.png` (320x180 pixels from the top left corner, from a capture card), `heard.wav` and `report.json` as `kinora-headless` does.
//! What it can do it says when called as `PROGRAM abilities`: the words of `see hear press kill mute choose report title told status weigh`,
//! and `host=ADDRESS` where the device finds this machine under another address than 127.0.0.1 (10.0.2.2 in QEMU's user network). SOURCE, CORE
//! and STORE are names on this machine; what the device cannot see the program copies there, and STORE back for the next run of a check.
//! The program's process stands for the shim: it is ended to end the shim at once (`kill`), its status is the shim's (`status`), its memory
//! (`weigh`) too, so say these words only where that is so. An example: `shims/stub/examples/rig.sh`.

use std::path::Path;
use std::process::Command;

use kinora_tests::Wav;

use super::{Ability, LOOPBACK, Order, Rig, Seen, headless, process};

/// A porter's program.
pub(crate) struct CommandRig {
    program: Vec<String>,
    abilities: String,
}

impl CommandRig {
    /// Asks the program what it can do.
    pub(crate) fn new(program: Vec<String>) -> Result<Self, String> {
        let output = Command::new(&program[0]).args(&program[1..]).arg("abilities").output();
        let output = output.map_err(|e| format!("{}: {e}", program[0]))?;
        Ok(CommandRig { program, abilities: String::from_utf8_lossy(&output.stdout).into_owned() })
    }
}

impl Rig for CommandRig {
    fn name(&self) -> &'static str {
        "command"
    }

    fn host(&self) -> String {
        let host = self.abilities.split_whitespace().find_map(|word| word.strip_prefix("host="));
        host.unwrap_or(LOOPBACK).into()
    }

    fn can(&self, ability: Ability) -> bool {
        let word = match ability {
            Ability::See => "see",
            Ability::Hear => "hear",
            Ability::Press => "press",
            Ability::Kill => "kill",
            Ability::Mute => "mute",
            Ability::Choose => "choose",
            Ability::Report => "report",
            Ability::Title => "title",
            Ability::Told => "told",
            Ability::Status => "status",
            Ability::Weigh => "weigh",
            // Files do not tell when they were recorded.
            Ability::Time => return false,
        };
        self.abilities.split_whitespace().any(|known| known == word)
    }

    fn run(&mut self, order: &Order, folder: &Path) -> Result<Seen, String> {
        let mut command = Command::new(&self.program[0]);
        command.args(&self.program[1..]).arg(&order.source);
        command.arg(&order.core).arg(&order.store).arg(folder);
        if !order.keys.is_empty() {
            command.arg("--keys").arg(order.keys.join(","));
        }
        if let Some(pick) = order.pick()? {
            command.arg("--pick").arg(pick);
        }
        if order.needs(Ability::Mute) {
            command.arg("--no-sound");
        }
        let mut seen = process::run(&mut command, order.limit, |_| {})?;
        seen.film = headless::film(&folder.join("film"))?;
        seen.heard =
            Wav::read(&folder.join("heard.wav")).map_or_else(|_| Vec::new(), |wav| headless::mono(&wav));
        if let Ok(report) = std::fs::read(folder.join("report.json")) {
            seen.report = serde_json::from_slice(&report).unwrap_or_default();
        }
        seen.told = headless::told(&seen.report);
        Ok(seen)
    }
}
