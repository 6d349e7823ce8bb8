//! What is asked for.

use std::collections::BTreeSet;
use std::path::PathBuf;

use lexopt::prelude::*;
use semver::Version;
use tough::schema::RoleType;

/// Printed for `--help` and after a usage error.
pub(crate) const USAGE: &str = "\
usage: kinora-publish [--repo DIR] [--keys DIR] COMMAND

Makes and maintains a repository of player cores: plain files for any static HTTPS server.

  init                                an empty repository, with one new key for each role
  key list                            who signs what, and how many of them must
  key add ROLE                        one key more
  key remove ROLE ID                  one key less; ID as `key list` prints it, or its beginning
  key threshold ROLE N                so many of the role's keys must sign
  add FILE                            a core, compiled for every target; nobody is offered it yet
      [--version V]                   what it is published as (default: what it says)
      [--notes TEXT]                  what changed
      [--urgent]                      it takes over while something plays, wherever it comes
      [--min-shim V]                  oldest shim it runs on (default: the shims of this release)
  promote V CHANNEL                   offer it in a channel: stable, beta, dev
      [--rollout PERCENT]             to so many devices (default 100)
      [--class CLASS]...              to these classes of devices only
  rollout V CHANNEL PERCENT           to more devices, or to fewer
  revoke V WHY                        take it away from everybody
  sign                                renew what expires: at least once a week, by a timer
  push V HOST/NAME[:TAG]              copy it to an OCI registry, for mirrors and tools; devices take nothing from there
                                      (login: KINORA_REGISTRY_LOGIN=NAME:PASSWORD in the environment)
  list                                what is there and who is offered it
  device ADDRESS                      what makes devices follow it once it lies there: their `updates.json`
  serve [--port N]                    try it out on this machine (default: any port)

ROLE is root, targets, snapshot or timestamp. DIR defaults to ./repository and ./keys. Keep the keys of root and targets where no network
reaches; snapshot and timestamp can lie where `sign` runs.

Exit status: 0 done, 1 not done (reason on stderr; the repository is as it was), 2 usage.
";

/// Where things are.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) repository: PathBuf,
    pub(crate) keys: PathBuf,
}

/// What to do.
#[derive(Debug)]
pub(crate) enum Command {
    Help,
    Init,
    KeyList,
    KeyAdd(RoleType),
    KeyRemove(RoleType, String),
    KeyThreshold(RoleType, u64),
    Add { file: PathBuf, version: Option<Version>, notes: String, urgent: bool, min_shim: Option<Version> },
    Device { address: String },
    Promote { version: Version, channel: String, permille: u16, classes: BTreeSet<String> },
    RollOut { version: Version, channel: String, permille: u16 },
    Revoke { version: Version, why: String },
    Sign,
    Push { version: Version, reference: String },
    List,
    Serve { port: u16 },
}

/// Options of any command; a command takes its own.
#[derive(Default)]
struct Options {
    version: Option<Version>,
    notes: String,
    urgent: bool,
    min_shim: Option<Version>,
    rollout: Option<u16>,
    classes: BTreeSet<String>,
    port: u16,
}

pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<(Places, Command), lexopt::Error> {
    let mut places = Places { repository: "repository".into(), keys: "keys".into() };
    let mut options = Options::default();
    let mut words: Vec<String> = Vec::new();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("repo") => places.repository = parser.value()?.into(),
            Long("keys") => places.keys = parser.value()?.into(),
            Long("version") => options.version = Some(parser.value()?.parse()?),
            Long("urgent") => options.urgent = true,
            Long("notes") => options.notes = parser.value()?.string()?,
            Long("min-shim") => options.min_shim = Some(parser.value()?.parse()?),
            Long("rollout") => options.rollout = Some(parser.value()?.parse_with(percent)?),
            Long("class") => drop(options.classes.insert(parser.value()?.string()?)),
            Long("port") => options.port = parser.value()?.parse()?,
            Long("help") | Short('h') => return Ok((places, Command::Help)),
            Value(word) => words.push(word.string()?),
            other => return Err(other.unexpected()),
        }
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Ok((places, command(&words, options)?))
}

fn command(words: &[&str], options: Options) -> Result<Command, lexopt::Error> {
    Ok(match words {
        ["init"] => Command::Init,
        ["key", "list"] => Command::KeyList,
        ["key", "add", of] => Command::KeyAdd(role(of)?),
        ["key", "remove", of, id] => Command::KeyRemove(role(of)?, (*id).to_owned()),
        ["key", "threshold", of, number] => {
            let number = number.parse().map_err(|_| format!("{number} is no number of keys"))?;
            Command::KeyThreshold(role(of)?, number)
        }
        ["add", file] => Command::Add {
            file: file.into(),
            version: options.version,
            notes: options.notes,
            urgent: options.urgent,
            min_shim: options.min_shim,
        },
        ["promote", of, channel] => Command::Promote {
            version: version(of)?,
            channel: (*channel).to_owned(),
            permille: options.rollout.unwrap_or(kinora_update::EVERYBODY),
            classes: options.classes,
        },
        ["rollout", of, channel, share] => Command::RollOut {
            version: version(of)?,
            channel: (*channel).to_owned(),
            permille: percent(share)?,
        },
        ["revoke", of, why @ ..] if !why.is_empty() => {
            Command::Revoke { version: version(of)?, why: why.join(" ") }
        }
        ["sign"] => Command::Sign,
        ["push", of, reference] => {
            Command::Push { version: version(of)?, reference: (*reference).to_owned() }
        }
        ["list"] => Command::List,
        ["device", address] => Command::Device { address: (*address).to_owned() },
        ["serve"] => Command::Serve { port: options.port },
        [] => return Err("nothing to do".into()),
        words => return Err(format!("{} is not understood", words.join(" ")).into()),
    })
}

fn role(word: &str) -> Result<RoleType, String> {
    Ok(match word {
        "root" => RoleType::Root,
        "targets" => RoleType::Targets,
        "snapshot" => RoleType::Snapshot,
        "timestamp" => RoleType::Timestamp,
        _ => return Err(format!("{word} is no role")),
    })
}

fn version(word: &str) -> Result<Version, String> {
    word.parse().map_err(|error| format!("{word} is no version ({error}): write it as 1.2.3"))
}

/// Percent with at most one decimal, as permille.
fn percent(text: &str) -> Result<u16, String> {
    let (whole, tenths) = text.split_once('.').unwrap_or((text, "0"));
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u16>().ok());
    let permille = match (number(whole).flatten(), number(tenths).flatten()) {
        (Some(whole @ 0..=100), Some(tenths @ 0..=9)) => whole * 10 + tenths,
        _ => return Err(format!("{text} is no share in percent")),
    };
    if permille > kinora_update::EVERYBODY {
        return Err(format!("{text} percent are more than all"));
    }
    Ok(permille)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_is_read_to_a_tenth_and_never_above_all() {
        for (text, permille) in [("0", 0), ("0.5", 5), ("10", 100), ("100", 1000), ("100.0", 1000)] {
            assert_eq!(percent(text), Ok(permille));
        }
        for text in ["", "-1", "+5", "101", "100.1", "1.25", "x", "1.x", "."] {
            assert!(percent(text).is_err(), "{text}");
        }
    }
}
