"""Replays a market in bulk around our resting orders: what `exchange.paper.matching` does, sooner.

The market's course is known before it is played (`exchange.paper.course`), and most of it does not
concern us. What does is looked up:

* the next packet that reaches one of our orders, by a trade or by the touch, is the first whose
  reach into the book is as far as our best price; it is played as `Matcher` plays it;
* a queue changes with what is displayed at its price. That is caught up with when somebody asks:
  from the changes that were taken down, and from the worst visible price while nothing is
  displayed there.

All else is skipped. What comes of it is the same to the last digit.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Final

from exchange.columns import TRADE
from exchange.market import Queue
from exchange.paper.book import Touch, hit_side
from exchange.paper.column_feed import ColumnFeed
from exchange.paper.course import FAR, Course
from exchange.paper.matching import Matching
from exchange.paper.order import PaperOrder
from exchange.paper.tape import Tape
from exchange.units import Nanos, Price, Qty
from exchange.words import Cloid, Side

_new: Final = tuple.__new__

SEARCHED: Final = 256
"""Packets among which the next one that reaches us is sought at once."""


class Replay(Matching):
    """Plays a tape."""

    def __init__(self, tape: Tape, feed: ColumnFeed, share_ahead: int) -> None:
        super().__init__(share_ahead)
        self._feed: Final = feed
        self._end: Final = tape.end
        self._courses: Final[Iterator[Course]] = tape.courses()
        self._course: Course | None = None
        self._count = 0
        """Packets of the course that happen."""
        self._next = 0
        """The packet that is next."""
        self._caught_up = 0
        """Up to which packet our queues are known."""
        self._before = Touch()
        """The touch before the course."""
        self._worst_before: dict[int, Price] = {1: FAR, -1: 0}
        """The worst visible prices before the course, by side."""
        self._rows_before = 0
        self._displayed: Final[dict[int, Qty]] = {}
        """What was displayed before the course, by side × price."""
        self._best_bid: Price = 0
        self._best_ask: Price = FAR
        """The best prices of our orders; beyond all where there are none."""
        self._turn()

    @property
    def next_row_time(self) -> Nanos | None:
        """Return the exchange time of the next row, None where there is none."""
        course = self._course
        return None if course is None else course.columns.times[self._next]

    @property
    def rows_played(self) -> int:
        """Return how many rows have been played."""
        course = self._course
        return self._rows_before + (0 if course is None else course.columns.begin(self._next))

    def add(self, order: PaperOrder) -> None:
        """Let an order join the queue at its price."""
        self._catch_up()
        order.join(self._shown(order.side, order.price), None)
        self._orders[order.side].append(order)
        self._reach()

    def remove(self, order: PaperOrder) -> None:
        """Take an order off the book."""
        super().remove(order)
        self._reach()

    def queue(self, order: PaperOrder) -> Queue | None:
        """Return where an order stands, None where that is not known."""
        self._catch_up()
        return None if order.is_blind else Queue(order.ahead, order.behind)

    def queues(self) -> dict[Cloid, Queue]:
        """Return where all orders stand of which that is known."""
        self._catch_up()
        return {
            order.cloid: _new(Queue, (order.ahead, order.behind))
            for orders in self._orders.values()
            for order in orders
            if not order.is_blind
        }

    def offered(self, side: Side, limit: Price) -> list[tuple[Price, Qty]]:
        """Return what a taker on `side` finds up to `limit`, best first."""
        hit = side.opposite
        keys = set(self._displayed)
        if self._course is not None:
            keys.update(self._course.trails)
        found = []
        for key in keys:
            price = key * hit
            qty = self._size(key) if price > 0 and (limit - price) * side >= 0 else 0
            if qty:
                found.append((price, qty))
        return sorted(found, reverse=side is Side.SELL)

    def advance(self, until: Nanos) -> None:
        """Play the market up to and including exchange time `until`."""
        while self._advance(until):
            pass

    def advance_to_fill(self, until: Nanos) -> bool:
        """Play the market up to `until`, or to the first packet that fills something of ours.

        Returns whether one has.
        """
        while not self.executions and self._advance(until):
            pass
        return bool(self.executions)

    # Inside.

    def _advance(self, until: Nanos) -> bool:
        """Play on, but not beyond a packet that reaches us; says whether there may be more."""
        course = self._course
        if course is None:
            return False
        first = self._next
        last = bisect_right(course.columns.times, until, first, self._count)
        if first == last:
            return False
        end = min(last, first + SEARCHED)
        reached = self._reached(course, first, end)
        self._next = reached
        if reached < end:
            self._play(course, reached)
        if self._next:
            self.touch = course.touch(self._next - 1)
        self._feed.played(self._next)
        if self._next == self._count:
            self._turn()
            return True
        return self._next < last

    def _turn(self) -> None:
        """Go on to the next course."""
        course = self._course
        if course is not None:
            self._catch_up()
            self._before = self.touch
            last = self._count - 1
            self._worst_before = {1: course.worst_bids[last], -1: course.worst_asks[last]}
            self._rows_before += course.columns.begin(self._count)
            self._take_over(course)
        course = self._course = next(self._courses, None)
        self._next = self._caught_up = self._count = 0
        if course is not None:
            self._count = bisect_right(course.columns.times, self._end)
            self._feed.open(course, self._count)

    def _reach(self) -> None:
        """Note how far a packet must reach to concern us."""
        bids, asks = self._orders[1], self._orders[-1]
        self._best_bid = max([order.price for order in bids]) if bids else 0
        self._best_ask = min([order.price for order in asks]) if asks else FAR

    def _reached(self, course: Course, first: int, end: int) -> int:
        """Return the first packet that reaches one of our orders, `end` where none does."""
        bid, ask = self._best_bid, self._best_ask
        if bid:
            lows = course.lows[first:end]
            if min(lows) <= bid:
                end = first + next(place for place, low in enumerate(lows) if low <= bid)
        if ask < FAR and end > first:
            highs = course.highs[first:end]
            if max(highs) >= ask:
                end = first + next(place for place, high in enumerate(highs) if high >= ask)
        return end

    def _play(self, course: Course, packet: int) -> None:
        """Play a packet that reaches us: its trades one by one, and then the complete book."""
        self._catch_up()
        columns = course.columns
        ts = columns.times[packet]
        touch = course.touch(packet - 1) if packet else self._before
        for row in range(columns.begin(packet), columns.ends[packet]):
            if columns.kinds[row] == TRADE:
                price = columns.prices[row]
                hit = -columns.thirds[row] or hit_side(touch.bid, touch.ask, price)
                self._traded(ts, price, columns.qtys[row], hit)
        self.touch = course.touch(packet)
        self._next = self._caught_up = packet + 1
        for orders in self._orders.values():
            for order in tuple(orders):
                if self._is_reached(order):
                    self._fill(ts, order, order.leaves)
                    continue
                shown = self._shown(order.side, order.price)
                if shown is not None:
                    order.show(shown, self._share_ahead)

    # The displayed book.

    def _take_over(self, course: Course) -> None:
        """Note what is displayed after a course."""
        displayed = self._displayed
        for key, trail in course.trails.items():
            size = trail.size(self._count)
            if size:
                displayed[key] = size
            else:
                displayed.pop(key, None)

    def _size(self, key: int) -> Qty:
        """Return the size displayed now at a side × price, 0 where nothing is."""
        trail = None if self._course is None else self._course.trails.get(key)
        return self._displayed.get(key, 0) if trail is None else trail.size(self._next)

    def _shown(self, side: int, price: Price) -> Qty | None:
        """Return the size displayed now at a price, None where it lies beyond what is visible."""
        course, last = self._course, self._next - 1
        if course is None or last < 0:
            worst = self._worst_before[side]
        else:
            worst = course.worst_bids[last] if side > 0 else course.worst_asks[last]
        return self._size(side * price) if (price - worst) * side >= 0 else None

    # Our queues.

    def _catch_up(self) -> None:
        """Bring book and queues up to the packets that were played; none of them has reached us."""
        course, first, end = self._course, self._caught_up, self._next
        if course is None or first == end:
            return
        self._caught_up = end
        for key, orders in self._watched(course, first, end).items():
            self._follow(course, key, orders, first, end)

    def _watched(self, course: Course, first: int, end: int) -> dict[int, list[PaperOrder]]:
        """Return our orders by side × price, as far as the visible window ever went.

        What lies beyond stays as it is.
        """
        watched: dict[int, list[PaperOrder]] = {}
        for side, orders in self._orders.items():
            if not orders:
                continue
            worsts = course.worst_bids if side > 0 else course.worst_asks
            worst = min(worsts[first:end]) if side > 0 else max(worsts[first:end])
            for order in orders:
                # Not by multiplying with the side: compiled, that is slow where it is negative.
                if order.price >= worst if side > 0 else order.price <= worst:
                    watched.setdefault(side * order.price, []).append(order)
        return watched

    def _follow(
        self, course: Course, key: int, orders: list[PaperOrder], first: int, end: int
    ) -> None:
        """Bring the queues at one price from one packet up to another, change by change."""
        trail = course.trails.get(key)
        if trail is None:
            if not self._displayed.get(key, 0):
                self._empty(course, orders, first, end)
            return
        packets, sizes = trail.packets, trail.sizes
        place = bisect_left(packets, first)
        until = bisect_left(packets, end, place)
        size = sizes[place - 1] if place else trail.size_before
        empty_since = end if size else first
        while place < until:
            packet, size = packets[place], sizes[place]
            place += 1
            self._empty(course, orders, empty_since, packet)
            empty_since = end if size else packet
            if size:
                for order in orders:
                    order.show(size, self._share_ahead)
        self._empty(course, orders, empty_since, end)

    def _empty(self, course: Course, orders: list[PaperOrder], first: int, end: int) -> None:
        """Show that nothing is displayed at the price of orders, if that is so for a while."""
        if first >= end:
            return
        order = orders[0]
        price, last = order.price, end - 1
        # What is visible in the end says it all, most of the time.
        if order.side > 0:
            worsts = course.worst_bids
            is_visible = price > worsts[last] or price > min(worsts[first:end])
        else:
            worsts = course.worst_asks
            is_visible = price < worsts[last] or price < max(worsts[first:end])
        if is_visible:
            for order in orders:
                order.show(0, self._share_ahead)
