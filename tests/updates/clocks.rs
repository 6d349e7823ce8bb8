//! Clocks that are wrong.

use kinora_update::Kind;

use crate::world::{DAY_S, NOW_S, World};

#[test]
fn clock_before_the_shim_was_built_waits_until_it_is_set() {
    let mut world = World::new("clock-zero");
    for now_s in [0, 1, NOW_S - 400 * DAY_S] {
        world.now_s = now_s;
        world.refused(Kind::SetClock, "days behind");
    }
    world.now_s = NOW_S;
    world.offered("1.1.0");
}

#[test]
fn clock_far_ahead_and_back_again_does_no_lasting_harm() {
    let mut world = World::new("clock-ahead");
    for years in [2, 50, 1000] {
        world.now_s = NOW_S + years * 365 * DAY_S;
        world.refused(Kind::Refused, "or the clock of this device is ahead");
    }
    world.now_s = u64::MAX;
    world.refused(Kind::Refused, "or the clock of this device is ahead");
    world.now_s = NOW_S;
    world.offered("1.1.0");
}

#[test]
fn clock_behind_what_the_publisher_signed_waits_until_it_is_set() {
    let mut world = World::new("clock-behind");
    world.now_s = NOW_S + 100 * DAY_S;
    world.publish();
    world.offered("1.1.0");
    // Before: an attacker who sets clocks could have old metadata pass for fresh.
    world.now_s = NOW_S + 90 * DAY_S;
    world.refused(Kind::SetClock, "at least 10 days behind");
    world.now_s = NOW_S + 100 * DAY_S;
    world.offered("1.1.0");
}

#[test]
fn publisher_whose_clock_was_ahead_does_no_lasting_harm() {
    let mut world = World::new("clock-publisher");
    world.now_s = NOW_S + 50 * DAY_S;
    world.publish();
    world.now_s = NOW_S;
    world.refused(Kind::SetClock, "at least 50 days behind");
    world.publish();
    world.offered("1.1.0");
}
