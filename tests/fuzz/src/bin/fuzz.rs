//! One target under libFuzzer. Which one is settled when it is built, so that the rest is not linked and the coverage counted
//! is that of the parser in question.
#![no_main]

const TARGET: kinora_fuzz::Target = kinora_fuzz::target(env!("KINORA_FUZZ_TARGET"));

libfuzzer_sys::fuzz_target!(|data: &[u8]| kinora_fuzz::run(TARGET, data));
