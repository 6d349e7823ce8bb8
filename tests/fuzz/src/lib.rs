//! What is fuzzed, as functions of bytes: `cargo xtask fuzz` runs them under libFuzzer, `cargo test` on the inputs that once broke them
//! (`regressions/TARGET/`).
//!
//! A target panics on what must not happen: a panic in the parser itself, more memory than an input of its size can need, a parser that
//! does not come to an end, or results that depend on how the bytes arrived. So every input runs in pieces, with a failed
//! read before each good one, and with and without a known length. `planted/` holds faults that the targets must find:
//! they prove that the fuzzing works.

mod captions;
mod demux;
mod display_list;
mod engine;
mod manifest;
mod network;
mod repair;

use std::alloc::System;

use cap::Cap;

/// Takes any bytes; panics when what it tests is broken.
pub type Target = fn(&[u8]);

/// All targets, by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("mp4", demux::mp4),
    ("matroska", demux::matroska),
    ("ts", demux::ts),
    ("ogg", demux::ogg),
    ("flac", demux::flac),
    ("wav", demux::wav),
    ("adts", demux::adts),
    ("mp3", demux::mp3),
    ("ac3", demux::ac3),
    ("media", network::media),
    ("hls", manifest::hls),
    ("m3u", manifest::list),
    ("webvtt", captions::webvtt),
    ("srt", captions::srt),
    ("ass", captions::ass),
    ("payload", captions::payload),
    ("display_list", display_list::bytes),
    ("display_tree", display_list::tree),
    ("snapshot", engine::snapshot),
    ("engine", engine::legal),
    ("events", engine::illegal),
];

/// A target by its name, at compile time.
pub const fn target(name: &str) -> Target {
    let mut i = 0;
    while i < TARGETS.len() {
        if same(TARGETS[i].0.as_bytes(), name.as_bytes()) {
            return TARGETS[i].1;
        }
        i += 1;
    }
    panic!("no such fuzz target");
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut i = 0;
    while i < a.len() && i < b.len() && a[i] == b[i] {
        i += 1;
    }
    i == a.len() && i == b.len()
}

/// What one input may take. Most make do with a small multiple of their size; the sample table of a few bytes may list samples for
/// 12 MiB, and a playlist may hold 48 MiB of addresses.
const MEMORY: usize = 128 << 20;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Runs one input. An allocation beyond the allowance fails, which ends the process.
pub fn run(target: Target, data: &[u8]) {
    let limit = ALLOCATOR.allocated() + MEMORY;
    ALLOCATOR.set_limit(limit).expect("a limit above what is allocated");
    target(data);
    ALLOCATOR.set_limit(usize::MAX).expect("no limit");
}
