#!/bin/sh
# hold.sh HOSTDIR -- the hardware of one lab host: its disk and its network card.
#
# Runs as pid 1 of its own mount, net and pid namespaces, so the death of this one process takes the whole
# host with it: processes, mounts and link. Says "held" when the disk is there, waits for "go" (the link
# has been plugged in), says "wired" and boots the host, and boots it again whenever its pid 1 dies. An end of
# file instead of "go" means that whoever started it was killed half-way: then nothing may stay behind.
set -u
H=$1
. "$H/conf"
PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount --make-rprivate / || exit 1
mount -t tmpfs -o "size=$LAB_SIZE,nr_inodes=$LAB_INODES,mode=755" labdisk "$H/disk" || exit 1
mkdir "$H/disk/rootfs" "$H/disk/overlay" || exit 1
echo held
read -r word && [ "$word" = go ] || exit 1
ip -batch - <<NET || exit 1
link set lo up
addr add $LAB_ADDRESS/30 dev eth0
link set eth0 up
route add default via $LAB_GATEWAY
NET
echo wired
exec </dev/null >>"$H/boot.log" 2>&1
while :; do
  unshare --mount --pid --fork --uts --ipc --kill-child sh "$LAB_BOOT/boot.sh" "$H" &
  wait $!
  # a host that cannot boot at all must not spin; one that was told how long to stay away obeys
  sleep "$(cat "$H/reboot-seconds" 2>/dev/null || echo 0.3)"
done
