"""Plots as SVG text: points and lines between two axes, and bars; no more than a report needs.

A plot is a string that stands in a page as it is. It names no colour, only the classes `s0` to
`s7`, whose `--c` the page's style sheet sets for light and for dark; marks and dashes differ as
well, so a reader without colours tells series apart. Every text is escaped. A value that is not
finite is not drawn.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import count
from typing import Final, NamedTuple

WIDTH: Final = 760
HEIGHT: Final = 400
BAR: Final = 13
"""Height of one bar."""
TEXT: Final = 12
"""Font size; a character is taken to be so wide as `CHARACTER`."""
CHARACTER: Final = 6.6
MARK: Final = 5.0
"""Half the width of a mark."""
MARKS: Final = (
    "m-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z",
    "m-4 -4h8v8h-8z",
    "m0 -5l5 9h-10z",
    "m0 -5.5l5.5 5.5l-5.5 5.5l-5.5 -5.5z",
    "m0 5l5 -9h-10z",
    "m-5 -1.5h3.5v-3.5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5z",
    "m-5 -2.5h10v5h-10z",
    "m-2.5 -5h5v10h-5z",
)
"""The outline of each style's mark, from its middle."""
STYLES: Final = len(MARKS)
TICKS: Final = 6
"""About how many an axis has."""


class Point(NamedTuple):
    """A point, what is written beside it, and what is said of it when it is pointed at."""

    x: float
    y: float
    label: str = ""
    about: str = ""


class Series(NamedTuple):
    """Points of one kind."""

    name: str
    points: Sequence[Point]
    style: int
    has_line: bool = False
    has_marks: bool = True


class Axis(NamedTuple):
    """An axis: its label, its scale, and what it shows at the least."""

    label: str
    is_log: bool = False
    is_share: bool = False
    """Whether values are shares, written in per cent."""
    least: float = math.inf
    greatest: float = -math.inf
    """The range grows to hold all values."""


class Group(NamedTuple):
    """One label's bars, one of each name; None where there is no value."""

    label: str
    values: Sequence[float | None]


class _Scale:
    """Maps the values of an axis to the picture's coordinates."""

    def __init__(self, axis: Axis, values: Iterable[float], start: float, end: float) -> None:
        known = [value for value in (*values, axis.least, axis.greatest) if math.isfinite(value)]
        if axis.is_log:
            known = [value for value in known if value > 0] or [1.0]
        least, greatest = (min(known), max(known)) if known else (0.0, 1.0)
        if axis.is_log:
            # A zero has no place on this scale: it is drawn on the border.
            least, greatest = least / 1.25, greatest * 1.25
        elif least == greatest:
            least, greatest = least - 0.5, greatest + 0.5
        self.axis, self.start, self.end = axis, start, end
        self.ticks = _log_ticks(least, greatest) if axis.is_log else _ticks(least, greatest)
        if not axis.is_log:
            least, greatest = min(least, self.ticks[0]), max(greatest, self.ticks[-1])
            if axis.is_share:
                least, greatest = max(least, 0.0), min(greatest, 1.0)
        self.ticks = [tick for tick in self.ticks if least <= tick <= greatest]
        self.least, self.greatest = least, greatest

    def at(self, value: float) -> float:
        """Return the coordinate of a value, one beyond the range on its border."""
        value = min(max(value, self.least), self.greatest)
        if self.axis.is_log:
            part = math.log(value / self.least) / math.log(self.greatest / self.least)
        else:
            part = (value - self.least) / (self.greatest - self.least)
        return self.start + part * (self.end - self.start)

    def text(self, tick: float) -> str:
        """Write a tick's value."""
        return f"{100 * tick:.10g} %" if self.axis.is_share else f"{tick:.10g}"


def _ticks(least: float, greatest: float) -> list[float]:
    """Return round values that enclose the range."""
    raw = (greatest - least) / TICKS
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if raw <= power * factor * 1.0001)
    first, last = math.floor(least / step + 1e-9), math.ceil(greatest / step - 1e-9)
    return [round(n * step, 12) for n in range(first, last + 1)]


def _log_ticks(least: float, greatest: float) -> list[float]:
    """Return 1, 2 and 5 times the powers of ten inside the range."""
    first, last = math.floor(math.log10(least)), math.ceil(math.log10(greatest))
    every = (1, 2, 5) if last - first <= TICKS // 2 + 1 else (1,)
    ticks = [factor * 10.0**n for n in range(first, last + 1) for factor in every]
    return [float(f"{tick:.6g}") for tick in ticks if least <= tick <= greatest] or [least]


def chart(
    name: str,
    title: str,
    about: str,
    series: Sequence[Series],
    x: Axis,
    y: Axis,
    height: float = HEIGHT,
) -> str:
    """Draw points and lines; `name` is unique in the page, `about` tells what is to be seen."""
    drawn = [one._replace(points=[p for p in one.points if _is_finite(p)]) for one in series]
    drawn = [one for one in drawn if one.points]
    if not drawn:
        return '<p class="none">Nothing to draw.</p>'
    rows = _legend_rows(drawn)
    top, left, bottom, right = 14 + 20 * len(rows), 62, height - 46, WIDTH - 16
    points = [point for one in drawn for point in one.points]
    across = _Scale(x, (point.x for point in points), left, right)
    up = _Scale(y, (point.y for point in points), bottom, top)
    body = [*_legend(rows), *_frame(across, up)]
    # The first series is drawn last, on top of the others.
    for one in reversed(drawn):
        body += _line(one, across, up) if one.has_line else []
    for one in reversed(drawn):
        body += _marks(one, across, up) if one.has_marks else []
    body += _labels(points, across, up)
    return _svg(name, title, about, height, body)


def bars(
    name: str, title: str, about: str, names: Sequence[str], groups: Sequence[Group], axis: Axis
) -> str:
    """Draw groups of bars that lie on their side; `names` says what each bar of a group is."""
    series = [Series(one, (), index, has_marks=False) for index, one in enumerate(names)]
    rows = _legend_rows(series)
    top = 14 + 20 * len(rows)
    each = BAR * len(names) + 14
    bottom = top + each * len(groups)
    left = 24 + CHARACTER * max((len(group.label) for group in groups), default=0)
    values = [v for group in groups for v in group.values if v is not None and math.isfinite(v)]
    # Room for the numbers at the bars' ends.
    across = _Scale(axis, (0.0, *values), left + 44, WIDTH - 60)
    zero = across.at(0.0)
    body = [*_legend(rows), *_x_axis(across, top, bottom)]
    body.append(f'<line class="zero" x1="{zero:.1f}" x2="{zero:.1f}" y1="{top}" y2="{bottom}"/>')
    for row, group in enumerate(groups):
        upper = top + row * each + 7
        middle = upper + BAR * len(names) / 2 + 4
        body.append(_text(left - 8, middle, group.label, "end"))
        for index, value in enumerate(group.values):
            body += _bar(
                value, index, upper + index * BAR, across, f"{group.label}, {names[index]}"
            )
    return _svg(name, title, about, bottom + 46, body)


def _bar(value: float | None, style: int, upper: float, across: _Scale, what: str) -> list[str]:
    zero = across.at(0.0)
    if value is None or not math.isfinite(value):
        return [_text(zero + 4, upper + BAR - 3, "–", "start", "small")]
    end = across.at(value)
    text = f"{value:+.3g}" if value else "0"
    beside, anchor = (end + 4, "start") if value >= 0 else (end - 4, "end")
    left, width = min(zero, end), max(abs(end - zero), 0.5)
    rectangle = (
        f'<rect class="s{style % STYLES}" x="{left:.1f}" y="{upper:.1f}" width="{width:.1f}" '
        f'height="{BAR - 2}"><title>{escape(what)}: {text}</title></rect>'
    )
    return [rectangle, _text(beside, upper + BAR - 3, text, anchor, "small")]


def _svg(name: str, title: str, about: str, height: float, body: Sequence[str]) -> str:
    key = escape(name, quote=True)
    opening = (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'aria-labelledby="{key}-title {key}-about" font-size="{TEXT}">'
    )
    return "\n".join(
        [
            opening,
            f'<title id="{key}-title">{escape(title)}</title>',
            f'<desc id="{key}-about">{escape(about)}</desc>',
            *body,
            "</svg>",
        ]
    )


def _text(x: float, y: float, text: str, anchor: str, kind: str = "") -> str:
    extra = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{extra}>{escape(text)}</text>'


def _is_finite(point: Point) -> bool:
    return math.isfinite(point.x) and math.isfinite(point.y)


# Axes and legend.


def _x_axis(across: _Scale, top: float, bottom: float) -> Iterator[str]:
    for tick in across.ticks:
        x = across.at(tick)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}"/>'
        yield _text(x, bottom + 16, across.text(tick), "middle", "tick")
    middle = (across.start + across.end) / 2
    yield _text(middle, bottom + 36, across.axis.label, "middle", "axis")


def _frame(across: _Scale, up: _Scale) -> Iterator[str]:
    left, right, bottom, top = across.start, across.end, up.start, up.end
    yield from _x_axis(across, top, bottom)
    for tick in up.ticks:
        y = up.at(tick)
        yield f'<line class="grid" x1="{left:.1f}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield _text(left - 6, y + 4, up.text(tick), "end", "tick")
    yield f'<path class="frame" d="M{left:.1f} {top:.1f}V{bottom:.1f}H{right:.1f}"/>'
    middle = (top + bottom) / 2
    yield (
        f'<text class="axis" transform="translate(14 {middle:.1f}) rotate(-90)" '
        f'text-anchor="middle">{escape(up.axis.label)}</text>'
    )


def _legend_rows(series: Sequence[Series]) -> list[list[tuple[float, Series]]]:
    """Break the legend into rows; each entry with where it begins."""
    rows: list[list[tuple[float, Series]]] = [[]]
    x = 62.0
    for one in series:
        width = 40 + CHARACTER * len(one.name)
        if rows[-1] and x + width > WIDTH - 16:
            rows.append([])
            x = 62.0
        rows[-1].append((x, one))
        x += width
    return rows


def _legend(rows: Sequence[Sequence[tuple[float, Series]]]) -> Iterator[str]:
    for row, entries in enumerate(rows):
        y = 12 + 20 * row
        for x, one in entries:
            style = one.style % STYLES
            if one.has_line:
                yield f'<path class="line s{style}" d="M{x:.1f} {y}h18"/>'
            if one.has_marks:
                yield f'<path class="mark s{style}" d="{_mark(style, x + 9, y)}"/>'
            if not one.has_line and not one.has_marks:
                yield f'<rect class="s{style}" x="{x + 3:.1f}" y="{y - 5}" width="12" height="10"/>'
            yield _text(x + 24, y + 4, one.name, "start")


# Series.


def _line(series: Series, across: _Scale, up: _Scale) -> list[str]:
    places = " ".join(f"{across.at(p.x):.1f},{up.at(p.y):.1f}" for p in series.points)
    return [f'<polyline class="line s{series.style % STYLES}" points="{places}"/>']


def _marks(series: Series, across: _Scale, up: _Scale) -> list[str]:
    style = series.style % STYLES
    return [
        f'<path class="mark s{style}" d="{_mark(style, across.at(p.x), up.at(p.y))}">'
        f"<title>{escape(p.about or p.label or series.name)}</title></path>"
        for p in series.points
    ]


def _mark(style: int, x: float, y: float) -> str:
    return f"M{x:.1f} {y:.1f}{MARKS[style]}"


class _Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "_Box") -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


def _labels(points: Sequence[Point], across: _Scale, up: _Scale) -> Iterator[str]:
    """Write labels where there is room for them; a point keeps what it says when pointed at."""
    places = [(across.at(point.x), up.at(point.y)) for point in points]
    taken = [_Box(x - MARK, y - MARK, x + MARK, y + MARK) for x, y in places]
    for point, (x, y), own in zip(points, places, count(), strict=False):
        if not point.label:
            continue
        width = CHARACTER * len(point.label)
        for left, top in (
            (x + 8, y - 7),
            (x - 8 - width, y - 7),
            (x - width / 2, y - 21),
            (x - width / 2, y + 7),
            (x + 6, y - 19),
            (x + 6, y + 6),
        ):
            box = _Box(left, top, left + width, top + 14)
            inside = across.start <= box.left and box.right <= across.end
            inside = inside and up.end <= box.top and box.bottom <= up.start
            others = (other for index, other in enumerate(taken) if index != own)
            if inside and not any(box.meets(other) for other in others):
                taken.append(box)
                yield _text(left, top + 11, point.label, "start", "small")
                break
