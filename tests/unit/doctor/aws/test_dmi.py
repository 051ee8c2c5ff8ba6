from __future__ import annotations

from pathlib import Path

import pytest

from watchdog.doctor.aws.dmi import instance_of, on_ec2


@pytest.fixture
def dmi(tmp_path: Path) -> Path:
    return tmp_path


@pytest.mark.parametrize(
    ("name", "text", "is_ec2"),
    [
        ("sys_vendor", "Amazon EC2\n", True),
        ("board_vendor", "Amazon EC2\n", True),
        ("bios_version", "4.11.amazon\n", True),
        ("sys_vendor", "QEMU\n", False),
        ("sys_vendor", "Not Amazon EC2\n", False),
        ("bios_version", "amazon\n", False),
    ],
)
def test_only_firmware_of_ec2_is_taken_for_it(
    dmi: Path, name: str, text: str, is_ec2: bool
) -> None:
    (dmi / name).write_text(text)
    assert on_ec2(dmi) == is_ec2


def test_a_host_without_firmware_is_not_on_ec2(dmi: Path) -> None:
    assert not on_ec2(dmi / "missing")
    assert instance_of(dmi / "missing") == ""


@pytest.mark.parametrize(
    ("tag", "instance"),
    [("i-0123456789abcdef0\n", "i-0123456789abcdef0"), ("i-1; reboot", ""), ("Not Specified", "")],
)
def test_the_asset_tag_names_the_instance_where_it_does(dmi: Path, tag: str, instance: str) -> None:
    (dmi / "board_asset_tag").write_text(tag)
    assert instance_of(dmi) == instance
