"""What a person has seen is not told again; what gets worse, and what is over, is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.core.life import DONE, HTTP, PASS, STRANGER, Life
from watchdog.core.model import (
    Acknowledged,
    AlertKind,
    Event,
    Note,
    NoteKind,
    Paused,
    Phase,
    Pressed,
    RestartRequested,
    Silenced,
    Unsilenced,
)
from watchdog.core.service import Policy

HOUR = 3600.0
NEVER = Policy(restart_after={"http": 0})
FIRING, REMINDER = AlertKind.FIRING, AlertKind.REMINDER
GAVE_UP, RESOLVED = AlertKind.GAVE_UP, AlertKind.RESOLVED
KIM, LEE = Acknowledged("kim"), Acknowledged("lee", "looking into it")


def open_life(policy: Policy = NEVER) -> Life:
    return Life(policy).on(HTTP, HTTP, HTTP)


def incident_of(life: Life) -> str:
    assert life.state.incident is not None
    return life.state.incident.id


def acknowledged_by(life: Life) -> tuple[str, ...]:
    assert life.state.incident is not None
    return life.state.incident.acknowledged


def test_an_acknowledgement_is_on_the_incidents_timeline_with_who_and_why() -> None:
    life = open_life().on(LEE)
    incident = incident_of(life)
    assert life.notes[-1] == Note(
        NoteKind.ACKNOWLEDGED, "by lee: looking into it", life.now.wall, incident
    )
    assert open_life().on(KIM).notes[-1].text == "by kim"


def test_of_an_acknowledged_incident_there_is_no_reminder() -> None:
    assert open_life().on(KIM).on(*[HTTP] * 48, every=HOUR).told == [FIRING]


def test_the_end_of_an_acknowledged_incident_is_told() -> None:
    assert open_life().on(KIM, PASS, PASS).told == [FIRING, RESOLVED]


def test_giving_up_on_an_acknowledged_incident_is_told() -> None:
    life = Life(Policy(restart_budget=1, backoff_first=0)).on(HTTP, HTTP, HTTP, DONE, KIM)
    assert life.on(HTTP, HTTP, every=5).told == [FIRING, GAVE_UP]
    assert life.phase is Phase.GAVE_UP


def test_each_person_is_noted_once() -> None:
    life = open_life().on(KIM, LEE, KIM, Acknowledged("kim", "again"))
    assert life.noted.count(NoteKind.ACKNOWLEDGED) == 2
    assert acknowledged_by(life) == ("kim", "lee")


def test_the_next_incident_has_to_be_acknowledged_anew() -> None:
    life = open_life().on(KIM, PASS, PASS, HTTP, HTTP, HTTP)
    assert acknowledged_by(life) == ()


def test_without_an_incident_there_is_nothing_to_acknowledge() -> None:
    life = Life().on(PASS, KIM)
    assert life.last == ()
    assert life.state.incident is None


def test_what_a_silence_had_kept_back_is_known_to_who_acknowledges() -> None:
    life = open_life().on(Silenced(open_life().now.mono + 2 * HOUR, "kim", "known"))
    life.wait(HOUR).on(HTTP)  # a reminder, kept back
    assert life.on(KIM).wait(HOUR).on(HTTP, HTTP).told == [FIRING]


def test_what_gets_worse_in_a_silence_after_the_acknowledgement_is_told_at_its_end() -> None:
    life = Life(Policy(restart_budget=1, backoff_first=0)).on(HTTP, HTTP, HTTP, DONE, KIM)
    life.on(Silenced(life.now.mono + 600, "kim", "known")).on(HTTP, HTTP, every=5)
    assert life.phase is Phase.GAVE_UP
    assert life.told == [FIRING]
    assert life.on(Unsilenced("kim")).told == [FIRING, REMINDER]


def test_an_opening_that_nobody_was_told_of_is_told_though_one_person_knows_of_it() -> None:
    life = Life(NEVER).on(Silenced(Life().now.mono + 60, "kim", "known"), HTTP, HTTP, HTTP, KIM)
    assert life.told == []
    assert life.wait(60).on(HTTP).told == [FIRING]


@pytest.mark.parametrize(
    "event",
    [
        Acknowledged("kim", incident="of-old"),
        RestartRequested("kim", "of-old"),
        Silenced(1e6, "kim", "pressed", "of-old"),
        Paused(1e6, "kim", "pressed", "of-old"),
    ],
)
def test_what_is_asked_of_an_incident_that_is_over_does_nothing(event: Event) -> None:
    for life in (Life().on(PASS), open_life()):
        before = life.state
        assert life.on(event).state == before
        assert life.last == ()


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (Acknowledged("kim"), NoteKind.ACKNOWLEDGED),
        (RestartRequested("kim"), NoteKind.RESTART),
        (Silenced(1e6, "kim", "pressed"), NoteKind.SILENCED),
        (Paused(1e6, "kim", "pressed"), NoteKind.PAUSED),
    ],
)
def test_what_is_asked_of_the_open_incident_is_done(
    event: Acknowledged | RestartRequested | Silenced | Paused, kind: NoteKind
) -> None:
    life = open_life()
    life.on(replace(event, incident=incident_of(life)))
    assert [note.kind for note in life.notes][-1] is kind


def test_a_button_pressed_in_vain_is_noted_under_its_incident_even_if_that_is_over() -> None:
    life = open_life()
    over = incident_of(life)
    life.on(PASS, PASS).on(Pressed(over, "restart by kim refused"))
    assert life.last == (Note(NoteKind.PRESSED, "restart by kim refused", life.now.wall, over),)
    assert life.on(STRANGER, Pressed(over, "again")).notes[-1].incident == over
