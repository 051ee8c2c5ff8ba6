"""Kinds of values: what a key may hold, and the words for it in messages and the reference.

A kind is an annotated type. Its Meta holds what msgspec checks and puts in the JSON Schema, and
in ``extra``: ``expected`` (for messages), ``parse`` (in place of msgspec's own conversion),
``check`` (after it), ``secret`` (the value must not be repeated) and, of an array, ``hint`` (what
to write in place of text).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta

from watchdog.config.conditions import parse_condition
from watchdog.config.durations import PATTERN, format_duration, parse_duration
from watchdog.config.problems import did_you_mean, listing, looks_secret, quoted
from watchdog.config.units import service_unit
from watchdog.words.choosing import languages

HOUR, DAY = 3600.0, 86400.0


def is_loopback(host: str) -> bool:
    """Tell whether *host* can only be this host."""
    return host in {"localhost", "::1"} or bool(re.fullmatch(r"127(?:\.[0-9]{1,3}){3}", host))


def _whole(low: int, high: int, what: str = "a whole number") -> Meta:
    return Meta(ge=low, le=high, extra={"expected": f"{what} from {low} to {high}"})


def _duration(low: float, high: float) -> Meta:
    span = f"from {format_duration(low)} to {format_duration(high)}"
    return Meta(
        extra={
            "expected": f'a duration {span}, such as 30 or "1m30s"',
            "parse": partial(_read_duration, low=low, high=high),
        },
        extra_json_schema={
            "anyOf": [
                {"type": "number", "minimum": low, "maximum": high},
                {"type": "string", "pattern": PATTERN},
            ]
        },
    )


def _read_duration(value: object, low: float, high: float) -> float:
    seconds = parse_duration(value)
    if not low <= seconds <= high:  # also refuses nan
        raise ValueError
    return seconds


def _text(
    expected: str,
    pattern: str = r"^[^\x00-\x1f\x7f]+$",
    check: Callable[[str], object] | None = None,
    longest: int = 4096,
) -> Meta:
    # Python's $ lets a final newline pass, and JSON Schema knows no \Z.
    return Meta(
        pattern=rf"{pattern}(?!\n)",
        max_length=longest,
        extra={"expected": expected, "check": check},
    )


def _check_url(url: str) -> None:
    """Refuse what no request can be made for. Messages do not repeat the URL: it may be secret."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("the host or the port of the URL is not valid") from None
    if not parts.hostname or port == 0:
        raise ValueError("the host or the port of the URL is not valid")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL must not hold a user or password; expected them in headers")
    if parts.fragment:
        raise ValueError("the part after # is never sent; expected a URL without it")


def _check_member(url: str) -> None:
    """Refuse a URL that the path of the API cannot follow."""
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise ValueError(
            "a URL must not hold a user or password; expected them as username and password"
        )
    for sign in "?#":
        if sign in url:
            raise ValueError(
                f"/api/v2/alerts is added to it, which cannot follow {sign};"
                f" expected a URL without {sign}"
            )
    _check_url(url)
    if url.rstrip("/").endswith("/api/v2/alerts"):
        raise ValueError("/api/v2/alerts is added to it; expected a URL without it")


def _check_api_url(url: str) -> None:
    _check_url(url)
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("secrets would travel in the clear; expected a https URL")


def check_webhook(url: str) -> None:
    """Refuse what is no webhook's URL, without repeating it. Raises ValueError."""
    if not re.match(r"https?://\S+\Z", url):
        raise ValueError("expected the URL of the webhook, beginning with https://")
    _check_api_url(url)


def check_receiver(url: str, *, insecure: bool, has_secrets: bool) -> None:
    """Refuse what is no URL to post alerts to, without repeating it. Raises ValueError.

    http towards another host must be meant (*insecure*), and secrets never go that way.
    """
    if not re.match(r"https?://\S+\Z", url):
        raise ValueError("not a URL; expected one that begins with https://")
    _check_url(url)
    parts = urlsplit(url)
    if parts.scheme == "https" or is_loopback(parts.hostname or ""):
        return
    if has_secrets:
        raise ValueError("secrets would travel in the clear; expected a https URL")
    if not insecure:
        raise ValueError(
            "alerts would travel in the clear; expected a https URL, or insecure = true beside it"
        )


def _check_zone(name: str) -> None:
    from zoneinfo import ZoneInfo, available_timezones  # noqa: PLC0415 - most configs name none

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        hint = did_you_mean(name, available_timezones()) or "expected one such as Asia/Seoul"
        raise ValueError(f"no time zone {quoted(name)} on this host; {hint}") from None


def _words(line: str) -> str:
    """Return what to write in place of a command *line* for a shell."""
    import shlex  # noqa: PLC0415 - only after an error

    try:
        words = shlex.split(line)
    except ValueError:
        return ""
    return f"; write [{', '.join(map(quoted, words))}]" if words and not looks_secret(line) else ""


Flag = Annotated[bool, Meta(extra={"expected": "true or false"})]
Count = Annotated[int, _whole(1, 1000)]
CountOrNever = Annotated[int, _whole(0, 1000)]
PortNumber = Annotated[int, _whole(1, 65535, "a port")]
Percent = Annotated[int, _whole(1, 100, "a percentage")]
FileCount = Annotated[int, _whole(1, 1_000_000)]
StatusCode = Annotated[int, _whole(100, 599, "a status code")]

Pace = Annotated[float, _duration(0.05, DAY)]
Timeout = Annotated[float, _duration(0.05, HOUR)]
Grace = Annotated[float, _duration(0, 7 * DAY)]
Window = Annotated[float, _duration(1, 30 * DAY)]
Left = Annotated[float, _duration(60, 400 * DAY)]
Resend = Annotated[float, _duration(1, 600)]
Beat = Annotated[float, _duration(1, DAY)]

Text = Annotated[str, _text("text")]
Argument = Annotated[str, _text("text", r"^[^\x00]*$", longest=131_072)]
Command = Annotated[
    list[Argument],
    Meta(
        min_length=1,
        extra={"expected": 'an array of text such as ["python", "-m", "app"]', "hint": _words},
    ),
]
Commands = Annotated[
    list[Command], Meta(extra={"expected": 'an array of commands such as [["ss", "-tn"]]'})
]
ServiceName = Annotated[
    str,
    _text(r"a name of letters, digits and _ . : @ \ -", r"^[A-Za-z0-9_][A-Za-z0-9_.:@\\-]*$"),
]
ChannelName = Annotated[
    str, _text("a name of letters, digits and _ . -", r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", longest=64)
]
ServicePattern = Annotated[
    str,
    _text(
        'the name of a service, or a glob such as "web-*"',
        r"^[A-Za-z0-9_*?\[][A-Za-z0-9_.:@\\*?\[\]!-]*$",
    ),
]
ServicePatterns = Annotated[
    list[ServicePattern],
    Meta(
        min_length=1,
        extra={"expected": 'an array of names and globs such as ["api", "web-*"]'},
    ),
]
Severities = Annotated[
    list[Literal["critical", "warning", "info"]],
    Meta(extra={"expected": 'an array such as ["critical", "warning"]'}),
]
ChannelNames = Annotated[
    list[ChannelName], Meta(min_length=1, extra={"expected": "an array of such names"})
]
DailyTime = Annotated[
    str, _text('a time of day such as "daily 09:00"', r"^daily ([01][0-9]|2[0-3]):[0-5][0-9]$")
]
ServiceNames = Annotated[
    list[ServiceName], Meta(extra={"expected": 'an array of names such as ["postgres"]'})
]
UnitName = Annotated[str, _text("a unit name", check=service_unit)]
AbsolutePath = Annotated[str, _text("an absolute path such as /srv/app", r"^/[^\x00-\x1f\x7f]*$")]
LogFiles = Annotated[
    list[AbsolutePath],
    Meta(extra={"expected": 'an array of paths such as ["/var/log/nginx/error.log"]'}),
]
Host = Annotated[str, _text("a host name or an IP address", r"^[A-Za-z0-9_.:%-]+$", longest=255)]
Hosts = Annotated[
    list[Host], Meta(extra={"expected": 'an array of names such as ["status.example.com"]'})
]
Listen = Annotated[
    str,
    _text(
        'an address such as "127.0.0.1:9099", "[::1]:9099" or "unix:/run/NAME.sock"',
        r"^(unix:/[^\x00-\x1f\x7f]{1,100}"
        r"|([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])"
        r":(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))$",
    ),
]
Url = Annotated[
    str, _text("a URL such as http://127.0.0.1:8000/health", r"^https?://[^\s]+$", _check_url)
]
ApiUrl = Annotated[
    str, _text("a URL such as https://slack.com/api/", r"^https?://[^\s]+$", _check_api_url)
]
MemberUrl = Annotated[
    str, _text("a URL such as http://127.0.0.1:9093", r"^https?://[^\s]+$", _check_member)
]
Urls = Annotated[
    list[MemberUrl],
    Meta(min_length=1, extra={"expected": 'an array of URLs such as ["http://127.0.0.1:9093"]'}),
]
ConditionText = Annotated[
    str, _text("""a condition such as 'status == "healthy"'""", check=parse_condition)
]
HeaderName = Annotated[
    str, _text("the name of an HTTP header", r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", longest=255)
]
LabelName = Annotated[
    str,
    _text("the name of a label", r"^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$", longest=255),
]
VariableName = Annotated[
    str, _text("the name of an environment variable", r"^[^=\x00]+$", longest=255)
]
VariableNames = Annotated[
    list[VariableName], Meta(extra={"expected": 'an array of names such as ["API_KEY"]'})
]
SlackChannel = Annotated[
    str,
    _text('a channel such as "#ops", or its id', r"^(#[^\s#]+|[CDGU][A-Z0-9]{6,})$", longest=100),
]
SlackUser = Annotated[
    str,
    _text(
        'the id of a user or a user group such as "U012AB3CD" or "S0614TZR7"',
        r"^[UWS][A-Z0-9]{4,}$",
        longest=32,
    ),
]
SlackUsers = Annotated[
    list[SlackUser],
    Meta(
        min_length=1,
        extra={"expected": 'an array of ids of users or user groups such as ["U012AB3CD"]'},
    ),
]
_ADDRESS = r"[^\s@<>,;:\"()]+@[^\s@<>,;:\"()]+"
Address = Annotated[
    str, _text("an address such as alice@example.com", f"^{_ADDRESS}$", longest=254)
]
Addresses = Annotated[
    list[Address],
    Meta(min_length=1, extra={"expected": 'an array of addresses such as ["alice@example.com"]'}),
]
Sender = Annotated[
    str,
    _text(
        'an address such as "Watchdog <watchdog@example.com>"',
        rf"^({_ADDRESS}|[^<>@\x00-\x1f]+ <{_ADDRESS}>)$",
        longest=320,
    ),
]
Language = Annotated[
    str,
    Meta(
        pattern=rf"^(?:{'|'.join(languages())})$(?!\n)",
        extra={"expected": listing(f'"{language}"' for language in languages())},
        extra_json_schema={"enum": list(languages())},
    ),
]
ZoneName = Annotated[str, _text("a time zone such as Asia/Seoul", check=_check_zone, longest=64)]
SecretText = Annotated[
    str,
    Meta(
        min_length=1,
        extra={
            "expected": 'a secret such as { credential = "NAME" }, { file = "/PATH" }'
            ' or { env = "NAME" }',
            "secret": True,
        },
    ),
]
HeaderValue = Annotated[
    str,
    Meta(
        pattern=r"^[^\x00-\x08\x0a-\x1f\x7f]*$(?!\n)",
        extra={"expected": "text in quotes on one line, or a secret", "secret": True},
    ),
]
VariableValue = Annotated[
    str,
    Meta(
        pattern=r"^[^\x00]*$(?!\n)",
        extra={"expected": "text in quotes, or a secret", "secret": True},
    ),
]
