//! What the core may call, one file an interface where it is more than a line or two.

mod display;
mod media;
mod table;

pub(crate) use table::describe;

use kinora_port::{Failure, Next, code};

use crate::bindings::{net, shell, types};
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

impl State {
    pub(super) fn net_fetch(&mut self, request: net::Request) -> Result<u64, types::Failure> {
        self.turn().fetch(convert::net_request(request)).map_err(convert::failure)
    }
    pub(super) fn net_credit(&mut self, ticket: u64, bytes: u32) {
        self.turn().credit(ticket, bytes);
    }
    pub(super) fn net_cancel(&mut self, ticket: u64) {
        self.turn().cancel(ticket);
    }
    pub(super) fn net_live(&mut self) -> Vec<u64> {
        self.turn().world.fetches.iter().copied().collect()
    }
}

impl State {
    pub(super) fn storage_get(&mut self, key: String) -> Option<Vec<u8>> {
        self.turn().world.storage.get(&key).map(<[u8]>::to_vec)
    }
    pub(super) fn storage_keys(&mut self, prefix: String) -> Vec<String> {
        self.turn().world.storage.keys(&prefix)
    }
    pub(super) fn storage_apply(
        &mut self,
        batch: Vec<(String, Option<Vec<u8>>)>,
    ) -> Result<u64, types::Failure> {
        let size: usize = batch.iter().map(|(k, v)| k.len() + v.as_ref().map_or(0, Vec::len)).sum();
        if size > kinora_port::STORAGE_LIMIT_BYTES {
            let message = "a batch may not be larger than 1 MiB";
            return Err(convert::failure(Failure::new(Next::TellUser, code::OVER_BUDGET, message)));
        }
        self.turn().store(batch).map_err(convert::failure)
    }
}

impl State {
    pub(super) fn shell_set_fullscreen(&mut self, on: bool) -> Result<(), types::Failure> {
        self.shell("fullscreen", ShellCommand::Fullscreen(on))
    }
    pub(super) fn shell_pick_file(&mut self) -> Result<(), types::Failure> {
        self.shell("pick-file", ShellCommand::PickFile)
    }
    pub(super) fn shell_set_title(&mut self, title: String) -> Result<(), types::Failure> {
        self.shell("title", ShellCommand::Title(title))
    }
    pub(super) fn shell_set_cursor(&mut self, visible: bool) -> Result<(), types::Failure> {
        self.shell("cursor", ShellCommand::Cursor(visible))
    }
    pub(super) fn shell_set_awake(&mut self, on: bool) -> Result<(), types::Failure> {
        self.shell("awake", ShellCommand::Awake(on))
    }
    pub(super) fn shell_set_now_playing(&mut self, now: shell::NowPlaying) -> Result<(), types::Failure> {
        self.shell("now-playing", ShellCommand::NowPlaying(convert::now_playing(now)))
    }
    pub(super) fn shell_builds(&mut self) -> Vec<shell::Build> {
        self.turn().world.shell.builds().into_iter().map(convert::build).collect()
    }
    pub(super) fn shell_choose_build(&mut self, id: String) -> Result<(), types::Failure> {
        self.shell("builds", ShellCommand::ChooseBuild(id))
    }
    pub(super) fn shell_exit(&mut self, status: u32) {
        let _ = self.shell("exit", ShellCommand::Exit(status));
    }
}

impl State {
    fn shell(&mut self, ability: &str, command: ShellCommand) -> Result<(), types::Failure> {
        self.turn().shell(ability, command).map_err(convert::failure)
    }
}

impl State {
    pub(super) fn device_has(&mut self, feature: String) -> bool {
        let world = &self.turn().world;
        match feature.split_once('.') {
            Some(("codec", codec)) => world.decoders.supports(codec),
            Some(("shell", ability)) => world.shell.has(ability),
            _ => false,
        }
    }
    pub(super) fn device_facts(&mut self) -> Vec<(String, String)> {
        self.turn().world.device.facts.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

impl State {
    pub(super) fn log_write(&mut self, level: u32, message: String) {
        let end = message.floor_char_boundary(MAX_LINE);
        self.turn().world.log.write(level, &message[..end]);
    }
    pub(super) fn log_measure(&mut self, name: String, value: i64) {
        self.turn().world.log.measure(name, value);
    }
}
