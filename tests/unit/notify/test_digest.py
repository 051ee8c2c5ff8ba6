"""Many incidents in one message: every service is named, whatever it is called."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.host.peers.slack_rules import check_message
from tests.unit.notify.alerts import ENGLISH, KOREAN, KST, ZONES
from tests.unit.notify.test_snapshots import SNAPSHOTS
from watchdog.core.model import (
    Alert,
    AlertKind,
)
from watchdog.core.telling import Diversion
from watchdog.notify.digest import IN_FULL, digest
from watchdog.notify.slack_message import blocks, full_text
from watchdog.words.catalogue import Catalogue

WALL = 1763777580.0

alerts = st.builds(
    Alert,
    kind=st.sampled_from([kind for kind in AlertKind if kind is not AlertKind.TEST]),
    service=st.text(min_size=1),
    wall=st.floats(0, 4e9),
    reason=st.text() | st.just("<!channel>" * 5000),
    opened=st.floats(0, 4e9),
)


def storm(count: int, kind: AlertKind = AlertKind.FIRING) -> list[Alert]:
    return [
        Alert(kind, f"s{n}", WALL + n, f"s{n}.service was killed by SIGKILL", opened=WALL)
        for n in range(count)
    ]


def test_the_title_says_how_many_and_names_the_first() -> None:
    assert digest(storm(200), "web-1", WALL, UTC, ENGLISH).title == (
        "FIRING web-1: 200 services: s0, s1, s2 and 197 more"
    )


def test_the_worst_comes_first_and_every_service_is_named() -> None:
    told = digest(
        [*storm(50, AlertKind.RESOLVED), *storm(3, AlertKind.GAVE_UP)], "web-1", WALL, UTC, ENGLISH
    )
    assert told.title == "GAVE UP web-1: 3 gave up, 50 resolved: s0, s1, s2 and 47 more"
    assert told.lines[1] == "s0: gave up, s0.service was killed by SIGKILL"
    assert told.lines[4] == "s0: resolved, down 02:13 UTC to 02:13 UTC"
    assert told.lines[IN_FULL + 1].startswith("also resolved: s17, s18, ")
    assert told.lines[-1].endswith(", s49")


def test_a_late_digest_says_so() -> None:
    assert (
        digest(storm(4), "web-1", WALL + 600, UTC, ENGLISH).lines[0]
        == "Late: the first of them 10 min"
    )


def test_a_digest_is_in_the_language_that_is_configured() -> None:
    told = digest(
        [*storm(50, AlertKind.RESOLVED), *storm(3, AlertKind.GAVE_UP)],
        "web-1",
        WALL + 600,
        KST,
        KOREAN,
    )
    assert told.title == (
        "web-1 다중 장애, 자동 복구 실패: 자동 복구 실패 3개, 복구됨 50개: s0, s1, s2 외 47개"
    )
    assert told.lines[:3] == (
        "지연: 가장 오래된 것이 10분 늦게 전달됨",
        "호스트: web-1",
        "s0: 자동 복구 실패, s0.service was killed by SIGKILL",
    )
    assert told.lines[5] == "s0: 복구됨, 다운 11:13 KST ~ 11:13 KST"
    assert told.lines[IN_FULL + 2].startswith("그 외 복구됨: s17, s18, ")
    assert digest(storm(200), "web-1", WALL, KST, KOREAN).title == (
        "web-1 다중 장애: 서비스 200개: s0, s1, s2 외 197개"
    )


@given(st.lists(alerts, min_size=2, max_size=500), st.sampled_from([ENGLISH, KOREAN]))
def test_a_digest_stays_within_slacks_limits_whatever_is_in_it(
    told: list[Alert], words: Catalogue
) -> None:
    message = digest(told, "web-1", WALL, UTC, words)
    check_message({"text": full_text(message), "blocks": blocks(message)}, max_text=4_000)


@pytest.mark.parametrize(("language", "words"), [("en", ENGLISH), ("ko", KOREAN)])
def test_a_digest_reads_as_its_snapshot(language: str, words: Catalogue) -> None:
    told = digest(storm(5), "web-1", WALL, ZONES.get(language, UTC), words)
    snapshot = SNAPSHOTS / language / "digest.txt"
    assert "\n".join([told.title, "", *told.lines, ""]) == snapshot.read_text(encoding="utf-8")


def test_a_warning_of_the_host_is_told_by_the_hosts_name_among_others() -> None:
    warning = Alert(AlertKind.WARNING, "", WALL, "file system /srv is 91 % full", incident="w")
    told = digest([warning, *storm(3)], "web-1", WALL, UTC, ENGLISH)
    assert told.title == "FIRING web-1: 3 firing, 1 warning: s0, s1, s2 and 1 more"
    assert told.lines[-1] == "web-1: warning, file system /srv is 91 % full"


def test_a_digest_at_the_fallback_says_once_who_has_not_taken_it() -> None:
    waits = Diversion("slack", WALL, "cannot connect: Connection refused")
    refused = Diversion("webhook", WALL, "it refuses this alert with status 413", refused=True)
    told = [replace(alert, diversion=waits) for alert in storm(5)]
    told[4] = replace(told[4], diversion=refused)
    message = digest(told, "web-1", WALL + 360, UTC, ENGLISH)
    assert message.lines[1:4] == (
        "Fallback: slack has not taken this for 6 min: cannot connect: Connection refused",
        "Fallback: webhook refuses this: it refuses this alert with status 413",
        "Host: web-1",
    )
