//! `test` and `ci`.

use crate::env::{cargo, cargo_native, root, run, tracked};
use crate::{core, setup, tidy};

/// Sets up, builds everything the tests start, and runs all tests (or those whose name contains `filter`).
pub(crate) fn test(filter: &[String]) -> Result<(), String> {
    setup::ensure(setup::Purpose::Test)?;
    println!("{}", core::build()?);
    core::build_guests()?;
    core::build_faulty()?;
    // The programs the tests start, in the same profile as the tests themselves.
    run(cargo_native("build").arg("--bins"))?;
    let mut test = cargo_native("test");
    test.arg("--no-fail-fast").args(filter);
    if std::env::var_os("KINORA_FIXTURES").is_none() {
        let count = fixture_tests()?;
        println!(
            "KINORA_FIXTURES names no folder of media that others made: {count} tests that need it are skipped"
        );
        if !filter.iter().any(|word| word == "--") {
            test.arg("--");
        }
        test.args(["--skip", "fixture_"]);
    }
    run(&mut test)
}

/// How many tests need media that others made.
fn fixture_tests() -> Result<usize, String> {
    let sources = tracked()?.into_iter().filter(|file| file.ends_with(".rs") && !file.starts_with("xtask/"));
    let text = |file: String| std::fs::read_to_string(root().join(file)).unwrap_or_default();
    Ok(sources.map(|file| text(file).matches("fn fixture_").count()).sum())
}

/// Runs the scenarios and writes what comes of them as what is expected.
pub(crate) fn bless() -> Result<(), String> {
    setup::ensure(setup::Purpose::Test)?;
    core::build()?;
    run(cargo_native("build").args(["--bin", "kinora-headless"]))?;
    run(cargo_native("test").args(["--test", "scenarios"]).env("KINORA_BLESS", "1"))
}

/// What CI runs: formatting, lints, architecture rules, documentation, tests.
pub(crate) fn ci() -> Result<(), String> {
    setup::ensure(setup::Purpose::Test)?;
    run(cargo().args(["fmt", "--all", "--check"]))?;
    tidy::check()?;
    run(cargo().args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))?;
    run(cargo().args(["doc", "--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings"))?;
    test(&[])
}
