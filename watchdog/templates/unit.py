"""The application's unit, and the socket that stays open while it restarts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from watchdog.errors import TemplateError
from watchdog.templates.application import Application, require_plain
from watchdog.templates.text import fill

Server = Literal["uvicorn", "gunicorn"]

GRACE = 20
"""Seconds for requests under way when the application is stopped; below TimeoutStopSec=."""

DRAINING = "/usr/local/lib/service-watchdog/uvicorn_draining.py"
"""Where the program goes that starts uvicorn on a socket of systemd's."""

_APP = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*", re.ASCII)
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\$?|[0-9]+")
_HOMES = ("/home/", "/root/", "/run/user/")

_GUNICORN_TYPE = """\
# gunicorn says READY=1 once it listens; that its workers can answer is seen to below.
Type=notify"""
_UVICORN_TYPE = """\
# uvicorn does not tell systemd when it is ready, so Type=notify would wait in vain. Not "simple":
# the wait below would begin while the process is still root's, and may not be asked for.
Type=exec"""
_GUNICORN_RELOAD = """
# New workers with new code, one after another; the port stays open.
ExecReload=/bin/kill -HUP $MAINPID
"""
_ORDER = """\
After=network.target
# At boot nginx waits for this unit's answer; it is neither stopped nor restarted along with it.
Before={nginx}"""
_SOCKET_ORDER = """\
After=network.target
# The port is the socket's: requests wait there while nobody is running.
Requires={socket}
After={socket}"""
_DYNAMIC_NOTE = """\
 DynamicUser= has brought ProtectSystem=strict, PrivateTmp=,
# NoNewPrivileges=, RemoveIPC= and RestrictSUIDSGID=; give it StateDirectory= if it keeps files."""
_USER_SANDBOX = """\
NoNewPrivileges=yes
PrivateTmp=yes
# /usr, /boot and /etc are read-only; the application may write what its user may.
ProtectSystem=full
RestrictSUIDSGID=yes
"""


@dataclass(frozen=True, slots=True)
class Running:
    """How the application is run."""

    app: str  # "module:attribute"
    directory: str
    venv: str
    server: Server = "uvicorn"
    workers: int = 2
    user: str = ""  # empty: one that systemd makes up
    env_files: Sequence[str] = ()  # "-" before one that may be missing
    worker_class: str = ""  # of gunicorn


def unit_text(application: Application, running: Running, *, socket: bool = False) -> str:
    """Return the service unit; with *socket* it takes the port from systemd. Raises TemplateError.

    A worker of uvicorn that gets a socket from systemd gets it as file descriptor 3.
    """
    cannot = f"cannot write a unit for {application.name}"
    if not application.unit:
        raise TemplateError(f"{cannot}: no unit keeps it; expected unit = … in the configuration")
    if not application.asked_plainly:
        raise TemplateError(
            f"{cannot}: its health is asked with headers, or answers with an error; the start of "
            "the unit waits for a plain GET to succeed"
        )
    _require_sound(running, cannot)
    order = (
        _SOCKET_ORDER.format(socket=socket_name(application))
        if socket
        else _ORDER.format(nginx=application.nginx)
    )
    homes = f"{running.directory}/ {running.venv}/".split()
    lives_at_home = any(place.startswith(_HOMES) for place in homes)
    return fill(
        "unit.service",
        kind="socket" if socket else "unit",
        name=application.label,
        description=application.label,
        order=order,
        type=_GUNICORN_TYPE if running.server == "gunicorn" else _UVICORN_TYPE,
        identity=f"User={running.user}" if running.user else "DynamicUser=yes",
        directory=running.directory,
        port=str(application.port),
        workers=str(running.workers),
        environment="".join(f"EnvironmentFile={each}\n" for each in running.env_files),
        start=_start(application, running, socket=socket),
        host=application.host,
        url_host=application.url_host,
        health=application.health,
        reload=_GUNICORN_RELOAD if running.server == "gunicorn" else "",
        sandbox_note="" if running.user else _DYNAMIC_NOTE,
        sandbox=_USER_SANDBOX if running.user else "",
        protect_home="no" if lives_at_home else "yes",
    )


def socket_text(application: Application) -> str:
    """Return the socket unit that goes with `unit_text(socket=True)`."""
    return fill(
        "unit.socket",
        name=application.label,
        description=application.label,
        address=application.address,
    )


def socket_name(application: Application) -> str:
    """Return the name of the socket unit."""
    return application.unit.removesuffix(".service") + ".socket"


def _start(application: Application, running: Running, *, socket: bool) -> str:
    own = f"# nginx is in front: listen on {application.host} only.\n"
    program = f"ExecStart={running.venv}/bin/{running.server} {running.app}"
    if running.server == "gunicorn":
        kind = f" --worker-class {running.worker_class}" if running.worker_class else ""
        grace = f"{kind} --workers ${{WORKERS}} --graceful-timeout {GRACE}"
        if socket:
            return f"{program}{grace}"  # it finds the socket by LISTEN_FDS
        return f"{own}{program} --bind {application.url_host}:${{PORT}}{grace}"
    grace = f" --workers ${{WORKERS}} --timeout-graceful-shutdown {GRACE}"
    if socket:
        return (
            "# uvicorn by a program that lets it end without cutting a request.\n"
            "# 3 is the first file descriptor that systemd hands over.\n"
            f"ExecStart={running.venv}/bin/python3 {DRAINING} {running.app} --fd 3{grace}"
        )
    return f"{own}{program} --host {application.host} --port ${{PORT}}{grace}"


def _require_sound(running: Running, cannot: str) -> None:
    if not _APP.fullmatch(running.app):
        raise TemplateError(f"{cannot}: the application is {running.app!r}; expected module:name")
    if running.user and not _USER.fullmatch(running.user):
        raise TemplateError(f"{cannot}: {running.user!r} is no name of a user")
    if running.workers < 1:
        raise TemplateError(f"{cannot}: {running.workers} workers; expected 1 or more")
    if running.worker_class:
        require_plain(running.worker_class, "the worker class", cannot)
    for what, path in (
        ("the directory", running.directory),
        ("the virtual environment", running.venv),
        *(("the environment file", each.removeprefix("-")) for each in running.env_files),
    ):
        if path:
            require_plain(path, what, cannot)
            if not path.startswith("/"):
                raise TemplateError(f"{cannot}: {what} is {path!r}; expected an absolute path")
