"""How a server is reached over HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Route:
    """How a server is reached.

    The environment's proxies are ignored unless ``trust_env`` is set, which honours NO_PROXY as
    well; slack_sdk by itself would always take HTTPS_PROXY and never NO_PROXY.
    """

    timeout: float = 10.0  # seconds for one whole exchange
    proxy: str | None = field(default=None, repr=False)  # may hold a password
    trust_env: bool = False


DIRECT = Route()
