//! Every import of the contract on its way from the component to what does it, past the trace.

use crate::bindings::{audio, device, display, log, net, shell, storage, streams, timeline, types, video};
use crate::instance::State;
use crate::trace::Value;

type Answer<T> = Result<T, types::Failure>;

/// `fn NAME(ARGUMENTS) -> RESULT = WHAT_DOES_IT` for each function of each interface.
macro_rules! contract {
    ($($interface:ident {
        $(fn $name:ident($($arg:ident: $type:ty),*) -> $result:ty = $does:ident;)*
    })*) => {
        $(impl $interface::Host for State {
            $(fn $name(&mut self, $(mut $arg: $type),*) -> wasmtime::Result<$result> {
                const FUNCTION: &str = concat!(stringify!($interface), ".", stringify!($name));
                if let Some(recorded) = self.tap.begin(FUNCTION, |_args| { $(_args.add(&$arg);)* }, describe)? {
                    return Ok(recorded);
                }
                // In a product there is none, and nothing is copied.
                let edge = self.edge.clone();
                let answer = edge.as_ref().and_then(|edge| edge.import(FUNCTION, &mut [$(&mut $arg),*]));
                let mut result = match answer {
                    Some(answer) => answer,
                    None => self.$does($($arg),*),
                };
                if let Some(edge) = &edge {
                    edge.answer(FUNCTION, &mut result);
                }
                self.tap.end(&result);
                Ok(result)
            })*
        })*

        /// A call as people read it.
        pub(crate) fn describe(function: &str, args: &[Value]) -> String {
            let mut values = args.iter();
            let mut shown: Vec<String> = Vec::new();
            match function {
                $($(concat!(stringify!($interface), ".", stringify!($name)) => {
                    $(shown.extend(values.next().map(|value| {
                        format!("{}: {}", stringify!($arg), value.show::<$type>())
                    }));)*
                })*)*
                _ => shown.push("a function this shim does not know".into()),
            }
            format!("{function}({})", shown.join(", "))
        }
    };
}

contract! {
    timeline {
        fn create(tag: u64) -> Answer<u64> = timeline_create;
        fn close(timeline: u64) -> Answer<()> = timeline_close;
        fn live() -> Vec<timeline::Status> = timeline_live;
        fn seek(timeline: u64, to_us: i64, exact: bool) -> Answer<u64> = timeline_seek;
        fn step(timeline: u64, frames: i32) -> Answer<u64> = timeline_step;
        fn play(timeline: u64) -> Answer<()> = timeline_play;
        fn pause(timeline: u64) -> Answer<()> = timeline_pause;
        fn set_rate(timeline: u64, permille: i32) -> Answer<()> = timeline_set_rate;
        fn set_gain(timeline: u64, linear_permille: u32) -> Answer<()> = timeline_set_gain;
        fn tune(timeline: u64, tuning: timeline::Tuning) -> Answer<()> = timeline_tune;
    }
    streams {
        fn append(stream: u64, seek: u64, tag: u64, samples: Vec<streams::Sample>, body: Vec<u8>)
            -> Answer<u32> = streams_append;
        fn remove(stream: u64, from_dts_us: i64) -> Answer<()> = streams_remove;
        fn end(stream: u64, seek: u64) -> Answer<()> = streams_end;
        fn enable(stream: u64, on: bool) -> Answer<()> = streams_enable;
        fn close(stream: u64) -> Answer<()> = streams_close;
    }
    video {
        fn open(timeline: u64, config: video::Config) -> Answer<u64> = video_open;
        fn configure(stream: u64, config: video::Config) -> Answer<()> = video_configure;
    }
    audio {
        fn open(timeline: u64, config: audio::Config) -> Answer<u64> = audio_open;
        fn configure(stream: u64, config: audio::Config) -> Answer<()> = audio_configure;
    }
    display {
        fn commit(base: u64, next: u64, patch: Vec<u8>) -> Answer<()> = display_commit;
        fn put_image(key: u64, format: u32, width: u32, height: u32, bytes: Vec<u8>) -> Answer<u64> = display_put_image;
        fn update_image(key: u64, x: u32, y: u32, w: u32, h: u32, bytes: Vec<u8>) -> Answer<()> = display_update_image;
        fn missing_images(keys: Vec<u64>) -> Vec<u64> = display_missing_images;
        fn drop_image(key: u64) -> () = display_drop_image;
    }
    net {
        fn fetch(request: net::Request) -> Answer<u64> = net_fetch;
        fn credit(ticket: u64, bytes: u32) -> () = net_credit;
        fn cancel(ticket: u64) -> () = net_cancel;
        fn live() -> Vec<u64> = net_live;
    }
    storage {
        fn get(key: String) -> Option<Vec<u8>> = storage_get;
        fn keys(prefix: String) -> Vec<String> = storage_keys;
        fn apply(batch: Vec<(String, Option<Vec<u8>>)>) -> Answer<u64> = storage_apply;
    }
    shell {
        fn set_fullscreen(on: bool) -> Answer<()> = shell_set_fullscreen;
        fn pick_file() -> Answer<()> = shell_pick_file;
        fn set_title(title: String) -> Answer<()> = shell_set_title;
        fn set_cursor(visible: bool) -> Answer<()> = shell_set_cursor;
        fn set_awake(on: bool) -> Answer<()> = shell_set_awake;
        fn set_now_playing(now: shell::NowPlaying) -> Answer<()> = shell_set_now_playing;
        fn builds() -> Vec<shell::Build> = shell_builds;
        fn choose_build(id: String) -> Answer<()> = shell_choose_build;
        fn exit(status: u32) -> () = shell_exit;
    }
    device {
        fn has(feature: String) -> bool = device_has;
        fn facts() -> Vec<(String, String)> = device_facts;
    }
    log {
        fn write(level: u32, message: String) -> () = log_write;
        fn measure(name: String, value: i64) -> () = log_measure;
    }
}
