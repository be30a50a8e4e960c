"""The course of the market: what becomes of the displayed book, whoever trades in it.

Our orders are never in the displayed book, so what happens to it does not depend on them. It is
played once, packet by packet by the rules of `exchange.paper.matching`, and taken down: the touch
and the worst visible prices after each packet, how far it has reached into each side, and of every
level when it has changed. Whoever has orders in the market then looks up what concerns them
(`exchange.paper.replay`).
"""

from bisect import bisect_left
from typing import Final

from exchange.columns import BBO, DEPTH, SNAPSHOT, Columns
from exchange.paper.book import Touch, hit_side
from exchange.units import Nanos, Price, Qty

FAR: Final = (1 << 62) - 1
"""Beyond every price; as far as an integer goes that is quick when it is compiled."""
_NEVER: Final = -1


class Trail:
    """What a course has made of one level."""

    __slots__ = ("_before", "_packet", "packets", "size_before", "sizes")

    def __init__(self, size: Qty) -> None:
        """Start with what is displayed before the course, 0 for nothing."""
        self.size_before: Final = size
        self.packets: Final[list[int]] = []
        """The packets that have changed it."""
        self.sizes: Final[list[Qty]] = []
        """What is displayed from each of them on, 0 for nothing."""
        self._packet = _NEVER
        """The last one of these packets, unless it has changed nothing after all."""
        self._before: Qty = size
        """What was displayed before it."""

    def change(self, packet: int, before: Qty, size: Qty) -> None:
        """Note another size; what a packet does to it is one change, or none if it is undone."""
        if packet != self._packet:
            self._packet, self._before = packet, before
            self.packets.append(packet)
            self.sizes.append(size)
        elif size != self._before:
            self.sizes[-1] = size
        else:
            self._packet = _NEVER
            self.packets.pop()
            self.sizes.pop()

    def size(self, packets: int) -> Qty:
        """Return what is displayed after so many packets of the course."""
        place = bisect_left(self.packets, packets)
        return self.sizes[place - 1] if place else self.size_before


class Course:
    """What some packets have made of the book."""

    __slots__ = (
        "ask_qtys",
        "asks",
        "bid_qtys",
        "bids",
        "columns",
        "highs",
        "lows",
        "trails",
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
        self.trails: Final[dict[int, Trail]] = {}
        """The levels that packets have changed, by side × price."""

    def touch(self, packet: int) -> Touch:
        """Return the touch after a packet."""
        return Touch(
            self.bids[packet], self.bid_qtys[packet], self.asks[packet], self.ask_qtys[packet]
        )


class _Level:
    """A level that is displayed."""

    __slots__ = ("key", "size", "trail")

    def __init__(self, key: int, trail: Trail) -> None:
        self.key: Final = key
        """Side × price: the better of two levels of a side has the greater one."""
        self.size: Qty = 0
        self.trail: Trail | None = trail
        """None where the course that is being played has not changed it so far."""


class Player:
    """Plays the market from its beginning, some packets at a time."""

    __slots__ = (
        "_ask",
        "_ask_qty",
        "_asks",
        "_bid",
        "_bid_qty",
        "_bids",
        "_burst_side",
        "_burst_ts",
        "_levels",
        "_packet",
        "_trails",
    )

    def __init__(self) -> None:
        """Start with an empty book."""
        self._bids: Final[list[_Level]] = []
        self._asks: Final[list[_Level]] = []
        """What is displayed, the worst level first, the best one last."""
        self._levels: Final[dict[int, _Level]] = {}
        """The same by side × price."""
        self._bid = self._bid_qty = self._ask = self._ask_qty = 0
        """The true touch."""
        self._burst_ts: Nanos = -1
        self._burst_side = 0
        self._trails: dict[int, Trail] = {}
        """Those of the course that is being played."""
        self._packet = 0
        """The packet of it that is being played."""

    def play(self, columns: Columns) -> Course:
        """Play the next packets."""
        course = Course(columns)
        self._trails = course.trails
        for level in self._levels.values():
            level.trail = None
        kinds, prices, qtys, ends = columns.kinds, columns.prices, columns.qtys, columns.ends
        thirds, fourths, times = columns.thirds, columns.fourths, columns.times
        begin = 0
        for packet in range(len(ends)):
            self._packet = packet
            end = ends[packet]
            bbo = -1
            low, high = FAR, 0
            for row in range(begin, end):
                kind = kinds[row]
                if kind == DEPTH:
                    if fourths[row] == SNAPSHOT:
                        self._snapshot(times[packet], thirds[row])
                    self._put(thirds[row], prices[row], qtys[row])
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
                self._show(1, prices[bbo], qtys[bbo])
                self._show(-1, thirds[bbo], fourths[bbo])
            self._close(course, low, high)
        return course

    def _trade(self, hit: int, price: Price, qty: Qty) -> None:
        """Deduct a trade from the level that it hit."""
        level = self._levels.get(price if hit > 0 else -price)
        if level is not None:
            self._put(hit, price, max(0, level.size - qty))

    def _snapshot(self, ts: Nanos, side: int) -> None:
        """Begin a burst of snapshot rows, which clears its side, or go on with it."""
        if self._burst_ts != ts or self._burst_side != side:
            self._burst_ts, self._burst_side = ts, side
            self._show(side, 0, 0)

    def _put(self, side: int, price: Price, qty: Qty) -> None:
        """Set a level's size; 0 means gone, -1 that it left the visible window."""
        key = price if side > 0 else -price
        level = self._levels.get(key)
        if level is not None:
            self._note(level, max(0, qty))
            if qty <= 0:
                ladder = self._bids if side > 0 else self._asks
                ladder.pop(_place(ladder, key))
                del self._levels[key]
        elif qty > 0:
            ladder = self._bids if side > 0 else self._asks
            level = self._levels[key] = _Level(key, self._trail(key, 0))
            ladder.insert(_place(ladder, key), level)
            self._note(level, qty)

    def _show(self, side: int, price: Price, qty: Qty) -> None:
        """Set the best level: whatever stood before it is gone. Price 0 empties the side."""
        ladder = self._bids if side > 0 else self._asks
        key = -FAR if not price else price if side > 0 else -price
        while ladder and ladder[-1].key > key:
            level = ladder.pop()
            del self._levels[level.key]
            self._note(level, 0)
        if qty > 0 and ladder and ladder[-1].key == key:
            self._note(ladder[-1], qty)
        elif price:
            self._put(side, price, qty)

    def _note(self, level: _Level, size: Qty) -> None:
        """Note that a level may have another size now."""
        before = level.size
        if before == size:
            return
        trail = level.trail
        if trail is None:
            trail = level.trail = self._trail(level.key, before)
        trail.change(self._packet, before, size)
        level.size = size

    def _trail(self, key: int, size: Qty) -> Trail:
        """Return the trail of a level, of which so much is displayed if it has none."""
        trail = self._trails.get(key)
        if trail is None:
            trail = self._trails[key] = Trail(size)
        return trail

    def _close(self, course: Course, low: Price, high: Price) -> None:
        """Take down how things are after a packet that reached so far into each side."""
        bids, asks = self._bids, self._asks
        # A book may cross while one side lags; the last one that did not is nearer the truth.
        if not (bids and asks and bids[-1].key >= -asks[-1].key):
            self._bid, self._bid_qty = (bids[-1].key, bids[-1].size) if bids else (0, 0)
            self._ask, self._ask_qty = (-asks[-1].key, asks[-1].size) if asks else (0, 0)
        course.bids.append(self._bid)
        course.bid_qtys.append(self._bid_qty)
        course.asks.append(self._ask)
        course.ask_qtys.append(self._ask_qty)
        course.lows.append(min(low, self._ask or FAR))
        course.highs.append(max(high, self._bid))
        course.worst_bids.append(bids[0].key if bids else FAR)
        course.worst_asks.append(-asks[0].key if asks else 0)


def _place(ladder: list[_Level], key: int) -> int:
    """Return where a level is, or belongs, among those of its side."""
    first, last = 0, len(ladder)
    while first < last:
        middle = (first + last) >> 1
        if ladder[middle].key < key:
            first = middle + 1
        else:
            last = middle
    return first
