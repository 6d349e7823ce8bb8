//! What the screen shows, as a film: a picture for each change, in a folder, named by its host time in microseconds.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kinora_host::Stage;
use kinora_port::{HostUs, Picture, UiRaster};
use kinora_raster_cpu::{Canvas, CpuRaster};

use crate::faults::Seeded;

/// Writes what is shown whenever it has changed.
pub(crate) struct Film {
    folder: PathBuf,
    last: Vec<u32>,
}

impl Film {
    pub(crate) fn create(folder: &Path) -> Result<Self, String> {
        std::fs::create_dir_all(folder).map_err(|e| format!("cannot write {}: {e}", folder.display()))?;
        Ok(Film { folder: folder.to_path_buf(), last: Vec::new() })
    }

    /// Looks at the screen. Answers when it next changes by itself.
    pub(crate) fn look(
        &mut self,
        stage: &Arc<Stage>,
        size: (u32, u32),
        seeded: &Seeded,
        now: HostUs,
    ) -> Result<Option<HostUs>, String> {
        let (pixels, next) = draw(stage, size, seeded, now);
        if pixels != self.last {
            let path = self.folder.join(format!("{now:012}.png"));
            write_png(&path, size, &pixels).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
            self.last = pixels;
        }
        Ok(next)
    }
}

/// Draws what the screen shows as `0xAARRGGBB` pixels, and says when it next changes by itself.
fn draw(
    stage: &Stage,
    (width, height): (u32, u32),
    seeded: &Seeded,
    now: HostUs,
) -> (Vec<u32>, Option<HostUs>) {
    let images = stage.images();
    let scene = stage.scene(now, 0);
    let picture = Picture { width_px: width, height_px: height, draws: &scene.draws, videos: &scene.videos };
    let mut pixels = vec![0; width as usize * height as usize];
    let mut canvas = Canvas::new(&mut pixels, width, height, width as usize).expect("it is large enough");
    CpuRaster::default().draw(&picture, &images, &mut canvas);
    seeded.picture(&mut pixels, width as usize);
    (pixels, scene.next_change)
}

/// Writes what the screen shows as PNG.
pub(crate) fn screenshot(
    stage: &Stage,
    size: (u32, u32),
    seeded: &Seeded,
    now: HostUs,
    path: &Path,
) -> Result<(), String> {
    let (pixels, _) = draw(stage, size, seeded, now);
    write_png(path, size, &pixels).map_err(|e| format!("cannot write {}: {e}", path.display()))
}

fn write_png(path: &Path, (width, height): (u32, u32), pixels: &[u32]) -> Result<(), png::EncodingError> {
    let file = std::io::BufWriter::new(std::fs::File::create(path)?);
    let mut encoder = png::Encoder::new(file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Fast);
    let rgb: Vec<u8> = pixels.iter().flat_map(|p| [(p >> 16) as u8, (p >> 8) as u8, *p as u8]).collect();
    encoder.write_header()?.write_image_data(&rgb)
}
