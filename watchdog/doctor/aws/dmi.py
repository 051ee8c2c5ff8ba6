"""Whether this host is an EC2 instance, by what its firmware says: nothing is sent for it."""

from __future__ import annotations

import re
from pathlib import Path

from watchdog.doctor.case import read

DMI = Path("/sys/class/dmi/id")
AMAZON = "Amazon EC2"
_INSTANCE = re.compile(r"i-[0-9a-f]{8,32}")


def on_ec2(dmi: Path = DMI) -> bool:
    """Tell whether the firmware is EC2's: Nitro and metal name it, Xen has it in the version."""
    vendors = (_said(dmi, name) for name in ("sys_vendor", "board_vendor", "bios_vendor"))
    return AMAZON in vendors or _said(dmi, "bios_version").endswith(".amazon")


def instance_of(dmi: Path = DMI) -> str:
    """Return the instance's id as Nitro has it in the board's asset tag; empty if it is not."""
    tag = _said(dmi, "board_asset_tag")
    return tag if _INSTANCE.fullmatch(tag) else ""


def _said(dmi: Path, name: str) -> str:
    return (read(dmi / name, 256) or "").strip()
