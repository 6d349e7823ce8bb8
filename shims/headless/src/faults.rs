//! Mistakes made on purpose, as porters really make them, each at the edge: around a port's trait, or between the core and the shim.
//! The conformance kit must find every one of them.

mod edge;
mod media;
mod ports;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32};

use kinora_host::Edge;
use kinora_port::{AudioSink, Decoders, Net, Shell, Storage};

macro_rules! faults {
    ($($(#[$doc:meta])* $variant:ident $name:literal $id:literal $about:literal)*) => {
        /// A mistake.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Fault { $($variant),* }

        const FAULTS: &[(Fault, &str, &str, &str)] = &[$((Fault::$variant, $name, $id, $about)),*];
    };
}

// Name, the MUST of the contract that it breaks, and what it is.
faults! {
    HandleBeforeStart "handle-before-start" "player.start-first" "calls `handle` before `start`"
    ClockGoesBack "clock-goes-back" "player.handle-order" "host time decreases now and then"
    SnapshotUnasked "snapshot-unasked" "player.snapshot-after-checkpoint" "asks for a snapshot before each call"
    KeyUpLost "key-up-lost" "player.handle-input" "never tells that a key is released"
    KeyTwice "key-twice" "player.handle-input" "tells each key twice"
    KeysMixedUp "keys-mixed-up" "player.handle-input" "takes right for left"
    WantsForgotten "wants-forgotten" "player.start-repeats" "does not repeat wants to the next instance"
    TrappedCallLands "trapped-call-lands" "player.handle-atomic" "stores at once what a call stores"
    HungForEver "hung-for-ever" "player.handle-limit" "waits for a call that does not return"
    LogUnbounded "log-unbounded" "log.write-bounded" "prints every line whole"
    MeasureFirst "measure-first" "log.measure-last" "keeps the first value of a measurement"
    HasEverything "has-everything" "device.has-honest" "says yes to every feature"
    HasNothing "has-nothing" "device.has-honest" "says no to every feature"
    FactsChange "facts-change" "device.facts-stable" "gives other facts each time"
    GetLate "get-late" "storage.get-landed" "shows a batch some calls later"
    KeysUnsorted "keys-unsorted" "storage.keys-order" "gives keys from the last to the first"
    HalfBatch "half-batch" "storage.apply-atomic" "writes a batch in two parts"
    StoredEarly "stored-early" "storage.stored-durable" "says `stored` and writes at the end"
    ChunkTwice "chunk-twice" "net.fetch-order" "delivers each chunk twice"
    ChunksSwapped "chunks-swapped" "net.fetch-order" "delivers the second chunk before the first"
    HeadMissing "head-missing" "net.fetch-order" "delivers no head"
    CutLooksWhole "cut-looks-whole" "net.fetch-order" "ends a body that was cut as if it were whole"
    CreditIgnored "credit-ignored" "net.credit-bound" "delivers whatever comes"
    CancelIgnored "cancel-ignored" "net.cancel-silent" "delivers the end of a cancelled fetch"
    PolicyLate "policy-late" "net.fetch-denied" "connects before it asks its policy"
    FetchesSurvive "fetches-survive" "net.live-own" "lists fetches of the instance before"
    PictureShifted "picture-shifted" "display.commit-place" "shows everything four pixels to the right"
    PictureTurned "picture-turned" "display.commit-place" "shows everything upside down"
    RedForBlue "red-for-blue" "display.commit-place" "takes red for blue"
    CommitTorn "commit-torn" "display.commit-atomic" "leaves a layer of a commit out now and then"
    BaseIgnored "base-ignored" "display.commit-base" "takes a patch for any generation"
    ImagesDie "images-die" "display.image-survives" "loses images with the instance"
    UpdateShifted "update-shifted" "display.update-exact" "writes beside the rectangle"
    ImageAnswerLost "image-answer-lost" "display.missing-exact" "never answers an image"
    MissingNothing "missing-nothing" "display.missing-exact" "says that it holds every image"
    DropIgnored "drop-ignored" "display.drop-missing" "keeps a dropped image"
    SurfaceSilent "surface-silent" "shell.fullscreen-surface" "does not tell of the new surface"
    PickUngranted "pick-ungranted" "shell.pick-grants" "names a chosen file without granting it"
    TitleFirst "title-first" "shell.title-shown" "keeps the first title"
    CursorStaysHidden "cursor-stays-hidden" "shell.cursor-surface" "does not show the pointer again"
    AwakeLeaks "awake-leaks" "shell.awake-released" "keeps the screen on after the instance that asked for it"
    NowPlayingStuck "now-playing-stuck" "shell.now-playing-last" "shows the first thing that played"
    NoBuildChosen "no-build-chosen" "shell.builds-one" "marks none of the builds"
    ChoiceForgotten "choice-forgotten" "shell.choose-build-marked" "takes a choice of a build and forgets it"
    ExitAlwaysZero "exit-always-zero" "shell.exit-status" "exits with status 0 whatever is asked"
    ExitForgets "exit-forgets" "shell.exit-status" "exits before what was stored is durable"
    NoDeviceNoSound "no-device-no-sound" "audio.open-no-device" "fails to open sound without a device"
    SoundReconfiguredEarly "sound-reconfigured-early" "audio.configure-seamless" "plays what it holds with the new configuration"
    GainSquared "gain-squared" "timeline.gain-linear" "takes gain for a volume curve"
    GainFloor "gain-floor" "timeline.gain-linear" "never goes below a quarter"
    PitchFollowsRate "pitch-follows-rate" "timeline.rate-pitch" "plays faster by playing higher"
    FramesRepeat "frames-repeat" "streams.append-order" "shows a frame twice in the place of the next"
    SoundStartLost "sound-start-lost" "streams.append-order" "is silent for the first 300 ms"
    TicketIgnored "ticket-ignored" "streams.append-stale" "takes samples of an old seek"
    RoomIgnored "room-ignored" "streams.append-room" "says it took all that was offered"
    RemoveIgnored "remove-ignored" "streams.remove-tail" "plays what was removed"
    LastFramesDropped "last-frames-dropped" "streams.end-drains" "does not drain the decoder"
    EnableInterrupts "enable-interrupts" "streams.enable-seamless" "is silent for a moment when a stream is enabled"
    CloseInterrupts "close-interrupts" "streams.close-others" "is silent for a moment when a stream is closed"
    OpensAnything "opens-anything" "video.open-unsupported" "opens a codec that it cannot decode"
    MatrixMixedUp "matrix-mixed-up" "video.open-picture" "takes every picture for BT.601"
    TurnIgnored "turn-ignored" "video.open-picture" "shows a turned picture as it is coded"
    ReconfiguredEarly "reconfigured-early" "video.configure-seamless" "shows what it holds with the new configuration"
    IdsReused "ids-reused" "timeline.create-distinct" "gives the id of a closed timeline again"
    NoTimelineLimit "no-timeline-limit" "timeline.create-limit" "gives ids of timelines it did not make"
    StaleIdAccepted "stale-id-accepted" "timeline.close-gone" "accepts commands to a closed timeline"
    TimelinesDie "timelines-die" "timeline.live-survives" "lists no timelines to the next instance"
    CursorLost "cursor-lost" "timeline.live-survives" "forgets how many samples were taken"
    SeekedTwice "seeked-twice" "timeline.seek-ticket" "says `seeked` twice"
    SeekedLost "seeked-lost" "timeline.seek-ticket" "never says `seeked`"
    SeekedAnyTicket "seeked-any-ticket" "timeline.seek-ticket" "says `seeked` without a ticket"
    SeekInexact "seek-inexact" "timeline.seek-no-replay" "stops at the key frame before the target"
    GroupReplayed "group-replayed" "timeline.seek-no-replay" "shows a frame on the way to the target"
    SeekRefetches "seek-refetches" "timeline.seek-buffered" "asks anew for what it holds"
    StepTwo "step-two" "timeline.step-one" "steps by two frames"
    AnchorLost "anchor-lost" "timeline.play-anchor" "does not say when the clock starts"
    PauseIgnored "pause-ignored" "timeline.pause-holds" "goes on when paused"
    Leaks "leaks" "soak" "keeps every byte it fetched"
    StartEarly "start-early" "timeline.tune-start" "starts with the first frame"
}

impl Fault {
    /// The mistake of a name.
    pub(crate) fn find(name: &str) -> Option<Fault> {
        FAULTS.iter().find(|(_, known, ..)| *known == name).map(|(fault, ..)| *fault)
    }

    /// All of them, a line each: name, MUST id, what it is.
    pub(crate) fn list() -> String {
        let line = |(_, name, id, about): &(Fault, &str, &str, &str)| format!("{name} {id} {about}\n");
        FAULTS.iter().map(line).collect()
    }
}

/// What the wrappers of a mistake tell one another.
#[derive(Default)]
struct Shared {
    /// Fills of the sound device that are silent.
    gap: AtomicU32,
    rate_permille: AtomicU32,
    seek_us: AtomicI64,
    video_configured: AtomicBool,
    audio_configured: AtomicBool,
}

/// Puts a mistake where it belongs; without one everything stays as it is.
#[derive(Clone, Default)]
pub(crate) struct Seeded {
    fault: Option<Fault>,
    shared: Arc<Shared>,
}

impl Seeded {
    pub(crate) fn new(fault: Option<Fault>) -> Self {
        Seeded { fault, shared: Arc::default() }
    }

    pub(crate) fn is(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    pub(crate) fn edge(&self) -> Option<Box<dyn Edge>> {
        Some(Box::new(edge::Mistaken::new(self.fault?, Arc::clone(&self.shared))))
    }

    pub(crate) fn decoders(&self, decoders: Arc<dyn Decoders>) -> Arc<dyn Decoders> {
        match self.fault {
            Some(fault) => {
                Arc::new(media::Mistaken { inner: decoders, fault, shared: Arc::clone(&self.shared) })
            }
            None => decoders,
        }
    }

    pub(crate) fn sink(&self, sink: Box<dyn AudioSink>) -> Box<dyn AudioSink> {
        match self.fault {
            Some(fault) => {
                Box::new(media::MistakenSink { inner: sink, fault, shared: Arc::clone(&self.shared) })
            }
            None => sink,
        }
    }

    pub(crate) fn net(&self, net: Box<dyn Net>) -> Box<dyn Net> {
        match self.fault {
            Some(fault) => Box::new(ports::MistakenNet { inner: net, fault, grants: 0 }),
            None => net,
        }
    }

    pub(crate) fn storage(&self, storage: Box<dyn Storage>) -> Box<dyn Storage> {
        match self.fault {
            Some(fault) => Box::new(ports::MistakenStorage::new(storage, fault)),
            None => storage,
        }
    }

    pub(crate) fn shell(&self, shell: Box<dyn Shell>) -> Box<dyn Shell> {
        match self.fault {
            Some(Fault::AwakeLeaks) => Box::new(ports::SleeplessShell(shell)),
            _ => shell,
        }
    }

    /// What a screen makes of the picture, `0xAARRGGBB`.
    pub(crate) fn picture(&self, pixels: &mut [u32], width: usize) {
        match self.fault {
            Some(Fault::PictureShifted) => pixels.chunks_exact_mut(width).for_each(|row| row.rotate_right(4)),
            Some(Fault::PictureTurned) => pixels.reverse(),
            Some(Fault::RedForBlue) => {
                for pixel in pixels {
                    *pixel = *pixel & 0xff00_ff00 | (*pixel & 0xff) << 16 | *pixel >> 16 & 0xff;
                }
            }
            _ => {}
        }
    }
}
