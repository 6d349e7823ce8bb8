use std::path::Path;

use kinora_port::{Net, NetChange, code};

use super::{Bench, Folder, request, with_header};
use crate::{path_to_url, related_captions, url_to_path};

#[test]
fn fetch_of_opened_file_answers_like_a_server() {
    let folder = Folder::new();
    let content: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    let film = folder.file("50% #1? é.mkv", &content);
    let mut bench = Bench::new();
    let grant = bench.net.grant(film.to_str().unwrap());
    assert_eq!(grant.title, "50% #1? é");
    assert!(grant.url.ends_with("/50%25%20%231%3F%20%C3%A9.mkv"), "{}", grant.url);

    let whole = bench.get(&grant.url);
    assert_eq!((whole.status(), whole.header("content-length")), (200, Some("200000")));
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    assert!(whole.body == content);

    let ticket = bench.start(with_header(request(&grant.url), "Range", "bytes=199990-")).unwrap();
    let part = bench.finish(ticket);
    assert_eq!((part.status(), part.header("content-range")), (206, Some("bytes 199990-199999/200000")));
    assert!(part.body == content[199_990..]);

    let ticket = bench.start(with_header(request(&grant.url), "range", "bytes=200000-")).unwrap();
    let beyond = bench.finish(ticket);
    assert_eq!((beyond.status(), beyond.header("content-range")), (416, Some("bytes */200000")));

    let mut head_only = request(&grant.url);
    head_only.method = "HEAD".into();
    let ticket = bench.start(head_only).unwrap();
    let head = bench.finish(ticket);
    assert_eq!((head.header("content-length"), head.body.len()), (Some("200000"), 0));
}

#[test]
fn fetch_of_file_that_shrinks_or_grows_ends_without_failure() {
    let folder = Folder::new();
    let film = folder.file("a.mkv", &[1; 300_000]);
    let mut bench = Bench::new();
    let url = bench.net.grant(film.to_str().unwrap()).url;
    for (length, most) in [(100_000, 200_000), (400_000, 100_000)] {
        let mut limited = request(&url);
        limited.window_bytes = 1;
        let ticket = bench.start(limited).unwrap();
        assert!(matches!(bench.next(), (_, NetChange::Head(_))));
        assert!(matches!(bench.next(), (_, NetChange::Chunk(..))));
        std::fs::OpenOptions::new().write(true).open(&film).unwrap().set_len(length).unwrap();
        bench.net.credit(ticket, u32::MAX);
        let mut total = 1;
        while let (_, NetChange::Chunk(_, bytes)) = bench.next() {
            total += bytes.len();
        }
        assert!(total <= most, "{total}");
    }
}

#[test]
fn fetch_of_what_is_no_file_says_why() {
    let folder = Folder::new();
    let mut bench = Bench::new();
    for (path, expected) in [
        (folder.0.join("none.mkv"), code::NOT_FOUND),
        (folder.0.clone(), code::IS_DIRECTORY),
        (folder.file("f", b"").join("below.mkv"), code::NOT_FOUND),
    ] {
        let url = bench.net.grant(path.to_str().unwrap()).url;
        let outcome = bench.get(&url);
        assert_eq!((outcome.code(), outcome.head), (expected, None), "{}", path.display());
    }
    let mut post = request(&bench.net.grant("/tmp/a.mkv").url);
    post.method = "POST".into();
    assert_eq!(bench.start(post).unwrap_err().code, code::INVALID);
}

#[cfg(unix)]
#[test]
fn fetch_of_pipe_or_device_is_refused_without_waiting() {
    let folder = Folder::new();
    let pipe = folder.0.join("pipe.mkv");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    let mut bench = Bench::new();
    let devices = ["/dev/zero".into(), pipe].into_iter().take(if made.is_ok_and(|made| made.success()) {
        2
    } else {
        1
    });
    for path in devices {
        let url = bench.net.grant(path.to_str().unwrap()).url;
        assert_eq!(bench.get(&url).code(), code::INVALID, "{}", path.display());
    }
}

#[test]
fn fetch_of_neighbour_is_granted_only_as_caption_or_below_a_playlist() {
    let folder = Folder::new();
    let film = folder.file("film.mkv", b"film");
    for name in ["film.de.srt", "film.vtt", "filmed.srt", "film.txt", "other.mkv"] {
        folder.file(name, b"x");
    }
    let url = |name: &str| path_to_url(&folder.0.join(name)).unwrap();
    let mut bench = Bench::new();
    let grant = bench.net.grant(film.to_str().unwrap());
    assert_eq!(grant.related, [url("film.de.srt"), url("film.vtt")]);
    assert_eq!(related_captions(&film), grant.related);
    assert_eq!(bench.get(&url("film.de.srt")).body, b"x");
    for name in ["other.mkv", "film.txt", "filmed.srt"] {
        assert_eq!(bench.start(request(&url(name))).unwrap_err().code, code::DENIED, "{name}");
    }
    bench.net.grant(folder.file("list.m3u", b"other.mkv").to_str().unwrap());
    assert_eq!(bench.get(&url("other.mkv")).body, b"x");
    assert!(bench.start(request("file:///etc/hostname")).is_err());
}

#[test]
fn grant_of_system_file_is_that_file_alone() {
    let folder = Folder::new();
    let font = folder.file("font.ttf", b"font");
    let mut bench = Bench::new();
    let url = bench.net.grant_file(&font).unwrap();
    assert_eq!(bench.get(&url).body, b"font");
    assert!(bench.start(request(&path_to_url(&folder.file("b.ttf", b"")).unwrap())).is_err());
}

#[test]
fn grant_names_addresses_and_paths() {
    let mut bench = Bench::new();
    let grant = bench.net.grant("https://example.com/films/A%20film.m3u8?x=/y.z");
    assert_eq!((grant.title.as_str(), grant.related.len()), ("A film", 0));
    assert_eq!(grant.url, "https://example.com/films/A%20film.m3u8?x=/y.z");
    assert_eq!(bench.net.grant("https://example.com/").title, "");
    assert!(bench.net.grant("part 1: film.mkv").url.starts_with("file:///"));
    assert_eq!(bench.net.grant("rtsp://h/a").url, "rtsp://h/a");
    assert_eq!(bench.start(request("rtsp://h/a")).unwrap_err().code, code::DENIED);
}

#[cfg(unix)]
#[test]
fn path_and_url_are_inverse_and_escapes_decoded_once() {
    let path = Path::new("/a b/%41#?é.mkv");
    assert_eq!(url_to_path(&path_to_url(path).unwrap()).as_deref(), Some(path));
    assert_eq!(url_to_path("file:///%2541").as_deref(), Some(Path::new("/%41")));
    assert_eq!(url_to_path("http://h/a"), None);
}
