"""A sign of life to somebody elsewhere, who misses it when this host has died."""
