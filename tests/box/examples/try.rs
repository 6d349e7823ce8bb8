//! x
use kinora_box::*;
use std::path::Path;
use std::time::Instant;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let folder = Path::new(&a[2]);
    std::fs::create_dir_all(folder).unwrap();
    let state = folder.join("state.ext4");
    Disk::format(&state, 64, STATE_LABEL).unwrap();
    let hw = Hardware {
        system: a[1].clone().into(),
        screen: (640, 360),
        picture: Picture::Hidden,
        disks: vec![state],
        shares: vec!["/work/wt/box/assets/demo".into()],
        memory_mib: 1024,
    };
    let t = Instant::now();
    let mut m = Machine::boot(&hw, folder).unwrap();
    println!("booted {:?}", t.elapsed());
    for line in [
        "systemctl is-system-running --wait; systemctl --failed",
        "systemd-analyze blame | head -12",
        "ls -l /dev/dri /dev/snd /dev/input /sys/class/drm; df -h; ls -l /dev/input/by-path; ip addr",
        "mkdir -p /media/0 && mount -t 9p -o trans=virtio,version=9p2000.L,ro share0 /media/0; ls /media/0",
        "free -m",
        "modprobe dm-log-writes; lsmod | head -40; dmesg | tail -5",
    ] {
        println!(
            "{line}: {:?}",
            m.try_run(line).map(|s| println!("{}", s.text)).map_err(|e| println!("{e}"))
        );
    }
    m.press("a").unwrap();
    m.unplug_keyboard().unwrap();
    println!("{}", m.run("ls /dev/input").unwrap());
    m.plug_keyboard().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(3));
    println!("{}", m.run("ls /dev/input").unwrap());
    println!("{:?}", m.look("a.png"));
    m.cut_power().unwrap();
    println!("{:?}", t.elapsed());
}
