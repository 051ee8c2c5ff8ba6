"""What root does for others: two units, whom polkit lets start them, and how the answer comes."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.host.installed import InstalledHost
from watchdog.root_job import RootJob

USER = "service-watchdog"
NGINX = RootJob.NGINX_TEST
ASK = """
import asyncio, json, sys
from dataclasses import asdict
from watchdog.root_job import RootJob, ask_root
print(json.dumps(asdict(asyncio.run(ask_root(RootJob(sys.argv[1]))))))
"""
SITE = "/etc/nginx/sites-enabled/default"


HEAL = f"""
rm -f /usr/local/sbin/nginx /etc/nginx/conf.d/*
cp /srv/site {SITE}
[ ! -L /etc/systemd/system/polkit.service ] || systemctl unmask polkit
"""


@pytest.fixture(scope="module")
def peopled(lasting_host: InstalledHost) -> InstalledHost:
    """A host with alice, who is in the group, and mallory, who is not."""
    lasting_host.sh(f"useradd --groups {USER} alice; useradd mallory; cp {SITE} /srv/site")
    return lasting_host


@pytest.fixture
def host(peopled: InstalledHost) -> InstalledHost:
    """The same, mended."""
    peopled.sh(HEAL)
    return peopled


def ask(host: InstalledHost, job: RootJob, user: str) -> dict[str, Any]:
    done = host.sh(
        'exec "$(readlink -f /opt/service-watchdog/bin)/python" -c "$@"', ASK, job.value, user=user
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def call(host: InstalledHost, user: str, method: str, *arguments: str) -> str:
    """Return what systemd answers when *user* calls *method*: "done" or the refusal."""
    done = host.run(
        *("busctl", "call", "org.freedesktop.systemd1", "/org/freedesktop/systemd1"),
        *("org.freedesktop.systemd1.Manager", method, *arguments),
        user=user,
        check=False,
    )
    return "done" if done.returncode == 0 else done.stderr.strip()


@pytest.mark.parametrize("user", ["alice", USER, "root"])
def test_nginx_is_tested_for_members_of_the_group_as_for_root(
    host: InstalledHost, user: str
) -> None:
    answer = ask(host, NGINX, user)
    assert (answer["code"], answer["trouble"]) == (0, "")
    assert "test is successful" in answer["err"]
    assert answer["out"] == host.run("nginx", "-T").stdout  # to the empty lines


def test_the_answer_is_of_the_configuration_as_it_was_when_asked(host: InstalledHost) -> None:
    assert ask(host, NGINX, "alice")["code"] == 0
    host.sh(f"echo 'server {{ lissen 80; }}' >{SITE}")
    broken = ask(host, NGINX, "alice")
    assert broken["code"] == 1
    assert f'unknown directive "lissen" in {SITE}:1' in broken["err"]
    assert host.unit(NGINX.unit, "Result") == {"Result": "success"}  # the unit has done its job
    assert host.systemctl("--failed", "--quiet").stdout == ""


def test_each_of_many_who_ask_at_once_gets_an_answer_that_is_no_older_than_its_question(
    host: InstalledHost,
) -> None:
    def changed_and_asked(number: int) -> bool:
        # Each adds a file of its own, so that an answer from before lacks it.
        host.sh(f"echo '# mark {number}.' >/etc/nginx/conf.d/{number}.conf")
        return f"# mark {number}." in ask(host, NGINX, "alice")["out"]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(changed_and_asked, range(16)))


def test_the_sandbox_forbids_nothing_that_a_configuration_may_name(host: InstalledHost) -> None:
    host.sh("mkdir -p /srv/shop /usr/local/nginx; install -d -o alice -m 700 /home/alice")
    host.sh(
        "install -o alice -m 600 /dev/null /srv/shop/access.log; ip address add 10.1.1.1/32 dev lo"
    )
    host.write(
        "/etc/nginx/conf.d/odd.conf",
        "access_log /srv/shop/access.log;\nerror_log /home/alice/error.log;\n"
        "client_body_temp_path /usr/local/nginx/body;\nproxy_temp_path /var/cache/odd/proxy;\n"
        "server { listen 10.1.1.1:81; listen unix:/run/odd.sock; listen [::1]:81; }\n",
    )
    host.sh("mkdir /var/cache/odd")
    answer = ask(host, NGINX, "alice")
    assert (answer["code"], host.run("nginx", "-t", check=False).returncode) == (0, 0), answer[
        "err"
    ]


def test_a_run_that_is_killed_is_told_and_the_next_one_answers(host: InstalledHost) -> None:
    host.write("/usr/local/sbin/nginx", "#!/bin/sh\nkill -9 $PPID\n", mode=0o755)
    told = ask(host, NGINX, "alice")["trouble"]
    assert told == f"{NGINX.unit} failed; see: journalctl -u {NGINX.unit}"
    host.sh("rm /usr/local/sbin/nginx")
    assert ask(host, NGINX, "alice")["code"] == 0


def test_whoever_is_not_in_the_group_is_told_what_to_do(host: InstalledHost) -> None:
    assert ask(host, NGINX, "mallory") == {
        "code": None,
        "out": "",
        "err": "",
        "trouble": "nginx-test needs root; run this with sudo, "
        "or join the group: usermod -aG service-watchdog USER",
    }
    ask(host, NGINX, "alice")
    peek = host.run("cat", "/run/service-watchdog-nginx-test/answer", user="mallory", check=False)
    assert "Permission denied" in peek.stderr


@pytest.mark.parametrize("job", RootJob)
def test_the_group_may_start_the_units_and_do_nothing_else_to_them(
    host: InstalledHost, job: RootJob
) -> None:
    assert call(host, "alice", "StartUnit", "ss", job.unit, "replace") == "done"
    refused = [
        ("StopUnit", "ss", job.unit, "replace"),
        ("RestartUnit", "ss", job.unit, "replace"),
        ("SetUnitProperties", "sba(sv)", job.unit, "true", "0"),
        ("StartTransientUnit", "ssa(sv)a(sa(sv))", "new.service", "replace", "0", "0"),
        ("StartUnit", "ss", "nginx.service", "replace"),
    ]
    answers = {each: call(host, "alice", *each) for each in refused}
    assert all("denied" in answer or "auth" in answer for answer in answers.values()), answers
    # With a name that may be started, what counts is that the unit is there.
    transient = ("StartTransientUnit", "ssa(sv)a(sa(sv))", job.unit, "replace", "0", "0")
    assert call(host, "alice", *transient) != "done"


def test_the_packet_filters_rules_are_read(host: InstalledHost) -> None:
    host.sh("ufw allow 443/tcp; ufw --force enable")
    answer = ask(host, RootJob.FIREWALL, "alice")
    tools = json.loads(answer["out"])
    assert "--dport 443 -j ACCEPT" in tools["iptables"]["out"]
    assert "--dport 443 -j ACCEPT" in tools["ip6tables"]["out"]
    assert tools["ufw"]["out"].startswith("Status: active")
    assert tools["firewalld"]["trouble"].startswith("cannot run firewall-cmd: No such file")


def test_a_run_that_hangs_is_ended_and_told(host: InstalledHost) -> None:
    host.write("/usr/local/sbin/nginx", "#!/bin/sh\nexec sleep infinity\n", mode=0o755)
    answer = ask(host, NGINX, "alice")
    assert answer["trouble"] == "nginx gave no answer within 8 s"


def test_without_polkit_it_is_told_and_not_waited_for(host: InstalledHost) -> None:
    host.systemctl("mask", "--now", "polkit.service")
    assert ask(host, NGINX, "alice")["trouble"] == (
        "nginx-test needs root; run this with sudo "
        f"(Failed to start {NGINX.unit}: Unit polkit.service is masked)"
    )


@pytest.mark.parametrize(("job", "exposure"), [(NGINX, 26), (RootJob.FIREWALL, 20)])
def test_the_units_expose_no_more_than_their_work_takes(
    host: InstalledHost, job: RootJob, exposure: int
) -> None:
    host.run("systemd-analyze", "security", f"--threshold={exposure}", "--no-pager", job.unit)


def test_uninstalling_takes_the_permission_first_and_leaves_nothing(
    installed_host: InstalledHost,
) -> None:
    host = installed_host
    host.sh(f"useradd --groups {USER} alice")
    ask(host, NGINX, "alice")
    with host.popen(
        *("strace", "-f", "-qq", "-e", "trace=unlink,unlinkat"),
        *("/src/systemd/install.sh", "--uninstall"),
        stderr=subprocess.STDOUT,
    ) as process:
        traced, _ = process.communicate(timeout=60)
    rule = traced.index("/etc/polkit-1/rules.d/49-service-watchdog-jobs.rules")
    for job in RootJob:
        assert rule < traced.index(f"/etc/systemd/system/{job.unit}")
        assert not host.exists(f"/etc/systemd/system/{job.unit}")
        assert not host.exists(f"/run/service-watchdog-{job.value}")
    assert ask_from_source(host)["trouble"].startswith("nginx-test needs root; run this with sudo")


def ask_from_source(host: InstalledHost) -> dict[str, Any]:
    """Ask where nothing is installed."""
    done = host.run(
        *("python3", "-c", ASK, NGINX.value),
        user="alice",
        env={"PYTHONPATH": "/src", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
