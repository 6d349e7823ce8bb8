//! `kinora-tv doctor`: what this box offers, and what to do about what it lacks.

use std::sync::Arc;

use drm::Device as _;
use drm::control::{Device as _, connector};
use kinora_audio_cpal::CpalSink;
use kinora_input_evdev::{Devices, Keymap, Wanted};
use kinora_program::Report;

use crate::args::Options;
use crate::{kms, run};

/// Prints what it finds; whether the player can run.
pub(crate) fn examine(options: &Options) -> bool {
    let mut report = Report::default();
    report.core(options.common.core.as_deref());
    displays(&mut report, options);
    keys(&mut report, options);
    sound(&mut report, options);
    report.codecs(kinora_program::decoders().as_ref());
    report.fonts();
    report.folder("data", &options.data);
    print!("{}", report.text);
    report.can_run
}

fn displays(report: &mut Report, options: &Options) {
    let nodes = options.card.clone().map_or_else(kms::nodes, |node| vec![node]);
    let mut usable = false;
    for node in &nodes {
        let described = kms::Card::at(node).and_then(|card| {
            describe(report, &card);
            let card = Arc::new(card.taken()?);
            let target = card.connected()?;
            let mode = target.mode(options.mode, None)?;
            let film = kms::film_planes(&card, &target, &mode);
            Ok((mode, target.name, film))
        });
        match described {
            Ok((mode, name, film)) => {
                usable = true;
                report.line(
                    "display",
                    &format!("{} on {name}, until a film asks for another", kms::timing(&mode)),
                );
                let together = |why| format!("drawn together with the interface: {why}");
                report.line("film", &film.unwrap_or_else(together));
            }
            Err(reason) => report.problem("", &node.display().to_string(), &reason),
        }
    }
    if nodes.is_empty() {
        report.fatal("card", "none", &kms::no_card());
    } else if !usable {
        report.fatal("display", "none that can be used", "plug one in, or see above");
    }
}

fn describe(report: &mut Report, card: &kms::Card) {
    let driver = card
        .get_driver()
        .map_or_else(|_| "unknown".into(), |driver| driver.name().to_string_lossy().into_owned());
    let calls = if card.atomic { "atomic" } else { "legacy calls" };
    let copy = if card.prefers_shadow { ", drawn elsewhere and copied" } else { "" };
    report.line("card", &format!("{} ({driver}, {calls}{copy})", card.path.display()));
    for connector in card.connectors(true).unwrap_or_default() {
        let state = match connector.state() {
            connector::State::Connected => "connected",
            connector::State::Disconnected => "nothing connected",
            connector::State::Unknown => "cannot tell what is connected",
        };
        report.line("connector", &format!("{connector}: {state}"));
        let modes: Vec<_> = connector.modes().iter().map(|mode| kms::timing(mode).to_string()).collect();
        for modes in modes.chunks(6) {
            report.line("", &modes.join(" "));
        }
    }
    for handle in card.plane_handles().unwrap_or_default() {
        let Ok(plane) = card.get_plane(handle) else { continue };
        let formats: Vec<_> = plane.formats().iter().map(|code| fourcc(*code)).collect();
        report.line("plane", &format!("{}: {}", u32::from(handle), formats.join(" ")));
    }
}

/// The four letters of a pixel format.
fn fourcc(code: u32) -> String {
    code.to_le_bytes().iter().map(|byte| char::from(*byte)).filter(char::is_ascii_graphic).collect()
}

fn keys(report: &mut Report, options: &Options) {
    let keymap = match Keymap::with(options.keymap.as_deref()) {
        Ok(keymap) => keymap,
        Err(mistake) => return report.fatal("keymap", &mistake, "mend it, or leave --keymap out"),
    };
    match Devices::open(Wanted::All, keymap) {
        Ok(devices) => {
            let found = devices.found();
            for device in &found {
                let name = device.name.as_deref().unwrap_or("of unknown name");
                let what = format!("{}: {name}", device.path.display());
                match device.refused {
                    None => report.line("input", &what),
                    Some(refusal) => {
                        report.problem("input", &format!("{what}: {refusal}"), refusal.remedy());
                    }
                }
            }
            if found.is_empty() {
                report.problem(
                    "input",
                    "no device with keys that are known",
                    "plug one in, or name its keys with --keymap",
                );
            }
        }
        Err(error) => report.fatal("input", "none", &run::no_input(error)),
    }
}

fn sound(report: &mut Report, options: &Options) {
    for device in kinora_audio_cpal::alsa_devices() {
        report.line("sound device", &device);
    }
    let remedy = "name one of the above with --sound, and let this user in: `usermod -aG audio USER`";
    report.sound(CpalSink::alsa(options.sound.as_deref(), Arc::new(|| 0)), remedy);
}
