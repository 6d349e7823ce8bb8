//! A film on a plane of its own, below the interface.

use std::io;
use std::sync::{Arc, Weak};

use drm::buffer::DrmFourcc;
use drm::control::Mode;
use kinora_port::{PixelRect, VideoFrame};
use kinora_raster_cpu::placement::VideoPlacement;
use kinora_raster_cpu::underlay::{Colors, Underlay};

use super::buffer::Buffer;
use super::commit::{BLENDING, Commit, Layer, PREMULTIPLIED, Setting};
use super::planes::{Frames, Stack, interface_size};
use super::size;

/// What is shown where, and its buffers.
pub(super) struct Film {
    pub(super) under: Underlay,
    stack: Stack,
    /// The first is shown.
    buffers: [Buffer; 2],
    frame: Weak<VideoFrame>,
}

impl Film {
    /// The film on the first pair of planes on which the display takes it, below this interface; `sets` says whether the mode is yet to be set.
    pub(super) fn begin(
        commit: &Commit,
        (mode, sets): (&Mode, bool),
        under: &Underlay,
        interface: &Buffer,
    ) -> io::Result<Film> {
        let mut begun = Err(io::ErrorKind::Unsupported.into());
        for stack in commit.stacks(frames(under), mode).map_err(io::Error::other)? {
            begun = Buffer::pair(&commit.card, under.size, stack.format).and_then(|buffers| {
                let film = Film { under: under.clone(), stack, buffers, frame: Weak::new() };
                commit.test(&film.layers(commit, interface, mode)?, sets.then_some(mode))?;
                Ok(film)
            });
            if begun.is_ok() {
                break;
            }
        }
        begun
    }

    /// Has the layers show a frame.
    pub(super) fn show(&mut self, frame: &Arc<VideoFrame>) {
        let next = Arc::downgrade(frame);
        if !self.frame.ptr_eq(&next) {
            self.buffers[1].write(frame);
            self.buffers.swap(0, 1);
            self.frame = next;
        }
    }

    /// The film, and above it the interface over the whole screen.
    pub(super) fn layers(&self, commit: &Commit, interface: &Buffer, mode: &Mode) -> io::Result<Vec<Layer>> {
        let clear = *interface.framebuffers.get(1).ok_or_else(|| io::Error::other("it takes no ARGB8888"))?;
        let place = |at: Option<u64>| at.map(|at| ("zpos", Setting::Number(at)));
        let placement = &self.under.placement;
        let (x, y) = (placement.x as u32, placement.y as u32);
        let mut film = Layer {
            plane: self.stack.film.0,
            framebuffer: self.buffers[0].framebuffers[0],
            source: placement.source,
            target: PixelRect { x, y, w: placement.w, h: placement.h },
            settings: place(self.stack.film.1).into_iter().collect(),
        };
        if let Some(colors) = self.under.colors.filter(|_| self.stack.format == DrmFourcc::Nv12) {
            film.settings.extend(encoding(colors).map(|name| ("COLOR_ENCODING", Setting::Named(name))));
            film.settings.push(("COLOR_RANGE", range(colors)));
        }
        let mut above = commit.full(Some(self.stack.interface.0), clear, interface.size, mode);
        above.settings.extend(place(self.stack.interface.1));
        above.settings.push((BLENDING, Setting::Named(PREMULTIPLIED)));
        Ok(vec![film, above])
    }
}

/// A film to find out with what planes do in a mode.
pub(super) fn sample(mode: &Mode) -> Underlay {
    let ((w, h), size) = (size(mode), interface_size(size(mode)));
    let source = [0.0, 0.0, f64::from(size.0), f64::from(size.1)];
    let placement = VideoPlacement { x: 0, y: 0, w, h, source };
    Underlay { timeline: 0, size, placement, colors: Some(Colors { matrix: 1, full_range: false }) }
}

/// What choosing planes goes by of a film.
pub(super) fn frames(under: &Underlay) -> Frames {
    Frames { size: under.size, nv12: under.colors.and_then(encoding).is_some() }
}

/// As planes name the matrix of H.273.
fn encoding(colors: Colors) -> Option<&'static str> {
    match colors.matrix {
        1 => Some("ITU-R BT.709 YCbCr"),
        5 | 6 => Some("ITU-R BT.601 YCbCr"),
        9 | 10 => Some("ITU-R BT.2020 YCbCr"),
        _ => None,
    }
}

/// As planes name the range of samples; those that cannot be told take the limited one.
fn range(colors: Colors) -> Setting {
    let limited = Setting::Named("YCbCr limited range");
    if colors.full_range { Setting::Needed("YCbCr full range") } else { limited }
}
