//! The contract's functions, each call counted by how it was answered: what a run has really seen of the contract stands in its report.

use std::cell::RefCell;
use std::collections::BTreeMap;

use kinora_guests::bindings::kinora::shim::types::{Failure, NextStep};

thread_local! {
    static CALLS: RefCell<BTreeMap<(&'static str, &'static str), u32>> = const { RefCell::new(BTreeMap::new()) };
}

/// `FUNCTION=ANSWER:COUNT` for all that was called since the last time.
pub(crate) fn take_calls() -> String {
    let calls = CALLS.take();
    let words = calls.iter().map(|((function, answer), count)| format!("{function}={answer}:{count}"));
    words.collect::<Vec<_>>().join(" ")
}

trait Answer {
    fn word(&self) -> &'static str {
        "ok"
    }
}

impl Answer for () {}
impl Answer for bool {}
impl<T> Answer for Vec<T> {}
impl<T> Answer for Option<T> {}
impl<T> Answer for Result<T, Failure> {
    fn word(&self) -> &'static str {
        let Err(failure) = self else { return "ok" };
        match failure.next {
            NextStep::Retry => "retry",
            NextStep::Wait => "wait",
            NextStep::Rebuild => "rebuild",
            NextStep::Skip => "skip",
            NextStep::TellUser => "tell-user",
            NextStep::Stop => "stop",
            NextStep::Gone => "gone",
            NextStep::Unsupported => "unsupported",
        }
    }
}

macro_rules! contract {
    ($($interface:ident { $(fn $name:ident($($arg:ident: $type:ty),*) -> $result:ty;)* })*) => {
        $(pub(crate) mod $interface {
            #[allow(unused_imports, reason = "not every interface has types of its own")]
            pub(crate) use kinora_guests::bindings::kinora::shim::$interface::*;
            use kinora_guests::bindings::kinora::shim::$interface as shim;
            use super::{Answer as _, CALLS};

            $(pub(crate) fn $name($($arg: $type),*) -> $result {
                let answer = shim::$name($($arg),*);
                let key = (concat!(stringify!($interface), ".", stringify!($name)), answer.word());
                CALLS.with_borrow_mut(|calls| *calls.entry(key).or_default() += 1);
                answer
            })*
        })*
    };
}

contract! {
    timeline {
        fn create(tag: u64) -> Result<u64, Failure>;
        fn close(timeline: u64) -> Result<(), Failure>;
        fn live() -> Vec<Status>;
        fn seek(timeline: u64, to_us: i64, exact: bool) -> Result<u64, Failure>;
        fn step(timeline: u64, frames: i32) -> Result<u64, Failure>;
        fn play(timeline: u64) -> Result<(), Failure>;
        fn pause(timeline: u64) -> Result<(), Failure>;
        fn set_rate(timeline: u64, permille: i32) -> Result<(), Failure>;
        fn set_gain(timeline: u64, permille: u32) -> Result<(), Failure>;
        fn tune(timeline: u64, tuning: &Tuning) -> Result<(), Failure>;
    }
    streams {
        fn append(stream: u64, seek: u64, tag: u64, samples: &[Sample], body: &[u8]) -> Result<u32, Failure>;
        fn remove(stream: u64, from_dts_us: i64) -> Result<(), Failure>;
        fn end(stream: u64, seek: u64) -> Result<(), Failure>;
        fn enable(stream: u64, on: bool) -> Result<(), Failure>;
        fn close(stream: u64) -> Result<(), Failure>;
    }
    video {
        fn open(timeline: u64, config: &Config) -> Result<u64, Failure>;
        fn configure(stream: u64, config: &Config) -> Result<(), Failure>;
    }
    audio {
        fn open(timeline: u64, config: &Config) -> Result<u64, Failure>;
        fn configure(stream: u64, config: &Config) -> Result<(), Failure>;
    }
    display {
        fn commit(base: u64, next: u64, patch: &[u8]) -> Result<(), Failure>;
        fn put_image(key: u64, format: u32, w: u32, h: u32, bytes: &[u8]) -> Result<u64, Failure>;
        fn update_image(key: u64, x: u32, y: u32, w: u32, h: u32, bytes: &[u8]) -> Result<(), Failure>;
        fn missing_images(keys: &[u64]) -> Vec<u64>;
        fn drop_image(key: u64) -> ();
    }
    net {
        fn fetch(request: &Request) -> Result<u64, Failure>;
        fn credit(ticket: u64, bytes: u32) -> ();
        fn cancel(ticket: u64) -> ();
        fn live() -> Vec<u64>;
    }
    storage {
        fn get(key: &str) -> Option<Vec<u8>>;
        fn keys(prefix: &str) -> Vec<String>;
        fn apply(batch: &[(String, Option<Vec<u8>>)]) -> Result<u64, Failure>;
    }
    shell {
        fn set_fullscreen(on: bool) -> Result<(), Failure>;
        fn pick_file() -> Result<(), Failure>;
        fn set_title(title: &str) -> Result<(), Failure>;
        fn set_cursor(visible: bool) -> Result<(), Failure>;
        fn set_awake(on: bool) -> Result<(), Failure>;
        fn set_now_playing(now: &NowPlaying) -> Result<(), Failure>;
        fn builds() -> Vec<Build>;
        fn choose_build(id: &str) -> Result<(), Failure>;
        fn exit(status: u32) -> ();
    }
    device {
        fn has(feature: &str) -> bool;
        fn facts() -> Vec<(String, String)>;
    }
    log {
        fn write(level: u32, message: &str) -> ();
        fn measure(name: &str, value: i64) -> ();
    }
}
