#!/bin/sh
# boot.sh HOSTDIR -- one boot of a lab host; becomes its pid 1.
#
# HOSTDIR/disk is a tmpfs that outlives the boot (hold.sh owns it): `df /`, ENOSPC, inodes and EROFS are real.
# /usr, /etc and the package database are the controller's, under overlays whose upper side lies on that disk;
# overlays are per directory because lowerdir=/ is refused inside a user namespace (locked submounts).
set -eu
H=$1
. "$H/conf"
D=$H/disk
R=$H/root
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022
mount --make-rprivate /
mount --bind "$D/rootfs" "$R"
first=0
[ -e "$D/installed" ] || first=1

if [ $first = 1 ]; then
  cd "$R"
  mkdir -p usr etc proc sys dev run root home srv mnt media opt tmp \
    var/log var/lib/dpkg var/cache/apt/archives/partial var/lib/apt/lists/partial var/spool var/backups var/tmp
  chmod 1777 tmp var/tmp
  chmod 700 root
  ln -s usr/bin bin; ln -s usr/sbin sbin; ln -s usr/lib lib
  [ ! -e /lib64 ] || ln -s usr/lib64 lib64
  ln -s /run var/run; ln -s /run/lock var/lock
fi

overlays="usr etc var/lib/dpkg"
options=
if [ "$LAB_USERNS" = 1 ]; then
  # Files of the real root belong to nobody here and cannot be changed: /etc is copied, and the directories of
  # /usr in which anything is likely to be installed are made anew in the upper layer.
  overlays=usr options=,userxattr
  if [ $first = 1 ]; then
    cp -dR --preserve=mode,links /etc/. "$R/etc/" 2>/dev/null || true
    for p in bin sbin lib libexec/sudo local/bin local/sbin local/lib local/share; do
      mkdir -p "$D/overlay/usr/up/$p"
    done
  fi
fi
for d in $overlays; do
  [ -d "/$d" ] || continue
  mkdir -p "$D/overlay/$d/up" "$D/overlay/$d/work"
  mount -t overlay overlay -o "lowerdir=/$d,upperdir=$D/overlay/$d/up,workdir=$D/overlay/$d/work$options" "$R/$d"
done

mount -t proc proc "$R/proc"
mount -t sysfs -o ro sysfs "$R/sys"
mount -t tmpfs -o size=8m,mode=755 dev "$R/dev"
for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
  name=${node%%:*} number=${node#*:}
  if [ "$LAB_USERNS" = 1 ] || ! mknod -m 666 "$R/dev/$name" c "${number%:*}" "${number#*:}"; then
    : > "$R/dev/$name"
    mount --bind "/dev/$name" "$R/dev/$name"
  fi
done
mkdir "$R/dev/pts" "$R/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$R/dev/pts"
ln -s pts/ptmx "$R/dev/ptmx"
ln -s /proc/self/fd "$R/dev/fd"
ln -s fd/0 "$R/dev/stdin"; ln -s fd/1 "$R/dev/stdout"; ln -s fd/2 "$R/dev/stderr"
mount -t tmpfs -o size=64m,mode=1777 shm "$R/dev/shm"
mount -t tmpfs -o size=16m,mode=755 run "$R/run"
mkdir -p "$R/run/sshd" "$R/run/lock" "$R/run/runit" "$R/run/oldroot"
# The kernel has one boot id for the whole machine; a host that was rebooted must show a new one.
cat /proc/sys/kernel/random/uuid > "$R/run/boot_id"
mount --bind "$R/run/boot_id" "$R/proc/sys/kernel/random/boot_id"
[ $first = 1 ] || find "$R/tmp" -mindepth 1 -delete 2>/dev/null || true   # Debian empties /tmp at boot
[ "$LAB_TMP" = 1 ] || [ ! -d "$R/tmp" ] || rmdir "$R/tmp"

while read -r source target; do
  mkdir -p "$R$target"
  mount --bind "$source" "$R$target"
  mount -o remount,bind,ro "$R$target"
done < "$H/binds"

if [ $first = 1 ]; then
  cd "$R"
  rm -f etc/ssh/ssh_host_* etc/ssh/sshd_config.d/* etc/sudoers.d/* etc/gshadow etc/*- etc/pip.conf \
    etc/resolv.conf etc/hosts etc/hostname etc/machine-id etc/apt/sources.list etc/apt/sources.list.d/* \
    etc/apt/apt.conf.d/*proxy*
  rm -rf etc/service etc/runit/runsvdir
  cp -a "$H/skeleton/." .
  : > var/log/lastlog; : > var/log/wtmp   # else sshd prints a complaint into every pty session
  if [ "$LAB_USERNS" = 1 ] && [ -e usr/bin/sudo ]; then   # sudo insists on belonging to root, and its plugins too
    for f in usr/bin/sudo usr/libexec/sudo/*.so; do cp "$f" "$f.own"; mv -f "$f.own" "$f"; done
    chmod 4755 usr/bin/sudo
  fi
  [ "$LAB_SUDO" = 1 ] || rm -f usr/bin/sudo usr/bin/sudoedit
  case $LAB_PYTHON in
    system) ;;
    none) rm -f usr/bin/python* usr/bin/perl* usr/local/bin/python* ;;
    *)
      rm -f usr/bin/python* usr/local/bin/python*
      # A Python from elsewhere finds its shared library by the prefix it was built for (rpath) ...
      mkdir -p "$R${LAB_PYTHON%/*}"
      ln -sfn /opt/python "$R$LAB_PYTHON"
      case $LAB_PYTHON in /root/*) chmod 711 root ;; esac
      for name in python3 python2 python; do
        [ -x "$R/opt/python/bin/$name" ] || continue
        # ... and is called through a wrapper: a venv made through a link would look for its library in /usr
        printf '#!/bin/sh\nexec /opt/python/bin/%s "$@"\n' "$name" > "usr/bin/$name"
        chmod 755 "usr/bin/$name"
      done ;;
  esac
  : > "$D/installed"
fi

[ "$LAB_TMP_NOEXEC" = 0 ] || mount -t tmpfs -o "size=$LAB_SIZE,noexec,nosuid,nodev,mode=1777" tmp "$R/tmp"
if [ "$LAB_READONLY" = 1 ] || [ -e "$H/faults/readonly" ]; then
  for d in $overlays; do mount -o remount,bind,ro "$R/$d"; done
  mount -o remount,bind,ro "$R"
fi
hostname "$LAB_NAME"
cd "$R"
pivot_root . run/oldroot
cd /
umount -l /run/oldroot
rmdir /run/oldroot
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
case $LAB_INIT in
  runit) exec env -i PATH=$PATH runsvdir -P /etc/service </dev/null >/dev/null 2>&1 ;;
  sh)   # nothing supervises: a killed sshd stays dead
    env -i PATH=$PATH /etc/sv/sshd/run </dev/null >/dev/null 2>&1 &
    trap : TERM
    while :; do wait || :; sleep 1; done ;;
esac
