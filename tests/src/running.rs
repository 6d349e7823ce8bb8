//! Programs that a test starts.

use std::ops::{Deref, DerefMut};
use std::process::{Child, Command};

/// A program that runs; ended when dropped.
#[derive(Debug)]
pub struct Running(Child);

impl Running {
    /// Starts a program; the error names it.
    pub fn start(command: &mut Command) -> Result<Self, String> {
        let started = command.spawn();
        started.map(Running).map_err(|e| format!("{}: {e}", command.get_program().to_string_lossy()))
    }
}

impl Deref for Running {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
