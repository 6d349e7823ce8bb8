//! `kinora-certify`: proves that a shim keeps the contract.

mod checks;
mod contract;
mod judge;
mod report;
mod rig;
mod run;
mod seeded;
mod server;
mod timing;

use std::path::PathBuf;
use std::process::ExitCode;

use checks::{CHECKS, Check, GROUPS};
use report::About;
use rig::{BlindRig, BoxRig, CommandRig, HeadlessRig, Rig, XvfbRig};
use run::{Done, flawless};

const USAGE: &str = "\
usage: kinora-certify --shim COMMAND [options]   check a shim
       kinora-certify self --shim COMMAND        check the kit: each fault of kinora-headless must be caught
       kinora-certify list                       every check: id, group, whether a shim may lack it

  --shim COMMAND   how the shim plays something; the kit adds what to play, --core, --log and what the rig needs
  --rig NAME       headless (default), xvfb (a window), box (the virtual set-top box whose system KINORA_BOX names: --shim is a command
                   there), blind (only the log), or command: --shim is then a program of yours (tests/conformance/rig/command.rs)
  --only NAME      this group or check only; may be repeated
  --timing         times as well, as far as the rig can take them: reported beside the design's bars, never judged (9 minutes in real time)
  --report DIR     report.json, junit.xml and report.html go there (default: certify in the current folder)
  --core FILE      the kit's core (default: kit.wasm beside this program or where cargo xtask core puts it)

A port is certified when nothing failed and nothing mandatory is missing or unmeasured. Exit status: 0 nothing wrong, 1 not so, 2 usage.
";

struct Options {
    shim: Vec<String>,
    rig: String,
    only: Vec<String>,
    timing: bool,
    report: PathBuf,
    core: PathBuf,
}

fn main() -> ExitCode {
    let (command, options) = match parse() {
        Ok(parsed) => parsed,
        Err(mistake) if mistake.is_empty() => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(mistake) => {
            eprintln!("kinora-certify: {mistake}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let result = match command.as_deref() {
        Some("list") => {
            for check in CHECKS {
                let may = if check.optional { "optional" } else { "mandatory" };
                println!("{} {} {may} {}", check.id, check.group, contract::sentence(check.id));
            }
            Ok(true)
        }
        Some("self") => seeded::certify_self(&options.shim, &options.core, &options.report, &options.only),
        _ => certify(&options),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("kinora-certify: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the command line; an empty error asks for help.
fn parse() -> Result<(Option<String>, Options), String> {
    use lexopt::prelude::*;
    let (mut command, mut core) = (None, None);
    let mut options = Options {
        shim: Vec::new(),
        rig: "headless".into(),
        only: Vec::new(),
        timing: false,
        report: "certify".into(),
        core: PathBuf::new(),
    };
    let mut parser = lexopt::Parser::from_env();
    let text = |parser: &mut lexopt::Parser| -> Result<String, String> {
        parser
            .value()
            .map_err(|e| e.to_string())?
            .into_string()
            .map_err(|_| "a value is not valid UTF-8".into())
    };
    while let Some(arg) = parser.next().map_err(|e| e.to_string())? {
        match arg {
            Short('h') | Long("help") => return Err(String::new()),
            Long("shim") => options.shim = text(&mut parser)?.split_whitespace().map(Into::into).collect(),
            Long("rig") => options.rig = text(&mut parser)?,
            Long("only") => options.only.push(text(&mut parser)?),
            Long("timing") => options.timing = true,
            Long("report") => options.report = text(&mut parser)?.into(),
            Long("core") => core = Some(PathBuf::from(text(&mut parser)?)),
            Value(value) if command.is_none() => command = Some(value.to_string_lossy().into_owned()),
            other => return Err(other.unexpected().to_string()),
        }
    }
    let known =
        |name: &String| GROUPS.contains(&name.as_str()) || CHECKS.iter().any(|check| check.id == name);
    if let Some(unknown) = options.only.iter().find(|name| !known(name)) {
        return Err(format!("there is no group and no check `{unknown}`; groups are {}", GROUPS.join(", ")));
    }
    match command.as_deref() {
        Some("list") => return Ok((command, options)),
        Some("self") | None => {}
        Some(other) => return Err(format!("unknown command `{other}`")),
    }
    if options.shim.is_empty() {
        return Err("which shim? --shim is missing".into());
    }
    // Shims run in folders of their own.
    options.report = std::path::absolute(&options.report).map_err(|e| e.to_string())?;
    options.core = core.or_else(find_core).ok_or("there is no kit.wasm; build it, or name it by --core")?;
    options.core = std::path::absolute(&options.core).map_err(|e| e.to_string())?;
    Ok((command, options))
}

/// The kit's core beside this program, or where it is built.
fn find_core() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let folder = program.parent()?;
    let places = [folder.join("kit.wasm"), folder.parent()?.join("guests/kit.wasm")];
    places.into_iter().find(|path| path.is_file())
}

fn certify(options: &Options) -> Result<bool, String> {
    let shim = options.shim.clone();
    let mut rig: Box<dyn Rig> = match options.rig.as_str() {
        "headless" => Box::new(HeadlessRig { shim }),
        "blind" => Box::new(BlindRig { shim }),
        "xvfb" => Box::new(XvfbRig { shim }),
        "box" => Box::new(BoxRig::new(&shim, &options.core, &options.report)?),
        "command" => Box::new(CommandRig::new(shim)?),
        other => return Err(format!("there is no rig `{other}`: headless, xvfb, box, blind or command")),
    };
    let mut all = Vec::new();
    for check in selected(&options.only) {
        let done = run::run(check, &mut *rig, &options.core, &options.report.join(check.id));
        line(&done);
        all.push(done);
    }
    let timing = options.timing.then(|| timing::measure(&mut *rig, &options.core, &options.report));
    let about = About { shim: &options.shim.join(" "), rig: rig.name(), core: &options.core };
    report::write(&all, timing.as_ref(), &about, &options.report)?;
    println!("{}", report::summary(&all));
    println!("{}", options.report.join("report.html").display());
    Ok(flawless(&all))
}

/// The checks of these groups and ids, in the order of bring-up.
fn selected(only: &[String]) -> impl Iterator<Item = &'static Check> {
    let wanted =
        |check: &&Check| only.is_empty() || only.iter().any(|name| name == check.id || name == check.group);
    CHECKS.iter().filter(wanted)
}

/// A line of the live table.
fn line(done: &Done) {
    let (id, word) = (done.check.id, done.outcome.word());
    println!(
        "{word:12} {:11} {id:34} {:5.1} s  {}",
        done.check.group,
        done.took.as_secs_f64(),
        done.outcome.detail()
    );
}
