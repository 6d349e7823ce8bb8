//! What an address holds, told by its first bytes.

use kinora_demux::{Demux, Window};
use kinora_manifest::{Playlist, Variables};
use kinora_time::HostUs;

use super::hls::{HlsSource, playlist_error};
use super::{Download, Fetched, FileSource, Reader, Source};
use crate::error::{Error, ErrorKind};
use crate::event::{NetChange, SourceSpec};
use crate::shim::Shim;

/// Opens the container whose head is in a window; none while the window is too short to tell.
pub type OpenContainer = fn(&Window) -> Result<Option<Box<dyn Demux>>, kinora_demux::Error>;

/// A first look that tells most containers, and a second for those whose mark comes late (a transport stream that starts amid a packet, a file
/// with padding in front).
const LOOKS: [usize; 2] = [8 << 10, 256 << 10];
const PLAYLIST_BYTES: usize = 16 << 20;

/// Reads the head of an address, or all of it when it is a playlist.
pub(crate) struct Sniffer {
    stage: Stage,
    open: OpenContainer,
}

enum Stage {
    Head { reader: Reader, look: usize },
    Playlist(Download),
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
        Sniffer { stage: Stage::Head { reader: Reader::new(url, None), look: 0 }, open }
    }

    pub(crate) fn net(
        &mut self,
        ticket: u64,
        change: &NetChange,
        now: HostUs,
        shim: &mut dyn Shim,
    ) -> Result<bool, Error> {
        match &mut self.stage {
            Stage::Head { reader, .. } => reader.net(ticket, change, now, shim),
            Stage::Playlist(download) => download.net(ticket, change, now, shim),
        }
    }

    pub(crate) fn wake_us(&self) -> Option<HostUs> {
        match &self.stage {
            Stage::Head { reader, .. } => reader.wake_us(),
            Stage::Playlist(download) => download.wake_us(),
        }
    }

    pub(crate) fn close(&mut self, shim: &mut dyn Shim) {
        match &mut self.stage {
            Stage::Head { reader, .. } => reader.close(shim),
            Stage::Playlist(download) => download.close(shim),
        }
    }

    /// Goes on; what was found, once that is known. Afterwards the sniffer is empty.
    pub(crate) fn poll(&mut self, now: HostUs, shim: &mut dyn Shim) -> Result<Option<Sniffed>, Error> {
        loop {
            match &mut self.stage {
                Stage::Playlist(download) => {
                    let Some(file) = download.poll(now, shim)? else { return Ok(None) };
                    return playlist(&file, self.open).map(Some);
                }
                Stage::Head { reader, look } => {
                    reader.need(0, LOOKS[*look], shim)?;
                    reader.poll(now, shim)?;
                    if !reader.ready() {
                        return Ok(None);
                    }
                    let last = *look + 1 == LOOKS.len() || reader.window().ended();
                    let head = reader.window().from(0).unwrap_or_default();
                    if head.is_empty() {
                        return Err(Error::new(ErrorKind::Content, "It is empty."));
                    }
                    // A byte order mark may come first (RFC 8216 section 4.1 forbids it; servers do it).
                    let marked = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).starts_with(b"#EXTM3U");
                    let opened = if marked { Ok(None) } else { (self.open)(reader.window()) };
                    match opened {
                        Ok(Some(demux)) => {
                            let reader = std::mem::replace(reader, Reader::new("", None));
                            return Ok(Some(Sniffed::Media(Box::new(FileSource::new(reader, demux)))));
                        }
                        _ if marked || last && is_list(reader) => {
                            let reader = std::mem::replace(reader, Reader::new("", None));
                            self.stage = Stage::Playlist(Download::rest_of(reader, PLAYLIST_BYTES));
                        }
                        Err(error) if last => return Err(error.into()),
                        Ok(None) if last => {
                            return Err(Error::new(
                                ErrorKind::Content,
                                "It is not a media file that can be played.",
                            ));
                        }
                        _ => *look += 1,
                    }
                }
            }
        }
    }
}

/// Whether name or sender call it a list, which plain lists without `#EXTM3U` are only told by.
fn is_list(reader: &Reader) -> bool {
    let facts = reader.facts();
    let path = facts.final_url.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    path.ends_with(".m3u") || path.ends_with(".m3u8") || facts.content_type.ends_with("mpegurl")
}

fn playlist(file: &Fetched, open: OpenContainer) -> Result<Sniffed, Error> {
    let parsed = kinora_manifest::parse(&file.bytes, &file.url, &Variables::new());
    let parsed = parsed.or_else(|_| kinora_manifest::parse_list(&file.bytes, &file.url).map(Playlist::List));
    Ok(match parsed.map_err(playlist_error)? {
        Playlist::Multivariant(presentation) => {
            Sniffed::Media(Box::new(HlsSource::multivariant(presentation, open)?))
        }
        Playlist::Media(playlist) if playlist.segments.is_empty() => {
            return Err(playlist_error(kinora_manifest::ManifestError::Empty));
        }
        Playlist::Media(playlist) => Sniffed::Media(Box::new(HlsSource::single(playlist, open))),
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
