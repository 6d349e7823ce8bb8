//! Presenting on a display: everything in one plane, or the film on one below that of the interface.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use drm::buffer::DrmFourcc;
use drm::control::{Device, Event, Mode};
use kinora_host::realtime::{Clock, Session};
use kinora_port::{Failure, ImageStore, InputEvent, Next, Picture, VideoFrame, VideoOutput, Vsync, code};
use kinora_raster_cpu::underlay::{Underlay, underlay};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::time::{ClockId, clock_gettime};

use super::buffer::Buffer;
use super::commit::{Commit, Layer};
use super::film::{Film, frames, sample};
use super::modes::{Content, Wish};
use super::planes::interface_size;
use super::{Card, Plug, Target, size, timing};

/// A display that takes longer than this to show a picture is not there any more.
const FLIP_LIMIT: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// Makes outputs on a card, and what they need.
#[derive(Clone)]
pub(crate) struct Outputs {
    pub(crate) card: Arc<Card>,
    pub(crate) plug: Arc<Plug>,
    pub(crate) session: Arc<Session>,
    /// The mode that the person wants, whatever is shown.
    pub(crate) wish: Option<Wish>,
}

impl Outputs {
    /// The display that is connected. The error names what is missing.
    pub(crate) fn connected(&self) -> Result<Box<dyn VideoOutput>, String> {
        let plugged = self.plug.count();
        let target = self.card.connected()?;
        Ok(Box::new(KmsOutput::new(self.clone(), target, plugged)?))
    }

    /// Another output after one that failed: the display that is connected now, or none until one is.
    pub(crate) fn again(&self) -> Result<Box<dyn VideoOutput>, String> {
        let plugged = self.plug.count();
        match self.card.connected() {
            Ok(target) => Ok(Box::new(KmsOutput::new(self.clone(), target, plugged)?)),
            Err(reason) => {
                eprintln!("kinora-tv: {reason}; playback goes on");
                let size = self.session.links().screen.size();
                Ok(Box::new(Unplugged { plug: Arc::clone(&self.plug), plugged, size }))
            }
        }
    }

    fn clock(&self) -> Clock {
        self.session.links().clock
    }

    /// Tells everybody the size of the interface and the rhythm of the screen.
    fn report(&self, (width_px, height_px): (u32, u32), mode: &Mode) {
        let refresh_mhz = timing(mode).refresh_mhz;
        self.session.links().screen.resize((width_px, height_px), refresh_mhz);
        // The interface takes its measure from the size.
        let scale_permille = 1000;
        let fullscreen = true;
        self.session.surface(InputEvent::Surface {
            width_px,
            height_px,
            scale_permille,
            refresh_mhz,
            fullscreen,
        });
    }
}

/// Nothing is plugged in.
struct Unplugged {
    plug: Arc<Plug>,
    plugged: u64,
    size: (u32, u32),
}

impl VideoOutput for Unplugged {
    fn size(&self) -> (u32, u32) {
        self.size
    }

    fn vsync(&self) -> Option<Vsync> {
        None
    }

    fn present(&mut self, _: &Picture<'_>, _: &ImageStore) -> Result<(), Failure> {
        if self.plug.count() == self.plugged { Ok(()) } else { Err(lost("a display was plugged in")) }
    }
}

/// A display with a mode set.
struct KmsOutput {
    outputs: Outputs,
    commit: Commit,
    mode: Mode,
    /// The interface, and the film where no other plane takes it. The first is shown, the second drawn next.
    interface: [Buffer; 2],
    /// What is shown differs from the other buffer.
    differ: bool,
    film: Option<Film>,
    /// Films that are needed until the next picture is on the screen.
    retired: Vec<Film>,
    /// The film that was last found to have no plane of its own.
    refused: Option<Underlay>,
    shown: Vec<Layer>,
    /// A buffer is on its way to the screen.
    flipping: bool,
    rhythm: Option<Vsync>,
    plugged: u64,
    content: Option<Content>,
}

impl KmsOutput {
    fn new(outputs: Outputs, target: Target, plugged: u64) -> Result<Self, String> {
        let (card, mode) = (&outputs.card, target.mode(outputs.wish, None)?);
        let name = format!("{} on {}", target.name, card.path.display());
        let mut commit = Commit::new(card, target).map_err(|e| format!("{name}: {e}"))?;
        let interface = enter(&mut commit, &mode).map_err(|e| {
            let timing = timing(&mode);
            format!("{name} does not take {timing}: {e}; try another --mode")
        })?;
        outputs.report(interface[0].size, &mode);
        Ok(KmsOutput {
            outputs,
            commit,
            mode,
            interface,
            differ: false,
            film: None,
            retired: Vec::new(),
            refused: None,
            shown: Vec::new(),
            flipping: false,
            rhythm: None,
            plugged,
            content: None,
        })
    }

    /// Waits until the last picture is on the screen and the buffer before it is free.
    fn settle(&mut self) -> io::Result<()> {
        while self.flipping {
            let mut fds = [PollFd::new(&*self.outputs.card, PollFlags::IN)];
            match poll(&mut fds, Some(&FLIP_LIMIT)) {
                Ok(0) => return Err(io::Error::other("it shows no more pictures")),
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            for event in self.outputs.card.receive_events()? {
                if let Event::PageFlip(flip) = event {
                    self.flipping = false;
                    self.retired.clear();
                    // Without a counter of refreshes the event only says that the driver is done, at no particular moment.
                    self.rhythm = (flip.frame != 0).then(|| self.vsync_at(flip.duration));
                }
            }
        }
        Ok(())
    }

    /// A refresh at a time of the kernel's monotonic clock.
    fn vsync_at(&self, monotonic: Duration) -> Vsync {
        let now = clock_gettime(ClockId::Monotonic);
        let now = Duration::new(now.tv_sec as u64, now.tv_nsec as u32);
        let ago_us = now.saturating_sub(monotonic).as_micros() as u64;
        let rate = u64::from(timing(&self.mode).refresh_mhz).max(1);
        Vsync {
            last_us: self.outputs.clock().now().saturating_sub(ago_us),
            period_us: (1_000_000_000 / rate) as u32,
        }
    }

    /// Another mode if what is shown now asks for one: the film's, and the display's own when there is none any more.
    fn suit(&mut self, picture: &Picture<'_>) -> io::Result<()> {
        let content = content(picture);
        let size = |content: Content| (content.width, content.height);
        // Times of frames may vary by rounding: the first of a film decides. One that begins has no frame yet.
        let known = content.map(size) == self.content.map(size);
        let begins = content.is_none() && !picture.videos.is_empty();
        if known || begins || self.outputs.wish.is_some() {
            return Ok(());
        }
        self.content = content;
        let mode = self.commit.target.mode(self.outputs.wish, self.content).map_err(io::Error::other)?;
        if mode == self.mode {
            return Ok(());
        }
        self.interface = enter(&mut self.commit, &mode)?;
        (self.mode, self.rhythm, self.differ) = (mode, None, false);
        (self.film, self.refused) = (None, None);
        self.shown.clear();
        self.outputs.report(self.size(), &mode);
        Ok(())
    }

    /// Has the film of the picture on a plane of its own, if there is one that takes it; the film's frame.
    fn lay<'a>(&mut self, picture: &'a Picture<'_>) -> Option<&'a Arc<VideoFrame>> {
        let (under, frame) = underlay(picture, size(&self.mode)).unzip();
        if self.film.as_ref().map(|film| &film.under) == under.as_ref() {
            return frame;
        }
        self.retired.extend(self.film.take());
        if let Some(under) = under.filter(|under| self.refused.as_ref() != Some(under)) {
            match Film::begin(&self.commit, (&self.mode, false), &under, &self.interface[0]) {
                Ok(film) => self.film = Some(film),
                Err(reason) => self.refuse(under, &reason),
            }
        }
        frame
    }

    fn refuse(&mut self, under: Underlay, reason: &io::Error) {
        eprintln!("kinora-tv: the film is drawn together with the interface: {reason}");
        self.refused = Some(under);
    }

    fn show(&mut self, picture: &Picture<'_>, images: &ImageStore) -> io::Result<()> {
        self.settle()?;
        self.suit(picture)?;
        let frame = self.lay(picture);
        let elsewhere = self.film.as_ref().map(|film| film.under.timeline);
        if let (Some(film), Some(frame)) = (&mut self.film, frame) {
            film.show(frame);
        }
        let changed = self.interface[1].draw(picture, images, elsewhere);
        if !changed.is_empty() || self.differ {
            self.interface.swap(0, 1);
            self.differ = !changed.is_empty();
        }
        let interface = &self.interface[0];
        let layers = self.film.as_ref().map(|film| film.layers(&self.commit, interface, &self.mode));
        let layers = layers.unwrap_or_else(|| Ok(composed(&self.commit, interface, &self.mode)))?;
        if layers == self.shown {
            return Ok(());
        }
        match (self.commit.show(&layers, None), self.film.take()) {
            (Ok(()), film) => {
                (self.film, self.shown, self.flipping) = (film, layers, true);
                Ok(())
            }
            // What passed as a test need not work.
            (Err(reason), Some(film)) => {
                self.refuse(film.under.clone(), &reason);
                self.retired.push(film);
                self.show(picture, images)
            }
            (Err(reason), None) => Err(reason),
        }
    }
}

/// Sets a mode. The interface is black, and small if the planes scale it up with a film below; else it is as large as the mode.
fn enter(commit: &mut Commit, mode: &Mode) -> io::Result<[Buffer; 2]> {
    let (small, sample) = (interface_size(size(mode)), sample(mode));
    if small != size(mode) && commit.stacks(frames(&sample), mode).is_ok() {
        let interface = Buffer::pair(&commit.card, small, DrmFourcc::Xrgb8888)?;
        let layers = composed(commit, &interface[0], mode);
        let film = Film::begin(commit, (mode, true), &sample, &interface[0]);
        if film.is_ok() && commit.show(&layers, Some(mode)).is_ok() {
            return Ok(interface);
        }
    }
    let interface = Buffer::pair(&commit.card, size(mode), DrmFourcc::Xrgb8888)?;
    let layers = composed(commit, &interface[0], mode);
    commit.show(&layers, Some(mode))?;
    Ok(interface)
}

/// Everything in one plane.
fn composed(commit: &Commit, interface: &Buffer, mode: &Mode) -> Vec<Layer> {
    vec![commit.full(None, interface.framebuffers[0], interface.size, mode)]
}

/// The film that is shown, if any.
fn content(picture: &Picture<'_>) -> Option<Content> {
    let frame = picture.videos.iter().find_map(|(_, frame)| frame.as_ref())?;
    Some(Content { width: frame.width, height: frame.height, frame_us: frame.duration_us })
}

fn lost(why: &str) -> Failure {
    Failure::new(Next::Rebuild, code::DEVICE_LOST, why)
}

impl VideoOutput for KmsOutput {
    fn size(&self) -> (u32, u32) {
        self.interface[0].size
    }

    fn vsync(&self) -> Option<Vsync> {
        self.rhythm
    }

    fn present(&mut self, picture: &Picture<'_>, images: &ImageStore) -> Result<(), Failure> {
        if self.outputs.plug.count() != self.plugged {
            return Err(lost("a display was plugged in or out"));
        }
        self.show(picture, images)
            .map_err(|e| lost(&format!("the display on {}: {e}", self.commit.target.name)))
    }
}

impl Drop for KmsOutput {
    fn drop(&mut self) {
        // A buffer on its way to the screen is the kernel's until it is there.
        let _ = self.settle();
    }
}
