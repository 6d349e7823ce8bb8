//! Small films, since an emulated processor decodes them.

use std::path::PathBuf;

use kinora_tests::{Media, Screen, make};

/// Twenty seconds of moving bars with noise, which sounds like itself at no other time.
const BARS: Media = Media {
    name: "bars.mp4",
    args: "-f lavfi -i testsrc2=s=320x180:r=15:d=20 -f lavfi -i anoisesrc=c=pink:a=0.5:r=48000:d=20:seed=7 \
           -c:v libx264 -preset fast -g 15 -pix_fmt yuv420p -c:a aac -b:a 128k -movflags +faststart",
};

/// Six minutes of grey, a little lighter every two seconds; long enough that its position is remembered for other days too.
const CLOCK: Media = Media {
    name: "clock.mp4",
    args: "-f lavfi -i color=s=320x180:r=15:d=360,geq=lum='30+floor(T/2)':cb=128:cr=128 \
           -f lavfi -i anoisesrc=c=pink:a=0.1:r=48000:d=360:seed=8 \
           -c:v libx264 -preset fast -g 15 -qp 4 -pix_fmt yuv420p -c:a aac -b:a 64k -movflags +faststart",
};

/// The film to look at and listen to.
pub(crate) fn bars() -> Result<PathBuf, String> {
    make(&BARS)
}

/// The film that tells its time.
pub(crate) fn clock() -> Result<PathBuf, String> {
    make(&CLOCK)
}

/// The time in seconds, two at a time, that a picture of [`clock`] is of, if it is one.
pub(crate) fn second(screen: &Screen) -> Option<u32> {
    // A place that the interface leaves free.
    let [r, g, b] = screen.pixel(screen.width / 2, screen.height / 3);
    if r.abs_diff(g) > 1 || g.abs_diff(b) > 1 {
        return None;
    }
    // Video range to full range (ITU-T H.273, `VideoFullRangeFlag` 0).
    let luma = f64::from(g) * 219.0 / 255.0 + 16.0;
    let second = (luma - 30.0).round() * 2.0;
    (0.0..360.0).contains(&second).then_some(second as u32)
}
