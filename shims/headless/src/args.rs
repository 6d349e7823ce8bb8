//! The command line.

use std::collections::BTreeSet;
use std::path::PathBuf;

use kinora_program::args::{self, Common, text};

use crate::faults::Fault;
use crate::shell::Kind;

/// Printed for `--help` and after a usage error.
pub(crate) fn usage() -> String {
    format!(
        "\
usage: kinora-headless play SRC... [options]
       kinora-headless core list|info|install|use|check|rollback|pin|unpin|remove|why ...
       kinora-headless replay TRACE [--core FILE] [--swap-core FILE] [--interpret] [--list]
       kinora-headless compile FOLDER [--core FILE] [--interpret]

Plays without a screen and without a sound device. Times are seconds of host time since launch.

  --clock virtual|real   as fast as possible and reproducible (default), or in real time
  --until SECONDS        stop then
  --size WxH             surface in pixels (default 1280x720)
  --device desktop|tv    whose interface is shown (default desktop)
  --scale S              physical pixels per logical pixel (default 1)
  --keys \"T:KEY,...\"     press keys, e.g. \"2.5:right,4:ok\"; names as --list-keys prints
  --screenshot T=FILE    what the screen shows then, as PNG; may be repeated
  --frames FILE          a line a presented frame: pts_us width height md5
  --audio FILE           decoded sound as WAV, in its own rate and channels
  --film FOLDER          what the screen shows, a PNG for each change, named by its time in microseconds
  --heard FILE           what the loudspeaker plays as WAV
  --report FILE          figures as JSON, and what the window was told
  --swap-core FILE       let this build take over while it plays, and the first one after it, in turns
  --swap-every SECONDS   how often (default 1)
  --kill CALL,CALL,...   end the core's instance in these calls of `handle`, counted from 1, to see it come back
  --stall FROM-TO        call the core not at all between these times, to see what goes on without it
  --pick FILE            what the person chooses who is asked for a file (default: nobody can be asked)
  --builds TITLE,...     builds of the core that the person may choose from, the first chosen (default: none)
  --no-sound             there is no sound device
  --fault NAME           make a mistake that the conformance kit must catch
  --storage FILE         remember positions and settings here (default: nothing is remembered)
  --list-keys            print the names of keys
  --list-faults          print the mistakes: name, broken MUST, what it is
{}
`replay` makes the recorded calls again, of the same cores or others, and stops at the first difference; with --interpret
the core runs under the interpreter of devices that allow no generated code. With --list it prints the calls instead.

`compile` writes what a program without a compiler (kinora-tv) runs instead of the core into the folder of that program, for all
machines of this one's architecture; with --interpret for the interpreter.

Exit status: 0 played to the end (or replayed without a difference), 1 could not play (reason on stderr), 2 usage.
",
        args::USAGE
    )
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Options {
    pub(crate) sources: Vec<String>,
    pub(crate) virtual_clock: bool,
    pub(crate) until_us: Option<u64>,
    pub(crate) size: (u32, u32),
    pub(crate) scale_permille: u32,
    pub(crate) device: Kind,
    pub(crate) keys: Vec<(u64, String)>,
    pub(crate) screenshots: Vec<(u64, PathBuf)>,
    pub(crate) frames: Option<PathBuf>,
    pub(crate) audio: Option<PathBuf>,
    pub(crate) film: Option<PathBuf>,
    pub(crate) heard: Option<PathBuf>,
    pub(crate) pick: Option<PathBuf>,
    pub(crate) builds: Vec<String>,
    pub(crate) sound: bool,
    pub(crate) fault: Option<Fault>,
    pub(crate) report: Option<PathBuf>,
    /// Another build, and how often the two take turns.
    pub(crate) swap_core: Option<PathBuf>,
    pub(crate) swap_every_us: u64,
    pub(crate) kill_calls: BTreeSet<u64>,
    pub(crate) stall_us: Option<(u64, u64)>,
    pub(crate) storage: Option<PathBuf>,
    pub(crate) common: Common,
}

/// What the command line asks for.
pub(crate) enum Command {
    Play(Box<Options>),
    Replay { trace: PathBuf, core: Option<PathBuf>, swap_core: Option<PathBuf>, interpret: bool },
    List { trace: PathBuf },
    Compile { folder: PathBuf, core: Option<PathBuf>, interpret: bool },
    Help,
    ListKeys,
    ListFaults,
}

/// Reads the command line; the error is for the person who typed it.
pub(crate) fn parse(words: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Command, String> {
    use lexopt::prelude::*;
    let mut options = Options {
        sources: Vec::new(),
        virtual_clock: true,
        until_us: None,
        size: (1280, 720),
        scale_permille: 1000,
        device: Kind::Desktop,
        keys: Vec::new(),
        screenshots: Vec::new(),
        frames: None,
        audio: None,
        film: None,
        heard: None,
        pick: None,
        builds: Vec::new(),
        sound: true,
        fault: None,
        report: None,
        swap_core: None,
        swap_every_us: 1_000_000,
        kill_calls: BTreeSet::new(),
        stall_us: None,
        storage: None,
        common: Common::default(),
    };
    let (mut command, mut list, mut interpret) = (None, false, false);
    let mut parser = lexopt::Parser::from_args(words);
    while let Some(arg) = parser.next().map_err(|e| e.to_string())? {
        match arg {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("list") => list = true,
            Long("interpret") => interpret = true,
            Long("list-keys") => return Ok(Command::ListKeys),
            Long("list-faults") => return Ok(Command::ListFaults),
            Long("clock") => {
                options.virtual_clock = match text(&mut parser)?.as_str() {
                    "virtual" => true,
                    "real" => false,
                    other => return Err(format!("--clock is virtual or real, not `{other}`")),
                }
            }
            Long("until") => options.until_us = Some(seconds(&text(&mut parser)?)?),
            Long("size") => options.size = size(&text(&mut parser)?)?,
            Long("scale") => options.scale_permille = scale(&text(&mut parser)?)?,
            Long("device") => {
                options.device = match text(&mut parser)?.as_str() {
                    "desktop" => Kind::Desktop,
                    "tv" => Kind::Tv,
                    other => return Err(format!("--device is desktop or tv, not `{other}`")),
                }
            }
            Long("keys") => options.keys.extend(keys(&text(&mut parser)?)?),
            Long("screenshot") => options.screenshots.push(screenshot(&text(&mut parser)?)?),
            Long("frames") => options.frames = Some(text(&mut parser)?.into()),
            Long("audio") => options.audio = Some(text(&mut parser)?.into()),
            Long("film") => options.film = Some(text(&mut parser)?.into()),
            Long("heard") => options.heard = Some(text(&mut parser)?.into()),
            Long("builds") => options.builds = text(&mut parser)?.split(',').map(str::to_owned).collect(),
            Long("pick") => options.pick = Some(text(&mut parser)?.into()),
            Long("no-sound") => options.sound = false,
            Long("fault") => {
                let name = text(&mut parser)?;
                let known = Fault::find(&name);
                options.fault = Some(known.ok_or(format!("there is no fault `{name}`; see --list-faults"))?);
            }
            Long("report") => options.report = Some(text(&mut parser)?.into()),
            Long("swap-core") => options.swap_core = Some(text(&mut parser)?.into()),
            Long("swap-every") => options.swap_every_us = interval(&text(&mut parser)?)?,
            Long("kill") => options.kill_calls.extend(calls(&text(&mut parser)?)?),
            Long("stall") => options.stall_us = Some(stall(&text(&mut parser)?)?),
            Long("storage") => options.storage = Some(text(&mut parser)?.into()),
            Long(name) => {
                let name = name.to_owned();
                options.common.read(&name, &mut parser)?;
            }
            Value(value) if command.is_none() => command = Some(value),
            Value(value) => options.sources.push(args::source(value)?),
            other => return Err(other.unexpected().to_string()),
        }
    }
    match command {
        Some(command) if command == "play" => {}
        Some(command) if command == "replay" => {
            return match &options.sources[..] {
                [trace] if list => Ok(Command::List { trace: trace.into() }),
                [trace] => {
                    let (core, swap_core) = (options.common.core, options.swap_core);
                    Ok(Command::Replay { trace: trace.into(), core, swap_core, interpret })
                }
                _ => Err("replay takes one trace".into()),
            };
        }
        Some(command) if command == "compile" => {
            return match &options.sources[..] {
                [folder] => {
                    Ok(Command::Compile { folder: folder.into(), core: options.common.core, interpret })
                }
                _ => Err("compile takes one folder".into()),
            };
        }
        Some(command) => return Err(format!("unknown command `{}`", command.to_string_lossy())),
        None => return Err("a command is missing".into()),
    }
    if options.sources.is_empty() {
        return Err("nothing to play".into());
    }
    options.keys.sort_by_key(|(at, _)| *at);
    options.screenshots.sort_by_key(|(at, _)| *at);
    Ok(Command::Play(Box::new(options)))
}

fn seconds(text: &str) -> Result<u64, String> {
    let value: f64 = text.trim().parse().map_err(|_| format!("`{text}` is not a number of seconds"))?;
    if !(0.0..1e9).contains(&value) {
        return Err(format!("`{text}` seconds is out of range"));
    }
    Ok((value * 1e6).round() as u64)
}

fn interval(text: &str) -> Result<u64, String> {
    match seconds(text)? {
        0 => Err("--swap-every takes more than 0 seconds".into()),
        us => Ok(us),
    }
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let error = || format!("--size takes WIDTHxHEIGHT up to 8192x8192, not `{text}`");
    let (w, h) = text.split_once('x').ok_or_else(error)?;
    let side = |s: &str| s.parse().ok().filter(|n| (1..=8192).contains(n)).ok_or_else(error);
    Ok((side(w)?, side(h)?))
}

fn scale(text: &str) -> Result<u32, String> {
    let value: f64 = text.parse().map_err(|_| format!("`{text}` is not a scale"))?;
    if !(0.5..=8.0).contains(&value) {
        return Err(format!("--scale takes 0.5 to 8, not `{text}`"));
    }
    Ok((value * 1000.0).round() as u32)
}

fn keys(text: &str) -> Result<Vec<(u64, String)>, String> {
    let one = |item: &str| {
        let (at, key) = item.split_once(':').ok_or_else(|| format!("`{item}` is not TIME:KEY"))?;
        if crate::keys::find(key.trim()).is_none() {
            return Err(format!("there is no key `{}`; see --list-keys", key.trim()));
        }
        Ok((seconds(at)?, key.trim().to_owned()))
    };
    text.split(',').filter(|item| !item.trim().is_empty()).map(one).collect()
}

fn calls(text: &str) -> Result<Vec<u64>, String> {
    let one = |item: &str| item.trim().parse().map_err(|_| format!("`{item}` is not the number of a call"));
    text.split(',').map(one).collect()
}

fn stall(text: &str) -> Result<(u64, u64), String> {
    let (from, to) = text.split_once('-').ok_or_else(|| format!("`{text}` is not FROM-TO"))?;
    Ok((seconds(from)?, seconds(to)?))
}

fn screenshot(text: &str) -> Result<(u64, PathBuf), String> {
    let (at, file) = text.split_once('=').ok_or_else(|| format!("`{text}` is not TIME=FILE"))?;
    Ok((seconds(at)?, file.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str) -> Result<Options, String> {
        match parse(line.split_whitespace().map(Into::into))? {
            Command::Play(options) => Ok(*options),
            _ => Err("not play".into()),
        }
    }

    #[test]
    fn parse_full_line_reads_every_option() {
        let line =
            "play a.mp4 --keys 4:ok,2.5:right --size 640x360 --scale 1.5 --screenshot 3.0=a.png --until 5";
        let options = options(line).unwrap();
        assert_eq!(options.keys, [(2_500_000, "right".into()), (4_000_000, "ok".into())]);
        assert_eq!(
            (options.size, options.scale_permille, options.until_us),
            ((640, 360), 1500, Some(5_000_000))
        );
        assert_eq!(options.screenshots, [(3_000_000, "a.png".into())]);
    }

    #[test]
    fn parse_mistakes_says_which_word_is_wrong() {
        for (line, word) in [
            ("play", "nothing to play"),
            ("watch a", "watch"),
            ("compile", "one folder"),
            ("play a --keys 1:frobnicate", "frobnicate"),
            ("play a --size 0x3", "0x3"),
            ("play a --until -1", "-1"),
            ("play a --device fridge", "fridge"),
            ("play a --fault luck", "luck"),
            ("play a --allow *.org", "*.org"),
            ("play a --allow-list /nowhere", "/nowhere"),
            ("play a --swap-every 0", "--swap-every"),
            ("play a --what", "--what"),
        ] {
            assert!(options(line).unwrap_err().contains(word), "{line}");
        }
    }
}
