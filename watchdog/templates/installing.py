"""Where a template goes, how it is tested there, and what is left to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from watchdog.templates.application import Application
from watchdog.templates.placing import Planned
from watchdog.templates.site import Site, site_text
from watchdog.templates.unit import Running, socket_name, socket_text, unit_text
from watchdog.tool import Ran, run

NGINX = Path("/etc/nginx")
UNITS = Path("/etc/systemd/system")


@dataclass(frozen=True, slots=True)
class Plan:
    """Files that belong together."""

    files: Sequence[Planned]
    test: Callable[[], Awaitable[Ran]]
    settle: Sequence[Sequence[str]] = ()  # commands once the test has passed
    left: Sequence[str] = ()  # what a person does then
    remarks: Sequence[str] = field(default=())


def plan_site(application: Application, site: Site, nginx: Path = NGINX) -> Plan:
    """Return where the site goes: Debian's two directories, or conf.d. Raises TemplateError."""
    text = site_text(application, site)
    available, enabled = nginx / "sites-available", nginx / "sites-enabled"
    name = f"{application.label}.conf"
    files = [Planned(nginx / "conf.d" / name, text)]
    if available.is_dir() and enabled.is_dir():
        kept = available / name
        files = [Planned(kept, text), Planned(enabled / name, link=str(kept))]
    remarks = []
    if not site.domains:
        places = {file.path for file in files} | {available / name}
        for other in _default_servers(nginx, places):
            remarks.append(
                f"{other} is a default server too, and nginx takes one alone: "
                f"remove it (rm {other}), or give --domain"
            )
    left = [f"systemctl reload {application.nginx}"]
    return Plan(files, lambda: run("nginx", "-t"), left=left, remarks=remarks)


def plan_unit(
    application: Application, running: Running, *, socket: bool, units: Path = UNITS
) -> Plan:
    """Return the unit, and with *socket* the socket that goes with it. Raises TemplateError."""
    names = [application.unit]
    files = [Planned(units / application.unit, unit_text(application, running, socket=socket))]
    socket_file = units / socket_name(application)
    remarks = []
    if socket:
        files.insert(0, Planned(socket_file, socket_text(application)))
        names.insert(0, socket_file.name)
    elif socket_file.exists():
        remarks.append(
            f"{socket_file.name} is there and would hold the port: "
            f"systemctl disable --now {socket_file.name}; rm {socket_file}"
        )
    paths = [str(file.path) for file in files]
    return Plan(
        files,
        lambda: run("systemd-analyze", "verify", *paths),
        settle=[["systemctl", "daemon-reload"]],
        left=[f"systemctl enable {' '.join(names)}", f"systemctl restart {application.unit}"],
        remarks=remarks,
    )


def _default_servers(nginx: Path, own: set[Path]) -> list[Path]:
    """Return the other sites in force that claim to be the default one."""
    found = []
    for path in [*sorted(nginx.glob("sites-enabled/*")), *sorted(nginx.glob("conf.d/*.conf"))]:
        try:
            lines = path.read_text("utf-8", "replace").splitlines()
        except OSError:
            continue
        claims = any(
            words[:1] == ["listen"] and "default_server" in words
            for words in (line.split("#")[0].replace(";", " ").split() for line in lines)
        )
        if claims and path not in own:
            found.append(path)
    return found
