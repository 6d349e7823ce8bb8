//! What tests of the whole have in common: the programs under test, media made by FFmpeg, FFmpeg as the oracle,
//! and a display and a sound server to play on.

mod builds;
mod calm;
mod disk;
mod display;
mod live;
mod media;
mod oracle;
mod player;
mod random;
mod running;
mod scenario;
mod screen;
mod session;
mod sound;
mod speaker;
mod statistics;
mod tone;
mod usage;
mod wav;

pub use builds::{guest, other_build};
pub use calm::{Control, Gaps, MAX_GAP, Watched};
pub use disk::FakeDisk;
pub use display::Display;
pub use live::{LIVE_STREAM, LiveConfig, LiveServer};
pub use media::{Media, make};
pub use oracle::{framemd5, pcm_f32, pcm_of_track, probe_frames};
pub use player::{Headless, Outcome, Played, play, replay};
pub use random::Random;
pub use running::Running;
pub use scenario::{Scenario, TRACE, scenarios};
pub use screen::Screen;
pub use session::{MediaControls, Session};
pub use sound::{Ears, HEARD_HZ, SoundServer, beeps};
pub use speaker::{Heard, Speaker, TICK};
pub use statistics::percentile;
pub use usage::Usage;
pub use wav::Wav;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Where cargo puts what it builds, found from the running test itself.
pub fn target_folder() -> PathBuf {
    let test = std::env::current_exe().expect("a test is a program");
    let profile =
        test.ancestors().find(|p| p.join("deps").is_dir()).expect("tests run from target/PROFILE/deps");
    profile.to_path_buf()
}

/// The repository's root: that of the clone cargo was called in, since clones that share a target folder share these programs.
pub fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let here =
            std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        Path::new(&here).parent().expect("tests/ lies in the root").to_path_buf()
    });
    &ROOT
}

/// A folder of this test's own for what it writes.
pub fn scratch(name: &str) -> PathBuf {
    let folder = target_folder().join("test-output").join(name);
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    folder
}

/// Media and manifests that others made; `None` without them.
pub fn fixtures() -> Option<PathBuf> {
    std::env::var_os("KINORA_FIXTURES").map(PathBuf::from).filter(|path| path.is_dir())
}

/// Whether goldens are to be written instead of compared.
pub fn blessing() -> bool {
    std::env::var_os("KINORA_BLESS").is_some()
}
