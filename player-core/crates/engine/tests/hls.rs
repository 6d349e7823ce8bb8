//! HTTP Live Streaming, on the fake shim.

use kinora_engine::{Phase, SampleHeader, SeekMode};
use kinora_testkit::toy::Toy;
use kinora_testkit::{FakeShim, Fault, Player, Resource};

const SECOND: u64 = 1_000_000;
const SEGMENT_US: i64 = 4_000_000;
const BASE: &str = "https://cdn/v";

/// Serves `count` segments of four seconds as `NAME.m3u8`, timestamps from `start_us` on.
fn serve(shim: &mut FakeShim, name: &str, toy: &Toy, start_us: i64, count: usize) {
    let mut list = format!("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"{name}.init\"\n");
    shim.serve(&format!("{BASE}/{name}.init"), Resource::new(toy.init()));
    for n in 0..count {
        let at = Toy { start_us: start_us + n as i64 * SEGMENT_US, duration_us: SEGMENT_US, ..toy.clone() };
        shim.serve(&format!("{BASE}/{name}{n}.seg"), Resource::new(at.segment()));
        list.push_str(&format!("#EXTINF:4,\n{name}{n}.seg\n"));
    }
    list.push_str("#EXT-X-ENDLIST\n");
    shim.serve(&format!("{BASE}/{name}.m3u8"), Resource::new(list.into_bytes()));
}

fn text(shim: &mut FakeShim, name: &str, text: &str) {
    shim.serve(&format!("{BASE}/{name}"), Resource::new(text.as_bytes().to_vec()));
}

fn play(shim: FakeShim, name: &str) -> Player {
    let mut p = Player::new(shim);
    p.open(&[&format!("{BASE}/{name}")]);
    p.run_for(2 * SECOND);
    p
}

fn check(p: &Player) {
    assert!(p.shim.violations().is_empty(), "{:?}\n{}", p.shim.violations(), p.shim.dump());
}

/// Steps between the decode times of a stream that are not one frame.
fn gaps(p: &Player, stream: usize, frame_us: i64) -> Vec<(i64, i64)> {
    let timeline = p.status().clock.timeline.expect("live");
    let times: Vec<i64> = p.shim.samples(timeline, stream).iter().map(|s| s.dts_us).collect();
    assert!(!times.is_empty());
    times.windows(2).filter(|w| w[1] - w[0] != frame_us).map(|w| (w[0], w[1])).collect()
}

#[test]
fn media_playlist_plays_every_frame_to_its_end() {
    let mut s = FakeShim::new();
    serve(&mut s, "a", &Toy::default(), 10_000_000, 5);
    let mut p = play(s, "a.m3u8");
    let clock = *p.status().clock;
    assert_eq!(
        (clock.phase, clock.start_us, clock.duration_us),
        (Phase::Playing, 10_000_000, Some(20_000_000))
    );
    assert!((gaps(&p, 0, 40_000), gaps(&p, 1, 20_000)) == (vec![], vec![]));
    p.run_for(20 * SECOND);
    assert_eq!((p.status().clock.phase, p.position()), (Phase::Ended, 30_000_000));
    check(&p);
}

#[test]
fn segments_are_fetched_no_further_ahead_than_the_target() {
    let mut s = FakeShim::new();
    serve(&mut s, "a", &Toy::default(), 0, 100);
    let p = play(s, "a.m3u8");
    let fetched = (0..100).filter(|n| p.shim.dump().contains(&format!("a{n}.seg"))).count();
    assert!((14..=18).contains(&fetched), "{fetched}");
    check(&p);
}

#[test]
fn seek_fetches_from_the_segment_that_holds_the_target() {
    let mut s = FakeShim::new();
    serve(&mut s, "a", &Toy::default(), 10_000_000, 100);
    let mut p = play(s, "a.m3u8");
    p.command(|e, now, s| e.seek_to(10_000_000 + 202_500_000, SeekMode::Exact, now, s));
    p.run_for(SECOND);
    assert!(p.shim.dump().contains("a50.seg") && !p.shim.dump().contains("a49.seg"), "{}", p.shim.dump());
    let timeline = p.status().clock.timeline.expect("live");
    let first = p.shim.samples(timeline, 0)[0].pts_us;
    assert_eq!(first, 212_000_000, "the key frame before the target, not that of the segment");
    assert!(p.position() > 212_500_000);
    check(&p);
}

#[test]
fn seek_that_the_playlist_misleads_goes_back_a_segment() {
    let mut s = FakeShim::new();
    serve(&mut s, "a", &Toy::default(), 0, 20);
    // The list says 3.9 s where there are 4: by segment 15 it is 1.5 s early.
    let list = (0..20).map(|n| format!("#EXTINF:3.9,\na{n}.seg\n")).collect::<String>();
    let head = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"a.init\"\n";
    text(&mut s, "b.m3u8", &format!("{head}{list}#EXT-X-ENDLIST\n"));
    let mut p = play(s, "b.m3u8");
    p.command(|e, now, s| e.seek_to(70_500_000, SeekMode::Exact, now, s));
    p.run_for(SECOND);
    let timeline = p.status().clock.timeline.expect("live");
    assert_eq!(p.shim.samples(timeline, 0)[0].pts_us, 70_000_000);
    check(&p);
}

fn variants(s: &mut FakeShim) {
    serve(s, "low", &Toy::default(), 0, 60);
    serve(s, "high", &Toy { high: true, frame_bytes: 8000, ..Toy::default() }, 0, 60);
    let list = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=300000,RESOLUTION=320x180\nlow.m3u8\n\
                #EXT-X-STREAM-INF:BANDWIDTH=2000000,RESOLUTION=640x360\nhigh.m3u8\n";
    text(s, "all.m3u8", list);
}

#[test]
fn fast_network_switches_up_at_a_segment_boundary_without_a_gap() {
    let mut s = FakeShim::new();
    variants(&mut s);
    let mut p = play(s, "all.m3u8");
    assert_eq!(p.shim.count("configure"), 1, "{}", p.shim.dump());
    p.run_for(30 * SECOND);
    assert_eq!(p.status().clock.phase, Phase::Playing);
    assert!((gaps(&p, 0, 40_000), gaps(&p, 1, 20_000)) == (vec![], vec![]));
    check(&p);
}

#[test]
fn slow_network_stays_low_and_never_stalls() {
    let mut s = FakeShim::new();
    s.set_network(50_000, 60, 16 << 10);
    variants(&mut s);
    let mut p = play(s, "all.m3u8");
    p.run_for(60 * SECOND);
    assert_eq!((p.status().clock.phase, p.shim.count("configure")), (Phase::Playing, 0));
    assert!(p.position() > 58_000_000, "{}", p.position());
    check(&p);
}

#[test]
fn missing_segment_of_a_variant_comes_from_another() {
    let mut s = FakeShim::new();
    variants(&mut s);
    s.set_network(10_000, 60, 64 << 10);
    s.serve(
        &format!("{BASE}/low2.seg"),
        Resource::new(vec![]).with_faults(vec![Some(Fault::Status(404)); 9]),
    );
    let mut p = play(s, "all.m3u8");
    p.run_for(20 * SECOND);
    assert!(p.shim.dump().contains("high2.seg"), "{}", p.shim.dump());
    assert_eq!(gaps(&p, 0, 40_000), []);
    assert_eq!(p.status().clock.phase, Phase::Playing);
    check(&p);
}

#[test]
fn missing_segment_without_another_variant_is_left_out_with_a_notice() {
    let mut s = FakeShim::new();
    serve(&mut s, "a", &Toy::default(), 0, 10);
    s.serve(&format!("{BASE}/a3.seg"), Resource::new(vec![]).with_faults(vec![Some(Fault::Status(404)); 9]));
    let p = play(s, "a.m3u8");
    assert_eq!(gaps(&p, 0, 40_000), [(11_960_000, 16_000_000)]);
    assert_eq!(p.status().notice.as_deref(), Some("A part is missing and was left out."));
    check(&p);
}

#[test]
fn segment_that_fails_for_a_while_is_tried_again() {
    let mut s = FakeShim::new();
    serve(&mut s, "a", &Toy::default(), 0, 10);
    let at = Toy { start_us: 12_000_000, duration_us: SEGMENT_US, ..Toy::default() };
    let flaky = Resource::new(at.segment()).with_faults([Some(Fault::Status(500)), Some(Fault::Cut(5000))]);
    s.serve(&format!("{BASE}/a3.seg"), flaky);
    let mut p = play(s, "a.m3u8");
    p.run_for(4 * SECOND);
    assert_eq!(gaps(&p, 0, 40_000), []);
    check(&p);
}

#[test]
fn outage_plays_out_the_buffer_and_then_says_why() {
    let mut s = FakeShim::new();
    serve(&mut s, "a", &Toy::default(), 0, 60);
    for n in 4..60 {
        let gone = Resource::new(vec![]).with_faults(vec![Some(Fault::Status(404)); 9]);
        s.serve(&format!("{BASE}/a{n}.seg"), gone);
    }
    let mut p = play(s, "a.m3u8");
    assert_eq!(p.status().clock.phase, Phase::Playing);
    p.run_for(20 * SECOND);
    assert_eq!(p.status().clock.phase, Phase::Failed);
    assert!((15_900_000..16_100_000).contains(&p.position()), "{}", p.position());
    check(&p);
}

#[test]
fn discontinuity_joins_timestamps_that_start_anew() {
    let mut s = FakeShim::new();
    serve(&mut s, "a", &Toy::default(), 10_000_000, 3);
    serve(&mut s, "b", &Toy { high: true, ..Toy::default() }, 500_000_000, 3);
    let segments = |name: &str| (0..3).map(|n| format!("#EXTINF:4,\n{name}{n}.seg\n")).collect::<String>();
    let list = format!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"a.init\"\n{}#EXT-X-DISCONTINUITY\n\
         #EXT-X-MAP:URI=\"b.init\"\n{}#EXT-X-ENDLIST\n",
        segments("a"),
        segments("b")
    );
    text(&mut s, "ab.m3u8", &list);
    let mut p = play(s, "ab.m3u8");
    assert!((gaps(&p, 0, 40_000), gaps(&p, 1, 20_000)) == (vec![], vec![]));
    assert_eq!(p.shim.count("configure"), 1);
    p.run_for(25 * SECOND);
    assert_eq!((p.status().clock.phase, p.position()), (Phase::Ended, 34_000_000));
    check(&p);
}

fn renditions(s: &mut FakeShim) {
    serve(s, "v", &Toy { audio: 0, ..Toy::default() }, 0, 20);
    let sound = Toy { video: false, ..Toy::default() };
    serve(s, "en", &sound, 0, 20);
    serve(s, "de", &sound, 0, 20);
    text(s, "s0.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\nfirst\n");
    text(
        s,
        "s1.vtt",
        "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:3600000,LOCAL:00:00:00.000\n\n00:01.000 --> 00:02.000\nlater\n",
    );
    text(
        s,
        "s.m3u8",
        "#EXTM3U\n#EXT-X-TARGETDURATION:40\n#EXTINF:40,\ns0.vtt\n#EXTINF:40,\ns1.vtt\n#EXT-X-ENDLIST\n",
    );
    let list = "#EXTM3U\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,URI=\"en.m3u8\"\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Deutsch\",LANGUAGE=\"de\",AUTOSELECT=YES,URI=\"de.m3u8\"\n\
        #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"English\",LANGUAGE=\"en\",URI=\"s.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=300000,RESOLUTION=320x180,AUDIO=\"a\",SUBTITLES=\"s\"\nv.m3u8\n";
    text(s, "all.m3u8", list);
}

#[test]
fn audio_renditions_are_fetched_one_at_a_time() {
    let mut s = FakeShim::new();
    renditions(&mut s);
    let mut p = play(s, "all.m3u8");
    let labels: Vec<&str> = p.status().tracks.audio.iter().map(|track| track.label.as_str()).collect();
    assert_eq!(labels, ["English", "Deutsch"]);
    assert!(p.status().tracks.audio[0].selected);
    assert!(p.shim.dump().contains("en0.seg") && !p.shim.dump().contains("de.m3u8"));
    assert_eq!(p.status().clock.phase, Phase::Playing, "{}", p.shim.dump());
    let german = p.status().tracks.audio[1].id;
    p.command(|e, now, s| e.select_audio(german, now, s));
    p.run_for(2 * SECOND);
    assert!(p.status().tracks.audio[1].selected);
    assert!(p.shim.dump().contains("de0.seg"), "{}", p.shim.dump());
    assert_eq!(p.status().clock.phase, Phase::Playing, "{}", p.shim.dump());
    p.run_for(80 * SECOND);
    assert_eq!(p.status().clock.phase, Phase::Ended);
    check(&p);
}

#[test]
fn subtitles_are_fetched_when_chosen_and_mapped() {
    let mut s = FakeShim::new();
    renditions(&mut s);
    let mut p = play(s, "all.m3u8");
    assert!(!p.shim.dump().contains("s.m3u8"));
    let id = p.status().tracks.captions[0].id;
    p.command(|e, now, s| e.select_captions(Some(id), now, s));
    p.run_for(SECOND);
    let shown = |p: &Player, at: i64| {
        p.engine.cues(at, at + 1).map(|cue| cue.lines[0].runs[0].text.clone()).collect::<Vec<_>>()
    };
    assert_eq!(shown(&p, 1_500_000), ["first"]);
    assert_eq!(shown(&p, 41_500_000), ["later"]);
}

#[test]
fn encrypted_segments_are_an_error_that_says_so() {
    let mut s = FakeShim::new();
    let list = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:4,\nx.ts\n#EXT-X-ENDLIST\n";
    text(&mut s, "e.m3u8", list);
    let p = play(s, "e.m3u8");
    let card = p.status().error.as_ref().expect("a card").clone();
    assert_eq!(card.reason, "It is encrypted, which this player cannot open.");
}

#[test]
fn playlist_that_points_to_nothing_is_an_error_card() {
    let mut s = FakeShim::new();
    text(&mut s, "all.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nnone.m3u8\n");
    let p = play(s, "all.m3u8");
    let card = p.status().error.as_ref().expect("a card").clone();
    assert_eq!(card.reason, "The server has nothing at this address (HTTP 404).");
}

#[test]
fn list_of_files_takes_the_place_of_its_item_in_the_queue() {
    let mut s = FakeShim::new();
    s.serve(&format!("{BASE}/one.toy"), Resource::new(Toy::default().bytes()));
    text(&mut s, "list.m3u", "#EXTM3U\n#EXTINF:10,The One\none.toy\ntwo.toy\n");
    let p = play(s, "list.m3u");
    assert_eq!(p.status().queue.titles, ["The One", "two"]);
    assert_eq!(p.status().clock.phase, Phase::Playing);
}

#[test]
fn list_that_names_itself_is_given_up() {
    let mut s = FakeShim::new();
    text(&mut s, "list.m3u", "#EXTM3U\nlist.m3u\n");
    let p = play(s, "list.m3u");
    assert_eq!(p.status().clock.phase, Phase::Failed);
}

#[test]
fn restart_while_playing_goes_on_without_a_gap() {
    let mut s = FakeShim::new();
    serve(&mut s, "a", &Toy::default(), 10_000_000, 60);
    let mut p = play(s, "a.m3u8");
    p.run_for(20 * SECOND);
    let snapshot = p.engine.snapshot(p.now());
    let (position, seeks) = (p.position(), p.shim.count("seek"));
    p.restart(Some(&snapshot));
    p.run_for(100 * SECOND);
    assert_eq!((p.position(), p.shim.count("seek")), (position + 100_000_000, seeks), "{}", p.shim.dump());
    assert!((gaps(&p, 0, 40_000), gaps(&p, 1, 20_000)) == (vec![], vec![]));
    check(&p);
}

#[test]
fn restart_after_any_call_of_opening_plays_to_the_end() {
    // Short segments of two lanes: nothing of the network wakes the engine again once the tracks are known.
    for calls in 0..40 {
        let mut s = FakeShim::new();
        serve(&mut s, "v", &Toy { audio: 0, ..Toy::default() }, 0, 1);
        serve(&mut s, "en", &Toy { video: false, ..Toy::default() }, 0, 1);
        let list = "#EXTM3U\n\
            #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"English\",DEFAULT=YES,URI=\"en.m3u8\"\n\
            #EXT-X-STREAM-INF:BANDWIDTH=300000,AUDIO=\"a\"\nv.m3u8\n";
        text(&mut s, "all.m3u8", list);
        s.set_network(10_000, 1 << 40, 1 << 20);
        let mut p = Player::new(s);
        p.open(&[&format!("{BASE}/all.m3u8")]);
        p.step(calls);
        let snapshot = p.engine.snapshot(p.now());
        p.restart(Some(&snapshot));
        p.run_for(6 * SECOND);
        assert_eq!(p.status().clock.phase, Phase::Ended, "after {calls} calls: {}", p.shim.dump());
        check(&p);
    }
}

/// Plays variants, of which the higher one is soon changed to, with a restart of the core after `us`.
fn play_variants_restarted_after(us: u64) -> Player {
    let mut s = FakeShim::new();
    // The high variant fits, and takes a while to arrive.
    s.set_network(50_000, 400, 16 << 10);
    variants(&mut s);
    let mut p = Player::new(s);
    p.open(&[&format!("{BASE}/all.m3u8")]);
    p.run_for(us);
    let snapshot = p.engine.snapshot(p.now());
    p.restart(Some(&snapshot));
    p.run_for(20 * SECOND);
    p
}

#[test]
fn restart_around_a_change_of_variant_goes_on_with_what_the_shim_decodes() {
    for us in (300_000..8_000_000).step_by(70_000) {
        let p = play_variants_restarted_after(us);
        let calls = [p.shim.count("create"), p.shim.count("seek"), p.shim.count("configure")];
        assert_eq!((p.status().clock.phase, calls), (Phase::Playing, [1, 0, 1]), "{us}\n{}", p.shim.dump());
        assert!((gaps(&p, 0, 40_000), gaps(&p, 1, 20_000)) == (vec![], vec![]), "{us}\n{}", p.shim.dump());
        let timeline = p.status().clock.timeline.expect("live");
        let samples = p.shim.samples(timeline, 0);
        let marked = |sample: &SampleHeader| sample.bits & SampleHeader::DISCONTINUITY != 0;
        let mixed = samples.windows(2).filter(|w| (w[0].size > 4000) != (w[1].size > 4000) && !marked(&w[1]));
        assert_eq!(mixed.count(), 0, "{us}: pictures of a variant under the configuration of another");
        check(&p);
    }
}

#[test]
fn restart_after_a_change_of_variant_reads_neither_the_first_one_nor_the_start_again() {
    let p = play_variants_restarted_after(5 * SECOND);
    let dump = p.shim.dump();
    let fetched: Vec<&str> = dump
        .lines()
        .filter_map(|call| call.split_once(&format!(" fetch {BASE}/")))
        .map(|(_, name)| name)
        .collect();
    let switched = fetched.iter().position(|name| name.starts_with("high.m3u8")).expect("it changes");
    assert!(fetched[switched..].iter().all(|name| !name.starts_with("low.init")), "{dump}");
    assert_eq!(fetched.iter().filter(|name| name.starts_with("low0.seg")).count(), 1, "{dump}");
    check(&p);
}
