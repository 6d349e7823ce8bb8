//! The command line.

use std::path::PathBuf;

use kinora_program::args::{self, Common};

use crate::present::Presenter;

/// Printed for `--help` and after a usage error.
pub(crate) fn usage() -> String {
    format!(
        "\
usage: kinora [play] [SRC...] [options]     play files and addresses, or wait for some
       kinora core list|info|install|use|check|rollback|pin|unpin|remove|why ...
       kinora doctor [options]              look for what is missing on this system
       kinora report [FILE]                 write that and the last minutes down for whoever can help

  --watch                let the core's file take over whenever it changes, without stopping: for its developers
  --present gpu|cpu      who draws (default: the GPU, unless it is none)
  --fullscreen           start in full screen
  --exit-at-end          exit when the last item is over
{}
Positions and settings are kept in $XDG_DATA_HOME/kinora, compiled cores in $XDG_CACHE_HOME/kinora, the last minutes in
$XDG_STATE_HOME/kinora.
Exit status: 0 played, 1 could not start or (with --exit-at-end) play (reason on stderr), 2 usage.
",
        args::USAGE
    )
}

/// How to play.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Options {
    pub(crate) sources: Vec<String>,
    /// Whether a change of the core's file is a new build that is to take over.
    pub(crate) watch: bool,
    /// `None`: whichever suits the system.
    pub(crate) presenter: Option<Presenter>,
    pub(crate) fullscreen: bool,
    pub(crate) exit_at_end: bool,
    pub(crate) common: Common,
}

/// What the command line asks for.
pub(crate) enum Command {
    Play(Options),
    Doctor(Options),
    Report(Options, PathBuf),
    Help,
}

/// Reads the command line; the error is for the person who typed it.
pub(crate) fn parse(words: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Command, String> {
    use lexopt::prelude::*;
    let mut options = Options::default();
    let mut command = None;
    let mut first = true;
    let mut parser = lexopt::Parser::from_args(words);
    while let Some(arg) = parser.next().map_err(|e| e.to_string())? {
        match arg {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("present") => {
                options.presenter = Some(match args::text(&mut parser)?.as_str() {
                    "gpu" => Presenter::Gpu,
                    "cpu" => Presenter::Cpu,
                    other => return Err(format!("--present is gpu or cpu, not `{other}`")),
                });
            }
            Long("watch") => options.watch = true,
            Long("fullscreen") => options.fullscreen = true,
            Long("exit-at-end") => options.exit_at_end = true,
            Long(name) => {
                let name = name.to_owned();
                options.common.read(&name, &mut parser)?;
            }
            Value(value) => {
                let source = args::source(value)?;
                match source.as_str() {
                    "play" if first => {}
                    "doctor" | "report" if first => command = Some(source),
                    _ => options.sources.push(source),
                }
                first = false;
            }
            other => return Err(other.unexpected().to_string()),
        }
    }
    match (command.as_deref(), &options.sources[..]) {
        (None, _) => Ok(Command::Play(options)),
        (Some("report"), []) => Ok(Command::Report(options, "kinora-report.txt".into())),
        (Some("report"), [file]) => {
            let file = file.into();
            Ok(Command::Report(options, file))
        }
        (Some(_), []) => Ok(Command::Doctor(options)),
        (Some(command), [.., source]) => Err(format!("{command} plays nothing, so what is `{source}`?")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str) -> Result<Options, String> {
        match parse(line.split_whitespace().map(Into::into))? {
            Command::Play(options) => Ok(options),
            _ => Err("not play".into()),
        }
    }

    #[test]
    fn parse_full_line_reads_every_option() {
        let line =
            "play a.mp4 --present cpu --core c.wasm --record t --fullscreen play --exit-at-end --log 4";
        let expected = Options {
            sources: vec!["a.mp4".into(), "play".into()],
            watch: false,
            presenter: Some(Presenter::Cpu),
            fullscreen: true,
            exit_at_end: true,
            common: Common {
                core: Some("c.wasm".into()),
                record: Some("t".into()),
                log_level: 4,
                ..Common::default()
            },
        };
        assert_eq!(options(line), Ok(expected));
    }

    #[test]
    fn parse_without_command_plays_and_without_anything_waits() {
        assert_eq!(options("a.mkv").unwrap().sources, ["a.mkv"]);
        assert!(options("").unwrap().sources.is_empty());
    }

    #[test]
    fn parse_mistakes_says_which_word_is_wrong() {
        for (line, word) in [
            ("a --present vga", "vga"),
            ("a --log 9", "9"),
            ("a --allow-list /nowhere", "/nowhere"),
            ("a --what", "--what"),
            ("doctor film.mkv", "film.mkv"),
            ("report a.txt film.mkv", "film.mkv"),
        ] {
            let mistake = parse(line.split_whitespace().map(Into::into)).err().unwrap();
            assert!(mistake.contains(word), "{line}: {mistake}");
        }
    }
}
