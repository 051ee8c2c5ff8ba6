"""The root file systems of the test host: what each contains, and how it is made.

Recipes are their own cache keys: change one, and it is built anew where it is next used.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from scripts.debian.wheels import WHEEL_OPTIONS
from tests.host.cache import Cache, key_of
from tests.host.host import REPOSITORY, Host, HostError
from tests.host.ingredients import (
    CHROOT_SCRIPT,
    CONTAINED,
    SUITE,
    apt_settings,
    apt_sources,
    download_wheels,
    pip,
    run,
    run_in_chroot,
)
from tests.host.machine import cgroup_root

HERE = Path(__file__).parent

TOOLS = {
    "apt-config": "apt",
    "bash": "bash",
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "nsenter": "util-linux",
    "pkill": "procps",
    "setpriv": "util-linux",
    "unshare": "util-linux",
}
"""The programs that a host takes, and the Debian packages that have them."""

PEER_REQUIREMENTS = HERE / "peers" / "requirements.lock"

BASE_PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "polkitd", "python3", "python3-venv"),
    *("iproute2", "nginx-light", "ufw", "procps", "ca-certificates", "curl"),
)
# What the build took from this machine is no part of a pristine Debian.
BASE_CLEANUP = 'rm -f "$1"/etc/resolv.conf "$1"/etc/hostname "$1"/etc/apt/apt.conf.d/99mmdebstrap'

PEERS_SCRIPT = """\
apt-get update --quiet
apt-get install --quiet --yes --no-install-recommends \
    strace monit supervisor prometheus prometheus-alertmanager exim4-daemon-light
systemctl disable monit.service supervisor.service prometheus.service \
    prometheus-alertmanager.service exim4.service
python3 -m venv /opt/peers
/opt/peers/bin/pip install --quiet --no-index --find-links /run/inputs/wheels \
    --require-hashes --requirement /run/inputs/requirements.lock
apt-get clean
rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log /root/.cache
"""

# Beside what ufw brings: nft itself, and the firewall of Red Hat and its kin.
FIREWALLS_SCRIPT = """\
apt-get update --quiet
apt-get install --quiet --yes --no-install-recommends nftables firewalld
systemctl disable nftables.service firewalld.service
apt-get clean
rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log
"""

# Other shells than bash, and Debian's own judge of packages.
CHECKERS_SCRIPT = """\
apt-get update --quiet
apt-get install --quiet --yes --no-install-recommends zsh fish lintian
apt-get clean
rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log
"""

RUN_LOCK = REPOSITORY / "requirements" / "run.lock"
APPRISE_LOCK = REPOSITORY / "requirements" / "apprise.lock"
AWS_LOCK = REPOSITORY / "requirements" / "aws.lock"
WHEEL_INPUTS = ("watchdog", "pyproject.toml", "README.md", "LICENSE", "config.example.toml")
PROJECT = (*WHEEL_INPUTS, "CHANGELOG.md", "completion", "manual", "requirements", "systemd")
"""What an installation takes."""
COPY_ATTEMPTS = 5
INSTALLED_BY = "SERVICE_WATCHDOG_TEST_INSTALLED_BY"
"""The environment variable that, as `deb`, has the daemon come by its Debian package."""
INSTALL = ("/project/systemd/install.sh", "--wheels", "/wheels", "--no-start")
INSTALL_DEB = "apt-get install --yes --quiet /debs/*.deb"
PACKAGER = REPOSITORY / "scripts" / "debian"
OLDER_VERSION = "0.0.9"
BUILT_AT = "1700000000"


class _ChangedError(Exception):
    """Somebody edits what is being copied."""


class Images:
    """Builds what a host is booted from, where the cache does not have it yet."""

    def __init__(self, cache: Cache | None = None) -> None:
        self._cache = cache or Cache()
        self._project: Path | None = None

    def base(self) -> Path:
        """Return a pristine Debian 12."""
        packages = ",".join(BASE_PACKAGES)
        key = key_of(SUITE, packages, BASE_CLEANUP)

        def build(building: Path) -> None:
            settings = building / "apt.conf"
            settings.write_text(apt_settings())
            run(
                *CONTAINED,
                *("mmdebstrap", "--variant=minbase", f"--include={packages}"),
                *(f"--aptopt={settings}", f"--customize-hook={BASE_CLEANUP}"),
                SUITE,
                building / "root",
                *apt_sources(),
            )
            settings.unlink()

        return self._cache.entry("base", key, build, "a pristine Debian 12") / "root"

    def peers(self) -> Path:
        """Return the layer with what tests talk to and compare with: /opt/peers, monit, strace."""
        base = self.base()
        key = key_of(base.parent.name, PEERS_SCRIPT, CHROOT_SCRIPT, PEER_REQUIREMENTS)

        def build(building: Path) -> None:
            inputs = building / "inputs"
            inputs.mkdir()
            (inputs / "apt.conf").write_text(apt_settings())
            (inputs / "requirements.lock").write_bytes(PEER_REQUIREMENTS.read_bytes())
            download_wheels(PEER_REQUIREMENTS, inputs / "wheels")
            run_in_chroot([base], building, PEERS_SCRIPT)

        return self._cache.entry("peers", key, build, "the peers' layer") / "root"

    def firewalls(self) -> Path:
        """Return the layer on base and peers with nft and firewalld, neither of them running."""
        lower = [self.base(), self.peers()]
        key = key_of(lower[-1].parent.name, FIREWALLS_SCRIPT, CHROOT_SCRIPT)

        def build(building: Path) -> None:
            inputs = building / "inputs"
            inputs.mkdir()
            (inputs / "apt.conf").write_text(apt_settings())
            run_in_chroot(lower, building, FIREWALLS_SCRIPT)

        return self._cache.entry("firewalls", key, build, "the layer of firewalls") / "root"

    def checkers(self) -> Path:
        """Return the layer on base with zsh, fish and lintian."""
        base = self.base()
        key = key_of(base.parent.name, CHECKERS_SCRIPT, CHROOT_SCRIPT)

        def build(building: Path) -> None:
            inputs = building / "inputs"
            inputs.mkdir()
            (inputs / "apt.conf").write_text(apt_settings())
            run_in_chroot([base], building, CHECKERS_SCRIPT)

        return self._cache.entry("checkers", key, build, "the layer of checkers") / "root"

    def wheels(self) -> Path:
        """Return a directory of wheels for the host's Python: the project's and what it needs."""
        project, locked = self.project(), self._locked_wheels()
        key = key_of(locked.name, *(project / name for name in WHEEL_INPUTS))

        def build(building: Path) -> None:
            for wheel in locked.iterdir():
                os.link(wheel, building / wheel.name)
            # A build may write beside what it builds.
            source = building / "source"
            run("cp", "-a", project, source)
            pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", building, source)
            shutil.rmtree(source)

        return self._cache.entry("wheels", key, build, "the project's wheel")

    def deb(self) -> Path:
        """Return a directory with the Debian package, which is not compressed, for speed."""
        project, wheels = self.project(), self.wheels()
        key = key_of(project.name, wheels.name, PACKAGER)

        def build(building: Path) -> None:
            _package(project, wheels, building)

        return self._cache.entry("deb", key, build, "the Debian package")

    def older_deb(self) -> Path:
        """Return a directory with the Debian package of a version before this one."""
        project, wheels = self.project(), self.wheels()
        key = key_of(project.name, wheels.name, PACKAGER, OLDER_VERSION)

        def build(building: Path) -> None:
            source, older = building / "source", building / "wheels"
            run("cp", "-a", project, source)
            (source / "watchdog/__init__.py").write_text(
                f'"""As it is now, with another number."""\n\n__version__ = "{OLDER_VERSION}"\n'
            )
            older.mkdir()
            for wheel in wheels.glob("*.whl"):
                if not wheel.name.startswith("service_watchdog-"):
                    os.link(wheel, older / wheel.name)
            pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", older, source)
            _package(project, older, building)
            shutil.rmtree(source)
            shutil.rmtree(older)

        return self._cache.entry("older-deb", key, build, "the Debian package before")

    def apprise_wheels(self) -> Path:
        """Return a directory of wheels for an installation with the extra apprise."""
        own = self.wheels()

        def build(building: Path) -> None:
            download_wheels(APPRISE_LOCK, building)
            for wheel in own.glob("service_watchdog-*.whl"):
                os.link(wheel, building / wheel.name)

        key = key_of(own.name, APPRISE_LOCK, *WHEEL_OPTIONS)
        return self._cache.entry("apprise", key, build, "the wheels with apprise")

    def wheels_of_all_extras(self) -> Path:
        """Return a directory of wheels for an installation with every extra."""
        apprise = self.apprise_wheels()

        def build(building: Path) -> None:
            download_wheels(AWS_LOCK, building)
            for wheel in apprise.iterdir():
                with suppress(FileExistsError):  # both need it
                    os.link(wheel, building / wheel.name)

        key = key_of(apprise.name, AWS_LOCK, *WHEEL_OPTIONS)
        return self._cache.entry("extras", key, build, "the wheels of all extras")

    def installed(self) -> Path:
        """Return the layer on base and peers that `systemd/install.sh` leaves, or the package.

        The daemon is disabled there: it starts when a test has configured it, not with the host.
        """
        if os.environ.get(INSTALLED_BY) == "deb":
            return self.installed_deb()
        return self.installed_by_hand()

    def installed_by_hand(self) -> Path:
        """Return the layer as `systemd/install.sh` leaves it."""
        project, wheels, lower = self.project(), self.wheels(), [self.base(), self.peers()]
        key = key_of(project.name, wheels.name, *(layer.parent.name for layer in lower), *INSTALL)

        def install(host: Host) -> None:
            host.run(*INSTALL, timeout=300)
            host.systemctl("disable", "service-watchdog.service")

        binds = {"/project": project, "/wheels": wheels}
        return self.layer("installed", key, lower, install, binds=binds)

    def installed_deb(self) -> Path:
        """Return the same layer, as the Debian package leaves it."""
        debs, lower = self.deb(), [self.base(), self.peers()]
        key = key_of(debs.name, *(layer.parent.name for layer in lower), INSTALL_DEB)

        def install(host: Host) -> None:
            host.sh(INSTALL_DEB, timeout=300)
            host.systemctl("disable", "--now", "service-watchdog.service")
            host.systemctl("reset-failed")
            host.sh("rm -rf /var/lib/service-watchdog")

        return self.layer("installed-deb", key, lower, install, binds={"/debs": debs})

    def project(self) -> Path:
        """Return a copy of what an installation takes, made once: a run tests one version."""
        for _ in range(COPY_ATTEMPTS):
            if self._project is None:
                with suppress(_ChangedError):
                    self._project = self._copy_project()
        if self._project is None:
            raise HostError("cannot copy the work tree: it changes all the time; run it again")
        return self._project

    def _copy_project(self) -> Path:
        key = key_of(*(REPOSITORY / name for name in PROJECT))

        def build(building: Path) -> None:
            for name in PROJECT:
                if (REPOSITORY / name).exists():
                    run("cp", "-a", REPOSITORY / name, building)
            if key_of(*(building / name for name in PROJECT)) != key:
                raise _ChangedError

        return self._cache.entry("project", key, build, "a copy of the work tree")

    def layer(
        self,
        name: str,
        key: str,
        lower: Sequence[Path],
        change: Callable[[Host], object],
        *,
        binds: Mapping[str, Path] | None = None,
    ) -> Path:
        """Return the layer that *change* makes of a host booted from the layers *lower*."""

        def build(building: Path) -> None:
            with Host(lower, binds=binds, disk=building) as host:
                change(host)
            # A host made of the layer begins its own.
            for path in (building / "upper/var/log/journal").glob("*"):
                shutil.rmtree(path)
            (building / "upper").rename(building / "root")
            shutil.rmtree(building / "work")

        return self._cache.entry(name, key, build, f"the layer {name}") / "root"

    def _locked_wheels(self) -> Path:
        """Return a directory of wheels of what the project needs to run."""

        def build(building: Path) -> None:
            download_wheels(RUN_LOCK, building)

        return self._cache.entry(
            "locked", key_of(RUN_LOCK, *WHEEL_OPTIONS), build, "the locked dependencies"
        )


def _package(project: Path, wheels: Path, target: Path) -> None:
    """Write the Debian package of the one project wheel in *wheels* to *target*."""
    run(
        *(sys.executable, "-m", "scripts.debian", "--compression", "none"),
        *("--source", project, "--wheels", wheels, target),
        env={**os.environ, "PYTHONPATH": os.fspath(REPOSITORY), "SOURCE_DATE_EPOCH": BUILT_AT},
    )


def why_impossible() -> str | None:
    """Return why no host can be booted here, and what to do about it; None if one can."""
    if os.geteuid() != 0:
        return "cannot boot a test host: not root; run the tests with sudo"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return (
            f"cannot boot a test host: {', '.join(missing)} not found; "
            f"run: apt-get install {' '.join(sorted({TOOLS[tool] for tool in missing}))}"
        )
    try:
        root = cgroup_root()
    except HostError as error:
        return str(error)
    if not os.access(root, os.W_OK):
        return f"cannot boot a test host: {root} is read-only; run where cgroup v2 can be written"
    return None
