"""Many incidents in one message: every service is named, whatever it is called."""

from __future__ import annotations

from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st

from tests.host.peers.slack_rules import check_message
from watchdog.core.model import Alert, AlertKind
from watchdog.notify.digest import IN_FULL, digest
from watchdog.notify.slack_message import blocks, full_text

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
    assert digest(storm(200), "web-1", WALL, UTC).title == (
        "FIRING web-1: 200 services: s0, s1, s2 and 197 more"
    )


def test_the_worst_comes_first_and_every_service_is_named() -> None:
    told = digest(
        [*storm(50, AlertKind.RESOLVED), *storm(3, AlertKind.GAVE_UP)], "web-1", WALL, UTC
    )
    assert told.title == "GAVE UP web-1: 3 gave up, 50 resolved: s0, s1, s2 and 50 more"
    assert told.lines[1] == "s0: gave up, s0.service was killed by SIGKILL"
    assert told.lines[4] == "s0: resolved, down 02:13 UTC to 02:13 UTC"
    assert told.lines[IN_FULL + 1].startswith("also resolved: s17, s18, ")
    assert told.lines[-1].endswith(", s49")


def test_a_late_digest_says_so() -> None:
    assert digest(storm(4), "web-1", WALL + 600, UTC).lines[0] == "Late: the first of them 10 min"


@given(st.lists(alerts, min_size=2, max_size=500))
def test_a_digest_stays_within_slacks_limits_whatever_is_in_it(told: list[Alert]) -> None:
    message = digest(told, "web-1", WALL, UTC)
    check_message({"text": full_text(message), "blocks": blocks(message)}, max_text=4_000)
