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

/// A font file and which of its faces is for which scripts.
pub(crate) struct Font {
    pub(crate) bytes: Vec<u8>,
    pub(crate) faces: Vec<(Script, u32)>,
}

/// Fetches each font file once.
pub(crate) struct Fonts {
    /// URL and face by script, from the facts `font.SCRIPT`; taken out when asked for.
    offers: BTreeMap<Script, (String, u32)>,
    /// Scripts that have no font and were said so.
    missing: Vec<Script>,
    fetching: BTreeMap<u64, Font>,
}

impl Fonts {
    pub(crate) fn new(facts: Vec<(String, String)>) -> Self {
        let offers = facts.into_iter().filter_map(|(name, url)| {
            let script = name.strip_prefix("font.")?.as_bytes().try_into().ok()?;
            let (file, face) = url.split_once('#').unwrap_or((&url, "0"));
            Some((script, (file.to_owned(), face.parse().ok()?)))
        });
        Fonts { offers: offers.collect(), missing: Vec::new(), fetching: BTreeMap::new() }
    }

    /// Fetches the font of a script, the first time it is asked for, and takes it for the other scripts it is offered for.
    pub(crate) fn ask(&mut self, script: Script) {
        let Some((url, _)) = self.offers.get(&script).cloned() else {
            let mut faces = self.fetching.values().flat_map(|font| &font.faces);
            if !self.missing.contains(&script) && !faces.any(|(other, _)| *other == script) {
                self.missing.push(script);
                log::write(2, &format!("no font for the script {}", String::from_utf8_lossy(&script)));
            }
            return;
        };
        let same = self.offers.extract_if(.., |_, (other, _)| *other == url);
        let font =
            Font { bytes: Vec::new(), faces: same.map(|(script, (_, face))| (script, face)).collect() };
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
                self.fetching.insert(ticket, font);
            }
            Err(failure) => log::write(2, &format!("font: {}", failure.message)),
        }
    }

    /// Whether a fetch is one of these.
    pub(crate) fn owns(&self, ticket: u64) -> bool {
        self.fetching.contains_key(&ticket)
    }

    /// Takes news of a fetch; the font when it is complete.
    pub(crate) fn net(&mut self, ticket: u64, change: Change) -> Option<Font> {
        match change {
            Change::Chunk((_, bytes)) => {
                self.fetching.get_mut(&ticket)?.bytes.extend(bytes);
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
