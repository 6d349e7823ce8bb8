//! Keeping display and system awake while something plays. The bus lets go by itself when the process ends.

use std::collections::HashMap;

use zbus::{Connection, OwnedObjectPath, Variant};

const REASON: &str = "Playing";
/// Bits of the portal's Inhibit: suspend and idle.
const SUSPEND_AND_IDLE: u32 = 4 | 8;

/// How the system is kept awake.
enum Held {
    /// Cookie of `org.freedesktop.ScreenSaver`.
    ScreenSaver(u32),
    /// Request of the desktop portal.
    Portal(OwnedObjectPath),
}

/// The one inhibition this process holds.
pub(crate) struct Awake {
    bus: Connection,
    held: Option<Held>,
}

impl Awake {
    pub(crate) fn new(bus: Connection) -> Self {
        Awake { bus, held: None }
    }

    /// Holds or lets go. A desktop that offers neither way has nothing to keep awake.
    pub(crate) async fn set(&mut self, on: bool) {
        match (on, self.held.take()) {
            (true, None) => {
                self.held = match self.inhibit().await {
                    Ok(held) => Some(held),
                    Err(_) => self.inhibit_by_portal().await.ok(),
                }
            }
            (true, held) => self.held = held,
            (false, Some(held)) => {
                // Whoever is gone holds nothing any more.
                let _ = self.release(held).await;
            }
            (false, None) => {}
        }
    }

    async fn inhibit(&self) -> zbus::Result<Held> {
        let name = "org.freedesktop.ScreenSaver";
        let path = "/org/freedesktop/ScreenSaver";
        let reply =
            self.bus.call_method(Some(name), path, Some(name), "Inhibit", &("kinora", REASON)).await?;
        Ok(Held::ScreenSaver(reply.body().deserialize()?))
    }

    async fn inhibit_by_portal(&self) -> zbus::Result<Held> {
        let options = HashMap::from([("reason", Variant::from(REASON))]);
        let reply = self
            .bus
            .call_method(
                Some("org.freedesktop.portal.Desktop"),
                "/org/freedesktop/portal/desktop",
                Some("org.freedesktop.portal.Inhibit"),
                "Inhibit",
                &("", SUSPEND_AND_IDLE, options),
            )
            .await?;
        Ok(Held::Portal(reply.body().deserialize()?))
    }

    async fn release(&self, held: Held) -> zbus::Result<()> {
        match held {
            Held::ScreenSaver(cookie) => {
                let name = "org.freedesktop.ScreenSaver";
                let path = "/org/freedesktop/ScreenSaver";
                self.bus.call_method(Some(name), path, Some(name), "UnInhibit", &(cookie,)).await?;
            }
            Held::Portal(request) => {
                let portal = "org.freedesktop.portal.Desktop";
                let interface = "org.freedesktop.portal.Request";
                self.bus.call_method(Some(portal), request, Some(interface), "Close", &()).await?;
            }
        }
        Ok(())
    }
}
