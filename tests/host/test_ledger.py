"""What is on record of a real service on a real host, asked of the daemon and of its database."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.host.installed import CONFIG, DAEMON, InstalledHost
from tests.host.watched_host import API, SLACK, WatchedHost

DATABASE = "/var/lib/service-watchdog/state.db"


@pytest.fixture
def watching(installed_host: InstalledHost) -> WatchedHost:
    """A host on which the service has failed three times, was restarted, and is well again."""
    watching = WatchedHost(installed_host)
    watching.start_slack()
    watching.start_sample()
    watching.watch(tables=SLACK)
    watching.behave(status="500")
    watching.wait_for(lambda status: status["incident"] is not None)
    watching.heal()
    watching.delivered("slack")
    return watching


def said(watching: WatchedHost, *arguments: str) -> str:
    """Return what the command has to say; where it has that from it tells on standard error."""
    return watching.host.run("service-watchdog", *arguments).stdout


def answer(watching: WatchedHost, *arguments: str) -> Any:
    return json.loads(said(watching, *arguments, "--json"))


def story(watching: WatchedHost) -> tuple[str, str]:
    """Return the id of the one incident, and what is told of it."""
    [incident] = answer(watching, "incidents", "--service", API, "--days", "1")["incidents"]
    return incident["id"], said(watching, "incidents", incident["id"][:4])


def test_what_happened_is_told_from_the_first_failure_to_who_was_told(
    watching: WatchedHost,
) -> None:
    _, told = story(watching)
    lines = [line[23:] for line in told.splitlines()[3:]]
    order = ["failed: http: ", "opened: ", "restart: restart 1", "told: firing to slack"]
    places = [next(n for n, line in enumerate(lines) if line.startswith(each)) for each in order]
    assert places == sorted(places)
    assert "(failure 1/3)" in lines[places[0]]
    assert any(line.startswith("restarted: restart 1 took") for line in lines)
    assert "  told: resolved to slack" in told
    assert "evidence:\n  == answer of /health ==\n    status 500" in told


def test_the_record_outlives_a_kill_of_the_daemon_and_is_read_without_it(
    watching: WatchedHost,
) -> None:
    _, told = story(watching)
    before = answer(watching, "report")["services"][0]
    assert 0 < before["down"] < before["watched"]
    assert (before["incidents"], before["restarts"]["made"]) == (1, 1)
    watching.kill_daemon()
    watching.wait_for_phase("healthy")
    assert story(watching)[1] == told
    watching.stop_daemon()
    assert story(watching)[1] == told, "read from its database"
    after = answer(watching, "report")["services"][0]
    assert after["down"] == before["down"]
    assert after["watched"] > after["down"]


def test_a_policy_is_tried_on_what_really_happened(watching: WatchedHost) -> None:
    daemon = watching.host.unit(DAEMON, "MainPID", "NRestarts")
    [same] = answer(watching, "simulate", "--config", CONFIG)["services"]
    assert same["simulated"] == same["in_fact"]
    assert same["in_fact"]["restarts"] == 1
    assert same["in_fact"]["alerts"] == {"firing": 1, "resolved": 1}
    watching.host.sh(
        f"sed 's/^.defaults.$/[defaults]\\nmax_failures = 100\\nrestart_after = {{ http = 0 }}/'"
        f" {CONFIG} > /root/new.toml && chmod 600 /root/new.toml"
    )
    told = watching.command("simulate", "--config", "/root/new.toml")
    assert f"{API}: would have restarted 0 times (in fact 1), paged 0 times (in fact 1)" in told
    assert watching.host.unit(DAEMON, "MainPID", "NRestarts") == daemon


def test_a_copy_needs_no_privilege_and_the_database_does(watching: WatchedHost) -> None:
    watching.stop_daemon()
    watching.host.sh(f"cp {DATABASE} /tmp/history.db && chmod 644 /tmp/history.db")
    ask = "su -s /bin/sh nobody -c 'service-watchdog report {}'"
    done = watching.host.run("sh", "-c", ask.format("--history /tmp/history.db"), check=False)
    assert (done.returncode, API in done.stdout) == (0, True), done
    done = watching.host.run("sh", "-c", ask.format(""), check=False)
    assert done.returncode == 3
    assert "use sudo" in done.stderr
