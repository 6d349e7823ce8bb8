//! The caption tracks of an item, inside its container or beside it, and the cues of each.

use kinora_captions::{Cue, CueList, PayloadFormat, parse_file, parse_payload};
use kinora_demux::{Kind, TextFormat, Track};
use kinora_time::{HostUs, MediaUs};

use crate::error::Error;
use crate::event::NetChange;
use crate::language;
use crate::queue::percent_decoded;
use crate::resume::CaptionsChoice;
use crate::shim::Shim;
use crate::source::Download;
use crate::status::CaptionTrack;

/// Ids of caption files follow each other from here; those below are the container's.
const FILE_IDS: u32 = 1 << 24;
/// A caption file of a whole series of films would not be larger.
const FILE_BYTES: usize = 8 << 20;
/// A cue that does not say how long it shows; long enough for two lines.
const UNTIMED_US: MediaUs = 4_000_000;

/// What decides which captions show at first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Preference {
    /// Chosen by the person for this item; the inner none is "off".
    pub(crate) item: Option<Option<u32>>,
    /// Chosen by the person in an earlier item or session.
    pub(crate) remembered: Option<CaptionsChoice>,
    /// The device's accessibility setting.
    pub(crate) device_on: bool,
    /// The device's language for captions.
    pub(crate) device_language: String,
}

/// A cue on its way from the source.
#[derive(Debug)]
pub(crate) enum NewCue {
    /// As a container holds it.
    Payload(kinora_demux::Cue),
    /// Of a track whose segments are caption files.
    Parsed(u32, Cue),
}

#[derive(Debug)]
struct Entry {
    view: CaptionTrack,
    default: bool,
    origin: Origin,
    cues: CueList,
}

#[derive(Debug)]
enum Origin {
    Source { format: PayloadFormat, header: Vec<u8> },
    File { url: String, loaded: bool },
}

/// See the [module](self).
#[derive(Default)]
pub(crate) struct Captions {
    entries: Vec<Entry>,
    selected: Option<u32>,
    download: Option<(u32, Download)>,
    /// Start of the item: what caption files count from.
    start_us: MediaUs,
    /// Cues of the item's own tracks, until these are known.
    kept: Vec<(u32, Cue)>,
    revision: u64,
    notice: Option<String>,
}

impl Captions {
    /// Caption files beside the item; its own tracks follow with [`Captions::set_tracks`].
    pub(crate) fn new(related: &[String]) -> Self {
        let mut captions = Captions::default();
        for (n, url) in (0u32..).zip(related) {
            let (label, language, forced) = describe(url);
            captions.entries.push(Entry {
                view: CaptionTrack { id: FILE_IDS + n, label, language, selected: false, forced },
                default: false,
                origin: Origin::File { url: url.clone(), loaded: false },
                cues: CueList::new(),
            });
        }
        captions
    }

    /// Takes the item's own tracks, before which nothing shows, and makes the first choice.
    pub(crate) fn set_tracks(
        &mut self,
        tracks: &[Track],
        start_us: MediaUs,
        audio: &str,
        preference: &Preference,
    ) {
        self.start_us = start_us;
        let texts = tracks.iter().filter_map(|track| match track.kind {
            Kind::Text(format) => Some((track, format)),
            _ => None,
        });
        let entries = texts.enumerate().map(|(n, (track, format))| Entry {
            view: CaptionTrack {
                id: track.id,
                label: label(track, n),
                language: track.language.clone(),
                selected: false,
                forced: track.forced,
            },
            default: track.default,
            origin: Origin::Source { format: payload_format(format), header: track.extradata.clone() },
            cues: CueList::new(),
        });
        let own: Vec<Entry> = entries.collect();
        self.entries.splice(0..0, own);
        for (track, cue) in std::mem::take(&mut self.kept) {
            self.push(NewCue::Parsed(track, cue));
        }
        self.select(self.first_choice(audio, preference));
    }

    /// Off, unless the person or the device wants captions; forced ones of the language that is heard show always.
    fn first_choice(&self, audio: &str, preference: &Preference) -> Option<u32> {
        if let Some(chosen) = preference.item {
            return chosen.filter(|id| self.entries.iter().any(|entry| entry.view.id == *id));
        }
        let full = |language: &str| {
            let mut fits = self.entries.iter().filter(|entry| !entry.view.forced);
            fits.find(|entry| !language.is_empty() && language::same(&entry.view.language, language))
        };
        let found = match &preference.remembered {
            Some(CaptionsChoice::Language(language)) if language.is_empty() => self.any(),
            Some(CaptionsChoice::Language(language)) => full(language),
            Some(CaptionsChoice::Off) => None,
            None if preference.device_on => full(&preference.device_language).or_else(|| self.any()),
            None => None,
        };
        let forced = || {
            let mut forced = self.entries.iter().filter(|entry| entry.view.forced);
            forced.find(|entry| {
                entry.default || audio.is_empty() || language::same(&entry.view.language, audio)
            })
        };
        found.or_else(forced).map(|entry| entry.view.id)
    }

    fn any(&self) -> Option<&Entry> {
        let full = || self.entries.iter().filter(|entry| !entry.view.forced);
        full().find(|entry| entry.default).or_else(|| full().next())
    }

    /// Shows a track, or none. An unknown one is none.
    pub(crate) fn select(&mut self, id: Option<u32>) {
        self.selected = id.filter(|id| self.entries.iter().any(|entry| entry.view.id == *id));
        for entry in &mut self.entries {
            entry.view.selected = Some(entry.view.id) == self.selected;
        }
        self.revision += 1;
    }

    pub(crate) fn selected(&self) -> Option<u32> {
        self.selected
    }

    /// The language of the selected track; none when none is.
    pub(crate) fn language(&self) -> Option<&str> {
        self.entries.iter().find(|entry| entry.view.selected).map(|entry| entry.view.language.as_str())
    }

    pub(crate) fn views(&self) -> Vec<CaptionTrack> {
        self.entries.iter().map(|entry| entry.view.clone()).collect()
    }

    /// Grows whenever [`Captions::cues`] may give something else.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }

    /// The cues of the selected track that show at some time of `from_us..to_us`.
    pub(crate) fn cues(&self, from_us: MediaUs, to_us: MediaUs) -> impl Iterator<Item = &Cue> {
        let selected = self.entries.iter().filter(|entry| entry.view.selected);
        selected.flat_map(move |entry| entry.cues.between(from_us, to_us))
    }

    /// The cues of the item's own tracks, which are not read again, those of the selected one first.
    pub(crate) fn read_ahead(&self, from_us: MediaUs, to_us: MediaUs) -> Vec<(u32, &Cue)> {
        let own = self.entries.iter().filter(|entry| matches!(entry.origin, Origin::Source { .. }));
        let (selected, others): (Vec<_>, Vec<_>) = own.partition(|entry| entry.view.selected);
        let known = selected
            .into_iter()
            .chain(others)
            .flat_map(|entry| entry.cues.between(from_us, to_us).map(|cue| (entry.view.id, cue)));
        self.kept.iter().map(|(id, cue)| (*id, cue)).chain(known).collect()
    }

    /// Takes back what an earlier instance had read ahead.
    pub(crate) fn keep(&mut self, cues: Vec<(u32, Cue)>) {
        self.kept = cues;
    }

    /// Takes a cue of one of the item's own tracks.
    pub(crate) fn push(&mut self, cue: NewCue) {
        let id = match &cue {
            NewCue::Payload(cue) => cue.track,
            NewCue::Parsed(track, _) => *track,
        };
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.view.id == id) else { return };
        let Origin::Source { format, header } = &entry.origin else { return };
        let cues = match cue {
            NewCue::Parsed(_, cue) => vec![cue],
            NewCue::Payload(cue) => {
                let shows_us = if cue.duration_us == 0 { UNTIMED_US } else { i64::from(cue.duration_us) };
                parse_payload(*format, header, cue.start_us, cue.start_us.saturating_add(shows_us), &cue.data)
            }
        };
        for cue in cues {
            if entry.cues.insert(cue) && entry.view.selected {
                self.revision += 1;
            }
        }
    }

    /// Whether the selected file is still to come.
    pub(crate) fn is_loading(&self) -> bool {
        let loading = |entry: &Entry| matches!(entry.origin, Origin::File { loaded: false, .. });
        self.entries.iter().any(|entry| entry.view.selected && loading(entry))
    }

    /// Fetches the selected file, once the item's start is known.
    pub(crate) fn poll(&mut self, now: HostUs, shim: &mut dyn Shim) {
        if self.download.as_ref().is_some_and(|(id, _)| Some(*id) != self.selected) {
            self.close(shim);
        }
        if self.download.is_none() {
            let missing = self.entries.iter().find_map(|entry| match &entry.origin {
                Origin::File { url, loaded: false } if entry.view.selected => Some((entry.view.id, url)),
                _ => None,
            });
            self.download = missing.map(|(id, url)| (id, Download::new(url, None, FILE_BYTES)));
        }
        let Some((id, download)) = &mut self.download else { return };
        let id = *id;
        let parsed = match download.poll(now, shim) {
            Ok(None) => return,
            Ok(Some(file)) => parse_file(&file.url, &file.bytes),
            Err(error) => return self.failed(&error, shim),
        };
        self.download = None;
        for issue in parsed.issues.iter().take(20) {
            shim.log(2, &format!("captions: {issue}"));
        }
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.view.id == id) else { return };
        if let Origin::File { loaded, .. } = &mut entry.origin {
            *loaded = true;
        }
        for mut cue in parsed.cues {
            cue.start_us = cue.start_us.saturating_add(self.start_us);
            cue.end_us = cue.end_us.saturating_add(self.start_us);
            entry.cues.insert(cue);
        }
        if entry.cues.is_empty() {
            self.notice = Some("There are no captions in the file.".to_owned());
        }
        self.revision += 1;
    }

    /// Captions that cannot be had are switched off; the film goes on.
    fn failed(&mut self, error: &Error, shim: &mut dyn Shim) {
        shim.log(2, &format!("captions: {}", error.reason));
        self.notice = Some(format!("The captions cannot be shown. {}", error.reason));
        self.close(shim);
        self.select(None);
    }

    pub(crate) fn net(&mut self, ticket: u64, change: &NetChange, now: HostUs, shim: &mut dyn Shim) -> bool {
        let Some((_, download)) = &mut self.download else { return false };
        match download.net(ticket, change, now, shim) {
            Ok(taken) => taken,
            Err(error) => {
                self.failed(&error, shim);
                true
            }
        }
    }

    pub(crate) fn wake_us(&self, after: HostUs) -> Option<HostUs> {
        self.download.as_ref().and_then(|(_, download)| download.wake_us(after))
    }

    pub(crate) fn close(&mut self, shim: &mut dyn Shim) {
        if let Some((_, mut download)) = self.download.take() {
            download.close(shim);
        }
    }
}

/// A track's own name, or its language, or its number.
pub(crate) fn label(track: &Track, index: usize) -> String {
    let names = [track.label.clone(), language::name(&track.language)];
    names.into_iter().find(|name| !name.is_empty()).unwrap_or_else(|| format!("Track {}", index + 1))
}

/// Label, language and the forced mark of a caption file, from the suffixes of its name: `Film.en.forced.srt`.
fn describe(url: &str) -> (String, String, bool) {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = percent_decoded(path.rsplit('/').next().unwrap_or_default());
    let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
    let mut tag = "";
    let mut marks = Vec::new();
    let mut forced = false;
    for part in stem.split('.').skip(1).collect::<Vec<_>>().into_iter().rev() {
        let lower = part.to_ascii_lowercase();
        if lower == "forced" {
            forced = true;
        } else if matches!(lower.as_str(), "sdh" | "cc" | "hi" | "default") {
            marks.push(part.to_ascii_uppercase());
        } else {
            tag = if language::is_tag(part) { part } else { "" };
            break;
        }
    }
    let mut label = if tag.is_empty() { stem.to_owned() } else { language::name(tag) };
    if forced {
        marks.push("forced".to_owned());
    }
    if !marks.is_empty() {
        label = format!("{label} ({})", marks.join(", "));
    }
    (label, tag.to_owned(), forced)
}

fn payload_format(format: TextFormat) -> PayloadFormat {
    match format {
        TextFormat::Tx3g => PayloadFormat::Tx3g,
        TextFormat::Subrip => PayloadFormat::Subrip,
        TextFormat::WebVtt => PayloadFormat::WebVtt,
        TextFormat::WebVttBoxes => PayloadFormat::WebVttBoxes,
        TextFormat::Ass => PayloadFormat::Ass,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captions(urls: &[&str]) -> Captions {
        Captions::new(&urls.iter().map(|url| (*url).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn file_suffixes_name_language_and_marks() {
        assert_eq!(describe("file:///a/Film.2001.en.srt"), ("English".to_owned(), "en".to_owned(), false));
        assert_eq!(
            describe("file:///a/Film.pt-BR.forced.srt"),
            ("Portuguese (BR) (forced)".to_owned(), "pt-BR".to_owned(), true)
        );
        assert_eq!(describe("file:///a/Film.srt"), ("Film".to_owned(), String::new(), false));
    }

    #[test]
    fn first_choice_without_wishes_is_off_but_forced_show() {
        let mut c = captions(&["a/f.en.srt", "a/f.de.forced.srt"]);
        c.set_tracks(&[], 0, "en", &Preference::default());
        assert_eq!(c.selected(), None);
        let mut c = captions(&["a/f.en.srt", "a/f.de.forced.srt"]);
        c.set_tracks(&[], 0, "deu", &Preference::default());
        assert_eq!(c.selected(), Some(FILE_IDS + 1));
    }

    #[test]
    fn first_choice_of_a_device_with_captions_on_is_its_language() {
        let mut c = captions(&["a/f.en.srt", "a/f.de.srt"]);
        let preference =
            Preference { device_on: true, device_language: "de-CH".to_owned(), ..Preference::default() };
        c.set_tracks(&[], 0, "en", &preference);
        assert_eq!(c.selected(), Some(FILE_IDS + 1));
    }

    #[test]
    fn first_choice_switched_off_by_hand_stays_off() {
        let mut c = captions(&["a/f.en.srt"]);
        let remembered = Some(CaptionsChoice::Off);
        c.set_tracks(&[], 0, "", &Preference { device_on: true, remembered, ..Preference::default() });
        assert_eq!(c.selected(), None);
    }
}
