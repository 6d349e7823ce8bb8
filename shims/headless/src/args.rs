//! The command line.

use std::collections::BTreeSet;
use std::path::PathBuf;

use kinora_net::Rules;

use crate::faults::Fault;
use crate::shell::Kind;

/// Printed for `--help` and after a usage error.
pub(crate) const USAGE: &str = "\
usage: kinora-headless play SRC... [options]
       kinora-headless replay TRACE [--core FILE] [--interpret] [--list]

Plays without a screen and without a sound device. Times are seconds of host time since launch.

  --core FILE            player core component (default: the one beside this program)
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
  --record FILE          write down what the player core is told and answers
  --kill CALL,CALL,...   end the core's instance in these calls of `handle`, counted from 1, to see it come back
  --stall FROM-TO        call the core not at all between these times, to see what goes on without it
  --pick FILE            what the person chooses who is asked for a file (default: nobody can be asked)
  --no-sound             there is no sound device
  --fault NAME           make a mistake that the conformance kit must catch
  --storage FILE         remember positions and settings here (default: nothing is remembered)
  --allow HOST           let content reach this host (NAME[:PORT]), though nobody opened it; may be repeated
  --deny-net             reach no network, whatever is opened
  --allow-list FILE      reach only what this list names (lines `host NAME`, `host *.NAME`, `folder PATH`)
  --log LEVEL            core log on stderr: 0 none, 1 errors (default) ... 4 everything
  --list-keys            print the names of keys
  --list-faults          print the mistakes: name, broken MUST, what it is

`replay` makes the recorded calls again, of the same core or another, and stops at the first difference; with --interpret
the core runs under the interpreter of devices that allow no generated code. With --list it prints the calls instead.

Exit status: 0 played to the end (or replayed without a difference), 1 could not play (reason on stderr), 2 usage.
";

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Options {
    pub(crate) sources: Vec<String>,
    pub(crate) core: Option<PathBuf>,
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
    pub(crate) sound: bool,
    pub(crate) fault: Option<Fault>,
    pub(crate) report: Option<PathBuf>,
    pub(crate) record: Option<PathBuf>,
    pub(crate) kill_calls: BTreeSet<u64>,
    pub(crate) stall_us: Option<(u64, u64)>,
    pub(crate) storage: Option<PathBuf>,
    pub(crate) rules: Rules,
    pub(crate) log_level: u32,
}

/// What the command line asks for.
pub(crate) enum Command {
    Play(Box<Options>),
    Replay { trace: PathBuf, core: Option<PathBuf>, interpret: bool },
    List { trace: PathBuf },
    Help,
    ListKeys,
    ListFaults,
}

/// Reads the command line; the error is for the person who typed it.
pub(crate) fn parse(args: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Command, String> {
    use lexopt::prelude::*;
    let mut options = Options {
        sources: Vec::new(),
        core: None,
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
        sound: true,
        fault: None,
        report: None,
        record: None,
        kill_calls: BTreeSet::new(),
        stall_us: None,
        storage: None,
        rules: Rules::default(),
        log_level: 1,
    };
    let (mut command, mut list, mut interpret) = (None, false, false);
    let mut parser = lexopt::Parser::from_args(args);
    let text = |parser: &mut lexopt::Parser| -> Result<String, String> {
        let value = parser.value().map_err(|e| e.to_string())?;
        value.into_string().map_err(|_| "a value is not valid UTF-8".into())
    };
    while let Some(arg) = parser.next().map_err(|e| e.to_string())? {
        match arg {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("list") => list = true,
            Long("interpret") => interpret = true,
            Long("list-keys") => return Ok(Command::ListKeys),
            Long("list-faults") => return Ok(Command::ListFaults),
            Long("core") => options.core = Some(text(&mut parser)?.into()),
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
            Long("pick") => options.pick = Some(text(&mut parser)?.into()),
            Long("no-sound") => options.sound = false,
            Long("fault") => {
                let name = text(&mut parser)?;
                let known = Fault::find(&name);
                options.fault = Some(known.ok_or(format!("there is no fault `{name}`; see --list-faults"))?);
            }
            Long("report") => options.report = Some(text(&mut parser)?.into()),
            Long("record") => options.record = Some(text(&mut parser)?.into()),
            Long("kill") => options.kill_calls.extend(calls(&text(&mut parser)?)?),
            Long("stall") => options.stall_us = Some(stall(&text(&mut parser)?)?),
            Long("storage") => options.storage = Some(text(&mut parser)?.into()),
            Long("allow") => options.rules.allow(&text(&mut parser)?)?,
            Long("deny-net") => options.rules.deny_net(),
            Long("allow-list") => options.rules.read_list(text(&mut parser)?.as_ref())?,
            Long("log") => {
                let level = text(&mut parser)?;
                options.log_level =
                    level.parse().map_err(|_| format!("--log takes 0 to 4, not `{level}`"))?;
            }
            Value(value) if command.is_none() => command = Some(value),
            Value(value) => options
                .sources
                .push(value.into_string().map_err(|_| "a source's name is not valid UTF-8".to_owned())?),
            other => return Err(other.unexpected().to_string()),
        }
    }
    match command {
        Some(command) if command == "play" => {}
        Some(command) if command == "replay" => {
            return match &options.sources[..] {
                [trace] if list => Ok(Command::List { trace: trace.into() }),
                [trace] => Ok(Command::Replay { trace: trace.into(), core: options.core, interpret }),
                _ => Err("replay takes one trace".into()),
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
            ("play a --keys 1:frobnicate", "frobnicate"),
            ("play a --size 0x3", "0x3"),
            ("play a --until -1", "-1"),
            ("play a --device fridge", "fridge"),
            ("play a --fault luck", "luck"),
            ("play a --allow *.org", "*.org"),
            ("play a --allow-list /nowhere", "/nowhere"),
            ("play a --what", "--what"),
        ] {
            assert!(options(line).unwrap_err().contains(word), "{line}");
        }
    }
}
