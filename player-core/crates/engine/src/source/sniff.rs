//! What an address holds, told by its first bytes.

use kinora_demux::{Probe, Window};
use kinora_manifest::{Playlist, Variables};
use kinora_time::HostUs;

use super::hls::{HlsSource, playlist_error};
use super::{Download, Fetched, FileSource, Kept, LiveState, Reader, Source};
use crate::error::{Error, ErrorKind};
use crate::event::{NetChange, SourceSpec};
use crate::shim::Shim;

/// Finds the demuxer for a resource by its content; the name only decides between formats that fit equally well.
pub type OpenContainer = fn(&Window, &str) -> Result<Probe, kinora_demux::Error>;

/// A first look, enough for most containers.
const FIRST_LOOK: usize = 4 << 10;
/// What lies in front of a container (a tag with a cover) is read through up to here, and jumped over when it is larger.
const READ_THROUGH: u64 = 512 << 10;
const PLAYLIST_BYTES: usize = 16 << 20;

/// Reads the head of an address, or all of it when it is a playlist.
pub(crate) struct Sniffer {
    url: String,
    stage: Stage,
    asked_us: Option<HostUs>,
    kept: Option<Kept>,
    open: OpenContainer,
}

enum Stage {
    Head(Box<Reader>),
    Playlist(Box<Download>),
}

/// What was found.
pub(crate) enum Sniffed {
    /// Media, to be played.
    Media(Box<dyn Source>),
    /// A list of things to play one after another.
    List(Vec<SourceSpec>),
}

impl Sniffer {
    pub(crate) fn new(url: &str, open: OpenContainer) -> Self {
        Sniffer {
            url: url.to_owned(),
            stage: Stage::Head(Box::new(Reader::new(url, None))),
            asked_us: None,
            kept: None,
            open,
        }
    }

    /// States what an earlier instance left, should it be a live stream.
    pub(crate) fn keep(&mut self, kept: Kept) {
        self.kept = Some(kept);
    }

    /// What the next instance is to know if this one comes to nothing.
    pub(crate) fn live_state(&self) -> Option<LiveState> {
        self.kept.as_ref().map(|kept| kept.state.clone())
    }

    pub(crate) fn net(
        &mut self,
        ticket: u64,
        change: &NetChange,
        now: HostUs,
        shim: &mut dyn Shim,
    ) -> Result<bool, Error> {
        match &mut self.stage {
            Stage::Head(reader) => reader.net(ticket, change, now, shim),
            Stage::Playlist(download) => download.net(ticket, change, now, shim),
        }
    }

    pub(crate) fn wake_us(&self, after: HostUs) -> Option<HostUs> {
        match &self.stage {
            Stage::Head(reader) => reader.wake_us(after),
            Stage::Playlist(download) => download.wake_us(after),
        }
    }

    pub(crate) fn close(&mut self, shim: &mut dyn Shim) {
        match &mut self.stage {
            Stage::Head(reader) => reader.close(shim),
            Stage::Playlist(download) => download.close(shim),
        }
    }

    /// Goes on; what was found, once that is known. Afterwards the sniffer is empty.
    pub(crate) fn poll(&mut self, now: HostUs, shim: &mut dyn Shim) -> Result<Option<Sniffed>, Error> {
        self.asked_us.get_or_insert(now);
        if let Stage::Head(reader) = &mut self.stage {
            if reader.window().is_empty() {
                reader.need(0, FIRST_LOOK, shim)?;
            }
            reader.poll(now, shim)?;
        }
        loop {
            match &mut self.stage {
                Stage::Playlist(download) => {
                    let Some(file) = download.poll(now, shim)? else { return Ok(None) };
                    return self.playlist(&file).map(Some);
                }
                Stage::Head(reader) => {
                    if !reader.ready() {
                        return Ok(None);
                    }
                    let window = reader.window();
                    if window.start() == 0 && window.is_empty() {
                        return Err(Error::new(ErrorKind::Content, "It is empty."));
                    }
                    // A byte order mark may come first (RFC 8216 section 4.1 forbids it; servers do it).
                    let head = window.from(0).unwrap_or_default();
                    let marked = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).starts_with(b"#EXTM3U");
                    let probed = if marked { None } else { Some((self.open)(window, path(reader))) };
                    match probed {
                        Some(Ok(Probe::Demuxer(demux))) => {
                            let reader = std::mem::replace(&mut **reader, Reader::new("", None));
                            return Ok(Some(Sniffed::Media(Box::new(FileSource::new(reader, demux)))));
                        }
                        Some(Ok(Probe::More { at, least })) => {
                            let through = at.saturating_add(least as u64);
                            // A reader that cannot go back must not leave the start behind.
                            if through <= READ_THROUGH || !reader.can_jump() {
                                let through = usize::try_from(through).unwrap_or(usize::MAX);
                                reader.need(0, through, shim)?;
                            } else {
                                reader.need(at, least, shim)?;
                            }
                            reader.poll(now, shim)?;
                        }
                        Some(Err(error)) if !is_list(reader) => return Err(error.into()),
                        Some(Err(_)) | None => {
                            let reader = std::mem::replace(&mut **reader, Reader::new("", None));
                            self.stage = Stage::Playlist(Box::new(Download::rest_of(reader, PLAYLIST_BYTES)));
                        }
                    }
                }
            }
        }
    }
}

impl Sniffer {
    fn playlist(&mut self, file: &Fetched) -> Result<Sniffed, Error> {
        let parsed = kinora_manifest::parse(&file.bytes, &file.url, &Variables::new());
        let parsed =
            parsed.or_else(|_| kinora_manifest::parse_list(&file.bytes, &file.url).map(Playlist::List));
        let parsed = parsed.map_err(playlist_error)?;
        let (kept, asked_us) = (self.kept.take(), self.asked_us.unwrap_or(0));
        Ok(match parsed {
            Playlist::Multivariant(presentation) => {
                Sniffed::Media(Box::new(HlsSource::multivariant(presentation, kept, self.open)?))
            }
            Playlist::Media(playlist) => {
                Sniffed::Media(Box::new(HlsSource::single(playlist, &self.url, asked_us, kept, self.open)))
            }
            Playlist::List(items) => {
                let spec = |item: kinora_manifest::ListItem| SourceSpec {
                    url: item.uri,
                    title: item.title.unwrap_or_default(),
                    related: Vec::new(),
                };
                Sniffed::List(items.into_iter().map(spec).collect())
            }
        })
    }
}

/// The path of the address, whose last part is a file's name.
fn path(reader: &Reader) -> &str {
    reader.facts().final_url.split(['?', '#']).next().unwrap_or_default()
}

/// Whether name or sender call it a list, which plain lists without `#EXTM3U` are only told by.
fn is_list(reader: &Reader) -> bool {
    let path = path(reader).to_ascii_lowercase();
    path.ends_with(".m3u") || path.ends_with(".m3u8") || reader.facts().content_type.ends_with("mpegurl")
}
