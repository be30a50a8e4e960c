"""The market as the stream shows it, our own orders taken out of it.

The venue shows the touch whenever it changes, levels of the book now and then, and every trade;
our orders are in all of them. What we know of our orders comes from what the venue says of them,
on the same stream: between the two a touch may show an order of ours that we do not know of yet.

The touch without ours is the touch less what is ours there; where nothing is left, it is the next
level that others have, by the last book shown. Where no book shows one, that side is empty: a bot
that is shown its own quote as the market follows itself.

Where we stand in our queues is estimated (`exchange.queue_estimate`): the venue does not say it.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from exchange.hyperliquid.clock import Offset
from exchange.hyperliquid.codec_cloids import from_wire
from exchange.hyperliquid.wire_info import BasicOrder, BookLevel, L2Book
from exchange.hyperliquid.wire_socket import OrderUpdate, Touch, WireTrade
from exchange.instrument import Instrument
from exchange.market import Market, Queue, Row, RowKind
from exchange.queue_estimate import QueueEstimator
from exchange.reports import Fill, OpenOrder
from exchange.units import MILLISECOND, Nanos, Price, Qty
from exchange.words import Cloid, Oid, Side

ROWS_MAX: Final = 100_000
"""Rows kept for whoever looks; the oldest go first where nobody does."""
GONE_MAX: Final = 1000
TEXTS_MAX: Final = 10_000
"""Prices and sizes whose text is remembered."""

Level = tuple[Price, Qty]


class _Scale(dict[str, int]):
    """Text to whole units; each distinct text is converted once."""

    def __init__(self, unit: Decimal) -> None:
        super().__init__()
        self._unit: Final = unit

    def __missing__(self, text: str) -> int:
        if len(self) >= TEXTS_MAX:
            self.clear()
        value = int((Decimal(text) / self._unit).to_integral_value())
        self[text] = value
        return value


@dataclass(slots=True)
class _Own:
    """An order of the account that rests."""

    cloid: Cloid
    side: Side
    price: Price
    qty: Qty
    born: int = 0
    """The number of the change by which we learnt of it."""
    told: Qty = 0
    """Filled, as the venue's word on the order has it."""
    heard: Qty = 0
    """Filled, as the fills heard of have it."""

    @property
    def leaves(self) -> Qty:
        return self.qty - max(self.told, self.heard)


class Sight:
    """What is seen of one market."""

    def __init__(
        self,
        coin: str,
        instrument: Instrument,
        offset: Offset,
        *,
        tap: Callable[[Row], None] | None = None,
    ) -> None:
        """See nothing yet; `tap` takes each row as it comes, its `ts` the venue's own time."""
        self._coin: Final = coin
        self._offset: Final = offset
        self._tap: Final = tap
        self._prices: Final = _Scale(instrument.price_unit)
        self._sizes: Final = _Scale(instrument.lot)
        self._touch: dict[int, Level] = {1: (0, 0), -1: (0, 0)}
        self._levels: dict[int, dict[Price, Qty]] = {1: {}, -1: {}}
        self._has_book = False
        self._at: Nanos = 0
        self._touch_ms = 0
        self._own: Final[dict[Oid, _Own]] = {}
        self._gone: Final[dict[Oid, int]] = {}
        self.changes = 0
        """How often an order of ours came or went; says when a list of them was asked for."""
        self._queues: Final = QueueEstimator(shows_ours=True)
        self._rows: Final[deque[Row]] = deque(maxlen=ROWS_MAX)
        self._trades: Final[deque[tuple[int, int]]] = deque(maxlen=1000)
        self._traded: Final[set[tuple[int, int]]] = set()

    # What is shown.

    @property
    def has_touch(self) -> bool:
        """Whether a touch was ever shown."""
        return self._at > 0

    def market(self) -> Market:
        """Return the book of others as it was last shown."""
        bid, bid_qty = self._others(Side.BUY)
        ask, ask_qty = self._others(Side.SELL)
        queues: Mapping[Cloid, Queue] = self._queues.queues() if self._own else {}
        return Market(self._at, bid or None, ask or None, bid_qty, ask_qty, queues)

    def seen(self) -> list[Row]:
        """Return the rows that came since the last call, in order."""
        rows = list(self._rows)
        self._rows.clear()
        return rows

    def _others(self, side: Side) -> Level:
        price, qty = self._touch[side]
        if not price:
            return 0, 0
        left = qty - self._ours(side, price)
        if left > 0:
            return price, left
        # We are alone there: the next level is the market's.
        behind = [
            (level, size - self._ours(side, level))
            for level, size in self._levels[side].items()
            if (price - level) * side > 0
        ]
        others = [(level, size) for level, size in behind if size > 0]
        if not others:
            return 0, 0
        return max(others, key=lambda level: level[0] * side)

    def _ours(self, side: Side, price: Price) -> Qty:
        own = self._own
        if not own:
            return 0
        return sum(o.leaves for o in own.values() if o.side is side and o.price == price)

    # The market.

    def on_touch(self, touch: Touch, heard: Nanos) -> None:
        """Take a touch, if it is not older than the last."""
        if touch.coin != self._coin or touch.time < self._touch_ms:
            return
        self._touch_ms = touch.time
        bid, ask = (self._level(level) for level in touch.bbo)
        self._touch = {1: bid, -1: ask}
        at = self._offset.ours(touch.time * MILLISECOND, heard)
        self._at = max(self._at, at)
        queues = self._queues
        queues.on_touch(Side.BUY, *bid)
        queues.on_touch(Side.SELL, *ask)
        self._note(Row(at, heard, RowKind.BBO, *bid, *ask), touch.time)

    def on_book(self, book: L2Book, heard: Nanos) -> None:
        """Take a book: rows of what has changed, and where the touch is if that is newer."""
        if book.coin != self._coin:
            return
        at = self._offset.ours(book.time * MILLISECOND, heard)
        for side, shown in zip((Side.BUY, Side.SELL), book.levels, strict=True):
            levels = dict(map(self._level, shown))
            for price, qty in self._changes(side, levels):
                act = "U" if self._has_book else "S"
                row = Row(at, heard, RowKind.DEPTH, price=price, qty=qty, side=side, act=act)
                self._note(row, book.time)
            self._levels[side] = levels
            self._queues.on_snapshot(side, levels)
            if book.time > self._touch_ms:
                best = (max if side > 0 else min)(levels, default=0)
                self._touch[side] = best, levels.get(best, 0)
        self._has_book = True
        if book.time > self._touch_ms:
            self._touch_ms = book.time
        self._at = max(self._at, at)

    def _changes(self, side: Side, levels: dict[Price, Qty]) -> Iterable[Level]:
        """Yield how the levels shown differ from those before: -1 is out of sight, 0 is gone."""
        before = self._levels[side] if self._has_book else {}
        worst = (min if side > 0 else max)(levels, default=0)
        for price in before:
            if price not in levels:
                yield price, -1 if worst and (worst - price) * side > 0 else 0
        for price, qty in levels.items():
            if before.get(price) != qty:
                yield price, qty

    def on_trades(self, trades: Iterable[WireTrade], heard: Nanos) -> None:
        """Take trades, each once: a connection that is made anew begins with some of before."""
        for trade in trades:
            key = (trade.time, trade.tid)
            if trade.coin != self._coin or key in self._traded:
                continue
            if len(self._trades) == self._trades.maxlen:
                self._traded.discard(self._trades[0])
            self._trades.append(key)
            self._traded.add(key)
            aggressor = Side.BUY if trade.side == "B" else Side.SELL
            price, qty = self._prices[trade.px], self._sizes[trade.sz]
            self._queues.on_trade(aggressor.opposite, price, qty)
            at = self._offset.ours(trade.time * MILLISECOND, heard)
            row = Row(at, heard, RowKind.TRADE, price=price, qty=qty, side=aggressor)
            self._note(row, trade.time)

    def lost(self) -> None:
        """Learn that the stream broke: the next book is compared with none before it."""
        self._has_book = False

    def _level(self, level: BookLevel | None) -> Level:
        return (0, 0) if level is None else (self._prices[level.px], self._sizes[level.sz])

    def _note(self, row: Row, stamp_ms: int) -> None:
        self._rows.append(row)
        if self._tap is not None:
            self._tap(row._replace(ts=stamp_ms * MILLISECOND))

    # Our orders.

    def on_update(self, update: OrderUpdate) -> None:
        """Take the venue's word on an order of the account, be it ours or another's."""
        order = update.order
        if order.coin == self._coin:
            if update.status == "open":
                self._rest(order)
            else:
                self.gone(str(order.oid))

    def _rest(self, order: BasicOrder) -> None:
        leaves = self._sizes[order.sz]
        qty = leaves if order.orig_sz is None else self._sizes[order.orig_sz]
        oid = str(order.oid)
        known = self._own.get(oid)
        if known is not None:
            known.told = max(known.told, qty - leaves)
            self._queues.shrunk(known.cloid, known.leaves)
            return
        if oid in self._gone:
            # Its end overtook it.
            return
        cloid = f"oid:{oid}" if order.cloid is None else from_wire(order.cloid)
        side = Side.BUY if order.side == "B" else Side.SELL
        self.rest(oid, cloid, side, self._prices[order.limit_px], leaves)

    def rest(self, oid: Oid, cloid: Cloid, side: Side, price: Price, leaves: Qty) -> None:
        """Learn that an order rests; one that is known already stays as it is."""
        if oid in self._own or leaves <= 0:
            return
        self.changes += 1
        self._own[oid] = _Own(cloid, side, price, leaves, self.changes)
        arrivals = self._queues.arrivals(side, price)
        # The book may have shown it before we were told: then it came last, and is no other's.
        others = arrivals[:-1] if arrivals and arrivals[-1] == leaves else arrivals
        self._queues.rest(cloid, side, price, leaves, sum(others))

    def on_fill(self, fill: Fill) -> None:
        """Learn of a fill that was not told before."""
        own = self._own.get(fill.oid)
        if own is None:
            return
        own.heard += fill.qty
        if own.leaves <= 0:
            self.gone(fill.oid)
        else:
            self._queues.filled(own.cloid, own.leaves)

    def gone(self, oid: Oid) -> None:
        """Learn that an order rests no longer."""
        self.changes += 1
        self._gone[oid] = self.changes
        if len(self._gone) > GONE_MAX:
            del self._gone[next(iter(self._gone))]
        own = self._own.pop(oid, None)
        if own is not None and all(other.cloid != own.cloid for other in self._own.values()):
            self._queues.gone(own.cloid)

    def on_open(self, orders: Iterable[OpenOrder], asked: int) -> None:
        """Take a list of all that rests, asked for when `changes` was `asked`.

        What has come or gone since is not touched by it.
        """
        listed = {order.oid: order for order in orders}
        for oid, own in tuple(self._own.items()):
            if oid not in listed and own.born <= asked:
                self.gone(oid)
        for oid, order in listed.items():
            if self._gone.get(oid, 0) <= asked:
                self.rest(oid, order.cloid or f"oid:{oid}", order.side, order.price, order.qty)
