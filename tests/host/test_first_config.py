"""``init`` on a host with two apps, nginx with two sites and a database: what it writes works."""

from __future__ import annotations

import json
import tomllib
from functools import partial
from typing import Any

import pytest

from tests.host.host import wait_for
from tests.host.installed import CONFIG, DAEMON, InstalledHost
from tests.host.running import ended

API = "langchain-api.service"
ODD = r"shop\x2dfront@eu-1.service"
DATABASE = "postgresql@15-main.service"
WORKER = "mail-worker.service"
BROKEN = "broken.service"

NGINX = """
server {
    listen 80;
    server_name api.example.com;
    location / { proxy_pass http://127.0.0.1:8000; }
}
upstream front { server 127.0.0.1:8001 max_fails=0; keepalive 4; }
server {
    listen 8080 default_server;
    server_name _;
    location /shop/ { proxy_pass http://front/; }
}
"""

FRONT = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ping" else 404)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer(("0.0.0.0", 8001), Handler).serve_forever()
"""

SILENT = """
import socket, time
listening = socket.create_server(("127.0.0.1", 5432))
while True:
    listening.accept()
"""


def unit(program: str, more: str = "") -> str:
    return f"[Service]\nExecStart={program}\n{more}\n[Install]\nWantedBy=multi-user.target\n"


@pytest.fixture
def furnished(installed_host: InstalledHost) -> InstalledHost:
    """A host on which all that runs, installed as people install it."""
    host = installed_host
    host.start_peer("sample", "--bare", "--port", "8000", unit=API)
    host.write("/srv/front/app.py", FRONT)
    host.write("/srv/front/requirements.txt", "")
    host.write("/srv/front/.env", "A=b\n")
    host.run("python3", "-m", "venv", "--without-pip", "/srv/front/venv")
    host.write("/srv/silent.py", SILENT)
    front = unit(
        "/srv/front/venv/bin/python app.py",
        "WorkingDirectory=/srv/front\nEnvironmentFile=/srv/front/.env\n"
        "StandardOutput=append:/var/log/front.log",
    )
    units = {
        ODD: front,
        DATABASE: unit("python3 /srv/silent.py"),
        WORKER: unit("sleep infinity"),
    }
    for name, text in units.items():
        host.write_unit(name, text)
    host.write("/etc/nginx/sites-enabled/default", NGINX)
    host.systemctl("start", *units)
    host.write_unit(BROKEN, unit("false", "Type=oneshot"))
    host.run("systemctl", "start", BROKEN, check=False)
    host.systemctl("restart", "nginx.service")
    for port in (8001, 5432):
        wait_for(partial(listens, host, port), what=f"a listener on port {port}")
    return host


def listens(host: InstalledHost, port: int) -> bool:
    return f":{port} " in host.run("ss", "-tlnH").stdout


def services(text: str) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in tomllib.loads(text)["service"]}


def test_init_writes_a_configuration_with_which_the_daemon_finds_all_well(
    furnished: InstalledHost,
) -> None:
    host = furnished
    example = host.read(CONFIG)
    host.configure(f"{example}# ours\n")
    refused = host.run("service-watchdog", "init", check=False)
    assert refused.returncode == 1
    assert "it is there already; nothing was changed" in refused.stderr
    assert host.read(CONFIG) == f"{example}# ours\n"
    host.configure(example)

    said = host.run("service-watchdog", "init").stdout
    text = host.read(CONFIG)
    found = services(text)

    assert list(found) == [
        "langchain-api", "mail-worker", "postgresql-15-main", "shop-front-eu-1", "nginx",
    ], text  # fmt: skip
    assert host.run("stat", "-c", "%a %U:%G", CONFIG).stdout == "640 root:service-watchdog\n"
    api = found["langchain-api"]
    assert (api["unit"], api["port"]) == (API, 8000)
    assert api["health"] == "http://127.0.0.1:8000/health"
    assert api["proxied"] == {
        "url": "http://127.0.0.1/health", "headers": {"Host": "api.example.com"},
    }  # fmt: skip
    assert api["external"] == "http://api.example.com/health"
    front = found["shop-front-eu-1"]
    assert (front["unit"], front["port"]) == (ODD, 8001)
    assert front["health"] == "http://127.0.0.1:8001/ping"
    assert front["proxied"] == {"url": "http://127.0.0.1:8080/shop/ping"}
    assert "external" not in front
    assert front["app"] == {
        "env_file": "/srv/front/.env",
        "venv": "/srv/front/venv",
        "requirements": "/srv/front/requirements.txt",
    }
    assert front["evidence"] == {"logs": ["/var/log/front.log"]}
    database = {"name": "postgresql-15-main", "unit": DATABASE, "port": 5432}
    assert found["postgresql-15-main"] == database
    assert found["mail-worker"] == {"name": "mail-worker", "unit": WORKER}
    assert found["nginx"] == {"name": "nginx", "unit": "nginx.service", "port": 80}
    assert "found shop-front-eu-1: " in said
    assert f"wrote {CONFIG} in place of the example; " in said
    assert host.run("ls", "-A", "/etc/service-watchdog").stdout.split() == [
        "config.toml", "credentials",
    ]  # fmt: skip
    assert "which was not asked for a path" in text
    assert f"# {BROKEN}: it does not run; " in text

    host.start_daemon()
    status = json.loads(host.run("service-watchdog", "check", "--json", check=False).stdout)
    assert {each["name"]: each["verdict"] for each in status["services"]} == dict.fromkeys(
        found, "pass"
    )
    assert host.unit(DAEMON, "ActiveState")["ActiveState"] == "active"


def test_init_prints_without_writing_and_says_what_it_may_not_see(
    furnished: InstalledHost,
) -> None:
    host = furnished
    before = host.read(CONFIG)
    done = host.run(
        "setpriv", "--reuid=nobody", "--clear-groups", "service-watchdog", "init", "--output", "-"
    )
    assert "langchain-api" in services(done.stdout)
    assert "cannot ask nginx where it leads: nginx-test needs root" in done.stderr
    assert host.read(CONFIG) == before


def test_ports_tells_whose_each_port_is_until_a_stranger_takes_one(
    furnished: InstalledHost,
) -> None:
    host = furnished
    host.run("service-watchdog", "init")
    answer = json.loads(host.run("service-watchdog", "ports", "--json").stdout)
    rows = {(row["service"], row["port"], row["state"]): row for row in answer["ports"]}
    assert answer["code"] == 0
    api = rows["langchain-api", 8000, "expected"]
    assert api["unit"] == API
    assert (api["address"], api["families"], api["reach"]) == (
        "127.0.0.1", "IPv4", "loopback only",
    )  # fmt: skip
    assert rows["shop-front-eu-1", 8001, "expected"]["reach"] == "everywhere"
    assert ("nginx", 80, "expected") in rows
    assert ("nginx", 8080, "expected") in rows

    host.systemctl("stop", API)
    gone = host.run("service-watchdog", "ports", "langchain-api", check=False)
    assert gone.returncode == 1
    assert "nothing listens" in gone.stdout
    host.start_peer("sample", "--bare", "--port", "8000", unit="stranger.service")
    taken = host.run("service-watchdog", "ports", "langchain-api", check=False)
    assert taken.returncode == 1
    assert "stranger.service" in taken.stdout
    assert f"a stranger: {API} should" in taken.stdout


def test_ports_shows_a_change_while_it_watches(furnished: InstalledHost) -> None:
    host = furnished
    host.run("service-watchdog", "init")
    with ended(host.popen("service-watchdog", "ports", "langchain-api", "-w")) as watching:
        assert watching.stdout is not None
        table = [watching.stdout.readline() for _ in range(3)]
        assert [line.split()[:2] for line in table] == [
            ["SERVICE", "PORT"], ["langchain-api", "8000"], ["nginx", "80"],
        ]  # fmt: skip
        host.systemctl("stop", API)
        assert "8000: 127.0.0.1 closed, was " in watching.stdout.readline()
        assert "8000: nothing listens" in watching.stdout.readline()
