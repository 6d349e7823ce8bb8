//! The card a shim shows when no core runs. It knows no fonts: its words are a picture (`assets/card.sh`).

use std::io::Read;

use kinora_display_list::{Color, Fill, Image, Layer, Node, Rect, RoundRect, encode};
use kinora_port::ImageFormat;

use crate::stage::Stage;

/// The words as coverage, compressed.
const WORDS: &[u8] = include_bytes!("card.a8.zst");
const SIZE: (u32, u32) = (880, 160);
/// No core gives its images this key, and the card shows only when there is none.
const KEY: u64 = u64::MAX;
/// The interface's own (`theme::SURFACE`).
const BACKGROUND: Color = 0x0B0D_10FF;
const TEXT: Color = 0xF2F2_F2FF;

/// Shows the card on a surface of so many pixels, in the place of everything else.
pub(crate) fn show(stage: &Stage, width_px: u32, height_px: u32) {
    let mut pixels = Vec::new();
    let unpacked = zstd::Decoder::new(WORDS).and_then(|mut words| words.read_to_end(&mut pixels));
    unpacked.expect("the picture was packed with the program");
    let milli = |px: u32| i32::try_from(px.min(1 << 20) * 1000).unwrap_or(i32::MAX);
    let full = Rect { x: 0, y: 0, w: milli(width_px), h: milli(height_px) };
    // Whole pixels where there is room for them.
    let w = SIZE.0.min(width_px * 9 / 10);
    let h = SIZE.1 * w / SIZE.0;
    let at = Rect {
        x: milli(width_px.saturating_sub(w) / 2),
        y: milli(height_px.saturating_sub(h) / 2),
        w: milli(w),
        h: milli(h),
    };
    let background = Node::Rect(RoundRect {
        rect: full,
        radius: 0,
        fill: Fill::Solid(BACKGROUND),
        border: (0, BACKGROUND),
    });
    let words = Node::Image(Image { key: KEY, rect: at, source: (0, 0, 0, 0), radius: 0, tint: TEXT });
    // Even without its words the card is no frozen picture.
    let _ = stage.images_mut().put(KEY, ImageFormat::A8, SIZE.0, SIZE.1, pixels);
    let mut list = stage.list();
    let next = list.generation() + 1;
    let patch = encode(&[Layer { id: 0, z: 0, nodes: vec![background, words] }]);
    list.apply(0, next, &patch).expect("the card is a well-formed list");
}
