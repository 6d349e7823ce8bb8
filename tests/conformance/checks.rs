//! Every check: its group in the order of bring-up, what the rig must be able to do, and what the outside judges. What a guest can judge it
//! has judged already.

use crate::judge::{
    BLACK, BLUE, GREEN, Judgement, RED, all_numbers, heard, levels, number, numbers, pixels_at, shown,
    steady, tones,
};
use crate::rig::Ability::{self, Choose, Hear, Kill, Mute, Press, Report, See, Status, Title, Told, Weigh};
use crate::rig::Seen;

/// Most that a process may grow in 40 laps of the soak: the noise of an allocator.
const GROWTH_KIB: u64 = 8 << 10;

/// Groups in the order in which a port comes to life.
pub(crate) const GROUPS: &[&str] = &[
    "link",
    "start",
    "log",
    "storage",
    "net",
    "display",
    "input",
    "audio",
    "video",
    "timeline",
    "lifecycle",
    "policy",
    "supervision",
    "soak",
];

/// One check of one MUST.
pub(crate) struct Check {
    pub(crate) id: &'static str,
    pub(crate) group: &'static str,
    pub(crate) needs: &'static [Ability],
    /// Whether a shim may lack what is tested.
    pub(crate) optional: bool,
    /// Runs on one store, one after the other.
    pub(crate) runs: u32,
    /// Opened from a file, so that nothing is granted on the network.
    pub(crate) from_file: bool,
    /// Needs limits of real time, or a network that stalls.
    pub(crate) real_time: bool,
    pub(crate) judge: fn(&[Seen]) -> Judgement,
}

const fn check(
    id: &'static str,
    group: &'static str,
    needs: &'static [Ability],
    judge: fn(&[Seen]) -> Judgement,
) -> Check {
    Check { id, group, needs, optional: false, runs: 1, from_file: false, real_time: false, judge }
}

/// Nothing is left to judge.
fn guest(_: &[Seen]) -> Judgement {
    Ok("judged by the guest".into())
}

/// All checks.
pub(crate) const CHECKS: &[Check] = &[
    check("link", "link", &[], guest),
    check("player.start-first", "start", &[], guest),
    check("player.handle-order", "start", &[], guest),
    check("player.snapshot-after-checkpoint", "start", &[], guest),
    check("device.facts-stable", "start", &[], guest),
    check("device.has-honest", "start", &[], guest),
    check("log.write-bounded", "log", &[], flood),
    check("log.measure-last", "log", &[Report], measured),
    check("storage.get-landed", "storage", &[], guest),
    check("storage.keys-order", "storage", &[], guest),
    Check { runs: 2, ..check("storage.apply-atomic", "storage", &[Kill], killed) },
    Check { runs: 2, ..check("storage.stored-durable", "storage", &[Kill], killed) },
    check("net.fetch-order", "net", &[], guest),
    check("net.credit-bound", "net", &[], guest),
    check("net.cancel-silent", "net", &[], guest),
    check("display.commit-place", "display", &[See], place),
    check("display.commit-atomic", "display", &[See], atomic),
    check("display.commit-base", "display", &[See], |seen| {
        pixels_at(&seen[0], "red", &[((50, 50), RED), ((150, 50), BLACK)])?;
        at(&seen[0], "red-green", &[((50, 50), RED), ((150, 50), GREEN)])
    }),
    check("display.missing-exact", "display", &[], guest),
    check("display.update-exact", "display", &[See], |seen| {
        let block = [((44, 44), BLUE), ((37, 37), BLUE), ((50, 50), BLUE)];
        let beside = [
            ((28, 44), RED),
            ((60, 44), RED),
            ((44, 28), RED),
            ((44, 60), RED),
            ((34, 34), RED),
            ((54, 54), RED),
        ];
        at(&seen[0], "block", &[&block[..], &beside[..]].concat())
    }),
    check("display.drop-missing", "display", &[See], |seen| {
        pixels_at(&seen[0], "green", &[((36, 36), GREEN)])?;
        at(&seen[0], "black", &[((36, 36), BLACK)])
    }),
    check("player.handle-input", "input", &[Press], guest),
    Check { optional: true, ..check("shell.fullscreen-surface", "input", &[], guest) },
    Check { optional: true, ..check("shell.pick-grants", "input", &[Choose], guest) },
    Check {
        optional: true,
        ..check("shell.title-shown", "input", &[Title], |seen| {
            told(&seen[0], "title", "titled", "\"Kit: \u{e9}t\u{e9}\"")
        })
    },
    Check {
        optional: true,
        ..check("shell.cursor-surface", "input", &[Told], |seen| {
            told(&seen[0], "cursor", "hidden", "false")?;
            told(&seen[0], "cursor", "shown", "true")
        })
    },
    Check {
        optional: true,
        ..check("shell.now-playing-last", "input", &[Told], |seen| now_playing(&seen[0]))
    },
    check("audio.open-no-device", "audio", &[See, Mute], film),
    check("audio.configure-seamless", "audio", &[Hear], |seen| heard(&seen[0], &[(400, 1000), (900, 1000)])),
    check("timeline.gain-linear", "audio", &[Hear], gain),
    check("timeline.rate-pitch", "audio", &[Hear], pitch),
    check("video.open-unsupported", "video", &[], guest),
    check("video.open-picture", "video", &[See], picture),
    check("video.configure-seamless", "video", &[See], two_films),
    check("streams.append-order", "video", &[See, Hear], |seen| {
        let beeps = [400, 500, 600, 700, 800, 900].map(|hz| (hz, 500));
        Ok(format!("{}; {}", film(seen)?, heard(&seen[0], &beeps)?))
    }),
    check("streams.append-stale", "video", &[], guest),
    check("streams.append-room", "video", &[], guest),
    check("streams.remove-tail", "video", &[See], two_films),
    check("streams.end-drains", "video", &[See], film),
    check("streams.enable-seamless", "video", &[See, Hear], |seen| {
        let (first, second) = (steady(&seen[0], 400, 3000)?, steady(&seen[0], 900, 1800)?);
        Ok(format!("{}; {first}; {second}", film(seen)?))
    }),
    check("streams.close-others", "video", &[See, Hear], |seen| {
        let (first, second) = (steady(&seen[0], 400, 3000)?, steady(&seen[0], 900, 1200)?);
        Ok(format!("{}; {first}; {second}", film(seen)?))
    }),
    check("timeline.create-distinct", "timeline", &[], guest),
    check("timeline.create-limit", "timeline", &[], guest),
    check("timeline.close-gone", "timeline", &[See], |seen| {
        let at = |mark: &str| Ok::<_, String>(number(seen[0].screen(mark)?));
        match (at("shown")?, at("closed")?) {
            (Some(0), None) => Ok("the picture ends with the timeline".into()),
            other => Err(format!("before and after `close` there were frames {other:?}")),
        }
    }),
    check("timeline.tune-start", "timeline", &[See], |seen| {
        let given = seen[0].mark("given")?;
        shown(&seen[0], &numbers(&seen[0], 0, given), &[0])
    }),
    check("timeline.play-anchor", "timeline", &[], guest),
    check("timeline.pause-holds", "timeline", &[See], |seen| {
        let (from, to) = (seen[0].mark("paused")?, seen[0].mark("resumes")?);
        match &numbers(&seen[0], from, to)[..] {
            [one] => Ok(format!("frame {one} stays")),
            many => Err(format!("while paused frames {many:?} were shown")),
        }
    }),
    check("timeline.seek-ticket", "timeline", &[], guest),
    check("timeline.seek-no-replay", "timeline", &[See], |seen| {
        let (before, exact, key) = (seen[0].mark("before")?, seen[0].mark("exact")?, seen[0].mark("key")?);
        let first = shown(&seen[0], &numbers(&seen[0], before, exact), &[0, 60])?;
        Ok(format!("{first}; {}", shown(&seen[0], &numbers(&seen[0], exact, key), &[60, 25])?))
    }),
    check("timeline.seek-buffered", "timeline", &[], guest),
    check("timeline.step-one", "timeline", &[See], |seen| {
        let (from, to) = (seen[0].mark("thirty")?, seen[0].mark("stepped")?);
        shown(&seen[0], &numbers(&seen[0], from, to), &[30, 31, 32, 31])
    }),
    check("timeline.live-survives", "lifecycle", &[See], |seen| {
        let (from, to) = (seen[0].mark("found")?, seen[0].mark("played")?);
        let after = numbers(&seen[0], from, to);
        let (Some(first), Some(last)) = (after.first(), after.last()) else {
            return Err("no frame was shown".into());
        };
        if last - first < 15 {
            return Err(format!("only frames {first} to {last} were shown in a second"));
        }
        shown(&seen[0], &after, &(*first..=*last).collect::<Vec<_>>())
    }),
    check("display.image-survives", "lifecycle", &[See], |seen| at(&seen[0], "green", &[((52, 52), GREEN)])),
    Check { real_time: true, ..check("net.live-own", "lifecycle", &[], guest) },
    check("player.start-repeats", "lifecycle", &[], guest),
    Check {
        optional: true,
        ..check("shell.awake-released", "lifecycle", &[Told], |seen| {
            told(&seen[0], "awake", "awake", "true")?;
            told(&seen[0], "awake", "released", "false")
        })
    },
    Check { optional: true, ..check("shell.builds-one", "lifecycle", &[], guest) },
    Check { optional: true, ..check("shell.choose-build-marked", "lifecycle", &[], guest) },
    Check { optional: true, runs: 3, ..check("shell.exit-status", "lifecycle", &[Status], exits) },
    Check { from_file: true, ..check("net.fetch-denied", "policy", &[], guest) },
    check("player.handle-atomic", "supervision", &[See], |seen| at(&seen[0], "blue", &[((50, 50), BLUE)])),
    Check { real_time: true, ..check("player.handle-limit", "supervision", &[See], film) },
    check("soak", "soak", &[Weigh], weighed),
];

fn at(seen: &Seen, mark: &str, expected: &[((u32, u32), [u8; 3])]) -> Judgement {
    pixels_at(seen, mark, expected)?;
    Ok(format!("{} pixels at `{mark}`", expected.len()))
}

fn told(seen: &Seen, what: &str, mark: &str, expected: &str) -> Judgement {
    let value = seen.told(what, mark)?.to_string();
    if value == expected {
        Ok(format!("{what} is {value}"))
    } else {
        Err(format!("at `{mark}` {what} is {value}, not {expected}"))
    }
}

/// Controls that are looked at show a position that has moved on since it was set.
fn now_playing(seen: &Seen) -> Judgement {
    let value = seen.told("now-playing", "three")?;
    let position_us = value["position_us"].as_i64().unwrap_or_default();
    if value["kind"] == 2 && value["title"] == "Three" && (9_000_000..11_000_000).contains(&position_us) {
        Ok(format!("now-playing is {value}"))
    } else {
        Err(format!("at `three` now-playing is {value}, not `Three`, playing from 9 s"))
    }
}

/// The whole film, once.
fn film(seen: &[Seen]) -> Judgement {
    shown(&seen[0], &all_numbers(&seen[0]), &(0..75).collect::<Vec<_>>())
}

/// A second of one film, then a second of the other.
fn two_films(seen: &[Seen]) -> Judgement {
    shown(&seen[0], &all_numbers(&seen[0]), &(0..25).chain(100..125).collect::<Vec<_>>())
}

fn flood(seen: &[Seen]) -> Judgement {
    let lines = seen[0].log.lines().filter(|line| line.contains("all work and no play"));
    let (count, longest) = lines.fold((0, 0), |(n, longest), line| (n + 1, longest.max(line.len())));
    let words = format!("{count} of 3000 lines came out, the longest of {longest} bytes");
    // The contract cuts lines at 4 KiB; what a log puts before them is its own.
    if count <= 1000 && longest <= 4096 + 256 { Ok(words) } else { Err(words) }
}

fn measured(seen: &[Seen]) -> Judgement {
    match (seen[0].measured("kit.value"), seen[0].measured("kit.other")) {
        (Some(42), Some(-42)) => Ok("the last values are reported".into()),
        other => Err(format!("reported are {other:?} instead of 42 and -42")),
    }
}

/// The first run must have come as far as the moment it was killed in.
fn killed(seen: &[Seen]) -> Judgement {
    let came = seen[0].words.iter().any(|words| words == "kill");
    if came {
        Ok("killed, started again, looked".into())
    } else {
        Err("the first run did not come to its end".into())
    }
}

fn place(seen: &[Seen]) -> Judgement {
    const GROUND: [u8; 3] = [0x20; 3];
    const WHITE: [u8; 3] = [0xf0; 3];
    at(
        &seen[0],
        "shown",
        &[
            ((10, 20), RED),
            ((69, 59), RED),
            ((9, 20), GROUND),
            ((10, 19), GROUND),
            ((70, 59), GROUND),
            ((69, 60), GROUND),
            ((200, 20), GREEN),
            ((259, 59), GREEN),
            ((260, 59), GROUND),
            ((10, 110), BLUE),
            ((69, 149), BLUE),
            ((9, 110), GROUND),
            ((200, 110), WHITE),
            ((260, 150), WHITE),
            ((261, 150), GROUND),
            ((260, 151), GROUND),
            // Half white over the ground: blended as encoded.
            ((140, 85), [0x90; 3]),
            ((319, 179), GROUND),
        ],
    )
}

fn atomic(seen: &[Seen]) -> Judgement {
    let end = seen[0].mark("still-red")?;
    let mut changes = 0;
    for screen in seen[0].between(0, end) {
        let (left, right) = (screen.pixel(50, 50), screen.pixel(150, 50));
        if left.iter().zip(right).any(|(a, b)| a.abs_diff(b) > 8) {
            return Err(format!("two halves of one commit were {left:?} and {right:?}"));
        }
        changes += 1;
    }
    if changes < 15 {
        return Err(format!("of 20 commits only {changes} pictures were shown"));
    }
    pixels_at(&seen[0], "red", &[((50, 50), RED)])?;
    pixels_at(&seen[0], "still-red", &[((50, 50), RED), ((150, 50), RED)])?;
    Ok(format!("{changes} pictures, each whole"))
}

fn gain(seen: &[Seen]) -> Judgement {
    let levels = levels(&seen[0].heard, 500);
    let words = format!("levels {levels:?} (thousandths of full scale) at gain 1, 1/2, 1/4, 2 and 0");
    // Silence comes before the first and is the last.
    let loud: Vec<u32> = levels.iter().copied().filter(|level| *level > 3).collect();
    let [one, half, quarter, double] = loud[..] else { return Err(words) };
    let ratio =
        |level: u32, permille: u32| (one * permille).abs_diff(level * 1000) <= one * permille / 25 + 2000;
    let right = ratio(half, 500)
        && ratio(quarter, 250)
        && ratio(double, 2000)
        && levels.last().is_some_and(|l| *l <= 3);
    if right { Ok(words) } else { Err(words) }
}

fn pitch(seen: &[Seen]) -> Judgement {
    let all = tones(&seen[0].heard);
    let sum = |right: bool| {
        all.iter()
            .filter(|(hz, _)| hz.is_some() && (*hz == Some(500)) == right)
            .map(|(_, ms)| ms)
            .sum::<u32>()
    };
    let (right, wrong) = (sum(true), sum(false));
    let words = format!("500 Hz for {right} ms, other pitches for {wrong} ms");
    if right >= 4000 && wrong * 20 <= right { Ok(words) } else { Err(words) }
}

fn picture(seen: &[Seen]) -> Judgement {
    // The patches are pure colours in BT.601; the same values in BT.709 are others.
    let (red, green, blue) = ([254, 0, 0], [0, 255, 1], [0, 0, 255]);
    pixels_at(
        &seen[0],
        "plain",
        &[((28, 88), red), ((68, 88), green), ((108, 88), blue), ((28, 24), BLACK), ((28, 56), [255; 3])],
    )?;
    // A quarter clockwise: what was left is up, what was down is left.
    pixels_at(
        &seen[0],
        "turned",
        &[((23, 28), red), ((23, 68), green), ((23, 108), blue), ((55, 28), [255; 3]), ((87, 28), BLACK)],
    )?;
    at(&seen[0], "bt709", &[((28, 88), [255, 24, 0]), ((68, 88), [0, 216, 0])])
}

/// Sixty times the same: from the second third on the process grows no more.
fn weighed(seen: &[Seen]) -> Judgement {
    let at = |mark: &str| {
        let found = seen[0].resident_kib.iter().find(|(name, _)| name == mark);
        found.map(|(_, kib)| *kib).ok_or_else(|| format!("the process could not be measured at `{mark}`"))
    };
    let (before, after) = (at("lap-20")?, at("lap-60")?);
    let words = format!("{before} KiB after 20 laps, {after} KiB after 60");
    if after <= before + GROWTH_KIB { Ok(words) } else { Err(words) }
}

fn exits(seen: &[Seen]) -> Judgement {
    match (seen[0].status, seen[1].status) {
        (Some(1), Some(0)) => Ok("status 1, then 0".into()),
        other => Err(format!("the process ended with {other:?} instead of 1 and 0")),
    }
}
