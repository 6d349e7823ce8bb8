//! Live streams, from a server that is a function of what it was asked for.

use std::path::{Path, PathBuf};

use kinora_tests::{
    LIVE_STREAM, LiveConfig, LiveServer, Played, TRACE, framemd5, make, pcm_f32, play, replay, root,
};

const WINDOW: usize = 8;
/// Three target durations before the end of the first window.
const FIRST: usize = WINDOW - 3;

fn stream() -> PathBuf {
    make(&LIVE_STREAM).expect("ffmpeg")
}

fn played(name: &str, path: &Path, total: usize, extra: &[&str]) -> Played {
    let folder = path.parent().expect("a file").to_owned();
    let server =
        LiveServer::start(LiveConfig { folder, window: WINDOW, holds: None, total }).expect("loopback");
    let played = play(
        &format!("live/{name}"),
        &server.url(&path.file_name().expect("a file").to_string_lossy()),
        extra,
    );
    played.expect_played().expect(name);
    assert_eq!(played.figure("/video/dropped"), Ok(0), "{name}");
    assert_eq!(played.figure("/audio/underruns").unwrap_or(0), 0, "{name}");
    played
}

/// FFmpeg's frames of the whole from where playing began.
fn expected(path: &Path) -> Vec<String> {
    let whole = framemd5(path).expect("ffmpeg");
    whole[FIRST * 120..].to_vec()
}

#[test]
fn live_stream_presents_the_frames_and_the_sound_of_the_whole() {
    let path = stream();
    let played = played("whole", &path, 25, &["--record", TRACE]);
    assert_eq!(played.frames(), expected(&path), "{}", played.stderr);
    // Sound of segments that begin in the middle of a stream is as long as what FFmpeg finds behind that place, but for the codec's delay.
    let heard = played.sound().expect("sound").samples.len();
    let whole = pcm_f32(&path).expect("ffmpeg").len();
    let missing = FIRST * 4 * 48_000;
    assert!(heard.abs_diff(whole - missing) <= 2 * 1024, "{heard} of {whole} samples");
    for replayed in replay(&played.folder.join(TRACE), &[]) {
        replayed.expect("replays");
    }
}

#[test]
fn core_that_is_killed_while_live_leaves_no_trace() {
    let path = stream();
    for call in ["8", "30", "61", "100", "150", "222"] {
        let played = played(&format!("killed-{call}"), &path, 25, &["--kill", call]);
        assert_eq!(played.frames(), expected(&path), "in call {call}: {}", played.stderr);
    }
}

#[test]
fn channel_that_begins_again_goes_on_through_its_discontinuities() {
    let path = root().join("assets/demo/aurora-hls/1.m3u8");
    let played = played("rounds", &path, 24, &[]);
    let whole = framemd5(&path).expect("ffmpeg");
    let pictures = |lines: &[String]| {
        lines
            .iter()
            .map(|line| line.split_once(' ').expect("time and picture").1.to_owned())
            .collect::<Vec<_>>()
    };
    let (round, got) = (pictures(&whole), pictures(&played.frames()));
    let wanted: Vec<String> = round.iter().cycle().skip(FIRST * 96).take(got.len()).cloned().collect();
    assert!(got == wanted && got.len() == (24 - FIRST) * 96, "{} frames\n{}", got.len(), played.stderr);
    let times: Vec<i64> = played
        .frames()
        .iter()
        .map(|line| line.split(' ').next().expect("a time").parse().expect("a number"))
        .collect();
    assert!(times.windows(2).all(|pair| (41_000..43_000).contains(&(pair[1] - pair[0]))), "{times:?}");
}
