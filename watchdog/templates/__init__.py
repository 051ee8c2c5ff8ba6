"""Texts of an nginx site and of units, filled from the configuration, and their installation."""
