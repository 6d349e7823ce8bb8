//! The power goes at every write, and after it the store holds what had returned, and starts a core that is whole.

use std::io::ErrorKind;

use kinora_cores::{Cores, Disk, Error, Facts, Figures, When, hash};
use kinora_tests::FakeDisk;

const ENGINE: &str = "48.0.8-x86_64-linux-1";

fn bytes(n: u8) -> Vec<u8> {
    vec![n; 1536 + usize::from(n)]
}

fn facts() -> Facts {
    Facts { name: "player-core".into(), version: "1".into(), ..Facts::default() }
}

/// Of a core that came from a publisher.
fn signed(n: u8) -> Facts {
    let artefact = Some((ENGINE.into(), vec![n ^ 0xff; 2560]));
    Facts { artefact, proof: Some(vec![n ^ 0x55; 513]), ..facts() }
}

fn measured() -> Figures {
    let mut figures = Figures { played_us: 600_000_000, plays: 3, failed: [7].into(), ..Figures::default() };
    figures.calls.add(1000);
    figures
}

type Step = fn(&mut Cores<FakeDisk>) -> Result<(), Error>;

/// What is done, step by step.
const STEPS: &[Step] = &[
    |cores| cores.install(&bytes(1), facts()).map(drop),
    |cores| cores.select(Some(&hash(&bytes(1))), When::AtOnce, "chosen"),
    |cores| cores.starting(&hash(&bytes(1))),
    |cores| cores.proved(&hash(&bytes(1))),
    |cores| cores.measured(&hash(&bytes(1)), &measured(), true),
    |cores| cores.install(&bytes(2), signed(2)).map(drop),
    |cores| cores.select(Some(&hash(&bytes(2))), When::AtOnce, "chosen"),
    |cores| cores.pin(true),
    |cores| cores.checked("2 is the newest of stable"),
    |cores| cores.excused(&hash(&bytes(2)), "of a film that no core can play"),
    |cores| cores.measured("the factory's", &measured(), false),
    |cores| cores.condemn(&hash(&bytes(2)), "it was slow"),
    |cores| cores.remove(&hash(&bytes(2))),
    |cores| cores.install(&bytes(3), signed(3)).map(drop),
    |cores| cores.select(Some(&hash(&bytes(3))), When::AtOnce, "chosen"),
    |cores| cores.roll_back(),
    |cores| cores.select(None, When::AtOnce, "chosen"),
];

/// The states after each step, in peace.
fn in_peace() -> (Vec<kinora_cores::State>, u32) {
    let disk = FakeDisk::default();
    let mut cores = Cores::open(disk.clone());
    let mut states = vec![cores.state().clone()];
    for step in STEPS {
        step(&mut cores).expect("nothing is in the way");
        states.push(cores.state().clone());
    }
    let operations = disk.operations();
    (states, operations)
}

#[test]
fn power_cut_at_every_operation_loses_nothing_that_had_returned() {
    let (states, operations) = in_peace();
    assert!(operations > 40, "{operations} operations");
    for cut_after in 0..operations {
        for seed in 0..32 {
            let disk = FakeDisk::default();
            disk.cut_after(cut_after);
            let mut cores = Cores::open(disk.clone());
            let done = STEPS.iter().take_while(|step| step(&mut cores).is_ok()).count();
            let mut cores = Cores::open(disk.after_cut(u64::from(cut_after) << 32 | seed));
            let what = format!("cut after {cut_after} operations, {done} steps, seed {seed}");
            let found = cores.state().clone();
            let next = states.get(done + 1);
            assert!(found == states[done] || Some(&found) == next, "{what}: {found:#?}");
            for id in found.cores.keys() {
                let whole =
                    cores.read(id).is_ok() && cores.artefact(id, ENGINE).is_ok() && cores.proof(id).is_ok();
                assert!(whole, "{what}: core {id} is damaged");
            }
            assert_eq!(cores.choose().id, found.selected, "{what}");
            // And it goes on from there.
            cores.install(&bytes(9), facts()).expect("the power is back");
            cores.select(Some(&hash(&bytes(9))), When::AtOnce, "chosen").expect("the power is back");
            assert_eq!(cores.choose().id, Some(hash(&bytes(9))), "{what}");
        }
    }
}

#[test]
fn full_disk_keeps_what_was_there() {
    let disk = FakeDisk::default();
    let mut cores = Cores::open(disk.clone());
    let first = cores.install(&bytes(1), facts()).expect("there is room");
    cores.select(Some(&first), When::AtOnce, "chosen").expect("there is room");
    disk.refuse(Some(ErrorKind::StorageFull));
    let error = cores.install(&bytes(2), facts()).expect_err("there is none").to_string();
    assert!(error.contains("disk is full"), "{error}");
    assert!(cores.select(None, When::AtOnce, "chosen").is_err());
    let cores = Cores::open(disk.clone());
    assert_eq!(cores.choose().id, Some(first));
    disk.refuse(None);
    let mut cores = Cores::open(disk);
    cores.install(&bytes(2), facts()).expect("there is room again");
}

#[test]
fn store_that_cannot_be_written_runs_what_was_chosen_and_refuses_changes() {
    let disk = FakeDisk::default();
    let mut cores = Cores::open(disk.clone());
    let first = cores.install(&bytes(1), facts()).expect("it can be written");
    cores.select(Some(&first), When::AtOnce, "chosen").expect("it can be written");
    disk.refuse(Some(ErrorKind::ReadOnlyFilesystem));
    let mut cores = Cores::open(disk.clone());
    assert_eq!(cores.choose().id.as_ref(), Some(&first));
    assert_eq!(cores.read(&first).expect("it is there"), bytes(1));
    for step in STEPS.iter().skip(1) {
        let error = step(&mut cores).expect_err("nothing can be written").to_string();
        assert!(error.contains("cannot be written to"), "{error}");
    }
    assert_eq!(Cores::open(disk).choose().id, Some(first));
}

#[test]
fn core_whose_file_is_damaged_gives_way_to_the_factory_core() {
    let mut disk = FakeDisk::default();
    let mut cores = Cores::open(disk.clone());
    let id = cores.install(&bytes(1), facts()).expect("nothing is in the way");
    cores.select(Some(&id), When::AtOnce, "chosen").expect("it is there");
    disk.write(&format!("{id}.wasm"), b"something else").expect("there is room");
    let choice = Cores::open(disk.clone()).choose();
    assert!(choice.id.is_none() && choice.why.contains("damaged"), "{choice:?}");
    // Installing it again mends it.
    cores.install(&bytes(1), facts()).expect("nothing is in the way");
    assert_eq!(Cores::open(disk).choose().id, Some(id));
}

#[test]
fn core_that_never_proves_itself_is_not_started_a_fourth_time() {
    let mut cores = Cores::open(FakeDisk::default());
    let id = cores.install(&bytes(1), facts()).expect("nothing is in the way");
    cores.select(Some(&id), When::AtOnce, "chosen").expect("it is there");
    for _ in 0..3 {
        assert_eq!(cores.choose().id.as_ref(), Some(&id));
        cores.starting(&id).expect("nothing is in the way");
    }
    let choice = cores.choose();
    assert!(choice.id.is_none() && choice.why.contains("3 times in a row"), "{choice:?}");
}

#[test]
fn figures_are_added_up_and_those_of_a_bad_core_forgotten() {
    let disk = FakeDisk::default();
    let mut cores = Cores::open(disk.clone());
    let id = cores.install(&bytes(1), facts()).expect("nothing is in the way");
    cores.measured(&id, &measured(), false).expect("nothing is in the way");
    cores.measured(&id, &measured(), true).expect("nothing is in the way");
    let mut cores = Cores::open(disk);
    let figures = cores.figures(&id);
    assert_eq!((figures.played_us, figures.plays, figures.failed.len()), (1_200_000_000, 6, 1));
    assert_eq!(figures.calls.count(), 2);
    assert!(cores.state().cores[&id].accepted);
    for n in 0..100 {
        cores.measured(&format!("gone {n}"), &measured(), false).expect("nothing is in the way");
    }
    assert!(cores.figures(&id).plays == 6 && cores.figures("gone 3") == Figures::default());
    cores.condemn(&id, "it was slow").expect("nothing is in the way");
    assert!(cores.figures(&id) == Figures::default() && !cores.state().cores[&id].accepted);
}

#[test]
fn store_over_its_quota_forgets_what_was_used_longest_ago() {
    let mut cores = Cores::open(FakeDisk::default());
    let large = |n: u8| vec![n; 40 << 20];
    let ids: Vec<String> =
        (1..=3).map(|n| cores.install(&large(n), facts()).expect("there is room")).collect();
    cores.select(Some(&ids[0]), When::AtOnce, "chosen").expect("it is there");
    let fourth = cores.install(&large(4), facts()).expect("room is made");
    let left: Vec<&String> = cores.state().cores.keys().collect();
    assert!(left.contains(&&ids[0]) && left.contains(&&ids[2]) && left.contains(&&fourth), "{left:?}");
    assert!(cores.read(&ids[1]).is_err(), "its file is gone too");
    assert!(cores.install(&vec![5; 129 << 20], facts()).is_err());
}
