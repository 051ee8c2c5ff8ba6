"""One small tree of errors. Messages read ``cannot X: why; what happens next``."""

from __future__ import annotations


class WatchdogError(Exception):
    """Anything this program raises on purpose."""


class ConfigError(WatchdogError):
    """The configuration is not usable; ``problems`` lists every reason, one line each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class BusError(WatchdogError):
    """systemd could not be asked, or refused; ``name`` is the D-Bus error name, if it had one."""

    def __init__(self, message: str, name: str = "") -> None:
        super().__init__(message)
        self.name = name


class TemplateError(WatchdogError):
    """A template cannot be filled with what is known; *code* is the exit code."""

    code = 2


class StoreError(WatchdogError):
    """The database could not be read or written."""


class NotOnRecordError(StoreError):
    """The ledger has nothing of that name; *code* is the exit code."""

    code = 1


class ControlError(WatchdogError):
    """The daemon could not be asked over its control socket."""


class WebError(WatchdogError):
    """Nothing can be served over HTTP."""


class DeliveryError(WatchdogError):
    """An alert could not be delivered."""


class TemporaryDeliveryError(DeliveryError):
    """It may work later; ``retry_after`` is what the other side asked for, in seconds."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class MessageGoneError(DeliveryError):
    """The message that was to be edited, or answered, is not there any more."""


class RepairNeededError(TemporaryDeliveryError):
    """It will work once a person has repaired something: a token, an address, a right."""


class RejectedDeliveryError(DeliveryError):
    """The other side will never take this very message; others may pass."""
