"""What a restart of the application costs those who ask meanwhile."""

from __future__ import annotations

from scripts.benchmarks.lab import bench_host
from scripts.benchmarks.report import Aim, Section
from tests.host.fronted import DOMAIN, DROP_IN, UNIT, FrontedHost, Outcome
from tests.host.installed import InstalledHost

RESTARTS = 10
RATE = 150  # a second

REFERENCE_UNIT = """\
[Service]
Type=simple
WorkingDirectory=/src
ExecStartPre=/bin/sleep 2
ExecStart=/opt/peers/bin/uvicorn tests.host.peers.asgi:app --host 0.0.0.0 --port 8000 --workers 2
Restart=always
RestartSec=10
TimeoutStartSec=60
"""

REFERENCE_SITE = f"""\
server {{
    listen 80;
    server_name {DOMAIN};
    client_max_body_size 50M;
    location / {{
        proxy_pass http://127.0.0.1:8000;
        proxy_http_version 1.1;
        proxy_next_upstream error timeout http_502 http_503;
        proxy_next_upstream_tries 3;
        proxy_next_upstream_timeout 10s;
        proxy_connect_timeout 10s;
        proxy_send_timeout 60s;
        proxy_read_timeout 60s;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection 'upgrade';
        proxy_set_header Host $host;
        proxy_cache_bypass $http_upgrade;
    }}
}}
"""


def under_load() -> Section:
    """Restart it, as the document's files, the unit and the socket have it, and count."""
    found = {kind: _count(kind) for kind in ("reference", "unit", "socket")}
    said = {
        "reference": "the document's unit and site",
        "unit": "the templates' unit and site",
        "socket": "the templates' socket, unit and site",
    }
    lost = found["socket"].lost
    return Section(
        "Requests lost in restarts",
        f"uvicorn with two workers behind nginx, {RATE} requests a second, half of them POST, half "
        f"over connections of their own, while it is restarted {RESTARTS} times by `systemctl "
        "restart`, one after another. Lost is what was not answered 200 with the right body.",
        ("how it is run", "requests", "GET lost", "POST lost", "slowest answer"),
        [
            (
                said[kind],
                f"{outcome.total:,}",
                str(_lost(outcome, "GET")),
                str(_lost(outcome, "POST")),
                f"{outcome.slowest:.1f} s",
            )
            for kind, outcome in found.items()
        ],
        [Aim("lost with the socket", str(lost), "0", lost == 0)],
    )


def _lost(outcome: Outcome, method: str) -> int:
    return sum(count for kind, count in outcome.failed.items() if kind.startswith(method))


def _count(kind: str) -> Outcome:
    with bench_host() as host:
        fronted = FrontedHost(host)
        fronted.configure()
        if kind == "reference":
            _run_reference(host)
        else:
            fronted.install_site()
            fronted.start(kind)
        with fronted.load(RATE) as load:
            for _ in range(RESTARTS):
                host.systemctl("restart", UNIT, timeout=60)
        return load.outcome


def _run_reference(host: InstalledHost) -> None:
    host.write("/etc/nginx/conf.d/reference.conf", REFERENCE_SITE)
    host.systemctl("restart", "nginx")
    host.write(f"/etc/systemd/system/{UNIT}.d/test.conf", DROP_IN)
    host.write_unit(UNIT, REFERENCE_UNIT)
    host.systemctl("start", UNIT)
    host.wait_for(lambda: _answers(host), what="it answers")


def _answers(host: InstalledHost) -> bool:
    try:
        return host.http("http://127.0.0.1:8000/health").status == 200
    except OSError:
        return False
