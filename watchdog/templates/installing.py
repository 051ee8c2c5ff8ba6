"""Where a template goes, how it is tested there, and what is left to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from watchdog.errors import WatchdogError
from watchdog.templates.application import Application
from watchdog.templates.placing import Placement, Planned
from watchdog.templates.site import Site, site_text
from watchdog.templates.text import packaged
from watchdog.templates.unit import DRAINING, Running, socket_name, socket_text, unit_text
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
    remarks: Sequence[str] = ()
    if not site.domains:
        places = {file.path for file in files} | {available / name}
        remarks = [
            f"{other} is a default server too, and nginx takes one alone: "
            f"remove it (rm {other}), or give --domain"
            for other in _default_servers(nginx, places)
        ]
    left = [f"systemctl reload {application.nginx}"]
    return Plan(files, lambda: run("nginx", "-t", "-q"), left=left, remarks=remarks)


def plan_unit(
    application: Application,
    running: Running,
    *,
    socket: bool,
    units: Path = UNITS,
    draining: Path = Path(DRAINING),
) -> Plan:
    """Return the unit, and with *socket* the socket that goes with it. Raises TemplateError."""
    names = [application.unit]
    files = [Planned(units / application.unit, unit_text(application, running, socket=socket))]
    socket_file = units / socket_name(application)
    remarks = []
    paths = [str(file.path) for file in files]
    if socket:
        files.insert(0, Planned(socket_file, socket_text(application)))
        names.insert(0, socket_file.name)
        paths.insert(0, str(socket_file))
        if running.server == "uvicorn":
            program = Planned(draining, packaged(draining.name + ".txt"), brings_directory=True)
            files.append(program)
        elif "uvicorn" in running.worker_class:
            remarks.append(
                "uvicorn as a worker of gunicorn may cut a POST that comes as it is stopped; "
                "--server uvicorn does not"
            )
    elif socket_file.exists():
        remarks.append(
            f"{socket_file.name} is there and would hold the port: "
            f"systemctl disable --now {socket_file.name}; rm {socket_file}"
        )
    return Plan(
        files,
        lambda: run("systemd-analyze", "verify", *paths),
        settle=[["systemctl", "daemon-reload"]],
        left=[f"systemctl enable {' '.join(names)}", f"systemctl restart {application.unit}"],
        remarks=remarks,
    )


async def carry_out(plan: Plan, wanted: Sequence[Planned]) -> tuple[Ran, Sequence[Path]]:
    """Put *wanted* in place and test the whole *plan*; if it fails, have everything as it was.

    Returns what the test said, and where what was there before is kept. Raises WatchdogError.
    """
    placement = Placement()
    try:
        for file in wanted:
            placement.put(file)
        tested = await plan.test()
    except OSError as error:
        placement.take_back()
        raise WatchdogError(f"cannot install: {error}; all is as it was") from error
    except BaseException:
        placement.take_back()
        raise
    if tested.code != 0:
        placement.take_back()
        return tested, ()
    return tested, placement.backups


async def settle(plan: Plan) -> None:
    """Run what has to follow a test that has passed. Raises WatchdogError."""
    for command in plan.settle:
        done = await run(*command)
        if done.code != 0:
            why = (done.err or done.trouble).strip()
            raise WatchdogError(f"cannot run {' '.join(command)}: {why}; the files are installed")


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
