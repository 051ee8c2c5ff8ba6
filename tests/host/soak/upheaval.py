"""A host in which something happens all the time: failures, people, deploys, a moody Slack."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException

from tests.host.host import HostError, wait_for
from tests.host.installed import DAEMON
from tests.host.watched_host import API, SLACK, SMTP_PORT, WatchedHost

WEB_PORT = 9099
FIRST_OF_MANY = 20_000
MANY = 20
"""Services whose health one peer answers for, and which mostly are well."""

KEY = "/run/ruled"
"""What the service that commands keep consists of."""

POLICY = """
[defaults]
interval          = "2s"
fast_interval     = "500ms"
recovery_interval = "300ms"
start_timeout     = "3s"
backoff_first     = "500ms"
backoff_max       = "5s"
stopped_grace     = "10s"
restart_budget    = 4
restart_window    = "2m"
retry_every       = "30s"
stable_after      = "20s"
flap_window       = "1m"
"""

SERVICES = f"""
[[service]]
name   = "{API}"
port   = 8000
unit   = "{API}.service"
health = {{ url = "http://127.0.0.1:8000/health", timeout = "1s", expect = 'status == "healthy"' }}

[[service]]
name       = "shop"
unit       = "shop.service"
port       = 8001
health     = {{ url = "http://127.0.0.1:8001/health", timeout = "1s" }}
depends_on = ["{API}"]

[[service]]
name = "short-lived"
unit = "short-lived.service"

[[service]]
name    = "kept"
command = ["/bin/sleep", "infinity"]

[[service]]
name            = "ruled"
control.start   = ["true"]
control.stop    = ["true"]
control.status  = ["test", "-e", "{KEY}"]
interval        = "10s"

[web]
listen = "127.0.0.1:{WEB_PORT}"
"""

EMAIL = f"""
[email]
to   = ["alice@example.com", "bob@example.com"]
from = "watchdog@example.com"
host = "127.0.0.1"
port = {SMTP_PORT}
tls  = "none"
"""

MOODS = ("rate_limit", "error500", "hang", "drop_after_accepting", "garbage")
QUESTIONS = (
    ("status", "--json"),
    ("status", API),
    ("incidents", "--json"),
    ("report",),
    ("check",),
    ("config", "check"),
    ("status", "no-such-service"),
)
PATHS = ("/", "/api/v1/status", "/api/v1/incidents", "/metrics", "/no/such", "/%zz")


def configuration(services: int) -> str:
    """Return a configuration with so many of the many."""
    many = (
        f"""
[[service]]
name     = "many-{number}"
unit     = "many@{number}.service"
health   = {{ url = "http://127.0.0.1:{FIRST_OF_MANY + number}/", timeout = "1s" }}
interval = "5s"
"""
        for number in range(services)
    )
    return SERVICES + "".join(many) + POLICY + SLACK + EMAIL


class Upheaval:
    """Does one thing at each turn, by chance, and what undoes it some turns later."""

    def __init__(self, watching: WatchedHost, chance: random.Random) -> None:
        self.done: Counter[str] = Counter()
        self._watching = watching
        self._host = watching.host
        self._chance = chance
        self._undo: list[tuple[float, Callable[[], object]]] = []
        self._page: socket.socket | None = None
        self._deeds: dict[Callable[[], object], int] = {
            self.kill: 8,
            self.answer_badly: 8,
            self.hang: 4,
            self.stop_on_purpose: 2,
            self.fail_many: 1,
            self.lose_the_key: 2,
            self.have_slack_moody: 4,
            self.refuse_mail: 2,
            self.reload: 5,
            self.pause: 3,
            self.ask: 8,
            self.browse: 6,
        }

    def begin(self) -> None:
        """Start everything, and the daemon last; its page is open from now on."""
        watching, host = self._watching, self._host
        watching.start_slack()
        watching.start_mail()
        watching.start_sample()
        shop = ("--bare", "--port", "8001", "--behaviour", "/run/sample/shop")
        host.start_peer("sample", *shop, unit="shop.service")
        host.start_peer("many", "--first", str(FIRST_OF_MANY), "--count", str(MANY))
        host.write_unit("many@.service", "[Service]\nExecStart=/bin/sleep infinity\n")
        host.systemctl("start", *(f"many@{number}.service" for number in range(MANY)))
        host.write_unit("short-lived.service", "[Service]\nExecStart=/bin/sleep 45\n")
        host.systemctl("start", "short-lived.service")
        host.write(KEY, "")
        host.configure(configuration(MANY))
        host.start_daemon()

    def turn(self) -> None:
        """Undo what has lasted long enough, do something else, and read what the page is told."""
        now = time.monotonic()
        for due in [each for each in self._undo if each[0] <= now]:
            self._undo.remove(due)
            due[1]()
        deeds = list(self._deeds)
        deed = self._chance.choices(deeds, list(self._deeds.values()))[0]
        self.done[deed.__name__] += 1
        deed()
        self._look_at_page()

    def end(self) -> None:
        """Undo everything, and return when all is well and everybody has been told."""
        for _, undo in self._undo:
            undo()
        self._undo.clear()
        if self._page is not None:
            self._page.close()
        # This one never is: it ends after 45 s, as it is meant to.
        self._host.write_unit("short-lived.service", "[Service]\nExecStart=/bin/sleep infinity\n")
        self._host.systemctl("start", "short-lived.service")
        wait_for(self.all_well, 600, "all services well, and everybody told")

    def all_well(self) -> bool:
        """Tell whether every service is healthy, no incident open and nothing left to be sent."""
        shown = json.loads(self._watching.command("status", "--json", code=None))
        services, channels = shown["services"], shown["channels"]
        return all(
            service["phase"] == "healthy" and not service["incident"] for service in services
        ) and not any(channel["pending"] for channel in channels)

    # --- what happens to services --------------------------------------------------------------

    def kill(self) -> None:
        name = self._chance.choice((API, "shop", "short-lived", "kept"))
        shown = json.loads(self._watching.command("status", name, "--json", code=None))
        with suppress(HostError, ProcessLookupError):  # it may be down already
            if pid := shown["services"][0]["pid"]:
                os.kill(self._host.outer_pid(pid), signal.SIGKILL)

    def answer_badly(self) -> None:
        self._misbehave("status", self._chance.choice(("500", "503", "404")))

    def hang(self) -> None:
        self._misbehave("hang", "")

    def stop_on_purpose(self) -> None:
        self._host.systemctl("stop", "shop.service", check=False)
        self._later(6, lambda: self._host.systemctl("start", "shop.service", check=False))

    def fail_many(self) -> None:
        self._host.write("/run/many/hanging", str(self._chance.randint(1, MANY)))
        self._later(15, lambda: self._host.run("rm", "-f", "/run/many/hanging"))

    def lose_the_key(self) -> None:
        self._host.run("rm", "-f", KEY)
        self._later(self._chance.choice((8, 60)), lambda: self._host.write(KEY, ""))

    # --- what happens to those who are told ----------------------------------------------------

    def have_slack_moody(self) -> None:
        self._watching.slack_mode(self._chance.choice(MOODS))
        self._later(self._chance.choice((5, 20)), lambda: self._watching.slack_mode("ok"))

    def refuse_mail(self) -> None:
        self._watching.mail_mood(
            mode=self._chance.choice(("hang", "drop_after_data", "defer_data"))
        )
        self._later(10, self._watching.mail_mood)

    # --- what people do ------------------------------------------------------------------------

    def reload(self) -> None:
        self._host.configure(configuration(self._chance.randint(0, MANY)))
        self._host.systemctl("reload", DAEMON)

    def pause(self) -> None:
        command = self._chance.choice(("pause", "silence"))
        self._watching.command(command, API, "--for", "10s", "--reason", "soak", code=None)

    def ask(self) -> None:
        self._watching.command(*self._chance.choice(QUESTIONS), code=None)

    def browse(self) -> None:
        url = f"http://127.0.0.1:{WEB_PORT}{self._chance.choice(PATHS)}"
        with suppress(OSError, HTTPException):
            self._host.http(url)

    # --- how -----------------------------------------------------------------------------------

    def _misbehave(self, name: str, text: str) -> None:
        path = f"/run/sample/{self._chance.choice(('sample', 'shop'))}/{name}"
        self._host.write(path, text)
        self._later(self._chance.choice((2, 8, 20)), lambda: self._host.run("rm", "-f", path))

    def _later(self, seconds: float, undo: Callable[[], object]) -> None:
        self._undo.append((time.monotonic() + seconds, undo))

    def _look_at_page(self) -> None:
        """Take what the open page was sent since; open it again if it was closed."""
        if self._page is None:
            with suppress(OSError):
                self._page = self._host.connect("127.0.0.1", WEB_PORT)
                self._page.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                self._page.setblocking(False)
                self.done["page opened"] += 1
            return
        with suppress(BlockingIOError):
            while taken := os.read(self._page.fileno(), 1 << 16):
                self.done["kilobytes to the page"] += len(taken) >> 10
            self._page.close()
            self._page = None
