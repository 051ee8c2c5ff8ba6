"""The configured Slack apps whose buttons may be pressed, each listened to by a task of its own."""

# ruff: noqa: PLC0415 - a daemon without buttons pays nothing for them

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from watchdog.config import Config, SlackBotSettings
from watchdog.core.model import Pressed
from watchdog.store.durable import DurableStore
from watchdog.words.choosing import words_in

if TYPE_CHECKING:
    from watchdog.app.api import Api
    from watchdog.buttons.app import App, AppSettings
    from watchdog.buttons.standing import ButtonsStatus
    from watchdog.ports import Clock
    from watchdog.worker import Worker


@dataclass(slots=True)
class _Running:
    settings: AppSettings
    app: App
    task: asyncio.Task[None]


class Buttons:
    """Listens to each app; nothing of it is imported unless one is configured."""

    def __init__(
        self,
        api: Api,
        worker_of: Callable[[str], Worker | None],
        store: DurableStore,
        clock: Clock,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._api = api
        self._worker_of = worker_of
        self._store = store
        self._clock = clock
        self._tasks = tasks
        self._running: dict[str, _Running] = {}  # by app token

    async def apply(self, config: Config) -> None:
        """Listen to the apps of *config*; one that has not changed goes on, and tries now."""
        after = {app.app_token: app for app in apps(config)}
        for token, running in list(self._running.items()):
            if after.get(token) == running.settings:
                running.app.wake()
            else:
                del self._running[token]
                running.task.cancel()
                await asyncio.wait([running.task])
        for token, settings in after.items():
            if token not in self._running:
                self._running[token] = self._start(settings)

    def status(self, destination: str) -> ButtonsStatus | None:
        """Return how the buttons of a channel stand; None if it has none."""
        for running in self._running.values():
            if any(channel.name == destination for channel in running.settings.channels):
                return running.app.status()
        return None

    def _start(self, settings: AppSettings) -> _Running:
        from watchdog.buttons.app import App

        app = App(
            settings,
            words_in(settings.language),
            self._api.calls(),
            self._note,
            self._clock,
        )
        task = self._tasks.create_task(app.run(), name=f"buttons {settings.name}")
        return _Running(settings, app, task)

    async def _note(self, service: str, incident: str, text: str) -> None:
        """Write *text* on the timeline of *incident*, if there is such a one of *service*."""
        worker = self._worker_of(service)
        if worker is None:
            return
        open_now = worker.state.incident
        if open_now is None or open_now.id != incident:
            past = await self._store.incident(incident)
            if past is None or past.service != service:
                return
        await worker.tell(Pressed(incident, text))


def apps(config: Config) -> Sequence[AppSettings]:
    """Return the apps of *config*; channels with the same app token share one."""
    by_token: dict[str, list[SlackBotSettings]] = {}
    for slack in config.slack:
        if isinstance(slack, SlackBotSettings) and slack.app_token is not None:
            by_token.setdefault(slack.app_token.reveal(), []).append(slack)
    if not by_token:
        return ()
    from watchdog.buttons.app import AppSettings, ChannelSettings

    return [
        AppSettings(
            token,
            channels[0].api_url,
            channels[0].timeout,
            config.daemon.host,
            config.daemon.language,
            tuple(ChannelSettings(each.name, each.token.reveal(), each.users) for each in channels),
        )
        for token, channels in by_token.items()
    ]
