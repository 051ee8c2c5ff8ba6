"""Targets that are functions: text, JSON and structures of the kernel's."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from tests.unit.clock import FakeClock
from watchdog.buttons.listener import ODD, Link, Listener
from watchdog.buttons.payload import Press, read_envelope
from watchdog.buttons.standing import Standing
from watchdog.config import load
from watchdog.core.machine import step
from watchdog.core.model import Event, Now, Observation, Verdict
from watchdog.core.service import Comparison, Condition, Policy
from watchdog.doctor.aws import replies
from watchdog.doctor.facts.filter import UNREADABLE, read_filter
from watchdog.doctor.facts.log import of_the_last_runs
from watchdog.doctor.packets.ruleset import Packet
from watchdog.doctor.packets.ruleset import judge as judge_packet
from watchdog.errors import ConfigError, StoreError
from watchdog.evidence.redact import Redactor
from watchdog.logs.journal import Journal
from watchdog.logs.stamps import stamp_of
from watchdog.nginx.complaint import complaint
from watchdog.nginx.error_log import troubles
from watchdog.nginx.listening import listens
from watchdog.nginx.log_files import log_files
from watchdog.nginx.passing import backends, passages
from watchdog.nginx.servers import Request, answering, location, names, servers
from watchdog.nginx.syntax import parse
from watchdog.notify.http_wire import retry_after
from watchdog.notify.slack_wire import accepted
from watchdog.probes.answer import answer_lines
from watchdog.probes.certificate import validity
from watchdog.probes.expect import unmet
from watchdog.probes.reception import LIMIT, Reception
from watchdog.probes.rtnetlink import parse_link, parse_neighbour, parse_news, parse_route
from watchdog.probes.sock_diag import collect, parse_listener
from watchdog.store.encode import decode_alert, decode_lines, decode_receipt, decode_state, encode
from watchdog.store.history import unpack
from watchdog.store.rebase import rebased
from watchdog.tool import Ran

ENVIRON = {"A": "xoxb-0123456789abcdef"}
NOW = Now(5000.0, 1_763_777_580.0)


def config(octets: bytes) -> None:
    """Read a configuration file."""
    place = _scratch() / "config.toml"
    place.touch(0o600)  # secrets may be in it
    place.write_bytes(octets)
    with suppress(ConfigError):
        load(place, ENVIRON)


def certificate(octets: bytes) -> None:
    """Read the certificate that a server shows, whoever has signed it."""
    with suppress(ValueError):
        validity(octets)


def http_answer(octets: bytes) -> None:
    """Receive an answer, in pieces whose length the first byte says."""
    reception = Reception(range(200, 300))
    length = octets[0] * 8 + 1 if octets else 1
    for start in range(1, len(octets), length):
        if reception.finished:
            break
        reception.feed(octets[start : start + length])
    reception.feed(b"")
    assert len(reception.body) <= LIMIT + length
    assert len(reception.named) <= LIMIT
    answer_lines(reception)
    unmet(bytes(reception.body), [Condition(("status", "0"), Comparison.LT, 3)])


def netlink(octets: bytes) -> None:
    """Read what the kernel says of sockets, routes, links and neighbours."""
    for parser in (parse_listener, parse_link, parse_neighbour):
        with suppress(ValueError):
            parser(octets)
    with suppress(ValueError, LookupError):  # the latter for a host that sends nothing to itself
        parse_route(octets)
    with suppress(ValueError):
        list(parse_news(octets))
    with suppress(ValueError, OSError):
        collect(octets, 1, [])


def nginx(octets: bytes) -> None:
    """Read what ``nginx -T`` prints, and ask it all that is asked of it."""
    text = octets.decode("utf-8", "replace")
    found = parse(text)
    log_files(found)
    answering(found, Request(2, "10.0.0.1", 80, "example.com", "/health"))
    for server in servers(found):
        names(server)
        listens(server)
        backends(found, location(server, "/health"))
        passages(found, server)
    complaint(text)
    troubles(text.splitlines())


def journal(octets: bytes) -> None:
    """Read lines of the journal, in JSON."""
    seen = Journal({"api.service": "api"})
    for line in octets.split(b"\n"):
        list(seen._lines(line))
    of_the_last_runs(octets.decode("utf-8", "replace").splitlines(), 2, "run")


def log_line(octets: bytes) -> None:
    """Find the time in lines of a log."""
    for line in octets.decode("utf-8", "replace").splitlines():
        stamp_of(line, NOW.wall)


def redact(octets: bytes) -> None:
    """Take secrets out of what somebody wrote."""
    redactor = Redactor()
    redactor.configure(emails=True, known=["hunter2hunter2"])
    shown = redactor.lines(octets.decode("utf-8", "replace").splitlines())
    assert "hunter2hunter2" not in "\n".join(shown)


def slack(octets: bytes) -> None:
    """Take what comes over Socket Mode, and Slack's answers to calls."""
    text = octets.decode("utf-8", "replace")
    with suppress(*ODD):
        _listener()._press(read_envelope(text))
    accepted(text)
    retry_after({"Retry-After": text})


def blobs(octets: bytes) -> None:
    """Read what the database holds, whatever has become of it, and go on from there."""
    text = octets.decode("utf-8", "replace")
    for decode in (decode_alert, decode_lines, unpack):
        with suppress(StoreError):
            decode(text)
    decode_receipt(text)
    with suppress(StoreError):
        state = decode_state(text)
        state = rebased(state, Now(10.0, 20.0), NOW)
        events: tuple[Event, ...] = (
            Observation(Verdict.FAIL, "http", "/health answered 500"),
            Observation(Verdict.PASS, "http", "200"),
        )
        for event in events:
            encode(step(state, event, Policy(), NOW).state)


def aws(octets: bytes) -> None:
    """Read replies of EC2's, as boto3 hands them over."""
    reply = json_object(octets)
    readers: tuple[Callable[[Any], object], ...] = (
        replies.interface,
        lambda it: replies.route_table(it, main=True),
        replies.acl,
        replies.group,
    )
    for read in readers:
        with suppress(*replies.UNREADABLE):
            read(reply)


def packet_filter(octets: bytes) -> None:
    """Read a ruleset, and send a packet through."""
    text = octets.decode("utf-8", "replace")
    silent = Ran(None)
    for tool in ("nft", "iptables"):
        tools = dict.fromkeys(("nft", "iptables", "ip6tables", "ufw", "firewalld"), silent)
        try:
            found = read_filter({**tools, tool: Ran(0, out=text)})
        except UNREADABLE:
            continue
        judge_packet(found.tables, Packet(4, 443, "eth0", ("10.0.0.1",)))


def json_object(octets: bytes) -> dict[str, Any]:
    """Return the object that *octets* are in JSON; an empty one if they are none."""
    try:
        found = json.loads(octets)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


@cache
def _listener() -> Listener:
    async def connect() -> Link:
        raise NotImplementedError

    async def answer(_: Press) -> None:
        raise NotImplementedError

    clock = FakeClock()
    return Listener(connect, answer, clock, Standing("slack", clock))


@cache
def _scratch() -> Path:
    return Path(tempfile.mkdtemp(prefix="service-watchdog-fuzz-"))
