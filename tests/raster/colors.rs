//! Video colours against FFmpeg's conversion of the same frame.
//!
//! The oracle is swscale told to be exact: `accurate_rnd`, chroma interpolated to full size (`full_chroma_int`, `full_chroma_inp`,
//! `bilinear`), and chroma sited left, which is what MPEG-2, H.264 and HEVC mean when they say nothing (its own default is the middle).
//! Without these flags swscale repeats chroma samples and differs from any interpolating player at every coloured edge.

use std::sync::Arc;

use kinora_display_list::Fit;
use kinora_port::{Cicp, ImageStore, Picture, PixelFormat, VideoFrame};

use crate::support::{Pixels, assert_close, ffmpeg, frame, on_cpu, video_draws};

pub(crate) const WIDTH: u32 = 320;
pub(crate) const HEIGHT: u32 = 180;
const SOURCE: &str = "testsrc2=s=320x180,noise=alls=12:allf=t:all_seed=1";

pub(crate) struct Case {
    pub(crate) format: PixelFormat,
    pub(crate) name: &'static str,
    /// H.273 code, FFmpeg's name.
    pub(crate) matrix: (u8, &'static str),
    pub(crate) full_range: bool,
}

impl Case {
    /// The same frame raw and as FFmpeg converts it: scaled to a size, turned by `turn` (a filter).
    pub(crate) fn frame_and_expected(&self, (w, h): (u32, u32), turn: &str) -> Option<(VideoFrame, Vec<u8>)> {
        let range = if self.full_range { "full" } else { "limited" };
        let flags = "flags=bilinear+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact";
        // The pattern is made in RGB, so that every format and matrix gets what belongs to it.
        let encode = format!(
            "{SOURCE},format=gbrp,scale={flags}:out_color_matrix={}:out_range={range}:out_h_chr_pos=0:out_v_chr_pos=128,format={}",
            self.matrix.1, self.name
        );
        let siting = match self.name {
            "yuv420p" | "yuv420p10le" | "nv12" | "p010le" => ":in_h_chr_pos=0:in_v_chr_pos=128",
            "yuv422p" | "yuv422p10le" => ":in_h_chr_pos=0:in_v_chr_pos=0",
            _ => "",
        };
        let decode = format!(
            "{encode},scale={w}:{h}:{flags}:in_color_matrix={}:in_range={range}{siting},format=gbrp{turn},format=rgb24",
            self.matrix.1
        );
        let run =
            |filters: &str| ffmpeg(&["-f", "lavfi", "-i", filters, "-frames:v", "1", "-f", "rawvideo", "-"]);
        let cicp = Cicp { matrix: self.matrix.0, full_range: self.full_range, ..Cicp::default() };
        Some((frame(self.format, WIDTH, HEIGHT, run(&encode)?, cicp), run(&decode)?))
    }
}

fn check(name: &str, frame: VideoFrame, expected: &Pixels) {
    let (width, height) = (expected.width, expected.height);
    let videos = [(1, Some(Arc::new(frame)))];
    let draws = video_draws(width, height, Fit::Contain);
    let picture = Picture { width_px: width, height_px: height, draws: &draws, videos: &videos };
    assert_close(name, &on_cpu(&picture, &ImageStore::new(0)), expected, 2, 1.0);
}

pub(crate) const FORMATS: [(PixelFormat, &str); 11] = [
    (PixelFormat::Yuv420p, "yuv420p"),
    (PixelFormat::Yuv422p, "yuv422p"),
    (PixelFormat::Yuv444p, "yuv444p"),
    (PixelFormat::Yuv420p10, "yuv420p10le"),
    (PixelFormat::Yuv422p10, "yuv422p10le"),
    (PixelFormat::Yuv444p10, "yuv444p10le"),
    (PixelFormat::Nv12, "nv12"),
    (PixelFormat::P010, "p010le"),
    (PixelFormat::Gray8, "gray"),
    (PixelFormat::Gray10, "gray10le"),
    (PixelFormat::Gbrp, "gbrp"),
];

#[test]
fn colors_of_every_format_matrix_and_range_match_ffmpeg() {
    let matrices = [(1, "bt709"), (6, "bt601"), (9, "bt2020")];
    let of_formats =
        FORMATS.map(|(format, name)| Case { format, name, matrix: matrices[0], full_range: name == "gbrp" });
    let of_matrices = [FORMATS[0], FORMATS[3]].into_iter().flat_map(|(format, name)| {
        let both = move |matrix| [false, true].map(|full_range| Case { format, name, matrix, full_range });
        matrices.into_iter().flat_map(both)
    });
    for case in of_formats.into_iter().chain(of_matrices) {
        let Some((frame, rgb)) = case.frame_and_expected((WIDTH, HEIGHT), "") else { return };
        let range = if case.full_range { "full" } else { "limited" };
        let name = format!("{}-{}-{range}", case.name, case.matrix.1);
        check(&name, frame, &Pixels::of_rgb24(WIDTH, HEIGHT, &rgb));
    }
}

/// The same filter as swscale's `bilinear`: linear when enlarging, a triangle when reducing.
#[test]
fn colors_of_scaled_frames_match_ffmpeg() {
    for (format, name) in [FORMATS[0], FORMATS[6], FORMATS[7]] {
        for (w, h) in [(480, 270), (213, 120), (64, 36)] {
            let case = Case { format, name, matrix: (1, "bt709"), full_range: false };
            let Some((frame, rgb)) = case.frame_and_expected((w, h), "") else { return };
            let expected = Pixels::of_rgb24(w, h, &rgb);
            check(&format!("{name}-{w}x{h}"), frame, &expected);
        }
    }
}

#[test]
fn colors_of_turned_frames_match_ffmpeg() {
    for (format, name) in [FORMATS[0], FORMATS[1], FORMATS[6], FORMATS[7]] {
        let case = Case { format, name, matrix: (1, "bt709"), full_range: false };
        for (rotation_deg, turn) in
            [(90, ",transpose=clock"), (180, ",hflip,vflip"), (270, ",transpose=cclock")]
        {
            let Some((frame, rgb)) = case.frame_and_expected((WIDTH, HEIGHT), turn) else { return };
            let (w, h) = if rotation_deg == 180 { (WIDTH, HEIGHT) } else { (HEIGHT, WIDTH) };
            let frame = VideoFrame { rotation_deg, ..frame };
            check(&format!("{name}-{rotation_deg}"), frame, &Pixels::of_rgb24(w, h, &rgb));
        }
    }
}
