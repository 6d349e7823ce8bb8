//! The interface over a change of the core: what shows goes on showing.
//!
//! Layout, little-endian: flags u8; the instant at which the controls hide u64; hit id of the focused control u64; pointer x i32, y i32; the
//! volume shown, permille u32, and until when u64; how far captions are raised, pixels i32; until when a notice shows u64, and its text in UTF-8.

use kinora_bytes::Cursor;
use kinora_time::HostUs;

use super::{Brief, Screen, Ui};
use crate::anim::{Fade, Tween};
use crate::focus::Control;
use crate::view::View;

const CONTROLS: u8 = 1;
const FOCUS_VISIBLE: u8 = 2;
const VOLUME: u8 = 4;
const MUTED: u8 = 8;
const NOTICE: u8 = 16;
/// Longest notice that is kept, bytes.
const MAX_NOTICE: usize = 500;
/// No screen is higher, pixels.
const MAX_RAISE: i32 = 1 << 15;

impl Ui {
    /// What the next instance on this screen is to show as well. A menu or a drag ends.
    pub fn snapshot(&self) -> Vec<u8> {
        let ((volume, muted), notice) = (self.volume.what, &self.notice.what);
        let flags = [
            (self.controls.shown(), CONTROLS),
            (self.focus_visible, FOCUS_VISIBLE),
            (self.volume.fade.shown(), VOLUME),
            (muted, MUTED),
            (self.notice.fade.shown(), NOTICE),
        ];
        let mut out = vec![flags.iter().filter(|(set, _)| *set).map(|(_, flag)| flag).sum()];
        out.extend_from_slice(&self.hide_at_us.to_le_bytes());
        out.extend_from_slice(&self.focus.id().to_le_bytes());
        out.extend_from_slice(&self.pointer_at.0.to_le_bytes());
        out.extend_from_slice(&self.pointer_at.1.to_le_bytes());
        out.extend_from_slice(&volume.to_le_bytes());
        out.extend_from_slice(&self.volume.until_us.to_le_bytes());
        out.extend_from_slice(&self.raise.target().to_le_bytes());
        out.extend_from_slice(&self.notice.until_us.to_le_bytes());
        out.extend_from_slice(&notice.as_bytes()[..notice.floor_char_boundary(MAX_NOTICE)]);
        out
    }

    /// Goes on from a snapshot before the first frame: nothing in `view` is news. What cannot be read is as if nothing had shown.
    pub fn resume(&mut self, snapshot: &[u8], now: HostUs, view: &View<'_>) {
        let Some(shown) = Shown::read(snapshot) else { return };
        self.enter(now, view);
        self.run_timers(now, view);
        self.pointer_at = shown.pointer_at;
        self.focus_visible = shown.has(FOCUS_VISIBLE);
        let plain = |focus: &Control| !matches!(focus, Control::Item(_) | Control::Menu);
        if let Some(focus) = Control::of(shown.focus).filter(plain) {
            self.focus = focus;
        }
        if self.screen == Screen::Player {
            self.controls = fade(shown.has(CONTROLS));
            self.hide_at_us = shown.hide_at_us;
            self.raise = Tween::at(shown.raise);
        }
        let volume = (shown.volume, shown.has(MUTED));
        self.volume = Brief { what: volume, fade: fade(shown.has(VOLUME)), until_us: shown.volume_until_us };
        let (until_us, has_notice) = (shown.notice_until_us, shown.has(NOTICE));
        self.notice = Brief { what: shown.notice, fade: fade(has_notice), until_us };
    }
}

fn fade(shown: bool) -> Fade {
    if shown { Fade::SHOWN } else { Fade::HIDDEN }
}

struct Shown {
    flags: u8,
    hide_at_us: HostUs,
    focus: u64,
    pointer_at: (i32, i32),
    volume: u32,
    volume_until_us: HostUs,
    raise: i32,
    notice_until_us: HostUs,
    notice: String,
}

impl Shown {
    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    fn read(snapshot: &[u8]) -> Option<Shown> {
        let mut cursor = Cursor::new(snapshot);
        Some(Shown {
            flags: cursor.u8()?,
            hide_at_us: cursor.u64_le()?,
            focus: cursor.u64_le()?,
            pointer_at: (cursor.i32_le()?, cursor.i32_le()?),
            volume: cursor.u32_le()?.min(1000),
            volume_until_us: cursor.u64_le()?,
            raise: cursor.i32_le()?.clamp(0, MAX_RAISE),
            notice_until_us: cursor.u64_le()?,
            notice: String::from_utf8(cursor.rest().to_vec()).ok()?,
        })
    }
}
