//! The GPU raster draws what the CPU raster draws.

use std::sync::Arc;

use kinora_display_list::{Bounds, Draw, Fit, Shape};
use kinora_port::{Cicp, ImageStore, Picture, PixelFormat, VideoFrame};
use kinora_raster_gpu::offscreen::Offscreen;

use crate::colors::FORMATS;
use crate::scenes;
use crate::support::{Pixels, assert_close, frame, on_cpu, video_draws};

fn gpu() -> Option<Offscreen> {
    let gpu = Offscreen::new();
    match &gpu {
        Some(gpu) => println!("on {}", gpu.name()),
        None => println!("skipped: there is no GPU adapter"),
    }
    gpu
}

fn on_gpu(gpu: &mut Offscreen, picture: &Picture<'_>, images: &ImageStore) -> Pixels {
    let words = gpu.draw(picture, images).expect("the device lives");
    Pixels { width: picture.width_px, height: picture.height_px, words }
}

#[test]
fn scenes_on_gpu_and_cpu_agree() {
    let Some(mut gpu) = gpu() else { return };
    for scene in scenes::all() {
        let actual = scene.show(|picture, images| on_gpu(&mut gpu, picture, images));
        actual.save(&format!("{}-gpu", scene.name));
        // Edges of shapes may round differently: a step more, and on few pixels.
        assert_close(scene.name, &actual, &scene.show(on_cpu), 2, 1.0);
    }
}

/// A frame of any format with smooth and sharp parts.
fn pattern(format: PixelFormat, width: u32, height: u32, cicp: Cicp) -> VideoFrame {
    let deep = matches!(
        format,
        PixelFormat::Yuv420p10
            | PixelFormat::Yuv422p10
            | PixelFormat::Yuv444p10
            | PixelFormat::P010
            | PixelFormat::Gray10
    );
    let (w, h) = (width as usize, height as usize);
    let (half_w, half_h) = (w.div_ceil(2), h.div_ceil(2));
    use PixelFormat::*;
    let sizes: &[(usize, usize)] = match format {
        Yuv420p | Yuv420p10 => &[(w, h), (half_w, half_h), (half_w, half_h)],
        Yuv422p | Yuv422p10 => &[(w, h), (half_w, h), (half_w, h)],
        Yuv444p | Yuv444p10 | Gbrp => &[(w, h); 3],
        Nv12 | P010 => &[(w, h), (2 * half_w, half_h)],
        Gray8 | Gray10 => &[(w, h)],
    };
    let mut raw = Vec::new();
    for (plane, &(w, h)) in sizes.iter().enumerate() {
        for i in 0..w * h {
            let (x, y) = (i % w, i / w);
            let block = if (x / 9 + y / 7) % 3 == 0 { 240 } else { 0 };
            let value = (200 + block + (x * 300 / w) + (y * 200 / h) + 37 * plane) as u16;
            match (deep, format) {
                (true, P010) => raw.extend((value << 6).to_le_bytes()),
                (true, _) => raw.extend(value.to_le_bytes()),
                _ => raw.push((value / 4) as u8),
            }
        }
    }
    frame(format, width, height, raw, cicp)
}

fn compare(gpu: &mut Offscreen, name: &str, frame: VideoFrame, size: (u32, u32), fit: Fit, step: u8) {
    let draws = video_draws(size.0, size.1, fit);
    let videos = [(1, Some(Arc::new(frame)))];
    let picture = Picture { width_px: size.0, height_px: size.1, draws: &draws, videos: &videos };
    let images = ImageStore::new(0);
    let actual = on_gpu(gpu, &picture, &images);
    assert_close(name, &actual, &on_cpu(&picture, &images), step, 1.0);
}

#[test]
fn video_of_every_format_on_gpu_and_cpu_agrees() {
    let Some(mut gpu) = gpu() else { return };
    let sdr = Cicp { matrix: 1, ..Cicp::default() };
    for (format, name) in FORMATS {
        let same = pattern(format, 161, 91, sdr);
        compare(&mut gpu, &format!("gpu-{name}"), same.clone(), (161, 91), Fit::Fill, 2);
        compare(&mut gpu, &format!("gpu-{name}-larger"), same, (401, 200), Fit::Cover, 2);
    }
}

#[test]
fn video_turned_and_hdr_on_gpu_and_cpu_agrees() {
    let Some(mut gpu) = gpu() else { return };
    for rotation_deg in [90, 180, 270] {
        for (format, name) in [FORMATS[0], FORMATS[1], FORMATS[7]] {
            let turned = VideoFrame { rotation_deg, ..pattern(format, 160, 90, Cicp::default()) };
            compare(&mut gpu, &format!("gpu-{name}-{rotation_deg}"), turned, (180, 180), Fit::Contain, 2);
        }
    }
    for transfer in [16, 18] {
        let cicp = Cicp { transfer, primaries: 9, matrix: 9, full_range: false };
        let hdr = pattern(PixelFormat::Yuv420p10, 160, 90, cicp);
        compare(&mut gpu, &format!("gpu-hdr-{transfer}"), hdr, (160, 90), Fit::Contain, 2);
    }
}

#[test]
fn video_in_bars_over_another_on_gpu_and_cpu_agrees() {
    let Some(mut gpu) = gpu() else { return };
    let below = pattern(FORMATS[0].0, 160, 90, Cicp::default());
    let above = pattern(FORMATS[1].0, 60, 40, Cicp::default());
    let mut draws = video_draws(160, 120, Fit::Cover);
    let rect = Bounds { x: 20.0, y: 10.0, w: 80.0, h: 100.0 };
    draws.push(Draw { clip: None, shape: Shape::Video { timeline: 2, rect, fit: Fit::Contain } });
    let videos = [(1, Some(Arc::new(below))), (2, Some(Arc::new(above)))];
    let picture = Picture { width_px: 160, height_px: 120, draws: &draws, videos: &videos };
    let images = ImageStore::new(0);
    let actual = on_gpu(&mut gpu, &picture, &images);
    // Above the picture and in its rectangle, where the other would show.
    assert_eq!(actual.words[15 * 160 + 60] & 0x00ff_ffff, 0);
    assert_close("gpu-bars", &actual, &on_cpu(&picture, &images), 2, 1.0);
}
