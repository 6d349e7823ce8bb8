//! Fonts for scripts that the core's own do not cover, fetched from where the shim says they are.

use std::collections::BTreeMap;

use crate::bindings::kinora::shim::log;
use crate::bindings::kinora::shim::net::{self, Change};

/// ISO 15924 code.
type Script = [u8; 4];

/// Largest font file that is taken: a collection of all of CJK has 20 MiB.
const MAX_BYTES: usize = 32 << 20;
/// Credit of one fetch: a font is wanted whole.
const WINDOW_BYTES: u32 = MAX_BYTES as u32;

/// Fetches each script's font once.
pub(crate) struct Fonts {
    /// URLs by script, from the facts `font.SCRIPT`; taken out when asked for.
    urls: BTreeMap<Script, String>,
    /// Scripts that have no font and were said so.
    missing: Vec<Script>,
    fetching: BTreeMap<u64, (Script, Vec<u8>)>,
}

impl Fonts {
    pub(crate) fn new(facts: Vec<(String, String)>) -> Self {
        let urls = facts.into_iter().filter_map(|(name, url)| {
            let script = name.strip_prefix("font.")?.as_bytes().try_into().ok()?;
            // The face of a collection is found by its coverage.
            let url = url.split_once('#').map_or(url.as_str(), |(file, _)| file).to_owned();
            Some((script, url))
        });
        Fonts { urls: urls.collect(), missing: Vec::new(), fetching: BTreeMap::new() }
    }

    /// Fetches the font of a script, the first time it is asked for.
    pub(crate) fn ask(&mut self, script: Script) {
        let Some(url) = self.urls.remove(&script) else {
            let known = self.missing.contains(&script) || self.fetching.values().any(|(s, _)| *s == script);
            if !known {
                self.missing.push(script);
                log::write(2, &format!("no font for the script {}", String::from_utf8_lossy(&script)));
            }
            return;
        };
        let request = net::Request {
            method: "GET".into(),
            url,
            headers: Vec::new(),
            body: Vec::new(),
            window_bytes: WINDOW_BYTES,
            extras: Vec::new(),
        };
        match net::fetch(&request) {
            Ok(ticket) => {
                self.fetching.insert(ticket, (script, Vec::new()));
            }
            Err(failure) => log::write(2, &format!("font: {}", failure.message)),
        }
    }

    /// Whether a fetch is one of these.
    pub(crate) fn owns(&self, ticket: u64) -> bool {
        self.fetching.contains_key(&ticket)
    }

    /// Takes news of a fetch; the font when it is complete.
    pub(crate) fn net(&mut self, ticket: u64, change: Change) -> Option<(Script, Vec<u8>)> {
        match change {
            Change::Chunk((_, bytes)) => {
                let (_, font) = self.fetching.get_mut(&ticket)?;
                font.extend(bytes);
                None
            }
            Change::Head(head) if head.status != 200 => {
                net::cancel(ticket);
                self.fetching.remove(&ticket);
                None
            }
            Change::Head(_) => None,
            Change::End(_) => self.fetching.remove(&ticket),
            Change::Failed(failure) => {
                log::write(2, &format!("font: {}", failure.message));
                self.fetching.remove(&ticket);
                None
            }
        }
    }
}
