"""Facts about a failure: what a restart destroys, and what survives it."""
