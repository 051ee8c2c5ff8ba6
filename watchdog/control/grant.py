"""The polkit rule that lets the daemon restart the configured units, and do nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable

VERBS = ("restart", "reload-or-restart", "reset-failed", "ref")
"""What the daemon asks systemd for.

Never "start": newer systemd authorises StartTransientUnit as (unit, "start"), so that a listed name
without a unit file would let the daemon run anything as root. A restart starts a stopped unit too.
"""

RULE = """\
// Written by `service-watchdog grant` from the configuration. It is written anew at every start and
// reload of the daemon: change the configuration, not this file.
polkit.addRule(function (action, subject) {{
    var units = {units};
    var verbs = {verbs};
    if (subject.user !== {user}) {{
        return polkit.Result.NOT_HANDLED;
    }}
    if (action.id === "org.freedesktop.systemd1.manage-units" &&
        units.indexOf(action.lookup("unit")) >= 0 &&
        verbs.indexOf(action.lookup("verb")) >= 0) {{
        return polkit.Result.YES;
    }}
    return polkit.Result.NO;
}});
"""


def polkit_rule(units: Iterable[str], user: str) -> str:
    """Return the text of a rules.d file: *user* may restart *units*, and nothing else at all.

    Plain ECMAScript 5, which every polkit with rules understands, whatever engine it has. Names go
    in as ASCII JSON strings, so none of them can end its string or the rule. systemd asks with a
    unit's primary name, never with an alias.
    """
    return RULE.format(units=_array(sorted(set(units))), verbs=_array(VERBS), user=json.dumps(user))


def _array(names: Iterable[str]) -> str:
    lines = ",".join(f"\n        {json.dumps(name)}" for name in names)
    return f"[{lines}\n    ]"
