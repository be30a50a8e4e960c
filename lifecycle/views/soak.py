"""The end of a soak as tables: what went wrong how often, and what held all the same.

A pure function of what was soaked and a width. Every mark is a word.
"""

from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lifecycle.soak.campaign import Soaked
from lifecycle.soak.kill import Killed
from lifecycle.views.text import number

WIDE: Final = 72
"""From here on tables have padding."""


def soaking(soaked: Soaked, width: int) -> RenderableType:
    """Show how a soak went."""
    return Group(_troubles(soaked, width), Text(), _numbers(soaked, width), Text(), verdict(soaked))


def verdict(soaked: Soaked) -> Text:
    """Return the last line."""
    runs, failed = len(soaked.outcomes), len(soaked.failed)
    if not runs:
        return Text("no run was played to its end: nothing is shown", style="goal.none")
    if failed:
        return Text(f"{failed} of {runs} runs failed", style="goal.missed")
    return Text(
        f"{runs} runs, {number(soaked.hours)} simulated hours: every promise held, every fill was "
        "booked once, every run converged",
        style="goal.held",
    )


def killing(killed: Killed, width: int) -> RenderableType:
    """Show how a campaign of kills went."""
    table = _table(width, "killed for real")
    table.add_column("")
    table.add_column("", justify="right", no_wrap=True)
    for name, value in (
        ("kills", killed.kills), ("starts", killed.starts), ("records", killed.records),
        ("orders", killed.orders), ("fills", killed.fills),
        ("requests under way when killed", killed.in_flight),
    ):  # fmt: skip
        table.add_row(name, f"{value:,}")
    if killed.wrong:
        mark = Text(f"{len(killed.wrong)} things are wrong", style="goal.missed")
    else:
        mark = Text("nothing lost, nothing doubled, nothing unknown", style="goal.held")
    return Group(table, Text(), mark)


def _table(width: int, title: str) -> Table:
    padding = (0, 1) if width >= WIDE else (0, 0)
    return Table(
        box=box.SIMPLE, border_style="view.border", padding=padding, pad_edge=False,
        show_edge=False, title=title, title_style="view.title", title_justify="left",
    )  # fmt: skip


def _troubles(soaked: Soaked, width: int) -> Table:
    table = _table(width, f"what went wrong, plan {soaked.plan}")
    table.add_column("kind")
    table.add_column("times", justify="right", no_wrap=True)
    table.add_column("runs", justify="right", no_wrap=True)
    runs = soaked.runs_with
    for kind, times in soaked.counts.items():
        style = "default" if times else "goal.none"
        seen = f"{times:,}" if times else "never"
        table.add_row(Text(kind.replace("_", " "), style=style), seen, f"{runs[kind]:,}")
    return table


def _numbers(soaked: Soaked, width: int) -> Table:
    table = _table(width, "what was soaked")
    table.add_column("")
    table.add_column("", justify="right", no_wrap=True)
    outcomes = soaked.outcomes
    rows = [
        ("runs", f"{len(outcomes):,}"),
        ("simulated hours", number(soaked.hours)),
        ("simulated hours a minute", number(soaked.hours_per_minute)),
        ("cycles", f"{sum(one.cycles for one in outcomes):,}"),
        ("records", f"{sum(one.records for one in outcomes):,}"),
        ("orders", f"{sum(one.orders for one in outcomes):,}"),
        ("fills", f"{sum(one.fills for one in outcomes):,}"),
    ]
    times = soaked.settled_s
    if times:
        middle, late = times[len(times) // 2], times[len(times) * 99 // 100]
        rows.append(("converged after, median / 99 % / last", _seconds(middle, late, times[-1])))
    for name, value in rows:
        table.add_row(name, value)
    return table


def _seconds(*values: float) -> str:
    return " / ".join(f"{value:.0f} s" for value in values)
