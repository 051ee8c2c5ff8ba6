"""Alerts of each kind, as the engine makes them, and as they are said in each language."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta, timezone

from watchdog.core.model import (
    Alert,
    AlertKind,
)
from watchdog.core.telling import Circumstance, CircumstanceKind, Diversion, Measure, MeasureKind
from watchdog.notify.render import render
from watchdog.ports import Message
from watchdog.words.choosing import words_in

ENGLISH, KOREAN = words_in("en"), words_in("ko")
KST = timezone(timedelta(hours=9), "KST")
ZONES = {"ko": KST}  # of readers of a language; UTC of the others

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
        measure=Measure(MeasureKind.RESTARTING, count=1, limit=5),
    ),
    "reminder": Alert(
        AlertKind.REMINDER,
        "langchain-api",
        OPENED + 3 * 3600,
        '/health answered 500: "database is locked"',
        check="http",
        incident="k3f9qa",
        opened=OPENED,
        failures=480,
        max_failures=3,
        restarts=5,
        measure=Measure(MeasureKind.GAVE_UP, count=5, next_try=OPENED + 3 * 3600 + 600),
        duration=3 * 3600.0,
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
        measure=Measure(MeasureKind.GAVE_UP, count=5, next_try=OPENED + 540 + 890),
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
        measure=Measure(MeasureKind.HEALED),
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
        measure=Measure(MeasureKind.RESTARTED),
    ),
    "host-notice": Alert(
        AlertKind.NOTICE,
        "",
        OPENED,
        "cannot use /var/lib/service-watchdog/state.db: file is not a database; set aside as"
        " state.db.corrupt-20251122T021300Z, begun anew with 1 undelivered alerts and 3 states"
        " taken over from it",
        circumstance=Circumstance(
            CircumstanceKind.DATABASE_REPLACED,
            "file is not a database",
            "/var/lib/service-watchdog/state.db",
            count=1,
            states=3,
            aside="state.db.corrupt-20251122T021300Z",
        ),
    ),
    "network-back": Alert(
        AlertKind.NOTICE,
        "",
        OPENED,
        "this host's own network is back; it was down for 18 min: eth0 has no carrier",
        circumstance=Circumstance(
            CircumstanceKind.NETWORK_BACK,
            "eth0 has no carrier",
            "langchain-api, nginx, search",
            count=4,
            lasted=1080,
        ),
    ),
    "warning": Alert(
        AlertKind.WARNING,
        "langchain-api",
        OPENED + 8 * 86400,
        "certificate of https://api.example.com ends in 13 days",
        incident="h5x7ra",
        opened=OPENED,
        circumstance=Circumstance(
            CircumstanceKind.CERTIFICATE,
            subject="https://api.example.com",
            value=13.2 * 86400,
        ),
    ),
    "host-warning": Alert(
        AlertKind.WARNING,
        "",
        OPENED,
        "file system /srv is 91 % full, 1.2 GiB free",
        incident="d2m6tq",
        opened=OPENED,
        circumstance=Circumstance(
            CircumstanceKind.DISK, subject="/srv", value=91.4, limit=1.2 * 2**30
        ),
    ),
    "warning-over": Alert(
        AlertKind.WARNING_OVER,
        "",
        OPENED + 3 * 3600,
        "file system /srv is 91 % full, 1.2 GiB free",
        incident="d2m6tq",
        opened=OPENED,
        duration=3 * 3600,
        circumstance=Circumstance(
            CircumstanceKind.DISK, subject="/srv", value=91.4, limit=1.2 * 2**30
        ),
    ),
    "warning-not-measured": Alert(
        AlertKind.WARNING_OVER,
        "langchain-api",
        OPENED + 9 * 86400,
        "certificate of https://api.example.com ends in 13 days",
        incident="h5x7ra",
        opened=OPENED + 8 * 86400,
        duration=86400,
        measure=Measure(MeasureKind.NO_LONGER_MEASURED),
        circumstance=Circumstance(
            CircumstanceKind.CERTIFICATE,
            subject="https://api.example.com",
            value=13.2 * 86400,
        ),
    ),
    "test": Alert(
        AlertKind.TEST,
        "",
        OPENED,
        "test asked for by root; all is well",
        circumstance=Circumstance(CircumstanceKind.TEST, subject="root"),
    ),
    "canary": Alert(
        AlertKind.TEST,
        "",
        OPENED,
        "daily test; alerts reach this channel",
        circumstance=Circumstance(CircumstanceKind.CANARY),
    ),
    "undelivered": Alert(
        AlertKind.NOTICE,
        "",
        OPENED,
        "slack does not take alerts: invalid_auth",
        circumstance=Circumstance(
            CircumstanceKind.UNDELIVERED,
            "cannot post to Slack channel #ops: invalid_auth",
            "slack",
            lasted=300.0,
        ),
    ),
    "crash-loop": Alert(
        AlertKind.FIRING,
        "worker",
        OPENED,
        "crashed 3 times in 40 s: worker.service exited with status 1",
        check="unit",
        incident="p7c2me",
        opened=OPENED,
        max_failures=3,
        measure=Measure(MeasureKind.LEFT_TO_KEEPER),
        circumstance=Circumstance(
            CircumstanceKind.CRASH_LOOP, "worker.service exited with status 1", count=3, lasted=40
        ),
    ),
    "flapping": Alert(
        AlertKind.FIRING,
        "langchain-api",
        OPENED,
        'flapping, failed 5 times in 21 min: /health answered 500: "database is locked"',
        check="http",
        incident="f5b7ua",
        opened=OPENED,
        failures=1,
        max_failures=3,
        measure=Measure(MeasureKind.RESTART_AFTER, limit=3),
        circumstance=Circumstance(
            CircumstanceKind.FLAPPING,
            '/health answered 500: "database is locked"',
            count=5,
            lasted=1260,
        ),
    ),
    "restart-impossible": Alert(
        AlertKind.FIRING,
        "nginx",
        OPENED,
        "restart failed: Access denied",
        check="port",
        incident="x2wq4d",
        opened=OPENED,
        failures=2,
        max_failures=3,
        restarts=1,
        measure=Measure(MeasureKind.NO_RESTART_POSSIBLE, count=1, next_try=OPENED + 900),
        circumstance=Circumstance(CircumstanceKind.RESTART_FAILED, "Access denied"),
    ),
    "of-an-older-version": Alert(
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
        measure=Measure(MeasureKind.WORDED, words="restarting now (4 more allowed for now)"),
    ),
}

ALERTS["fallback"] = replace(
    ALERTS["firing"],
    diversion=Diversion("slack", OPENED, "cannot reach Slack: cannot connect: Connection refused"),
)
ALERTS["refused"] = replace(
    ALERTS["firing"],
    diversion=Diversion(
        "slack", OPENED, "cannot post to Slack channel #ops: invalid_blocks", refused=True
    ),
)


def message(
    name: str = "firing",
    late: float = 0.0,
    evidence: tuple[str, ...] = EVIDENCE,
    language: str = "en",
) -> Message:
    """Return the alert *name* as sent *late* seconds after it became true."""
    alert = ALERTS[name]
    shown = evidence if alert.kind in (AlertKind.FIRING, AlertKind.GAVE_UP) else ()
    words, zone = words_in(language), ZONES.get(language, UTC)
    return render(alert, HOST, shown, alert.wall + late, zone, words)
