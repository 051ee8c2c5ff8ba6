"""Proves the test host itself: what it offers is real, its own, and gone afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from dbus_fast import Message
from dbus_fast.aio import MessageBus

from tests.host.conftest import HostFactory
from tests.host.host import REPOSITORY, CommandError, Host, HostError, wait_for
from tests.host.image import Images
from tests.host.installed import CONFIG, DAEMON, InstalledHost
from tests.host.journal import JournalError

BOOT_LIMIT = 10.0
"""Half a second is usual; this is for a machine that does much else."""


def test_boots_within_seconds_into_a_running_system_without_failed_units(images: Images) -> None:
    started = time.monotonic()
    with Host([images.base()], name="pristine") as host:
        assert time.monotonic() - started < BOOT_LIMIT
        assert host.systemctl("is-system-running").stdout == "running\n"
        assert host.read("/proc/1/comm") == "systemd\n"
        assert host.read("/etc/hostname") == host.run("hostname").stdout == "pristine\n"
        assert not host.exists("/opt/peers")


def test_dbus_polkit_journald_and_nginx_answer(host: Host) -> None:
    bus = ("busctl", "--json=short", "call", "org.freedesktop.systemd1")
    manager = ("/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")
    path = host.run(*bus, *manager, "GetUnit", "s", "nginx.service").stdout
    assert "nginx_2eservice" in path

    denied = host.run("systemctl", "restart", "nginx.service", user="nobody", check=False)
    assert denied.returncode != 0
    assert host.unit("polkit.service", "ActiveState") == {"ActiveState": "active"}

    host.run("logger", "--tag", "visitor", "grüße")
    assert [entry.message for entry in host.journal(grep="grüße")] == ["grüße"]

    assert host.http("http://127.0.0.1/").status == 200


def test_two_hosts_at_once_know_nothing_of_each_other(host_factory: HostFactory) -> None:
    one, other = host_factory("one"), host_factory("other")
    one.write("/etc/only-here", "x")
    one.systemctl("stop", "nginx.service")

    assert not other.exists("/etc/only-here")
    assert other.http("http://127.0.0.1/").status == 200
    with pytest.raises(ConnectionRefusedError):
        one.connect(port=80)
    assert set(one.outer_pids()).isdisjoint(other.outer_pids())
    for its_own in ("/etc/machine-id", "/proc/sys/kernel/random/boot_id"):
        assert one.read(its_own) != other.read(its_own)


def test_nothing_is_left_of_an_ended_host(images: Images) -> None:
    mounts = Path("/proc/self/mountinfo").read_text()
    with Host([images.base()]) as host:
        namespace = Path(f"/proc/{host.pid}/ns/pid").readlink()
        assert _processes_in(namespace)
        follower = host.follow_journal()
        host.sh("setsid sleep 1000 >/dev/null 2>&1 &")
    assert not _processes_in(namespace)
    assert not host.cgroup.exists()
    assert Path("/proc/self/mountinfo").read_text() == mounts
    follower.close()


def test_a_host_ends_with_a_test_run_that_is_killed(images: Images, tmp_path: Path) -> None:
    script = (
        "import signal, sys\n"
        "from pathlib import Path\n"
        "from tests.host.host import Host\n"
        "host = Host([Path(sys.argv[1])])\n"
        "host.start()\n"
        "print(host.pid, host.cgroup, flush=True)\n"
        "signal.pause()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, images.base()],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, "TMPDIR": os.fspath(tmp_path)},
    ) as run:
        assert run.stdout is not None
        pid, cgroup = run.stdout.readline().split()
        namespace = Path(f"/proc/{pid}/ns/pid").readlink()
        run.kill()
    wait_for(lambda: not Path(cgroup).exists(), what="the cgroup's removal")
    wait_for(lambda: not list(tmp_path.iterdir()), what="the state's removal")
    assert not _processes_in(namespace)


def test_a_host_with_a_disk_keeps_what_was_written_through_a_power_cut(
    images: Images, tmp_path: Path
) -> None:
    with Host([images.base()], disk=tmp_path) as host:
        host.write("/var/lib/kept", "kept")
        host.stop()
        with pytest.raises(HostError, match="it is not running; start it first"):
            host.run("true")
        host.start()
        assert host.read("/var/lib/kept") == "kept"


def test_a_failed_command_says_what_and_why(host: Host) -> None:
    with pytest.raises(
        CommandError, match=r"cannot run cat /no-such-file .*\n.*No such file"
    ) as failure:
        host.run("cat", "/no-such-file")
    assert failure.value.result.returncode == 1
    assert host.run("false", check=False).returncode == 1


def test_a_command_out_of_time_is_killed_with_all_that_it_started(host: Host) -> None:
    with pytest.raises(HostError, match=r"not done within 0\.5 s.*it said:\nbefore"):
        host.sh("echo before; sleep 1000 | cat", timeout=0.5)
    assert host.run("pgrep", "-x", "sleep", check=False).stdout == ""


def test_commands_run_as_the_user_asked_for(host: Host) -> None:
    assert host.run("id", "-un", user="www-data").stdout == "www-data\n"
    with pytest.raises(CommandError, match="Permission denied"):
        host.run("cat", "/etc/shadow", user="nobody")


async def test_a_command_leaves_the_event_loop_free(host: Host) -> None:
    fifo = host.sh("mkfifo /run/gate; echo ready").stdout
    assert fifo == "ready\n"
    waiting = asyncio.create_task(host.arun("cat", "/run/gate"))
    await host.arun("sh", "-c", "echo through >/run/gate")
    assert (await waiting).stdout == "through\n"


def test_files_are_written_with_mode_and_owner_and_copied_in(host: Host, tmp_path: Path) -> None:
    host.write("/srv/deep/secret", "ß", mode=0o640, owner="root:www-data")
    assert host.run("stat", "-c", "%a %U %G", "/srv/deep/secret").stdout == "640 root www-data\n"
    assert host.read("/srv/deep/secret") == "ß"

    (tmp_path / "program").write_text("#!/bin/sh\necho ran\n")
    (tmp_path / "program").chmod(0o755)
    host.copy_in(tmp_path, "/srv/all")
    host.copy_in(tmp_path / "program", "/srv/one/renamed")
    assert host.run("/srv/all/program").stdout == "ran\n"
    assert host.run("/srv/one/renamed").stdout == "ran\n"
    with pytest.raises(HostError, match="cannot copy"):
        host.copy_in(tmp_path / "missing", "/srv/missing")


def test_the_repository_is_read_only_at_src(host: Host) -> None:
    assert host.exists("/src/pyproject.toml")
    assert host.run("touch", "/src/x", check=False).returncode == 1


def test_kernel_settings_of_the_machine_below_are_out_of_reach(host: Host) -> None:
    assert host.sh("echo x >/proc/sys/kernel/core_pattern", check=False).returncode != 0
    host.sh("echo 1024 >/proc/sys/net/core/somaxconn")


def test_a_kill_is_followed_to_its_journal_entries(host: Host) -> None:
    before = host.unit("nginx.service")["MainPID"]
    with host.follow_journal("nginx.service") as journal:
        killed = host.kill("nginx.service", signal.SIGKILL)
        entry = journal.wait_for("Main process exited")
    assert 0 <= entry.monotonic - killed < 5
    assert entry.get("EXIT_STATUS") == "9"
    shown = host.wait_for_unit_state("nginx.service", "failed")
    assert (shown["Result"], shown["ExecMainPID"]) == ("signal", before)
    with pytest.raises(HostError, match="it has no main process"):
        host.kill("nginx.service")


def test_following_misses_nothing_that_is_logged_before_journalctl_is_there(host: Host) -> None:
    host.run("mkfifo", "/run/gate")
    host.write(
        "/usr/local/bin/journalctl",
        "#!/bin/sh\n"
        'case "$*" in *--follow*) read opened </run/gate ;; esac\n'
        'exec /usr/bin/journalctl "$@"\n',
        mode=0o755,
    )
    with host.follow_journal("nginx.service") as journal:
        host.kill("nginx.service")
        host.wait_for_unit_state("nginx.service", "failed")
        host.sh("journalctl --sync; echo >/run/gate")
        first = journal.next()
    assert first is not None
    assert "Main process exited" in first.message


def test_waiting_ends_with_what_was_seen_instead(host: Host) -> None:
    with pytest.raises(HostError, match=r"cannot see nginx\.service become failed .* it is active"):
        host.wait_for_unit_state("nginx.service", "failed", timeout=0.1)
    with pytest.raises(HostError, match="at last it was 0"):
        wait_for(lambda: 0, timeout=0.01, what="the impossible")
    with host.follow_journal() as journal:
        host.run("logger", "something else")
        journal.wait_for("something else")
        with pytest.raises(JournalError, match=r"cannot find 'nothing' .*(\n.*)*something else"):
            journal.wait_for("nothing", timeout=0.1)


def test_a_unit_written_by_a_test_runs_until_it_is_stopped(host: Host) -> None:
    host.write_unit("nap.service", "[Service]\nExecStart=sleep infinity\n")
    host.systemctl("start", "nap.service")
    host.wait_for_unit_state("nap.service", "active", "running")
    host.systemctl("stop", "nap.service")
    host.wait_for_unit_state("nap.service", "inactive", "dead")
    assert "Stopped nap.service" in host.journal_text("nap.service")


async def test_a_client_out_here_reaches_the_bus_in_there(host: Host) -> None:
    bus = await MessageBus(bus_address=host.bus_address).connect()
    try:
        reply = await bus.call(
            Message(
                destination="org.freedesktop.systemd1",
                path="/org/freedesktop/systemd1",
                interface="org.freedesktop.DBus.Properties",
                member="Get",
                signature="ss",
                body=["org.freedesktop.systemd1.Manager", "Version"],
            )
        )
    finally:
        bus.disconnect()
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
    assert reply is not None
    assert reply.body[0].value.startswith("252")


def test_a_server_out_here_can_listen_in_there(host: Host) -> None:
    with host.listen(7000) as listening:
        client = host.popen("curl", "--silent", "http://127.0.0.1:7000/")
        connection, _ = listening.accept()
        with connection:
            assert connection.recv(4096).startswith(b"GET / ")
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nhello")
        assert client.communicate(timeout=10)[0] == "hello"


def test_an_installed_host_runs_the_daemon_when_it_is_told_to(
    installed_host: InstalledHost,
) -> None:
    host = installed_host
    assert host.unit(DAEMON, "ActiveState", "LoadState") == {
        "LoadState": "loaded",
        "ActiveState": "inactive",
    }
    unit = host.start_peer("sample", "--bare", "--port", "8000")
    owner = host.run("stat", "-c", "%a %U %G", CONFIG).stdout
    host.configure(f'[[service]]\nname = "sample"\nunit = "{unit}"\nport = 8000\n')
    assert host.run("stat", "-c", "%a %U %G", CONFIG).stdout == owner
    host.start_daemon()
    assert host.unit(DAEMON, "ActiveState") == {"ActiveState": "active"}


def _processes_in(namespace: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "ns/pid").readlink() == namespace:
                found.append(process.name)
    return found
