//! References to addresses, RFC 3986 section 5: enough for `http`, `https` and `file`, without the name tables of a browser.

/// Longer addresses are refused: servers answer 414 far earlier.
const MAX_URI: usize = 16 * 1024;

struct Parts<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

/// RFC 3986 appendix B. The fragment is cut: it is never sent.
fn split(uri: &str) -> Parts<'_> {
    let uri = uri.split_once('#').map_or(uri, |(before, _)| before);
    let (scheme, rest) = match uri.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
        _ => (None, uri),
    };
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            (Some(&rest[..end]), &rest[end..])
        }
        None => (None, rest),
    };
    Parts { scheme, authority, path, query }
}

/// One letter is a Windows drive, not a scheme.
fn is_scheme(text: &str) -> bool {
    text.len() > 1
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

/// RFC 3986 section 5.2.4.
fn remove_dot_segments(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    let joined = kept.join("/");
    if rooted { format!("/{joined}") } else { joined }
}

/// Percent-encodes what may not stand in an address, as browsers do, and leaves escapes alone.
fn escape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    for (at, &byte) in bytes.iter().enumerate() {
        let escape_follows =
            || bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        match byte {
            b'%' if escape_follows() => out.push('%'),
            b'%' | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => {
                push_escaped(&mut out, byte)
            }
            0x21..=0x7e => out.push(char::from(byte)),
            _ => push_escaped(&mut out, byte),
        }
    }
    out
}

/// A file name as a relative reference: `?`, `#` and `%` are letters of the name, `\` separates folders.
pub(crate) fn from_path(path: &str) -> String {
    let path = path.replace('\\', "/");
    let drive =
        path.as_bytes().get(1) == Some(&b':') && path.starts_with(|first: char| first.is_ascii_alphabetic());
    let mut out = String::with_capacity(path.len() + 3);
    if drive {
        out.push('/');
    } else if path.split('/').next().is_some_and(|first| first.contains(':')) {
        // Section 4.2: a first segment with a colon would read as a scheme.
        out.push_str("./");
    }
    for &byte in path.as_bytes() {
        match byte {
            b'?' | b'#' | b'%' => push_escaped(&mut out, byte),
            0x21..=0x7e => out.push(char::from(byte)),
            _ => push_escaped(&mut out, byte),
        }
    }
    out
}

fn push_escaped(out: &mut String, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(char::from(HEX[usize::from(byte >> 4)]));
    out.push(char::from(HEX[usize::from(byte & 15)]));
}

/// Whether `text` begins with a scheme.
pub(crate) fn is_absolute(text: &str) -> bool {
    split(text).scheme.is_some()
}

/// The value of `name` in the query of `uri`, as it stands there.
pub(crate) fn query_parameter<'a>(uri: &'a str, name: &str) -> Option<&'a str> {
    split(uri).query?.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// `reference` seen from the document at `base`, RFC 3986 section 5.2.2. None when there is no scheme to be had or the result is
/// longer than any server takes.
pub fn resolve(base: &str, reference: &str) -> Option<String> {
    if base.len() > MAX_URI || reference.len() > MAX_URI {
        return None;
    }
    let reference = escape(reference.trim());
    let (base, relative) = (split(base), split(&reference));
    let scheme = relative.scheme.or(base.scheme)?;
    let own_root = relative.scheme.is_some() || relative.authority.is_some();
    let authority = if own_root { relative.authority } else { base.authority };
    let (path, query) = if own_root || relative.path.starts_with('/') {
        (remove_dot_segments(relative.path), relative.query)
    } else if relative.path.is_empty() {
        (base.path.to_owned(), relative.query.or(base.query))
    } else {
        let folder = match base.path.rfind('/') {
            Some(slash) => &base.path[..=slash],
            None if base.authority.is_some() => "/",
            None => "",
        };
        (remove_dot_segments(&format!("{folder}{}", relative.path)), relative.query)
    };

    let mut out = format!("{}:", scheme.to_ascii_lowercase());
    // Section 5.3; without an authority a path may not begin with two slashes.
    if authority.is_some() || path.starts_with("//") {
        out.push_str("//");
        out.push_str(authority.unwrap_or_default());
    }
    out.push_str(&path);
    if let Some(query) = query {
        out.push('?');
        out.push_str(query);
    }
    (out.len() <= MAX_URI).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn resolve_normal_examples_match_rfc_3986_section_5_4() {
        let base = "http://a/b/c/d;p?q";
        for (reference, expected) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("g?y#s", "http://a/b/c/g?y"),
            (";x", "http://a/b/c/;x"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("g..", "http://a/b/c/g.."),
            ("./../g", "http://a/b/g"),
            ("g/../h", "http://a/b/c/h"),
            ("g;x=1/../y", "http://a/b/c/y"),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
            ("https://x/y", "https://x/y"),
        ] {
            assert_eq!(resolve(base, reference).as_deref(), Some(expected), "{reference}");
        }
    }

    #[test]
    fn resolve_reference_with_forbidden_characters_escapes_them_once() {
        let resolved = resolve("http://h/a/", "b c/é%20%zz.ts");
        assert_eq!(resolved.as_deref(), Some("http://h/a/b%20c/%C3%A9%20%25zz.ts"));
    }

    #[test]
    fn resolve_base_without_path_adds_root() {
        assert_eq!(resolve("http://h", "a.ts").as_deref(), Some("http://h/a.ts"));
        assert_eq!(resolve("file:///m/list.m3u", "a.ts").as_deref(), Some("file:///m/a.ts"));
        assert_eq!(resolve("list.m3u", "a.ts"), None);
    }

    #[test]
    fn from_path_letters_of_names_are_not_syntax() {
        assert_eq!(from_path("50% #1?.mp3"), "50%25%20%231%3F.mp3");
        assert_eq!(from_path("C:\\Music\\a.mp3"), "/C:/Music/a.mp3");
        assert_eq!(from_path("Part 1: x.mp3"), "./Part%201:%20x.mp3");
    }

    proptest! {
        #[test]
        fn resolve_any_reference_result_is_stable_and_clean(reference in ".{0,80}", path in "[a-z/]{0,20}") {
            let base = format!("http://host/{path}");
            if let Some(once) = resolve(&base, &reference) {
                prop_assert!(once.bytes().all(|b| b.is_ascii_graphic()));
                prop_assert_eq!(resolve(&base, &once), Some(once));
            }
        }

        #[test]
        fn resolve_dotted_paths_never_keep_dot_segments(reference in "[a.][a./]{1,40}") {
            let once = resolve("file:///m/n/o", &reference).unwrap();
            let path = once.split_once(':').unwrap().1;
            prop_assert!(!path.split('/').any(|segment| segment == "." || segment == ".."), "{}", once);
        }
    }
}
