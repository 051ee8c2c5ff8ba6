"""What a restart or a deploy of the application costs those who ask meanwhile."""

from __future__ import annotations

from scripts.benchmarks.lab import bench_host, of
from scripts.benchmarks.plot import Bar, Bars, Group
from scripts.benchmarks.report import Aim, Section
from tests.host.fronted import DOMAIN, DROP_IN, NAME, UNIT, FrontedHost, Outcome
from tests.host.installed import InstalledHost

TITLE = "Requests lost in restarts"
WHAT = ("restart", "deploy")
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


# The reference document's steps of a deploy, but for sudo.
REFERENCE_DEPLOY = f"""
systemctl restart {UNIT}
for i in $(seq 30); do
  if ss -tlnp | grep -q ":8000"; then break; fi
  sleep 1
done
curl -sf http://localhost:8000/health >/dev/null || exit 1
nginx -t 2>/dev/null && systemctl restart nginx
"""

KINDS = {
    "reference": "the document's unit and site",
    "unit": "the templates' unit and site",
    "socket": "the templates' socket, unit and site",
}


def under_load() -> Section:
    """Restart it, and deploy it, as the document, the unit and the socket have it, and count."""
    restarts, deploys = of(10, 3), of(4, 1)
    found = {
        (kind, what): _count(kind, what, many)
        for kind in KINDS
        for what, many in (("restart", restarts), ("deploy", deploys))
    }
    return Section(
        TITLE,
        f"uvicorn with two workers behind nginx, {RATE} requests a second, half of them POST, half "
        f"over connections of their own, while it is restarted {restarts} times by `systemctl "
        f"restart`, one after another, or deployed {deploys} times: by the document's own steps, "
        "which restart nginx too, or by `service-watchdog deploy`, which reloads it and goes on "
        "once health is proven. Lost is what was not answered 200 with the right body.",
        ("how it is run", "what is done", "requests", "GET lost", "POST lost", "slowest answer"),
        [
            (
                KINDS[kind],
                what,
                f"{outcome.total:,}",
                str(_lost(outcome, "GET")),
                str(_lost(outcome, "POST")),
                f"{outcome.slowest:.1f} s",
            )
            for (kind, what), outcome in found.items()
        ],
        [
            Aim(f"lost with the socket, {what}", str(lost), "0", lost == 0, f"{lost} requests")
            for what in ("restart", "deploy")
            for lost in (found["socket", what].lost,)
        ],
        plots=(
            Bars(
                TITLE,
                f"% of the requests, at {RATE} a second",
                [
                    Group(KINDS[kind], [_bar(what, found[kind, what]) for what in WHAT])
                    for kind in KINDS
                ],
            ),
        ),
    )


def _bar(what: str, outcome: Outcome) -> Bar:
    share = outcome.lost / max(outcome.total, 1) * 100
    return Bar(what, share, f"{outcome.lost:,} of {outcome.total:,}", ours=share == 0)


def _lost(outcome: Outcome, method: str) -> int:
    return sum(count for kind, count in outcome.failed.items() if kind.startswith(method))


def _count(kind: str, what: str, many: int) -> Outcome:
    with bench_host() as host:
        fronted = FrontedHost(host)
        fronted.configure()
        if kind == "reference":
            _run_reference(host)
        else:
            fronted.install_site()
            fronted.start(kind)
        with fronted.load(RATE) as load:
            for _ in range(many):
                if what == "restart":
                    host.systemctl("restart", UNIT, timeout=60)
                elif kind == "reference":
                    host.sh(REFERENCE_DEPLOY, timeout=90)
                else:
                    host.run("service-watchdog", "deploy", NAME, timeout=120)
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
