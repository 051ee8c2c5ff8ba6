"""Who is compared: each watches one patient of its own, and says in its own way what it saw."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tests.host.installed import DAEMON, InstalledHost
from tests.host.journal import Entry

PATIENT = "/opt/peers/bin/python -m tests.host.peers.patient --port {port} --name {name}"

UNIT = """\
[Unit]
StartLimitIntervalSec=0
[Service]
Type={type}
WorkingDirectory=/src
Environment=PYTHONDONTWRITEBYTECODE=1
ExecStart={command}
{more}
"""

# One check of process and /health in one place, which is what monit is good at. Its own timeout
# is 5 s; at one second a cycle it gets the shortest that it takes. It leaves the port of a process
# alone for as long as a start may take, 30 s unless it is told otherwise.
MONIT = """\
set daemon {cycle}
set log syslog
set pidfile /run/{name}.monit.pid
set idfile /run/{name}.monit.id
set statefile /run/{name}.monit.state
check process {name} matching "--name {name}$"
  start program = "/usr/bin/systemctl start {name}.service" with timeout 1 seconds
  stop program = "/usr/bin/systemctl stop {name}.service"
  restart program = "/usr/bin/systemctl restart {name}.service"
  if failed host 127.0.0.1 port {port} protocol http request "/health"
    with timeout {timeout} seconds then restart
"""

SUPERVISOR = """\
[supervisord]
nodaemon=true
logfile=/run/{name}.log
logfile_maxbytes=0
pidfile=/run/{name}.supervisord.pid
[program:{name}]
command={command}
directory=/src
environment=PYTHONDONTWRITEBYTECODE="1"
autorestart=true
"""

# The reference document's loop, word for word but for names, port and pace; nobody is root twice.
SHELL_LOOP = """\
#!/bin/bash
sudo() { "$@"; }
SERVICE_NAME="$1.service"
HEALTH_URL="http://localhost:$2/health"
MAX_FAILURES=3
FAILURE_COUNT=0

check_service() {
    if ! systemctl is-active --quiet $SERVICE_NAME; then
        echo "Service is not active, attempting restart..."
        sudo systemctl restart $SERVICE_NAME
        sleep 5
        return 1
    fi
    if ! ss -tlnp | grep -q ":$2"; then
        echo "Port $2 is not listening, restarting service..."
        sudo systemctl restart $SERVICE_NAME
        sleep 5
        return 1
    fi
    if ! curl -f $HEALTH_URL >/dev/null 2>&1; then
        echo "Health check failed"
        return 1
    fi
    return 0
}

while true; do
    if ! check_service $1 $2; then
        FAILURE_COUNT=$((FAILURE_COUNT + 1))
        echo "Failure count: $FAILURE_COUNT"
        if [ $FAILURE_COUNT -ge $MAX_FAILURES ]; then
            echo "Max failures reached, sending alert..."
            FAILURE_COUNT=0
        fi
    else
        FAILURE_COUNT=0
    fi
    sleep 30
done
"""

# Restarts at the first failure, as the others are told to; every trial counts as a first one.
DEFAULTS = """
[defaults]
restart_after = { http = 1 }
recovery_interval = "100ms"
stable_after = "1s"
flap_window = "0s"
backoff_first = "0s"
backoff_max = "0s"
restart_budget = 1000
restart_window = "1s"
"""

SERVICE = """
[[service]]
name = "{name}"
unit = "{name}.service"
port = {port}
health = "http://127.0.0.1:{port}/health"
interval = "{cycle}s"
"""


@dataclass(frozen=True)
class Contestant:
    """A watcher of one patient: its pace in seconds, where it logs and what it says first."""

    kind: str
    name: str
    port: int
    cycle: float
    unit: str  # that logs
    says: re.Pattern[str]

    def saw(self, entries: Sequence[Entry], since: float, until: float) -> float | None:
        """Return when it first logged, between those two (mono), that something is wrong."""
        for entry in entries:
            if since <= entry.monotonic <= until and self.says.search(entry.message):
                return stamp_of(entry)
        return None


def stamp_of(entry: Entry) -> float:
    """Return when what *entry* tells was seen (mono): when it was logged, or what it says of it."""
    try:
        told = json.loads(entry.message)["seen"]
    except (ValueError, KeyError, TypeError):
        return entry.monotonic
    return entry.monotonic - (entry.time - float(told))


def ours(
    host: InstalledHost, cycles: Sequence[float], port: int, more: str = ""
) -> list[Contestant]:
    """Start our daemon for patients at these paces; *more* are further services."""
    found = []
    for number, cycle in enumerate(cycles):
        name = f"ours{number}"
        _install_patient(host, name, port + number)
        # The core's own turn into `restarting`: the stamp of what it was told is in the line.
        says = re.compile(
            rf'"service":"{name}".*"phase":"restarting"|"phase":"restarting".*"{name}"'
        )
        found.append(
            Contestant(f"service-watchdog, {cycle:g} s", name, port + number, cycle, DAEMON, says)
        )
    host.configure(
        "".join(SERVICE.format(name=c.name, port=c.port, cycle=f"{c.cycle:g}") for c in found)
        + more
        + DEFAULTS
    )
    host.start_daemon()
    return found


def monit(host: InstalledHost, cycle: int, number: int, port: int, more: str = "") -> Contestant:
    """Start a monit with a cycle of so many seconds; *more* are further checks, asked first."""
    name = f"monit{cycle}x{number}"
    _install_patient(host, name, port)
    text = MONIT.format(name=name, port=port, cycle=cycle, timeout=1 if cycle == 1 else 5)
    head, check = text.split("check process", 1)
    host.write(f"/etc/{name}.monitrc", f"{head}{more}check process{check}", mode=0o700)
    _start(host, f"{name}.watch", f"/usr/bin/monit -I -c /etc/{name}.monitrc")
    says = re.compile(rf"'{name}'.*(not running|failed protocol|failed connect|failed \()")
    return Contestant(f"monit, {cycle} s", name, port, cycle, f"{name}.watch.service", says)


def shell_loop(host: InstalledHost, number: int, port: int) -> Contestant:
    """Start the document's loop."""
    name = f"loop{number}"
    _install_patient(host, name, port)
    host.write("/usr/local/bin/health-monitor.sh", SHELL_LOOP, mode=0o755)
    _start(host, f"{name}.watch", f"/usr/local/bin/health-monitor.sh {name} {port}")
    says = re.compile("is not active|is not listening|Health check failed")
    return Contestant("the document's loop, 30 s", name, port, 30, f"{name}.watch.service", says)


def supervisord(host: InstalledHost, port: int) -> Contestant:
    """Start a supervisord that keeps its patient itself."""
    name, command = "supervised", PATIENT.format(port=port, name="supervised")
    host.write(f"/etc/{name}.conf", SUPERVISOR.format(name=name, command=command))
    _start(host, f"{name}.watch", f"/usr/bin/supervisord -c /etc/{name}.conf")
    says = re.compile(rf"exited: {name}")
    return Contestant("supervisord", name, port, 1, f"{name}.watch.service", says)


def systemd(host: InstalledHost, port: int) -> Contestant:
    """Let systemd itself keep a patient."""
    _install_patient(host, "kept", port, "Restart=always\nRestartSec=0")
    says = re.compile("Main process exited")
    return Contestant("systemd, Restart=always", "kept", port, 1, "kept.service", says)


def _install_patient(host: InstalledHost, name: str, port: int, more: str = "") -> None:
    command = PATIENT.format(port=port, name=name)
    text = UNIT.format(type="notify", command=command, more=more)
    host.write_unit(f"{name}.service", text)
    host.systemctl("start", f"{name}.service")


def _start(host: InstalledHost, name: str, command: str) -> None:
    host.write_unit(f"{name}.service", UNIT.format(type="exec", command=command, more=""))
    host.systemctl("start", f"{name}.service")
