"""SQLite: state, ledger, incidents and outbox, durable before anything is done about them."""

from watchdog.store.durable import DurableStore
from watchdog.store.sqlite import SqliteStore

__all__ = ["DurableStore", "SqliteStore"]
