"""Python's garbage collector, during whose full looks nothing else runs."""

from __future__ import annotations

import gc

_ALWAYS, _EACH = 700, 2
"""Objects more than at the last look, in all and for each service, that bring the next look on.

Python's own 700 are what forty rounds at a time hold: with 10,000 services it looked at all of
them every three seconds, for 150 ms. What it is there for, objects that refer to each other in a
circle, comes here of errors alone.
"""


def settle(services: int) -> None:
    """Have the collector pass over all that is there now; what a reload has ended is freed."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALWAYS + _EACH * services, *gc.get_threshold()[1:])
