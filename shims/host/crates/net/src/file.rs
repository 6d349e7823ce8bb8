//! Granted files, answered as a server would: 200, or 206 and 416 for ranges (RFC 9110 section 14).

use std::path::{Path, PathBuf};

use kinora_port::{Failure, NetHead, Next, code};
use reqwest::Url;
use tokio::io::{AsyncReadExt, AsyncSeekExt, BufReader};

use crate::failure;
use crate::fetch::{Body, CHUNK_BYTES};

/// The part of a file that a request asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Whole,
    /// First byte and number of bytes.
    Some(u64, u64),
    Unsatisfiable,
}

/// `bytes=A-B`, `bytes=A-` or `bytes=-N` of a file of `length`. Anything else is ignored, as section 14.2 asks.
fn part(range: Option<&str>, length: u64) -> Part {
    let Some((first, last)) = range.and_then(|range| range.trim().strip_prefix("bytes=")?.split_once('-'))
    else {
        return Part::Whole;
    };
    let (first, last) = (first.trim(), last.trim());
    let (first, last) = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last),
        (Ok(first), Err(_)) if last.is_empty() => (first, u64::MAX),
        (Err(_), Ok(0)) if first.is_empty() => return Part::Unsatisfiable,
        (Err(_), Ok(suffix)) if first.is_empty() => (length.saturating_sub(suffix), u64::MAX),
        _ => return Part::Whole,
    };
    if first >= length {
        return Part::Unsatisfiable;
    }
    Part::Some(first, (last.min(length - 1) - first).saturating_add(1))
}

/// Opens `path` for a `GET` or `HEAD` of `url`. The answer is of the length that the file has now: what is appended later is for a later
/// request, and a file that is cut meanwhile ends early.
pub(crate) async fn open(
    url: &Url,
    path: PathBuf,
    range: Option<&str>,
    with_body: bool,
    sent_us: u64,
    now_us: impl Fn() -> u64,
) -> Result<(NetHead, Body), Failure> {
    let fail = |error: std::io::Error| failure::of_file(&path, &error);
    // Before opening: to open a pipe would wait for its other end.
    let kind = tokio::fs::metadata(&path).await.map_err(fail)?;
    check_kind(&path, &kind)?;
    let mut file = tokio::fs::File::open(&path).await.map_err(fail)?;
    let length = file.metadata().await.map_err(fail)?.len();

    let mut headers = vec![("accept-ranges".to_owned(), "bytes".to_owned())];
    let (status, first, count) = match part(range, length) {
        Part::Whole => (200, 0, length),
        Part::Some(first, count) => {
            headers
                .push(("content-range".to_owned(), format!("bytes {first}-{}/{length}", first + count - 1)));
            (206, first, count)
        }
        Part::Unsatisfiable => {
            headers.push(("content-range".to_owned(), format!("bytes */{length}")));
            (416, 0, 0)
        }
    };
    headers.push(("content-length".to_owned(), count.to_string()));
    if first > 0 {
        file.seek(std::io::SeekFrom::Start(first)).await.map_err(fail)?;
    }
    let body = BufReader::with_capacity(CHUNK_BYTES, file.take(if with_body { count } else { 0 }));
    let head = NetHead { status, final_url: url.to_string(), headers, sent_us, first_byte_us: now_us() };
    Ok((head, Box::pin(body)))
}

fn check_kind(path: &Path, metadata: &std::fs::Metadata) -> Result<(), Failure> {
    if metadata.is_file() {
        return Ok(());
    }
    let name = path.display();
    Err(if metadata.is_dir() {
        Failure::new(Next::TellUser, code::IS_DIRECTORY, format!("{name} is a folder"))
    } else {
        failure::invalid(format!("{name} is a device or a pipe and cannot be played from"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn part_of_ranges_follows_rfc_9110() {
        let of = |range| part(Some(range), 100);
        assert_eq!(part(None, 100), Part::Whole);
        assert_eq!(of("bytes=0-9"), Part::Some(0, 10));
        assert_eq!(of("bytes=90-"), Part::Some(90, 10));
        assert_eq!(of("bytes=90-1000"), Part::Some(90, 10));
        assert_eq!(of("bytes=-30"), Part::Some(70, 30));
        assert_eq!(of("bytes=-300"), Part::Some(0, 100));
        assert_eq!(of("bytes=100-"), Part::Unsatisfiable);
        assert_eq!(of("bytes=-0"), Part::Unsatisfiable);
        for ignored in ["bytes=9-1", "lines=1-2", "bytes=", "bytes=-", "bytes=1-2,3-4", "bytes=a-b"] {
            assert_eq!(of(ignored), Part::Whole, "{ignored}");
        }
        assert_eq!(part(Some("bytes=0-"), 0), Part::Unsatisfiable);
    }

    proptest! {
        #[test]
        fn part_of_any_range_lies_inside_the_file(first in any::<u64>(), last in any::<u64>(), length in any::<u64>()) {
            for range in [format!("bytes={first}-{last}"), format!("bytes={first}-"), format!("bytes=-{last}")] {
                if let Part::Some(first, count) = part(Some(&range), length) {
                    prop_assert!(count > 0 && first.checked_add(count).is_some_and(|end| end <= length));
                }
            }
        }
    }
}
