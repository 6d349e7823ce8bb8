//! Traces as text, for people.

use std::fmt::Write as _;

use super::{Entry, Export, Outcome};
use crate::bindings::net::Change;
use crate::bindings::player::Event;
use crate::imports::describe;

/// Longest description of one event or import, in bytes.
const MAX_WORDS: usize = 300;

/// Headers that tell nothing about a person.
const HARMLESS: &[&str] = &[
    "accept",
    "accept-encoding",
    "accept-ranges",
    "age",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "date",
    "last-modified",
    "range",
    "server",
    "vary",
];

/// Entries told one after another; calls are numbered from 1.
pub(crate) struct Teller<F> {
    calls: u64,
    /// Changes what an entry says before it is shortened, which might cut off what it goes by.
    edit: F,
}

impl<F: Fn(String) -> String> Teller<F> {
    pub(crate) fn new(edit: F) -> Self {
        Teller { calls: 0, edit }
    }

    /// An entry: a call, indented what came with it and what it called.
    pub(crate) fn tell(&mut self, entry: &Entry) -> String {
        let call = match entry {
            Entry::Instance(build) => return format!("instance of core {} in {}\n", build.core, build.shim),
            Entry::Call(call) => call,
        };
        self.calls += 1;
        let ended = match call.outcome {
            Outcome::Returned(_) => "",
            Outcome::Trapped => ", trapped",
            Outcome::Stopped => ", ended by the shim",
        };
        let mut out = format!("call {}, {}{ended}\n", self.calls, call.export);
        if let Export::Handle { events, .. } = &call.export {
            for event in events {
                let _ = writeln!(out, "  < {}", shortened((self.edit)(event_words(event))));
            }
        }
        for import in &call.imports {
            let _ = writeln!(out, "  > {}", shortened((self.edit)(describe(&import.function, &import.args))));
        }
        out
    }
}

fn event_words(event: &Event) -> String {
    match event {
        Event::Net((ticket, Change::Chunk((at, bytes)))) => {
            format!("net {ticket}: {} bytes at {at}", bytes.len())
        }
        event => format!("{event:?}"),
    }
}

fn shortened(mut words: String) -> String {
    if words.len() > MAX_WORDS {
        words.truncate(words.floor_char_boundary(MAX_WORDS));
        words.push('…');
    }
    words
}

/// Takes out of a text what may be secret: users, queries and fragments of addresses, the values of headers that are not known to be
/// harmless, and the name of the home folder.
pub(crate) fn redacted(text: String, home: Option<&str>) -> String {
    let text = match home.filter(|home| home.len() > 1) {
        Some(home) => text.replace(home, "~"),
        None => text,
    };
    redact_headers(&redact_addresses(&text))
}

fn redact_addresses(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || "\"'<>".contains(c)).unwrap_or(after.len());
        let (address, behind) = after.split_at(end);
        let authority = address.find(['/', '?', '#']).unwrap_or(address.len());
        let (authority, path) = address.split_at(authority);
        out.push_str(authority.rsplit_once('@').map_or(authority, |(_, host)| host));
        let plain = path.find(['?', '#']).unwrap_or(path.len());
        out.push_str(&path[..plain]);
        if plain < path.len() {
            out.push_str("?…");
        }
        rest = behind;
    }
    out + rest
}

/// Headers are pairs in the debug form: `("name", "value")`.
fn redact_headers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\", \"") {
        let name_from = rest[..at].rfind('"').map_or(0, |quote| quote + 1);
        let name = &rest[name_from..at];
        let is_pair = name_from >= 2 && rest[..name_from].ends_with("(\"");
        let (before, value) = rest.split_at(at + 4);
        out.push_str(before);
        rest = value;
        if is_pair && !HARMLESS.contains(&name.to_ascii_lowercase().as_str()) {
            out.push('…');
            rest = &value[end_of_value(value)..];
        }
    }
    out + rest
}

/// Where a quoted value ends that escapes its quotes.
fn end_of_value(value: &str) -> usize {
    let mut escaped = false;
    let end = value.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.unwrap_or(value.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redacted_addresses_keep_host_and_path_only() {
        for (text, expected) in [
            ("https://u:p@a.org:81/x/y.m3u8?token=1#z and", "https://a.org:81/x/y.m3u8?… and"),
            ("\"http://a?k\", \"b\"", "\"http://a?…\", \"b\""),
            ("file:///home/ann/film.mp4", "file://~/film.mp4"),
            ("no address", "no address"),
            ("http://a/b http://c@d", "http://a/b http://d"),
        ] {
            assert_eq!(redacted(text.into(), Some("/home/ann")), expected);
        }
    }

    #[test]
    fn redacted_headers_keep_harmless_values_only() {
        let text =
            r#"[("Range", "bytes=0-"), ("Authorization", "Bearer \"x\" y"), ("X-Key", "k")] ["a", "b"]"#;
        let expected = r#"[("Range", "bytes=0-"), ("Authorization", "…"), ("X-Key", "…")] ["a", "b"]"#;
        assert_eq!(redacted(text.into(), None), expected);
    }
}
