"""The steps at nginx: its configuration tested, then reloaded; if it is down, the unit started."""

from __future__ import annotations

from watchdog.deploy.looking import NotAsItShouldBeError
from watchdog.deploy.plan import NGINX
from watchdog.root_job import RootJob, ask_root
from watchdog.tool import Ran, run

_LINES = 5  # of what a tool complained about that are shown


async def nginx_is_valid() -> str:
    """Return that nginx's configuration is valid. Raises NotAsItShouldBeError with its words."""
    ran = await ask_root(RootJob.NGINX_TEST)
    if ran.code != 0:
        raise NotAsItShouldBeError(f"nginx -t: {_complaint(ran)}", 1 if ran.code else 3)
    return "the configuration is valid"


async def nginx_reloaded(unit: str) -> str:
    """Have nginx read its configuration anew; one that does not run is started."""
    is_up = (await run("systemctl", "is-active", "--quiet", "--", unit)).code == 0
    deed = "reload" if is_up else "restart"
    ran = await run("systemctl", deed, "--no-ask-password", "--", unit, patience=NGINX)
    if ran.code != 0:
        raise NotAsItShouldBeError(f"systemctl {deed} {unit}: {_complaint(ran)}")
    return f"{unit} was reloaded" if is_up else f"{unit} did not run, and was started"


def _complaint(ran: Ran) -> str:
    """Return why a tool failed, in its own last words."""
    lines = [line.strip() for line in ran.err.splitlines() if line.strip()]
    return ran.trouble or "; ".join(lines[-_LINES:]) or f"exit status {ran.code}"
