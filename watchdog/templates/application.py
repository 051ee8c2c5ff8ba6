"""What the templates are filled with: an application, as it is configured and as its unit says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from watchdog.config import Deployment
from watchdog.core.service import HttpCheck, PortCheck, Service, UnitControl
from watchdog.errors import TemplateError

_PLAIN = re.compile(r"[A-Za-z0-9._~!&+,:=/-]+")
"""What stands unquoted in both an nginx configuration and a unit file."""

_FAILURE = 400
"""The first status that the start of a unit takes for a failure."""

_DEFAULT_PORTS = {"http": 80}
_LOOPBACK = {"localhost": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - a key


@dataclass(frozen=True, slots=True)
class Application:
    """Where a service answers, and under which names it is written down."""

    name: str
    unit: str  # empty: something else keeps the process
    host: str  # a literal address of this host
    port: int
    health: str  # the path
    nginx: str = "nginx.service"
    asked_plainly: bool = True  # a GET without further headers, answered with a success

    @property
    def label(self) -> str:
        """Return a name for files: letters, digits and ``. _ -``."""
        stem = self.unit.removesuffix(".service") or self.name
        return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip(".-") or "application"

    @property
    def id(self) -> str:
        """Return a name for nginx' variables; ``$3api`` would be the third group of a match."""
        return re.sub(r"\W|^(?=\d)", "_", self.label, flags=re.ASCII)

    @property
    def address(self) -> str:
        """Return host and port, as nginx and systemd write them."""
        return f"{self.url_host}:{self.port}"

    @property
    def url_host(self) -> str:
        """Return the host as a URL has it."""
        return f"[{self.host}]" if ":" in self.host else self.host


def application_of(service: Service, deployment: Deployment) -> Application:
    """Return what is configured of *service*. Raises TemplateError if that is not enough."""
    cannot = f"cannot fill a template for {service.name}"
    http = next((check for check in service.checks if isinstance(check, HttpCheck)), None)
    if http is None:
        raise TemplateError(
            f"{cannot}: it has no health; nothing else tells when it is ready. Add, for example: "
            'health = "http://127.0.0.1:8000/health"'
        )
    url = urlsplit(http.url)
    if url.scheme not in _DEFAULT_PORTS:
        raise TemplateError(f"{cannot}: its health is {url.scheme}; expected http behind nginx")
    port = next((check for check in service.checks if isinstance(check, PortCheck)), None)
    host = port.host if port else url.hostname or ""
    control = service.control
    return Application(
        service.name,
        control.unit if isinstance(control, UnitControl) else "",
        _literal(host, cannot),
        port.port if port else url.port or _DEFAULT_PORTS[url.scheme],
        require_plain(url.path or "/", "the path of its health", cannot),
        deployment.nginx,
        not http.headers and (not http.status or any(each < _FAILURE for each in http.status)),
    )


def require_plain(text: str, what: str, cannot: str) -> str:
    """Return *text*; raises TemplateError if it would have to be quoted."""
    if not _PLAIN.fullmatch(text):
        raise TemplateError(f"{cannot}: {what} is {text!r}; expected letters, digits and ._~-/+,:=")
    return text


def _literal(host: str, cannot: str) -> str:
    host = _LOOPBACK.get(host, host)
    try:
        return str(ip_address(host))
    except ValueError:
        raise TemplateError(
            f"{cannot}: it is watched at {host}; expected an address of this host"
        ) from None
