"""What AWS lets through to this instance: facts by its API, rules over plain values."""
