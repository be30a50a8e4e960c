"""The dashboard: the file is what the table says, and asks only for what is exported."""

import json
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import pytest

from lifecycle.observe import dashboard
from lifecycle.observe.metrics import MetricsExporter
from tests.lifecycle.observe import live

pytest.importorskip("prometheus_client")
DOCS: Final = Path(__file__).resolve().parents[3] / "docs"
PATH: Final = DOCS / "grafana-dashboard.json"
BOARD: Final[dict[str, Any]] = json.loads(PATH.read_text(encoding="utf-8"))
NAME: Final = re.compile(r"\blifecycle_[a-z_]+")


@pytest.fixture(scope="module")
def exported() -> dict[str, set[str]]:
    """Return the labels of every series that a real run exports, by its name."""
    found: dict[str, set[str]] = {}
    exporter = MetricsExporter(live.MARKET.instrument)
    live.run(exporter.feed, exporter.look)
    for family in exporter.registry.collect():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def queries() -> list[str]:
    return [target["expr"] for panel in BOARD["panels"] for target in panel.get("targets", [])]


def test_the_file_is_what_the_tool_writes() -> None:
    written = subprocess.run(
        [sys.executable, "-m", "lifecycle.observe.dashboard"],
        capture_output=True,
        check=True,
        cwd=DOCS.parent,
        encoding="utf-8",
    )

    assert written.stdout == PATH.read_text(encoding="utf-8")


def test_the_dashboard_can_be_made_without_the_extra() -> None:
    code = "import sys, lifecycle.observe.dashboard; sys.exit('prometheus_client' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], check=False, cwd=DOCS.parent)

    assert done.returncode == 0


def test_every_metric_asked_for_is_exported(exported: dict[str, set[str]]) -> None:
    asked = {name for query in queries() for name in NAME.findall(query)}

    assert len(asked) > 20
    assert asked - exported.keys() == set()


def test_every_metric_of_the_documented_alarms_is_exported(exported: dict[str, set[str]]) -> None:
    text = (DOCS / "observability.md").read_text(encoding="utf-8")
    rules = re.findall(r"^ *expr: (.*)$", text, re.MULTILINE)

    assert len(rules) > 4
    assert {name for rule in rules for name in NAME.findall(rule)} - exported.keys() == set()


def test_every_label_selected_by_exists(exported: dict[str, set[str]]) -> None:
    for query in queries():
        for name, selector in re.findall(r"(lifecycle_[a-z_]+)\{(.*?)\}", query):
            labels = set(re.findall(r'(\w+)=~?"', selector))
            assert {"instrument", "policy"} <= labels <= exported[name]


def test_every_query_keeps_to_the_chosen_instrument() -> None:
    for query in queries():
        assert len(NAME.findall(query)) == query.count('instrument=~"$instrument"'), query
        assert "@" not in query
        assert query.count("(") == query.count(")")


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels = BOARD["panels"]
    cells = [
        {
            (x, y)
            for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
            for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
        }
        for panel in panels
    ]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(one.isdisjoint(other) for one, other in combinations(cells, 2))
    assert all(0 <= x < 24 for taken in cells for x, _ in taken)


def test_every_panel_has_what_grafana_needs_to_draw_it() -> None:
    variables = [variable["name"] for variable in BOARD["templating"]["list"]]

    assert variables == ["datasource", "instrument", "policy", "window"]
    assert (BOARD["schemaVersion"], BOARD["refresh"]) == (39, "10s")
    for panel in BOARD["panels"]:
        if panel["type"] == "row":
            continue
        defaults = panel["fieldConfig"]["defaults"]
        steps = defaults["thresholds"]["steps"]
        assert defaults["unit"]
        assert steps[0]["value"] is None, "the first threshold holds from minus infinity"
        assert [step["value"] for step in steps[1:]] == sorted(s["value"] for s in steps[1:])
        assert panel["datasource"]["uid"] == "${datasource}"
        refs = [target["refId"] for target in panel["targets"]]
        assert len(refs) == len(set(refs)) > 0


@pytest.mark.parametrize(
    "title",
    [
        "Calls per minute",
        "Presence",
        "Staleness",
        "Cancels per fill",
        "Queue kept",
        "Modifies among changes",
        "Cycles without a call",
        "Divergences",
        "Invariants broken",
        "Blind",
        "Halted",
    ],
)
def test_the_goals_and_the_alarms_have_a_panel(title: str) -> None:
    assert title in {panel.title for panel in dashboard.PANELS}
