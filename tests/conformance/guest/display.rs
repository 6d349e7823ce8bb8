//! `display`: what is committed is what the driver sees.

use std::cell::Cell;

use kinora_display_list::{Fill, Image, Layer, Node, Rect, RoundRect, encode};
use kinora_guests::bindings::exports::kinora::shim::player::Event;
use kinora_guests::bindings::kinora::shim::types::NextStep;

use crate::api::display;
use crate::report::{Verdict, mark, must};
use crate::running::{event, first, next_call, sleep, trap};

const RED: u32 = 0xe0_10_20_ff;
const BLUE: u32 = 0x10_20_e0_ff;
const GREEN: u32 = 0x10_c0_20_ff;

thread_local! {
    static GENERATION: Cell<u64> = const { Cell::new(0) };
}

/// Shows these layers and nothing else.
pub(crate) fn show(layers: &[Layer]) -> Verdict {
    change(0, layers)
}

/// Replaces these layers of what is shown.
fn change(base: u64, layers: &[Layer]) -> Verdict {
    // Generations of two instances must not meet.
    let next = GENERATION.get().max(crate::running::now()) + 1;
    display::commit(base, next, &encode(layers)).map_err(|e| e.message)?;
    GENERATION.set(next);
    Ok(())
}

fn rect(x: i32, y: i32, w: i32, h: i32) -> Rect {
    Rect { x: x * 1000, y: y * 1000, w: w * 1000, h: h * 1000 }
}

/// A layer that fills a rectangle of whole pixels.
pub(crate) fn filled(id: u32, at: (i32, i32, i32, i32), color: u32) -> Layer {
    let rect = rect(at.0, at.1, at.2, at.3);
    let node = Node::Rect(RoundRect { rect, radius: 0, fill: Fill::Solid(color), border: (0, 0) });
    Layer { id, z: id as i32, nodes: vec![node] }
}

fn image(id: u32, key: u64, at: (i32, i32, i32, i32)) -> Layer {
    let rect = rect(at.0, at.1, at.2, at.3);
    let node = Node::Image(Image { key, rect, source: (0, 0, 0, 0), radius: 0, tint: 0xffff_ffff });
    Layer { id, z: id as i32, nodes: vec![node] }
}

fn solid(w: u32, h: u32, color: u32) -> Vec<u8> {
    color.to_be_bytes().repeat((w * h) as usize)
}

/// Puts an image and waits for the answer.
pub(crate) async fn put(key: u64, w: u32, h: u32, color: u32) -> Verdict {
    let ticket = display::put_image(key, 2, w, h, &solid(w, h, color)).map_err(|e| e.message)?;
    let answer = event(5_000_000, |event| match event {
        Event::Image((t, failure)) if *t == ticket => Some(failure.is_none()),
        _ => None,
    });
    must(answer.await == Some(true), "an image that was put is answered without failure")
}

/// Four corners of four colours; the driver compares pixels.
pub(crate) async fn commit_place() -> Verdict {
    show(&[
        filled(1, (0, 0, 320, 180), 0x20_20_20_ff),
        filled(2, (10, 20, 60, 40), RED),
        filled(3, (200, 20, 60, 40), GREEN),
        filled(4, (10, 110, 60, 40), BLUE),
        filled(5, (200, 110, 61, 41), 0xf0_f0_f0_ff),
        // Half of it lets the dark ground through.
        filled(6, (110, 70, 60, 30), 0xff_ff_ff_80),
    ])?;
    sleep(1_000_000).await;
    mark("shown");
    sleep(500_000).await;
    Ok(())
}

/// Two halves change colour together, twenty times; the driver never sees them differ. A malformed patch changes nothing.
pub(crate) async fn commit_atomic() -> Verdict {
    let halves = |color| [filled(1, (0, 0, 100, 100), color), filled(2, (100, 0, 100, 100), color)];
    show(&halves(RED))?;
    for n in 0..20 {
        sleep(100_000).await;
        change(GENERATION.get(), &halves(if n % 2 == 0 { BLUE } else { RED }))?;
    }
    sleep(300_000).await;
    mark("red");
    let mut patch = encode(&halves(GREEN));
    patch.truncate(patch.len() - 3);
    let refused = display::commit(GENERATION.get(), 1 << 60, &patch);
    must(refused.is_err_and(|e| e.next == NextStep::Rebuild), "a malformed patch fails with `rebuild`")?;
    sleep(500_000).await;
    mark("still-red");
    sleep(300_000).await;
    Ok(())
}

/// A wrong base changes nothing and fails with `rebuild`.
pub(crate) async fn commit_base() -> Verdict {
    show(&[filled(1, (0, 0, 100, 100), RED)])?;
    let old = GENERATION.get();
    sleep(500_000).await;
    change(old, &[filled(1, (0, 0, 100, 100), RED)])?;
    let right = GENERATION.get();
    for wrong in [old, right + 1, u64::MAX] {
        let refused = display::commit(wrong, 1 << 60, &encode(&[filled(1, (0, 0, 100, 100), BLUE)]));
        must(refused.is_err_and(|e| e.next == NextStep::Rebuild), "a wrong base fails with `rebuild`")?;
        next_call().await;
    }
    mark("red");
    sleep(500_000).await;
    // The right base still is.
    change(right, &[filled(2, (100, 0, 100, 100), GREEN)])?;
    sleep(500_000).await;
    mark("red-green");
    sleep(300_000).await;
    Ok(())
}

/// An image of an earlier instance is there and is drawn.
pub(crate) async fn image_survives() -> Verdict {
    const KEY: u64 = 0x1234_5678_9abc_def0;
    if first() {
        put(KEY, 64, 64, GREEN).await?;
        trap("").await;
    }
    must(display::missing_images(&[KEY]).is_empty(), "an image is lost with the instance that put it")?;
    show(&[image(1, KEY, (20, 20, 64, 64))])?;
    sleep(700_000).await;
    mark("green");
    sleep(300_000).await;
    Ok(())
}

/// A block in the middle of an image changes, and nothing beside it; what does not fit is refused.
pub(crate) async fn update_exact() -> Verdict {
    put(7, 48, 48, RED).await?;
    show(&[image(1, 7, (20, 20, 48, 48))])?;
    next_call().await;
    display::update_image(7, 16, 16, 16, 16, &solid(16, 16, BLUE)).map_err(|e| e.message)?;
    next_call().await;
    for (x, y, w, h, len) in
        [(40, 0, 16, 16, 1024), (0, 40, 16, 16, 1024), (0, 0, 16, 16, 1020), (u32::MAX, 0, 2, 2, 16)]
    {
        let refused = display::update_image(7, x, y, w, h, &vec![0; len]);
        must(
            refused.is_err_and(|e| e.next == NextStep::Skip && e.code == 1),
            "what does not fit is refused",
        )?;
    }
    let gone = display::update_image(8, 0, 0, 1, 1, &[0; 4]);
    must(gone.is_err_and(|e| e.next == NextStep::Gone), "an image that is not there cannot be changed")?;
    sleep(700_000).await;
    mark("block");
    sleep(300_000).await;
    Ok(())
}

/// Exactly the keys that are not held.
pub(crate) async fn missing_exact() -> Verdict {
    let keys = [1, 2, 3, 4, u64::MAX];
    must(display::missing_images(&keys) == keys, "keys never put are missing, in the order asked")?;
    put(2, 8, 8, RED).await?;
    put(u64::MAX, 8, 8, RED).await?;
    must(display::missing_images(&keys) == [1, 3, 4], "keys that were put are not missing")?;
    // In place of another one.
    put(2, 16, 4, BLUE).await?;
    must(display::missing_images(&[2]).is_empty(), "an image that replaced another is held")?;
    must(display::missing_images(&[]).is_empty(), "of no keys none is missing")
}

/// A dropped image is missing and draws nothing until it is put again.
pub(crate) async fn drop_missing() -> Verdict {
    put(5, 32, 32, GREEN).await?;
    show(&[image(1, 5, (20, 20, 32, 32))])?;
    sleep(700_000).await;
    mark("green");
    sleep(300_000).await;
    display::drop_image(5);
    next_call().await;
    must(display::missing_images(&[5]) == [5], "a dropped image is missing")?;
    sleep(700_000).await;
    mark("black");
    sleep(300_000).await;
    put(5, 32, 32, BLUE).await?;
    must(display::missing_images(&[5]).is_empty(), "an image put again is not missing")
}
