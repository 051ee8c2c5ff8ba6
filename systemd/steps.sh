# shellcheck shell=bash
# shellcheck disable=SC2034  # whoever reads this in uses them
# The steps that an installation by install.sh and one of the Debian package have in common.
# install.sh reads this in; scripts/debian writes it into the package's maintainer scripts, which
# must do without any other file.

# The distribution's own programs first; what is written is readable by the daemon's user.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin LC_ALL=C.UTF-8
unset PYTHONHOME PYTHONPATH VIRTUAL_ENV
umask 022

name=service-watchdog
home=/opt/$name
etc=/etc/$name
config=$etc/config.toml
# What `grant` writes.
rule=/etc/polkit-1/rules.d/50-$name.rules
# What root does for members of the group: two units, and the permission to start them.
jobs=("$name-nginx-test" "$name-firewall")
# Where install.sh puts the command, and the package does not.
by_hand=/usr/local/bin/$name

action=install
consequence="nothing is changed"
explained=no

say() {
  echo "$name: $*"
}

# fail WHY [STATUS [WHAT]]: says what cannot be done and why, with what happens next, and ends.
fail() {
  echo "cannot ${3:-$action}: $1; $consequence" >&2
  explained=yes
  exit "${2:-1}"
}

# attempt WHAT COMMAND...: a quiet COMMAND; if it fails, the most telling line it said and the end.
attempt() {
  local what=$1 said telling why=''
  shift
  if ! said=$("$@" 2>&1); then
    for telling in 'No space left' '^ERROR:' 'Error:' .; do
      if why=$(grep -e "$telling" <<<"$said"); then break; fi
    done
    why=${why##*$'\n'}
    why=${why#ERROR: }
    fail "${why%.}" 1 "$what"
  fi
}

# as_daemon COMMAND...: runs COMMAND as the daemon's user.
as_daemon() {
  setpriv --reuid $name --regid $name --init-groups --no-new-privs -- "$@"
}

booted() {
  [[ -d /run/systemd/system ]]
}

active() {
  booted && systemctl is-active --quiet $name.service
}

# make_user SYSUSERS
make_user() {
  attempt "create the user $name" systemd-sysusers "$1"
}

# make_config EXAMPLE: the directories, and the example where there is no configuration.
make_config() {
  attempt "write to $etc" install -d -m 750 -g $name $etc
  attempt "write to $etc" install -d -m 700 $etc/credentials
  if [[ ! -e $config ]]; then
    attempt "write $config" install -m 640 -g $name "$1" $config
    say "wrote the example configuration to $config"
  fi
}

# check_config PROGRAM VERSION: succeeds if PROGRAM takes the configuration, with the credentials
# that a running daemon has (a drop-in may bring some) or with those that are in place for the next;
# else prints why not.
check_config() {
  local program=$1 version=$2 credentials said='' status=0
  if ! as_daemon test -r $config; then
    echo "  $config: the daemon may not read it; run: chgrp $name $config; chmod 640 $config" >&2
    return 1
  fi
  for credentials in /run/credentials/$name.service $etc/credentials; do
    if [[ ! -d $credentials ]]; then continue; fi
    status=0
    said=$(CREDENTIALS_DIRECTORY=$credentials \
      "$program" config check --config $config 2>&1) || status=$?
    if ((status == 0)); then return; fi
  done
  # shellcheck disable=SC2001  # every line
  sed 's/^/  /' <<<"$said" >&2
  if ((status != 2)); then fail "it says the above" 1 "use version $version"; fi
  return 1
}

# start_daemon SYSTEMCTL: (re)starts; returns when the daemon has looked at each service once.
start_daemon() {
  local since
  since=$(date +%s.%N)
  if ! "$1" restart $name.service >/dev/null 2>&1; then
    journalctl --sync
    journalctl --unit $name --since "@$since" --output cat --no-pager | tail -n 15 | sed 's/^/  /' >&2
    fail "it says the above" 1 "start the daemon"
  fi
}

say_not_started() {
  echo "cannot start: $config cannot be used, see above; mend it, then run:$(
  ) systemctl start $name" >&2
}

# say_what_is_next EXAMPLE
say_what_is_next() {
  if cmp -s "$1" $config; then
    say "next: run $name init, which puts what runs here into $config, or name your$(
    ) services there yourself; then: systemctl reload $name"
  fi
}

# What the jobs have answered, which nobody asks any longer.
forget_jobs() {
  local job
  for job in "${jobs[@]}"; do rm -rf "/run/$job"; done
}

# Configuration, secrets, state and the user who owned it.
remove_what_stayed() {
  rm -rf $etc /var/lib/$name /run/$name /etc/systemd/system/$name.service.d
  if getent passwd $name >/dev/null; then attempt "remove the user $name" userdel $name; fi
}
