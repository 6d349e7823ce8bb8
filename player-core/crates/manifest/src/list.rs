//! Plain `.m3u` lists of files: Winamp's `#EXTM3U`, `#EXTINF:seconds,title` and a path or address a line. There is no standard.

use crate::model::{ListItem, Variables};
use crate::text::{self, Context, Line};
use crate::{ManifestError, uri};

/// Reads a text that its name or its sender calls a list. Seen from a `file:` address, entries without a scheme are names of
/// files, in which `?`, `#` and `%` mean themselves; elsewhere they are references.
pub fn parse_list(bytes: &[u8], base: &str) -> Result<Vec<ListItem>, ManifestError> {
    let text = text::decode(bytes)?;
    if text.contains('\0') || text.trim_start().starts_with('<') {
        return Err(ManifestError::NotAPlaylist);
    }
    let files = base.starts_with("file:");
    let none = Variables::new();
    let mut context = Context::new(base, &none);
    let mut items = Vec::new();
    let (mut title, mut duration_us) = (None, None);
    for (number, line) in text::lines(&text) {
        let Some(line) = context.enter(number, line) else { break };
        match text::classify(&line) {
            Line::Tag("EXTINF", value) => {
                let (seconds, words) = split_information(value);
                // -1 is how a list says "a stream" or "not known".
                duration_us = text::seconds(seconds).filter(|&us| us >= 0);
                title = Some(words.trim()).filter(|words| !words.is_empty()).map(str::to_owned);
            }
            Line::Tag(..) => {}
            Line::Uri(entry) => {
                let reference =
                    if files && !uri::is_absolute(entry) { uri::from_path(entry) } else { entry.to_owned() };
                let (title, duration_us) = (title.take(), duration_us.take());
                items.extend(context.resolve(&reference).map(|uri| ListItem { uri, title, duration_us }));
            }
        }
    }
    if items.is_empty() { Err(ManifestError::Empty) } else { Ok(items) }
}

/// `seconds key="value, value",Title`: the comma that ends the first half is the first one outside quotes.
fn split_information(value: &str) -> (&str, &str) {
    let mut quoted = false;
    let comma = value.find(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    match comma.or_else(|| value.find(',')) {
        Some(comma) => (&value[..comma], &value[comma + 1..]),
        None => (value, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn list_of_files_names_are_escaped_and_titles_kept() {
        let text = "#EXTM3U\r\n#EXTINF:123,Artist - Title\r\n50% off?.mp3\r\n#EXTINF:-1 tvg-name=\"a, b\",News\r\nhttp://h/live\r\n../C#.ogg";
        let items = parse_list(text.as_bytes(), "file:///music/list.m3u").unwrap();
        let uris: Vec<_> = items.iter().map(|item| item.uri.as_str()).collect();
        assert_eq!(uris, ["file:///music/50%25%20off%3F.mp3", "http://h/live", "file:///C%23.ogg"]);
        assert_eq!(items[0].title.as_deref(), Some("Artist - Title"));
        assert_eq!(items[0].duration_us, Some(123_000_000));
        assert_eq!((items[1].title.as_deref(), items[1].duration_us), (Some("News"), None));
        assert_eq!(items[2].title, None);
    }

    #[test]
    fn list_in_latin_1_is_decoded() {
        let items = parse_list(b"caf\xe9.mp3", "file:///list.m3u").unwrap();
        assert_eq!(items[0].uri, "file:///caf%C3%A9.mp3");
    }

    #[test]
    fn list_that_is_something_else_is_refused() {
        assert_eq!(parse_list(b"<html>", "file:///a.m3u"), Err(ManifestError::NotAPlaylist));
        assert_eq!(parse_list(b"a\0b", "file:///a.m3u"), Err(ManifestError::NotAPlaylist));
        assert_eq!(parse_list(b"#EXTM3U\n", "file:///a.m3u"), Err(ManifestError::Empty));
    }

    proptest! {
        #[test]
        fn list_any_bytes_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let lines = bytes.split(|&b| b == b'\n').count();
            if let Ok(items) = parse_list(&bytes, "file:///a/b.m3u") {
                prop_assert!(items.len() <= lines);
            }
        }
    }
}
