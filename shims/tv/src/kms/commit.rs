//! Putting buffers on the screen: in one atomic request, or by the older calls of drivers without.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use drm::control::atomic::AtomicModeReq;
use drm::control::property::{self, RawValue, ValueType};
use drm::control::{
    AtomicCommitFlags, Device, Mode, PageFlipFlags, PlaneType, RawResourceHandle, ResourceHandle, crtc,
    framebuffer, plane,
};
use kinora_port::PixelRect;

use super::planes::{self, Frames, Plane, Stack};
use super::{Card, Target, size};

/// A buffer on a plane.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layer {
    pub(super) plane: u32,
    pub(super) framebuffer: framebuffer::Handle,
    /// The part of the buffer that is shown: left, top, width, height in its pixels.
    pub(super) source: [f64; 4],
    /// Where on the screen, scaled to this size.
    pub(super) target: PixelRect,
    pub(super) settings: Vec<(&'static str, Setting)>,
}

/// What a plane's property is to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Setting {
    Number(RawValue),
    /// One of the values that have names, if the plane has the property.
    Named(&'static str),
    /// The same of a property that the plane must have.
    Needed(&'static str),
}

/// How one display is told what to show.
pub(super) struct Commit {
    pub(super) card: Arc<Card>,
    pub(super) target: Target,
    /// `None`: by the older calls.
    atomic: Option<Atomic>,
}

/// The objects of one display with their properties.
struct Atomic {
    connector: Properties,
    crtc: Properties,
    planes: BTreeMap<u32, Properties>,
    primary: u32,
    /// What choosing planes goes by.
    choices: Vec<Plane>,
    /// Planes that show something there: at first those that somebody else left.
    lit: Vec<u32>,
}

impl Commit {
    pub(super) fn new(card: &Arc<Card>, target: Target) -> io::Result<Commit> {
        let atomic = card.atomic.then(|| Atomic::new(card, &target)).transpose()?;
        Ok(Commit { card: Arc::clone(card), target, atomic })
    }

    /// The pairs of planes that may show a film in this mode; why there are none.
    pub(super) fn stacks(&self, frames: Frames, mode: &Mode) -> Result<Vec<Stack>, String> {
        let atomic = self.atomic.as_ref().ok_or("the driver knows no atomic requests")?;
        planes::stacks(&atomic.choices, self.target.crtc.into(), frames, size(mode))
    }

    /// All of a buffer on all of the screen: by default on the plane that shows everything where nothing else is said.
    pub(super) fn full(
        &self,
        plane: Option<u32>,
        framebuffer: framebuffer::Handle,
        (width, height): (u32, u32),
        mode: &Mode,
    ) -> Layer {
        let plane = plane.or(self.atomic.as_ref().map(|atomic| atomic.primary)).unwrap_or(0);
        let source = [0.0, 0.0, f64::from(width), f64::from(height)];
        let target = PixelRect { x: 0, y: 0, w: size(mode).0, h: size(mode).1 };
        Layer { plane, framebuffer, source, target, settings: Vec::new() }
    }

    /// Shows the layers, of which the older calls take one. A mode is set at once, which takes as long as the display needs; without one they
    /// are shown from the next refresh on, and the card then sends an event.
    pub(super) fn show(&mut self, layers: &[Layer], mode: Option<&Mode>) -> io::Result<()> {
        let (target, buffer) = (&self.target, layers[0].framebuffer);
        match (&mut self.atomic, mode) {
            (None, None) => self.card.page_flip(target.crtc, buffer, PageFlipFlags::EVENT, None),
            (None, mode) => {
                self.card.set_crtc(target.crtc, Some(buffer), (0, 0), &[target.connector], mode.copied())
            }
            (Some(atomic), mode) => {
                let flip = AtomicCommitFlags::PAGE_FLIP_EVENT | AtomicCommitFlags::NONBLOCK;
                let flags = mode.map_or(flip, |_| AtomicCommitFlags::empty());
                atomic.commit(&self.card, target, layers, mode, flags)?;
                atomic.lit = layers.iter().map(|layer| layer.plane).collect();
                Ok(())
            }
        }
    }

    /// Whether the display would take the layers, in another mode if one is given.
    pub(super) fn test(&self, layers: &[Layer], mode: Option<&Mode>) -> io::Result<()> {
        let atomic = self.atomic.as_ref().ok_or(io::ErrorKind::Unsupported)?;
        let taken = atomic.commit(&self.card, &self.target, layers, mode, AtomicCommitFlags::TEST_ONLY);
        taken.map_err(|e| io::Error::other(format!("the driver does not take it on planes: {e}")))
    }
}

impl Atomic {
    fn new(card: &Card, target: &Target) -> io::Result<Atomic> {
        let handles = card.resource_handles()?;
        let (mut planes, mut choices, mut lit) = (BTreeMap::new(), Vec::new(), Vec::new());
        for handle in card.plane_handles()? {
            let info = card.get_plane(handle)?;
            let possible = handles.filter_crtcs(info.possible_crtcs());
            if !possible.contains(&target.crtc) {
                continue;
            }
            // What another display shows stays there.
            let crtcs = info.crtc().map_or(possible, |shown_on| vec![shown_on]);
            let properties = Properties::of(card, handle)?;
            if info.crtc() == Some(target.crtc) {
                lit.push(u32::from(handle));
            }
            choices.push(properties.plane(card, &info, crtcs));
            planes.insert(u32::from(handle), properties);
        }
        let primary = choices.iter().find(|plane| plane.kind == PlaneType::Primary);
        let primary = primary.ok_or_else(|| io::Error::other("it has no primary plane"))?.id;
        let connector = Properties::of(card, target.connector)?;
        let crtc = Properties::of(card, target.crtc)?;
        Ok(Atomic { connector, crtc, planes, primary, choices, lit })
    }

    /// The layers on their planes, and nothing on others.
    fn commit(
        &self,
        card: &Card,
        target: &Target,
        layers: &[Layer],
        mode: Option<&Mode>,
        flags: AtomicCommitFlags,
    ) -> io::Result<()> {
        let crtc = u64::from(u32::from(target.crtc));
        let mut request = Request::default();
        for plane in self.lit.iter().filter(|lit| layers.iter().all(|layer| layer.plane != **lit)) {
            request.set(&self.planes[plane], "FB_ID", 0)?;
            request.set(&self.planes[plane], "CRTC_ID", 0)?;
        }
        for layer in layers {
            request.layer(&self.planes[&layer.plane], layer, crtc)?;
        }
        let Some(mode) = mode else { return card.atomic_commit(flags, request.0) };
        let blob = card.create_property_blob(mode)?;
        let property::Value::Blob(blob) = blob else { return Err(io::Error::other("a blob is none")) };
        request.set(&self.connector, "CRTC_ID", crtc)?;
        request.set(&self.crtc, "MODE_ID", blob)?;
        request.set(&self.crtc, "ACTIVE", 1)?;
        let set = card.atomic_commit(flags | AtomicCommitFlags::ALLOW_MODESET, request.0);
        // The mode keeps what it needs of it.
        let _ = card.destroy_property_blob(blob);
        set
    }
}

/// An object's properties by name, with the values they had.
struct Properties {
    object: RawResourceHandle,
    by_name: BTreeMap<String, (property::Info, RawValue)>,
}

impl Properties {
    fn of<H: ResourceHandle>(card: &Card, object: H) -> io::Result<Properties> {
        let mut by_name = BTreeMap::new();
        for (handle, value) in &card.get_properties(object)? {
            let info = card.get_property(*handle)?;
            by_name.insert(info.name().to_string_lossy().into_owned(), (info, *value));
        }
        Ok(Properties { object: object.into(), by_name })
    }

    fn value(&self, name: &str) -> Option<RawValue> {
        Some(self.by_name.get(name)?.1)
    }

    /// The number of a value that has a name.
    fn named(&self, name: &str, value: &str) -> Option<RawValue> {
        let ValueType::Enum(values) = self.by_name.get(name)?.0.value_type() else { return None };
        let (numbers, names) = values.values();
        let index = names.iter().position(|known| known.name().to_bytes() == value.as_bytes())?;
        Some(numbers[index])
    }

    /// What choosing goes by of a plane with these properties.
    fn plane(&self, card: &Card, info: &plane::Info, crtcs: Vec<crtc::Handle>) -> Plane {
        let is = |kind: PlaneType| self.value("type") == Some(kind as u64);
        let kinds = [PlaneType::Primary, PlaneType::Cursor];
        let in_formats = self.value("IN_FORMATS").and_then(|blob| card.get_property_blob(blob).ok());
        let linear = in_formats.and_then(|blob| planes::linear_formats(&blob));
        let zpos = self.by_name.get("zpos").map(|(zpos, value)| match zpos.value_type() {
            ValueType::UnsignedRange(low, high) if zpos.mutable() => (*low, *high),
            ValueType::Boolean if zpos.mutable() => (0, 1),
            _ => (*value, *value),
        });
        Plane {
            id: u32::from(info.handle()),
            kind: kinds.into_iter().find(|kind| is(*kind)).unwrap_or(PlaneType::Overlay),
            crtcs: crtcs.into_iter().map(u32::from).collect(),
            formats: linear.unwrap_or_else(|| info.formats().to_vec()),
            zpos,
            premultiplied: self.value(BLENDING).is_none() || self.named(BLENDING, PREMULTIPLIED).is_some(),
        }
    }
}

/// How a plane's alpha is meant.
pub(super) const BLENDING: &str = "pixel blend mode";
pub(super) const PREMULTIPLIED: &str = "Pre-multiplied";

#[derive(Default)]
struct Request(AtomicModeReq);

impl Request {
    fn set(&mut self, of: &Properties, name: &str, value: RawValue) -> io::Result<()> {
        let (property, _) =
            of.by_name.get(name).ok_or_else(|| io::Error::other(format!("it has no {name}")))?;
        self.0.add_raw_property(of.object, property.handle(), value);
        Ok(())
    }

    fn layer(&mut self, plane: &Properties, layer: &Layer, crtc: RawValue) -> io::Result<()> {
        self.set(plane, "FB_ID", u32::from(layer.framebuffer).into())?;
        self.set(plane, "CRTC_ID", crtc)?;
        for (name, pixels) in ["SRC_X", "SRC_Y", "SRC_W", "SRC_H"].into_iter().zip(layer.source) {
            // 16.16 fixed point.
            self.set(plane, name, (pixels * 65536.0) as u64)?;
        }
        let PixelRect { x, y, w, h } = layer.target;
        for (name, pixels) in [("CRTC_X", x), ("CRTC_Y", y), ("CRTC_W", w), ("CRTC_H", h)] {
            self.set(plane, name, pixels.into())?;
        }
        for &(name, setting) in &layer.settings {
            let value = match setting {
                Setting::Number(value) => Some(value),
                Setting::Named(_) if plane.value(name).is_none() => continue,
                Setting::Named(value) | Setting::Needed(value) => plane.named(name, value),
            };
            let value = value.ok_or_else(|| io::Error::other(format!("it has no such {name}")))?;
            self.set(plane, name, value)?;
        }
        Ok(())
    }
}
