"""The frontier as a picture: calls a minute against staleness, both on logarithmic scales."""

from collections.abc import Iterable, Sequence
from html import escape
from math import floor, log10
from typing import Final

from tools.bench.frontier_compare import envelope
from tools.bench.frontier_run import DEFAULT, OURS, Point

WIDTH: Final = 760
HEIGHT: Final = 500
LEFT: Final = 64
RIGHT: Final = 190
TOP: Final = 44
BOTTOM: Final = 52
COLOURS: Final = ("#0b62c4", "#0b62c4", "#6aa9e9", "#8c8c8c", "#c4420b", "#e38b5b", "#2a8f4f")
MORE_COLOURS: Final = ("#9b3fae", "#b8860b")
LIMIT_COLOUR: Final = "#222222"
FONT: Final = 'font-family="sans-serif" font-size="12"'


class _Scale:
    """One logarithmic axis, from values to pixels."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self.low = log10(min(values)) - 0.05
        self.high = log10(max(values)) + 0.05
        self.start, self.end = start, end

    def at(self, value: float) -> float:
        """Return the pixel of a value."""
        share = (log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    @property
    def marks(self) -> list[float]:
        """The round values on the axis."""
        found = []
        for decade in range(floor(self.low), floor(self.high) + 1):
            found += [factor * 10.0**decade for factor in (1, 2, 5)]
        return [mark for mark in found if self.low <= log10(mark) <= self.high]


def draw(points: Sequence[Point], limit: Sequence[tuple[float, float]]) -> str:
    """Return an SVG of one course's points; `limit` is (staleness in bps, calls a minute)."""
    shown = [p for p in points if p.staleness_bps and p.calls_per_minute > 0]
    if not shown:
        raise ValueError("points must show something, had no staleness or no calls")
    calls = [p.calls_per_minute for p in shown]
    # The limit has no ends; what lies far from every point is not drawn.
    near = [one for one in limit if min(calls) / 2 <= one[1] <= max(calls) * 2]
    x = _Scale([p.staleness_bps or 1 for p in shown] + [s for s, _ in near], LEFT, WIDTH - RIGHT)
    y = _Scale(calls + [c for _, c in near], HEIGHT - BOTTOM, TOP)
    title = f"Calls a minute against staleness: {escape(shown[0].course)}, {shown[0].levels} a side"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {FONT}>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="24" font-size="15">{title}</text>',
        *_axes(x, y),
    ]
    if near:
        line = [(x.at(staleness), y.at(rate)) for staleness, rate in near]
        parts.append(_line(line, LIMIT_COLOUR, dashed=True))
    rules = list(dict.fromkeys(point.rule for point in shown))
    for number, rule in enumerate(rules):
        colour = (COLOURS + MORE_COLOURS)[number % 9]
        parts += _rule([p for p in shown if p.rule == rule], x, y, colour)
        parts += _name(number, rule, colour)
    if near:
        parts += _name(len(rules), "limit, random walk", LIMIT_COLOUR)
    return "\n".join((*parts, "</svg>", ""))


def _rule(points: Sequence[Point], x: _Scale, y: _Scale, colour: str) -> Iterable[str]:
    corners = [(x.at(staleness), y.at(calls)) for staleness, calls in envelope(points)]
    bold = points[0].rule in (OURS, DEFAULT)
    if len(corners) > 1:
        yield _line(corners, colour, bold=bold)
    for point in points:
        across, up = x.at(point.staleness_bps or 1), y.at(point.calls_per_minute)
        size = 6 if point.rule == DEFAULT else 3
        title = (
            f"{point.rule}, width {point.width:g}: {point.calls_per_minute:.2f} calls a minute,"
            f" {point.staleness_bps:.2f} bps, {point.fills} fills"
        )
        yield (
            f'<circle cx="{across:.1f}" cy="{up:.1f}" r="{size}" fill="{colour}">'
            f"<title>{escape(title)}</title></circle>"
        )


def _name(number: int, rule: str, colour: str) -> Iterable[str]:
    up = TOP + 12 + 20 * number
    across = WIDTH - RIGHT + 16
    yield f'<rect x="{across}" y="{up - 9}" width="10" height="10" fill="{colour}"/>'
    yield f'<text x="{across + 16}" y="{up}">{escape(rule)}</text>'


def _line(
    corners: Sequence[tuple[float, float]], colour: str, *, bold: bool = False, dashed: bool = False
) -> str:
    path = " ".join(f"{across:.1f},{up:.1f}" for across, up in corners)
    dashes = ' stroke-dasharray="6 4"' if dashed else ""
    return (
        f'<polyline points="{path}" fill="none" stroke="{colour}"'
        f' stroke-width="{2.5 if bold else 1.5}"{dashes}/>'
    )


def _axes(x: _Scale, y: _Scale) -> Iterable[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for mark in x.marks:
        across = x.at(mark)
        yield (
            f'<line x1="{across:.1f}" y1="{TOP}" x2="{across:.1f}" y2="{bottom}" stroke="#e6e6e6"/>'
        )
        yield (f'<text x="{across:.1f}" y="{bottom + 18}" text-anchor="middle">{mark:g}</text>')
    for mark in y.marks:
        up = y.at(mark)
        yield f'<line x1="{LEFT}" y1="{up:.1f}" x2="{right}" y2="{up:.1f}" stroke="#e6e6e6"/>'
        yield f'<text x="{LEFT - 8}" y="{up + 4:.1f}" text-anchor="end">{mark:g}</text>'
    middle = (LEFT + right) / 2
    yield (
        f'<text x="{middle}" y="{HEIGHT - 12}" text-anchor="middle">'
        "root mean square staleness, bps</text>"
    )
    yield (
        f'<text transform="translate(16 {(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">'
        "calls a minute</text>"
    )
