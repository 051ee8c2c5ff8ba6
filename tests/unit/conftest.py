"""How thoroughly hypothesis searches.

By hand, for a long look: WATCHDOG_HYPOTHESIS=deep scripts/test --unit --timeout=0 -k properties
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("quick", deadline=None, max_examples=50)
settings.register_profile("ci", deadline=None, max_examples=50, derandomize=True, print_blob=True)
settings.register_profile("deep", deadline=None, max_examples=5_000)
settings.load_profile(
    os.environ.get("WATCHDOG_HYPOTHESIS", "ci" if os.environ.get("CI") == "true" else "quick")
)
