"""What the documentation says is so: links, settings, commands, paths and examples."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest

from tests.markdown import ROOT, Block, blocks, command_lines, pages, prose, words_of
from watchdog.cli import main
from watchdog.config import load
from watchdog.core.model import (
    AlertKind,
    Phase,
    Verdict,
)

PAGES = pages()
parser = functools.cache(functools.partial(main.parser_of, ""))
READMES = (ROOT / "README.md", ROOT / "README.ko.md")
SNAPSHOTS = ROOT / "tests/unit/notify/snapshots"

SERVICE = '[[service]]\nunit = "api.service"\n'
WEBHOOK = "https://hooks.slack.com/services/T0/B0/x"
SECRETS = {
    "heartbeat-url": "https://hc-ping.com/5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278",
    "slack-app-token": "xapp-1-x",
    "web-token": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "web-read-token": "5a69788796a5b4c3d2e1f00f1e2d3c4b",
    "webhook-secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    "apprise-telegram": "tgram://123456789:abcdefg/42",
    "apprise-ntfy": "ntfys://ntfy.sh/alerts",
}

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
OWN_PATH = re.compile(r"(?<![\w/.~-])(?:scripts|systemd|examples|\.ci)/[\w./-]*\w")
COMMAND = re.compile(r"`(?:sudo )?service-watchdog ([a-z-]+)[^`]*`")


def in_pages(*languages: str) -> list[Block]:
    return [block for page in PAGES for block in blocks(page, *languages)]


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of *page*."""
    headings = HEADING.findall(prose(page))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), link
        assert there.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(there), link


def test_every_page_of_the_documentation_is_in_its_index() -> None:
    index = ROOT / "docs/README.md"
    listed = {(index.parent / link).resolve() for link in LINK.findall(prose(index))}
    written = {page for page in PAGES if page.is_relative_to(index.parent)}
    measured = ROOT / "docs/benchmarks.md"  # there once scripts/bench has written it
    assert written - listed - {measured} == {index}


@pytest.mark.parametrize("block", in_pages("toml"), ids=str)
def test_every_configuration_that_is_shown_is_accepted(block: Block, tmp_path: Path) -> None:
    for name in re.findall(r'credential = "([^"]+)"', block.text):
        secret = SECRETS.get(name, WEBHOOK if "webhook" in name else "xoxb-1")
        (tmp_path / f"credentials_{name}").write_text(secret)
    file = tmp_path / "config.toml"
    file.write_text(block.text if "[[service]]" in block.text else SERVICE + block.text)
    file.chmod(0o640)
    assert load(file, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).services


@pytest.mark.parametrize("block", in_pages("sh", "console"), ids=str)
def test_every_command_that_is_shown_can_be_given(block: Block) -> None:
    for line in command_lines(block):
        words = words_of(line)
        if words[0].endswith("service-watchdog"):
            assert "run" in parser().parse_args(words[1:]), line


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_that_is_mentioned_exists(page: Path) -> None:
    for command in COMMAND.findall(prose(page)):
        with pytest.raises(SystemExit) as end:
            parser().parse_args([command, "--help"])
        assert end.value.code == 0, command


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_file_that_is_named_exists(page: Path) -> None:
    for path in OWN_PATH.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / path).exists() or (page.parent / path).exists(), path


def test_the_modules_that_the_architecture_names_exist() -> None:
    named_there = re.findall(
        r"(?<![\w*])([a-z_]+\.py)\b", (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    )
    assert set(named_there) <= {path.name for path in (ROOT / "watchdog").rglob("*.py")}


def test_both_readmes_say_the_same() -> None:
    both = [[block for block in blocks(page) if block.language != "text"] for page in READMES]
    assert [block.text for block in both[0]] == [block.text for block in both[1]]
    depths = [re.findall(r"^#+(?= )", prose(page), re.MULTILINE) for page in READMES]
    assert depths[0] == depths[1]
    rows = [prose(page).count("\n|") for page in READMES]
    assert rows[0] == rows[1]
    images = [set(re.findall(r"\]\((docs/[^)]+)\)", prose(page))) for page in READMES]
    assert images[0] == images[1]


@pytest.mark.parametrize("page", READMES, ids=named)
def test_the_readme_explains_every_phase(page: Path) -> None:
    assert set(re.findall(r"^\| `([a-z-]+)` \|", prose(page), re.MULTILINE)) == set(Phase)


def thread(conversation: str) -> str:
    """Return the lines in the thread of a conversation in Slack."""
    told = (SNAPSHOTS.parent / f"conversations/en/{conversation}.txt").read_text(encoding="utf-8")
    return "\n".join(re.findall(r"^\d\d:\d\d:\d\d .*", told, re.MULTILINE)) + "\n"


def test_the_examples_of_alerts_are_what_is_sent() -> None:
    shown = {block.text for block in blocks(ROOT / "docs/reference/alerts.md", "text")}
    sent = {
        language: {
            path.read_text(encoding="utf-8"): path.stem
            for path in (SNAPSHOTS / language).glob("*.txt")
        }
        for language in ("en", "ko")
    }
    sent["en"][thread("healed")] = AlertKind.UPDATE
    assert shown <= sent["en"].keys() | sent["ko"].keys()
    assert shown & sent["ko"].keys()
    assert {*AlertKind, "digest"} <= {sent["en"][text] for text in shown & sent["en"].keys()}


def test_the_alert_of_each_readme_is_what_is_sent_in_its_language() -> None:
    for page, language in zip(READMES, ("en", "ko"), strict=True):
        [alert] = blocks(page, "text")
        sent = SNAPSHOTS / language / "firing.txt"
        assert alert.text == sent.read_text(encoding="utf-8")


def test_the_marks_of_verdicts_are_explained() -> None:
    text = prose(ROOT / "docs/reference/command-line.md")
    assert all(re.search(rf"`.` {verdict}\b", text) for verdict in Verdict)
