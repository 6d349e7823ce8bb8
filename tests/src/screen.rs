//! Pictures: reading them, and telling whether two show the same.

/// Most that a channel of a pixel may differ where nothing else is said.
const CHANNEL: u8 = 2;
/// Pixels in a thousand that may differ more: edges of shapes.
const PERMILLE: usize = 1;

/// A picture as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screen {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Red, green, blue; line by line.
    pub rgb: Vec<u8>,
}

impl Screen {
    /// Reads a PNG without alpha.
    pub fn from_png(bytes: &[u8]) -> Result<Self, String> {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
            .read_info()
            .map_err(|e| format!("no picture: {e}"))?;
        let mut rgb = vec![0; reader.output_buffer_size().ok_or("a picture too large")?];
        let info = reader.next_frame(&mut rgb).map_err(|e| format!("no picture: {e}"))?;
        rgb.truncate(info.buffer_size());
        Ok(Screen { width: info.width, height: info.height, rgb })
    }

    /// Reads a PPM of three bytes a pixel ("P6", ppm(5)) without comments, as QEMU writes it.
    pub fn from_ppm(bytes: &[u8]) -> Result<Self, String> {
        let mut words = bytes.splitn(5, u8::is_ascii_whitespace);
        let mut word = || words.next().and_then(|word| std::str::from_utf8(word).ok());
        let (kind, width, height, most) = (word(), word(), word(), word());
        let number = |word: Option<&str>| word.and_then(|word| word.parse::<u32>().ok());
        let (Some("P6"), Some(width), Some(height), Some("255")) =
            (kind, number(width), number(height), most)
        else {
            return Err("no PPM of bytes".into());
        };
        let rgb = words.next().unwrap_or_default().to_vec();
        if rgb.len() as u64 != u64::from(width) * u64::from(height) * 3 {
            return Err(format!("{} bytes of a picture of {width}x{height}", rgb.len()));
        }
        Ok(Screen { width, height, rgb })
    }

    /// Writes it as PNG, for people to look at.
    pub fn to_png(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header().expect("memory can be written");
        writer.write_image_data(&self.rgb).expect("there are as many bytes as pixels");
        writer.finish().expect("memory can be written");
        bytes
    }

    /// What is different in `seen`, as a sentence; `None` if a person would call them equal.
    pub fn difference(&self, seen: &Screen) -> Option<String> {
        self.difference_over(CHANNEL, seen)
    }

    /// The same, where a channel may differ by as much as `most`.
    pub fn difference_over(&self, most: u8, seen: &Screen) -> Option<String> {
        if (self.width, self.height) != (seen.width, seen.height) {
            let (w, h) = (seen.width, seen.height);
            return Some(format!("{w}x{h} instead of {}x{}", self.width, self.height));
        }
        let pairs = self.rgb.chunks_exact(3).zip(seen.rgb.chunks_exact(3));
        let off = pairs.filter(|(a, b)| a.iter().zip(*b).any(|(a, b)| a.abs_diff(*b) > most)).count();
        let all = self.rgb.len() / 3;
        (off * 1000 > all * PERMILLE).then(|| format!("{off} of {all} pixels differ"))
    }

    /// The part of it in the top left corner, at most so large.
    pub fn corner(&self, width: u32, height: u32) -> Screen {
        let (width, height) = (width.min(self.width), height.min(self.height));
        let lines = self.rgb.chunks_exact(self.width as usize * 3).take(height as usize);
        let rgb = lines.flat_map(|line| &line[..width as usize * 3]).copied().collect();
        Screen { width, height, rgb }
    }

    /// One pixel.
    pub fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        let at = (y as usize * self.width as usize + x as usize) * 3;
        [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]]
    }
}
