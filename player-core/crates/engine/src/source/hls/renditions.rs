//! Alternative sound and subtitles.

use kinora_demux::{Codec, Kind, TextFormat, Track};
use kinora_manifest::RenditionKind;

use super::lane::Lane;
use super::{HlsSource, MUXED_AUDIO, RENDITIONS};

impl HlsSource {
    /// Places of the renditions of a kind that go with the first chosen variant. Its groups are kept when the variant changes:
    /// sound that changes with the picture is heard, and its rate is small beside the picture's.
    fn renditions(&self, kind: RenditionKind) -> Vec<usize> {
        let variant = self.places.first().and_then(|place| self.presentation.variants.get(*place));
        let group = variant.and_then(|variant| match kind {
            RenditionKind::Audio => variant.audio_group.as_ref(),
            _ => variant.subtitles_group.as_ref(),
        });
        let fits = |place: &usize| {
            let rendition = &self.presentation.renditions[*place];
            rendition.kind == kind && Some(&rendition.group) == group
        };
        (0..self.presentation.renditions.len()).filter(fits).collect()
    }

    pub(super) fn default_audio(&self) -> Option<usize> {
        let audio = self.renditions(RenditionKind::Audio);
        let pick = |wanted: fn(&kinora_manifest::Rendition) -> bool| {
            audio.iter().copied().find(|place| wanted(&self.presentation.renditions[*place]))
        };
        let place = pick(|r| r.default).or_else(|| pick(|r| r.autoselect)).or(audio.first().copied())?;
        self.presentation.renditions[place].uri.as_ref().map(|_| place)
    }

    /// The tracks of the presentation. Renditions that were not opened are taken to be encoded like the one that was.
    pub(super) fn tracks(&self, main: &Lane) -> Vec<Track> {
        let mut tracks = main.tracks().to_vec();
        let renditions = self.renditions(RenditionKind::Audio);
        let is_audio = |track: &&Track| matches!(track.kind, Kind::Audio(_));
        let lane = self.audio.as_ref().unwrap_or(main);
        if let Some(model) = lane.tracks().iter().find(is_audio).filter(|_| !renditions.is_empty()).cloned() {
            tracks.retain(|track| !matches!(track.kind, Kind::Audio(_)));
            for place in renditions {
                let rendition = &self.presentation.renditions[place];
                let id = if rendition.uri.is_some() { RENDITIONS + place as u32 } else { MUXED_AUDIO };
                tracks.push(Track {
                    id,
                    language: rendition.language.clone().unwrap_or_default(),
                    label: rendition.name.clone(),
                    default: Some(place) == self.audio_rendition
                        || self.audio_rendition.is_none() && id == MUXED_AUDIO,
                    ..model.clone()
                });
            }
        }
        for place in self.renditions(RenditionKind::Subtitles) {
            let rendition = &self.presentation.renditions[place];
            if rendition.uri.is_some() {
                tracks.push(Track {
                    id: RENDITIONS + place as u32,
                    codec: Codec::Text,
                    codec_string: "wvtt".to_owned(),
                    extradata: Vec::new(),
                    kind: Kind::Text(TextFormat::WebVtt),
                    language: rendition.language.clone().unwrap_or_default(),
                    label: rendition.name.clone(),
                    default: rendition.default,
                    forced: rendition.forced,
                });
            }
        }
        tracks
    }

    pub(super) fn rendition_url(&self, place: usize) -> Option<&str> {
        self.presentation.renditions.get(place)?.uri.as_deref()
    }
}
