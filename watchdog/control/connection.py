"""One connection to the system bus, and systemd at its other end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

from dbus_fast import BusType, Message, MessageType
from dbus_fast.aio import MessageBus

from watchdog.control.systemd_names import (
    BUS_DAEMON,
    DBUS,
    DISCONNECTED,
    MANAGER,
    NO_REPLY,
    NONSENSE,
    SYSTEMD,
    SYSTEMD_PATH,
    Target,
)
from watchdog.errors import BusError

CALL_TIMEOUT = 25.0
"""Seconds for a call, waiting for its turn included; what sd-bus itself allows."""

OPEN_TIMEOUT = 10.0

IN_FLIGHT = 48
"""Calls at once. dbus-daemon refuses more than 128 pending replies per connection."""

_LIMIT_RETRY = 0.05

_SIGNAL = f"type='signal',sender='{SYSTEMD}',"
_CHANGES = (
    f"{_SIGNAL}interface='{DBUS}.Properties',member='PropertiesChanged',"
    f"path_namespace='{SYSTEMD_PATH}/unit',arg0='{SYSTEMD}."
)
_MATCHES = (
    # The same few for one unit and for a thousand. UnitNew, UnitRemoved and JobNew say nothing that
    # the properties do not say, and come by the hundred.
    f"{_CHANGES}Unit'",
    f"{_CHANGES}Service'",
    f"{_SIGNAL}interface='{MANAGER.interface}',member='JobRemoved'",
    f"{_SIGNAL}interface='{MANAGER.interface}',member='Reloading'",
    f"type='signal',sender='{DBUS}',member='NameOwnerChanged',arg0='{SYSTEMD}'",
)


class Connection:
    """Calls systemd and hears its signals; once lost, it stays lost.

    Replies and signals are taken in the order in which they arrive, so that a snapshot never
    overwrites what a later signal has said.
    """

    def __init__(
        self,
        address: str,
        *,
        on_signal: Callable[[Message], None],
        on_owner: Callable[[], None],
        on_lost: Callable[[], None],
        call_timeout: float = CALL_TIMEOUT,
    ) -> None:
        self.owner = ""  # systemd's unique name; it changes with every daemon-reexec
        self._address = address
        self._on_signal = on_signal
        self._on_owner = on_owner
        self._on_lost = on_lost
        self._call_timeout = call_timeout
        self._bus: MessageBus | None = None
        self._end: asyncio.Task[str] | None = None
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._waiting: dict[int, Callable[[Message], None]] = {}

    @property
    def lost(self) -> str:
        """Say why the connection is gone; empty while it is not."""
        return self._end.result() if self._end is not None and self._end.done() else ""

    async def open(self) -> None:
        """Connect, and learn who systemd is. Raises BusError, OSError and dbus-fast's own."""
        try:
            async with asyncio.timeout(OPEN_TIMEOUT):
                await self._open()
        except TimeoutError:
            why = f"no answer from the bus daemon in {OPEN_TIMEOUT:g} s"
            raise BusError(why, NO_REPLY) from None

    async def _open(self) -> None:
        bus = await MessageBus(self._address or None, BusType.SYSTEM).connect()
        self._bus = bus
        self._end = asyncio.create_task(self._wait_end(bus), name="bus-end")
        bus.add_message_handler(self._receive)
        for match in _MATCHES:
            await self.call("AddMatch", "s", [match], to=BUS_DAEMON)
        try:
            await self.call("GetNameOwner", "s", [SYSTEMD], self._set_owner, to=BUS_DAEMON)
        except BusError as error:
            # The bus is younger than systemd's connection to it: it will come.
            if error.name != f"{DBUS}.Error.NameHasNoOwner":
                raise

    async def subscribe(self) -> None:
        """Ask systemd for its signals; that it sends them already is fine. Raises BusError."""
        try:
            await self.call("Subscribe")
        except BusError as error:
            if error.name != f"{SYSTEMD}.AlreadySubscribed":
                raise

    async def close(self) -> None:
        """Disconnect; whoever still waits for an answer is told so."""
        if self._bus is None or self._end is None:
            return
        if self._bus.connected:
            self._bus.disconnect()
        await self._end

    async def call(
        self,
        member: str,
        signature: str = "",
        body: Sequence[Any] = (),
        on_reply: Callable[[list[Any]], None] | None = None,
        *,
        to: Target = MANAGER,
        at_once: bool = False,
    ) -> list[Any]:
        """Return the body of the reply; *on_reply* gets it first, before any later signal is taken.

        Raises BusError, at the latest after the call's timeout, which begins when it is its turn: a
        restart that waits behind hundreds of others must not be taken for one that systemd ignores.
        *at_once* takes no turn: who finds out that systemd is silent must not wait for those whom
        it does not answer.
        """
        turn = nullcontext() if at_once else self._slots
        try:
            async with turn, asyncio.timeout(self._call_timeout):
                while True:
                    message = Message(*to, member, signature=signature, body=list(body))
                    try:
                        return await self._exchange(message, on_reply)
                    except BusError as error:
                        if error.name != f"{DBUS}.Error.LimitsExceeded":
                            raise
                    await asyncio.sleep(_LIMIT_RETRY)
        except TimeoutError:
            why = f"no answer to {member} in {self._call_timeout:g} s"
            raise BusError(why, NO_REPLY) from None

    async def _exchange(
        self, message: Message, on_reply: Callable[[list[Any]], None] | None
    ) -> list[Any]:
        bus = self._bus
        if bus is None or not bus.connected:
            raise BusError("the connection is lost", DISCONNECTED)
        answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()

        def take(reply: Message) -> None:
            if answer.done():
                return
            if reply.message_type is MessageType.ERROR:
                text = str(reply.body[0]) if reply.body else str(reply.error_name)
                answer.set_exception(BusError(text, str(reply.error_name)))
                return
            try:
                if on_reply is not None:
                    on_reply(reply.body)
            except NONSENSE as error:
                answer.set_exception(BusError(f"{message.member} answered nonsense: {error!r}"))
            else:
                answer.set_result(reply.body)

        message.serial = bus.next_serial()
        self._waiting[message.serial] = take
        try:
            await bus.send(message)
            return await answer
        except (OSError, EOFError) as error:
            raise BusError(f"the connection is lost: {error}", DISCONNECTED) from error
        finally:
            self._waiting.pop(message.serial, None)

    def _receive(self, message: Message) -> bool:
        """Take a message; True if it was ours. dbus-fast shows every message here, in order."""
        if message.message_type is not MessageType.SIGNAL:
            take = self._waiting.pop(message.reply_serial or 0, None)
            if take is None:
                return False
            take(message)
            return True
        # Anybody on the host may send us a signal that claims to be systemd's; the sender's name
        # is the bus daemon's word. The owner is never stale: its changes come in the same stream.
        if message.sender == self.owner:
            self._on_signal(message)
        elif message.sender == DBUS and message.member == "NameOwnerChanged":
            self._set_owner(message.body[2:])
            self._on_owner()
        return False

    def _set_owner(self, body: list[Any]) -> None:
        self.owner = str(body[0])

    async def _wait_end(self, bus: MessageBus) -> str:
        """Return once the connection is gone, with the reason, and tell all who wait."""
        reason = "the connection is closed"
        try:
            await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
        except EOFError:
            reason = "the bus daemon has closed the connection"
        except Exception as error:  # noqa: BLE001 - whatever it was, it is over
            reason = str(error) or type(error).__name__
        for take in list(self._waiting.values()):
            take(
                Message(
                    message_type=MessageType.ERROR,
                    error_name=DISCONNECTED,
                    reply_serial=1,
                    signature="s",
                    body=[reason],
                )
            )
        self._on_lost()
        return reason
