//! A running player takes the builds its publisher offers, and those that a person chooses, without stopping.

use std::process::Command;
use std::time::Duration;

use kinora_tests::{Running, other_build, target_folder};
use libtest_mimic::Trial;

use crate::trial;
use crate::watching::{Watching, World, wait_for};
use crate::world::long_film;

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("update_that_is_published_takes_over_when_nothing_plays_and_choices_at_once".into(), update)]
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
    let world = World::new("update")?;
    for folder in ["repository", "keys"] {
        let _ = std::fs::remove_dir_all(world.folder.join(folder));
    }
    publish(&world, &["init"])?;
    let mut serve = Command::new(target_folder().join("kinora-publish"));
    serve.args(["serve", "--port", "18231"]).current_dir(&world.folder);
    let _server = Running::start(&mut serve)?;
    let data = world.folder.join("data/kinora");
    std::fs::create_dir_all(&data).map_err(|e| e.to_string())?;
    let source = publish(&world, &["device", "http://127.0.0.1:18231"])?;
    std::fs::write(data.join("updates.json"), source).map_err(|e| e.to_string())?;
    publish(&world, &["add", &other_build()?, "--version", "0.2.0"])?;
    publish(&world, &["promote", "0.2.0", "stable"])?;

    let mut watching = world.play(&[&film, "--log", "3"])?;
    watching.wait_moving()?;
    wait_for("the update", || match watching.stderr() {
        said if said.contains("0.2.0 is there, and was installed") => Ok(()),
        said => Err(said),
    })?;
    // Longer than it takes a player to see what was chosen.
    std::thread::sleep(Duration::from_secs(3));
    if watching.stderr().contains("has taken over") {
        return Err("it took over while the film played".into());
    }
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
    watching.press("q")?;
    match (watching.wait()?, watching.stderr()) {
        (0, said) if !said.contains("did not") => Ok(()),
        (status, said) => Err(format!("status {status}: {said}")),
    }
}
