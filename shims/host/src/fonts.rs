//! System fonts for scripts that the core's own font lacks.
//!
//! A table of the places where distributions put the usual families. Discarded: asking fontconfig, whose `fc-match` costs 45 ms a
//! script, more than everything else before the first frame.

use std::collections::BTreeMap;
use std::path::Path;

/// Script (ISO 15924), and its fonts in order of preference with the face index in collections.
const FONTS: &[(&str, &[(&str, u32)])] = &[
    ("Hans", &[("NotoSansCJK-Regular.ttc", 2), ("SourceHanSans.ttc", 2), ("wqy-zenhei.ttc", 0)]),
    ("Hant", &[("NotoSansCJK-Regular.ttc", 3), ("SourceHanSans.ttc", 3), ("wqy-zenhei.ttc", 0)]),
    ("Jpan", &[("NotoSansCJK-Regular.ttc", 0), ("SourceHanSans.ttc", 0), ("ipag.ttf", 0)]),
    ("Kore", &[("NotoSansCJK-Regular.ttc", 1), ("SourceHanSans.ttc", 1), ("NanumGothic.ttf", 0)]),
    ("Arab", &[("NotoSansArabic-Regular.ttf", 0), ("NotoNaskhArabic-Regular.ttf", 0), ("DejaVuSans.ttf", 0)]),
    ("Thai", &[("NotoSansThai-Regular.ttf", 0), ("Loma.ttf", 0)]),
    ("Deva", &[("NotoSansDevanagari-Regular.ttf", 0), ("Lohit-Devanagari.ttf", 0)]),
    ("Hebr", &[("NotoSansHebrew-Regular.ttf", 0), ("DejaVuSans.ttf", 0)]),
    ("Armn", &[("NotoSansArmenian-Regular.ttf", 0)]),
    ("Beng", &[("NotoSansBengali-Regular.ttf", 0)]),
    ("Ethi", &[("NotoSansEthiopic-Regular.ttf", 0)]),
    ("Geor", &[("NotoSansGeorgian-Regular.ttf", 0)]),
    ("Gujr", &[("NotoSansGujarati-Regular.ttf", 0)]),
    ("Guru", &[("NotoSansGurmukhi-Regular.ttf", 0)]),
    ("Khmr", &[("NotoSansKhmer-Regular.ttf", 0)]),
    ("Knda", &[("NotoSansKannada-Regular.ttf", 0)]),
    ("Laoo", &[("NotoSansLao-Regular.ttf", 0)]),
    ("Mlym", &[("NotoSansMalayalam-Regular.ttf", 0)]),
    ("Mymr", &[("NotoSansMyanmar-Regular.ttf", 0)]),
    ("Sinh", &[("NotoSansSinhala-Regular.ttf", 0)]),
    ("Taml", &[("NotoSansTamil-Regular.ttf", 0)]),
    ("Telu", &[("NotoSansTelugu-Regular.ttf", 0)]),
    ("Zsye", &[("NotoColorEmoji.ttf", 0), ("NotoEmoji-Regular.ttf", 0)]),
];

/// Folders of Debian, Fedora, Arch, Alpine and Android.
const FOLDERS: &[&str] = &[
    "/usr/share/fonts/opentype/noto",
    "/usr/share/fonts/truetype/noto",
    "/usr/share/fonts/noto",
    "/usr/share/fonts/noto-cjk",
    "/usr/share/fonts/google-noto",
    "/usr/share/fonts/google-noto-cjk",
    "/usr/share/fonts/google-noto-sans-cjk-fonts",
    "/usr/share/fonts/google-noto-color-emoji-fonts",
    "/usr/share/fonts/truetype/dejavu",
    "/usr/share/fonts/TTF",
    "/usr/share/fonts/truetype/wqy",
    "/usr/share/fonts/truetype/tlwg",
    "/usr/share/fonts/truetype/nanum",
    "/system/fonts",
];

/// Script and the font found for it; `None` where there is none.
pub fn system_fonts() -> impl Iterator<Item = (&'static str, Option<(String, u32)>)> {
    FONTS
        .iter()
        .map(|(script, fonts)| (*script, fonts.iter().find_map(|(name, face)| Some((find(name)?, *face)))))
}

/// The facts `font.SCRIPT` (`wit/device.wit`) of the fonts that `grant` gives a URL for.
pub fn font_facts(mut grant: impl FnMut(&Path) -> Option<String>) -> BTreeMap<String, String> {
    let fact = |(script, font): (&str, Option<(String, u32)>)| {
        let (path, face) = font?;
        let url = grant(Path::new(&path))?;
        Some((format!("font.{script}"), format!("{url}#{face}")))
    };
    system_fonts().filter_map(fact).collect()
}

fn find(name: &str) -> Option<String> {
    FOLDERS.iter().map(|folder| format!("{folder}/{name}")).find(|path| Path::new(path).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn font_facts_name_only_what_was_granted() {
        assert!(font_facts(|_| None).is_empty());
        for (name, url) in font_facts(|path| Some(format!("file://{}", path.display()))) {
            assert!(name.starts_with("font.") && url.contains('#'), "{name} {url}");
        }
    }
}
