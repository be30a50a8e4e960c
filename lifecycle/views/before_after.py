"""The tables at the end of a run: the goals, and the minutes as the recording lists them.

Pure functions of summaries and a width. Two policies stand side by side, or one stands alone.
"""

from collections.abc import Sequence
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lifecycle.run.frame import Summary
from lifecycle.views.goals import FACTS, GOALS, verdict, verdict_style

WIDE: Final = 72
"""From here on labels are written out."""
WORDS_FROM: Final = 56
"""Below, the column that says what each goal asks for is dropped, and words are cut short."""
MINUTES_SHOWN: Final = 12
"""Rows of the timeline; a longer run shows evenly chosen minutes, its last always."""


def before_after(before: Summary, after: Summary, width: int) -> RenderableType:
    """Compare two runs on the same market; the goals are judged on `after`."""
    return _tables((before, after), width)


def single(summary: Summary, width: int) -> RenderableType:
    """Show one run, judged by the goals."""
    return _tables((summary,), width)


def _tables(runs: Sequence[Summary], width: int) -> RenderableType:
    last = runs[-1]
    title = (
        f"{' and '.join(run.policy for run in runs)} on {last.market}, "
        f"{last.seconds / 60:.1f} min, {last.cycles} cycles after warm-up"
    )
    return Group(
        Text(title, style="view.title"),
        Text(),
        _goal_table(runs, width),
        Text(),
        _timeline(runs, width),
    )


def _table(width: int) -> Table:
    """Return an empty table whose columns stand closer where it is narrow."""
    padding = (0, 1) if width >= WIDE else (0, 0)
    return Table(
        box=box.SIMPLE, border_style="view.border", padding=padding, pad_edge=False, show_edge=False
    )


def _goal_table(runs: Sequence[Summary], width: int) -> Table:
    wide, with_wanted = width >= WIDE, width >= WORDS_FROM
    last = runs[-1]
    table = _table(width)
    table.add_column("", no_wrap=True)
    for run in runs:
        table.add_column(run.policy, justify="right", overflow="fold")
    if with_wanted:
        table.add_column("goal", no_wrap=True)
    table.add_column("", no_wrap=True)
    for goal in GOALS:
        held = goal.holds(last)
        row: list[RenderableType] = [goal.label if wide else goal.short]
        row += [goal.shown(run) for run in runs]
        row += [goal.wanted] if with_wanted else []
        row.append(Text(verdict(held), style=verdict_style(held)))
        table.add_row(*row)
    table.add_section()
    for fact in FACTS:
        label = fact.label if wide else fact.short
        table.add_row(label, *(fact.shown(run) for run in runs))
    return table


def _timeline(runs: Sequence[Summary], width: int) -> Table:
    """List the minutes as the recording does: uptime, placed, cancelled, filled so far."""
    two = len(runs) > 1
    words = ("placed", "cancelled", "filled")
    if two and width < WORDS_FROM:
        words = ("plc", "cxl", "fil")
    table = _table(width)
    table.add_column("\nuptime" if two else "uptime", justify="right", no_wrap=True)
    for run in runs:
        above = (f"{run.policy}\n", "\n", "\n") if two else ("", "", "")
        for over, word in zip(above, words, strict=True):
            table.add_column(over + word, justify="right", overflow="fold")
    by_time = [{row[0]: row[1:] for row in run.timeline} for run in runs]
    times = sorted({seconds for rows in by_time for seconds in rows})
    for seconds in _thinned(times):
        cells: list[str] = [f"{seconds} s"]
        for rows in by_time:
            cells += [str(count) for count in rows[seconds]] if seconds in rows else [""] * 3
        table.add_row(*cells)
    return table


def _thinned(times: Sequence[int]) -> list[int]:
    """Choose at most `MINUTES_SHOWN` of `times`, evenly, the last among them."""
    stride = -(-len(times) // MINUTES_SHOWN) if times else 1
    return list(times[(len(times) - 1) % stride :: stride]) if times else []
