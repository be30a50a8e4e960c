"""A market in columns: for those who go through many rows and have no time for each.

Rows of one exchange time are a packet; what a row says are four numbers, whose meaning is its
kind's. Columns hold the levels and the trades of a market, not its single orders: a market that was
recorded order by order is played row by row.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from exchange.market import Row, RowKind
from exchange.units import Nanos, Price, Qty

BBO: Final = 0
TRADE: Final = 1
DEPTH: Final = 2
"""The kinds of rows, as `RowKind` has them."""

ACTS: Final = ("", "S", "U", "I", "A", "M", "C", "F", "X", "P")
"""What the act of a row may be; columns hold its place here."""
SNAPSHOT: Final = 1
UPDATE: Final = 2
_NUMBERS: Final = {act: number for number, act in enumerate(ACTS)}
_new: Final = tuple.__new__


class Columns:
    """Rows in the order of exchange time, column by column.

    Who has them reads the lists, and changes none of them.
    """

    __slots__ = ("_rows", "ends", "fourths", "kinds", "notes", "prices", "qtys", "thirds", "times")

    def __init__(self, rows: Callable[[int, int], list[Row]] | None = None) -> None:
        """Start without rows; `rows` returns a slice of them, where these columns say less."""
        self.times: list[Nanos] = []
        """The exchange time of each packet, each later than the one before."""
        self.ends: list[int] = []
        """The number of rows up to the end of each packet."""
        self.kinds: list[int] = []
        """Of each row, a `RowKind`."""
        self.prices: list[Price] = []
        """Of each row: its price; of a touch, the bid."""
        self.qtys: list[Qty] = []
        """Of each row: its quantity; of a touch, the bid's."""
        self.thirds: list[int] = []
        """Of each row: its side; of a touch, the ask."""
        self.fourths: list[int] = []
        """Of each row: the place of its act in `ACTS`; of a touch, the ask's quantity."""
        self.notes: Final[dict[str, object]] = {}
        """What readers have made of all of it, by name, for those who read it again."""
        self._rows = rows

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Columns":
        """Put rows into columns; raises ValueError where there are single orders among them."""
        columns = cls(lambda begin, end: list(rows[begin:end]))
        for row in rows:
            if row.kind == RowKind.L3:
                raise ValueError("columns must be of levels and trades, was a single order")
            columns.kinds.append(row.kind)
            if row.kind == RowKind.BBO:
                what = (row.bid, row.bid_qty, row.ask, row.ask_qty)
            else:
                what = (row.price, row.qty, row.side, _NUMBERS[row.act])
            columns.prices.append(what[0])
            columns.qtys.append(what[1])
            columns.thirds.append(what[2])
            columns.fourths.append(what[3])
            columns.close(row.ts)
        return columns

    def close(self, ts: Nanos) -> None:
        """End the packet of exchange time `ts`, or let it go on: it has all rows so far."""
        if self.times and self.times[-1] == ts:
            self.ends[-1] = len(self.kinds)
        else:
            self.times.append(ts)
            self.ends.append(len(self.kinds))

    def __len__(self) -> int:
        """Return the number of packets."""
        return len(self.times)

    def begin(self, packet: int) -> int:
        """Return the number of rows before a packet."""
        return self.ends[packet - 1] if packet else 0

    def rows(self, first: int, last: int) -> list[Row]:
        """Return the rows of the packets from `first` on, before `last`."""
        begin, end = self.begin(first), self.begin(last)
        if self._rows is not None:
            return self._rows(begin, end)
        found: list[Row] = []
        for packet in range(first, last):
            ts = self.times[packet]
            found += [self._row(ts, row) for row in range(begin, self.ends[packet])]
            begin = self.ends[packet]
        return found

    def _row(self, ts: Nanos, row: int) -> Row:
        kind, price, qty = self.kinds[row], self.prices[row], self.qtys[row]
        third, fourth = self.thirds[row], self.fourths[row]
        if kind == BBO:
            return _new(Row, (ts, -1, kind, price, qty, third, fourth, 0, 0, 0, "", ""))
        return _new(Row, (ts, -1, kind, 0, 0, 0, 0, price, qty, third, "", ACTS[fourth]))


class Sight:
    """Rows that have become visible together: some packets of some columns.

    It can be iterated over as rows, or taken by the piece.
    """

    __slots__ = ("pieces",)

    def __init__(self, pieces: Sequence[tuple[Columns, int, int]]) -> None:
        """Take columns, each with the first of their packets and the one behind the last."""
        self.pieces = pieces

    def __iter__(self) -> Iterator[Row]:
        for columns, first, last in self.pieces:
            yield from columns.rows(first, last)
