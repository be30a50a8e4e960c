"""Kappa, estimated again and again: how fast fills become rare with distance from the mid.

Four sources, as in the bot that was recorded: a prior; how far from the mid the book's depth
rests; the exponential law of how far takers reach; and the same from the median of the recent
ones, which one deep sweep does not move. Each is honest and each is noisy, and with a minute of
data none is more than a correction to the prior: they are blended in logarithms by their
confidence, and the prior has what confidence is left. So the blend jitters by about a percent from
cycle to cycle, which is the point of the example: this is the noise that an order manager has to
live with.

Kappa is in units of the price: at 1169, fills become rarer by a factor e every 1/1169 of the
price, 8.55 bps.
"""

from collections import deque
from dataclasses import dataclass
from math import exp, log
from statistics import fmean, median
from typing import Final

from exchange.columns import BBO, DEPTH, SNAPSHOT, Columns
from exchange.market import Row, RowKind
from exchange.units import BPS, SECOND, Nanos, Price, Qty

PRIOR: Final = 930.0
"""Lower than what the blend hovers around, because every other source leans to the high side."""
WINDOW: Final = 60 * SECOND
RECENT: Final = 30 * SECOND
"""The window of the robust source."""
GLANCE: Final = 10 * SECOND
"""The window of the book, which says what it has to say with every batch."""

TAIL: Final = 2.0 / BPS
"""Only takers who reach further than this from the mid speak of distance; prints at the touch
would say that nobody ever trades beyond it."""
FACTOR_MAX: Final = 5.0
"""No source is believed further from the prior than by this factor."""

BOOK_WEIGHT: Final = 0.30
TRADES_WEIGHT: Final = 0.18
ROBUST_WEIGHT: Final = 0.10
"""What each source weighs at full confidence; the prior weighs the rest."""
BOOK_HALF: Final = 5.0
REACHES_HALF: Final = 20.0
"""Samples at which a source has half of its confidence."""
NEVER: Final[Nanos] = -1
LEVELS_MIN: Final = 6
"""Levels that a side must show for its depth to be a sample."""


@dataclass(frozen=True, slots=True)
class Kappa:
    """One estimate; a source is None where its window holds no sample."""

    blend: float
    book: float | None
    trades: float | None
    robust: float | None


class KappaEstimator:
    """Gathers market rows, and answers with kappa when asked.

    Rows come in the order of their time. The book is rebuilt from depth rows; markets without
    them are estimated without that source.
    """

    def __init__(self, prior: float = PRIOR) -> None:
        self._prior = prior
        self._twice_mid: Price | None = None
        self._bids: Final[dict[Price, Qty]] = {}
        self._asks: Final[dict[Price, Qty]] = {}
        self._batch: Nanos = NEVER
        """Time of the depth rows that are being applied."""
        self._depths: deque[tuple[Nanos, float]] = deque()
        self._reaches: deque[tuple[Nanos, float]] = deque()
        """How far takers reached beyond the tail, as a share of the price."""
        self._taker: tuple[Nanos, int] | None = None
        """Time and side of the taker who is printing."""
        self._reach = 0.0

    @property
    def mid(self) -> float | None:
        """The mid of the newest touch that had two sides, in price units."""
        return None if self._twice_mid is None else self._twice_mid / 2

    def see(self, row: Row) -> None:
        """Take in one market row."""
        if row.kind == RowKind.TRADE:
            self._see_trade(row.ts, row.side, row.price)
        elif row.kind == RowKind.DEPTH:
            if row.ts != self._batch:
                self._begin_batch(row.ts, clears=row.act == "S")
            levels = self._bids if row.side > 0 else self._asks
            if row.qty > 0:
                levels[row.price] = row.qty
            else:
                levels.pop(row.price, None)
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
                    levels = bids if thirds[row] > 0 else asks
                    qty = qtys[row]
                    if qty > 0:
                        levels[prices[row]] = qty
                    else:
                        levels.pop(prices[row], None)
                elif kind == BBO:
                    self._see_touch(prices[row], thirds[row])
                else:
                    self._see_trade(ts, thirds[row], prices[row])
            begin = end

    def estimate(self, now: Nanos) -> Kappa:
        """Return kappa from what has been seen in the window before `now`."""
        self._end_taker()
        _forget(self._depths, now - GLANCE)
        _forget(self._reaches, now - WINDOW)
        depths = [depth for _, depth in self._depths]
        reaches = [reach for _, reach in self._reaches]
        recent = [reach for at, reach in self._reaches if at >= now - RECENT]
        book = self._believable(fmean(depths)) if depths else None
        trades = self._believable(1 / fmean(reaches)) if reaches else None
        robust = self._believable(log(2) / median(recent)) if recent else None
        shift = 0.0
        for kappa, weight, samples, half in (
            (book, BOOK_WEIGHT, len(depths), BOOK_HALF),
            (trades, TRADES_WEIGHT, len(reaches), REACHES_HALF),
            (robust, ROBUST_WEIGHT, len(recent), REACHES_HALF),
        ):
            if kappa is not None:
                shift += weight * samples / (samples + half) * log(kappa / self._prior)
        return Kappa(self._prior * exp(shift), book, trades, robust)

    def _believable(self, kappa: float) -> float:
        return max(self._prior / FACTOR_MAX, min(self._prior * FACTOR_MAX, kappa))

    def _see_touch(self, bid: Price, ask: Price) -> None:
        if bid > 0 and ask > 0:
            self._end_taker()
            self._twice_mid = bid + ask

    def _see_trade(self, ts: Nanos, side: int, price: Price) -> None:
        mid = self.mid
        if mid is None:
            return
        taker = (ts, side)
        if taker != self._taker:
            self._end_taker()
            self._taker = taker
        # The mid is the one before the sweep: the touch is told after the trades that moved it.
        self._reach = max(self._reach, abs(price - mid) / mid)

    def _end_taker(self) -> None:
        """Count the taker who has been printing: one taker is one sample, whatever it swept."""
        if self._taker is not None and self._reach > TAIL:
            self._reaches.append((self._taker[0], self._reach - TAIL))
        self._taker = None
        self._reach = 0.0

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
        twice_mid = self._twice_mid
        bids, asks = self._bids, self._asks
        if twice_mid is None or min(len(bids), len(asks)) < LEVELS_MIN:
            return
        # In whole numbers, so that neither order nor Python's way to sum floats matters.
        total = twice_moment = 0
        for levels in (bids, asks):
            for price, qty in levels.items():
                total += qty
                twice_moment += qty * abs(2 * price - twice_mid)
        # Depth that falls exponentially has the inverse of its mean distance for a rate. The
        # visible window ends before the depth does, which makes this one lean to the high side.
        self._depths.append((at, total * (twice_mid / 2) / (twice_moment / 2)))


def _forget(samples: deque[tuple[Nanos, float]], before: Nanos) -> None:
    """Drop the samples older than `before`."""
    while samples and samples[0][0] < before:
        samples.popleft()
