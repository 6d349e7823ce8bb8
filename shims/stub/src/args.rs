//! The command line: what every shim takes, so that the conformance kit can start it.

use std::path::PathBuf;

/// Printed for `--help` and after a usage error.
pub(crate) const USAGE: &str = "\
usage: kinora-stub [play] [SRC...] [options]

  --core FILE    player core component (default: the one beside this program); for developers and the conformance kit
  --log LEVEL    log on stderr: 0 none, 1 errors (default) ... 4 everything

Exit status: 0 played, 1 could not start (reason on stderr), 2 usage.
";

/// What to play.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) sources: Vec<String>,
    pub(crate) core: Option<PathBuf>,
    pub(crate) log_level: u32,
}

/// Reads the command line; `None` asks for help. The error is for the person who typed it.
pub(crate) fn parse(args: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Option<Options>, String> {
    use lexopt::prelude::*;
    let mut options = Options { sources: Vec::new(), core: None, log_level: 1 };
    let mut first = true;
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next().map_err(|e| e.to_string())? {
        match arg {
            Short('h') | Long("help") => return Ok(None),
            Long("core") => options.core = Some(parser.value().map_err(|e| e.to_string())?.into()),
            Long("log") => {
                let level = parser.value().map_err(|e| e.to_string())?.to_string_lossy().into_owned();
                let known = level.parse().ok().filter(|level| *level <= 4);
                options.log_level = known.ok_or(format!("--log takes 0 to 4, not `{level}`"))?;
            }
            Value(value) => {
                let source = value.into_string().map_err(|_| "a source's name is not valid UTF-8")?;
                if !(first && source == "play") {
                    options.sources.push(source);
                }
                first = false;
            }
            other => return Err(other.unexpected().to_string()),
        }
    }
    Ok(Some(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_line_of_the_kit_reads_every_option() {
        let line = "play http://a/b --log 4 --core kit.wasm";
        let options = parse(line.split(' ').map(Into::into));
        let expected =
            Options { sources: vec!["http://a/b".into()], core: Some("kit.wasm".into()), log_level: 4 };
        assert_eq!(options, Ok(Some(expected)));
    }

    #[test]
    fn parse_unknown_option_is_named() {
        assert!(parse(["--what".into()]).unwrap_err().contains("--what"));
    }
}
