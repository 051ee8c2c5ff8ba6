"""Maintenance of people, leases of deploys, and what becomes of one that meets the other."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.core.life import (
    ASKED,
    BEGAN,
    DEAD,
    DONE,
    FAILED,
    HTTP,
    PASS,
    RESUME,
    Life,
)
from watchdog.core.history import Turn, aligned
from watchdog.core.maintenance import RETAKEN_WITHIN, is_leased
from watchdog.core.model import (
    AlertKind,
    Leased,
    Maintenance,
    NoteKind,
    Now,
    Phase,
    Released,
)
from watchdog.core.telling import Measure, MeasureKind

END = Released("d1", "done, health is proven")


def lease(life: Life, name: str = "d1", seconds: float = 600.0, owner: str = "lee") -> Life:
    return life.on(Leased(name, life.now.mono + seconds, owner))


def test_nothing_is_judged_while_a_deploy_goes_on() -> None:
    life = lease(Life().on(PASS)).on(DEAD, HTTP, HTTP, HTTP, every=2)
    assert life.phase is Phase.MAINTENANCE
    assert (life.restarts, life.told, life.state.failures) == ([], [], 0)
    assert life.notes[-1].text == "deploy by lee: nothing is judged for 10 min at most"


def test_a_deploy_that_is_over_leaves_the_service_to_be_judged_anew() -> None:
    life = lease(Life().on(PASS)).on(HTTP, END, every=2)
    assert (life.phase, life.state.maintenance) == (Phase.PENDING, None)
    assert life.notes[-1].text == "deploy by lee over: done, health is proven"
    assert life.on(PASS).phase is Phase.HEALTHY


def test_a_second_deploy_changes_nothing_of_the_first() -> None:
    life = lease(Life().on(PASS))
    before = life.state
    lease(life, "d2", 60, "ann").on(Released("d2", "done"))
    assert life.state == before


def test_the_same_deploy_may_take_its_lease_again_and_with_another_end() -> None:
    life = lease(Life().on(PASS), seconds=60).wait(30)
    lease(life, seconds=60)
    assert life.state.maintenance == Maintenance(life.now.mono + 60, "lee", "deploy", "d1")
    assert life.noted == [NoteKind.LEASED]


def test_a_lease_that_is_never_ended_ends() -> None:
    life = lease(Life().on(PASS), seconds=60).wait(60).on(DEAD)
    assert life.phase is Phase.RESTARTING
    assert life.noted[1] is NoteKind.RELEASED
    assert life.notes[1].text == "deploy by lee over: its deploy has not ended it in time"


def test_a_daemon_that_comes_back_gives_a_deploy_ten_seconds_to_take_its_lease_again() -> None:
    life = lease(Life().on(PASS)).on(BEGAN)
    assert life.state.maintenance is not None
    assert life.state.maintenance.until == life.now.mono + RETAKEN_WITHIN
    assert lease(life.wait(9)).wait(5).on(DEAD).phase is Phase.MAINTENANCE
    assert life.on(BEGAN).wait(RETAKEN_WITHIN).on(DEAD).phase is Phase.RESTARTING


def test_a_lease_that_ends_sooner_is_not_prolonged_by_a_daemon_that_comes_back() -> None:
    life = lease(Life().on(PASS), seconds=3).on(BEGAN).wait(3).on(HTTP)
    assert life.phase is Phase.SUSPECT


def test_a_persons_maintenance_goes_on_when_a_deploy_is_over() -> None:
    life = lease(Life().on(PASS).pause(3600))
    asked_for = life.state.maintenance and life.state.maintenance.under
    life.wait(60).on(END)
    assert (life.phase, life.state.maintenance) == (Phase.MAINTENANCE, asked_for)
    assert life.notes[-1].text.endswith("; maintenance by kim goes on")
    assert life.on(RESUME).phase is Phase.PENDING


def test_a_persons_maintenance_that_ended_meanwhile_is_over_with_the_deploy() -> None:
    life = lease(Life().on(PASS).pause(60), seconds=600).wait(120).on(END)
    assert (life.phase, life.state.maintenance) == (Phase.PENDING, None)


def test_a_person_may_pause_and_resume_during_a_deploy_and_the_deploy_goes_on() -> None:
    life = lease(Life().on(PASS)).pause(3600)
    assert life.state.maintenance is not None
    assert life.state.maintenance.under is not None
    life.on(RESUME)
    assert life.notes[-1].text == "maintenance over: by kim; the deploy by lee goes on"
    before = life.state
    assert is_leased(life.on(RESUME).state)
    assert life.state == before


def test_nobody_else_restarts_what_is_being_deployed() -> None:
    assert lease(Life().on(PASS)).on(ASKED).restarts == []


def test_a_restart_of_ours_that_goes_on_is_waited_for_after_the_deploy() -> None:
    life = lease(Life().on(PASS, DEAD))
    assert (life.phase, life.state.unfinished) == (Phase.MAINTENANCE, True)
    assert life.on(END).phase is Phase.RESTARTING
    assert life.on(DONE).phase is Phase.RECOVERING


def test_a_restart_of_ours_that_ends_during_a_deploy_is_over_with_it() -> None:
    life = lease(Life().on(PASS, DEAD)).on(FAILED, END)
    assert (life.phase, life.told) == (Phase.PENDING, [])


def test_an_incident_is_over_when_health_is_proven_after_the_deploy() -> None:
    life = Life().on(HTTP, HTTP, HTTP, DONE, every=2)
    assert life.told == [AlertKind.FIRING]
    lease(life).wait(120).on(END)
    assert life.told == [AlertKind.FIRING]
    assert life.on(PASS, PASS).told == [AlertKind.FIRING, AlertKind.RESOLVED]
    assert life.alerts[-1].measure == Measure(MeasureKind.DEPLOYED, words="lee")
    assert life.notes[-1].text == "healthy after a deploy by lee"


def test_a_deploy_that_leaves_the_service_broken_is_told_again_of_nobody_who_knows() -> None:
    life = lease(Life().on(HTTP, HTTP, HTTP, DONE, every=2)).on(HTTP, END, HTTP)
    assert (life.phase, life.told) == (Phase.FAILING, [AlertKind.FIRING])


def test_having_given_up_is_forgotten_with_a_deploy_as_with_any_maintenance() -> None:
    life = Life()
    while life.phase is not Phase.GAVE_UP:
        life.wait(30).on(FAILED if life.phase is Phase.RESTARTING else DEAD)
    lease(life).on(END)
    assert (life.phase, life.state.gave_up, life.state.attempts) == (Phase.PENDING, False, 0)


def test_the_end_of_a_lease_moves_with_the_clock_of_the_record() -> None:
    now = Now(1000.0, 5000.0)
    first = Turn(now, PASS)
    again = Turn(Now(10.0, 5100.0), Leased("d1", 70.0, "lee"))
    moved = aligned([("boot-1", [first]), ("boot-2", [again])])[1]
    assert moved == replace(again, now=Now(1100.0, 5100.0), event=Leased("d1", 1160.0, "lee"))
