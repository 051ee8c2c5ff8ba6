"""Which steps a deploy has, and in which order."""

from __future__ import annotations

from watchdog.config import Deployment
from watchdog.core.service import HttpCheck, PortCheck, Service, UnitControl
from watchdog.deploy.plan import Kind, plan_of

API = Service(
    "api",
    UnitControl("api.service"),
    (PortCheck(8000, "::1"), HttpCheck("http://127.0.0.1:8000/health")),
)
BARE = Service("worker", UnitControl("worker.service"))
REACHED = Deployment(
    proxied=HttpCheck("http://127.0.0.1/health"),
    external=HttpCheck("https://api.example.com/health"),
)


def test_a_bare_unit_is_restarted_and_looked_at() -> None:
    plan = plan_of(BARE, Deployment())
    assert [step.kind for step in plan.steps] == [
        *(Kind.LEASE, Kind.RESTART, Kind.UNIT, Kind.PROOF, Kind.RELEASE),
    ]
    assert plan.rollback == ()


def test_nginx_is_reloaded_only_where_requests_come_through_it() -> None:
    kinds = [step.kind for step in plan_of(API, REACHED).steps]
    assert kinds[5:9] == [Kind.NGINX_TEST, Kind.NGINX_RELOAD, Kind.PROXIED, Kind.EXTERNAL]
    outside = plan_of(API, Deployment(external=REACHED.external))
    assert Kind.NGINX_RELOAD not in {step.kind for step in outside.steps}


def test_the_way_back_restarts_and_looks_and_does_not_begin_anew() -> None:
    plan = plan_of(API, Deployment(before=(("a",),), after=(("b",),), rollback=(("c", "d e"),)))
    assert [step.kind for step in plan.rollback] == [
        *(Kind.ROLLBACK, Kind.RESTART, Kind.UNIT, Kind.PORT, Kind.HEALTH, Kind.PROOF),
    ]
    assert plan.rollback[0].subject == "c 'd e'"
    assert Kind.RESTART not in {step.kind for step in plan.verify}


def test_a_lease_outlasts_all_that_may_be_done() -> None:
    plan = plan_of(API, Deployment(before=(("a",),), rollback=(("b",),), timeout=3600))
    assert plan.longest > 2 * 3600 + 600


def test_what_is_shown_is_redacted_and_what_is_run_is_not() -> None:
    before = Deployment(before=(("curl", "https://x/?token=4711"),))
    plan = plan_of(BARE, before, lambda text: text.replace("4711", "…"))
    step = plan.steps[1]
    assert (step.subject, step.command[1]) == ("curl 'https://x/?token=…'", "https://x/?token=4711")


def test_an_address_is_written_as_people_write_it() -> None:
    port = next(step for step in plan_of(API, Deployment()).steps if step.kind is Kind.PORT)
    assert port.subject == "[::1]:8000"
