//! An engine running on a fake shim in virtual time.

use kinora_engine::{Config, Engine, Event, Open, SourceSpec, Status};
use kinora_time::{HostUs, MediaUs};

use crate::shim::FakeShim;
use crate::toy;

/// Turns at one instant; more means that the engine keeps waking itself.
const MOST_TURNS: u32 = 100_000;
/// The same, of turns without an event.
const MOST_IDLE_TURNS: u32 = 200;

/// The engine beside a shim in memory, on virtual time.
pub struct Player {
    /// The engine.
    pub engine: Engine,
    /// Its shim.
    pub shim: FakeShim,
    config: Config,
}

impl Player {
    /// An engine without memory of earlier sessions.
    pub fn new(shim: FakeShim) -> Self {
        Player::with_config(shim, Config { open_container: toy::open, ..Config::new(false) })
    }

    /// An engine with a configuration.
    pub fn with_config(mut shim: FakeShim, config: Config) -> Self {
        let engine = Engine::new(config, shim.now, None, &mut shim);
        Player { engine, shim, config }
    }

    /// Replaces the engine as after a trap: the new one gets `snapshot` and what is outstanding.
    pub fn restart(&mut self, snapshot: Option<&[u8]>) {
        self.shim.events.clear();
        self.engine = Engine::new(self.config, self.shim.now, snapshot, &mut self.shim);
        for timeline in &mut self.shim.timelines {
            timeline.resend();
        }
        self.turn();
    }

    /// Virtual time.
    pub fn now(&self) -> HostUs {
        self.shim.now
    }

    /// The engine's status.
    pub fn status(&self) -> &Status {
        self.engine.status()
    }

    /// Position now.
    pub fn position(&self) -> MediaUs {
        self.status().clock.media_at(self.shim.now)
    }

    /// Opens addresses.
    pub fn open(&mut self, urls: &[&str]) {
        let source = |url: &&str| SourceSpec { url: (*url).to_owned(), ..SourceSpec::default() };
        self.send(Event::Open(Open { sources: urls.iter().map(source).collect(), append: false }));
    }

    /// Sends an event and lets the engine work.
    pub fn send(&mut self, event: Event) {
        self.engine.handle(self.shim.now, event, &mut self.shim);
        self.turn();
    }

    /// Gives a command and lets the engine work.
    pub fn command(&mut self, command: impl FnOnce(&mut Engine, HostUs, &mut FakeShim)) {
        command(&mut self.engine, self.shim.now, &mut self.shim);
        self.turn();
    }

    /// Handles everything due at this instant.
    fn turn(&mut self) {
        let mut idle = 0;
        for _ in 0..MOST_TURNS {
            let Some(events) = self.call() else { return };
            // A burst of data in small pieces takes many turns; turns in which nothing has happened are few.
            idle = if events == 0 { idle + 1 } else { 0 };
            if idle > MOST_IDLE_TURNS {
                break;
            }
        }
        panic!("the engine keeps waking itself:\n{}", self.shim.dump());
    }

    /// Calls the engine once if something is due at this instant; the number of events it was given.
    fn call(&mut self) -> Option<usize> {
        let now = self.shim.now;
        for timeline in &mut self.shim.timelines {
            timeline.update(now);
        }
        let mut events = std::mem::take(&mut self.shim.events);
        for timeline in &mut self.shim.timelines {
            let id = timeline.id;
            let changes = timeline.events.drain(..);
            events.extend(changes.map(|(ticket, change)| Event::Timeline { id, ticket, change }));
        }
        let arrived = self.shim.net.deliver(now);
        events.extend(arrived.into_iter().map(|(ticket, change)| Event::Net { ticket, change }));
        let due = self.engine.wake_us(now).is_some_and(|at| at <= now);
        if events.is_empty() && !due {
            return None;
        }
        let count = events.len();
        for event in events {
            self.engine.handle(now, event, &mut self.shim);
        }
        self.engine.poll(now, &mut self.shim);
        Some(count)
    }

    /// When something is due next.
    fn next_us(&self) -> Option<HostUs> {
        let now = self.shim.now;
        let timelines = self.shim.timelines.iter().filter_map(|timeline| timeline.next_us(now)).min();
        let next = [self.engine.wake_us(now), self.shim.net.next_us(), timelines];
        next.into_iter().flatten().min()
    }

    /// Calls the engine `calls` times, each time as soon as something is due.
    pub fn step(&mut self, calls: usize) {
        for _ in 0..calls {
            while self.call().is_none() {
                let Some(next) = self.next_us() else { return };
                self.shim.now = next.max(self.shim.now + 1);
            }
        }
    }

    /// Lets `us` of host time pass.
    pub fn run_for(&mut self, us: HostUs) {
        let until = self.shim.now + us;
        self.turn();
        loop {
            let next = self.next_us().unwrap_or(until).max(self.shim.now + 1);
            self.shim.now = next.min(until);
            self.turn();
            if next >= until {
                return;
            }
        }
    }

    /// Lets time pass until `done`, at most `limit_us`; whether it came to that.
    pub fn run_until(&mut self, limit_us: HostUs, done: impl Fn(&Player) -> bool) -> bool {
        let until = self.shim.now + limit_us;
        while !done(self) && self.shim.now < until {
            self.run_for(10_000);
        }
        done(self)
    }
}
