//! What somebody sees, hears and presses.

use kinora_box::Sound;
use kinora_tests::pcm_f32;

use crate::Test;
use crate::films;
use crate::world::{World, wait_for};

pub(crate) const TESTS: &[Test] = &[
    ("power_on_shows_the_players_screen", shows_its_screen),
    ("paused_and_sought_film_equals_headless", equals_headless),
    ("keys_of_a_remote_move_the_focus_as_headless", navigates),
    ("film_is_heard", is_heard),
];

/// Frames a second of the films' sound.
const RATE: usize = 48_000;
/// How many frames make one when what was heard is searched.
const DECIMATION: usize = 6;
/// Parts of the sound that are looked for, in decimated frames: a quarter of a second.
const PART: usize = RATE / DECIMATION / 4;

fn shows_its_screen(world: &World) -> Result<(), String> {
    let mut watching = world.boot()?;
    let process = watching.process()?;
    wait_for("a picture that rests", || {
        let before = watching.look()?;
        std::thread::sleep(std::time::Duration::from_secs(2));
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
    let expected = world.expected(&film, "3:space,5:5", "paused")?;
    let mut watching = world.boot()?;
    watching.play(&film)?;
    watching.wait_moving()?;
    watching.machine.press("spc")?;
    watching.machine.press("5")?;
    watching.wait_for_picture(&expected)
}

fn navigates(world: &World) -> Result<(), String> {
    let film = films::bars()?;
    // Names of keys here and there.
    let presses = [
        ("space", "spc"),
        ("5", "5"),
        ("ok", "ret"),
        ("right", "right"),
        ("right", "right"),
        ("left", "left"),
    ];
    let mut watching = world.boot()?;
    watching.play(&film)?;
    watching.wait_moving()?;
    let mut keys = String::new();
    for (n, (name, key)) in presses.into_iter().enumerate() {
        keys += &format!("{}:{name},", n + 1);
        watching.machine.press(key)?;
        if n > 0 {
            let expected = world.expected(&film, &keys, &format!("after-{n}"))?;
            watching.wait_for_picture(&expected).map_err(|why| format!("after {name}: {why}"))?;
        }
    }
    Ok(())
}

/// The parts of the film's sound are found in what was heard, in their order. An emulated processor may be late with some.
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
    let found: Vec<(usize, f32)> = parts.iter().map(|part| best(part, &heard)).collect();
    let good = found.iter().filter(|(_, correlation)| *correlation > 0.9).count();
    let in_order = found.windows(2).filter(|pair| pair[0].0 + PART / 2 < pair[1].0).count();
    println!("{good} of {} parts heard, {in_order} after the one before", parts.len());
    if good * 10 < parts.len() * 9 || in_order * 10 < (parts.len() - 1) * 9 {
        return Err(format!(
            "of {} parts {good} are heard, {in_order} after the one before: {found:?}",
            parts.len()
        ));
    }
    Ok(())
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
