from __future__ import annotations

from dataclasses import replace

from watchdog.config import Deployment
from watchdog.core.service import Service, UnitControl
from watchdog.doctor.case import Case, Stage
from watchdog.doctor.checklist import AFTER, Item, check
from watchdog.doctor.finding import Answer, Finding, Mark, Remedy


async def found_with(*bad: str) -> dict[str, str]:
    """Return which items of the list after a deploy name a cause, with those of *bad* failing."""

    def stage(of: Stage) -> Stage:
        async def ask(_: Case) -> Answer:
            return Answer(Mark.BAD if of.name in bad else Mark.GOOD, "as seen")

        async def rule(_: Case) -> Finding:
            return Finding(of.name, "it is broken", "nothing works", Remedy(("true",)))

        return replace(of, ask=ask, rules=(rule,))

    told: list[Item] = []
    case = Case(Service("api", UnitControl("api.service")), Deployment())
    items = await check(case, [stage(each) for each in AFTER], told.append)
    assert told == items
    assert {item.name for item in items if item.answer.mark is Mark.BAD} == set(bad)
    return {item.name: item.finding.rule for item in items if item.finding}


async def test_what_follows_from_a_stopped_nginx_has_no_cause_of_its_own() -> None:
    assert set(await found_with("nginx", "proxy-port", "proxied", "external")) == {"nginx"}


async def test_what_is_wrong_on_its_own_is_told_on_its_own() -> None:
    assert set(await found_with("unit", "port", "health", "nginx")) == {"unit", "nginx"}
    assert set(await found_with("proxied", "external")) == {"proxied"}
    assert set(await found_with("external")) == {"external"}
