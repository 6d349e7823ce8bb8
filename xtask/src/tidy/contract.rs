//! Rules about the contract: documentation, MUST ids, size.

use std::collections::BTreeSet;
use std::path::Path;

use wit_parser::{Resolve, TypeDefKind};

/// Most functions and most cases (of enums, variants and flags) of the contract.
const MAX_FUNCTIONS: usize = 60;
const MAX_CASES: usize = 160;

/// Checks `wit/` and returns its number of functions and of cases.
pub(super) fn check(folder: &Path, offences: &mut Vec<String>) -> Result<(usize, usize), String> {
    let mut resolve = Resolve::default();
    resolve.push_dir(folder).map_err(|e| format!("wit: {e:#}"))?;

    let (mut functions, mut cases) = (0, 0);
    let mut ids = BTreeSet::new();
    for (_, interface) in resolve.interfaces.iter() {
        let name = interface.name.as_deref().unwrap_or("?");
        if interface.docs.contents.is_none() {
            offences.push(format!("wit: interface {name} is not documented"));
        }
        for (function, item) in &interface.functions {
            functions += 1;
            let docs = item.docs.contents.as_deref().unwrap_or_default();
            let mut found = 0;
            for id in must_ids(docs) {
                found += 1;
                if id.split_once('.').is_none_or(|(prefix, rest)| prefix != name || rest.is_empty()) {
                    offences.push(format!(
                        "wit: {name}.{function}: MUST id `{id}` does not begin with `{name}.`"
                    ));
                }
                if !ids.insert(id.to_owned()) {
                    offences.push(format!("wit: MUST id `{id}` stands twice"));
                }
            }
            if found == 0 {
                offences.push(format!("wit: {name}.{function} states no MUST"));
            }
        }
    }
    for (_, definition) in resolve.types.iter() {
        cases += match &definition.kind {
            TypeDefKind::Enum(e) => e.cases.len(),
            TypeDefKind::Variant(v) => v.cases.len(),
            TypeDefKind::Flags(f) => f.flags.len(),
            TypeDefKind::Resource => {
                offences.push("wit: the contract uses ids, not resources".into());
                0
            }
            _ => 0,
        };
    }
    if functions > MAX_FUNCTIONS || cases > MAX_CASES {
        offences.push(format!(
            "wit: {functions} functions (at most {MAX_FUNCTIONS}), {cases} cases (at most {MAX_CASES})"
        ));
    }
    Ok((functions, cases))
}

/// The ids of `[MUST id]` marks.
fn must_ids(docs: &str) -> impl Iterator<Item = &str> {
    docs.split("[MUST ").skip(1).filter_map(|rest| rest.split_once(']').map(|(id, _)| id))
}
