"""Probes: each asks one question once and answers with an Observation."""
