//! A port of a few lines, written by following `shims/README.md` from the stub on: steps 1, 2, 4 and the half of 6. Its screen is a folder,
//! in which each picture that differs from the one before is a file `HOST_US.png`; it has no sound and no keys.
//!
//! It is certified like any port, by `rig.sh` beside it: `kinora-certify --rig command --shim shims/stub/examples/rig.sh`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, mpsc};

use kinora_host::realtime::{self, Clock, Links, Parts, Session};
use kinora_host::{BUFFER_BYTES, Device, LaunchExtras, Limits, core_file};
use kinora_port::{
    Failure, ImageStore, InputEvent, MemoryStorage, Next, NullSink, Picture, Shell, UiRaster, VideoOutput,
    Vsync, code,
};
use kinora_program::args::{Common, path, source};
use kinora_raster_cpu::{Canvas, CpuRaster};

const USAGE: &str = "usage: filmstrip SRC... --film FOLDER [--store FOLDER] [--core FILE] [--log LEVEL]";
/// What the conformance kit looks at.
const SIZE: (u32, u32) = (320, 180);

#[derive(Default)]
struct Options {
    sources: Vec<String>,
    film: PathBuf,
    store: Option<PathBuf>,
    common: Common,
}

fn main() -> ExitCode {
    match parse() {
        Ok(options) => kinora_program::end("filmstrip", run(&options)),
        Err(mistake) => kinora_program::misuse("filmstrip", &mistake, USAGE),
    }
}

fn parse() -> Result<Options, String> {
    use lexopt::prelude::*;
    let mut options = Options::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next().map_err(|e| e.to_string())? {
        match arg {
            Long("film") => options.film = path(&mut parser)?,
            Long("store") => options.store = Some(path(&mut parser)?),
            Long(name) => {
                let name = name.to_owned();
                options.common.read(&name, &mut parser)?;
            }
            Value(value) => options.sources.push(source(value)?),
            other => return Err(other.unexpected().to_string()),
        }
    }
    if options.film.as_os_str().is_empty() {
        return Err("where does the film go? --film is missing".into());
    }
    Ok(options)
}

/// Plays until the core asks to exit; its status.
fn run(options: &Options) -> Result<u32, String> {
    std::fs::create_dir_all(&options.film).map_err(|e| format!("{}: {e}", options.film.display()))?;
    let links = Links::new();
    let (clock, screen) = (links.clock, Arc::clone(&links.screen));
    let net = kinora_program::net(&links, &options.common.rules)?;
    if !options.sources.is_empty() {
        let sources = options.sources.iter().map(|source| kinora_program::absolute(source)).collect();
        links.input.send(InputEvent::Open { sources, append: false });
    }
    let facts = [("class", "tv"), ("pointer", "no"), ("locale", "en")];
    let parts = Parts {
        core: core_file(options.common.core.as_deref())?,
        decoders: kinora_program::decoders(),
        sink: Box::new(NullSink),
        net: Box::new(net),
        storage: kinora_program::storage("filmstrip", options.store.as_deref()),
        journal: Box::new(MemoryStorage::default()),
        shell: Box::new(Ending),
        device: Device { facts: BTreeMap::from(facts.map(|(name, value)| (name.into(), value.into()))) },
        launch_extras: LaunchExtras { forgetful: options.store.is_none(), exit_at_end: true },
        take_over: false,
        buffer_bytes: BUFFER_BYTES,
        limits: Limits::REAL_TIME,
        log_level: options.common.log_level,
        recorder: None,
    };
    let (sender, ended) = mpsc::channel();
    let over = sender.clone();
    let session = Session::start(links, parts, move |outcome| {
        // The film may have ended first.
        let _ = over.send(outcome);
    })?;
    let (stage, presenting) = (Arc::clone(session.stage()), Arc::clone(&screen));
    let folder = options.film.clone();
    realtime::spawn("presenting", move || {
        let presented = realtime::present(&stage, &presenting, clock, &mut |lost| match lost {
            Some(failure) => Err(failure.message),
            None => Ok(Box::new(Filmstrip::new(folder.clone(), clock))),
        });
        if let Err(reason) = presented {
            // The core may have ended first.
            let _ = sender.send(Err(reason));
        }
    })?;
    screen.resize(SIZE, 0);
    session.surface(InputEvent::Surface {
        width_px: SIZE.0,
        height_px: SIZE.1,
        scale_permille: 1000,
        refresh_mhz: 0,
        fullscreen: true,
    });
    let outcome = ended.recv().map_err(|_| "all threads have ended".to_owned())?;
    screen.close();
    screen.wait_finished();
    outcome
}

/// A program that ends when the core is done.
struct Ending;

impl Shell for Ending {
    fn has(&self, ability: &str) -> bool {
        ability == "exit"
    }
}

/// The screen.
struct Filmstrip {
    folder: PathBuf,
    clock: Clock,
    raster: CpuRaster,
    /// `0xAARRGGBB`.
    pixels: Vec<u32>,
}

impl Filmstrip {
    fn new(folder: PathBuf, clock: Clock) -> Self {
        let pixels = vec![0; (SIZE.0 * SIZE.1) as usize];
        Filmstrip { folder, clock, raster: CpuRaster::default(), pixels }
    }

    fn write(&self) -> Result<(), png::EncodingError> {
        let path = self.folder.join(format!("{:012}.png", self.clock.now()));
        let file = std::io::BufWriter::new(std::fs::File::create(path)?);
        let mut encoder = png::Encoder::new(file, SIZE.0, SIZE.1);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::Fast);
        let rgb: Vec<u8> =
            self.pixels.iter().flat_map(|p| [(p >> 16) as u8, (p >> 8) as u8, *p as u8]).collect();
        encoder.write_header()?.write_image_data(&rgb)
    }
}

impl VideoOutput for Filmstrip {
    fn size(&self) -> (u32, u32) {
        SIZE
    }

    fn vsync(&self) -> Option<Vsync> {
        None
    }

    fn present(&mut self, picture: &Picture<'_>, images: &ImageStore) -> Result<(), Failure> {
        let canvas = Canvas::new(&mut self.pixels, SIZE.0, SIZE.1, SIZE.0 as usize);
        let changed = self.raster.draw(picture, images, &mut canvas.expect("it is of this size"));
        if changed.is_empty() {
            return Ok(());
        }
        let failed = |e| {
            let message = format!("cannot write the film into {}: {e}", self.folder.display());
            Failure::new(Next::TellUser, code::UNSPECIFIED, message)
        };
        self.write().map_err(failed)
    }
}
