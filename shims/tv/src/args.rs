//! The command line.

use std::path::PathBuf;

use kinora_program::args::{self, Common};

use crate::kms::Wish;

/// Printed for `--help` and after a usage error.
pub(crate) fn usage() -> String {
    format!(
        "\
usage: kinora-tv [play] [SRC...] [options]     play files and addresses, or wait for some
       kinora-tv core list|info|install|use|check|rollback|pin|unpin|remove|why ...
       kinora-tv doctor [options]              list displays, keys and sound, and what is missing

  --card NODE            graphics card (default: the first with a display, of /dev/dri/card*)
  --mode WxH[@HZ]        display mode (default: the one that suits the display and the film)
  --sound DEVICE         ALSA device, as `aplay -L` names it (default: ALSA's `default`)
  --keymap FILE          keys of remotes and keyboards, over the built-in ones
  --data FOLDER          where positions and settings are kept (default: /var/lib/kinora)
  --exit-at-end          exit when the last item is over
{}
A run whose process died goes on where it was if the next one is to play the same.
Exit status: 0 played, 1 could not start or (with --exit-at-end) play (reason on stderr), 2 usage.
",
        args::USAGE
    )
}

/// How to play.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Options {
    pub(crate) sources: Vec<String>,
    pub(crate) card: Option<PathBuf>,
    pub(crate) mode: Option<Wish>,
    pub(crate) sound: Option<String>,
    pub(crate) keymap: Option<PathBuf>,
    pub(crate) data: PathBuf,
    pub(crate) exit_at_end: bool,
    pub(crate) common: Common,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            sources: Vec::new(),
            card: None,
            mode: None,
            sound: None,
            keymap: None,
            data: "/var/lib/kinora".into(),
            exit_at_end: false,
            common: Common::default(),
        }
    }
}

/// What the command line asks for.
pub(crate) enum Command {
    Play(Options),
    Doctor(Options),
    Help,
}

/// Reads the command line; the error is for the person who typed it.
pub(crate) fn parse(words: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Command, String> {
    use lexopt::prelude::*;
    let mut options = Options::default();
    let (mut doctor, mut first) = (false, true);
    let mut parser = lexopt::Parser::from_args(words);
    while let Some(arg) = parser.next().map_err(|e| e.to_string())? {
        match arg {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("card") => options.card = Some(args::path(&mut parser)?),
            Long("mode") => {
                let text = args::text(&mut parser)?;
                let mode = Wish::parse(&text);
                options.mode = Some(mode.ok_or(format!("--mode is WIDTHxHEIGHT[@HERTZ], not `{text}`"))?);
            }
            Long("sound") => options.sound = Some(args::text(&mut parser)?),
            Long("keymap") => options.keymap = Some(args::path(&mut parser)?),
            Long("data") => options.data = args::path(&mut parser)?,
            Long("exit-at-end") => options.exit_at_end = true,
            Long(name) => {
                let name = name.to_owned();
                options.common.read(&name, &mut parser)?;
            }
            Value(value) => {
                let source = args::source(value)?;
                match source.as_str() {
                    "play" if first => {}
                    "doctor" if first => doctor = true,
                    _ => options.sources.push(source),
                }
                first = false;
            }
            other => return Err(other.unexpected().to_string()),
        }
    }
    match options.sources.last() {
        Some(source) if doctor => Err(format!("doctor plays nothing, so what is `{source}`?")),
        _ if doctor => Ok(Command::Doctor(options)),
        _ => Ok(Command::Play(options)),
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
        let line = "play a.mp4 --card /dev/dri/card1 --mode 1280x720@50 --sound hw:0 --keymap k --data /d play \
                    --core c.wasm --exit-at-end --log 4";
        let expected = Options {
            sources: vec!["a.mp4".into(), "play".into()],
            card: Some("/dev/dri/card1".into()),
            mode: Some(Wish { width: 1280, height: 720, hertz: Some(50.0) }),
            sound: Some("hw:0".into()),
            keymap: Some("k".into()),
            data: "/d".into(),
            exit_at_end: true,
            common: Common { core: Some("c.wasm".into()), log_level: 4, ..Common::default() },
        };
        assert_eq!(options(line), Ok(expected));
        assert_eq!(options(""), Ok(Options::default()));
    }

    #[test]
    fn parse_mistakes_says_which_word_is_wrong() {
        for (line, word) in [
            ("a --mode 1080p", "1080p"),
            ("a --log 9", "9"),
            ("a --what", "--what"),
            ("a --present cpu", "--present"),
            ("doctor film.mkv", "film.mkv"),
        ] {
            let mistake = parse(line.split_whitespace().map(Into::into)).err().unwrap();
            assert!(mistake.contains(word), "{line}: {mistake}");
        }
    }
}
