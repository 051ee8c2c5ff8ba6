"""What only commands at a terminal need to know of a service."""

from __future__ import annotations

from tests.unit.config.conftest import SERVICE, Load, Problems
from watchdog.config import Deployment
from watchdog.core.service import HttpCheck


def test_a_service_of_which_nothing_is_said_is_behind_no_nginx_and_runs_no_commands(
    loaded: Load,
) -> None:
    config = loaded(SERVICE)
    assert config.deployments == {}
    assert config.deployment("api") == Deployment()


def test_how_a_service_is_reached_is_a_url_or_a_table(loaded: Load) -> None:
    said = loaded(
        SERVICE
        + 'proxied = "http://127.0.0.1/health"\n'
        + 'external = { url = "https://api.example.com/health", status = 204, timeout = "50s" }\n'
        + 'nginx = "front"\n'
    ).deployment("api")
    assert said.proxied == HttpCheck("http://127.0.0.1/health")
    assert said.external == HttpCheck("https://api.example.com/health", 50.0, (204,))
    assert said.nginx == "front.service"


def test_a_deploy_has_commands_and_an_app_has_files(loaded: Load) -> None:
    said = loaded(
        SERVICE
        + '[service.deploy]\nbefore = [["git", "pull"]]\nafter = [["a"]]\nrollback = [["b", "c"]]\n'
        + 'timeout = "1m"\n'
        + '[service.app]\nenv_file = "/a/.env"\nenv_keys = ["KEY"]\nvenv = "/a/venv"\n'
        + 'requirements = "/a/requirements.txt"\n'
    ).deployment("api")
    assert said == Deployment(
        before=(("git", "pull"),),
        after=(("a",),),
        rollback=(("b", "c"),),
        timeout=60.0,
        env_file="/a/.env",
        env_keys=("KEY",),
        venv="/a/venv",
        requirements="/a/requirements.txt",
    )


def test_a_header_by_which_it_is_reached_is_kept_secret(loaded: Load) -> None:
    config = loaded(
        SERVICE
        + 'external = { url = "https://a.example", headers = { Authorization = "Bearer 12345" } }\n'
    )
    assert list(config.secrets()) == ["Bearer 12345"]


def test_a_command_without_a_program_and_a_wrong_url_name_their_place(problems: Problems) -> None:
    assert problems(SERVICE + 'proxied = "/health"\n[service.deploy]\nbefore = [["", "x"]]\n') == [
        (
            "config.toml:3: service[1].proxied: expected a URL such as"
            ' http://127.0.0.1:8000/health, found "/health"'
        ),
        "config.toml:5: service[1].deploy.before[1][1]: empty; expected the program to run",
    ]
