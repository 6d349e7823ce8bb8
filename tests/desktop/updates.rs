//! A running player takes the builds its publisher offers, and those that a person chooses, without stopping.

use std::process::Command;
use std::time::Duration;

use kinora_tests::{Running, other_build, target_folder};
use libtest_mimic::Trial;

use crate::trial;
use crate::watching::{Watching, World, wait_for};
use crate::world::long_film;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("update_that_is_published_takes_over_when_nothing_plays_and_choices_at_once".into(), update),
        trial("update_for_the_next_start_waits_for_it".into(), update_at_start),
    ]
}

/// A device whose publisher offers 0.2.0, which is another build of the core, to be taken over at a time (`apply` of `updates.json`).
fn offered(name: &str, port: &str, apply: &str) -> Result<(World, Running), String> {
    let world = World::new(name)?;
    for folder in ["repository", "keys"] {
        let _ = std::fs::remove_dir_all(world.folder.join(folder));
    }
    publish(&world, &["init"])?;
    let mut serve = Command::new(target_folder().join("kinora-publish"));
    serve.args(["serve", "--port", port]).current_dir(&world.folder);
    let server = Running::start(&mut serve)?;
    let data = world.folder.join("data/kinora");
    std::fs::create_dir_all(&data).map_err(|e| e.to_string())?;
    let source = publish(&world, &["device", &format!("http://127.0.0.1:{port}")])?;
    let applied = source.replace("\"idle\"", &format!("\"{apply}\""));
    std::fs::write(data.join("updates.json"), applied).map_err(|e| e.to_string())?;
    publish(&world, &["add", &other_build()?, "--version", "0.2.0"])?;
    publish(&world, &["promote", "0.2.0", "stable"])?;
    Ok((world, server))
}

/// Waits until the update is there, and longer than it takes a player to see what was chosen; it must not have taken over.
fn wait_installed(watching: &Watching<'_>) -> Result<(), String> {
    wait_for("the update", || match watching.stderr() {
        said if said.contains("0.2.0 is there, and was installed") => Ok(()),
        said => Err(said),
    })?;
    std::thread::sleep(Duration::from_secs(3));
    if watching.stderr().contains("has taken over") {
        return Err("it took over while the film played".into());
    }
    Ok(())
}

/// Ends the player, which must never have said any of these words.
fn quit(watching: &mut Watching<'_>, never: &[&str]) -> Result<(), String> {
    watching.press("q")?;
    match (watching.wait()?, watching.stderr()) {
        (0, said) if !never.iter().any(|words| said.contains(words)) => Ok(()),
        (status, said) => Err(format!("status {status}: {said}")),
    }
}

/// The publisher's tool; its standard output.
fn publish(world: &World, words: &[&str]) -> Result<String, String> {
    let mut command = Command::new(target_folder().join("kinora-publish"));
    command.args(words).current_dir(&world.folder);
    let output = command.output().map_err(|e| e.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// `kinora core ...`; its standard output.
fn core(world: &World, words: &[&str]) -> Result<String, String> {
    let output = world.command("core").args(words).output().map_err(|e| e.to_string())?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The id of the only installed core.
fn id(world: &World) -> Result<String, String> {
    let listed = core(world, &["list"])?;
    let line = listed.lines().find(|line| line.contains("0.2.0")).ok_or_else(|| listed.clone())?;
    line.split_whitespace().find(|word| word.len() == 12).map(Into::into).ok_or_else(|| line.into())
}

/// Waits until so many builds have taken over.
fn wait_taken_over(watching: &Watching<'_>, times: usize) -> Result<(), String> {
    wait_for("another build", || match watching.stderr() {
        said if said.matches("has taken over").count() >= times => Ok(()),
        said => Err(said),
    })
}

fn update() -> Result<(), String> {
    let film = long_film()?;
    let (world, _server) = offered("update", "18231", "idle")?;
    let mut watching = world.play(&[&film, "--log", "3"])?;
    watching.wait_moving()?;
    wait_installed(&watching)?;
    watching.press("space")?;
    wait_taken_over(&watching, 1)?;
    watching.press("space")?;
    watching.wait_moving()?;
    let why = core(&world, &["why"])?;
    if !why.contains("0.2.0") || !why.contains("publisher's update") {
        return Err(why);
    }
    // By hand, back to the core that the program came with, which is above it in the menu; and once more from elsewhere.
    for key in ["i", "up", "enter"] {
        watching.press(key)?;
    }
    wait_taken_over(&watching, 2)?;
    watching.wait_moving()?;
    core(&world, &["use", &id(&world)?])?;
    wait_taken_over(&watching, 3)?;
    watching.wait_moving()?;
    quit(&mut watching, &["did not"])
}

fn update_at_start() -> Result<(), String> {
    let film = long_film()?;
    let (world, _server) = offered("update-at-start", "18232", "start")?;
    let mut watching = world.play(&[&film, "--log", "3"])?;
    watching.wait_moving()?;
    wait_installed(&watching)?;
    // A player at rest is no reason either.
    watching.press("space")?;
    std::thread::sleep(Duration::from_secs(3));
    quit(&mut watching, &["take over", "taken over"])?;
    let starts = |wanted: &str| {
        let info = core(&world, &["info", &id(&world)?])?;
        let line = info.lines().find(|line| line.starts_with("starts not proved"));
        if line.is_some_and(|line| line.ends_with(wanted)) { Ok(()) } else { Err(info) }
    };
    starts(" 0")?;
    let mut watching = world.play(&[&film, "--log", "3"])?;
    watching.wait_moving()?;
    starts(" 1")?;
    quit(&mut watching, &["take over"])
}
