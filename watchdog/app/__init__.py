"""Wiring: from a configuration to a running daemon."""
