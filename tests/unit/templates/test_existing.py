"""What a unit tells of how its application is run."""

from __future__ import annotations

import pytest

from watchdog.templates.existing import Existing, read_shown

SHOWN = {
    "LoadState": "loaded",
    "FragmentPath": "/etc/systemd/system/api.service",
    "DropInPaths": "/etc/systemd/system/api.service.d/a.conf",
    "User": "web",
    "DynamicUser": "no",
    "WorkingDirectory": "!/srv/api",
    "Environment": "PORT=8000 WORKERS=5",
    "EnvironmentFiles": "/srv/api/.env (ignore_errors=no)\n/etc/more.env (ignore_errors=yes)",
}


def started_by(command: str) -> Existing:
    line = f"{{ path=/x ; argv[]={command} ; ignore_errors=no ; start_time=[n/a] }}"
    return read_shown(SHOWN | {"ExecStart": line})


def test_a_unit_tells_of_user_directory_environment_and_application() -> None:
    assert started_by("/srv/venv/bin/uvicorn --workers 3 main:app --port 8000") == Existing(
        "loaded",
        "/etc/systemd/system/api.service",
        ("/etc/systemd/system/api.service.d/a.conf",),
        "web",
        "/srv/api",
        ("/srv/api/.env", "-/etc/more.env"),
        "uvicorn",
        "main:app",
        "/srv/venv",
        3,
    )


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("/v/bin/gunicorn -k gthread -w 4 a.b:c", ("gunicorn", "a.b:c", "/v", 4)),
        ("/v/bin/python /v/bin/uvicorn a:b --workers=2", ("uvicorn", "a:b", "/v", 2)),
        ("/v/bin/uvicorn a:b --workers ${WORKERS}", ("uvicorn", "a:b", "/v", 5)),
        ("/v/bin/python -m uvicorn a:b -w ${N}", ("uvicorn", "a:b", "/v", None)),
        ("/usr/local/uvicorn a:b", ("uvicorn", "a:b", "", None)),
        ("/usr/bin/node it's.js", (None, "", "", None)),
        (
            "/v/bin/python /usr/local/lib/service-watchdog/uvicorn_draining.py a:b --fd 3",
            ("uvicorn", "a:b", "/v", None),
        ),
    ],
)
def test_a_command_tells_which_server_runs_what(
    command: str, told: tuple[str | None, str, str, int | None]
) -> None:
    found = started_by(command)
    assert (found.server, found.app, found.venv, found.workers) == told


def test_a_unit_that_is_not_there_tells_nothing() -> None:
    assert read_shown({"LoadState": "not-found"}) == Existing()
    assert read_shown({}) == Existing()
    assert read_shown({"LoadState": "masked"}) == Existing("masked")


def test_a_user_that_systemd_made_up_is_not_taken_for_one() -> None:
    assert read_shown(SHOWN | {"DynamicUser": "yes"}).user == ""


@pytest.mark.parametrize(
    ("command", "further"),
    [
        ("uvicorn a:b --host 0.0.0.0 --port=80 --root-path /x", ("--root-path", "/x")),
        ("uvicorn --workers 3 a:b --proxy-headers", ("--proxy-headers",)),
        ("gunicorn -w 2 -b :80 -c conf.py a:b", ("-c", "conf.py")),
        ("node server.js --x", ()),
    ],
)
def test_what_the_template_would_drop_of_a_command_is_known(
    command: str, further: tuple[str, ...]
) -> None:
    assert started_by(f"/v/bin/{command}").arguments == further
