//! Devices that take their cores from a publisher, as a person sees them: `core check`, `core why`, and what starts.

use std::path::PathBuf;
use std::process::Command;

use kinora_publish::serve::Server;
use kinora_tests::target_folder;
use serde_json::Value;

use crate::commands::{Publisher, component};

/// A device of this publisher, which serves until the process ends.
pub(crate) struct Device {
    home: PathBuf,
    /// What its programs are started with besides.
    pub(crate) environment: Vec<(&'static str, PathBuf)>,
}

impl Device {
    fn of(publisher: &Publisher) -> Self {
        let server = Server::bind(&publisher.0.join("repository"), 0).unwrap();
        let address = format!("http://{}", server.address().unwrap());
        std::thread::spawn(move || server.run());
        Device::at(publisher, &address)
    }

    /// The same, served from elsewhere; the device stays the same.
    pub(crate) fn at(publisher: &Publisher, address: &str) -> Self {
        let home = publisher.0.join("home");
        std::fs::create_dir_all(home.join("kinora")).unwrap();
        let source = publisher.run(&format!("device {address}")).unwrap();
        std::fs::write(home.join("kinora/updates.json"), source).unwrap();
        Device { home, environment: Vec::new() }
    }

    pub(crate) fn core(&self, words: &str) -> Result<String, String> {
        let mut command = Command::new(target_folder().join("kinora-headless"));
        command.arg("core").args(words.split(' ')).env("XDG_DATA_HOME", &self.home);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    pub(crate) fn json(&self, words: &str) -> Value {
        serde_json::from_str(&self.core(&format!("{words} --json")).unwrap()).unwrap()
    }

    /// The core that would run, by its publisher's version; `None`: the factory's.
    pub(crate) fn chosen(&self) -> Option<String> {
        let id = self.json("why")["id"].as_str()?.to_owned();
        Some(self.json(&format!("info {id}"))["version"].as_str()?.to_owned())
    }

    /// The file of this kind of the only installed core.
    fn file(&self, suffix: &str) -> PathBuf {
        let files = std::fs::read_dir(self.home.join("kinora/cores")).unwrap();
        let mut files = files.map(|file| file.unwrap().path());
        files.find(|path| path.to_string_lossy().ends_with(suffix)).unwrap()
    }
}

pub(crate) fn publisher(name: &str) -> Publisher {
    let publisher = Publisher::new(name);
    publisher.run("init").unwrap();
    publisher.add(&component(), "0.2.0", "");
    publisher.run("promote 0.2.0 stable").unwrap();
    publisher
}

#[test]
fn device_that_checks_runs_what_was_published_until_it_is_revoked() {
    let publisher = publisher("device-checks");
    let device = Device::of(&publisher);
    assert_eq!(device.chosen(), None);
    let checked = device.core("check").unwrap();
    assert!(checked.contains("0.2.0 is there, and was installed"), "{checked}");
    assert_eq!(device.chosen().as_deref(), Some("0.2.0"));
    assert_eq!(device.json("why")["running_players"], "idle");
    assert!(device.core("check").unwrap().contains("0.2.0 is the newest of stable"));

    publisher.add(&component(), "0.2.1", "--urgent");
    publisher.run("promote 0.2.1 stable").unwrap();
    device.core("pin").unwrap();
    assert!(device.core("check").unwrap().contains("pinned"));
    assert_eq!(device.chosen().as_deref(), Some("0.2.0"));
    device.core("unpin").unwrap();
    let checked = device.json("check");
    assert!(checked["received_bytes"].as_u64().unwrap() < 20_000, "only the difference comes: {checked}");
    assert_eq!(device.chosen().as_deref(), Some("0.2.1"));
    assert_eq!(device.json("why")["running_players"], "at-once", "it is urgent");

    publisher.run("revoke 0.2.1 it draws nothing").unwrap();
    assert!(device.core("check").unwrap().contains("it draws nothing"));
    assert_eq!(device.chosen().as_deref(), Some("0.2.0"));
    publisher.run("revoke 0.2.0 neither does this").unwrap();
    device.core("check").unwrap();
    assert_eq!(device.chosen(), None);
    let why = device.core("why").unwrap();
    for words in ["installed from", "publisher's update", "it draws nothing", "neither does this"] {
        assert!(why.contains(words), "{why}");
    }
}

#[test]
fn core_that_does_not_start_is_not_fetched_twice() {
    let publisher = publisher("device-unusable");
    let device = Device::of(&publisher);
    // What it asks for is not in the contract.
    let other = publisher.0.join("other.wasm");
    let mut component = wat_component();
    component.extend([0, 21, 15]);
    component.extend(b"kinora:contract0.1.0");
    std::fs::write(&other, component).unwrap();
    publisher.add(&other, "0.3.0", "");
    publisher.run("promote 0.3.0 stable").unwrap();
    let failed = device.core("check").unwrap_err();
    assert!(failed.contains("0.3.0 came, but"), "{failed}");
    assert_eq!(device.chosen(), None);
    let checked = device.core("check").unwrap();
    let told = "0.3.0 is not for this device: it failed here before";
    assert!(checked.contains(told), "{checked}");
    let why = device.core("why").unwrap();
    assert!(why.contains(&format!("The last check for updates: {told}")), "{why}");
    assert_eq!(device.chosen().as_deref(), Some("0.2.0"));
}

#[test]
fn update_that_waits_for_the_next_start_says_so() {
    let publisher = publisher("device-start");
    let device = Device::of(&publisher);
    let source = device.home.join("kinora/updates.json");
    let text = std::fs::read_to_string(&source).unwrap();
    std::fs::write(&source, text.replace("\"idle\"", "\"start\"")).unwrap();
    device.core("check").unwrap();
    assert_eq!(device.json("why")["running_players"], "start");
    assert!(device.core("why").unwrap().contains("Running players change to it when they are started anew."));
}

/// A component that imports a function which no shim has.
fn wat_component() -> Vec<u8> {
    // (component (type (func)) (import "nobody-has-this" (func (type 0))))
    let mut bytes = b"\0asm\x0d\x00\x01\x00".to_vec();
    bytes.extend([7, 5, 1, 0x40, 0, 1, 0]);
    let name = b"nobody-has-this";
    bytes.extend([10, name.len() as u8 + 5, 1, 0, name.len() as u8]);
    bytes.extend(name);
    bytes.extend([1, 0]);
    bytes
}

/// What `doctor`'s and each start's choice of a core comes to.
fn starts_with(device: &Device) -> String {
    let mut command = Command::new(target_folder().join("kinora"));
    command.arg("doctor").env("XDG_DATA_HOME", &device.home).env_remove("DISPLAY");
    let output = command.output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout))
}

#[test]
fn installed_core_that_was_tampered_with_is_not_started() {
    for (suffix, tamper) in [
        (".proof", (|text| text.replace("\"sig\":\"", "\"sig\":\"00")) as fn(String) -> String),
        (".proof", |text| text.replace("core-0.2.0.wasm", "core-0.9.0.wasm")),
        (".proof", |_| "{}".into()),
    ] {
        let publisher = publisher("device-tampered");
        let device = Device::of(&publisher);
        device.core("check").unwrap();
        let id = device.json("why")["id"].as_str().unwrap().to_owned();
        assert!(starts_with(&device).contains(&id), "{}", starts_with(&device));
        let file = device.file(suffix);
        std::fs::write(&file, tamper(std::fs::read_to_string(&file).unwrap())).unwrap();
        let told = starts_with(&device);
        assert!(told.contains("is not started") && !told.contains(&format!("{id}.wasm")), "{told}");
        assert_eq!(device.chosen(), None);
    }
}

#[test]
fn installed_core_without_its_source_waits_for_it() {
    let publisher = publisher("device-orphan");
    let device = Device::of(&publisher);
    device.core("check").unwrap();
    let (source, aside) = (device.home.join("kinora/updates.json"), device.home.join("aside.json"));
    std::fs::rename(&source, &aside).unwrap();
    assert!(starts_with(&device).contains("there is no updates.json"));
    assert!(device.core("check").unwrap_err().contains("takes no updates"));
    std::fs::write(&source, "{").unwrap();
    assert!(starts_with(&device).contains("updates.json: EOF"), "{}", starts_with(&device));
    std::fs::rename(&aside, &source).unwrap();
    let told = starts_with(&device);
    assert!(!told.contains("is not started"), "{told}");
    assert_eq!(device.chosen().as_deref(), Some("0.2.0"));
}
