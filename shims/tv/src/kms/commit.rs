//! Putting buffers on the screen: in one atomic request, or by the older calls of drivers without.

use std::collections::BTreeMap;
use std::io;

use drm::control::atomic::AtomicModeReq;
use drm::control::{
    AtomicCommitFlags, Device, Mode, PageFlipFlags, PlaneType, RawResourceHandle, ResourceHandle,
    framebuffer, plane, property,
};

use super::{Card, Target};

/// How one display is told what to show.
pub(super) enum Commit {
    Atomic(Box<Atomic>),
    Legacy,
}

/// The objects of one display with their properties.
pub(super) struct Atomic {
    connector: Properties,
    crtc: Properties,
    primary: Properties,
    /// Planes that somebody else left on this display.
    foreign: Vec<Properties>,
}

impl Commit {
    pub(super) fn new(card: &Card, target: &Target) -> io::Result<Commit> {
        if !card.atomic {
            return Ok(Commit::Legacy);
        }
        let planes = planes_of(card, target)?;
        let kind = |plane: &Properties| plane.value("type");
        let primary = planes.iter().find(|plane| kind(plane) == Some(PlaneType::Primary as u64));
        let primary = primary.ok_or_else(|| io::Error::other("it has no primary plane"))?.clone();
        let crtc = u64::from(u32::from(target.crtc));
        let shown_on = |plane: &Properties| plane.value("CRTC_ID") == Some(crtc);
        let foreign = planes.into_iter().filter(|plane| plane.object != primary.object && shown_on(plane));
        let foreign = foreign.collect();
        Ok(Commit::Atomic(Box::new(Atomic {
            connector: Properties::of(card, target.connector)?,
            crtc: Properties::of(card, target.crtc)?,
            primary,
            foreign,
        })))
    }

    /// Sets the mode and shows a buffer of its size. Takes as long as the display needs.
    pub(super) fn set_mode(
        &self,
        card: &Card,
        target: &Target,
        mode: &Mode,
        buffer: framebuffer::Handle,
    ) -> io::Result<()> {
        let Commit::Atomic(atomic) = self else {
            return card.set_crtc(target.crtc, Some(buffer), (0, 0), &[target.connector], Some(*mode));
        };
        let blob = card.create_property_blob(mode)?;
        let property::Value::Blob(blob) = blob else { return Err(io::Error::other("a blob is none")) };
        let crtc = u64::from(u32::from(target.crtc));
        let (width, height) = mode.size();
        let mut request = Request::default();
        request.set(&atomic.connector, "CRTC_ID", crtc)?;
        request.set(&atomic.crtc, "MODE_ID", blob)?;
        request.set(&atomic.crtc, "ACTIVE", 1)?;
        for plane in &atomic.foreign {
            request.set(plane, "FB_ID", 0)?;
            request.set(plane, "CRTC_ID", 0)?;
        }
        request.set(&atomic.primary, "FB_ID", u32::from(buffer).into())?;
        request.set(&atomic.primary, "CRTC_ID", crtc)?;
        for (name, value) in [("SRC_X", 0), ("SRC_Y", 0), ("CRTC_X", 0), ("CRTC_Y", 0)] {
            request.set(&atomic.primary, name, value)?;
        }
        for (name, value) in [("SRC_W", width), ("SRC_H", height)] {
            // 16.16 fixed point.
            request.set(&atomic.primary, name, u64::from(value) << 16)?;
        }
        for (name, value) in [("CRTC_W", width), ("CRTC_H", height)] {
            request.set(&atomic.primary, name, value.into())?;
        }
        let set = card.atomic_commit(AtomicCommitFlags::ALLOW_MODESET, request.0);
        // The mode keeps what it needs of it.
        let _ = card.destroy_property_blob(blob);
        set
    }

    /// Shows a buffer from the next refresh on; the card then sends an event.
    pub(super) fn flip(&self, card: &Card, target: &Target, buffer: framebuffer::Handle) -> io::Result<()> {
        let Commit::Atomic(atomic) = self else {
            return card.page_flip(target.crtc, buffer, PageFlipFlags::EVENT, None);
        };
        let mut request = Request::default();
        request.set(&atomic.primary, "FB_ID", u32::from(buffer).into())?;
        card.atomic_commit(AtomicCommitFlags::PAGE_FLIP_EVENT | AtomicCommitFlags::NONBLOCK, request.0)
    }
}

/// The planes that can show something on the display.
fn planes_of(card: &Card, target: &Target) -> io::Result<Vec<Properties>> {
    let handles = card.resource_handles()?;
    let mut planes = Vec::new();
    for handle in card.plane_handles()? {
        let info: plane::Info = card.get_plane(handle)?;
        if handles.filter_crtcs(info.possible_crtcs()).contains(&target.crtc) {
            planes.push(Properties::of(card, handle)?);
        }
    }
    Ok(planes)
}

/// An object's properties by name, with the values they had.
#[derive(Clone)]
struct Properties {
    object: RawResourceHandle,
    by_name: BTreeMap<String, (property::Handle, property::RawValue)>,
}

impl Properties {
    fn of<H: ResourceHandle>(card: &Card, object: H) -> io::Result<Properties> {
        let mut by_name = BTreeMap::new();
        for (handle, value) in &card.get_properties(object)? {
            let name = card.get_property(*handle)?.name().to_string_lossy().into_owned();
            by_name.insert(name, (*handle, *value));
        }
        Ok(Properties { object: object.into(), by_name })
    }

    fn value(&self, name: &str) -> Option<property::RawValue> {
        Some(self.by_name.get(name)?.1)
    }
}

#[derive(Default)]
struct Request(AtomicModeReq);

impl Request {
    fn set(&mut self, of: &Properties, name: &str, value: property::RawValue) -> io::Result<()> {
        let (property, _) =
            of.by_name.get(name).ok_or_else(|| io::Error::other(format!("it has no {name}")))?;
        self.0.add_raw_property(of.object, *property, value);
        Ok(())
    }
}
