"""``config check``, ``config show`` and ``config schema``."""

from __future__ import annotations

import argparse
import sys

from watchdog.cli.options import Commands, add_config_option
from watchdog.cli.output import print_json
from watchdog.config import Config, SlackWebhookSettings, load
from watchdog.errors import ConfigError

_NOT_FINE = 2


def add_commands(commands: Commands) -> None:
    """Add ``config`` to *commands*."""
    group = commands.add_parser("config", help="check, show or describe the configuration")
    actions = group.add_subparsers(title="actions", metavar="ACTION", required=True)

    check = actions.add_parser("check", help="tell everything that is wrong with it")
    check.set_defaults(run=run_check)
    show = actions.add_parser("show", help="print what is in force, secrets masked")
    show.set_defaults(run=run_show)
    for action in (check, show):
        add_config_option(action)
        action.add_argument("--json", action="store_true", help="print the answer as JSON")

    schema = actions.add_parser("schema", help="print its JSON Schema, for editors")
    schema.set_defaults(run=run_schema)


def run_check(options: argparse.Namespace) -> int:
    """Print that the configuration is fine, or all that is wrong with it."""
    try:
        config = load(options.config, for_daemon=False)
    except ConfigError as error:
        if options.json:
            print_json({"path": options.config, "fine": False, "problems": error.problems})
        else:
            print("\n".join(error.problems), file=sys.stderr)
        return _NOT_FINE
    if options.json:
        print_json(
            {
                "path": config.path,
                "fine": True,
                "problems": [],
                "services": [service.name for service in config.services],
                "destinations": config.destinations,
                "unchecked": config.unchecked,
                "unmeasured": _unmeasured(config),
                "remarks": config.remarks,
            }
        )
        return 0
    count = len(config.services)
    services = "1 service" if count == 1 else f"{count} services"
    print(f"{config.path}: fine, {services}, {_alerts(config)}")
    for secret in config.unchecked:
        print(f"{config.path}: not checked: {secret}")
    for limit in _unmeasured(config):
        print(f"{config.path}: not measured: {limit}")
    for remark in config.remarks:
        print(remark)
    return 0


def run_show(options: argparse.Namespace) -> int:
    """Print the effective configuration."""
    from watchdog.config.showing import effective, show

    config = load(options.config, for_daemon=False)
    if options.json:
        print_json(effective(config))
    else:
        print(f"# in force with {config.path!r}", show(config), sep="\n", end="")
    return 0


def run_schema(_options: argparse.Namespace) -> int:
    """Print the JSON Schema."""
    from watchdog.config.schema import schema

    print_json(schema())
    return 0


def _unmeasured(config: Config) -> list[str]:
    """Return which limits do nothing on this host, and why."""
    limited = [each.name for each in config.services if each.limits.open_files is not None]
    if not limited:
        return []
    from watchdog.probes.resources import open_files_trouble

    why = open_files_trouble()
    return [f"open_files of {name}: {why}" for name in limited] if why else []


def _alerts(config: Config) -> str:
    channels = [
        f"{slack.name} {'webhook' if isinstance(slack, SlackWebhookSettings) else slack.channel}"
        for slack in config.slack
    ]
    channels += [f"{channel.name} {address}" for channel in config.email for address in channel.to]
    channels += [webhook.name for webhook in config.webhook]
    channels += [cluster.name for cluster in config.alertmanager]
    channels += [name for apprise in config.apprise for name in apprise.destinations]
    if not channels:
        return "alerts to nobody: no channel is configured"
    return f"alerts to {', '.join(channels)}"
