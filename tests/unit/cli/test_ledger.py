"""``incidents``, ``report`` and ``simulate``, over ten recorded days of a daemon that is down."""

from __future__ import annotations

import json
import re
import shutil
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import DAY, Place
from tests.unit.store.place import query
from watchdog.cli import main

pytestmark = pytest.mark.adapter

Text = pytest.CaptureFixture[str]

INSTEAD = re.compile(r"cannot ask the daemon: nothing answers on .*\nread from .* instead\n")


def run(out: Text, *arguments: object, code: int = 0) -> str:
    """Return what the command prints; *code* is the exit code that it must have."""
    said, complaint = run_both(out, *arguments, code=code)
    return said or INSTEAD.sub("", complaint)


def run_both(out: Text, *arguments: object, code: int = 0) -> tuple[str, str]:
    """Return what the command prints, and what it says beside it."""
    out.readouterr()
    assert main.main([str(argument) for argument in arguments]) == code
    said = out.readouterr()
    return said.out, said.err


def as_json(out: Text, *arguments: object) -> Any:
    return json.loads(run(out, *arguments, "--json"))


def ids(out: Text, lived: Place, *arguments: object) -> list[str]:
    answer = as_json(out, "incidents", "--config", lived.config, *arguments)
    return [incident["id"] for incident in answer["incidents"]]


# --- incidents ------------------------------------------------------------------------------------


def test_incidents_are_read_from_the_database_while_the_daemon_is_down(
    lived: Place, capsys: Text
) -> None:
    newest, oldest = run(capsys, "incidents", "--config", lived.config).splitlines()
    assert re.fullmatch(
        r"\w{6}  [-\d]+ [:\d]+  api  closed after 60 min  unit: restart failed: job failed", newest
    )
    assert "  api  closed after " in oldest


def test_that_the_daemon_was_not_asked_is_said_beside_the_answer(
    lived: Place, capsys: Text
) -> None:
    for command in ("incidents", "report"):
        _, beside = run_both(capsys, command, "--config", lived.config)
        assert INSTEAD.fullmatch(beside)
        assert f"read from {lived.database} instead" in beside
        _, beside = run_both(capsys, command, "--history", lived.database)
        assert beside == ""


def test_incidents_are_chosen_by_service_time_and_number(lived: Place, capsys: Text) -> None:
    newest, oldest = ids(capsys, lived)
    assert ids(capsys, lived, "--service", "api") == [newest, oldest]
    assert ids(capsys, lived, "--service", "web") == []
    assert ids(capsys, lived, "--limit", 1) == [newest]
    assert ids(capsys, lived, "--days", 8) == [newest]
    assert ids(capsys, lived, "--since", "2020-01-01") == [newest, oldest]
    nothing = run(capsys, "incidents", "--config", lived.config, "--service", "web")
    assert nothing == "no incidents of web on record\n"


def test_an_incident_tells_its_whole_story(lived: Place, capsys: Text) -> None:
    newest, _ = ids(capsys, lived)
    told = run(capsys, "incidents", newest[:4], "--config", lived.config)
    plain = re.sub(r"[-\d]+ [:\d]{8}", "AT", told).replace(newest, "ID")
    assert plain.splitlines() == STORY


STORY = """\
ID  AT  api  closed after 60 min  unit: restart failed: job failed
it ended AT: healed by a restart
timeline:
  AT  failed: unit: killed by SIGKILL (failure 1/3)
  AT  restart: restart 2: killed by SIGKILL
  AT  failed: unit: restart failed: job failed (failure 2/3)
  AT  restarted: restart 2 took 0 s, failed: job failed
  AT  restart: restart 3: killed by SIGKILL
  AT  failed: unit: restart failed: job failed (failure 3/3)
  AT  opened: restart failed: job failed
  AT  restarted: restart 3 took 0 s, failed: job failed
  AT  told: firing to slack
  AT  restart: restart 4: killed by SIGKILL
  AT  restarted: restart 4 took 0 s, failed: job failed
  AT  restart: restart 5: killed by SIGKILL
  AT  gave-up: gave up after 5 restarts; tries once more in 15 min
  AT  restarted: restart 5 took 0 s, failed: job failed
  AT  told: gave-up to slack
  AT  silenced: silence for 20 min by kim: known, ticket 4711
  AT  restart: restart 6: killed by SIGKILL
  AT  restarted: restart 6 took 0 s, failed: job failed
  AT  unsilenced: silence over: it has ended
  AT  restart: restart 7: killed by SIGKILL
  AT  restarted: restart 7 took 0 s, failed: job failed
  AT  restart: restart 8: killed by SIGKILL
  AT  restarted: restart 8 took 0 s, failed: job failed
  AT  restart: restart asked for by kim
  AT  restarted: restart took 0 s, the service was started: job done
  AT  closed: healed by a restart
  AT  told: resolved to slack
not told: firing to email:ann: refused for good: 550 no such user
not told: gave-up to email:ann: refused for good: 550 no such user
not told: resolved to email:ann: refused for good: 550 no such user
evidence:
  == journal, last lines ==
    the last words""".splitlines()


def test_an_id_that_is_not_there_or_not_clear_is_an_answer(lived: Place, capsys: Text) -> None:
    none = run(capsys, "incidents", "nosuch", "--config", lived.config, code=1)
    assert none == "cannot show incident nosuch: there is none of that id\n"


def test_who_may_not_read_it_is_told_both_what_is_down_and_what_to_do(
    tmp_path: Path, capsys: Text
) -> None:
    place = Place(tmp_path)
    said = run(capsys, "incidents", "--config", place.config, code=3)
    down, unread = said.splitlines()
    assert down.startswith(f"cannot ask the daemon: nothing answers on {tmp_path}/control.sock;")
    assert unread == f"cannot read {tmp_path}/state.db: No such file or directory"


def test_a_daemon_that_does_not_answer_is_not_read_behind_its_back(
    lived: Place, tmp_path: Path, capsys: Text
) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def hang_up() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)

        peer = threading.Thread(target=hang_up)
        peer.start()
        said = run(capsys, "report", "--socket", path, "--config", lived.config, code=3)
        peer.join()
    assert said == f"cannot ask the daemon: it hung up on {path}\n"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--days", "0"], "cannot look back 0 days; expected more than 0 and at most 36500"),
        (["--days", "nan"], "cannot look back nan days; expected more than 0 and at most 36500"),
        (
            ["--days", "inf"],
            "cannot look back inf days; expected more than 0 and at most 36500",
        ),
        (["--since", ""], "cannot look back to ''; expected a date, as in 2026-11-03"),
        (["--since", "2999-12-31"], "cannot look back to '2999-12-31': it is yet to come"),
        (["--since", "yore"], "cannot look back to 'yore'; expected a date, as in 2026-11-03"),
    ],
)
def test_a_time_that_makes_no_sense_is_wrong_usage(
    lived: Place, capsys: Text, wrong: list[str], said: str
) -> None:
    for command in ("incidents", "report"):
        assert run(capsys, command, "--config", lived.config, *wrong, code=2) == f"{said}\n"


@pytest.mark.parametrize("number", ["0", "-3", "1001"])
def test_a_number_that_cannot_be_listed_is_wrong_usage(
    lived: Place, capsys: Text, number: str
) -> None:
    said = run(capsys, "incidents", "--config", lived.config, "--limit", number, code=2)
    assert said == f"cannot list {number} incidents; expected 1 to 1000\n"


# --- report ---------------------------------------------------------------------------------------


def test_a_report_is_a_table_that_fits_a_terminal(lived: Place, capsys: Text) -> None:
    said = run(capsys, "report", "--config", lived.config, "--days", 10)
    assert max(map(len, said.splitlines())) <= 80
    lines = said.splitlines()
    assert lines[1].split() == [
        *("SERVICE", "UP", "DOWN", "WATCHED", "INCIDENTS", "MTTR", "LONGEST", "RESTARTS"),
    ]
    assert lines[2].split(maxsplit=7) == [
        *("api", "99.570%", "62m", "10d00h", "2", "21m", "60m"),
        "11 (0, 1, 10)",
    ]
    assert lines[3].split(maxsplit=7) == [
        *("web", "100%", "0s", "10d00h", "0", "-", "-", "0 (0, 0, 0)")
    ]
    assert lines[4].startswith("all 2    99.785%")
    assert lines[5:] == [
        "RESTARTS: made by the daemon (healed, relapsed, failed)",
        "asked for by people, and not counted: api 1",
    ]


def test_a_report_says_where_the_record_begins(lived: Place, capsys: Text) -> None:
    said = run(capsys, "report", "--config", lived.config, "--service", "web")
    assert re.search(r"^web: on record only since [-\d]+ [:\d]+$", said, re.MULTILINE)
    assert "api" not in said


def test_services_on_record_since_the_same_moment_are_told_in_one_line(
    lived: Place, capsys: Text
) -> None:
    said = run(capsys, "report", "--config", lived.config)
    assert re.search(r"^api, web: on record only since [-\d]+ [:\d]+$", said, re.MULTILINE)


def test_entries_that_nobody_can_read_are_counted(
    lived: Place, tmp_path: Path, capsys: Text
) -> None:
    damaged = tmp_path / "damaged.db"
    shutil.copy(lived.database, damaged)
    ((entries,),) = query(damaged, "SELECT count(*) FROM history")
    query(damaged, "UPDATE history SET records = '[{' WHERE id = 2")
    for command in (["report"], ["simulate", "--config", lived.config]):
        said, beside = run_both(capsys, *command, "--history", damaged)
        assert "api" in said
        assert beside == f"1 of {entries} entries of the record are damaged: left out\n"


def test_a_report_for_programs_has_all_of_it(lived: Place, capsys: Text) -> None:
    answer = as_json(capsys, "report", "--config", lived.config, "--service", "api")
    [api] = answer["services"]
    assert api["restarts"] == {
        "made": 11,
        "healed": 0,
        "relapsed": 1,
        "failed": 10,
        "asked_for": 1,
    }
    assert abs(api["up"] + api["down"] - 10 * DAY) < 5
    assert abs(api["on_record_since"] - lived.began) < 1
    assert [outage["recovered"] for outage in api["outages"]] == [True, True, True]


def test_a_service_of_which_nothing_is_on_record_is_told(
    lived: Place, tmp_path: Path, capsys: Text
) -> None:
    said = run(capsys, "report", "--config", lived.config, "--service", "x", code=2)
    assert said == "cannot report on x: nothing of it is on record\n"
    empty = tmp_path / "empty.db"
    shutil.copy(lived.database, empty)
    query(empty, "DELETE FROM history")
    assert run(capsys, "report", "--history", empty) == "nothing is on record yet\n"


# --- simulate -------------------------------------------------------------------------------------


WATCH_ONLY = "max_failures = 100\nrestart_after = { unit = 0, http = 0 }"


def trial(out: Text, lived: Place, tmp_path: Path, policy: str, more: str = "") -> Any:
    """Return what ``simulate`` says of a configuration with *policy*."""
    place = Place(tmp_path)
    config = place.configure(policy, more)
    return as_json(out, "simulate", "--config", config, "--history", lived.database)


def test_the_configuration_that_was_in_force_does_what_was_done(lived: Place, capsys: Text) -> None:
    answer = as_json(capsys, "simulate", "--config", lived.config)
    for service in answer["services"]:
        assert service["simulated"] == service["in_fact"]
        assert service["differences"] == []
    api, web = answer["services"]
    assert api["in_fact"] == {
        "restarts": 11,
        "pages": 3,
        "alerts": {"firing": 2, "gave-up": 1, "resolved": 2},
    }
    assert web["in_fact"] == {"restarts": 0, "pages": 0, "alerts": {}}


def test_another_policy_would_have_done_otherwise(
    lived: Place, tmp_path: Path, capsys: Text
) -> None:
    api, _ = trial(capsys, lived, tmp_path, WATCH_ONLY)["services"]
    assert api["simulated"] == {
        "restarts": 0,
        "pages": 1,
        "alerts": {"firing": 1, "resolved": 1},
    }
    patient = 'retry_every = "1h"'
    api, _ = trial(capsys, lived, tmp_path, patient)["services"]
    assert api["simulated"]["restarts"] == 8
    assert {each["what"] for each in api["differences"]} == {"restart"}
    assert all(each["in_fact"] for each in api["differences"])


def test_a_trial_is_told_in_sentences_and_its_limits_once(
    lived: Place, tmp_path: Path, capsys: Text
) -> None:
    config = Place(tmp_path).configure('retry_every = "1h"')
    said = run(capsys, "simulate", "--config", config, "--history", lived.database, "-v")
    assert "api: would have restarted 8 times (in fact 11), paged 3 times (in fact 3)\n" in said
    assert len(re.findall(r"restart, in fact only$", said, re.MULTILINE)) == 3
    assert said.count("What was observed is taken for the truth") == 1
    assert max(len(line) for line in said.splitlines()[1:]) <= 80


def test_services_that_are_new_or_gone_are_told(lived: Place, tmp_path: Path, capsys: Text) -> None:
    config = Place(tmp_path).configure()
    config.write_text(config.read_text().replace('"web', '"new'))
    arguments = ("simulate", "--config", config, "--history", lived.database)
    said = run(capsys, *arguments)
    assert "new: nothing of it is on record" in said
    assert f"web: is on record, but not in {config}" in said
    answer = as_json(capsys, *arguments)
    assert (answer["not_on_record"], answer["not_in_the_configuration"]) == (["new"], ["web"])
    assert "api" in run(capsys, *arguments, "--service", "api")
    assert run(capsys, *arguments, "--service", "web", code=2) == (
        f"cannot simulate web: it is not in {config}\n"
    )


def test_a_configuration_with_mistakes_is_not_tried(
    lived: Place, tmp_path: Path, capsys: Text
) -> None:
    config = Place(tmp_path).configure("max_failures = 0")
    said = run(capsys, "simulate", "--config", config, "--history", lived.database, code=2)
    assert "defaults.max_failures: expected a whole number" in said


def test_a_trial_reads_and_does_nothing_else(lived: Place, capsys: Text) -> None:
    before = {file: file.stat().st_mtime_ns for file in lived.directory.iterdir()}
    run(capsys, "simulate", "--config", lived.config)
    assert {file: file.stat().st_mtime_ns for file in lived.directory.iterdir()} == before
