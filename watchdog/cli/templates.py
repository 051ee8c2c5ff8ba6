"""``templates nginx``, ``templates unit`` and ``templates socket``."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from watchdog.errors import TemplateError

if TYPE_CHECKING:
    from watchdog.cli.options import Commands
    from watchdog.config import Config, Deployment
    from watchdog.core.service import Service
    from watchdog.templates.existing import Existing
    from watchdog.templates.installing import Plan
    from watchdog.templates.site import Site
    from watchdog.templates.unit import Running


def add_commands(commands: Commands) -> None:
    """Add ``templates`` to *commands*."""
    from watchdog.cli.options import add_config_option

    group = commands.add_parser(
        "templates", help="write the nginx site or the unit of a service, and install it"
    )
    actions = group.add_subparsers(title="templates", metavar="TEMPLATE", required=True)
    nginx = actions.add_parser("nginx", help="an nginx site in front of the service")
    nginx.add_argument(
        "--domain", action="append", default=[], help="its name; may be given several times"
    )
    nginx.add_argument("--tls", action="store_true", help="HTTPS, and a redirect to it from HTTP")
    nginx.add_argument("--certificate", metavar="FILE", default="", help="default: certbot's")
    nginx.add_argument("--key", metavar="FILE", default="", help="default: certbot's")
    unit = actions.add_parser("unit", help="the service's unit")
    socket = actions.add_parser(
        "socket", help="the service's unit with a socket that loses no request in a restart"
    )
    for action in (unit, socket):
        action.add_argument("--app", metavar="MODULE:NAME", help="the application")
        action.add_argument("--server", choices=("uvicorn", "gunicorn"))
        action.add_argument("--workers", type=int, metavar="N")
        action.add_argument("--worker-class", metavar="CLASS", help="of gunicorn")
        action.add_argument("--user", help="whom it runs as; none: one that systemd makes up")
        action.add_argument("--directory", metavar="DIR", help="its working directory")
        action.add_argument("--venv", metavar="DIR", help="its virtual environment")
        action.add_argument("--env-file", metavar="FILE", help="a file with its environment")
    for name, action in (("nginx", nginx), ("unit", unit), ("socket", socket)):
        action.add_argument("name", metavar="NAME", help="the service in the configuration")
        action.add_argument(
            "--install", action="store_true", help="show what would change, ask, and do it"
        )
        action.add_argument("--yes", action="store_true", help="with --install: do not ask")
        add_config_option(action)
        action.set_defaults(run=_run, template=name)


def _run(options: argparse.Namespace) -> int:
    from watchdog.config import load

    config = load(options.config, for_daemon=False)
    service = _service(config, options.name)
    plan, before = _plan(options, service, config.deployment(service.name))
    if not options.install:
        _print(plan)
        return 0
    from watchdog.cli.installation import install

    return install(plan, before, sure=options.yes)


def _plan(
    options: argparse.Namespace, service: Service, deployment: Deployment
) -> tuple[Plan, Existing]:
    """Return what is to be there, and the unit that is."""
    from watchdog.templates.application import application_of
    from watchdog.templates.existing import Existing, existing
    from watchdog.templates.installing import plan_site, plan_unit

    application = application_of(service, deployment)
    if options.template == "nginx":
        return plan_site(application, _site(options)), Existing()
    before = asyncio.run(existing(application.unit)) if application.unit else Existing()
    running = _running(options, deployment, before, service.name)
    return plan_unit(application, running, socket=options.template == "socket"), before


def _service(config: Config, name: str) -> Service:
    for service in config.services:
        if name == service.name:
            return service
    known = ", ".join(service.name for service in config.services)
    raise TemplateError(f"cannot fill a template for {name}: no such service; there are: {known}")


def _site(options: argparse.Namespace) -> Site:
    from watchdog.templates.site import Site, has_ipv6

    if not options.tls and (options.certificate or options.key):
        raise TemplateError("cannot use a certificate without --tls")
    return Site(tuple(options.domain), options.tls, options.certificate, options.key, has_ipv6())


def _running(
    options: argparse.Namespace, deployment: Deployment, before: Existing, name: str
) -> Running:
    """Return how it is to be run: as the command says, else the configuration, else its unit."""
    from watchdog.templates.unit import Running

    venv = options.venv or deployment.venv or before.venv
    app = options.app or before.app
    given = options.env_file or deployment.env_file
    missing = [
        option for option, value in (("--app MODULE:NAME", app), ("--venv DIR", venv)) if not value
    ]
    if missing:
        raise TemplateError(
            f"cannot write a unit for {name}: neither the configuration nor its unit tells how it "
            f"is run; give {' and '.join(missing)}"
        )
    return Running(
        app,
        options.directory or before.directory or str(Path(venv).parent),
        venv,
        options.server or before.server or "uvicorn",
        options.workers if options.workers is not None else before.workers or 2,
        before.user if options.user is None else options.user,
        (given,) if given else before.env_files,
        options.worker_class or before.worker_class,
    )


def _print(plan: Plan) -> None:
    files = [file for file in plan.files if file.text]
    for number, file in enumerate(files):
        print(f"{'' if number == 0 else chr(10)}# {file.path}")
        print(file.text, end="")
    for remark in plan.remarks:
        print(f"note: {remark}", file=sys.stderr)
