"""The doctor on a real host: each test breaks it, the doctor names the cause, its remedy mends it.

A remedy is run as it is printed. Where it leaves something to a person (an editor, a choice) the
test does what that person would do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from shlex import quote
from typing import Any

import pytest

from tests.host.host import wait_for
from tests.host.installed import CONFIG as CONFIG_FILE
from tests.host.installed import DAEMON, InstalledHost
from tests.host.journal import JournalFollower
from tests.host.standing import Standing, standing

pytestmark = [pytest.mark.host, pytest.mark.timeout(300)]  # the first test bears the preparation

UNIT = "api.service"
FILE = f"/etc/systemd/system/{UNIT}"
HOME = "/srv/api"
VENV = f"{HOME}/venv"

CONFIG = """
[[service]]
unit   = "api.service"
port   = 8000
health = { url = "http://127.0.0.1:8000/health", timeout = "1s", expect = 'status == "healthy"' }

[service.app]
env_keys = ["API_KEY"]

[defaults]
interval      = "5s"
start_timeout = "1s"
stopped_grace = "1m"
"""

ENV = "API_KEY=secret-of-the-api\n"
ENDED = re.compile(r"Main process exited|Deactivated successfully|Failed with result")
PATIENT_FILE = "/root/patient.toml"
WELL = '{"status": 200, "body": {"status": "healthy"}}'

SITE = """
server { listen 80; server_name shop.test; location / { proxy_pass http://127.0.0.1:8000; } }
"""

# A service as most are: a package with a console script in a virtual environment.
SERVER = """
import argparse, http.server, json, os, socket, sys, time

class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        said = json.loads(open("/srv/api/answer.json").read())
        time.sleep(said.get("delay", 0))
        body = json.dumps(said["body"]).encode()
        self.send_response(said["status"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass

def main():
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, default=8000)
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--notify", action="store_true")
    options = options.parse_args()
    os.environ["API_KEY"]
    exec(open("/srv/api/start.py").read())
    server = http.server.ThreadingHTTPServer((options.host, options.port), Health)
    server.serve_forever()
"""

MAKE_WHEELS = """
import pathlib, zipfile
def wheel(name, files, scripts=""):
    info = f"{name}-1.0.dist-info"
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n"
    files[f"{info}/WHEEL"] = (
        "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    if scripts:
        files[f"{info}/entry_points.txt"] = f"[console_scripts]\\n{scripts}\\n"
    files[f"{info}/RECORD"] = "".join(f"{path},,\\n" for path in files)
    with zipfile.ZipFile(f"/srv/wheels/{name}-1.0-py3-none-any.whl", "w") as packed:
        for path, text in files.items():
            packed.writestr(path, text)
pathlib.Path("/srv/wheels").mkdir(exist_ok=True)
wheel("apiserver", {"apiserver.py": open("/srv/server.py").read()}, "apiserver = apiserver:main")
wheel("greeting", {"greeting.py": "hello = 'hello'"})
"""

SERVICE = f"""
[Unit]
Description=The API
[Service]
User=api
WorkingDirectory={HOME}
EnvironmentFile={HOME}/.env
ExecStart={VENV}/bin/apiserver --port 8000
[Install]
WantedBy=multi-user.target
"""


class Patient:
    """A host with a service that can be broken, and the doctor."""

    def __init__(self, host: InstalledHost, commands: Standing) -> None:
        self.host = host
        self.commands = commands
        self.began = ""

    def prepare(self) -> None:
        """Install the service, once."""
        self.host.write("/srv/server.py", SERVER)
        self.host.run("python3", "-", input=MAKE_WHEELS)
        self.host.write("/etc/pip.conf", "[global]\nno-index = true\nfind-links = /srv/wheels\n")
        self.host.write(f"{HOME}/requirements.txt", "apiserver==1.0\ngreeting==1.0\n")
        self.host.sh(
            f"""
            set -e; useradd --system api; python3 -m venv {VENV}
            {VENV}/bin/python -m pip install -r {HOME}/requirements.txt
            cp -a {VENV} /srv/venv.whole; touch /srv/whole
            """,
            timeout=60,
        )

    def heal(self) -> None:
        """Put back all that a test may have broken, in one go."""
        healed = {
            f"{HOME}/.env": ENV,
            f"{HOME}/answer.json": WELL,
            f"{HOME}/start.py": "",
            CONFIG_FILE: CONFIG,
        }
        written = "\n".join(f"printf %s {quote(text)} >{path}" for path, text in healed.items())
        self.host.sh(
            f"""
            exec 2>/dev/null
            systemctl stop {UNIT} other.service need.service {DAEMON}
            rm -rf /srv/elsewhere {HOME}/.env* {HOME}/*.py
            cd /etc/systemd/system
            if ! [ -e /srv/read ] || [ -n "$(find . -cnewer /srv/read -print -quit)" ]; then
              rm -rf api* *.d; printf %s {quote(SERVICE)} >{FILE}
              systemctl daemon-reload; touch /srv/read
            fi
            if [ -d {HOME}/full ]; then umount {HOME}/full; rm -rf {HOME}/full; fi
            if [ -n "$(find {VENV} -cnewer /srv/whole -print -quit || echo gone)" ]; then
              rm -rf {VENV}; cp -a /srv/venv.whole {VENV}; touch /srv/whole
            fi
            id api || useradd --system api; chown api: {HOME}; chmod 755 {HOME}
            {written}
            systemctl reset-failed; systemctl restart {UNIT}; true
            """,
        )

    # --- what can be broken ---------------------------------------------------------------------

    def unit(self, text: str) -> None:
        self.host.write_unit(UNIT, text)

    def edit(self, before: str, after: str) -> None:
        """Change the unit as it stands, and have systemd know it."""
        assert before in SERVICE
        self.unit(SERVICE.replace(before, after))

    def setting(self, line: str) -> None:
        """Add *line* to the unit's [Service]."""
        self.edit("[Install]", f"{line}\n[Install]")

    def env(self, text: str) -> None:
        self.host.write(f"{HOME}/.env", text)

    def answers(self, status: int = 200, **more: Any) -> None:
        said = json.loads(WELL) | {"status": status, **more}
        self.host.write(f"{HOME}/answer.json", json.dumps(said))

    def start_py(self, source: str) -> None:
        """Have the service run *source* before it listens."""
        self.host.write(f"{HOME}/start.py", source)

    def restart(self) -> None:
        """Start the service anew; what the one before it logged, `log_has` does not see."""
        said = self.host.sh(f"systemctl stop {UNIT}; date +@%s.%N; systemctl start {UNIT}; true")
        self.began = said.stdout.strip()

    def log_has(self, text: str) -> None:
        """Return once the unit has ended and its journal has *text*: either may come first."""
        follow = ("journalctl", "--quiet", "--output=json", "--follow", "--no-tail")
        process = self.host.popen(*follow, f"--since={self.began}", f"--unit={UNIT}")
        with JournalFollower(process, UNIT) as journal:
            journal.wait_for(text)
            if not any(ENDED.search(entry.message) for entry in journal.seen):
                journal.wait_for(ENDED.pattern)

    # --- the doctor -----------------------------------------------------------------------------

    def run(self, *arguments: str) -> tuple[int, str]:
        """Return exit code and output of the command as a person runs it."""
        done = self.host.run("service-watchdog", *arguments, check=False)
        assert done.stderr == ""
        return done.returncode, done.stdout

    def answer(self, *arguments: str) -> dict[str, Any]:
        """Return what a command answers, without a process of its own."""
        done = self.commands.run(*arguments, "--json")
        assert done.stderr == ""
        answer: dict[str, Any] = json.loads(done.stdout)
        assert answer["code"] == done.returncode
        return answer

    def examination(self, *arguments: str) -> dict[str, Any]:
        """Return what the doctor says once nothing is starting any more."""

        def said() -> dict[str, Any] | None:
            answer = self.answer("doctor", *arguments)
            is_over = all(service["code"] != 4 for service in answer["services"])
            return answer if is_over else None

        found = wait_for(said, 40, "an end of what is starting")
        assert found is not None
        return found

    def finding(self, rule: str) -> dict[str, Any]:
        """Return the doctor's finding, which must be of *rule*."""
        answer = self.examination()
        (service,) = answer["services"]
        found: dict[str, Any] = service["finding"]
        assert found is not None, service
        assert found["rule"] == rule, service
        assert not service["troubles"], service
        assert answer["code"] == 1
        return found

    def take(self, found: dict[str, Any], *, but: Sequence[str] = ()) -> None:
        """Run the remedy as it is printed, but for commands that begin with *but*."""
        commands = [each for each in found["remedy"]["commands"] if not each.startswith(tuple(but))]
        self.host.sh("\n".join(["set -e", *commands]), timeout=60)

    def mended(self) -> None:
        """Check that the doctor has nothing to say any more, once it has had time to start."""
        self.host.sh(f"sed '/^start_timeout/ s/1s/30s/' {CONFIG_FILE} >{PATIENT_FILE}")
        answer = self.examination("--config", PATIENT_FILE)
        assert answer["code"] == 0, json.dumps(answer)
        assert all(service["finding"] is None for service in answer["services"])


KEPT_OTHERWISE = """
[[service]]
name = "worker"
control = { start = ["/bin/true"], stop = ["/bin/true"], status = ["/bin/false"] }

[[service]]
name = "child"
command = ["/bin/sleep", "infinity"]
depends_on = ["worker"]
"""


# Types on a terminal: waits for the question, then answers it.
AT_TERMINAL = """
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp("service-watchdog", ["service-watchdog", "doctor", "--fix"])
said = b""
while True:
    try:
        said += os.read(terminal, 4096)
    except OSError:
        break
    if b"[y/N]" in said and sys.argv[1]:
        os.write(terminal, sys.argv[1].encode().decode("unicode_escape").encode())
        sys.argv[1] = ""
print(said.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


@pytest.fixture(scope="module")
def booted(lasting_host: InstalledHost) -> Iterator[Patient]:
    with standing(lasting_host) as commands:
        patient = Patient(lasting_host, commands)
        patient.prepare()
        yield patient


@pytest.fixture
def patient(booted: Patient) -> Patient:
    booted.heal()
    return booted


def words_of(found: dict[str, Any]) -> str:
    return f"{found['fact']} {found['meaning']} {' '.join(found['details'])}"


def test_a_healthy_host_has_no_finding(patient: Patient) -> None:
    code, _ = patient.run("doctor")
    assert code in {0, 4}
    patient.mended()
    assert "✓ unit" in patient.run("doctor")[1]


# --- the unit file --------------------------------------------------------------------------------


def test_a_masked_unit(patient: Patient) -> None:
    patient.host.sh(f"systemctl stop {UNIT}; mv {FILE} /srv/{UNIT}; systemctl mask {UNIT}")
    found = patient.finding("unit-masked")
    assert not found["remedy"]["safe"]
    patient.host.sh(f"systemctl unmask {UNIT}; mv /srv/{UNIT} {FILE}")
    patient.take(found)
    patient.mended()


def test_a_unit_that_does_not_exist(patient: Patient) -> None:
    patient.host.configure(CONFIG.replace("api.service", "quite-different.service"))
    found = patient.finding("unit-missing")
    assert "systemctl edit --force --full quite-different.service" in found["remedy"]["commands"]


def test_a_slip_in_the_name_of_the_unit(patient: Patient) -> None:
    patient.host.configure(CONFIG.replace("api.service", "apis.service"))
    found = patient.finding("unit-name-close")
    assert "did you mean api.service?" in found["fact"]
    patient.take(found, but=["systemctl"])  # no daemon runs here
    patient.mended()


def test_a_unit_file_in_the_wrong_directory(patient: Patient) -> None:
    patient.host.sh(f"systemctl stop {UNIT}; mkdir -p /srv/elsewhere/deploy; "
                    f"mv {FILE} /srv/elsewhere/deploy; systemctl daemon-reload")  # fmt: skip
    found = patient.finding("unit-misplaced")
    assert "/srv/elsewhere/deploy" in found["fact"]
    patient.take(found)
    patient.mended()


def test_a_unit_file_that_is_a_link_to_nothing(patient: Patient) -> None:
    patient.host.sh(f"systemctl stop {UNIT}; rm {FILE}; ln -s /srv/gone.service {FILE}; "
                    "systemctl daemon-reload")  # fmt: skip
    assert "/srv/gone.service" in patient.finding("unit-link-broken")["fact"]


def test_a_unit_file_that_systemd_refuses(patient: Patient) -> None:
    patient.host.systemctl("stop", UNIT)
    patient.edit(f"ExecStart={VENV}/bin/apiserver --port 8000\n", "")
    found = patient.finding("unit-syntax")
    assert "ExecStart" in words_of(found)
    patient.unit(SERVICE)  # systemctl edit has systemd read it at the end
    patient.take(found, but=["systemctl edit"])


def test_a_unit_file_that_was_changed_and_not_read(patient: Patient) -> None:
    patient.edit(f"{VENV}/bin/apiserver", "/nowhere/apiserver")
    patient.restart()
    patient.host.write(FILE, SERVICE)
    found = patient.finding("unit-changed")
    assert found["remedy"]["safe"]
    patient.take(found)
    patient.mended()


# --- the program ----------------------------------------------------------------------------------


def test_a_missing_virtual_environment(patient: Patient) -> None:
    patient.host.sh(f"rm -rf {VENV}")
    patient.restart()
    found = patient.finding("venv-missing")
    patient.take(found)
    patient.mended()


def test_a_missing_executable(patient: Patient) -> None:
    patient.edit(f"{VENV}/bin/apiserver", "/usr/local/bin/apiserver")
    patient.restart()
    assert "/usr/local/bin/apiserver" in patient.finding("executable-missing")["fact"]


def test_a_console_script_that_is_not_installed(patient: Patient) -> None:
    patient.host.sh(f"{VENV}/bin/python -m pip uninstall -y apiserver")
    patient.restart()
    found = patient.finding("executable-missing")
    patient.take(found)
    patient.mended()


def test_a_virtual_environment_that_was_moved(patient: Patient) -> None:
    patient.host.sh(f"sed -i '1s|.*|#!/srv/old/venv/bin/python3|' {VENV}/bin/apiserver")
    patient.restart()
    found = patient.finding("interpreter-missing")
    assert "/srv/old/venv/bin/python3" in found["fact"]
    patient.take(found)
    patient.mended()


def test_a_program_that_is_not_executable(patient: Patient) -> None:
    patient.host.sh(f"chmod -x {VENV}/bin/apiserver")
    patient.restart()
    found = patient.finding("executable-forbidden")
    assert found["remedy"]["safe"]
    patient.take(found)
    patient.mended()


def test_a_wrong_working_directory(patient: Patient) -> None:
    patient.edit(f"WorkingDirectory={HOME}", "WorkingDirectory=/srv/apis")
    patient.restart()
    found = patient.finding("directory-missing")
    assert f"did you mean {HOME}?" in found["fact"]
    patient.take(found)
    patient.mended()


def test_a_user_that_does_not_exist(patient: Patient) -> None:
    patient.edit("User=api", "User=apiuser")
    patient.restart()
    found = patient.finding("user-missing")
    patient.take(found)
    patient.mended()
    patient.host.run("userdel", "apiuser", check=False)


def test_a_group_that_does_not_exist(patient: Patient) -> None:
    patient.setting("Group=apigroup")
    patient.restart()
    found = patient.finding("group-missing")
    patient.take(found)
    patient.mended()
    patient.host.run("groupdel", "apigroup")


# --- environment ----------------------------------------------------------------------------------


def test_a_missing_environment_file(patient: Patient) -> None:
    patient.host.sh(f"mv {HOME}/.env {HOME}/.env.example")
    patient.restart()
    found = patient.finding("env-file-missing")
    patient.take(found, but=["editor"])
    patient.mended()


def test_a_variable_that_is_not_set(patient: Patient) -> None:
    patient.env("OTHER=1\n")
    patient.restart()
    patient.log_has("KeyError")
    found = patient.finding("env-keys-missing")
    assert "API_KEY" in found["fact"]
    patient.env("API_KEY=1\n")
    patient.take(found, but=["editor"])
    patient.mended()


def test_a_variable_that_only_the_application_knows_of(patient: Patient) -> None:
    patient.start_py("import os\nos.environ['DATABASE_URL']\n")
    patient.restart()
    patient.log_has("KeyError")
    found = patient.finding("env-key-asked")
    assert "DATABASE_URL" in found["fact"]
    patient.env("API_KEY=1\nDATABASE_URL=x\n")
    patient.take(found, but=["editor"])
    patient.mended()


# --- python ---------------------------------------------------------------------------------------


def test_a_module_that_is_not_installed(patient: Patient) -> None:
    patient.host.sh(f"{VENV}/bin/python -m pip uninstall -y greeting")
    patient.start_py("import greeting\n")
    patient.restart()
    patient.log_has("ModuleNotFoundError")
    found = patient.finding("module-missing")
    assert f"greeting is not installed in {VENV}" in found["fact"]
    assert f"--requirement {HOME}/requirements.txt" in found["remedy"]["commands"][0]
    patient.take(found)
    patient.mended()


def test_an_application_in_another_directory(patient: Patient) -> None:
    patient.host.write(f"{HOME}/deployed/main.py", "app = 1\n")
    patient.start_py("import importlib\nsys.path.insert(0, '')\nimportlib.import_module('main')\n")
    patient.edit("apiserver --port 8000", "apiserver --port 8000 --host 127.0.0.1")
    patient.setting("Environment=APP=main:app")
    text = SERVICE.replace("apiserver --port 8000", "python -c 'import apiserver,sys;"
                           "sys.argv=[\"\"];apiserver.main()' main:app")  # fmt: skip
    patient.unit(text)
    patient.restart()
    patient.log_has("ModuleNotFoundError")
    found = patient.finding("app-not-found")
    assert f"it is in {HOME}/deployed" in found["fact"]
    patient.take(found)
    patient.mended()


def test_a_mistake_in_the_source(patient: Patient) -> None:
    patient.host.write(f"{HOME}/broken.py", "x = 1\ndef f(:\n    pass\n")
    patient.start_py("sys.path.insert(0, '/srv/api')\nimport broken\n")
    patient.restart()
    patient.log_has("SyntaxError")
    found = patient.finding("source-syntax")
    assert f"{HOME}/broken.py, line 2" in found["fact"]
    patient.host.write(f"{HOME}/broken.py", "")
    patient.take(found)
    patient.mended()


def test_an_exception_at_the_start(patient: Patient) -> None:
    patient.start_py("raise ValueError('pool_size must be at least 1')\n")
    patient.restart()
    patient.log_has("ValueError")
    found = patient.finding("python-error")
    assert "ValueError: pool_size must be at least 1" in found["fact"]


def test_a_database_that_refuses(patient: Patient) -> None:
    patient.start_py("raise OSError('connection to server at \"127.0.0.1\", port 5432 failed: "
                     "Connection refused')\n")  # fmt: skip
    patient.restart()
    patient.log_has("refused")
    assert "PostgreSQL at 127.0.0.1 port 5432" in patient.finding("peer-refuses")["fact"]


def test_a_file_that_may_not_be_read(patient: Patient) -> None:
    patient.host.write(f"{HOME}/full/key.pem", "x", mode=0o600)
    patient.start_py(f"open('{HOME}/full/key.pem')\n")
    patient.restart()
    patient.log_has("PermissionError")
    found = patient.finding("permission-denied")
    assert f"{HOME}/full/key.pem" in found["fact"]
    patient.take(found)
    patient.mended()


def test_a_directory_that_may_not_be_entered(patient: Patient) -> None:
    patient.host.sh(f"chown root {HOME}; chmod 700 {HOME}")
    patient.restart()
    found = patient.finding("permission-denied")
    assert f"as user api, may not use {HOME}" in found["fact"]
    patient.take(found)
    patient.mended()
    patient.host.sh(f"chmod 755 {HOME}")


def test_a_command_that_is_not_installed(patient: Patient) -> None:
    patient.edit(f"{VENV}/bin/apiserver --port 8000", "/bin/bash -c 'exec gunicornn app:app'")
    patient.restart()
    patient.log_has("not found")
    found = patient.finding("command-not-found")
    assert "gunicornn" in found["fact"]


def test_a_crash_that_systemd_is_about_to_mend(patient: Patient) -> None:
    patient.start_py("os.kill(os.getpid(), 11)\n")
    patient.setting("Restart=on-failure\nRestartSec=1h")
    patient.restart()
    patient.log_has("code=")
    assert "killed by SIGSEGV" in patient.finding("failed")["fact"]


def test_a_file_that_is_not_there(patient: Patient) -> None:
    patient.start_py("open('settings.yaml')\n")
    patient.restart()
    patient.log_has("FileNotFoundError")
    found = patient.finding("file-missing")
    assert f"{HOME}/settings.yaml" in found["fact"]
    patient.host.write(f"{HOME}/settings.yaml", "")
    patient.take(found)
    patient.mended()


# --- the host -------------------------------------------------------------------------------------


def test_a_full_disk(patient: Patient) -> None:
    patient.host.sh(f"mkdir {HOME}/full; mount -t tmpfs -o size=2m,mode=1777 tmpfs {HOME}/full; "
                    f"head -c 4M /dev/zero >{HOME}/full/old.log || true")  # fmt: skip
    patient.edit(f"WorkingDirectory={HOME}", f"WorkingDirectory={HOME}/full")
    patient.start_py("open('db', 'w').write('x' * 9999)\n")
    patient.restart()
    patient.log_has("No space left")
    found = patient.finding("disk-full")
    assert f"{HOME}/full" in found["fact"]
    patient.host.sh(f"rm {HOME}/full/old.log")
    patient.take(found, but=["rm"])
    patient.mended()


def test_a_disk_without_inodes(patient: Patient) -> None:
    patient.host.sh(f"mkdir {HOME}/full; mount -t tmpfs -o nr_inodes=9,mode=1777 tmpfs "
                    f"{HOME}/full; for i in 1 2 3 4 5 6 7 8 9; do touch {HOME}/full/$i || true; "
                    "done")  # fmt: skip
    patient.edit(f"WorkingDirectory={HOME}", f"WorkingDirectory={HOME}/full")
    patient.start_py("open('db', 'w').write('x')\n")
    patient.restart()
    patient.log_has("No space left")
    found = patient.finding("inodes-full")
    patient.host.sh(f"rm {HOME}/full/*")
    patient.take(found, but=["rm"])
    patient.mended()


def test_a_read_only_disk(patient: Patient) -> None:
    patient.host.sh(f"mkdir {HOME}/full; mount -t tmpfs -o size=2m,mode=1777,ro tmpfs {HOME}/full")
    patient.edit(f"WorkingDirectory={HOME}", f"WorkingDirectory={HOME}/full")
    patient.start_py("open('db', 'w').write('x')\n")
    patient.restart()
    patient.log_has("Read-only")
    found = patient.finding("disk-read-only")
    assert f"{HOME}/full is mounted read-only" in found["fact"]
    patient.take(found)
    patient.mended()


def test_a_sandbox_that_forbids_to_write(patient: Patient) -> None:
    patient.setting("ProtectSystem=strict")
    patient.start_py(f"open('{HOME}/full/db', 'w')\n")
    patient.host.sh(f"mkdir {HOME}/full; chown api {HOME}/full")
    patient.restart()
    patient.log_has("Read-only")
    found = patient.finding("disk-read-only")
    assert f"may not write in {HOME}/full: ProtectSystem=strict" in found["fact"]
    patient.take(found)
    patient.mended()


def test_too_little_memory(patient: Patient) -> None:
    patient.setting("MemoryMax=48M")
    patient.restart()
    # As systemd-oomd does: it counts on the cgroup, and kills. systemd says "oom-kill" of it.
    cgroup = patient.host.unit(UNIT, "ControlGroup")["ControlGroup"]
    mark = f"import os; os.setxattr('/sys/fs/cgroup{cgroup}', 'user.oomd_ooms', b'1')"
    patient.host.run("python3", "-c", mark)
    patient.host.kill(UNIT)
    patient.host.wait_for_unit_state(UNIT, "failed")
    found = patient.finding("memory-out")
    assert "48 MiB" in found["fact"]
    patient.take(found)
    patient.mended()


# --- ports ----------------------------------------------------------------------------------------


def test_a_port_that_somebody_else_has(patient: Patient) -> None:
    patient.host.systemctl("stop", UNIT)
    patient.host.write_unit(
        "other.service",
        "[Service]\nExecStart=/usr/bin/python3 -m http.server --bind 127.0.0.1 8000\n",
    )
    patient.host.systemctl("start", "other.service")
    wait_for(lambda: ":8000" in patient.host.run("ss", "-ltn").stdout, 10)
    patient.restart()
    patient.log_has("Address already in use")
    found = patient.finding("port-taken")
    assert "other.service" in found["fact"]
    assert "python3 (pid " in found["fact"]
    patient.take(found)
    patient.mended()


def test_a_port_that_was_taken_and_is_free_again(patient: Patient) -> None:
    patient.start_py("import errno\nraise OSError(98, 'Address already in use')\n")
    patient.restart()
    patient.log_has("Address already in use")
    patient.start_py("")
    found = patient.finding("port-was-taken")
    assert found["remedy"]["safe"]
    patient.take(found)
    patient.mended()


def test_a_port_below_1024(patient: Patient) -> None:
    patient.host.sh("sysctl -w net.ipv4.ip_unprivileged_port_start=1024")
    patient.edit("--port 8000", "--port 81")
    patient.host.configure(CONFIG.replace("8000", "81"))
    patient.restart()
    patient.log_has("PermissionError")
    found = patient.finding("port-privileged")
    patient.take(found)
    patient.mended()


def test_another_port_than_configured(patient: Patient) -> None:
    patient.edit("--port 8000", "--port 8001")
    patient.restart()
    found = patient.finding("other-port")
    assert "listens on port 8001, and port 8000 is configured" in found["fact"]
    patient.unit(SERVICE)
    patient.take(found, but=["systemctl edit"])


def test_listening_on_loopback_only(patient: Patient) -> None:
    patient.mended()
    patient.host.sh("ip address add 10.9.9.9/32 dev lo || true")
    patient.host.configure(
        CONFIG.replace("port   = 8000", 'port   = { port = 8000, host = "10.9.9.9" }')
    )
    found = patient.finding("loopback-only")
    assert "on loopback only, on 127.0.0.1 port 8000; it is asked at 10.9.9.9" in found["fact"]


def test_a_service_in_a_network_of_its_own(patient: Patient) -> None:
    patient.setting("PrivateNetwork=yes")
    patient.restart()
    patient.finding("other-network")


def test_a_service_that_listens_nowhere(patient: Patient) -> None:
    patient.start_py("print('waiting for the leader', flush=True)\ntime.sleep(9999)\n")
    patient.restart()
    found = patient.finding("nobody-listens")
    assert "waiting for the leader" in words_of(found)


# --- starting and ending --------------------------------------------------------------------------


def test_a_unit_that_was_never_started(patient: Patient) -> None:
    patient.host.configure(CONFIG.replace("api.service", "api-two.service"))
    patient.host.systemctl("stop", UNIT)
    patient.host.write_unit("api-two.service", SERVICE)
    found = patient.finding("never-started")
    assert "is not enabled at boot" in found["fact"]
    patient.take(found)
    patient.mended()
    patient.host.systemctl("disable", "--now", "api-two.service")


def test_a_unit_that_somebody_stopped(patient: Patient) -> None:
    patient.host.systemctl("stop", UNIT)
    found = patient.finding("stopped")
    assert not found["remedy"]["safe"]
    patient.take(found)
    patient.mended()


def test_a_start_limit(patient: Patient) -> None:
    patient.setting("Restart=always\nRestartSec=1ms")
    patient.start_py("sys.exit(0)\n")
    patient.restart()
    patient.host.wait_for_unit_state(UNIT, "failed")
    found = patient.finding("start-limit")
    patient.start_py("")
    patient.take(found)
    patient.mended()


def test_a_unit_that_exits_with_a_status(patient: Patient) -> None:
    patient.start_py("sys.stderr.write('no licence\\n')\nsys.exit(7)\n")
    patient.restart()
    patient.log_has("no licence")
    found = patient.finding("failed")
    assert "exited with status 7" in found["fact"]
    assert "no licence" in found["details"]


def test_a_crash_loop_is_seen_whenever_one_looks(patient: Patient) -> None:
    patient.setting("Restart=always\nRestartSec=100ms\nStartLimitIntervalSec=0")
    patient.unit(patient.host.read(FILE).replace("[Unit]", "[Unit]\nStartLimitIntervalSec=0"))
    patient.host.sh(f"{VENV}/bin/python -m pip uninstall -y greeting")
    patient.start_py("time.sleep(0.2)\nimport greeting\n")
    patient.restart()
    patient.log_has("ModuleNotFoundError")
    for _ in range(5):
        patient.finding("module-missing")


def test_an_end_without_an_error(patient: Patient) -> None:
    patient.start_py("sys.exit(0)\n")
    patient.restart()
    patient.host.wait_for_unit_state(UNIT, "inactive")
    found = patient.finding("ended")
    patient.start_py("")
    patient.take(found)
    patient.mended()


@pytest.mark.parametrize("order", ["enable", "disable"])
def test_a_condition_that_is_not_met(patient: Patient, order: str) -> None:
    """What is known of a unit that is down and that nothing refers to, systemd forgets at once."""
    patient.host.systemctl("stop", UNIT)
    patient.host.systemctl(order, UNIT)
    patient.edit("[Unit]", "[Unit]\nConditionPathExists=/srv/ready")
    patient.restart()
    found = patient.finding("condition-unmet")
    assert "ConditionPathExists=/srv/ready" in found["fact"]
    patient.host.write("/srv/ready", "")
    patient.take(found)
    patient.mended()
    patient.host.run("rm", "/srv/ready")
    patient.host.systemctl("disable", UNIT)


def test_a_start_that_takes_too_long(patient: Patient) -> None:
    patient.setting("ExecStartPre=/bin/sleep 3\nTimeoutStartSec=2")
    patient.restart()
    found = patient.finding("start-timeout")
    patient.take(found)
    patient.mended()


def test_a_server_that_never_says_that_it_is_ready(patient: Patient) -> None:
    patient.host.sh(f"cp -p {VENV}/bin/apiserver {VENV}/bin/uvicorn")
    patient.edit("ExecStart=", "Type=notify\nTimeoutStartSec=2\nExecStart=")
    patient.unit(patient.host.read(FILE).replace("bin/apiserver", "bin/uvicorn"))
    patient.restart()
    found = patient.finding("never-ready")
    patient.take(found)
    patient.mended()


def test_a_unit_that_needs_another_which_fails(patient: Patient) -> None:
    patient.host.systemctl("stop", UNIT)
    patient.host.write_unit("need.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\n"
                            "ExecStart=/srv/elsewhere/migrate\n")  # fmt: skip
    patient.edit("[Unit]", "[Unit]\nRequires=need.service\nAfter=need.service")
    patient.restart()
    found = patient.finding("need-failed")
    assert "need.service" in found["fact"]
    assert "/srv/elsewhere/migrate" in found["fact"]
    patient.host.write("/srv/elsewhere/migrate", "#!/bin/sh\n", mode=0o755)
    patient.take(found, but=["systemctl edit"])


def test_a_command_before_it_that_fails(patient: Patient) -> None:
    patient.setting("ExecStartPre=/bin/sh -c 'exit 4'")
    patient.restart()
    found = patient.finding("control-failed")
    assert "ExecStartPre=/bin/sh -c exit 4 of api.service exited with status 4" in found["fact"]


def test_an_end_by_its_runtime_limit_is_no_slow_start(patient: Patient) -> None:
    patient.setting("RuntimeMaxSec=200ms")
    patient.restart()
    patient.host.wait_for_unit_state(UNIT, "failed")
    patient.log_has("runtime time limit")
    found = patient.finding("failed")
    assert "runtime time limit" in words_of(found)


def test_an_exception_that_it_survived_is_not_why_it_ended(patient: Patient) -> None:
    patient.start_py(
        "import traceback\ntry:\n    import uvloop\nexcept ImportError: traceback.print_exc()\n"
        "print('licence expired')\nsys.exit(3)\n"
    )
    patient.restart()
    patient.log_has("status=3")
    assert "licence expired" in patient.finding("failed")["details"]


def test_an_end_that_systemd_has_forgotten_is_known_from_the_journal(patient: Patient) -> None:
    patient.mended()
    patient.host.sh(f"kill $(systemctl show --value --property=MainPID {UNIT})")
    patient.log_has("Deactivated successfully")
    found = patient.finding("ended")
    patient.take(found)
    patient.mended()
    patient.host.sh(f"systemctl stop {UNIT}; systemctl daemon-reload")
    assert not patient.finding("stopped")["remedy"]["safe"]


# --- health ---------------------------------------------------------------------------------------


def test_a_wrong_status(patient: Patient) -> None:
    patient.mended()
    patient.answers(500, body={"detail": "database is locked"})
    found = patient.finding("wrong-status")
    assert "answered 500" in found["fact"]
    assert "database is locked" in found["fact"]


def test_a_wrong_answer(patient: Patient) -> None:
    patient.mended()
    patient.answers(200, body={"status": "degraded"})
    found = patient.finding("wrong-answer")
    assert 'status is "degraded"' in found["fact"]


def test_a_slow_answer(patient: Patient) -> None:
    patient.mended()
    patient.host.configure(
        CONFIG.replace('timeout = "1s",', 'timeout = "1s", max_latency = "100ms",')
    )
    patient.answers(200, delay=0.3)
    patient.finding("too-slow")


def test_a_service_that_hangs(patient: Patient) -> None:
    patient.mended()
    patient.answers(200, delay=60)
    found = patient.finding("hangs")
    assert found["remedy"]["safe"]
    patient.answers()
    patient.take(found)
    patient.mended()


def test_a_process_that_is_stopped(patient: Patient) -> None:
    patient.mended()
    patient.host.systemctl("kill", "--signal=STOP", UNIT)
    found = patient.finding("process-stopped")
    assert found["remedy"]["safe"]
    patient.take(found)
    patient.mended()


def test_a_log_that_strangers_write_accuses_nobody(patient: Patient) -> None:
    said = [
        "could not open /etc/shadow: Permission denied",
        "GET /No module named 'requests'",
        "ModuleNotFoundError: No module named 'requests'",
        "connection to 10.0.0.9:5432 refused",
        "KeyError: 'HOME2' environ",
    ]
    patient.start_py(f"print(*{said!r}, sep='\\n', flush=True)\n")
    patient.restart()
    patient.mended()
    patient.answers(500)
    patient.finding("wrong-status")
    traceback = "Traceback (most recent call last):"
    patient.start_py(f"print({traceback!r}, *{said[:1]!r}, sep='\\n', flush=True)\n")
    patient.answers()
    patient.restart()
    patient.mended()
    patient.answers(500)
    found = patient.finding("permission-denied")
    assert not any("chown" in command for command in found["remedy"]["commands"])


def test_packets_that_a_filter_drops(patient: Patient) -> None:
    patient.mended()
    patient.host.sh("iptables -I INPUT -p tcp --dport 8000 -j DROP")
    found = patient.finding("packets-dropped")
    patient.host.sh("iptables -D INPUT -p tcp --dport 8000 -j DROP")
    assert "a packet filter drops" in found["meaning"]
    assert not found["remedy"]["safe"]
    patient.mended()


def test_packets_that_its_unit_denies(patient: Patient) -> None:
    patient.setting("IPAddressDeny=any")
    patient.restart()
    wait_for(lambda: ":8000" in patient.host.run("ss", "-ltn").stdout)
    found = patient.finding("packets-dropped")
    assert "IPAddressDeny= of its unit" in found["meaning"]
    patient.unit(SERVICE)
    patient.take(found, but=["systemctl edit"])


# --- fixing ---------------------------------------------------------------------------------------


def test_fix_does_what_is_safe_again_and_again_until_it_is_healthy(patient: Patient) -> None:
    patient.host.sh(f"chmod -x {VENV}/bin/apiserver")
    patient.setting("Restart=no")
    patient.restart()
    patient.host.write(FILE, SERVICE)  # changed, and not read
    code, text = patient.run("doctor", "--fix", "--yes")
    assert code == 0, text
    assert "running: systemctl daemon-reload" in text
    assert f"running: chmod +x {VENV}/bin/apiserver" in text
    assert "healthy after 2 fixes" in text


def test_fix_leaves_to_a_person_what_is_not_safe(patient: Patient) -> None:
    patient.host.systemctl("stop", UNIT)
    code, text = patient.run("doctor", "--fix", "--yes")
    assert code == 1
    assert "not fixed: the remedy is for you to decide" in text
    assert patient.host.unit(UNIT, "ActiveState")["ActiveState"] == "inactive"


def test_fix_does_nothing_without_consent(patient: Patient) -> None:
    patient.mended()
    patient.host.systemctl("kill", "--signal=STOP", UNIT)
    done = patient.host.run("service-watchdog", "doctor", "--fix", check=False)
    assert done.returncode == 1
    assert "cannot ask for consent" in done.stderr
    assert "not fixed: nothing was done" in done.stdout
    patient.host.systemctl("kill", "--signal=CONT", UNIT)


def test_fix_asks_at_a_terminal_and_can_be_interrupted_there(patient: Patient) -> None:
    patient.mended()
    patient.host.systemctl("kill", "--signal=STOP", UNIT)
    done = patient.host.run("python3", "-c", AT_TERMINAL, "\\x03", check=False)
    assert done.returncode == 130, done
    assert "interrupted" in done.stdout
    assert "running:" not in done.stdout
    done = patient.host.run("python3", "-c", AT_TERMINAL, "y\\n", check=False)
    assert done.returncode == 0, done
    assert "running: kill -CONT" in done.stdout
    assert "\N{CHECK MARK}" in done.stdout


def test_fix_does_not_try_the_same_twice(patient: Patient) -> None:
    patient.start_py("sys.exit(0)\n")
    patient.restart()
    patient.host.wait_for_unit_state(UNIT, "inactive")
    code, text = patient.run("doctor", "--fix", "--yes")
    assert code == 1
    assert text.count("running: systemctl restart") == 1
    assert "the same remedy was tried, and did not help" in text


def test_fix_does_not_disturb_a_daemon_that_is_restarting_it(patient: Patient) -> None:
    patient.host.start_daemon()
    patient.start_py("time.sleep(9999)\n")
    patient.host.configure(CONFIG.replace('start_timeout = "1s"', 'start_timeout = "1m"'))
    patient.host.systemctl("reload", DAEMON)
    patient.host.write("/root/impatient.toml", CONFIG)  # in which it is not starting any more
    with patient.host.popen("service-watchdog", "restart", "api") as restarting:
        wait_for(lambda: "recovering" in patient.commands.run("status", "--json").stdout, 20)
        patient.host.systemctl("kill", "--signal=STOP", UNIT)
        impatient = ("doctor", "--config", "/root/impatient.toml")
        wait_for(lambda: patient.answer(*impatient)["code"] == 1, 10)
        code, text = patient.run(*impatient, "--fix", "--yes")
        assert code == 4, text
        assert "in progress: the daemon is recovering api now" in text
        assert "running:" not in text
        patient.host.systemctl("stop", DAEMON)
        restarting.communicate()


# --- preflight ------------------------------------------------------------------------------------


def items(patient: Patient, *options: str) -> dict[str, str]:
    answer = patient.answer("preflight", *options)
    (service,) = answer["services"]
    found = [*service.get("before", ()), *service.get("after", ())]
    return {item["name"]: item["mark"] for item in found} | {"code": str(answer["code"])}


def test_preflight_of_a_host_that_is_ready(patient: Patient) -> None:
    patient.host.systemctl("enable", UNIT)
    patient.mended()
    assert items(patient) == {
        "unit file": "good",
        "program": "good",
        "ports": "good",
        "environment": "good",
        "venv": "good",
        "requirements": "good",
        "nginx-config": "skipped",  # nothing is said of how users reach it
        "firewall": "skipped",
        "aws": "skipped",
        "enabled": "good",
        "unit": "good",
        "port": "good",
        "health": "good",
        "nginx": "skipped",
        "proxy-port": "skipped",
        "proxied": "skipped",
        "external": "skipped",
        "code": "0",
    }


def test_preflight_names_each_item_that_is_not_ready(patient: Patient) -> None:
    patient.host.systemctl("disable", "--now", UNIT, check=False)
    patient.edit("--port 8000", "--port 8001")
    patient.host.sh(f"rm {HOME}/.env; {VENV}/bin/python -m pip uninstall -y greeting")
    found = items(patient, "--before")
    assert {name for name, mark in found.items() if mark == "bad"} == {
        "ports",
        "environment",
        "requirements",
        "enabled",
    }
    assert found["code"] == "1"
    text = patient.run("preflight", "--before")[1]
    assert "greeting is not installed" in text
    assert f"to fix: systemctl enable {UNIT}" in text


def test_preflight_after_a_deploy_that_did_not_start(patient: Patient) -> None:
    patient.host.systemctl("stop", UNIT)
    found = items(patient, "--after")
    assert found["unit"] == found["port"] == found["health"] == "bad"
    (service,) = patient.answer("preflight", "--after")["services"]
    named = {item["name"]: (item["finding"] or {}).get("rule") for item in service["after"]}
    assert (named["unit"], named["port"], named["health"]) == ("stopped", None, None)


# --- otherwise ------------------------------------------------------------------------------------


def test_services_that_are_not_units(patient: Patient) -> None:
    patient.host.configure(KEPT_OTHERWISE)
    answer = patient.examination()
    worker, child = answer["services"]
    assert worker["finding"]["rule"] == "command-says-no"
    assert worker["finding"]["remedy"]["commands"] == ["/bin/true"]
    assert child["stages"][0]["mark"] == "unknown"
    assert "only the daemon knows" in child["stages"][0]["text"]
    assert (child["finding"], child["code"]) == (None, 3)
    patient.host.start_daemon()
    wait_for(lambda: patient.answer("doctor", "child")["code"] == 0, 10)


def test_without_privileges_it_says_what_it_cannot_see(patient: Patient) -> None:
    patient.start_py("sys.stderr.write('no licence\\n')\nsys.exit(7)\n")
    patient.restart()
    patient.log_has("no licence")
    patient.host.write("/tmp/config.toml", CONFIG)
    asked = ("service-watchdog", "doctor", "--config", "/tmp/config.toml")
    done = patient.host.run(*asked, user="nobody", check=False)
    assert done.returncode == 1, done
    assert "to fix:  sudo " in done.stdout
    done = patient.host.run(*asked, "--fix", user="nobody", check=False)
    assert done.returncode == 3
    assert "run it with sudo; nothing is changed" in done.stderr


def test_a_name_that_is_not_configured(patient: Patient) -> None:
    done = patient.host.run("service-watchdog", "doctor", "apu", check=False)
    assert done.returncode == 2
    assert done.stderr == f"cannot find service 'apu': it is not in {CONFIG_FILE}; there is api\n"


def test_a_healthy_host_behind_nginx_is_told_so_within_five_seconds(patient: Patient) -> None:
    urls = "".join(f'{name} = "http://shop.test/health"\n' for name in ("proxied", "external"))
    patient.host.configure(CONFIG.replace("[service.app]", f"{urls}[service.app]"))
    patient.host.write("/etc/nginx/sites-enabled/default", SITE)
    patient.host.sh(f"echo 127.0.0.1 shop.test >>/etc/hosts; systemctl enable {UNIT} nginx")
    patient.host.systemctl("restart", "nginx")
    patient.mended()
    script = "TIMEFORMAT=%R; time service-watchdog doctor --json"
    done = patient.host.run("bash", "-c", script)
    assert float(done.stderr) < 5
    (service,) = json.loads(done.stdout)["services"]
    marks = {stage["name"]: stage["mark"] for stage in service["stages"]}
    assert marks.pop("aws") == "skipped"
    assert len(marks) == 9
    assert set(marks.values()) == {"good"}
    found = items(patient)
    assert [name for name, mark in found.items() if mark == "skipped"] == ["aws"]
    assert found["code"] == "0"
    patient.host.systemctl("stop", "nginx")
    (service,) = patient.answer("preflight", "--after")["services"]
    named = [item["name"] for item in service["after"] if item["finding"]]
    assert named == ["nginx"]


def test_two_services_with_one_cause_are_told_it_once(patient: Patient) -> None:
    front = CONFIG.partition("[service.app]")[0].replace("8000", "8001")
    front = front.replace('unit   = "api.service"', 'unit = "front.service"\ndepends_on = ["api"]')
    patient.host.configure(front + CONFIG)
    patient.host.write("/srv/front.py", SERVER.replace("/srv/api/answer", "/srv/front"))
    patient.host.write("/srv/front.json", json.dumps({"status": 502, "body": "no upstream"}))
    patient.host.write_unit(
        "front.service",
        "[Service]\nEnvironment=API_KEY=x\n"
        'ExecStart=/usr/bin/python3 -c \'import sys; sys.path.insert(0, "/srv"); import front; '
        "front.main()' --port 8001\n",
    )
    patient.host.systemctl("start", "front.service")
    patient.host.sh(f"chmod -x {VENV}/bin/apiserver")
    patient.restart()
    api, front = patient.examination()["services"]
    assert api["finding"]["rule"] == "executable-forbidden"
    assert front["finding"]["rule"] == "need-ill"
    assert "front needs api" in front["finding"]["fact"]
    text = patient.run("doctor")[1]
    assert "finding: the same as of api: front needs api" in text
    code, alone = patient.run("doctor", "front")
    assert code == 1
    assert f"chmod +x {VENV}/bin/apiserver" in alone
    patient.host.systemctl("stop", "front.service")


def test_without_a_bus_it_accuses_nobody(patient: Patient) -> None:
    patient.mended()
    patient.host.systemctl("stop", "dbus.socket", "dbus.service")
    answer = patient.examination()
    patient.host.systemctl("start", "dbus.socket")
    stages = {stage["name"]: stage for stage in answer["services"][0]["stages"]}
    assert stages["unit"]["mark"] == "unknown"
    assert stages["port"]["mark"] == stages["health"]["mark"] == "good"
    assert answer["code"] == 0
