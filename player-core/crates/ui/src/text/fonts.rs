//! The fonts at hand and the scripts that none of them covers.

use std::sync::Arc;

use parley::fontique::{
    Blob, Collection, CollectionOptions, FallbackKey, FamilyId, FontInfoOverride, Script, SourceCache,
};
use parley::{FontContext, Language};

use super::han::Form;

const REGULAR: &[u8] = include_bytes!("../../../../../assets/fonts/Inter-Regular.ttf");
const SEMIBOLD: &[u8] = include_bytes!("../../../../../assets/fonts/Inter-SemiBold.ttf");
/// Family name under which both are registered.
pub(crate) const FAMILY: &str = "Inter";

/// Blocks outside the built-in fonts and the script to ask a font for (Unicode 16 block table; only scripts in wide use; Han and what is
/// written with it: [`Form`]).
const BLOCKS: &[(u32, u32, [u8; 4])] = &[
    (0x0530, 0x058F, *b"Armn"),
    (0x0590, 0x05FF, *b"Hebr"),
    (0x0600, 0x06FF, *b"Arab"),
    (0x0750, 0x077F, *b"Arab"),
    (0x0780, 0x07BF, *b"Thaa"),
    (0x08A0, 0x08FF, *b"Arab"),
    (0x0900, 0x097F, *b"Deva"),
    (0x0980, 0x09FF, *b"Beng"),
    (0x0A00, 0x0A7F, *b"Guru"),
    (0x0A80, 0x0AFF, *b"Gujr"),
    (0x0B00, 0x0B7F, *b"Orya"),
    (0x0B80, 0x0BFF, *b"Taml"),
    (0x0C00, 0x0C7F, *b"Telu"),
    (0x0C80, 0x0CFF, *b"Knda"),
    (0x0D00, 0x0D7F, *b"Mlym"),
    (0x0D80, 0x0DFF, *b"Sinh"),
    (0x0E00, 0x0E7F, *b"Thai"),
    (0x0E80, 0x0EFF, *b"Laoo"),
    (0x0F00, 0x0FFF, *b"Tibt"),
    (0x1000, 0x109F, *b"Mymr"),
    (0x10A0, 0x10FF, *b"Geor"),
    (0x1200, 0x137F, *b"Ethi"),
    (0x1780, 0x17FF, *b"Khmr"),
    (0x1800, 0x18AF, *b"Mong"),
    (0x2600, 0x27BF, *b"Zsye"),
    (0xFB1D, 0xFB4F, *b"Hebr"),
    (0xFB50, 0xFDFF, *b"Arab"),
    (0xFE70, 0xFEFF, *b"Arab"),
    (0x1F000, 0x1FAFF, *b"Zsye"),
];

/// The script whose font would show `c`; none for what no system font can be asked for by script.
fn script_of(c: char) -> Option<[u8; 4]> {
    let c = u32::from(c);
    let i = BLOCKS.partition_point(|block| block.1 < c);
    BLOCKS.get(i).filter(|block| block.0 <= c).map(|block| block.2)
}

/// Fonts by script.
pub(crate) struct Fonts {
    pub(crate) context: FontContext,
    /// Scripts seen without a font, in order of appearance.
    missing: Vec<[u8; 4]>,
    /// Scripts that were answered, with a font or without.
    answered: Vec<[u8; 4]>,
    /// Families with Han characters, in order of arrival.
    han: Vec<(Form, FamilyId)>,
}

impl Fonts {
    pub(crate) fn new() -> Fonts {
        let mut context = FontContext {
            collection: Collection::new(CollectionOptions { shared: false, system_fonts: false }),
            source_cache: SourceCache::default(),
        };
        let family = FontInfoOverride { family_name: Some(FAMILY), ..FontInfoOverride::default() };
        for bytes in [REGULAR, SEMIBOLD] {
            context.collection.register_fonts(Blob::new(Arc::new(bytes)), Some(family));
        }
        Fonts { context, missing: Vec::new(), answered: Vec::new(), han: Vec::new() }
    }

    /// Notes characters that no font has, and the form of the text's Han characters: another region's font has those as well, but draws
    /// them as they are not written there.
    pub(super) fn note_missing(&mut self, characters: &[char], form: Option<Form>) {
        let scripts = characters.iter().copied().filter_map(script_of);
        for script in scripts.chain(form.map(Form::script)) {
            if !self.missing.contains(&script) && !self.answered.contains(&script) {
                self.missing.push(script);
            }
        }
    }

    pub(crate) fn missing(&self) -> &[[u8; 4]] {
        &self.missing
    }

    /// Takes a font file for scripts, each with its face; returns those it is unusable for, all when `bytes` is empty because there is
    /// none.
    pub(crate) fn add(&mut self, bytes: Vec<u8>, faces: &[([u8; 4], u32)]) -> Vec<[u8; 4]> {
        let added = self.context.collection.register_fonts(Blob::new(Arc::new(bytes)), None);
        let mut unusable = Vec::new();
        for (script, index) in faces {
            self.missing.retain(|missing| missing != script);
            self.answered.push(*script);
            let family = added.iter().find(|(_, fonts)| fonts.iter().any(|font| font.index() == *index));
            match (family, Form::of_script(*script)) {
                (None, _) => unusable.push(*script),
                (Some((family, _)), Some(form)) => self.han.push((form, *family)),
                (Some((family, _)), None) => {
                    let key = FallbackKey::new(Script::from_bytes(*script), None);
                    self.context.collection.append_fallbacks(key, [*family].into_iter());
                    if script == b"Zsye" {
                        let emoji = parley::GenericFamily::Emoji;
                        self.context.collection.append_generic_families(emoji, [*family].into_iter());
                    }
                }
            }
        }
        self.arrange_han();
        unusable
    }

    /// Each region's text takes its own font first, then the others'.
    fn arrange_han(&mut self) {
        for form in Form::ALL {
            let (own, others): (Vec<_>, Vec<_>) = self.han.iter().partition(|(of, _)| *of == form);
            let families: Vec<FamilyId> = own.into_iter().chain(others).map(|(_, family)| family).collect();
            let mut set = |script: &[u8; 4], locale: Option<&Language>| {
                let key = FallbackKey::new(Script::from_bytes(*script), locale);
                self.context.collection.set_fallbacks(key, families.iter().copied());
            };
            set(b"Hani", form.locale().as_ref());
            match form {
                Form::Hans => {}
                Form::Hant => set(b"Bopo", None),
                Form::Jpan => [b"Hira", b"Kana"].into_iter().for_each(|script| set(script, None)),
                Form::Kore => set(b"Hang", None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_ascending_and_apart() {
        assert!(BLOCKS.windows(2).all(|pair| pair[0].1 < pair[1].0));
        assert!(BLOCKS.iter().all(|block| block.0 <= block.1));
    }

    #[test]
    fn missing_text_asks_for_its_scripts_and_its_form() {
        let mut fonts = Fonts::new();
        let text = "日本語のテキスト ไทย";
        fonts.note_missing(&text.chars().collect::<Vec<_>>(), Form::of(text, [None, None]));
        assert_eq!(fonts.missing(), [*b"Thai", *b"Jpan"]);
    }

    #[test]
    fn missing_script_once_answered_is_not_asked_again() {
        let mut fonts = Fonts::new();
        fonts.note_missing(&['א'], None);
        assert_eq!(fonts.missing(), [*b"Hebr"]);
        assert_eq!(fonts.add(Vec::new(), &[(*b"Hebr", 0)]), [*b"Hebr"]);
        fonts.note_missing(&['ב'], None);
        assert!(fonts.missing().is_empty());
    }
}
