//! HTTP Live Streaming (RFC 8216): variants, renditions and their segments.

mod lane;
mod lines;
mod listing;
mod live;
mod packed;
mod playlists;
mod renditions;
mod text;
mod timetable;

use std::sync::Arc;

use kinora_abr::{Buffer, Throughput};
use kinora_manifest::{MediaPlaylist, Presentation, Variables};
use kinora_time::{HostUs, MediaUs};

use self::lane::{Lane, Progress, Shared};
use self::lines::Lines;
use self::listing::{Listing, Loaded};
use self::live::Edge;
pub(crate) use self::live::{Kept, LiveState};
use self::playlists::Fetching;
use self::text::TextLane;
pub(crate) use self::timetable::Mark;
use super::{Cx, Download, Extent, OpenContainer, Source};
use crate::error::{Error, ErrorKind};
use crate::event::NetChange;
use crate::shim::Shim;
use crate::streams::Refill;

/// Missing segments in a row that are passed over; more is an outage, not a gap.
const MOST_SKIPPED: usize = 3;

/// Lines of timestamps that a successor is told of: a window has few.
const MOST_LINES: usize = 64;

const VIDEO: u32 = 1;
/// The first audio track inside the variant.
const MUXED_AUDIO: u32 = 2;
const MOST_MUXED_AUDIO: u32 = 8;
/// Plus the rendition's place in the presentation.
const RENDITIONS: u32 = 100;

/// See the [module](self).
pub(crate) struct HlsSource {
    presentation: Presentation,
    /// Rates of the variants to adapt between, and their places in the presentation.
    rates_bps: Vec<u64>,
    places: Vec<usize>,
    /// Addresses of the playlists, and those that were fetched, by place in `places`.
    urls: Vec<String>,
    playlists: Vec<Option<Loaded>>,
    current: usize,
    /// The playlist being fetched for the main lane.
    download: Option<Fetching>,
    main: Option<Lane>,
    /// Place of the audio rendition that is heard; none: inside the variant.
    audio_rendition: Option<usize>,
    /// With when it was asked for.
    audio_download: Option<(HostUs, Download)>,
    audio: Option<Lane>,
    /// Where a lane that opens late goes on, playlist time.
    at_us: MediaUs,
    /// Where playing begins, playlist time.
    begin_us: MediaUs,
    /// What an earlier instance left, until the playlist is there.
    kept: Option<Kept>,
    edge: Edge,
    /// What is to be read next has left the window, and nothing else is left to play.
    jump: bool,
    text: Option<TextLane>,
    shared: Shared,
    throughput: Throughput,
    announced: bool,
    /// Variants that failed since a segment last came, and segments passed over.
    failed: Vec<usize>,
    /// The main lane waits for the playlist of `current`.
    switching: bool,
    skipped: usize,
    notice: Option<String>,
}

impl HlsSource {
    /// A presentation of variants.
    pub(crate) fn multivariant(
        presentation: Presentation,
        kept: Option<Kept>,
        open: OpenContainer,
    ) -> Result<Self, Error> {
        // Sound alone stands beside the picture for those who have no bandwidth for it; a switch there and back would be
        // a black screen.
        let pictured = presentation.variants.iter().any(|variant| variant.resolution.is_some());
        let fits = |place: &usize| !pictured || presentation.variants[*place].resolution.is_some();
        let places: Vec<usize> = (0..presentation.variants.len()).filter(fits).collect();
        if places.is_empty() {
            return Err(Error::new(ErrorKind::Content, "The playlist names nothing that can be played."));
        }
        let rate = |place: &usize| {
            let variant = &presentation.variants[*place];
            variant.average_bandwidth_bps.unwrap_or(variant.bandwidth_bps)
        };
        let rates_bps: Vec<u64> = places.iter().map(rate).collect();
        let mut source = HlsSource::empty(kept, open);
        let known = source.kept.as_ref().map(|kept| kept.state.variant).filter(|at| *at < places.len());
        source.current = known.unwrap_or_else(|| kinora_abr::choose(&rates_bps, None, None, Buffer::of(0)));
        source.playlists = vec![None; places.len()];
        source.urls = places.iter().map(|place| presentation.variants[*place].uri.clone()).collect();
        source.shared.variables = presentation.variables.clone();
        source.rates_bps = rates_bps;
        source.places = places;
        source.presentation = presentation;
        source.audio_rendition = source.default_audio();
        Ok(source)
    }

    /// One playlist of segments, which was asked for at `url` at `asked_us`.
    pub(crate) fn single(
        playlist: MediaPlaylist,
        url: &str,
        asked_us: HostUs,
        kept: Option<Kept>,
        open: OpenContainer,
    ) -> Self {
        let mut source = HlsSource::empty(kept, open);
        source.rates_bps = vec![0];
        source.places = vec![0];
        source.urls = vec![url.to_owned()];
        source.playlists = vec![Some(Loaded { playlist: Arc::new(playlist), asked_us })];
        source
    }

    fn empty(kept: Option<Kept>, open: OpenContainer) -> Self {
        HlsSource {
            presentation: Presentation::default(),
            rates_bps: Vec::new(),
            places: Vec::new(),
            urls: Vec::new(),
            playlists: Vec::new(),
            current: 0,
            download: None,
            main: None,
            audio_rendition: None,
            audio_download: None,
            audio: None,
            at_us: 0,
            begin_us: 0,
            kept,
            edge: Edge::default(),
            jump: false,
            text: None,
            shared: Shared { open, lines: Lines::default(), variables: Variables::new() },
            throughput: Throughput::new(),
            announced: false,
            failed: Vec::new(),
            switching: false,
            skipped: 0,
            notice: None,
        }
    }

    fn poll_main(&mut self, cx: &mut Cx<'_>) -> Result<(), Error> {
        loop {
            let Some(main) = &mut self.main else { return Ok(()) };
            let progress = main.poll(self.announced, &mut self.shared, cx);
            if let Some((bytes, elapsed_us)) = main.take_transfer() {
                self.throughput.record(bytes, elapsed_us);
                self.failed.clear();
                self.skipped = 0;
            }
            match progress {
                Progress::Idle => return Ok(()),
                Progress::Boundary => {
                    let base_us = self.shared.lines.base_us();
                    let changed = self.adapt(cx.feeds.ahead_us(), cx.now);
                    let Some(main) = &mut self.main else { return Ok(()) };
                    match changed {
                        Some(listing) => main.change(listing, base_us, cx.shim),
                        None => main.advance(),
                    }
                }
                Progress::Behind if self.announced => return Ok(()),
                Progress::Behind => self.begin_us = main.go_live(),
                Progress::Failed(_) if main.is_behind() => main.stop(cx.shim),
                Progress::Failed(error) => {
                    self.segment_failed(error, cx)?;
                    if self.switching {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// The playlist of another variant to go on with, by what the network gives and what is buffered.
    fn adapt(&mut self, ahead_us: MediaUs, now: HostUs) -> Option<Listing> {
        if self.places.len() < 2 {
            return None;
        }
        let estimate_bps = self.throughput.estimate_bps();
        let buffer =
            Buffer { ahead_us, most_us: self.main.as_ref().and_then(|main| main.table().most_ahead_us()) };
        let chosen = kinora_abr::choose(&self.rates_bps, estimate_bps, Some(self.current), buffer);
        if chosen == self.current || self.failed.contains(&chosen) {
            return None;
        }
        let listing = self.fresh_listing(chosen, now);
        match &listing {
            Some(_) => self.current = chosen,
            // It comes while the current variant goes on, and serves the next boundary.
            None if self.download.is_none() => self.fetch_variant(chosen, now),
            None => {}
        }
        listing
    }

    /// After its retries: the same segment from another variant, else on without it.
    fn segment_failed(&mut self, error: Error, cx: &mut Cx<'_>) -> Result<(), Error> {
        if error.kind == ErrorKind::Unsupported || error.kind == ErrorKind::Denied {
            return Err(error);
        }
        cx.shim.log(2, &format!("segment: {}", error.reason));
        let other = self.other_than(self.current);
        let Some(main) = &mut self.main else { return Ok(()) };
        main.stop(cx.shim);
        if let Some(other) = other {
            self.current = other;
            let base_us = self.shared.lines.base_us();
            match (self.fresh_listing(other, cx.now), &mut self.main) {
                (Some(listing), Some(main)) => main.change(listing, base_us, cx.shim),
                // The lane waits for it in `open_playlists`.
                _ => {
                    self.switching = true;
                    self.fetch_variant(other, cx.now);
                }
            }
            return Ok(());
        }
        self.skipped += 1;
        if self.skipped > MOST_SKIPPED {
            return Err(error);
        }
        self.failed.clear();
        if let Some(main) = &mut self.main {
            main.skip(cx.shim);
        }
        self.notice = Some("A part is missing and was left out.".to_owned());
        Ok(())
    }

    fn poll_audio(&mut self, cx: &mut Cx<'_>) -> Result<(), Error> {
        loop {
            let Some(audio) = &mut self.audio else { return Ok(()) };
            let progress = audio.poll(self.announced, &mut self.shared, cx);
            if audio.take_transfer().is_some() {
                self.skipped = 0;
            }
            match progress {
                Progress::Idle => return Ok(()),
                Progress::Boundary => audio.advance(),
                Progress::Behind if self.announced => return Ok(()),
                Progress::Behind => {
                    audio.go_live();
                }
                Progress::Failed(_) if audio.is_behind() => audio.stop(cx.shim),
                Progress::Failed(error) => {
                    self.skipped += 1;
                    let fatal = matches!(error.kind, ErrorKind::Unsupported | ErrorKind::Denied);
                    if fatal || self.skipped > MOST_SKIPPED {
                        return Err(error);
                    }
                    cx.shim.log(2, &format!("audio segment: {}", error.reason));
                    audio.skip(cx.shim);
                    self.notice = Some("A part of the sound is missing and was left out.".to_owned());
                }
            }
        }
    }

    fn poll_text(&mut self, cx: &mut Cx<'_>) {
        let (Some(text), Some(main)) = (&mut self.text, &self.main) else { return };
        if let Err(error) = text.poll(&self.shared, main.table(), cx) {
            self.text_failed(&error, cx.shim);
        }
    }

    fn text_failed(&mut self, error: &Error, shim: &mut dyn Shim) {
        if let Some(mut text) = self.text.take() {
            text.close(shim);
        }
        self.notice = Some(format!("The subtitles cannot be shown. {}", error.reason));
    }
}

impl Source for HlsSource {
    fn poll(&mut self, cx: &mut Cx<'_>) -> Result<(), Error> {
        if !self.open_playlists(cx)? {
            return Ok(());
        }
        self.reload(cx);
        self.poll_main(cx)?;
        self.poll_audio(cx)?;
        self.poll_text(cx);
        self.check_edge(cx)?;
        let (Some(main), false) = (&self.main, self.announced) else { return Ok(()) };
        let ready = main.has_sample() && self.audio.as_ref().is_none_or(Lane::has_sample);
        if ready {
            let tracks = self.tracks(main);
            self.announced = true;
            self.shared.lines.seal();
            cx.feeds.set_tracks(&tracks);
        }
        Ok(())
    }

    fn net(&mut self, ticket: u64, change: &NetChange, cx: &mut Cx<'_>) -> Result<bool, Error> {
        for lane in [&mut self.main, &mut self.audio].into_iter().flatten() {
            if lane.net(ticket, change, cx.now, cx.shim) {
                return Ok(true);
            }
        }
        if let Some(Fetching { variant, download, .. }) = &mut self.download {
            let variant = *variant;
            match download.net(ticket, change, cx.now, cx.shim) {
                Ok(false) => {}
                Ok(true) => return Ok(true),
                Err(error) => {
                    self.download = None;
                    self.playlist_failed(variant, error)?;
                    return Ok(true);
                }
            }
        }
        if let Some((_, download)) = &mut self.audio_download
            && download.net(ticket, change, cx.now, cx.shim)?
        {
            return Ok(true);
        }
        match self.text.as_mut().map(|text| text.net(ticket, change, cx.now, cx.shim)) {
            Some(Ok(taken)) => Ok(taken),
            Some(Err(error)) => {
                self.text_failed(&error, cx.shim);
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn seek(&mut self, to: Refill, cx: &mut Cx<'_>) -> Result<(), Error> {
        let base_us = self.shared.lines.base_us().unwrap_or(0);
        self.at_us = to.from_us.saturating_sub(base_us);
        let meant = |lane: &&mut Lane| to.track.is_none_or(|track| lane.may_carry(track));
        for lane in [&mut self.main, &mut self.audio].into_iter().flatten().filter(meant) {
            lane.seek(self.at_us, base_us, cx.shim);
        }
        Ok(())
    }

    fn choose(&mut self, audio: Option<u32>, captions: Option<u32>, shim: &mut dyn Shim) {
        let place = |id: u32| id.checked_sub(RENDITIONS).map(|place| place as usize);
        let rendition = audio.and_then(place);
        if audio.is_some() && rendition != self.audio_rendition {
            self.audio_rendition = rendition;
            if let Some(mut lane) = self.audio.take() {
                lane.close(shim);
            }
            if let Some((_, mut download)) = self.audio_download.take() {
                download.close(shim);
            }
        }
        if captions != self.text.as_ref().map(TextLane::track) {
            if let Some(mut text) = self.text.take() {
                text.close(shim);
            }
            let url = captions.and_then(place).and_then(|place| self.rendition_url(place));
            self.text = captions.zip(url).map(|(id, url)| TextLane::new(id, url));
        }
    }

    fn take_notice(&mut self) -> Option<String> {
        self.notice.take()
    }

    fn take_jump(&mut self) -> Option<MediaUs> {
        let extent = self.extent();
        std::mem::take(&mut self.jump).then(|| extent.end_us().unwrap_or(extent.start_us))
    }

    fn live_state(&self) -> Option<LiveState> {
        self.state()
    }

    fn extent(&self) -> Extent {
        self.window()
    }

    fn wake_us(&self, after: HostUs) -> Option<HostUs> {
        let lanes = [&self.main, &self.audio].into_iter().flatten().map(|lane| lane.wake_us(after));
        let downloads = [
            self.download.as_ref().map(|fetching| &fetching.download),
            self.audio_download.as_ref().map(|(_, download)| download),
        ];
        let downloads = downloads.into_iter().flatten().map(|download| download.wake_us(after));
        let text = self.text.as_ref().map(|text| text.wake_us(after));
        lanes.chain(downloads).chain(text).flatten().min()
    }

    fn close(&mut self, shim: &mut dyn Shim) {
        for lane in [&mut self.main, &mut self.audio].into_iter().flatten() {
            lane.close(shim);
        }
        let downloads = [
            self.download.as_mut().map(|fetching| &mut fetching.download),
            self.audio_download.as_mut().map(|(_, download)| download),
        ];
        for download in downloads.into_iter().flatten() {
            download.close(shim);
        }
        if let Some(text) = &mut self.text {
            text.close(shim);
        }
    }
}

/// A text that is of no use as a playlist.
pub(crate) fn playlist_error(error: kinora_manifest::ManifestError) -> Error {
    Error::new(
        ErrorKind::Content,
        match error {
            kinora_manifest::ManifestError::NotAPlaylist => "What the server sent is no playlist.",
            kinora_manifest::ManifestError::Empty => "The playlist names nothing that can be played.",
            kinora_manifest::ManifestError::TooLarge => "The playlist is too large.",
        },
    )
}
