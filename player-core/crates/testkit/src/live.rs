//! A live stream: what its server holds is a function of virtual time.

use kinora_time::{HostUs, MediaUs};

use crate::net::Resource;
use crate::shim::FakeShim;
use crate::toy::Toy;

/// A stream of segments of equal length. At time 0 `before` of them are there, and one more with each length that passes.
#[derive(Clone, Debug)]
pub struct LiveShow {
    /// Address without extension: `BASE.m3u8`, `BASE.init`, `BASE0.seg` and so on.
    pub base: String,
    /// What the segments are cut from; its times and length are not used.
    pub toy: Toy,
    /// Timestamp of the first segment.
    pub start_us: MediaUs,
    /// Length of a segment.
    pub segment_us: MediaUs,
    /// Segments there are at time 0.
    pub before: u64,
    /// Segments of the window; what left it is gone at once. None: nothing leaves it (`EXT-X-PLAYLIST-TYPE:EVENT`).
    pub window: Option<u64>,
    /// Number of the first segment.
    pub first_number: u64,
    /// Segments after which it is over.
    pub total: Option<u64>,
    /// A discontinuity after every so many segments: timestamps start anew there.
    pub parts: Option<u64>,
    /// Whether dates are stated.
    pub dated: bool,
}

impl LiveShow {
    /// Four seconds a segment, six in the window, ten before.
    pub fn new(base: &str) -> Self {
        LiveShow {
            base: base.to_owned(),
            toy: Toy::default(),
            start_us: 0,
            segment_us: 4_000_000,
            before: 10,
            window: Some(6),
            first_number: 0,
            total: None,
            parts: None,
            dated: false,
        }
    }

    /// Segments there are at `now`.
    pub fn published(&self, now: HostUs) -> u64 {
        let count = self.before + now / self.segment_us as u64;
        self.total.map_or(count, |total| count.min(total))
    }

    /// The first segment that is still there at `now`.
    pub fn first(&self, now: HostUs) -> u64 {
        self.window.map_or(0, |window| self.published(now).saturating_sub(window))
    }

    /// Timestamp of the start of segment `n`.
    pub fn pts_us(&self, n: u64) -> MediaUs {
        let into = self.parts.map_or(n, |parts| n % parts);
        self.start_us + into as i64 * self.segment_us
    }

    /// The playlist as it is at `now`.
    pub fn playlist(&self, now: HostUs) -> String {
        self.window_of(self.first(now), self.published(now))
    }

    /// The playlist of segments `from..to`.
    pub fn window_of(&self, from: u64, to: u64) -> String {
        let name = self.base.rsplit('/').next().unwrap_or_default();
        let (target, number) = (self.segment_us / 1_000_000, self.first_number + from);
        let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-MEDIA-SEQUENCE:{number}\n");
        if let Some(parts) = self.parts {
            text += &format!("#EXT-X-DISCONTINUITY-SEQUENCE:{}\n", from.saturating_sub(1) / parts);
        }
        if self.window.is_none() {
            text += "#EXT-X-PLAYLIST-TYPE:EVENT\n";
        }
        text += &format!("#EXT-X-MAP:URI=\"{name}.init\"\n");
        for n in from..to {
            if self.parts.is_some_and(|parts| n > 0 && n.is_multiple_of(parts)) {
                text += "#EXT-X-DISCONTINUITY\n";
            }
            if self.dated {
                let second = n as i64 * self.segment_us / 1_000_000;
                let (minute, second) = (second / 60, second % 60);
                text += &format!("#EXT-X-PROGRAM-DATE-TIME:2020-01-01T00:{minute:02}:{second:02}Z\n");
            }
            text +=
                &format!("#EXTINF:{}.{:03},\n", self.segment_us / 1_000_000, self.segment_us / 1000 % 1000);
            text += &format!("{name}{n}.seg\n");
        }
        if self.total == Some(to) {
            text += "#EXT-X-ENDLIST\n";
        }
        text
    }

    /// Segment `n`.
    pub fn segment(&self, n: u64) -> Resource {
        let toy = Toy { start_us: self.pts_us(n), duration_us: self.segment_us, ..self.toy.clone() };
        Resource::new(toy.segment())
    }

    /// Serves it, its first `count` segments.
    pub fn serve(&self, shim: &mut FakeShim, count: u64) {
        let show = self.clone();
        let url = format!("{}.m3u8", self.base);
        shim.serve_script(&url, move |now| Some(Resource::new(show.playlist(now).into_bytes())));
        self.serve_segments(shim, count);
    }

    /// Serves its segments, each while it is in the window.
    pub fn serve_segments(&self, shim: &mut FakeShim, count: u64) {
        shim.serve(&format!("{}.init", self.base), Resource::new(self.toy.init()));
        for n in 0..count {
            let show = self.clone();
            shim.serve_script(&format!("{}{n}.seg", self.base), move |now| {
                let there = (show.first(now)..show.published(now)).contains(&n);
                there.then(|| show.segment(n))
            });
        }
    }
}
