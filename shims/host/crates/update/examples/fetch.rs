//! Asks a repository what there is for a device that compiles, and fetches it:
//! `fetch ADDRESS ROOT FOLDER RUNNING-VERSION [BASE...]`, where bases are files of earlier versions.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use kinora_net::HostNet;
use kinora_update::{Config, Device, Offer, Updater, Verdict};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [repository, root, folder, running, bases @ ..] = words.as_slice() else {
        return Err("usage: fetch ADDRESS ROOT FOLDER RUNNING-VERSION [BASE...]".into());
    };
    let config = Config {
        repository: repository.clone(),
        root: std::fs::read(root)?,
        folder: folder.into(),
        not_before_s: 0,
    };
    let device = Device {
        channel: "stable".into(),
        class: "desktop".into(),
        shim: env!("CARGO_PKG_VERSION").parse()?,
        contract: "0.1".into(),
        engine: String::new(),
        compiles: true,
        running: running.parse()?,
        bad: [].into(),
    };
    let start = Instant::now();
    let clock = Arc::new(move || start.elapsed().as_micros() as u64);
    let mut updater = Updater::new(config, |events| Ok(Box::new(HostNet::new(clock, events)?)))?;
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    match updater.check(now_s, &device).map_err(|error| format!("keeps {running}: {error}"))? {
        Verdict::Keep(why) => println!("keeps {running}: {why}"),
        Verdict::Offer(offer, why) => fetch(&mut updater, &offer, &why, bases)?,
        Verdict::Withdrawn(Some(offer), why) => fetch(&mut updater, &offer, &why, bases)?,
        Verdict::Withdrawn(None, why) => println!("must not run {running} any more: {why}"),
    }
    Ok(())
}

fn fetch(updater: &mut Updater, offer: &Offer, why: &str, bases: &[String]) -> Result<(), Failure> {
    println!("{why}");
    let bases: Vec<PathBuf> = bases.iter().map(PathBuf::from).collect();
    let download = updater.download(offer, &bases)?;
    println!("{} ({} bytes received)", download.component.display(), download.received_bytes);
    Ok(())
}
