from __future__ import annotations

from tests.unit.nginx.test_syntax import dump
from watchdog.nginx.log_files import log_files
from watchdog.nginx.syntax import parse


def test_the_logs_of_every_file_are_found() -> None:
    main = """
    error_log /var/log/nginx/error.log notice;  # a comment; with marks {
    http {
        access_log /var/log/nginx/access.log combined;
        log_format main '$remote_addr "quoted; { " $status';
        include api.conf;
    }
    """
    api = """server {
        access_log /srv/api/access.log;
        access_log off;
        error_log /dev/null;
        error_log syslog:server=127.0.0.1;
        access_log /var/log/nginx/$host.log;
    }"""
    assert log_files(parse(dump(main, api=api))) == {
        "/var/log/nginx/error.log": "error",
        "/var/log/nginx/access.log": "access",
        "/srv/api/access.log": "access",
    }
