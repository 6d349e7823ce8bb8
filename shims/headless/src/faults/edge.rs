//! Mistakes between the core and the shim: in what it is told, in its calls, in their answers.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use kinora_display_list::{decode, encode};
use kinora_host::bindings::net::Change as NetChange;
use kinora_host::bindings::player::Event;
use kinora_host::bindings::shell::Build;
use kinora_host::bindings::streams::Sample;
use kinora_host::bindings::timeline::{Change, Status, Tuning, Want};
use kinora_host::bindings::types::{Failure, NextStep};
use kinora_host::bindings::{audio, video};
use kinora_host::{Edge, Export};

use super::{Fault, Shared};

type Answer<T> = Result<T, Failure>;

/// Makes one mistake.
pub(super) struct Mistaken {
    fault: Fault,
    shared: Arc<Shared>,
    instances: u32,
    calls: u64,
    /// Fetches begun and cancelled, by this instance and the ones before.
    fetches: BTreeSet<u64>,
    /// Events to come with the next call.
    owed: Vec<Event>,
    held: Option<Event>,
    delivered: BTreeMap<u64, u64>,
    kept: Vec<Vec<u8>>,
    generation: u64,
    seek: u64,
    first_id: Option<u64>,
    written: BTreeMap<String, Option<Vec<u8>>>,
    seen: BTreeSet<String>,
    offered: u32,
}

/// An argument, which is of the type the contract says.
fn arg<'a, T: 'static>(args: &'a mut [&mut dyn Any], index: usize) -> &'a mut T {
    args[index].downcast_mut().expect("the contract gives the type")
}

impl Mistaken {
    pub(super) fn new(fault: Fault, shared: Arc<Shared>) -> Self {
        Mistaken {
            fault,
            shared,
            instances: 0,
            calls: 0,
            fetches: BTreeSet::new(),
            owed: Vec::new(),
            held: None,
            delivered: BTreeMap::new(),
            kept: Vec::new(),
            generation: 0,
            seek: 0,
            first_id: None,
            written: BTreeMap::new(),
            seen: BTreeSet::new(),
            offered: 0,
        }
    }

    fn again(&self) -> bool {
        self.instances > 1
    }

    /// What becomes of one event.
    fn told(&mut self, mut event: Event) -> Vec<Event> {
        match (self.fault, &mut event) {
            (Fault::KeyUpLost, Event::Key(key)) if key.phase == 3 => return Vec::new(),
            (Fault::KeyTwice, Event::Key(_)) => return vec![event.clone(), event],
            (Fault::KeysMixedUp, Event::Key(key)) if key.meaning == 4 || key.code == 0x4f => {
                (key.code, key.meaning) = (0x50, 3);
            }
            (Fault::SurfaceSilent, Event::Surface(_)) | (Fault::ImageAnswerLost, Event::Image(_)) => {
                return Vec::new();
            }
            (_, Event::Net((ticket, change))) => {
                let ticket = *ticket;
                return self.fetched(ticket, change.clone());
            }
            (_, Event::Timeline((timeline, ticket, change))) => {
                let (timeline, ticket) = (*timeline, *ticket);
                return self.moved(timeline, ticket, change.clone());
            }
            _ => {}
        }
        vec![event]
    }

    fn fetched(&mut self, ticket: u64, change: NetChange) -> Vec<Event> {
        let event = |change| Event::Net((ticket, change));
        if let NetChange::Chunk((_, bytes)) = &change {
            *self.delivered.entry(ticket).or_default() += bytes.len() as u64;
        }
        if self.fault == Fault::Leaks
            && let NetChange::Chunk((_, bytes)) = &change
        {
            self.kept.push(bytes.clone());
        }
        match (self.fault, change) {
            (Fault::HeadMissing, NetChange::Head(_)) => Vec::new(),
            (Fault::ChunkTwice, NetChange::Chunk(chunk)) => {
                vec![event(NetChange::Chunk(chunk.clone())), event(NetChange::Chunk(chunk))]
            }
            (Fault::ChunksSwapped, NetChange::Chunk(chunk)) => match self.held.take() {
                None if self.delivered[&ticket] == chunk.1.len() as u64 => {
                    self.held = Some(event(NetChange::Chunk(chunk)));
                    Vec::new()
                }
                held => [event(NetChange::Chunk(chunk))].into_iter().chain(held).collect(),
            },
            (Fault::ChunksSwapped, change) => self.held.take().into_iter().chain([event(change)]).collect(),
            (Fault::CutLooksWhole, NetChange::Failed(_)) => {
                vec![event(NetChange::End(self.delivered.get(&ticket).copied().unwrap_or(0)))]
            }
            (_, change) => vec![event(change)],
        }
    }

    fn moved(&mut self, timeline: u64, ticket: u64, change: Change) -> Vec<Event> {
        let event = |ticket, change| Event::Timeline((timeline, ticket, change));
        match (self.fault, &change) {
            (Fault::SeekedTwice, Change::Seeked(_)) => {
                vec![event(ticket, change.clone()), event(ticket, change)]
            }
            (Fault::SeekedLost, Change::Seeked(_)) | (Fault::AnchorLost, Change::Anchor(_)) => Vec::new(),
            (Fault::SeekedAnyTicket, Change::Seeked(_)) => vec![event(0, change)],
            (Fault::WantsForgotten, Change::Want(_)) if self.again() => Vec::new(),
            _ => vec![event(ticket, change)],
        }
    }
}

impl Edge for Mistaken {
    fn export(&mut self, call: &mut Export) -> Vec<Export> {
        match call {
            Export::Start(launch) => {
                self.instances += 1;
                let early = Export::Handle { host_us: launch.host_us, budget_us: 8000, events: Vec::new() };
                if self.fault == Fault::HandleBeforeStart { vec![early] } else { Vec::new() }
            }
            Export::Handle { host_us, events, .. } => {
                self.calls += 1;
                let all = std::mem::take(&mut self.owed).into_iter().chain(std::mem::take(events));
                *events = all.collect::<Vec<_>>().into_iter().flat_map(|event| self.told(event)).collect();
                match self.fault {
                    Fault::ClockGoesBack if self.calls.is_multiple_of(7) => {
                        *host_us = host_us.saturating_sub(5000)
                    }
                    Fault::SnapshotUnasked => return vec![Export::Snapshot],
                    _ => {}
                }
                Vec::new()
            }
            Export::Snapshot => Vec::new(),
        }
    }

    fn import(&mut self, function: &str, args: &mut [&mut dyn Any]) -> Option<Box<dyn Any>> {
        let done: Option<Box<dyn Any>> = Some(Box::new(()));
        let accepted: Option<Box<dyn Any>> = Some(Box::new(Answer::Ok(())));
        match (self.fault, function) {
            (Fault::LogUnbounded, "log.write") => {
                eprintln!("core: {}", arg::<String>(args, 1));
                return done;
            }
            (Fault::MeasureFirst, "log.measure") if !self.seen.insert(arg::<String>(args, 0).clone()) => {
                return done;
            }
            (Fault::TitleFirst, "shell.set_title") | (Fault::NowPlayingStuck, "shell.set_now_playing")
                if !self.seen.insert(function.to_owned()) =>
            {
                return accepted;
            }
            (Fault::CursorStaysHidden, "shell.set_cursor") if *arg::<bool>(args, 0) => return accepted,
            (Fault::DropIgnored, "display.drop_image") => return done,
            (Fault::RemoveIgnored, "streams.remove")
            | (Fault::PauseIgnored, "timeline.pause")
            | (Fault::ChoiceForgotten, "shell.choose_build") => return accepted,
            (Fault::TrappedCallLands, "storage.apply") => {
                self.written.extend(arg::<Vec<(String, Option<Vec<u8>>)>>(args, 0).clone());
            }
            (Fault::TrappedCallLands, "storage.get") if self.again() => {
                let value = self.written.get(arg::<String>(args, 0)).cloned();
                return value.map(|value| Box::new(value) as Box<dyn Any>);
            }
            (Fault::BaseIgnored, "display.commit") if *arg::<u64>(args, 0) != 0 => {
                *arg::<u64>(args, 0) = self.generation;
                self.generation = *arg::<u64>(args, 1);
            }
            (Fault::BaseIgnored, "display.commit") => self.generation = *arg::<u64>(args, 1),
            (Fault::CommitTorn, "display.commit") if *arg::<u64>(args, 0) != 0 => {
                self.calls += 1;
                let patch = arg::<Vec<u8>>(args, 2);
                if self.calls.is_multiple_of(3)
                    && let Ok(mut layers) = decode(patch)
                {
                    layers.pop();
                    *patch = encode(&layers);
                }
            }
            (Fault::UpdateShifted, "display.update_image") => {
                *arg::<u32>(args, 1) = arg::<u32>(args, 1).saturating_add(8)
            }
            (Fault::CancelIgnored, "net.cancel") => {
                let ticket = *arg::<u64>(args, 0);
                if self.fetches.contains(&ticket) {
                    self.owed.push(Event::Net((ticket, NetChange::End(0))));
                }
            }
            (Fault::TicketIgnored, "streams.append") => *arg::<u64>(args, 1) = self.seek,
            (Fault::RoomIgnored, "streams.append") => self.offered = arg::<Vec<Sample>>(args, 3).len() as u32,
            (Fault::SeekInexact, "timeline.seek") => *arg::<bool>(args, 2) = false,
            (Fault::GroupReplayed, "timeline.seek") => {
                self.shared.seek_us.store(*arg::<i64>(args, 1), Ordering::Relaxed);
            }
            (Fault::StepTwo, "timeline.step") => *arg::<i32>(args, 1) *= 2,
            (Fault::GainSquared, "timeline.set_gain") => {
                let gain = arg::<u32>(args, 1);
                *gain = *gain * *gain / 1000;
            }
            (Fault::GainFloor, "timeline.set_gain") => *arg::<u32>(args, 1) = (*arg::<u32>(args, 1)).max(250),
            (Fault::PitchFollowsRate, "timeline.set_rate") => {
                self.shared.rate_permille.store(arg::<i32>(args, 1).unsigned_abs(), Ordering::Relaxed);
            }
            (Fault::StartEarly, "timeline.tune") => arg::<Tuning>(args, 1).start_us = 0,
            (Fault::EnableInterrupts, "streams.enable") | (Fault::CloseInterrupts, "streams.close") => {
                self.shared.gap.store(10, Ordering::Relaxed);
            }
            (Fault::MatrixMixedUp, "video.open") => arg::<video::Config>(args, 1).cicp = 0x0006_0606,
            (Fault::TurnIgnored, "video.open") => arg::<video::Config>(args, 1).rotation_deg = 0,
            (Fault::ReconfiguredEarly, "video.configure") => {
                self.shared.video_configured.store(true, Ordering::Relaxed);
            }
            (Fault::SoundReconfiguredEarly, "audio.configure") => {
                self.shared.audio_configured.store(true, Ordering::Relaxed);
            }
            (Fault::NoDeviceNoSound, "audio.open") => {
                let _: &audio::Config = arg(args, 1);
                let message = "there is no sound device".to_owned();
                let failure = Failure { next: NextStep::Rebuild, code: 13, message };
                return Some(Box::new(Answer::<u64>::Err(failure)));
            }
            (Fault::SeekRefetches, "timeline.seek") => {
                let timeline = *arg::<u64>(args, 0);
                let from_us = *arg::<i64>(args, 1);
                let want = Want { stream: 1 << 42, seek: 0, restart: true, from_us, room_bytes: 1 };
                self.owed.push(Event::Timeline((timeline, 0, Change::Want(want))));
            }
            _ => {}
        }
        None
    }

    fn answer(&mut self, function: &str, result: &mut dyn Any) {
        match (self.fault, function) {
            (Fault::HasEverything | Fault::HasNothing, "device.has") => {
                if let Some(has) = result.downcast_mut::<bool>() {
                    *has = self.fault == Fault::HasEverything;
                }
            }
            (Fault::NoBuildChosen, "shell.builds") => {
                let builds = result.downcast_mut::<Vec<Build>>();
                builds.into_iter().flatten().for_each(|build| build.chosen = false);
            }
            (Fault::FactsChange, "device.facts") => {
                if let Some(facts) = result.downcast_mut::<Vec<(String, String)>>() {
                    facts.push(("uptime".into(), self.calls.to_string()));
                }
            }
            (Fault::CancelIgnored | Fault::FetchesSurvive, "net.fetch") => {
                if let Some(Ok(ticket)) = result.downcast_mut::<Answer<u64>>() {
                    self.fetches.insert(*ticket);
                }
            }
            (Fault::FetchesSurvive, "net.live") if self.again() => {
                if let Some(live) = result.downcast_mut::<Vec<u64>>() {
                    live.extend(&self.fetches);
                }
            }
            (Fault::MissingNothing, "display.missing_images") => {
                if let Some(missing) = result.downcast_mut::<Vec<u64>>() {
                    missing.clear();
                }
            }
            (Fault::ImagesDie, "display.missing_images") if self.again() => {
                if let Some(missing) = result.downcast_mut::<Vec<u64>>() {
                    missing.push(0x1234_5678_9abc_def0);
                }
            }
            (Fault::IdsReused, "timeline.create") => {
                if let Some(Ok(id)) = result.downcast_mut::<Answer<u64>>() {
                    *id = *self.first_id.get_or_insert(*id);
                }
            }
            (Fault::NoTimelineLimit, "timeline.create") | (Fault::OpensAnything, "video.open") => {
                self.calls += 1;
                if let Some(result @ Err(_)) = result.downcast_mut::<Answer<u64>>() {
                    *result = Ok((1 << 40) + self.calls);
                }
            }
            (Fault::StaleIdAccepted, "timeline.play") => {
                if let Some(result) = result.downcast_mut::<Answer<()>>() {
                    *result = Ok(());
                }
            }
            (Fault::TimelinesDie | Fault::CursorLost, "timeline.live") if self.again() => {
                let Some(live) = result.downcast_mut::<Vec<Status>>() else { return };
                if self.fault == Fault::TimelinesDie {
                    live.clear();
                }
                live.iter_mut().flat_map(|t| &mut t.streams).for_each(|stream| stream.cursor_count = 0);
            }
            (Fault::TicketIgnored, "timeline.seek") => {
                if let Some(Ok(ticket)) = result.downcast_mut::<Answer<u64>>() {
                    self.seek = *ticket;
                }
            }
            (Fault::RoomIgnored, "streams.append") => {
                if let Some(Ok(taken)) = result.downcast_mut::<Answer<u32>>() {
                    *taken = self.offered;
                }
            }
            _ => {}
        }
    }
}
