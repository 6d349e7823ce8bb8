//! `kinora-publish` as a person uses it, with a component of the contract, and a device that takes what it made.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use kinora_net::HostNet;
use kinora_publish::serve::Server;
use kinora_tests::{scratch, target_folder};
use kinora_update::{Config, Updater, Verdict};

use crate::world::version;

pub(crate) struct Publisher(pub(crate) PathBuf);

impl Publisher {
    pub(crate) fn new(name: &str) -> Self {
        let folder = scratch(name);
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// Adds a build of a component: a later one differs in a few bytes, here in a custom section.
    pub(crate) fn add(&self, component: &Path, number: &str, options: &str) {
        let file = self.0.join(format!("{number}.wasm"));
        let mut bytes = std::fs::read(component).unwrap();
        bytes.extend([0, 8, 1, b'b']);
        bytes.extend(format!("{number:6}").bytes());
        std::fs::write(&file, bytes).unwrap();
        self.run(format!("add {} --version {number} {options}", file.display()).trim_end()).unwrap();
    }

    pub(crate) fn run(&self, arguments: &str) -> Result<String, String> {
        let program = target_folder().join("kinora-publish");
        let output = Command::new(program).current_dir(&self.0).args(arguments.split(' ')).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }
}

/// A component of the contract that is quickly compiled.
pub(crate) fn component() -> PathBuf {
    let guest = target_folder().parent().unwrap().join("guests/traps.wasm");
    assert!(guest.is_file(), "`cargo xtask test` builds {}", guest.display());
    guest
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn updater(folder: &Path) -> Updater {
    let server = Server::bind(&folder.join("repository"), 0).unwrap();
    let config = Config {
        repository: format!("http://{}", server.address().unwrap()),
        root: std::fs::read(folder.join("repository/metadata/1.root.json")).unwrap(),
        folder: folder.join("device"),
        not_before_s: 0,
    };
    std::thread::spawn(move || server.run());
    Updater::new(config, |events| Ok(Box::new(HostNet::new(Arc::new(|| 0), events)?))).unwrap()
}

#[test]
fn published_core_arrives_on_a_device() {
    let publisher = Publisher::new("publish-core");
    publisher.run("init").unwrap();
    let core = component();
    for number in ["0.2.0", "0.2.1"] {
        publisher.add(&core, number, "--notes test");
    }
    publisher.run("promote 0.2.0 stable").unwrap();
    let listed = publisher.run("promote 0.2.1 stable --rollout 100 --class tv --class desktop").unwrap();
    assert!(listed.contains("stable: 0.2.1 for 100 % of desktop, tv"), "{listed}");

    let mut updater = updater(&publisher.0);
    let mut device = kinora_update::Device {
        channel: "stable".into(),
        class: "desktop".into(),
        shim: version(env!("CARGO_PKG_VERSION")),
        contract: kinora_host::CONTRACT.into(),
        engine: kinora_host::engine_id(&kinora_host::machines()[0]),
        compiles: false,
        running: version("0.1.0"),
        bad: ["0.2.1".parse().unwrap()].into(),
    };
    let Ok(Verdict::Offer(offer, _)) = updater.check(now_s(), &device) else {
        panic!("0.2.0 is not offered")
    };
    let first = updater.download(&offer, &[]).unwrap();
    assert_eq!(first.component, std::fs::read(publisher.0.join("0.2.0.wasm")).unwrap());

    // The next one comes as a difference.
    let kept = [publisher.0.join("kept.wasm"), publisher.0.join("kept.cwasm")];
    std::fs::write(&kept[0], &first.component).unwrap();
    std::fs::write(&kept[1], first.artefact.unwrap()).unwrap();
    (device.running, device.bad) = (version("0.2.0"), [].into());
    let Ok(Verdict::Offer(offer, _)) = updater.check(now_s(), &device) else {
        panic!("0.2.1 is not offered")
    };
    let second = updater.download(&offer, &kept).unwrap();
    assert_eq!(second.component, std::fs::read(publisher.0.join("0.2.1.wasm")).unwrap());
    println!("whole {} bytes, delta {} bytes", first.received_bytes, second.received_bytes);
    assert!(second.received_bytes * 20 < first.received_bytes);

    publisher.run("revoke 0.2.1 it draws nothing").unwrap();
    device.running = version("0.2.1");
    let Ok(Verdict::Withdrawn(Some(offer), why)) = updater.check(now_s(), &device) else {
        panic!("not withdrawn")
    };
    assert_eq!(offer.package.version, version("0.2.0"));
    assert!(why.contains("it draws nothing"), "{why}");
}

#[test]
fn commands_that_make_no_sense_change_nothing() {
    let publisher = Publisher::new("publish-nonsense");
    publisher.run("init").unwrap();
    let timestamp = publisher.0.join("repository/metadata/timestamp.json");
    let before = std::fs::read(&timestamp).unwrap();
    for (arguments, words) in [
        ("init", "is a repository already"),
        ("promote 1.0.0 stable", "there is no 1.0.0; add it first"),
        ("rollout 1.0.0 stable 10", "promote it first"),
        ("revoke 1.0.0 why", "there is no 1.0.0"),
        ("key threshold targets 2", "would have 1 keys and need 2"),
        ("key threshold targets 0", "somebody must sign"),
        ("key remove targets x", "0 keys of targets begin with x"),
        ("add nothing.wasm --version 1.0.0", "nothing.wasm"),
        ("add keys --version 1", "usage"),
        ("rollout 1.0.0 stable 101", "usage"),
        ("frobnicate", "usage"),
    ] {
        let error = publisher.run(arguments).unwrap_err();
        assert!(error.contains(words), "{arguments}: {error}");
        assert_eq!(std::fs::read(&timestamp).unwrap(), before, "{arguments}");
    }
}

#[test]
fn keys_are_rotated_and_thresholds_raised_by_commands() {
    let publisher = Publisher::new("publish-keys");
    publisher.run("init").unwrap();
    let mut updater = updater(&publisher.0);
    let device = kinora_update::Device {
        channel: "stable".into(),
        class: "desktop".into(),
        shim: version("0.1.0"),
        contract: "0.1".into(),
        engine: String::new(),
        compiles: true,
        running: version("0.1.0"),
        bad: [].into(),
    };
    updater.check(now_s(), &device).unwrap();
    for role in ["root", "targets", "snapshot", "timestamp"] {
        let before = publisher.run("key list").unwrap();
        let old = before.split_once(&format!("\n{role}:")).unwrap().1.lines().nth(1).unwrap();
        let old = old.trim().split(' ').next().unwrap().to_owned();
        publisher.run(&format!("key add {role}")).unwrap();
        publisher.run(&format!("key threshold {role} 2")).unwrap();
        updater.check(now_s(), &device).unwrap();
        publisher.run(&format!("key threshold {role} 1")).unwrap();
        publisher.run(&format!("key remove {role} {old}")).unwrap();
        assert!(!publisher.run("key list").unwrap().contains(&old));
        updater.check(now_s(), &device).unwrap();
    }
    // Keys of targets and root may be elsewhere: signing goes on.
    for entry in std::fs::read_dir(publisher.0.join("keys")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with("root") || name.starts_with("targets") {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    publisher.run("sign").unwrap();
    updater.check(now_s(), &device).unwrap();
    let error = publisher.run("key add timestamp").unwrap_err();
    assert!(error.contains("not enough of the present root's keys are here"), "{error}");
}
