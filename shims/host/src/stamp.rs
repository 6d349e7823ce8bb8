//! What a component says about itself in custom sections, read before anything of it is compiled.
//!
//! `kinora:contract` holds the contract version it was built for; `kinora:build` lines of `KEY VALUE`: `name`, `version`, and `snapshot`, the
//! oldest and the newest schema of snapshots it reads, of which it writes the newest (`MIN-MAX`). Keys that are not known are skipped.

/// Custom section in which a component states the contract version it was built for.
const CONTRACT_SECTION: &str = "kinora:contract";
const BUILD_SECTION: &str = "kinora:build";
const COMPONENT_HEADER: &[u8] = b"\0asm\x0d\x00\x01\x00";
/// Longest value that is kept, bytes.
const MAX_VALUE: usize = 100;

/// What a component says it is. Nothing of it is proved before a trial.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stamp {
    /// The contract version it was built for.
    pub contract: String,
    /// What it is called; empty if it does not say.
    pub name: String,
    /// Version of the build; empty if it does not say.
    pub version: String,
    /// Oldest and newest schema of snapshots it reads; it writes the newest.
    pub snapshot: Option<(u32, u32)>,
}

/// Reads the stamp of a component, after going through all of its sections. The error says what is wrong with it, going on from "it".
pub fn read(wasm: &[u8]) -> Result<Stamp, String> {
    const CUT: &str = "it is cut short";
    let mut rest = wasm.strip_prefix(COMPONENT_HEADER).ok_or("it is not a WebAssembly component")?;
    let (mut contract, mut build) = (None, "");
    while let Some((&id, after)) = rest.split_first() {
        let (size, after) = leb128(after).ok_or(CUT)?;
        let (section, after) = after.split_at_checked(size as usize).ok_or(CUT)?;
        rest = after;
        if id != 0 {
            continue;
        }
        let (length, body) = leb128(section).ok_or(CUT)?;
        let (name, data) = body.split_at_checked(length as usize).ok_or(CUT)?;
        let text = std::str::from_utf8(data);
        if name == CONTRACT_SECTION.as_bytes() && contract.is_none() {
            contract = Some(text.map_err(|_| "its contract version is garbled")?);
        } else if name == BUILD_SECTION.as_bytes() {
            build = text.map_err(|_| "what it says about its build is garbled")?;
        }
    }
    let contract = contract.ok_or("it does not say which contract it was built for")?;
    let mut stamp = Stamp { contract: shown(contract), ..Stamp::default() };
    for (key, value) in build.lines().filter_map(|line| line.split_once(' ')) {
        match key {
            "name" => stamp.name = shown(value),
            "version" => stamp.version = shown(value),
            "snapshot" => {
                let range = value.split_once('-').map(|(min, max)| (min.parse(), max.parse()));
                stamp.snapshot = range.and_then(|(min, max)| Some((min.ok()?, max.ok()?)));
            }
            _ => {}
        }
    }
    Ok(stamp)
}

/// Fit for a line on a terminal: what is installed may come from anywhere.
fn shown(value: &str) -> String {
    value[..value.floor_char_boundary(MAX_VALUE)].chars().filter(|c| !c.is_control()).collect()
}

/// Unsigned LEB128 of 32 bits (Core Specification 5.2.2), and what follows it.
fn leb128(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut value = 0u32;
    for (i, &byte) in bytes.iter().take(5).enumerate() {
        value |= u32::from(byte & 0x7f).checked_shl(7 * i as u32)?;
        if byte & 0x80 == 0 {
            return Some((value, &bytes[i + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(sections: &[(&str, &[u8])]) -> Vec<u8> {
        let mut wasm = COMPONENT_HEADER.to_vec();
        for (name, data) in sections {
            wasm.extend([0, (1 + name.len() + data.len()) as u8, name.len() as u8]);
            wasm.extend(name.as_bytes());
            wasm.extend(*data);
        }
        wasm
    }

    #[test]
    fn read_stamped_component_gives_what_it_says() {
        let wasm = component(&[
            ("kinora:contract", b"0.1.0"),
            ("other", b"\xff"),
            ("kinora:build", b"name player-core\nversion 1.2.3\nfuture thing\nsnapshot 1-4\n"),
        ]);
        let (contract, name, version) = ("0.1.0".into(), "player-core".into(), "1.2.3".into());
        assert_eq!(read(&wasm), Ok(Stamp { contract, name, version, snapshot: Some((1, 4)) }));
    }

    #[test]
    fn read_component_damaged_behind_its_stamp_is_refused() {
        let mut wasm = component(&[("kinora:contract", b"0.1.0")]);
        wasm.extend([1, 200]);
        assert_eq!(read(&wasm), Err("it is cut short".into()));
    }

    #[test]
    fn read_stamp_of_control_characters_is_harmless() {
        let wasm = component(&[("kinora:contract", b"0.1\x1b[2J"), ("kinora:build", b"name a\x07b")]);
        let stamp = read(&wasm).expect("it is whole");
        assert_eq!((stamp.contract.as_str(), stamp.name.as_str()), ("0.1[2J", "ab"));
    }
}
