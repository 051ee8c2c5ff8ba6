"""The validated configuration, frozen: what the rest of the program is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from watchdog.config.secret import HiddenText, Secret
from watchdog.core.routing import Subscription
from watchdog.core.service import (
    HttpCheck,
    ProcessControl,
    Service,
)
from watchdog.core.thresholds import HostWarnings


@dataclass(frozen=True, slots=True)
class DaemonSettings:
    """The daemon itself."""

    state_dir: str
    runtime_dir: str
    log: Literal["auto", "json", "console"]
    host: str  # what this host is called in alerts
    timezone: str = ""  # IANA name; empty: the host's own
    language: str = "en"  # of alerts, by its two letters


@dataclass(frozen=True, slots=True)
class SlackBotSettings:
    """A Slack channel that a bot writes to."""

    token: Secret
    channel: str
    name: str = "slack"
    api_url: str = "https://slack.com/api/"  # ends with a slash
    timeout: float = 10.0  # seconds, for each request
    app_token: Secret | None = None  # None: no buttons
    users: tuple[str, ...] = ()  # ids of users and user groups who may press them

    @property
    def destinations(self) -> tuple[str, ...]:
        """Return the one destination."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class SlackWebhookSettings:
    """A Slack channel behind an incoming webhook."""

    webhook: Secret
    name: str = "slack"
    timeout: float = 10.0  # seconds, for each request

    @property
    def destinations(self) -> tuple[str, ...]:
        """Return the one destination."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class EmailSettings:
    """Recipients behind one mail server."""

    to: tuple[str, ...]
    sender: str  # "a@b.c" or "Name <a@b.c>"
    host: str
    port: int = 587
    tls: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: Secret | None = None
    name: str = "email"
    ca_file: str | None = None  # authorities to trust besides the system's own
    timeout: float = 30.0  # seconds, for each step of the exchange
    insecure: bool = False  # tls="none" towards another host is meant

    @property
    def destinations(self) -> tuple[str, ...]:
        """Return one destination for each recipient: ``email:alice@example.com``."""
        return tuple(f"{self.name}:{address}" for address in self.to)


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """A receiver of signed JSON."""

    url: Secret
    name: str = "webhook"
    secret: Secret | None = None  # None: nothing is signed
    headers: tuple[tuple[str, str], ...] = ()
    timeout: float = 10.0  # seconds, for each request
    insecure: bool = False  # http towards another host is meant

    @property
    def destinations(self) -> tuple[str, ...]:
        """Return the one destination."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class AlertmanagerSettings:
    """The members of an Alertmanager cluster."""

    urls: tuple[str, ...]  # without /api/v2/alerts
    name: str = "alertmanager"
    username: str | None = None
    password: Secret | None = None
    token: Secret | None = None  # in place of user and password
    labels: tuple[tuple[str, str], ...] = ()
    generator_url: str | None = None
    resend: float = 60.0  # seconds from one renewal of an open incident to the next
    timeout: float = 10.0  # seconds, for each request
    insecure: bool = False  # http towards other hosts is meant

    @property
    def destinations(self) -> tuple[str, ...]:
        """Return the one destination: its members are told alike."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class AppriseSettings:
    """Services that the library apprise sends to."""

    urls: tuple[Secret, ...]
    name: str = "apprise"
    timeout: float = 30.0  # seconds, for each service

    @property
    def destinations(self) -> tuple[str, ...]:
        """Return one destination for each service, by its schema: ``apprise:tgram``.

        What one service refuses must not be sent to the others again.
        """
        schemas = [url.reveal().partition("://")[0].lower() for url in self.urls]
        names = []
        for index, schema in enumerate(schemas):
            before = schemas[:index].count(schema)
            label = schema or "unknown"  # only a person who asks may not see the URL
            names.append(f"{self.name}:{label}-{before + 1}" if before else f"{self.name}:{label}")
        return tuple(names)


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """What holds of all channels."""

    fallback: tuple[str, ...] = ()  # names of channels
    fallback_after: float = 300.0  # seconds
    canary: tuple[int, int] | None = None  # hour and minute of the day


@dataclass(frozen=True, slots=True)
class HeartbeatSettings:
    """Who misses us if we die."""

    url: Secret
    interval: float = 60.0  # seconds
    timeout: float = 10.0  # seconds, for each request
    insecure: bool = False  # http towards another host is meant


@dataclass(frozen=True, slots=True)
class WebSettings:
    """What is served over HTTP, and where."""

    host: str = "127.0.0.1"  # empty with a path
    port: int = 9099
    path: str = ""  # of a unix socket
    token: Secret | None = None  # None: nobody may act
    read_token: Secret | None = None  # with which one may read alone
    names: tuple[str, ...] = ()  # names of the page besides those of this host
    certificate: str | None = None  # None: http
    key_file: str | None = None
    insecure: bool = False  # http towards other hosts is meant


NGINX = "nginx.service"
"""The unit of nginx, where the configuration names no other."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What only commands at a terminal need to know of a service."""

    proxied: HttpCheck | None = None  # through nginx on this host; None: there is none
    external: HttpCheck | None = None  # as its users reach it
    nginx: str = NGINX  # the unit
    before: tuple[tuple[str, ...], ...] = ()  # commands of a deploy
    after: tuple[tuple[str, ...], ...] = ()
    rollback: tuple[tuple[str, ...], ...] = ()
    timeout: float = 600.0  # seconds for each of them
    env_file: str | None = None  # None: as the unit says
    env_keys: tuple[str, ...] = ()
    venv: str | None = None  # None: as the unit says
    requirements: str | None = None


SlackSettings = SlackBotSettings | SlackWebhookSettings
ChannelSettings = (
    SlackSettings | EmailSettings | WebhookSettings | AlertmanagerSettings | AppriseSettings
)


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration."""

    path: str
    daemon: DaemonSettings
    services: tuple[Service, ...]
    deployments: Mapping[str, Deployment] = field(default_factory=dict)  # by service, if stated
    slack: tuple[SlackSettings, ...] = ()
    email: tuple[EmailSettings, ...] = ()
    webhook: tuple[WebhookSettings, ...] = ()
    alertmanager: tuple[AlertmanagerSettings, ...] = ()
    apprise: tuple[AppriseSettings, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()  # one for each destination
    delivery: DeliverySettings = DeliverySettings()
    heartbeat: HeartbeatSettings | None = None
    web: WebSettings | None = None  # None: nothing is served over HTTP
    redact_emails: bool = False
    warnings: HostWarnings = field(default_factory=HostWarnings)
    unchecked: tuple[str, ...] = ()  # secrets that only the daemon can see; empty in the daemon
    variables: frozenset[str] = frozenset()  # of the environment, that hold secrets
    remarks: tuple[str, ...] = ()  # what is allowed, and may not be meant; empty in the daemon

    @property
    def channels(self) -> tuple[ChannelSettings, ...]:
        """Return every channel, in the order in which they are shown."""
        return (*self.slack, *self.email, *self.webhook, *self.alertmanager, *self.apprise)

    @property
    def destinations(self) -> tuple[str, ...]:
        """Return where alerts go, by name."""
        return tuple(name for channel in self.channels for name in channel.destinations)

    @property
    def fallbacks(self) -> tuple[str, ...]:
        """Return the destinations of the channels that are told of what others do not take."""
        return tuple(
            name
            for channel in self.channels
            if channel.name in self.delivery.fallback
            for name in channel.destinations
        )

    def deployment(self, service: str) -> Deployment:
        """Return what is known of *service* besides what is watched."""
        return self.deployments.get(service, Deployment())

    def secrets(self) -> Iterator[str]:
        """Yield every secret that the configuration knows, for those who keep them back."""
        for service in self.services:
            named = [check.headers for check in service.checks if isinstance(check, HttpCheck)]
            if isinstance(service.control, ProcessControl):
                named.append(service.control.environment)
            reached = self.deployment(service.name)
            named += [check.headers for check in (reached.proxied, reached.external) if check]
            for _name, value in (pair for pairs in named for pair in pairs):
                if isinstance(value, HiddenText):
                    yield value
        for slack in self.slack:
            yield (slack.token if isinstance(slack, SlackBotSettings) else slack.webhook).reveal()
            if isinstance(slack, SlackBotSettings) and slack.app_token is not None:
                yield slack.app_token.reveal()
        yield from (mail.password.reveal() for mail in self.email if mail.password is not None)
        for hook in self.webhook:
            yield hook.url.reveal()
            yield from (value for _name, value in hook.headers if isinstance(value, HiddenText))
        for kept in (
            self.heartbeat.url if self.heartbeat is not None else None,
            self.web.token if self.web is not None else None,
            self.web.read_token if self.web is not None else None,
            *(hook.secret for hook in self.webhook),
            *(login for each in self.alertmanager for login in (each.password, each.token)),
            *(url for each in self.apprise for url in each.urls),
        ):
            if kept is not None:
                yield kept.reveal()
