//! A player that somebody watches: started when they say so, its lines as they come, and how it ended.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use crate::Machine;
use crate::hardware::{LOG, SOUND_SLOT};
use crate::player::{UNIT, quoted};
use crate::qmp::connect;

/// Where the player's arguments are when it is started.
const ARGUMENTS: &str = "/run/kinora-arguments";
/// Before what systemd says of the player's end (systemd.exec(5), `$EXIT_CODE` and `$EXIT_STATUS`).
const ENDED: &str = "kinora-box: ended";
/// The player's control group.
const GROUP: &str = "/sys/fs/cgroup/system.slice";
/// The driver of the sound device.
const SOUND_DRIVER: &str = "/sys/bus/pci/drivers/snd_hda_intel";

/// What comes of a watched player.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A line of its standard output or error.
    Line(String),
    /// It has ended, by itself with a status or by a signal.
    Ended(Option<i32>),
}

impl Machine {
    /// From now on the player runs only when [`Machine::start`] says so, and does not start again by itself. `command` is the program, by
    /// its full path, and what comes before the arguments of each run.
    pub fn watch(&mut self, command: &[String]) -> Result<(), String> {
        self.run(&format!("systemctl stop {UNIT}"))?;
        let start = format!("ExecStart={} $ARGUMENTS", command.join(" "));
        let stop = format!("ExecStopPost=/bin/echo {ENDED} $EXIT_CODE $EXIT_STATUS");
        let output = format!("StandardOutput=file:/dev/virtio-ports/{LOG}");
        let arguments = format!("EnvironmentFile={ARGUMENTS}");
        self.set_up(&[
            "ExecStart=",
            &start,
            &stop,
            &arguments,
            "Restart=no",
            &output,
            "StandardError=inherit",
        ])
    }

    /// Starts a watched player; none runs.
    pub fn start(&mut self, arguments: &[String]) -> Result<(), String> {
        // systemd takes the words apart at spaces, and quotes together what stands in them.
        if let Some(word) = arguments.iter().find(|word| word.contains([' ', '"', '\'', '\\'])) {
            return Err(format!("an argument with a space or a quote: {word}"));
        }
        let line = quoted(&format!("ARGUMENTS={}", arguments.join(" ")));
        self.run(&format!("echo {line} > {ARGUMENTS} && systemctl start {UNIT}")).map(|_| ())
    }

    /// What comes of a watched player next; the error says that nothing came in time, or that the box is off.
    pub fn hear(&mut self, patience: Duration) -> Result<Heard, RecvTimeoutError> {
        let line = self.lines.recv_timeout(patience)?;
        let Some(end) = line.strip_prefix(ENDED) else { return Ok(Heard::Line(line)) };
        let status = end.trim().strip_prefix("exited ").and_then(|status| status.parse().ok());
        Ok(Heard::Ended(status))
    }

    /// Ends the player at once, if it has not ended yet.
    pub fn kill(&mut self) -> Result<(), String> {
        let file = format!("{GROUP}/{UNIT}/cgroup.kill");
        self.run(&format!("if [ -e {file} ]; then echo 1 > {file}; fi")).map(|_| ())
    }

    /// Memory of the running player, resident, in KiB (`VmRSS`, proc_pid_status(5)).
    pub fn resident_kib(&mut self) -> Result<u64, String> {
        let answer =
            self.run(&format!("grep VmRSS: /proc/$(head -n1 {GROUP}/{UNIT}/cgroup.procs)/status"))?;
        let kib = answer.split_whitespace().nth(1).and_then(|kib| kib.parse().ok());
        kib.ok_or_else(|| format!("its memory is `{}`", answer.trim()))
    }

    /// Takes the sound device away.
    pub fn unplug_sound(&mut self) -> Result<(), String> {
        self.run(&format!("echo 0000:00:{SOUND_SLOT} > {SOUND_DRIVER}/unbind")).map(|_| ())
    }

    /// Gives it back.
    pub fn plug_sound(&mut self) -> Result<(), String> {
        self.run(&format!("echo 0000:00:{SOUND_SLOT} > {SOUND_DRIVER}/bind"))?;
        // The mixer is set, as when the box was switched on.
        self.run("udevadm settle").map(|_| ())
    }
}

/// Every line that comes from a socket.
pub(crate) fn lines(socket: &Path) -> Result<Receiver<String>, String> {
    let mut socket = BufReader::new(connect(socket)?);
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = Vec::new();
        while let Ok(1..) = socket.read_until(b'\n', &mut line) {
            if sender.send(String::from_utf8_lossy(&line).trim_end().to_owned()).is_err() {
                break;
            }
            line.clear();
        }
    });
    Ok(lines)
}
