//! The session bus: media controls and keep-awake, on a thread of their own. A system without a bus plays all the same.

use std::path::Path;
use std::sync::Arc;

use async_channel::{Receiver, Sender};
use kinora_host::realtime::{Input, spawn};
use kinora_port::NowPlaying;
use winit::event_loop::EventLoopProxy;

use crate::app::Ask;
use crate::awake::Awake;
use crate::mpris;

enum Wish {
    Awake(bool),
    NowPlaying(NowPlaying),
}

/// The way to the bus's thread.
pub(crate) struct Bus(Sender<Wish>);

impl Bus {
    /// `None` where there is no session bus.
    pub(crate) fn start(window: EventLoopProxy<Ask>, input: Arc<Input>) -> Option<Bus> {
        if !has_session_bus() {
            return None;
        }
        let (wishes, todo) = async_channel::unbounded();
        let serve = move || {
            if let Err(error) = zbus::block_on(serve(window, input, todo)) {
                eprintln!("kinora: the session bus is of no use: {error}");
            }
        };
        spawn("bus", serve).ok()?;
        Some(Bus(wishes))
    }

    pub(crate) fn set_awake(&self, on: bool) {
        self.wish(Wish::Awake(on));
    }

    pub(crate) fn set_now_playing(&self, now: NowPlaying) {
        self.wish(Wish::NowPlaying(now));
    }

    fn wish(&self, wish: Wish) {
        // Fails only when the bus has gone, which its thread has said.
        let _ = self.0.try_send(wish);
    }
}

async fn serve(window: EventLoopProxy<Ask>, input: Arc<Input>, todo: Receiver<Wish>) -> zbus::Result<()> {
    let connection = mpris::connect(window, input).await?;
    let mut awake = Awake::new(connection.clone());
    while let Ok(wish) = todo.recv().await {
        match wish {
            Wish::Awake(on) => awake.set(on).await,
            Wish::NowPlaying(now) => mpris::set_now_playing(&connection, now).await?,
        }
    }
    Ok(())
}

/// Whether there is a session bus to connect to (D-Bus Specification, "Server Addresses" and "Well-known Message Bus Instances").
pub(crate) fn has_session_bus() -> bool {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    match set("DBUS_SESSION_BUS_ADDRESS") {
        Some(addresses) => addresses.split(';').any(|address| {
            let path = address.strip_prefix("unix:path=").and_then(|rest| rest.split(',').next());
            path.is_none_or(|path| Path::new(path).exists())
        }),
        None => set("XDG_RUNTIME_DIR").is_some_and(|folder| Path::new(&folder).join("bus").exists()),
    }
}
