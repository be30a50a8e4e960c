"""An audit as text: what was read, each promise with its count, and what was broken where.

A pure function of an audit and a width. Every mark is a word, so it reads the same without colour.
"""

from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from exchange.units import SECOND
from lifecycle.audit.audited import Audited
from lifecycle.views.moments import calendar, moment
from lifecycle.views.text import hours

WIDE: Final = 72
"""From here on tables have padding."""
SHOWN: Final = 20
"""Violations listed, if nobody says how many."""


def audit(audited: Audited, width: int, shown: int = SHOWN) -> RenderableType:
    """Show an audit, and the first violations one by one."""
    parts: list[RenderableType] = [_head(audited), Text(), _promises(audited, width)]
    if audited.violations and shown:
        parts += [Text(), _violations(audited, width, shown)]
    style = "goal.held" if audited.holds else "goal.missed"
    return Group(*parts, Text(), Text(audited.sentence(), style=style))


def _head(audited: Audited) -> Table:
    """Say what was read, and in which state it was."""
    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
    table.add_column(style="view.label", no_wrap=True)
    table.add_column()
    read = audited.read
    table.add_row("audit of", Text(audited.source, style="view.title"))
    for name, value in audited.about:
        table.add_row(name, Text(value))
    rounds = "cycle" if audited.numbered == "record" else "command"
    parts = [_count(read.cycles, rounds), _count(read.reports, "report")]
    parts += [_count(read.restarts, "restart")] if read.restarts else []
    parts += [_count(read.halts, "halt")] if read.halts else []
    table.add_row("read", Text(f"{_count(read.records, 'record')}: {', '.join(parts)}"))
    table.add_row(
        "sent",
        Text(
            f"{_count(read.orders, 'order')}, {read.modifies:,} modified, "
            f"{read.cancels:,} cancelled, {_count(read.fills, 'fill')}"
        ),
    )
    begun = calendar(read.first_at)
    span = hours(read.span / (3600 * SECOND))
    table.add_row("time", Text(f"{span}{f' from {begun}' if begun else ''}"))
    if audited.since is not None or audited.until is not None:
        table.add_row("judged", Text(_window(audited)))
    for note in audited.notes:
        table.add_row("note", Text(note))
    if audited.damage is not None:
        table.add_row("journal", Text(str(audited.damage), style="goal.missed"))
    if audited.replayed:
        table.add_row("replayed", _replayed(audited))
    return table


def _window(audited: Audited) -> str:
    first = audited.read.first_at
    since = "the beginning" if audited.since is None else moment(audited.since - first)
    until = "the end" if audited.until is None else moment(audited.until - first)
    return f"from {since} until {until}"


def _replayed(audited: Audited) -> Text:
    difference = audited.difference
    if difference is None:
        return Text("every decision is reproduced by this version", style="goal.held")
    at = moment(difference.at - audited.read.first_at)
    return Text(
        f"{audited.numbered} {difference.record} ({at}) is decided otherwise by this version: "
        f"was {difference.recorded}, is now {difference.now}",
        style="goal.missed",
    )


def _table(width: int, title: str) -> Table:
    padding = (0, 1) if width >= WIDE else (0, 0)
    return Table(
        box=box.SIMPLE, border_style="view.border", padding=padding, pad_edge=False,
        show_edge=False, title=title, title_style="view.title", title_justify="left",
    )  # fmt: skip


def _promises(audited: Audited, width: int) -> Table:
    table = _table(width, "promises")
    table.add_column("id", no_wrap=True)
    table.add_column("promise")
    table.add_column("broken", justify="right", no_wrap=True)
    for name, sentence in audited.promises:
        count = audited.counts.get(name, 0)
        if name in audited.excused:
            words = f"{sentence}\n  not judged: {audited.excused[name]}"
            table.add_row(name, Text(words, style="goal.none"), Text("–", style="goal.none"))
        else:
            style = "goal.missed" if count else "goal.held"
            table.add_row(name, Text(sentence), Text(f"{count:,}", style=style))
    return table


def _violations(audited: Audited, width: int, shown: int) -> Table:
    listed = audited.violations[:shown]
    rest = f", the first {len(listed)} of {audited.total:,}" if audited.total > len(listed) else ""
    table = _table(width, f"violations{rest}")
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column(audited.numbered, justify="right", no_wrap=True)
    table.add_column("order", overflow="fold")
    table.add_column("id", no_wrap=True)
    table.add_column("what", overflow="fold")
    for one in listed:
        table.add_row(
            moment(one.at - audited.read.first_at),
            str(one.record),
            Text(one.cloid or ""),
            Text(one.invariant, style="goal.missed"),
            Text(one.what),
        )
    return table


def _count(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
