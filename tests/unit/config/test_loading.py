"""From a file to settings: what is read, what follows from it, and files that cannot be read."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from tests.unit.config.conftest import SERVICE, Load, Problems
from watchdog.config import (
    AlertmanagerSettings,
    AppriseSettings,
    DaemonSettings,
    DeliverySettings,
    EmailSettings,
    HeartbeatSettings,
    Secret,
    SlackBotSettings,
    WebhookSettings,
    apprise_urls,
    load,
)
from watchdog.config.problems import listing
from watchdog.core.routing import Subscription
from watchdog.core.service import (
    CommandControl,
    Comparison,
    Condition,
    Evidence,
    HttpCheck,
    Policy,
    PortCheck,
    ProcessControl,
    Service,
    UnitControl,
)
from watchdog.core.severity import Severity
from watchdog.core.thresholds import HostWarnings, LimitAction, Limits, Warnings
from watchdog.errors import ConfigError
from watchdog.words.choosing import languages

FOUR_LINES = """
[[service]]
name   = "langchain-api"
unit   = "langchain-api.service"
port   = 8000
health = "http://127.0.0.1:8000/health"
"""


def test_four_lines_name_a_service_and_everything_else_has_a_default(loaded: Load) -> None:
    config = loaded(FOUR_LINES, mode=0o644)
    assert config.services == (
        Service(
            name="langchain-api",
            control=UnitControl("langchain-api.service"),
            checks=(PortCheck(8000), HttpCheck("http://127.0.0.1:8000/health")),
            policy=Policy(),
        ),
    )
    assert config.slack == ()
    assert config.email == ()
    assert config.destinations == ()


def test_a_service_is_called_like_its_unit_unless_it_has_a_name(loaded: Load) -> None:
    config = loaded('[[service]]\nunit = "worker@1"\n')
    assert config.services[0].name == "worker@1"
    assert config.services[0].control == UnitControl("worker@1.service")


def test_a_service_may_be_a_process_of_the_daemon(loaded: Load) -> None:
    config = loaded("""
[[service]]
name = "api"
command = ["python", "-m", "app"]
directory = "/srv/app"
environment = { PORT = "80", EMPTY = "" }
stop_timeout = "3s"

[[service]]
name = "bare"
command = ["/bin/true"]
""")
    assert config.services[0].control == ProcessControl(
        command=("python", "-m", "app"),
        directory="/srv/app",
        environment=(("PORT", "80"), ("EMPTY", "")),
        stop_timeout=3.0,
    )
    assert config.services[1].control == ProcessControl(("/bin/true",))


def test_a_service_may_be_kept_by_commands(loaded: Load) -> None:
    config = loaded("""
[[service]]
name = "db"
control = { start = ["d", "start"], stop = ["d", "stop"], status = ["d"], timeout = 5 }
""")
    assert config.services[0].control == CommandControl(
        ("d", "start"), ("d", "stop"), ("d",), timeout=5.0
    )


def test_checks_may_be_told_in_full(loaded: Load) -> None:
    config = loaded("""
[[service]]
unit = "api"
port = { port = 80, host = "::1", any_owner = true, timeout = "1s" }

[service.health]
url = "https://[::1]/health"
timeout = "2s"
status = [200, 204]
max_latency = "500ms"
expect = ["status == 'healthy'", "queue < 100"]
headers = { Host = "example.org" }
verify_tls = false
""")
    assert config.services[0].checks == (
        PortCheck(80, "::1", any_owner=True, timeout=1.0),
        HttpCheck(
            "https://[::1]/health",
            timeout=2.0,
            status=(200, 204),
            max_latency=0.5,
            expect=(
                Condition(("status",), Comparison.EQ, "healthy"),
                Condition(("queue",), Comparison.LT, 100),
            ),
            headers=(("Host", "example.org"),),
            verify_tls=False,
        ),
    )


def test_one_status_and_one_condition_need_no_array(loaded: Load) -> None:
    config = loaded(
        SERVICE + 'health = { url = "http://h/", status = 204, expect = "ok == true" }\n'
    )
    assert config.services[0].checks == (
        HttpCheck(
            "http://h/", status=(204,), expect=(Condition(("ok",), Comparison.EQ, value=True),)
        ),
    )


def test_a_service_goes_over_the_defaults_and_these_over_the_core(loaded: Load) -> None:
    config = loaded("""
[defaults]
max_failures = 5
interval = "10s"
restart_after = { port = 2, http = 0 }

[[service]]
unit = "a"

[[service]]
unit = "b"
max_failures = 4
interval = 20
restart_after = { http = 1 }
notify_healed = true
""")
    first, second = (service.policy for service in config.services)
    assert first == Policy(
        max_failures=5,
        interval=10.0,
        restart_after={"unit": 1, "process": 1, "status": 1, "port": 2, "http": 0, "limits": 1},
    )
    assert second == Policy(
        max_failures=4,
        interval=20.0,
        restart_after={"unit": 1, "process": 1, "status": 1, "port": 2, "http": 1, "limits": 1},
        notify_healed=True,
    )


def test_services_with_the_same_policy_share_it(loaded: Load) -> None:
    web, api, odd = loaded(
        "".join(f'[[service]]\nunit = "{name}.service"\n' for name in ("web", "api", "odd"))
        + "max_failures = 7\n"
    ).services
    assert web.policy is api.policy
    assert odd.policy != web.policy


def test_a_failing_health_restarts_after_max_failures_unless_told_otherwise(loaded: Load) -> None:
    config = loaded(SERVICE + "max_failures = 7\n")
    assert config.services[0].policy.restart_after["http"] == 7


def test_defaults_give_way_to_what_is_configured(loaded: Load) -> None:
    config = loaded(
        SERVICE + 'port = 1\nhealth = "http://h/"\ninterval = "200ms"\nbackoff_first = "10m"\n'
    )
    service = config.services[0]
    assert service.policy.fast_interval == 0.2
    assert service.policy.recovery_interval == 0.2
    assert service.policy.backoff_max == 600.0
    assert [check.timeout for check in service.checks] == [0.1, 0.1]


def test_slack_may_be_one_bot_or_several_channels_with_names(loaded: Load) -> None:
    config = loaded(
        SERVICE
        + """
[[slack]]
token = { env = "TOKEN" }
channel = "#ops"
api_url = "http://127.0.0.1:8080/api"

[[slack]]
name = "web"
webhook = { env = "WEBHOOK" }
timeout = "3s"
""",
        {"TOKEN": "xoxb-1", "WEBHOOK": "https://hooks.slack.com/services/T/B/x"},
    )
    bot, webhook = config.slack
    assert isinstance(bot, SlackBotSettings)
    assert bot.api_url == "http://127.0.0.1:8080/api/"
    assert bot.token.reveal() == "xoxb-1"
    assert webhook.timeout == 3.0
    assert config.destinations == ("slack", "web")


def test_each_recipient_of_email_is_a_destination(loaded: Load) -> None:
    config = loaded(
        SERVICE
        + """
[email]
to = ["alice@example.com", "bob@example.com"]
from = "Watchdog <watchdog@example.com>"
host = "mail.example.com"
"""
    )
    assert config.email == (
        EmailSettings(
            to=("alice@example.com", "bob@example.com"),
            sender="Watchdog <watchdog@example.com>",
            host="mail.example.com",
        ),
    )
    assert config.destinations == ("email:alice@example.com", "email:bob@example.com")


def test_a_webhook_may_be_one_url_or_several_receivers_in_every_detail(loaded: Load) -> None:
    url, signing = "https://hooks.example.com/x", "whsec_" + 32 * "A"
    environ = {"URL": url, "SIGNING": signing, "HERE": "http://127.0.0.1:8080/x"}
    [bare] = loaded(SERVICE + '[webhook]\nurl = { env = "URL" }\n', environ).webhook
    assert bare == WebhookSettings(Secret(url))
    config = loaded(
        SERVICE
        + """
[[webhook]]
url = { env = "URL" }
secret = { env = "SIGNING" }
headers = { X-Team = "ops" }
timeout = "3s"

[[webhook]]
name = "here"
url = { env = "HERE" }
""",
        environ,
    )
    first, second = config.webhook
    assert first == WebhookSettings(
        Secret(url), secret=Secret(signing), headers=(("X-Team", "ops"),), timeout=3.0
    )
    assert second.url == Secret("http://127.0.0.1:8080/x")
    assert config.destinations == ("webhook", "here")


def test_a_webhook_on_another_host_may_be_http_only_if_that_is_meant(loaded: Load) -> None:
    webhook = '[webhook]\nurl = { env = "URL" }\ninsecure = true\n'
    config = loaded(SERVICE + webhook, {"URL": "http://gateway.internal/x"})
    assert config.webhook[0].insecure


def test_alertmanagers_of_one_cluster_are_one_channel(loaded: Load) -> None:
    config = loaded(
        SERVICE
        + """
[[alertmanager]]
urls = ["https://am-1", "http://127.0.0.1:9093/prefix"]

[[alertmanager]]
name = "full"
urls = ["http://am-2:9093"]
labels = { team = "web", env = "prod" }
generator_url = "https://wiki.example.com/"
resend = "30s"
insecure = true
timeout = "3s"
"""
    )
    first, second = config.alertmanager
    assert first == AlertmanagerSettings(("https://am-1", "http://127.0.0.1:9093/prefix"))
    assert second == AlertmanagerSettings(
        ("http://am-2:9093",),
        "full",
        labels=(("env", "prod"), ("team", "web")),
        generator_url="https://wiki.example.com/",
        resend=30.0,
        timeout=3.0,
        insecure=True,
    )
    assert config.destinations == ("alertmanager", "full")


def test_each_service_of_apprise_is_a_destination_by_its_schema(loaded: Load) -> None:
    config = loaded(
        SERVICE
        + """
[apprise]
urls = [{ env = "TELEGRAM" }, { env = "MAIL" }, { env = "OTHER" }]
timeout = "1m"
""",
        {"TELEGRAM": "tgram://token/1", "MAIL": "mailtos://u:p@h", "OTHER": "TGRAM://token/2"},
    )
    urls = ("tgram://token/1", "mailtos://u:p@h", "TGRAM://token/2")
    assert config.apprise == (AppriseSettings(tuple(map(Secret, urls)), timeout=60.0),)
    assert config.destinations == ("apprise:tgram", "apprise:mailtos", "apprise:tgram-2")


def test_without_its_package_apprise_is_refused_with_the_command_that_installs_it(
    problems: Problems, loaded: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = {"apprise"}

    def found(name: str) -> ModuleSpec | None:
        return None if name in lacking else ModuleSpec(name, None)

    monkeypatch.setattr(apprise_urls, "find_spec", found)
    environ = {"URL": "tgram://token/1"}
    table = '[apprise]\nurls = [{ env = "URL" }]\n'
    needs = "config.toml:3: apprise: needs the package apprise; run: "
    with_pip = f"{sys.executable} -m pip install 'service-watchdog[apprise]'"
    assert problems(SERVICE + table, environ) == [needs + with_pip]
    lacking.add("pip")
    with_installer = "sudo systemd/install.sh --with apprise"
    assert problems(SERVICE + table, environ) == [needs + with_installer]
    assert loaded(SERVICE).apprise == ()


@pytest.mark.parametrize(("tls", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_the_port_of_the_mail_server_follows_from_tls(loaded: Load, tls: str, port: int) -> None:
    email = f'[email]\nto = ["a@b.c"]\nfrom = "a@b.c"\nhost = "localhost"\ntls = "{tls}"\n'
    assert loaded(SERVICE + email).email[0].port == port


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1"])
def test_mail_may_go_without_tls_to_this_host_itself_even_with_a_password(
    loaded: Load, host: str
) -> None:
    config = loaded(
        SERVICE
        + f'[email]\nto = ["a@b.c"]\nfrom = "a@b.c"\nhost = "{host}"\ntls = "none"\n'
        + 'username = "u"\npassword = { env = "P" }\n',
        {"P": "p"},
    )
    assert config.email[0].username == "u"


def test_mail_goes_to_another_host_without_tls_only_if_that_is_meant(loaded: Load) -> None:
    email = (
        '[email]\nto = ["a@b.c"]\nfrom = "a@b.c"\nhost = "mail"\ntls = "none"\ninsecure = true\n'
    )
    assert loaded(SERVICE + email).email[0].insecure


def test_directories_are_those_that_systemd_made_unless_the_file_says_otherwise(
    loaded: Load,
) -> None:
    made = {"STATE_DIRECTORY": "/var/lib/a:/var/lib/b", "RUNTIME_DIRECTORY": "/run/a"}
    assert loaded(SERVICE, made).daemon.state_dir == "/var/lib/a"
    assert loaded(SERVICE, made).daemon.runtime_dir == "/run/a"
    assert loaded(SERVICE).daemon.state_dir == "/var/lib/service-watchdog"
    assert loaded(SERVICE).daemon.runtime_dir == "/run/service-watchdog"
    stated = '[daemon]\nstate_dir = "/srv/s"\nruntime_dir = "/srv/r"\n'
    assert loaded(stated + SERVICE, made).daemon.state_dir == "/srv/s"
    assert loaded(stated + SERVICE, made).daemon.runtime_dir == "/srv/r"


def test_the_daemon_calls_the_host_by_its_name_unless_told_otherwise(loaded: Load) -> None:
    assert loaded(SERVICE).daemon.host == os.uname().nodename
    assert loaded(
        '[daemon]\nhost = "web-1"\ntimezone = "Asia/Seoul"\nlog = "json"\n' + SERVICE
    ).daemon == DaemonSettings(
        "/var/lib/service-watchdog", "/run/service-watchdog", "json", "web-1", "Asia/Seoul"
    )


def test_alerts_are_in_english_unless_told_otherwise(loaded: Load) -> None:
    assert loaded(SERVICE).daemon.language == "en"
    assert loaded('[daemon]\nlanguage = "ko"\n' + SERVICE).daemon.language == "ko"


def test_a_language_that_there_is_not_is_refused_with_those_that_there_are(loaded: Load) -> None:
    expected = listing(f'"{language}"' for language in languages())
    for wrong in ("kr", "", "ko\n", "catalogue", "../en"):
        with pytest.raises(ConfigError) as caught:
            loaded(f"[daemon]\nlanguage = {json.dumps(wrong)}\n{SERVICE}")
        (problem,) = caught.value.problems
        assert f":2: daemon.language: expected {expected}, found {json.dumps(wrong)}" in problem


def test_the_same_file_gives_equal_settings_so_that_a_reload_sees_what_changed(
    loaded: Load,
) -> None:
    slack = '[slack]\ntoken = "xoxb-1"\nchannel = "#ops"\n'
    assert loaded(FOUR_LINES + slack) == loaded(FOUR_LINES + slack)
    assert loaded(FOUR_LINES + slack) != loaded(FOUR_LINES + slack.replace("xoxb-1", "xoxb-2"))


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(loaded: Load) -> None:
    assert loaded("\ufeff" + FOUR_LINES.replace("\n", "\r\n")).services[0].name == "langchain-api"


def test_a_line_is_right_in_a_file_with_windows_line_ends(problems: Problems) -> None:
    assert problems('[[service]]\r\nunit = "a"\r\nport = 0\r\n') == [
        "config.toml:3: service[1].port: expected a port from 1 to 65535, found 0"
    ]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    missing = tmp_path / "config.toml"
    with pytest.raises(ConfigError) as caught:
        load(missing)
    assert caught.value.problems == (
        f"{missing}: cannot read: there is no such file; expected a TOML file",
    )


def test_a_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read: it is a directory; expected a TOML file"):
        load(tmp_path)


def test_a_path_that_leads_nowhere_is_told() -> None:
    with pytest.raises(ConfigError, match="cannot read: Not a directory"):
        load("/dev/null/config.toml")
    with pytest.raises(ConfigError, match="cannot read: embedded null byte"):
        load("a\0b")


def test_a_file_of_any_size_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(ConfigError, match="cannot read: it is larger than 4 MiB"):
        load("/dev/zero")


def test_text_that_is_not_utf_8_is_told_by_its_line(config_file: Callable[..., str]) -> None:
    file = config_file("")
    Path(file).write_bytes(b"# caf\xc3\xa9\n# caf\xe9\n")
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert caught.value.problems == (
        "config.toml:2: not UTF-8 (byte 0xe9); expected the file saved as UTF-8",
    )


@contextlib.contextmanager
def nobody() -> Iterator[None]:
    """Lack root's permissions for a while."""
    user = os.geteuid()
    os.seteuid(user or 65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_file_without_permission_is_told_with_who_may_read_it(
    config_file: Callable[..., str],
) -> None:
    file = Path(config_file(SERVICE, 0o000)).absolute()
    with nobody(), pytest.raises(ConfigError, match="no permission; run as root or as the daemon"):
        load(file)


def test_a_file_of_five_thousand_lines_with_many_mistakes_is_told_in_no_time(
    problems: Problems,
) -> None:
    text = "".join(f'[[service]]\nunit = "u{n}"\nport = 0\nprot = 1\n\n' for n in range(1000))
    began = time.process_time()
    said = problems(text)
    assert len(said) == 2000
    assert said[-1] == 'config.toml:4999: service[1000].prot: unknown key; did you mean "port"?'
    assert time.process_time() - began < 5  # about 0.5 s


def test_evidence_is_what_the_service_asks_for(loaded: Load) -> None:
    config = loaded(
        SERVICE + '[service.evidence]\nlogs = ["/var/log/nginx/error.log"]\n'
        'commands = [["py-spy", "dump", "--pid", "{main_pid}"], ["awk", "{print}"]]\n'
        "[evidence]\nredact_emails = true\n"
    )
    assert config.services[0].evidence == Evidence(
        ("/var/log/nginx/error.log",),
        (("py-spy", "dump", "--pid", "{main_pid}"), ("awk", "{print}")),
    )
    assert config.redact_emails


def test_the_secrets_of_all_tables_are_known_to_those_who_keep_them_back(loaded: Load) -> None:
    config = loaded(
        '[[service]]\nname = "a"\ncommand = ["a"]\nenvironment = { DB_PASSWORD = "one" }\n'
        'health = { url = "http://127.0.0.1/", headers = { Authorization = "two" } }\n'
        '[[slack]]\nname = "s"\ntoken = "xoxb-1"\nchannel = "#ops"\n'
        '[[slack]]\nname = "w"\nwebhook = "https://hooks.slack.com/services/T"\n'
        '[email]\nto = ["a@b.c"]\nfrom = "a@b.c"\nhost = "h"\nusername = "u"\npassword = "three"\n'
        '[webhook]\nurl = "https://h/four"\nheaders = { X-Token = "five", X-Team = "web" }\n'
        '[[alertmanager]]\nurls = ["https://am"]\nusername = "u"\npassword = "six"\n'
        '[[alertmanager]]\nname = "t"\nurls = ["https://am"]\ntoken = "seven"\n'
        '[apprise]\nurls = ["tgram://eight/1"]\n'
    )
    assert list(config.secrets()) == [
        "two",
        "one",
        "xoxb-1",
        "https://hooks.slack.com/services/T",
        "three",
        "https://h/four",
        "five",
        "six",
        "seven",
        "tgram://eight/1",
    ]


# --- who is told what ----------------------------------------------------------------------------

CHANNELS = """
[[slack]]
webhook = "https://hooks.slack.com/services/T/B/x"

[[email]]
to         = ["ann@example.com", "bob@example.com"]
from       = "watchdog@example.com"
host       = "127.0.0.1"
severities = ["critical"]
services   = ["api", "web-*"]
"""


def test_without_routes_every_destination_takes_everything(loaded: Load) -> None:
    config = loaded(SERVICE + CHANNELS.partition("[[email]]")[0])
    assert config.subscriptions == (Subscription("slack"),)
    assert config.delivery == DeliverySettings((), 300.0, None)
    assert config.heartbeat is None


def test_each_destination_of_a_channel_takes_what_the_channel_does(loaded: Load) -> None:
    config = loaded(SERVICE + CHANNELS)
    critical, services = frozenset({Severity.CRITICAL}), ("api", "web-*")
    assert config.subscriptions == (
        Subscription("slack"),
        Subscription("email:ann@example.com", critical, services),
        Subscription("email:bob@example.com", critical, services),
    )


def test_a_slack_bot_and_a_webhook_can_close_a_warning_and_nobody_else(loaded: Load) -> None:
    channels = (
        '[slack]\ntoken = "xoxb-1"\nchannel = "#ops"\n[webhook]\nurl = "https://h.example.com/"\n'
        '[alertmanager]\nurls = ["http://127.0.0.1:9093"]\n'
        '[[email]]\nto = ["a@example.com"]\nfrom = "b@example.com"\nhost = "127.0.0.1"\n'
    )
    subscriptions = loaded(SERVICE + channels).subscriptions
    assert {each.destination for each in subscriptions if each.closes} == {"slack", "webhook"}
    incoming = '[slack]\nwebhook = "https://hooks.slack.com/services/T/B/x"\n'
    assert not loaded(SERVICE + incoming).subscriptions[0].closes


@pytest.mark.parametrize("written", ['"email"', '["email"]'])
def test_a_channel_may_be_the_fallback_and_nothing_else(loaded: Load, written: str) -> None:
    channels = CHANNELS.replace('["critical"]', "[]")
    text = f"{SERVICE}{channels}[delivery]\nfallback = {written}\nfallback_after = 60\n"
    config = loaded(text)
    assert config.delivery == DeliverySettings(("email",), 60.0)
    assert config.fallbacks == ("email:ann@example.com", "email:bob@example.com")
    assert config.subscriptions[1].severities == frozenset()


@pytest.mark.parametrize(
    ("written", "time"),
    [("daily 09:00", (9, 0)), ("daily 00:00", (0, 0)), ("daily 23:59", (23, 59))],
)
def test_the_canary_has_a_time_of_day(loaded: Load, written: str, time: tuple[int, int]) -> None:
    assert loaded(f'{SERVICE}[delivery]\ncanary = "{written}"\n').delivery.canary == time


@pytest.mark.parametrize("written", ["daily 24:00", "daily 9:00", "09:00", "weekly 09:00", ""])
def test_what_is_no_time_of_day_is_refused(problems: Problems, written: str) -> None:
    [problem] = problems(f'{SERVICE}[delivery]\ncanary = "{written}"\n')
    assert "expected a time of day such as" in problem


def test_what_nobody_takes_is_remarked_on_to_a_person(loaded: Load) -> None:
    text = SERVICE + CHANNELS.partition("[[email]]")[2].join(["[[email]]", ""])
    config = loaded(text, for_daemon=False)
    none = "config.toml: no channel takes alerts of severity"
    assert config.remarks == (
        f"{none} warning about api",
        f"{none} info about api",
        f"{none} info about the daemon itself, such as that services cannot be judged",
        'config.toml:8: email[1].services[2]: no service is called like "web-*"',
    )
    assert loaded(text).remarks == ()


@pytest.mark.parametrize("end", ["/fail", "/start", "/log", "/1", "/fail?create=1", "/fail/"])
def test_a_heartbeat_that_could_only_mean_something_else_is_refused(
    problems: Problems, end: str
) -> None:
    url = "https://hc-ping.com/5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278"
    [problem] = problems(f"{SERVICE}[heartbeat]\nurl = {{ env = 'BEAT' }}\n", {"BEAT": url + end})
    assert "expected the URL that means success" in problem
    assert url not in problem


def test_a_heartbeat_is_a_secret_url_and_a_pace(loaded: Load) -> None:
    text = '[heartbeat]\nurl = { env = "BEAT" }\ninterval = "30s"\n'
    url = "https://hc-ping.com/5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278"
    config = loaded(SERVICE + text, {"BEAT": url})
    assert config.heartbeat == HeartbeatSettings(Secret(url), 30.0, 10.0)
    assert url in config.secrets()
    assert url not in repr(config)


# --- warnings and limits -------------------------------------------------------------------------


def test_warnings_of_a_service_go_over_the_defaults_key_by_key(loaded: Load) -> None:
    config = loaded("""
[defaults.warnings]
certificate = ["30d", "5d"]
memory = [80, 95]

[warnings]
every = "1m"
disk = ["/srv"]
inodes_used = []

[[service]]
unit = "a"
[service.warnings]
certificate = []
healed_limit = 3
""")
    [service] = config.services
    assert service.policy.warnings == Warnings(certificate=(), memory=(80, 95), healed_limit=3)
    assert config.warnings == HostWarnings(every=60.0, disk=("/srv",), inodes_used=())


def test_limits_are_read_as_systemd_reads_sizes(loaded: Load) -> None:
    config = loaded(SERVICE + 'limits = { memory = "1.5G", cpu = "150 %", action = "restart" }\n')
    assert config.services[0].limits == Limits(
        memory=1.5 * 1024**3, cpu=1.5, action=LimitAction.RESTART
    )
    assert loaded(SERVICE + "limits.memory = 1048576").services[0].limits.memory == 1024**2
    assert not loaded(SERVICE).services[0].limits
