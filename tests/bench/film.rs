//! The film everything is measured with: its pictures carry their number as a barcode that survives scaling and colours.

use std::path::PathBuf;

use kinora_tests::{Media, Screen, make};

/// Frames from one key frame to the next.
pub(crate) const GOP: u32 = 61;
/// Frames a second.
pub(crate) const FPS: u32 = 30;
/// Seconds.
pub(crate) const SECONDS: u32 = 120;
/// Cells of the barcode, across the whole picture: white, black, the number's bits from the highest, black, white.
const CELLS: u32 = 20;
const BITS: u32 = 16;

/// The recipe of a film of which each picture carries its number; `$over` is done to the test pattern.
macro_rules! numbered {
    ($over:literal) => {
        concat!(
            "-f lavfi -i testsrc2=size=1920x1080:rate=30:duration=120 \
        -f lavfi -i color=black:size=20x2:rate=30:duration=120 \
        -f lavfi -i sine=frequency=440:beep_factor=4:sample_rate=48000:duration=120 \
        -filter_complex [1]format=gray,geq=lum='255*if(between(X,2,17),mod(floor(N/pow(2,17-X)),2),eq(X,0)+eq(X,19))',\
scale=1920:72:flags=neighbor[code];[0]",
            $over,
            "[picture];[picture][code]overlay=0:360,format=yuv420p[out] \
        -map [out] -map 2 -c:v libx264 -preset veryfast -b:v 6M -g 61 -keyint_min 61 -sc_threshold 0 \
        -c:a aac -ac 2 -b:a 128k -movflags +faststart"
        )
    };
}

/// 1080p30 H.264 with B-frames and a key frame every two seconds, so that no tenth of its length but the first is one; AAC stereo.
const FILM: Media = Media { name: "film.mp4", args: numbered!("noise=alls=8:allf=t") };

/// The same, black where controls show: whatever is seen there is theirs.
const BLACK_BELOW: Media = Media {
    name: "black-below.mp4",
    args: numbered!("noise=alls=8:allf=t,drawbox=y=780:h=300:color=black:t=fill"),
};

/// The film, made once.
pub(crate) fn film() -> Result<PathBuf, String> {
    make(&FILM)
}

/// The film that is black where controls show.
pub(crate) fn black_below() -> Result<PathBuf, String> {
    make(&BLACK_BELOW)
}

/// Height at which the barcode's middle is, of a picture shown so high.
pub(crate) fn code_y(height: u32) -> u32 {
    height * (360 + 36) / 1080
}

/// The number a line across the barcode shows; none if it shows something else.
pub(crate) fn number(line: &Screen) -> Option<u32> {
    let cell = |index: u32| line.pixel((2 * index + 1) * line.width / (2 * CELLS), 0)[1];
    // Whatever lies over it darkens white and brightens black.
    let (white, black) = (cell(0).min(cell(CELLS - 1)), cell(1).max(cell(CELLS - 2)));
    let middle = white.checked_sub(black).filter(|contrast| *contrast > 64)? / 2 + black;
    Some((2..2 + BITS).fold(0, |number, index| number << 1 | u32::from(cell(index) > middle)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(cells: impl Fn(u32) -> u8) -> Screen {
        let width = 640;
        let rgb = (0..width).flat_map(|x| [cells(x * CELLS / width); 3]).collect();
        Screen { width, height: 1, rgb }
    }

    #[test]
    fn number_of_a_dimmed_code_is_read_and_of_anything_else_is_none() {
        let value = 0b1010_0000_0110_0001;
        let code = |index: u32| match index {
            0 | 19 => 180,
            2..=17 if value >> (17 - index) & 1 == 1 => 175,
            _ => 20,
        };
        assert_eq!(number(&line(code)), Some(value));
        assert_eq!(number(&line(|_| 0)), None);
        assert_eq!(number(&line(|index| index as u8 * 12)), None);
    }
}
