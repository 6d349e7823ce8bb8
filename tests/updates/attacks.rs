//! Attacks on updates, by the names the specification gives them.

use std::num::NonZeroU64;

use kinora_publish::{Key, bytes, sign};
use kinora_update::Kind;
use serde_json::Value;
use tough::schema::{RoleType, Signed, Snapshot, Targets, Timestamp};

use crate::server::Mischief;
use crate::world::{DAY_S, World, copy, expect};

fn parsed<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Signed<T> {
    serde_json::from_slice(bytes).unwrap()
}

fn number(version: u64) -> NonZeroU64 {
    NonZeroU64::new(version).unwrap()
}

/// Metadata as an attacker would have it: valid in everything but its keys.
fn resigned(world: &World, keys: &[&Key]) -> Vec<u8> {
    let mut timestamp = parsed::<Timestamp>(&world.read("metadata/timestamp.json")).signed;
    timestamp.version = number(timestamp.version.get() + 1);
    bytes(&sign(timestamp, keys).unwrap()).unwrap()
}

#[test]
fn arbitrary_software_signed_by_other_keys_is_refused() {
    let mut world = World::new("arbitrary-keys");
    let (theirs, _) = Key::generate().unwrap();
    let forged = resigned(&world, &[&theirs]);
    world.server.spoil("timestamp.json", Mischief::Bytes(forged));
    world.refused(Kind::Refused, "not signed by enough keys that this device trusts");
    world.server.behave();
    world.offered("1.1.0");
}

#[test]
fn arbitrary_software_under_the_id_of_a_trusted_key_is_refused() {
    let mut world = World::new("arbitrary-id");
    let ours = parsed::<Timestamp>(&world.read("metadata/timestamp.json")).signatures;
    let (theirs, _) = Key::generate().unwrap();
    let mut forged: Value = serde_json::from_slice(&resigned(&world, &[&theirs])).unwrap();
    forged["signatures"][0]["keyid"] = serde_json::to_value(&ours[0].keyid).unwrap();
    world.server.spoil("timestamp.json", Mischief::Bytes(forged.to_string().into_bytes()));
    world.refused(Kind::Refused, "not signed by enough keys");
}

#[test]
fn arbitrary_software_in_the_place_of_a_target_is_refused() {
    let mut world = World::new("arbitrary-target");
    let offer = world.offered("1.1.0");
    let length = offer.package.component.length as usize;
    for bytes in [vec![7; length], vec![7; 10]] {
        world.server.spoil("core-1.1.0.wasm.zst", Mischief::Bytes(bytes));
        let error = world.download(&offer, &[]).unwrap_err();
        assert!(matches!(error.kind, Kind::Refused | Kind::Later), "{error}");
    }
    world.server.behave();
    world.download(&offer, &[]).unwrap();
}

#[test]
fn wrong_software_signed_for_something_else_is_refused() {
    let mut world = World::new("wrong-software");
    let offer = world.offered("1.1.0");
    let mut old = world.repository.read_target("core-1.0.0.wasm.zst").unwrap();
    let right = world.repository.read_target("core-1.1.0.wasm.zst").unwrap().len();
    old.resize(right, 0);
    world.server.spoil("core-1.1.0.wasm.zst", Mischief::Bytes(old));
    expect(&world.download(&offer, &[]).unwrap_err(), Kind::Refused, "not what was signed");
}

#[test]
fn rollback_to_older_metadata_is_refused() {
    let mut world = World::new("rollback");
    let old = world.folder.join("old");
    copy(&world.path("metadata"), &old);
    world.offer("1.2.0");
    world.offered("1.2.0");
    copy(&old, &world.path("metadata"));
    world.refused(Kind::Refused, "older than what this device has seen");
}

#[test]
fn rollback_of_the_snapshot_by_a_stolen_timestamp_key_is_refused() {
    let mut world = World::new("rollback-snapshot");
    let old = parsed::<Timestamp>(&world.read("metadata/timestamp.json")).signed;
    world.offer("1.2.0");
    world.offered("1.2.0");
    let mut forged = parsed::<Timestamp>(&world.read("metadata/timestamp.json")).signed;
    forged.version = number(forged.version.get() + 1);
    forged.meta = old.meta;
    let keys = world.keys.of(&world.repository.root, RoleType::Timestamp);
    let forged = bytes(&sign(forged, &keys).unwrap()).unwrap();
    world.server.spoil("timestamp.json", Mischief::Bytes(forged));
    world.refused(Kind::Refused, "older than what this device has seen");
}

#[test]
fn indefinite_freeze_is_noticed_when_the_metadata_expires() {
    let mut world = World::new("freeze");
    world.offered("1.1.0");
    world.now_s += 6 * DAY_S;
    world.offered("1.1.0");
    world.now_s += 2 * DAY_S;
    world.refused(Kind::Refused, "timestamp metadata expired 1 days ago");
    world.repository.refresh(&world.keys, world.now_s).unwrap();
    world.offered("1.1.0");
}

#[test]
fn freeze_of_each_other_role_is_noticed_too() {
    for (role, days) in [("snapshot", 31), ("targets", 181), ("root", 366)] {
        let mut world = World::new(&format!("freeze-{role}"));
        let now_s = world.now_s + days * DAY_S;
        // Signed late, but with what expired long ago in it.
        match role {
            "snapshot" => {
                let mut timestamp = parsed::<Timestamp>(&world.read("metadata/timestamp.json")).signed;
                timestamp.expires = "2030-01-01T00:00:00Z".parse().unwrap();
                let keys = world.keys.of(&world.repository.root, RoleType::Timestamp);
                let signed = bytes(&sign(timestamp, &keys).unwrap()).unwrap();
                std::fs::write(world.path("metadata/timestamp.json"), signed).unwrap();
            }
            "targets" => world.repository.refresh(&world.keys, now_s).unwrap(),
            _ => world.repository.publish(&world.keys, now_s).unwrap(),
        }
        world.now_s = now_s;
        world.refused(Kind::Refused, &format!("{role} metadata expired 1 days ago"));
    }
}

#[test]
fn endless_data_is_cut_off() {
    let mut world = World::new("endless");
    let offer = world.offered("1.1.0");
    for ending in ["timestamp.json", "2.root.json", ".channels.json", ".core-1.1.0.json"] {
        world.server.spoil(ending, Mischief::Endless);
        // A root that cannot be read is as good as none: the newest known one is used.
        if ending == "2.root.json" {
            world.offered("1.1.0");
        } else {
            world.refused(Kind::Refused, "larger than");
        }
        world.server.behave();
    }
    world.server.spoil(".wasm.zst", Mischief::Endless);
    expect(&world.download(&offer, &[]).unwrap_err(), Kind::Refused, "larger than");
}

#[test]
fn slow_retrieval_is_given_up() {
    let mut world = World::new("slow");
    let offer = world.offered("1.1.0");
    world.server.spoil("timestamp.json", Mischief::Drip);
    expect(&world.check().unwrap_err(), Kind::Later, "comes too slowly");
    world.server.spoil(".wasm.zst", Mischief::Drip);
    expect(&world.download(&offer, &[]).unwrap_err(), Kind::Later, "comes too slowly");
}

#[test]
fn fast_forward_is_undone_by_new_keys() {
    let mut world = World::new("fast-forward");
    // Stolen keys raise the versions as far as they go.
    let far = u64::from(u32::MAX);
    let mut timestamp = parsed::<Timestamp>(&world.read("metadata/timestamp.json")).signed;
    timestamp.version = number(far);
    let keys = world.keys.of(&world.repository.root, RoleType::Timestamp);
    let forged = bytes(&sign(timestamp, &keys).unwrap()).unwrap();
    world.server.spoil("timestamp.json", Mischief::Bytes(forged));
    world.offered("1.1.0");
    world.server.behave();
    world.refused(Kind::Refused, "older than what this device has seen");

    rotate(&mut world, RoleType::Timestamp);
    world.offered("1.1.0");
    world.restart();
    world.offered("1.1.0");
}

/// Replaces all keys of `role` by a new one.
fn rotate(world: &mut World, role: RoleType) {
    let folder = world.folder.join("keys");
    let new = world.keys.create(&folder, role).unwrap();
    let (id, public) = (new.id.clone(), new.public());
    let edit = |root: &mut tough::schema::Root| {
        root.keys.insert(id.clone(), public);
        root.roles.get_mut(&role).unwrap().keyids = vec![id];
        Ok(())
    };
    world.repository.change_root(&world.keys, world.now_s, edit).unwrap();
    world.publish();
}

#[test]
fn mix_and_match_of_different_times_is_refused() {
    let mut world = World::new("mix");
    let old = world.repository.targets.version;
    let old = world.read(&format!("metadata/{old}.targets.json"));
    world.offer("1.2.0");
    let new = world.repository.targets.version;
    world.server.spoil(&format!("{new}.targets.json"), Mischief::Bytes(old));
    let error = world.check().unwrap_err();
    assert!(error.message.contains("do not belong together") || error.message.contains("larger"), "{error}");
    assert_eq!(error.kind, Kind::Refused);
    world.server.behave();
    world.offered("1.2.0");
}

#[test]
fn stolen_key_below_the_threshold_signs_nothing() {
    let mut world = World::new("threshold");
    let folder = world.folder.join("keys");
    let mut added = Vec::new();
    for _ in 0..2 {
        let new = world.keys.create(&folder, RoleType::Targets).unwrap();
        added.push((new.id.clone(), new.public()));
    }
    let edit = |root: &mut tough::schema::Root| {
        let keys = root.roles.get_mut(&RoleType::Targets).unwrap();
        keys.threshold = number(2);
        for (id, public) in added {
            keys.keyids.push(id.clone());
            root.keys.insert(id, public);
        }
        Ok(())
    };
    world.repository.change_root(&world.keys, world.now_s, edit).unwrap();
    world.publish();
    world.offered("1.1.0");

    // One of three keys of targets is stolen, and all keys that are online.
    let root = world.repository.root.clone();
    let mut targets: Targets = world.repository.targets.clone();
    targets.version = number(targets.version.get() + 1);
    for (count, verdict) in [(1, false), (2, true)] {
        let stolen = world.keys.of(&root, RoleType::Targets);
        let forged = bytes(&sign(targets.clone(), &stolen[..count]).unwrap()).unwrap();
        let name = format!("metadata/{}.targets.json", targets.version);
        std::fs::write(world.path(&name), &forged).unwrap();
        let mut snapshot = newest_snapshot(&world);
        snapshot.version = number(snapshot.version.get() + count as u64);
        let meta = snapshot.meta.get_mut("targets.json").unwrap();
        (meta.version, meta.length, meta.hashes) = (targets.version, None, None);
        let snapshot_bytes =
            bytes(&sign(snapshot.clone(), &world.keys.of(&root, RoleType::Snapshot)).unwrap()).unwrap();
        std::fs::write(world.path(&format!("metadata/{}.snapshot.json", snapshot.version)), snapshot_bytes)
            .unwrap();
        let mut timestamp = parsed::<Timestamp>(&world.read("metadata/timestamp.json")).signed;
        timestamp.version = number(timestamp.version.get() + count as u64);
        let meta = timestamp.meta.get_mut("snapshot.json").unwrap();
        (meta.version, meta.length, meta.hashes) = (snapshot.version, None, None);
        let signed = bytes(&sign(timestamp, &world.keys.of(&root, RoleType::Timestamp)).unwrap()).unwrap();
        world.server.spoil("timestamp.json", Mischief::Bytes(signed));
        let checked = world.check();
        assert_eq!(checked.is_ok(), verdict, "{count} keys: {checked:?}");
        if let Err(error) = checked {
            expect(&error, Kind::Refused, "not signed by enough keys");
        }
    }
}

fn newest_snapshot(world: &World) -> Snapshot {
    let timestamp = parsed::<Timestamp>(&world.read("metadata/timestamp.json")).signed;
    let version = timestamp.meta["snapshot.json"].version;
    parsed::<Snapshot>(&world.read(&format!("metadata/{version}.snapshot.json"))).signed
}

#[test]
fn key_that_was_replaced_is_believed_no_more() {
    let mut world = World::new("replaced");
    let before = world.repository.root.clone();
    rotate(&mut world, RoleType::Timestamp);
    world.offered("1.1.0");
    // The root's keys too, twice: the device follows each change, from the factory's root or from its own.
    rotate(&mut world, RoleType::Root);
    rotate(&mut world, RoleType::Root);
    world.offered("1.1.0");
    let forged = resigned(&world, &world.keys.of(&before, RoleType::Timestamp));
    world.server.spoil("timestamp.json", Mischief::Bytes(forged.clone()));
    world.refused(Kind::Refused, "not signed by enough keys");
    // The roots in between may be held back: what was seen is not forgotten.
    for version in 2..=4 {
        world.server.spoil(&format!("{version}.root.json"), Mischief::Status(404));
    }
    world.refused(Kind::Refused, "not signed by enough keys");
    world.server.behave();
    std::fs::remove_dir_all(world.state()).unwrap();
    world.restart();
    world.offered("1.1.0");
}

#[test]
fn root_that_its_predecessor_did_not_sign_is_refused() {
    let mut world = World::new("root-unsigned");
    let (theirs, _) = Key::generate().unwrap();
    let mut root = world.repository.root.clone();
    root.version = number(2);
    root.keys.insert(theirs.id.clone(), theirs.public());
    root.roles.get_mut(&RoleType::Root).unwrap().keyids = vec![theirs.id.clone()];
    let forged = bytes(&sign(root, &[&theirs]).unwrap()).unwrap();
    world.server.spoil("2.root.json", Mischief::Bytes(forged));
    world.refused(Kind::Refused, "not signed by enough keys");
    world.server.behave();
    world.offered("1.1.0");
}

#[test]
fn metadata_cut_short_or_garbled_is_refused() {
    let mut world = World::new("cut");
    let timestamp = world.read("metadata/timestamp.json");
    for count in [0, 1, timestamp.len() / 2, timestamp.len() - 3] {
        world.server.spoil("timestamp.json", Mischief::Bytes(timestamp[..count].to_vec()));
        world.refused(Kind::Refused, "damaged or cut short");
    }
    let mut garbled = timestamp.clone();
    garbled[timestamp.len() / 2] ^= 1;
    world.server.spoil("timestamp.json", Mischief::Bytes(garbled));
    assert_eq!(world.check().unwrap_err().kind, Kind::Refused);
    world.server.spoil("timestamp.json", Mischief::Cut(timestamp.len() / 2));
    world.refused(Kind::Later, "cut before the end");
}

#[test]
fn server_that_fails_is_asked_again_later() {
    let mut world = World::new("fails");
    for (status, words) in
        [(500, "status 500"), (503, "status 503"), (404, "does not exist"), (204, "status 204")]
    {
        world.server.spoil("timestamp.json", Mischief::Status(status));
        world.refused(Kind::Later, words);
    }
    world.server.behave();
    world.offered("1.1.0");
}

#[test]
fn description_of_files_that_were_not_signed_is_refused() {
    let mut world = World::new("extraneous");
    let description = world.repository.read_target("core-1.1.0.json").unwrap();
    let mut forged: Value = serde_json::from_slice(&description).unwrap();
    forged["component"]["target"] = "core-9.9.9.wasm".into();
    world.repository.add_target("core-1.1.0.json", forged.to_string().as_bytes()).unwrap();
    world.publish();
    world.refused(Kind::Refused, "not described as it was signed");
}
