from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchdog import nginx
from watchdog.nginx import Listen, Location, Site

DUMP = """# configuration file /etc/nginx/nginx.conf:
user www-data;
error_log /var/log/nginx/error.log notice;  # a comment; with marks {
http {
    access_log /var/log/nginx/access.log combined;
    log_format main '$remote_addr "quoted; { " $status';
    include /etc/nginx/conf.d/*.conf;
    include sites-enabled/*;
}
# configuration file /etc/nginx/conf.d/up.conf:
upstream front { server 127.0.0.1:8001 max_fails=0; server backend:9000 backup; keepalive 4; }
# configuration file /etc/nginx/sites-enabled/api:
server {
    listen 80;
    listen [::]:443 ssl default_server;
    server_name api.example.com "www.example.com";
    access_log /srv/api/access.log;
    access_log off;
    error_log /dev/null;
    access_log /var/log/nginx/$host.log;
    location / { proxy_pass http://127.0.0.1:8000; }
    location ^~ /front/ {
        if ($request_method = POST) { return 405; }
        proxy_pass http://front/;
    }
    location = /exact { proxy_pass http://[::1]:8002/health; }
    location /var { proxy_pass http://$upstream; }
    location /sock { proxy_pass http://unix:/run/x.sock:/; }
}
server { server_name plain; }
"""


def test_the_logs_of_every_file_are_found() -> None:
    assert nginx.logs(nginx.parse(DUMP)) == {
        "/var/log/nginx/error.log": "error",
        "/var/log/nginx/access.log": "access",
        "/srv/api/access.log": "access",
    }


def test_a_site_tells_how_it_is_reached_and_where_it_leads() -> None:
    first, second = nginx.sites(nginx.parse(DUMP))
    assert first == Site(
        ("api.example.com", "www.example.com"),
        (Listen("", 80), Listen("", 443, tls=True, is_default=True)),
        (
            Location("", "/", (("127.0.0.1", 8000),)),
            Location("^~", "/front/", (("127.0.0.1", 8001), ("backend", 9000)), "/"),
            Location("=", "/exact", (("::1", 8002),), "/health"),
            Location("", "/var", ()),
            Location("", "/sock", ()),
        ),
    )
    assert second == Site(("plain",), (Listen("", 80),), ())


def test_files_that_include_each_other_end() -> None:
    round_ = "# configuration file /a/x.conf:\nhttp { include x.conf; error_log /e; }\n"
    assert nginx.logs(nginx.parse(round_)) == {"/e": "error"}


@given(st.text(alphabet="ab{};\"'\\#$ \n/*", max_size=200))
def test_whatever_stands_there_is_read_without_an_error(text: str) -> None:
    directives = nginx.parse(text)
    nginx.logs(directives)
    nginx.sites(directives)
