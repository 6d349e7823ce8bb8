//! From an offer to verified files.

use std::path::PathBuf;

use kinora_update::{Kind, hex};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::server::Mischief;
use crate::world::{DAY_S, World, component, expect};

const PACKED: &str = ".core-1.1.0.wasm.zst";

/// The device's copy of the core it runs.
fn installed(world: &World) -> PathBuf {
    let path = world.folder.join("installed.wasm");
    std::fs::write(&path, component("1.0.0")).unwrap();
    path
}

#[test]
fn download_without_a_base_is_the_published_core() {
    let mut world = World::new("whole");
    let offer = world.offered("1.1.0");
    let download = world.download(&offer, &[]).unwrap();
    assert_eq!(download.component, component("1.1.0"));
    assert_eq!(download.artefact.unwrap(), "1.1.0".repeat(1000).into_bytes());
    assert_eq!(download.description, world.repository.read_target("core-1.1.0.json").unwrap());
    assert!(download.received_bytes > 150_000, "{}", download.received_bytes);
}

#[test]
fn download_with_the_installed_core_is_a_small_delta() {
    let mut world = World::new("delta");
    let (offer, base) = (world.offered("1.1.0"), installed(&world));
    let download = world.download(&offer, &[base]).unwrap();
    assert_eq!(download.component, component("1.1.0"));
    assert!(download.received_bytes < 1000, "{}", download.received_bytes);
}

#[test]
fn download_with_a_changed_base_is_whole() {
    let mut world = World::new("delta-changed");
    let (offer, base) = (world.offered("1.1.0"), installed(&world));
    std::fs::write(&base, b"something else").unwrap();
    let download = world.download(&offer, &[base]).unwrap();
    assert_eq!(download.component, component("1.1.0"));
}

#[test]
fn download_whose_delta_is_spoilt_is_whole() {
    let mut world = World::new("delta-spoilt");
    let (offer, base) = (world.offered("1.1.0"), installed(&world));
    let name = format!("core-1.1.0.wasm.from-{}.zst", hex(&Sha256::digest(component("1.0.0"))));
    let length = world.repository.read_target(&name).unwrap().len();
    world.server.spoil(&name, Mischief::Bytes(vec![7; length]));
    let download = world.download(&offer, &[base]).unwrap();
    assert_eq!(download.component, component("1.1.0"));
}

#[test]
fn download_that_was_cut_goes_on_where_it_was() {
    let mut world = World::new("resume");
    let offer = world.offered("1.1.0");
    let length = world.repository.read_target("core-1.1.0.wasm.zst").unwrap().len();
    world.server.spoil(PACKED, Mischief::Cut(length / 2));
    expect(&world.download(&offer, &[]).unwrap_err(), Kind::Later, "cut before the end");
    world.server.behave();
    world.restart();
    let download = world.download(&offer, &[]).unwrap();
    assert_eq!(download.component, component("1.1.0"));
    let requests = world.server.requests();
    let last = requests.iter().rfind(|request| request.contains(PACKED)).unwrap();
    assert_eq!(last.rsplit(' ').next(), Some((length / 2).to_string().as_str()));
    assert!((download.received_bytes as usize) < length, "{}", download.received_bytes);
}

#[test]
fn download_from_a_server_without_ranges_begins_anew() {
    let mut world = World::new("no-ranges");
    let offer = world.offered("1.1.0");
    world.server.spoil(PACKED, Mischief::Cut(1000));
    world.download(&offer, &[]).unwrap_err();
    world.server.spoil(PACKED, Mischief::NoRanges);
    let download = world.download(&offer, &[]).unwrap();
    assert_eq!(download.component, component("1.1.0"));
}

#[test]
fn download_whose_beginning_was_damaged_on_disk_begins_anew() {
    let mut world = World::new("resume-damaged");
    let offer = world.offered("1.1.0");
    world.server.spoil(PACKED, Mischief::Cut(1000));
    world.download(&offer, &[]).unwrap_err();
    world.server.behave();
    let part = world.parts().remove(0);
    std::fs::write(part, [7; 1000]).unwrap();
    let download = world.download(&offer, &[]).unwrap();
    assert_eq!(download.component, component("1.1.0"));
}

#[test]
fn download_of_another_offer_leaves_nothing_of_the_first() {
    let mut world = World::new("other-offer");
    let offer = world.offered("1.1.0");
    world.download(&offer, &[]).unwrap();
    world.offer("1.2.0");
    let offer = world.offered("1.2.0");
    world.download(&offer, &[]).unwrap();
    assert_eq!(world.parts().len(), 2, "the component and the artefact of 1.2.0");
}

#[test]
fn proof_holds_offline_for_years_and_only_for_what_was_signed() {
    let mut world = World::new("proof");
    let edit = |_: &mut tough::schema::Root| Ok(());
    world.repository.change_root(&world.keys, world.now_s, edit).unwrap();
    world.publish();
    let offer = world.offered("1.1.0");
    let download = world.download(&offer, &[]).unwrap();
    let kept = serde_json::to_string(&download.proof).unwrap();
    // Long after everything has expired: there is no clock in it.
    world.now_s += 1000 * DAY_S;
    world.check().unwrap_err();
    let proof: kinora_update::Proof = serde_json::from_str(&kept).unwrap();
    let vouched = proof.verify(&world.root).unwrap();
    let file = &download.package.component;
    let sha256 = |bytes: &[u8]| hex(&Sha256::digest(bytes));
    let hash = sha256(&component("1.1.0"));
    assert!(vouched.covers(&file.target, &hash, file.length));
    assert!(vouched.covers(
        "core-1.1.0.json",
        &sha256(&download.description),
        download.description.len() as u64
    ));
    assert!(!vouched.covers(&file.target, &sha256(b"other"), file.length));
    assert!(!vouched.covers(&file.target, &hash, file.length + 1));
    assert!(!vouched.covers("core-1.0.0.wasm", &hash, file.length));
}

#[test]
fn proof_that_was_changed_vouches_for_nothing() {
    let mut world = World::new("proof-changed");
    let edit = |_: &mut tough::schema::Root| Ok(());
    world.repository.change_root(&world.keys, world.now_s, edit).unwrap();
    world.publish();
    let offer = world.offered("1.1.0");
    let proof = serde_json::to_value(world.download(&offer, &[]).unwrap().proof).unwrap();
    let spoils: [fn(&mut Value); 4] = [
        |proof| proof["targets"]["signed"]["version"] = 99.into(),
        |proof| proof["targets"]["signatures"] = Value::Array(Vec::new()),
        |proof| proof["roots"][0]["signed"]["version"] = 3.into(),
        |proof| proof["roots"][0]["signatures"] = Value::Array(Vec::new()),
    ];
    for spoil in spoils {
        let mut changed = proof.clone();
        spoil(&mut changed);
        let changed: kinora_update::Proof = serde_json::from_value(changed).unwrap();
        expect(&changed.verify(&world.root).unwrap_err(), Kind::Refused, "nothing vouches");
    }
    let elsewhere = World::new("proof-elsewhere");
    let proof: kinora_update::Proof = serde_json::from_value(proof).unwrap();
    expect(&proof.verify(&elsewhere.root).unwrap_err(), Kind::Refused, "nothing vouches");
}
