/// A colour as authors write it in HTML and CSS, as `0xRRGGBBAA`.
///
/// Names are the sixteen of HTML 4 with the few others seen in captions; the other CSS names fall back to the viewer's colour.
pub(crate) fn parse(text: &str) -> Option<u32> {
    let text = text.trim().to_ascii_lowercase();
    if let Some(arguments) = text.strip_prefix("rgb") {
        return function(arguments.strip_prefix('a').unwrap_or(arguments));
    }
    named(&text).or_else(|| hex(text.strip_prefix('#').unwrap_or(&text)))
}

fn hex(digits: &str) -> Option<u32> {
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let value = u32::from_str_radix(digits, 16).ok()?;
    let wide = |v: u32, n: u32| (0..n).rev().fold(0, |out, i| out << 8 | ((v >> (4 * i) & 15) * 17));
    match digits.len() {
        3 => Some(wide(value, 3) << 8 | 0xff),
        4 => Some(wide(value, 4)),
        6 => Some(value << 8 | 0xff),
        8 => Some(value),
        _ => None,
    }
}

/// `(r, g, b[, alpha])` with channels 0 to 255 and alpha 0 to 1.
fn function(arguments: &str) -> Option<u32> {
    let inner = arguments.trim().strip_prefix('(')?.strip_suffix(')')?;
    let mut parts = inner.split(',').map(str::trim);
    let mut rgba = 0u32;
    for _ in 0..3 {
        rgba = rgba << 8 | parts.next()?.parse::<u32>().ok()?.min(255);
    }
    let alpha = match parts.next() {
        Some(text) => super::number::permille(text)?.clamp(0, 1000) as u32 * 255 / 1000,
        None => 255,
    };
    Some(rgba << 8 | alpha)
}

fn named(name: &str) -> Option<u32> {
    Some(match name {
        "black" => 0x0000_00ff,
        "silver" => 0xc0c0_c0ff,
        "gray" | "grey" => 0x8080_80ff,
        "white" => 0xffff_ffff,
        "maroon" => 0x8000_00ff,
        "red" => 0xff00_00ff,
        "purple" => 0x8000_80ff,
        "fuchsia" | "magenta" => 0xff00_ffff,
        "green" => 0x0080_00ff,
        "lime" => 0x00ff_00ff,
        "olive" => 0x8080_00ff,
        "yellow" => 0xffff_00ff,
        "navy" => 0x0000_80ff,
        "blue" => 0x0000_ffff,
        "teal" => 0x0080_80ff,
        "aqua" | "cyan" => 0x00ff_ffff,
        "orange" => 0xffa5_00ff,
        "pink" => 0xffc0_cbff,
        "gold" => 0xffd7_00ff,
        "transparent" => 0,
        _ => return None,
    })
}

/// An ASS colour, `&HAABBGGRR&` or decimal, whose alpha counts transparency, as `0xRRGGBBAA`.
pub(crate) fn parse_ass(text: &str) -> Option<u32> {
    let text = text.trim().trim_end_matches('&');
    let digits = text.trim_start_matches(['&', 'H', 'h']);
    let value = if digits.len() == text.len() {
        // VSFilter reads decimal numbers as signed 32 bits.
        text.parse::<i64>().ok()? as u32
    } else {
        u32::from_str_radix(digits.get(digits.len().saturating_sub(8)..)?, 16).ok()?
    };
    let [alpha, blue, green, red] = value.to_be_bytes();
    Some(u32::from_be_bytes([red, green, blue, 255 - alpha]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_every_notation_gives_rgba() {
        assert_eq!(parse("#FF8000"), Some(0xff80_00ff));
        assert_eq!(parse("f80"), Some(0xff88_00ff));
        assert_eq!(parse("#f808"), Some(0xff88_0088));
        assert_eq!(parse("rgba(255, 0, 1, 0.5)"), Some(0xff00_017f));
        assert_eq!(parse("Yellow"), Some(0xffff_00ff));
        assert_eq!(parse("#12345"), None);
        assert_eq!(parse("+12345"), None);
    }

    #[test]
    fn parse_ass_swaps_channels_and_inverts_alpha() {
        assert_eq!(parse_ass("&H80FF0010&"), Some(0x1000_ff7f));
        assert_eq!(parse_ass("&H00FFFF&"), Some(0xffff_00ff));
        assert_eq!(parse_ass("65535"), Some(0xffff_00ff));
        assert_eq!(parse_ass("&H&"), None);
    }
}
