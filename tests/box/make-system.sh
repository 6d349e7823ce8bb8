#!/bin/sh
# Makes the system of the virtual box from Debian packages: `kernel`, `initrd` and `root.ext4` in the folder named. Needs root, mmdebstrap
# and the network.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"

# Of what a box of any make has: a kernel, systemd, a mixer that is not left muted, the libraries that the player is linked to.
packages=linux-image-amd64,initramfs-tools,systemd-sysv,udev,kmod,dmsetup,ca-certificates
packages=$packages,libavcodec59,libavutil57,libswscale6,libasound2,alsa-utils

# Modules of this machine's hardware; Debian's kernel comes with those of all PCs, a third of a gigabyte.
modules='^\./(crypto|lib|mm|arch/x86/crypto|fs/9p|fs/autofs|fs/ext4|fs/jbd2|fs/netfs|fs/fscache|net/9p|net/core)/
^\./drivers/(block|char|virtio|hid|input|md|acpi|gpu/drm/virtio)/
^\./drivers/gpu/drm/[^/]*$
^\./sound/(core|hda|pci/hda)/
^\./(fs/mbcache|sound/soundcore|drivers/leds/trigger/ledtrig-audio|drivers/net/(virtio_net|net_failover))\.ko'

rm -rf root
mmdebstrap --variant=minbase --quiet --include="$packages" \
	--dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/doc/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' \
	--essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d"' \
	--essential-hook='echo MODULES=list > "$1/etc/initramfs-tools/conf.d/kinora"' \
	--essential-hook='printf "virtio_pci\nvirtio_blk\next4\n" > "$1/etc/initramfs-tools/modules"' \
	bookworm root

mv root/boot/vmlinuz-* kernel
mv root/boot/initrd.img-* initrd
(cd root/lib/modules/*/kernel && find . -name '*.ko' | grep -vE "$modules" | xargs rm)
chroot root depmod "$(basename root/lib/modules/*)"

cp -r "$here/root/." root/
# The player is put in when it is built.
mkdir -p root/usr/lib/kinora root/etc/systemd/system/kinora-tv.service.d
chroot root useradd --system --home-dir /var/lib/kinora --shell /usr/sbin/nologin kinora
ln -s ../kinora-tv.service root/etc/systemd/system/multi-user.target.wants/
echo kinora-box > root/etc/hostname
echo nameserver 10.0.2.3 > root/etc/resolv.conf
chroot root systemctl --quiet enable systemd-networkd
# Nobody logs in, and nothing is to be done now and then.
chroot root systemctl --quiet mask getty@tty1.service getty-static.service serial-getty@ttyS0.service e2scrub_reap.service \
	e2scrub_all.timer apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer

mke2fs -q -t ext4 -L kinora-root -d root root.ext4 1G
rm -r root
