"""apprise: what its own json:// service posts to a real server, and what becomes of trouble."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import resource
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tests.unit.notify.alerts import message
from tests.unit.notify.canned import Answer, as_text, canned
from tests.unit.notify.serving import serving
from watchdog.errors import DeliveryError, RejectedDeliveryError, TemporaryDeliveryError
from watchdog.notify import apprise_child
from watchdog.notify.apprise import Apprise, Target, Verdict, environment, failure, inert

# What the library imports is its own affair.
pytestmark = [
    pytest.mark.adapter,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

KEY = "0b8f2a6e-6a53-5c0e-8b9a-0d7a4c1f2e3d"
CANARY = "canary4711"
OK = as_text("", 200)


def service(port: int, timeout: float = 30.0, schema: str = "json") -> Apprise:
    url = f"{schema}://127.0.0.1:{port}/{CANARY}"
    return Apprise(Target("apprise:json", url), timeout=timeout)


class InProcess(Apprise):
    """Does in this process what the child does: each child imports the library anew."""

    async def _run(self, request: bytes) -> Verdict:
        said = await asyncio.to_thread(apprise_child.send, json.loads(request))
        return msgspec.convert(said, Verdict)


def library(port: int) -> Apprise:
    return InProcess(Target("apprise:json", f"json://127.0.0.1:{port}/{CANARY}"))


@pytest.fixture(autouse=True)
def the_librarys_log_as_it_was() -> Iterator[None]:
    log = logging.getLogger("apprise")
    handlers, propagates = list(log.handlers), log.propagate
    yield
    log.handlers[:], log.propagate = handlers, propagates


def scripted(script: str, timeout: float = 5.0) -> Apprise:
    """Return a notifier whose child is *script*."""
    target = Target("apprise:json", f"json://127.0.0.1:9/{CANARY}")
    return Apprise(target, timeout=timeout, command=("-c", script))


async def failed(notifier: Apprise) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await notifier.send(message(), KEY)
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    return caught.value


def test_importing_the_module_imports_no_library() -> None:
    lines = (
        "import sys, watchdog.notify.apprise, watchdog.config",
        "sys.exit('apprise' in sys.modules or None)",
    )
    assert subprocess.run([sys.executable, "-c", "\n".join(lines)], check=False).returncode == 0


# --- with the library ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("send", "kind", "shown_as"),
    [
        (service, "firing", "failure"),
        (library, "firing", "failure"),
        (library, "resolved", "success"),
        (library, "notice", "warning"),
        (library, "test", "info"),
    ],
)
async def test_a_service_gets_title_facts_evidence_and_kind(
    send: Callable[[int], Apprise], kind: str, shown_as: str
) -> None:
    async with canned(OK) as server:
        await send(server.port).send(message(kind), KEY)
    [content] = server.bodies
    posted = json.loads(content)
    shown = message(kind)
    assert posted["title"] == shown.title
    assert posted["type"] == shown_as
    assert all(line in posted["message"] for line in (*shown.lines, *shown.evidence))


SORRY = (as_text("sorry", 503), TemporaryDeliveryError, "the service answered 503, which may pass")


@pytest.mark.parametrize(
    ("send", "answer", "error", "words"),
    [
        (service, *SORRY),
        (library, *SORRY),
        (
            library,
            as_text("who?", 401),
            TemporaryDeliveryError,
            "the service answered 401; check the URL",
        ),
        (
            library,
            as_text("what?", 400),
            RejectedDeliveryError,
            "answered 400: it refuses this alert",
        ),
    ],
)
async def test_a_refusal_is_told_by_the_status_that_the_library_lets_out(
    send: Callable[[int], Apprise], answer: Answer, error: type[DeliveryError], words: str
) -> None:
    async with canned(answer) as server:
        raised = await failed(send(server.port))
    assert isinstance(raised, error)
    assert words in str(raised)
    assert len(server.bodies) == 1  # no retries of the library's own


async def test_a_mention_in_foreign_words_pings_nobody() -> None:
    shown = replace(message(), title="FIRING x: @everyone", evidence=("<@4711> <!channel> @here",))
    async with canned(OK) as server:
        await library(server.port).send(shown, KEY)
    [content] = server.bodies
    posted = json.loads(content)
    assert posted["title"] == "FIRING x: @\u200beveryone"
    assert posted["message"].endswith("<@\u200b4711> <!\u200bchannel> @\u200bhere")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x@everyone", "x@|everyone"),
        ("<@&1> <@!2>", "<@|&1> <@|!2>"),
        ("ask @bob", "ask @|bob"),
        ("bob@example.com getty@tty1.service a @ b", "bob@example.com getty@tty1.service a @ b"),
    ],
)
def test_what_would_mention_somebody_is_made_inert(text: str, shown: str) -> None:
    assert inert(text) == shown.replace("|", "\u200b")


async def test_a_service_that_is_down_is_temporary() -> None:
    error = await failed(service(9))
    assert isinstance(error, TemporaryDeliveryError)
    assert str(error) == (
        "cannot deliver to apprise:json: the service was not reached, or did not take it"
    )


async def test_a_url_that_the_library_does_not_know_waits_for_its_correction() -> None:
    error = await failed(service(9, schema="nosuchservice"))
    assert isinstance(error, TemporaryDeliveryError)
    assert "apprise does not understand the URL" in str(error)
    assert error.retry_after == 300.0


async def test_a_text_beyond_the_limit_of_a_service_is_cut_and_not_refused() -> None:
    script = (
        "import apprise\n"
        "from watchdog.notify import apprise_child\n"
        "type(apprise.Apprise.instantiate('json://127.0.0.1/')).body_maxlen = 100\n"
        "apprise_child.main()\n"
    )
    async with canned(OK) as server:
        target = Target("apprise:json", f"json://127.0.0.1:{server.port}/")
        await Apprise(target, command=("-c", script)).send(message(), KEY)
    [content] = server.bodies
    assert 0 < len(json.loads(content)["message"]) <= 100
    assert json.loads(content)["message"].startswith(message().lines[0])


# --- the process --------------------------------------------------------------------------------


async def test_a_child_that_hangs_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    os.mkfifo(pids)
    script = (
        "import os, subprocess, time\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        "time.sleep(600)\n"
    )
    sending = asyncio.create_task(failed(scripted(script, timeout=1.0)))
    started = await asyncio.to_thread(pids.read_text)
    error = await sending
    assert str(error) == (
        "cannot deliver to apprise:json: no answer within 1 s; should it have arrived all the "
        "same, it will arrive twice"
    )
    for pid in map(int, started.split()):
        assert is_gone(pid)


async def test_a_sending_that_is_called_off_leaves_no_process(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    os.mkfifo(pids)
    script = f"import os, time\nopen({str(pids)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)\n"
    sending = asyncio.create_task(scripted(script).send(message(), KEY))
    pid = int(await asyncio.to_thread(pids.read_text))
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert is_gone(pid)


def is_gone(pid: int) -> bool:
    """Tell whether the process has ended, be it that nobody has looked at its end yet."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
    return False


async def test_the_loop_goes_on_while_a_service_takes_its_time() -> None:
    sending = asyncio.create_task(failed(scripted("import time; time.sleep(600)", timeout=0.5)))
    turns = 0
    while not sending.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 100


@pytest.mark.parametrize("script", ["import os; os._exit(7)", "print('hello'); exit(7)"])
async def test_a_child_that_dies_is_temporary(script: str) -> None:
    error = await failed(scripted(script))
    assert isinstance(error, TemporaryDeliveryError)
    assert str(error) == (
        "cannot deliver to apprise:json: what sends it ended with status 7 and without a word"
    )


async def test_the_url_is_neither_in_the_command_line_nor_in_the_environment() -> None:
    script = (
        "import json, os, sys\n"
        "seen = open('/proc/self/cmdline').read() + str(dict(os.environ))\n"
        "url = json.load(sys.stdin)['url']\n"
        "found = url in seen\n"
        "print(json.dumps({'outcome': 'unknown-url' if found else 'sent'}))\n"
    )
    await scripted(script).send(message(), KEY)


def test_the_child_gets_neither_proxies_nor_our_secrets() -> None:
    ours = {"PATH": "/bin", "HTTPS_PROXY": "http://proxy", "CREDENTIALS_DIRECTORY": "/run/x"}
    assert environment(ours) == {"PATH": "/bin"}


def test_a_library_that_was_uninstalled_meanwhile_keeps_the_alert() -> None:
    error = failure(Verdict("missing"), "apprise:json")
    assert isinstance(error, TemporaryDeliveryError)
    assert "install it again" in str(error)
    assert error.retry_after == 300.0


async def test_an_answer_without_end_takes_the_process_that_sends_and_nothing_else() -> None:
    """The library's plugins read it to its end; the memory that they have is bounded."""

    async def without_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        while True:
            writer.write(bytes(1 << 18))
            await writer.drain()

    async with serving(without_end) as port:
        with pytest.raises(TemporaryDeliveryError):
            await service(port).send(message(), KEY)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10 < 2 * apprise_child.MEMORY
