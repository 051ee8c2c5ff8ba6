"""Where templates go, and what is said about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchdog.templates.application import Application
from watchdog.templates.installing import plan_site, plan_unit
from watchdog.templates.site import Site
from watchdog.templates.unit import Running

pytestmark = pytest.mark.adapter

API = Application("api", "api.service", "127.0.0.1", 8000, "/health")
RUNNING = Running("app:app", "/srv/api", "/srv/api/venv")


def nginx(root: Path, *directories: str) -> Path:
    for name in directories:
        (root / name).mkdir()
    return root


def test_debian_has_a_directory_for_sites_and_one_for_links(tmp_path: Path) -> None:
    place = nginx(tmp_path, "conf.d", "sites-available", "sites-enabled")
    site, link = plan_site(API, Site(("a.org",)), place).files
    assert (site.path, site.link) == (place / "sites-available/api.conf", "")
    assert (link.path, link.link) == (place / "sites-enabled/api.conf", str(site.path))


def test_elsewhere_a_site_is_one_file(tmp_path: Path) -> None:
    [site] = plan_site(API, Site(("a.org",)), nginx(tmp_path, "conf.d")).files
    assert site.path == tmp_path / "conf.d/api.conf"


def test_other_default_sites_are_named_unless_ours_has_a_name(tmp_path: Path) -> None:
    place = nginx(tmp_path, "conf.d", "sites-available", "sites-enabled")
    (place / "sites-enabled/default").write_text("server { \n listen 80 default_server;\n}")
    (place / "conf.d/other.conf").write_text("# listen 80 default_server;\nlisten 81;")
    (place / "sites-enabled/api.conf").write_text("listen 80 default_server;")
    (place / "sites-enabled/dangling").symlink_to("/nowhere")
    [remark] = plan_site(API, Site(), place).remarks
    assert remark.startswith(f"{place}/sites-enabled/default is a default server too")
    assert plan_site(API, Site(("a.org",)), place).remarks == ()


def test_a_socket_that_is_left_over_would_hold_the_port(tmp_path: Path) -> None:
    assert plan_unit(API, RUNNING, socket=False, units=tmp_path).remarks == []
    (tmp_path / "api.socket").write_text("")
    [remark] = plan_unit(API, RUNNING, socket=False, units=tmp_path).remarks
    assert "systemctl disable --now api.socket" in remark
    plan = plan_unit(API, RUNNING, socket=True, units=tmp_path)
    assert plan.left == ["systemctl enable api.socket api.service", "systemctl restart api.service"]


def test_uvicorn_in_gunicorn_is_told_of(tmp_path: Path) -> None:
    running = Running(
        "app:app", "/srv", "/srv/venv", "gunicorn", worker_class="uvicorn.workers.UvicornWorker"
    )
    [remark] = plan_unit(API, running, socket=True, units=tmp_path).remarks
    assert "--server uvicorn does not" in remark
