"""A comparison as one page of HTML that needs nothing else: no network, no script, no file.

Plots are inline SVG; colours follow the reader's light or dark setting. Whatever comes from
outside, such as a market's file name, is escaped. Equal comparisons give equal bytes.
"""

from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Final

from lifecycle.run.compared import Board, Contribution, Minute, Standing
from lifecycle.run.policies import PHASES
from lifecycle.views import text
from lifecycle.views.compare import COLUMNS, Column, cell, extent, headline
from lifecycle.views.compare_style import STYLE
from lifecycle.views.plot import Axis, Group, Point, Series, bars, chart

LINES_MAX: Final = 6
"""More policies than this make plots over time unreadable: then only the two ends are drawn."""
FLAT: Final = 250.0
"""Height of a plot over time."""

SWITCHES: Final = ("alone", "in the order of the roll-out", "as the last of all")
CHANGES: Final = (
    "calls_per_minute",
    "staleness_rms_bps",
    "presence_bid",
    "presence_ask",
    "fills",
    "markout_5s_bps",
)
"""The measures of which the table of contributions speaks."""


def page(boards: Sequence[Board], told: Sequence[tuple[str, str]]) -> str:
    """Return the page; `told` is what else to say of the runs, as name and value."""
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in told)
    meanings = "".join(
        f"<dt>{escape(column.label)}</dt><dd>{escape(column.about)}</dd>" for column in COLUMNS
    )
    sections = "\n".join("\n".join(_section(i, board)) for i, board in enumerate(boards))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Order policies compared</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<h1>Order policies compared</h1>
<dl class="facts">{facts}</dl>
</header>
<main>
{sections}
<section>
<h2>What the numbers mean</h2>
<dl class="meanings">{meanings}</dl>
<p>Numbers are medians over the seeds, with the least and the greatest; broken invariants are
summed. Shares and rates begin with the first quote, after warm-up.</p>
</section>
</main>
</body>
</html>"""


def _section(number: int, board: Board) -> Iterator[str]:
    name = f"market-{number}"
    yield f'<section aria-labelledby="{name}">'
    yield f'<h2 id="{name}">{escape(headline(board))}</h2>'
    yield _figure(_frontier(name, board), _FRONTIER)
    yield from _table(board)
    if board.contributions:
        yield "<h3>What each layer contributes</h3>"
        yield from _contributions(name, board.contributions)
    yield "<h3>Over time</h3>"
    yield from _times(name, board)
    yield "</section>"


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


# The frontier.

_FRONTIER: Final = (
    "The frontier: calls per minute against staleness. Down is cheaper, left is fresher; a policy "
    "that is both below and left of another is better than it. Both axes are logarithmic; a zero "
    "is drawn on the border."
)


def _frontier(name: str, board: Board) -> str:
    standings = board.standings
    by_name = {one.entrant: one for one in standings}
    ladder = [by_name[one] for one in ("legacy", *PHASES) if one in by_name]
    series = [
        _family("stable", [s for s in standings if s.entrant == "stable"], 0, str),
        _family("legacy", [s for s in standings if s.entrant == "legacy"], 1, str),
        _family(
            "stable, latch swept (bps)",
            [s for s in standings if s.latch_bps is not None],
            2,
            lambda entrant: f"{by_name[entrant].latch_bps:g}",
            has_line=True,
        ),
        _family(
            "phases, from legacy on",
            ladder if len(ladder) > 1 else [s for s in ladder if s.entrant != "legacy"],
            3,
            lambda entrant: entrant.removeprefix("phase-").removeprefix("legacy"),
            has_line=True,
        ),
        _family(
            "one layer alone",
            [s for s in standings if s.entrant.startswith("only-")],
            4,
            lambda entrant: entrant.removeprefix("only-"),
        ),
        _family(
            "all but one layer",
            [s for s in standings if s.entrant.startswith("without-")],
            5,
            lambda entrant: entrant.removeprefix("without-"),
        ),
    ]
    return chart(
        f"{name}-frontier",
        f"Calls per minute against staleness on {board.market}",
        _FRONTIER,
        [one for one in series if one.points],
        Axis("staleness: RMS distance between resting and wanted price, bps", is_log=True),
        Axis("calls per minute", is_log=True),
        height=460,
    )


def _family(
    name: str,
    standings: Sequence[Standing],
    style: int,
    label: Callable[[str], str],
    *,
    has_line: bool = False,
) -> Series:
    points = []
    for one in standings:
        stale = one.measures["staleness_rms_bps"].median
        calls = one.measures["calls_per_minute"].median
        if stale is not None and calls is not None:
            about = f"{one.entrant}: {calls:.3g} calls per minute, {stale:.3g} bps"
            points.append(Point(stale, calls, label(one.entrant), about))
    return Series(name, points, style, has_line=has_line)


# Tables.


def _table(board: Board) -> Iterator[str]:
    head = "".join(
        f'<th scope="col"><abbr title="{escape(c.about)}">{escape(c.label)}</abbr></th>'
        for c in COLUMNS
    )
    yield '<div class="scroll"><table>'
    yield f"<caption>Every policy on {escape(board.market)}</caption>"
    yield f'<thead><tr><th scope="col">policy</th>{head}</tr></thead><tbody>'
    for standing in board.standings:
        cells = "".join(_cell(column, standing) for column in COLUMNS)
        yield f'<tr><th scope="row">{escape(standing.entrant)}</th>{cells}</tr>'
    yield "</tbody></table></div>"


def _cell(column: Column, standing: Standing) -> str:
    kind = ' class="broken"' if column.key == "violations" and standing.violations else ""
    spread = extent(column, standing.measures[column.key])
    small = f"<small>{escape(spread)}</small>" if spread else ""
    return f"<td{kind}>{escape(cell(column, standing))}{small}</td>"


# Contributions.


def _contributions(name: str, contributions: Sequence[Contribution]) -> Iterator[str]:
    for key, title, label in (
        ("calls_per_minute", "Calls per minute, changed by each layer", "calls per minute"),
        ("staleness_rms_bps", "Staleness, changed by each layer", "bps, RMS"),
    ):
        groups = [
            Group(one.layer, [change[key] for change in (one.alone, one.in_order, one.last)])
            for one in contributions
        ]
        axis = Axis(f"change when the layer is switched on, {label}")
        svg = bars(f"{name}-{key}", title, _BARS, SWITCHES, groups, axis)
        yield _figure(svg, f"{title}. {_BARS}")
    yield from _contribution_table(contributions)


_BARS: Final = (
    "Each layer is switched on three times: from legacy, alone; after those before it in the "
    "order of the roll-out; and where all others are on already. A bar to the left is less. A "
    "layer whose work another one does as well shows a short last bar."
)


def _contribution_table(contributions: Sequence[Contribution]) -> Iterator[str]:
    columns = {column.key: column for column in COLUMNS}
    head = "".join(f'<th scope="col">{escape(columns[key].label)}</th>' for key in CHANGES)
    yield '<div class="scroll"><table>'
    yield "<caption>What switching a layer on changes, median of the seeds' differences</caption>"
    yield f'<thead><tr><th scope="col">layer</th><th scope="col">when</th>{head}</tr></thead>'
    for one in contributions:
        yield "<tbody>"
        changes = (one.alone, one.in_order, one.last)
        for index, (when, change) in enumerate(zip(SWITCHES, changes, strict=True)):
            first = f'<th scope="rowgroup" rowspan="3">{escape(one.layer)}</th>'
            cells = "".join(f"<td>{escape(_change(key, change[key]))}</td>" for key in CHANGES)
            yield f"<tr>{'' if index else first}<td class='when'>{escape(when)}</td>{cells}</tr>"
        yield "</tbody>"
    yield "</table></div>"


def _change(key: str, value: float | None) -> str:
    if key.startswith("presence"):
        return text.NONE if value is None else f"{text.signed(100 * value)} %"
    return text.signed(value, 2)


# Over time.


def _times(name: str, board: Board) -> Iterator[str]:
    chosen = [one for one in board.standings if one.latch_bps is None]
    if len(chosen) > LINES_MAX:
        ends = [one for one in chosen if one.entrant in {"legacy", "stable"}]
        chosen = ends or chosen[:LINES_MAX]
    for key, title, axis, value in _TIMES:
        series = [
            Series(
                one.entrant,
                _points(one, value, axis),
                _style(one.entrant, index),
                has_line=True,
                has_marks=len(one.minutes) <= 1,
            )
            for index, one in enumerate(chosen)
        ]
        x = Axis("minutes since the start", least=0.0)
        svg = chart(f"{name}-{key}", title, f"{title}: {_TIME}", series, x, axis, height=FLAT)
        yield _figure(svg, f"{title}; {_TIME}")


_TIME: Final = "each minute, mean of the seeds."

_TIMES: Final[tuple[tuple[str, str, Axis, Callable[[Minute], float | None]], ...]] = (
    (
        "presence",
        "Presence of the side that is there less",
        Axis("presence", is_share=True, least=0.9, greatest=1.0),
        lambda minute: _lesser(minute.presence_bid, minute.presence_ask),
    ),
    (
        "staleness",
        "Staleness",
        Axis("RMS, bps", least=0.0),
        lambda minute: minute.staleness_rms_bps,
    ),
    ("calls", "Calls", Axis("calls in the minute", least=0.0), lambda minute: minute.calls),
)


def _points(standing: Standing, value: Callable[[Minute], float | None], axis: Axis) -> list[Point]:
    points = []
    for minute in standing.minutes:
        y, x = value(minute), minute.seconds / 60
        if y is not None:
            shown = f"{100 * y:.1f} %" if axis.is_share else f"{y:.3g}"
            points.append(Point(x, y, about=f"{standing.entrant}, minute {x:g}: {shown}"))
    return points


def _lesser(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else min(one, other)


def _style(entrant: str, index: int) -> int:
    """Give the two ends the styles that they have in the frontier."""
    return {"stable": 0, "legacy": 1}.get(entrant, 2 + index)
