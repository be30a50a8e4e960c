"""The market that every account sees: one stream of rows, and any number of readers.

Each account trades on a paper venue of its own, so that its orders queue in the same market as
those of everybody else. A venue that is opened later begins with the book as it then is, and goes
on with the rows that are still to come.
"""

from collections.abc import Iterable, Iterator
from copy import copy
from itertools import chain, tee
from typing import Final

from exchange.instrument import Instrument
from exchange.market import Row, RowKind
from exchange.paper.book import Book, Touch
from exchange.units import Nanos, Price, Qty
from exchange.words import Side

BBO: Final = RowKind.BBO.value
TRADE: Final = RowKind.TRADE.value
DEPTH: Final = RowKind.DEPTH.value
NOT_RECORDED: Final = -1


class Tape:
    """A market that is being played, and its displayed book."""

    def __init__(self, instrument: Instrument, rows: Iterable[Row], start: Nanos) -> None:
        """Play rows in the order of exchange time, none of them before `start`."""
        self.instrument: Final = instrument
        (self._rows,) = tee(rows, 1)
        self._row = next(self._rows, None)
        self._book: Final = Book()
        self.now: Nanos = start
        self.touch = Touch()
        """The newest touch that was not crossed."""

    @property
    def done(self) -> bool:
        """Whether there are no more rows."""
        return self._row is None

    def advance(self, until: Nanos) -> list[Row]:
        """Play up to and including `until`; return the trades of that time."""
        trades: list[Row] = []
        row, book = self._row, self._book
        while row is not None and row.ts <= until:
            ts = row.ts
            bbo: Row | None = None
            while row is not None and row.ts <= ts:
                if row.kind == DEPTH:
                    book.depth(row)
                elif row.kind == BBO:
                    bbo = row
                elif row.kind == TRADE:
                    trades.append(row)
                    book.sides[-row.side or self._hit(row.price)].take(row.price, row.qty)
                row = next(self._rows, None)
            if bbo is not None:
                book.bids.show(bbo.bid, bbo.bid_qty)
                book.asks.show(bbo.ask, bbo.ask_qty)
            touch = book.touch()
            if not (touch.bid and touch.ask and touch.bid >= touch.ask):
                self.touch = touch
        self._row = row
        self.now = max(self.now, until)
        return trades

    def _hit(self, price: Price) -> int:
        """Return which side a trade without aggressor has hit."""
        return 1 if 2 * price <= self.touch.bid + self.touch.ask else -1

    def levels(self, side: Side) -> dict[Price, Qty]:
        """Return the displayed sizes of a side by price; not to be changed."""
        return self._book.sides[side].sizes

    def mid2(self) -> Price:
        """Return twice the mid, or twice the only price there is; 0 for an empty book."""
        touch = self.touch
        if touch.bid and touch.ask:
            return touch.bid + touch.ask
        return 2 * (touch.bid or touch.ask)

    def fork(self) -> Iterator[Row]:
        """Return what a reader who comes now is to play: the book as it is, and what follows."""
        coming = [] if self._row is None else [self._row]
        return chain(self._picture(), coming, copy(self._rows))

    def _picture(self) -> list[Row]:
        """Return the displayed book as rows of one moment."""
        now, touch = self.now, self.touch
        rows = [
            Row(now, NOT_RECORDED, DEPTH, price=price, qty=qty, side=side.value, act="S")
            for side in Side
            for price, qty in self.levels(side).items()
        ]
        rows.append(Row(now, NOT_RECORDED, BBO, touch.bid, touch.bid_qty, touch.ask, touch.ask_qty))
        return rows


def still(instrument: Instrument, mid: Price, qty: Qty, levels: int, start: Nanos) -> Tape:
    """Return a market in which nothing happens: `levels` of `qty` on both sides of `mid`."""
    tick = instrument.tick(mid)
    middle = instrument.snap(mid, Side.BUY)
    rows = [
        Row(
            start,
            NOT_RECORDED,
            DEPTH,
            price=middle - side * tick * (level + 1),
            qty=qty,
            side=side.value,
            act="S",
        )
        for side in Side
        for level in range(levels)
    ]
    tape = Tape(instrument, rows, start)
    tape.advance(start)
    return tape
