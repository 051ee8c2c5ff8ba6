"""Answers one box of the doctor's flowchart for the first service: one_box.py MODULE STAGE.

Run on a host, by the Python of the installation; says JSON.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from pathlib import Path

import msgspec

from watchdog.config import load
from watchdog.doctor.case import Case, Stage

CONFIG = Path("/etc/service-watchdog/config.toml")


async def main(module: str, name: str) -> None:
    """Say the answer and the first finding."""
    config = load(CONFIG, os.environ)
    service = config.services[0]
    box: Stage = getattr(importlib.import_module(f"watchdog.doctor.stages.{module}"), name)
    case = Case(service, config.deployment(service.name))
    answer = await box.ask(case)
    finding = None
    for rule in box.rules:
        finding = finding or await rule(case)
    sys.stdout.buffer.write(msgspec.json.encode({"answer": answer, "finding": finding}))


asyncio.run(main(*sys.argv[1:]))
