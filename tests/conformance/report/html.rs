//! The page for people: one file that can be sent, with pictures and sound in it.

use std::fmt::Write as _;

use kinora_tests::HEARD_HZ;

use super::{Report, escaped, summary};
use crate::contract;
use crate::run::Done;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1c1e21;background:#fff}\
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}\
dt{color:#667}dd{margin:0;overflow-wrap:anywhere}table{border-collapse:collapse;width:100%}td,th{padding:.4rem .6rem;text-align:left;\
vertical-align:top;border-bottom:1px solid #e4e6ea}.passed{color:#137333}.failed{color:#b3261e;font-weight:600}.not{color:#8a6100}\
small{color:#667}img{image-rendering:pixelated;max-width:320px;border:1px solid #ccd}pre{white-space:pre-wrap;font-size:12px;\
max-height:20rem;overflow:auto;background:#f5f6f8;padding:.6rem}audio{height:2rem}\
@media(prefers-color-scheme:dark){body{color:#e6e7ea;background:#16181c}td,th{border-color:#2c2f36}pre{background:#1f2228}\
.passed{color:#6dd58c}.failed{color:#f2b8b5}.not{color:#e8c26a}}";
/// Lines of a log that are shown, from its end.
const LOG_LINES: usize = 60;
/// Hertz of the sound in the page.
const PAGE_HZ: usize = 8000;

pub(super) fn page(report: &Report<'_>) -> String {
    let mut out = String::new();
    let title = format!("Kinora conformance: {}", escaped(&summary(report.done)));
    let _ = write!(
        out,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style><h1>{title}</h1><dl>"
    );
    let mut fact = |name: &str, value: &str| {
        let _ = write!(out, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(value));
    };
    fact("shim", report.shim);
    fact("rig", report.rig);
    fact("kit", env!("CARGO_PKG_VERSION"));
    fact("core (SHA-256)", &report.core);
    report.facts.iter().for_each(|(name, value)| fact(name, value));
    out.push_str("</dl>");
    let mut group = "";
    for done in report.done {
        if group != done.check.group {
            let end = if group.is_empty() { "" } else { "</table>" };
            group = done.check.group;
            let _ = write!(out, "{end}<h2>{group}</h2><table>");
        }
        row(&mut out, done);
    }
    out.push_str("</table><h2>Calls seen</h2><p>Functions of the contract and how they were answered, over all checks.</p><table>");
    for (call, count) in &report.calls {
        let (function, answer) = call.split_once('=').unwrap_or((call, ""));
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{count}</td></tr>",
            escaped(function),
            escaped(answer)
        );
    }
    out + "</table></html>\n"
}

fn row(out: &mut String, done: &Done) {
    let class = done.outcome.word().split(' ').next().unwrap_or_default();
    let _ = write!(
        out,
        "<tr><td class=\"{class}\">{}</td><td><b>{}</b><br><small>{}</small></td><td>{}",
        done.outcome.word(),
        done.check.id,
        escaped(contract::sentence(done.check.id)),
        escaped(&done.outcome.detail())
    );
    if let Some(picture) = &done.picture {
        let _ = write!(
            out,
            "<br><img alt=\"what was seen\" src=\"data:image/png;base64,{}\">",
            base64(&picture.to_png())
        );
    }
    if !done.heard.is_empty() && done.check.needs.contains(&crate::rig::Ability::Hear) {
        let _ = write!(
            out,
            "<br><audio controls src=\"data:audio/wav;base64,{}\"></audio>",
            base64(&wav(&done.heard))
        );
    }
    let lines: Vec<&str> = done.log.lines().collect();
    let log: Vec<&str> = lines[lines.len().saturating_sub(LOG_LINES)..]
        .iter()
        .map(|line| &line[..line.floor_char_boundary(300)])
        .collect();
    if !log.is_empty() {
        let _ =
            write!(out, "<details><summary>log</summary><pre>{}</pre></details>", escaped(&log.join("\n")));
    }
    let _ = write!(out, "</td><td>{:.1}&nbsp;s</td></tr>", done.took.as_secs_f64());
}

/// Small enough for a page: 16 bits at 8 kHz.
fn wav(heard: &[f32]) -> Vec<u8> {
    let step = HEARD_HZ / PAGE_HZ;
    let samples: Vec<i16> =
        heard.chunks_exact(step).map(|s| (s.iter().sum::<f32>() / step as f32 * 32_767.0) as i16).collect();
    let data = 2 * samples.len() as u32;
    let rate = PAGE_HZ as u32;
    let mut out = Vec::with_capacity(44 + 2 * samples.len());
    out.extend(b"RIFF");
    out.extend((36 + data).to_le_bytes());
    out.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    out.extend(rate.to_le_bytes());
    out.extend((2 * rate).to_le_bytes());
    out.extend(b"\x02\0\x10\0data");
    out.extend(data.to_le_bytes());
    out.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    out
}

/// RFC 4648, 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().enumerate().fold(0_u32, |word, (i, byte)| word | u32::from(*byte) << (16 - 8 * i));
        for i in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_all_remainders_is_padded() {
        for (bytes, expected) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(bytes.as_bytes()), expected);
        }
    }
}
