"""From a channel's settings to what delivers to it; only what is configured is imported."""

# ruff: noqa: PLC0415 - a daemon without e-mail has no SMTP in its memory

from __future__ import annotations

from base64 import b64encode

from watchdog.app.channels import Channel
from watchdog.config import (
    AlertmanagerSettings,
    AppriseSettings,
    EmailSettings,
    SlackBotSettings,
    SlackWebhookSettings,
    WebhookSettings,
)
from watchdog.ports import Notifier
from watchdog.relay import Pace
from watchdog.words.choosing import words_in

SLACK_GAP = 1.0
"""Seconds between two messages to one channel (https://docs.slack.dev/apis/web-api/rate-limits)."""

MARGIN = 3.0
"""Seconds by which a relay's deadline is longer than its notifier's own."""


def notifier_of(channel: Channel) -> tuple[Notifier, Pace]:
    """Return what delivers to *channel*, and at which pace it may be asked to."""
    from watchdog.notify.route import Route

    settings = channel.settings
    pace = Pace(deadline=settings.timeout + MARGIN, gap=SLACK_GAP)
    match settings:
        case WebhookSettings():
            from watchdog.notify.webhook import Hook, Webhook

            secret = settings.secret.reveal() if settings.secret is not None else ""
            hook = Hook(settings.name, settings.url.reveal(), secret, dict(settings.headers))
            return Webhook(hook, route=Route(settings.timeout)), Pace(
                pace.deadline, one_by_one=True
            )
        case AlertmanagerSettings():
            from watchdog.notify.alertmanager import Alertmanager, Cluster

            cluster = Cluster(
                settings.name,
                settings.urls,
                settings.resend,
                dict(settings.labels),
                settings.generator_url or "",
                _authorization(settings),
            )
            # An Alertmanager keeps nothing over its own restart: it is told again soon.
            soon = Pace(pace.deadline, longest_delay=settings.resend, one_by_one=True)
            return Alertmanager(cluster, route=Route(settings.timeout)), soon
        case AppriseSettings():
            from watchdog.notify.apprise import Apprise, Target

            url = settings.urls[settings.destinations.index(channel.destination)]
            target = Target(channel.destination, url.reveal())
            return Apprise(target, timeout=settings.timeout), Pace(pace.deadline)
        case SlackBotSettings():
            from watchdog.notify.slack import SlackBot
            from watchdog.notify.slack_press import Buttons

            words = words_in(channel.language)
            bot = SlackBot(
                settings.token.reveal(),
                settings.channel,
                api_url=settings.api_url,
                route=Route(settings.timeout),
                buttons=Buttons(settings.name, words) if settings.app_token is not None else None,
            )
            return bot, pace
        case SlackWebhookSettings():
            from watchdog.notify.slack import SlackWebhook

            return SlackWebhook(settings.webhook.reveal(), route=Route(settings.timeout)), pace
        case EmailSettings():
            from watchdog.notify.email import EmailNotifier, Server

            server = Server(
                settings.host,
                settings.port,
                settings.tls,
                settings.username or "",
                settings.password.reveal() if settings.password is not None else "",
                channel.host,
                settings.ca_file,
                settings.timeout,
            )
            recipient = channel.destination.removeprefix(f"{settings.name}:")
            email = EmailNotifier(
                recipient, sender=settings.sender, server=server, recipients=settings.to
            )
            return email, Pace(deadline=settings.timeout + MARGIN)


def _authorization(settings: AlertmanagerSettings) -> str:
    """Return the header that lets us in; empty if none is needed."""
    if settings.token is not None:
        return f"Bearer {settings.token.reveal()}"
    if settings.username is None or settings.password is None:
        return ""
    login = f"{settings.username}:{settings.password.reveal()}"
    return f"Basic {b64encode(login.encode()).decode()}"
