//! Regional forms of Han characters: one code point is drawn differently in China, Taiwan, Japan and Korea (Unicode 16, section 18.1, "Han
//! Unification").

use parley::Language;

/// Whose form is drawn; each has its own font, or its own face of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Hans,
    Hant,
    Jpan,
    Kore,
}

impl Form {
    pub(super) const ALL: [Form; 4] = [Form::Hans, Form::Hant, Form::Jpan, Form::Kore];

    /// The form in which `text` is to be drawn: by letters that only one language has, else by the first of `languages` that uses Han
    /// characters. None if the text has nothing of the kind.
    pub(super) fn of(text: &str, languages: [Option<Language>; 2]) -> Option<Form> {
        let mut han = false;
        for c in text.chars() {
            match c {
                '\u{3040}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}' | '\u{FF66}'..='\u{FF9F}' => {
                    return Some(Form::Jpan);
                }
                '\u{1100}'..='\u{11FF}' | '\u{3130}'..='\u{318F}' | '\u{AC00}'..='\u{D7AF}' => {
                    return Some(Form::Kore);
                }
                '\u{3100}'..='\u{312F}' => return Some(Form::Hant),
                '\u{2E80}'..='\u{303F}'
                | '\u{3400}'..='\u{9FFF}'
                | '\u{F900}'..='\u{FAFF}'
                | '\u{FF00}'..='\u{FFEF}'
                | '\u{20000}'..='\u{323AF}' => han = true,
                _ => {}
            }
        }
        let told = || languages.into_iter().flatten().find_map(Form::of_language);
        han.then(|| told().unwrap_or(Form::Hans))
    }

    fn of_language(language: Language) -> Option<Form> {
        let traditional =
            language.script() == Some("Hant") || matches!(language.region(), Some("TW" | "HK" | "MO"));
        match language.language() {
            "ja" | "jpn" => Some(Form::Jpan),
            "ko" | "kor" => Some(Form::Kore),
            "yue" => Some(Form::Hant),
            "zh" | "zho" | "chi" | "cmn" if traditional => Some(Form::Hant),
            "zh" | "zho" | "chi" | "cmn" => Some(Form::Hans),
            _ => None,
        }
    }

    pub(super) fn of_script(script: [u8; 4]) -> Option<Form> {
        Form::ALL.into_iter().find(|form| form.script() == script)
    }

    /// ISO 15924 code by which its font is asked for.
    pub(super) fn script(self) -> [u8; 4] {
        match self {
            Form::Hans => *b"Hans",
            Form::Hant => *b"Hant",
            Form::Jpan => *b"Jpan",
            Form::Kore => *b"Kore",
        }
    }

    /// The language that stands for it when text is laid out.
    pub(super) fn locale(self) -> Option<Language> {
        let tag = match self {
            Form::Hans => "zh-CN",
            Form::Hant => "zh-TW",
            Form::Jpan => "ja",
            Form::Kore => "ko",
        };
        Language::parse(tag).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str, captions: &str, device: &str) -> Option<Form> {
        Form::of(text, [captions, device].map(|tag| Language::parse(tag).ok()))
    }

    #[test]
    fn letters_of_one_language_decide_before_any_tag() {
        assert_eq!(form("文字が見えます", "zh", "zh-TW"), Some(Form::Jpan));
        assert_eq!(form("漢字와 한글", "ja", "en"), Some(Form::Kore));
        assert_eq!(form("注音ㄅㄆ", "", "ja"), Some(Form::Hant));
    }

    #[test]
    fn han_alone_follows_the_captions_and_then_the_device() {
        assert_eq!(form("直骨", "jpn", "zh"), Some(Form::Jpan));
        assert_eq!(form("直骨", "zh-Hant", "ja"), Some(Form::Hant));
        assert_eq!(form("直骨", "zho", "ja"), Some(Form::Hans));
        assert_eq!(form("直骨", "en", "zh-HK"), Some(Form::Hant));
        assert_eq!(form("直骨", "", "en"), Some(Form::Hans));
    }

    #[test]
    fn text_without_han_has_no_form() {
        assert_eq!(form("Café, ไทย", "ja", "ja"), None);
    }
}
