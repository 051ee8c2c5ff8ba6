"""Three hosts, one Prometheus, one Alertmanager, with the files of examples/fleet.

The last test ends what the others need.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import partial

import pytest

from tests.host.conftest import HostFactory
from tests.host.fleet import EXAMPLES, HOME, NAMES, PATIENCE, TOKEN, Fleet, assemble
from tests.host.host import wait_for
from tests.host.installed import DAEMON
from tests.host.lan import unplugged
from tests.host.peers.ec2 import KEYS, REGION, Ec2, client

pytestmark = pytest.mark.timeout(180)

API_PORT = 8092

FILLED = {
    "$__rate_interval": "10s",
    "$__range": "5m",
    "$instance": ".*",
    "$service": ".*",
}
"""What Grafana puts in place of its variables."""


@pytest.fixture(scope="module")
def fleet(lasting_hosts: HostFactory) -> Iterator[Fleet]:
    monitor = lasting_hosts("monitor")
    fleet = assemble(monitor, [lasting_hosts.installed(name) for name in NAMES])
    try:
        yield fleet
    finally:
        fleet.receiver.close()


def test_the_tools_of_prometheus_like_metrics_and_files(fleet: Fleet) -> None:
    scraped = fleet.monitor.sh(
        f"curl --fail --silent --cacert {HOME}/service-watchdog-ca.pem"
        f' --header "Authorization: Bearer {TOKEN}" https://web-1:9099/metrics'
        " | promtool check metrics"
    )
    assert (scraped.stdout, scraped.stderr) == ("", "")
    fleet.monitor.sh(
        f"""set -e
        ln -s {HOME}/service-watchdog-token {HOME}/service-watchdog-ca.pem /run/
        ln -s /src/examples/fleet/* /run/
        cd /run
        promtool check config prometheus.yml
        promtool check rules service-watchdog.rules.yml
        promtool test rules service-watchdog.rules.test.yml
        amtool check-config alertmanager.yml
        """
    )


def test_tagged_instances_of_ec2_are_found_and_told_apart(fleet: Fleet) -> None:
    text = (EXAMPLES / "prometheus.yml").read_text(encoding="utf-8")
    keys = f"access_key: {KEYS['AWS_ACCESS_KEY_ID']}, secret_key: {KEYS['AWS_SECRET_ACCESS_KEY']}"
    there = f'{{ region: {REGION}, endpoint: "http://127.0.0.1:{API_PORT}", {keys}'
    text, count = re.subn(r"region: .*\n +port: 9099", f"<<: {there}, port: 9099 }}", text)
    assert count == 1
    fleet.monitor.write(f"{HOME}/ec2.yml", text)
    with Ec2(fleet.monitor.listen(API_PORT)), Ec2() as ours:
        ids = instances(ours)
        found = wait_for(partial(discovered, fleet), PATIENCE, "instances to be found") or ()
    assert sorted(labels["instance"] for labels in found) == sorted(f"api/{each}" for each in ids)
    assert {labels["job"] for labels in found} == {"service-watchdog"}
    assert {labels["zone"] for labels in found} == {f"{REGION}a"}
    assert {labels["env"] for labels in found} == {"production"}
    assert all(re.fullmatch(r"10\..*:9099", labels["__address__"]) for labels in found)


def discovered(fleet: Fleet) -> Sequence[dict[str, str]]:
    """Return the labels of each instance that would be scraped, as far as a second lets it see."""
    command = ("promtool", "check", "service-discovery", "--timeout=1s")
    said = fleet.monitor.run(*command, f"{HOME}/ec2.yml", "service-watchdog-ec2")
    return [each["labels"] for each in json.loads(said.stdout) or () if each["labels"]]


def instances(served: Ec2) -> Sequence[str]:
    """Start two instances with tags, and one without; return the ids of the two."""
    ec2 = client(served.url)
    tags = {"Name": "api", "Monitoring": "service-watchdog", "Environment": "production"}
    wanted = [{"Key": key, "Value": value} for key, value in tags.items()]
    common = {"ImageId": "ami-12c6146b", "Placement": {"AvailabilityZone": f"{REGION}a"}}
    ec2.run_instances(MinCount=1, MaxCount=1, **common)
    started = ec2.run_instances(
        MinCount=2,
        MaxCount=2,
        TagSpecifications=[{"ResourceType": "instance", "Tags": wanted}],
        **common,
    )
    return [instance["InstanceId"] for instance in started["Instances"]]


def test_nobody_scrapes_without_the_token(fleet: Fleet) -> None:
    asked = fleet.monitor.run(
        *("curl", "--silent", "--cacert", f"{HOME}/service-watchdog-ca.pem"),
        *("--write-out", " %{http_code}", "https://web-1:9099/metrics"),
    )
    assert asked.stdout.endswith(" 401")
    assert "service_watchdog_" not in asked.stdout


def queries(board: str) -> Iterator[tuple[str, str]]:
    """Yield the queries of a dashboard, variables filled in, with the titles of their panels."""
    found = json.loads((EXAMPLES / "grafana" / board).read_text(encoding="utf-8"))
    for panel in found["panels"]:
        for target in panel["targets"]:
            query = target["expr"]
            for name, value in FILLED.items():
                query = query.replace(name, value)
            assert "$" not in query
            yield panel["title"], query


@pytest.mark.parametrize("board", ["services.json", "fleet.json"])
def test_every_panel_of_the_dashboards_has_data(fleet: Fleet, board: str) -> None:
    for title, query in queries(board):
        assert wait_for(partial(fleet.found, query), PATIENCE, f"data for {title}: {query}")


def test_hosts_have_their_names_and_units_their_states(fleet: Fleet) -> None:
    assert fleet.instances("service_watchdog_build_info") == set(NAMES)
    states = fleet.found('service_watchdog_unit_state{unit="sample.service"} == 1')
    assert {found["metric"]["state"] for found in states} == {"active"}
    hosts = fleet.found("service_watchdog_host_info")
    assert {found["metric"]["host"] for found in hosts} == set(NAMES)


def test_a_service_that_breaks_on_all_hosts_is_one_notification(fleet: Fleet) -> None:
    fleet.behave("500")
    told = wait_for(lambda: fleet.receiver.of("ServiceFailing"), PATIENCE, "a notification")
    assert told is not None
    assert [hosts(each) for each in told] == [list(NAMES)]
    assert told[0]["receiver"] == "on-call"
    # What Prometheus makes of it is not told as well.
    wait_for(lambda: inhibited(fleet) == list(NAMES), PATIENCE, "ServiceDown to be inhibited")
    fleet.behave("200")
    wait_for(lambda: over(fleet) == list(NAMES), PATIENCE, "the end on all hosts to be told")
    assert not fleet.receiver.of("ServiceDown")


def hosts(notification: dict[str, object]) -> Sequence[str]:
    """Return the hosts that a notification is about."""
    alerts = notification["alerts"]
    assert isinstance(alerts, list)
    return sorted(alert["labels"]["host"] for alert in alerts)


def inhibited(fleet: Fleet) -> Sequence[str]:
    """Return the hosts whose ServiceDown of Prometheus is known and kept back."""
    return sorted(
        alert["labels"]["host"]
        for alert in fleet.alertmanager.alerts()
        if alert["labels"]["alertname"] == "ServiceDown" and alert["status"]["inhibitedBy"]
    )


def over(fleet: Fleet) -> Sequence[str]:
    """Return the hosts of which it is told that the service works again."""
    told = fleet.receiver.of("ServiceFailing", "resolved")
    return sorted({name for each in told for name in hosts(each)})


def test_that_all_is_well_is_told_to_the_one_who_would_miss_it(fleet: Fleet) -> None:
    told = wait_for(lambda: fleet.receiver.of("ServiceWatchdogDeadMansSwitch"), PATIENCE, "it")
    assert {each["receiver"] for each in told} == {"dead-mans-switch"}


def test_one_silence_holds_for_all_hosts(fleet: Fleet) -> None:
    before = len(fleet.receiver.of("ServiceFailing"))
    silence = fleet.alertmanager.amtool(
        *("silence", "add", "service=sample", "--comment=known", "--author=ann")
    ).strip()
    fleet.behave("500")

    def kept_back() -> Sequence[str]:
        return sorted(
            alert["labels"]["host"]
            for alert in fleet.alertmanager.alerts()
            if alert["labels"]["alertname"] == "ServiceFailing"
            and alert["status"]["silencedBy"] == [silence]
        )

    wait_for(lambda: kept_back() == list(NAMES), PATIENCE, "the silence to hold for all hosts")
    # Groups are told in the order of their coming: with this one theirs would have been told.
    fleet.hosts[0].run("service-watchdog", "test-alert", "alertmanager")
    wait_for(lambda: fleet.receiver.of("ServiceWatchdogTest"), PATIENCE, "what is not silenced")
    assert len(fleet.receiver.of("ServiceFailing")) == before
    fleet.behave("200")
    wait_for(lambda: not kept_back(), PATIENCE, "the end on all hosts")
    fleet.alertmanager.amtool("silence", "expire", silence)


def test_a_restart_is_counted_where_the_rules_look(fleet: Fleet) -> None:
    fleet.hosts[0].kill("sample.service")
    query = 'service_watchdog_restarts_total{service="sample",result="done"} > 0'
    wait_for(lambda: fleet.instances(query) == {"web-1"}, PATIENCE, "the restart in the metrics")
    rate = "sum without (result) (increase(service_watchdog_restarts_total[1d])) > 0"
    assert wait_for(lambda: fleet.instances(rate), PATIENCE, "an increase") == {"web-1"}


def test_a_dead_daemon_and_a_dead_host_are_told_by_prometheus(fleet: Fleet) -> None:
    _, second, third = fleet.hosts

    def silent() -> set[str]:
        told = fleet.receiver.of("ServiceWatchdogDown")
        return {alert["labels"]["instance"] for each in told for alert in each["alerts"]}

    down = 'ALERTS{alertname="ServiceWatchdogDown"}'
    with unplugged(third):
        second.systemctl("stop", DAEMON)
        wait_for(lambda: silent() >= {"web-2", "web-3"}, PATIENCE, "both to be told of")
        second.start_daemon()
        wait_for(lambda: fleet.instances(down) == {"web-3"}, PATIENCE, "the daemon to be back")
    wait_for(lambda: not fleet.instances(down), PATIENCE, "the host to be back")
