"""The reference of the configuration file, docs/reference/configuration.md, from the tables.

``python -m watchdog.config.reference > docs/reference/configuration.md`` writes it anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from watchdog.config.channel_tables import AlertmanagerTable, AppriseTable, WebhookTable
from watchdog.config.deploy_tables import AppTable, DeployTable
from watchdog.config.describing import Description, describe
from watchdog.config.service_tables import (
    ControlTable,
    HealthTable,
    PolicyTable,
    PortTable,
    RestartAfterTable,
    ServiceEvidenceTable,
    ServiceTable,
)
from watchdog.config.table import SecretReference, Table
from watchdog.config.tables import (
    ConfigFile,
    DaemonTable,
    EmailTable,
    EvidenceTable,
    SlackTable,
)
from watchdog.config.telling_tables import DeliveryTable, HeartbeatTable
from watchdog.config.warning_tables import HostWarningsTable, LimitsTable, WarningsTable
from watchdog.config.web_tables import WebTable

_BEGINNING = """\
# Configuration

<!-- Written by `python -m watchdog.config.reference`. Do not edit. -->

One TOML file, `/etc/service-watchdog/config.toml` unless `--config` or `SERVICE_WATCHDOG_CONFIG` \
say otherwise. Four lines name a service; everything else has a default:

```toml
[[service]]
unit   = "langchain-api.service"
port   = 8000
health = "http://127.0.0.1:8000/health"

[slack]
token   = { credential = "slack-token" }
channel = "#ops"
```

| command | what it does |
|---|---|
| `service-watchdog config check` | tells everything that is wrong, by file, line and key |
| `service-watchdog config show` | prints what is in force: defaults filled in, secrets masked |
| `service-watchdog config schema` | prints a JSON Schema; Taplo and editors that use it read \
it from a first line `#:schema ./config.schema.json` |

The daemon reads the file at its start and on SIGHUP (`systemctl reload service-watchdog`). With \
anything wrong in it the daemon does not start; while it runs, it keeps the configuration it has \
and says so. In messages arrays count from 1: `service[2]` is the second `[[service]]`.

## Values

**Durations** are numbers of seconds, or text of numbers with units, the largest unit first: \
`30`, `"500ms"`, `"30s"`, `"10m"`, `"1h30m"`, `"7d"`.

**Conditions** on a JSON body are `PATH OPERATOR VALUE`, as in `status == "healthy"`, \
`checks[0].latency <= 2.5` or `error == null`. PATH is keys joined by dots, with list indexes \
from 0 in brackets. Operators are `==`, `!=`, `<`, `<=`, `>`, `>=`. VALUE is text in double or \
single quotes, a number, `true`, `false` or `null`.
"""

_SECRETS = """\
Instead of such a table the secret itself may stand in the file, if the file is not open to \
everybody: `chmod 640 FILE; chown root:service-watchdog FILE`. The same holds for a file that \
`file` names. A credential is a file in `/etc/service-watchdog/credentials/`, or what a drop-in of \
the daemon's unit gives with `LoadCredential=` or `LoadCredentialEncrypted=`; systemd hands them \
over when the daemon starts. Secrets show up in no log, alert, message or answer; `config show` \
prints where they come from.

Values of `environment` and `headers` are plain text, but count as secrets if their names say so \
(auth, cookie, token, secret, pass, key, credential, signature, dsn) or if they are URLs with a \
user in them.
"""

_SECTIONS: tuple[tuple[str, type[Table], str], ...] = (
    ("## `[[service]]`", ServiceTable, "Exactly one of `unit`, `command` and `control` is needed."),
    ("### `port = { … }`", PortTable, "`port = 8000` is short for `port = { port = 8000 }`."),
    (
        "### `health = { … }`",
        HealthTable,
        '`health = "URL"` is short for `health = { url = "URL" }`.',
    ),
    ("### `control = { … }`", ControlTable, "Commands are arrays: there is no shell."),
    (
        "### `evidence = { … }`",
        ServiceEvidenceTable,
        (
            "At most eight logs and eight commands. Limits, permissions and examples:"
            " [evidence](../how-to/evidence.md)."
        ),
    ),
    (
        "### `limits = { … }`",
        LimitsTable,
        (
            "Sizes are numbers of bytes, or text with K, M, G or T, which count as systemd's:"
            ' `"1M"` is 1,048,576. [How each of them is measured]'
            "(../how-to/warnings-and-limits.md#limits)."
        ),
    ),
    ("### `deploy = { … }`", DeployTable, "Commands are arrays: there is no shell."),
    ("### `app = { … }`", AppTable, ""),
    (
        "## Policy",
        PolicyTable,
        "A default gives way: a short `interval` shortens `fast_interval` and `recovery_interval`.",
    ),
    ("### `restart_after = { … }`", RestartAfterTable, ""),
    (
        "### `warnings = { … }`",
        WarningsTable,
        (
            "As policy: in `[defaults.warnings]` for all services, in `[service.warnings]` for one,"
            " key by key. [What each of them means](../how-to/warnings-and-limits.md)."
        ),
    ),
    ("## `[slack]`", SlackTable, ""),
    (
        "## `[email]`",
        EmailTable,
        (
            'Without TLS (`tls = "none"`) mail goes to a loopback `host`, or to another with'
            " `insecure = true`; a password goes to a loopback `host` only."
        ),
    ),
    (
        "## `[webhook]`",
        WebhookTable,
        "[The form of the JSON, and how to verify its signature](webhook.md).",
    ),
    (
        "## `[alertmanager]`",
        AlertmanagerTable,
        (
            "[What an alert looks like there](../how-to/alertmanager.md). Without TLS alerts go to"
            " loopback URLs, or to others with `insecure = true`; a login goes to loopback only."
        ),
    ),
    (
        "## `[apprise]`",
        AppriseTable,
        (
            "[How to install the extra](../how-to/apprise.md), which is needed as soon as there is"
            " such a table."
        ),
    ),
    ("## `[warnings]`", HostWarningsTable, ""),
    (
        "## `[delivery]`",
        DeliveryTable,
        "[Who is told what, and who if that fails](../how-to/routing.md).",
    ),
    (
        "## `[heartbeat]`",
        HeartbeatTable,
        "[What is posted, and when](../how-to/heartbeat.md).",
    ),
    ("## `[web]`", WebTable, "[What is served](../how-to/web.md)."),
    ("## `[evidence]`", EvidenceTable, ""),
    ("## `[daemon]`", DaemonTable, ""),
)


def reference() -> str:
    """Return the reference as Markdown."""
    parts = [_BEGINNING, *_section("### Secrets", SecretReference, _SECRETS)]
    parts += ["## The file\n", _table(describe(ConfigFile))]
    for heading, table, note in _SECTIONS:
        parts += _section(heading, table, f"{note}\n" if note else "")
    return "\n".join(parts)


def _section(heading: str, table: type[Table], note: str) -> Iterator[str]:
    yield f"{heading}\n\n{(table.__doc__ or '').strip()}\n"
    if note:
        yield note
    keys = describe(table)
    if table is ServiceTable:
        policy = {key.name for key in describe(PolicyTable)}
        keys = [key for key in keys if key.name not in policy]
    yield _table(keys)


def _table(keys: list[Description]) -> str:
    rows = ["| key | value | default | meaning |", "|---|---|---|---|"]
    for key in keys:
        default = f"`{key.default}`" if key.default and key.fixed else _escaped(key.default)
        default = "required" if key.required else default
        rows.append(
            f"| `{key.name}` | {_escaped(key.expected)} | {default} | {_escaped(key.meaning)} |"
        )
    return "\n".join([*rows, ""])


def _escaped(text: str) -> str:
    return text.replace("|", r"\|").replace("<", r"\<")


if __name__ == "__main__":
    sys.stdout.write(reference())
