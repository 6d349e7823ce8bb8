//! Draws every screen of the interface with the CPU raster, over bright and dark film, for a person to look at:
//! `cargo run -p kinora-tests --example screens -- DIRECTORY [NAME-PART]`. Film stills come from FFmpeg.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use kinora_captions::{Cue, Line, Position, Run, Style};
use kinora_display_list::List;
use kinora_port::{Cicp, ImageFormat, ImageStore, Picture, PixelFormat, Plane, UiRaster, VideoFrame};
use kinora_raster_cpu::{Canvas, CpuRaster};
use kinora_time::{Anchor, Span};
use kinora_ui::{ErrorCard, Input, Key as KeyEvent, Phase, Pointer, Surface, TrackLabel, Ui, UiConfig, View};

const MEDIA_US: i64 = 1_634_000_000;
const BRIGHT: &str = "gradients=s=960x540:c0=white:c1=0xBFD9F2:c2=0xFFF4D6:n=3:seed=7,format=yuv420p";
const DARK: &str = "mandelbrot=s=960x540:start_scale=0.6,eq=brightness=-0.1:saturation=0.5,format=yuv420p";

fn film_of(source: &str) -> VideoFrame {
    let args = ["-v", "error", "-f", "lavfi", "-i", source, "-frames:v", "1", "-f", "rawvideo", "-"];
    let raw = Command::new("ffmpeg").args(args).output().expect("ffmpeg").stdout;
    let (w, h) = (960, 540);
    assert_eq!(raw.len(), w * h * 3 / 2, "ffmpeg made no picture");
    let data = Arc::new(raw);
    let plane = |offset, stride| Plane { data: data.clone(), offset, stride };
    VideoFrame {
        pts_us: 0,
        duration_us: 0,
        width: w as u32,
        height: h as u32,
        format: PixelFormat::Yuv420p,
        planes: vec![plane(0, w), plane(w * h, w / 2), plane(w * h * 5 / 4, w / 2)],
        par: (1, 1),
        rotation_deg: 0,
        cicp: Cicp::default(),
    }
}

fn track(id: u64, label: &str, selected: bool) -> TrackLabel {
    TrackLabel { id, label: label.into(), language: String::new(), selected }
}

fn cue(lines: &[&str], italic: bool) -> Cue {
    let run = |text: &&str| Run { text: (*text).into(), style: Style { italic, ..Style::default() } };
    let lines = lines.iter().map(|line| Line { runs: vec![run(line)] }).collect();
    Cue { start_us: MEDIA_US - 1_000_000, end_us: MEDIA_US + 3_000_000, lines, position: Position::default() }
}

/// A screen: how the interface is set up, what it shows, and what a person did to get there.
struct Scene<'a> {
    name: &'static str,
    tv: bool,
    /// Shown first, when what matters is a change.
    before: Option<View<'a>>,
    view: View<'a>,
    steps: &'a [Step],
}

enum Step {
    Key(u32),
    /// The pointer over a hit id, at thousandths of the surface.
    Over(u64, i32, i32),
    Wait(u64),
}
use Step::*;

const ENTER: u32 = 0x28;
const RIGHT: u32 = 0x4F;
const DOWN: u32 = 0x51;

/// The picture once everything has come to rest.
fn render(scene: &Scene<'_>, surface: Surface, film: &Arc<VideoFrame>) -> Vec<u32> {
    let mut ui =
        Ui::new(UiConfig { pointer: !scene.tv, tv: scene.tv, reduced_motion: false, locale: "en".into() });
    let mut list = List::default();
    let mut images = ImageStore::new(64 << 20);
    let mut now = 0;
    let mut show = |ui: &mut Ui, now: u64, view: &View<'_>| {
        let frame = ui.frame(now, surface, view);
        for put in &frame.images {
            let bytes = put.bytes.clone();
            images.put(put.key, ImageFormat::A8, put.width_px, put.height_px, bytes).expect("put");
        }
        for u in &frame.updates {
            let rect = (u.x_px, u.y_px, u.width_px, u.height_px);
            images.update(u.key, rect, &u.bytes).expect("update");
        }
        if let Some(patch) = frame.patch() {
            let base = if frame.replaces_all { 0 } else { list.generation() };
            let next = list.generation() + 1;
            list.apply(base, next, &patch).expect("patch");
        }
    };
    // Fonts that the device would offer.
    show(&mut ui, now, scene.before.as_ref().unwrap_or(&scene.view));
    for script in ui.missing_scripts() {
        let file = match &script {
            b"Arab" => "/usr/share/fonts/truetype/noto/NotoSansArabic-Regular.ttf",
            b"Hebr" => "/usr/share/fonts/truetype/noto/NotoSansHebrew-Regular.ttf",
            b"Deva" => "/usr/share/fonts/truetype/noto/NotoSansDevanagari-Regular.ttf",
            b"Thai" => "/usr/share/fonts/truetype/noto/NotoSansThai-Regular.ttf",
            _ => "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
        };
        let face = match &script {
            b"Kore" => 1,
            b"Hans" => 2,
            b"Hant" => 3,
            _ => 0,
        };
        for script in ui.add_font(std::fs::read(file).unwrap_or_default(), &[(script, face)]) {
            println!("{}: no font for {}", scene.name, String::from_utf8_lossy(&script));
        }
    }
    for step in scene.steps {
        now += 500_000;
        match *step {
            Key(code) => {
                let key = KeyEvent { code, meaning: 0, phase: 1, modifiers: 0, text: "" };
                ui.input(now, Input::Key(key), &scene.view);
            }
            Over(node, x, y) => {
                let at = |permille: i32, side: u32| permille * side as i32;
                let pointer = Pointer {
                    phase: 2,
                    node,
                    x_milli_px: at(x, surface.width_px),
                    y_milli_px: at(y, surface.height_px),
                    ..Pointer::default()
                };
                ui.input(now, Input::Pointer(pointer), &scene.view);
            }
            Wait(us) => now += us,
        }
        show(&mut ui, now, &scene.view);
    }
    show(&mut ui, now + 300_000, &scene.view);
    let (width_px, height_px) = (surface.width_px, surface.height_px);
    let draws = list.draw(now + 1_000_000, &|_| Some(MEDIA_US));
    let videos = [(scene.view.timeline, Some(film.clone()))];
    let picture = Picture { width_px, height_px, draws: &draws, videos: &videos };
    let mut words = vec![0; (width_px * height_px) as usize];
    let mut canvas = Canvas::new(&mut words, width_px, height_px, width_px as usize).expect("canvas");
    CpuRaster::default().draw(&picture, &images, &mut canvas);
    words
}

fn save(path: &Path, (w, h): (u32, u32), words: &[u32]) {
    let file = std::fs::File::create(path).expect("directory");
    let mut encoder = png::Encoder::new(std::io::BufWriter::new(file), w, h);
    encoder.set_color(png::ColorType::Rgb);
    let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_be_bytes()[1..].to_vec()).collect();
    encoder.write_header().and_then(|mut w| w.write_image_data(&bytes)).expect("png");
}

fn main() {
    let mut args = std::env::args().skip(1);
    let dir = args.next().expect("a directory");
    let wanted = args.next().unwrap_or_default();
    std::fs::create_dir_all(&dir).expect("directory");

    let audio =
        [track(1, "English", true), track(2, "Deutsch", false), track(3, "Director’s commentary", false)];
    let captions = [track(1, "English", true), track(2, "English (SDH)", false), track(3, "Français", false)];
    let many: Vec<TrackLabel> = (1..30).map(|i| track(i, &format!("Language number {i}"), i == 17)).collect();
    let buffered = [Span { from_us: 0, to_us: MEDIA_US + 240_000_000 }];
    let cues = [cue(&["I came to tell you that the reel is out,", "and nobody has noticed yet."], false)];
    let italic = [cue(&["Somewhere a projector is still running."], true)];
    let arabic = [cue(&["مرحبا بالعالم، هذا 42 سطرًا"], false), cue(&["שלום, עולם (Kinora) 1908"], false)];
    let asian = [
        cue(&["映画は光でできている。", "영화는 빛으로 만들어진다"], false),
        cue(&["ทุกอย่างเริ่มต้นที่นี่ नमस्ते"], false),
    ];
    let film = View {
        phase: Phase::Playing,
        timeline: 1,
        clock: Anchor { media_us: MEDIA_US, host_us: 0, rate_permille: 1000 },
        duration_us: Some(5_412_000_000),
        seekable: true,
        buffered: &buffered,
        volume_permille: 700,
        can_fullscreen: true,
        can_open: true,
        title: "The Reel Changer",
        queue_index: 1,
        queue_len: 5,
        audio_tracks: &audio,
        caption_tracks: &captions,
        cues: &cues,
        has_video: true,
        video_aspect: (16, 9),
        ..View::idle()
    };
    let paused =
        View { phase: Phase::Paused, clock: Anchor { rate_permille: 0, ..film.clock }, ..film.clone() };
    let error = ErrorCard {
        title: "“The Reel Changer” cannot be played",
        reason: "The server at media.example.org closed the connection three times before the end of the manifest.",
        hint: "Check the network, then try again. The next item in the queue is not affected.",
        can_retry: true,
        can_skip: true,
    };
    let failed = View { phase: Phase::Failed, error: Some(error), ..film.clone() };
    let idle = View { can_open: true, can_fullscreen: true, ..View::idle() };
    let sound = View {
        has_video: false,
        cues: &[],
        title: "Nocturne in E-flat major, Op. 9 No. 2",
        ..paused.clone()
    };
    let live = View {
        duration_us: None,
        seekable: false,
        title: "Channel One",
        queue_len: 1,
        cues: &[],
        ..film.clone()
    };
    let louder = View { volume_permille: 450, ..film.clone() };
    let scenes = [
        Scene { name: "volume", tv: false, before: Some(film.clone()), view: louder, steps: &[Key(0x09)] },
        Scene {
            name: "notice",
            tv: false,
            before: Some(film.clone()),
            view: View { rate_permille: 1250, ..film.clone() },
            steps: &[Key(0x09)],
        },
        Scene { name: "player", tv: false, before: None, view: film.clone(), steps: &[] },
        Scene { name: "hover", tv: false, before: None, view: film.clone(), steps: &[Over(1, 620, 950)] },
        Scene { name: "paused-tv", tv: true, before: None, view: paused.clone(), steps: &[Key(DOWN)] },
        Scene { name: "play-tv", tv: true, before: None, view: paused.clone(), steps: &[] },
        Scene {
            name: "button-tv",
            tv: true,
            before: None,
            view: paused.clone(),
            steps: &[Key(RIGHT), Key(RIGHT), Key(RIGHT)],
        },
        Scene {
            name: "menu",
            tv: false,
            before: None,
            view: paused.clone(),
            steps: &[Over(0, 500, 500), Key(0x2B), Key(0x2B), Key(0x2B), Key(0x2B), Key(ENTER)],
        },
        Scene {
            name: "menu-tv",
            tv: true,
            before: None,
            view: View { caption_tracks: &many, ..paused.clone() },
            steps: &[Key(RIGHT), Key(RIGHT), Key(RIGHT), Key(ENTER)],
        },
        Scene {
            name: "speed-tv",
            tv: true,
            before: None,
            view: paused.clone(),
            steps: &[Key(RIGHT), Key(RIGHT), Key(RIGHT), Key(RIGHT), Key(RIGHT), Key(ENTER), Key(DOWN)],
        },
        Scene { name: "captions", tv: false, before: None, view: film.clone(), steps: &[Wait(3_000_000)] },
        Scene {
            name: "italic",
            tv: false,
            before: None,
            view: View { cues: &italic, ..film.clone() },
            steps: &[Wait(3_000_000)],
        },
        Scene {
            name: "arabic",
            tv: false,
            before: None,
            view: View { cues: &arabic, ..film.clone() },
            steps: &[Wait(3_000_000)],
        },
        Scene {
            name: "asian",
            tv: false,
            before: None,
            view: View { cues: &asian, title: "東京物語", ..film.clone() },
            steps: &[],
        },
        Scene {
            name: "stalled",
            tv: false,
            before: None,
            view: View { phase: Phase::Stalled, ..paused.clone() },
            steps: &[],
        },
        Scene { name: "idle", tv: false, before: None, view: idle.clone(), steps: &[] },
        Scene { name: "idle-tv", tv: true, before: None, view: idle, steps: &[] },
        Scene { name: "failed", tv: false, before: None, view: failed, steps: &[] },
        Scene { name: "sound", tv: false, before: None, view: sound, steps: &[] },
        Scene { name: "live", tv: false, before: None, view: live, steps: &[] },
        Scene {
            name: "ended",
            tv: true,
            before: None,
            view: View { phase: Phase::Ended, cues: &[], ..paused },
            steps: &[],
        },
    ];
    let surfaces = [
        (1280, 720, 1000),
        (1920, 1080, 1000),
        (1920, 1080, 2000),
        (960, 540, 1000),
        (640, 360, 1000),
        (480, 270, 1000),
        (1280, 720, 1500),
        (360, 640, 1000),
        (3840, 2160, 1000),
        (3840, 2160, 2000),
    ];
    for (film_name, source) in [("bright", BRIGHT), ("dark", DARK)] {
        let still = Arc::new(film_of(source));
        for scene in &scenes {
            for (width_px, height_px, scale_permille) in surfaces {
                let name = format!("{}-{film_name}-{width_px}x{height_px}-{scale_permille}", scene.name);
                if !name.contains(&wanted) {
                    continue;
                }
                let surface = Surface { width_px, height_px, scale_permille };
                let words = render(scene, surface, &still);
                save(&Path::new(&dir).join(format!("{name}.png")), (width_px, height_px), &words);
            }
        }
    }
}
