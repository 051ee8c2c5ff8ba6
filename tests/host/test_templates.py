"""The templates on a real host: what they say is tested there, and what is installed works."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.host.fronted import APP, CONFIG, DOMAIN, LINK, NAME, SITE, SOCKET, UNIT, FrontedHost
from tests.host.installed import InstalledHost
from tests.host.network import HttpReply
from tests.host.peers.certificate import self_signed
from tests.host.peers.counting import BUSY, CUT, CountingBackend

UNIT_FILE = f"/etc/systemd/system/{UNIT}"
BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"

# As the document that this project grew from has it.
REFERENCE_SITE = f"""
server {{
    listen 80;
    server_name {DOMAIN};
    location / {{
        proxy_pass http://127.0.0.1:8000;
        proxy_http_version 1.1;
        proxy_next_upstream error timeout http_502 http_503;
        proxy_next_upstream_tries 3;
        proxy_next_upstream_timeout 10s;
        proxy_connect_timeout 10s;
    }}
}}
"""

WEBSOCKET = f"""
import asyncio
from websockets.asyncio.client import connect
async def talk():
    async with connect("ws://{DOMAIN}/ws", host="127.0.0.1", port=80, proxy=None) as socket:
        await socket.send("hello there")
        print(await socket.recv())
asyncio.run(talk())
"""


@pytest.fixture
def fronted(installed_host: InstalledHost) -> FrontedHost:
    fronted = FrontedHost(installed_host)
    fronted.configure()
    return fronted


def ask(fronted: FrontedHost, path: str = "/", method: str = "GET", accept: str = "") -> HttpReply:
    headers = {"Host": DOMAIN, **({"Accept": accept} if accept else {})}
    body = "x" if method == "POST" else None
    url = f"http://127.0.0.1{path}"
    return fronted.host.http(url, method=method, body=body, headers=headers)


# --------------------------------------------------------------------------------------- the site


def test_a_site_brings_requests_to_the_application(fronted: FrontedHost) -> None:
    fronted.start("unit")
    told = fronted.install_site()
    assert f"+++ {SITE}" in told
    assert f"installed {LINK}" in told
    assert "  systemctl reload nginx.service" in told
    reply = ask(fronted, "/some/path?x=1")
    assert (reply.status, reply.text) == (200, "hello")
    assert reply.headers["x-asked"] == "GET /some/path"
    assert reply.headers["x-saw-x-forwarded-for"] == "127.0.0.1"
    assert reply.headers["x-saw-x-forwarded-proto"] == "http"
    assert len(ask(fronted, "/big").body) == 1 << 20
    assert ask(fronted, "/", "POST").text == "x"
    assert ask(fronted, "/health").text == "healthy"
    assert fronted.host.run("/opt/peers/bin/python", "-c", WEBSOCKET).stdout == "hello there\n"
    assert "/some/path" in fronted.host.read("/var/log/nginx/access.log")
    assert "/health" not in fronted.host.read("/var/log/nginx/access.log")


def test_an_application_whose_name_begins_with_a_digit_has_a_site_too(fronted: FrontedHost) -> None:
    fronted.host.configure(CONFIG.replace(UNIT, f"3{UNIT}"))
    fronted.templates("unit", "3api", *APP, "--install", "--yes")
    fronted.templates("nginx", "3api", "--domain", DOMAIN, "--install", "--yes")
    fronted.host.systemctl("start", f"3{UNIT}", timeout=60)
    fronted.host.systemctl("restart", "nginx")
    assert ask(fronted).text == "hello"
    assert ask(fronted, method="POST").text == "x"


def test_a_site_with_a_certificate_is_asked_over_https(
    fronted: FrontedHost, tmp_path: Path
) -> None:
    self_signed(tmp_path, f"DNS:{DOMAIN}")
    fronted.host.copy_in(tmp_path, "/etc/tls")
    fronted.start("unit")
    pair = ("--certificate", "/etc/tls/certificate.pem", "--key", "/etc/tls/key.pem")
    fronted.install_site("--tls", *pair)
    reply = ask(fronted, "/a?b=c")
    assert (reply.status, reply.headers["Location"]) == (301, f"https://{DOMAIN}/a?b=c")
    over = ("--cacert", "/etc/tls/certificate.pem", "--connect-to", f"{DOMAIN}:443:127.0.0.1:443")
    answer = fronted.host.run("curl", "-sSi", *over, f"https://{DOMAIN}/").stdout
    assert "x-saw-x-forwarded-proto: https" in answer
    assert answer.endswith("hello")


def test_while_the_application_is_away_people_get_a_page_and_programs_json(
    fronted: FrontedHost,
) -> None:
    fronted.install_site()
    page = ask(fronted, accept=BROWSER)
    assert (page.status, page.headers["Retry-After"]) == (503, "2")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Cache-Control"] == "no-store"
    assert 'http-equiv="refresh"' in page.text
    answer = ask(fronted, accept="application/json")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    assert answer.headers["Content-Type"] == "application/json"
    assert json.loads(answer.text) == {"error": "unavailable", "retry_after": 2}
    posted = ask(fronted, method="POST", accept=BROWSER)
    assert posted.status == 502
    assert "Retry-After" not in posted.headers
    assert "refresh" not in posted.text
    assert ask(fronted, "/health", accept=BROWSER).status == 502


@pytest.mark.parametrize(
    ("answer", "get", "post"),
    [(CUT, 2, 1), (BUSY, 1, 1)],
    ids=["cut", "503"],
)
def test_a_get_that_was_cut_is_asked_twice_and_a_post_never(
    fronted: FrontedHost, answer: bytes, get: int, post: int
) -> None:
    fronted.install_site()
    with CountingBackend(fronted.host.listen(8000), answer) as backend:
        ask(fronted)
        assert backend.tries == get
        ask(fronted, method="POST")
        assert backend.tries == get + post


@pytest.mark.parametrize("answer", [CUT, BUSY], ids=["cut", "503"])
def test_the_lines_of_the_reference_document_ask_once(fronted: FrontedHost, answer: bytes) -> None:
    fronted.host.write("/etc/nginx/conf.d/reference.conf", REFERENCE_SITE)
    fronted.host.systemctl("restart", "nginx")
    with CountingBackend(fronted.host.listen(8000), answer) as backend:
        assert ask(fronted).status in {502, 503}
        assert backend.tries == 1


def test_several_lines_of_one_server_are_several_tries_and_still_none_for_a_post(
    fronted: FrontedHost,
) -> None:
    lines = 3 * "server 127.0.0.1:8000 max_fails=0; "
    site = REFERENCE_SITE.replace("http://127.0.0.1:8000", "http://thrice")
    thrice = f"upstream thrice {{ {lines}}}\n{site}"
    fronted.host.write("/etc/nginx/conf.d/reference.conf", thrice)
    fronted.host.systemctl("restart", "nginx")
    with CountingBackend(fronted.host.listen(8000), CUT) as backend:
        assert ask(fronted).status == 502
        assert backend.tries == 3
        assert ask(fronted, method="POST").status == 502
        assert backend.tries == 4


# ---------------------------------------------------------------------------------------- the unit


@pytest.mark.parametrize(
    "options",
    [(), ("--server", "gunicorn", "--app", "tests.host.peers.wsgi:app")],
    ids=["uvicorn", "gunicorn"],
)
def test_started_means_answers(fronted: FrontedHost, options: tuple[str, ...]) -> None:
    host = fronted.host
    host.write(f"/etc/systemd/system/{UNIT}.d/slow.conf", "[Service]\nEnvironment=START_DELAY=1\n")
    fronted.start("unit", *options)
    assert host.http("http://127.0.0.1:8000/health").status == 200
    assert host.unit(UNIT, "ActiveState") == {"ActiveState": "active"}


def test_a_proxy_in_the_environment_is_not_asked_whether_it_started(fronted: FrontedHost) -> None:
    proxy = "http_proxy=http://127.0.0.1:9\nHTTP_PROXY=http://127.0.0.1:9\n"
    fronted.host.write("/etc/api.env", proxy)
    fronted.start("unit", "--env-file", "/etc/api.env")
    assert fronted.host.unit(UNIT, "ActiveState") == {"ActiveState": "active"}


def test_what_stands_in_the_path_of_health_is_asked_for_and_not_executed(
    fronted: FrontedHost,
) -> None:
    fronted.configure(CONFIG.replace("/health", "/health&exit"))
    fronted.start("unit")
    log = fronted.host.run("journalctl", "-u", UNIT, "-o", "cat").stdout
    assert '"GET /health%26exit HTTP/1.1" 200' in log


@pytest.mark.parametrize("kind", ["unit", "socket"])
def test_an_application_that_cannot_start_is_a_failed_unit(fronted: FrontedHost, kind: str) -> None:
    nowhere = ("--app", "tests.host.peers.nowhere:app")
    fronted.templates(kind, NAME, *APP, *nowhere, "--install", "--yes")
    failed = fronted.host.systemctl("start", UNIT, check=False, timeout=60)
    assert failed.returncode == 1
    assert fronted.host.unit(UNIT, "ActiveState")["ActiveState"] != "active"
    fronted.host.systemctl("stop", UNIT, check=False)


def test_a_unit_is_filled_from_the_one_that_is_there(fronted: FrontedHost) -> None:
    fronted.host.run("useradd", "--system", "webuser")
    fronted.host.write("/etc/api.env", "KEY=value\n")
    fronted.host.write_unit(
        UNIT,
        "[Service]\nUser=webuser\nWorkingDirectory=/src\nEnvironmentFile=/etc/api.env\n"
        "EnvironmentFile=-/etc/more.env\nEnvironment=PORT=1 TOKEN=secret\nLimitNOFILE=9999\n"
        "ExecStart=/opt/peers/bin/uvicorn tests.host.peers.asgi:app --workers 3 --port 8000 "
        "--root-path /x\n",
    )
    text = fronted.templates("unit", NAME)
    for line in (
        "User=webuser",
        "WorkingDirectory=/src",
        "EnvironmentFile=/etc/api.env",
        "EnvironmentFile=-/etc/more.env",
        "Environment=PORT=8000 WORKERS=3 PYTHONUNBUFFERED=1",
    ):
        assert line in text.splitlines()
    assert "/opt/peers/bin/uvicorn tests.host.peers.asgi:app --host 127.0.0.1" in text
    told = fronted.templates("unit", NAME, "--install", "--yes")
    lost = "ExecStart=… --root-path /x, Environment=TOKEN, LimitNOFILE="
    assert f"note: not carried over: {lost}; what you need of it goes into a drop-in" in told


# ------------------------------------------------------------------------------------ installation


def test_a_second_installation_has_nothing_to_do(fronted: FrontedHost) -> None:
    fronted.install_site()
    fronted.templates("socket", NAME, *APP, "--install", "--yes")
    files = (
        f"stat -c '%n %a %U:%G %i' {SITE} {LINK} /etc/systemd/system/{NAME}.* /usr/local/lib/*/*"
    )
    before = fronted.host.sh(files).stdout
    assert f"{SITE} 644 root:root" in before
    site = fronted.templates("nginx", NAME, "--domain", DOMAIN, "--install")
    unit = fronted.templates("socket", NAME, "--install")  # filled from what is there
    assert site.startswith("nothing to do")
    assert unit.startswith("nothing to do")
    assert fronted.host.sh(files).stdout == before


def test_without_a_terminal_nothing_is_written_unless_it_is_sure(fronted: FrontedHost) -> None:
    told = fronted.templates("nginx", NAME, "--domain", DOMAIN, "--install", code=2)
    assert "there is no terminal; nothing was changed" in told
    assert not fronted.host.exists(SITE)


@pytest.mark.parametrize(("answer", "is_there"), [("n", False), ("", False), ("y", True)])
def test_at_a_terminal_it_asks(fronted: FrontedHost, answer: str, is_there: bool) -> None:
    command = f"service-watchdog templates nginx {NAME} --domain {DOMAIN} --install"
    script = f"echo {answer} | script -qec '{command}' /dev/null"
    told = fronted.host.sh(script, check=False).stdout
    assert "write these 2 files? [y/N]" in told
    assert fronted.host.exists(SITE) is is_there
    assert ("nothing was changed" in told) is not is_there


def is_asleep(fronted: FrontedHost) -> bool:
    command = ("pgrep", "--full", "--runstates", "S", "python.* templates nginx")
    return fronted.host.run(*command, check=False).returncode == 0


def test_at_a_terminal_one_ctrl_c_is_enough(fronted: FrontedHost) -> None:
    command = f"service-watchdog templates nginx {NAME} --domain {DOMAIN} --install"
    pipe = subprocess.PIPE
    script = ("script", "-qec", command, "/dev/null")
    with fronted.host.popen(*script, stdin=pipe, stdout=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told = ""
        while not told.endswith("[y/N] "):
            told += process.stdout.read(1)
        # Python misses a signal in the moment between its prompt and its read.
        fronted.host.wait_for(lambda: is_asleep(fronted), what="it waits for the answer")
        process.stdin.write("\x03")
        process.stdin.flush()
        assert process.wait(timeout=20) == 130
        assert process.stdout.read().split("\n")[1:] == ["nothing was changed", ""]
    assert not fronted.host.exists(SITE)


@pytest.mark.parametrize("ending", ["INT", "TERM", "HUP"])
def test_ended_in_the_middle_it_leaves_all_as_it_was(fronted: FrontedHost, ending: str) -> None:
    host = fronted.host
    host.write(SITE, "# by hand\n")
    host.write("/usr/local/sbin/nginx", "#!/bin/sh\nexec sleep infinity\n", mode=0o755)
    pipe = subprocess.PIPE
    command = ("service-watchdog", "templates", "nginx", NAME, "--install", "--yes")
    with host.popen(*command, stdout=pipe, stderr=pipe) as process:
        assert process.stderr is not None
        host.wait_for(lambda: host.exists(LINK), what="the site is being tested")
        host.run("pkill", f"-{ending}", "-f", "service-watchdog templates nginx")
        assert process.wait(timeout=20) == 130
        assert process.stderr.read() == "interrupted; all is as it was\n"
    assert host.read(SITE) == "# by hand\n"
    assert not host.exists(LINK)
    assert host.run("pgrep", "-x", "sleep", check=False).stdout == ""


def test_what_a_killed_installation_left_untested_is_tested_by_the_next(
    fronted: FrontedHost,
) -> None:
    host = fronted.host
    host.write("/usr/local/sbin/nginx", "#!/bin/sh\nexec sleep infinity\n", mode=0o755)
    missing = ("--tls", "--certificate", "/nowhere.pem", "--key", "/nowhere.key")
    install = ("nginx", NAME, "--domain", DOMAIN, *missing, "--install", "--yes")
    with host.popen("service-watchdog", "templates", *install) as process:
        host.wait_for(lambda: host.exists(LINK), what="the site is being tested")
        host.run("pkill", "-KILL", "-f", "service-watchdog templates nginx")
        process.wait(timeout=20)
    host.run("rm", "/usr/local/sbin/nginx")
    told = fronted.templates(*install, code=1)
    assert "cannot load certificate" in told
    assert "the files are as they should be, and the test has failed" in told


def test_a_site_that_another_one_hides_is_told_of(fronted: FrontedHost) -> None:
    fronted.host.write("/etc/nginx/conf.d/a.conf", f"server {{ listen 80; server_name {DOMAIN}; }}")
    assert f'conflicting server name "{DOMAIN}"' in fronted.install_site()


def test_what_was_written_by_hand_is_shown_and_kept(fronted: FrontedHost) -> None:
    host = fronted.host
    host.write(SITE, "# by hand\n", mode=0o640, owner="www-data:www-data")
    told = fronted.templates("nginx", NAME, "--domain", DOMAIN, "--install", "--yes")
    assert "-# by hand" in told
    [backup] = host.sh(f"ls {SITE}.*.bak").stdout.split()
    assert f"what was there is kept in {backup}" in told
    assert host.read(backup) == "# by hand\n"
    assert host.run("stat", "-c", "%a %U", backup).stdout == "640 www-data\n"


def test_a_site_that_nginx_refuses_is_taken_back(fronted: FrontedHost) -> None:
    host = fronted.host
    host.write(SITE, "# by hand\n")
    missing = ("--tls", "--certificate", "/nowhere.pem", "--key", "/nowhere.key")
    told = fronted.templates(
        *("nginx", NAME, "--domain", DOMAIN, "--install", "--yes", *missing), code=1
    )
    assert "cannot load certificate" in told
    assert "the test has failed; all is as it was" in told
    assert host.read(SITE) == "# by hand\n"
    assert not host.exists(LINK)
    assert host.sh(f"ls {SITE}.*", check=False).stdout == ""
    host.run("nginx", "-t")


def test_without_a_name_the_other_default_site_is_in_the_way(fronted: FrontedHost) -> None:
    told = fronted.templates("nginx", NAME, "--install", "--yes", code=1)
    assert "/etc/nginx/sites-enabled/default is a default server too" in told
    assert "all is as it was" in told
    fronted.host.run("rm", "/etc/nginx/sites-enabled/default")
    fronted.start("unit")
    fronted.templates("nginx", NAME, "--install", "--yes")
    fronted.host.systemctl("restart", "nginx")
    assert fronted.host.http("http://127.0.0.1/").text == "hello"


def test_a_unit_that_systemd_refuses_is_taken_back(fronted: FrontedHost) -> None:
    fronted.templates("unit", NAME, *APP, "--install", "--yes")
    before = fronted.host.read(UNIT_FILE)
    told = fronted.templates("socket", NAME, "--venv", "/nowhere", "--install", "--yes", code=1)
    assert "/nowhere/bin/python3 is not executable" in told
    assert "all is as it was" in told
    assert fronted.host.read(UNIT_FILE) == before
    assert not fronted.host.exists(f"/etc/systemd/system/{SOCKET}")


def test_what_is_masked_or_linked_is_left_alone(fronted: FrontedHost) -> None:
    fronted.host.systemctl("mask", UNIT)
    told = fronted.templates("unit", NAME, *APP, "--install", "--yes", code=3)
    assert "systemctl unmask" in told
    fronted.host.systemctl("unmask", UNIT)
    fronted.host.write("/srv/api.service", "[Service]\nExecStart=/bin/true\n")
    fronted.host.run("ln", "-s", "/srv/api.service", UNIT_FILE)
    told = fronted.templates("unit", NAME, *APP, "--install", "--yes", code=3)
    assert "a symbolic link to /srv/api.service" in told


def test_who_is_not_root_sees_what_would_change(fronted: FrontedHost) -> None:
    fronted.host.run("chmod", "a+r", "/etc/service-watchdog/config.toml")
    fronted.host.run("chmod", "a+x", "/etc/service-watchdog")
    command = ("service-watchdog", "templates", "nginx", NAME, "--install", "--yes")
    done = fronted.host.run(*command, user="nobody", check=False)
    assert done.returncode == 3
    assert f"+++ {SITE}" in done.stdout
    assert "not root; nothing was changed" in done.stderr


def test_where_nginx_has_one_directory_the_site_goes_there(fronted: FrontedHost) -> None:
    fronted.host.sh("rm -r /etc/nginx/sites-available /etc/nginx/sites-enabled")
    fronted.templates("nginx", NAME, "--install", "--yes")
    assert fronted.host.exists(f"/etc/nginx/conf.d/{NAME}.conf")
