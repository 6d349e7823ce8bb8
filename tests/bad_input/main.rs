//! Whatever is opened, the player ends by itself: it plays what can be played or says what is wrong. It never hangs, panics or traps.

mod server;

use std::fs;
use std::path::Path;

use kinora_tests::{Media, Outcome, Played, Random, make, play, scratch};

const CLIP: Media = Media {
    name: "bad_input.mp4",
    args: "-f lavfi -i testsrc2=s=160x90:r=25:d=2 -f lavfi -i sine=d=2 -c:v libx264 -preset fast -pix_fmt yuv420p -g 10 -c:a aac -movflags +faststart",
};

/// The run ended by itself; a failure has a reason of more than a few words and no trace of a crash.
fn assert_decent(what: &str, played: &Played) {
    let Outcome::Exit(status) = played.outcome else {
        panic!("{what}: {:?} {}", played.outcome, played.stderr)
    };
    assert!(status == 0 || status == 1, "{what}: status {status}");
    for word in ["panicked", "trapped", "backtrace", "took longer than allowed"] {
        assert!(!played.stderr.contains(word), "{what}: {}", played.stderr);
    }
    if status == 1 {
        assert!(played.stderr.trim().len() > 20, "{what}: says only `{}`", played.stderr);
    }
}

fn assert_refused(what: &str, source: &str) {
    let played = play(&format!("bad_input/{what}"), source, &[]);
    assert_decent(what, &played);
    assert_eq!(played.outcome, Outcome::Exit(1), "{what} was played: {}", played.stderr);
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("the scratch folder can be written");
    path.to_string_lossy().into_owned()
}

#[test]
fn files_that_are_no_media_are_refused_with_a_reason() {
    let folder = scratch("bad_input/files");
    let zeros = vec![0; 100_000];
    let text = b"This is a letter to nobody.\n".repeat(1000);
    for (name, bytes) in [
        ("empty.mp4", &b""[..]),
        ("zeros.mkv", &zeros),
        ("letter.mp4", &text),
        ("page.mp4", b"<!DOCTYPE html><html><body>404</body></html>"),
        ("picture.mp4", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("only_ftyp.mp4", b"\0\0\0\x18ftypisom\0\0\0\0isommp42"),
        ("no_segments.m3u8", b"#EXTM3U\n#EXT-X-ENDLIST\n"),
        ("nowhere.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nmissing.ts\n#EXT-X-ENDLIST\n"),
    ] {
        assert_refused(name, &write(&folder, name, bytes));
    }
}

#[test]
fn places_that_hold_no_file_are_refused_with_a_reason() {
    let folder = scratch("bad_input/places");
    assert_refused("directory", &folder.to_string_lossy());
    assert_refused("missing", &folder.join("there is none.mp4").to_string_lossy());
    assert_refused("scheme", "gopher://example.org/film.mp4");
    // Opens, and then every read fails; and one that never ends.
    assert_refused("unreadable", "/proc/self/mem");
    assert_refused("endless", "/dev/zero");
}

#[test]
fn wrong_extension_plays_by_content() {
    let clip = fs::read(make(&CLIP).expect("ffmpeg")).expect("it was made");
    let folder = scratch("bad_input/extension");
    let played = play("bad_input/extension/run", &write(&folder, "film.mp3", &clip), &[]);
    played.expect_played().unwrap();
    assert_eq!(played.frames().len(), 50);
}

#[test]
fn truncated_and_flipped_files_end_decently() {
    let clip = fs::read(make(&CLIP).expect("ffmpeg")).expect("it was made");
    let folder = scratch("bad_input/damaged");
    let mut random = Random::new(0x5eed);
    let mut below = |end: usize| random.below(end as u64) as usize;
    for i in 0..50 {
        let cut = below(clip.len());
        let what = format!("cut{i}");
        assert_decent(
            &what,
            &play(
                &format!("bad_input/damaged/{what}"),
                &write(&folder, &format!("{what}.mp4"), &clip[..cut]),
                &[],
            ),
        );
    }
    for i in 0..20 {
        let mut bytes = clip.clone();
        for _ in 0..16 {
            let at = below(bytes.len());
            bytes[at] ^= 1 << below(8);
        }
        let what = format!("flip{i}");
        assert_decent(
            &what,
            &play(&format!("bad_input/damaged/{what}"), &write(&folder, &format!("{what}.mp4"), &bytes), &[]),
        );
    }
}

#[test]
fn servers_that_misbehave_are_named_with_a_reason() {
    let clip = fs::read(make(&CLIP).expect("ffmpeg")).expect("it was made");
    let server = server::Server::start(clip);
    for path in ["404", "500", "tls"] {
        let source = match path {
            "tls" => format!("https://{}/film.mp4", server.address()),
            _ => format!("http://{}/{path}", server.address()),
        };
        assert_refused(&format!("http_{path}"), &source);
    }
    assert_refused("http_refused", "http://127.0.0.1:9/film.mp4");
    let cut = play("bad_input/http_cut", &format!("http://{}/cut", server.address()), &[]);
    assert_decent("http_cut", &cut);
    let whole = play("bad_input/http_whole", &format!("http://{}/film", server.address()), &[]);
    whole.expect_played().unwrap();
    assert_eq!(whole.frames().len(), 50);
    let linear = play("bad_input/http_linear", &format!("http://{}/no-ranges", server.address()), &[]);
    linear.expect_played().unwrap();
    assert_eq!(linear.frames().len(), 50);
}

#[test]
fn rules_of_the_owner_decide_before_what_a_person_opens() {
    let clip = fs::read(make(&CLIP).expect("ffmpeg")).expect("it was made");
    let folder = scratch("bad_input/rules");
    let server = server::Server::start(clip.clone());
    let here = format!("http://{}/film", server.address());
    let elsewhere = format!("http://localhost:{}/film", server.address().port());
    let file = write(&folder, "film.mp4", &clip);
    let hosts = write(&folder, "hosts", format!("host {}\n", server.address()).as_bytes());
    let folders = write(&folder, "folders", format!("folder {}\n", folder.display()).as_bytes());
    for (what, source, rules, plays) in [
        ("deny-net", &here, &["--deny-net"][..], false),
        ("deny-net-allow", &here, &["--deny-net", "--allow", "127.0.0.1"], false),
        ("deny-net-file", &file, &["--deny-net"], true),
        ("listed-host", &here, &["--allow-list", &hosts], true),
        ("other-host", &elsewhere, &["--allow-list", &hosts], false),
        ("file-beside-listed-host", &file, &["--allow-list", &hosts], false),
        ("listed-folder", &file, &["--allow-list", &folders], true),
        ("host-beside-listed-folder", &here, &["--allow-list", &folders], false),
    ] {
        let played = play(&format!("bad_input/rules/{what}"), source, rules);
        assert_decent(what, &played);
        assert_eq!(played.outcome, Outcome::Exit(i32::from(!plays)), "{what}: {}", played.stderr);
    }
}

#[test]
fn usage_mistakes_exit_with_status_2() {
    let played = play("bad_input/usage", "film.mp4", &["--no-such-option"]);
    assert_eq!(played.outcome, Outcome::Exit(2));
    assert!(played.stderr.contains("--no-such-option"));
}
