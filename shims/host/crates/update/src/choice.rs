//! Which release is for this device: a function of what the publisher signed and what the device is.

use std::collections::BTreeSet;

use semver::Version;
use sha2::{Digest, Sha256};

use crate::format::{Channels, EVERYBODY, Release};

/// What a device is, as far as releases are concerned.
#[derive(Debug, Clone)]
pub struct Device {
    /// The channel it follows: `stable`, `beta`, `dev`, or the publisher's own.
    pub channel: String,
    /// Its class, such as `desktop` or `tv`.
    pub class: String,
    /// Version of its shim.
    pub shim: Version,
    /// The contract its shim offers: `0.1` for every `0.1.x`.
    pub contract: String,
    /// Id of its engine.
    pub engine: String,
    /// Whether it can compile a component itself.
    pub compiles: bool,
    /// Version of the core that runs.
    pub running: Version,
    /// Versions that failed here: they are not tried again.
    pub bad: BTreeSet<Version>,
}

/// What to do, with the reason in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The version to install.
    pub(crate) version: Option<Version>,
    /// The running version must not run any more.
    pub(crate) withdrawn: bool,
    pub(crate) why: String,
}

/// Chooses among what the device's channel offers. Newer is better; older comes only after the running version was revoked.
pub(crate) fn choose(channels: &Channels, device: &Device, seed: u64) -> Choice {
    let running = &device.running;
    let revoked = channels.revoked.get(running);
    let releases = channels.channels.get(&device.channel);
    let mut candidates: Vec<&Release> =
        releases.into_iter().flatten().filter(|release| release.version != *running).collect();
    candidates.retain(|release| revoked.is_some() || release.version > *running);
    candidates.sort_by(|a, b| b.version.cmp(&a.version));

    // The reason that concerns the newest says most.
    let mut passed_over = None;
    let mut chosen = None;
    for release in candidates {
        match unfit(release, channels, device, seed) {
            None => {
                chosen = Some(release.version.clone());
                break;
            }
            Some(reason) => {
                passed_over
                    .get_or_insert_with(|| format!("{} is not for this device: {reason}", release.version));
            }
        }
    }
    let mut reasons: Vec<String> = Vec::new();
    reasons.extend(revoked.map(|why| format!("{running} was withdrawn by its publisher: {why}")));
    reasons.extend(passed_over);
    match &chosen {
        Some(version) => reasons.push(format!("{version} is there")),
        None if releases.is_none() => {
            reasons.push(format!("the publisher has no channel {}", device.channel))
        }
        None if reasons.is_empty() => reasons.push(format!("{running} is the newest of {}", device.channel)),
        None => {}
    }
    Choice { version: chosen, withdrawn: revoked.is_some(), why: reasons.join("; ") }
}

/// Why `release` is not for this device.
fn unfit(release: &Release, channels: &Channels, device: &Device, seed: u64) -> Option<String> {
    let Release { version, permille, classes, needs } = release;
    if let Some(why) = channels.revoked.get(version) {
        return Some(format!("it was withdrawn ({why})"));
    }
    if device.bad.contains(version) {
        return Some("it failed here before".into());
    }
    if !classes.is_empty() && !classes.contains(&device.class) {
        return Some(format!("it is not for {} devices", device.class));
    }
    if needs.min_shim > device.shim {
        return Some(format!("it needs shim {} and this is {}", needs.min_shim, device.shim));
    }
    let offered = needs.contract.strip_prefix(&device.contract);
    if !offered.is_some_and(|rest| rest.is_empty() || rest.starts_with('.')) {
        return Some(format!(
            "it was built for contract {}, and this shim offers {}",
            needs.contract, device.contract
        ));
    }
    if !device.compiles && !needs.engines.contains(&device.engine) {
        return Some(format!("it was not compiled for {}", device.engine));
    }
    if *permille < EVERYBODY && place(seed, version) >= *permille {
        let percent = f32::from(*permille) / 10.0;
        return Some(format!("it goes to {percent} % of all devices so far, and this is not one of them"));
    }
    None
}

/// The place of a device among a thousand: the same for as long as a version is rolled out, another for the next version, so that it is
/// not always the same devices that go first.
fn place(seed: u64, version: &Version) -> u16 {
    let hash = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(version.to_string()).finalize();
    let number = hash.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    (number % u64::from(EVERYBODY)) as u16
}

#[cfg(test)]
mod tests;
