"""Replays a market around our resting orders, and says what of them is filled.

Rows are taken in packets of one exchange time. Trades come first and are matched one by one; the
displayed book is compared with our queues when the packet is complete, so that a book in the
middle of its update is never acted on. Of one packet's touch and depth rows the touch is right.

An order of ours is filled
* by a trade at its price, when what stood ahead has been eaten;
* whole, by a trade at a price that is worse for the taker: we would have been hit before. Takers
  sweep several levels within a block, and the print beyond us does not say how much more would
  have been there for us; whole is the answer that does not flatter the maker's mark-outs;
* whole, when the displayed touch of the other side reaches its price.

Where orders are recorded one by one, the fills of single orders take the place of the trades: one
behind ours at our price, or at a worse price, would have been ours. What rested since before the
recording began is not known: it is not counted ahead of us, and its fills at our price are not
ours.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Final, NamedTuple

from exchange.market import Queue, Row, RowKind
from exchange.paper.book import Book, SingleOrders, Touch, hit_side
from exchange.paper.feed import Feed
from exchange.paper.order import PaperOrder
from exchange.units import Nanos, Price, Qty
from exchange.words import Cloid, Side, Status

BBO: Final = RowKind.BBO.value
TRADE: Final = RowKind.TRADE.value
DEPTH: Final = RowKind.DEPTH.value
_FOREVER: Final[Nanos] = 1 << 62


class Execution(NamedTuple):
    """One of our orders was hit."""

    at: Nanos
    order: PaperOrder
    qty: Qty
    price: Price


class Matching(ABC):
    """Our resting orders, and the rules by which a market fills them; how it is played is open."""

    def __init__(self, share_ahead: int) -> None:
        self._share_ahead: Final = share_ahead
        self._orders: Final[dict[int, list[PaperOrder]]] = {1: [], -1: []}
        self.touch = Touch()
        """The true touch, never crossed."""
        self.executions: list[Execution] = []
        """What was filled and not collected yet, in order of time."""

    @property
    @abstractmethod
    def next_row_time(self) -> Nanos | None:
        """Return the exchange time of the next row, None where there is none."""

    @property
    @abstractmethod
    def rows_played(self) -> int:
        """Return how many rows have been played."""

    @abstractmethod
    def advance(self, until: Nanos) -> None:
        """Play the market up to and including exchange time `until`."""

    @abstractmethod
    def add(self, order: PaperOrder) -> None:
        """Let an order join the queue at its price."""

    @abstractmethod
    def queue(self, order: PaperOrder) -> Queue | None:
        """Return where an order stands, None where that is not known."""

    @abstractmethod
    def offered(self, side: Side, limit: Price) -> list[tuple[Price, Qty]]:
        """Return what a taker on `side` finds up to `limit`, best first."""

    def queues(self) -> dict[Cloid, Queue]:
        """Return where all orders stand of which that is known."""
        found = ((order.cloid, self.queue(order)) for order in self.resting())
        return {cloid: queue for cloid, queue in found if queue is not None}

    def remove(self, order: PaperOrder) -> None:
        """Take an order off the book."""
        self._orders[order.side].remove(order)

    def resting(self) -> list[PaperOrder]:
        """Return our orders, bids first, in order of arrival."""
        return [*self._orders[1], *self._orders[-1]]

    def own_best(self, side: Side) -> Price | None:
        """Return the best price of our orders on a side."""
        prices = [order.price for order in self._orders[side]]
        if not prices:
            return None
        return max(prices) if side is Side.BUY else min(prices)

    def _traded(self, ts: Nanos, price: Price, qty: Qty, hit: int) -> None:
        """Match a trade that hit a side with our orders there."""
        orders = self._orders[hit]
        taken = 0
        for order in tuple(orders) if orders else ():
            beyond = (order.price - price) * hit
            if beyond > 0:
                self._fill(ts, order, order.leaves)
            elif beyond == 0:
                ours = order.hit(qty, taken)
                taken += ours
                if ours:
                    self._fill(ts, order, ours)

    def _is_reached(self, order: PaperOrder) -> bool:
        """Say whether the touch of the other side is at the price of an order."""
        touch = self.touch
        if order.side > 0:
            return 0 < touch.ask <= order.price
        return touch.bid >= order.price

    def _fill(self, ts: Nanos, order: PaperOrder, qty: Qty) -> None:
        order.filled += qty
        self.executions.append(Execution(ts, order, qty, order.price))
        if order.filled == order.qty:
            order.status = Status.FILLED
            self.remove(order)


class Matcher(Matching):
    """Plays a market row by row."""

    def __init__(self, rows: Iterable[Row], feed: Feed, share_ahead: int) -> None:
        super().__init__(share_ahead)
        self._rows = iter(rows)
        self._row = next(self._rows, None)
        self._feed: Final = feed
        self._book: Final = Book()
        self._singles: Final = SingleOrders()
        self._has_singles = False
        self._has_levels = False
        self._played = 0

    @property
    def next_row_time(self) -> Nanos | None:
        """Return the exchange time of the next row, None where there is none."""
        return None if self._row is None else self._row[0]

    @property
    def rows_played(self) -> int:
        """Return how many rows have been played."""
        return self._played

    def add(self, order: PaperOrder) -> None:
        """Let an order join the queue at its price."""
        singles = self._singles.level(order.side, order.price) if self._has_singles else None
        order.join(self._book.sides[order.side].displayed(order.price), singles)
        self._orders[order.side].append(order)

    def offered(self, side: Side, limit: Price) -> list[tuple[Price, Qty]]:
        """Return what a taker on `side` finds up to `limit`, best first."""
        levels = self._book.sides[side.opposite]
        found = [(p, q) for p, q in levels.sizes.items() if (limit - p) * side >= 0]
        return sorted(found, reverse=side is Side.SELL)

    def queue(self, order: PaperOrder) -> Queue | None:
        """Return where an order stands, None where that is not known."""
        if order.is_blind:
            return None
        if order.singles is None:
            return Queue(order.ahead, order.behind)
        level = self._singles.level(order.side, order.price)
        return Queue(order.ahead, sum(level.values()) - order.ahead)

    def advance(self, until: Nanos) -> None:
        """Play the market up to and including exchange time `until`."""
        row, rows, book = self._row, self._rows, self._book
        while row is not None and row[0] <= until:
            ts = row[0]
            packet: list[Row] = []
            bbo: Row | None = None
            while row is not None and row[0] <= ts:
                kind = row[2]
                if kind == DEPTH:
                    if not self._has_levels:
                        self._show_levels()
                    book.depth(row)
                elif kind == BBO:
                    bbo = row
                elif kind == TRADE:
                    self._trade(row)
                else:
                    self._single(row)
                packet.append(row)
                row = next(rows, None)
            self._row = row
            self._played += len(packet)
            self._settle(packet, bbo)

    def push(self, rows: Iterable[Row]) -> None:
        """Play rows that have only now become known, all of them."""
        self._rows = iter(rows)
        self._row = next(self._rows, None)
        if self._row is not None:
            self.advance(_FOREVER)

    def _show_levels(self) -> None:
        """Stop making levels of single orders: the market displays its own."""
        self._has_levels = True
        self._book.bids.clear()
        self._book.asks.clear()

    def _settle(self, packet: list[Row], bbo: Row | None) -> None:
        """Compare the complete book with our queues, and pass the packet on."""
        book = self._book
        if bbo is not None:
            if not self._has_levels:
                self._show_levels()
            book.bids.show(bbo.bid, bbo.bid_qty)
            book.asks.show(bbo.ask, bbo.ask_qty)
        touch = book.touch()
        # A book may cross while one side lags; the last one that did not is nearer the truth.
        if not (touch.bid and touch.ask and touch.bid >= touch.ask):
            self.touch = touch
        for orders in self._orders.values():
            for order in tuple(orders) if orders else ():
                self._compare(packet[-1][0], order)
        self._feed.packet(packet, self.touch)

    def _compare(self, ts: Nanos, order: PaperOrder) -> None:
        """Bring one queue up to the displayed book."""
        if self._has_levels and self._is_reached(order):
            self._fill(ts, order, order.leaves)
            return
        if order.singles is None:
            displayed = self._book.sides[order.side].displayed(order.price)
            if displayed is not None:
                order.show(displayed, self._share_ahead)

    def _trade(self, row: Row) -> None:
        """Match a trade with our orders."""
        if self._has_singles:
            return
        ts, price, qty = row[0], row[7], row[8]
        # The side that was hit is opposite to the aggressor's.
        hit = -row[9] or hit_side(self.touch.bid, self.touch.ask, price)
        self._book.sides[hit].take(price, qty)
        self._traded(ts, price, qty, hit)

    def _single(self, row: Row) -> None:
        """Apply what happened to a single order."""
        ts, _, _, _, _, _, _, price, qty, side, oid, act = row
        self._has_singles = True
        singles = self._singles
        if act == "X":
            singles.clear()
            for orders in self._orders.values():
                for order in orders:
                    order.join(None, {})
            return
        old = singles.where(oid)
        if act in {"C", "P"}:
            qty = 0
        if act == "F" and old is not None:
            side, price = old
        before = singles.put(oid, side, price, qty)
        if act == "F":
            self._single_filled(ts, oid, side, price, before - qty if old is not None else 0)
        moved = old is not None and old != (side, price)
        if old is not None:
            for order in self._orders[old[0]]:
                order.single(oid, 0 if moved else qty)
        if not self._has_levels:
            for key in {(side, price), old or (side, price)}:
                total = sum(singles.level(*key).values())
                self._book.sides[key[0]].put(key[1], total)

    def _single_filled(self, ts: Nanos, oid: str, side: int, price: Price, traded: Qty) -> None:
        """Give our orders what would have been theirs of the fill of a single order."""
        for order in tuple(self._orders[side]):
            beyond = (order.price - price) * side
            if beyond > 0:
                self._fill(ts, order, order.leaves)
            elif beyond == 0 and traded > 0 and oid not in (order.singles or {}):
                ours = min(order.leaves, traded)
                traded -= ours
                self._fill(ts, order, ours)
