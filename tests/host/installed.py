"""A host with our daemon on it."""

from __future__ import annotations

from tests.host.host import Host

DAEMON = "service-watchdog.service"
CONFIG = "/etc/service-watchdog/config.toml"


class InstalledHost(Host):
    """A host where `systemd/install.sh` has installed the daemon; it starts when a test says so."""

    def configure(self, toml: str) -> None:
        """Replace the configuration; its owner and mode stay as installed."""
        self.run("tee", CONFIG, input=toml)

    def start_daemon(self) -> None:
        """Start the daemon, and return when it says that it is ready."""
        self.systemctl("start", DAEMON)
