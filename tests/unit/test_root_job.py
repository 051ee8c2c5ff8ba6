"""What root does for others: the answer in the file, and what is said when there is none."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path

import pytest

from watchdog import root_job
from watchdog.root_job import RootJob, _read, _why_not, write
from watchdog.tool import Ran

SYSTEMD = Path(__file__).resolve().parents[2] / "systemd"
NGINX = RootJob.NGINX_TEST


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    for job in RootJob:
        (tmp_path / f"service-watchdog-{job.value}").mkdir()
    return tmp_path


def test_an_answer_is_read_as_it_was_left(runtime: Path) -> None:
    ran = Ran(1, "# configuration file /etc/nginx/nginx.conf:\n\n\n", "nginx: [emerg] \ufffd\n")
    write(NGINX, 12.5, ran, runtime, os.getgid())
    assert _read(NGINX, runtime) == (12.5, ran)
    (answer,) = (runtime / "service-watchdog-nginx-test").iterdir()
    assert stat.S_IMODE(answer.stat().st_mode) == 0o640


def test_what_a_killed_run_left_is_no_answer_and_in_nobodys_way(runtime: Path) -> None:
    (runtime / "service-watchdog-nginx-test/.new").write_text("{")
    write(NGINX, 1.0, Ran(0), runtime, os.getgid())
    write(NGINX, 2.0, Ran(0), runtime, os.getgid())
    assert _read(NGINX, runtime) == (2.0, Ran(0))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"began": 1}', '{"began": 1, "ran": {"x": 1}}'])
def test_what_is_no_answer_is_an_error_that_the_asker_expects(runtime: Path, text: str) -> None:
    (runtime / "service-watchdog-nginx-test/answer").write_text(text)
    with pytest.raises((ValueError, TypeError, KeyError)):
        _read(NGINX, runtime)


@pytest.mark.parametrize(
    ("started", "words"),
    [
        (
            Ran(1, err="Failed to start x: Interactive authentication required.\nSee …\n"),
            (
                "nginx-test needs root; run this with sudo, or join the group: "
                "usermod -aG service-watchdog USER"
            ),
        ),
        (
            Ran(5, err="Failed to start x.service: Unit x.service not found.\n"),
            (
                "nginx-test needs root; run this with sudo "
                "(Failed to start x.service: Unit x.service not found)"
            ),
        ),
        (
            Ran(None, trouble="cannot run systemctl: No such file or directory"),
            (
                "nginx-test needs root; run this with sudo "
                "(cannot run systemctl: No such file or directory)"
            ),
        ),
        (
            Ran(1, err="Job for x.service failed because of unavailable resources.\n"),
            (
                "service-watchdog-nginx-test.service failed; see: "
                "journalctl -u service-watchdog-nginx-test.service"
            ),
        ),
    ],
)
def test_why_there_is_no_answer_is_told_with_what_to_do(started: Ran, words: str) -> None:
    assert _why_not(NGINX, started) == words


def test_the_rule_lists_the_units_that_are_installed_and_comes_before_the_daemons() -> None:
    rule = (SYSTEMD / "service-watchdog-jobs.rules").read_text()
    listed = re.search(r"var units = (\[.*?\]);", rule, re.DOTALL)
    assert listed is not None
    assert set(json.loads(listed[1])) == {job.unit for job in RootJob}
    installer = (SYSTEMD / "install.sh").read_text()
    steps = (SYSTEMD / "steps.sh").read_text()
    assert 'jobs=("$name-nginx-test" "$name-firewall")' in steps
    assert (
        "rules.d/49-$name-jobs.rules" in installer
    )  # 50-… refuses the daemon all that it lists not


@pytest.mark.parametrize("job", RootJob)
def test_each_unit_does_the_job_of_its_name_and_is_never_refused_for_being_asked_often(
    job: RootJob,
) -> None:
    unit = (SYSTEMD / job.unit).read_text()
    assert f"ExecStart=/opt/service-watchdog/bin/service-watchdog root-job {job.value}\n" in unit
    assert f"RuntimeDirectory=service-watchdog-{job.value}\n" in unit
    assert "StartLimitIntervalSec=0" in unit
    ends = re.search(r"TimeoutStartSec=(\d+)", unit)
    assert ends is not None
    assert root_job._EACH < int(ends[1]) < root_job.PATIENCE
