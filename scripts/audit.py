"""Asks whether anything is known against what is locked, and says so in a line each.

pip-audit asks about the Python packages; the one JavaScript library is asked about here, in the
same way (https://google.github.io/osv.dev/post-v1-query/).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
OSV = "https://api.osv.dev/v1/query"
SHIPPED = ("run", "apprise", "aws", "build")
DEVELOPERS = ("dev", "audit")
PATIENCE = 15.0
FINE, KNOWN, UNANSWERED = 0, 1, 3


class UnansweredError(Exception):
    """Nothing is known, for nobody could be asked."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something that is known against a package; or nothing is known, for that reason."""

    package: str
    version: str
    id: str = ""
    fixed: tuple[str, ...] = ()
    unknown: str = ""

    def __str__(self) -> str:
        if self.unknown:
            return f"{self.package} {self.version}: not known: {self.unknown}"
        mend = f"fixed in {', '.join(self.fixed)}" if self.fixed else "no fix yet"
        return f"{self.package} {self.version}: {self.id}, {mend}"


def of_python(locks: Sequence[str], service: str, osv: str) -> Iterator[Finding]:
    """Yield what pip-audit finds. Raises UnansweredError."""
    command = [sys.executable, "-m", "pip_audit", "--format=json", "--progress-spinner=off"]
    command += ["--require-hashes", "--disable-pip", "--desc=off", f"--timeout={PATIENCE:g}"]
    command += [f"--vulnerability-service={service}", f"--osv-url={osv}"]
    command += [f"--requirement={ROOT / 'requirements' / name}.lock" for name in locks]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        dependencies: list[dict[str, Any]] = json.loads(ran.stdout)["dependencies"]
    except ValueError:
        said = ran.stderr.strip().splitlines() or [f"pip-audit ended with status {ran.returncode}"]
        raise UnansweredError(said[-1].removeprefix("ERROR:pip_audit._cli:")) from None
    for each in dependencies:
        name, version = each["name"], each.get("version", "")
        if reason := each.get("skip_reason"):
            yield Finding(name, version, unknown=reason)
        for known in each.get("vulns", ()):
            yield Finding(name, version, known["id"], tuple(known["fix_versions"]))


def of_javascript(osv: str) -> Iterator[Finding]:
    """Yield what OSV knows against uPlot. Raises UnansweredError."""
    about = ROOT.joinpath("watchdog/web/assets/uplot-LICENSE.txt").read_text(encoding="utf-8")
    version = about.removeprefix("uPlot ").partition(",")[0]
    question = {"package": {"name": "uplot", "ecosystem": "npm"}, "version": version}
    request = urllib.request.Request(  # noqa: S310 - an address of the developer's own choice
        osv, json.dumps(question).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
            known = json.load(answer).get("vulns", [])
    except (OSError, ValueError) as error:
        raise UnansweredError(f"{osv}: {getattr(error, 'reason', error)}") from error
    for each in known:
        events = [
            event
            for affected in each.get("affected", ())
            for span in affected.get("ranges", ())
            for event in span.get("events", ())
        ]
        fixed = tuple(event["fixed"] for event in events if "fixed" in event)
        yield Finding("uplot", version, each["id"], fixed)


def main() -> int:
    """Ask, tell, and return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/audit")
    parser.add_argument("--service", choices=["osv", "pypi"], default="osv")
    parser.add_argument("--osv-url", default=OSV)
    parser.add_argument("--dev", action="store_true")
    options = parser.parse_args()
    locks = SHIPPED + (DEVELOPERS if options.dev else ())
    found: list[Finding] = []
    unanswered = []
    for ask in (
        lambda: of_python(locks, options.service, options.osv_url),
        lambda: of_javascript(options.osv_url),
    ):
        try:
            found += ask()
        except UnansweredError as error:
            unanswered.append(str(error))
    for finding in sorted({*found}):
        print(finding)
    for reason in unanswered:
        print(f"cannot audit: {reason}; nothing is known of what it was asked", file=sys.stderr)
    if any(not finding.unknown for finding in found):
        return KNOWN
    if unanswered or found:
        return UNANSWERED
    print(f"nothing is known against what {', '.join(locks)} and the page have locked")
    return FINE


if __name__ == "__main__":
    raise SystemExit(main())
