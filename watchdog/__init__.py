"""Keep a web service alive on one Linux host, and tell people when it is not."""

__version__ = "0.1.0"
