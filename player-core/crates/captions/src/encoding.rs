use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Text of a caption file in whatever encoding: by byte order mark, else UTF-8 if it is valid, else UTF-16 by its pattern
/// of zeros, else the legacy encoding it resembles most (as Firefox guesses). Never fails; what cannot be decoded is U+FFFD.
pub fn decode_text(bytes: &[u8]) -> String {
    let (text, _, _) = detect(bytes).decode(bytes);
    text.into_owned()
}

fn detect(bytes: &[u8]) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding;
    }
    if let Some(encoding) = utf16_without_mark(bytes) {
        return encoding;
    }
    // A file cut in the middle of a character is still UTF-8.
    if std::str::from_utf8(bytes).err().is_none_or(|e| e.error_len().is_none()) {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    detector.guess(None, Utf8Detection::Allow)
}

/// Captions hold digits, colons and line ends in every script, so UTF-16 shows as zeros on one side of the byte pairs.
fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let pairs = bytes.len().min(4096) / 2;
    let zeros = |side: usize| bytes.iter().take(pairs * 2).skip(side).step_by(2).filter(|b| **b == 0).count();
    let (first, second) = (zeros(0), zeros(1));
    // A quarter: CJK text with a timing line for every ten characters has more.
    if pairs < 4 || first.max(second) * 4 < pairs || first.min(second) * 16 > first.max(second) {
        return None;
    }
    Some(if first > second { UTF_16BE } else { UTF_16LE })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CASES: &[(&str, &str)] = &[
        ("windows-1250", "Příliš žluťoučký kůň úpěl ďábelské ódy. To je přece jasné, že ano."),
        ("windows-1251", "Привет, как дела? Всё хорошо, спасибо. Пойдём домой, уже поздно."),
        ("windows-1252", "Où est l’été ? Il a mangé du gâteau à la crème, n’est-ce pas ? Déjà vu."),
        ("windows-1253", "Καλημέρα, πώς είσαι σήμερα; Όλα πάνε καλά, ευχαριστώ πολύ."),
        ("windows-1254", "Şimdi gidiyoruz, değil mi? Işığı söndür, çocuğum, güneş doğuyor."),
        ("windows-1255", "שלום, מה שלומך היום? הכול בסדר גמור, תודה רבה."),
        ("windows-1256", "مرحبا، كيف حالك اليوم؟ كل شيء على ما يرام، شكرا جزيلا لك."),
        ("windows-874", "สวัสดีครับ วันนี้คุณเป็นอย่างไรบ้าง ทุกอย่างเรียบร้อยดี ขอบคุณ"),
        ("iso-8859-2", "Źdźbło trawy, zażółć gęślą jaźń. Cześć, co u ciebie słychać, proszę pana?"),
        ("koi8-r", "Привет, как дела? Всё хорошо, спасибо. Пойдём домой, уже поздно."),
        ("gb18030", "你好，你今天怎么样？一切都很好，谢谢你。我们回家吧，时间不早了。"),
        ("big5", "你好，你今天怎麼樣？一切都很好，謝謝你。我們回家吧，時間不早了。"),
        ("shift_jis", "こんにちは、今日はお元気ですか。はい、とても元気です。ありがとうございます。"),
        ("euc-jp", "こんにちは、今日はお元気ですか。はい、とても元気です。ありがとうございます。"),
        ("euc-kr", "안녕하세요, 오늘 어떻게 지내세요? 모든 것이 잘 되고 있어요, 감사합니다."),
    ];

    #[test]
    fn decode_text_legacy_encodings_are_recognised() {
        for (label, text) in CASES {
            let encoding = Encoding::for_label(label.as_bytes()).expect("a label of the Encoding Standard");
            let file = format!("1\r\n00:00:01,000 --> 00:00:04,000\r\n{text}\r\n\r\n");
            let (bytes, _, unmappable) = encoding.encode(&file);
            assert!(!unmappable, "{label}");
            assert_eq!(decode_text(&bytes), file, "{label} taken for {}", detect(&bytes).name());
        }
    }

    #[test]
    fn decode_text_utf16_with_and_without_mark_is_recognised() {
        let file = "1\n00:00:01,000 --> 00:00:04,000\nПривет 你好\n";
        let le: Vec<u8> = file.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = file.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode_text(&le), file);
        assert_eq!(decode_text(&be), file);
        assert_eq!(decode_text(&[&[0xff, 0xfe], &le[..]].concat()), file);
        assert_eq!(decode_text(&[&[0xfe, 0xff], &be[..]].concat()), file);
    }

    #[test]
    fn decode_text_utf8_cut_inside_a_character_stays_utf8() {
        assert_eq!(decode_text(b"\xef\xbb\xbfna\xc3\xafve"), "naïve");
        assert_eq!(
            decode_text("Größe\u{2014}".as_bytes().split_last().expect("not empty").1),
            "Größe\u{fffd}"
        );
    }

    proptest! {
        #[test]
        fn decode_text_any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            prop_assert!(decode_text(&bytes).len() <= 3 * bytes.len() + 3);
        }
    }
}
