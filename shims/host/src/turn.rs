//! A call as a transaction: imports read the world as of the call's `now` and stage what they do; it lands when the call
//! returns and is dropped when the call faults.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kinora_display_list::List;
use kinora_pipeline::{Pipeline, Transaction};
use kinora_port::{
    Decoders, Failure, HostUs, ImageFormat, Net, NetChange, NetRequest, Next, NowPlaying, Shell, Storage,
    code,
};

use crate::bindings::player::Event;
use crate::convert;
use crate::log::Log;
use crate::stage::Stage;

/// Most fetches that may run at once.
const MAX_FETCHES: usize = 32;
/// Most commands a call may stage.
const MAX_COMMANDS: usize = 4096;

/// What the shim can do and knows (`wit/device.wit`).
#[derive(Debug, Clone, Default)]
pub struct Device {
    /// Facts by name.
    pub facts: BTreeMap<String, String>,
}

/// Everything imports act on. Owned by the core's thread and lent to each call.
pub(crate) struct World {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) decoders: Arc<dyn Decoders>,
    /// Counts everything the shim mints; shared with the pipeline.
    pub(crate) ids: Arc<AtomicU64>,
    pub(crate) stage: Arc<Stage>,
    pub(crate) net: Box<dyn Net>,
    pub(crate) storage: Box<dyn Storage>,
    pub(crate) shell: Box<dyn Shell>,
    pub(crate) device: Device,
    /// Fetches that have not ended.
    pub(crate) fetches: BTreeSet<u64>,
    pub(crate) log: Log,
    /// Bytes of display patches so far.
    pub(crate) display_bytes: u64,
}

impl World {
    fn mint(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }
}

/// One call in progress.
pub(crate) struct Turn {
    pub(crate) world: Box<World>,
    pub(crate) staged: Staged,
}

/// The effects of a call that has not returned.
pub(crate) struct Staged {
    pub(crate) media: Transaction,
    pub(crate) list: Option<List>,
    /// With the ticket of the answer, 0 where none is due.
    images: Vec<(u64, ImageCommand)>,
    net: Vec<NetCommand>,
    storage: Vec<(u64, Batch)>,
    shell: Vec<ShellCommand>,
    commands: usize,
}

pub(crate) type Batch = Vec<(String, Option<Vec<u8>>)>;

/// What the core does to images.
pub(crate) enum ImageCommand {
    Put { key: u64, format: ImageFormat, size: (u32, u32), pixels: Vec<u8> },
    Update { key: u64, rect: (u32, u32, u32, u32), pixels: Vec<u8> },
    Drop(u64),
}

enum NetCommand {
    Fetch(u64, NetRequest),
    Credit(u64, u32),
    Cancel(u64),
}

/// What the core asks of the shell.
pub(crate) enum ShellCommand {
    Fullscreen(bool),
    PickFile,
    Title(String),
    Cursor(bool),
    Awake(bool),
    NowPlaying(NowPlaying),
    ChooseBuild(String),
    Exit(u32),
}

impl Staged {
    pub(crate) fn new(pipeline: &Arc<Pipeline>) -> Self {
        Staged {
            media: pipeline.begin(),
            list: None,
            images: Vec::new(),
            net: Vec::new(),
            storage: Vec::new(),
            shell: Vec::new(),
            commands: 0,
        }
    }

    /// What is to be fetched.
    pub(crate) fn fetched_urls(&self) -> impl Iterator<Item = &str> {
        self.net.iter().filter_map(|command| match command {
            NetCommand::Fetch(_, request) => Some(request.url.as_str()),
            _ => None,
        })
    }

    /// Lets everything land, in the order of the interfaces. What is refused only now comes back as events.
    pub(crate) fn land(self, world: &mut World, now: HostUs) -> Landed {
        let mut events = Vec::new();
        world.pipeline.commit(self.media, now);
        // Who draws holds the images from before the look at the list: no frame shows a list with another one's images.
        let mut images = (!self.images.is_empty()).then(|| world.stage.images_mut());
        if let Some(images) = &mut images {
            for (ticket, command) in self.images {
                let result = match command {
                    ImageCommand::Put { key, format, size: (width, height), pixels } => {
                        images.put(key, format, width, height, pixels)
                    }
                    ImageCommand::Update { key, rect, pixels } => images.update(key, rect, &pixels),
                    ImageCommand::Drop(key) => {
                        images.drop_image(key);
                        Ok(())
                    }
                };
                if ticket != 0 {
                    events.push(Event::Image((ticket, result.err().map(convert::failure))));
                }
            }
        }
        if let Some(list) = self.list {
            *world.stage.list() = list;
        }
        drop(images);
        for command in self.net {
            match command {
                NetCommand::Fetch(ticket, request) => match world.net.fetch(ticket, request) {
                    Ok(()) => {
                        world.fetches.insert(ticket);
                    }
                    Err(failure) => events.push(convert::net_event(ticket, NetChange::Failed(failure))),
                },
                NetCommand::Credit(ticket, bytes) => world.net.credit(ticket, bytes),
                NetCommand::Cancel(ticket) => {
                    world.fetches.remove(&ticket);
                    world.net.cancel(ticket);
                }
            }
        }
        for (ticket, batch) in self.storage {
            if let Err(failure) = world.storage.apply(ticket, batch) {
                events.push(Event::Stored((ticket, Some(convert::failure(failure)))));
            }
        }
        let mut exit = None;
        for command in self.shell {
            // A shell that refuses has said so by `has`; there is nothing more to tell the core.
            let _ = match command {
                ShellCommand::Fullscreen(on) => world.shell.set_fullscreen(on),
                ShellCommand::PickFile => world.shell.pick_file(),
                ShellCommand::Title(title) => world.shell.set_title(&title),
                ShellCommand::Cursor(visible) => world.shell.set_cursor(visible),
                ShellCommand::Awake(on) => world.shell.set_awake(on),
                ShellCommand::NowPlaying(now) => world.shell.set_now_playing(&now),
                ShellCommand::ChooseBuild(id) => world.shell.choose_build(&id),
                ShellCommand::Exit(status) => {
                    exit = Some(status);
                    Ok(())
                }
            };
        }
        Landed { events, exit }
    }
}

/// What landing gave back.
pub(crate) struct Landed {
    /// To be delivered with the next call.
    pub(crate) events: Vec<Event>,
    /// The core asked to end with this status.
    pub(crate) exit: Option<u32>,
}

impl Turn {
    pub(crate) fn new(world: Box<World>) -> Self {
        let staged = Staged::new(&world.pipeline);
        Turn { world, staged }
    }

    /// Counts a command against the call's cap.
    pub(crate) fn spend(&mut self) -> Result<(), Failure> {
        self.staged.commands += 1;
        if self.staged.commands > MAX_COMMANDS {
            return Err(Failure::new(Next::Wait, code::TOO_MANY, "too many commands in one call"));
        }
        Ok(())
    }

    /// The list as this call has left it so far.
    pub(crate) fn list(&mut self) -> &mut List {
        let stage = &self.world.stage;
        self.staged.list.get_or_insert_with(|| stage.list().clone())
    }

    /// Stages a command on images; the ticket of its answer, 0 where none is due. Updates are checked at once.
    pub(crate) fn image(&mut self, command: ImageCommand) -> Result<u64, Failure> {
        self.spend()?;
        let ticket = match &command {
            ImageCommand::Put { .. } => self.world.mint(),
            ImageCommand::Update { key, rect: (x, y, w, h), pixels } => {
                let (format, (width, height)) =
                    self.image_shape(*key).ok_or_else(|| Failure::gone("image", *key))?;
                let inside = |at: &u32, len: &u32, side| at.checked_add(*len).is_some_and(|end| end <= side);
                let expected = *w as usize * *h as usize * format.pixel_len();
                if !inside(x, w, width) || !inside(y, h, height) || pixels.len() != expected {
                    return Err(Failure::new(
                        Next::Skip,
                        code::INVALID,
                        "the rectangle does not fit the image",
                    ));
                }
                0
            }
            ImageCommand::Drop(_) => 0,
        };
        self.staged.images.push((ticket, command));
        Ok(ticket)
    }

    /// Format and size of an image as this call has left it so far.
    fn image_shape(&self, key: u64) -> Option<(ImageFormat, (u32, u32))> {
        for (_, command) in self.staged.images.iter().rev() {
            match command {
                ImageCommand::Put { key: k, format, size, .. } if *k == key => return Some((*format, *size)),
                ImageCommand::Drop(k) if *k == key => return None,
                _ => {}
            }
        }
        let images = self.world.stage.images();
        images.get(key).map(|image| (image.format, (image.width, image.height)))
    }

    pub(crate) fn missing_images(&self, keys: &[u64]) -> Vec<u64> {
        keys.iter().copied().filter(|&key| self.image_shape(key).is_none()).collect()
    }

    pub(crate) fn fetch(&mut self, request: NetRequest) -> Result<u64, Failure> {
        self.spend()?;
        let starting = self.staged.net.iter().filter(|c| matches!(c, NetCommand::Fetch(..))).count();
        if self.world.fetches.len() + starting >= MAX_FETCHES {
            let message = format!("{MAX_FETCHES} fetches already run");
            return Err(Failure::new(Next::Wait, code::TOO_MANY, message));
        }
        let ticket = self.world.mint();
        self.staged.net.push(NetCommand::Fetch(ticket, request));
        Ok(ticket)
    }

    pub(crate) fn credit(&mut self, ticket: u64, bytes: u32) {
        if self.spend().is_ok() {
            self.staged.net.push(NetCommand::Credit(ticket, bytes));
        }
    }

    pub(crate) fn cancel(&mut self, ticket: u64) {
        // Never refused: a cap on commands must not keep a fetch running.
        self.staged.net.push(NetCommand::Cancel(ticket));
    }

    pub(crate) fn store(&mut self, batch: Batch) -> Result<u64, Failure> {
        self.spend()?;
        let ticket = self.world.mint();
        self.staged.storage.push((ticket, batch));
        Ok(ticket)
    }

    pub(crate) fn shell(&mut self, ability: &str, command: ShellCommand) -> Result<(), Failure> {
        self.spend()?;
        if !self.world.shell.has(ability) {
            return Err(Failure::unsupported(ability));
        }
        self.staged.shell.push(command);
        Ok(())
    }
}
