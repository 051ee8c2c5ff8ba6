"""Runs on a test host, as whatever user: walks the outer boxes for each CONFIG on its input.

The walk stops at the first bad answer, and the first rule that sees something names the cause. A
line of JSON is the answer. Each walk is a process of its own, which knows nothing of the last one;
what they share is that the modules are loaded, which takes six times as long as a walk.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from watchdog.config import load
from watchdog.core.model import Observation, Verdict
from watchdog.core.service import HttpCheck
from watchdog.doctor.case import Case
from watchdog.doctor.finding import Mark
from watchdog.doctor.stages.external import EXTERNAL
from watchdog.doctor.stages.firewall import FIREWALL
from watchdog.doctor.stages.nginx import NGINX_CONFIG, NGINX_RUNNING, PROXY_PORT
from watchdog.doctor.stages.proxied import PROXIED
from watchdog.probes.http import make_http_probe

STAGES = (NGINX_RUNNING, NGINX_CONFIG, PROXY_PORT, PROXIED, FIREWALL, EXTERNAL)


def probe(check: HttpCheck) -> Callable[[], Awaitable[Observation]]:
    """Return the question that the daemon asks, with its deadline."""

    async def ask() -> Observation:
        try:
            async with asyncio.timeout(check.timeout):
                return await make_http_probe(check)()
        except TimeoutError:
            return Observation(Verdict.FAIL, "http", f"no answer within {check.timeout:g} s")

    return ask


async def main(config: str) -> None:
    loaded = load(config, {}, for_daemon=False)
    service = loaded.services[0]
    deployment = loaded.deployment(service.name)
    urls = {"proxied": deployment.proxied, "external": deployment.external}
    probes = {name: probe(check) for name, check in urls.items() if check}
    case = Case(service, deployment, probes)
    began = time.monotonic()
    told: dict[str, Any] = {"steps": {}, "finding": None}
    for stage in STAGES:
        answer = await stage.ask(case)
        told["steps"][stage.name] = (answer.mark, answer.text)
        if answer.mark is Mark.BAD:
            for rule in stage.rules:
                if finding := await rule(case):
                    assert finding.rule == rule.__name__.replace("_", "-")
                    told["finding"] = asdict(finding)
                    break
            break
    told["seconds"] = time.monotonic() - began
    print(json.dumps(told))


def serve() -> None:
    """Answer each line of the input."""
    for config in sys.stdin:
        walker = os.fork()
        if not walker:
            try:
                asyncio.run(main(config.strip()))
            except Exception:  # noqa: BLE001 - whoever asked is told
                print(json.dumps({"crashed": traceback.format_exc()}))
            sys.stdout.flush()
            os._exit(0)
        os.waitpid(walker, 0)


if __name__ == "__main__":
    serve()
