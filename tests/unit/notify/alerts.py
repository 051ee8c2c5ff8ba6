"""One alert of each kind, as the engine makes them."""

from __future__ import annotations

from datetime import UTC

from watchdog.core.model import Alert, AlertKind
from watchdog.notify.render import render
from watchdog.ports import Message

HOST = "web-1"
OPENED = 1_763_777_580.0  # 2025-11-22 02:13:00 UTC

EVIDENCE = (
    'Nov 22 02:12:58 web-1 uvicorn[4711]: INFO: 127.0.0.1:51234 - "GET /health HTTP/1.1" 500',
    "Nov 22 02:12:58 web-1 uvicorn[4711]: ERROR: Exception in ASGI application",
    'Nov 22 02:12:58 web-1 uvicorn[4711]:   File "/srv/app.py", line 42, in health',
    "Nov 22 02:12:58 web-1 uvicorn[4711]: sqlite3.OperationalError: database is locked",
)

ALERTS = {
    "firing": Alert(
        AlertKind.FIRING,
        "langchain-api",
        OPENED,
        '/health answered 500: "database is locked"',
        check="http",
        incident="k3f9qa",
        opened=OPENED,
        failures=3,
        max_failures=3,
        restarts=1,
        action="restarting now (4 more allowed for now)",
    ),
    "gave-up": Alert(
        AlertKind.GAVE_UP,
        "langchain-api",
        OPENED + 540,
        '/health answered 500: "database is locked"',
        check="http",
        incident="k3f9qa",
        opened=OPENED,
        failures=8,
        max_failures=3,
        restarts=5,
        action="gave up after 5 restarts; tries once more in 15 min",
    ),
    "resolved": Alert(
        AlertKind.RESOLVED,
        "langchain-api",
        OPENED + 360,
        '/health answered 500: "database is locked"',
        check="http",
        incident="k3f9qa",
        opened=OPENED,
        failures=4,
        max_failures=3,
        restarts=2,
        action="healed by a restart",
        duration=360.0,
    ),
    "notice": Alert(
        AlertKind.NOTICE,
        "langchain-api",
        OPENED,
        "process 4711 was killed by SIGKILL",
        check="unit",
        failures=1,
        max_failures=3,
        restarts=1,
        action="restarted, healthy again",
    ),
    "host-notice": Alert(
        AlertKind.NOTICE,
        "",
        OPENED,
        "the database was damaged and has been set aside as state.db.damaged",
        action="a new one has been started; restarts remembered so far are forgotten",
    ),
    "test": Alert(AlertKind.TEST, "", OPENED, "a test alert, asked for by root; nothing is wrong"),
}


def message(
    name: str = "firing", late: float = 0.0, evidence: tuple[str, ...] = EVIDENCE
) -> Message:
    """Return the alert *name* as sent *late* seconds after it became true."""
    alert = ALERTS[name]
    shown = evidence if alert.kind in (AlertKind.FIRING, AlertKind.GAVE_UP) else ()
    return render(alert, HOST, shown, alert.wall + late, UTC)
