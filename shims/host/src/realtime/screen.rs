//! What the presenting thread is told, and its work: it draws the stage whenever it changes, and sleeps otherwise.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use kinora_display_list::Draw;
use kinora_port::{Failure, HostUs, Picture, VideoFrame, VideoOutput};

use super::Clock;
use super::pace::Pace;
use crate::stage::{Scene, Stage};

/// How long closing waits for an output that its platform may have blocked.
const CLOSE_LIMIT: Duration = Duration::from_millis(500);

/// What the platform and the other threads tell the presenting thread.
pub struct Screen {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, Default)]
struct State {
    size: (u32, u32),
    period_us: Option<u64>,
    hidden: bool,
    /// The window's content was lost.
    exposed: bool,
    rung: bool,
    /// The stage waits for a decoder.
    waiting: bool,
    closed: bool,
    finished: bool,
}

impl Screen {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Screen { state: Mutex::default(), changed: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, f: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        f(&mut state);
        state.rung = true;
        self.changed.notify_all();
    }

    /// The stage may have changed.
    pub(super) fn ring(&self) {
        self.tell(|_| ());
    }

    /// A decoder has done something.
    pub(super) fn ring_if_waiting(&self) {
        if self.lock().waiting {
            self.ring();
        }
    }

    /// The window has a new size, or is on a screen with another refresh rate (mHz, 0 unknown).
    pub fn resize(&self, size: (u32, u32), refresh_mhz: u32) {
        let period_us = 1_000_000_000u64.checked_div(refresh_mhz.into());
        self.tell(|state| (state.size, state.period_us) = (size, period_us));
    }

    /// Nobody can see the window.
    pub fn hide(&self, hidden: bool) {
        self.tell(|state| state.hidden = hidden);
    }

    /// The system wants the window drawn again.
    pub fn expose(&self) {
        self.tell(|state| state.exposed = true);
    }

    /// Ends the presenting thread and everything that goes on.
    pub fn close(&self) {
        self.tell(|state| state.closed = true);
    }

    /// Whether the end has begun.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Size of the drawable area in pixels.
    pub fn size(&self) -> (u32, u32) {
        self.lock().size
    }

    /// Time between refreshes, where the platform knows it.
    pub fn period_us(&self) -> Option<u64> {
        self.lock().period_us
    }

    /// Whether everything must be drawn again, since the last time this was asked.
    pub fn take_exposed(&self) -> bool {
        std::mem::take(&mut self.lock().exposed)
    }

    /// Waits until the window is no longer in use; `false` if the platform holds the presenter.
    pub fn wait_finished(&self) -> bool {
        let finished = self.changed.wait_timeout_while(self.lock(), CLOSE_LIMIT, |state| !state.finished);
        finished.unwrap_or_else(PoisonError::into_inner).0.finished
    }

    /// Sleeps until rung or until `at`.
    fn wait(&self, at: Option<HostUs>, clock: Clock) -> State {
        let limit = at.map_or(Duration::MAX, |at| clock.until(at));
        let woken = self.changed.wait_timeout_while(self.lock(), limit, |state| !state.rung);
        let mut state = woken.unwrap_or_else(PoisonError::into_inner).0;
        state.rung = false;
        *state
    }
}

/// The presenting thread's work: shows the stage until the screen is closed. `make` makes the output; after a failure of that one
/// it is asked, with the failure, for another. The error is why there is none.
pub fn present(
    stage: &Stage,
    screen: &Screen,
    clock: Clock,
    make: &mut dyn FnMut(Option<Failure>) -> Result<Box<dyn VideoOutput>, String>,
) -> Result<(), String> {
    let result = run(stage, screen, clock, make);
    screen.tell(|state| state.finished = true);
    result
}

fn run(
    stage: &Stage,
    screen: &Screen,
    clock: Clock,
    make: &mut dyn FnMut(Option<Failure>) -> Result<Box<dyn VideoOutput>, String>,
) -> Result<(), String> {
    let mut output = make(None)?;
    let mut pace = Pace::default();
    let (mut wake, mut not_before) = (None, 0);
    let mut shown = Shown::default();
    loop {
        let state = screen.wait(wake, clock);
        if state.closed {
            return Ok(());
        }
        std::thread::sleep(clock.until(not_before));
        let began = clock.now();
        (pace.vsync, pace.period_us) = (output.vsync(), state.period_us);
        let seen = pace.seen_at(began);
        // Before looking, so that what a decoder finishes meanwhile is not missed.
        screen.lock().waiting = true;
        // Held from before the look at the list until it is drawn: a commit changes both in one step.
        let images = stage.images();
        let mut scene = stage.scene(seen, pace.rhythm_us());
        screen.lock().waiting = scene.waiting;
        let (width_px, height_px) = output.size();
        // What nobody sees is not drawn, but its frames are taken all the same, so that playback goes on.
        let seen_by_some = !state.hidden && width_px > 0 && height_px > 0;
        if seen_by_some && (state.exposed || !shown.is((width_px, height_px), &scene)) {
            let picture = Picture { width_px, height_px, draws: &scene.draws, videos: &scene.videos };
            let presented = output.present(&picture, &images);
            drop(images);
            match presented {
                Ok(()) => {
                    pace.drew(Duration::from_micros(clock.now() - began));
                    shown = Shown::new((width_px, height_px), &mut scene);
                }
                Err(failure) => {
                    // Before the next, which may want what this one holds.
                    drop(output);
                    output = make(Some(failure))?;
                    shown = Shown::default();
                    screen.ring();
                }
            }
        }
        not_before = pace.not_before(began, seen);
        wake = scene.next_change.map(|change| pace.wake(change, began, seen));
    }
}

/// What was drawn last: who is woken by a decoder that is still on its way to the picture wanted need not draw it again.
#[derive(Default)]
struct Shown {
    size: (u32, u32),
    draws: Vec<Draw>,
    /// Weak, so that it holds no decoder's memory.
    videos: Vec<(u64, Weak<VideoFrame>)>,
    image_changes: u64,
}

impl Shown {
    fn new(size: (u32, u32), scene: &mut Scene) -> Self {
        let videos = scene.videos.iter().map(|(timeline, frame)| (*timeline, weak(frame.as_ref()))).collect();
        Shown { size, draws: std::mem::take(&mut scene.draws), videos, image_changes: scene.image_changes }
    }

    fn is(&self, size: (u32, u32), scene: &Scene) -> bool {
        let videos = self.videos.iter().zip(&scene.videos);
        self.size == size
            && self.image_changes == scene.image_changes
            && self.draws == scene.draws
            && self.videos.len() == scene.videos.len()
            && videos
                .into_iter()
                .all(|((one, was), (other, is))| one == other && was.ptr_eq(&weak(is.as_ref())))
    }
}

fn weak(frame: Option<&Arc<VideoFrame>>) -> Weak<VideoFrame> {
    frame.map_or_else(Weak::new, Arc::downgrade)
}

#[cfg(test)]
mod tests {
    use kinora_display_list::{Bounds, Fit, Shape};
    use kinora_port::{Cicp, PixelFormat};

    use super::*;

    #[test]
    fn ring_if_waiting_rings_only_a_stage_that_waits() {
        let screen = Screen::new();
        screen.ring_if_waiting();
        assert!(!screen.lock().rung);
        screen.lock().waiting = true;
        screen.ring_if_waiting();
        assert!(screen.lock().rung);
    }
    #[test]
    fn scene_drawn_before_is_the_same_until_list_frame_images_or_size_change() {
        let frame = || {
            Arc::new(VideoFrame {
                pts_us: 0,
                duration_us: 0,
                width: 1,
                height: 1,
                format: PixelFormat::Gray8,
                planes: Vec::new(),
                par: (1, 1),
                rotation_deg: 0,
                cicp: Cicp::default(),
            })
        };
        let rect = Bounds { x: 0.0, y: 0.0, w: 1.0, h: 1.0 };
        let shape = Shape::Video { timeline: 1, rect, fit: Fit::Fill };
        let draws = || vec![Draw { clip: None, shape: shape.clone() }];
        let first = frame();
        let scene = |frame: &Arc<VideoFrame>| Scene {
            draws: draws(),
            videos: vec![(1, Some(Arc::clone(frame)))],
            ..Scene::default()
        };
        let size = (2, 2);
        let shown = Shown::new(size, &mut scene(&first));
        assert!(shown.is(size, &scene(&first)));
        assert!(!shown.is((2, 3), &scene(&first)));
        assert!(!shown.is(size, &scene(&frame())));
        assert!(!shown.is(size, &Scene { image_changes: 1, ..scene(&first) }));
        assert!(!shown.is(size, &Scene { draws: Vec::new(), ..scene(&first) }));
    }
}
