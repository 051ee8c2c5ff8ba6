from __future__ import annotations

from watchdog.config import Deployment
from watchdog.core.service import Service, UnitControl
from watchdog.doctor.case import Ask, Case, Rule, Stage
from watchdog.doctor.finding import Answer, Finding, Mark, Remedy
from watchdog.doctor.flowchart import NEED_ILL, UNEXPLAINED, Examination, blamed, cause, examine

FINDING = Finding("a-rule", "it is broken", "nothing works", Remedy(("true",)))


def case() -> Case:
    return Case(Service("api", UnitControl("no-such-unit-anywhere.service")), Deployment())


def answering(mark: Mark, text: str = "as seen") -> Ask:
    async def ask(_: Case) -> Answer:
        return Answer(mark, text)

    return ask


def stage(name: str, mark: Mark, *rules: Rule) -> Stage:
    return Stage(name, f"{name}?", answering(mark), rules)


async def sees(_: Case) -> Finding | None:
    return FINDING


async def sees_nothing(_: Case) -> Finding | None:
    return None


async def breaks(_: Case) -> Finding | None:
    raise ValueError("a bug")


async def test_a_walk_without_a_bad_answer_finds_nothing() -> None:
    found = await examine(case(), stages=[stage("a", Mark.GOOD, sees), stage("b", Mark.GOOD)])
    assert [step.stage.name for step in found.steps] == ["a", "b"]
    assert found.finding is None
    assert not found.unanswered


async def test_the_walk_stops_at_the_first_bad_answer() -> None:
    stages = [stage("a", Mark.GOOD), stage("b", Mark.BAD, sees), stage("c", Mark.GOOD)]
    found = await examine(case(), stages=stages)
    assert [step.stage.name for step in found.steps] == ["a", "b"]
    assert found.finding is FINDING


async def test_what_cannot_be_asked_is_passed_by_and_said() -> None:
    found = await examine(case(), stages=[stage("a", Mark.UNKNOWN), stage("b", Mark.SKIPPED)])
    assert [step.stage.name for step in found.unanswered] == ["a"]


async def test_a_box_that_is_passed_answers_for_those_before_it() -> None:
    stages = [stage("a", Mark.UNKNOWN), stage("b", Mark.GOOD), stage("c", Mark.UNKNOWN)]
    found = await examine(case(), stages=stages)
    assert [step.stage.name for step in found.unanswered] == ["c"]


async def test_nothing_is_looked_at_behind_what_is_starting() -> None:
    found = await examine(case(), stages=[stage("a", Mark.BUSY), stage("b", Mark.BAD, sees)])
    assert found.is_busy
    assert found.finding is None


async def test_each_question_is_told_when_it_is_asked_and_when_it_is_answered() -> None:
    told: list[tuple[str, str]] = []

    def tell(at: Stage, answer: Answer | None) -> None:
        told.append((at.name, answer.mark.value if answer else ""))

    await examine(case(), tell, [stage("a", Mark.GOOD), stage("b", Mark.BAD, sees)])
    assert told == [("a", ""), ("a", "good"), ("b", ""), ("b", "bad")]


async def test_the_first_rule_that_sees_something_names_the_cause() -> None:
    found, troubles = await cause(case(), stage("a", Mark.BAD, sees_nothing, sees, breaks))
    assert found is FINDING
    assert troubles == ()


async def test_a_rule_with_a_bug_keeps_no_other_from_looking() -> None:
    found, troubles = await cause(case(), stage("a", Mark.BAD, breaks, sees))
    assert found is FINDING
    assert troubles == ("breaks could not look: ValueError('a bug')",)


async def test_what_no_rule_knows_is_a_finding_with_the_facts() -> None:
    found = await examine(case(), stages=[stage("a", Mark.BAD, sees_nothing)])
    assert found.finding is not None
    assert found.finding.rule == UNEXPLAINED
    assert found.finding.fact == "as seen"
    assert not found.finding.remedy.safe


async def test_a_fact_is_asked_for_once() -> None:
    asked = []

    async def ask() -> int:
        asked.append(1)
        return len(asked)

    about = case()
    assert [await about.once("x", ask), await about.once("x", ask)] == [1, 1]


def ill(service: str, rule: str) -> Examination:
    return Examination(service, (), Finding(rule, f"{rule} of {service}", "", Remedy((service,))))


def test_what_a_service_needs_is_blamed_for_what_it_explains() -> None:
    found = blamed(ill("api", "wrong-status"), [Examination("cache", ()), ill("db", "disk-full")])
    assert found.finding is not None
    assert found.finding.rule == NEED_ILL
    assert found.finding.fact == "api needs db, and there: disk-full of db"
    assert found.finding.remedy.commands == ("db",)


def test_a_cause_of_its_own_is_not_blamed_on_others() -> None:
    own = ill("api", "venv-missing")
    assert blamed(own, [ill("db", "disk-full")]) is own
    assert blamed(Examination("api", ()), [ill("db", "failed")]).finding is None
