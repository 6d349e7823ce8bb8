//! Words of the command line that every program understands.

use std::path::PathBuf;

use kinora_net::Rules;
use lexopt::Parser;

/// The lines about [`Common`] in a usage text.
pub const USAGE: &str = "  \
  --core FILE            player core component (default: the one beside this program)
  --record FILE          write down what the player core is told and answers; kinora-headless replays it
  --allow HOST           let content reach this host (NAME[:PORT]), though nobody opened it; may be repeated
  --deny-net             reach no network, whatever is opened
  --allow-list FILE      reach only what this list names (lines `host NAME`, `host *.NAME`, `folder PATH`)
  --log LEVEL            log on stderr: 0 none, 1 errors (default) ... 4 everything
";

/// Options of every program.
#[derive(Debug, Clone, PartialEq)]
pub struct Common {
    /// The component to run; `None`: the one beside the program.
    pub core: Option<PathBuf>,
    /// Where the trace goes.
    pub record: Option<PathBuf>,
    /// What may be reached.
    pub rules: Rules,
    /// Most detailed level of log lines, 0 to 4.
    pub log_level: u32,
}

impl Default for Common {
    fn default() -> Self {
        Common { core: None, record: None, rules: Rules::default(), log_level: 1 }
    }
}

impl Common {
    /// Reads the option `--name` with its value; the error is for the person who typed it.
    pub fn read(&mut self, name: &str, parser: &mut Parser) -> Result<(), String> {
        match name {
            "core" => self.core = Some(path(parser)?),
            "record" => self.record = Some(path(parser)?),
            "allow" => self.rules.allow(&text(parser)?)?,
            "deny-net" => self.rules.deny_net(),
            "allow-list" => self.rules.read_list(&path(parser)?)?,
            "log" => {
                let level = text(parser)?;
                let known = level.parse().ok().filter(|level| *level <= 4);
                self.log_level = known.ok_or(format!("--log takes 0 to 4, not `{level}`"))?;
            }
            _ => return Err(lexopt::Arg::Long(name).unexpected().to_string()),
        }
        Ok(())
    }
}

/// The value of an option as text.
pub fn text(parser: &mut Parser) -> Result<String, String> {
    let value = parser.value().map_err(|e| e.to_string())?;
    value.into_string().map_err(|_| "a value is not valid UTF-8".into())
}

/// The value of an option as the name of a file or folder.
pub fn path(parser: &mut Parser) -> Result<PathBuf, String> {
    parser.value().map(PathBuf::from).map_err(|e| e.to_string())
}

/// Something to play.
pub fn source(value: std::ffi::OsString) -> Result<String, String> {
    value.into_string().map_err(|_| "a source's name is not valid UTF-8".into())
}
