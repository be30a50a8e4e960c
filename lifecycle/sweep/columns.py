"""What a run's row says besides its settings: the measures of a comparison, and counts.

Nothing here depends on a clock or on where a run was played, so the same sweep gives the same table
wherever it is spread.
"""

from collections.abc import Callable
from typing import Final, Literal, NamedTuple, TypeAlias

from lifecycle.run.compared import MEASURES
from lifecycle.run.frame import Summary

Kind: TypeAlias = Literal["int", "float", "text", "bool"]
Value: TypeAlias = int | float | str | None

INTEGERS: Final = ("fills", "violations")
"""Of the measures, those that are counted."""


class Column(NamedTuple):
    """One number of a run."""

    name: str
    kind: Kind
    of: Callable[[Summary], Value]
    """None where the run has nothing to divide by."""


COLUMNS: Final = (
    *(
        Column(measure.key, "int" if measure.key in INTEGERS else "float", measure.of)
        for measure in MEASURES
    ),
    Column("presence", "float", lambda s: min(s.presence.bid, s.presence.ask)),
    Column("seconds", "float", lambda s: s.seconds),
    Column("cycles", "int", lambda s: s.cycles),
    Column("placed", "int", lambda s: s.placed),
    Column("modified", "int", lambda s: s.modified),
    Column("cancelled", "int", lambda s: s.cancelled),
    Column("rejected", "int", lambda s: s.rejected),
    Column("filled_qty", "float", lambda s: float(s.filled_qty)),
    Column("position", "float", lambda s: float(s.position)),
    Column("broken", "text", lambda s: s.broken[0] if s.broken else None),
)
"""`presence` is that of the emptier side; `broken` the first invariant that broke."""

NUMBERS: Final = tuple(column.name for column in COLUMNS if column.kind != "text")
"""What can be minimised and bounded."""
