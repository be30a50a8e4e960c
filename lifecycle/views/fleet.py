"""The runs of a fleet's journal, a line each."""

from collections.abc import Sequence
from datetime import datetime

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lifecycle.journal.fleet import Run
from lifecycle.views.text import NONE, age

MOMENT = "%Y-%m-%d %H:%M"


def fleet(runs: Sequence[Run], now: datetime) -> RenderableType:
    """Show runs in the order given, as seen at this time."""
    table = Table(box=box.SIMPLE, border_style="view.border", pad_edge=False, show_edge=False)
    for name in ("run", "account", "machine", "instrument", "begun"):
        table.add_column(name, header_style="view.label", overflow="fold")
    table.add_column("records", header_style="view.label", justify="right")
    table.add_column("state", header_style="view.label")
    for run in runs:
        silent = max(0.0, (now - run.heard).total_seconds())
        state = "ended" if run.closed else f"heard {age(silent)} ago"
        table.add_row(
            run.id,
            run.account or NONE,
            run.machine,
            run.instrument,
            f"{run.created.astimezone(now.tzinfo):{MOMENT}}",
            f"{run.records:,}",
            state,
        )
    count = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
    return Group(Text(count), table) if runs else Text("no runs")
