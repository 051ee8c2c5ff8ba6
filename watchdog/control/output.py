"""What a command prints, kept in memory and short."""

from __future__ import annotations

import fcntl
import os

LIMIT = 64 * 1024

_LONGEST = 200  # characters of a line in a reason


class Output:
    """A file without a name for standard output and error.

    Not a pipe: a service that ``start`` leaves running with it can go on writing, whatever becomes
    of us. Close it after use.
    """

    def __init__(self) -> None:
        self.descriptor = os.memfd_create("output")
        # Every writer appends, so that the file can be cut under it.
        fcntl.fcntl(self.descriptor, fcntl.F_SETFL, os.O_APPEND)

    def trim(self) -> None:
        """Forget all but the first LIMIT bytes."""
        if os.fstat(self.descriptor).st_size > LIMIT:
            os.ftruncate(self.descriptor, LIMIT)

    def first_line(self) -> str:
        """Return the first line that says anything, without control characters."""
        for line in os.pread(self.descriptor, LIMIT, 0).decode("utf-8", "replace").splitlines():
            words = " ".join("".join(c if c.isprintable() else " " for c in line).split())
            if words:
                return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"
        return ""

    def close(self) -> None:
        """Give it back; what still writes to it may go on."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
