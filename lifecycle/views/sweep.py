"""The best settings of a sweep as a table, the best first.

A pure function of a ranking; what does not fit the screen is wrapped.
"""

import math
from typing import Any, Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lifecycle.sweep.best import Bound, Ranking, Standing
from lifecycle.views import text

BESIDE: Final = ("calls_per_minute", "presence", "staleness_rms_bps", "fills")
"""Shown beside what was asked for: calls, and what they must not be saved at the cost of."""
NOTHING: Final = "none"


def best(ranking: Ranking, most: int) -> RenderableType:
    """Show at most so many of the settings that hold."""
    parts: list[RenderableType] = []
    if ranking.best:
        parts += [_table(ranking, most), Text()]
    return Group(*parts, verdict(ranking))


def verdict(ranking: Ranking) -> Text:
    """Return the last line: how many settings hold, and what keeps the others out."""
    asked, held, total = ranking.asked, len(ranking.best), len(ranking.standings)
    words = [f"{held} of {total} settings hold"]
    if ranking.unsound:
        words.append(f"{ranking.unsound} had runs that failed or broke an invariant")
    if ranking.idle:
        words.append(f"{ranking.idle} had runs too short for a cycle")
    if len(asked.bounds) > 1 or not held:
        words += [f"{bound} in {ranking.meeting(bound)}" for bound in asked.bounds]
    return Text(", ".join(words), style="goal.held" if held else "goal.missed")


def number(value: float | None) -> str:
    """Write a number of any size in few digits."""
    if value is None:
        return text.NONE
    return text.INFINITE if value == math.inf else f"{value:.4g}"


def _table(ranking: Ranking, most: int) -> Table:
    asked = ranking.asked
    table = Table(box=box.SIMPLE, border_style="view.border", pad_edge=False, show_edge=False)
    settings = _told_apart(ranking)
    for name in settings:
        table.add_column(_short(name, settings), overflow="fold")
    goal = f"{asked.goal}\n{'most' if asked.is_most else 'least'}"
    table.add_column(goal, justify="right", overflow="fold")
    for bound in asked.bounds:
        heading = f"{bound.name}\n{bound.sign}{bound.limit:g}"
        table.add_column(heading, justify="right", overflow="fold")
    named = {asked.goal, *(bound.name for bound in asked.bounds)}
    beside = [name for name in BESIDE if name not in named]
    for name in beside:
        table.add_column(name, justify="right", style="view.label", overflow="fold")
    for standing in ranking.best[:most]:
        table.add_row(*_row(standing, settings, asked.goal, asked.bounds, beside))
    return table


def _row(
    standing: Standing,
    settings: list[str],
    goal: str,
    bounds: tuple[Bound, ...],
    beside: list[str],
) -> list[str]:
    return [
        *(_setting(standing.setting[name]) for name in settings),
        number(standing.mean(goal)),
        *(number(standing.worst(bound)) for bound in bounds),
        *(number(standing.mean(name)) for name in beside),
    ]


def _told_apart(ranking: Ranking) -> list[str]:
    """Return the settings that take more than one value, or all where none does."""
    names = list(ranking.standings[0].setting)
    varied = [
        name for name in names if len({str(one.setting[name]) for one in ranking.standings}) > 1
    ]
    return varied or names


def _short(name: str, names: list[str]) -> str:
    """Leave out the table of a key where only one has a key of that name."""
    last = name.rpartition(".")[2]
    return last if sum(other.rpartition(".")[2] == last for other in names) == 1 else name


def _setting(value: Any) -> str:
    match value:
        case None:
            return NOTHING
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}"
        case _:
            return str(value)
