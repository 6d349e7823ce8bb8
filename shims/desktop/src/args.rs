//! The command line.

use std::path::PathBuf;

use kinora_net::Rules;

use crate::present::Presenter;

/// Printed for `--help` and after a usage error.
pub(crate) const USAGE: &str = "\
usage: kinora [play] [SRC...] [options]     play files and addresses, or wait for some
       kinora core list|info|install|use|rollback|pin|unpin|remove|why ...
       kinora doctor [options]              look for what is missing on this system
       kinora report [FILE]                 write that and the last minutes down for whoever can help

  --core FILE            player core component (default: the one beside this program)
  --watch                let the core's file take over whenever it changes, without stopping: for its developers
  --present gpu|cpu      who draws (default: the GPU, unless it is none)
  --fullscreen           start in full screen
  --exit-at-end          exit when the last item is over
  --record FILE          write down what the player core is told and answers; kinora-headless replays it
  --allow HOST           let content reach this host (NAME[:PORT]), though nobody opened it; may be repeated
  --deny-net             reach no network, whatever is opened
  --allow-list FILE      reach only what this list names (lines `host NAME`, `host *.NAME`, `folder PATH`)
  --log LEVEL            log on stderr: 0 none, 1 errors (default) ... 4 everything

Positions and settings are kept in $XDG_DATA_HOME/kinora, compiled cores in $XDG_CACHE_HOME/kinora, the last minutes in
$XDG_STATE_HOME/kinora.
Exit status: 0 played, 1 could not start or (with --exit-at-end) play (reason on stderr), 2 usage.
";

/// How to play.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Options {
    pub(crate) sources: Vec<String>,
    pub(crate) core: Option<PathBuf>,
    pub(crate) watch: bool,
    /// `None`: whichever suits the system.
    pub(crate) presenter: Option<Presenter>,
    pub(crate) fullscreen: bool,
    pub(crate) exit_at_end: bool,
    pub(crate) record: Option<PathBuf>,
    pub(crate) rules: Rules,
    pub(crate) log_level: u32,
}

/// What the command line asks for.
pub(crate) enum Command {
    Play(Options),
    Doctor(Options),
    Report(Options, PathBuf),
    Core(Vec<String>),
    Help,
}

/// Reads the command line; the error is for the person who typed it.
pub(crate) fn parse(args: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Command, String> {
    use lexopt::prelude::*;
    let mut options = Options { log_level: 1, ..Options::default() };
    let mut command = None;
    let mut first = true;
    let mut args = args.into_iter().peekable();
    if args.next_if(|word| word == "core").is_some() {
        let words = args.map(|word| word.into_string());
        let words: Result<Vec<String>, _> = words.collect();
        return words.map(Command::Core).map_err(|_| "a word is not valid UTF-8".into());
    }
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next().map_err(|e| e.to_string())? {
        match arg {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("core") => options.core = Some(parser.value().map_err(|e| e.to_string())?.into()),
            Long("present") => {
                options.presenter = Some(match text(&mut parser)?.as_str() {
                    "gpu" => Presenter::Gpu,
                    "cpu" => Presenter::Cpu,
                    other => return Err(format!("--present is gpu or cpu, not `{other}`")),
                });
            }
            Long("record") => options.record = Some(parser.value().map_err(|e| e.to_string())?.into()),
            Long("watch") => options.watch = true,
            Long("fullscreen") => options.fullscreen = true,
            Long("exit-at-end") => options.exit_at_end = true,
            Long("allow") => options.rules.allow(&text(&mut parser)?)?,
            Long("deny-net") => options.rules.deny_net(),
            Long("allow-list") => options.rules.read_list(text(&mut parser)?.as_ref())?,
            Long("log") => {
                let level = text(&mut parser)?;
                let known = level.parse().ok().filter(|level| *level <= 4);
                options.log_level = known.ok_or(format!("--log takes 0 to 4, not `{level}`"))?;
            }
            Value(value) => {
                let source = value.into_string().map_err(|_| "a source's name is not valid UTF-8")?;
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

fn text(parser: &mut lexopt::Parser) -> Result<String, String> {
    let value = parser.value().map_err(|e| e.to_string())?;
    value.into_string().map_err(|_| "a value is not valid UTF-8".into())
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
            core: Some("c.wasm".into()),
            watch: false,
            presenter: Some(Presenter::Cpu),
            fullscreen: true,
            exit_at_end: true,
            record: Some("t".into()),
            rules: Rules::default(),
            log_level: 4,
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
