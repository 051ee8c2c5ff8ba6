"""From the outbox to the channels: one relay for each destination."""

from watchdog.relay.canary import Canary
from watchdog.relay.instead import Elsewhere
from watchdog.relay.left_behind import pass_on
from watchdog.relay.missed_ends import tell_missed_ends
from watchdog.relay.overdue import Overdue
from watchdog.relay.pace import Pace
from watchdog.relay.relay import Relay
from watchdog.relay.renewal import Renewal
from watchdog.relay.standing import RelayStatus
from watchdog.relay.talk import Talk

__all__ = [
    "Canary",
    "Elsewhere",
    "Overdue",
    "Pace",
    "Relay",
    "RelayStatus",
    "Renewal",
    "Talk",
    "pass_on",
    "tell_missed_ends",
]
