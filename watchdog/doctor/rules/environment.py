"""The .env file: is it there, and has it what the application asks for?"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from watchdog.doctor.case import Case, read
from watchdog.doctor.facts.host import there
from watchdog.doctor.facts.log import last, log_lines
from watchdog.doctor.facts.unit import again, environment, environment_files, shown
from watchdog.doctor.finding import Finding, Remedy

_EXAMPLES = (".example", ".sample", ".template", ".dist")
_KEY_ERROR = re.compile(r"^\s*KeyError: '([A-Z][A-Z0-9_]+)'")
_FIELD = re.compile(r"^\s*Field required \[type=missing")
_SETTINGS = re.compile(r"validation errors? for \w*(?:Settings|Config|Env)\w*")
_STATED = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$")


async def files(case: Case) -> Sequence[tuple[str, bool]]:
    """Return the files with its environment, and whether each must be there."""
    stated = case.deployment.env_file
    named = environment_files(await shown(case))
    if stated is None:
        return named
    return [(stated, True), *(each for each in named if each[0] != stated)]


async def variables(case: Case) -> Mapping[str, str] | None:
    """Return the environment that the service is started with; None if we may not read all."""
    found = dict(environment(await shown(case)))
    for path, _ in await files(case):
        text = read(path)
        if text is None and there(path) is not False:
            return None
        found |= stated_in(text or "")
    return found


def stated_in(text: str) -> dict[str, str]:
    """Return the variables that an environment file sets."""
    lines = (_STATED.match(line) for line in text.splitlines())
    return {found[1]: found[2].strip("\"'") for found in lines if found}


async def env_file_missing(case: Case) -> Finding | None:
    """The file of `EnvironmentFile=`, or `env_file` of the configuration, is not there.

    Where there is an example beside it, copy that; then fill it in.
    """
    for path, needed in await files(case):
        if needed and there(path) is False:
            return await _missing(case, path)
    return None


async def env_keys_missing(case: Case) -> Finding | None:
    """A variable that the configuration asks for (`env_keys`) is not set, or empty.

    Fill it in, and restart.
    """
    wanted = case.deployment.env_keys
    has = await variables(case) if wanted else {}
    if has is None:
        return None
    lacking = [key for key in wanted if not has.get(key)]
    if not lacking:
        return None
    return await _lacks(case, "env-keys-missing", lacking)


async def env_key_asked(case: Case) -> Finding | None:
    """The application ends for want of a variable: a KeyError, or pydantic's "Field required".

    Set it in the environment file, and restart; if the file is missing, that is said.
    """
    lines = await log_lines(case)
    lacking = asked_in(lines)
    has = await variables(case) or {}
    lacking = [key for key in lacking if not has.get(key) and not has.get(key.upper())]
    if not lacking:
        return None
    for path, _ in await files(case):
        if there(path) is False:
            return await _missing(case, path)
    return await _lacks(case, "env-key-asked", lacking, last(lines))


def asked_in(lines: Sequence[str]) -> list[str]:
    """Return the variables for want of which Python ended, as its log tells."""
    found = [key[1] for line in lines if (key := _KEY_ERROR.match(line))]
    if any("environ" in line or "<frozen os>" in line for line in lines) and found:
        return [found[-1]]
    if any(_SETTINGS.search(line) for line in lines):
        return list(
            dict.fromkeys(
                above.strip()
                for above, line in pairwise(lines)
                if _FIELD.match(line) and above.strip().isidentifier()
            )
        )
    return []


async def _missing(case: Case, path: str) -> Finding:
    properties = await shown(case)
    file, user = Path(path), properties.get("User") or "root"
    example = next((each for each in _EXAMPLES if (file.parent / (file.name + each)).is_file()), "")
    if example:
        make = f"install -m 600 -o {user} {shlex.quote(path + example)} {shlex.quote(path)}"
    else:
        make = f"install -D -m 600 -o {user} /dev/null {shlex.quote(path)}"
    return Finding(
        "env-file-missing",
        f"the environment file {path} is not there",
        "the service has none of its settings; with EnvironmentFile= it is not even started",
        Remedy((make, f"editor {shlex.quote(path)}", *again(case, properties))),
    )


async def _lacks(
    case: Case, rule: str, lacking: Sequence[str], details: tuple[str, ...] = ()
) -> Finding:
    named = ", ".join(lacking)
    places = [path for path, _ in await files(case)]
    if places:
        where = f"in {places[0]}"
        edit = f"editor {shlex.quote(places[0])}"
    else:
        where = f"for {case.unit or case.service.name}"
        edit = f"systemctl edit {shlex.quote(case.unit)}" if case.unit else f"editor {case.config}"
    return Finding(
        rule,
        f"{named} {'is' if len(lacking) == 1 else 'are'} not set {where}",
        "the application does not start without it, or not as it should",
        Remedy((edit, *again(case, await shown(case)))),
        details,
    )


RULES = (env_file_missing, env_keys_missing, env_key_asked)
