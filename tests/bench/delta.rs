//! What an update costs to download: ten changes that were made to the core, each as the difference between the build without it and the
//! one with it.

use std::path::Path;

use kinora_publish::pack;
use kinora_tests::target_folder;

use crate::calm::Machine;
use crate::report::{Bar, Row};

/// Of the compressed component.
const SHARE: f64 = 15.0;

pub(crate) fn bench(_: &mut Machine, rows: &mut Vec<Row>) -> Result<(), String> {
    let target = target_folder().parent().expect("target/PROFILE").to_path_buf();
    let read = |path: &Path| std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()));
    let core = read(&target.join("kinora-core.wasm"))?;
    let whole = pack(&core, &[])?.len();
    let machine = &kinora_host::machines()[0];
    let compiled = |core: &[u8]| kinora_host::compile_for(core, machine).map_err(|e| e.to_string());
    let artefact = compiled(&core)?;
    let whole_artefact = pack(&artefact, &[])?.len();

    let folder = target.join("bench/earlier");
    let entries = std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut builds: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    builds.sort();
    let percent = |part: usize, whole: usize| part as f64 * 100.0 / whole as f64;
    let (mut shares, mut artefact_shares) = (Vec::new(), Vec::new());
    for build in builds {
        let earlier = read(&build)?;
        let delta = pack(&core, &earlier)?.len();
        shares.push(percent(delta, whole));
        artefact_shares.push(percent(pack(&artefact, &compiled(&earlier)?)?.len(), whole_artefact));
        let name = build.file_stem().unwrap_or_default().to_string_lossy().replace('_', " ");
        let mut row = Row::alone(format!("update: {name}"), "bytes", vec![delta as f64], 0.0);
        row.bar = Bar::None;
        rows.push(row);
    }
    rows.push(Row::alone("update: share of the packed core", "%", shares, SHARE));
    let mut artefacts = Row::alone("update: share of the packed artefact", "%", artefact_shares, 0.0);
    artefacts.bar = Bar::None;
    rows.push(artefacts);
    for (what, bytes) in [("core", whole), ("artefact", whole_artefact)] {
        let mut row =
            Row::alone(format!("update: the whole {what}, packed"), "bytes", vec![bytes as f64], 0.0);
        row.bar = Bar::None;
        rows.push(row);
    }
    Ok(())
}
