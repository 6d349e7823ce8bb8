//! The conformance kit's core: one component, the same on every shim, that tests the shim it runs on.
//!
//! It is told what to test by the address it is asked to play, whose last part is `CHECK@PORT` (`?run=N` on later runs), and says what
//! it found in log lines that begin with `kit: `. A guest judges what a guest can see; what only eyes, ears and the operating system see is
//! the driver's to judge, by the times (`mark`) and words (`note`) given here.
//!
//! A check is an async function: it waits for events and times, and is polled once in each `handle`.

mod api;
mod device;
mod display;
mod film;
mod lifecycle;
mod net;
mod report;
mod running;
mod shell;
mod sound;
mod start;
mod storage;
mod streams;
mod timeline;
mod timing;
mod video;

use std::pin::Pin;

use report::Verdict;

kinora_guests::bindings::export!(Kit with_types_in kinora_guests::bindings);

/// The component.
struct Kit;

type Check = Pin<Box<dyn Future<Output = Verdict>>>;

macro_rules! checks {
    ($($name:literal => $function:path,)*) => {
        /// The check of a name.
        fn find(name: &str) -> Option<Check> {
            match name {
                $($name => Some(Box::pin($function())),)*
                _ => None,
            }
        }
    };
}

checks! {
    "link" => start::link,
    "player.start-first" => start::start_first,
    "player.handle-order" => start::handle_order,
    "player.snapshot-after-checkpoint" => start::snapshot_after_checkpoint,
    "player.handle-input" => start::handle_input,
    "log.write-bounded" => start::write_bounded,
    "log.measure-last" => start::measure_last,
    "device.facts-stable" => device::facts_stable,
    "device.has-honest" => device::has_honest,
    "storage.get-landed" => storage::get_landed,
    "storage.keys-order" => storage::keys_order,
    "storage.apply-atomic" => storage::apply_atomic,
    "storage.stored-durable" => storage::stored_durable,
    "net.fetch-order" => net::fetch_order,
    "net.fetch-denied" => net::fetch_denied,
    "net.credit-bound" => net::credit_bound,
    "net.cancel-silent" => net::cancel_silent,
    "net.live-own" => net::live_own,
    "display.commit-atomic" => display::commit_atomic,
    "display.commit-base" => display::commit_base,
    "display.commit-place" => display::commit_place,
    "display.image-survives" => display::image_survives,
    "display.update-exact" => display::update_exact,
    "display.missing-exact" => display::missing_exact,
    "display.drop-missing" => display::drop_missing,
    "shell.fullscreen-surface" => shell::fullscreen_surface,
    "shell.pick-grants" => shell::pick_grants,
    "shell.title-shown" => shell::title_shown,
    "shell.cursor-surface" => shell::cursor_surface,
    "shell.awake-released" => shell::awake_released,
    "shell.now-playing-last" => shell::now_playing_last,
    "shell.builds-one" => shell::builds_one,
    "shell.choose-build-marked" => shell::choose_build_marked,
    "shell.exit-status" => shell::exit_status,
    "audio.open-no-device" => sound::open_no_device,
    "audio.configure-seamless" => sound::configure_seamless,
    "timeline.gain-linear" => sound::gain_linear,
    "timeline.rate-pitch" => sound::rate_pitch,
    "streams.append-order" => streams::append_order,
    "streams.append-stale" => streams::append_stale,
    "streams.append-room" => streams::append_room,
    "streams.remove-tail" => streams::remove_tail,
    "streams.end-drains" => streams::end_drains,
    "streams.enable-seamless" => streams::enable_seamless,
    "streams.close-others" => streams::close_others,
    "video.open-unsupported" => video::open_unsupported,
    "video.open-picture" => video::open_picture,
    "video.configure-seamless" => video::configure_seamless,
    "timeline.create-distinct" => timeline::create_distinct,
    "timeline.create-limit" => timeline::create_limit,
    "timeline.close-gone" => timeline::close_gone,
    "timeline.seek-ticket" => timeline::seek_ticket,
    "timeline.seek-no-replay" => timeline::seek_no_replay,
    "timeline.seek-buffered" => timeline::seek_buffered,
    "timeline.step-one" => timeline::step_one,
    "timeline.play-anchor" => timeline::play_anchor,
    "timeline.pause-holds" => timeline::pause_holds,
    "timeline.tune-start" => timeline::tune_start,
    "timeline.live-survives" => lifecycle::live_survives,
    "player.start-repeats" => lifecycle::start_repeats,
    "player.handle-atomic" => lifecycle::handle_atomic,
    "player.handle-limit" => lifecycle::handle_limit,
    "soak" => lifecycle::soak,
    "timing.play" => timing::play,
    "timing.input" => timing::input,
    "timing.rest" => timing::rest,
}
