use kinora_port::PixelRect;

/// Pixels to draw on: `0xFFRRGGBB` words (BGRX bytes on little-endian machines), rows from the top. Only where a film is left out the first
/// byte is an alpha below 255.
pub struct Canvas<'a> {
    pixels: &'a mut [u32],
    width: u32,
    height: u32,
    stride: usize,
}

impl<'a> Canvas<'a> {
    /// Wraps a buffer whose rows begin every `stride` words. `None` when the buffer is too small for the size.
    pub fn new(pixels: &'a mut [u32], width: u32, height: u32, stride: usize) -> Option<Canvas<'a>> {
        let needed = match height {
            0 => 0,
            _ => stride.checked_mul(height as usize - 1)?.checked_add(width as usize)?,
        };
        (stride >= width as usize && pixels.len() >= needed).then_some(Canvas {
            pixels,
            width,
            height,
            stride,
        })
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// `len` pixels of row `y` from `x` on.
    pub(crate) fn row(&mut self, y: u32, x: u32, len: u32) -> &mut [u32] {
        let at = y as usize * self.stride + x as usize;
        &mut self.pixels[at..at + len as usize]
    }

    pub(crate) fn fill(&mut self, area: PixelRect, color: u32) {
        for y in area.y..area.y + area.h {
            self.row(y, area.x, area.w).fill(color);
        }
    }
}
