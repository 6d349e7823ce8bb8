//! What happens to a box: processes die, keyboards and displays are unplugged, disks fill up.

use kinora_box::STATE;

use crate::Test;
use crate::films;
use crate::world::{MIDDLE, PAUSE, RESTS, World, wait_for};

pub(crate) const TESTS: &[Test] = &[
    ("killed_player_goes_on_in_place", killed),
    ("keyboard_unplugged_and_plugged_in_works", keyboard),
    ("display_off_and_detected_shows_again", display),
    ("full_disk_stops_nothing", full_disk),
];

/// Kernel's word for the display's connection.
const DISPLAY: &str = "/sys/class/drm/card0-Virtual-1/status";

fn killed(world: &World) -> Result<(), String> {
    let mut watching = world.boot()?;
    watching.play(&films::clock()?)?;
    // Beyond the first time that the position goes to the disk.
    let before = watching.wait_for_second(|second| second >= 14)?;
    let process = watching.process()?;
    watching.machine.run(&format!("kill -9 {process}"))?;
    wait_for("a new process", || match watching.machine.player()? {
        Some(new) if new != process => Ok(()),
        _ => Err("there is none".into()),
    })?;
    let after = watching.wait_for_second(|second| second + 12 >= before)?;
    println!("killed at {before} s, back at {after} s");
    // It is back where it was, not where it would be had it gone on, and not at the beginning.
    if after <= before + 12 { Ok(()) } else { Err(format!("killed at {before} s, back at {after} s")) }
}

fn keyboard(world: &World) -> Result<(), String> {
    let film = films::bars()?;
    let expected = world.expected(&film, &[PAUSE, MIDDLE], RESTS)?;
    let mut watching = world.boot()?;
    watching.play(&film)?;
    watching.wait_moving()?;
    let process = watching.process()?;
    watching.machine.unplug_keyboard()?;
    watching.wait_moving()?;
    watching.machine.plug_keyboard()?;
    wait_for("the keyboard in the box", || {
        watching.machine.run("ls /dev/input/by-path/*event-kbd /dev/input/event*")
    })?;
    // The player looks for devices by itself; a key that comes before it found this one is lost, as for anybody.
    wait_for("a pause", || {
        watching.press(PAUSE)?;
        let before = watching.look()?;
        std::thread::sleep(std::time::Duration::from_secs(2));
        if before == watching.look()? { Ok(()) } else { Err("it plays on".into()) }
    })?;
    watching.press(MIDDLE)?;
    watching.wait_for_picture(&expected)?;
    if watching.process()? == process { Ok(()) } else { Err("the player was started again".into()) }
}

fn display(world: &World) -> Result<(), String> {
    let film = films::bars()?;
    let expected = world.expected(&film, &[PAUSE, MIDDLE], RESTS)?;
    let mut watching = world.boot()?;
    watching.play(&film)?;
    watching.wait_moving()?;
    let process = watching.process()?;
    watching.machine.run(&format!("echo off > {DISPLAY}"))?;
    std::thread::sleep(std::time::Duration::from_secs(3));
    watching.machine.run(&format!("echo detect > {DISPLAY}"))?;
    watching.wait_moving()?;
    watching.press(PAUSE)?;
    watching.press(MIDDLE)?;
    watching.wait_for_picture(&expected)?;
    if watching.process()? == process { Ok(()) } else { Err("the player was started again".into()) }
}

fn full_disk(world: &World) -> Result<(), String> {
    let mut watching = world.boot()?;
    // As the player's user: the last blocks are root's.
    watching.machine.run(&format!(
        "setpriv --reuid kinora --regid kinora --clear-groups sh -c 'cat /dev/zero > {STATE}/filling; true'"
    ))?;
    let free = watching.machine.run(&format!(
        "setpriv --reuid kinora --regid kinora --clear-groups sh -c 'echo x > {STATE}/more' || echo full"
    ))?;
    if !free.contains("full") {
        return Err(format!("the disk is not full: {free}"));
    }
    watching.play(&films::clock()?)?;
    let before = watching.wait_for_second(|second| second >= 12)?;
    let process = watching.process()?;
    watching.machine.run(&format!("rm -f {STATE}/filling {STATE}/more"))?;
    // From here on it is kept again.
    let kept = watching.wait_for_second(|second| second >= before + 12)?;
    if watching.process()? != process {
        return Err("the player was started again".into());
    }
    watching.machine.run(&format!("kill -9 {process}"))?;
    let after = watching.wait_for_second(|second| second + 12 >= kept)?;
    println!("full at {before} s, killed at {kept} s, back at {after} s");
    Ok(())
}
