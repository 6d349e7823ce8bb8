//! System media controls: MPRIS 2.2 on the session bus. What they ask for goes to the core as keys with a meaning.

use std::collections::HashMap;
use std::sync::Arc;

use kinora_host::realtime::Input;
use kinora_port::{HostUs, InputEvent, NowPlaying, meaning};
use winit::event_loop::EventLoopProxy;
use zbus::object_server::SignalEmitter;
use zbus::{Connection, ObjectPath, Variant, connection};

use crate::app::Ask;

const PATH: &str = "/org/mpris/MediaPlayer2";
const NAME: &str = "org.mpris.MediaPlayer2.kinora";
/// The one track there is at a time.
const TRACK: ObjectPath<'static> = ObjectPath::from_static_str_unchecked("/org/kinora/track");

/// Offers the controls. A second player gets a name of its own, as the specification wants.
pub(crate) async fn connect(window: EventLoopProxy<Ask>, input: Arc<Input>) -> zbus::Result<Connection> {
    let build = |name: String| {
        let root = Root { window: window.clone() };
        let controls = Controls { input: Arc::clone(&input), now: NowPlaying::default(), as_of_us: 0 };
        connection::Builder::session().name(name).serve_at(PATH, root).serve_at(PATH, controls).build()
    };
    match build(NAME.into()).await {
        Err(zbus::Error::NameTaken) => build(format!("{NAME}.instance{}", std::process::id())).await,
        result => result,
    }
}

/// Tells listeners what has changed.
pub(crate) async fn set_now_playing(bus: &Connection, now: NowPlaying) -> zbus::Result<()> {
    let controls = bus.object_server().interface::<_, Controls>(PATH).await?;
    let mut at_work = controls.get_mut().await;
    at_work.as_of_us = at_work.input.now();
    let old = std::mem::replace(&mut at_work.now, now);
    let (new, to) = (&at_work.now, controls.signal_emitter());
    if old.kind != new.kind {
        at_work.playback_status_changed(to).await?;
    }
    if (&old.title, &old.artist, old.duration_us) != (&new.title, &new.artist, new.duration_us) {
        at_work.metadata_changed(to).await?;
        at_work.can_seek_changed(to).await?;
    }
    if old.rate_permille != new.rate_permille {
        at_work.rate_changed(to).await?;
    }
    if (old.can_next, old.can_previous) != (new.can_next, new.can_previous) {
        at_work.can_go_next_changed(to).await?;
        at_work.can_go_previous_changed(to).await?;
    }
    // The core tells of a position only when it did not come about by playing on.
    Controls::seeked(to, new.position_us).await
}

struct Root {
    window: EventLoopProxy<Ask>,
}

#[zbus::interface(name = "org.mpris.MediaPlayer2")]
impl Root {
    fn raise(&self) {
        let _ = self.window.send_event(Ask::Raise);
    }
    fn quit(&self) {
        let _ = self.window.send_event(Ask::Close);
    }
    #[zbus(property(emits_changed_signal = "const"))]
    fn can_quit(&self) -> bool {
        true
    }
    #[zbus(property(emits_changed_signal = "const"))]
    fn can_raise(&self) -> bool {
        true
    }
    #[zbus(property(emits_changed_signal = "const"))]
    fn has_track_list(&self) -> bool {
        false
    }
    #[zbus(property(emits_changed_signal = "const"))]
    fn identity(&self) -> &str {
        "Kinora"
    }
    #[zbus(property(emits_changed_signal = "const"))]
    fn desktop_entry(&self) -> &str {
        "kinora"
    }
    #[zbus(property(emits_changed_signal = "const"))]
    fn supported_uri_schemes(&self) -> Vec<&str> {
        vec!["file", "http", "https"]
    }
    #[zbus(property(emits_changed_signal = "const"))]
    fn supported_mime_types(&self) -> Vec<&str> {
        vec!["video/mp4", "video/x-matroska", "video/webm", "video/mp2t", "application/vnd.apple.mpegurl"]
    }
}

struct Controls {
    input: Arc<Input>,
    now: NowPlaying,
    /// When `now` was true.
    as_of_us: HostUs,
}

impl Controls {
    fn press(&self, meaning: u32) {
        self.input.press(meaning, String::new());
    }

    fn seek_to(&self, position_us: i64) {
        let end = self.now.duration_us.unwrap_or(i64::MAX).max(0);
        self.input.press(meaning::SEEK_TO, position_us.clamp(0, end).to_string());
    }
}

#[zbus::interface(name = "org.mpris.MediaPlayer2.Player")]
impl Controls {
    fn play(&self) {
        self.press(meaning::PLAY);
    }
    fn pause(&self) {
        self.press(meaning::PAUSE);
    }
    fn play_pause(&self) {
        self.press(meaning::PLAY_PAUSE);
    }
    fn stop(&self) {
        self.press(meaning::STOP);
    }
    fn next(&self) {
        self.press(meaning::NEXT);
    }
    fn previous(&self) {
        self.press(meaning::PREVIOUS);
    }
    fn seek(&self, offset_us: i64) {
        self.seek_to(self.position().saturating_add(offset_us));
    }
    fn set_position(&self, track: ObjectPath<'_>, position_us: i64) {
        // A track that is over, or a position outside of it: to be ignored.
        if track == TRACK && (0..=self.now.duration_us.unwrap_or(i64::MAX)).contains(&position_us) {
            self.seek_to(position_us);
        }
    }
    fn open_uri(&self, uri: String) {
        self.input.send(InputEvent::Open { sources: vec![uri], append: false });
    }

    #[zbus(signal)]
    async fn seeked(to: &SignalEmitter<'_>, position_us: i64) -> zbus::Result<()>;

    #[zbus(property)]
    fn playback_status(&self) -> &str {
        match self.now.kind {
            0 => "Stopped",
            1 => "Paused",
            _ => "Playing",
        }
    }
    #[zbus(property)]
    fn metadata(&self) -> HashMap<&str, Variant<'_>> {
        if self.now.kind == 0 {
            return HashMap::new();
        }
        let mut metadata = HashMap::from([
            ("mpris:trackid", Variant::from(TRACK)),
            ("xesam:title", Variant::from(self.now.title.as_str())),
        ]);
        if !self.now.artist.is_empty() {
            metadata.insert("xesam:artist", Variant::from(vec![self.now.artist.as_str()]));
        }
        if let Some(duration_us) = self.now.duration_us {
            metadata.insert("mpris:length", Variant::from(duration_us));
        }
        metadata
    }
    #[zbus(property(emits_changed_signal = "false"))]
    fn position(&self) -> i64 {
        position(&self.now, self.input.now().saturating_sub(self.as_of_us))
    }
    #[zbus(property)]
    fn rate(&self) -> f64 {
        f64::from(self.now.rate_permille.max(1)) / 1000.0
    }
    #[zbus(property(emits_changed_signal = "const"))]
    fn minimum_rate(&self) -> f64 {
        1.0
    }
    #[zbus(property(emits_changed_signal = "const"))]
    fn maximum_rate(&self) -> f64 {
        1.0
    }
    /// The contract has no key that sets a volume.
    #[zbus(property(emits_changed_signal = "const"))]
    fn volume(&self) -> f64 {
        1.0
    }
    #[zbus(property)]
    fn can_go_next(&self) -> bool {
        self.now.can_next
    }
    #[zbus(property)]
    fn can_go_previous(&self) -> bool {
        self.now.can_previous
    }
    #[zbus(property(emits_changed_signal = "const"))]
    fn can_play(&self) -> bool {
        true
    }
    #[zbus(property(emits_changed_signal = "const"))]
    fn can_pause(&self) -> bool {
        true
    }
    #[zbus(property)]
    fn can_seek(&self) -> bool {
        self.now.duration_us.is_some()
    }
    #[zbus(property(emits_changed_signal = "const"))]
    fn can_control(&self) -> bool {
        true
    }
}

/// Where an item is that was told of `age_us` ago.
fn position(now: &NowPlaying, age_us: HostUs) -> i64 {
    let moved = match now.kind {
        2 => i64::try_from(age_us).unwrap_or(i64::MAX).saturating_mul(now.rate_permille.into()) / 1000,
        _ => 0,
    };
    now.position_us.saturating_add(moved).clamp(0, now.duration_us.unwrap_or(i64::MAX).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn position_moves_only_while_playing_and_not_beyond_the_end() {
        let mut now = NowPlaying {
            kind: 2,
            position_us: 1_000_000,
            rate_permille: 1500,
            duration_us: Some(10_000_000),
            ..NowPlaying::default()
        };
        assert_eq!(position(&now, 2_000_000), 4_000_000);
        assert_eq!(position(&now, 60_000_000), 10_000_000);
        now.kind = 1;
        assert_eq!(position(&now, 2_000_000), 1_000_000);
    }
}
