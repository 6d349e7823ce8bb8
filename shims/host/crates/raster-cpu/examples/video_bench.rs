//! Milliseconds of one core to scale and convert a 1080p frame: `cargo run --release -p kinora-raster-cpu --example video_bench`.
//! Beside it: `ffmpeg -benchmark -threads 1 -f lavfi -i testsrc2=s=1920x1080,format=yuv420p -frames:v 300 -vf scale=1280:720,format=bgra -f null -`
//! less the same without the filters.

use std::sync::Arc;
use std::time::Instant;

use kinora_display_list::{Bounds, Draw, Fit, Shape};
use kinora_port::{Cicp, ImageStore, Picture, PixelFormat, Plane, UiRaster, VideoFrame};
use kinora_raster_cpu::{Canvas, CpuRaster};

fn frame(format: PixelFormat, bytes: usize, transfer: u8) -> Arc<VideoFrame> {
    let ramp = |at: usize| (at / 20 % 64 + 96) as u16 * if bytes == 2 { 4 } else { 1 };
    let plane = |w: usize, h: usize| Plane {
        // A slanted ramp of 64 levels around the middle.
        data: Arc::new(
            (0..w * h)
                .flat_map(|i| ramp(i % w + 2 * (i / w)).to_le_bytes().into_iter().take(bytes))
                .collect::<Vec<u8>>(),
        ),
        offset: 0,
        stride: w * bytes,
    };
    let planes = match format {
        PixelFormat::Nv12 => vec![plane(1920, 1080), plane(1920, 540)],
        _ => vec![plane(1920, 1080), plane(960, 540), plane(960, 540)],
    };
    Arc::new(VideoFrame {
        pts_us: 0,
        duration_us: 0,
        width: 1920,
        height: 1080,
        format,
        planes,
        par: (1, 1),
        rotation_deg: 0,
        cicp: Cicp { transfer, ..Cicp::default() },
    })
}

fn main() {
    let images = ImageStore::new(0);
    let kinds = [
        ("yuv420p", PixelFormat::Yuv420p, 1, 2),
        ("nv12", PixelFormat::Nv12, 1, 2),
        ("yuv420p10", PixelFormat::Yuv420p10, 2, 2),
        ("yuv420p10 pq", PixelFormat::Yuv420p10, 2, 16),
    ];
    for (name, format, bytes, transfer) in kinds {
        for (width, height) in [(1920u32, 1080u32), (1280, 720), (2560, 1440)] {
            let frames = [frame(format, bytes, transfer), frame(format, bytes, transfer)];
            let rect = Bounds { x: 0.0, y: 0.0, w: width as f32, h: height as f32 };
            let draws = [Draw { clip: None, shape: Shape::Video { timeline: 1, rect, fit: Fit::Contain } }];
            let mut pixels = vec![0u32; (width * height) as usize];
            let mut raster = CpuRaster::default();
            let mut times: Vec<f64> = (0..60)
                .map(|i| {
                    let videos = [(1, Some(frames[i % 2].clone()))];
                    let picture =
                        Picture { width_px: width, height_px: height, draws: &draws, videos: &videos };
                    let mut canvas =
                        Canvas::new(&mut pixels, width, height, width as usize).expect("large enough");
                    let start = Instant::now();
                    raster.draw(&picture, &images, &mut canvas);
                    start.elapsed().as_secs_f64() * 1000.0
                })
                .collect();
            times.sort_by(f64::total_cmp);
            println!(
                "{name:>14} 1920x1080 -> {width}x{height}: median {:.2} ms, best {:.2} ms",
                times[30], times[0]
            );
        }
    }
}
