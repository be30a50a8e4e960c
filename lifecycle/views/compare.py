"""A comparison as tables: one market after the other, medians over the seeds.

Few policies stand side by side, each number with the least and the greatest of the seeds; many
stand one below the other, medians alone. Pure functions of what was compared and a width.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lifecycle.run.compared import Board, Contribution, Spread, Standing
from lifecycle.views import text

LABELS: Final = 30
"""Width of the written-out labels."""
SIDE_BY_SIDE: Final = 22
"""Width that a policy needs beside others."""
WHOLE: Final = 128
"""From here on all columns fit into one table."""

CONTRIBUTIONS: Final = "what switching a layer on changes: calls per minute, staleness in bps"


class Column(NamedTuple):
    """How one measure is written."""

    key: str
    label: str
    short: str
    about: str
    """What it means, for a reader who meets it first."""
    shown: Callable[[float | None], str]


def _ratio(value: float | None) -> str:
    return text.INFINITE if value == math.inf else text.number(value, 2)


def _count(value: float | None) -> str:
    return text.NONE if value is None else f"{value:g}"


COSTS: Final = (
    Column(
        "calls_per_minute", "API calls per minute", "calls/min",
        "places, modifies and cancels sent", text.number,
    ),
    Column(
        "zero_action", "cycles without a call", "quiet",
        "share of cycles that sent nothing", text.share,
    ),
    Column(
        "queue_kept", "queue position kept", "kept",
        "share of order-cycles in which a resting order was left alone", text.share,
    ),
    Column(
        "modify_share", "modifies among changes", "modify",
        "modifies among the actions that change a resting order", text.share,
    ),
    Column(
        "cancels_per_cycle", "cancels per cycle", "cxl/cyc",
        "cancels sent, over cycles", lambda value: text.number(value, 2),
    ),
    Column(
        "cancel_fill", "cancels per fill", "cxl/fill",
        "cancels sent per fill; infinite where nothing filled", _ratio,
    ),
)  # fmt: skip
"""What the churn costs."""

WORTH: Final = (
    Column(
        "presence_bid", "bids present", "bids",
        "share of cycles with as many bids resting as wanted", text.share,
    ),
    Column(
        "presence_ask", "asks present", "asks",
        "share of cycles with as many asks resting as wanted", text.share,
    ),
    Column(
        "staleness_rms_bps", "staleness, RMS bps", "stale",
        "root mean square distance between resting and wanted price",
        lambda value: text.number(value, 2),
    ),
    Column(
        "staleness_limit_bps", "its limit, half latch, bps", "limit",
        "half the latch band, averaged over the same order-cycles",
        lambda value: text.number(value, 2),
    ),
    Column("fills", "fills", "fills", "number of fills", _count),
    Column(
        "markout_5s_bps", "mid after a fill, 5 s, bps", "markout",
        "how far the mid moved in our favour within 5 s of a fill, from the fill's price",
        text.signed,
    ),
    Column(
        "violations", "broken invariants", "broken",
        "promises of the design that a run broke, summed over the runs", _count,
    ),
)  # fmt: skip
"""What it must not be bought with."""

COLUMNS: Final = (*COSTS, *WORTH)


def cell(column: Column, standing: Standing) -> str:
    """Write the median; broken invariants are summed, as one is one too many."""
    if column.key == "violations":
        return str(standing.violations)
    return column.shown(standing.measures[column.key].median)


def extent(column: Column, spread: Spread) -> str:
    """Write least and greatest; empty where they read the same."""
    least, greatest = column.shown(spread.least), column.shown(spread.greatest)
    if least == greatest or column.key == "violations":
        return ""
    return f"{least} … {greatest}"


def comparison(boards: Sequence[Board], width: int) -> RenderableType:
    """Show every market's comparison."""
    parts: list[RenderableType] = []
    for board in boards:
        if parts:
            parts.append(Text())
        parts += _board(board, width)
    return Group(*parts)


def headline(board: Board) -> str:
    """Say which runs the numbers are of."""
    seeds = sorted({seed for standing in board.standings for seed, _ in standing.runs})
    of = f"median of {len(seeds)} seeds" if len(seeds) > 1 else f"seed {seeds[0]}"
    minutes = text.number(board.minutes).removesuffix(".0")
    return f"{board.market}, {minutes} min, {of}"


def _board(board: Board, width: int) -> Iterator[RenderableType]:
    yield Text(headline(board), style="view.title")
    yield Text()
    standings = board.standings
    if width >= LABELS + SIDE_BY_SIDE * len(standings):
        yield _beside(standings)
    elif width >= WHOLE:
        yield _below(standings, COLUMNS)
    else:
        yield _below(standings, COSTS)
        yield Text()
        yield _below(standings, WORTH)
    if board.contributions:
        yield Text()
        yield Text(CONTRIBUTIONS, style="view.title")
        yield Text()
        yield _contributions(board.contributions)


def _table() -> Table:
    return Table(box=box.SIMPLE, border_style="view.border", pad_edge=False, show_edge=False)


def _beside(standings: Sequence[Standing]) -> Table:
    """Put the measures below each other, the policies side by side."""
    table = _table()
    table.add_column("", no_wrap=True)
    for standing in standings:
        table.add_column(standing.entrant, justify="right", no_wrap=True)
        table.add_column("", style="view.label", no_wrap=True)
    for part in (COSTS, WORTH):
        for column in part:
            row: list[RenderableType] = [column.label]
            for standing in standings:
                row.append(_marked(column, standing))
                row.append(extent(column, standing.measures[column.key]))
            table.add_row(*row)
        table.add_section()
    return table


def _below(standings: Sequence[Standing], columns: Sequence[Column]) -> Table:
    """Put the policies below each other."""
    table = _table()
    table.add_column("", no_wrap=True)
    for column in columns:
        table.add_column(column.short, justify="right", no_wrap=True)
    for standing in standings:
        table.add_row(standing.entrant, *(_marked(column, standing) for column in columns))
    return table


def _marked(column: Column, standing: Standing) -> Text:
    broken = column.key == "violations" and standing.violations
    return Text(cell(column, standing), style="goal.missed" if broken else "")


def _contributions(contributions: Sequence[Contribution]) -> Table:
    """Say what switching each layer on changes, in calls a minute and in staleness."""
    table = _table()
    table.add_column("", no_wrap=True)
    for heading in ("alone", "in order", "as the last"):
        table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("", justify="right", no_wrap=True)
    for one in contributions:
        row = [one.layer]
        for change in (one.alone, one.in_order, one.last):
            row.append(text.signed(change["calls_per_minute"]))
            row.append(text.signed(change["staleness_rms_bps"], 2))
        table.add_row(*row)
    return table
