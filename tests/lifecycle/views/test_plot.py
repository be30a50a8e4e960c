"""The plots: what they draw is SVG that a parser accepts, and nothing is left out of sight."""

import math
import xml.etree.ElementTree as ET

import pytest

from lifecycle.views import plot
from lifecycle.views.plot import Axis, Group, Point, Series, bars, chart

LINE = Series(
    "calls", [Point(1, 10, "a", "first"), Point(2, 20, "b"), Point(4, 5)], 0, has_line=True
)


X, Y = Axis("x"), Axis("y")


def drawn(*series: Series, x: Axis = X, y: Axis = Y) -> ET.Element:
    return ET.fromstring(chart("p", "Title", "About", series, x, y))  # noqa: S314


def texts(svg: ET.Element, kind: str = "") -> list[str]:
    return [text.text or "" for text in svg.iter("text") if text.get("class", "") == kind]


def places(svg: ET.Element) -> list[tuple[float, float]]:
    [line] = svg.iter("polyline")
    pairs = (pair.split(",") for pair in line.attrib["points"].split())
    return [(float(x), float(y)) for x, y in pairs]


def test_a_chart_has_a_title_and_tells_what_is_to_be_seen() -> None:
    svg = drawn(LINE)

    assert svg.get("role") == "img"
    said = {element.get("id"): element.text for element in svg if element.get("id")}
    assert said == {"p-title": "Title", "p-about": "About"}
    assert set(svg.attrib["aria-labelledby"].split()) == set(said)


def test_axes_have_labels_and_ticks_and_the_legend_names_the_series() -> None:
    svg = drawn(LINE, x=Axis("staleness, bps"), y=Axis("calls per minute"))

    assert texts(svg, "axis") == ["staleness, bps", "calls per minute"]
    assert {"1", "2", "3", "4"} <= set(texts(svg, "tick"))
    assert "calls" in texts(svg)


def test_greater_is_further_right_and_further_up_and_inside_the_picture() -> None:
    (x1, y1), (x2, y2), (x3, y3) = places(drawn(LINE))

    assert x1 < x2 < x3
    assert y2 < y1 < y3
    assert all(0 < x < plot.WIDTH for x in (x1, x2, x3))
    assert all(0 < y < plot.HEIGHT for y in (y1, y2, y3))


def test_equal_factors_are_equally_far_apart_on_a_logarithmic_axis() -> None:
    series = Series("s", [Point(1, 1), Point(10, 1), Point(100, 1)], 0, has_line=True)

    (a, _), (b, _), (c, _) = places(drawn(series, x=Axis("x", is_log=True)))

    assert b - a == pytest.approx(c - b, abs=0.2)


def test_a_zero_on_a_logarithmic_axis_is_drawn_on_its_border() -> None:
    series = Series("s", [Point(0, 1), Point(1, 1), Point(10, 1)], 0, has_line=True)

    (zero, _), (one, _), _ = places(drawn(series, x=Axis("x", is_log=True)))

    assert 0 < zero < one


def test_shares_are_written_in_per_cent_and_never_beyond_the_whole() -> None:
    series = Series("s", [Point(0, 0.93), Point(1, 1.0)], 0)

    ticks = texts(drawn(series, y=Axis("y", is_share=True)), "tick")

    assert "100 %" in ticks
    assert not any(tick.startswith("102") for tick in ticks)


def test_what_is_not_finite_is_not_drawn() -> None:
    points = [Point(1, 1), Point(2, math.inf), Point(math.nan, 3), Point(4, 4)]

    assert len(places(drawn(Series("s", points, 0, has_line=True)))) == 2


def test_one_point_and_equal_points_have_axes_too() -> None:
    for value in (0.0, 5.0):
        for is_log in (False, True):
            axis = Axis("a", is_log=is_log)
            svg = drawn(Series("s", [Point(value, value)] * 2, 0), x=axis, y=axis)

            assert len(texts(svg, "tick")) >= 2


def test_nothing_to_draw_is_said() -> None:
    assert "Nothing to draw" in chart("p", "t", "a", [], Axis("x"), Axis("y"))
    assert "Nothing to draw" in chart(
        "p", "t", "a", [Series("s", [Point(math.nan, 1)], 0)], Axis("x"), Axis("y")
    )


def test_every_text_is_escaped() -> None:
    evil = '<script>"&'
    series = Series(evil, [Point(1, 1, evil, evil)], 0)

    svg = ET.fromstring(chart(evil, evil, evil, [series], Axis(evil), Axis(evil)))  # noqa: S314

    assert list(svg.iter("script")) == []
    assert texts(svg, "axis") == [evil, evil]


def test_labels_do_not_lie_on_each_other() -> None:
    points = [Point(1 + n / 1000, 1, f"label {n}") for n in range(30)] + [Point(2, 2)]

    svg = drawn(Series("s", points, 0))

    labels = [t for t in svg.iter("text") if t.get("class") == "small"]
    spots = {(t.get("x"), t.get("y")) for t in labels}
    assert 1 <= len(labels) < len(points)
    assert len(spots) == len(labels)
    # Every point still says what it is when it is pointed at.
    assert len([m for m in svg.iter("path") if m.find("title") is not None]) == len(points)


def test_bars_go_left_where_less_and_right_where_more() -> None:
    groups = [Group("grid", [-2.0, 1.0]), Group("quota", [None, 0.0])]

    svg = ET.fromstring(bars("b", "t", "a", ["alone", "last"], groups, Axis("calls")))  # noqa: S314

    zero = float(next(e for e in svg.iter("line") if e.get("class") == "zero").attrib["x1"])
    less, more, nothing = [r for r in svg.iter("rect") if r.find("title") is not None]
    assert float(less.attrib["x"]) + float(less.attrib["width"]) == pytest.approx(zero, abs=0.2)
    assert float(more.attrib["x"]) == pytest.approx(zero, abs=0.2)
    assert float(less.attrib["width"]) == pytest.approx(2 * float(more.attrib["width"]), abs=0.2)
    assert float(nothing.attrib["width"]) < 1
    assert texts(svg, "small") == ["-2", "+1", "–", "0"]


def test_every_style_has_a_mark_of_its_own() -> None:
    assert len(set(plot.MARKS)) == plot.STYLES == 8
