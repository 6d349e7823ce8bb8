//! What somebody sees, hears and presses.

use std::time::Duration;

use kinora_box::Sound;
use kinora_tests::{Screen, pcm_f32};

use crate::Test;
use crate::films;
use crate::world::{DOWN, MIDDLE, OK, PAUSE, RESTS, RIGHT, SHOWN, UP, World, wait_for};

pub(crate) const TESTS: &[Test] = &[
    ("power_on_shows_the_players_screen", shows_its_screen),
    ("paused_and_sought_film_equals_headless", equals_headless),
    ("keys_of_a_remote_move_the_focus_as_headless", navigates),
    ("film_is_heard", is_heard),
];

/// Time enough for a box to read the film.
const BUFFERED: Duration = Duration::from_secs(5);
/// Frames a second of the films' sound.
const RATE: usize = 48_000;
/// How many frames make one when what was heard is searched.
const DECIMATION: usize = 6;
/// Parts of the sound that are looked for, in decimated frames: a tenth of a second.
const PART: usize = RATE / DECIMATION / 10;

fn shows_its_screen(world: &World) -> Result<(), String> {
    let mut watching = world.boot()?;
    let process = watching.process()?;
    wait_for("a picture that rests", || {
        let before = watching.look()?;
        std::thread::sleep(Duration::from_secs(2));
        let now = watching.look()?;
        let colours: std::collections::HashSet<&[u8]> = now.rgb.chunks_exact(3).collect();
        // Text with smooth edges on a background; the console's has few colours.
        match (before == now, colours.len()) {
            (true, 33..) => Ok(()),
            (_, colours) => Err(format!("{colours} colours")),
        }
    })?;
    if watching.process()? == process { Ok(()) } else { Err("the player was started again".into()) }
}

fn equals_headless(world: &World) -> Result<(), String> {
    let film = films::bars()?;
    let expected = world.expected(&film, &[PAUSE, MIDDLE], RESTS)?;
    let mut watching = world.boot()?;
    watching.play(&film)?;
    watching.wait_moving()?;
    watching.press(PAUSE)?;
    watching.press(MIDDLE)?;
    watching.wait_for_picture(&expected)
}

fn navigates(world: &World) -> Result<(), String> {
    let film = films::bars()?;
    // Along the controls to the menu of speeds and into it.
    let keys = [PAUSE, MIDDLE, DOWN, UP, RIGHT, RIGHT, OK, DOWN];
    let shown = 2..keys.len();
    let expected: Vec<Screen> =
        shown.clone().map(|n| world.expected(&film, &keys[..=n], SHOWN)).collect::<Result<_, _>>()?;
    if expected.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err("a key is to change nothing".into());
    }
    let mut watching = world.boot()?;
    watching.play(&film)?;
    watching.wait_moving()?;
    // The bar shows what is buffered, which is all of it by then, as in headless.
    std::thread::sleep(BUFFERED);
    watching.press(PAUSE)?;
    watching.press(MIDDLE)?;
    for (n, expected) in shown.zip(&expected) {
        watching.press(keys[n])?;
        watching.wait_for_picture(expected).map_err(|why| format!("key {n}: {why}"))?;
    }
    Ok(())
}

/// The parts of the film's sound are found in what was heard, in their order. An emulated processor is late with some: a device that
/// starves leaves a gap inside a part, which is then not found.
fn is_heard(world: &World) -> Result<(), String> {
    let film = films::bars()?;
    let mut watching = world.boot()?;
    watching.play(&film)?;
    let file = watching.machine.sound_file();
    let wanted = 8 * RATE;
    wait_for("eight seconds of sound", || {
        let sound = Sound::read(&file)?;
        let frames = sound.samples.len() / sound.channels.max(1);
        if frames >= wanted { Ok(()) } else { Err(format!("{frames} frames")) }
    })?;
    let heard = Sound::read(&file)?;
    if heard.rate as usize != RATE {
        return Err(format!("heard at {} Hz", heard.rate));
    }
    let heard = decimated(&heard.mono());
    let played = decimated(&pcm_f32(&film)?);
    let parts: Vec<&[f32]> = played.chunks_exact(PART).take(heard.len() / PART / 2).collect();
    let places: Vec<usize> = parts
        .iter()
        .map(|part| best(part, &heard))
        .filter(|(_, correlation)| *correlation > 0.9)
        .map(|(place, _)| place)
        .collect();
    let in_order = places.windows(2).filter(|pair| pair[0] + PART / 2 < pair[1]).count();
    let said =
        format!("of {} parts {} are heard, {in_order} after the one before", parts.len(), places.len());
    println!("{said}");
    if places.len() * 2 > parts.len() && in_order + 1 == places.len() { Ok(()) } else { Err(said) }
}

fn decimated(samples: &[f32]) -> Vec<f32> {
    samples.chunks_exact(DECIMATION).map(|some| some.iter().sum::<f32>() / DECIMATION as f32).collect()
}

/// Where a part is found best, and its correlation there.
fn best(part: &[f32], heard: &[f32]) -> (usize, f32) {
    let energy = |samples: &[f32]| samples.iter().map(|s| s * s).sum::<f32>();
    let own = energy(part);
    let at = |(n, window): (usize, &[f32])| {
        let product: f32 = part.iter().zip(window).map(|(a, b)| a * b).sum();
        (n, product / (own * energy(window)).sqrt().max(1e-9))
    };
    heard.windows(part.len()).enumerate().map(at).max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0))
}
