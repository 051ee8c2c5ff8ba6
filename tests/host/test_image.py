"""Proves what hosts are made of: built once, complete or not there, removed when out of use."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.host.cache import Cache, key_of
from tests.host.host import REPOSITORY, Host, HostError
from tests.host.image import Images


def write(text: str) -> Callable[[Path], object]:
    return lambda building: (building / "content").write_text(text)


def test_an_entry_is_built_once(tmp_path: Path) -> None:
    said: list[str] = []
    built = Cache(tmp_path, said.append).entry("thing", "1", write("first"), "a thing")
    again = Cache(tmp_path, said.append).entry("thing", "1", write("second"), "a thing")
    assert built == again
    assert (again / "content").read_text() == "first"
    assert said == ["building a thing", "built a thing in 0 s"]


def test_an_aborted_build_leaves_nothing(tmp_path: Path) -> None:
    def abort(building: Path) -> None:
        write("half")(building)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Cache(tmp_path).entry("thing", "1", abort, "a thing")
    assert list((tmp_path / "building").iterdir()) == []
    (tmp_path / "building" / "thing-1").mkdir()  # what a killed build leaves
    built = Cache(tmp_path).entry("thing", "1", write("whole"), "a thing")
    assert (built / "content").read_text() == "whole"


def test_two_runs_build_an_entry_once_between_them(tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from tests.host.cache import Cache\n"
        "def build(building):\n"
        "    print('building', flush=True)\n"
        "    sys.stdin.readline()\n"
        "entry = Cache(Path(sys.argv[1])).entry('thing', '1', build, 'a thing')\n"
        "print(entry.name, flush=True)\n"
        "sys.stdin.read()\n"  # who has built it goes on to use it
    )
    said = []
    with ExitStack() as stack:
        runs = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", script, tmp_path],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    cwd=REPOSITORY,
                )
            )
            for _ in range(2)
        ]
        for run in runs:
            assert run.stdin is not None
            run.stdin.write("go on\n")
            run.stdin.flush()
        for run in runs:
            assert run.stdout is not None
            said += list(iter(run.stdout.readline, "thing-1\n"))
        for run in runs:
            run.communicate()
    assert said == ["building\n"]


def test_the_versions_used_last_are_kept_and_those_in_use(tmp_path: Path) -> None:
    def use(name: str, key: str) -> tuple[Cache, Path]:
        cache = Cache(tmp_path)
        return cache, cache.entry(name, key, write("x"), "a thing")

    def age(path: Path, seconds: float) -> Path:
        os.utime(path, (time.time() - seconds,) * 2)
        return path

    in_use = age(use("thing", "a")[1], 500)
    cache, path = use("thing", "b")
    stale = age(path, 400)
    cache.close()
    cache, path = use("thing", "c")
    recent = age(path, 300)
    cache.close()
    other = age(use("thing-of-another-kind", "d")[1], 200)
    newest = use("thing", "e")[1]

    found = {path for path in tmp_path.iterdir() if path.name.startswith("thing")}
    assert found == {in_use, recent, newest, other}
    assert not stale.exists()


def test_a_key_follows_contents_modes_and_names(tmp_path: Path) -> None:
    file = tmp_path / "tree" / "file"
    file.parent.mkdir()
    keys = [key_of(tmp_path / "tree", "text")]
    file.write_text("one")
    keys.append(key_of(tmp_path / "tree", "text"))
    file.write_text("two")
    keys.append(key_of(tmp_path / "tree", "text"))
    file.chmod(0o755)
    keys.append(key_of(tmp_path / "tree", "text"))
    keys.append(key_of(file, "text"))
    keys.append(key_of(file, "texts"))
    keys.append(key_of(tmp_path / "missing", "text"))
    assert len(set(keys)) == len(keys)
    (file.parent / "__pycache__").mkdir()
    (file.parent / "__pycache__" / "x").write_text("x")
    assert key_of(tmp_path / "tree", "text") == keys[3]


def test_a_layer_has_what_its_host_wrote_and_forgot(images: Images, tmp_path: Path) -> None:
    images = Images(Cache(tmp_path))

    def change(host: Host) -> None:
        host.write("/etc/added", "added")
        host.run("rm", "/etc/issue")
        host.run("rm", "-r", "/etc/nginx")
        host.write("/etc/nginx/only", "x")
        host.systemctl("disable", "nginx.service")

    base = Images().base()
    layer = images.layer("dummy", key_of(base.parent.name, "1"), [base], change)
    with Host([base, layer]) as host:
        assert host.read("/etc/added") == "added"
        assert not host.exists("/etc/issue")
        assert host.run("ls", "/etc/nginx").stdout == "only\n"
        assert host.unit("nginx.service", "ActiveState") == {"ActiveState": "inactive"}
        boots = host.run("journalctl", "--list-boots", "--quiet", "--no-pager").stdout
        assert len(boots.splitlines()) == 1
    with Host([base]) as host:
        assert host.exists("/etc/issue")


def test_a_layer_whose_host_fails_is_not_kept(images: Images, tmp_path: Path) -> None:
    base = images.base()
    with pytest.raises(HostError, match="exit status 1"):
        Images(Cache(tmp_path)).layer("dummy", "1", [base], lambda host: host.run("false"))
    assert not (tmp_path / "dummy-1").exists()


@pytest.mark.parametrize(
    ("ci", "status", "expected"),
    [("", 0, "1 skipped"), ("true", 4, "with CI=true the host tests may not be skipped")],
)
def test_where_no_host_can_boot_one_reason_is_given(
    ci: str, status: int, expected: str, tmp_path: Path
) -> None:
    a_test = f"{REPOSITORY}/tests/host/test_test_host.py::test_the_repository_is_read_only_at_src"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", a_test],
        check=False,
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env={"PATH": os.fspath(tmp_path), "CI": ci},  # no programs at all
    )
    assert run.returncode == status
    said = run.stdout + run.stderr
    assert expected in said
    assert said.count("cannot boot a test host: ") == 1
    assert "run: apt-get install " in said
