"""Deploys and their verification: ordered steps, each waited for, for a person at a terminal."""
