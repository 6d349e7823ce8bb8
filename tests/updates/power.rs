//! The power goes at every write of a check and a download; what is verified is never forgotten, and the update still comes.

use std::cell::Cell;

use kinora_cores::Disk;
use kinora_tests::FakeDisk;
use kinora_update::{Download, Error, Updater, Verdict};
use serde_json::Value;

use crate::world::{NOW_S, World, component};

/// Ways in which what was not synced can come out of a cut.
const SEEDS: u64 = 12;

/// What was verified of the repository.
const STATE: &str = "trust.json";

fn state(disk: &FakeDisk) -> Option<Value> {
    let bytes = disk.read(STATE).ok()?;
    Some(serde_json::from_slice(&bytes).expect("it is replaced at once"))
}

/// Asks, and fetches what is offered; `asked` is set as soon as the device has its answer.
fn update(world: &World, updater: &mut Updater<FakeDisk>, asked: &Cell<bool>) -> Result<Download, Error> {
    let Verdict::Offer(offer, _) = updater.check(NOW_S, &world.device)? else {
        panic!("there is something newer")
    };
    asked.set(true);
    updater.download(&offer, &[])
}

#[test]
fn power_cut_at_every_write_forgets_nothing_that_was_verified() {
    let mut world = World::new("power");
    world.restart();
    // A device that has seen the repository as it was before its keys changed and something new was offered.
    let before = FakeDisk::default();
    world.updater_on(before.clone()).unwrap().check(NOW_S, &world.device).unwrap();
    world.repository.change_root(&world.keys, world.now_s, |_| Ok(())).unwrap();
    world.offer("1.2.0");
    let peace = before.copy();
    update(&world, &mut world.updater_on(peace.clone()).unwrap(), &Cell::default()).unwrap();
    let (seen, new) = (state(&before).expect("it asked"), state(&peace).expect("it asked"));
    assert_ne!(seen["roots"], new["roots"]);
    assert!(peace.operations() > 10, "{} operations", peace.operations());

    // What tough works on is in a folder of the machine, and believed no more than what is left there of a cut.
    let scratch = world.state().join("scratch");
    for cut_after in 0..peace.operations() {
        for seed in 0..SEEDS {
            let what = format!("cut after {cut_after} operations, seed {seed}");
            let (disk, asked) = (before.copy(), Cell::new(false));
            disk.cut_after(cut_after);
            let _ = update(&world, &mut world.updater_on(disk.clone()).unwrap(), &asked);
            std::fs::create_dir_all(&scratch).unwrap();
            std::fs::write(scratch.join("timestamp.json"), "{").unwrap();

            let disk = disk.after_cut(u64::from(cut_after) << 32 | seed);
            let kept = state(&disk).unwrap_or_else(|| panic!("{what}: nothing is left"));
            let known =
                kept["seed"] == seen["seed"] && [&seen, &new].iter().any(|state| same_trust(&kept, state));
            assert!(known, "{what}: {kept:#}");
            assert!(!asked.get() || kept == new, "{what}: it forgets what it was told: {kept:#}");
            let download = update(&world, &mut world.updater_on(disk.clone()).unwrap(), &asked);
            assert!(download.expect(&what).component == component("1.2.0"), "{what}");
            assert_eq!(state(&disk), Some(new.clone()), "{what}");
        }
    }
}

/// Whether both trust the same; the publisher's time is noted after that.
fn same_trust(one: &Value, other: &Value) -> bool {
    ["roots", "timestamp", "snapshot"].iter().all(|field| one[field] == other[field])
}
