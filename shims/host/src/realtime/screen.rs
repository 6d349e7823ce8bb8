//! What the presenting thread is told, and its work: it draws the stage whenever it changes, and sleeps otherwise.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kinora_port::{Failure, HostUs, Picture, VideoOutput};

use super::Clock;
use super::pace::Pace;
use crate::stage::Stage;

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
        let scene = stage.scene(seen, pace.rhythm_us());
        screen.lock().waiting = scene.waiting;
        let (width_px, height_px) = output.size();
        // What nobody sees is not drawn, but its frames are taken all the same, so that playback goes on.
        if !state.hidden && width_px > 0 && height_px > 0 {
            let picture = Picture { width_px, height_px, draws: &scene.draws, videos: &scene.videos };
            let presented = output.present(&picture, &images);
            drop(images);
            match presented {
                Ok(()) => pace.drew(Duration::from_micros(clock.now() - began)),
                Err(failure) => {
                    // Before the next, which may want what this one holds.
                    drop(output);
                    output = make(Some(failure))?;
                    screen.ring();
                }
            }
        }
        not_before = pace.not_before(began, seen);
        wake = scene.next_change.map(|change| pace.wake(change, began, seen));
    }
}

#[cfg(test)]
mod tests {
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
}
