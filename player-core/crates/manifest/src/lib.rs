//! Playlists and manifests as one model: HLS (RFC 8216, draft-pantos-hls-rfc8216bis) and plain lists of files.
//!
//! Reading is tolerant, as the field needs: unknown tags are passed over, a broken rule becomes an [`Issue`] beside the rest. The only
//! errors are texts that are no playlist at all. Every address in the model is absolute.

mod date;
mod hls;
mod list;
mod model;
mod text;
mod uri;

pub use hls::parse;
pub use list::parse_list;
pub use model::{
    ByteRange, Init, Issue, Key, KeyMethod, ListItem, MediaPlaylist, PlaylistKind, Presentation, Rendition,
    RenditionKind, Resolution, Segment, Start, Variables, Variant,
};
pub use uri::resolve;

/// What a text turned out to be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub enum Playlist {
    /// Choices between streams.
    Multivariant(Presentation),
    /// The segments of one stream.
    Media(MediaPlaylist),
    /// Files to play one after another.
    List(Vec<ListItem>),
}

/// Why a text is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManifestError {
    /// It is something else, such as a web page.
    NotAPlaylist,
    /// It names nothing that could be played.
    Empty,
    /// Beyond 16 MiB.
    TooLarge,
}

impl std::fmt::Display for ManifestError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotAPlaylist => "this is not a playlist",
            Self::Empty => "the playlist is empty",
            Self::TooLarge => "the playlist is larger than 16 MiB",
        })
    }
}

impl std::error::Error for ManifestError {}
