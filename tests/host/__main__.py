"""A fresh test host by hand: `python -m tests.host [LAYER]... [-- COMMAND]`."""

from __future__ import annotations

import argparse
import subprocess
import sys

from tests.host.cache import Cache
from tests.host.host import Host, HostError
from tests.host.image import Images, why_impossible

LAYERS = ("base", "peers", "installed")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.host", description=__doc__)
    parser.add_argument(
        "--build", action="store_true", help="only build what tests need, so that none waits for it"
    )
    parser.add_argument(
        "--on",
        choices=LAYERS,
        default="peers",
        help="the uppermost layer of the host; default: %(default)s",
    )
    parser.add_argument("command", nargs="*", help="what to run there; default: a shell")
    arguments = parser.parse_args()
    if (reason := why_impossible()) is not None:
        print(reason, file=sys.stderr)
        return 2
    images = Images(Cache(report=lambda line: print(f"test host: {line}", file=sys.stderr)))
    try:
        wanted = LAYERS[: LAYERS.index(arguments.on) + 1]
        layers = [getattr(images, name)() for name in wanted]
        if arguments.build:
            return 0
        with Host(layers) as host:
            command = arguments.command or ["bash", "--login"]
            # On our own terminal: neither a pipe nor a time limit in between.
            return subprocess.call(["nsenter", "--target", str(host.pid), "--all", "--", *command])
    except HostError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
