//! Presenting on a display: two buffers in turn, one shown while the other is drawn.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use drm::control::{Device, Event, Mode};
use kinora_host::realtime::{Clock, Session};
use kinora_port::{Failure, ImageStore, InputEvent, Next, Picture, VideoOutput, Vsync, code};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::time::{ClockId, clock_gettime};

use super::buffer::Buffer;
use super::commit::Commit;
use super::modes::{Content, Wish};
use super::{Card, Plug, Target, timing};

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

    /// Tells everybody the size and the rhythm of the screen.
    fn report(&self, mode: &Mode) {
        let timing = timing(mode);
        let (width_px, height_px, refresh_mhz) = (timing.width, timing.height, timing.refresh_mhz);
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
    target: Target,
    commit: Commit,
    mode: Mode,
    buffers: [Buffer; 2],
    /// Index of the buffer that is drawn next.
    back: usize,
    /// What is shown differs from the other buffer.
    differ: bool,
    /// A buffer is on its way to the screen.
    flipping: bool,
    rhythm: Option<Vsync>,
    plugged: u64,
    content: Option<Content>,
}

impl KmsOutput {
    fn new(outputs: Outputs, target: Target, plugged: u64) -> Result<Self, String> {
        let card = &outputs.card;
        let refused = |e: io::Error| format!("{} on {}: {e}", target.name, card.path.display());
        let mode = target.mode(outputs.wish, None)?;
        let commit = Commit::new(card, &target).map_err(refused)?;
        let buffers = buffers(card, &mode).map_err(refused)?;
        commit.set_mode(card, &target, &mode, buffers[0].framebuffer).map_err(|e| {
            let timing = timing(&mode);
            format!(
                "{} on {} does not take {timing}: {e}; try another --mode",
                target.name,
                card.path.display()
            )
        })?;
        outputs.report(&mode);
        Ok(KmsOutput {
            outputs,
            target,
            commit,
            mode,
            buffers,
            back: 1,
            differ: false,
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
        let mode = self.target.mode(self.outputs.wish, self.content).map_err(io::Error::other)?;
        if mode == self.mode {
            return Ok(());
        }
        let card = Arc::clone(&self.outputs.card);
        if mode.size() != self.mode.size() {
            let buffers = buffers(&card, &mode)?;
            self.commit.set_mode(&card, &self.target, &mode, buffers[0].framebuffer)?;
            (self.buffers, self.back) = (buffers, 1);
        } else {
            let shown = &self.buffers[1 - self.back];
            self.commit.set_mode(&card, &self.target, &mode, shown.framebuffer)?;
        }
        (self.mode, self.rhythm) = (mode, None);
        self.outputs.report(&mode);
        Ok(())
    }

    fn show(&mut self, picture: &Picture<'_>, images: &ImageStore) -> io::Result<()> {
        self.settle()?;
        self.suit(picture)?;
        let changed = self.buffers[self.back].draw(picture, images);
        if changed.is_empty() && !self.differ {
            return Ok(());
        }
        self.commit.flip(&self.outputs.card, &self.target, self.buffers[self.back].framebuffer)?;
        self.flipping = true;
        self.back = 1 - self.back;
        self.differ = !changed.is_empty();
        Ok(())
    }
}

fn buffers(card: &Arc<Card>, mode: &Mode) -> io::Result<[Buffer; 2]> {
    let (width, height) = mode.size();
    let size = (width.into(), height.into());
    Ok([Buffer::new(card, size)?, Buffer::new(card, size)?])
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
        let (width, height) = self.mode.size();
        (width.into(), height.into())
    }

    fn vsync(&self) -> Option<Vsync> {
        self.rhythm
    }

    fn present(&mut self, picture: &Picture<'_>, images: &ImageStore) -> Result<(), Failure> {
        if self.outputs.plug.count() != self.plugged {
            return Err(lost("a display was plugged in or out"));
        }
        self.show(picture, images).map_err(|e| lost(&format!("the display on {}: {e}", self.target.name)))
    }
}

impl Drop for KmsOutput {
    fn drop(&mut self) {
        // A buffer on its way to the screen is the kernel's until it is there.
        let _ = self.settle();
    }
}
