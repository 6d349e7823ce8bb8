//! What a window shows, drawn by either presenter.

use kinora_tests::{Scenario, Screen, play, root, scenarios};
use libtest_mimic::Trial;

use crate::trial;
use crate::watching::{World, picture, wait_for};

/// Paused in the middle of the clip, so that the picture rests.
const KEYS: &str = "1:space,2:5";
/// Most that a channel may differ at a picture's edges where it is reduced: a GPU averages four samples, the CPU all there are.
const REDUCED: u8 = 24;
const EXACT: u8 = 2;
const CLIP: &str = "assets/demo/3 Flash and beep.mp4";

pub(crate) fn trials(presenter: &'static str) -> Vec<Trial> {
    let scenarios = scenarios().expect("scenarios are committed");
    let mut trials: Vec<Trial> = scenarios
        .into_iter()
        .filter(|scenario| scenario.rests)
        .map(|scenario| {
            trial(format!("{presenter}_{}_equals_golden", scenario.name()), move || {
                shows_golden(presenter, &scenario)
            })
        })
        .collect();
    trials.push(trial(format!("{presenter}_window_resized_shows_the_new_size"), move || resizes(presenter)));
    trials.push(trial(format!("{presenter}_key_f_fills_the_screen_and_back"), move || fullscreen(presenter)));
    trials
}

fn shows_golden(presenter: &str, scenario: &Scenario) -> Result<(), String> {
    let world = World::new(&format!("{presenter}-{}", scenario.name()))?;
    let paths = scenario.paths();
    let mut args = vec!["--present", presenter];
    args.extend(paths.iter().map(String::as_str));
    let watching = world.play(&args)?;
    if let Some((width, height)) = scenario.size.as_deref().and_then(|size| size.split_once('x')) {
        let side = |text: &str| text.parse().map_err(|_| format!("size {text}"));
        world.display.resize(watching.window, side(width)?, side(height)?)?;
    }
    // Its times are virtual; here each key waits for the picture of the one before.
    for key in scenario.keys.split(',').filter_map(|item| item.split_once(':')) {
        watching.wait_moving()?;
        watching.press(key.1)?;
    }
    let last = scenario.screenshots.last().ok_or("a scenario that rests has a screenshot")?;
    watching.wait_for_picture(&picture(&scenario.folder.join(format!("expected-{last}.png")))?, EXACT)
}

/// What headless shows of the resting clip at this size.
fn expected(name: &str, size: &str, keys: &str) -> Result<Screen, String> {
    let source = root().join(CLIP);
    let args = ["--keys", keys, "--size", size, "--until", "9", "--screenshot", "8=8.png"];
    let played = play(&format!("desktop/{name}-headless"), &source.to_string_lossy(), &args);
    picture(&played.folder.join("8.png")).map_err(|why| format!("{why}: {}", played.stderr))
}

fn resizes(presenter: &str) -> Result<(), String> {
    let name = format!("{presenter}-resize");
    let world = World::new(&name)?;
    let watching = world.play(&["--present", presenter, &root().join(CLIP).to_string_lossy()])?;
    watching.wait_moving()?;
    watching.press("space")?;
    watching.press("5")?;
    let most = if presenter == "gpu" { REDUCED } else { EXACT };
    // A wider picture than the film's, then a higher one.
    for (width, height) in [(900, 400), (700, 600)] {
        world.display.resize(watching.window, width, height)?;
        watching.wait_for_picture(&expected(&name, &format!("{width}x{height}"), KEYS)?, most)?;
    }
    Ok(())
}

fn fullscreen(presenter: &str) -> Result<(), String> {
    let name = format!("{presenter}-fullscreen");
    let world = World::new(&name)?;
    let watching = world.play(&["--present", presenter, &root().join(CLIP).to_string_lossy()])?;
    watching.wait_moving()?;
    let before = world.display.size(watching.window)?;
    watching.press("space")?;
    watching.press("5")?;
    watching.press("f")?;
    watching.wait_for_picture(&expected(&name, "1280x720", &format!("{KEYS},3:f"))?, EXACT)?;
    watching.press("f")?;
    wait_for("the size before", || {
        let now = world.display.size(watching.window)?;
        if now == before { Ok(()) } else { Err(format!("{now:?} instead of {before:?}")) }
    })
}
