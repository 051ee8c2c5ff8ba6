"""Diagnosis: the flowchart as an engine, and what it finds."""
