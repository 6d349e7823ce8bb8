//! Which planes show a film below the interface.

use drm::buffer::DrmFourcc;
use drm::control::PlaneType;

/// What choosing goes by of a plane. How far it scales no driver tells: the request that is only tested does.
#[derive(Debug, Clone)]
pub(crate) struct Plane {
    /// The kernel's number.
    pub(crate) id: u32,
    pub(crate) kind: PlaneType,
    /// The CRTCs on which it can show something, by the kernel's numbers.
    pub(crate) crtcs: Vec<u32>,
    /// Formats (fourcc) of buffers whose rows lie one after the other, as a processor writes them: neither tiled nor compressed.
    pub(crate) formats: Vec<u32>,
    /// Lowest and highest place it can have above the others; `None` where the driver says nothing of it.
    pub(crate) zpos: Option<(u64, u64)>,
    /// It takes colours that are multiplied by their alpha, which is what a driver without a choice does.
    pub(crate) premultiplied: bool,
}

impl Plane {
    fn takes(&self, format: DrmFourcc) -> bool {
        self.formats.contains(&(format as u32))
    }
}

/// A plane for the film and one above it for the interface, with the places to set where they are not fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stack {
    pub(crate) film: (u32, Option<u64>),
    pub(crate) format: DrmFourcc,
    pub(crate) interface: (u32, Option<u64>),
}

/// What choosing goes by of a film's frames.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frames {
    /// Pixels.
    pub(crate) size: (u32, u32),
    /// Their samples can be shown as they are.
    pub(crate) nv12: bool,
}

/// So many pairs of planes are tried: where those do not work, others like them do not either.
const TRIED: usize = 4;

/// The pairs that may show the film on a CRTC in a mode of this size, best first. The error says why everything has to be drawn in one plane.
pub(crate) fn stacks(
    planes: &[Plane],
    crtc: u32,
    frames: Frames,
    mode: (u32, u32),
) -> Result<Vec<Stack>, String> {
    let usable = |plane: &&Plane| plane.crtcs.contains(&crtc) && plane.kind != PlaneType::Cursor;
    let planes: Vec<_> = planes.iter().filter(usable).collect();
    if planes.len() < 2 {
        return Err("there is no second plane".into());
    }
    let area = |(width, height): (u32, u32)| u64::from(width) * u64::from(height);
    let as_it_is = frames.nv12.then_some(DrmFourcc::Nv12);
    // Converting more pixels than the display has costs more than drawing everything.
    let converted = (area(frames.size) <= area(mode)).then_some(DrmFourcc::Xrgb8888);
    if as_it_is.or(converted).is_none() {
        return Err("the film has to be converted, and is larger than the display".into());
    }
    let above: Vec<_> =
        planes.iter().filter(|plane| plane.takes(DrmFourcc::Argb8888) && plane.premultiplied).collect();
    if above.is_empty() {
        return Err("no plane takes an interface that can be seen through (ARGB8888)".into());
    }
    let mut stacks = Vec::new();
    for format in as_it_is.into_iter().chain(converted) {
        let below = planes.iter().filter(|plane| plane.takes(format));
        let pairs = below.flat_map(|film| above.iter().map(move |interface| (film, interface)));
        let mut pairs: Vec<_> = pairs.filter_map(|(film, interface)| pair(film, format, interface)).collect();
        // Displays whose primary plane shows nothing are not to every driver's liking.
        pairs.sort_by_key(|(both_overlays, _)| *both_overlays);
        stacks.extend(pairs.into_iter().map(|(_, stack)| stack).take(TRIED));
    }
    if stacks.is_empty() {
        let formats = if frames.nv12 { "NV12 or XRGB8888" } else { "XRGB8888" };
        return Err(format!(
            "no plane that takes a film ({formats}) lies below one that takes the interface"
        ));
    }
    Ok(stacks)
}

/// One plane above the other, if they can lie so, and whether both are overlays.
fn pair(film: &Plane, format: DrmFourcc, interface: &Plane) -> Option<(bool, Stack)> {
    let (low, high) = match (film.zpos, interface.zpos) {
        (Some(below), Some(above)) => {
            let high = above.0.max(below.0 + 1);
            (high <= above.1).then_some((below.0, high))?
        }
        // Without a word from the driver the primary plane is the lowest, and the order of overlays unknown.
        (None, None) if film.kind == PlaneType::Primary => (0, 0),
        _ => return None,
    };
    let place = |plane: &Plane, at| (plane.id, plane.zpos.filter(|(low, high)| low < high).map(|_| at));
    let both_overlays = film.kind != PlaneType::Primary && interface.kind != PlaneType::Primary;
    let distinct = film.id != interface.id;
    distinct
        .then(|| (both_overlays, Stack { film: place(film, low), format, interface: place(interface, high) }))
}

/// The size of an interface that the display scales up, in the shape of the mode: at most 1280x720.
pub(crate) fn interface_size((width, height): (u32, u32)) -> (u32, u32) {
    let scale = (1280.0 / f64::from(width)).min(720.0 / f64::from(height)).min(1.0);
    let scaled = |side: u32| (f64::from(side) * scale).round() as u32;
    (scaled(width), scaled(height))
}

/// The formats that a plane takes of buffers in plain rows, by its property `IN_FORMATS` (`struct drm_format_modifier_blob` of the kernel's
/// `drm_mode.h`); `None` if it is none.
pub(crate) fn linear_formats(blob: &[u8]) -> Option<Vec<u32>> {
    let word = |at: usize| Some(u32::from_ne_bytes(*blob.get(at..)?.first_chunk()?));
    let long = |at: usize| Some(u64::from_ne_bytes(*blob.get(at..)?.first_chunk()?));
    let (formats, count, modifiers) = (word(12)? as usize, word(16)? as usize, word(20)? as usize);
    let mut linear = Vec::new();
    for entry in (0..count).map(|i| modifiers + i * 24) {
        let (mask, first, modifier) = (long(entry)?, word(entry + 8)? as usize, long(entry + 16)?);
        // DRM_FORMAT_MOD_LINEAR
        if modifier != 0 {
            continue;
        }
        for index in (0..64).filter(|bit| mask >> bit & 1 == 1) {
            linear.push(word(formats + 4 * (first + index))?);
        }
    }
    Some(linear)
}

#[cfg(test)]
mod tests {
    use PlaneType::{Cursor, Overlay, Primary};

    use super::*;

    // Planes as the drivers in the kernel's sources create them, with the formats that matter here. None of these chips has been tried.

    fn plane(id: u32, kind: PlaneType, crtcs: &[u32], formats: &str, zpos: Option<(u64, u64)>) -> Plane {
        let fourcc = |name: &str| u32::from_le_bytes(*name.as_bytes().first_chunk().unwrap());
        let formats = formats.split_whitespace().map(fourcc).collect();
        Plane { id, kind, crtcs: crtcs.to_vec(), formats, zpos, premultiplied: true }
    }

    const RGB: &str = "XR24 AR24 AB24 XB24 RG16";
    const RGB_AND_YUV: &str = "XR24 AR24 AB24 XB24 RG16 YU12 NV12 NV21 NV16";

    /// Raspberry Pi: `vc4_plane_create_additional_planes`. Primary planes at the bottom, overlays for any display.
    fn vc4() -> Vec<Plane> {
        let mut planes = vec![
            plane(31, Primary, &[1], RGB_AND_YUV, Some((0, 0))),
            plane(41, Primary, &[2], RGB_AND_YUV, Some((0, 0))),
        ];
        planes.extend((0..16).map(|i| plane(51 + i * 10, Overlay, &[1, 2], RGB_AND_YUV, Some((1, 17)))));
        planes.push(plane(211, Cursor, &[1], RGB_AND_YUV, Some((1, 17))));
        planes
    }

    /// Amlogic: `meson_plane.c` and `meson_overlay.c`. The primary plane (OSD1) has the interface's colours and lies in front, the only
    /// overlay (VD1) has the film's.
    fn meson() -> Vec<Plane> {
        let film = "YUYV NV12 NV21 YU24 YU16 YU12 YU11 YUV9";
        vec![
            plane(32, Primary, &[1], "AR24 AB24 XR24 XB24 RG24 RG16", Some((1, 1))),
            plane(38, Overlay, &[1], film, Some((0, 0))),
        ]
    }

    /// RK3399: `rk3399_vop_win_data` of `rockchip_vop_reg.c`. No word on the order of planes.
    fn vop() -> Vec<Plane> {
        vec![
            plane(31, Primary, &[1], RGB_AND_YUV, None),
            plane(38, Cursor, &[1], RGB, None),
            plane(39, Overlay, &[1], RGB_AND_YUV, None),
            plane(45, Overlay, &[1], RGB, None),
        ]
    }

    /// RK3568: `rk3568_vop_win_data` of `rockchip_vop2_reg.c`. The clusters only take compressed buffers, so nothing is left of their list.
    fn vop2() -> Vec<Plane> {
        let free = Some((0, 5));
        vec![
            plane(43, Primary, &[1], RGB, free),
            plane(49, Primary, &[2], RGB, free),
            plane(55, Overlay, &[1, 2], RGB_AND_YUV, free),
            plane(61, Overlay, &[1, 2], RGB_AND_YUV, free),
            plane(67, Overlay, &[1, 2], "", free),
            plane(73, Overlay, &[1, 2], "", free),
        ]
    }

    /// Kaby Lake, first pipe: `skl_universal_plane_create`. Places are fixed, NV12 is for the two lowest.
    fn i915() -> Vec<Plane> {
        vec![
            plane(31, Primary, &[1], RGB_AND_YUV, Some((0, 0))),
            plane(40, Overlay, &[1], RGB_AND_YUV, Some((1, 1))),
            plane(49, Overlay, &[1], RGB, Some((2, 2))),
            plane(58, Cursor, &[1], "AR24", Some((3, 3))),
            plane(62, Primary, &[2], RGB_AND_YUV, Some((0, 0))),
        ]
    }

    /// The virtual boxes' card: `virtgpu_plane.c`.
    fn virtio() -> Vec<Plane> {
        vec![plane(31, Primary, &[1], "XR24", None), plane(34, Cursor, &[1], "AR24", None)]
    }

    const FULL_HD: (u32, u32) = (1920, 1080);
    const PLAIN: Frames = Frames { size: (1920, 800), nv12: true };
    const HDR: Frames = Frames { size: (1920, 800), nv12: false };

    type Chosen = (DrmFourcc, (u32, Option<u64>), (u32, Option<u64>));

    fn all(planes: &[Plane], crtc: u32, film: Frames) -> Vec<Chosen> {
        let stacks = stacks(planes, crtc, film, FULL_HD).unwrap();
        stacks.iter().map(|stack| (stack.format, stack.film, stack.interface)).collect()
    }

    fn best(planes: &[Plane], crtc: u32, film: Frames) -> Chosen {
        all(planes, crtc, film)[0]
    }

    const NV12: DrmFourcc = DrmFourcc::Nv12;
    const XRGB: DrmFourcc = DrmFourcc::Xrgb8888;

    #[test]
    fn stacks_of_vc4_put_the_film_at_the_bottom() {
        assert_eq!(best(&vc4(), 1, PLAIN), (NV12, (31, None), (51, Some(1))));
        assert_eq!(best(&vc4(), 2, PLAIN), (NV12, (41, None), (51, Some(1))));
        assert_eq!(best(&vc4(), 1, HDR), (XRGB, (31, None), (51, Some(1))));
        assert_eq!(all(&vc4(), 1, PLAIN).len(), 2 * TRIED);
    }

    #[test]
    fn stacks_of_meson_put_the_interface_on_the_primary_plane() {
        assert_eq!(all(&meson(), 1, PLAIN), [(NV12, (38, None), (32, None))]);
        assert!(stacks(&meson(), 1, HDR, FULL_HD).unwrap_err().contains("XRGB8888"));
    }

    #[test]
    fn stacks_of_vop_take_the_order_of_kinds() {
        let film = (31, None);
        assert_eq!(all(&vop(), 1, PLAIN)[..2], [(NV12, film, (39, None)), (NV12, film, (45, None))]);
    }

    #[test]
    fn stacks_of_vop2_set_the_order() {
        assert_eq!(best(&vop2(), 1, PLAIN), (NV12, (55, Some(0)), (43, Some(1))));
        assert_eq!(best(&vop2(), 2, HDR), (XRGB, (49, Some(0)), (55, Some(1))));
    }

    #[test]
    fn stacks_of_i915_keep_the_fixed_order() {
        let (primary, first, second) = ((31, None), (40, None), (49, None));
        let both = |format| [(format, primary, first), (format, primary, second), (format, first, second)];
        assert_eq!(all(&i915(), 1, PLAIN), [both(NV12), both(XRGB)].concat());
        assert!(stacks(&i915(), 2, PLAIN, FULL_HD).unwrap_err().contains("no second plane"));
    }

    #[test]
    fn stacks_where_everything_is_one_plane_say_why() {
        let refused = |planes: &[Plane], film| stacks(planes, 1, film, FULL_HD).unwrap_err();
        assert!(refused(&virtio(), PLAIN).contains("no second plane"));
        let large = Frames { size: (3840, 2160), nv12: false };
        assert!(refused(&vc4(), large).contains("larger than the display"));
        let coverage = vc4().into_iter().map(|plane| Plane { premultiplied: false, ..plane });
        assert!(refused(&coverage.collect::<Vec<_>>(), PLAIN).contains("ARGB8888"));
    }

    #[test]
    fn interface_size_keeps_the_shape_of_the_mode() {
        let modes = [(3840, 2160), (1920, 1080), (1920, 1200), (1024, 768), (1280, 720), (720, 576)];
        let sizes = [(1280, 720), (1280, 720), (1152, 720), (960, 720), (1280, 720), (720, 576)];
        assert_eq!(modes.map(interface_size), sizes);
    }

    #[test]
    fn linear_formats_leave_out_what_is_compressed() {
        let formats =
            ["XR24", "AR24", "NV12"].map(|name| u32::from_le_bytes(*name.as_bytes().first_chunk().unwrap()));
        // Version, flags, formats and where, modifiers and where; formats and padding; modifiers: formats by bit, first, padding, modifier.
        let mut blob: Vec<u8> = [1, 0, 3, 24, 2, 40].map(u32::to_ne_bytes).concat();
        blob.extend(formats.map(u32::to_ne_bytes).concat());
        blob.extend([0; 4]);
        blob.extend([0b011, 0, 0x0800_0000_0000_0041, 0b10, 1, 0].map(u64::to_ne_bytes).concat());
        assert_eq!(linear_formats(&blob), Some(vec![formats[2]]));
        assert_eq!(linear_formats(&blob[..80]), None);
        assert_eq!(linear_formats(&[]), None);
    }
}
