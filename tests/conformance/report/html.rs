//! The page for people: one file that can be sent, with pictures and sound in it.

use std::fmt::Write as _;

use kinora_tests::HEARD_HZ;

use super::{Report, escaped, summary, verdict};
use crate::contract;
use crate::rig::Ability;
use crate::run::{Done, flawless};
use crate::timing::Timing;

const STYLE: &str = include_str!("page.css");
/// Lines of a log that are shown, from its end.
const LOG_LINES: usize = 60;
/// Hertz of the sound in the page.
const PAGE_HZ: usize = 8000;

pub(super) fn page(report: &Report<'_>) -> String {
    let mut out = String::new();
    let (verdict, counts) = (verdict(report.done), summary(report.done));
    let counts = counts.split_once(": ").map_or("", |(_, counts)| counts);
    let class = if flawless(report.done) { "passed" } else { "failed" };
    let _ = write!(
        out,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Kinora conformance: {verdict}</title><style>{STYLE}</style>\
         <h1>Kinora conformance <b class=\"{class}\">{verdict}</b></h1><p>{counts}</p><dl>"
    );
    let mut fact = |name: &str, value: &str| {
        let _ = write!(out, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(value));
    };
    fact("shim", report.shim);
    fact("rig", report.rig);
    fact("contract", contract::name());
    fact("kit", env!("CARGO_PKG_VERSION"));
    fact("kit\u{2019}s core, SHA-256", &report.core);
    report.facts.iter().for_each(|(name, value)| fact(name, value));
    out.push_str("</dl>");
    obstacles(&mut out, report.done);
    out.push_str("<table class=\"checks\"><colgroup><col><col><col><col></colgroup>");
    let mut group = "";
    for done in report.done {
        if group != done.check.group {
            group = done.check.group;
            let _ = write!(out, "<tr><th colspan=\"4\">{group}</th></tr>");
        }
        row(&mut out, done);
    }
    out.push_str("</table>");
    report.timing.iter().for_each(|timing| times(&mut out, timing));
    out.push_str("<h2>Calls seen</h2><p>Functions of the contract and how they were answered, over all checks.</p><table>");
    for (call, count) in &report.calls {
        let (function, answer) = call.split_once('=').unwrap_or((call, ""));
        let _ = write!(
            out,
            "<tr><td><code>{}</code></td><td>{}</td><td class=\"number\">{count}</td></tr>",
            escaped(function),
            escaped(answer)
        );
    }
    out + "</table></html>\n"
}

/// What stands in the way of a certificate, as links to its rows.
fn obstacles(out: &mut String, done: &[Done]) {
    let wrong = done.iter().filter(|done| !flawless(std::slice::from_ref(done)));
    let line = |done: &Done| {
        let (id, word) = (done.check.id, done.outcome.word());
        format!(
            "<li><a href=\"#{id}\">{id}</a> <span class=\"{}\">{word}</span>: {}</li>",
            class(done),
            escaped(&done.outcome.detail())
        )
    };
    let lines: String = wrong.map(line).collect();
    if !lines.is_empty() {
        let _ = write!(out, "<h2>What is wrong</h2><ul>{lines}</ul>");
    }
}

/// What was measured, which nobody passes or fails by.
fn times(out: &mut String, timing: &Timing) {
    let _ = write!(
        out,
        "<h2>Timing</h2><p>{} Reported beside the bars of the design, and not part of the certificate.</p><table>\
         <tr><th>figure<th><th>\u{b1}<th>bar<th></tr>",
        escaped(&timing.about())
    );
    for figure in &timing.figures {
        let [value, error, remark] = figure.words();
        let _ = write!(
            out,
            "<tr><td>{}</td><td class=\"number\">{value}</td><td class=\"number\">{error}</td><td>{}</td><td class=\"not\">{}</td></tr>",
            figure.row.what,
            figure.row.bar,
            escaped(&remark)
        );
    }
    out.push_str("</table>");
}

/// Of the style sheet.
fn class(done: &Done) -> &'static str {
    done.outcome.word().split(' ').next().unwrap_or_default()
}

fn row(out: &mut String, done: &Done) {
    let _ = write!(
        out,
        "<tr id=\"{0}\"><td class=\"{1}\">{2}</td><td><b>{0}</b><br><small>{3}</small></td><td>{4}",
        done.check.id,
        class(done),
        done.outcome.word(),
        code(&contract::sentence(done.check.id)),
        escaped(&done.outcome.detail())
    );
    // Where nothing is to be seen or heard, there is nothing to show.
    if let Some(picture) = &done.picture
        && done.check.needs.contains(&Ability::See)
    {
        let picture = base64(&picture.to_png());
        let _ = write!(out, "<br><img alt=\"what was seen last\" src=\"data:image/png;base64,{picture}\">");
    }
    if !done.heard.is_empty() && done.check.needs.contains(&Ability::Hear) {
        let sound = base64(&wav(&done.heard));
        let _ = write!(out, "<br><audio controls src=\"data:audio/wav;base64,{sound}\"></audio>");
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
    let _ = write!(out, "</td><td class=\"number\">{:.1}&nbsp;s</td></tr>", done.took.as_secs_f64());
}

/// A sentence of the contract, whose names stand between grave accents.
fn code(sentence: &str) -> String {
    let parts = sentence.split('`').enumerate();
    parts
        .map(|(n, part)| if n % 2 == 1 { format!("<code>{}</code>", escaped(part)) } else { escaped(part) })
        .collect()
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
