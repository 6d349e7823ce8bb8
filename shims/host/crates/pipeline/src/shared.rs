//! What the threads of a pipeline share: one lock around the state, which nobody holds while decoding, opening a device or
//! calling out.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use kinora_port::{Decoders, HostUs};

use crate::audio::mixer::MixerHandle;
use crate::events::EventQueue;
use crate::pacer::Pacing;
use crate::stream::Stream;
use crate::timeline::{Context, Timeline};
use crate::worker::Pace;
use crate::{AudioTap, FrameTap};

pub(crate) struct Core {
    pub(crate) timelines: Vec<Timeline>,
    pub(crate) events: EventQueue,
    pub(crate) mixer: Option<MixerHandle>,
    pub(crate) lead_us: u64,
    /// How long the device has to ask for sound for the first time.
    pub(crate) start_until_us: HostUs,
    pub(crate) stopping: bool,
    pub(crate) ids: Arc<AtomicU64>,
}

pub(crate) struct Shared {
    state: Mutex<Core>,
    /// Decode threads wait here.
    work: Condvar,
    /// A decode thread ran out of work.
    pub(crate) settled: Condvar,
    pub(crate) decoders: Arc<dyn Decoders>,
    pub(crate) clock: Arc<dyn Fn() -> HostUs + Send + Sync>,
    pub(crate) pacing: Pacing,
    pub(crate) frame_tap: Option<FrameTap>,
    pub(crate) audio_tap: Option<AudioTap>,
    pub(crate) on_activity: Box<dyn Fn() + Send + Sync>,
}

impl Core {
    /// An id or ticket that nothing else has.
    pub(crate) fn mint(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn timeline_mut(&mut self, id: u64) -> Option<&mut Timeline> {
        self.timelines.iter_mut().find(|timeline| timeline.id == id)
    }

    pub(crate) fn stream_mut(&mut self, id: u64) -> Option<&mut Stream> {
        if self.stopping {
            return None;
        }
        self.timelines.iter_mut().find_map(|timeline| timeline.stream_mut(id))
    }

    /// With the timeline's gain, permille.
    pub(crate) fn stream_and_mixer(
        &mut self,
        id: u64,
    ) -> Option<(&mut Stream, u32, &mut Option<MixerHandle>)> {
        let mixer = &mut self.mixer;
        self.timelines
            .iter_mut()
            .find_map(|timeline| {
                let gain = timeline.gain_permille();
                timeline.stream_mut(id).map(|stream| (stream, gain))
            })
            .map(|(stream, gain)| (stream, gain, mixer))
    }

    pub(crate) fn timeline_and_stream(&mut self, id: u64) -> Option<(Pace, &mut Stream)> {
        self.timelines.iter_mut().find_map(|timeline| {
            let pace = Pace {
                running: timeline.clock.running(),
                rate_permille: timeline.rate_permille(),
                late_us: i64::from(timeline.tuning().late_us),
                clock: timeline.clock,
            };
            timeline.stream_mut(id).map(|stream| (pace, stream))
        })
    }

    /// The timelines, and what they need to move.
    pub(crate) fn moving(&mut self, now: HostUs, pacing: Pacing) -> (&mut Vec<Timeline>, Context<'_>) {
        let silent = self.mixer.as_ref().is_some_and(|mixer| mixer.shared.next_audible_us().is_none());
        let context = Context {
            now,
            events: &mut self.events,
            mixer: &mut self.mixer,
            lead_us: self.lead_us,
            device_starting: silent && now < self.start_until_us,
            pacing,
        };
        (&mut self.timelines, context)
    }
}

impl Shared {
    pub(crate) fn new(
        core: Core,
        decoders: Arc<dyn Decoders>,
        config: &crate::PipelineConfig,
        taps: crate::Taps,
        on_activity: Box<dyn Fn() + Send + Sync>,
    ) -> Self {
        Shared {
            state: Mutex::new(core),
            work: Condvar::new(),
            settled: Condvar::new(),
            decoders,
            clock: config.clock.clone(),
            pacing: config.pacing,
            frame_tap: taps.frame,
            audio_tap: taps.audio,
            on_activity,
        }
    }

    /// A thread that panicked left the state whole enough: every change is made in one go under the lock.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Core> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> HostUs {
        (self.clock)()
    }

    /// Waits until there may be work; none when the pipeline is gone.
    pub(crate) fn wait_for_work<'a>(&self, core: MutexGuard<'a, Core>) -> Option<MutexGuard<'a, Core>> {
        let core = self.work.wait(core).unwrap_or_else(PoisonError::into_inner);
        (!core.stopping).then_some(core)
    }

    pub(crate) fn wake_workers(&self) {
        self.work.notify_all();
    }

    pub(crate) fn notify_activity(&self) {
        (self.on_activity)();
    }
}
