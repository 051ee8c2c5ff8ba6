"""What programs print and write, and what is read out of it."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from watchdog.config import Deployment
from watchdog.control.unit_state import Exit
from watchdog.core.model import Observation, Verdict
from watchdog.core.service import PortCheck, Service, UnitControl
from watchdog.doctor.case import Case
from watchdog.doctor.facts.log import last, of_the_last_runs
from watchdog.doctor.facts.raised import may_have_raised
from watchdog.doctor.facts.unit import Program, environment_files, last_exit, port_given
from watchdog.doctor.finding import Answer, Mark
from watchdog.doctor.rules.ending import _PEER, was_stopped
from watchdog.doctor.rules.environment import asked_in, stated_in
from watchdog.doctor.rules.files import _ABSENT, _DENIED, _is_within, _named, barred, own_places
from watchdog.doctor.rules.python import _NO_MODULE, _missing
from watchdog.doctor.rules.starting import _doubled
from watchdog.doctor.stages.port import PORT
from watchdog.tool import Ran


@pytest.mark.parametrize(
    ("command", "port"),
    [
        ("/v/bin/uvicorn main:app --host 0.0.0.0 --port 8000", 8000),
        ("/v/bin/uvicorn main:app --port=8001 --workers 2", 8001),
        ("gunicorn -b 0.0.0.0:9000 app:app", 9000),
        ("gunicorn --bind=127.0.0.1:9001 app:app", 9001),
        ("gunicorn --bind unix:/run/app.sock app:app", None),
        ("python manage.py runserver 0.0.0.0:8002", 8002),
        ("node server.js -p 3000", 3000),
        ("uvicorn main:app --port ${PORT}", 8003),
        ("uvicorn main:app --port $UNKNOWN", None),
        ("python main.py --report 12", None),
        ("sleep infinity", None),
    ],
)
def test_the_port_that_a_command_line_tells(command: str, port: int | None) -> None:
    assert port_given(command, {"PORT": "8003"}) == port


@pytest.mark.parametrize(
    ("path", "venv"),
    [
        ("/srv/api/venv/bin/uvicorn", "/srv/api/venv"),
        ("/srv/api/.venv/bin/python", "/srv/api/.venv"),
        ("/opt/api-env/bin/python", ""),
        ("/usr/bin/python3", ""),
        ("/usr/local/bin/uvicorn", ""),
        ("uvicorn", ""),
    ],
)
def test_the_virtual_environment_that_a_program_lies_in(path: str, venv: str) -> None:
    assert Program(path, "").venv == venv


def test_environment_files_and_whether_they_must_be_there() -> None:
    shown = {"EnvironmentFiles": "/a b/.env (ignore_errors=no)\n/etc/x (ignore_errors=yes)"}
    assert environment_files(shown) == [("/a b/.env", True), ("/etc/x", False)]


def test_an_environment_file_as_systemd_reads_it() -> None:
    text = "# a comment\nKEY=value\n export OTHER = 'quoted'\nEMPTY=\n; no\nNOT A LINE\n"
    assert stated_in(text) == {"KEY": "value", "OTHER": "quoted", "EMPTY": ""}


def test_how_the_last_run_ended_is_read_in_the_log_while_the_next_one_starts() -> None:
    log = ["api.service: Main process exited, code=exited, status=203/EXEC", "Scheduled restart"]
    assert last_exit({"Result": "success", "ExecMainCode": "0"}, log) == Exit("exit-code", 1, 203)


def entry(run: str, message: object, *, by_systemd: bool = False) -> str:
    key = "INVOCATION_ID" if by_systemd else "_SYSTEMD_INVOCATION_ID"
    return json.dumps({key: run, "MESSAGE": message} if run else {"MESSAGE": message})


JOURNAL = [
    entry("a", "of an old run"),
    entry("b", "of the last run"),
    entry("b", "Main process exited", by_systemd=True),
    entry("", "Dependency failed"),
]


def test_only_the_last_run_is_read() -> None:
    assert of_the_last_runs(JOURNAL, 1) == [
        "of the last run",
        "Main process exited",
        "Dependency failed",
    ]


def test_a_run_that_has_said_nothing_yet_is_the_last_one_all_the_same() -> None:
    assert of_the_last_runs(JOURNAL, 1, "c") == []
    assert of_the_last_runs(JOURNAL, 2, "c")[0] == "of the last run"


def test_a_journal_with_bytes_and_with_rubbish_is_read() -> None:
    journal = ["not json", entry("b", list(b"caf\xe9")), "{}", entry("b", None)]
    assert of_the_last_runs(journal, 1) == ["caf\N{REPLACEMENT CHARACTER}"]


def test_lines_that_are_shown_cannot_reach_the_terminal() -> None:
    assert last(["\x1b[2J\x1b]0;owned\x07 evil", "", "ok"]) == ("[2J ]0;owned evil", "ok")


@pytest.mark.parametrize(
    ("lines", "keys"),
    [
        (['  File "<frozen os>", line 679, in __getitem__', "KeyError: 'API_KEY'"], ["API_KEY"]),
        (['    os.environ["TOKEN"]', "KeyError: 'TOKEN'"], ["TOKEN"]),
        (["    prices[name]", "KeyError: 'APPLE'"], []),
        (
            [
                "pydantic_core.ValidationError: 2 validation errors for Settings",
                "database_url",
                "  Field required [type=missing, input_value={}, input_type=dict]",
                "secret_key",
                "  Field required [type=missing, input_value={}, input_type=dict]",
            ],
            ["database_url", "secret_key"],
        ),
    ],
)
def test_the_variables_that_an_application_asks_for(lines: list[str], keys: list[str]) -> None:
    assert asked_in(lines) == keys


@pytest.mark.parametrize(
    ("line", "path"),
    [
        (
            "PermissionError: [Errno 13] Permission denied: '/var/log/api/x.log'",
            "/var/log/api/x.log",
        ),
        ("tail: cannot open /etc/x: Permission denied", "/etc/x"),
        ('open() "/run/a.pid" failed (13: Permission denied)', "/run/a.pid"),
        ("permission denied: /var/run/docker.sock", "/var/run/docker.sock"),
        ("PermissionError: [Errno 13] Permission denied", ""),
    ],
)
def test_the_file_that_may_not_be_used(line: str, path: str) -> None:
    assert _named([line], _DENIED) == path


@pytest.mark.parametrize(
    ("line", "path"),
    [
        (
            "FileNotFoundError: [Errno 2] No such file or directory: 'settings.yaml'",
            "settings.yaml",
        ),
        ("python: can't open file '/srv/main.py': [Errno 2] No such file", "/srv/main.py"),
        ("/bin/bash: line 1: /srv/start.sh: No such file or directory", "/srv/start.sh"),
        ("404 /health: nothing", ""),
    ],
)
def test_the_file_that_is_not_there(line: str, path: str) -> None:
    assert _named([line], _ABSENT) == path


def test_the_directory_that_may_not_be_entered() -> None:
    with TemporaryDirectory() as place:
        file = f"{place}/open/file"
        assert barred(file, "nobody") == place
        assert barred(file, "root") == ""
        assert barred(file, "no-such-user") == ""
        Path(place).chmod(0o755)
        assert barred(file, "nobody") == ""


@pytest.mark.parametrize(
    ("line", "host", "port"),
    [
        ('connection to server at "127.0.0.1", port 5432 failed: refused', "127.0.0.1", "5432"),
        ("Error 111 connecting to localhost:6379. Connection refused.", "localhost", "6379"),
        ("connect ECONNREFUSED 10.0.0.5:27017", "10.0.0.5", "27017"),
        ("Cannot connect to host db-1:3306 (Connection refused)", "db-1", "3306"),
    ],
)
def test_the_peer_that_refuses(line: str, host: str, port: str) -> None:
    found = _PEER.search(line)
    assert found is not None
    assert (found["host"], found["port"]) == (host, port)


def test_twice_a_span() -> None:
    assert _doubled("1min 30s") == "2min 60s"
    assert _doubled("") == "3min"


@pytest.mark.parametrize(
    ("line", "module"),
    [
        ("ModuleNotFoundError: No module named 'greeting'", "greeting"),
        ("/srv/api/venv/bin/python3.11: No module named uvicorn", "uvicorn"),
        ("ImportError: No module named yaml", "yaml"),
        ("user said: No module named 'requests'", ""),
        ('GET /ModuleNotFoundError: No module named evil "404"', ""),
        ("optional: No module named 'uvloop'", ""),
    ],
)
def test_the_module_that_python_itself_misses(line: str, module: str) -> None:
    assert _missing([line], _NO_MODULE) == module


@pytest.mark.parametrize(
    ("lines", "stopped"),
    [
        (["Stopping api.service - The API...", "Stopped api.service - The API."], True),
        (["Stopping The API...", "api.service: Deactivated successfully."], True),
        (["Started api.service - The API.", "api.service: Deactivated successfully."], False),
        (["Stopped api.service - The API.", "Started api.service - The API."], False),
        (["Started api.service - The API.", "Stopped serving, says the application"], False),
        ([], False),
    ],
)
def test_a_stop_that_only_the_journal_remembers(lines: list[str], *, stopped: bool) -> None:
    assert was_stopped({"Id": "api.service", "Description": "The API"}, lines) is stopped


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/srv/api/key.pem", True),
        ("/var/lib/api/db", True),
        ("/etc/shadow", False),
        ("/srv/api/../../etc/shadow", False),
        ("/srv/apis/key.pem", False),
        ("/usr/bin/python3", False),
    ],
)
async def test_what_is_the_services_own_and_may_be_given_to_it(path: str, *, own: bool) -> None:
    shown = {
        "ActiveState": "active",
        "WorkingDirectory": "/srv/api",
        "StateDirectory": "api",
        "ReadWritePaths": "/ -/etc /usr/local",
        "ExecStart": "{ path=/usr/bin/python3 ; argv[]=python3 -m api ; ignore_errors=no }",
    }
    assert _is_within(path, await own_places(knowing(shown))) is own


@pytest.mark.parametrize(
    ("status", "lines", "can"),
    [
        ("1", [], True),
        ("3", ["licence expired"], False),
        ("3", ["[12] [ERROR] Reason: Worker failed to boot."], True),
        ("0", [], False),
    ],
)
async def test_an_exception_ends_with_a_status_of_its_own(
    status: str, lines: list[str], *, can: bool
) -> None:
    ended = {"ActiveState": "failed", "ExecMainCode": "1", "ExecMainStatus": status}
    assert await may_have_raised(knowing(ended, lines)) is can


async def test_a_service_that_begins_to_listen_while_it_is_asked_does_listen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        seen = [Observation(Verdict.FAIL, "port", "nothing listens"),
                Observation(Verdict.PASS, "port", "is listening")]  # fmt: skip

        async def probe() -> Observation:
            return seen.pop(0)

        service = Service("api", UnitControl("api.service"), checks=(PortCheck(port),))
        answer = await PORT.ask(Case(service, Deployment(), {"port": probe}))
    assert answer == Answer(Mark.GOOD, "is listening")


class Told(Case):
    """A case of which all is known that the tools of its host said."""

    told: Mapping[str, str]

    async def ran(self, *command: str, patience: float = 0) -> Ran:
        return Ran(0, self.told[command[0]])


def knowing(shown: Mapping[str, str], lines: Sequence[str] = ()) -> Case:
    """Return a case whose unit, and whose journal, are known."""
    case = Told(Service("api", UnitControl("api.service")), Deployment())
    case.told = {
        "systemctl": "\n".join(f"{key}={value}" for key, value in shown.items()),
        "journalctl": "\n".join(entry("a", line) for line in lines),
    }
    return case
