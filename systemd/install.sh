#!/usr/bin/env bash
# Install, upgrade, repair or remove the service-watchdog daemon. Run as root.
#
#   install.sh [--wheels DIR] [--no-start] [--with EXTRA]...
#                                      install; run again to upgrade or repair
#   install.sh --uninstall [--purge]   remove; configuration and state stay without --purge
#
#   --wheels DIR   the project's wheel and those of its dependencies, in place of the network
#   --no-start     only put files in place, as when an image is built
#   --with EXTRA   what only some need as well; an upgrade keeps it:
#                  apprise  for the channel [apprise]
#                  aws      for what the doctor asks AWS on EC2
#
# Exit status: 0 done; 1 not done; 2 wrong usage, or a configuration that cannot be used.
set -euo pipefail
# The distribution's own programs first; what is written is readable by the daemon's user.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin LC_ALL=C.UTF-8
unset PYTHONHOME PYTHONPATH VIRTUAL_ENV
umask 022

name=service-watchdog
source=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
home=/opt/$name
etc=/etc/$name
config=$etc/config.toml
unit=/etc/systemd/system/$name.service
sysusers=/etc/sysusers.d/$name.conf
command=/usr/local/bin/$name
rule=/etc/polkit-1/rules.d/50-$name.rules
# What root does for members of the group: two units, and the permission to start them.
jobs=("$name-nginx-test" "$name-firewall")
jobs_rule=/etc/polkit-1/rules.d/49-$name-jobs.rules

action=install
consequence="nothing is changed"
wheels='' start=yes purge=no extras=()
work='' staged='' old='' switched=no explained=no

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

# how_to_get APT DNF: the command that installs a package here.
how_to_get() {
  if command -v apt-get >/dev/null; then
    echo "apt-get install $1"
  elif command -v dnf >/dev/null; then
    echo "dnf install $2"
  else
    echo "your package manager for $1"
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

# --------------------------------------------------------------- may it be done?

read_arguments() {
  while (($#)); do
    case $1 in
      --wheels)
        if [[ ! -d ${2:-} ]]; then fail "--wheels needs a directory, not '${2:-}'" 2; fi
        wheels=$(realpath "$2")
        shift
        ;;
      --no-start) start=no ;;
      --with)
        if [[ ! ${2:-} =~ ^(apprise|aws)$ ]]; then
          fail "--with takes 'apprise' or 'aws', not '${2:-}'" 2
        fi
        extras+=("$2")
        shift
        ;;
      --uninstall) action=uninstall ;;
      --purge) purge=yes ;;
      -h | --help)
        sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
        exit 0
        ;;
      *) fail "'$1' is no option; see --help" 2 ;;
    esac
    shift
  done
  if [[ $purge == yes && $action == install ]]; then
    fail "--purge goes with --uninstall only" 2
  fi
}

require_root_and_systemd() {
  if ((EUID != 0)); then fail "not root; run it with sudo"; fi
  if ! command -v systemctl >/dev/null; then
    fail "systemd is missing; elsewhere run '$name run' under your own supervisor"
  fi
  if [[ $start == yes && $action == install ]] && ! booted; then
    fail "systemd does not run here; --no-start only puts the files in place"
  fi
  exec 9>/run/$name-install.lock
  if ! flock --nonblock 9; then fail "another $name installation is running; wait for it"; fi
}

# Sets python to the first Python >= 3.11 that the sandboxed daemon can reach, by its full name: one
# that an upgrade of the distribution does not silently replace.
require_python() {
  local candidate found
  local usable='
import os, sys
prefix = os.path.realpath(sys.base_prefix)
if sys.version_info < (3, 11) or prefix.startswith(("/home/", "/root/", "/run/user/")):
    sys.exit(1)
print(os.path.realpath(sys._base_executable))'
  python=''
  for candidate in python3 python3.11 python3.12 python3.13 python3.14; do
    if found=$("$candidate" -I -c "$usable" 2>/dev/null); then
      python=$found
      break
    fi
  done
  if [[ -z $python ]]; then
    fail "python3 >= 3.11 is missing (this is $(python3 --version 2>/dev/null || echo none));$(
    ) run: $(how_to_get 'python3.11 python3.11-venv' python3.11)"
  fi
  if ! "$python" -I -c 'import ensurepip, venv' 2>/dev/null; then
    fail "$candidate-venv is missing; run: $(how_to_get "$candidate-venv" "$candidate")"
  fi
}

require_polkit() {
  local version
  local need="the daemon, which is not root, needs polkit's rules to restart anything"
  if ! version=$(pkaction --version 2>/dev/null); then
    fail "polkit is missing, and $need; run: $(how_to_get polkitd polkit)"
  fi
  version=${version##* }
  if [[ $version =~ ^0\.([0-9]+) ]] && ((10#${BASH_REMATCH[1]} < 106)); then
    fail "polkit $version is too old, and $need, which came with 0.106;$(
    ) use Debian 12, Ubuntu 24.04 or newer"
  fi
}

require_room_for_ours() {
  local place
  for place in "$home/bin" "$command"; do
    if [[ -e $place && ! -L $place ]]; then
      fail "$place exists and is not of this installer's making; move it away"
    fi
  done
  version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$source/watchdog/__init__.py")
  if [[ -n $wheels ]] && ! compgen -G "$wheels/service_watchdog-$version-*.whl" >/dev/null; then
    fail "$wheels has no wheel of $name $version"
  fi
}

# ---------------------------------------------------------------- install

# has_now PACKAGE: tells whether the installed version brings PACKAGE, for an extra.
has_now() {
  compgen -G "$home/bin/../lib/python*/site-packages/$1" >/dev/null
}

# Makes $staged: a virtual environment with the project and what it needs, and without pip, so
# that nothing else gets in (PyPI's "watchdog" would replace files of ours).
stage() {
  local extra locked=("$source/requirements/run.lock")
  if has_now apprise; then extras+=(apprise); fi
  if has_now boto3; then extras+=(aws); fi
  # What two of them have in common is in the same version in both.
  for extra in "${extras[@]}"; do locked+=("$source/requirements/$extra.lock"); done
  work=$home/.installing
  rm -rf $work # what a killed installation left
  attempt "write to $home" mkdir -p $work
  export TMPDIR=$work PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
  local pip=("$work/tools/bin/python" -m pip --quiet --no-cache-dir)
  attempt "create a virtual environment" "$python" -m venv --without-pip "$work/tools"
  # Called by itself, for venv would hide what it says.
  attempt "create a virtual environment" "$work/tools/bin/python" -m ensurepip --default-pip
  if [[ -z $wheels ]]; then
    say "downloading the locked dependencies"
    wheels=$work/wheels
    # Builds use locked tools as well: nothing is fetched that has no hash.
    attempt "download what builds the project" \
      "${pip[@]}" install --require-hashes --requirement "$source/requirements/build.lock"
    attempt "download the dependencies" \
      "${pip[@]}" wheel --require-hashes --no-build-isolation --use-pep517 \
      --wheel-dir "$wheels" "${locked[@]/#/--requirement=}"
    attempt "build the project" \
      "${pip[@]}" wheel --no-deps --no-index --no-build-isolation --wheel-dir "$wheels" "$source"
  fi
  say "installing version $version in $home"
  local number=1
  while [[ -e $home/venv-$version-$number ]]; do number=$((number + 1)); done
  staged=$home/venv-$version-$number
  # The versions of the lock; its hashes are those of PyPI's files, which wheels built here are not.
  attempt "write to $home" sed -n 's/^\([a-z0-9].*\) \\$/\1/w '"$work/locked" "${locked[@]}"
  attempt "write to $home" sort -u -o "$work/versions" "$work/locked"
  attempt "create a virtual environment" "$python" -m venv --without-pip "$staged"
  attempt "install the wheels" "${pip[@]}" --isolated --python "$staged/bin/python" install \
    --no-index --find-links "$wheels" --no-deps --requirement "$work/versions" "$name==$version"
}

make_user_and_config() {
  consequence=${untouched:-"run this again when that is mended"}
  attempt "write $sysusers" install -D -m 644 "$source/systemd/sysusers.conf" $sysusers
  attempt "create the user $name" systemd-sysusers $sysusers
  # Also makes sure that the user can read all of it.
  attempt "use what was installed" as_daemon "$staged/bin/python" -I -c '
from importlib.metadata import distributions
import watchdog.cli.main
if any(d.metadata["Name"].lower() == "watchdog" for d in distributions()):
    raise SystemExit("PyPI\"s \"watchdog\" is installed beside it, and replaces its files")'
  attempt "write to $etc" install -d -m 750 -g $name $etc
  attempt "write to $etc" install -d -m 700 $etc/credentials
  if [[ ! -e $config ]]; then
    attempt "write $config" install -m 640 -g $name "$source/config.example.toml" $config
    say "wrote the example configuration to $config"
  fi
}

# Succeeds if the new version takes the configuration, with the credentials that a running daemon
# has (a drop-in may bring some) or with those that are in place for the next; else prints why not.
check_config() {
  local credentials said='' status=0
  if ! as_daemon test -r $config; then
    echo "  $config: the daemon may not read it; run: chgrp $name $config; chmod 640 $config" >&2
    return 1
  fi
  for credentials in /run/credentials/$name.service $etc/credentials; do
    if [[ ! -d $credentials ]]; then continue; fi
    status=0
    said=$(CREDENTIALS_DIRECTORY=$credentials \
      "$staged/bin/$name" config check --config $config 2>&1) || status=$?
    if ((status == 0)); then return; fi
  done
  # shellcheck disable=SC2001  # every line
  sed 's/^/  /' <<<"$said" >&2
  if ((status != 2)); then fail "it says the above" 1 "use version $version"; fi
  return 1
}

# point_to DIRECTORY: makes DIRECTORY, relative to $home, the one that runs, in one step.
point_to() {
  attempt "write to $home" ln -sfn "$1" $home/.bin.new
  attempt "write to $home" mv -T $home/.bin.new $home/bin
}

switch() {
  old=$(readlink $home/bin || true)
  if [[ -e $unit ]]; then attempt "write to $home" cp -p $unit $work/unit.old; fi
  switched=yes
  point_to "$(basename "$staged")/bin"
  attempt "write $command" ln -sfn $home/bin/$name $command
  attempt "write $unit" install -m 644 "$source/systemd/$name.service" $unit
  local job
  for job in "${jobs[@]}"; do
    attempt "write $job.service" \
      install -m 644 "$source/systemd/$job.service" "/etc/systemd/system/$job.service"
  done
  attempt "enable the unit" systemctl enable --quiet $name.service
  if booted; then attempt "load the unit" systemctl daemon-reload; fi
  # Only now: a permission to start what does not exist would be one to start anything.
  attempt "write $jobs_rule" install -m 644 "$source/systemd/$name-jobs.rules" $jobs_rule
}

# Puts back the version that ran before, if one did.
roll_back() {
  if [[ -z $old ]]; then return; fi
  point_to "$old"
  if [[ -e $work/unit.old ]]; then cp -p $work/unit.old $unit; fi
  if booted; then
    systemctl daemon-reload
    if [[ $start == yes ]]; then systemctl restart $name.service; fi
  fi
}

on_exit() {
  local status=$?
  trap - EXIT
  set +e
  if ((status == 1)) && [[ $explained == no ]]; then
    echo "cannot $action: see the line above; $consequence" >&2
  fi
  if [[ $switched == yes ]]; then roll_back; fi
  if [[ -n $staged && $(readlink $home/bin) != "$(basename "$staged")/bin" ]]; then
    rm -rf "$staged"
  fi
  if [[ -n $work ]]; then rm -rf $work; fi
  rmdir --ignore-fail-on-non-empty $home 2>/dev/null || true
}

# Returns when the daemon has looked at each service once.
start_daemon() {
  local since
  since=$(date +%s.%N)
  if ! systemctl restart $name.service 2>/dev/null; then
    journalctl --sync
    journalctl --unit $name --since "@$since" --output cat --no-pager | tail -n 15 | sed 's/^/  /' >&2
    fail "it says the above" 1 "start the daemon"
  fi
}

install_() {
  require_python
  require_polkit
  require_room_for_ours
  trap on_exit EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP

  local usable=yes untouched=''
  if active; then untouched="the installed version goes on"; fi
  consequence=${untouched:-$consequence}
  stage
  make_user_and_config
  if ! check_config; then
    usable=no
    if active; then fail "version $version does not take $config as it is; mend it" 2; fi
  fi

  if [[ -e $home/bin ]]; then consequence="the version before is put back"; fi
  switch
  if [[ $usable == yes ]]; then
    attempt "allow the restarts" $home/bin/$name grant --config $config
    if [[ $start == yes ]]; then
      if [[ -z $old ]]; then consequence="see journalctl -u $name"; fi
      say "starting"
      start_daemon
    fi
  fi
  switched=no

  if ! active || [[ $start == yes ]]; then remove_versions_but "$(basename "$staged")"; fi
  if [[ $usable == no ]]; then
    echo "cannot start: $config cannot be used, see above; mend it, then run:$(
    ) systemctl start $name" >&2
    exit 2
  fi
  if [[ $start == yes ]]; then
    say "running: $(systemctl show --property=StatusText --value $name.service)"
  else
    say "installed; it starts with the host, or with: systemctl start $name"
  fi
  if cmp -s "$source/config.example.toml" $config; then
    say "next: run $name init, which puts what runs here into $config, or name your$(
    ) services there yourself; then: systemctl reload $name"
  fi
}

# remove_versions_but NAME
remove_versions_but() {
  local version
  for version in "$home"/venv-*; do
    if [[ -d $version && $(basename "$version") != "$1" ]]; then rm -rf "$version"; fi
  done
}

# -------------------------------------------------------------- uninstall

uninstall() {
  consequence="what is left can be removed by running this again"
  if [[ -e $unit ]]; then
    if booted; then
      attempt "stop the daemon" systemctl disable --quiet --now $name.service
    else
      attempt "disable the unit" systemctl disable --quiet $name.service
    fi
  fi
  # First the permissions. A directory may hold more than what came from here, so each by its name.
  rm -f $rule $jobs_rule
  local job
  for job in "${jobs[@]}"; do
    rm -f "/etc/systemd/system/$job.service"
    rm -rf "/run/$job"
  done
  rm -f $unit $sysusers
  if [[ -L $command ]]; then rm -f $command; fi
  if [[ -L $home/bin ]]; then rm -f $home/bin; fi
  remove_versions_but ''
  rm -rf $home/.installing $home/.bin.new
  rmdir --ignore-fail-on-non-empty $home 2>/dev/null || true
  if booted; then
    systemctl daemon-reload
    systemctl reset-failed $name.service 2>/dev/null || true
  fi
  if [[ $purge == yes ]]; then
    rm -rf $etc /var/lib/$name /run/$name $unit.d
    if getent passwd $name >/dev/null; then attempt "remove the user $name" userdel $name; fi
    say "removed, with configuration, state and user"
  else
    say "removed; $etc, /var/lib/$name and the user $name stay (--purge removes them)"
  fi
}

read_arguments "$@"
require_root_and_systemd
case $action in
  install) install_ ;;
  uninstall) uninstall ;;
esac
