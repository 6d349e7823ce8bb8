//! Icons and the mark: paths on a 24 by 24 grid, one line weight, rasterised at the exact size they are shown at.

use zeno::{Cap, Format, Join, Mask, Stroke, Transform};

use crate::text::atlas::Coverage;

/// Grid of the paths.
const GRID: f32 = 24.0;
/// Line weight on the grid.
const WEIGHT: f32 = 1.75;
/// Line weight of what is shown large and alone: the mark as a logo, the spinner.
const FINE_WEIGHT: f32 = 1.25;
/// From this size on the mark is a logo rather than an icon.
const LOGO_SIZE: u32 = 64;

/// A drawing of one colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Icon {
    Play,
    Pause,
    Replay,
    Back10,
    Forward10,
    Previous,
    Next,
    Captions,
    CaptionsOn,
    Audio,
    VolumeHigh,
    VolumeLow,
    Muted,
    EnterFullscreen,
    LeaveFullscreen,
    Check,
    Warning,
    Folder,
    Spinner,
    SpinnerTrack,
    Mark,
}

const ALL: [Icon; 21] = [
    Icon::Play,
    Icon::Pause,
    Icon::Replay,
    Icon::Back10,
    Icon::Forward10,
    Icon::Previous,
    Icon::Next,
    Icon::Captions,
    Icon::CaptionsOn,
    Icon::Audio,
    Icon::VolumeHigh,
    Icon::VolumeLow,
    Icon::Muted,
    Icon::EnterFullscreen,
    Icon::LeaveFullscreen,
    Icon::Check,
    Icon::Warning,
    Icon::Folder,
    Icon::Spinner,
    Icon::SpinnerTrack,
    Icon::Mark,
];

const SPEAKER: &str = "M3.5 9.5v5h3.6l4.9 4v-13l-4.9 4z";
/// Numerals of the ten-second jumps, thinner so that they stay open at small sizes.
const TEN: &str =
    "M8.5 11.6 10.2 10.5v5.6M14.3 10.5c1.1 0 1.9 1.1 1.9 2.8s-.8 2.8-1.9 2.8-1.9-1.1-1.9-2.8.8-2.8 1.9-2.8z";

impl Icon {
    pub(crate) fn from_index(index: u16) -> Option<Icon> {
        ALL.get(usize::from(index)).copied()
    }

    /// Filled outlines, stroked lines, and thin lines.
    fn paths(self) -> (&'static str, &'static [&'static str], &'static str) {
        match self {
            Icon::Play => (
                "M7.5 5.2v13.6a1 1 0 0 0 1.53.85l10.8-6.8a1 1 0 0 0 0-1.7L9.03 4.35A1 1 0 0 0 7.5 5.2z",
                &[],
                "",
            ),
            Icon::Pause => (
                "M7 4.5h2a1 1 0 0 1 1 1v13a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1v-13a1 1 0 0 1 1-1zM15 4.5h2a1 1 0 0 1 1 1v13a1 1 0 0 1-1 1h-2a1 1 0 0 1-1-1v-13a1 1 0 0 1 1-1z",
                &[],
                "",
            ),
            Icon::Replay => ("", &["M12 4.75a7.75 7.75 0 1 1-7.5 5.8", "M15 1.5 11.7 4.75 15 8"], ""),
            Icon::Back10 => ("", &["M11.5 5.25a8 8 0 1 1-7.5 8", "M14.25 2.25 11.25 5.25l3 3"], TEN),
            Icon::Forward10 => ("", &["M12.5 5.25a8 8 0 1 0 7.5 8", "M9.75 2.25 12.75 5.25l-3 3"], TEN),
            Icon::Previous => (
                "M18.5 6.2v11.6a.8.8 0 0 1-1.24.66l-8-5.8a.8.8 0 0 1 0-1.32l8-5.8A.8.8 0 0 1 18.5 6.2z",
                &["M6 6v12"],
                "",
            ),
            Icon::Next => (
                "M5.5 6.2v11.6a.8.8 0 0 0 1.24.66l8-5.8a.8.8 0 0 0 0-1.32l-8-5.8A.8.8 0 0 0 5.5 6.2z",
                &["M18 6v12"],
                "",
            ),
            Icon::Captions => (
                "",
                &[
                    "M5.5 5h13a2.5 2.5 0 0 1 2.5 2.5v9a2.5 2.5 0 0 1-2.5 2.5h-13a2.5 2.5 0 0 1-2.5-2.5v-9a2.5 2.5 0 0 1 2.5-2.5z",
                    "M7 11h2M12.5 11h4.5M7 15h5M15.5 15h1.5",
                ],
                "",
            ),
            // The same with its inside filled and the lines cut out.
            Icon::CaptionsOn => (
                "M5.5 4h13a3.5 3.5 0 0 1 3.5 3.5v9a3.5 3.5 0 0 1-3.5 3.5h-13a3.5 3.5 0 0 1-3.5-3.5v-9a3.5 3.5 0 0 1 3.5-3.5zM6 10v2h4v-2zM12 10v2h6v-2zM6 14v2h6v-2zM14 14v2h4v-2z",
                &[],
                "",
            ),
            Icon::Audio => ("", &["M4 10.5v3M8 7v10M12 4v16M16 8v8M20 10.5v3"], ""),
            Icon::VolumeHigh => ("", &[SPEAKER, "M15.5 9a4.2 4.2 0 0 1 0 6M18.2 6.3a8 8 0 0 1 0 11.4"], ""),
            Icon::VolumeLow => ("", &[SPEAKER, "M15.5 9a4.2 4.2 0 0 1 0 6"], ""),
            Icon::Muted => ("", &[SPEAKER, "M15.75 9.5l5 5M20.75 9.5l-5 5"], ""),
            Icon::EnterFullscreen => (
                "",
                &[
                    "M4 9V5.75A1.75 1.75 0 0 1 5.75 4H9M15 4h3.25A1.75 1.75 0 0 1 20 5.75V9M20 15v3.25A1.75 1.75 0 0 1 18.25 20H15M9 20H5.75A1.75 1.75 0 0 1 4 18.25V15",
                ],
                "",
            ),
            Icon::LeaveFullscreen => (
                "",
                &[
                    "M9 4v3.25A1.75 1.75 0 0 1 7.25 9H4M20 9h-3.25A1.75 1.75 0 0 1 15 7.25V4M15 20v-3.25A1.75 1.75 0 0 1 16.75 15H20M4 15h3.25A1.75 1.75 0 0 1 9 16.75V20",
                ],
                "",
            ),
            Icon::Check => ("", &["M5 12.75l4.5 4.5L19 7.25"], ""),
            Icon::Warning => (
                "M12 15.5a1.1 1.1 0 1 1 0 2.2a1.1 1.1 0 1 1 0-2.2z",
                &["M12 3a9 9 0 1 1 0 18a9 9 0 1 1 0-18z", "M12 7.25v5.5"],
                "",
            ),
            Icon::Folder => (
                "",
                &[
                    "M3.5 7A1.75 1.75 0 0 1 5.25 5.25h3.9l2.1 2.5h7.5A1.75 1.75 0 0 1 20.5 9.5v7.75A1.75 1.75 0 0 1 18.75 19H5.25A1.75 1.75 0 0 1 3.5 17.25z",
                ],
                "",
            ),
            Icon::Spinner => ("", &["M12 3a9 9 0 0 1 9 9"], ""),
            Icon::SpinnerTrack => ("", &["M12 3a9 9 0 1 1 0 18a9 9 0 1 1 0-18z"], ""),
            // A ring of flip-book leaves around a lens.
            Icon::Mark => (
                "",
                &[
                    "M12 8.75a3.25 3.25 0 1 1 0 6.5a3.25 3.25 0 1 1 0-6.5z",
                    "M12 5.9 15.39 2.17M15.05 6.72 19.85 5.18M17.28 8.95 22.21 10.02M18.1 12 21.83 15.39M17.28 15.05 18.82 19.85M15.05 17.28 13.98 22.21M12 18.1 8.61 21.83M8.95 17.28 4.15 18.82M6.72 15.05 1.79 13.98M5.9 12 2.17 8.61M6.72 8.95 5.18 4.15M8.95 6.72 10.02 1.79",
                ],
                "",
            ),
        }
    }

    /// Coverage in a square of `size` pixels.
    pub(crate) fn coverage(self, size: u32) -> Coverage {
        let size = size.clamp(1, 1000);
        let scale = size as f32 / GRID;
        let transform = Transform::scale(scale, scale);
        let mut bytes = vec![0; (size * size) as usize];
        let mut blend = |mask: &mut Mask<'_, '_, &str>| {
            let (layer, _) = mask.format(Format::Alpha).size(size, size).transform(Some(transform)).render();
            for (out, new) in bytes.iter_mut().zip(layer) {
                *out = (*out).max(new);
            }
        };
        let (filled, lines, thin) = self.paths();
        if !filled.is_empty() {
            blend(&mut Mask::new(filled));
        }
        // A line at least as wide as a pixel, and of a whole number of pixels once it is wide enough to be seen as such.
        let fine = match self {
            Icon::Mark => size >= LOGO_SIZE,
            _ => matches!(self, Icon::Spinner | Icon::SpinnerTrack),
        };
        let width = (if fine { FINE_WEIGHT } else { WEIGHT } * scale).max(1.0);
        let width = if width > 1.5 { width.round() } else { width };
        for (path, width) in lines.iter().map(|path| (*path, width)).chain([(thin, width * 0.8)]) {
            if !path.is_empty() {
                let mut stroke = Stroke::new(width / scale);
                stroke.cap(Cap::Round).join(Join::Round);
                blend(Mask::new(path).style(stroke));
            }
        }
        Coverage { w: size, h: size, left: 0, top: 0, bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn icon_at_every_size_has_ink_and_keeps_off_the_edge() {
        for icon in ALL {
            for size in [16, 24, 36, 61, 144] {
                let c = icon.coverage(size);
                assert!(c.bytes.iter().any(|b| *b > 200), "{icon:?} {size}");
                let side = size as usize;
                let edge = (0..side).flat_map(|i| {
                    [
                        c.bytes[i],
                        c.bytes[(side - 1) * side + i],
                        c.bytes[i * side],
                        c.bytes[i * side + side - 1],
                    ]
                });
                assert!(edge.max() < Some(160), "{icon:?} {size}");
            }
        }
    }

    #[test]
    fn icon_index_maps_back() {
        for icon in ALL {
            assert_eq!(Icon::from_index(icon as u16), Some(icon));
        }
        assert_eq!(Icon::from_index(900), None);
    }
}
