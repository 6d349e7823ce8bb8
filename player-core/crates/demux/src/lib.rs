//! Containers to access units, bounded and resumable.
//!
//! A demuxer never reads by itself: its owner keeps a [`Window`] over the resource, and [`Demux::step`] says which bytes it
//! wants next. So it runs the same over a file, a network that trickles, or one byte at a time, and a step does a bounded amount of work.
//! Timestamps are the container's own, scaled to microseconds rounded down and with edit lists applied; nothing is rebased to 0.

mod bisection;
mod codec;
#[cfg(test)]
mod driver;
mod elementary;
mod flac;
mod issues;
mod matroska;
mod mp4;
mod ogg;
mod probe;
mod sample;
mod track;
mod ts;
mod wav;

pub use elementary::Elementary;
pub use flac::Flac;
pub use kinora_bytes::Window;
pub use matroska::Matroska;
pub use mp4::Mp4;
pub use ogg::Ogg;
pub use probe::{Probe, open};
pub use sample::{Cue, Sample, Trim};
pub use track::{AudioFormat, Codec, Kind, TextFormat, Track, VideoFormat};
pub use ts::Ts;
pub use wav::Wav;

/// What a demuxer does next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Needs at least `least` bytes at `at` (more is welcome, and bytes before `at` are not needed again). Answer by filling
    /// the window and calling again; when the resource ends before, state so with [`Window::set_ended`] and call again.
    More {
        /// Absolute offset of the first byte needed.
        at: u64,
        /// How many bytes must be there for progress.
        least: usize,
    },
    /// The tracks and the duration are known; reported once, before the first sample, and again when tracks change.
    Tracks,
    /// The next access unit of an audio or video track.
    Sample(Sample),
    /// The next cue of a text track.
    Cue(Cue),
    /// Nothing follows.
    End,
}

/// A container parser.
pub trait Demux {
    /// Goes on by a bounded amount of work. After an error the demuxer only answers `End`.
    fn step(&mut self, window: &Window) -> Result<Step, Error>;

    /// The tracks, in the container's order; empty before [`Step::Tracks`].
    fn tracks(&self) -> &[Track];

    /// Time of the first sample and of the end of the last, as far as known.
    fn start_us(&self) -> i64;
    /// End of the content minus its start; `None` when unknown (a stream of unknown length).
    fn duration_us(&self) -> Option<i64>;

    /// Whether [`Demux::seek`] can go anywhere (given a resource that can be read from any offset).
    fn seekable(&self) -> bool;

    /// Goes on from the key frame at or before `to_us` of the first video track (else of the first audio track), with the other
    /// tracks' samples from about there: none that is needed at `to_us` or later is left out. Cues that are still showing then
    /// are reported again where the container tells. Only after [`Step::Tracks`].
    fn seek(&mut self, to_us: i64);

    /// What was wrong but could be lived with, since the last call: for the log.
    fn take_issues(&mut self) -> Vec<String>;
}

/// Why a resource cannot be demuxed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// Not a container this crate knows; what it looks like instead, in words.
    Unrecognised(String),
    /// The container is known but damaged beyond use; which part and how.
    Damaged(String),
    /// A feature that is not supported (encryption, a nested format); which.
    Unsupported(String),
    /// A structure exceeds what is allowed; which. Guards memory against hostile lengths.
    Limit(String),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Unrecognised(what) => write!(f, "not a media file that can be played ({what})"),
            Error::Damaged(what) => write!(f, "the file is damaged ({what})"),
            Error::Unsupported(what) => write!(f, "not supported: {what}"),
            Error::Limit(what) => write!(f, "the file asks for too much ({what})"),
        }
    }
}

impl std::error::Error for Error {}
