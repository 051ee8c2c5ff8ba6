"""How a service is watched and restarted: systemd, embedded process or commands."""
