use std::collections::BTreeMap;

use super::*;
use crate::format::{FORMAT, Needs};

fn version(text: &str) -> Version {
    Version::parse(text).unwrap()
}

fn release(number: &str, permille: u16) -> Release {
    let needs =
        Needs { contract: "0.1.0".into(), min_shim: version("0.1.0"), engines: ["x86".to_owned()].into() };
    Release { version: version(number), permille, classes: BTreeSet::new(), needs }
}

fn channels(releases: Vec<Release>) -> Channels {
    Channels {
        format: FORMAT,
        published_s: 0,
        channels: BTreeMap::from([("stable".to_owned(), releases)]),
        revoked: BTreeMap::new(),
    }
}

fn device() -> Device {
    Device {
        channel: "stable".into(),
        class: "tv".into(),
        shim: version("0.1.0"),
        contract: "0.1".into(),
        engine: "x86".into(),
        compiles: false,
        running: version("1.0.0"),
        bad: BTreeSet::new(),
    }
}

fn number(choice: &Choice) -> Option<String> {
    choice.version.as_ref().map(Version::to_string)
}

#[test]
fn choice_among_newer_is_the_newest_and_never_an_older() {
    let all = channels(vec![release("0.9.0", 1000), release("1.2.0", 1000), release("1.1.0", 1000)]);
    assert_eq!(number(&choose(&all, &device(), 1)), Some("1.2.0".into()));
    let mut ahead = device();
    ahead.running = version("2.0.0");
    let choice = choose(&all, &ahead, 1);
    assert_eq!(number(&choice), None);
    assert!(choice.why.contains("2.0.0 is the newest of stable"), "{}", choice.why);
}

#[test]
fn release_that_does_not_fit_is_passed_over_with_the_reason() {
    type Spoil = fn(&mut Release, &mut Device);
    let cases: [(Spoil, &str); 5] = [
        (|release, _| release.needs.min_shim = Version::new(0, 2, 0), "needs shim 0.2.0 and this is 0.1.0"),
        (|release, _| release.needs.contract = "0.2.0".into(), "contract 0.2.0, and this shim offers 0.1"),
        (|release, _| release.needs.contract = "0.10.0".into(), "contract 0.10.0"),
        (|release, _| release.needs.engines.clear(), "not compiled for x86"),
        (|release, device| device.bad = [release.version.clone()].into(), "failed here before"),
    ];
    for (spoil, reason) in cases {
        let (mut newest, mut device) = (release("1.2.0", 1000), device());
        spoil(&mut newest, &mut device);
        let choice = choose(&channels(vec![newest, release("1.1.0", 1000)]), &device, 1);
        assert_eq!(number(&choice), Some("1.1.0".into()));
        assert!(choice.why.contains(reason), "{}", choice.why);
    }
}

#[test]
fn release_for_other_classes_or_unknown_channel_keeps_what_runs() {
    let mut desktop = release("1.1.0", 1000);
    desktop.classes.insert("desktop".into());
    let all = channels(vec![desktop]);
    let choice = choose(&all, &device(), 1);
    assert!(choice.version.is_none() && choice.why.contains("not for tv devices"), "{}", choice.why);
    let mut lost = device();
    lost.channel = "nightly".into();
    assert!(choose(&all, &lost, 1).why.contains("no channel nightly"));
}

#[test]
fn device_that_compiles_needs_no_artefact() {
    let (mut device, mut newest) = (device(), release("1.1.0", 1000));
    device.compiles = true;
    newest.needs.engines.clear();
    assert!(choose(&channels(vec![newest]), &device, 1).version.is_some());
}

#[test]
fn rollout_reaches_its_share_and_only_ever_grows() {
    let seeds = 0..20_000_u64;
    let reached = |permille| {
        let all = channels(vec![release("1.1.0", permille)]);
        seeds.clone().filter(|seed| choose(&all, &device(), *seed).version.is_some()).collect::<Vec<_>>()
    };
    assert!(reached(0).is_empty());
    let (tenth, half) = (reached(100), reached(500));
    assert!((1_700..2_300).contains(&tenth.len()), "{}", tenth.len());
    assert!((9_400..10_600).contains(&half.len()), "{}", half.len());
    assert!(tenth.iter().all(|seed| half.contains(seed)));
    assert_eq!(reached(1000).len(), 20_000);
}

#[test]
fn rollout_of_another_version_begins_with_other_devices() {
    let first = |number: &str| {
        let all = channels(vec![release(number, 100)]);
        (0..1000).filter(|seed| choose(&all, &device(), *seed).version.is_some()).collect::<BTreeSet<u64>>()
    };
    assert!(first("1.1.0").intersection(&first("1.2.0")).count() < 40);
}

#[test]
fn revoked_running_version_is_withdrawn_even_for_an_older_one() {
    let mut all = channels(vec![release("0.9.0", 1000), release("1.0.0", 1000)]);
    all.revoked.insert(version("1.0.0"), "draws nothing".into());
    let choice = choose(&all, &device(), 1);
    assert!(choice.withdrawn);
    assert_eq!(number(&choice), Some("0.9.0".into()));
    assert!(choice.why.contains("draws nothing"), "{}", choice.why);
    all.channels.clear();
    let choice = choose(&all, &device(), 1);
    assert!(choice.withdrawn && choice.version.is_none());
}

#[test]
fn revoked_newer_version_is_not_offered() {
    let mut all = channels(vec![release("1.1.0", 1000)]);
    all.revoked.insert(version("1.1.0"), "hangs".into());
    let choice = choose(&all, &device(), 1);
    assert!(choice.version.is_none() && !choice.withdrawn);
    assert!(choice.why.contains("hangs"), "{}", choice.why);
}
