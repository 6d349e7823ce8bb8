//! The presenting thread: draws the stage whenever it changes, and sleeps otherwise.

mod cpu;
pub(crate) mod gpu;
mod pace;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kinora_host::Stage;
use kinora_port::{HostUs, Picture, VideoOutput};
use winit::window::Window;

use crate::session::Clock;
use pace::Pace;

/// Who draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presenter {
    Gpu,
    Cpu,
}

/// How long closing waits for a presenter that its platform may have blocked.
const CLOSE_LIMIT: Duration = Duration::from_millis(500);

/// What the window and the other threads tell the presenter.
pub(crate) struct Screen {
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
    pub(crate) fn new() -> Arc<Self> {
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
    pub(crate) fn ring(&self) {
        self.tell(|_| ());
    }

    /// A decoder has done something.
    pub(crate) fn ring_if_waiting(&self) {
        if self.lock().waiting {
            self.ring();
        }
    }

    /// The window has a new size, or is on a screen with another refresh rate (mHz, 0 unknown).
    pub(crate) fn resize(&self, size: (u32, u32), refresh_mhz: u32) {
        let period_us = 1_000_000_000u64.checked_div(refresh_mhz.into());
        self.tell(|state| (state.size, state.period_us) = (size, period_us));
    }

    /// Nobody can see the window.
    pub(crate) fn hide(&self, hidden: bool) {
        self.tell(|state| state.hidden = hidden);
    }

    /// The system wants the window drawn again.
    pub(crate) fn expose(&self) {
        self.tell(|state| state.exposed = true);
    }

    /// Ends the presenting thread and everything that goes on.
    pub(crate) fn close(&self) {
        self.tell(|state| state.closed = true);
    }

    /// Whether the end has begun.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Waits until the window is no longer in use; `false` if the platform holds the presenter.
    pub(crate) fn wait_finished(&self) -> bool {
        let finished = self.changed.wait_timeout_while(self.lock(), CLOSE_LIMIT, |state| !state.finished);
        finished.unwrap_or_else(PoisonError::into_inner).0.finished
    }

    /// Sleeps until rung or until `at`.
    fn wait(&self, at: Option<HostUs>, clock: Clock) -> State {
        let limit = at.map_or(Duration::MAX, |at| until(at, clock));
        let woken = self.changed.wait_timeout_while(self.lock(), limit, |state| !state.rung);
        let mut state = woken.unwrap_or_else(PoisonError::into_inner).0;
        state.rung = false;
        *state
    }
}

/// Presents `stage` in `window` until the screen is closed.
pub(crate) struct Presenting {
    pub(crate) window: Arc<Window>,
    pub(crate) stage: Arc<Stage>,
    pub(crate) screen: Arc<Screen>,
    pub(crate) clock: Clock,
    /// `None`: whichever suits the system.
    pub(crate) presenter: Option<Presenter>,
}

impl Presenting {
    /// The thread's work. Returns early, with the reason, when nothing can be presented at all.
    pub(crate) fn run(self) -> Result<(), String> {
        let result = self.present();
        self.screen.tell(|state| state.finished = true);
        result
    }

    fn present(&self) -> Result<(), String> {
        let mut output = self.first_output()?;
        let mut pace = Pace::default();
        let (mut wake, mut not_before) = (None, 0);
        loop {
            let state = self.screen.wait(wake, self.clock);
            if state.closed {
                return Ok(());
            }
            std::thread::sleep(until(not_before, self.clock));
            let began = self.clock.now();
            (pace.vsync, pace.period_us) = (output.vsync(), state.period_us);
            let seen = pace.seen_at(began);
            // Before looking, so that what a decoder finishes meanwhile is not missed.
            self.screen.lock().waiting = true;
            let scene = self.stage.scene(seen, pace.rhythm_us());
            self.screen.lock().waiting = scene.waiting;
            let (width_px, height_px) = output.size();
            // What nobody sees is not drawn, but its frames are taken all the same, so that playback goes on.
            if !state.hidden && width_px > 0 && height_px > 0 {
                let picture = Picture { width_px, height_px, draws: &scene.draws, videos: &scene.videos };
                match output.present(&picture, &self.stage.images()) {
                    Ok(()) => pace.drew(Duration::from_micros(self.clock.now() - began)),
                    Err(lost) => {
                        eprintln!("kinora: {lost}; drawing on the CPU");
                        output = self.cpu_output()?;
                        self.screen.ring();
                    }
                }
            }
            not_before = pace.not_before(began, seen);
            wake = scene.next_change.map(|change| pace.wake(change, began, seen));
        }
    }

    fn first_output(&self) -> Result<Box<dyn VideoOutput>, String> {
        if self.presenter == Some(Presenter::Cpu) || (self.presenter.is_none() && !gpu::may_exist()) {
            return self.cpu_output();
        }
        let (window, screen) = (Arc::clone(&self.window), Arc::clone(&self.screen));
        match gpu::GpuOutput::new(window, screen, self.clock, self.presenter == Some(Presenter::Gpu)) {
            Ok(output) => Ok(Box::new(output)),
            Err(reason) if self.presenter.is_some() => Err(format!("the GPU cannot be used: {reason}")),
            Err(_) => self.cpu_output(),
        }
    }

    fn cpu_output(&self) -> Result<Box<dyn VideoOutput>, String> {
        let output = cpu::CpuOutput::new(Arc::clone(&self.window), Arc::clone(&self.screen));
        Ok(Box::new(output.map_err(|e| format!("cannot draw in the window: {e}"))?))
    }
}

fn until(at: HostUs, clock: Clock) -> Duration {
    Duration::from_micros(at.saturating_sub(clock.now()))
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
