//! Power cuts: the box goes off between two instructions, and whatever its disk holds then is all that is left.

use std::path::Path;
use std::time::Duration;

use kinora_box::{Disk, STATE, writes};
use kinora_port::Storage;
use kinora_store::FileStorage;
use kinora_tests::Random;

use crate::Test;
use crate::cores::{Builds, Installed};
use crate::films;
use crate::world::{MIDDLE, MUTE, PAUSE, World};

pub(crate) const TESTS: &[Test] = &[
    ("power_cuts_while_playing_lose_ten_seconds_at_most", cuts_while_playing),
    ("power_cut_after_each_write_leaves_whole_stores", cut_after_each_write),
];

/// How often the power is cut at a random moment.
const CUTS: u32 = 3;
/// The longest that a position is not yet on the disk, in seconds, with the step of what tells it.
const KEPT_EVERY: u32 = 12;

fn cuts_while_playing(world: &World) -> Result<(), String> {
    let mut random = Random::new(4);
    let mut last = None;
    for cut in 0..CUTS {
        let mut watching = world.boot()?;
        if last.is_none() {
            watching.play(&films::clock()?)?;
        }
        // A box that comes on again goes on by itself.
        let back = watching.wait_for_second(|second| last.is_none_or(|last| second + KEPT_EVERY >= last))?;
        println!("cut {cut}: on at {back} s");
        if last.is_some_and(|last| back > last + KEPT_EVERY) {
            return Err(format!("the power went at {last:?} s, and it goes on at {back} s"));
        }
        let until = back + 12 + random.below(4) as u32;
        let now = watching.wait_for_second(|second| second >= until)?;
        std::thread::sleep(Duration::from_millis(random.below(900)));
        last = Some(now);
        watching.machine.cut_power()?;
        world.state.recover()?;
    }
    Ok(())
}

fn cut_after_each_write(world: &World) -> Result<(), String> {
    let log = Disk::blank(&world.folder.join("log"), 256)?;
    let builds = Builds::compile(&world.folder.join("builds"))?;
    let mut watching = world.boot_with(&[&log], Some(builds.folder()))?;
    watching.machine.run(&format!("systemctl stop kinora-tv && umount {STATE} && sync"))?;
    let cut = world.state.copy(&world.folder.join("cut.ext4"))?;
    // From now on every write goes to the log too.
    watching.machine.run("modprobe dm-log-writes")?;
    watching.machine.run(
        "dmsetup create logged --table \"0 $(blockdev --getsz /dev/vdb) log-writes /dev/vdb /dev/vdc\"",
    )?;
    watching.machine.run(&format!("mount /dev/mapper/logged {STATE}"))?;
    watching.play(&films::clock()?)?;
    let began = watching.wait_for_second(|_| true)?;
    watching.wait_for_second(|second| second >= began + 12)?;
    // To the middle, muted, paused and on again: positions and settings are stored.
    for key in [MIDDLE, MUTE, PAUSE, PAUSE] {
        watching.press(key)?;
    }
    watching.wait_for_second(|second| second >= 182)?;
    watching.press(PAUSE)?;
    // A player that ends as it should forgets where it was.
    watching.machine.run("systemctl kill --signal KILL kinora-tv; systemctl stop kinora-tv")?;
    builds.come_and_go(&mut watching.machine)?;
    watching.machine.run(&format!("umount {STATE} && dmsetup remove logged"))?;
    watching.machine.cut_power()?;

    let writes = writes(&log)?;
    let mut histories = [History::new("."), History::new("journal")];
    let mut installed = Installed::default();
    for (n, write) in writes.iter().enumerate() {
        write.apply(&cut)?;
        let at = |why: String| format!("cut after write {n} of {}: {why}", writes.len());
        // The cut disk goes on to be written to; what is mounted again is a copy.
        let after = cut.copy(&world.folder.join("after.ext4"))?;
        after.recover().map_err(at)?;
        let folder = world.folder.join("after");
        after.read("/", &folder)?;
        for history in &mut histories {
            history.look(&folder).map_err(at)?;
        }
        if installed.look(&folder).map_err(at)? {
            after.copy(world.state.path())?;
        }
    }
    let [settings, journal] = &histories;
    println!(
        "{} cuts; {} states of the settings, {} of the journal, {} of the cores",
        writes.len(),
        settings.states.len(),
        journal.states.len(),
        installed.states
    );
    settings.had("settings")?;
    settings.had("resume.")?;
    journal.had("snapshot")?;

    // On the disk of the last cut that leaves another build chosen, that one plays.
    let mut watching = world.boot_with(&[], Some(builds.folder()))?;
    builds.bring(&mut watching.machine)?;
    watching.play(&films::clock()?)?;
    watching.wait_for_second(|_| true)?;
    builds.expect_running(&mut watching.machine)
}

type State = Vec<(String, Vec<u8>)>;

/// What a store held after one cut and the next.
struct History {
    folder: &'static str,
    states: Vec<State>,
}

impl History {
    fn new(folder: &'static str) -> Self {
        History { folder, states: Vec::new() }
    }

    /// Opens the store as the player would. Once it held something, it never again holds what it held before.
    fn look(&mut self, disk: &Path) -> Result<(), String> {
        let store = FileStorage::open(&disk.join(self.folder));
        if let Some(notice) = store.notice().filter(|notice| !notice.contains("last good copy")) {
            return Err(format!("{}: {notice}", self.folder));
        }
        let value = |key: String| {
            let value = store.get(&key).unwrap_or_default().to_vec();
            (key, value)
        };
        let state: State = store.keys("").into_iter().map(value).collect();
        if self.states.last() == Some(&state) {
            return Ok(());
        }
        if let Some(before) = self.states.iter().position(|known| *known == state) {
            let last = self.states.len() - 1;
            return Err(format!("{}: state {last} is lost, it is back at state {before}", self.folder));
        }
        self.states.push(state);
        Ok(())
    }

    /// An error unless a key that begins so was there.
    fn had(&self, key: &str) -> Result<(), String> {
        let has = |state: &State| state.iter().any(|(name, _)| name.starts_with(key));
        if self.states.iter().any(has) { Ok(()) } else { Err(format!("{}: never a {key}", self.folder)) }
    }
}
