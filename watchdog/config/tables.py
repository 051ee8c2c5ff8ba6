"""The whole configuration file: its tables beside the services."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from watchdog.config.channel_tables import AlertmanagerTable, AppriseTable, WebhookTable
from watchdog.config.kinds import (
    AbsolutePath,
    Addresses,
    ApiUrl,
    ChannelName,
    Flag,
    Host,
    Language,
    PortNumber,
    Sender,
    SlackChannel,
    SlackUsers,
    Text,
    Timeout,
    ZoneName,
)
from watchdog.config.service_tables import PolicyTable, ServiceTable
from watchdog.config.table import SecretValue, Table, TakenServices, TakenSeverities, key
from watchdog.config.telling_tables import DeliveryTable, HeartbeatTable
from watchdog.config.warning_tables import HostWarningsTable
from watchdog.config.web_tables import WebChoice


class DaemonTable(Table, frozen=True):
    """The daemon itself."""

    state_dir: Annotated[
        AbsolutePath | UnsetType,
        key("Where the database is.", default="$STATE_DIRECTORY, or /var/lib/service-watchdog"),
    ] = UNSET
    runtime_dir: Annotated[
        AbsolutePath | UnsetType,
        key("Where the control socket is.", default="$RUNTIME_DIRECTORY, or /run/service-watchdog"),
    ] = UNSET
    log: Annotated[
        Literal["auto", "json", "console"],
        key("Form of the log; auto: console on a terminal, else JSON."),
    ] = "auto"
    host: Annotated[
        Text | UnsetType, key("What this host is called in alerts.", default="the host's name")
    ] = UNSET
    timezone: Annotated[
        ZoneName | UnsetType, key("Time zone of times in alerts.", default="the host's")
    ] = UNSET
    language: Annotated[
        Language, key("Language of alerts; reasons given by others stay as they are.")
    ] = "en"


class EvidenceTable(Table, frozen=True):
    """The evidence of all services."""

    redact_emails: Annotated[
        Flag, key("Take e-mail addresses out as well; secrets always are.")
    ] = False


class SlackTable(Table, frozen=True):
    """Alerts to Slack: token and channel, or webhook. Several as [[slack]], each with a name."""

    name: Annotated[ChannelName, key("What this channel is called.")] = "slack"
    token: Annotated[
        SecretValue | UnsetType, key("Bot token (xoxb-…) with the scope chat:write.")
    ] = UNSET
    channel: Annotated[
        SlackChannel | UnsetType, key("With token: where to write; the bot must be a member.")
    ] = UNSET
    webhook: Annotated[
        SecretValue | UnsetType, key("URL of an incoming webhook, in place of token and channel.")
    ] = UNSET
    app_token: Annotated[
        SecretValue | UnsetType,
        key(
            "With token: app-level token (xapp-…) with the scope connections:write; alerts then"
            " have buttons.",
            default="none: no buttons",
        ),
    ] = UNSET
    users: Annotated[
        SlackUsers | UnsetType,
        key(
            "With app_token: who may press them, as ids of users (U…, W…) and of user groups"
            " (S…, scope usergroups:read)."
        ),
    ] = UNSET
    severities: TakenSeverities = UNSET
    services: TakenServices = UNSET
    api_url: Annotated[ApiUrl, key("With token: where Slack's API is.")] = "https://slack.com/api/"
    timeout: Annotated[Timeout, key("For each request.")] = 10.0


class EmailTable(Table, frozen=True, kw_only=True):
    """Alerts by email. Several as [[email]], each with a name."""

    name: Annotated[ChannelName, key("What this channel is called.")] = "email"
    to: Annotated[Addresses, key("Recipients; each gets mail of their own.")]
    sender: Annotated[Sender, key("Address of the sender.")] = field(name="from")
    host: Annotated[Host, key("The mail server.")]
    port: Annotated[
        PortNumber | UnsetType,
        key("Its port.", default='587; 465 with tls = "tls"; 25 with tls = "none"'),
    ] = UNSET
    tls: Annotated[
        Literal["starttls", "tls", "none"],
        key("starttls and tls both refuse a server that offers no encryption."),
    ] = "starttls"
    insecure: Annotated[
        Flag, key('Allow tls = "none" towards another host; never with a password.')
    ] = False
    username: Annotated[Text | UnsetType, key("User at the mail server.", default="none")] = UNSET
    password: Annotated[SecretValue | UnsetType, key("Their password.", default="none")] = UNSET
    ca_file: Annotated[
        AbsolutePath | UnsetType,
        key("Authorities to trust besides the system's own, as PEM.", default="none"),
    ] = UNSET
    severities: TakenSeverities = UNSET
    services: TakenServices = UNSET
    timeout: Annotated[Timeout, key("For each step of the exchange.")] = 30.0


_SlackChoice = Annotated[
    SlackTable,
    Meta(
        extra_json_schema={
            "oneOf": [
                {"required": ["token", "channel"]},
                {"required": ["webhook"], "properties": {"token": False, "channel": False}},
            ],
            "dependentRequired": {"app_token": ["token", "users"], "users": ["app_token"]},
        }
    ),
]


class ConfigFile(Table, frozen=True, kw_only=True):
    """Configuration of service-watchdog."""

    daemon: Annotated[DaemonTable, key("The daemon itself.")] = DaemonTable()
    defaults: Annotated[PolicyTable, key("Policy of all services.")] = PolicyTable()
    service: Annotated[
        list[
            Annotated[
                ServiceTable,
                Meta(
                    extra_json_schema={
                        "oneOf": [
                            {"required": ["unit"]},
                            {"required": ["command", "name"]},
                            {"required": ["control", "name"]},
                        ]
                    }
                ),
            ]
        ],
        Meta(min_length=1, extra={"expected": "tables headed [[service]]"}),
        key("The services, one [[service]] each."),
    ]
    evidence: Annotated[EvidenceTable, key("The evidence of all services.")] = EvidenceTable()
    warnings: Annotated[HostWarningsTable, key("Warnings about the host itself.")] = (
        HostWarningsTable()
    )
    slack: Annotated[_SlackChoice | list[_SlackChoice] | UnsetType, key("Alerts to Slack.")] = UNSET
    email: Annotated[EmailTable | list[EmailTable] | UnsetType, key("Alerts by email.")] = UNSET
    webhook: Annotated[
        WebhookTable | list[WebhookTable] | UnsetType, key("Alerts as signed JSON to a URL.")
    ] = UNSET
    alertmanager: Annotated[
        AlertmanagerTable | list[AlertmanagerTable] | UnsetType,
        key("Alerts to a Prometheus Alertmanager."),
    ] = UNSET
    apprise: Annotated[
        AppriseTable | list[AppriseTable] | UnsetType, key("Alerts by the library apprise.")
    ] = UNSET
    delivery: Annotated[DeliveryTable, key("What holds of all channels.")] = DeliveryTable()
    heartbeat: Annotated[
        HeartbeatTable | UnsetType, key("A sign of life to somebody who misses it.")
    ] = UNSET
    web: Annotated[
        WebChoice | UnsetType, key("Status page, API and metrics over HTTP.", default="nothing")
    ] = UNSET
