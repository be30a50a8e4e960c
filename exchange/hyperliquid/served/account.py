"""One account: its orders, fills and positions, and what each action makes of them.

Orders trade on paper venues, one for each asset, all of which replay the same market. Here is what
Hyperliquid makes of a request before and after that: the checks and their words, oids, the life of
cloids, immediate-or-cancel, modify as a cancellation and a place that are not one, orders that
give way to an own taker.

Not modelled: trigger orders and slices, funding, liquidation, and other accounts' orders, which
are displayed but do not trade with these. A resting reduce-only order is not shrunk with the
position: it is cancelled when there is none left to reduce.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import ROUND_DOWN, Decimal
from itertools import count, takewhile
from typing import Final, NamedTuple

from exchange.commands import Cancel, Place
from exchange.hyperliquid.served.limits import Ledger
from exchange.hyperliquid.served.orders import (
    CANCELLED,
    FILLED,
    MAKER_RATE,
    TAKER_RATE,
    Holding,
    ServedOrder,
    Wanted,
    money,
    notional,
    px,
    shown,
    sz,
    wire_side,
)
from exchange.hyperliquid.served.tape import Tape
from exchange.hyperliquid.served.universe import PERP_DECIMALS, Asset
from exchange.hyperliquid.wire import Filled, ItemStatus, Resting
from exchange.hyperliquid.wire_info import UserFill
from exchange.hyperliquid.wire_socket import OrderUpdate
from exchange.paper.latency import LATENCIES, NO_DELAY
from exchange.paper.venue import PaperVenue
from exchange.reports import Accepted, Cancelled, Fill, Report
from exchange.units import Nanos
from exchange.venue import NoAnswer
from exchange.words import Cloid, Side

MIN_NOTIONAL: Final = Decimal(10)
KEPT: Final = 2000
"""Orders, and fills, that the venue still shows."""
NO_HASH: Final = "0x" + 64 * "0"
GONE: Final = "Cannot modify canceled or filled order"
INVALID: Final = "Attempted to modify to invalid new order"
NEVER: Final = "Order was never placed, already canceled, or filled."


class Moment(NamedTuple):
    """A time, as the market and as the wall clock has it."""

    at: Nanos
    ms: int


@dataclass(slots=True)
class News:
    """What is to be pushed to an account's subscribers."""

    updates: list[OrderUpdate] = field(default_factory=list)
    fills: list[UserFill] = field(default_factory=list)
    taken: list[UserFill] = field(default_factory=list)
    """Those of the fills in which the account was the taker."""

    def __bool__(self) -> bool:
        return bool(self.updates or self.fills)


@dataclass(slots=True)
class Counters:
    """Numbers that are unique at the venue."""

    oids: Iterator[int] = field(default_factory=lambda: count(77_000_001))
    trades: Iterator[int] = field(default_factory=lambda: count(900_000_000_000_001))


class Account:
    """What one address owns."""

    def __init__(
        self,
        address: str,
        tapes: dict[int, Tape],
        numbers: Counters,
        moment: Callable[[Nanos], int],
        *,
        ledger: Ledger,
        deposit: Decimal,
        seed: int = 0,
    ) -> None:
        """Open an account on markets by asset id; `moment` gives the wall-clock time."""
        self.address: Final = address
        self.ledger: Final = ledger
        self.cash = deposit
        """Deposit, realised profits and fees."""
        self.orders: Final[dict[int, ServedOrder]] = {}
        """Every order that ever had an oid."""
        self.holdings: Final[dict[int, Holding]] = {}
        self.fills: Final[list[UserFill]] = []
        """All there ever were, oldest first."""
        self.repeated = 0
        """Places under the cloid of an order that rests."""
        self.cancel_at_ms: int | None = None
        """When everything is to be cancelled."""
        self._tapes: Final = tapes
        self._numbers: Final = numbers
        self._moment: Final = moment
        self._seed: Final = seed
        self._venues: Final[dict[int, PaperVenue]] = {}
        self._names: Final[dict[Cloid, ServedOrder]] = {}
        self._cloids: Final[dict[str, ServedOrder]] = {}
        self._resting: Final[dict[int, ServedOrder]] = {}
        self._kept: Final[deque[int]] = deque(maxlen=KEPT)
        self._news = News()
        self._request = 0
        self._is_taking = False

    # What there is.

    def open_orders(self, dex: str | None = None) -> list[ServedOrder]:
        """Return what rests, newest first; of one dex, or of all."""
        found = [o for o in self._resting.values() if dex is None or o.wanted.asset.dex == dex]
        return found[::-1]

    def find(self, key: int | str) -> ServedOrder | None:
        """Return an order that the venue still shows, by oid or cloid."""
        order = self._any(key)
        if order is None or order.is_open or (self._kept and order.oid >= self._kept[0]):
            return order
        return None

    def _any(self, key: int | str) -> ServedOrder | None:
        return self.orders.get(key) if isinstance(key, int) else self._cloids.get(key.lower())

    def recent(self) -> list[ServedOrder]:
        """Return the orders that the venue still shows, newest first."""
        return [self.orders[oid] for oid in reversed(self._kept)]

    def holding(self, asset: Asset) -> Holding:
        """Return the position in an asset."""
        held = self.holdings.get(asset.id)
        if held is None:
            held = Holding(asset, leverage=asset.max_leverage, is_cross=not asset.dex)
            self.holdings[asset.id] = held
        return held

    def value(self, held: Holding) -> Decimal:
        """Return what a position is worth at the mid, signed."""
        return notional(held.asset, self._tapes[held.asset.id].mid2(), held.size) / 2

    def unrealised(self, held: Holding) -> Decimal:
        """Return a position's profit at the mid."""
        return self.value(held) - (held.entry if held.size > 0 else -held.entry)

    def equity(self) -> Decimal:
        """Return what the account is worth."""
        return self.cash + sum(map(self.unrealised, self.holdings.values()), Decimal(0))

    def take_news(self) -> News:
        """Return what has happened since the last call."""
        news, self._news = self._news, News()
        return news

    # Time.

    def advance(self, now: Moment) -> None:
        """Play the markets; book what they fill, and cancel what was scheduled to be."""
        for venue in self._venues.values():
            self._hear(venue, now)
        self._drop_reducers(now)
        if self.cancel_at_ms is not None and now.ms >= self.cancel_at_ms:
            self.cancel_at_ms = None
            self.cancel_all("scheduledCancel", now)

    def _hear(self, venue: PaperVenue, now: Moment) -> list[Report]:
        """Return what a venue says by now; its fills are booked."""
        received = venue.poll(now.at)
        # Nobody looks at this venue's market: the tape is for that.
        venue.seen(now.at)
        heard: list[Report] = []
        for report in (one.report for one in received):
            assert not isinstance(report, NoAnswer), "a venue without faults always answers"
            if isinstance(report, Fill):
                self._book(report)
            else:
                heard.append(report)
        return heard

    def _ask(self, asset: Asset, command: Place | Cancel, now: Moment) -> list[Report]:
        venue = self._venues[asset.id]
        venue.submit((command,), now.at)
        return self._hear(venue, now)

    def _open(self, asset: Asset, now: Moment) -> None:
        """Have a venue for an asset, and nothing of the past left to happen there."""
        if asset.id not in self._venues:
            self._venues[asset.id] = PaperVenue(
                asset.instrument,
                self._tapes[asset.id].fork(),
                latency=LATENCIES["none"],
                feed=NO_DELAY,
                seed=self._seed,
            )
        self._hear(self._venues[asset.id], now)

    # Fills.

    def _book(self, fill: Fill) -> None:
        assert fill.cloid is not None, "each of our orders has a name"
        order = self._names[fill.cloid]
        asset, side = order.wanted.asset, order.wanted.side
        held = self.holding(asset)
        before = held.size
        direction, profit = held.trade(side, fill.price, fill.qty)
        value = notional(asset, fill.price, fill.qty)
        fee = value * (TAKER_RATE if self._is_taking else MAKER_RATE)
        self.cash += profit - fee
        self.ledger.volume += value
        ms = self._moment(fill.at)
        told = UserFill(
            coin=asset.coin,
            px=px(asset, fill.price),
            sz=sz(asset, fill.qty),
            side=wire_side(side),
            time=ms,
            oid=order.oid,
            tid=next(self._numbers.trades),
            start_position=sz(asset, before),
            dir=direction,
            closed_pnl=money(profit),
            hash=NO_HASH,
            crossed=self._is_taking,
            fee=money(fee),
            fee_token="USDC",  # noqa: S106 - a coin
            cloid=order.wanted.cloid,
        )
        self.fills.append(told)
        self._news.fills.append(told)
        if self._is_taking:
            self._news.taken.append(told)
        order.filled += fill.qty
        if order.filled == order.qty:
            self._close(order, FILLED, ms)
        elif not self._is_taking:
            order.status_ms = ms
            self._news.updates.append(order.update())

    def _close(self, order: ServedOrder, status: str, ms: int) -> None:
        """Say that an order is open no longer, and why."""
        order.status, order.status_ms = status, ms
        self._resting.pop(order.oid, None)
        self._news.updates.append(order.update())

    def _take_off(self, order: ServedOrder, now: Moment) -> None:
        """Take an order off the paper venue's book."""
        self._request += 1
        cancel = Cancel(self._request, order.name, None, expires_at=0)
        answers = self._ask(order.wanted.asset, cancel, now)
        assert isinstance(answers[-1], Cancelled), "what rests here rests there"
        del self._resting[order.oid]

    def _drop_reducers(self, now: Moment) -> None:
        """Cancel the reduce-only orders that have nothing left to reduce."""
        for order in tuple(self._resting.values()):
            wanted = order.wanted
            if wanted.reduce_only and self.holding(wanted.asset).size * wanted.side >= 0:
                self._take_off(order, now)
                self._close(order, "reduceOnlyCanceled", now.ms)

    # Places.

    def place(self, wanted: Wanted, now: Moment) -> ItemStatus:
        """Place an order whose form has been checked."""
        rested = self._cloids.get(wanted.cloid) if wanted.cloid else None
        self.repeated += rested is not None and rested.is_open
        oid = next(self._numbers.oids)
        order = ServedOrder(oid, f"{oid:x}", wanted, now.ms, wanted.qty, status_ms=now.ms)
        self.orders[oid] = order
        self._kept.append(oid)
        if wanted.cloid:
            self._cloids[wanted.cloid] = order
        self._open(wanted.asset, now)
        refusal = self._refusal(wanted) or self._put(order, now)
        if refusal is not None:
            status, text = refusal
            self._close(order, status, now.ms)
            return ItemStatus(error=f"{text} asset={wanted.asset.id}")
        acknowledged = self._acknowledge(order)
        self._drop_reducers(now)
        return acknowledged

    def _refusal(self, wanted: Wanted) -> tuple[str, str] | None:
        """Return why the account may not have this order, None if it may."""
        asset, held = wanted.asset, self.holding(wanted.asset)
        reduces = held.size * wanted.side < 0
        value = notional(asset, wanted.price, wanted.qty)
        closes = reduces and wanted.reduce_only and wanted.qty >= abs(held.size)
        if value < MIN_NOTIONAL and not closes:
            return "minTradeNtlRejected", "Order must have minimum value of $10."
        if wanted.reduce_only and not reduces:
            return "reduceOnlyRejected", "Reduce only order would increase position."
        opening = Decimal(0) if wanted.reduce_only else value / held.leverage
        if opening and self._margin() + opening > self.equity():
            return "perpMarginRejected", "Insufficient margin to place order."
        return None

    def _margin(self) -> Decimal:
        """Return what positions and open orders tie up."""
        tied = sum((abs(self.value(h)) / h.leverage for h in self.holdings.values()), Decimal(0))
        for order in self._resting.values():
            wanted = order.wanted
            if not wanted.reduce_only:
                value = notional(wanted.asset, wanted.price, order.leaves)
                tied += value / self.holding(wanted.asset).leverage
        return tied

    def _put(self, order: ServedOrder, now: Moment) -> tuple[str, str] | None:
        """Put an order on the paper venue; return why it is not there, None if it is or was."""
        wanted = order.wanted
        if wanted.reduce_only:
            order.qty = min(wanted.qty, abs(self.holding(wanted.asset).size))
        if not wanted.is_maker:
            self._make_way(wanted, now)
        bid, ask = self._touch(wanted.asset)
        opened, before = order.update(), len(self._news.updates)
        self._names[order.name] = self._resting[order.oid] = order
        self._request += 1
        place = Place(
            request=self._request,
            cloid=order.name,
            side=wanted.side,
            price=wanted.price,
            qty=order.qty,
            post_only=wanted.is_maker,
            # Checked here, against the position of this moment.
            reduce_only=False,
            expires_at=0,
        )
        self._is_taking = True
        answers = self._ask(wanted.asset, place, now)
        self._is_taking = False
        if not isinstance(answers[0], Accepted):
            del self._resting[order.oid]
            crossed = f"Post only order would have immediately matched, bbo was {bid}@{ask}."
            return "badAloPxRejected", crossed
        if order.is_open and wanted.tif in {"Ioc", "FrontendMarket"}:
            self._take_off(order, now)
            if not order.filled:
                missed = "Order could not immediately match against any resting orders."
                return "iocCancelRejected", missed
            self._close(order, CANCELLED, now.ms)
        # What is executed at once was open before, for those who watch.
        self._news.updates.insert(before, opened)
        if order.is_open and order.filled:
            self._news.updates.append(order.update())
        return None

    def _make_way(self, wanted: Wanted, now: Moment) -> None:
        """Cancel the orders of our own that a taker would meet."""
        for order in tuple(self._resting.values()):
            other = order.wanted
            meets = (wanted.price - other.price) * wanted.side >= 0
            if other.asset is wanted.asset and other.side is not wanted.side and meets:
                self._take_off(order, now)
                self._close(order, "selfTradeCanceled", now.ms)

    def _touch(self, asset: Asset) -> tuple[str, str]:
        """Return the best prices, those of our own orders among them."""
        touch = self._tapes[asset.id].touch
        mine = [order.wanted for order in self._resting.values() if order.wanted.asset is asset]
        bids = [w.price for w in mine if w.side is Side.BUY]
        asks = [w.price for w in mine if w.side is Side.SELL]
        bid = max([*bids, touch.bid])
        ask = min([*asks, *([touch.ask] if touch.ask else [])], default=0)
        return px(asset, bid), px(asset, ask)

    def _acknowledge(self, order: ServedOrder) -> ItemStatus:
        """Say what became of a place: it rests, or was executed as far as it goes."""
        cloid = order.wanted.cloid
        if order.is_open:
            return ItemStatus(resting=Resting(order.oid, cloid))
        fills = list(takewhile(lambda fill: fill.oid == order.oid, reversed(self.fills)))
        paid = sum((Decimal(fill.px) * Decimal(fill.sz) for fill in fills), Decimal(0))
        total = sum((Decimal(fill.sz) for fill in fills), Decimal(0))
        finest = Decimal(1).scaleb(order.wanted.asset.sz_decimals - PERP_DECIMALS)
        average = (paid / total).quantize(finest, rounding=ROUND_DOWN)
        return ItemStatus(filled=Filled(shown(total), shown(average), order.oid, cloid))

    # Modifies and cancels.

    def modify(
        self, key: int | str, wanted: Wanted, now: Moment, *, always_place: bool
    ) -> ItemStatus:
        """Cancel the order that `key` names and place another; the second may fail alone."""
        old = self._any(key)
        if old is not None and not old.is_open:
            old = None
        if old is None and not always_place:
            return ItemStatus(error=GONE)
        if not always_place:
            if wanted.tif in {"Ioc", "FrontendMarket"}:
                return ItemStatus(error=INVALID)
            wanted = replace(wanted, tif="Alo")
        if old is None:
            return self.place(wanted, now)
        was = old.wanted
        if (was.asset.id, was.side, was.reduce_only) != (
            wanted.asset.id,
            wanted.side,
            wanted.reduce_only,
        ):
            return ItemStatus(error=INVALID)
        self._take_off(old, now)
        old.status = CANCELLED
        # The venue says that the new one is open before it says that the old one is not.
        placed = self.place(wanted, now)
        self._close(old, CANCELLED, now.ms)
        return placed

    def cancel(self, asset_id: int, key: int | str, now: Moment) -> ItemStatus | str:
        """Cancel one order."""
        order = self._any(key)
        if order is None or not order.is_open or order.wanted.asset.id != asset_id:
            return ItemStatus(error=f"{NEVER} asset={asset_id}")
        self._take_off(order, now)
        self._close(order, CANCELLED, now.ms)
        return "success"

    def cancel_all(self, status: str, now: Moment) -> None:
        """Cancel whatever rests, for a reason of the venue's own."""
        for order in tuple(self._resting.values()):
            self._take_off(order, now)
            self._close(order, status, now.ms)
