"""What is installed in the environment of a service, which may not answer."""

from __future__ import annotations

import pytest

from watchdog.config import Deployment
from watchdog.core.service import Service, UnitControl
from watchdog.doctor.case import Case
from watchdog.doctor.rules.readiness import complaints
from watchdog.tool import Ran


class Busy(Case):
    """A case on a host where pip has no time to answer."""

    async def ran(self, *command: str, patience: float = 0) -> Ran:
        if "check" in command:
            return Ran(None, trouble=f"no answer within {patience:g} s")
        return Ran(0)


async def test_no_answer_is_not_taken_for_a_complaint() -> None:
    case = Busy(Service("api", UnitControl("api.service")), Deployment())
    with pytest.raises(LookupError, match="cannot run pip check: no answer within 30 s"):
        await complaints(case, "/srv/venv")
