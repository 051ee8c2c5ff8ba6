"""An account of EC2 with a site, an instance's metadata service, and the box that looks at them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.host.peers.ec2 import KEYS, REGION, Ec2, Site, client
from tests.host.peers.imds import Imds
from watchdog.config import Deployment
from watchdog.core.model import Observation, Verdict
from watchdog.core.service import HttpCheck, Service, UnitControl
from watchdog.doctor.case import Case, Stage
from watchdog.doctor.finding import Answer, Finding
from watchdog.doctor.stages.aws import stage

SERVICE = Service("api", UnitControl("api.service"))

Examine = Callable[..., Awaitable[tuple[Answer, Finding | None]]]


@pytest.fixture(scope="module")
def ec2() -> Iterator[Ec2]:
    with Ec2() as served:
        yield served


@pytest.fixture(scope="module")
def owner(ec2: Ec2) -> Any:
    """A client of whoever builds and breaks the sites."""
    return client(ec2.url)


@pytest.fixture
def site(owner: Any) -> Site:
    return Site.build(owner)


@pytest.fixture
async def imds(site: Site) -> AsyncIterator[Imds]:
    async with Imds(site.instance, REGION, site.public).serve() as served:
        yield served


@pytest.fixture
def dmi(tmp_path: Path) -> Path:
    (tmp_path / "sys_vendor").write_text("Amazon EC2\n")
    return tmp_path


@pytest.fixture
def environment(ec2: Ec2, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", ec2.url)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.delenv("AWS_PROFILE", raising=False)


def case_of(url: str, external: Verdict | None = None) -> Case:
    """Return the case of a service with this external check, and what comes of it."""

    async def probe() -> Observation:
        assert external is not None
        return Observation(external, "http", "as the test says")

    probes = {} if external is None else {"external": probe}
    return Case(SERVICE, Deployment(external=HttpCheck(url)), probes)


@pytest.fixture
def box(imds: Imds, dmi: Path, environment: None) -> Stage:
    """The one box, on an instance."""
    return stage(dmi, ("127.0.0.1", imds.port))


@pytest.fixture
def examine(site: Site, box: Stage) -> Examine:
    """Walk the one box, and return its answer and the first finding."""

    async def examine(
        host: str = "", *, scheme: str = "https", external: Verdict | None = None
    ) -> tuple[Answer, Finding | None]:
        case = case_of(f"{scheme}://{host or site.public}/health", external)
        answer = await box.ask(case)
        for rule in box.rules:
            if (finding := await rule(case)) is not None:
                return answer, finding
        return answer, None

    return examine
