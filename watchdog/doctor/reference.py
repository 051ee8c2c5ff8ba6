"""Writes docs/reference/findings.md: ``python -m watchdog.doctor.reference``."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator

from watchdog.doctor.case import Rule, Stage
from watchdog.doctor.checklist import BEFORE
from watchdog.doctor.flowchart import NEED_ILL, STAGES, UNEXPLAINED

HEAD = """\
# Findings

Everything that `service-watchdog doctor` can find, and what else `preflight` looks for. A finding has the name of its rule, a fact, what that means, and the commands that mend it; with `--json` all of them as fields. The rules of a question are asked in this order, and only when its answer is bad: the first that sees something names the cause.

Made by `python -m watchdog.doctor.reference`, from the rules themselves.
"""  # noqa: E501 - a paragraph of Markdown

TAIL = f"""
## {NEED_ILL}

What is seen of a service (it hangs, answers wrongly, cannot connect) is explained by the finding of another one that it depends on (`depends_on`). The remedy is of that one.

## {UNEXPLAINED}

No rule knows why. The finding repeats what was seen, with the last lines of the service's log and the commands that show more of them.
"""  # noqa: E501


def name_of(rule: Rule) -> str:
    """Return the name of the rule, as a finding has it."""
    return rule.__name__.replace("_", "-")


def rules() -> Iterator[tuple[Stage, Rule]]:
    """Yield every rule once, with the question at which it is asked first."""
    seen = set()
    for stage in (*STAGES, *BEFORE):
        for rule in stage.rules:
            if rule.__name__ not in seen:
                seen.add(rule.__name__)
                yield stage, rule


def reference() -> str:
    """Return the page."""
    text, section = [HEAD], ""
    for stage, rule in rules():
        if stage.name != section:
            section = stage.name
            text.append(f"\n## {section}: {stage.question}\n")
            text.append("| rule | what it finds | what then |\n|---|---|---|")
        said = inspect.getdoc(rule) or ""
        fact, _, then = said.partition("\n\n")
        text.append(f"| `{name_of(rule)}` | {' '.join(fact.split())} | {' '.join(then.split())} |")
    return "\n".join([*text, TAIL])


if __name__ == "__main__":
    sys.stdout.write(reference())
