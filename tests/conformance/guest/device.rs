//! `device`.

use crate::api::{audio, device, shell, timeline, video};
use crate::film;
use crate::report::{Verdict, must};
use crate::running::sleep;

/// The same facts at any time.
pub(crate) async fn facts_stable() -> Verdict {
    let facts = device::facts();
    let names: std::collections::BTreeSet<_> = facts.iter().map(|(name, _)| name).collect();
    must(names.len() == facts.len(), "each fact stands once")?;
    for _ in 0..5 {
        sleep(200_000).await;
        must(device::facts() == facts, "the facts changed while the instance lived")?;
    }
    Ok(())
}

/// What is answered true works, and what does not exist is answered false.
pub(crate) async fn has_honest() -> Verdict {
    for nonsense in ["", "shell.", "shell.fly", "codec.zz99", "net.fetch-99", "nothing"] {
        must(!device::has(nonsense), format!("`{nonsense}` is nothing a shim has"))?;
    }
    for (ability, works) in [
        ("shell.title", shell::set_title("kit").is_ok()),
        ("shell.cursor", shell::set_cursor(true).is_ok()),
        ("shell.fullscreen", shell::set_fullscreen(false).is_ok()),
        ("shell.awake", shell::set_awake(false).is_ok()),
    ] {
        must(device::has(ability) == works, format!("`{ability}` is answered {}", !works))?;
    }
    // Choosing a file would ask a person; where it is not offered it can be tried.
    if !device::has("shell.pick-file") {
        must(shell::pick_file().is_err(), "`shell.pick-file` is answered false and works")?;
    }
    let timeline = timeline::create(1).map_err(|e| e.message)?;
    for codec in ["avc1.4d400b", "hvc1.1.6.L93.B0", "vp8", "vp09.00.10.08", "av01.0.04M.08"] {
        let opened = video::open(timeline, &film::video_config(codec, (64, 64)));
        // Some codecs need parameter sets to open; the failure is then not that of an unknown codec.
        let works = opened.as_ref().map_or_else(|failure| failure.code != 10, |_| true);
        must(device::has(&format!("codec.{codec}")) == works, format!("`codec.{codec}` is not honest"))?;
    }
    for codec in ["pcm-s16le", "pcm-f32le", "zz99"] {
        let works = audio::open(timeline, &film::audio_config(codec, 8000)).is_ok();
        must(device::has(&format!("codec.{codec}")) == works, format!("`codec.{codec}` is not honest"))?;
    }
    Ok(())
}
