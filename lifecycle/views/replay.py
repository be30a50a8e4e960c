"""A replay as a table: the run as it was, its model, and what other settings would have done.

Columns stand side by side; those that do not fit follow in further tables, and their names are
broken where a setting ends. A pure function of the comparison and a width.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lifecycle.run.frame import Summary
from lifecycle.views import text
from lifecycle.whatif.comparison import Column, Comparison

WIDE: Final = 72
"""From here on labels are written out."""
GAP: Final = 3
"""Between two columns."""
COLUMN: Final = 8
"""Least width of a column."""


class Measure(NamedTuple):
    """One row of the table: its label, the short one, and how it is written."""

    label: str
    short: str
    shown: Callable[[Summary], str]


def _ratio(summary: Summary) -> str:
    ratio = summary.cancel_fill
    return text.INFINITE if ratio is None else text.number(ratio, 2)


SAVED: Final = Measure("API calls saved", "saved", lambda _: "")
"""Against the same settings in the model: made from two columns."""
BROKEN: Final = Measure("broken invariants", "broken", lambda s: str(s.violations))

COSTS: Final = (
    Measure("API calls", "calls", lambda s: str(s.calls)),
    SAVED,
    Measure("API calls per minute", "/min", lambda s: text.number(s.calls_per_minute, 2)),
    Measure("cycles without a call", "quiet", lambda s: text.share(s.zero_action)),
    Measure("queue position kept", "kept", lambda s: text.share(s.queue_kept)),
    Measure("modifies among changes", "modify", lambda s: text.share(s.modify_share)),
    Measure("cancels", "cancels", lambda s: str(s.cancelled)),
    Measure("cancels per fill", "cxl/fill", _ratio),
)
WORTH: Final = (
    Measure("bids present", "bids", lambda s: text.share(s.presence.bid)),
    Measure("asks present", "asks", lambda s: text.share(s.presence.ask)),
    Measure("staleness, RMS bps", "stale", lambda s: text.number(s.staleness_rms_bps, 2)),
    Measure("its limit, half latch, bps", "limit", lambda s: text.number(s.staleness_limit_bps, 2)),
    Measure("fills", "fills", lambda s: str(s.fills)),
    Measure("filled", "filled", lambda s: s.filled_qty),
    Measure("mid after a fill, 5 s, bps", "markout", lambda s: text.signed(s.markout_5s_bps)),
    Measure("position at the end", "position", lambda s: s.position),
    BROKEN,
)
MEASURES: Final = (*COSTS, *WORTH)


def replayed(comparison: Comparison, width: int) -> RenderableType:
    """Show the runs side by side, and what is to be known of the numbers."""
    parts: list[RenderableType] = [Text(headline(comparison), style="view.title")]
    if comparison.common:
        parts.append(Text(f"all that is tried with {comparison.common}"))
    for indices in _chunks(comparison, width):
        parts += [Text(), _table(comparison, indices, width)]
    parts += [Text(), Text(error_line(comparison))]
    parts += [Text(note, style="view.label") for note in comparison.notes]
    return Group(*parts)


def headline(comparison: Comparison) -> str:
    """Say what was replayed on what."""
    return (
        f"{comparison.journal}, {comparison.seconds / 60:.1f} min, "
        f"{comparison.columns[0].summary.cycles} cycles, "
        f"market of {comparison.market}, {comparison.latency}, seed {comparison.seed}"
    )


def error_line(comparison: Comparison) -> str:
    """Say how far the model is from what was, with the same settings."""
    was, model = (column.summary for column in comparison.columns[:2])
    stale = None
    if was.staleness_rms_bps is not None and model.staleness_rms_bps is not None:
        stale = model.staleness_rms_bps - was.staleness_rms_bps
    presence = 50 * (model.presence.bid + model.presence.ask - was.presence.bid - was.presence.ask)
    changes = (
        f"calls {text.signed(model.calls - was.calls, 0)} of {was.calls}",
        f"presence {text.signed(presence)} %",
        f"staleness {text.signed(stale, 2)} bps",
        f"fills {text.signed(model.fills - was.fills, 0)} of {was.fills}",
    )
    return f"The model's own error, with the same settings: {', '.join(changes)}."


def _chunks(comparison: Comparison, width: int) -> Iterator[list[int]]:
    """Yield the columns that fit beside each other, at least one at a time."""
    room = width - max(len(_label(measure, width)) for measure in MEASURES)
    chunk: list[int] = []
    taken = 0
    for index, column in enumerate(comparison.columns):
        needed = GAP + max(COLUMN, *(len(line) for line in _heading(column).split("\n")))
        if chunk and taken + needed > room:
            yield chunk
            chunk, taken = [], 0
        chunk.append(index)
        taken += needed
    yield chunk


def _table(comparison: Comparison, indices: Sequence[int], width: int) -> Table:
    table = Table(box=box.SIMPLE, border_style="view.border", pad_edge=False, show_edge=False)
    table.add_column("", no_wrap=True)
    for index in indices:
        heading = Text(_heading(comparison.columns[index]), justify="right")
        table.add_column(heading, justify="right", overflow="fold", vertical="bottom")
    for part in (COSTS, WORTH):
        for measure in part:
            label = _label(measure, width)
            table.add_row(label, *(_cell(measure, comparison, index) for index in indices))
        table.add_section()
    return table


def _heading(column: Column) -> str:
    return column.name.replace(", ", ",\n")


def _label(measure: Measure, width: int) -> str:
    return measure.label if width >= WIDE else measure.short


def _cell(measure: Measure, comparison: Comparison, index: int) -> Text:
    summary = comparison.columns[index].summary
    if measure is SAVED:
        return _saved(comparison, index)
    return Text(
        measure.shown(summary),
        style="goal.missed" if measure is BROKEN and summary.violations else "",
    )


def _saved(comparison: Comparison, index: int) -> Text:
    """Return the share of calls that other settings save, in the model."""
    if index < 2:
        return Text("")
    before = comparison.columns[1].summary.calls
    if not before:
        return Text(text.NONE)
    share = 100 * (before - comparison.columns[index].summary.calls) / before
    return Text(f"{text.signed(share, 0)} %")
