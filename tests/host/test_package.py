"""The Debian package: installed, upgraded, removed, and beside `systemd/install.sh`."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.host.conftest import HostFactory
from tests.host.host import REPOSITORY, Host
from tests.host.image import BUILT_AT, OLDER_VERSION, Images
from tests.host.installed import CONFIG, DAEMON
from watchdog import __version__

pytestmark = pytest.mark.timeout(180)  # each installation takes some seconds

NAME = "service-watchdog"
RULE = "/etc/polkit-1/rules.d/50-service-watchdog.rules"
JOBS_RULE = "/usr/share/polkit-1/rules.d/49-service-watchdog-jobs.rules"
TOKEN = "/etc/service-watchdog/credentials/slack-token"
SRC_INSTALL = "/src/systemd/install.sh"

# Told at once, and left alone.
TROUBLED = """\
[[service]]
unit = "web.service"
max_failures = 1
restart_after = { unit = 0 }
"""
BROKEN_UNIT = "[Service]\nExecStart=/bin/false\n"


@pytest.fixture
def pristine(images: Images, host_factory: HostFactory) -> Host:
    """A Debian on which nothing of ours has ever been, with the packages at hand."""
    return host_factory(layers=[images.base()], binds=debs(images))


@pytest.fixture
def by_hand(images: Images, host_factory: HostFactory) -> Host:
    """A host where `systemd/install.sh` has installed the daemon."""
    return host_factory(
        layers=[images.base(), images.peers(), images.installed_by_hand()], binds=debs(images)
    )


def debs(images: Images) -> dict[str, Path]:
    return {"/debs": images.deb(), "/older": images.older_deb()}


def apt(host: Host, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return host.sh(
        'DEBIAN_FRONTEND=noninteractive apt-get --yes --quiet "$@" 2>&1',
        *arguments,
        check=check,
        timeout=120,
    )


def install(
    host: Host, *, older: bool = False, check: bool = True
) -> subprocess.CompletedProcess[str]:
    (package,) = host.sh(f"ls /{'older' if older else 'debs'}/*.deb").stdout.split()
    return apt(host, "install", "--allow-downgrades", package, check=check)


def version(host: Host) -> str:
    return host.run(NAME, "--version").stdout.split()[-1]


def open_incident(host: Host) -> str:
    """Return the id of the incident that the daemon has open."""
    incidents = json.loads(host.run(NAME, "incidents", "--json").stdout)["incidents"]
    (incident,) = [each for each in incidents if each["closed"] is None]
    return str(incident["id"])


def watch_trouble(host: Host) -> str:
    """Have the daemon watch a unit that is broken, and return the id of the incident."""
    host.write_unit("web.service", BROKEN_UNIT)
    host.systemctl("start", "web.service")
    host.run("tee", CONFIG, input=TROUBLED)
    host.systemctl("restart", DAEMON)
    return open_incident(host)


def state(host: Host) -> dict[str, str]:
    return host.unit(DAEMON, "ActiveState", "UnitFileState", "NRestarts")


RUNNING = {"ActiveState": "active", "UnitFileState": "enabled", "NRestarts": "0"}


def test_it_is_installed_removed_installed_again_and_purged(pristine: Host) -> None:
    said = install(pristine).stdout

    assert f"wrote the example configuration to {CONFIG}" in said
    assert state(pristine) == RUNNING
    assert version(pristine) == __version__
    assert pristine.run("stat", "--format=%a %U:%G", CONFIG).stdout == f"640 root:{NAME}\n"
    assert pristine.exists(RULE)
    assert pristine.systemctl("--failed", "--quiet").stdout == ""
    assert pristine.run("dpkg", "--verify", NAME).stdout == ""  # as it was packed
    # As dpkg unpacks them, and in reverse as it removes them: a permission to start a unit that is
    # not there would be one to start anything.
    files = pristine.run("dpkg-query", "--listfiles", NAME).stdout.split()
    assert files.index(JOBS_RULE) > max(
        files.index(f"/lib/systemd/system/{NAME}-{job}.service")
        for job in ("nginx-test", "firewall")
    )
    compiled = pristine.sh(
        "ls -d /opt/service-watchdog/venv-*/lib/python3.11/*/watchdog/__pycache__"
    )
    assert len(compiled.stdout.split()) == 1

    refused = pristine.run(SRC_INSTALL, check=False)
    assert refused.returncode == 1
    assert refused.stderr == (
        "cannot install: the Debian package service-watchdog is there; apt upgrades and removes "
        "it, or makes room for this with: apt-get remove service-watchdog; nothing is changed\n"
    )

    pristine.write(TOKEN, "xoxb-1\n", mode=0o600)
    apt(pristine, "remove", NAME)
    assert pristine.unit(DAEMON, "LoadState") == {"LoadState": "not-found"}
    assert pristine.read(TOKEN) == "xoxb-1\n"
    assert pristine.exists("/var/lib/service-watchdog/state.db")
    assert not pristine.exists(RULE)
    assert not pristine.exists(JOBS_RULE)
    assert not pristine.exists("/opt/service-watchdog")

    install(pristine)
    assert state(pristine) == RUNNING

    apt(pristine, "purge", NAME)
    left = pristine.sh(
        "find / -xdev -name '*service-watchdog*' -not -path '/src*' -not -path '/proc/*' "
        "-not -path '/sys/*' -not -path '/older/*' -not -path '/debs/*'"
    )
    assert left.stdout == ""
    assert pristine.run("getent", "passwd", NAME, check=False).returncode != 0


def test_an_upgrade_waits_for_a_configuration_and_keeps_state_and_incident_as_does_a_downgrade(
    pristine: Host,
) -> None:
    install(pristine, older=True)
    assert version(pristine) == OLDER_VERSION
    incident = watch_trouble(pristine)
    before = pristine.unit(DAEMON, "MainPID")

    pristine.run("tee", CONFIG, input=f"{TROUBLED}prot = 1\n")
    refused = install(pristine, check=False)
    assert refused.returncode != 0
    assert f"  {CONFIG}:5" in refused.stdout
    assert (
        f"cannot restart the daemon: version {__version__} does not take {CONFIG} as it is; "
        "mend it; run dpkg --configure service-watchdog when that is mended\n"
    ) in refused.stdout
    assert pristine.unit(DAEMON, "MainPID") == before
    assert open_incident(pristine) == incident

    pristine.run("tee", CONFIG, input=TROUBLED)
    pristine.run("dpkg", "--configure", NAME)
    assert version(pristine) == __version__
    assert state(pristine) == RUNNING
    assert pristine.unit(DAEMON, "MainPID") != before
    assert pristine.read(CONFIG) == TROUBLED
    assert open_incident(pristine) == incident
    assert pristine.sh("ls -d /opt/service-watchdog/venv-*").stdout == (
        f"/opt/service-watchdog/venv-{__version__}\n"
    )

    install(pristine, older=True)
    assert version(pristine) == OLDER_VERSION
    assert open_incident(pristine) == incident


@pytest.mark.soak
def test_what_the_administrator_has_disabled_stays_so(pristine: Host) -> None:
    install(pristine, older=True)
    pristine.systemctl("disable", "--now", DAEMON)
    install(pristine)
    assert state(pristine) == {**RUNNING, "ActiveState": "inactive", "UnitFileState": "disabled"}


def test_two_builds_are_the_same_to_the_byte(images: Images, tmp_path: Path) -> None:
    """Whoever builds it, wherever, with whatever settings, in whatever order the disk has them."""
    wheels = tmp_path / "wheels"
    wheels.mkdir(mode=0o700)
    for wheel in sorted(images.wheels().iterdir(), reverse=True):
        shutil.copy(wheel, wheels)
    subprocess.run(
        [
            *("bash", "-c", 'umask 077; exec "$@"', "bash", sys.executable),
            *("-m", "scripts.debian", "--compression", "none", "--wheels", wheels),
            *("--source", images.project(), tmp_path / "made"),
        ],
        check=True,
        capture_output=True,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.fspath(REPOSITORY),
            "LC_ALL": "C",
            "TZ": "Asia/Seoul",
            "TMPDIR": os.fspath(tmp_path),
            "SOURCE_DATE_EPOCH": BUILT_AT,
        },
    )
    assert sums(tmp_path / "made") == sums(images.deb())


def sums(directory: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir()
    }


def test_it_takes_over_from_install_sh_once_that_is_uninstalled(by_hand: Host) -> None:
    incident = watch_trouble(by_hand)

    refused = install(by_hand, check=False)
    assert refused.returncode != 0
    assert (
        "cannot install: systemd/install.sh has installed service-watchdog here; to have the "
        "package in its place, run its --uninstall, which keeps configuration and state, and "
        "install the package then; nothing is changed\n"
    ) in refused.stdout
    assert open_incident(by_hand) == incident

    by_hand.run(SRC_INSTALL, "--uninstall")
    install(by_hand)
    assert state(by_hand) == RUNNING
    assert open_incident(by_hand) == incident


# --------------------------------------------------------------------- judged by others


@pytest.fixture
def checkers(images: Images, host_factory: HostFactory) -> Host:
    """A host with zsh, fish and lintian."""
    return host_factory(layers=[images.base(), images.checkers()], binds=debs(images))


# The packages of the tests are not compressed, for speed.
LINTIAN = """
lintian --allow-root --fail-on error,warning /debs/*.deb \
    --suppress-tags uses-no-compression-for-control-tarball,uses-no-compression-for-data-tarball
"""


@pytest.mark.soak
@pytest.mark.timeout(900)  # it may have to be downloaded
def test_lintian_finds_nothing(checkers: Host) -> None:
    said = checkers.sh(LINTIAN, check=False, timeout=600)
    assert said.stdout == ""
    assert said.returncode == 0


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_fish_and_zsh_complete_commands_and_names(checkers: Host) -> None:
    install(checkers)
    checkers.run("tee", CONFIG, input=TROUBLED)

    def fish(line: str) -> str:
        offered = checkers.run("fish", "-c", f"complete -C '{line}'").stdout
        return " ".join(each.partition("\t")[0] for each in offered.splitlines())

    assert fish("service-watchdog sta") == "status"
    assert fish("service-watchdog status we") == "web"
    typed = "service-watchdog sta\\t"
    completed = checkers.run("zsh", "-c", ZSH, "zsh", typed, "service-watchdog status we\\t")
    assert completed.stdout == "service-watchdog status\nservice-watchdog status web\n"


# Types each argument at a zsh of its own, and prints what has become of the line.
ZSH = r"""
zmodload zsh/zpty
for typed; do
  zpty shell zsh -f -i
  zpty -w shell 'PS1=; autoload -U compinit; compinit -u; show() { print -r -- "<${BUFFER% }>" }'
  zpty -w shell 'zle -N show; bindkey "^X" show'
  zpty -n -w shell "$(printf "$typed")"$'\x18'
  zpty -r -m shell line '*<service*>*'
  print -r -- "${${line##*<}%%>*}"
  zpty -d shell
done
"""
