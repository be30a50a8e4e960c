"""What the rows of a market say of kappa: how deep the book was, and how far takers reached.

A sampler goes through the rows in the order of their time. The book is rebuilt from depth rows;
markets without them give no samples of it.

What a recording says is the same for every run that sees it from its beginning. It is taken down
once, packet by packet, and kept with the columns.
"""

from bisect import bisect_left
from collections import deque
from typing import Final

from exchange.columns import BBO, DEPTH, SNAPSHOT, Columns
from exchange.market import Row, RowKind
from exchange.units import BPS, Nanos, Price, Qty

TAIL: Final = 2.0 / BPS
"""Only takers who reach further than this from the mid speak of distance; prints at the touch
would say that nobody ever trades beyond it."""
NEVER: Final[Nanos] = -1
LEVELS_MIN: Final = 6
"""Levels that a side must show for its depth to be a sample."""
_NAME: Final = "evidence"


class _Level:
    """A level of the book: what rests there."""

    __slots__ = ("qty",)

    def __init__(self) -> None:
        self.qty: Qty = 0


class _Depth:
    """One side of the book, as depth rows say, and what it comes to.

    Sums are whole numbers, so that neither order nor Python's way to sum floats matters.
    """

    __slots__ = ("_best", "_levels", "_moment", "qty", "sign")

    def __init__(self, sign: int) -> None:
        self.sign: Final = sign
        """+1 bids, -1 asks."""
        self._levels: Final[dict[Price, _Level]] = {}
        self.qty: Qty = 0
        """All that rests."""
        self._moment = 0
        """The sum of quantity × price."""
        self._best: Price = 0
        """No level is better than this one, which may be gone; 0 before the first one."""

    def is_deep(self) -> bool:
        """Whether there are enough levels to tell."""
        return len(self._levels) >= LEVELS_MIN

    def put(self, price: Price, qty: Qty) -> None:
        """Set a level; with nothing left it is gone."""
        level = self._levels.get(price)
        if level is not None:
            self.qty -= level.qty
            self._moment -= level.qty * price
            if qty <= 0:
                del self._levels[price]
                return
        elif qty > 0:
            level = self._levels[price] = _Level()
            if not self._best or self._is_better(price):
                self._best = price
        else:
            return
        level.qty = qty
        self.qty += qty
        self._moment += qty * price

    def clear(self) -> None:
        """Forget all levels."""
        self._levels.clear()
        self.qty = self._moment = self._best = 0

    def twice_moment(self, twice_mid: Price) -> int:
        """Return twice the sum of quantity × distance from the mid; there must be levels."""
        is_bid = self.sign > 0
        best = self._best + self._best
        if best <= twice_mid if is_bid else best >= twice_mid:
            # Not by multiplying with 2: compiled, that is slow with great numbers.
            distance = self._moment + self._moment - self.qty * twice_mid
            return -distance if is_bid else distance
        # The touch has gone on since, and left levels behind on its other side, if they are still
        # there.
        total = self._best = 0
        for price, level in self._levels.items():
            distance = 2 * price - twice_mid
            # Not by `abs`: compiled, that makes an object of each number.
            total += level.qty * (distance if distance > 0 else -distance)
            if not self._best or self._is_better(price):
                self._best = price
        return total

    def _is_better(self, price: Price) -> bool:
        """Whether a price is better than the best one."""
        return price > self._best if self.sign > 0 else price < self._best


class Sampler:
    """Takes samples of market rows."""

    def __init__(self) -> None:
        """Start with an empty book."""
        self.twice_mid: Price | None = None
        """Of the newest touch that had two sides."""
        self.depths: Final[deque[tuple[Nanos, float]]] = deque()
        """Samples of the book: the inverse of the mean distance of what rests."""
        self.reaches: Final[deque[tuple[Nanos, float]]] = deque()
        """How far takers reached beyond the tail, as a share of the price."""
        self._bids: Final = _Depth(1)
        self._asks: Final = _Depth(-1)
        self._batch: Nanos = NEVER
        """Time of the depth rows that are being applied."""
        self._taker_at: Nanos = NEVER
        self._taker_side = 0
        """Time and side of the taker who is printing; `NEVER` where nobody is."""
        self._reach = 0.0

    def see(self, row: Row) -> None:
        """Take in one market row."""
        if row.kind == RowKind.TRADE:
            self._see_trade(row.ts, row.side, row.price)
        elif row.kind == RowKind.DEPTH:
            if row.ts != self._batch:
                self._begin_batch(row.ts, clears=row.act == "S")
            (self._bids if row.side > 0 else self._asks).put(row.price, row.qty)
        elif row.kind == RowKind.BBO:
            self._see_touch(row.bid, row.ask)

    def see_columns(self, columns: Columns, first: int, last: int) -> None:
        """Take in the rows of some packets."""
        kinds, prices, qtys, thirds = columns.kinds, columns.prices, columns.qtys, columns.thirds
        bids, asks = self._bids, self._asks
        begin = columns.begin(first)
        for packet in range(first, last):
            ts, end = columns.times[packet], columns.ends[packet]
            is_new = ts != self._batch
            for row in range(begin, end):
                kind = kinds[row]
                if kind == DEPTH:
                    if is_new:
                        self._begin_batch(ts, clears=columns.fourths[row] == SNAPSHOT)
                        is_new = False
                    (bids if thirds[row] > 0 else asks).put(prices[row], qtys[row])
                elif kind == BBO:
                    self._see_touch(prices[row], thirds[row])
                else:
                    self._see_trade(ts, thirds[row], prices[row])
            begin = end

    def end_taker(self) -> None:
        """Count the taker who has been printing: one taker is one sample, whatever it swept."""
        if self._taker_at != NEVER and self._reach > TAIL:
            self.reaches.append((self._taker_at, self._reach - TAIL))
        self._taker_at = NEVER
        self._reach = 0.0

    def _see_touch(self, bid: Price, ask: Price) -> None:
        if bid > 0 and ask > 0:
            self.end_taker()
            self.twice_mid = bid + ask

    def _see_trade(self, ts: Nanos, side: int, price: Price) -> None:
        twice_mid = self.twice_mid
        if twice_mid is None:
            return
        mid = twice_mid / 2
        if ts != self._taker_at or side != self._taker_side:
            self.end_taker()
            self._taker_at, self._taker_side = ts, side
        # The mid is the one before the sweep: the touch is told after the trades that moved it.
        self._reach = max(self._reach, abs(price - mid) / mid)

    def _begin_batch(self, ts: Nanos, *, clears: bool) -> None:
        """Begin a new batch of depth rows: the last one is complete."""
        if self._batch != NEVER:
            self._sample_book(self._batch)
        self._batch = ts
        if clears:
            self._bids.clear()
            self._asks.clear()

    def _sample_book(self, at: Nanos) -> None:
        """Sample the depth of both sides."""
        twice_mid = self.twice_mid
        bids, asks = self._bids, self._asks
        if twice_mid is None or not (bids.is_deep() and asks.is_deep()):
            return
        total = bids.qty + asks.qty
        twice_moment = bids.twice_moment(twice_mid) + asks.twice_moment(twice_mid)
        # Depth that falls exponentially has the inverse of its mean distance for a rate. The
        # visible window ends before the depth does, which makes this one lean to the high side.
        self.depths.append((at, total * (twice_mid / 2) / (twice_moment / 2)))


class Evidence:
    """All samples of a market, and how many of them each packet leaves behind."""

    __slots__ = (
        "_depth_counts",
        "_depth_times",
        "_depths",
        "_reach_counts",
        "_reach_times",
        "_reaches",
        "twice_mids",
    )

    def __init__(self, columns: Columns) -> None:
        """Go through a market from its beginning."""
        sampler = Sampler()
        self.twice_mids: Final[list[Price]] = []
        """After each packet; 0 where no touch had two sides so far."""
        self._depth_counts: Final[list[int]] = []
        self._reach_counts: Final[list[int]] = []
        for packet in range(len(columns)):
            sampler.see_columns(columns, packet, packet + 1)
            # Whoever prints in the next packet is another taker.
            sampler.end_taker()
            self.twice_mids.append(sampler.twice_mid or 0)
            self._depth_counts.append(len(sampler.depths))
            self._reach_counts.append(len(sampler.reaches))
        self._depth_times: Final = [at for at, _ in sampler.depths]
        self._depths: Final = [depth for _, depth in sampler.depths]
        self._reach_times: Final = [at for at, _ in sampler.reaches]
        self._reaches: Final = [reach for _, reach in sampler.reaches]

    def depths(self, packets: int, since: Nanos) -> list[float]:
        """Return the samples of the book of so many packets, as far as they are not too old."""
        count = self._depth_counts[packets - 1]
        return self._depths[bisect_left(self._depth_times, since, 0, count) : count]

    def reaches(self, packets: int, since: Nanos) -> list[float]:
        """Return how far takers reached, likewise."""
        count = self._reach_counts[packets - 1]
        return self._reaches[bisect_left(self._reach_times, since, 0, count) : count]


def evidence_of(columns: Columns) -> Evidence:
    """Return what a market says, which is found when it is first asked for."""
    kept = columns.notes.get(_NAME)
    if isinstance(kept, Evidence):
        return kept
    found = columns.notes[_NAME] = Evidence(columns)
    return found
