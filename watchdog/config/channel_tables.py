"""The tables of webhooks, Alertmanager and apprise."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, UnsetType, field

from watchdog.config.kinds import (
    ChannelName,
    Flag,
    HeaderName,
    HeaderValue,
    LabelName,
    Resend,
    Text,
    Timeout,
    Url,
    Urls,
)
from watchdog.config.table import (
    Reference,
    SecretUrls,
    SecretValue,
    Table,
    TakenServices,
    TakenSeverities,
    key,
)


class WebhookTable(Table, frozen=True, kw_only=True):
    """Alerts as signed JSON to a URL. Several as [[webhook]], each with a name."""

    name: Annotated[ChannelName, key("What this channel is called.")] = "webhook"
    url: Annotated[SecretValue, key("Where alerts are posted; a secret, as such URLs often are.")]
    secret: Annotated[
        SecretValue | UnsetType,
        key("What alerts are signed with: whsec_ and base64.", default="none: nothing is signed"),
    ] = UNSET
    headers: Annotated[
        dict[HeaderName, HeaderValue | Reference],
        key("More headers of the request; values may be secrets.", default="{}"),
    ] = field(default_factory=dict)
    severities: TakenSeverities = UNSET
    services: TakenServices = UNSET
    insecure: Annotated[
        Flag, key("Allow a http URL on another host; never with secrets in headers.")
    ] = False
    timeout: Annotated[Timeout, key("For each request.")] = 10.0


class AlertmanagerTable(Table, frozen=True, kw_only=True):
    """Alerts to a Prometheus Alertmanager. Several as [[alertmanager]], each with a name."""

    name: Annotated[ChannelName, key("What this channel is called.")] = "alertmanager"
    urls: Annotated[Urls, key("Every member of the cluster, without /api/v2/alerts.")]
    username: Annotated[Text | UnsetType, key("User for basic authentication.", default="none")] = (
        UNSET
    )
    password: Annotated[SecretValue | UnsetType, key("Their password.", default="none")] = UNSET
    token: Annotated[
        SecretValue | UnsetType, key("Bearer token, in place of them.", default="none")
    ] = UNSET
    labels: Annotated[
        dict[LabelName, Text], key("More labels of every alert, such as a team.", default="{}")
    ] = field(default_factory=dict)
    generator_url: Annotated[
        Url | UnsetType, key("Where an alert's Source link leads.", default="none")
    ] = UNSET
    resend: Annotated[
        Resend, key("How often an open incident is told again; without, it ends after four times.")
    ] = 60.0
    severities: TakenSeverities = UNSET
    services: TakenServices = UNSET
    insecure: Annotated[Flag, key("Allow http URLs on other hosts; never with a login.")] = False
    timeout: Annotated[Timeout, key("For each request.")] = 10.0


class AppriseTable(Table, frozen=True, kw_only=True):
    """Alerts by the library apprise, an extra. Several as [[apprise]], each with a name."""

    name: Annotated[ChannelName, key("What this channel is called.")] = "apprise"
    urls: Annotated[SecretUrls, key("Where alerts go, in apprise's own form; each is a secret.")]
    severities: TakenSeverities = UNSET
    services: TakenServices = UNSET
    timeout: Annotated[Timeout, key("For each service, the start of the library included.")] = 30.0
