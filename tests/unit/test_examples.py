"""What examples/fleet has fits together: metrics that exist, dashboards that Grafana can read."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.markdown import ROOT
from watchdog.web.families import PREFIX, SECTIONS, Kind

FLEET = ROOT / "examples/fleet"
BOARDS = sorted((FLEET / "grafana").glob("*.json"))
PANELS = {"bargauge", "state-timeline", "stat", "table", "timeseries"}
UNITS = {"bytes", "percentunit", "s", "short"}
COLUMNS = 24
SOURCE = {"type": "prometheus", "uid": "${datasource}"}

Json = dict[str, Any]


def samples() -> set[str]:
    """Return the names of all values that the daemon tells."""
    found = set()
    for family in itertools.chain(*SECTIONS.values()):
        ends = ("_bucket", "_sum", "_count") if family.kind is Kind.HISTOGRAM else ("",)
        found |= {family.sample + end for end in ends}
    return found


@pytest.mark.parametrize(
    "path", [*BOARDS, *FLEET.glob("service-watchdog.rules*.yml")], ids=lambda path: path.name
)
def test_every_metric_that_is_asked_for_is_told(path: Any) -> None:
    text = path.read_text(encoding="utf-8")
    asked = set(re.findall(rf"(?<![:\w]){PREFIX}\w+", text))
    assert asked
    assert asked <= samples()


def test_every_rule_for_alerts_has_a_test_where_it_fires() -> None:
    rules = (FLEET / "service-watchdog.rules.yml").read_text(encoding="utf-8")
    tests = (FLEET / "service-watchdog.rules.test.yml").read_text(encoding="utf-8")
    for name in re.findall(r"- alert: (\w+)", rules):
        fires = rf"alertname: {name}\n.*\n +exp_alerts:\n|'ALERTS{{alertname=\"{name}\""
        assert re.search(fires, tests), name


@pytest.fixture(params=BOARDS, ids=lambda path: str(path.name))
def board(request: pytest.FixtureRequest) -> Json:
    found: Json = json.loads(request.param.read_text(encoding="utf-8"))
    return found


def test_a_dashboard_has_what_grafana_goes_by(board: Json) -> None:
    assert re.fullmatch(r"[a-z-]{1,40}", board["uid"])
    assert board["schemaVersion"] >= 36  # of Grafana 9, where a data source is an object
    assert "id" not in board  # it is of the Grafana that it came from, and would replace another
    assert board["tags"] == ["service-watchdog"]
    assert board["links"][0]["tags"] == board["tags"]


def test_dashboards_can_stand_beside_each_other() -> None:
    boards = [json.loads(path.read_text(encoding="utf-8")) for path in BOARDS]
    for key in ("uid", "title"):
        assert len({board[key] for board in boards}) == len(BOARDS)


def test_each_panel_names_its_source_its_unit_and_its_queries(board: Json) -> None:
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["type"] in PANELS, panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, panel["title"]
        assert panel["datasource"] == SOURCE, panel["title"]
        targets = panel["targets"]
        assert all(target["datasource"] == SOURCE for target in targets), panel["title"]
        assert len({target["refId"] for target in targets}) == len(targets) > 0, panel["title"]


def test_no_panel_lies_over_another(board: Json) -> None:
    taken = set[tuple[int, int]]()
    for panel in board["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= COLUMNS, panel["title"]
        cells = set(
            itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"]))
        )
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_variable_that_is_used_is_there(board: Json) -> None:
    there = {variable["name"] for variable in board["templating"]["list"]}
    assert there == {"datasource", "instance", "service"}
    for text in strings(board):
        used = set(re.findall(r"\$\{?([a-z]\w*)", text))
        assert used <= there, text


def test_what_can_be_chosen_holds_for_every_query(board: Json) -> None:
    """Whoever looks at one host must not be shown another."""
    for panel in board["panels"]:
        for target in panel["targets"]:
            selectors = re.findall(r"\{([^{}]*)\}", target["expr"])
            assert selectors, panel["title"]
            for selector in selectors:
                assert 'instance=~"$instance"' in selector, panel["title"]


def strings(value: Any) -> Iterator[str]:
    """Yield every string within *value*."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)
