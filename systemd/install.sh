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
source=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
# shellcheck source=systemd/steps.sh
. "$source/systemd/steps.sh"
unit=/etc/systemd/system/$name.service
sysusers=/etc/sysusers.d/$name.conf
command=$by_hand
jobs_rule=/etc/polkit-1/rules.d/49-$name-jobs.rules
# For people at a shell: the manual, and what completes the command. FROM, and where it goes.
declare -A aids=(
  [manual/$name.1]=/usr/local/share/man/man1/$name.1
  [manual/$name.toml.5]=/usr/local/share/man/man5/$name.toml.5
  [completion/$name.bash]=/usr/local/share/bash-completion/completions/$name
  [completion/_$name]=/usr/local/share/zsh/site-functions/_$name
  [completion/$name.fish]=/usr/local/share/fish/vendor_completions.d/$name.fish
)

wheels='' start=yes purge=no extras=()
work='' staged='' old='' switched=no

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

# Two installations would share configuration, state and user, and each would replace the other.
require_no_package() {
  local status
  status=$(dpkg-query --show --showformat '${db:Status-Status}' $name 2>/dev/null) || return 0
  case $status in
    not-installed | config-files) ;;
    *)
      fail "the Debian package $name is there; apt upgrades and removes it, or makes room$(
      ) for this with: apt-get remove $name"
      ;;
  esac
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
  make_user $sysusers
  # Also makes sure that the user can read all of it.
  attempt "use what was installed" as_daemon "$staged/bin/python" -I -c '
from importlib.metadata import distributions
import watchdog.cli.main
if any(d.metadata["Name"].lower() == "watchdog" for d in distributions()):
    raise SystemExit("PyPI\"s \"watchdog\" is installed beside it, and replaces its files")'
  make_config "$source/config.example.toml"
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
  local aid
  for aid in "${!aids[@]}"; do
    attempt "write ${aids[$aid]}" install -D -m 644 "$source/$aid" "${aids[$aid]}"
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
  if ! check_config "$staged/bin/$name" "$version"; then
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
      start_daemon systemctl
    fi
  fi
  switched=no

  if ! active || [[ $start == yes ]]; then remove_versions_but "$(basename "$staged")"; fi
  if [[ $usable == no ]]; then
    say_not_started
    exit 2
  fi
  if [[ $start == yes ]]; then
    say "running: $(systemctl show --property=StatusText --value $name.service)"
  else
    say "installed; it starts with the host, or with: systemctl start $name"
  fi
  say_what_is_next "$source/config.example.toml"
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
  done
  forget_jobs
  rm -f $unit $sysusers "${aids[@]}"
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
    remove_what_stayed
    say "removed, with configuration, state and user"
  else
    say "removed; $etc, /var/lib/$name and the user $name stay (--purge removes them)"
  fi
}

read_arguments "$@"
require_root_and_systemd
require_no_package
case $action in
  install) install_ ;;
  uninstall) uninstall ;;
esac
