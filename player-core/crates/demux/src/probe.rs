//! Which container a resource is, by its content.

use crate::{
    Demux, Elementary, Error, Flac, Matroska, Mp4, Ogg, Ts, Wav, Window, elementary, flac, matroska, mp4,
    ogg, ts, wav,
};

/// What [`open`] came to.
pub enum Probe {
    /// The demuxer for the resource, at its beginning.
    Demuxer(Box<dyn Demux>),
    /// At least `least` bytes at `at` must be there, or the window ended, for an answer; as in [`Step::More`](crate::Step::More).
    More {
        /// Absolute offset of the first byte needed.
        at: u64,
        /// How many bytes.
        least: usize,
    },
}

/// A container: its test, the extensions of names that decide when several tests agree, and its demuxer.
struct Format {
    sniff: fn(&[u8]) -> bool,
    extensions: &'static [&'static str],
    open: fn() -> Box<dyn Demux>,
}

/// Those with a signature first, those that are only told by their structure after.
const FORMATS: &[Format] = &[
    Format {
        sniff: mp4::sniff,
        extensions: &["mp4", "m4v", "m4a", "mov", "3gp", "cmfv", "cmfa", "m4s"],
        open: || Box::new(Mp4::new()),
    },
    Format {
        sniff: matroska::sniff,
        extensions: &["mkv", "mka", "mks", "webm"],
        open: || Box::new(Matroska::new()),
    },
    Format { sniff: ogg::sniff, extensions: &["ogg", "oga", "opus", "ogv"], open: || Box::new(Ogg::new()) },
    Format { sniff: flac::sniff, extensions: &["flac"], open: || Box::new(Flac::new()) },
    Format { sniff: wav::sniff, extensions: &["wav", "wave"], open: || Box::new(Wav::new()) },
    Format {
        sniff: ts::sniff,
        extensions: &["ts", "m2ts", "mts", "tts", "trp"],
        open: || Box::new(Ts::new()),
    },
    Format {
        sniff: elementary::sniff_adts,
        extensions: &["aac", "adts"],
        open: || Box::new(Elementary::adts()),
    },
    Format {
        sniff: elementary::sniff_ac3,
        extensions: &["ac3", "eac3", "ec3"],
        open: || Box::new(Elementary::ac3()),
    },
    Format {
        sniff: elementary::sniff_mp3,
        extensions: &["mp3", "mp2", "mp1", "mpa"],
        open: || Box::new(Elementary::mp3()),
    },
];

/// Bytes judged: several frames or packets of the formats without a signature.
const HEAD_LEN: usize = 4096;
/// ID3v2 tags passed over, one after the other.
const MAX_TAGS: usize = 8;

/// Finds the demuxer for a resource. `name` (a file name or the path of a URL) only decides between formats that the content
/// fits equally well.
pub fn open(window: &Window, name: &str) -> Result<Probe, Error> {
    let mut at = 0;
    let mut tagged = false;
    for _ in 0..MAX_TAGS {
        let Some(head) = window.from(at).filter(|head| head.len() >= HEAD_LEN || window.ended()) else {
            if window.ended() && window.start() <= at {
                return Err(Error::Unrecognised("nothing but an ID3 tag".into()));
            }
            return Ok(Probe::More { at, least: HEAD_LEN });
        };
        let Some(len) = id3_len(head) else {
            let head = &head[..head.len().min(HEAD_LEN)];
            return match format_of(head, name) {
                Some(format) => Ok(Probe::Demuxer((format.open)())),
                None if tagged && head.is_empty() => {
                    Err(Error::Unrecognised("nothing but an ID3 tag".into()))
                }
                None => Err(Error::Unrecognised(looks_like(head).into())),
            };
        };
        at += len;
        tagged = true;
    }
    Err(Error::Limit("ID3 tags".into()))
}

/// Length of the ID3v2 tag at the front (ID3v2.4 structure, 3.1), whose size has seven bits a byte.
fn id3_len(head: &[u8]) -> Option<u64> {
    let &[b'I', b'D', b'3', major, _, flags, a, b, c, d] = head.first_chunk::<10>()? else {
        return None;
    };
    if major == 0xff || (a | b | c | d) & 0x80 != 0 {
        return None;
    }
    let size = [a, b, c, d].iter().fold(0, |size, &byte| size << 7 | u64::from(byte));
    Some(10 + size + if flags & 0x10 != 0 { 10 } else { 0 })
}

fn format_of(head: &[u8], name: &str) -> Option<&'static Format> {
    let extension = name.rsplit_once('.').map_or(String::new(), |(_, e)| e.to_ascii_lowercase());
    let fits = || FORMATS.iter().filter(|format| (format.sniff)(head));
    fits().find(|format| format.extensions.contains(&extension.as_str())).or_else(|| fits().next())
}

/// What something that is not a media file looks like, in words for a message.
fn looks_like(head: &[u8]) -> &'static str {
    const SIGNATURES: &[(usize, &[u8], &str)] = &[
        (0, b"\x89PNG", "a PNG picture"),
        (0, b"\xff\xd8\xff", "a JPEG picture"),
        (0, b"GIF8", "a GIF picture"),
        (8, b"WEBP", "a WebP picture"),
        (0, b"%PDF", "a PDF document"),
        (0, b"PK\x03\x04", "a ZIP archive"),
        (0, b"\x1f\x8b", "gzip-compressed data"),
        (8, b"AVI ", "an AVI file"),
        (0, b"FLV\x01", "an FLV file"),
        (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media file"),
        (0, b"\0\0\x01\xba", "an MPEG program stream"),
    ];
    if head.is_empty() {
        return "it is empty";
    }
    if let Some((.., what)) =
        SIGNATURES.iter().find(|(at, bytes, _)| head.get(*at..).is_some_and(|h| h.starts_with(bytes)))
    {
        return what;
    }
    let cut = |bytes: &[u8]| std::str::from_utf8(bytes).map_or_else(|e| e.valid_up_to(), str::len);
    let valid = cut(head);
    // A character may be cut where the head ends.
    if head.len() - valid > 3 || head.iter().any(|&b| b < 0x20 && !b.is_ascii_whitespace() && b != 0x1b) {
        return "unknown data";
    }
    let text = String::from_utf8_lossy(&head[..valid])
        .trim_start_matches('\u{feff}')
        .trim_start()
        .to_ascii_lowercase();
    match text {
        t if t.starts_with("#extm3u") => "a playlist",
        t if t.starts_with("<!doctype html") || t.starts_with("<html") => "a web page",
        t if t.contains("<mpd") => "a DASH manifest",
        t if t.starts_with("webvtt") => "captions",
        t if t.starts_with('<') => "an XML document",
        t if t.starts_with('{') || t.starts_with('[') => "JSON data",
        _ => "text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn verdict(bytes: &[u8]) -> Result<bool, String> {
        match open(&Window::whole(bytes.to_vec()), "x") {
            Ok(Probe::Demuxer(_)) => Ok(true),
            Ok(Probe::More { .. }) => Ok(false),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn content_that_is_no_media_is_named_in_the_error() {
        for (bytes, what) in [
            (&b""[..], "it is empty"),
            (b"<!DOCTYPE html><html>", "a web page"),
            (b"\xef\xbb\xbf  #EXTM3U\n", "a playlist"),
            (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
            (b"hello world", "text"),
            (b"<?xml version='1.0'?><MPD>", "a DASH manifest"),
            (b"\x01\x02\x03\x04\xff", "unknown data"),
        ] {
            assert_eq!(verdict(bytes), Err(format!("not a media file that can be played ({what})")));
        }
    }

    #[test]
    fn container_is_told_whatever_its_name() {
        assert_eq!(verdict(b"\0\0\0\x10ftypisom\0\0\0\0"), Ok(true));
        assert_eq!(verdict(b"\x1a\x45\xdf\xa3\x80"), Ok(true));
    }

    #[test]
    fn tag_longer_than_the_window_is_passed_over() {
        let mut window = Window::at(0);
        window.extend(b"ID3\x04\0\0\0\x10\0\0");
        window.extend(&[0; HEAD_LEN]);
        let Ok(Probe::More { at, .. }) = open(&window, "a.mp3") else { panic!("the tag is longer") };
        assert_eq!(at, 10 + (0x10 << 14));
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = open(&Window::whole(bytes.clone()), "a.mp4");
            let mut window = Window::at(0);
            window.extend(&bytes);
            let _ = open(&window, "");
        }
    }
}
