"""The bench can be run: one small section, from a booted host to the page and its plot."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.benchmarks import memory
from scripts.benchmarks.report import update_page
from tests.host.image import Images


@pytest.mark.soak
def test_a_section_is_measured_and_put_into_the_page(images: Images, tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    section = memory.by_import(("nothing", "asyncio"))
    update_page(section, page=page)
    nothing, asyncio = (float(size) for _, size in section.rows)
    assert 0 < nothing < asyncio
    assert "| asyncio |" in page.read_text()
    assert (tmp_path / "benchmarks" / "memory-by-import.svg").exists()
