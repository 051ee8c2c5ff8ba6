"""The root file systems of the test host: what each contains, and how it is made.

Recipes are their own cache keys: change one, and it is built anew where it is next used.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.host.cache import Cache, key_of
from tests.host.host import REPOSITORY, Host, HostError
from tests.host.machine import ENVIRONMENT, cgroup_root

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

CHROOT_SCRIPT = HERE / "chroot.sh"
PEER_REQUIREMENTS = HERE / "peers" / "requirements.lock"

SUITE = "bookworm"
BASE_PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "polkitd", "python3", "python3-venv"),
    *("iproute2", "nginx-light", "ufw", "procps", "ca-certificates", "curl"),
)
# What the build took from this machine is no part of a pristine Debian.
BASE_CLEANUP = 'rm -f "$1"/etc/resolv.conf "$1"/etc/hostname "$1"/etc/apt/apt.conf.d/99mmdebstrap'

PEERS_SCRIPT = """\
apt-get update --quiet
apt-get install --quiet --yes --no-install-recommends strace monit supervisor
systemctl disable monit.service supervisor.service
python3 -m venv /opt/peers
/opt/peers/bin/pip install --quiet --no-index --find-links /run/inputs/wheels \
    --require-hashes --requirement /run/inputs/requirements.lock
apt-get clean
rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log /root/.cache
"""

RUN_LOCK = REPOSITORY / "requirements" / "run.lock"
WHEEL_INPUTS = tuple(
    REPOSITORY / name for name in ("watchdog", "pyproject.toml", "README.md", "LICENSE")
)
INSTALL_INPUTS = tuple(
    REPOSITORY / name for name in ("watchdog", "systemd", "pyproject.toml", "config.example.toml")
)
INSTALL = ("/src/systemd/install.sh", "--wheels", "/wheels", "--no-start")

# Wheels are for the host's Python, which need not be ours.
WHEEL_OPTIONS = (
    *("--python-version", "3.11", "--implementation", "cp"),
    *("--abi", "cp311", "--abi", "abi3", "--abi", "none"),
    *(
        option
        for kind in ("manylinux_2_34", "manylinux_2_28", "manylinux_2_17", "manylinux2014")
        for option in ("--platform", f"{kind}_{platform.machine()}")
    ),
    *("--platform", "any"),
)


class Images:
    """Builds what a host is booted from, where the cache does not have it yet."""

    def __init__(self, cache: Cache | None = None) -> None:
        self._cache = cache or Cache()
        self._made: dict[str, Path] = {}
        """What is made of the work tree: once in a run, so that all of it tests the same."""

    def base(self) -> Path:
        """Return a pristine Debian 12."""
        packages = ",".join(BASE_PACKAGES)
        key = key_of(SUITE, packages, BASE_CLEANUP)

        def build(building: Path) -> None:
            settings = building / "apt.conf"
            settings.write_text(_apt_settings())
            _run(
                *("mmdebstrap", "--variant=minbase", f"--include={packages}"),
                *(f"--aptopt={settings}", f"--customize-hook={BASE_CLEANUP}"),
                SUITE,
                building / "root",
                *_apt_sources(),
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
            (inputs / "apt.conf").write_text(_apt_settings())
            (inputs / "requirements.lock").write_bytes(PEER_REQUIREMENTS.read_bytes())
            _download_wheels(PEER_REQUIREMENTS, inputs / "wheels")
            _run_in_chroot([base], building, PEERS_SCRIPT)

        return self._cache.entry("peers", key, build, "the peers' layer") / "root"

    def wheels(self) -> Path:
        """Return a directory of wheels for the host's Python: the project's and what it needs."""
        if "wheels" in self._made:
            return self._made["wheels"]
        locked = self._locked_wheels()
        key = key_of(locked.name, *WHEEL_INPUTS)

        def build(building: Path) -> None:
            for wheel in locked.iterdir():
                os.link(wheel, building / wheel.name)
            # A copy, for a build may write beside what it builds.
            source = building / "source"
            source.mkdir()
            for path in WHEEL_INPUTS:
                if path.exists():
                    _run("cp", "-a", path, source)
            _check_key(key, locked.name, *(source / path.name for path in WHEEL_INPUTS))
            _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", building, source)
            shutil.rmtree(source)

        wheels = self._cache.entry("wheels", key, build, "the project's wheel")
        return self._made.setdefault("wheels", wheels)

    def installed(self) -> Path:
        """Return the layer on base and peers that `systemd/install.sh` leaves.

        The daemon is disabled there: it starts when a test has configured it, not with the host.
        """
        if "installed" in self._made:
            return self._made["installed"]
        lower, wheels = [self.base(), self.peers()], self.wheels()
        inputs: list[str | Path] = [layer.parent.name for layer in lower]
        inputs += [wheels.name, *INSTALL_INPUTS]
        key = key_of(*inputs)

        def install(host: Host) -> None:
            host.run(*INSTALL, timeout=300)
            host.systemctl("disable", "service-watchdog.service")
            _check_key(key, *inputs)

        layer = self.layer("installed", key, lower, install, binds={"/wheels": wheels})
        return self._made.setdefault("installed", layer)

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
            _download_wheels(RUN_LOCK, building)

        return self._cache.entry(
            "locked", key_of(RUN_LOCK, *WHEEL_OPTIONS), build, "the locked dependencies"
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


def _check_key(key: str, *inputs: str | Path) -> None:
    """Raise if *key* is not that of *inputs*: the layer would not be what its name says."""
    if key_of(*inputs) != key:
        raise HostError("cannot build the test host: the work tree changed meanwhile; run it again")


def _apt_sources() -> list[Path]:
    """Return this machine's own Debian sources, if they serve the suite: its mirror is nearest."""
    release = Path("/etc/os-release").read_text()
    if f"VERSION_CODENAME={SUITE}\n" not in release:
        return []
    candidates = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
    return [next(path for path in candidates if path.exists())]


def _apt_settings() -> str:
    """Return this machine's APT settings about reaching its sources: proxies, certificates."""
    dumped = subprocess.run(
        ["apt-config", "dump"], check=True, capture_output=True, text=True
    ).stdout
    wanted = re.compile(r"Acquire::(https?|Check-|Retries|ForceIP|Proxy)", re.IGNORECASE)
    return "".join(f"{line}\n" for line in dumped.splitlines() if wanted.match(line))


def _download_wheels(lock: Path, target: Path) -> None:
    """Fill *target* with wheels of what *lock* names, each checked against its hash there."""
    _pip(
        *("download", "--no-deps", "--require-hashes", "--no-build-isolation", *WHEEL_OPTIONS),
        *(f"--dest={target}", f"--requirement={lock}"),
    )
    for archive in [*target.glob("*.tar.gz"), *target.glob("*.zip")]:
        _pip(
            *("wheel", "--no-deps", "--no-index", "--no-build-isolation"),
            *("--wheel-dir", target, archive),
        )
        archive.unlink()


def _run_in_chroot(lower: Sequence[Path], building: Path, script: str) -> None:
    """Run *script* with a network on top of *lower*; what it writes is in `building/root`."""
    environment = {
        **ENVIRONMENT,
        "APT_CONFIG": "/run/inputs/apt.conf",
        "DEBIAN_FRONTEND": "noninteractive",
        **{name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")},
    }
    _run(
        *("setpriv", "--pdeathsig", "KILL"),
        *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--"),
        *(CHROOT_SCRIPT, ":".join(os.fspath(layer) for layer in reversed(lower)), building),
        stdin=script,
        env=environment,
    )
    for leftover in ("inputs", "work", "merged"):
        shutil.rmtree(building / leftover)


def _pip(*arguments: str | Path) -> None:
    _run(sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments)


def _run(*argv: str | Path, stdin: str | None = None, env: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(
        argv,
        input=stdin,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        said = "".join(done.stdout.splitlines(keepends=True)[-30:])
        raise HostError(
            f"cannot build the test host: {Path(argv[0]).name} failed with {done.returncode}; "
            f"nothing is kept, the next run tries again; it said:\n{said}"
        )
