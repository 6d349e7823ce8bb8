//! The fonts at hand and the scripts that none of them covers.

use std::sync::Arc;

use parley::FontContext;
use parley::fontique::{
    Blob, Collection, CollectionOptions, FallbackKey, FontInfoOverride, Script, SourceCache,
};

const REGULAR: &[u8] = include_bytes!("../../../../../assets/fonts/Inter-Regular.ttf");
const SEMIBOLD: &[u8] = include_bytes!("../../../../../assets/fonts/Inter-SemiBold.ttf");
/// Family name under which both are registered.
pub(crate) const FAMILY: &str = "Inter";

/// ISO 15924 codes of scripts that one font usually brings together, so that it is fetched once.
const CJK: [[u8; 4]; 8] = [*b"Jpan", *b"Hani", *b"Hans", *b"Hant", *b"Kore", *b"Hira", *b"Kana", *b"Bopo"];
const CJK_SCRIPTS: [[u8; 4]; 5] = [*b"Hani", *b"Hira", *b"Kana", *b"Hang", *b"Bopo"];

/// Blocks outside the built-in fonts and the script to ask a font for (Unicode 16 block table; only scripts in wide use).
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
    (0x1100, 0x11FF, *b"Kore"),
    (0x1200, 0x137F, *b"Ethi"),
    (0x1780, 0x17FF, *b"Khmr"),
    (0x1800, 0x18AF, *b"Mong"),
    (0x2600, 0x27BF, *b"Zsye"),
    (0x2E80, 0x2FDF, *b"Hani"),
    (0x3000, 0x303F, *b"Hani"),
    (0x3040, 0x30FF, *b"Jpan"),
    (0x3100, 0x312F, *b"Hani"),
    (0x3130, 0x318F, *b"Kore"),
    (0x31F0, 0x31FF, *b"Jpan"),
    (0x3400, 0x9FFF, *b"Hani"),
    (0xAC00, 0xD7AF, *b"Kore"),
    (0xF900, 0xFAFF, *b"Hani"),
    (0xFB1D, 0xFB4F, *b"Hebr"),
    (0xFB50, 0xFDFF, *b"Arab"),
    (0xFE70, 0xFEFF, *b"Arab"),
    (0xFF00, 0xFFEF, *b"Jpan"),
    (0x1F000, 0x1FAFF, *b"Zsye"),
    (0x20000, 0x323AF, *b"Hani"),
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
        Fonts { context, missing: Vec::new(), answered: Vec::new() }
    }

    /// Notes that no font has `c`. At most one of the CJK scripts is asked for: its font has the others as well.
    pub(crate) fn note_missing(&mut self, c: char) {
        let Some(script) = script_of(c) else { return };
        let same = |other: &[u8; 4]| *other == script || (CJK.contains(other) && CJK.contains(&script));
        if !self.missing.iter().chain(&self.answered).any(same) {
            self.missing.push(script);
        }
    }

    pub(crate) fn missing(&self) -> &[[u8; 4]] {
        &self.missing
    }

    /// Takes the font for a script; false when it is unusable, also when `bytes` is empty because there is none.
    pub(crate) fn add(&mut self, script: [u8; 4], bytes: Vec<u8>) -> bool {
        self.missing.retain(|missing| *missing != script);
        if !self.answered.contains(&script) {
            self.answered.push(script);
        }
        let added = self.context.collection.register_fonts(Blob::new(Arc::new(bytes)), None);
        // A collection (Noto CJK) holds a family for each region; the first is enough.
        let Some((family, _)) = added.first() else { return false };
        let scripts = if CJK.contains(&script) { CJK_SCRIPTS.as_slice() } else { &[script] };
        for script in scripts {
            let script = Script::from_bytes(*script);
            self.context.collection.append_fallbacks(FallbackKey::new(script, None), [*family].into_iter());
        }
        if script == *b"Zsye" {
            let emoji = parley::GenericFamily::Emoji;
            self.context.collection.append_generic_families(emoji, [*family].into_iter());
        }
        true
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
    fn missing_cjk_asks_for_one_font() {
        let mut fonts = Fonts::new();
        for c in "日本語のテキスト 한국어 ไทย".chars() {
            fonts.note_missing(c);
        }
        assert_eq!(fonts.missing(), [*b"Hani", *b"Thai"]);
    }

    #[test]
    fn missing_script_once_answered_is_not_asked_again() {
        let mut fonts = Fonts::new();
        fonts.note_missing('א');
        assert_eq!(fonts.missing(), [*b"Hebr"]);
        assert!(!fonts.add(*b"Hebr", Vec::new()));
        fonts.note_missing('ב');
        assert!(fonts.missing().is_empty());
    }
}
