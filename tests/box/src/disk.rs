//! Disks of a box, made and looked at from outside, while it is off.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A disk with an ext4 file system: a file of this machine.
#[derive(Debug, Clone)]
pub struct Disk(PathBuf);

impl Disk {
    /// Makes a disk of so many MiB with an empty file system of that label.
    pub fn format(path: &Path, mib: u32, label: &str) -> Result<Self, String> {
        let disk = Disk::blank(path, mib)?;
        run("mke2fs", &["-q", "-t", "ext4", "-F", "-L", label, disk.name()?])?;
        Ok(disk)
    }

    /// Makes a disk with nothing on it.
    pub fn blank(path: &Path, mib: u32) -> Result<Self, String> {
        let made = File::create(path).and_then(|file| file.set_len(u64::from(mib) << 20));
        made.map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(Disk(path.to_path_buf()))
    }

    /// One that was made before.
    pub fn existing(path: &Path) -> Self {
        Disk(path.to_path_buf())
    }

    /// Makes a copy, with holes where there is nothing.
    pub fn copy(&self, path: &Path) -> Result<Self, String> {
        let copy = Disk(path.to_path_buf());
        run("cp", &["--sparse=always", self.name()?, copy.name()?])?;
        Ok(copy)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Does what the kernel does when it mounts it again, which is to replay its journal, and looks for anything wrong after that.
    pub fn recover(&self) -> Result<(), String> {
        // Status 1: the journal was replayed.
        e2fsck(&["-p", "-E", "journal_only", self.name()?], 1)?;
        e2fsck(&["-f", "-n", self.name()?], 0)
    }

    /// Puts files in: pairs of a file of this machine and its full path there, whose folder is there already. Modes stay.
    pub fn write(&self, files: &[(PathBuf, String)]) -> Result<(), String> {
        let mut script = String::new();
        for (file, path) in files {
            let (folder, name) = path.rsplit_once('/').ok_or_else(|| format!("{path} is not a full path"))?;
            script.push_str(&format!("cd \"{folder}\"\nwrite \"{}\" \"{name}\"\n", file.display()));
        }
        self.debugfs(&["-w"], &script)
    }

    /// Takes the files of a folder out, into `folder`, which is made anew.
    pub fn read(&self, path: &str, folder: &Path) -> Result<(), String> {
        if folder.exists() {
            std::fs::remove_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        }
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        self.debugfs(&[], &format!("rdump \"{path}\" \"{}\"\n", folder.display()))
    }

    fn debugfs(&self, options: &[&str], script: &str) -> Result<(), String> {
        let file = self.0.with_extension("debugfs");
        std::fs::write(&file, script).map_err(|e| format!("{}: {e}", file.display()))?;
        let mut command = Command::new("debugfs");
        command.args(options).arg("-f").arg(&file).arg(&self.0);
        let output = command.output().map_err(|e| format!("cannot start debugfs: {e}"))?;
        let _ = std::fs::remove_file(&file);
        // It says its version first, and what went wrong after that, and always exits with 0.
        let said = String::from_utf8_lossy(&output.stderr);
        match said.lines().find(|line| !line.starts_with("debugfs ")) {
            None => Ok(()),
            Some(wrong) => Err(format!("debugfs: {}: {wrong}", self.0.display())),
        }
    }

    fn name(&self) -> Result<&str, String> {
        self.0.to_str().ok_or_else(|| format!("{} is not valid UTF-8", self.0.display()))
    }
}

/// Checks; a status above `most` means that something was wrong.
fn e2fsck(args: &[&str], most: i32) -> Result<(), String> {
    let output = Command::new("e2fsck").args(args).output();
    let output = output.map_err(|e| format!("cannot start e2fsck: {e}"))?;
    if output.status.code().is_some_and(|status| status <= most) {
        return Ok(());
    }
    Err(format!("e2fsck {}: {}", args.join(" "), String::from_utf8_lossy(&output.stdout)))
}

fn run(program: &str, args: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(args).output();
    let output = output.map_err(|e| format!("cannot start {program}: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program} {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr)))
}
