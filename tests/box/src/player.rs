//! The player in the box, which systemd keeps running.

use crate::Machine;

/// As its package calls it.
pub const UNIT: &str = "kinora-tv.service";
/// Where its package puts its files, the unit apart.
pub const FOLDER: &str = "/usr/lib/kinora";
/// Where it keeps what it remembers.
pub const STATE: &str = "/var/lib/kinora";
/// Label of a disk that is to be there.
pub const STATE_LABEL: &str = "kinora-state";

impl Machine {
    /// Has it play something: addresses, or paths in the box. What is played stays so until the box goes off.
    pub fn play(&mut self, sources: &[String]) -> Result<(), String> {
        let words: Vec<String> = sources.iter().map(|source| word(source)).collect();
        let command = format!("ExecStart={FOLDER}/kinora-tv play {}", words.join(" "));
        self.set_up(&["ExecStart=", &command])?;
        self.run(&format!("systemctl restart {UNIT}")).map(|_| ())
    }

    /// Changes how systemd runs it, until the box goes off: lines of the unit's section `[Service]`.
    pub(crate) fn set_up(&mut self, lines: &[&str]) -> Result<(), String> {
        let folder = format!("/run/systemd/system/{UNIT}.d");
        let text: Vec<String> = ["[Service]"].iter().chain(lines).map(|line| quoted(line)).collect();
        let text = text.join(" ");
        self.run(&format!("mkdir -p {folder} && printf '%s\\n' {text} > {folder}/set-up.conf"))?;
        self.run("systemctl daemon-reload").map(|_| ())
    }

    /// The player's process, if it runs.
    pub fn player(&mut self) -> Result<Option<u32>, String> {
        let answer = self.run(&format!("systemctl show --property MainPID --value {UNIT}"))?;
        Ok(answer.trim().parse().ok().filter(|process| *process != 0))
    }

    /// What it has said since the box was switched on.
    pub fn player_log(&mut self) -> Result<String, String> {
        self.run(&format!("journalctl --quiet --no-pager --output cat --unit {UNIT}"))
    }
}

/// A word of a unit's command (systemd.service(5), "Command lines").
fn word(text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('"', r#"\""#).replace('%', "%%").replace('$', "$$");
    format!("\"{escaped}\"")
}

/// A word of a shell's command.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
