"""What the web part costs: answers, memory, and what a scrape does to the rounds; the live page."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from scripts.benchmarks.figures import quantile
from scripts.benchmarks.lab import (
    bench_host,
    cpu_seconds,
    daemon_pid,
    pass_time,
    pss_megabytes,
    status,
    wait_for_phase,
)
from scripts.benchmarks.report import Aim, Section
from tests.host.installed import DAEMON, InstalledHost

SERVED = "The web part with a thousand services"
LIVE = "From kill -9 to the page"
SERVICES = 1000
ASKED = 30  # times, a second apart
PLACE = "127.0.0.1:9099"
KILLS = 20
ONCE = "curl -fsS --compressed -o /dev/null -w '%{time_total} ' http://" + PLACE


def served() -> Section:
    """Ask a daemon with a thousand services, and look at its rounds meanwhile."""
    rows: list[tuple[str, ...]] = []
    with bench_host() as host:
        host.start_peer(
            "many", "--first", "20000", "--count", str(SERVICES), more="LimitNOFILE=16000"
        )
        host.write_unit("many@.service", "[Service]\nType=exec\nExecStart=/bin/sleep infinity\n")
        for start in range(0, SERVICES, 100):
            names = [f"many@{i}.service" for i in range(start, start + 100)]
            host.systemctl("start", *names, timeout=120)
        off = _megabytes_of(host, "")
        on = _megabytes_of(host, f'[web]\nlisten = "{PLACE}"\n')
        rows.append(("memory of the daemon, [web] off and on", f"{off:.1f} MB", f"{on:.1f} MB"))
        aims = []
        calm = _late(host, lambda: pass_time(ASKED))
        for path, bar in (("/metrics", 150.0), ("/api/v1/status", 50.0)):
            took: list[float] = []
            late = _late(host, lambda path=path, took=took: _ask(host, path, took))  # type: ignore[misc]
            p50, p99 = median(took), quantile(took, 0.99)
            rows.append((f"GET {path}, p50 and p99", f"{p50:.0f} ms", f"{p99:.0f} ms"))
            rows.append(
                (
                    f"rounds late, p99 and worst, {path} once a second",
                    *(f"{late[name]:.1f} ms" for name in ("p99", "max")),
                )
            )
            cpu = (late["cpu"] - calm["cpu"]) / ASKED
            rows.append((f"CPU for each GET {path}", f"{cpu:.1f} ms", ""))
            more = late["p99"] - calm["p99"]
            aims += [
                Aim(f"GET {path}, p50", f"{p50:.0f} ms", f"≤ {bar:.0f} ms", p50 <= bar),
                Aim(f"p99 lateness more with {path}", f"{more:.1f} ms", "≤ 10 ms", more <= 10),
            ]
        rows.append(
            (
                "rounds late, p99 and worst, nobody asks",
                *(f"{calm[name]:.1f} ms" for name in ("p99", "max")),
            )
        )
    return Section(
        SERVED,
        f"{SERVICES:,} services, each with unit, port and /health, every 30 s. Each address is "
        f"asked {ASKED} times, a second apart, by curl; rounds are looked at meanwhile, and for as "
        "long while nobody asks.",
        ("what", "", ""),
        rows,
        aims,
    )


def _megabytes_of(host: InstalledHost, web: str) -> float:
    """Let the daemon run with this web table, until all is calm, and return its PSS."""
    host.configure(
        "".join(
            f'[[service]]\nname = "s{i}"\nunit = "many@{i}.service"\n'
            f"port = {{ port = {20000 + i}, any_owner = true }}\n"
            f'health = "http://127.0.0.1:{20000 + i}/health"\n'
            for i in range(SERVICES)
        )
        + web
    )
    host.systemctl("restart", DAEMON, timeout=120)
    wait_for_phase(host, "healthy", 120)
    pass_time(35)
    if web:
        host.sh(f"{ONCE}/metrics; {ONCE}/api/v1/status")
    return pss_megabytes(daemon_pid(host))


def _late(host: InstalledHost, meanwhile: Callable[[], object]) -> dict[str, float]:
    """Return how late rounds began while *meanwhile* went on, and the CPU that all took (ms)."""
    host.systemctl("restart", DAEMON, timeout=120)
    wait_for_phase(host, "healthy", 120)
    pid = daemon_pid(host)
    before = cpu_seconds(pid)
    meanwhile()
    ran = cpu_seconds(pid) - before
    late: dict[str, float] = status(host)["daemon"]["late_ms"]
    return late | {"cpu": ran * 1000}


def _ask(host: InstalledHost, path: str, took: list[float]) -> None:
    """Ask for *path* once a second, and take down how many milliseconds each answer took."""
    done = host.sh(f"for i in $(seq {ASKED}); do {ONCE}{path}; sleep 1; done", timeout=120)
    took += [float(each) * 1000 for each in done.stdout.split()]


PAGED = """\
[[service]]
name     = "api"
command  = ["{python}", "-m", "http.server", "--bind", "127.0.0.1", "{port}"]
port     = {port}
interval = "30s"
restart_budget = 1000
backoff_first  = "0s"
flap_limit     = 0
[web]
listen = "127.0.0.1:{web}"
[daemon]
state_dir   = "{directory}"
runtime_dir = "{directory}"
"""
STAMPED = """() => {
  window.seen = new Promise((done) => {
    const look = () => document.querySelector('.phase').textContent === 'healthy' || done(Date.now());
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
}"""  # noqa: E501


def live() -> Section:
    """Kill a service, and see when a real Chromium shows it."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - the other parts need none

    took: list[float] = []
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        port, web = _free_ports()
        config = Path(directory, "config.toml")
        config.write_text(
            PAGED.format(python=sys.executable, port=port, web=web, directory=directory)
        )
        config.chmod(0o600)
        command = [sys.executable, "-m", "watchdog.cli.main", "run", "--config", str(config)]
        daemon = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            page = browser.new_page()
            address = f"http://127.0.0.1:{web}/"
            _until(lambda: _opens(page.goto, address))
            page.get_by_text("1 service, no trouble").wait_for()
            for _ in range(KILLS):
                page.locator(".phase", has_text="healthy").wait_for(timeout=60_000)
                page.evaluate(STAMPED)
                answer = page.request.get(f"{address}api/v1/status").json()
                pid = answer["services"][0]["pid"]
                began = time.time()
                os.kill(pid, signal.SIGKILL)
                took.append(page.evaluate("window.seen") - began * 1000)
                pass_time(1.5)
            browser.close()
        finally:
            daemon.terminate()
            daemon.wait()
    p50, worst = median(took), max(took)
    return Section(
        LIVE,
        f"A service that the daemon itself keeps, killed {KILLS} times; until the words of an open "
        "page in Chromium have changed, by the clock that both share.",
        ("kills", "p50", "worst"),
        [(str(KILLS), f"{p50:.0f} ms", f"{worst:.0f} ms")],
        [Aim("kill -9 → on the page, worst", f"{worst:.0f} ms", "≤ 1000 ms", worst <= 1000)],
    )


def _opens(goto: Callable[[str], object], address: str) -> bool:
    from playwright.sync_api import Error  # noqa: PLC0415 - see above

    try:
        goto(address)
    except Error:
        return False
    return True


def _until(done: Callable[[], bool]) -> None:
    while not done():
        pass_time(0.2)


def _free_ports() -> Sequence[int]:
    from tests.page.conftest import free_port  # noqa: PLC0415 - see above

    return free_port(), free_port()
