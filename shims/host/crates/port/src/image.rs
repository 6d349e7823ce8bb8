use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Failure, Next, code};

/// Widest and highest image kept: what every GLES 3 device can hold as a texture with room to spare is 2048, TVs of this decade 4096.
pub const MAX_IMAGE_SIDE: u32 = 4096;

/// How an image's pixels are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageFormat {
    /// Coverage, a byte a pixel.
    A8,
    /// Red, green, blue, alpha; premultiplied sRGB.
    Rgba8,
}

impl ImageFormat {
    /// Bytes of a pixel.
    pub fn pixel_len(self) -> usize {
        match self {
            ImageFormat::A8 => 1,
            ImageFormat::Rgba8 => 4,
        }
    }
}

/// An image: rows from the top, without padding.
#[derive(Debug)]
pub struct StoredImage {
    /// Layout of `pixels`.
    pub format: ImageFormat,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// `width * height` pixels.
    pub pixels: Vec<u8>,
    /// Unique in the process and new whenever the pixels change: what a texture made of them is cached by.
    pub generation: u64,
    /// Stamp of the last use, for eviction.
    used: AtomicU64,
}

/// Images by content key (`display.put-image`), the least recently used evicted beyond a byte budget.
///
/// Written on the core's thread, read on the presenter's: the host keeps it in a lock. Nothing here blocks or decodes; encoded images
/// are decoded elsewhere and put as RGBA8.
#[derive(Debug)]
pub struct ImageStore {
    images: BTreeMap<u64, StoredImage>,
    budget_bytes: usize,
    bytes: usize,
    clock: AtomicU64,
}

impl ImageStore {
    /// An empty store that holds at most `budget_bytes` of pixels.
    pub fn new(budget_bytes: usize) -> Self {
        ImageStore { images: BTreeMap::new(), budget_bytes, bytes: 0, clock: AtomicU64::new(0) }
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }

    /// Puts or replaces an image, evicting others if it must.
    pub fn put(
        &mut self,
        key: u64,
        format: ImageFormat,
        width: u32,
        height: u32,
        pixels: Vec<u8>,
    ) -> Result<(), Failure> {
        let sides = 1..=MAX_IMAGE_SIDE;
        if !sides.contains(&width) || !sides.contains(&height) {
            return Err(invalid(format!("an image cannot be {width} x {height} pixels")));
        }
        if pixels.len() != width as usize * height as usize * format.pixel_len() {
            return Err(invalid("the image's bytes do not match its size".into()));
        }
        if pixels.len() > self.budget_bytes {
            return Err(Failure::new(
                Next::Skip,
                code::OVER_BUDGET,
                "the image is larger than the image memory",
            ));
        }
        self.drop_image(key);
        while self.bytes + pixels.len() > self.budget_bytes {
            let oldest = self.images.iter().min_by_key(|(_, image)| image.used.load(Ordering::Relaxed));
            let Some((&oldest, _)) = oldest else { break };
            self.drop_image(oldest);
        }
        self.bytes += pixels.len();
        let (generation, used) = (self.tick(), AtomicU64::new(self.tick()));
        self.images.insert(key, StoredImage { format, width, height, pixels, generation, used });
        Ok(())
    }

    /// Replaces the rectangle at (`x`, `y`) of an image by `pixels` of its format.
    pub fn update(
        &mut self,
        key: u64,
        (x, y, w, h): (u32, u32, u32, u32),
        pixels: &[u8],
    ) -> Result<(), Failure> {
        let now = self.tick();
        let image = self.images.get_mut(&key).ok_or_else(|| Failure::gone("image", key))?;
        let inside = |at: u32, len: u32, side: u32| at.checked_add(len).is_some_and(|end| end <= side);
        let pixel = image.format.pixel_len();
        let fits = inside(x, w, image.width) && inside(y, h, image.height);
        if !fits || pixels.len() != w as usize * h as usize * pixel {
            return Err(invalid("the rectangle does not fit the image".into()));
        }
        if pixels.is_empty() {
            return Ok(());
        }
        let (row, stride) = (w as usize * pixel, image.width as usize * pixel);
        for (line, source) in pixels.chunks_exact(row).enumerate() {
            let at = (y as usize + line) * stride + x as usize * pixel;
            image.pixels[at..at + row].copy_from_slice(source);
        }
        image.generation = now;
        Ok(())
    }

    /// Frees an image; unknown keys are none.
    pub fn drop_image(&mut self, key: u64) {
        if let Some(image) = self.images.remove(&key) {
            self.bytes -= image.pixels.len();
        }
    }

    /// The image, which thereby counts as used.
    pub fn get(&self, key: u64) -> Option<&StoredImage> {
        let image = self.images.get(&key)?;
        image.used.store(self.tick(), Ordering::Relaxed);
        Some(image)
    }

    /// Those of `keys` that are not held; the others count as used, since the core is about to draw them.
    pub fn missing(&self, keys: &[u64]) -> Vec<u64> {
        keys.iter().copied().filter(|&key| self.get(key).is_none()).collect()
    }
}

fn invalid(message: String) -> Failure {
    Failure::new(Next::Skip, code::INVALID, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> ImageStore {
        let mut store = ImageStore::new(12);
        for key in [1, 2, 3] {
            store.put(key, ImageFormat::A8, 2, 2, vec![key as u8; 4]).unwrap();
        }
        store
    }

    #[test]
    fn put_beyond_budget_evicts_least_recently_used() {
        let mut store = store();
        store.get(1);
        store.put(4, ImageFormat::Rgba8, 1, 1, vec![0; 4]).unwrap();
        assert_eq!(store.missing(&[1, 2, 3, 4]), [2]);
        let over = store.put(5, ImageFormat::Rgba8, 2, 2, vec![0; 16]).unwrap_err();
        assert_eq!((over.code, store.missing(&[1, 3, 4])), (code::OVER_BUDGET, vec![]));
    }

    #[test]
    fn put_of_wrong_size_is_refused() {
        let mut store = store();
        for (w, h, len) in [(2, 2, 3), (0, 1, 0), (MAX_IMAGE_SIDE + 1, 1, 4097)] {
            assert_eq!(store.put(9, ImageFormat::A8, w, h, vec![0; len]).unwrap_err().code, code::INVALID);
        }
    }

    #[test]
    fn update_changes_rectangle_and_generation() {
        let mut store = store();
        let before = store.get(1).unwrap().generation;
        store.update(1, (1, 0, 1, 2), &[8, 9]).unwrap();
        let image = store.get(1).unwrap();
        assert_eq!(image.pixels, [1, 8, 1, 9]);
        assert_ne!(image.generation, before);
        assert_eq!(store.update(1, (1, 0, 2, 1), &[8, 9]).unwrap_err().next, Next::Skip);
        assert_eq!(store.update(1, (u32::MAX, 0, 2, 1), &[8, 9]).unwrap_err().next, Next::Skip);
        assert_eq!(store.update(7, (0, 0, 1, 1), &[8]).unwrap_err().next, Next::Gone);
    }
}
