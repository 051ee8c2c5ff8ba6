"""A real Prometheus scrapes the installed daemon: metrics, rules, dashboard."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest

from tests.host.host import wait_for
from tests.host.installed import InstalledHost
from tests.markdown import ROOT

pytestmark = pytest.mark.timeout(180)

EXAMPLES = ROOT / "examples"
PAGE = "127.0.0.1:9099"
CONFIG = f"""\
[[service]]
name          = "sample"
unit          = "sample.service"
port          = 8000
health        = "http://127.0.0.1:8000/health"
interval      = "1s"
fast_interval = "200ms"
max_failures  = 1

[[email]]
to   = ["root@localhost"]
from = "watchdog@localhost"
host = "127.0.0.1"
port = 25
tls  = "none"

[web]
listen = "{PAGE}"
"""
FILLED = {
    "$__rate_interval": "1m",
    "$__range": "5m",
    "$instance": ".*",
    "$service": ".*",
}
"""What Grafana puts in place of its variables."""


@pytest.fixture(scope="module")
def host(lasting_host: InstalledHost) -> InstalledHost:
    """A host where a service was killed and healed, and Prometheus has seen it."""
    host = lasting_host
    host.start_peer("sample", "--bare", "--port", "8000")
    host.configure(CONFIG)
    host.start_daemon()
    for name in ("prometheus.yml", "prometheus-rules.yml"):
        text = (EXAMPLES / name).read_text(encoding="utf-8")
        text = text.replace("_interval: 30s", "_interval: 1s")
        host.write(f"/etc/watched/{name}", text.partition("  # Every running EC2")[0])
    command = (
        "/usr/bin/prometheus --config.file=/etc/watched/prometheus.yml"
        " --storage.tsdb.path=/run/prometheus --web.listen-address=127.0.0.1:9090"
    )
    host.write_unit("scraper.service", f"[Service]\nExecStart={command}\n")
    host.systemctl("start", "scraper.service")
    wait_for(lambda: found(host, 'up{job="service-watchdog"} == 1'), 60, "a scrape")
    host.kill("sample.service")
    healed = 'service_watchdog_restarts_total{result="done"} > 0'
    wait_for(lambda: found(host, healed), 60, "the restart in the metrics")
    return host


def found(host: InstalledHost, query: str) -> Sequence[dict[str, Any]]:
    """Return what Prometheus answers to *query*; nothing while it is not up."""
    try:
        reply = host.http(f"http://127.0.0.1:9090/api/v1/query?query={quote(query)}")
    except OSError:
        return ()
    if reply.status == 503:  # it is still reading what it has kept
        return ()
    answer = json.loads(reply.text)
    assert answer["status"] == "success", (query, answer)
    result: Sequence[dict[str, Any]] = answer["data"]["result"]
    return result


def test_promtool_likes_the_metrics_and_the_rules(host: InstalledHost) -> None:
    checked = host.sh(f"curl --fail --silent http://{PAGE}/metrics | promtool check metrics")
    assert (checked.stdout, checked.stderr) == ("", "")
    host.run("promtool", "check", "rules", "/etc/watched/prometheus-rules.yml")
    host.run("promtool", "check", "config", "/etc/watched/prometheus.yml")
    whole = (EXAMPLES / "prometheus.yml").read_text(encoding="utf-8")
    host.write("/etc/watched/whole.yml", whole)
    host.run("promtool", "check", "config", "/etc/watched/whole.yml")


def dashboard() -> Iterator[tuple[str, str]]:
    """Yield each query of the dashboard with the title of its panel."""
    board = json.loads((EXAMPLES / "grafana-dashboard.json").read_text(encoding="utf-8"))
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def test_every_panel_of_the_dashboard_has_data(host: InstalledHost) -> None:
    for title, query in dashboard():
        filled = query
        for name, value in FILLED.items():
            filled = filled.replace(name, value)
        assert "$" not in filled
        assert wait_for(partial(found, host, filled), 30, f"data for {title}: {filled}")


def test_every_metric_of_the_dashboard_and_the_rules_is_documented(host: InstalledHost) -> None:
    used = " ".join(query for _, query in dashboard())
    used += (EXAMPLES / "prometheus-rules.yml").read_text(encoding="utf-8")
    documented = (ROOT / "docs/how-to/web.md").read_text(encoding="utf-8")
    for name in set(re.findall(r"service_watchdog_(\w+)", used)):
        assert f"`{name}`" in documented, name


def test_a_restart_is_counted_where_the_rules_look(host: InstalledHost) -> None:
    [restarts] = found(host, 'service_watchdog_restarts_total{service="sample",result="done"}')
    assert restarts["value"][1] == "1"
    [healthy] = wait_for(lambda: found(host, "service_watchdog_service_healthy == 1"), 30, "health")
    assert healthy["metric"]["service"] == "sample"
    assert found(host, "service_watchdog_service_memory_bytes")[0]["value"][1] != "0"


def test_an_alert_of_a_dead_watchdog_is_pending_by_itself(host: InstalledHost) -> None:
    host.systemctl("stop", "service-watchdog")
    try:
        alert = 'ALERTS{alertname="ServiceWatchdogDown"}'
        assert wait_for(lambda: found(host, alert), 90, "the alert of Prometheus")
    finally:
        host.start_daemon()
