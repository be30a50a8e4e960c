"""The site: its drawings say what the charts say, and its generated pages are up to date."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tools import list_settings, picture
from tools.site.chart import parse, svg

ROOT = Path(__file__).resolve().parents[2]
DIAGRAMS = re.findall(
    r"```mermaid\n(.*?)```", (ROOT / "docs" / "states.md").read_text(encoding="utf-8"), re.DOTALL
)
CYCLE = "stateDiagram-v2\n    [*] --> one\n    one --> two : go<br/>run\n    two --> one : back\n"


def texts(drawing: str) -> list[str]:
    tree = ET.fromstring(drawing)  # noqa: S314
    return [str(node.text) for node in tree.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("source", DIAGRAMS, ids=["phase", "request", "hold"])
def test_a_drawing_has_every_state_and_every_event(source: str) -> None:
    chart = parse(source)

    drawn = texts(svg(source))

    arrows = [label for edge in chart.edges for label in edge.labels]
    stays = [f"· {label}" for labels in chart.stays.values() for label in labels]
    assert sorted(drawn) == sorted([*chart.states, *arrows, *stays])


@pytest.mark.parametrize("source", DIAGRAMS, ids=["phase", "request", "hold"])
def test_no_two_boxes_of_a_drawing_overlap(source: str) -> None:
    tree = ET.fromstring(svg(source))  # noqa: S314
    boxes = [
        tuple(float(node.attrib[key]) for key in ("x", "y", "width", "height"))
        for node in tree.iter("{http://www.w3.org/2000/svg}rect")
    ]

    for index, (x, y, width, height) in enumerate(boxes):
        for x2, y2, width2, height2 in boxes[:index]:
            beside = x >= x2 + width2 or x2 >= x + width
            assert beside or y >= y2 + height2 or y2 >= y + height


def test_an_arrow_back_is_drawn_as_one() -> None:
    chart = parse(CYCLE)

    assert sorted(texts(svg(CYCLE))) == ["back", "go", "one", "run", "two"]
    assert [edge.labels for edge in chart.edges] == [("go", "run"), ("back",)]


@pytest.mark.parametrize("source", ["flowchart LR\n a --> b", "stateDiagram-v2\n    note over a"])
def test_what_is_no_state_diagram_is_said(source: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        svg(source)


def test_the_reference_of_the_configuration_is_up_to_date() -> None:
    assert list_settings.main(["--check"]) == 0


def test_a_reference_that_is_not_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs").mkdir()

    assert list_settings.main(["--check"], tmp_path) == 1
    assert "tools.list_settings" in capsys.readouterr().err
    assert list_settings.main([], tmp_path) == 0
    assert list_settings.main(["--check"], tmp_path) == 0


def test_what_a_picture_says_is_read_without_its_drawing() -> None:
    assert picture.words('<text class="a" x="1">bid&#160;2</text><rect/><text>ask</text>') == [
        "bid",
        "2",
        "ask",
    ]


@pytest.mark.parametrize("tool", [list_settings.main, picture.main])
def test_a_tool_says_how_it_is_used(tool: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(tool)

    assert tool(["--wrong"]) == 2
    assert "usage" in capsys.readouterr().err
