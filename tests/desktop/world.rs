//! What happens around a player: sound and its devices, the desktop, the end.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use kinora_tests::{Media, Running, Screen, Session, SoundServer, beeps, make, root, scratch, target_folder};
use libtest_mimic::Trial;

use crate::trial;
use crate::watching::{World, wait_for};

/// Ten seconds; each second begins with a flash and a beep of 1 kHz.
const CLIP: &str = "assets/demo/3 Flash and beep.mp4";

fn clip() -> String {
    root().join(CLIP).to_string_lossy().into_owned()
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("sound_of_the_clip_is_heard".into(), sound_is_heard),
        trial("sound_server_that_dies_and_returns_is_no_end".into(), sound_server_dies),
        trial("no_sound_device_plays_to_the_end".into(), no_sound_device),
        trial("media_controls_pause_seek_and_tell".into(), media_controls),
        trial("window_closed_resumes_there_next_time".into(), close_and_resume),
        trial("killed_player_goes_on_there_next_time".into(), killed),
        trial("key_q_quits_with_status_0".into(), quits),
        trial("pointer_moved_shows_the_controls".into(), pointer),
        trial("cpu_wayland_window_plays_to_the_end".into(), || wayland("cpu")),
        trial("gpu_wayland_window_plays_to_the_end".into(), || wayland("gpu")),
        trial("missing_file_at_the_end_exits_with_status_1".into(), missing),
        trial("report_tells_the_last_minutes_without_secrets".into(), report),
    ]
}

fn sound_is_heard() -> Result<(), String> {
    let mut world = World::new("sound")?;
    let server = SoundServer::start(&world.folder)?;
    world.set("PULSE_SERVER", server.address());
    let ears = server.listen()?;
    let mut watching = world.play(&["--exit-at-end", &clip()])?;
    let status = watching.wait()?;
    if status != 0 {
        return Err(format!("status {status}: {}", watching.stderr()));
    }
    let beeps = wait_for("the last beep", || {
        let beeps = beeps(&ears.heard());
        if beeps.len() >= 10 { Ok(beeps) } else { Err(format!("beeps at {beeps:?} s")) }
    })?;
    // How regular they are is for the bench: a machine under load may underrun.
    if beeps.len() == 10 { Ok(()) } else { Err(format!("beeps at {beeps:?} s")) }
}

fn sound_server_dies() -> Result<(), String> {
    let mut world = World::new("sound-dies")?;
    let server = SoundServer::start(&world.folder)?;
    world.set("PULSE_SERVER", server.address());
    let mut watching = world.play(&["--exit-at-end", &clip(), &clip()])?;
    watching.wait_moving()?;
    drop(server);
    watching.wait_moving()?;
    let server = SoundServer::start(&world.folder)?;
    let ears = server.listen()?;
    wait_for("a beep on the new server", || {
        if beeps(&ears.heard()).is_empty() { Err("silence".into()) } else { Ok(()) }
    })?;
    match watching.wait()? {
        0 => Ok(()),
        status => Err(format!("status {status}: {}", watching.stderr())),
    }
}

fn no_sound_device() -> Result<(), String> {
    let world = World::new("no-sound")?;
    let mut watching = world.play(&["--exit-at-end", &clip()])?;
    watching.wait_moving()?;
    match watching.wait()? {
        0 => Ok(()),
        status => Err(format!("status {status}: {}", watching.stderr())),
    }
}

/// Waits until media controls show this status.
fn wait_status(session: &Session, status: &str) -> Result<(), String> {
    wait_for(status, || {
        let now = session.media_controls()?.status;
        if now == status { Ok(()) } else { Err(now) }
    })
}

/// Waits until the film itself moves: what moved before may have been the sign of waiting.
fn wait_playing(session: &Session) -> Result<(), String> {
    wait_for("the film", || match session.media_controls()?.position_us {
        1.. => Ok(()),
        now => Err(format!("{now} us")),
    })
}

/// Waits until the screen is kept awake, or no more.
fn wait_awake(session: &Session, on: bool) -> Result<(), String> {
    wait_for("the screen saver", || {
        if session.awake() == on { Ok(()) } else { Err(format!("kept awake: {}", !on)) }
    })
}

fn media_controls() -> Result<(), String> {
    let mut world = World::new("media-controls")?;
    let session = Session::start()?;
    world.set("DBUS_SESSION_BUS_ADDRESS", session.address().into());
    let mut watching = world.play(&["--exit-at-end", &clip(), &clip()])?;
    wait_status(&session, "Playing")?;
    wait_awake(&session, true)?;
    let title = session.media_controls()?.title;
    if !title.contains("Flash and beep") {
        return Err(format!("the title is `{title}`"));
    }
    session.control("PlayPause", &())?;
    wait_status(&session, "Paused")?;
    wait_awake(&session, false)?;
    let before = session.media_controls()?.position_us;
    session.control("Seek", &(4_000_000_i64,))?;
    wait_for("the new position", || {
        let now = session.media_controls()?.position_us;
        if (now - before - 4_000_000).abs() < 50_000 { Ok(()) } else { Err(format!("{before} to {now} us")) }
    })?;
    session.control("Next", &())?;
    wait_for("the beginning of the next item", || {
        let now = session.media_controls()?.position_us;
        if now < 4_000_000 { Ok(()) } else { Err(format!("{now} us")) }
    })?;
    session.control("Play", &())?;
    match watching.wait()? {
        0 => Ok(()),
        status => Err(format!("status {status}: {}", watching.stderr())),
    }
}

/// Long enough for a position to be worth remembering.
pub(crate) fn long_film() -> Result<String, String> {
    let film = make(&Media {
        name: "long.mp4",
        args: "-f lavfi -i testsrc=size=160x90:rate=5:duration=400 -pix_fmt yuv420p -c:v libx264 -preset veryfast",
    })?;
    Ok(film.to_string_lossy().into_owned())
}

fn close_and_resume() -> Result<(), String> {
    let film = long_film()?;
    let mut world = World::new("close")?;
    let session = Session::start()?;
    world.set("DBUS_SESSION_BUS_ADDRESS", session.address().into());
    let mut watching = world.play(&[&film])?;
    watching.wait_moving()?;
    wait_playing(&session)?;
    watching.press("5")?;
    wait_for("the middle", || match session.media_controls()?.position_us {
        200_000_000.. => Ok(()),
        now => Err(format!("{now} us")),
    })?;
    world.display.close(watching.window)?;
    let status = watching.wait()?;
    if status != 0 {
        return Err(format!("closing: status {status}: {}", watching.stderr()));
    }
    drop(watching);
    let watching = world.play(&[&film])?;
    watching.wait_moving()?;
    match session.media_controls()?.position_us {
        200_000_000..300_000_000 => Ok(()),
        now => Err(format!("the second time it began at {now} us")),
    }
}

fn quits() -> Result<(), String> {
    let world = World::new("quit")?;
    let mut watching = world.play(&[&clip()])?;
    watching.wait_moving()?;
    let title = world.display.title(watching.window)?;
    if !title.contains("Flash and beep") {
        return Err(format!("the window is called `{title}`"));
    }
    watching.press("q")?;
    match watching.wait()? {
        0 => Ok(()),
        status => Err(format!("status {status}: {}", watching.stderr())),
    }
}

fn pointer() -> Result<(), String> {
    // Whatever is to be seen over it is the player's own.
    let black = make(&Media {
        name: "black.mp4",
        args: "-f lavfi -i color=black:size=640x360:rate=10:duration=60 -pix_fmt yuv420p -c:v libx264 -preset veryfast",
    })?;
    let world = World::new("pointer")?;
    let watching = world.play(&[&black.to_string_lossy()])?;
    let black = |screen: &Screen| screen.rgb.iter().all(|channel| *channel <= 2);
    let wait = |what: &str, hidden: bool| {
        wait_for(what, || {
            let screen = watching.look()?;
            if black(&screen) == hidden { Ok(()) } else { Err("they do not".into()) }
        })
    };
    wait("controls that show at the start", false)?;
    wait("controls that hide by themselves", true)?;
    world.display.point(300, 200)?;
    world.display.point(310, 210)?;
    wait("controls that show for the pointer", false)
}

fn missing() -> Result<(), String> {
    let world = World::new("missing")?;
    let mut watching = world.play(&["--exit-at-end", "/nowhere/film.mp4"])?;
    let status = watching.wait()?;
    let said = watching.stderr();
    if status == 1 && said.contains("“film” cannot be played") {
        Ok(())
    } else {
        Err(format!("status {status}: {said}"))
    }
}

fn killed() -> Result<(), String> {
    let film = long_film()?;
    let mut world = World::new("killed")?;
    let session = Session::start()?;
    world.set("DBUS_SESSION_BUS_ADDRESS", session.address().into());
    let watching = world.play(&[&film])?;
    watching.wait_moving()?;
    wait_playing(&session)?;
    let pressed = SystemTime::now();
    watching.press("5")?;
    let journal = world.folder.join("data/kinora/journal");
    wait_for("a snapshot on the disk", || {
        let files = std::fs::read_dir(&journal).map_err(|e| e.to_string())?.flatten();
        let mut times = files.filter_map(|file| file.metadata().ok()?.modified().ok());
        if times.any(|time| time > pressed) { Ok(()) } else { Err("none since the key was pressed".into()) }
    })?;
    // Killed without a word.
    drop(watching);
    let mut watching = world.play(&[])?;
    watching.wait_moving()?;
    let position = session.media_controls()?.position_us;
    watching.press("q")?;
    let status = watching.wait()?;
    if status != 0 || !(200_000_000..300_000_000).contains(&position) {
        return Err(format!("it went on at {position} us, status {status}: {}", watching.stderr()));
    }
    drop(watching);
    let watching = world.play(&[])?;
    match world.display.title(watching.window)? {
        title if title.contains("long") => Err(format!("it goes on with `{title}` after it was quit")),
        _ => Ok(()),
    }
}

fn report() -> Result<(), String> {
    let world = World::new("report")?;
    let address = "http://ann:hidden@127.0.0.1:9/film.mp4?token=hidden";
    world.play(&["--exit-at-end", address])?.wait()?;
    let file = world.folder.join("report.txt");
    let status =
        world.command("report").arg(&file).stdout(Stdio::null()).status().map_err(|e| e.to_string())?;
    let text = std::fs::read_to_string(&file).map_err(|e| format!("{status}: {e}"))?;
    let told =
        ["sha256", "codecs", "instance of core", "handle at", "net.fetch", "http://127.0.0.1:9/film.mp4"];
    match told.into_iter().find(|words| !text.contains(words)) {
        Some(words) => Err(format!("no word of {words} in {}", file.display())),
        None if text.contains("hidden") => Err(format!("a secret is in {}", file.display())),
        None => Ok(()),
    }
}

fn wayland(presenter: &str) -> Result<(), String> {
    let folder = scratch(&format!("desktop/wayland-{presenter}"));
    // Paths of sockets are short: not below the target folder.
    let runtime = std::env::temp_dir().join(format!("kinora-wayland-{}", std::process::id()));
    std::fs::create_dir_all(&runtime).map_err(|e| e.to_string())?;
    let log = std::fs::File::create(folder.join("weston.log")).map_err(|e| e.to_string())?;
    let mut command = Command::new("weston");
    command
        // Pictures of the screen are only for programs that debug.
        .args(["--backend=headless-backend.so", "--use-pixman", "--debug", "--socket=kinora"])
        .args(["--width=1280", "--height=720"])
        .env("XDG_RUNTIME_DIR", &runtime)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    let compositor = Running::start(&mut command)?;
    let inside = |program: &Path| {
        let mut command = Command::new(program);
        command.env("XDG_RUNTIME_DIR", &runtime).env("WAYLAND_DISPLAY", "kinora").env_remove("DISPLAY");
        command.env("PULSE_SERVER", "unix:/nowhere").env("ALSA_CONFIG_PATH", "/dev/null");
        command.env("XDG_DATA_HOME", folder.join("data")).env("XDG_STATE_HOME", folder.join("data"));
        command.current_dir(&folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    wait_for("a compositor", || {
        if runtime.join("kinora").exists() { Ok(()) } else { Err("it opens no socket".into()) }
    })?;
    let mut command = inside(&target_folder().join("kinora"));
    command.args(["play", "--present", presenter, "--exit-at-end", &clip()]);
    let mut player = Running::start(&mut command)?;
    let shown = wait_for("the clip on the screen", || {
        let taken = inside(Path::new("weston-screenshooter")).status().map_err(|e| e.to_string())?;
        let mut pictures = std::fs::read_dir(&folder).map_err(|e| e.to_string())?.flatten();
        let is_picture = |name: &str| name.starts_with("wayland-screenshot") && name.ends_with(".png");
        let picture = pictures.find(|entry| is_picture(&entry.file_name().to_string_lossy()));
        let picture = picture.ok_or_else(|| format!("no picture of the screen ({taken})"))?.path();
        let screen =
            std::fs::read(&picture).map_err(|e| e.to_string()).and_then(|png| Screen::from_png(&png));
        std::fs::rename(&picture, folder.join("screen.png")).map_err(|e| e.to_string())?;
        // The running number of the clip.
        let orange = |pixel: &&[u8]| pixel[0] > 240 && (150..200).contains(&pixel[1]) && pixel[2] < 110;
        match screen?.rgb.chunks_exact(3).filter(orange).count() {
            2000.. => Ok(()),
            few => Err(format!("{few} pixels of its number are seen")),
        }
    });
    shown?;
    let status = wait_for("the player's end", || match player.try_wait() {
        Ok(Some(status)) => Ok(status),
        _ => Err("it still runs".into()),
    })?;
    drop(compositor);
    if status.success() { Ok(()) } else { Err(format!("{status}")) }
}
