//! Where an item was left, and the choices worth remembering, in `storage`.

use kinora_bytes::Cursor;
use kinora_time::{MediaUs, SECOND_US};

use crate::shim::Shim;
use crate::status::Sound;

/// Shorter items start anew: finding the place again by hand takes less time than wondering why it starts in the middle.
const MIN_DURATION_US: MediaUs = 300 * SECOND_US;
/// Whoever left within the opening has not begun.
const MIN_POSITION_US: MediaUs = 30 * SECOND_US;
/// From here on it counts as seen: the closing titles of films take about the last twentieth.
const SEEN_PERMILLE: i64 = 950;
/// Items remembered; the one stored longest ago goes first. About 20 bytes each, far under the megabyte of `storage`.
const MAX_ITEMS: usize = 500;
const PREFIX: &str = "resume.";
const SETTINGS: &str = "settings";
const VERSION: u8 = 1;

/// Choices that outlive a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) sound: Sound,
    /// Captions shown (with their language) or switched off by hand; none when the person never chose.
    pub(crate) captions: Option<CaptionsChoice>,
}

/// What the person chose about captions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CaptionsChoice {
    Off,
    Language(String),
}

/// The position to resume `url` at.
pub(crate) fn position(url: &str, shim: &mut dyn Shim) -> Option<MediaUs> {
    let value = shim.stored_value(&key(url))?;
    let mut cursor = Cursor::new(&value);
    (cursor.u8()? == VERSION).then(|| cursor.i64_le()).flatten()
}

/// Remembers that `url` was left at `position_us` after its start, or forgets it when it is as good as seen or not worth it.
pub(crate) fn remember(url: &str, position_us: MediaUs, duration_us: Option<MediaUs>, shim: &mut dyn Shim) {
    let Some(duration_us) = duration_us.filter(|duration| *duration >= MIN_DURATION_US) else { return };
    let seen = position_us.saturating_mul(1000) / duration_us >= SEEN_PERMILLE;
    if seen || position_us < MIN_POSITION_US {
        return forget(url, shim);
    }
    let key = key(url);
    let mut batch = Vec::new();
    let keys = shim.stored_keys(PREFIX);
    let mut serials: Vec<(u64, String)> = keys
        .into_iter()
        .map(|key| (shim.stored_value(&key).and_then(|v| serial(&v)).unwrap_or(0), key))
        .collect();
    serials.sort();
    let next = serials.last().map_or(0, |(serial, _)| serial.saturating_add(1));
    let surplus = serials.len().saturating_sub(MAX_ITEMS - 1);
    batch.extend(serials.into_iter().take(surplus).map(|(_, key)| (key, None)));
    let mut value = vec![VERSION];
    value.extend_from_slice(&position_us.to_le_bytes());
    value.extend_from_slice(&next.to_le_bytes());
    batch.push((key, Some(value)));
    store(&batch, shim);
}

/// Forgets where `url` was left.
pub(crate) fn forget(url: &str, shim: &mut dyn Shim) {
    let key = key(url);
    if shim.stored_value(&key).is_some() {
        store(&[(key, None)], shim);
    }
}

/// The settings of earlier sessions.
pub(crate) fn settings(shim: &mut dyn Shim) -> Settings {
    shim.stored_value(SETTINGS).and_then(|value| decode_settings(&value)).unwrap_or_default()
}

/// Keeps the settings for later sessions.
pub(crate) fn keep_settings(settings: &Settings, shim: &mut dyn Shim) {
    let mut value = vec![VERSION];
    value.extend_from_slice(&settings.sound.volume_permille.to_le_bytes());
    value.push(u8::from(settings.sound.muted));
    match &settings.captions {
        None => value.push(0),
        Some(CaptionsChoice::Off) => value.push(1),
        Some(CaptionsChoice::Language(language)) => {
            value.push(2);
            value.extend_from_slice(language.as_bytes());
        }
    }
    store(&[(SETTINGS.to_owned(), Some(value))], shim);
}

fn decode_settings(value: &[u8]) -> Option<Settings> {
    let mut cursor = Cursor::new(value);
    if cursor.u8()? != VERSION {
        return None;
    }
    let volume_permille = cursor.u32_le()?.min(1000);
    let muted = cursor.u8()? != 0;
    let captions = match cursor.u8()? {
        0 => None,
        1 => Some(CaptionsChoice::Off),
        _ => Some(CaptionsChoice::Language(String::from_utf8_lossy(cursor.rest()).into_owned())),
    };
    Some(Settings { sound: Sound { volume_permille, muted }, captions })
}

fn store(batch: &[(String, Option<Vec<u8>>)], shim: &mut dyn Shim) {
    if let Err(failure) = shim.store(batch) {
        shim.log(2, &format!("cannot remember: {}", failure.message));
    }
}

fn serial(value: &[u8]) -> Option<u64> {
    let mut cursor = Cursor::new(value);
    cursor.skip(9)?;
    cursor.u64_le()
}

/// FNV-1a, 64 bits: addresses stay out of the store, and two that collide cost no more than a wrong position.
fn key(url: &str) -> String {
    let hash = url
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{PREFIX}{hash:016x}")
}
