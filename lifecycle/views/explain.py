"""Orders and the life of one as text.

Pure functions of what was told and a width. Every mark is a word, so they read the same without
colour.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from exchange.units import MILLISECOND
from lifecycle.explain.life import Life, Row
from lifecycle.explain.numbers import Numbers
from lifecycle.explain.story import OrderLine, Orders
from lifecycle.views.moments import calendar, moment
from lifecycle.views.text import NONE, clock, side, signed
from spec.states import State

WIDE: Final = 72
"""From here on tables have padding."""
WHY_FROM: Final = 100
"""From here on all columns have room."""
LIFE_FROM: Final = 56
"""From here on what happened has room beside its time and state; below it stands under them."""


def orders(told: Orders, lot: Decimal, width: int) -> RenderableType:
    """Show all orders of a journal, a row each."""
    begun = calendar(told.first_at)
    title = f"{len(told.orders)} orders of {told.source}"
    title += f", from {begun}" if begun else ""
    if not told.orders:
        return Text(f"{title}: none was placed in {told.records} records", style="view.title")
    if width < WIDE:
        return _lines(title, (_short(line, told) for line in told.orders))
    table = _table(width, title, wide=WHY_FROM)
    table.add_column("order", overflow="fold", min_width=8)
    table.add_column("side", no_wrap=True)
    table.add_column("lived", no_wrap=True)
    for heading in ("legs", "fills"):
        table.add_column(heading, justify="right", no_wrap=True)
    if width >= WHY_FROM:
        table.add_column("filled", justify="right", no_wrap=True)
    table.add_column("ended", no_wrap=True)
    for heading in ("cycles", "kept", "mod"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("mostly", overflow="fold")
    for line in told.orders:
        table.add_row(*_order(line, told, lot, width))
    return table


def _order(line: OrderLine, told: Orders, lot: Decimal, width: int) -> list[RenderableType]:
    end = told.last_at if line.ended_at is None else line.ended_at
    first = told.first_at
    why = f"{line.why[0][0]} {line.why[0][1]}" if line.why else NONE
    filled: list[RenderableType] = [f"{line.filled * lot:f}"] if width >= WHY_FROM else []
    return [
        Text(line.cloid),
        Text(side(line.side), style=f"side.{side(line.side)}"),
        f"{clock(line.placed_at - first)}–{clock(end - first)}",
        str(line.legs),
        str(line.fills),
        *filled,
        Text(line.state if line.ended_at is not None else "open", style=f"state.{line.state}"),
        str(line.cycles),
        str(line.kept),
        str(line.modified),
        Text(why),
    ]


def _short(line: OrderLine, told: Orders) -> tuple[Text, Text]:
    """Say of an order what its row in a table says, in two paragraphs."""
    end = told.last_at if line.ended_at is None else line.ended_at
    lived = f"{clock(line.placed_at - told.first_at)}–{clock(end - told.first_at)}"
    state = "open" if line.ended_at is None else line.state
    first = Text.assemble(
        (side(line.side), f"side.{side(line.side)}"), f" {lived} ", (state, f"state.{line.state}")
    )
    why = f", mostly {line.why[0][0]} {line.why[0][1]}" if line.why else ""
    more = (
        f"{line.legs} legs, {line.fills} fills, {line.cycles} cycles: {line.kept} kept, "
        f"{line.modified} modified{why}"
    )
    return Text(line.cloid), Text("\n").join([first, Text(more)])


def _lines(title: str, paragraphs: Iterable[tuple[Text, Text]]) -> RenderableType:
    """Show heads, and what belongs to each indented under it, where a table has no room."""
    shown: list[RenderableType] = [Text(title, style="view.title")]
    for head, body in paragraphs:
        shown += [head, Padding(body, (0, 0, 0, 2))]
    return Group(*shown)


def life(told: Life, width: int) -> RenderableType:
    """Show the life of one order, a row each thing that happened."""
    begun = calendar(told.first_at)
    what = "order" if told.side is None else side(told.side)
    title = f"{what} {told.cloid} in {told.source}" + (f", from {begun}" if begun else "")
    if not told.rows:
        return Text(f"{title}: nothing happened to it", style="view.title")
    if width < LIFE_FROM:
        return _lines(title, ((_head(row, told), _what(row, told)) for row in told.rows))
    table = _table(width, title)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("×", justify="right", no_wrap=True)
    table.add_column("what happened", overflow="fold")
    table.add_column("state", overflow="fold", max_width=16 if width < WHY_FROM else None)
    for row in told.rows:
        times = "" if row.count == 1 else str(row.count)
        table.add_row(moment(row.at - told.first_at), times, _what(row, told), _state(row))
    return Group(table)


def _head(row: Row, told: Life) -> Text:
    times = "" if row.count == 1 else f"× {row.count}  "
    return Text.assemble(f"{moment(row.at - told.first_at)}  {times}", _state(row))


def _what(row: Row, told: Life) -> Text:
    text = Text("; ".join(row.words))
    if row.count > 1:
        text.append(f", until {moment(row.until - told.first_at)}")
    if row.numbers is not None:
        for line in _figures(row, row.numbers, told):
            text.append(f"\n{line}", style="view.label")
    return text


def _figures(row: Row, found: Numbers, told: Life) -> list[str]:
    """Write the numbers of a cycle: drift against band, how the band came, and what is around."""
    lot = Decimal(told.lot)
    low, high = row.drift_bps_min, row.drift_bps_max
    drift = f"{signed(found.drift_bps, 2)} bps ({signed(found.drift_ticks, 0)} ticks)"
    between = ""
    if low is not None and high is not None and low != high:
        between = f", between {signed(low, 2)} and {signed(high, 2)}"
    unit = Decimal(told.price_unit)
    adverse = " adverse" if found.is_adverse else ""
    band = f"band {found.band_bps:.2f} bps ({found.band * unit:f})"
    parts = (
        f"base {found.base_bps:.2f} × level {found.level_factor:g} × quota "
        f"{found.quota_factor:.2f} × queue {found.queue_factor:.2f}"
    )
    if found.is_adverse:
        parts += f" × adverse {found.adverse_factor:.2f}"
    around = []
    if found.qty != found.target_qty:
        around.append(f"size {found.qty * lot:f}, wanted {found.target_qty * lot:f}")
    if found.ahead is not None and found.behind is not None:
        around.append(f"queue {found.ahead * lot:f} ahead, {found.behind * lot:f} behind")
    around.append(f"headroom {100 * found.headroom:.1f} %")
    if found.interval_left:
        around.append(f"{found.interval_left / MILLISECOND:.0f} ms of its interval left")
    return [
        f"drift {drift}{adverse}{between}; {band}, stale beyond {found.stale_bps:.2f} bps",
        f"band = {parts}",
        "; ".join(around),
    ]


def _state(row: Row) -> Text:
    if row.before is row.after or row.before is None:
        return _styled(row.after)
    return Text.assemble(_styled(row.before), " → ", _styled(row.after))


def _styled(state: State | None) -> Text:
    return Text(NONE) if state is None else Text(state, style=f"state.{state}")


def _table(width: int, title: str, wide: int = WIDE) -> Table:
    padding = (0, 1) if width >= wide else (0, 0)
    return Table(
        box=box.SIMPLE, border_style="view.border", padding=padding, pad_edge=False,
        show_edge=False, title=title, title_style="view.title", title_justify="left",
    )  # fmt: skip
