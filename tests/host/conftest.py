"""Fixtures: hosts to break, ended with the test, their journals in the report when it fails."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TypeVar

import pytest

from tests.host.cache import Cache
from tests.host.host import Host, HostError
from tests.host.image import Images, why_impossible
from tests.host.installed import InstalledHost

IMAGES = pytest.StashKey[Images]()
FAILURES = pytest.StashKey[dict[str, str]]()
HOSTS = pytest.StashKey[list[Host]]()

REPORT_LINES = 80

AnyHost = TypeVar("AnyHost", bound=Host)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _fixtures_of(item) & {"images", "host_factory"}:
            item.add_marker("host")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build what the collected tests need now: no test's time limit has to bear it."""
    needed = set().union(*map(_fixtures_of, session.items))
    config = session.config
    if "images" not in needed or config.option.collectonly:
        return
    reason = why_impossible()
    if reason is not None:
        if os.environ.get("CI") == "true":
            raise pytest.UsageError(f"{reason}; with CI=true the host tests may not be skipped")
        return
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    report: Callable[[str], None] = terminal.write_line if terminal else lambda _: None
    images = Images(Cache(report=lambda line: report(f"test host: {line}")))
    config.stash[IMAGES] = images
    failures = config.stash[FAILURES] = {}
    layers = {
        "base": True,
        "peers": bool(needed & {"host", "host_factory", "lasting_hosts"}),
        "installed": bool(needed & {"installed_host", "lasting_hosts"}),
    }
    for name, wanted in layers.items():
        if wanted and not failures:
            try:
                getattr(images, name)()
            except HostError as error:
                failures[name] = str(error)


@pytest.fixture(scope="session")
def images(pytestconfig: pytest.Config) -> Images:
    """The root file systems, for a test that boots hosts of its own making."""
    if (reason := why_impossible()) is not None:
        pytest.skip(reason)
    failures = pytestconfig.stash[FAILURES]
    for layer in failures.keys() & {"base", "peers"}:
        pytest.fail(failures[layer], pytrace=False)
    return pytestconfig.stash[IMAGES]


class HostFactory:
    """Boots hosts, which end with the test."""

    def __init__(self, images: Images, stack: ExitStack, hosts: list[Host]) -> None:
        self._images = images
        self._stack = stack
        self._hosts = hosts

    def __call__(
        self,
        name: str = "testhost",
        *,
        layers: Sequence[Path] | None = None,
        binds: Mapping[str, Path] | None = None,
        disk: Path | None = None,
    ) -> Host:
        """Return a fresh host; *layers*: pristine Debian with the peers, if not given."""
        if layers is None:
            layers = [self._images.base(), self._images.peers()]
        return self._booted(Host(layers, name=name, binds=binds, disk=disk))

    def installed(
        self,
        name: str = "testhost",
        *,
        binds: Mapping[str, Path] | None = None,
        disk: Path | None = None,
    ) -> InstalledHost:
        """Return a fresh host where the daemon is installed, and not running."""
        layers = [self._images.base(), self._images.peers(), self._images.installed()]
        return self._booted(InstalledHost(layers, name=name, binds=binds, disk=disk))

    def _booted(self, host: AnyHost) -> AnyHost:
        self._stack.enter_context(host)
        self._hosts.append(host)
        return host


@pytest.fixture
def host_factory(request: pytest.FixtureRequest, images: Images) -> Iterator[HostFactory]:
    yield from _factory(request.node, images)


def _factory(node: pytest.Item | pytest.Collector, images: Images) -> Iterator[HostFactory]:
    """Boot hosts that end with *node*, and are shown in its reports."""
    hosts = node.stash.setdefault(HOSTS, [])
    with ExitStack() as stack:
        yield HostFactory(images, stack, hosts)


@pytest.fixture
def host(host_factory: HostFactory) -> Host:
    """A fresh Debian with systemd, and the peers in /opt/peers."""
    return host_factory()


@pytest.fixture
def installed_host(host_factory: HostFactory, pytestconfig: pytest.Config) -> InstalledHost:
    """A fresh Debian with our daemon installed as `systemd/install.sh` does it, not running."""
    _need_installed(pytestconfig)
    return host_factory.installed()


@pytest.fixture(scope="module")
def lasting_hosts(
    request: pytest.FixtureRequest, images: Images, pytestconfig: pytest.Config
) -> Iterator[HostFactory]:
    """Several for all tests of a module."""
    _need_installed(pytestconfig)
    yield from _factory(request.node, images)


@pytest.fixture(scope="module")
def lasting_host(lasting_hosts: HostFactory) -> InstalledHost:
    """One for all tests of a module, which leave it as they found it."""
    return lasting_hosts.installed()


def _need_installed(config: pytest.Config) -> None:
    if (failure := config.stash[FAILURES].get("installed")) is not None:
        pytest.fail(failure, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the hosts of a failed test had to say, while they are still there."""
    report = yield
    if report.failed and report.when != "teardown":
        for host in [host for node in item.listchain() for host in node.stash.get(HOSTS, [])]:
            for unit in ("service-watchdog.service", None):
                with suppress(HostError, OSError):  # a test may have broken even the journal
                    text = host.journal_text(unit, lines=REPORT_LINES)
                    report.sections.append((f"journal of {unit or 'all'} on {host.name}", text))
    return report


def _fixtures_of(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))
