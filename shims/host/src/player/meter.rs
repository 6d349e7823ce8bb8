//! What a build comes to, measured as the person in front of the device has it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kinora_cores::Figures;
use kinora_pipeline::{Change, State, TimelineStatus};
use kinora_port::{HostUs, NetChange};

/// A key that has changed no picture within this has changed none.
const UNANSWERED_US: u64 = 1_000_000;
/// A network that has been silent for so long is to blame itself.
const SILENCE_US: u64 = 1_000_000;
/// Marks a key that is known by its meaning.
const MEANING: u32 = 1 << 31;
/// From this status on an answer is none (RFC 9110 section 15.5).
const REFUSED: u32 = 400;

/// Measures the running build.
#[derive(Default)]
pub(super) struct Meter {
    figures: Figures,
    /// What person or playback did last that may make something play.
    cause_us: HostUs,
    /// The first key that has not changed the picture yet.
    pressed: Option<Press>,
    /// Keys known to change the picture.
    keys: BTreeSet<u32>,
    timelines: BTreeMap<u64, Seen>,
    looked_us: HostUs,
    /// When bytes last came.
    heard_us: HostUs,
    /// Addresses of what was opened.
    sources: BTreeSet<String>,
    /// That of them which plays.
    item: Option<Item>,
    error_lines: u64,
}

#[derive(Clone, Copy)]
struct Press {
    key: u32,
    at: HostUs,
}

/// A timeline when it was last looked at.
#[derive(Clone, Copy)]
struct Seen {
    state: State,
    playing: bool,
    /// What made it play, until it has shown something.
    cause_us: Option<HostUs>,
}

/// Something that is to play.
#[derive(Clone, Copy)]
struct Item {
    /// The beginning of its address's hash.
    hash: u32,
    /// Its bytes could not be had, which is not the core's fault.
    excused: bool,
}

impl Meter {
    /// Since this build runs, or since [`Meter::take`].
    pub(super) fn figures(&self) -> &Figures {
        &self.figures
    }

    /// The figures so far; those that follow are of another build, or kept apart.
    pub(super) fn take(&mut self) -> Figures {
        std::mem::take(&mut self.figures)
    }

    /// Another build goes on with what plays; the figures of the one before.
    pub(super) fn hand_over(&mut self) -> Figures {
        // What the one before has begun says little about either.
        self.timelines.values_mut().for_each(|seen| seen.cause_us = None);
        let figures = self.take();
        self.figures.plays = u32::from(self.item.is_some());
        figures
    }

    /// A key came down, by its usage and its meaning.
    pub(super) fn pressed(&mut self, code: u32, meaning: u32, at: HostUs) {
        self.cause_us = at;
        let key = if meaning == 0 { code } else { MEANING | meaning };
        self.pressed.get_or_insert(Press { key, at });
    }

    /// These keys are known to change the picture.
    pub(super) fn expect(&mut self, keys: &BTreeSet<u32>) {
        self.keys.extend(keys);
    }

    /// A person opened these addresses, in the place of what was there or after it.
    pub(super) fn opened<'a>(&mut self, urls: impl Iterator<Item = &'a str>, append: bool, at: HostUs) {
        if !append {
            self.sources.clear();
            (self.cause_us, self.item) = (at, None);
        }
        self.sources.extend(urls.map(Into::into));
    }

    /// The network has answered.
    pub(super) fn heard(&mut self, change: &NetChange, at: HostUs) {
        let refused = match change {
            NetChange::Head(head) => head.status >= REFUSED,
            NetChange::Failed(_) => true,
            NetChange::Chunk(..) => {
                self.heard_us = at;
                false
            }
            NetChange::End(_) => false,
        };
        if let Some(item) = self.item.as_mut().filter(|_| refused) {
            item.excused = true;
        }
    }

    /// The core asks for these addresses.
    pub(super) fn fetched<'a>(&mut self, urls: impl Iterator<Item = &'a str>) {
        for url in urls.filter(|url| self.sources.contains(*url)) {
            let hash = kinora_cores::hash(url.as_bytes());
            let hash = u32::from_str_radix(&hash[..8], 16).unwrap_or_default();
            if self.item.is_none_or(|item| item.hash != hash) {
                self.item = Some(Item { hash, excused: false });
                self.figures.plays = self.figures.plays.saturating_add(1);
            }
        }
    }

    /// A call took so long, and so much memory is in use after it.
    pub(super) fn called(&mut self, took: Duration, memory_bytes: usize) {
        self.figures.calls.add(took.as_micros() as u64);
        self.figures.memory_bytes = self.figures.memory_bytes.max(memory_bytes as u64);
    }

    /// A call has changed the picture, or not.
    pub(super) fn drew(&mut self, changed: bool, at: HostUs) {
        let Some(press) = self.pressed else { return };
        let since = at.saturating_sub(press.at);
        if changed {
            // Here it is the call that was told of the key: of others it is known already, or they are forgotten below.
            self.keys.insert(press.key);
            self.figures.keys.insert(press.key);
        }
        let known = self.keys.contains(&press.key);
        if changed || since >= UNANSWERED_US && known {
            self.figures.answers.add(since.min(UNANSWERED_US));
        }
        if changed || since >= UNANSWERED_US || !known {
            self.pressed = None;
        }
    }

    /// The core has logged so many lines of errors.
    pub(super) fn logged(&mut self, error_lines: u64) {
        if std::mem::replace(&mut self.error_lines, error_lines) < error_lines {
            self.failed();
        }
    }

    /// A timeline is at its end, where what follows by itself begins, or cannot go on: heard before the core closes it.
    pub(super) fn changed(&mut self, change: &Change, now: HostUs) {
        match change {
            Change::State(State::Ended) => self.cause_us = now,
            Change::Failed(_) => self.failed(),
            _ => {}
        }
    }

    /// Looks at the timelines as a call leaves them. `asked`: something is being fetched.
    pub(super) fn look<'a>(
        &mut self,
        timelines: impl Iterator<Item = &'a TimelineStatus>,
        asked: bool,
        now: HostUs,
    ) {
        let since = now.saturating_sub(std::mem::replace(&mut self.looked_us, now));
        if self.timelines.values().any(|seen| seen.playing && seen.state == State::Presenting) {
            self.figures.played_us += since;
        }
        let answered = !asked || now < self.heard_us + SILENCE_US;
        let before = std::mem::take(&mut self.timelines);
        for status in timelines {
            let mut seen =
                Seen { state: status.state, playing: status.playing, cause_us: Some(self.cause_us) };
            if let Some(before) = before.get(&status.id) {
                seen.cause_us = before.cause_us;
                if before.state != seen.state {
                    self.moved(&mut seen, answered, now);
                }
            }
            self.timelines.insert(status.id, seen);
        }
    }

    /// A timeline has another state.
    fn moved(&mut self, seen: &mut Seen, answered: bool, now: HostUs) {
        match seen.state {
            State::Presenting => {
                if let Some(cause) = seen.cause_us.take() {
                    self.figures.starts.add(now.saturating_sub(cause));
                }
            }
            State::Stalled if answered && seen.playing => self.figures.stalls += 1,
            _ => {}
        }
    }

    /// Something has gone wrong with what is to play.
    pub(super) fn failed(&mut self) {
        if let Some(item) = self.item.filter(|item| !item.excused) {
            self.figures.fail(item.hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use kinora_pipeline::Anchor;
    use kinora_port::{Failure, Next, code};

    use super::*;

    const SECOND_US: u64 = 1_000_000;
    /// Usages of the keyboard page.
    const LEFT: u32 = 0x50;
    const ALT: u32 = 0xe2;

    fn timeline(id: u64, state: State) -> TimelineStatus {
        let anchor = Anchor { media_us: 0, host_us: 0, rate_permille: 1000 };
        TimelineStatus { id, tag: 0, state, playing: true, anchor, seek: 0, streams: Vec::new() }
    }

    /// A film that was opened and plays, after half a second.
    fn playing() -> Meter {
        let mut meter = Meter::default();
        meter.opened(["a", "b", "c"].into_iter(), false, SECOND_US);
        meter.fetched(["a"].into_iter());
        meter.look([timeline(1, State::Initialised)].iter(), true, SECOND_US);
        meter.look([timeline(1, State::Presenting)].iter(), true, SECOND_US * 3 / 2);
        meter
    }

    fn chunk() -> NetChange {
        NetChange::Chunk(0, vec![0])
    }

    #[test]
    fn start_counts_from_what_caused_it_and_playing_from_the_picture() {
        let mut meter = playing();
        assert_eq!(meter.figures().starts.quantile(500), Some(524_287));
        meter.changed(&Change::State(State::Ended), 10 * SECOND_US);
        meter.look([].iter(), true, 10 * SECOND_US);
        assert_eq!((meter.figures().played_us, meter.figures().plays), (8_500_000, 1));
        meter.fetched(["b", "b", "b/segment"].into_iter());
        meter.look([timeline(2, State::Initialised)].iter(), true, 12 * SECOND_US);
        meter.look([timeline(2, State::Presenting)].iter(), true, 15 * SECOND_US);
        assert_eq!((meter.figures().starts.quantile(1000), meter.figures().plays), (Some(5_242_879), 2));
        // A seek starts nothing.
        meter.look([timeline(2, State::Prerolling)].iter(), true, 20 * SECOND_US);
        meter.look([timeline(2, State::Presenting)].iter(), true, 21 * SECOND_US);
        assert_eq!(meter.figures().starts.count(), 2);
    }

    #[test]
    fn answer_is_the_next_picture_or_none_within_a_second() {
        let mut meter = playing();
        let told = |meter: &Meter| (meter.figures().answers.count(), meter.figures().answers.quantile(1000));
        meter.pressed(LEFT, 0, 2 * SECOND_US);
        meter.pressed(LEFT, 0, 2 * SECOND_US + 10_000);
        meter.drew(true, 2 * SECOND_US + 30_000);
        meter.drew(true, 3 * SECOND_US);
        assert_eq!(told(&meter), (1, Some(32_767)));
        meter.pressed(LEFT, 0, 4 * SECOND_US);
        meter.drew(false, 4 * SECOND_US + 1);
        meter.drew(true, 4 * SECOND_US + 500_000);
        assert_eq!(told(&meter), (2, Some(524_287)));
        meter.pressed(LEFT, 0, 5 * SECOND_US);
        meter.drew(false, 9 * SECOND_US);
        assert_eq!(told(&meter), (3, Some(1_048_575)));
    }

    #[test]
    fn key_that_never_changes_the_picture_tells_nothing() {
        let mut meter = playing();
        meter.pressed(ALT, 0, 2 * SECOND_US);
        meter.drew(false, 2 * SECOND_US);
        meter.drew(true, 2 * SECOND_US + 700_000);
        assert_eq!(meter.figures().answers.count(), 0);
        // Unless it did so with the build before.
        meter.expect(&[ALT].into());
        meter.pressed(ALT, 0, 4 * SECOND_US);
        meter.drew(false, 4 * SECOND_US);
        meter.drew(true, 4 * SECOND_US + 700_000);
        assert_eq!(meter.figures().answers.count(), 1);
    }

    #[test]
    fn stall_counts_unless_the_network_is_silent() {
        let mut meter = playing();
        let stall = |meter: &mut Meter, at| {
            meter.look([timeline(1, State::Presenting)].iter(), true, at - 1);
            meter.look([timeline(1, State::Stalled)].iter(), true, at);
            meter.figures().stalls
        };
        assert_eq!(stall(&mut meter, 5 * SECOND_US), 0);
        meter.heard(&chunk(), 6 * SECOND_US);
        assert_eq!(stall(&mut meter, 6 * SECOND_US + 1), 1);
        // It stands still, and does not stall again.
        meter.look([timeline(1, State::Stalled)].iter(), true, 6 * SECOND_US + 2);
        assert_eq!(meter.figures().stalls, 1);
    }

    #[test]
    fn error_counts_once_an_item_unless_its_bytes_could_not_be_had() {
        let mut meter = playing();
        meter.logged(1);
        meter.logged(1);
        meter.changed(&Change::Failed(Failure::new(Next::Stop, code::DECODER, "broken")), 2 * SECOND_US);
        assert_eq!(meter.figures().failed.len(), 1);
        meter.fetched(["b"].into_iter());
        meter.heard(&NetChange::Failed(Failure::new(Next::Retry, code::UNREACHABLE, "gone")), 2 * SECOND_US);
        meter.logged(2);
        assert_eq!(meter.figures().failed.len(), 1);
        meter.fetched(["c"].into_iter());
        meter.logged(3);
        assert_eq!((meter.figures().failed.len(), meter.figures().plays), (2, 3));
        // Opened again it is the same item.
        meter.opened(["c"].into_iter(), false, 3 * SECOND_US);
        meter.fetched(["c"].into_iter());
        meter.logged(4);
        assert_eq!((meter.figures().failed.len(), meter.figures().plays), (2, 4));
    }

    #[test]
    fn hand_over_leaves_the_item_and_no_figures() {
        let mut meter = playing();
        meter.look(
            [timeline(1, State::Presenting), timeline(2, State::Prerolling)].iter(),
            true,
            4 * SECOND_US,
        );
        let before = meter.hand_over();
        assert_eq!((before.played_us, before.plays), (2_500_000, 1));
        meter.look([timeline(2, State::Presenting)].iter(), true, 5 * SECOND_US);
        assert_eq!((meter.figures().plays, meter.figures().starts.count()), (1, 0));
        meter.logged(1);
        assert_eq!(meter.figures().failed.len(), 1);
    }
}
