//! The colours a person sees, through the whole player: the picture on the screen against FFmpeg's conversion of the same file, for each
//! matrix, range, depth, rotation and pixel shape, as the container and the codec state them.

use std::path::Path;
use std::process::Command;

use kinora_tests::{Media, Screen, make, play};
use libtest_mimic::{Arguments, Failed, Trial};

/// A clip of one picture that lasts until the controls are gone, each frame a key frame like the others.
struct Case {
    media: Media,
    /// How large it is displayed.
    size: (u32, u32),
    /// Whether chroma has fewer samples than luma, so that it matters where they stand.
    subsampled: bool,
}

/// Seconds at which the controls are gone.
const LOOK_AT: &str = "7";

const fn case(name: &'static str, args: &'static str, size: (u32, u32), subsampled: bool) -> Case {
    Case { media: Media { name, args }, size, subsampled }
}

/// The picture made in RGB, so that every format and matrix gets what belongs to it, then told to the encoder.
macro_rules! still {
    ($format:literal, $matrix:literal, $range:literal, $encode:literal) => {
        concat!(
            "-f lavfi -i testsrc2=s=320x180:r=2,loop=loop=-1:size=1,trim=duration=9,format=gbrp,",
            "scale=flags=bilinear+accurate_rnd+full_chroma_int+full_chroma_inp:out_color_matrix=",
            $matrix,
            ":out_range=",
            $range,
            ":out_h_chr_pos=0:out_v_chr_pos=128,format=",
            $format,
            " -g 1 ",
            $encode
        )
    };
}

const PLAIN: (u32, u32) = (320, 180);

const CASES: &[Case] = &[
    case("h264_bt601_untold.mp4", still!("yuv420p", "bt601", "limited", "-c:v libx264 -qp 12"), PLAIN, true),
    case(
        "h264_bt709.mp4",
        still!(
            "yuv420p",
            "bt709",
            "limited",
            "-c:v libx264 -qp 12 -colorspace bt709 -color_primaries bt709 -color_trc bt709"
        ),
        PLAIN,
        true,
    ),
    case(
        "h264_bt709_full_range.mkv",
        still!(
            "yuvj420p",
            "bt709",
            "full",
            "-c:v libx264 -qp 12 -colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range pc"
        ),
        PLAIN,
        true,
    ),
    case(
        "h264_444.mp4",
        still!(
            "yuv444p",
            "bt709",
            "limited",
            "-c:v libx264 -qp 12 -colorspace bt709 -color_primaries bt709 -color_trc bt709"
        ),
        PLAIN,
        false,
    ),
    case(
        "hevc_bt2020_10bit.mp4",
        still!(
            "yuv420p10le",
            "bt2020",
            "limited",
            "-c:v libx265 -x265-params log-level=none:qp=12:keyint=1:colormatrix=bt2020nc:colorprim=bt709:transfer=bt709 -tag:v hvc1 -colorspace bt2020nc"
        ),
        PLAIN,
        true,
    ),
    case(
        "vp9_bt709.webm",
        still!(
            "yuv420p",
            "bt709",
            "limited",
            "-c:v libvpx-vp9 -lossless 1 -deadline realtime -cpu-used 8 -colorspace bt709 -color_primaries bt709 -color_trc bt709"
        ),
        PLAIN,
        true,
    ),
    case(
        "av1_bt709_10bit.mp4",
        still!(
            "yuv420p10le",
            "bt709",
            "limited",
            "-c:v libsvtav1 -preset 12 -qp 20 -colorspace bt709 -color_primaries bt709 -color_trc bt709"
        ),
        PLAIN,
        true,
    ),
    case(
        "h264_turned.mp4",
        still!(
            "yuv444p",
            "bt709",
            "limited",
            "-c:v libx264 -qp 12 -colorspace bt709 -color_primaries bt709 -color_trc bt709 THEN -c copy -metadata:s:v:0 rotate=90"
        ),
        (180, 320),
        false,
    ),
    case(
        "h264_wide_pixels.ts",
        still!(
            "yuv420p",
            "bt709",
            "limited",
            "-aspect 64:27 -c:v libx264 -qp 12 -colorspace bt709 -color_primaries bt709 -color_trc bt709"
        ),
        (427, 180),
        true,
    ),
];

fn main() {
    let arguments = Arguments::from_args();
    let trials =
        CASES.iter().map(|case| Trial::test(case.media.name, move || check(case).map_err(Failed::from)));
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

fn check(case: &Case) -> Result<(), String> {
    let file = make(&case.media)?;
    let expected = expected(case, &file)?;
    let size = format!("{}x{}", case.size.0, case.size.1);
    let shot = format!("{LOOK_AT}=seen.png");
    let args = ["--size", &size, "--screenshot", &shot, "--until", "8"];
    let played = play(&format!("colors/{}", case.media.name), &file.to_string_lossy(), &args);
    let seen =
        std::fs::read(played.folder.join("seen.png")).map_err(|e| format!("{e}: {}", played.stderr))?;
    let Some(why) = expected.difference(&Screen::from_png(&seen)?) else { return Ok(()) };
    let wanted = played.folder.join("expected.png");
    std::fs::write(&wanted, expected.to_png()).map_err(|e| e.to_string())?;
    Err(format!("{why}: {} instead of {}", played.folder.join("seen.png").display(), wanted.display()))
}

/// FFmpeg's conversion of the picture shown then, told to be exact and where chroma is sited: as H.264 and HEVC mean when they say
/// nothing.
fn expected(case: &Case, file: &Path) -> Result<Screen, String> {
    let (width, height) = case.size;
    let siting = if case.subsampled { ":in_h_chr_pos=0:in_v_chr_pos=128" } else { "" };
    let flags = "bilinear+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact";
    let filters = format!(
        "select=gte(t\\,{LOOK_AT}),scale={width}:{height}:flags={flags}{siting},format=gbrp,format=rgb24"
    );
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(file)
        .args(["-vf", &filters, "-frames:v", "1", "-f", "rawvideo", "-"])
        .output()
        .map_err(|e| format!("ffmpeg: {e}"))?;
    if output.stdout.len() != (width * height * 3) as usize {
        return Err(format!("ffmpeg: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(Screen { width, height, rgb: output.stdout })
}
