#!/usr/bin/env bash
# Run the script on standard input in a root file system with a network, and keep what it writes.
#
#   chroot.sh LOWER BUILDING     LOWER: root file systems, the top one first, with colons between
#                                BUILDING: root/ receives what is written, inputs/ is /run/inputs
#
# Runs in a mount namespace of its own: nothing to unmount, even after kill -9.
set -euo pipefail
lower=$1 building=$2
cd "$building"
mkdir root work merged
mount -t overlay overlay merged \
  -o "lowerdir=$lower,upperdir=$building/root,workdir=$building/work,redirect_dir=off,index=off,metacopy=off"
cd merged
mount -t proc proc proc
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mkdir run/inputs
mount --bind "$building/inputs" run/inputs
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom; do
  : >"dev/$node"
  mount --bind "/dev/$node" "dev/$node"
done
ln -s /proc/self/fd dev/fd

# Ours for the time of the build; made and removed here, they leave no trace in the layer.
if [[ -e /etc/resolv.conf ]]; then cp --dereference /etc/resolv.conf etc/resolv.conf; fi
printf '#!/bin/sh\nexit 101\n' >usr/sbin/policy-rc.d # packages start no services
chmod 755 usr/sbin/policy-rc.d
chroot . /bin/sh -e
rm -f etc/resolv.conf usr/sbin/policy-rc.d
