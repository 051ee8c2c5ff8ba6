"""What watching takes of memory: by feature, and beside the rivals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scripts.benchmarks import contestants
from scripts.benchmarks.cost import ONE
from scripts.benchmarks.lab import (
    bench_host,
    daemon_pid,
    pass_time,
    pss_megabytes,
    python_of,
    wait_for_phase,
)
from scripts.benchmarks.plot import Bar, Bars, Group
from scripts.benchmarks.report import Section, at_most
from tests.host.installed import DAEMON, InstalledHost
from tests.host.peers.slack import SlackServer

TITLE, IMPORTS = "Memory by feature", "Memory by import"

SLACK_PORT = 8065

IMPORTED = (
    "most of it is the interpreter, asyncio and the D-Bus library; see "
    "[what importing takes](#memory-by-import)"
)

SLACK = f"""
[slack]
token = "xoxb-0000000000-test"
channel = "#ops"
api_url = "http://127.0.0.1:{SLACK_PORT}/api/"
"""

BUTTONS = f"""
app_token = "{SlackServer.APP_TOKEN}"
users = ["U0ALICE000"]
"""

EMAIL = """
[email]
to = ["ops@example.com"]
from = "watchdog@example.com"
host = "127.0.0.1"
port = 2525
"""

WEBHOOK = """
[webhook]
url = "http://127.0.0.1:8099/hook"
"""

ALERTMANAGER = """
[alertmanager]
urls = ["http://127.0.0.1:9093"]
"""

WEB = """
[web]
"""

FEATURES: Mapping[str, str] = {
    "nothing: it watches, and logs": "",
    "Slack": SLACK,
    "email": EMAIL,
    "a webhook": WEBHOOK,
    "Alertmanager": ALERTMANAGER,
    "status page, API and metrics": WEB,
    "all of these": SLACK + EMAIL + WEBHOOK + ALERTMANAGER + WEB,
}

SETTLED = 2.0
"""Seconds after which a daemon that has just started has given back what that took."""

MODULES = (
    *("nothing", "asyncio", "structlog", "msgspec", "dbus_fast.aio", "httptools", "sqlite3"),
    *("watchdog.app.daemon", "psutil", "aiosmtplib", "aiohttp", "slack_sdk.web.async_client"),
)


def by_feature() -> Section:
    """Measure the PSS of the daemon with each feature configured, and then used."""
    rows, bars = [], []
    with bench_host() as host:
        host.start_peer("sample", "--port", "8000", unit="watched.service")
        plain = _running(host, "")
        found = {name: _running(host, text) for name, text in FEATURES.items()}
        for name, size in found.items():
            rows.append((name, f"{size:.1f}", f"{size - plain:+.1f}"))
            bars.append(Bar(name, size, f"{size:.1f}", ours=True))
        for name, size in _used(host).items():
            rows.append((name, f"{size:.1f}", f"{size - plain:+.1f}"))
            bars.append(Bar(name, size, f"{size:.1f}", ours=True))
        rivals = _rivals(host)
        rows += [(name, f"{size:.1f}", "") for name, size in rivals.items()]
    beside = [Bar(name, size, f"{size:.1f}") for name, size in rivals.items()]
    slack = found["Slack"]
    return Section(
        TITLE,
        "Proportional set size (PSS) of the daemon as installed, one service, everything else "
        "off, before the first alert unless said otherwise; libraries of a channel are imported "
        "when it first has something to say. Buttons keep a connection to Slack, so theirs are "
        "there from the start. A rival's children, which come and go, are not counted.",
        ("what is configured", "PSS, MB", "more than nothing"),
        rows,
        (
            at_most("PSS with Slack, before the first alert", slack, 36, "MB"),
            at_most("the same, as it is to be one day", slack, 28, "MB", IMPORTED),
        ),
        plots=(
            Bars(
                TITLE,
                "MB of proportional set size (PSS), one service",
                (Group("service-watchdog, configured with", bars), Group("beside it", beside)),
            ),
        ),
    )


def by_import(modules: Sequence[str] = MODULES) -> Section:
    """Measure bare interpreters that import one thing each."""
    with bench_host() as host:
        sizes = {name: _importing(host, name) for name in modules}
    return Section(
        IMPORTS,
        "PSS of bare interpreters of the daemon's environment, each importing one thing; what they "
        "share is counted in each.",
        ("a bare process that imports", "PSS, MB"),
        [(name, f"{size:.1f}") for name, size in sizes.items()],
        plots=(
            Bars(
                IMPORTS,
                "MB of proportional set size (PSS)",
                (Group("", [Bar(name, size, f"{size:.1f}") for name, size in sizes.items()]),),
            ),
        ),
    )


def _running(host: InstalledHost, tables: str) -> float:
    """Return the PSS of a daemon with these *tables*."""
    host.configure(ONE.format(interval="30s") + tables)
    host.systemctl("restart", DAEMON)
    wait_for_phase(host, "healthy")
    pass_time(SETTLED)
    return pss_megabytes(daemon_pid(host))


def _used(host: InstalledHost) -> dict[str, float]:
    """Return the PSS after an alert to Slack, and with its buttons."""
    host.start_peer("slack", "--port", str(SLACK_PORT))
    found = {}
    _running(host, SLACK)
    host.run("service-watchdog", "test-alert", check=False)
    pass_time(SETTLED)
    found["Slack, after its first alert"] = pss_megabytes(daemon_pid(host))
    found["Slack with buttons"] = _running(host, SLACK + BUTTONS)
    return found


def _rivals(host: InstalledHost) -> dict[str, float]:
    """Return the PSS of each rival with one service."""
    host.systemctl("stop", DAEMON)
    watching = {
        "monit": contestants.monit(host, 30, 0, 8300),
        "the document's loop (bash)": contestants.shell_loop(host, 0, 8400),
        "supervisord": contestants.supervisord(host, 8500),
    }
    pass_time(SETTLED)
    return {
        name: pss_megabytes(host.outer_pid(int(host.unit(each.unit, "MainPID")["MainPID"])))
        for name, each in watching.items()
    }


def _importing(host: InstalledHost, module: str) -> float:
    imports = "" if module == "nothing" else f"import {module}\n"
    script = f"{imports}print(open('/proc/self/smaps_rollup').read())"
    output = host.run(python_of(host), "-c", script).stdout
    return next(int(line.split()[1]) for line in output.splitlines() if "Pss:" in line) / 1024
