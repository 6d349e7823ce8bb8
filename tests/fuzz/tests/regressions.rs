//! Inputs that once broke a parser, through the targets that found them.

use std::path::Path;

use kinora_fuzz::{TARGETS, run};

#[test]
fn inputs_that_once_broke_a_parser_do_no_harm() {
    // Asked when it runs: clones of this repository may share what was built.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
    let folder = Path::new(&package).join("regressions");
    for entry in std::fs::read_dir(&folder).expect("the regression inputs") {
        let target_folder = entry.expect("an entry").path();
        let name = target_folder.file_name().and_then(|name| name.to_str()).expect("a name");
        let target = TARGETS.iter().find(|(target, _)| *target == name);
        let (_, target) = target.unwrap_or_else(|| panic!("no target of the name {name}"));
        for input in std::fs::read_dir(&target_folder).expect("inputs") {
            let path = input.expect("an input").path();
            println!("{}", path.display());
            run(*target, &std::fs::read(&path).expect("an input that can be read"));
        }
    }
}

#[test]
fn nothing_at_all_does_no_harm_anywhere() {
    for (name, target) in TARGETS {
        println!("{name}");
        run(*target, &[]);
        run(*target, &[0; 64]);
    }
}
