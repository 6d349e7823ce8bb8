//! What the program says and how it ends where it cannot play. None of this touches a display.

use std::process::{Command, Output};

fn kinora_tv(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kinora-tv")).args(words).output().expect("it starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn play_on_a_card_that_is_none_names_the_node_and_the_remedy() {
    for (node, what) in [
        ("/nowhere/card0", "there is no /nowhere/card0; `kinora-tv doctor` lists what there is"),
        ("/dev/null", "/dev/null drives no display; name another with --card"),
    ] {
        let output = kinora_tv(&["play", "film.mp4", "--card", node]);
        assert_eq!(output.status.code(), Some(1), "{node}");
        assert_eq!(said(&output), format!("kinora-tv: {what}\n"));
    }
}

#[test]
fn a_wrong_word_is_named_before_the_usage() {
    let output = kinora_tv(&["play", "--mode", "wide"]);
    assert_eq!(output.status.code(), Some(2));
    let said = said(&output);
    assert!(said.starts_with("kinora-tv: --mode is WIDTHxHEIGHT[@HERTZ], not `wide`\n\nusage:"), "{said}");
}

#[test]
fn doctor_of_a_card_that_is_none_says_so_and_fails() {
    let output = kinora_tv(&["doctor", "--card", "/nowhere/card0"]);
    assert_eq!(output.status.code(), Some(1));
    let found = String::from_utf8_lossy(&output.stdout);
    for part in ["there is no /nowhere/card0", "codecs       H.264", "data         "] {
        assert!(found.contains(part), "{part} is missing in:\n{found}");
    }
}
