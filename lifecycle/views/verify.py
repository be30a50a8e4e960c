"""The end of a verification as tables: what was explored, what held, and which races happened.

A pure function of a verdict and a width. Every mark is a word, so it reads the same without colour.
"""

from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lifecycle.check.budgets import words
from lifecycle.check.races import RACES
from lifecycle.check.verdict import PROMISES, WITNESSING, Result, Verified

WIDE: Final = 72
"""From here on tables have padding."""


def verification(verified: Verified, width: int) -> RenderableType:
    """Show how a verification went."""
    style = "goal.held" if verified.holds else "goal.missed"
    return Group(
        _explorations(verified, width),
        Text(),
        _promises(verified, width),
        Text(),
        _races(verified, width),
        Text(),
        Text(verified.sentence(), style=style),
    )


def _table(width: int, title: str) -> Table:
    padding = (0, 1) if width >= WIDE else (0, 0)
    return Table(
        box=box.SIMPLE, border_style="view.border", padding=padding, pad_edge=False,
        show_edge=False, title=title, title_style="view.title", title_justify="left",
    )  # fmt: skip


def _explorations(verified: Verified, width: int) -> Table:
    table = _table(width, "explored")
    table.add_column("wanted, venue, what may happen")
    for heading in ("states", "transitions", "depth", "states/s"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for result in verified.results:
        table.add_row(*_row(result))
    return table


def _row(result: Result) -> list[RenderableType]:
    exploration = result.exploration
    name = f"{exploration.shape}, {exploration.venue}"
    # Two lines keep the row narrow.
    cells: list[RenderableType] = [f"{name}\n  {words(exploration.setting.budgets)}"]
    size = result.explored or result.stopped
    if size is None:
        return [*cells, "", "", "", "", Text("too large", style="goal.missed")]
    rate = size.states / size.seconds if size.seconds else 0.0
    cells += [f"{size.states:,}", f"{size.transitions:,}", str(size.depth), f"{rate:,.0f}"]
    if result.explored is None:
        return [*cells, Text("stopped", style="goal.missed")]
    if result.explored.findings:
        return [*cells, Text("broken", style="goal.missed")]
    return [*cells, Text("held", style="goal.held")]


def _promises(verified: Verified, width: int) -> Table:
    findings = verified.findings
    table = _table(width, "promises")
    table.add_column("id", no_wrap=True)
    table.add_column("promise")
    table.add_column("")
    for invariant, sentence in PROMISES.items():
        if invariant in findings:
            steps = len(findings[invariant][1].path)
            mark = Text(f"broken in {steps} steps", style="goal.missed")
        elif invariant == "convergence" and not verified.heals:
            mark = Text("not asked", style="goal.none")
        elif not verified.is_whole:
            mark = Text("not proved", style="goal.none")
        else:
            mark = Text("held", style="goal.held")
        table.add_row(invariant, sentence, mark)
    return table


def _races(verified: Verified, width: int) -> Table:
    witnessed = verified.witnessed
    table = _table(width, "races")
    table.add_column("race")
    table.add_column("")
    for race, sentence in RACES.items():
        if race in witnessed:
            mark = Text(f"seen, in {witnessed[race]} steps", style="goal.held")
        elif race not in verified.possible:
            mark = Text("cannot happen here", style="goal.none")
        elif verified.budget in WITNESSING:
            mark = Text("not seen", style="goal.missed")
        else:
            mark = Text("not in this budget", style="goal.none")
        table.add_row(sentence, mark)
    return table
