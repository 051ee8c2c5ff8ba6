#!/usr/bin/env bash
# Boot a Debian root file system with a real systemd as PID 1, in namespaces of its own.
#
# host.py starts this and talks to it through the environment:
#   HOST_STATE   an empty directory of this host's own, removed at the end
#   HOST_LOWER   root file systems, the top one first, with colons between; never written to
#   HOST_UPPER   a directory that keeps what the host writes; empty: memory, forgotten at the end
#   HOST_NAME    its host name
#   HOST_CGROUP  a cgroup to make, to hold the host and to remove, below HOST_CGROUPS
#   HOST_CGROUPS where cgroup v2 is mounted
#   HOST_BINDS   lines of SOURCE<tab>TARGET to mount read-only
#
# Standard input is the lifeline. When its other end closes, for whatever reason, kill -9 of the
# test run included, the host is killed and everything that it had is removed.
set -euo pipefail

# Becomes the host's PID 1. Its own mount namespace takes every mount along when it ends.
init() {
  cd "$HOST_STATE"
  mkdir merged memory
  local upper=$HOST_UPPER
  if [[ -z $upper ]]; then
    mount -t tmpfs tmpfs memory
    upper=$HOST_STATE/memory
  fi
  mkdir -p "$upper/upper" "$upper/work"
  mount -t overlay overlay merged \
    -o "lowerdir=$HOST_LOWER,upperdir=$upper/upper,workdir=$upper/work,redirect_dir=off,index=off,metacopy=off"
  cd merged

  mount -t proc proc proc
  mount -t sysfs -o ro sysfs sys
  mount -t cgroup2 cgroup2 sys/fs/cgroup # the host sees only what is below its own cgroup
  mount -t tmpfs -o mode=755 tmpfs run
  mount -t tmpfs tmpfs tmp
  mount -t tmpfs -o mode=755 tmpfs dev
  mkdir -p dev/pts dev/shm
  mount -t tmpfs tmpfs dev/shm
  local node
  for node in null zero full random urandom tty; do
    : >"dev/$node"
    mount --bind "/dev/$node" "dev/$node"
  done
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
  ln -s pts/ptmx dev/ptmx
  ln -s /proc/self/fd dev/fd
  ln -s fd/0 dev/stdin
  ln -s fd/1 dev/stdout
  ln -s fd/2 dev/stderr
  : >dev/console
  mount --bind "$HOST_STATE/console.log" dev/console
  mkdir -p run/host
  : >run/host/notify
  mount --bind "$HOST_STATE/notify" run/host/notify

  # Kernel settings belong to the machine below, except those of the host's own network.
  mount --bind proc/sys proc/sys
  mount --bind proc/sys/net proc/sys/net
  mount -o remount,ro,bind proc/sys
  if [[ -e proc/sysrq-trigger ]]; then
    mount --bind proc/sysrq-trigger proc/sysrq-trigger
    mount -o remount,ro,bind proc/sysrq-trigger
  fi
  # Each boot has its own id, and each host its own; without the latter systemd would take this
  # for a first boot and enable what Debian left disabled.
  cat /proc/sys/kernel/random/uuid >run/host/boot_id
  mount --bind run/host/boot_id proc/sys/kernel/random/boot_id
  tr -d - </proc/sys/kernel/random/uuid >etc/machine-id

  hostname "$HOST_NAME"
  echo "$HOST_NAME" >etc/hostname
  printf '127.0.0.1\tlocalhost\n127.0.1.1\t%s\n::1\tlocalhost ip6-localhost\n' "$HOST_NAME" >etc/hosts
  ln -sf /dev/null etc/systemd/system/console-getty.service
  ip link set lo up

  local source target
  while IFS=$'\t' read -r source target; do
    if [[ -z $source ]]; then continue; fi
    mkdir -p "./$target"
    mount --bind "$source" "./$target"
    mount -o remount,ro,bind "./$target"
  done <<<"$HOST_BINDS"

  mkdir -p .old
  pivot_root . .old
  umount -l /.old
  rmdir /.old
  # As PID 1 of a machine would: what systemd mounts for a unit, its credentials, must reach it.
  mount --make-rshared /
  exec env -i container=test-host NOTIFY_SOCKET=/run/host/notify \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --unit=multi-user.target --log-target=journal \
    --show-status=no 3>&- 4>&- </dev/null
}

# Runs inside the new cgroup namespace, whose root is the cgroup that the caller was in: only PID 1
# may stay there, because a cgroup with processes of its own cannot hand controllers on.
unshare_rest() {
  echo 0 >&3
  exec unshare --pid --fork --kill-child --mount --uts --ipc --net \
    bash -ec 'echo 0 >&4; init'
}

cleanup() {
  trap - EXIT
  if [[ -n ${host:-} ]]; then
    # PID 1 first: unshare then returns only when the last process of the host is gone.
    pkill -KILL --parent "$host" || kill -KILL "$host" || true
    wait "$host" || true
  fi 2>/dev/null
  # What the test run itself started in the host ends with it; wait for the last to be gone.
  if [[ -e $HOST_CGROUP/cgroup.kill ]]; then echo 1 >"$HOST_CGROUP/cgroup.kill"; fi
  local tries
  for ((tries = 0; tries < 200; tries++)); do
    find "$HOST_CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null || true
    if [[ ! -e $HOST_CGROUP ]]; then break; fi
    sleep 0.01
  done
  rm -rf --one-file-system "$HOST_STATE"
}

trap cleanup EXIT
trap '' HUP INT TERM # only the lifeline ends a host
mkdir "$HOST_CGROUP"
: >"$HOST_STATE/console.log"
export -f init unshare_rest
home=$(sed -n 's/^0:://p' /proc/self/cgroup)
(
  trap - EXIT
  trap - HUP INT TERM
  # Opened here, because the new cgroup namespace could no longer name the first one.
  exec 3>"$HOST_CGROUPS${home%/}/cgroup.procs" 4>"$HOST_CGROUP/cgroup.procs"
  echo 0 >&4
  exec setpriv --pdeathsig KILL unshare --cgroup bash -ec unshare_rest </dev/null
) &
host=$!
# The lifeline never says anything: this returns when it closes, or when the host ends by itself.
cat <&0 >/dev/null &
lifeline=$!
wait -n "$host" "$lifeline" || true
kill -KILL "$lifeline" 2>/dev/null || true
