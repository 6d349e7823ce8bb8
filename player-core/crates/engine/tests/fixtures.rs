//! Real files, of the folder that `$KINORA_FIXTURES` names.

use std::path::{Path, PathBuf};

use kinora_engine::{Config, Phase, SeekMode};
use kinora_testkit::{FakeShim, Player, Resource};

const SECOND: u64 = 1_000_000;

/// A player that serves the files of a fixture's folder.
fn player(folder: &str) -> Player {
    let root = std::env::var_os("KINORA_FIXTURES").expect("KINORA_FIXTURES, or `--skip fixture_`");
    let root = PathBuf::from(root).join(folder);
    let mut shim = FakeShim::new();
    serve(&mut shim, &root, "https://fixture");
    Player::with_config(shim, Config::new(false))
}

fn serve(shim: &mut FakeShim, folder: &Path, url: &str) {
    for entry in std::fs::read_dir(folder).expect("the fixture's folder").flatten() {
        let url = format!("{url}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            serve(shim, &entry.path(), &url);
        } else {
            shim.serve(&url, Resource::new(std::fs::read(entry.path()).expect("a file of the fixture")));
        }
    }
}

/// Plays it in the middle and to its end: no rule of the contract is broken and the clock arrives where the duration says.
fn plays_to_its_end(folder: &str, name: &str) {
    let mut p = player(folder);
    p.open(&[&format!("https://fixture/{name}")]);
    assert!(
        p.run_until(5 * SECOND, |p| p.status().clock.phase == Phase::Playing),
        "{:?}\n{}",
        *p.status().error,
        p.shim.dump()
    );
    let clock = *p.status().clock;
    let Some(duration_us) = clock.duration_us else {
        return println!("{folder}/{name}: plays, length unknown");
    };
    if clock.seekable {
        let middle = clock.start_us + duration_us / 2;
        p.command(|e, now, s| e.seek_to(middle, SeekMode::Exact, now, s));
        assert!(p.run_until(5 * SECOND, |p| p.status().clock.seeking_to_us.is_none()), "{}", p.shim.dump());
        assert!(p.position() >= middle, "{} {middle}\n{}", p.position(), p.shim.dump());
    }
    p.run_for(duration_us as u64 + SECOND);
    assert_eq!(p.status().clock.phase, Phase::Ended, "{:?}\n{}", *p.status().error, p.shim.dump());
    let end = p.status().clock.anchor.media_us - clock.start_us;
    assert!((end - duration_us).abs() < 300_000, "ended at {end} of {duration_us}");
    assert!(p.shim.violations().is_empty(), "{:?}", p.shim.violations());
    println!("{folder}/{name}: {} ms, {} appends", end / 1000, p.shim.count("append"));
}

#[test]
fn fixture_mp4_plays_to_its_end() {
    plays_to_its_end("androidx/media/mp4", "sample.mp4");
    plays_to_its_end("androidx/media/mp4", "sample_fragmented.mp4");
}

#[test]
fn fixture_hls_of_transport_streams_plays_to_its_end() {
    plays_to_its_end("shaka/hls-ts-h264", "prog_index.m3u8");
    plays_to_its_end("shaka/hls-ts-aac", "playlist.m3u8");
}

#[test]
fn fixture_hls_of_packed_mp3_plays_to_its_end() {
    plays_to_its_end("shaka/hls-raw-mp3", "playlist.m3u8");
}
