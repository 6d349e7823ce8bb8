//! Media playlists, RFC 8216 sections 4.3.2 and 4.3.3.

use std::sync::Arc;

use kinora_time::{MediaUs, SECOND_US};

use crate::model::{ByteRange, Init, Key, MediaPlaylist, PlaylistKind, Segment};
use crate::text::{self, Attributes, Context, Line};
use crate::{ManifestError, date};

/// Two days of two-second segments.
const MAX_SEGMENTS: usize = 86_400;
/// More key systems than are in use.
const MAX_KEYS: usize = 8;

/// What the tags before an address say about its segment alone.
#[derive(Default)]
struct Pending {
    duration_us: Option<MediaUs>,
    title: Option<String>,
    byte_range: Option<ByteRange>,
    discontinuity: bool,
    gap: bool,
    program_date_time_us: Option<i64>,
}

/// What holds until it is changed.
struct Builder<'a> {
    context: Context<'a>,
    out: MediaPlaylist,
    pending: Pending,
    /// One for each key format (section 4.3.2.4).
    keys: Vec<Arc<Key>>,
    init: Option<Arc<Init>>,
    discontinuity_sequence: u64,
    /// Where a byte range without an offset begins.
    next_offset: u64,
    next_date_us: Option<i64>,
    typed: Option<PlaylistKind>,
}

pub(super) fn parse(text: &str, context: Context<'_>) -> Result<MediaPlaylist, ManifestError> {
    let mut builder = Builder {
        context,
        out: MediaPlaylist::default(),
        pending: Pending::default(),
        keys: Vec::new(),
        init: None,
        discontinuity_sequence: 0,
        next_offset: 0,
        next_date_us: None,
        typed: None,
    };
    for (number, line) in text::lines(text) {
        let Some(line) = builder.context.enter(number, line) else { break };
        match text::classify(&line) {
            Line::Tag(name, value) => builder.tag(name, value),
            Line::Uri(_) if builder.out.segments.len() == MAX_SEGMENTS => {
                builder.context.issue("too many segments; the rest is left out");
                break;
            }
            Line::Uri(reference) => builder.segment(reference),
        }
    }
    builder.finish()
}

impl Builder<'_> {
    fn tag(&mut self, name: &str, value: &str) {
        let attributes = Attributes::parse(value);
        match name {
            "EXTINF" => {
                let (seconds, title) = value.split_once(',').unwrap_or((value, ""));
                self.pending.duration_us = text::seconds(seconds);
                self.pending.title = Some(title.trim()).filter(|title| !title.is_empty()).map(str::to_owned);
            }
            "EXT-X-BYTERANGE" => {
                self.pending.byte_range = text::byte_range(value, self.next_offset);
                if self.pending.byte_range.is_none() {
                    self.context.issue("a byte range cannot be read");
                }
            }
            "EXT-X-DISCONTINUITY" => self.pending.discontinuity = true,
            "EXT-X-GAP" => self.pending.gap = true,
            "EXT-X-PROGRAM-DATE-TIME" => {
                self.pending.program_date_time_us = date::epoch_us(value);
                if self.pending.program_date_time_us.is_none() {
                    self.context.issue("a date cannot be read");
                }
            }
            "EXT-X-KEY" => self.key(&attributes),
            "EXT-X-MAP" => self.map(&attributes),
            "EXT-X-TARGETDURATION" => self.out.target_duration_us = text::seconds(value).unwrap_or(0).max(0),
            "EXT-X-MEDIA-SEQUENCE" => match value.parse() {
                // So that the segments can be counted on from it.
                Ok(number) if number <= u64::MAX - MAX_SEGMENTS as u64 => self.out.media_sequence = number,
                _ => self.context.issue("the media sequence is not a number"),
            },
            // Section 4.3.3.3: before the first segment. Later it would contradict what has been counted.
            "EXT-X-DISCONTINUITY-SEQUENCE" if !self.out.segments.is_empty() => {
                self.context.issue("the discontinuity sequence comes too late");
            }
            "EXT-X-DISCONTINUITY-SEQUENCE" => match value.parse() {
                Ok(number) => self.discontinuity_sequence = number,
                Err(_) => self.context.issue("the discontinuity sequence is not a number"),
            },
            "EXT-X-PLAYLIST-TYPE" => match value {
                "VOD" => self.typed = Some(PlaylistKind::Vod),
                "EVENT" => self.typed = Some(PlaylistKind::Event),
                _ => self.context.issue("an unknown playlist type"),
            },
            "EXT-X-ENDLIST" => self.out.end_list = true,
            "EXT-X-I-FRAMES-ONLY" => self.out.i_frames_only = true,
            "EXT-X-INDEPENDENT-SEGMENTS" => self.out.independent_segments = true,
            "EXT-X-START" => self.out.start = super::start(&attributes),
            // draft-pantos-hls-rfc8216bis section 4.4.3.8; its other attributes concern partial segments and delta updates.
            "EXT-X-SERVER-CONTROL" => {
                self.out.hold_back_us = attributes.get("HOLD-BACK").and_then(text::seconds);
            }
            "EXT-X-DEFINE" => self.context.define(&attributes),
            _ => {}
        }
    }

    fn key(&mut self, attributes: &Attributes<'_>) {
        let Some(key) = super::key(attributes, &mut self.context) else {
            self.keys.clear();
            return;
        };
        self.keys.retain(|other| other.format != key.format);
        if self.keys.len() < MAX_KEYS {
            self.keys.push(Arc::new(key));
        }
    }

    /// Of several ways to the same key, the one that needs no key system.
    fn current_key(&self) -> Option<Arc<Key>> {
        self.keys.iter().find(|key| key.format == "identity").or(self.keys.first()).cloned()
    }

    fn map(&mut self, attributes: &Attributes<'_>) {
        let Some(uri) = attributes.get("URI").and_then(|uri| self.context.resolve(uri)) else {
            self.context.issue("EXT-X-MAP has no address");
            return;
        };
        let range = attributes.get("BYTERANGE").and_then(|range| text::byte_range(range, 0));
        self.init = Some(Arc::new(Init { uri, range, key: self.current_key() }));
    }

    fn segment(&mut self, reference: &str) {
        let pending = std::mem::take(&mut self.pending);
        let Some(uri) = self.context.resolve(reference) else { return };
        let duration_us = pending.duration_us.filter(|&us| us >= 0).unwrap_or_else(|| {
            self.context.issue("a segment without a duration; the target duration is taken");
            self.out.target_duration_us
        });
        if pending.discontinuity {
            self.discontinuity_sequence = self.discontinuity_sequence.saturating_add(1);
        }
        if let Some(range) = pending.byte_range {
            self.next_offset = range.offset.saturating_add(range.length);
        }
        let program_date_time_us = pending.program_date_time_us.or(self.next_date_us);
        self.next_date_us = program_date_time_us.map(|us| us.saturating_add(duration_us));
        self.out.segments.push(Segment {
            uri,
            byte_range: pending.byte_range,
            duration_us,
            sequence: 0,
            discontinuity: pending.discontinuity,
            discontinuity_sequence: self.discontinuity_sequence,
            gap: pending.gap,
            init: self.init.clone(),
            key: self.current_key(),
            program_date_time_us,
            title: pending.title,
        });
    }

    fn finish(mut self) -> Result<MediaPlaylist, ManifestError> {
        let mut out = self.out;
        // A live window may be empty for a while; a complete playlist without segments plays nothing.
        if out.segments.is_empty() && (out.end_list || out.target_duration_us == 0) {
            return Err(ManifestError::Empty);
        }
        for (segment, sequence) in out.segments.iter_mut().zip(out.media_sequence..) {
            segment.sequence = sequence;
        }
        if out.target_duration_us == 0 {
            self.context.issue("no target duration; the longest segment is taken");
            let longest = out.segments.iter().map(|segment| segment.duration_us).max().unwrap_or(0);
            out.target_duration_us = longest.max(SECOND_US);
        }
        let least_us = out.target_duration_us.saturating_mul(3);
        out.hold_back_us = out.hold_back_us.map(|us| us.max(least_us));
        out.kind = match self.typed {
            Some(kind) => kind,
            None if out.end_list => PlaylistKind::Vod,
            None => PlaylistKind::Live,
        };
        out.issues = self.context.issues;
        Ok(out)
    }
}
