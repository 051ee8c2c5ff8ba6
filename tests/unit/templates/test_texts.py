"""What the templates say for one configuration and another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from watchdog.config import Deployment
from watchdog.core.service import (
    Check,
    CommandControl,
    HttpCheck,
    PortCheck,
    Service,
    UnitControl,
)
from watchdog.errors import TemplateError
from watchdog.templates.application import Application, application_of
from watchdog.templates.site import Site, site_text
from watchdog.templates.text import Text
from watchdog.templates.unit import Running, socket_text, unit_text

ROOT = Path(__file__).resolve().parents[3]
API = Application("api", "api.service", "127.0.0.1", 8000, "/health")
RUNNING = Running("app:app", "/srv/api", "/srv/api/venv")


def service(*checks: Check, name: str = "api") -> Service:
    return Service(name, UnitControl("api.service"), checks)


def health(url: str = "http://127.0.0.1:8000/health") -> HttpCheck:
    return HttpCheck(url)


# --------------------------------------------------------------------------------- the application


@pytest.mark.parametrize(
    ("checks", "address"),
    [
        ((PortCheck(8000), health()), "127.0.0.1:8000"),
        ((health("http://localhost:9000/h"),), "127.0.0.1:9000"),
        ((health("http://127.0.0.1/h"),), "127.0.0.1:80"),
        ((PortCheck(8000, host="0.0.0.0"), health()), "127.0.0.1:8000"),
        ((PortCheck(8000, host="::"), health()), "[::1]:8000"),
    ],
)
def test_an_application_is_reached_where_it_is_watched(
    checks: tuple[Check, ...], address: str
) -> None:
    assert application_of(service(*checks), Deployment()).address == address


@pytest.mark.parametrize(
    ("checks", "words"),
    [
        ((PortCheck(8000),), "it has no health"),
        ((health("https://127.0.0.1:8000/health"),), "expected http behind nginx"),
        ((PortCheck(8000, host="db.example.com"), health()), "expected an address of this host"),
        ((health("http://127.0.0.1:8000/a;b{c}"),), "the path of its health"),
        ((health("http://127.0.0.1:8000/a$(id)"),), "the path of its health"),
    ],
)
def test_what_cannot_be_filled_in_is_said(checks: tuple[Check, ...], words: str) -> None:
    with pytest.raises(TemplateError, match=r"cannot fill a template for api: ") as raised:
        application_of(service(*checks), Deployment())
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("unit", "name", "label", "id_"),
    [
        ("langchain-api.service", "x", "langchain-api", "langchain_api"),
        (r"a\x2db@1.service", "x", "a-x2db-1", "a_x2db_1"),
        ("3api.service", "x", "3api", "_3api"),
        ("", "결제", "application", "application"),
        ("", "my site", "my-site", "my_site"),
        ("", "../../etc/passwd", "etc-passwd", "etc_passwd"),
    ],
)
def test_names_for_files_and_variables_are_plain(
    unit: str, name: str, label: str, id_: str
) -> None:
    application = replace(API, unit=unit, name=name)
    assert (application.label, application.id) == (label, id_)


# ---------------------------------------------------------------------------------------- the site


def test_a_place_that_nobody_fills_is_an_error_and_what_is_no_place_stays() -> None:
    text = Text("@@{id}_page $host ${PORT} %n @system @{id}")
    assert text.substitute(id="api") == "@api_page $host ${PORT} %n @system api"
    with pytest.raises(KeyError):
        text.substitute()


def test_every_place_is_filled() -> None:
    tls = Site(("a.org",), tls=True)
    for text in (
        *(site_text(API, site) for site in (Site(), tls)),
        *(unit_text(API, RUNNING, socket=socket) for socket in (False, True)),
        socket_text(API),
    ):
        assert "@{" not in text
        assert "\n\n\n" not in text


def test_without_a_name_a_site_is_the_default_one() -> None:
    text = site_text(API, Site())
    assert "    listen 80 default_server;\n    listen [::]:80 default_server;\n" in text
    assert "server_name _;" in text


def test_with_names_a_site_is_theirs_alone() -> None:
    text = site_text(API, Site(("a.org", "www.a.org"), ipv6=False))
    assert "    listen 80;\n    server_name a.org www.a.org;" in text
    assert "[::]" not in text


def test_with_tls_http_leads_to_https() -> None:
    text = site_text(API, Site(("a.org",), tls=True))
    assert "return 301 https://$host$request_uri;" in text
    assert "listen 443 ssl;" in text
    assert "ssl_certificate /etc/letsencrypt/live/a.org/fullchain.pem;" in text
    assert "ssl_certificate_key /etc/letsencrypt/live/a.org/privkey.pem;" in text


@pytest.mark.parametrize(
    ("site", "words"),
    [
        (Site(("a.org; }",)), "no domain"),
        (Site(("a..org",)), "no domain"),
        (Site(("",)), "no domain"),
        (Site(tls=True), "whose certificate"),
        (Site(("a.org",), tls=True, certificate="/c.pem"), "together"),
        (Site(("a.org",), tls=True, certificate="/c;.pem", key="/k"), "the certificate"),
    ],
)
def test_a_site_says_nothing_that_it_was_not_meant_to(site: Site, words: str) -> None:
    with pytest.raises(TemplateError, match="cannot write a site for api: ") as raised:
        site_text(API, site)
    assert words in str(raised.value)


# ---------------------------------------------------------------------------------------- the unit


def test_the_example_is_what_the_template_says() -> None:
    example = ROOT / "examples/fastapi_service/langchain-api.service"
    application = replace(API, name="langchain-api", unit="langchain-api.service")
    running = Running("app:app", "/var/www/langchain", "/var/www/langchain/venv")
    assert example.read_text() == unit_text(application, running)


def lines_of(*, socket: bool = False, **changes: Any) -> list[str]:
    return unit_text(API, replace(RUNNING, **changes), socket=socket).splitlines()


def test_uvicorn_listens_where_nginx_asks() -> None:
    assert (
        "ExecStart=/srv/api/venv/bin/uvicorn app:app --host 127.0.0.1 --port ${PORT} "
        "--workers ${WORKERS} --timeout-graceful-shutdown 20"
    ) in lines_of()
    assert "Before=nginx.service" in lines_of()


def test_gunicorn_tells_systemd_and_can_be_reloaded() -> None:
    lines = lines_of(server="gunicorn", workers=4, worker_class="gthread")
    assert "Type=notify" in lines
    assert "ExecReload=/bin/kill -HUP $MAINPID" in lines
    assert "Environment=PORT=8000 WORKERS=4 PYTHONUNBUFFERED=1" in lines
    assert (
        "ExecStart=/srv/api/venv/bin/gunicorn app:app --bind 127.0.0.1:${PORT} "
        "--worker-class gthread --workers ${WORKERS} --graceful-timeout 20"
    ) in lines


def test_behind_a_socket_the_port_is_the_sockets() -> None:
    for server, start in (
        (
            "uvicorn",
            (
                "ExecStart=/srv/api/venv/bin/python3 "
                "/usr/local/lib/service-watchdog/uvicorn_draining.py app:app --fd 3 "
                "--workers ${WORKERS} --timeout-graceful-shutdown 20"
            ),
        ),
        (
            "gunicorn",
            (
                "ExecStart=/srv/api/venv/bin/gunicorn app:app --workers ${WORKERS} "
                "--graceful-timeout 20"
            ),
        ),
    ):
        lines = lines_of(server=server, socket=True)
        assert start in lines
        assert "Requires=api.socket" in lines
    assert "ListenStream=127.0.0.1:8000" in socket_text(API).splitlines()
    assert "ListenStream=[::1]:8000" in socket_text(replace(API, host="::1")).splitlines()


def test_nothing_ties_the_application_to_nginx() -> None:
    for socket in (False, True):
        assert not any(line.startswith(("BindsTo=", "PartOf=")) for line in lines_of(socket=socket))


def test_a_user_of_its_own_or_a_given_one() -> None:
    assert "DynamicUser=yes" in lines_of()
    given = lines_of(user="www-data", env_files=("/etc/api.env", "-/etc/more.env"))
    assert "DynamicUser=yes" not in given
    for line in ("User=www-data", "NoNewPrivileges=yes", "EnvironmentFile=-/etc/more.env"):
        assert line in given


@pytest.mark.parametrize(
    ("changes", "hidden"),
    [({}, "yes"), ({"directory": "/home/u/api"}, "no"), ({"venv": "/root/venv"}, "no")],
)
def test_home_is_hidden_unless_the_application_lives_there(
    changes: dict[str, Any], hidden: str
) -> None:
    assert f"ProtectHome={hidden}" in lines_of(**changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"app": "app"}, "expected module:name"),
        ({"app": "app:app; rm -rf /"}, "expected module:name"),
        ({"user": "a b"}, "no name of a user"),
        ({"workers": 0}, "0 workers"),
        ({"directory": "srv"}, "expected an absolute path"),
        ({"directory": "/srv/%n"}, "the directory"),
        ({"venv": "/srv/my venv"}, "the virtual environment"),
        ({"env_files": ("/etc/a\nExecStart=/bin/sh",)}, "the environment file"),
        ({"worker_class": "a b"}, "the worker class"),
    ],
)
def test_a_unit_says_nothing_that_it_was_not_meant_to(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(TemplateError, match="cannot write a unit for api: ") as raised:
        unit_text(API, replace(RUNNING, **changes))
    assert words in str(raised.value)


@pytest.mark.parametrize(
    "check",
    [
        replace(health(), headers=(("Authorization", "Bearer x"),)),
        replace(health(), status=(401,)),
    ],
)
def test_a_start_that_could_never_succeed_is_not_written(check: HttpCheck) -> None:
    application = application_of(service(check), Deployment())
    assert "location = /health" in site_text(application, Site())
    with pytest.raises(TemplateError, match="waits for a plain GET"):
        unit_text(application, RUNNING)


def test_what_is_no_unit_gets_none() -> None:
    control = CommandControl(("a",), ("b",), ("c",))
    application = application_of(Service("api", control, (health(),)), Deployment())
    with pytest.raises(TemplateError, match="no unit keeps it"):
        unit_text(application, RUNNING)
