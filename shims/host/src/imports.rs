//! What the core may call, one file an interface where it is more than a line or two.

mod display;
mod media;

use kinora_port::{Failure, Next, code};

use crate::bindings::{device, log, net, shell, storage, types};
use crate::convert;
use crate::instance::State;
use crate::turn::{ShellCommand, Turn};

/// Longest log line that is kept, in bytes.
const MAX_LINE: usize = 4096;

impl State {
    fn turn(&mut self) -> &mut Turn {
        self.turn.as_mut().expect("imports are only called during a call")
    }
}

impl types::Host for State {}

impl net::Host for State {
    fn fetch(&mut self, request: net::Request) -> Result<u64, types::Failure> {
        self.turn().fetch(convert::net_request(request)).map_err(convert::failure)
    }
    fn credit(&mut self, ticket: u64, bytes: u32) {
        self.turn().credit(ticket, bytes);
    }
    fn cancel(&mut self, ticket: u64) {
        self.turn().cancel(ticket);
    }
    fn live(&mut self) -> Vec<u64> {
        self.turn().world.fetches.iter().copied().collect()
    }
}

impl storage::Host for State {
    fn get(&mut self, key: String) -> Option<Vec<u8>> {
        self.turn().world.storage.get(&key).map(<[u8]>::to_vec)
    }
    fn keys(&mut self, prefix: String) -> Vec<String> {
        self.turn().world.storage.keys(&prefix)
    }
    fn apply(&mut self, batch: Vec<(String, Option<Vec<u8>>)>) -> Result<u64, types::Failure> {
        let size: usize = batch.iter().map(|(k, v)| k.len() + v.as_ref().map_or(0, Vec::len)).sum();
        if size > kinora_port::STORAGE_LIMIT_BYTES {
            let message = "a batch may not be larger than 1 MiB";
            return Err(convert::failure(Failure::new(Next::TellUser, code::OVER_BUDGET, message)));
        }
        self.turn().store(batch).map_err(convert::failure)
    }
}

impl shell::Host for State {
    fn set_fullscreen(&mut self, on: bool) -> Result<(), types::Failure> {
        self.shell("fullscreen", ShellCommand::Fullscreen(on))
    }
    fn pick_file(&mut self) -> Result<(), types::Failure> {
        self.shell("pick-file", ShellCommand::PickFile)
    }
    fn set_title(&mut self, title: String) -> Result<(), types::Failure> {
        self.shell("title", ShellCommand::Title(title))
    }
    fn set_cursor(&mut self, visible: bool) -> Result<(), types::Failure> {
        self.shell("cursor", ShellCommand::Cursor(visible))
    }
    fn set_awake(&mut self, on: bool) -> Result<(), types::Failure> {
        self.shell("awake", ShellCommand::Awake(on))
    }
    fn set_now_playing(&mut self, now: shell::NowPlaying) -> Result<(), types::Failure> {
        self.shell("now-playing", ShellCommand::NowPlaying(convert::now_playing(now)))
    }
    fn exit(&mut self, status: u32) {
        let _ = self.shell("exit", ShellCommand::Exit(status));
    }
}

impl State {
    fn shell(&mut self, ability: &str, command: ShellCommand) -> Result<(), types::Failure> {
        self.turn().shell(ability, command).map_err(convert::failure)
    }
}

impl device::Host for State {
    fn has(&mut self, feature: String) -> bool {
        let world = &self.turn().world;
        match feature.split_once('.') {
            Some(("codec", codec)) => world.decoders.supports(codec),
            Some(("shell", ability)) => world.shell.has(ability),
            _ => false,
        }
    }
    fn facts(&mut self) -> Vec<(String, String)> {
        self.turn().world.device.facts.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

impl log::Host for State {
    fn write(&mut self, level: u32, message: String) {
        let end = message.floor_char_boundary(MAX_LINE);
        self.turn().world.log.write(level, &message[..end]);
    }
    fn measure(&mut self, name: String, value: i64) {
        self.turn().world.log.measure(name, value);
    }
}
