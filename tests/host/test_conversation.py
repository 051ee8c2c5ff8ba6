"""An incident on a real host is one message in the channel, whatever happens to the daemon."""

from __future__ import annotations

from typing import Any

import pytest

from tests.host.host import wait_for
from tests.host.installed import DAEMON, InstalledHost
from tests.host.watched_host import API, SLACK, TOLD_AT_ONCE, UNIT, WatchedHost
from watchdog.notify.slack_thread import COLOURS
from watchdog.notify.stage import Stage

# Told at the second failure, restarted at the third, and not once more while the test looks.
TOLD_THEN_RESTARTED = """
max_failures  = 2
restart_after = { unit = 0, port = 0, http = 3 }
backoff_first = "60s"
backoff_max   = "60s"
"""


@pytest.fixture
def watching(installed_host: InstalledHost) -> WatchedHost:
    watching = WatchedHost(installed_host)
    watching.start_slack()
    watching.start_sample()
    return watching


def test_an_incident_is_one_message_edited_to_resolved_with_all_that_happened_below_it(
    watching: WatchedHost,
) -> None:
    watching.watch(TOLD_THEN_RESTARTED, tables=SLACK)
    watching.behave(status="500")
    watching.messages(1)
    [firing] = watching.in_channel()
    assert colour(firing) == COLOURS[Stage.FIRING]
    watching.wait_for_phase("recovering", "waiting")
    watching.behave(status=None)
    watching.wait_for_phase("healthy")
    watching.messages(2)
    watching.delivered("slack")
    [message] = watching.in_channel()
    assert message["ts"] == firing["ts"]
    assert message["body"]["text"].startswith(f"RESOLVED {API}")
    assert colour(message) == COLOURS[Stage.RESOLVED]
    assert "```" not in shown(message), "evidence has its place below"
    said = "\n".join(shown(reply) for reply in watching.thread(message["ts"]))
    assert "```\n" in said
    told = ("restarting now, attempt 1 of 5", "it must prove to be healthy", "healed by a restart")
    assert sorted(told, key=said.index) == list(told)


def test_a_killed_daemon_goes_on_in_the_same_message(watching: WatchedHost) -> None:
    watching.watch(TOLD_THEN_RESTARTED, tables=SLACK)
    watching.behave(status="500")
    watching.messages(1)
    watching.kill_daemon()
    watching.wait_for_phase("recovering", "waiting")
    watching.kill_daemon()
    watching.behave(status=None)
    watching.wait_for_phase("healthy")
    watching.messages(2)
    watching.delivered("slack")
    [message] = watching.in_channel()
    assert message["body"]["text"].startswith(f"RESOLVED {API}")
    said = "\n".join(shown(reply) for reply in watching.thread(message["ts"]))
    # Once more, where the kill came between deciding on the restart and asking for it.
    assert "restarting now, attempt 1 of 5" in said
    assert "attempt 2" not in said
    assert said.count("resolved: ") == 1


@pytest.mark.parametrize("mode", ["hang_after_accepting", "drop_after_accepting"])
def test_a_kill_while_the_first_message_is_on_its_way_makes_no_second_one(
    watching: WatchedHost, mode: str
) -> None:
    watching.slack_dedup()
    watching.watch(TOLD_AT_ONCE, tables=SLACK)
    watching.slack_mode(mode, count=1)
    watching.fail()
    watching.requests(1)
    watching.kill_daemon()
    watching.heal()
    watching.messages(1)
    watching.delivered("slack")
    [message] = watching.in_channel()
    assert message["body"]["text"].startswith(f"RESOLVED {API}")


def test_a_message_that_somebody_deleted_is_posted_anew_and_goes_on_there(
    watching: WatchedHost,
) -> None:
    watching.watch(TOLD_AT_ONCE, tables=SLACK)
    watching.fail()
    watching.messages(1)
    watching.delivered("slack")
    [message] = watching.in_channel()
    watching.slack_deletes(message["ts"])
    watching.heal()
    watching.messages(2)
    watching.delivered("slack")
    [anew] = watching.in_channel()
    assert anew["ts"] != message["ts"]
    assert anew["body"]["text"].startswith(f"RESOLVED {API}")


def test_a_channel_that_is_named_anew_has_a_conversation_of_its_own(watching: WatchedHost) -> None:
    watching.watch(TOLD_AT_ONCE, tables=SLACK)
    watching.fail()
    watching.delivered("slack")
    watching.configure(TOLD_AT_ONCE, tables=SLACK.replace('"#ops"', '"C0123456789"'))
    watching.host.systemctl("reload", DAEMON)
    watching.heal()
    watching.messages(2)
    watching.delivered("slack")
    firing, resolved = watching.in_channel()
    assert firing["body"]["text"].startswith("FIRING")
    assert resolved["body"]["text"].startswith("RESOLVED")


def test_when_restarts_do_not_help_the_channel_is_told_so_and_when_it_is_over(
    watching: WatchedHost,
) -> None:
    watching.watch(
        "max_failures = 1\nrestart_budget = 1\nrestart_after = { http = 1 }\n", tables=SLACK
    )
    watching.behave(status="500")
    firing, gave_up = watching.messages(2)
    assert firing.startswith(f"FIRING {API}")
    assert gave_up.startswith(f"GAVE UP {API}")
    watching.heal()
    watching.messages(3)
    watching.delivered("slack")
    texts = [message["body"]["text"].split()[0] for message in watching.in_channel()]
    assert texts == ["RESOLVED", "GAVE", "RESOLVED"]  # edited, and two that called people


def test_a_sick_slack_shows_at_last_how_it_stands_in_one_message(watching: WatchedHost) -> None:
    """Refused edits, in the middle of an incident, lose nothing and double nothing."""
    watching.watch(TOLD_THEN_RESTARTED, tables=SLACK)
    watching.behave(status="500")
    watching.messages(1)
    watching.slack_mode("error500", count=4)
    watching.wait_for_phase("recovering", "waiting")
    watching.behave(status=None)
    watching.wait_for_phase("healthy")
    wait_for(lambda: "RESOLVED" in watching.in_channel()[0]["body"]["text"], 30, "the end")
    watching.delivered("slack")
    assert len(watching.in_channel()) == 1
    assert watching.host.unit(UNIT, "ActiveState")["ActiveState"] == "active"


def shown(message: dict[str, Any]) -> str:
    """Return what a reader sees of a message."""
    parts = [message["body"], *message["body"].get("attachments", ())]
    return "\n".join(block["text"]["text"] for part in parts for block in part["blocks"])


def colour(message: dict[str, Any]) -> str:
    found: str = message["body"]["attachments"][0]["color"]
    return found
