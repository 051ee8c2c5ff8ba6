"""Configuration: TOML -> validated, frozen settings -> core values.

``load`` is what the daemon needs. ``show`` and ``schema`` are for people and editors, and are
imported from their modules by the commands that print them.
"""

from __future__ import annotations

from watchdog.config.loading import load
from watchdog.config.secret import Secret
from watchdog.config.settings import (
    AlertmanagerSettings,
    AppriseSettings,
    ChannelSettings,
    Config,
    DaemonSettings,
    DeliverySettings,
    Deployment,
    EmailSettings,
    HeartbeatSettings,
    SlackBotSettings,
    SlackSettings,
    SlackWebhookSettings,
    WebhookSettings,
    WebSettings,
)

__all__ = [
    "AlertmanagerSettings",
    "AppriseSettings",
    "ChannelSettings",
    "Config",
    "DaemonSettings",
    "DeliverySettings",
    "Deployment",
    "EmailSettings",
    "HeartbeatSettings",
    "Secret",
    "SlackBotSettings",
    "SlackSettings",
    "SlackWebhookSettings",
    "WebSettings",
    "WebhookSettings",
    "load",
]
"""Where the configuration is unless a command is told otherwise."""
