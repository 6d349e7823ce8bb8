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
        let command = format!("{FOLDER}/kinora-tv play {}", words.join(" "));
        let folder = format!("/run/systemd/system/{UNIT}.d");
        let text = quoted(&format!("ExecStart={command}"));
        self.run(&format!(
            "mkdir -p {folder} && printf '%s\\n' '[Service]' 'ExecStart=' {text} > {folder}/sources.conf"
        ))?;
        self.run(&format!("systemctl daemon-reload && systemctl restart {UNIT}")).map(|_| ())
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
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
