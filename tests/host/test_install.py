"""`systemd/install.sh`, the unit and the polkit rule, on a real systemd."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.host.conftest import HostFactory
from tests.host.host import Host
from tests.host.image import Images
from tests.host.installed import CONFIG, DAEMON, InstalledHost
from watchdog.control.grant import polkit_rule

pytestmark = pytest.mark.timeout(180)  # each installation takes some seconds

USER = "service-watchdog"
HOME = "/opt/service-watchdog"
RULE = "/etc/polkit-1/rules.d/50-service-watchdog.rules"
CREDENTIALS = "/etc/service-watchdog/credentials"
INSTALL = "/src/systemd/install.sh"
EXPOSURE = 1.3

ONE_SERVICE = """\
[[service]]
name = "web"
unit = "web.service"
"""
WITH_TOKEN = f"""\
{ONE_SERVICE}
[slack]
token = {{ credential = "slack-token" }}
channel = "#ops"
"""
SLEEP = "[Service]\nExecStart=/bin/sleep infinity\n"

# Makes, in /tmp/broken, the wheels of a version that ends as soon as it is started.
BREAK_WHEEL = """\
import glob, shutil, zipfile
shutil.copytree("/wheels", "/tmp/broken")
(wheel,) = glob.glob("/tmp/broken/service_watchdog-*.whl")
shutil.move(wheel, "/tmp/whole.whl")
with zipfile.ZipFile("/tmp/whole.whl") as whole, zipfile.ZipFile(wheel, "w") as broken:
    for member in whole.infolist():
        content = whole.read(member)
        if member.filename == "watchdog/cli/run.py":
            content += b"\\ndef _run(options):\\n    raise SystemExit('broken on purpose')\\n"
        broken.writestr(member, content)
"""


@pytest.fixture
def wheels(images: Images) -> Path:
    return images.wheels()


@pytest.fixture
def pristine(images: Images, host_factory: HostFactory, wheels: Path) -> Host:
    """A Debian on which nothing of ours has ever been."""
    return host_factory(layers=[images.base()], binds={"/wheels": wheels})


@pytest.fixture
def upgradable(host_factory: HostFactory, wheels: Path) -> InstalledHost:
    """A host with the daemon running, and the wheels to install it again."""
    host = host_factory.installed(binds={"/wheels": wheels})
    host.configure(ONE_SERVICE)
    host.start_daemon()
    return host


def install(host: Host, *options: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return host.run(INSTALL, "--wheels", "/wheels", *options, check=check, timeout=120)


def uninstall(host: Host, *options: str) -> subprocess.CompletedProcess[str]:
    return host.run(INSTALL, "--uninstall", *options)


def main_pid(host: Host) -> str:
    return host.unit(DAEMON, "MainPID")["MainPID"]


def error_of(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line of a failure that changed nothing."""
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 1
    return lines[0]


def units_in(rule: str) -> set[str]:
    listed = re.search(r"var units = \[(.*?)\];", rule, re.DOTALL)
    assert listed
    return set(re.findall(r'"(.*)"', listed[1]))


def mode_of(host: Host, path: str) -> str:
    return host.run("stat", "--format=%a %U:%G", path).stdout.strip()


def ask_manager(host: Host, method: str, *arguments: str) -> str:
    """Return what systemd answers when the daemon's user calls *method*: "done" or the refusal."""
    done = host.run(
        *("busctl", "call", "org.freedesktop.systemd1", "/org/freedesktop/systemd1"),
        *("org.freedesktop.systemd1.Manager", method, *arguments),
        user=USER,
        check=False,
    )
    return "done" if done.returncode == 0 else done.stderr.strip()


# --------------------------------------------------------------------------------- installing


def test_one_command_on_a_pristine_host_leaves_the_daemon_running(pristine: Host) -> None:
    done = install(pristine)

    assert done.stderr == ""
    assert pristine.unit(DAEMON, "ActiveState", "UnitFileState", "NRestarts") == {
        "ActiveState": "active",
        "UnitFileState": "enabled",
        "NRestarts": "0",
    }
    assert pristine.read(CONFIG) == pristine.read("/src/config.example.toml")
    assert mode_of(pristine, CONFIG) == f"640 root:{USER}"
    assert mode_of(pristine, "/etc/service-watchdog") == f"750 root:{USER}"
    assert mode_of(pristine, CREDENTIALS) == "700 root:root"
    assert mode_of(pristine, "/var/lib/service-watchdog") == f"750 {USER}:{USER}"
    assert mode_of(pristine, "/run/service-watchdog") == f"750 {USER}:{USER}"
    assert units_in(pristine.read(RULE)) == set(
        re.findall(r'(?m)^unit\s*=\s*"(.*)"', pristine.read(CONFIG))
    )
    assert pristine.run("service-watchdog", "--version").stdout.startswith("service-watchdog ")
    assert pristine.systemctl("--failed", "--quiet").stdout == ""


def test_the_sandbox_leaves_little_to_expose(installed_host: InstalledHost) -> None:
    said = installed_host.run("systemd-analyze", "security", "--no-pager", DAEMON).stdout
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert found
    assert float(found[1]) <= EXPOSURE


def test_the_environment_has_no_pip_with_which_something_else_could_get_in(
    installed_host: InstalledHost,
) -> None:
    names = installed_host.sh(f"ls {HOME}/venv-*/lib/python3*/site-packages").stdout.split()
    assert "pip" not in names
    assert not [name for name in names if name.startswith("watchdog-")]


def test_a_second_run_upgrades_and_keeps_what_was_edited(upgradable: InstalledHost) -> None:
    upgradable.write(f"{CREDENTIALS}/slack-token", "xoxb-1\n", mode=0o600)
    before = main_pid(upgradable)

    install(upgradable)

    assert upgradable.read(CONFIG) == ONE_SERVICE
    assert upgradable.read(f"{CREDENTIALS}/slack-token") == "xoxb-1\n"
    assert main_pid(upgradable) not in {before, "0"}
    assert upgradable.unit(DAEMON, "ActiveState") == {"ActiveState": "active"}
    (version,) = upgradable.sh(f"ls -d {HOME}/venv-*").stdout.split()
    assert upgradable.run("readlink", "-f", f"{HOME}/bin").stdout == f"{version}/bin\n"
    assert upgradable.run("ls", "-A", HOME).stdout.split() == ["bin", version.rpartition("/")[2]]


def test_files_for_an_image_are_put_in_place_without_starting_anything(pristine: Host) -> None:
    install(pristine, "--no-start")
    assert pristine.unit(DAEMON, "ActiveState", "UnitFileState") == {
        "ActiveState": "inactive",
        "UnitFileState": "enabled",
    }
    assert pristine.exists(RULE)


def test_a_configuration_that_was_there_before_and_is_bad_is_not_started(pristine: Host) -> None:
    pristine.write(CONFIG, '[[service]]\nname = "web"\nunit = "web.timer"\nprot = 1\n')

    done = install(pristine, check=False)

    assert done.returncode == 2
    assert f"{CONFIG}:3" in done.stderr
    assert f"{CONFIG}:4" in done.stderr
    assert done.stderr.splitlines()[-1] == (
        f"cannot start: {CONFIG} cannot be used, see above; "
        "mend it, then run: systemctl start service-watchdog"
    )
    assert pristine.unit(DAEMON, "ActiveState", "UnitFileState") == {
        "ActiveState": "inactive",
        "UnitFileState": "enabled",
    }
    assert not pristine.exists(RULE)

    pristine.run("tee", CONFIG, input=ONE_SERVICE)
    pristine.systemctl("start", DAEMON)
    assert units_in(pristine.read(RULE)) == {"web.service"}


# --------------------------------------------------------------------- failing half-way


def test_an_upgrade_that_lacks_a_dependency_leaves_what_runs(upgradable: InstalledHost) -> None:
    before = main_pid(upgradable)
    upgradable.sh("cp -r /wheels /tmp/few && rm /tmp/few/yarl-*")

    done = upgradable.run(INSTALL, "--wheels", "/tmp/few", check=False)

    assert re.fullmatch(
        r"cannot install the wheels: No matching distribution found for yarl==\S+; "
        r"the installed version goes on",
        error_of(done),
    )
    assert main_pid(upgradable) == before
    assert len(upgradable.run("ls", "-A", HOME).stdout.split()) == 2


def test_a_version_that_does_not_start_is_replaced_by_the_one_before(
    upgradable: InstalledHost,
) -> None:
    before = main_pid(upgradable)
    link = upgradable.run("readlink", f"{HOME}/bin").stdout
    unit_file = f"/etc/systemd/system/{DAEMON}"
    upgradable.sh('echo "# as it was" >>"$1"; systemctl daemon-reload', unit_file)
    upgradable.run("python3", "-", input=BREAK_WHEEL)

    done = upgradable.run(INSTALL, "--wheels", "/tmp/broken", check=False, timeout=120)

    assert done.returncode == 1
    assert "  broken on purpose\n" in done.stderr
    assert done.stderr.endswith(
        "cannot start the daemon: it says the above; the version before is put back\n"
    )
    upgradable.wait_for_unit_state(DAEMON, "active")
    assert main_pid(upgradable) != before
    assert upgradable.run("readlink", f"{HOME}/bin").stdout == link
    assert upgradable.read(unit_file).endswith("# as it was\n")
    assert len(upgradable.run("ls", "-A", HOME).stdout.split()) == 2


def test_an_upgrade_whose_configuration_is_bad_does_not_stop_what_runs(
    upgradable: InstalledHost,
) -> None:
    before = main_pid(upgradable)
    upgradable.configure(f"{ONE_SERVICE}prot = 8000\n")

    done = install(upgradable, check=False)

    assert done.returncode == 2
    assert f"{CONFIG}:4" in done.stderr
    assert done.stderr.endswith("the installed version goes on\n")
    assert main_pid(upgradable) == before
    assert units_in(upgradable.read(RULE)) == {"web.service"}


def test_a_full_disk_is_one_line_and_leaves_nothing(pristine: Host) -> None:
    pristine.sh(f"mkdir {HOME} && mount -t tmpfs -o size=8m tmpfs {HOME}")
    assert error_of(install(pristine, check=False)).endswith(
        "[Errno 28] No space left on device; nothing is changed"
    )
    assert pristine.run("ls", "-A", HOME).stdout == ""


def test_only_root_may_install(pristine: Host) -> None:
    done = pristine.run(INSTALL, user="nobody", check=False)
    assert error_of(done) == "cannot install: not root; run it with sudo; nothing is changed"


def test_what_is_missing_is_named_with_the_command_that_installs_it(pristine: Host) -> None:
    def error_without(path: str) -> str:
        pristine.run("mv", path, "/root/hidden")
        done = install(pristine, check=False)
        pristine.run("mv", "/root/hidden", path)
        return error_of(done)

    assert error_without("/usr/lib/python3.11/ensurepip") == (
        "cannot install: python3-venv is missing; run: apt-get install python3-venv; "
        "nothing is changed"
    )
    assert error_without("/usr/bin/pkaction") == (
        "cannot install: polkit is missing, and the daemon, which is not root, needs polkit's "
        "rules to restart anything; run: apt-get install polkitd; nothing is changed"
    )
    pristine.run("rm", "/usr/bin/python3")
    assert "python3 >= 3.11 is missing" not in install(pristine, "--no-start").stderr
    pristine.run("rm", "/usr/bin/python3.11")
    assert error_of(install(pristine, check=False)) == (
        "cannot install: python3 >= 3.11 is missing (this is none); "
        "run: apt-get install python3.11 python3.11-venv; nothing is changed"
    )


def test_a_polkit_without_rules_is_refused(pristine: Host) -> None:
    pristine.write("/usr/bin/pkaction", "#!/bin/sh\necho pkaction version 0.105\n", mode=0o755)
    assert error_of(install(pristine, check=False)) == (
        "cannot install: polkit 0.105 is too old, and the daemon, which is not root, needs "
        "polkit's rules to restart anything, which came with 0.106; "
        "use Debian 12, Ubuntu 24.04 or newer; nothing is changed"
    )


def test_a_command_of_somebody_else_is_not_replaced(pristine: Host) -> None:
    pristine.write("/usr/local/bin/service-watchdog", "mine")
    assert "/usr/local/bin/service-watchdog exists" in error_of(install(pristine, check=False))
    assert pristine.read("/usr/local/bin/service-watchdog") == "mine"


@pytest.mark.parametrize("options", [["--frob"], ["--purge"], ["--wheels"], ["--wheels", "/no"]])
def test_wrong_usage_is_exit_code_2(pristine: Host, options: list[str]) -> None:
    done = pristine.run(INSTALL, *options, check=False)
    assert done.returncode == 2
    assert done.stderr.endswith("; nothing is changed\n")


# ---------------------------------------------------------------------------- uninstalling


def test_uninstalling_leaves_configuration_and_state(upgradable: InstalledHost) -> None:
    upgradable.sh(f"touch {HOME}/mine")  # a checkout may be there

    uninstall(upgradable)

    assert upgradable.unit(DAEMON, "LoadState") == {"LoadState": "not-found"}
    assert upgradable.read(CONFIG) == ONE_SERVICE
    assert upgradable.run("ls", "-A", "/var/lib/service-watchdog").stdout != ""
    assert not upgradable.exists(RULE)
    assert not upgradable.exists("/usr/local/bin/service-watchdog")
    assert upgradable.run("ls", "-A", HOME).stdout == "mine\n"
    assert uninstall(upgradable).returncode == 0

    install(upgradable)
    assert upgradable.unit(DAEMON, "ActiveState") == {"ActiveState": "active"}
    assert units_in(upgradable.read(RULE)) == {"web.service"}


def test_purging_leaves_nothing(upgradable: InstalledHost) -> None:
    upgradable.write(f"/etc/systemd/system/{DAEMON}.d/override.conf", "[Service]\nNice=1\n")

    uninstall(upgradable, "--purge")

    left = upgradable.sh(
        "find / -xdev -name '*service-watchdog*' "
        "-not -path '/src*' -not -path '/proc/*' -not -path '/sys/*'"
    )
    assert left.stdout == ""
    assert upgradable.run("getent", "passwd", USER, check=False).returncode != 0
    assert uninstall(upgradable, "--purge").returncode == 0


# ---------------------------------------------------------------------- the polkit rule


def test_the_daemon_may_restart_a_listed_unit_and_do_nothing_else(
    upgradable: InstalledHost,
) -> None:
    upgradable.write_unit("web.service", SLEEP)
    upgradable.write_unit("other.service", SLEEP)
    upgradable.systemctl("start", "web.service", "other.service")

    allowed = [
        ("RestartUnit", "ss", "web.service", "replace"),
        ("ReloadOrRestartUnit", "ss", "web.service", "replace"),
        ("ResetFailedUnit", "s", "web.service"),
        ("RefUnit", "s", "web.service"),
    ]
    assert {call: ask_manager(upgradable, *call) for call in allowed} == dict.fromkeys(
        allowed, "done"
    )
    refused = [
        ("StopUnit", "ss", "web.service", "replace"),
        ("StartUnit", "ss", "web.service", "replace"),
        ("TryRestartUnit", "ss", "web.service", "replace"),
        ("KillUnit", "ssi", "web.service", "all", "9"),
        ("SetUnitProperties", "sba(sv)", "web.service", "true", "0"),
        ("RestartUnit", "ss", "other.service", "replace"),
        ("ResetFailedUnit", "s", "other.service"),
        ("RefUnit", "s", "other.service"),
        ("RestartUnit", "ss", DAEMON, "replace"),
        ("StartTransientUnit", "ssa(sv)a(sa(sv))", "web.service", "replace", "0", "0"),
        ("StartTransientUnit", "ssa(sv)a(sa(sv))", "new.service", "replace", "0", "0"),
        ("MaskUnitFiles", "asbb", "1", "web.service", "true", "true"),
        ("Reload",),
        ("Reboot",),
    ]
    answers = {call: ask_manager(upgradable, *call) for call in refused}
    assert set(answers.values()) == {"Call failed: Access denied"}, answers


def test_an_alias_in_the_configuration_is_granted_as_the_unit_that_it_means(
    upgradable: InstalledHost,
) -> None:
    upgradable.write_unit("real.service", f"{SLEEP}[Install]\nAlias=web.service\n")
    upgradable.systemctl("enable", "real.service")

    upgradable.systemctl("reload", DAEMON)

    assert units_in(upgradable.read(RULE)) == {"web.service", "real.service"}
    assert ask_manager(upgradable, "RestartUnit", "ss", "web.service", "replace") == "done"


def test_hostile_names_grant_nothing_in_the_real_polkit(upgradable: InstalledHost) -> None:
    upgradable.write_unit("other.service", SLEEP)
    hostile = [
        '"];});polkit.addRule(function(){return polkit.Result.YES;});//.service',
        "\u2028*/];\n.service",
        "*",
        "web.service",
    ]
    # Past the configuration, which would refuse them.
    upgradable.write(RULE, polkit_rule(hostile, USER))
    upgradable.systemctl("restart", "polkit.service")
    upgradable.write_unit("web.service", SLEEP)
    assert ask_manager(upgradable, "RestartUnit", "ss", "web.service", "replace") == "done"
    assert ask_manager(upgradable, "RestartUnit", "ss", "other.service", "replace") == (
        "Call failed: Access denied"
    )


def test_a_configuration_that_the_daemon_may_write_grants_nothing_new(
    upgradable: InstalledHost,
) -> None:
    rule = upgradable.read(RULE)
    upgradable.configure(ONE_SERVICE.replace("web", "other"))
    upgradable.run("chmod", "660", CONFIG)

    done = upgradable.run("service-watchdog", "grant", check=False)

    assert done.returncode == 2
    assert f"{CONFIG}: others than root may change it" in done.stderr
    assert upgradable.read(RULE) == rule


def test_the_rule_goes_with_the_last_unit_and_on_demand(upgradable: InstalledHost) -> None:
    upgradable.configure('[[service]]\nname = "x"\ncommand = ["/bin/sleep", "1000"]\n')
    upgradable.run("service-watchdog", "grant")
    assert not upgradable.exists(RULE)

    upgradable.configure(ONE_SERVICE)
    upgradable.run("service-watchdog", "grant")
    assert upgradable.exists(RULE)
    upgradable.run("service-watchdog", "grant", "--remove")
    assert not upgradable.exists(RULE)


def test_without_polkit_grant_says_what_to_install(upgradable: InstalledHost) -> None:
    upgradable.run("rm", "-r", "/etc/polkit-1/rules.d")
    done = upgradable.run("service-watchdog", "grant", check=False)
    assert done.returncode == 3
    assert "/etc/polkit-1/rules.d is missing" in done.stderr


# ------------------------------------------------------------------------------ the unit


def test_a_reload_grants_the_units_that_were_added(upgradable: InstalledHost) -> None:
    upgradable.write_unit("more.service", SLEEP)
    upgradable.configure(f"{ONE_SERVICE}\n{ONE_SERVICE.replace('web', 'more')}")
    before = main_pid(upgradable)

    upgradable.systemctl("reload", DAEMON)

    assert units_in(upgradable.read(RULE)) == {"web.service", "more.service"}
    assert ask_manager(upgradable, "RestartUnit", "ss", "more.service", "replace") == "done"
    assert main_pid(upgradable) == before


def test_a_reload_of_a_bad_configuration_fails_and_changes_nothing(
    upgradable: InstalledHost,
) -> None:
    before, rule = main_pid(upgradable), upgradable.read(RULE)
    upgradable.configure(f"{ONE_SERVICE}prot = 8000\n")

    assert upgradable.systemctl("reload", DAEMON, check=False).returncode == 1

    assert [e for e in upgradable.journal(DAEMON) if f"{CONFIG}:4" in e.message]
    assert upgradable.read(RULE) == rule
    assert main_pid(upgradable) == before
    assert upgradable.unit(DAEMON, "ActiveState") == {"ActiveState": "active"}


def test_a_bad_configuration_at_start_is_a_failed_unit_and_no_loop(
    installed_host: InstalledHost,
) -> None:
    installed_host.configure(f"{ONE_SERVICE}prot = 8000\n")
    assert installed_host.systemctl("start", DAEMON, check=False).returncode == 1
    assert installed_host.unit(DAEMON, "ActiveState", "ExecMainStatus", "NRestarts") == {
        "ActiveState": "failed",
        "ExecMainStatus": "2",
        "NRestarts": "0",
    }


def test_a_killed_daemon_comes_back_by_itself_every_time(upgradable: InstalledHost) -> None:
    for _ in range(6):  # systemd's own limit would be five
        with upgradable.follow_journal(DAEMON) as journal:
            upgradable.kill(DAEMON)
            journal.wait_for("Started")
    upgradable.wait_for_unit_state(DAEMON, "active", "running")
    assert upgradable.unit(DAEMON, "NRestarts") == {"NRestarts": "6"}


def test_a_file_in_the_credentials_directory_is_all_it_takes(
    installed_host: InstalledHost,
) -> None:
    installed_host.configure(WITH_TOKEN)
    assert installed_host.systemctl("start", DAEMON, check=False).returncode == 1

    installed_host.write(f"{CREDENTIALS}/slack-token", "xoxb-1\n", mode=0o600)
    installed_host.start_daemon()
    assert installed_host.unit(DAEMON, "ActiveState") == {"ActiveState": "active"}
    assert installed_host.systemctl("reload", DAEMON).returncode == 0


def test_a_missing_credentials_directory_keeps_nothing_from_starting(
    installed_host: InstalledHost,
) -> None:
    installed_host.configure(ONE_SERVICE)
    installed_host.run("rmdir", CREDENTIALS)
    installed_host.start_daemon()
    assert installed_host.unit(DAEMON, "ActiveState") == {"ActiveState": "active"}
