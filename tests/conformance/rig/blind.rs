//! The rig of a port's first steps: it starts the shim and reads its log, and sees and hears nothing.

use std::path::Path;
use std::process::Command;

use super::{Ability, Order, Rig, Seen, process};

/// Any shim that takes a source, `--core` and `--log`.
pub(crate) struct BlindRig {
    /// Program and arguments; the kit's own follow.
    pub(crate) shim: Vec<String>,
}

impl Rig for BlindRig {
    fn name(&self) -> &'static str {
        "blind"
    }

    fn can(&self, ability: Ability) -> bool {
        matches!(ability, Ability::Kill | Ability::Report | Ability::Status | Ability::Weigh)
    }

    fn run(&mut self, order: &Order, _folder: &Path) -> Result<Seen, String> {
        let mut command = Command::new(&self.shim[0]);
        command.args(&self.shim[1..]).arg(&order.source).args(["--log", "4"]).arg("--core").arg(&order.core);
        for name in ["XDG_DATA_HOME", "XDG_STATE_HOME"] {
            command.env(name, &order.store);
        }
        process::run(&mut command, order.limit, |_| {})
    }
}
