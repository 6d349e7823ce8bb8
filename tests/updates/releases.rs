//! Who is offered what, from the publisher's command to the device.

use std::collections::BTreeSet;

use kinora_update::{Kind, Verdict};

use crate::world::{World, expect, version};

#[test]
fn rollout_reaches_the_device_when_it_reaches_all() {
    let mut world = World::new("rollout");
    let roll_out = |world: &mut World, permille| {
        world.repository.roll_out(&version("1.1.0"), "stable", permille).unwrap();
        world.publish();
    };
    roll_out(&mut world, 0);
    let Ok(Verdict::Keep(why)) = world.check() else { panic!("nobody is to have it") };
    assert!(why.contains("goes to 0 % of all devices"), "{why}");
    roll_out(&mut world, 1000);
    world.offered("1.1.0");
}

#[test]
fn device_keeps_its_place_in_a_rollout_over_restarts() {
    let mut world = World::new("rollout-place");
    let mut verdicts = BTreeSet::new();
    world.repository.roll_out(&version("1.1.0"), "stable", 500).unwrap();
    world.publish();
    for _ in 0..5 {
        world.restart();
        verdicts.insert(matches!(world.check().unwrap(), Verdict::Offer(..)));
    }
    assert_eq!(verdicts.len(), 1);
}

#[test]
fn revoked_version_is_withdrawn_from_those_that_run_it() {
    let mut world = World::new("revoke");
    world.device.running = version("1.1.0");
    world.repository.promote(&version("1.0.0"), "stable", 1000, BTreeSet::new()).unwrap();
    world.repository.revoke(&version("1.1.0"), "draws nothing").unwrap();
    world.publish();
    match world.check().unwrap() {
        Verdict::Withdrawn(Some(offer), why) => {
            assert_eq!(offer.package.version, version("1.0.0"));
            assert!(why.contains("draws nothing"), "{why}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn channels_of_a_newer_layout_need_a_newer_shim() {
    let mut world = World::new("layout");
    world.repository.channels.format = 2;
    world.publish();
    world.refused(Kind::Refused, "must be renewed first");
}

#[test]
fn device_whose_engine_nobody_compiled_for_keeps_what_it_has() {
    let mut world = World::new("engine");
    world.device.engine = "another-engine".into();
    let Ok(Verdict::Keep(why)) = world.check() else { panic!("nothing for it") };
    assert!(why.contains("not compiled for another-engine"), "{why}");
    // One that compiles takes the component alone.
    world.device.compiles = true;
    let offer = world.offered("1.1.0");
    assert_eq!(world.download(&offer, &[]).unwrap().artefact, None);
}

#[test]
fn second_updater_on_one_folder_waits() {
    let mut world = World::new("two");
    world.check().unwrap();
    let mut other = World::new("two-other");
    other.restart();
    std::fs::remove_dir_all(other.state()).unwrap();
    std::os::unix::fs::symlink(world.state(), other.state()).unwrap();
    expect(&other.check().unwrap_err(), Kind::Later, "another player");
}

#[test]
fn folder_that_cannot_be_written_is_said_so() {
    let mut world = World::new("read-only");
    world.restart();
    std::fs::remove_dir_all(world.state()).unwrap();
    std::fs::write(world.state(), b"a file").unwrap();
    expect(&world.check().unwrap_err(), Kind::Disk, "cannot be written");
}

#[test]
fn damaged_trust_begins_again_from_the_factory() {
    let mut world = World::new("damaged");
    for damage in [&b""[..], b"{}", b"{\"seed\":1", &[0; 100]] {
        world.restart();
        std::fs::write(world.state().join("trust.json"), damage).unwrap();
        world.offered("1.1.0");
    }
}
