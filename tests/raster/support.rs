//! Frames, pictures and comparing them.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use kinora_display_list::{Bounds, Draw, Fit, Shape};
use kinora_port::{Cicp, ImageStore, Picture, PixelFormat, Plane, UiRaster, VideoFrame};
use kinora_raster_cpu::{Canvas, CpuRaster};

/// A picture's pixels, `0xFFRRGGBB`.
pub(crate) struct Pixels {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) words: Vec<u32>,
}

impl Pixels {
    pub(crate) fn of_rgb24(width: u32, height: u32, bytes: &[u8]) -> Pixels {
        assert_eq!(bytes.len(), (width * height * 3) as usize);
        let word = |p: &[u8]| u32::from_be_bytes([255, p[0], p[1], p[2]]);
        Pixels { width, height, words: bytes.chunks_exact(3).map(word).collect() }
    }

    /// Writes a PNG for a person to look at; returns its path.
    pub(crate) fn save(&self, name: &str) -> PathBuf {
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("raster");
        std::fs::create_dir_all(&dir).expect("target directory");
        let path = dir.join(format!("{name}.png"));
        let file = std::fs::File::create(&path).expect("target directory");
        let mut encoder = png::Encoder::new(std::io::BufWriter::new(file), self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        let bytes: Vec<u8> = self.words.iter().flat_map(|w| w.to_be_bytes()[1..].to_vec()).collect();
        encoder.write_header().and_then(|mut w| w.write_image_data(&bytes)).expect("png");
        path
    }

    /// Parts in a thousand of the pixels that differ by more than `step` in a component, and the largest difference.
    pub(crate) fn differing(&self, other: &Pixels, step: u8) -> (f64, u8) {
        assert_eq!((self.width, self.height), (other.width, other.height));
        let (mut count, mut worst) = (0usize, 0);
        for (a, b) in self.words.iter().zip(&other.words) {
            let apart = a.to_be_bytes().into_iter().zip(b.to_be_bytes()).map(|(a, b)| a.abs_diff(b));
            let apart = apart.max().unwrap_or(0);
            worst = worst.max(apart);
            count += usize::from(apart > step);
        }
        (count as f64 * 1000.0 / self.words.len() as f64, worst)
    }
}

/// Fails with both pictures saved when more than `permille` of the pixels differ by more than `step`.
pub(crate) fn assert_close(name: &str, actual: &Pixels, expected: &Pixels, step: u8, permille: f64) {
    let (part, worst) = actual.differing(expected, step);
    println!("{name}: {part:.3} permille differ by more than {step}, at most by {worst}");
    if part > permille {
        let (actual, expected) =
            (actual.save(&format!("{name}-actual")), expected.save(&format!("{name}-expected")));
        panic!("{name}: {part} permille of pixels differ: {} {}", actual.display(), expected.display());
    }
}

/// What `ffmpeg` writes to its output; `None` (with a word on why) where there is no ffmpeg.
pub(crate) fn ffmpeg(args: &[&str]) -> Option<Vec<u8>> {
    let run = Command::new("ffmpeg").args(["-v", "error", "-nostdin"]).args(args).output();
    let Ok(output) = run else {
        println!("skipped: there is no ffmpeg");
        return None;
    };
    assert!(output.status.success(), "ffmpeg {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

/// A frame of tightly packed planes, as `-f rawvideo` writes them.
pub(crate) fn frame(format: PixelFormat, width: u32, height: u32, raw: Vec<u8>, cicp: Cicp) -> VideoFrame {
    use PixelFormat::*;
    let (w, h) = (width as usize, height as usize);
    let (half_w, half_h) = (w.div_ceil(2), h.div_ceil(2));
    let rows: &[(usize, usize)] = match format {
        Yuv420p | Yuv420p10 => &[(w, h), (half_w, half_h), (half_w, half_h)],
        Yuv422p | Yuv422p10 => &[(w, h), (half_w, h), (half_w, h)],
        Yuv444p | Yuv444p10 | Gbrp => &[(w, h); 3],
        Nv12 | P010 => &[(w, h), (2 * half_w, half_h)],
        Gray8 | Gray10 => &[(w, h)],
    };
    let deep = matches!(format, Yuv420p10 | Yuv422p10 | Yuv444p10 | P010 | Gray10);
    let data: Arc<Vec<u8>> = Arc::new(raw);
    let mut offset = 0;
    let planes = rows.iter().map(|&(samples, lines)| {
        let stride = samples * if deep { 2 } else { 1 };
        let plane = Plane { data: data.clone(), offset, stride };
        offset += stride * lines;
        plane
    });
    let planes: Vec<Plane> = planes.collect();
    assert_eq!(offset, data.len());
    VideoFrame {
        pts_us: 0,
        duration_us: 0,
        width,
        height,
        format,
        planes,
        par: (1, 1),
        rotation_deg: 0,
        cicp,
    }
}

/// The whole surface showing one video.
pub(crate) fn video_draws(width: u32, height: u32, fit: Fit) -> Vec<Draw> {
    let rect = Bounds { x: 0.0, y: 0.0, w: width as f32, h: height as f32 };
    vec![Draw { clip: None, shape: Shape::Video { timeline: 1, rect, fit } }]
}

/// The picture as the CPU raster draws it.
pub(crate) fn on_cpu(picture: &Picture<'_>, images: &ImageStore) -> Pixels {
    let (width, height) = (picture.width_px, picture.height_px);
    let mut words = vec![0; (width * height) as usize];
    let mut canvas = Canvas::new(&mut words, width, height, width as usize).expect("large enough");
    CpuRaster::default().draw(picture, images, &mut canvas);
    Pixels { width, height, words }
}
