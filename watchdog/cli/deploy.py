"""``deploy``: a new version brought up in order, each step waited for and verified."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from watchdog.cli.client import user
from watchdog.cli.options import Commands, add_client_options, config_path, control_socket
from watchdog.cli.output import print_json
from watchdog.errors import ConfigError, ControlError

if TYPE_CHECKING:
    from watchdog.config import Config
    from watchdog.core.service import Service
    from watchdog.deploy.deploying import Diagnose
    from watchdog.deploy.plan import Plan, Step
    from watchdog.deploy.target import Target
    from watchdog.deploy.telling import Done, Report, Tell
    from watchdog.doctor.finding import Finding


def add_commands(commands: Commands) -> None:
    """Add the command."""
    text = "restart services in order, verify each step, and roll back what fails"
    deploy = commands.add_parser("deploy", help=text, description=text)
    deploy.add_argument("name", nargs="+", help="a service; several go in the order they depend on")
    deploy.add_argument("--dry-run", action="store_true", help="print the plan and do nothing")
    add_client_options(deploy)
    deploy.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from watchdog.app.by_hand import chosen
    from watchdog.config import load
    from watchdog.deploy.plan import plan_of
    from watchdog.evidence.redact import Redactor

    config = load(config_path(options), for_daemon=False)
    services = chosen(config, list(dict.fromkeys(options.name)))
    redactor = Redactor()
    redactor.configure(known=config.secrets())
    plans = [
        plan_of(service, config.deployment(service.name), redactor.text) for service in services
    ]
    if options.dry_run:
        _show(plans, is_json=options.json)
        return 0
    _refuse_impossible(services)
    for line in config.unchecked:
        if line.startswith("service"):
            print(f"not seen from here: {line}", file=sys.stderr)
    return asyncio.run(_guarded(_deploy(options, config, services, plans)))


def _refuse_impossible(services: Sequence[Service]) -> None:
    """Raise ConfigError for services that only the daemon can restart."""
    from watchdog.core.service import ProcessControl

    own = [service.name for service in services if isinstance(service.control, ProcessControl)]
    if own:
        raise ConfigError(
            tuple(
                f"cannot deploy {name}: the daemon keeps its process itself; use:"
                f" service-watchdog restart {name}"
                for name in own
            )
        )


async def _guarded(work: Any) -> int:
    """Return what *work* returns; SIGTERM cuts it short as Ctrl-C does.

    SIGHUP does not: a connection that drops is nobody's decision, and half a deploy is worse than
    a whole one that nobody sees. It is handled, not ignored, which commands would inherit.
    """
    task = asyncio.ensure_future(work)
    loop, is_stopped = asyncio.get_running_loop(), False

    def stop() -> None:
        nonlocal is_stopped
        if not is_stopped:
            is_stopped = task.cancel()

    loop.add_signal_handler(signal.SIGTERM, stop)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    try:
        return int(await task)
    except asyncio.CancelledError:
        if is_stopped:
            return 128 + signal.SIGTERM
        raise


async def _deploy(
    options: argparse.Namespace, config: Config, services: Sequence[Service], plans: Sequence[Plan]
) -> int:
    from watchdog.app.log import for_a_person
    from watchdog.app.targets import targets
    from watchdog.cli.progress import Progress

    for_a_person()
    reports: list[Report] = []
    tell: Tell = (lambda _: None) if options.json else Progress()
    try:
        async with targets(config, services, to_restart=True) as found:
            await _refuse_unpermitted(found)
            for target, plan in zip(found, plans, strict=True):
                report = await _one(options, config, target, plan, tell, reports)
                if report.code:
                    break
    finally:
        left = [plan.service for plan in plans[len(reports) :]]
        if options.json and reports:
            print_json(_as_json(reports, left))
        elif left and reports:
            print(f"not begun: {', '.join(left)}")
    return reports[-1].code


async def _one(
    options: argparse.Namespace,
    config: Config,
    target: Target,
    plan: Plan,
    tell: Tell,
    reports: list[Report],
) -> Report:
    from watchdog.deploy.deploying import Deploying
    from watchdog.deploy.lease import Lease

    def say(text: str) -> None:
        deploying.say(text)

    lease = Lease(control_socket(options), plan.service, user(), plan.longest, say)
    deploying = Deploying(target, plan, lease, tell, diagnosis(options, config))
    reports.append(deploying.report)
    return await deploying.run()


def diagnosis(options: argparse.Namespace, config: Config) -> Diagnose:
    """Return who finds out why a step has failed: the doctor."""

    async def diagnose(service: str) -> Finding | None:
        from watchdog.app.hands import Hands
        from watchdog.cli.findings import as_told
        from watchdog.cli.hands import daemon_says
        from watchdog.doctor.flowchart import examine

        async with Hands(config, partial(daemon_says, options)) as hands:
            [known] = hands.services(service)
            finding = (await examine(await hands.case(known))).finding
            return as_told(finding, hands.redactor.text) if finding is not None else None

    return diagnose


async def _refuse_unpermitted(found: Sequence[Target]) -> None:
    """Raise ControlError now rather than half-way if this user may not do what is planned."""
    from watchdog.root_job import RootJob, ask_root

    for target in found:
        name = target.service.name
        if target.denied:
            raise ControlError(
                f"cannot deploy {name}: systemd does not let you restart it ({target.denied});"
                " use sudo, or let polkit allow you restart and ref of its unit"
            )
        if target.deployment.proxied is None:
            continue
        if trouble := (await ask_root(RootJob.NGINX_TEST)).trouble:
            raise ControlError(f"cannot deploy {name}: cannot test nginx: {trouble}")


# --- as JSON, and the plan ------------------------------------------------------------------------


def _as_json(reports: Sequence[Report], left: Sequence[str]) -> dict[str, Any]:
    return {
        "services": [
            {
                "name": report.plan.service,
                "outcome": report.outcome.value,
                "steps": list(map(_done, report.steps)),
                "rollback": list(map(_done, report.rollback)),
                "said": report.said,
                "evidence": list(report.cause.evidence),
                "finding": report.cause.finding,
                "rollback_evidence": list(report.rollback_cause.evidence),
                "rollback_finding": report.rollback_cause.finding,
            }
            for report in reports
        ],
        "not_begun": list(left),
        "code": reports[-1].code,
    }


def _done(done: Done) -> dict[str, Any]:
    return _step(done.step) | {
        "good": done.is_good,
        "text": done.text,
        "took": round(done.took, 2),
    }


def _step(step: Step) -> dict[str, Any]:
    return {"step": step.kind.value, "subject": step.subject}


def _show(plans: Sequence[Plan], *, is_json: bool) -> None:
    if is_json:
        print_json(
            {
                "services": [
                    {
                        "name": plan.service,
                        "steps": list(map(_step, plan.steps)),
                        "rollback": list(map(_step, plan.rollback)),
                    }
                    for plan in plans
                ]
            }
        )
        return
    for plan in plans:
        print(f"{plan.service}:")
        _show_steps(plan.steps)
        if plan.rollback:
            print("  after a failed step:")
            _show_steps(plan.rollback)


def _show_steps(steps: Sequence[Step]) -> None:
    for number, step in enumerate(steps, 1):
        print(f"  {number:2}. {step.kind.value:13} {step.subject}  (at most {step.patience:g} s)")
