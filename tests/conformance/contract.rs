//! What the contract demands: its MUST ids and their sentences, from the documents themselves.

/// Name and version of the contract.
pub(crate) fn name() -> &'static str {
    let first = INTERFACES[0].lines().next().unwrap_or_default();
    first.trim_start_matches("package ").trim_end_matches(';')
}

/// The contract this kit was built with.
const INTERFACES: &[&str] = &[
    include_str!("../../wit/audio.wit"),
    include_str!("../../wit/device.wit"),
    include_str!("../../wit/display.wit"),
    include_str!("../../wit/log.wit"),
    include_str!("../../wit/net.wit"),
    include_str!("../../wit/player.wit"),
    include_str!("../../wit/shell.wit"),
    include_str!("../../wit/storage.wit"),
    include_str!("../../wit/streams.wit"),
    include_str!("../../wit/timeline.wit"),
    include_str!("../../wit/video.wit"),
];

/// Every MUST: id and sentence.
pub(crate) fn musts() -> impl Iterator<Item = (&'static str, String)> {
    let marks = INTERFACES.iter().flat_map(|text| text.split("[MUST ").skip(1));
    marks.filter_map(|rest| {
        let (id, rest) = rest.split_once("] ")?;
        // The sentence goes on in the lines of the comment, up to the next mark or to the function.
        let mut lines = rest.lines();
        let first = lines.next().unwrap_or_default();
        let more = lines.map_while(|line| line.trim().strip_prefix("/// "));
        let words: Vec<&str> =
            [first].into_iter().chain(more).map(str::trim).filter(|l| !l.is_empty()).collect();
        Some((id, words.join(" ")))
    })
}

/// The sentence of an id; two checks stand for no MUST of their own.
pub(crate) fn sentence(id: &str) -> String {
    match id {
        "link" => "The component is linked and started, and its lines arrive.".into(),
        "soak" => "Doing the same again and again takes no more memory.".into(),
        id => musts().find(|(known, _)| *known == id).map_or_else(String::new, |(_, text)| text),
    }
}

/// What a run over the contract must have seen: `FUNCTION=ok` for each import, and `FUNCTION=NEXT` for each error that its documentation
/// names.
pub(crate) fn answers() -> Vec<String> {
    let mut answers = Vec::new();
    for text in INTERFACES {
        let (mut interface, mut docs) = ("", String::new());
        for line in text.lines().map(str::trim) {
            if let Some(doc) = line.strip_prefix("///") {
                docs.push_str(doc);
            } else if let Some(name) = line.strip_prefix("interface ") {
                interface = name.trim_end_matches(" {");
                docs.clear();
            } else if let Some((name, _)) = line.split_once(": func(") {
                // What `player` has is the core's own.
                if interface != "player" {
                    let function = format!("{interface}.{}", name.replace('-', "_"));
                    answers.extend(errors(&docs).map(|error| format!("{function}={error}")));
                    answers.push(format!("{function}=ok"));
                }
                docs.clear();
            }
        }
    }
    answers
}

/// What a caller is told to do about the failures that the sentence after `Errors:` names.
fn errors(docs: &str) -> impl Iterator<Item = &str> {
    const NEXT: &[&str] = &["retry", "wait", "rebuild", "skip", "tell-user", "stop", "gone", "unsupported"];
    let sentence = docs.split_once("Errors: ").map_or("", |(_, rest)| rest);
    let sentence = sentence.split_once(". ").map_or(sentence, |(first, _)| first);
    sentence.split('`').filter(|word| NEXT.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_of_the_contract_are_whole() {
        for (id, text) in musts() {
            assert!(text.ends_with('.') && !text.contains("///") && !text.contains("[MUST"), "{id}: {text}");
        }
        assert!(sentence("player.snapshot-after-checkpoint").ends_with("takes over."));
    }

    #[test]
    fn answers_of_the_contract_name_functions_and_their_errors() {
        let answers = answers();
        for expected in
            ["streams.append=wait", "streams.append=skip", "display.put_image=ok", "timeline.create=wait"]
        {
            assert!(answers.iter().any(|answer| answer == expected), "{expected} in {answers:?}");
        }
        assert!(!answers.iter().any(|answer| answer.starts_with("player.")));
    }
}
