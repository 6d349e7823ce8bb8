//! One logical stream: from pages to packets with their times.

use kinora_time::ticks_to_us;

use super::mapping::Headers;
use super::page::Page;
use crate::{Sample, Trim};

/// A packet longer than this is given up.
const MAX_PACKET: usize = 8 << 20;

pub(super) struct Stream {
    pub(super) serial: u32,
    pub(super) track: u32,
    /// `None` before the first packet.
    pub(super) headers: Option<Headers>,
    /// Microseconds before this stream in a chain.
    pub(super) base_us: i64,
    partial: Vec<u8>,
    /// A packet's beginning is missing: its rest is dropped.
    broken: bool,
    sequence: Option<u32>,
    /// Granule position of the next packet's start.
    next: Option<i64>,
    /// Audio frames still to drop at the start.
    skip: u32,
}

impl Stream {
    pub(super) fn new(serial: u32, track: u32, base_us: i64) -> Self {
        Stream {
            serial,
            track,
            headers: None,
            base_us,
            partial: Vec::new(),
            broken: false,
            sequence: None,
            next: None,
            skip: 0,
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.headers.as_ref().is_some_and(|headers| headers.complete)
    }

    pub(super) fn is_played(&self) -> bool {
        self.headers.as_ref().is_some_and(|headers| headers.mapping.is_played())
    }

    /// Goes on from elsewhere; `start`: from the beginning of the stream.
    pub(super) fn reset(&mut self, start: bool) {
        self.partial.clear();
        self.broken = false;
        self.sequence = None;
        self.next = None;
        if let Some(headers) = &mut self.headers {
            headers.mapping.reset();
            self.skip = if start { headers.mapping.pre_skip() } else { 0 };
        }
    }

    /// The time of a granule position: when the audio frame behind it is heard.
    pub(super) fn time_us(&self, granule: i64) -> i64 {
        let Some(headers) = &self.headers else { return self.base_us };
        let heard = granule.saturating_sub(headers.mapping.pre_skip().into());
        self.base_us.saturating_add(ticks_to_us(heard, headers.mapping.rate_hz()))
    }

    /// Takes in a page; gives the samples of the packets that end on it, and whether pages are missing before it.
    pub(super) fn push(&mut self, page: &Page, out: &mut Vec<Sample>) -> bool {
        let gap =
            self.sequence.replace(page.sequence).is_some_and(|last| last.wrapping_add(1) != page.sequence);
        if gap || page.continued == (self.partial.is_empty() && !self.broken) {
            // What was begun does not go on here, or what goes on was not begun.
            self.partial.clear();
            self.broken = page.continued;
        }
        if gap {
            self.next = None;
        }
        let mut packets = Vec::new();
        for (part, ends) in page.parts() {
            if !self.broken {
                self.partial.extend_from_slice(part);
                if self.partial.len() > MAX_PACKET {
                    self.partial.clear();
                    self.broken = true;
                }
            }
            if ends {
                let packet = std::mem::take(&mut self.partial);
                if !std::mem::take(&mut self.broken) {
                    self.take_packet(packet, &mut packets);
                }
            }
        }
        self.give_times(page, packets, out);
        gap
    }

    fn take_packet(&mut self, packet: Vec<u8>, packets: &mut Vec<(Vec<u8>, u32)>) {
        match &mut self.headers {
            None => {
                let headers = Headers::new(&packet);
                self.skip = headers.mapping.pre_skip();
                self.headers = Some(headers);
            }
            Some(headers) => {
                if !headers.push(&packet) && headers.mapping.is_played() && !packet.is_empty() {
                    let duration = headers.mapping.duration(&packet);
                    packets.push((packet, duration));
                }
            }
        }
    }

    fn give_times(&mut self, page: &Page, packets: Vec<(Vec<u8>, u32)>, out: &mut Vec<Sample>) {
        if packets.is_empty() {
            return;
        }
        let total: i64 = packets.iter().map(|&(_, duration)| i64::from(duration)).sum();
        let mut at = match (self.next, page.granule) {
            (Some(next), _) => next,
            // The last page may end before its packets do, so it does not tell where they begin (RFC 7845 4.4).
            (None, Some(granule)) if !page.ends => granule.saturating_sub(total),
            (None, granule) => granule.map_or(0, |granule| granule.saturating_sub(total).max(0)),
        };
        for (data, duration) in packets {
            let end = at.saturating_add(duration.into());
            let pts_us = self.time_us(at);
            let start_trim = self.skip.min(duration);
            self.skip -= start_trim;
            let beyond = page.granule.filter(|_| page.ends).map_or(0, |granule| end.saturating_sub(granule));
            let end_trim = beyond.clamp(0, i64::from(duration - start_trim)) as u32;
            out.push(Sample {
                track: self.track,
                pts_us,
                dts_us: pts_us,
                duration_us: u32::try_from(self.time_us(end).saturating_sub(pts_us)).unwrap_or(0),
                key: true,
                decode_only: false,
                trim: Trim { start: start_trim, end: end_trim },
                data,
            });
            at = end;
        }
        self.next = Some(page.granule.unwrap_or(at));
    }
}
