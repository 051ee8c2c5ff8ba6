"""Writes docs/reference/metrics.md: ``python -m watchdog.web.metrics_reference``."""

from __future__ import annotations

import sys

from watchdog.web.families import PREFIX, SECTIONS, Family

HEAD = f"""\
# Metrics

Everything that `/metrics` tells, in the text format of Prometheus or in OpenMetrics, as asked for. [How to switch it on](../how-to/web.md#metrics); [many hosts](../fleet.md), with rules and dashboards.

All names begin with `{PREFIX}`. Labels are names out of the configuration and words out of fixed lists. Counters begin at 0 with the daemon, and known ones are there before the first event, so that it is an increase. What is 1 or 0 answers a question. What is not known is absent, and not 0.

Made by `python -m watchdog.web.metrics_reference`, from the code that serves them.
"""  # noqa: E501 - a paragraph of Markdown

TAIL = """
## The process

Those of [prometheus-client](https://prometheus.github.io/client_python/collector/) for the daemon's own process, without the prefix: `process_cpu_seconds_total`, `process_resident_memory_bytes`, `process_virtual_memory_bytes`, `process_start_time_seconds`, `process_open_fds`, `process_max_fds`.

## What it costs

A scrape probes nothing and waits for nothing: it tells what the daemon knows, and reads memory and CPU of each service's cgroup. A service with two checks has some fifty values; of a thousand services they are 43,000 lines, told in a tenth of a second of CPU beside the rounds, which go on.
"""  # noqa: E501


def reference() -> str:
    """Return the page."""
    text = [HEAD]
    for section, families in SECTIONS.items():
        text.append(f"\n## {section}\n")
        text.append("| metric | kind | labels | what |\n|---|---|---|---|")
        text += [_row(family) for family in families]
    return "\n".join([*text, TAIL])


def _row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    what = " ".join(filter(None, (family.text, family.more)))
    return f"| `{family.sample.removeprefix(PREFIX)}` | {family.kind} | {labels} | {what} |"


if __name__ == "__main__":
    sys.stdout.write(reference())
