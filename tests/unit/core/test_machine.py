"""What the state machine makes of every event in every situation, and why that is right."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.unit.core.life import (
    ASKED,
    BEGAN,
    BEGAN_BEFORE_IT,
    CRASH,
    DEAD,
    DONE,
    FAILED,
    HOLD,
    HTTP,
    IMPOSSIBLE,
    MASKED,
    PASS,
    PORT,
    RESUME,
    STRANGER,
    UNKNOWN,
    YIELDED,
    Life,
)
from tests.unit.core.situations import EVENTS, SITUATIONS, cell
from watchdog.core.incident import incident_id
from watchdog.core.model import (
    AlertKind,
    Event,
    NoteKind,
    Observation,
    Phase,
    Restart,
    Verdict,
)
from watchdog.core.service import Policy
from watchdog.core.spans import span
from watchdog.core.telling import Circumstance, CircumstanceKind, Measure, MeasureKind

FIRING, GAVE_UP, RESOLVED = AlertKind.FIRING, AlertKind.GAVE_UP, AlertKind.RESOLVED

# The full product under the default policy. A row is a situation: "!" an incident is open, "+" the
# next passing round is the proof of health. A cell is the next phase ("." the same), the notes
# (f failed, o opened, c closed, r restart, x restart failed, h healed, k crashed, w held, g gave
# up, a re-armed, p paused, u resumed, l leased, d the deploy over, s silenced, e silence over,
# n acknowledged, b a button pressed in vain), the alerts (~ an update), and R for a restart. "?":
# an incident is open that nobody was told of; "known": one that was acknowledged.
TABLE = """
                  pass               http                     dead
pending           healthy            suspect f                restarting fr R
pending !+        healthy c RESOLVED failing f ~              restarting fr ~ R
healthy           .                  suspect f                restarting fr R
healthy 5 min     . a                suspect f                waiting f
healthy !         .                  failing f ~              restarting fr ~ R
healthy ! 30 min  . c RESOLVED       failing f ~              restarting fr ~ R
healthy, 4 lost   .                  failing fo FIRING        restarting for FIRING R
healthy, again    .                  suspect f                restarting fr R
suspect 1/3       healthy            . f                      restarting fr R
suspect 2/3       healthy            restarting for FIRING R  restarting for FIRING R
held              healthy            suspect f                restarting fr R
held !+           healthy c RESOLVED restarting r ~ R         restarting fr ~ R
waiting           .                  . fo FIRING              .
waiting 30 s      .                  . fo FIRING              . fo FIRING
waiting, due      .                  restarting for FIRING R  restarting r R
waiting, owed     .                  suspect f                restarting r R
waiting !+, due   healthy c RESOLVED restarting r ~ R         restarting r ~ R
restarting        .                  .                        .
restarting !      .                  .                        .
restarting, asked .                  .                        .
recovering        .                  suspect f                waiting f
recovering +      healthy h          waiting fo FIRING        waiting fo FIRING
recovering !+     healthy c RESOLVED waiting f ~              waiting ~
failing !+        healthy c RESOLVED restarting r ~ R         restarting fr ~ R
failing ! 1 h     .                  restarting r ~ R         restarting fr ~ R
failing ! known   .                  restarting r ~ R         restarting fr ~ R
silent            .                  suspect f                restarting fr R
silent 2/3        healthy            restarting for R         restarting for R
silent !+         healthy c RESOLVED restarting r R           restarting fr R
silent ?+         healthy c          restarting r R           restarting fr R
silence over      healthy ec         restarting er FIRING R   restarting efr FIRING R
silence over !    . e                restarting er REMINDER R restarting efr REMINDER R
failing ! loop +  .                  . f                      restarting fr ~ R
gave up !         .                  .                        . ~
gave up !, due    .                  restarting r ~ R         restarting r ~ R
gave up !+        healthy c RESOLVED .                        . ~
gave up ! turns   .                  . GAVE-UP                . GAVE-UP
maintenance       .                  .                        .
maint., restart   .                  .                        .
maint., over      healthy u          suspect uf               restarting ufr R
leased            .                  .                        .
leased !          .                  .                        .
leased, restart   .                  .                        .
leased, paused    .                  .                        .
leased, over      healthy d          suspect df               restarting dfr R

                  stranger          hold      unknown      crash         loop
pending           suspect f         held w    .            . k           failing ko FIRING
pending !+        failing f ~       held w ~  .            . k           failing k ~
healthy           suspect f         held w    .            . k           failing ko FIRING
healthy 5 min     suspect f         held w    .            . k           failing ko FIRING
healthy !         failing f ~       held w ~  .            . k           failing k ~
healthy ! 30 min  failing f ~       held w ~  .            . k           failing k ~
healthy, 4 lost   failing fo FIRING held w    .            . k           failing ko FIRING
healthy, again    suspect f         held w    .            . k           failing ko FIRING
suspect 1/3       . f               held w    .            . k           failing ko FIRING
suspect 2/3       failing fo FIRING held w    .            . k           failing ko FIRING
held              suspect f         .         .            . k           failing ko FIRING
held !+           failing f ~       .         .            . k           failing k ~
waiting           failing fo FIRING held w    .            . k           . ko FIRING
waiting 30 s      failing fo FIRING held w    .            . k           . ko FIRING
waiting, due      failing fo FIRING held w    .            . k           . ko FIRING
waiting, owed     suspect f         held w    .            . k           . ko FIRING
waiting !+, due   failing f ~       held w ~  .            . k           . k
restarting        .                 .         .            . k           . ko FIRING
restarting !      .                 .         .            . k           . k
restarting, asked .                 .         .            . k           . ko FIRING
recovering        suspect f         .         .            . k           failing ko FIRING
recovering +      failing fo FIRING .         .            . k           failing ko FIRING
recovering !+     failing f ~       .         .            . k           failing k ~
failing !+        . f ~             held w ~  .            . k           . k
failing ! 1 h     . f REMINDER      held w ~  .            . k           . k
failing ! known   . f ~             held w ~  .            . k           . k
silent            suspect f         held w    .            . k           failing ko
silent 2/3        failing fo        held w    .            . k           failing ko
silent !+         . f               held w    .            . k           . k
silent ?+         . f               held w    .            . k           . k
silence over      . ef FIRING       held ew   . e FIRING   . ek FIRING   . ek FIRING
silence over !    . ef REMINDER     held ew ~ . e REMINDER . ek REMINDER . ek REMINDER
failing ! loop +  . f               .         .            . k           . k
gave up !         failing f ~       held w ~  .            . k           . k
gave up !, due    failing f ~       held w ~  .            . k           . k
gave up !+        failing f ~       held w ~  .            . k           . k
gave up ! turns   failing f ~       held w ~  .            . k           . k
maintenance       .                 .         .            .             .
maint., restart   .                 .         .            .             .
maint., over      suspect uf        held uw   pending u    pending uk    failing uko FIRING
leased            .                 .         .            .             .
leased !          .                 .         .            .             .
leased, restart   .                 .         .            .             .
leased, paused    .                 .         .            .             .
leased, over      suspect df        held dw   pending d    pending dk    failing dko FIRING

                  done         failed       yielded      impossible
pending           .            .            .            .
pending !+        .            .            .            .
healthy           .            .            .            .
healthy 5 min     .            .            .            .
healthy !         .            .            .            .
healthy ! 30 min  .            .            .            .
healthy, 4 lost   .            .            .            .
healthy, again    .            .            .            .
suspect 1/3       .            .            .            .
suspect 2/3       .            .            .            .
held              .            .            .            .
held !+           .            .            .            .
waiting           .            .            .            .
waiting 30 s      .            .            .            .
waiting, due      .            .            .            .
waiting, owed     .            .            .            .
waiting !+, due   .            .            .            .
restarting        recovering   waiting xf   held w       gave-up xfog FIRING
restarting !      recovering ~ waiting x ~  held w ~     gave-up xg GAVE-UP
restarting, asked recovering   . xfr R      held w       pending x
recovering        .            .            .            .
recovering +      .            .            .            .
recovering !+     .            .            .            .
failing !+        .            .            .            .
failing ! 1 h     .            .            .            .
failing ! known   .            .            .            .
silent            .            .            .            .
silent 2/3        .            .            .            .
silent !+         .            .            .            .
silent ?+         .            .            .            .
silence over      . e FIRING   . e FIRING   . e FIRING   . e FIRING
silence over !    . e REMINDER . e REMINDER . e REMINDER . e REMINDER
failing ! loop +  .            .            .            .
gave up !         .            .            .            .
gave up !, due    .            .            .            .
gave up !+        .            .            .            .
gave up ! turns   .            .            .            .
maintenance       .            . x          . x          . x
maint., restart   .            . x          . x          . x
maint., over      pending u    pending u    pending u    pending u
leased            .            . x          . x          . x
leased !          .            . x          . x          . x
leased, restart   .            . x          . x          . x
leased, paused    .            . x          . x          . x
leased, over      pending d    pending d    pending d    pending d

                  began        unissued     pause          resume       asked
pending           .            .            maintenance p  .            restarting r R
pending !+        .            .            maintenance p  .            restarting r ~ R
healthy           .            .            maintenance p  .            restarting r R
healthy 5 min     .            .            maintenance p  .            restarting r R
healthy !         .            .            maintenance p  .            restarting r ~ R
healthy ! 30 min  .            .            maintenance p  .            restarting r ~ R
healthy, 4 lost   .            .            maintenance p  .            restarting r R
healthy, again    .            .            maintenance p  .            restarting r R
suspect 1/3       .            .            maintenance p  .            restarting r R
suspect 2/3       .            .            maintenance p  .            restarting r R
held              pending      pending      maintenance p  .            restarting r R
held !+           pending      pending      maintenance p  .            restarting r ~ R
waiting           .            .            maintenance p  .            restarting r R
waiting 30 s      .            .            maintenance p  .            restarting r R
waiting, due      .            .            maintenance p  .            restarting r R
waiting, owed     recovering   .            maintenance p  .            restarting r R
waiting !+, due   .            .            maintenance p  .            restarting r ~ R
restarting        recovering   waiting      maintenance p  .            .
restarting !      recovering ~ waiting ~    maintenance p  .            .
restarting, asked recovering   pending x    maintenance p  .            .
recovering        .            .            maintenance p  .            restarting r R
recovering +      .            .            maintenance p  .            restarting r R
recovering !+     .            .            maintenance p  .            restarting r ~ R
failing !+        .            .            maintenance p  .            restarting r ~ R
failing ! 1 h     .            .            maintenance p  .            restarting r ~ R
failing ! known   .            .            maintenance p  .            restarting r ~ R
silent            .            .            maintenance p  .            restarting r R
silent 2/3        .            .            maintenance p  .            restarting r R
silent !+         .            .            maintenance p  .            restarting r R
silent ?+         .            .            maintenance p  .            restarting r R
silence over      . e FIRING   . e FIRING   maintenance ep . e FIRING   restarting er FIRING R
silence over !    . e REMINDER . e REMINDER maintenance ep . e REMINDER restarting er REMINDER R
failing ! loop +  .            .            maintenance p  .            restarting r ~ R
gave up !         .            .            maintenance p  .            restarting r ~ R
gave up !, due    .            .            maintenance p  .            restarting r ~ R
gave up !+        .            .            maintenance p  .            restarting r ~ R
gave up ! turns   .            .            maintenance p  .            restarting r ~ R
maintenance       .            .            . p            pending u    . r R
maint., restart   .            .            . p            restarting u .
maint., over      pending u    pending u    . up           pending u    restarting ur R
leased            .            .            . p            .            .
leased !          .            .            . p            .            .
leased, restart   .            .            . p            .            .
leased, paused    .            .            . p            . u          .
leased, over      pending d    pending d    . dp           pending d    restarting dr R

                  lease          second         end
pending           maintenance l  maintenance l  .
pending !+        maintenance l  maintenance l  .
healthy           maintenance l  maintenance l  .
healthy 5 min     maintenance l  maintenance l  .
healthy !         maintenance l  maintenance l  .
healthy ! 30 min  maintenance l  maintenance l  .
healthy, 4 lost   maintenance l  maintenance l  .
healthy, again    maintenance l  maintenance l  .
suspect 1/3       maintenance l  maintenance l  .
suspect 2/3       maintenance l  maintenance l  .
held              maintenance l  maintenance l  .
held !+           maintenance l  maintenance l  .
waiting           maintenance l  maintenance l  .
waiting 30 s      maintenance l  maintenance l  .
waiting, due      maintenance l  maintenance l  .
waiting, owed     maintenance l  maintenance l  .
waiting !+, due   maintenance l  maintenance l  .
restarting        maintenance l  maintenance l  .
restarting !      maintenance l  maintenance l  .
restarting, asked maintenance l  maintenance l  .
recovering        maintenance l  maintenance l  .
recovering +      maintenance l  maintenance l  .
recovering !+     maintenance l  maintenance l  .
failing !+        maintenance l  maintenance l  .
failing ! 1 h     maintenance l  maintenance l  .
failing ! known   maintenance l  maintenance l  .
silent            maintenance l  maintenance l  .
silent 2/3        maintenance l  maintenance l  .
silent !+         maintenance l  maintenance l  .
silent ?+         maintenance l  maintenance l  .
silence over      maintenance el maintenance el . e FIRING
silence over !    maintenance el maintenance el . e REMINDER
failing ! loop +  maintenance l  maintenance l  .
gave up !         maintenance l  maintenance l  .
gave up !, due    maintenance l  maintenance l  .
gave up !+        maintenance l  maintenance l  .
gave up ! turns   maintenance l  maintenance l  .
maintenance       . l            . l            .
maint., restart   . l            . l            .
maint., over      . ul           . ul           pending u
leased            .              .              pending d
leased !          .              .              pending d
leased, restart   .              .              restarting d
leased, paused    .              .              . d
leased, over      . dl           . dl           pending d

                  silence    speak
pending           . s        .
pending !+        . s        .
healthy           . s        .
healthy 5 min     . s        .
healthy !         . s        .
healthy ! 30 min  . s        .
healthy, 4 lost   . s        .
healthy, again    . s        .
suspect 1/3       . s        .
suspect 2/3       . s        .
held              . s        .
held !+           . s        .
waiting           . s        .
waiting 30 s      . s        .
waiting, due      . s        .
waiting, owed     . s        .
waiting !+, due   . s        .
restarting        . s        .
restarting !      . s        .
restarting, asked . s        .
recovering        . s        .
recovering +      . s        .
recovering !+     . s        .
failing !+        . s        .
failing ! 1 h     . s        .
failing ! known   . s        .
silent            . s        . e
silent 2/3        . s        . e
silent !+         . s        . e
silent ?+         . s        . e FIRING
silence over      . es       . e FIRING
silence over !    . es       . e REMINDER
failing ! loop +  . s        .
gave up !         . s        .
gave up !, due    . s        .
gave up !+        . s        .
gave up ! turns   . s        .
maintenance       . s        .
maint., restart   . s        .
maint., over      pending us pending u
leased            . s        .
leased !          . s        .
leased, restart   . s        .
leased, paused    . s        .
leased, over      pending ds pending d

                  seen        late         pressed
pending           .           .            . b
pending !+        . n ~       .            . b
healthy           .           .            . b
healthy 5 min     .           .            . b
healthy !         . n ~       .            . b
healthy ! 30 min  . n ~       .            . b
healthy, 4 lost   .           .            . b
healthy, again    .           .            . b
suspect 1/3       .           .            . b
suspect 2/3       .           .            . b
held              .           .            . b
held !+           . n ~       .            . b
waiting           .           .            . b
waiting 30 s      .           .            . b
waiting, due      .           .            . b
waiting, owed     .           .            . b
waiting !+, due   . n ~       .            . b
restarting        .           .            . b
restarting !      . n ~       .            . b
restarting, asked .           .            . b
recovering        .           .            . b
recovering +      .           .            . b
recovering !+     . n ~       .            . b
failing !+        . n ~       .            . b
failing ! 1 h     . n ~       .            . b
failing ! known   .           .            . b
silent            .           .            . b
silent 2/3        .           .            . b
silent !+         . n         .            . b
silent ?+         . n         .            . b
silence over      . en FIRING . e FIRING   . eb FIRING
silence over !    . en ~      . e REMINDER . eb REMINDER
failing ! loop +  . n ~       .            . b
gave up !         . n ~       .            . b
gave up !, due    . n ~       .            . b
gave up !+        . n ~       .            . b
gave up ! turns   . n ~       .            . b
maintenance       .           .            . b
maint., restart   .           .            . b
maint., over      pending u   pending u    pending ub
leased            .           .            . b
leased !          . n         .            . b
leased, restart   .           .            . b
leased, paused    .           .            . b
leased, over      pending d   pending d    pending db

                  measured           started
pending           . m WARNING        .
pending !+        . m WARNING        .
healthy           . m WARNING        .
healthy 5 min     . m WARNING        .
healthy !         . m WARNING        .
healthy ! 30 min  . m WARNING        .
healthy, 4 lost   . m WARNING        .
healthy, again    . m WARNING        .
suspect 1/3       . m WARNING        .
suspect 2/3       . m WARNING        .
held              . m WARNING        .
held !+           . m WARNING        .
waiting           . m WARNING        .
waiting 30 s      . m WARNING        .
waiting, due      . m WARNING        .
waiting, owed     . m WARNING        .
waiting !+, due   . m WARNING        .
restarting        . m WARNING        .
restarting !      . m WARNING        .
restarting, asked . m WARNING        .
recovering        . m WARNING        .
recovering +      . m WARNING        .
recovering !+     . m WARNING        .
failing !+        . m WARNING        .
failing ! 1 h     . m WARNING        .
failing ! known   . m WARNING        .
silent            . m                .
silent 2/3        . m                .
silent !+         . m                .
silent ?+         . m                .
silence over      . em WARNING       . e
silence over !    . em WARNING       . e
failing ! loop +  . m WARNING        .
gave up !         . m WARNING        .
gave up !, due    . m WARNING        .
gave up !+        . m WARNING        .
gave up ! turns   . m WARNING        .
maintenance       . m                .
maint., restart   . m                .
maint., over      pending um WARNING pending u
leased            . m                .
leased !          . m                .
leased, restart   . m                .
leased, paused    . m                .
leased, over      pending dm WARNING pending d
"""


def cells() -> Iterator[tuple[str, str, str]]:
    """Yield situation, event and expected cell of the table."""
    for block in TABLE.strip("\n").split("\n\n"):
        heading, *rows = block.splitlines()
        columns = [(match.group(), match.start()) for match in re.finditer(r"\S+", heading)]
        ends = [start for _, start in columns[1:]] + [200]
        for row in rows:
            name = row[: columns[0][1]].strip()
            for (event, start), end in zip(columns, ends, strict=True):
                yield name, event, row[start:end].strip()


EXPECTED = {(situation, event): expected for situation, event, expected in cells()}


def test_the_table_is_the_full_product_of_phases_and_events() -> None:
    assert set(EXPECTED) == set(itertools.product(SITUATIONS, EVENTS))
    assert {state.phase for state in SITUATIONS.values()} == set(Phase)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_event_in_every_situation_does_what_the_table_says(situation: str) -> None:
    expected = {event: EXPECTED[situation, event] for event in EVENTS}
    assert {event: cell(situation, event) for event in EVENTS} == expected


# --- a service that dies ------------------------------------------------------------------------


def test_a_dead_service_is_restarted_at_once() -> None:
    life = Life().on(PASS, DEAD, every=30)
    assert life.phase is Phase.RESTARTING
    assert life.last[-1] == Restart(DEAD.reason, 1)


def test_a_lost_port_is_a_reason_to_restart_at_once() -> None:
    assert len(Life().on(PASS, PORT).restarts) == 1


def test_a_restart_that_heals_before_max_failures_is_on_record_and_pages_nobody() -> None:
    life = Life().on(PASS, DEAD, DONE, PASS, PASS, every=1)
    assert life.phase is Phase.HEALTHY
    assert life.state.failures == 0
    assert life.told == []
    assert life.notes[-1].kind is NoteKind.HEALED
    assert life.notes[-1].text == f"healthy again after a restart: {DEAD.reason}"


def test_a_restart_that_heals_late_but_before_max_failures_is_on_record_too() -> None:
    life = Life().on(PASS, DEAD, DONE, HTTP, PASS, every=1)
    assert life.phase is Phase.SUSPECT, "one passing round is no proof after a restart"
    assert life.on(PASS).phase is Phase.HEALTHY
    assert life.noted[-1] is NoteKind.HEALED


def test_a_restart_is_told_as_healing_once() -> None:
    life = Life().on(DEAD, DONE, PASS, PASS, HTTP, PASS)
    assert (life.phase, life.noted.count(NoteKind.HEALED)) == (Phase.HEALTHY, 1)


def test_a_phase_knows_since_when_it_lasts() -> None:
    life = Life().on(PASS).wait(5).on(HOLD)
    entered = life.now.mono
    assert life.on(HOLD, HOLD, every=30).state.since == entered


def test_a_restart_that_heals_is_told_quietly_if_that_is_asked_for() -> None:
    life = Life(Policy(notify_healed=True)).on(PASS, DEAD, DONE, PASS, PASS, every=1)
    (notice,) = life.alerts
    assert notice.kind is AlertKind.NOTICE
    assert (notice.incident, notice.opened, notice.restarts) == ("", 0, 0)
    assert (notice.reason, notice.measure) == (DEAD.reason, Measure(MeasureKind.RESTARTED))


def test_a_restart_does_not_reset_the_failures() -> None:
    life = Life().on(DEAD, DONE)
    assert life.phase is Phase.RECOVERING
    assert life.state.failures == 1
    assert life.on(DEAD).state.failures == 2


def test_one_passing_round_after_a_restart_proves_nothing() -> None:
    life = Life().on(DEAD, DONE, PASS)
    assert life.phase is Phase.RECOVERING
    assert life.on(HOLD, PASS).phase is Phase.RECOVERING, "they are counted in a row"
    assert life.on(PASS).phase is Phase.HEALTHY


def test_the_third_failure_opens_the_incident_and_pages_once() -> None:
    life = Life().on(DEAD, DONE, DEAD).wait(5).on(DEAD, DONE, DEAD)
    assert life.told == [FIRING]
    assert life.on(*[DEAD] * 20, every=0.1).told == [FIRING]


def test_the_page_says_what_failed_how_often_and_what_is_done() -> None:
    life = Life().on(DEAD, DONE, DEAD).wait(5).on(DEAD, DONE, DEAD)
    (page,) = life.alerts
    assert (page.check, page.reason) == ("unit", DEAD.reason)
    assert (page.failures, page.max_failures, page.restarts) == (3, 3, 2)
    assert page.measure == Measure(MeasureKind.RESTART_DUE, next_try=life.now.wall + 10)
    assert page.opened == page.wall == life.now.wall
    assert page.duration == 0
    assert page.incident == incident_id("api", life.now.wall)
    assert [note.text for note in life.notes if note.kind is NoteKind.OPENED] == [DEAD.reason]


# --- /health fails ------------------------------------------------------------------------------


def test_a_failing_health_is_restarted_and_paged_at_max_failures_and_not_before() -> None:
    life = Life().on(PASS, HTTP, HTTP, every=2)
    assert (life.phase, life.restarts, life.told) == (Phase.SUSPECT, [], [])
    life.on(HTTP)
    assert (life.phase, len(life.restarts), life.told) == (Phase.RESTARTING, 1, [FIRING])
    assert life.alerts[0].measure == Measure(MeasureKind.RESTARTING, count=1, limit=5)
    assert life.alerts[0].restarts == 1


def test_two_failures_and_a_passing_round_are_forgotten() -> None:
    life = Life().on(HTTP, HTTP, PASS, HTTP, HTTP, PASS)
    assert (life.phase, life.state.failures, life.state.cause) == (Phase.HEALTHY, 0, None)
    assert (life.restarts, life.told) == ([], [])


def test_a_threshold_of_zero_means_that_this_check_never_restarts() -> None:
    life = Life(Policy(restart_after={"http": 0})).on(*[HTTP] * 50, every=30)
    assert (life.phase, life.restarts, life.told) == (Phase.FAILING, [], [FIRING])
    assert life.alerts[0].measure == Measure(MeasureKind.RESTARTS_OFF)


def test_a_threshold_of_zero_holds_for_a_service_whose_restart_is_due_for_another_check() -> None:
    policy = Policy(restart_after={"unit": 1, "http": 0})
    life = Life(policy).on(DEAD, DONE, DEAD).wait(60).on(*[HTTP] * 9, every=30)
    assert (life.phase, len(life.restarts)) == (Phase.FAILING, 1)


def test_a_budget_of_zero_means_that_nothing_ever_restarts() -> None:
    life = Life(Policy(restart_budget=0)).on(*[DEAD] * 50, every=60)
    assert (life.phase, life.restarts, life.told) == (Phase.FAILING, [], [FIRING])


def test_a_threshold_above_max_failures_pages_first_and_restarts_later() -> None:
    life = Life(Policy(restart_after={"http": 5})).on(*[HTTP] * 4)
    assert (life.phase, life.restarts, life.told) == (Phase.FAILING, [], [FIRING])
    assert life.alerts[0].measure == Measure(MeasureKind.RESTART_AFTER, limit=5)
    assert len(life.on(HTTP).restarts) == 1


def test_the_failures_of_different_checks_are_one_count() -> None:
    life = Life(Policy(restart_after={"http": 0, "port": 0})).on(HTTP, PORT, HTTP)
    assert life.told == [FIRING]
    texts = [note.text for note in life.notes if note.kind is NoteKind.FAILED]
    assert texts[-1] == f"http: {HTTP.reason} (failure 3/3)"


def test_beyond_the_limit_only_a_new_cause_is_written_down() -> None:
    life = Life(Policy(restart_after={"http": 0, "port": 0})).on(*[HTTP] * 9, *[PORT] * 9)
    assert life.noted.count(NoteKind.FAILED) == 4


# --- what a restart cannot help -----------------------------------------------------------------


@pytest.mark.parametrize("cause", [STRANGER, MASKED])
def test_where_a_restart_cannot_help_people_are_told_and_none_is_tried(cause: Observation) -> None:
    life = Life().on(PASS, *[cause] * 20, every=2)
    assert (life.phase, life.restarts, life.told) == (Phase.FAILING, [], [FIRING])
    assert life.alerts[0].measure == Measure(MeasureKind.NO_RESTART_HELPS)
    assert life.alerts[0].reason == cause.reason


def test_once_a_restart_can_help_again_it_is_made() -> None:
    life = Life().on(*[STRANGER] * 5, DEAD)
    assert life.phase is Phase.RESTARTING
    assert life.told == [FIRING]


def test_a_stranger_on_the_port_ends_the_waiting_for_a_restart() -> None:
    life = Life().on(DEAD, DONE, DEAD, STRANGER).wait(60).on(STRANGER)
    assert (life.phase, len(life.restarts)) == (Phase.FAILING, 1)


def test_an_impossible_restart_pages_at_once_and_is_tried_again_only_slowly() -> None:
    life = Life().on(DEAD, IMPOSSIBLE)
    assert (life.phase, life.told) == (Phase.GAVE_UP, [FIRING])
    assert life.alerts[0].reason == "restart failed: no permission"
    assert life.alerts[0].circumstance == Circumstance(
        CircumstanceKind.RESTART_FAILED, "no permission"
    )
    assert life.alerts[0].measure == Measure(
        MeasureKind.NO_RESTART_POSSIBLE, count=1, next_try=life.now.wall + 900
    )
    (note,) = [note for note in life.notes if note.kind is NoteKind.GAVE_UP]
    assert note.text == "no restart is possible; a person is needed; tries once more in 15 min"
    life.on(*[DEAD] * 100, every=8)
    assert (len(life.restarts), life.told) == (1, [FIRING])
    assert len(life.wait(100).on(DEAD, IMPOSSIBLE).restarts) == 2
    assert life.told == [FIRING]


def test_an_impossible_restart_in_an_open_incident_is_told_as_giving_up() -> None:
    life = Life().on(HTTP, HTTP, HTTP, IMPOSSIBLE, every=2)
    assert life.told == [FIRING, GAVE_UP]


def test_an_impossible_restart_that_a_person_asked_for_pages_nobody() -> None:
    life = Life().on(PASS, ASKED, IMPOSSIBLE)
    assert (life.phase, life.told) == (Phase.PENDING, [])
    assert life.noted[-1] is NoteKind.RESTART_FAILED
    assert life.on(PASS).phase is Phase.HEALTHY
    assert life.noted[-1] is NoteKind.RESTART_FAILED, "nothing was healed, as nothing was done"


def test_an_impossible_restart_takes_nothing_from_the_account_of_earlier_ones() -> None:
    assert Life().on(DEAD, FAILED, ASKED, IMPOSSIBLE).state.restarted == 1
    assert Life().on(DEAD, FAILED, ASKED, BEGAN_BEFORE_IT).state.restarted == 1


# --- backoff and budget -------------------------------------------------------------------------


def restart_times(life: Life, seconds: float, step: float = 1.0) -> list[float]:
    """Return when restarts are asked for while the service is dead and each restart fails."""
    times, began = [], life.now.mono
    while life.now.mono < began + seconds:
        life.on(FAILED if life.phase is Phase.RESTARTING else DEAD)
        if any(isinstance(effect, Restart) for effect in life.last):
            times.append(life.now.mono - began)
        life.wait(step)
    return times


def test_the_pauses_between_restarts_double_and_the_budget_ends_them() -> None:
    life = Life()
    times = restart_times(life, 800)
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    # A round a second: each failed restart is told a second after it was asked for.
    assert pauses == [6, 11, 21, 41]
    assert life.phase is Phase.GAVE_UP
    assert life.told == [FIRING, GAVE_UP]
    gave_up = life.alerts[1].measure
    assert gave_up == Measure(
        MeasureKind.GAVE_UP, count=5, next_try=life.alerts[1].wall - 1 + 900
    ), "counted from the last restart, a second before"
    (note,) = [note for note in life.notes if note.kind is NoteKind.GAVE_UP]
    assert note.text == "gave up after 5 restarts; tries once more in 15 min"


@pytest.mark.no_cover
def test_the_backoff_is_bounded_however_many_restarts_there_were() -> None:
    policy = Policy(restart_budget=10_000, backoff_max=60)
    assert max(b - a for a, b in itertools.pairwise(restart_times(Life(policy), 3600))) == 61


def test_after_giving_up_a_restart_is_tried_every_retry_every_and_nobody_is_told_again() -> None:
    life = Life(Policy(remind_after=0))
    restart_times(life, 200)
    assert restart_times(life, 5000, step=10) == pytest.approx([780, 1680, 2580, 3480, 4380], abs=9)
    assert life.told == [FIRING, GAVE_UP]


def test_a_half_open_restart_that_heals_resolves_the_incident() -> None:
    life = Life()
    restart_times(life, 200)
    life.wait(900).on(DEAD, DONE, PASS, PASS)
    assert (life.phase, life.told) == (Phase.HEALTHY, [FIRING, GAVE_UP, RESOLVED])
    assert len({alert.incident for alert in life.alerts}) == 1


def test_a_budget_spent_on_restarts_that_healed_is_paged_at_the_first_failure() -> None:
    life = Life()
    for _ in range(5):
        while life.phase is not Phase.RESTARTING:
            life.on(DEAD, every=1)
        life.on(DONE, PASS, PASS).see(PASS, 60)
    assert (len(life.restarts), life.told) == (5, [])
    life.on(DEAD)
    assert (life.phase, life.state.failures, life.told) == (Phase.GAVE_UP, 1, [FIRING])
    gave_up = life.alerts[0].measure
    assert gave_up is not None
    assert (gave_up.kind, gave_up.count) == (MeasureKind.GAVE_UP, 5)


def test_giving_up_is_forgotten_once_health_has_been_stable() -> None:
    life = Life()
    restart_times(life, 200)
    life.wait(900).on(DEAD, DONE, PASS, PASS)
    assert life.state.gave_up
    assert life.see(PASS, 240).state.gave_up
    life.see(PASS, 90)
    assert (life.state.gave_up, life.state.attempts) == (False, 0)
    assert life.noted[-1] is NoteKind.REARMED


def test_before_health_was_stable_a_service_given_up_is_not_restarted_at_every_failure() -> None:
    life = Life()
    restart_times(life, 200)
    life.wait(900).on(DEAD, DONE, PASS, PASS).see(PASS, 60).on(DEAD)
    assert life.phase is Phase.GAVE_UP


def test_the_budget_looks_back_over_its_window_only() -> None:
    life = Life(Policy(restart_budget=1, restart_window=3600))
    life.on(DEAD, DONE, PASS, PASS).see(PASS, 3660).on(DEAD)
    assert (len(life.restarts), life.told) == (2, [])


def test_a_budget_that_is_spent_for_longer_than_a_retry_takes_allows_one_restart_at_once() -> None:
    life = Life(Policy(restart_budget=1, restart_window=3600, retry_every=900))
    life.on(DEAD, DONE, PASS, PASS).see(PASS, 1000).on(DEAD)
    assert (len(life.restarts), life.told, life.state.gave_up) == (2, [], True)
    assert life.on(DONE, DEAD).told == [FIRING], "it did not help"


def test_a_page_about_the_first_failure_says_that_the_budget_is_overdrawn() -> None:
    policy = Policy(max_failures=1, restart_budget=1, restart_window=3600, retry_every=900)
    life = Life(policy).on(DEAD, DONE, PASS, PASS).see(PASS, 1000).on(DEAD)
    assert life.told == [FIRING, RESOLVED, FIRING]
    assert life.alerts[-1].measure == Measure(MeasureKind.RESTARTING_ONCE_MORE)


def test_a_long_backoff_does_not_hide_that_the_service_is_down() -> None:
    life = Life(Policy(restart_budget=100, backoff_first=300))
    life.on(DEAD, DONE, PASS, PASS).see(PASS, 20).on(DEAD)
    assert (life.phase, life.state.failures) == (Phase.WAITING, 1)
    life.see(DEAD, 58)
    assert (life.state.failures, life.told) == (2, [])
    life.see(DEAD, 4)
    assert (life.phase, life.state.failures, life.told) == (Phase.WAITING, 3, [FIRING])
    due = life.alerts[0].measure
    assert due is not None
    assert due.kind is MeasureKind.RESTART_DUE
    assert due.next_try - life.alerts[0].wall == pytest.approx(240, abs=2)
    assert len(life.see(DEAD, 242).restarts) == 2


def test_a_service_that_comes_back_while_its_restart_is_waited_for_is_not_restarted() -> None:
    life = Life().on(DEAD, DONE, DEAD, PASS, PASS).wait(60).on(PASS)
    assert (life.phase, len(life.restarts)) == (Phase.HEALTHY, 1)


def test_while_a_restart_is_waited_for_passing_rounds_count_in_a_row_too() -> None:
    life = Life().on(DEAD, DONE, DEAD, PASS, DEAD, PASS)
    assert life.phase is Phase.WAITING


def test_a_failed_restart_counts_as_a_failure() -> None:
    life = Life().on(DEAD, FAILED)
    assert (life.phase, life.state.failures) == (Phase.WAITING, 2)
    assert life.noted[-2:] == [NoteKind.RESTART_FAILED, NoteKind.FAILED]
    assert life.state.cause is not None
    assert life.state.cause.dead, "there is no process to gather evidence from"


# --- somebody else is at work -------------------------------------------------------------------


def test_while_a_service_is_held_nothing_is_judged_and_failures_stay() -> None:
    life = Life().on(HTTP, HTTP, *[HOLD] * 50, every=2)
    assert (life.phase, life.state.failures) == (Phase.HELD, 2)
    assert (life.restarts, life.told) == ([], [])
    assert life.noted.count(NoteKind.HELD) == 1


def test_a_hold_calls_off_the_restart_that_was_waited_for() -> None:
    life = Life().on(DEAD, DONE, DEAD, HOLD).wait(60).on(HOLD, UNKNOWN)
    assert (life.phase, len(life.restarts), life.state.restart_at) == (Phase.HELD, 1, None)


def test_what_is_still_broken_after_a_hold_is_judged_at_once() -> None:
    life = Life().on(PASS, HOLD).wait(120).on(DEAD)
    assert life.phase is Phase.RESTARTING


def test_a_probe_that_cannot_run_changes_nothing() -> None:
    for name, state in SITUATIONS.items():
        if "over" not in name:
            assert Life(state=state).on(UNKNOWN).state == state


def test_an_operator_who_takes_over_costs_no_budget_and_no_failure() -> None:
    life = Life().on(DEAD, YIELDED)
    assert (life.phase, life.state.restarts, life.state.failures) == (Phase.HELD, (), 1)
    assert life.on(HOLD, PASS).phase is Phase.HEALTHY
    assert NoteKind.HEALED not in life.noted, "it was not our restart that healed"


def test_only_the_restart_that_yielded_is_given_back() -> None:
    life = Life().on(DEAD, FAILED).wait(5).on(DEAD)
    assert (len(life.state.restarts), life.state.restarted) == (2, 2)
    life.on(YIELDED)
    assert (len(life.state.restarts), life.state.restarted) == (1, 1)


def test_an_incident_that_is_no_crash_loop_is_held_like_a_service_without_one() -> None:
    assert Life().on(*[STRANGER] * 3, HOLD).phase is Phase.HELD


def test_two_who_give_way_to_each_other_do_so_ever_more_slowly() -> None:
    life = Life()
    for _ in range(600):
        life.on(YIELDED if life.phase is Phase.RESTARTING else DEAD, every=1)
    assert len(life.restarts) < 10
    assert life.told == [FIRING]


def test_a_half_open_restart_that_yields_waits_its_turn_again() -> None:
    life = Life()
    restart_times(life, 200)
    life.wait(900).on(DEAD, YIELDED).see(DEAD, 800)
    assert (life.phase, len(life.restarts)) == (Phase.GAVE_UP, 6)


def test_a_restart_that_yields_is_not_told_as_one_of_ours() -> None:
    life = Life().on(HTTP, HTTP, HTTP, YIELDED, PASS, PASS, every=2)
    assert [alert.restarts for alert in life.alerts] == [1, 0]
    assert life.alerts[-1].measure == Measure(MeasureKind.CAME_BACK)


# --- resolved -----------------------------------------------------------------------------------


def test_resolved_says_how_long_it_took_and_of_which_incident() -> None:
    life = Life().on(HTTP, HTTP, HTTP, every=2)
    opened = life.now.mono
    life.on(DONE, PASS, PASS, every=7)
    firing, resolved = life.alerts
    assert resolved.kind is RESOLVED
    assert resolved.incident == firing.incident
    assert resolved.opened == firing.wall
    assert resolved.duration == life.now.mono - opened == 21
    assert (resolved.measure, resolved.reason) == (Measure(MeasureKind.HEALED), HTTP.reason)
    assert life.state.incident is None


def test_resolved_says_when_it_was_not_our_doing() -> None:
    life = Life().on(*[STRANGER] * 3, PASS, PASS)
    assert life.alerts[-1].measure == Measure(MeasureKind.CAME_BACK)


def test_every_line_about_an_incident_is_filed_under_it_the_ones_that_opened_it_included() -> None:
    life = Life().on(HTTP, HTTP, HTTP, DONE, PASS, PASS)
    opened = life.alerts[0].incident
    assert [(note.kind, note.incident) for note in life.notes] == [
        (NoteKind.FAILED, ""),
        (NoteKind.FAILED, ""),
        (NoteKind.FAILED, opened),
        (NoteKind.OPENED, opened),
        (NoteKind.RESTART, opened),
        (NoteKind.CLOSED, opened),
    ]


@pytest.mark.no_cover
def test_the_restart_is_the_last_thing_to_be_done() -> None:
    for name, event in itertools.product(SITUATIONS, EVENTS.values()):
        effects = Life(state=SITUATIONS[name]).on(event).last
        assert not any(isinstance(effect, Restart) for effect in effects[:-1]), name


@pytest.mark.no_cover
def test_a_service_that_fails_and_heals_by_turns_is_one_conversation() -> None:
    life = Life(Policy(restart_after={"http": 0}))
    for _ in range(100):
        life.on(HTTP, HTTP, HTTP, PASS, PASS, every=2)
    assert life.told == [FIRING, RESOLVED, FIRING]
    assert life.phase is Phase.HEALTHY, "it is; the incident is not over"
    assert life.state.incident is not None
    life.see(PASS, 1770)
    assert life.told == [FIRING, RESOLVED, FIRING]
    life.see(PASS, 60)
    assert life.told == [FIRING, RESOLVED, FIRING, RESOLVED]
    assert life.alerts[-1].measure == Measure(MeasureKind.STAYED_HEALTHY, lasted=1800)
    assert life.notes[-1].text == "has stayed healthy for 30 min"
    assert life.alerts[-1].incident == life.alerts[-2].incident


def test_an_incident_long_after_the_last_resolves_as_fast_as_the_first() -> None:
    life = Life().on(HTTP, HTTP, HTTP, DONE, PASS, PASS).see(PASS, 1830)
    life.on(HTTP, HTTP, HTTP, DONE, PASS, PASS)
    assert life.told == [FIRING, RESOLVED, FIRING, RESOLVED]


def test_a_flapping_service_that_fails_again_is_restarted_but_not_paged_again() -> None:
    life = Life().on(HTTP, HTTP, HTTP, DONE, PASS, PASS)
    life.on(HTTP, HTTP, HTTP).wait(5).on(HTTP, DONE, PASS, PASS)
    assert (life.phase, life.told) == (Phase.HEALTHY, [FIRING, RESOLVED, FIRING])
    assert (life.state.failures, life.state.restarted) == (0, 0), "health was proven"
    life.on(HTTP)
    assert (life.phase, life.state.failures) == (Phase.FAILING, 1)
    life.on(HTTP, HTTP).wait(10).on(HTTP)
    assert (len(life.restarts), life.told) == (3, [FIRING, RESOLVED, FIRING])


# --- crashes ------------------------------------------------------------------------------------


def test_crashes_below_the_limit_are_written_down_and_left_to_the_keeper() -> None:
    life = Life().on(PASS, CRASH, CRASH)
    assert (life.phase, life.told, life.restarts) == (Phase.HEALTHY, [], [])
    assert life.noted == [NoteKind.CRASHED] * 2


def test_a_crash_loop_is_an_incident_even_if_every_round_passes() -> None:
    life = Life()
    for _ in range(3):
        life.on(PASS, CRASH, every=10)
    assert (life.phase, life.told, life.restarts) == (Phase.FAILING, [FIRING], [])
    assert life.alerts[0].reason == f"crashed 3 times in 40 s: {CRASH.reason}"
    assert life.alerts[0].circumstance == Circumstance(
        CircumstanceKind.CRASH_LOOP, CRASH.reason, count=3, lasted=40
    )
    assert life.alerts[0].measure == Measure(MeasureKind.LEFT_TO_KEEPER)
    turns: list[Event] = [PASS, HOLD, CRASH]
    life.on(*turns * 20, every=5)
    assert (life.phase, life.told, life.restarts) == (Phase.FAILING, [FIRING], [])


def test_crashes_that_were_told_at_once_are_a_loop_as_well() -> None:
    assert Life().on(EVENTS["loop"]).told == [FIRING]


def test_a_crash_loop_is_over_when_rounds_pass_and_nothing_crashes_for_a_while() -> None:
    life = Life().on(CRASH, CRASH, CRASH).see(PASS, 59)
    assert life.told == [FIRING]
    assert life.see(PASS, 3).told == [FIRING, RESOLVED]


@pytest.mark.no_cover
def test_a_slow_crash_loop_is_one_conversation() -> None:
    life = Life(Policy(remind_after=0))
    for _ in range(60):
        life.on(CRASH).see(PASS, 70)
    assert life.told == [FIRING, RESOLVED, FIRING]
    assert life.on(HOLD).phase is Phase.HELD, "the loop is over, the incident not yet"
    assert life.see(PASS, 1830).told == [FIRING, RESOLVED, FIRING, RESOLVED]


def test_crashes_far_apart_are_no_loop() -> None:
    assert Life().on(*[CRASH] * 20, every=151).told == []


def test_a_crash_limit_of_zero_switches_the_detection_off() -> None:
    assert Life(Policy(crash_limit=0)).on(*[CRASH] * 20).told == []


def test_a_unit_that_systemd_has_given_up_on_is_restarted_by_us() -> None:
    life = Life().on(CRASH, CRASH, CRASH, HOLD, DEAD, every=1)
    assert (life.phase, life.told) == (Phase.RESTARTING, [FIRING])
    life.on(DONE).see(PASS, 61)
    assert (life.phase, life.told) == (Phase.HEALTHY, [FIRING, RESOLVED])


def test_a_crash_loop_within_an_incident_is_told_of_once() -> None:
    life = Life().on(HTTP, HTTP, HTTP, DONE, CRASH, CRASH, CRASH)
    assert life.told == [FIRING]
    assert life.see(PASS, 50).told == [FIRING], "and keeps it open"
    assert life.see(PASS, 12).told == [FIRING, RESOLVED]


def test_a_crash_is_no_part_of_stable_health() -> None:
    life = Life().on(DEAD, DONE, PASS, PASS).see(PASS, 290).on(CRASH).see(PASS, 290)
    assert life.state.attempts == 1
    assert life.see(PASS, 40).state.attempts == 0


# --- maintenance --------------------------------------------------------------------------------


def test_maintenance_restarts_nothing_and_tells_nobody() -> None:
    turns: list[Event] = [DEAD, CRASH, STRANGER]
    life = Life().on(PASS).pause(600).on(*turns * 30, every=5)
    assert (life.phase, life.restarts, life.told) == (Phase.MAINTENANCE, [], [])
    assert life.noted == [NoteKind.PAUSED]


def test_maintenance_ends_by_itself_and_what_is_broken_then_is_judged_at_once() -> None:
    life = Life().on(PASS).pause(600).wait(600).on(DEAD)
    assert life.phase is Phase.RESTARTING
    assert life.noted[1] is NoteKind.RESUMED
    assert life.notes[1].text == "maintenance over: it has ended"


def test_a_person_may_end_maintenance() -> None:
    life = Life().pause(600).on(RESUME)
    assert (life.phase, life.state.maintenance) == (Phase.PENDING, None)
    assert life.notes[-1].text == "maintenance over: by kim"


def test_maintenance_may_be_prolonged() -> None:
    life = Life().pause(60).wait(50).pause(60).wait(50).on(DEAD)
    assert life.phase is Phase.MAINTENANCE
    assert life.wait(10).on(DEAD).phase is Phase.RESTARTING


def test_after_maintenance_failures_backoff_and_giving_up_start_anew_but_not_the_budget() -> None:
    life = Life()
    restart_times(life, 200)
    life.pause(60).on(RESUME)
    state = life.state
    assert (state.failures, state.attempts, state.gave_up) == (0, 0, False)
    assert len(state.restarts) == 5
    assert life.on(DEAD).phase is Phase.GAVE_UP


def test_what_was_seen_and_done_before_maintenance_is_forgotten_after_it() -> None:
    assert Life().on(CRASH, CRASH).pause(60).on(RESUME, CRASH).told == []
    life = Life().on(DEAD, FAILED).pause(60).on(RESUME, PASS)
    assert (life.phase, NoteKind.HEALED in life.noted) == (Phase.HEALTHY, False)
    life = Life().on(*[STRANGER] * 3, PASS).pause(60).on(RESUME, PASS)
    assert life.told == [FIRING], "one passing round is no proof"


def test_an_incident_stays_open_over_maintenance_and_resolves_after_it() -> None:
    life = Life().on(*[STRANGER] * 3).pause(600).on(PASS, PASS, PASS)
    assert life.told == [FIRING]
    life.on(RESUME, PASS, PASS)
    assert life.told == [FIRING, RESOLVED]


def test_a_restart_under_way_when_maintenance_begins_and_ends_is_not_doubled() -> None:
    life = Life().on(DEAD).pause(60).on(DEAD, RESUME, DEAD, DEAD)
    assert (life.phase, len(life.restarts)) == (Phase.RESTARTING, 1)
    assert life.on(DONE, PASS, PASS).phase is Phase.HEALTHY


def test_a_restart_that_ended_during_maintenance_is_not_waited_for() -> None:
    life = Life().on(DEAD).pause(60).on(FAILED, RESUME)
    assert life.phase is Phase.PENDING
    assert NoteKind.RESTART_FAILED in life.noted


# --- a person restarts --------------------------------------------------------------------------


def test_a_person_may_restart_at_any_time_and_it_costs_no_budget() -> None:
    life = Life()
    restart_times(life, 200)
    life.on(ASKED)
    assert life.last[-1] == Restart("asked for by kim", 0, "kim")
    assert len(life.state.restarts) == 5
    assert (life.state.gave_up, life.state.attempts) == (False, 0)


def test_a_restart_that_a_person_asked_for_needs_proof_of_health_too() -> None:
    life = Life().on(PASS, ASKED, DONE, PASS)
    assert life.phase is Phase.RECOVERING
    assert life.on(PASS).phase is Phase.HEALTHY
    assert life.notes[-1].text == "healthy again after a restart: restart asked for"


def test_a_person_cannot_have_two_restarts_at_once() -> None:
    assert len(Life().on(ASKED, ASKED).restarts) == 1
    assert len(Life().on(DEAD, ASKED).restarts) == 1
    assert len(Life().pause(60).on(ASKED, ASKED).restarts) == 1


def test_during_maintenance_a_person_may_restart_and_it_stays_maintenance() -> None:
    life = Life().pause(60).on(ASKED)
    assert (life.phase, len(life.restarts)) == (Phase.MAINTENANCE, 1)
    assert life.on(DONE, DEAD).phase is Phase.MAINTENANCE
    assert len(life.on(ASKED).restarts) == 2


def test_a_failed_restart_that_a_person_asked_for_leaves_a_service_to_bring_back() -> None:
    life = Life().on(PASS, ASKED, FAILED)
    assert (life.phase, len(life.restarts), life.state.failures) == (Phase.RESTARTING, 2, 1)


# --- the daemon itself is restarted -------------------------------------------------------------


def test_a_restart_that_was_issued_before_the_daemon_died_is_not_issued_again() -> None:
    life = Life().on(DEAD).wait(3).on(BEGAN, HOLD, PASS, PASS)
    assert (life.phase, len(life.restarts)) == (Phase.HEALTHY, 1)
    assert len(life.state.restarts) == 1


def test_a_restart_that_was_never_issued_is_issued_if_it_is_still_needed_and_paid_once() -> None:
    life = Life().on(DEAD)
    paid = life.state.restarts
    life.wait(3).on(BEGAN_BEFORE_IT)
    assert (life.phase, len(life.restarts)) == (Phase.WAITING, 1)
    assert life.state.restart_at == life.now.mono, "at once"
    life.on(DEAD)
    assert life.phase is Phase.RESTARTING
    assert life.last[-1] == Restart(DEAD.reason, 1)
    assert (life.state.restarts, life.state.attempts, life.state.failures) == (paid, 1, 1)


def test_a_restart_that_was_never_issued_is_let_be_if_the_service_has_come_back() -> None:
    life = Life().on(DEAD).wait(3600).on(BEGAN_BEFORE_IT, PASS, PASS)
    assert (life.phase, len(life.restarts)) == (Phase.HEALTHY, 1)


def test_a_restart_that_was_in_the_middle_is_seen_as_somebodys_job_and_left_alone() -> None:
    life = Life().on(DEAD).on(BEGAN_BEFORE_IT, HOLD, HOLD)
    assert (life.phase, len(life.restarts)) == (Phase.HELD, 1)
    assert len(life.state.restarts) == 1, "it may have been ours"


def test_a_daemon_that_dies_again_and_again_in_the_middle_issues_the_restart_once() -> None:
    life = Life().on(DEAD, *[BEGAN_BEFORE_IT] * 5)
    assert (life.phase, len(life.restarts)) == (Phase.WAITING, 1)
    assert life.on(BEGAN).phase is Phase.RECOVERING


def test_a_persons_restart_that_was_never_issued_is_not_made_behind_their_back() -> None:
    life = Life().on(PASS, ASKED).wait(3600).on(BEGAN_BEFORE_IT)
    assert (life.phase, len(life.restarts)) == (Phase.PENDING, 1)
    assert life.noted[-1] is NoteKind.RESTART_FAILED


def test_a_restart_under_way_in_maintenance_is_not_waited_for_by_a_new_daemon() -> None:
    life = Life().on(DEAD).pause(60).on(BEGAN, RESUME)
    assert life.phase is Phase.PENDING


def test_what_was_held_is_looked_at_anew_by_a_new_daemon() -> None:
    assert Life().on(HOLD, BEGAN).phase is Phase.PENDING


def test_an_open_incident_survives_the_daemon_and_resolves_after_it() -> None:
    life = Life().on(*[STRANGER] * 3, BEGAN, PASS, PASS)
    assert life.told == [FIRING, RESOLVED]


def test_a_budget_survives_the_daemon() -> None:
    life = Life()
    restart_times(life, 200)
    before = life.state.restarts
    life.on(BEGAN, DEAD)
    assert (life.phase, life.state.restarts) == (Phase.GAVE_UP, before)


def test_a_passing_round_before_the_daemon_died_does_not_count_towards_the_proof() -> None:
    life = Life().on(DEAD, DONE, PASS, BEGAN, PASS)
    assert life.phase is Phase.RECOVERING
    assert life.on(PASS).phase is Phase.HEALTHY


def test_time_in_which_nobody_watched_is_no_stable_health() -> None:
    life = Life().on(DEAD, DONE, PASS, PASS).wait(3600).on(BEGAN, PASS)
    assert life.state.attempts == 1


# --- words --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (0.4, "0 s"),
        (119.4, "119 s"),
        (120, "2 min"),
        (900, "15 min"),
        (7199, "2 h"),
        (9000, "2 h 30 min"),
    ],
)
def test_a_span_of_time_is_said_as_people_do(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_an_incidents_id_is_short_and_the_same_for_the_same_service_and_moment() -> None:
    assert re.fullmatch("[a-z2-7]{6}", incident_id("api", 1.5))
    assert incident_id("api", 1.5) == incident_id("api", 1.5)
    assert len({incident_id("api", 1.5), incident_id("web", 1.5), incident_id("api", 1.6)}) == 3


def test_a_state_without_a_cause_is_told_of_all_the_same() -> None:
    state = replace(SITUATIONS["failing !+"], cause=None)
    life = Life(state=state).on(PASS)
    assert (life.told, life.alerts[0].reason) == ([RESOLVED], "")


def test_the_samples_are_what_they_are_called() -> None:
    assert {HTTP.verdict, DEAD.verdict, MASKED.verdict} == {Verdict.FAIL}
