//! Languages of tracks: what people call them, and whether two tags mean the same.

/// ISO 639-1 code, ISO 639-2 codes (the terminological one first; a bibliographic one only where it differs), English name. The languages
/// in which films are dubbed and captioned; another is called by its tag.
const LANGUAGES: &[(&str, &str, &str, &str)] = &[
    ("af", "afr", "", "Afrikaans"),
    ("am", "amh", "", "Amharic"),
    ("ar", "ara", "", "Arabic"),
    ("az", "aze", "", "Azerbaijani"),
    ("be", "bel", "", "Belarusian"),
    ("bg", "bul", "", "Bulgarian"),
    ("bn", "ben", "", "Bengali"),
    ("bs", "bos", "", "Bosnian"),
    ("ca", "cat", "", "Catalan"),
    ("cs", "ces", "cze", "Czech"),
    ("cy", "cym", "wel", "Welsh"),
    ("da", "dan", "", "Danish"),
    ("de", "deu", "ger", "German"),
    ("el", "ell", "gre", "Greek"),
    ("en", "eng", "", "English"),
    ("eo", "epo", "", "Esperanto"),
    ("es", "spa", "", "Spanish"),
    ("et", "est", "", "Estonian"),
    ("eu", "eus", "baq", "Basque"),
    ("fa", "fas", "per", "Persian"),
    ("fi", "fin", "", "Finnish"),
    ("fil", "fil", "", "Filipino"),
    ("fr", "fra", "fre", "French"),
    ("ga", "gle", "", "Irish"),
    ("gl", "glg", "", "Galician"),
    ("gu", "guj", "", "Gujarati"),
    ("he", "heb", "", "Hebrew"),
    ("hi", "hin", "", "Hindi"),
    ("hr", "hrv", "", "Croatian"),
    ("hu", "hun", "", "Hungarian"),
    ("hy", "hye", "arm", "Armenian"),
    ("id", "ind", "", "Indonesian"),
    ("is", "isl", "ice", "Icelandic"),
    ("it", "ita", "", "Italian"),
    ("ja", "jpn", "", "Japanese"),
    ("ka", "kat", "geo", "Georgian"),
    ("kk", "kaz", "", "Kazakh"),
    ("km", "khm", "", "Khmer"),
    ("kn", "kan", "", "Kannada"),
    ("ko", "kor", "", "Korean"),
    ("la", "lat", "", "Latin"),
    ("lo", "lao", "", "Lao"),
    ("lt", "lit", "", "Lithuanian"),
    ("lv", "lav", "", "Latvian"),
    ("mk", "mkd", "mac", "Macedonian"),
    ("ml", "mal", "", "Malayalam"),
    ("mn", "mon", "", "Mongolian"),
    ("mr", "mar", "", "Marathi"),
    ("ms", "msa", "may", "Malay"),
    ("my", "mya", "bur", "Burmese"),
    ("nb", "nob", "", "Norwegian Bokmål"),
    ("ne", "nep", "", "Nepali"),
    ("nl", "nld", "dut", "Dutch"),
    ("nn", "nno", "", "Norwegian Nynorsk"),
    ("no", "nor", "", "Norwegian"),
    ("pa", "pan", "", "Punjabi"),
    ("pl", "pol", "", "Polish"),
    ("pt", "por", "", "Portuguese"),
    ("ro", "ron", "rum", "Romanian"),
    ("ru", "rus", "", "Russian"),
    ("si", "sin", "", "Sinhala"),
    ("sk", "slk", "slo", "Slovak"),
    ("sl", "slv", "", "Slovenian"),
    ("sq", "sqi", "alb", "Albanian"),
    ("sr", "srp", "", "Serbian"),
    ("sv", "swe", "", "Swedish"),
    ("sw", "swa", "", "Swahili"),
    ("ta", "tam", "", "Tamil"),
    ("te", "tel", "", "Telugu"),
    ("th", "tha", "", "Thai"),
    ("tr", "tur", "", "Turkish"),
    ("uk", "ukr", "", "Ukrainian"),
    ("ur", "urd", "", "Urdu"),
    ("uz", "uzb", "", "Uzbek"),
    ("vi", "vie", "", "Vietnamese"),
    ("zh", "zho", "chi", "Chinese"),
    ("zu", "zul", "", "Zulu"),
];

/// Tags that name no language (ISO 639-2).
const NONE: &[&str] = &["und", "mul", "zxx", "mis"];

/// Two or three letters, perhaps with a region or script after a hyphen (BCP 47 section 2.1).
pub(crate) fn is_tag(text: &str) -> bool {
    let mut parts = text.split(['-', '_']);
    let primary =
        parts.next().is_some_and(|p| matches!(p.len(), 2 | 3) && p.bytes().all(|b| b.is_ascii_alphabetic()));
    primary && parts.all(|p| (2..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// What people call the language of a tag; a tag of no known language calls itself, and one that names none is empty.
pub(crate) fn name(tag: &str) -> String {
    let (primary, rest) = tag.split_once(['-', '_']).unwrap_or((tag, ""));
    if NONE.contains(&primary.to_ascii_lowercase().as_str()) {
        return String::new();
    }
    let Some((.., name)) = find(primary) else { return tag.to_owned() };
    match rest.to_ascii_lowercase().as_str() {
        "" => (*name).to_owned(),
        "hans" => format!("{name} (Simplified)"),
        "hant" => format!("{name} (Traditional)"),
        _ => format!("{name} ({rest})"),
    }
}

/// Whether two tags name one language, whatever the region or script.
pub(crate) fn same(a: &str, b: &str) -> bool {
    let primary = |tag: &str| {
        let primary = tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        find(&primary).map_or(primary, |(short, ..)| (*short).to_owned())
    };
    let a = primary(a);
    !a.is_empty() && a == primary(b)
}

fn find(primary: &str) -> Option<&'static (&'static str, &'static str, &'static str, &'static str)> {
    LANGUAGES.iter().find(|(short, long, older, _)| {
        [short, long, older].into_iter().any(|code| !code.is_empty() && code.eq_ignore_ascii_case(primary))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_of_every_form_of_a_tag_is_the_same() {
        for tag in ["de", "deu", "ger", "GER"] {
            assert_eq!(name(tag), "German");
        }
        assert_eq!(name("pt-BR"), "Portuguese (BR)");
        assert_eq!(name("zh-Hant"), "Chinese (Traditional)");
        assert_eq!(name("tlh"), "tlh");
        assert_eq!(name("und"), "");
    }

    #[test]
    fn same_language_in_different_codes_is_recognised() {
        assert!(same("fre", "fr-CA") && same("zh-Hans", "chi") && same("tlh", "TLH"));
        assert!(!same("en", "fr") && !same("", "") && !same("sv", "slv"));
    }
}
