"""The course of the market: what becomes of the displayed book, whoever trades in it.

Our orders are never in the displayed book, so what happens to it does not depend on them. It is
played once, packet by packet by the rules of `exchange.paper.matching`, and taken down: the touch
and the worst visible prices after each packet, every level that a packet has changed, and how far
it has reached into each side. Whoever has orders in the market then looks up what concerns them
(`exchange.paper.replay`).
"""

from typing import Final

from exchange.columns import BBO, DEPTH, SNAPSHOT, Columns
from exchange.paper.book import Levels, Touch, hit_side
from exchange.units import Nanos, Price, Qty

FAR: Final = (1 << 62) - 1
"""Beyond every price; as far as an integer goes that is quick when it is compiled."""


class Course:
    """What some packets have made of the book."""

    __slots__ = (
        "_places",
        "ask_qtys",
        "asks",
        "bid_qtys",
        "bids",
        "changed",
        "changes",
        "columns",
        "highs",
        "lows",
        "sizes",
        "worst_asks",
        "worst_bids",
    )

    def __init__(self, columns: Columns) -> None:
        """Start with nothing taken down."""
        self.columns: Final = columns
        self.bids: Final[list[Price]] = []
        self.bid_qtys: Final[list[Qty]] = []
        self.asks: Final[list[Price]] = []
        self.ask_qtys: Final[list[Qty]] = []
        """The true touch after each packet, never crossed; 0 where a side is empty."""
        self.lows: Final[list[Price]] = []
        """Of each packet: a bid of ours at this price or above is hit, `FAR` if none."""
        self.highs: Final[list[Price]] = []
        """Of each packet: an ask of ours at this price or below is hit, 0 if none."""
        self.worst_bids: Final[list[Price]] = []
        """The worst visible bid after each packet, `FAR` where there is none."""
        self.worst_asks: Final[list[Price]] = []
        """The worst visible ask after each packet, 0 where there is none."""
        self.changed: Final[list[int]] = []
        """The levels that packets have changed, packet by packet, each as side × price."""
        self.sizes: Final[list[Qty]] = []
        """What is displayed of each of them from then on, 0 for nothing."""
        self.changes: Final[list[int]] = []
        """The number of changed levels up to the end of each packet."""
        self._places: dict[int, list[int]] | None = None

    @property
    def places(self) -> dict[int, list[int]]:
        """Where in `changed` each level is, in order; to be asked for when all is taken down."""
        places = self._places
        if places is None:
            places = self._places = {}
            for place, key in enumerate(self.changed):
                found = places.get(key)
                if found is None:
                    places[key] = [place]
                else:
                    found.append(place)
        return places

    def touch(self, packet: int) -> Touch:
        """Return the touch after a packet."""
        return Touch(
            self.bids[packet], self.bid_qtys[packet], self.asks[packet], self.ask_qtys[packet]
        )


class Player:
    """Plays the market from its beginning, some packets at a time."""

    __slots__ = (
        "_ask",
        "_ask_qty",
        "_asks",
        "_before",
        "_bid",
        "_bid_qty",
        "_bids",
        "_burst_side",
        "_burst_ts",
        "_changed",
        "_sizes",
    )

    def __init__(self) -> None:
        """Start with an empty book."""
        self._bids: Final = Levels(1)
        self._asks: Final = Levels(-1)
        self._bid = self._bid_qty = self._ask = self._ask_qty = 0
        """The true touch."""
        self._burst_ts: Nanos = -1
        self._burst_side = 0
        self._changed: list[int] = []
        self._sizes: list[Qty] = []
        """Of the course that is being played, the levels that have changed, and their sizes."""
        self._before: list[Qty] = []
        """Their sizes before each change."""

    def play(self, columns: Columns) -> Course:
        """Play the next packets."""
        course = Course(columns)
        kinds, prices, qtys, ends = columns.kinds, columns.prices, columns.qtys, columns.ends
        thirds, fourths, times = columns.thirds, columns.fourths, columns.times
        changed = self._changed = course.changed
        self._sizes, self._before = course.sizes, []
        begin = count = 0
        for packet in range(len(ends)):
            end = ends[packet]
            bbo = -1
            low, high = FAR, 0
            for row in range(begin, end):
                kind = kinds[row]
                if kind == DEPTH:
                    self._depth(times[packet], thirds[row], prices[row], qtys[row], fourths[row])
                elif kind == BBO:
                    bbo = row
                else:
                    price = prices[row]
                    # The side that was hit is opposite to the aggressor's.
                    hit = -thirds[row] or hit_side(self._bid, self._ask, price)
                    self._trade(hit, price, qtys[row])
                    if hit > 0:
                        low = min(low, price)
                    else:
                        high = max(high, price)
            begin = end
            if bbo >= 0:
                self._show(self._bids, prices[bbo], qtys[bbo])
                self._show(self._asks, thirds[bbo], fourths[bbo])
            first, count = count, len(changed)
            if count - first > 1 and len(set(changed[first:])) < count - first:
                self._merge(first)
                count = len(changed)
            course.changes.append(count)
            self._close(course, low, high)
        return course

    def _trade(self, hit: int, price: Price, qty: Qty) -> None:
        """Deduct a trade from the level that it hit."""
        levels = self._bids if hit > 0 else self._asks
        size = levels.take(price, qty)
        self._note(levels, price, size, max(0, size - qty))

    def _depth(self, ts: Nanos, side: int, price: Price, qty: Qty, act: int) -> None:
        """Apply a depth row; the first of a burst of snapshot rows clears its side."""
        levels = self._bids if side > 0 else self._asks
        if act == SNAPSHOT and (self._burst_ts != ts or self._burst_side != side):
            self._burst_ts, self._burst_side = ts, side
            self._show(levels, 0, 0)
        self._note(levels, price, levels.put(price, qty), max(0, qty))

    def _show(self, levels: Levels, price: Price, qty: Qty) -> None:
        """Set the best level; price 0 empties the side."""
        size = levels.sizes.get(price, 0)
        if price and size == qty and price == levels.best:
            return
        for better, gone in levels.show(price, qty).items():
            self._note(levels, better, gone, 0)
        if price:
            self._note(levels, price, size, max(0, qty))

    def _note(self, levels: Levels, price: Price, before: Qty, after: Qty) -> None:
        """Note that a level has another size now."""
        if before != after:
            self._changed.append(price if levels.sign > 0 else -price)
            self._sizes.append(after)
            self._before.append(before)

    def _merge(self, first: int) -> None:
        """Make one change of those of a level within a packet, whose changes begin at `first`."""
        before: dict[int, Qty] = {}
        after: dict[int, Qty] = {}
        for place in range(first, len(self._changed)):
            key = self._changed[place]
            before.setdefault(key, self._before[place])
            after[key] = self._sizes[place]
        del self._changed[first:], self._sizes[first:], self._before[first:]
        for key, size in after.items():
            if size != before[key]:
                self._changed.append(key)
                self._sizes.append(size)
                self._before.append(before[key])

    def _close(self, course: Course, low: Price, high: Price) -> None:
        """Take down how things are after a packet that reached so far into each side."""
        bids, asks = self._bids, self._asks
        bid, ask = bids.best, asks.best
        # A book may cross while one side lags; the last one that did not is nearer the truth.
        if not (bid and ask and bid >= ask):
            self._bid, self._bid_qty = bid, bids.sizes.get(bid, 0)
            self._ask, self._ask_qty = ask, asks.sizes.get(ask, 0)
        course.bids.append(self._bid)
        course.bid_qtys.append(self._bid_qty)
        course.asks.append(self._ask)
        course.ask_qtys.append(self._ask_qty)
        course.lows.append(min(low, self._ask or FAR))
        course.highs.append(max(high, self._bid))
        course.worst_bids.append(bids.worst or FAR)
        course.worst_asks.append(asks.worst)
