"""nginx on a real host: each test breaks it, the doctor names the cause, its remedy mends it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.host.image import Images
from tests.host.storefront import (
    AVAILABLE,
    DEFAULT,
    ENABLED,
    SHOP,
    SITE,
    URLS,
    Storefront,
    storefront,
)

pytestmark = pytest.mark.timeout(120)

SQUATTER = "[Service]\nExecStart=/usr/bin/python3 -m http.server {port}\n"


@pytest.fixture(scope="module")
def booted(images: Images) -> Iterator[Storefront]:
    with storefront(images) as shop:
        yield shop


@pytest.fixture
def shop(booted: Storefront) -> Storefront:
    booted.heal()
    return booted


def test_a_healthy_host_has_no_finding(shop: Storefront) -> None:
    assert shop.is_well()
    told = shop.examine()
    assert told["seconds"] < 5
    assert told["steps"]["nginx"] == ["good", "nginx.service is active"]
    assert told["steps"]["proxy-port"] == ["good", "listening at 192.168.7.2:80"]
    assert told["steps"]["external"] == ["skipped", "external is not configured"]


def test_without_root_what_cannot_be_seen_is_unknown_and_the_rest_goes_on(
    shop: Storefront,
) -> None:
    told = shop.examine(user="mallory")
    marks = {name: mark for name, (mark, _) in told["steps"].items()}
    assert marks == {
        "nginx": "good",
        "nginx-config": "unknown",
        "proxy-port": "good",
        "proxied": "good",
        "firewall": "unknown",
        "external": "skipped",
    }
    assert "run this with sudo" in told["steps"]["firewall"][1]


def test_nothing_is_asked_of_a_service_that_nobody_reaches_from_outside(shop: Storefront) -> None:
    shop.configure("")
    assert {mark for mark, _ in shop.examine()["steps"].values()} == {"skipped"}


def test_what_runs_another_configuration_or_no_nginx_at_all_is_not_tested(shop: Storefront) -> None:
    shop.host.sh("mkdir -p /etc/nginx/own; cp -a /etc/nginx/*.* /etc/nginx/own")
    start = "ExecStart=\nExecStart=/usr/sbin/nginx -g 'daemon on;' -c /etc/nginx/own/nginx.conf\n"
    shop.host.write_unit("nginx.service.d/own.conf", f"[Service]\n{start}")
    shop.site(SITE.replace("proxy_pass", "proxy_pas"))
    own = shop.examine()
    shop.host.write_unit("nginx.service.d/own.conf", "[Service]\nExecStart=\nExecStart=/bin/true\n")
    other = shop.examine()
    shop.host.sh("mkdir -p /opt/sbin; cp /usr/sbin/nginx /opt/sbin")
    start = "ExecStart=\nExecStart=/opt/sbin/nginx -g 'daemon on;'\n"
    shop.host.write_unit("nginx.service.d/own.conf", f"[Service]\n{start}")
    binary = shop.examine()
    shop.host.sh("rm -r /etc/systemd/system/nginx.service.d; systemctl daemon-reload")
    assert own["steps"]["nginx-config"] == [
        "unknown",
        "not tested: nginx.service starts nginx with -c /etc/nginx/own/nginx.conf",
    ]
    assert other["steps"]["nginx-config"] == [
        "unknown",
        "not tested: nginx.service does not run nginx",
    ]
    assert binary["steps"]["nginx-config"] == [
        "unknown",
        "not tested: nginx.service runs /opt/sbin/nginx, which is not the nginx in PATH",
    ]


def test_a_unit_as_nginx_org_ships_it_has_the_usual_configuration(shop: Storefront) -> None:
    start = "Environment=CONFFILE=/etc/nginx/nginx.conf\nEnvironmentFile=-/etc/default/nginx\n"
    start += "ExecStart=\nExecStart=/usr/sbin/nginx -c ${CONFFILE}\n"
    shop.host.write_unit("nginx.service.d/org.conf", f"[Service]\n{start}")
    usual = shop.examine()
    shop.host.write("/etc/default/nginx", "# mine\nCONFFILE=/etc/mine.conf\n")
    mine = shop.examine()
    shop.host.sh("rm -r /etc/systemd/system/nginx.service.d /etc/default/nginx")
    shop.host.systemctl("daemon-reload")
    assert usual["steps"]["nginx-config"][0] == "good"
    assert mine["steps"]["nginx-config"][1].endswith("starts nginx with -c /etc/mine.conf")


# --- does it run? --------------------------------------------------------------------------------


def test_stopped(shop: Storefront) -> None:
    shop.host.systemctl("disable", "--now", "nginx")
    found = shop.finding()
    assert found["rule"] == "nginx-stopped"
    assert found["fact"] == "nginx.service is stopped, and does not start with the host"
    assert found["remedy"] == {"commands": ["systemctl enable --now nginx.service"], "safe": True}
    shop.mend(found)
    assert shop.is_well()


def test_masked(shop: Storefront) -> None:
    shop.host.systemctl("mask", "--now", "nginx")
    found = shop.finding()
    assert found["rule"] == "nginx-masked"
    shop.mend(found)
    assert shop.is_well()


def test_not_installed(shop: Storefront) -> None:
    shop.host.systemctl("stop", "nginx")
    shop.configure(f'proxied = "http://{SHOP}/health"\nnginx = "angie.service"\n')
    found = shop.finding()
    assert found["rule"] == "nginx-not-installed"
    assert found["fact"] == "angie.service does not exist on this host"


def test_failed(shop: Storefront) -> None:
    shop.host.sh("systemctl stop nginx; chmod -x /usr/sbin/nginx; systemctl start nginx || true")
    shop.host.sh("chmod +x /usr/sbin/nginx")
    found = shop.finding()
    assert found["rule"] == "nginx-failed"
    assert found["remedy"]["safe"]
    shop.mend(found)
    assert shop.is_well()


def test_the_port_is_taken_so_that_nginx_cannot_start(shop: Storefront) -> None:
    shop.host.systemctl("stop", "nginx")
    shop.host.write_unit("squatter.service", SQUATTER.format(port=80))
    shop.host.systemctl("start", "squatter.service")
    shop.host.wait_for(lambda: "0.0.0.0:80 " in shop.host.run("ss", "-ltn").stdout)
    shop.host.systemctl("start", "nginx", check=False)
    found = shop.finding()
    assert found["rule"] == "nginx-port-taken"
    assert found["fact"].startswith("port 80 is held by python3 (pid ")
    assert "squatter.service" in found["fact"]
    shop.mend(found)
    assert shop.is_well()


def test_who_answers_in_the_place_of_nginx_is_left_alone(shop: Storefront) -> None:
    shop.host.systemctl("stop", "nginx")
    shop.host.sh("mkdir -p /srv/www; echo fine >/srv/www/health")
    in_its_place = SQUATTER.format(port=80) + "WorkingDirectory=/srv/www\n"
    shop.host.write_unit("squatter.service", in_its_place)
    shop.host.systemctl("start", "squatter.service")
    shop.host.wait_for(lambda: "0.0.0.0:80 " in shop.host.run("ss", "-ltn").stdout)
    assert shop.is_well()


# --- is it valid? --------------------------------------------------------------------------------


@pytest.mark.parametrize("meant", ["disable", "mask"])
def test_who_stands_in_the_place_of_nginx_is_not_told_to_go(shop: Storefront, meant: str) -> None:
    shop.host.systemctl(meant, "--now", "nginx")
    shop.host.write_unit("squatter.service", SQUATTER.format(port=80))  # answers 404
    shop.host.systemctl("start", "squatter.service")
    shop.host.wait_for(lambda: "0.0.0.0:80 " in shop.host.run("ss", "-ltn").stdout)
    found = shop.finding()
    assert found["rule"] == "proxy-is-another"
    assert found["fact"].startswith("python3 (pid ")
    assert found["remedy"]["commands"][0].endswith('# nginx = "squatter.service"')
    shop.configure(URLS + 'nginx = "squatter.service"\n')
    told = shop.examine()
    assert told["steps"]["proxy-port"][0] == "good"
    assert told["steps"]["nginx-config"][0] == "unknown"
    assert told["finding"] is None  # nothing that is known of nginx fits


def test_a_mistake_is_named_with_file_line_and_directive(shop: Storefront) -> None:
    shop.site(SITE.replace("proxy_pass", "proxy_pas"))
    found = shop.finding()
    assert found["rule"] == "nginx-config-error"
    assert found["fact"] == f'{ENABLED}:6: unknown directive "proxy_pas"'
    assert found["remedy"]["commands"][0] == f"editor +6 {ENABLED}"


def test_the_mistake_is_named_too_when_nginx_does_not_run_for_it(shop: Storefront) -> None:
    shop.site(SITE.replace("proxy_pass", "proxy_pas"))
    shop.host.systemctl("restart", "nginx", check=False)
    assert shop.finding()["rule"] == "nginx-config-error"


def test_an_included_file_is_missing(shop: Storefront) -> None:
    shop.site(SITE.replace("listen 80;", "listen 80; include /etc/nginx/shop.inc;"))
    found = shop.finding()
    assert found["rule"] == "nginx-include-missing"
    assert found["fact"] == f"{ENABLED}:2 names /etc/nginx/shop.inc, which does not exist"


def test_an_enabled_site_is_a_link_to_nothing(shop: Storefront) -> None:
    shop.host.sh(f"ln -s /nowhere {ENABLED}.bak")
    found = shop.finding()
    assert found["rule"] == "nginx-include-missing"
    assert f"names {ENABLED}.bak, which does not exist" in found["fact"]


def test_a_certificate_is_missing(shop: Storefront) -> None:
    lines = "listen 443 ssl; ssl_certificate /etc/shop.pem; ssl_certificate_key /etc/shop.key;"
    shop.site(SITE.replace("listen 80;", lines))
    found = shop.finding()
    assert found["rule"] == "nginx-certificate-missing"
    assert found["fact"] == (
        "/etc/shop.pem, which nginx needs as a certificate or its key, does not exist"
    )


def test_an_upstream_cannot_be_resolved(shop: Storefront) -> None:
    shop.site(SITE.replace("127.0.0.1:8000", "app.internal:8000"))
    found = shop.finding()
    assert found["rule"] == "nginx-upstream-unresolved"
    assert "app.internal" in found["fact"]


def test_two_sites_claim_to_be_the_default(shop: Storefront) -> None:
    shop.host.sh(f"ln -s ../sites-available/default {DEFAULT}")
    shop.site(SITE.replace("listen 80;", "listen 80 default_server;"))
    found = shop.finding()
    assert found["rule"] == "nginx-two-defaults"
    assert found["fact"] == f"{ENABLED}:2 is the second default_server of 0.0.0.0:80"


# --- does it listen? -----------------------------------------------------------------------------


def test_no_server_block_listens_on_the_port(shop: Storefront) -> None:
    shop.load(SITE.replace(":80;", ":8080;").replace(" 80;", " 8080;"))
    found = shop.finding()
    assert found["rule"] == "nginx-listens-elsewhere"
    assert found["fact"] == "no server block of nginx listens on port 80"
    assert found["remedy"]["commands"][0] == f"editor +1 {ENABLED}  # add: listen 80;"


def test_ipv6_is_asked_and_nginx_listens_by_ipv4_only(shop: Storefront) -> None:
    shop.host.write("/etc/hosts", f"fd07::2 {SHOP}\n")
    shop.load(SITE.replace("listen [::]:80;", ""))
    found = shop.finding()
    assert found["rule"] == "nginx-listens-elsewhere"
    assert found["fact"] == "no server block of nginx listens on port 80 by IPv6"


def test_somebody_else_listens_where_nginx_should(shop: Storefront) -> None:
    shop.load(SITE.replace(":80;", ":8080;").replace(" 80;", " 8080;"))
    shop.host.write_unit("squatter.service", SQUATTER.format(port=80))
    shop.host.systemctl("start", "squatter.service")
    shop.host.wait_for(lambda: "0.0.0.0:80 " in shop.host.run("ss", "-ltn").stdout)
    found = shop.finding()
    assert found["rule"] == "proxy-port-of-another"
    assert "squatter.service" in found["fact"]
    shop.site(SITE)
    shop.mend(found)
    assert shop.is_well()


def test_a_port_that_was_added_and_not_loaded(shop: Storefront) -> None:
    shop.load(SITE.replace(":80;", ":8080;").replace(" 80;", " 8080;"))
    shop.site(SITE)
    found = shop.finding()
    assert found["rule"] == "port-not-loaded"
    assert found["remedy"]["safe"]
    shop.mend(found)
    assert shop.is_well()


# --- does it answer through nginx? ---------------------------------------------------------------


def test_the_service_is_passed_on_to_another_port(shop: Storefront) -> None:
    shop.load(SITE.replace("127.0.0.1:8000", "127.0.0.1:8001"))
    found = shop.finding()
    assert found["rule"] == "upstream-elsewhere"
    assert found["fact"] == (
        f"{ENABLED}:6 passes /health on to 127.0.0.1:8001; the service is at port 8000"
    )
    shop.site(SITE)
    shop.mend({"remedy": {"commands": found["remedy"]["commands"][1:]}})
    assert shop.is_well()


def test_the_upstream_block_names_another_port(shop: Storefront) -> None:
    upstream = "upstream app {\n    server 127.0.0.1:8001;\n}\n"
    shop.load(upstream + SITE.replace("http://127.0.0.1:8000", "http://app"))
    found = shop.finding()
    assert found["rule"] == "upstream-elsewhere"
    assert found["fact"].startswith(f"{ENABLED}:2 passes /health on to 127.0.0.1:8001")


def test_the_default_site_answers_in_its_place(shop: Storefront) -> None:
    shop.host.sh(f"ln -s ../sites-available/default {DEFAULT}")
    shop.load(SITE.replace(f"server_name {SHOP};", "server_name _;"))
    found = shop.finding()
    assert found["rule"] == "site-shadowed"
    assert found["fact"] == f"{DEFAULT}:21 answers for {SHOP}, not {ENABLED}:1"
    assert "is the default_server" in found["meaning"]
    shop.mend(found)
    assert shop.is_well()


def test_the_first_site_answers_for_a_name_that_nobody_has(shop: Storefront) -> None:
    shop.host.write("/etc/nginx/conf.d/a.conf", "server { listen 80; return 404; }\n")
    shop.load(SITE.replace(SHOP, "www.shop.example"))
    found = shop.finding()
    assert found["rule"] == "site-shadowed"
    assert "comes first" in found["meaning"]
    assert found["remedy"]["commands"][0] == f"editor +1 {ENABLED}  # server_name {SHOP};"


def test_the_site_is_available_and_not_enabled(shop: Storefront) -> None:
    shop.host.sh(f"rm {ENABLED}; ln -s ../sites-available/default {DEFAULT}")
    shop.reload()
    found = shop.finding()
    assert found["rule"] == "site-not-enabled"
    assert found["fact"] == f"{AVAILABLE} passes requests on to port 8000, and is not enabled"
    shop.host.sh(f"rm {DEFAULT}")
    shop.mend(found)
    assert shop.is_well()


def test_a_copy_that_was_edited_in_place_of_the_link_is_the_site_that_nginx_reads(
    shop: Storefront,
) -> None:
    shop.host.sh(f"sed -i s/8000/8001/ {ENABLED}")  # which makes a file of the link
    shop.reload()
    found = shop.finding()
    assert found["rule"] == "upstream-elsewhere"
    assert found["fact"].startswith(f"{ENABLED}:")
    shop.host.sh(f"ln -sf {AVAILABLE} {ENABLED}")
    shop.reload()
    assert shop.is_well()


def test_the_location_of_the_check_is_not_passed_on(shop: Storefront) -> None:
    shop.load(SITE.replace("location /", "root /var/www/html;\n    location /api/"))
    found = shop.finding()
    assert found["rule"] == "location-not-proxied"
    assert found["fact"] == f"{ENABLED}:1 takes /health, and passes nothing on"


def test_a_reload_was_forgotten(shop: Storefront) -> None:
    shop.load(SITE.replace("127.0.0.1:8000", "127.0.0.1:8001"))
    shop.site(SITE)
    found = shop.finding()
    assert found["rule"] == "nginx-reload-forgotten"
    assert ENABLED in found["fact"]
    shop.mend(found)
    assert shop.is_well()


def test_a_site_was_enabled_and_nginx_not_told(shop: Storefront) -> None:
    shop.host.sh(f"rm {ENABLED}; ln -s ../sites-available/default {DEFAULT}")
    shop.reload()
    shop.host.sh(f"rm {DEFAULT}; ln -s {AVAILABLE} {ENABLED}")
    found = shop.finding()
    assert found["rule"] == "nginx-reload-forgotten"
    shop.mend(found)
    assert shop.is_well()


def test_nobody_listens_at_the_address_of_the_upstream(shop: Storefront) -> None:
    # The service's port, at an address where it does not listen.
    shop.load(SITE.replace("127.0.0.1:8000", "127.0.0.2:8000"))
    found = shop.finding()
    assert found["rule"] == "upstream-refused"
    assert found["fact"] == "nginx cannot connect to 127.0.0.2:8000"


def test_the_service_is_slower_than_nginx_waits(shop: Storefront) -> None:
    shop.load(SITE.replace("proxy_pass", "proxy_read_timeout 1s; proxy_pass"))
    shop.host.write("/run/sample/sample/hang", "")
    found = shop.finding()
    assert found["rule"] == "upstream-timeout"
    assert found["fact"] == "nginx waited for 127.0.0.1:8000 in vain"


def test_the_service_is_slower_than_anybody_waits(shop: Storefront) -> None:
    shop.configure(URLS.replace("2s", "500ms"))
    shop.host.write("/run/sample/sample/hang", "")
    shop.load(SITE.replace("proxy_pass", "proxy_read_timeout 1s; proxy_pass"))
    # Of ours, which hang up before, nginx says nothing.
    found = shop.finding()
    assert found["rule"] == "gateway-silent"
    assert found["fact"] == (
        f"http://{SHOP}/health: 192.168.7.2:80 takes the connection, and answers nothing "
        "within 0.5 s"
    )
    shop.host.sh(f"curl -s -m 5 http://{SHOP}/health")
    assert shop.finding()["rule"] == "upstream-timeout"


def test_nginx_has_set_its_only_servers_aside(shop: Storefront) -> None:
    upstream = "upstream app { server 127.0.0.1:8000; server 127.0.0.1:8001; }\n"
    shop.load(upstream + SITE.replace("http://127.0.0.1:8000", "http://app"))
    shop.host.systemctl("stop", "sample")
    shop.host.sh(f"for i in 1 2 3 4; do curl -s -H 'Host: {SHOP}' http://{SHOP}/health; done")
    shop.host.systemctl("start", "sample")
    found = shop.finding()
    assert found["rule"] == "upstream-none-live"


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        ("upstream-closed", ""),
        ("upstream-big-header", "HTTP/1.0 200 OK\\r\\nX: {}\\r\\n\\r\\n".format("x" * 9000)),
        ("upstream-not-http", "SSH-2.0-OpenSSH_9.2\\r\\n"),
    ],
)
def test_what_the_service_answers_is_nothing_for_nginx(
    shop: Storefront, rule: str, answer: str
) -> None:
    serve = (
        "import socket; s = socket.create_server(('127.0.0.2', 8000))\n"
        "while True:\n"
        f" c, _ = s.accept(); c.recv(4096); c.sendall(b'{answer}'); c.close()\n"
    )
    shop.host.write("/srv/serve.py", serve)
    shop.host.write_unit(
        "squatter.service", "[Service]\nExecStart=/usr/bin/python3 /srv/serve.py\n"
    )
    shop.host.systemctl("start", "squatter.service")
    shop.host.wait_for(lambda: "127.0.0.2:8000" in shop.host.run("ss", "-ltn").stdout)
    shop.load(SITE.replace("127.0.0.1:8000", "127.0.0.2:8000"))
    assert shop.finding()["rule"] == rule


@pytest.mark.parametrize(
    ("rule", "mode"), [("upstream-socket-missing", ""), ("upstream-socket-forbidden", "0600")]
)
def test_the_socket_of_the_service(shop: Storefront, rule: str, mode: str) -> None:
    shop.load(SITE.replace("http://127.0.0.1:8000", "http://unix:/run/shop.sock"))
    shop.host.sh("rm -f /run/shop.sock")
    if mode:
        socket = "import socket; socket.socket(socket.AF_UNIX).bind('/run/shop.sock')"
        shop.host.sh(f'python3 -c "{socket}"; chmod {mode} /run/shop.sock')
    found = shop.finding()
    assert found["rule"] == rule
    assert "/run/shop.sock" in found["fact"]


def test_requests_are_limited_by_nginx_itself(shop: Storefront) -> None:
    shop.host.write("/etc/nginx/conf.d/zone.conf", "limit_req_zone $host zone=one:1m rate=1r/m;\n")
    shop.load(SITE.replace("proxy_pass", "limit_req zone=one; proxy_pass"))
    shop.host.sh(f"curl -s http://{SHOP}/health")
    assert shop.finding()["rule"] == "requests-limited"


def test_a_name_in_proxy_pass_that_is_resolved_when_asked(shop: Storefront) -> None:
    shop.load(SITE.replace("http://127.0.0.1:8000", "http://$host.internal"))
    assert shop.finding()["rule"] == "upstream-unresolved"


def test_a_redirect_is_not_health(shop: Storefront) -> None:
    redirect = "return 301 https://$host$request_uri;"
    shop.load(SITE.replace("proxy_pass http://127.0.0.1:8000;", redirect))
    found = shop.finding()
    assert found["rule"] == "redirected"
    assert f"with a redirect to https://{SHOP}/health" in found["fact"]


def test_a_redirect_to_itself(shop: Storefront) -> None:
    redirect = "return 301 http://$host$request_uri;"
    shop.load(SITE.replace("proxy_pass http://127.0.0.1:8000;", redirect))
    found = shop.finding()
    assert found["rule"] == "redirect-loop"
    assert found["fact"] == (
        f"http://{SHOP}/health is redirected in a circle: "
        f"http://{SHOP}/health → http://{SHOP}/health"
    )


def test_a_502_whose_log_is_hidden_says_how_to_see_it(shop: Storefront) -> None:
    shop.load(SITE.replace("127.0.0.1:8000", "127.0.0.2:8000"))
    shop.host.sh("chmod 600 /var/log/nginx/error.log")
    told = shop.examine(user="mallory")
    assert told["finding"]["rule"] == "gateway-error"
    assert "run this with sudo" in told["finding"]["meaning"]
