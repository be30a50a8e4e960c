"""The BitMEX sample's `converge_orders`, with the order lifecycle behind it.

A bot written on the sample market maker's `OrderManager` (market_maker/market_maker.py) adds one
base class, `Converging`, before it: quotes are then kept, amended, created and cancelled as the
lifecycle decides, by the methods of the bot's own `exchange` object. Nothing runs in the
background: as in the sample, all happens in the bot's thread, and in `converge_orders`.

**What is taken from the exchange.** `get_orders()` is the look before each cycle; an order that it
lacks is looked for by `bitmex.http_open_orders()` where there is that, so that it is gone only when
both say so. `get_instrument()` has tick and lot, `get_ticker()` the touch. A fill is seen by the
`cumQty` of a row; what fills between the last look and an order's end is not seen, so that the
position here is not the account's, and no exposure cap can be held: the sample has its own limits.

**What is made of its answers.** Each order has a client id: ours behind the sample's prefix, or the
one that the sample writes into the dict before the request leaves. By that an order is found whose
creation was not answered. An HTTP 4xx is a refusal, and of an amendment it is then asked whether
the order still rests; everything else that is raised is an unknown outcome, and the order waits for
a look. The sample ends the process where it sees no way on: that passes.

Prices are floats there, and rounded as everywhere (`lifecycle.dropin.wanted`): bids down, asks up.
"""

import logging
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

from exchange.commands import Cancel, Command, Modify, Place, QueryOpen, QueryOrder, Request
from exchange.instrument import Instrument
from exchange.market import Market
from exchange.reports import (
    Accepted,
    Cancelled,
    CancelRejected,
    Fill,
    Modified,
    ModifyRejected,
    OpenOrder,
    Rejected,
    Report,
    Snapshot,
)
from exchange.units import Nanos, Price, Qty
from exchange.venue import Capabilities, NoAnswer, Received
from exchange.words import Alive, CancelReason, Cloid, Oid, Side
from lifecycle.caught import Caught
from lifecycle.config import STABLE, Config
from lifecycle.drive.driver import Driver, Sink
from lifecycle.drive.recovery import new_session
from lifecycle.dropin.bases import check_first
from lifecycle.dropin.calls import outcome_of
from lifecycle.dropin.clock import Clock, Clocked
from lifecycle.dropin.converged import Converged, Unplaced, converged
from lifecycle.dropin.given import check_config
from lifecycle.dropin.keeping import Keeping
from lifecycle.dropin.monotone import Monotone
from lifecycle.dropin.volatility import Volatility
from lifecycle.dropin.wanted import price_of, targets_of
from lifecycle.journal.base import Header

log = logging.getLogger(__name__)

Order: TypeAlias = Mapping[str, Any]
"""As the sample has them: price, orderQty and side at least."""

AMENDS: Final = Capabilities(
    modify_keeps_oid=True,
    qty_is_total=True,
    refused_modify_may_kill=False,
    expires=False,
    cancel_by_cloid=False,
)
"""An amendment keeps the order's id, and names its total: what has filled and what shall remain."""

CLIENT_ID_MAX: Final = 36
"""Characters in a `clOrdID` (BitMEX API, POST /order)."""

_SIDES: Final = {"Buy": Side.BUY, "Sell": Side.SELL}
_ENDED: Final = ("Canceled", "Rejected")


class Exchange(Protocol):
    """What is used of the sample's `ExchangeInterface`.

    Besides, of each kind one: `create_bulk_orders`, `amend_bulk_orders`, `cancel_bulk_orders`, as
    in its repository, or `create_orders`, `amend_orders`, `cancel_orders`, as in release 1.6. Each
    takes a list of dicts and returns one of the venue's orders.
    """

    def get_orders(self) -> Iterable[Order]:
        """Return our open orders."""

    def get_instrument(self) -> Mapping[str, Any]:
        """Return the instrument."""

    def get_ticker(self) -> Mapping[str, Any]:
        """Return best bid and ask as `buy` and `sell`."""


class Converger:
    """Converges what rests at an exchange of the sample to what its bot wants."""

    def __init__(
        self,
        exchange: Exchange,
        config: Config = STABLE,
        *,
        journal: str | Path | None = None,
        forward: str | None = None,
        sinks: Sequence[Sink] = (),
        clock: Clocked | None = None,
    ) -> None:
        """Start on an exchange; nothing is sent before the first converge.

        `journal` is a file, and `forward` the URL of a fleet's journal that its records go to as
        well. Raises ValueError for a dry run, which answers nothing, for an exposure cap, which
        cannot be held here, and for a `forward` without a journal; JournalError where the journal
        cannot be used.
        """
        if getattr(exchange, "dry_run", False):
            raise ValueError(
                "the exchange must not be a dry run, was one: nothing there is ever answered; "
                "set DRY_RUN = False, and try it with the BASE_URL of the test network"
            )
        check_config(config)
        if config.risk.exposure_cap is not None:
            raise ValueError(
                f"risk.exposure_cap must not be set, was {config.risk.exposure_cap}: here not "
                f"every fill is seen; the sample has CHECK_POSITION_LIMITS"
            )
        self._clock: Final = Clock() if clock is None else clock
        self.venue: Final = ExchangeVenue(exchange, self._clock)
        self._stack: Final = ExitStack()
        header = Header.of_now(new_session(), self.venue.instrument, AMENDS, config)
        begun = Keeping.of(journal, forward).begin(header)
        manager, writes = begun.manager, tuple(sinks)
        if begun.journal is not None:
            self._stack.callback(begun.journal.close)
            writes = (begun.journal.append, *writes)
        self._driver: Final = Driver(manager, Monotone(self.venue, manager), writes)
        self._volatility: Final = Volatility(config.smoothing)
        self.unplaced: Final = Unplaced()
        """Why quotes have no order, for the log."""
        self._last: Nanos = manager.now
        self.venue.adopt(
            (order.leg.oid, order.cloid, order.leg.filled)
            for order in manager.open_orders.values()
            if order.leg.oid
        )
        self._driver.start(self._now(), new_session(begun.session))

    def converge_orders(
        self, buy_orders: Iterable[Order], sell_orders: Iterable[Order]
    ) -> Converged:
        """Keep, amend, create and cancel so that what rests comes to what is wanted.

        Returns each decision with its reason. Raises ValueError for orders that cannot be, or that
        are in the list of the other side.
        """
        wanted = (_quotes(buy_orders, "Buy"), _quotes(sell_orders, "Sell"))
        targets = targets_of(self.venue.instrument, *wanted)
        self._settle()
        self.venue.look()
        self._settle()
        now = self._now()
        market = self._volatility.shown(self.venue.market(now))
        plan = self._driver.cycle(now, targets, market)
        self._settle()
        return converged(plan, self.venue.instrument)

    def close(self) -> None:
        """End the journal; what rests stays, as the sample's own `exit` cancels it."""
        self._stack.close()

    @property
    def driver(self) -> Driver:
        """The manager and its venue, to look at."""
        return self._driver

    def _settle(self) -> None:
        """Hand over what has been answered, and ask what follows from it."""
        self._driver.deliver(self._now())
        while self.venue.has_more:
            self._driver.deliver(self._now())

    def _now(self) -> Nanos:
        self._last = max(self._last, self._clock.now())
        return self._last


def _quotes(orders: Iterable[Order], side: str) -> list[tuple[float, float]]:
    quotes = []
    for order in orders:
        if not {"price", "orderQty"} <= order.keys():
            raise ValueError(f"an order must have price and orderQty, was {order!r}")
        if order.get("side", side) != side:
            raise ValueError(f"an order of this list must be a {side}, was {order!r}")
        quotes.append((float(order["price"]), float(order["orderQty"])))
    return quotes


class Converging:
    """Put before the sample's `OrderManager` among the bases: `converge_orders` is the lifecycle's.

    `lifecycle_config`, `lifecycle_journal` and `lifecycle_forward` may be set in the class.
    """

    exchange: Exchange
    lifecycle_config: Config = STABLE
    lifecycle_journal: str | Path | None = None
    lifecycle_forward: str | None = None
    _converger: Converger | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        """Check the order of the bases."""
        super().__init_subclass__(**options)
        check_first(cls, Converging, "converge_orders")

    @property
    def converger(self) -> Converger:
        """What converges, made when it is first needed."""
        if self._converger is None:
            self._converger = Converger(
                self.exchange,
                self.lifecycle_config,
                journal=self.lifecycle_journal,
                forward=self.lifecycle_forward,
            )
        return self._converger

    def converge_orders(
        self, buy_orders: Iterable[Order], sell_orders: Iterable[Order]
    ) -> Converged:
        """Converge, and log what was sent, and why something was not."""
        converger = self.converger
        done = converger.converge_orders(buy_orders, sell_orders)
        for line in converger.unplaced.news(done.plan, converger.venue.instrument):
            log.warning("%s", line)
        for decided in (*done.modified, *done.placed, *done.cancelled):
            log.info("%s", decided)
        return done


class ExchangeVenue:
    """The sample's exchange as a venue: a command is executed when it is submitted."""

    def __init__(self, exchange: Exchange, clock: Clocked) -> None:
        """Take the units from the exchange's instrument."""
        self._exchange: Final = exchange
        self._clock: Final = clock
        about = exchange.get_instrument()
        self.instrument: Final = Instrument(
            symbol=str(about["symbol"]),
            price_unit=Decimal(str(about["tickSize"])),
            lot=Decimal(str(about.get("lotSize") or 1)),
            min_notional=Decimal(0),
        )
        self.capabilities: Final = AMENDS
        self._inbox: Final[deque[Received]] = deque()
        self._cloids: Final[dict[Oid, Cloid]] = {}
        self._named: Final[dict[str, Cloid]] = {}
        """Client ids of the sample's, for orders whose creation was not answered."""
        self._filled: Final[dict[Oid, Qty]] = {}
        """What has been told as filled."""

    def adopt(self, orders: Iterable[tuple[Oid, Cloid, Qty]]) -> None:
        """Learn of orders of ours from before, and what of them has been told as filled."""
        for oid, cloid, filled in orders:
            self._cloids[oid], self._filled[oid] = cloid, filled

    @property
    def has_more(self) -> bool:
        """Whether something has not been polled."""
        return bool(self._inbox)

    # The contract.

    def submit(self, commands: Sequence[Command], now: Nanos) -> None:  # noqa: ARG002 - ours is it
        """Execute commands: cancels, then amendments, then creations, then questions."""
        cancels = [c for c in commands if isinstance(c, Cancel)]
        modifies = [c for c in commands if isinstance(c, Modify)]
        places = [c for c in commands if isinstance(c, Place)]
        if cancels:
            self._cancel(cancels)
        if modifies:
            self._amend(modifies)
        if places:
            self._create(places)
        asked = [c.request for c in commands if isinstance(c, QueryOrder | QueryOpen)]
        if asked:
            self.look(max(asked), by_http=True)

    def poll(self, now: Nanos) -> list[Received]:
        """Return what has been answered up to `now`."""
        received = []
        while self._inbox and self._inbox[0].at <= now:
            received.append(self._inbox.popleft())
        return received

    def market(self, now: Nanos) -> Market:
        """Return the touch by the ticker, in which our own orders are."""
        ticker = self._exchange.get_ticker()
        bid, ask = (self._price(ticker.get(name)) for name in ("buy", "sell"))
        return Market(now, bid, ask)

    def look(self, request: int = 0, *, by_http: bool = False) -> None:
        """Tell what rests; a look that fails tells nothing."""
        asked = self._clock.now()
        rest = getattr(getattr(self._exchange, "bitmex", None), "http_open_orders", None)
        get = rest if by_http and rest is not None else self._exchange.get_orders
        with Caught() as call:
            rows = [self._row(row) for row in get()]
            fills = tuple(fill for row in rows for fill in self._fills(row, asked))
            listed = tuple(one for one in map(self._listed, rows) if one is not None)
            self._say(Snapshot(asked, listed, fills, request))
        if call.error is not None:
            log.warning("a look at the orders has failed: %r", call.error, exc_info=call.error)

    # Requests.

    def _ask(
        self, what: str, orders: list[dict[str, Any]]
    ) -> list[tuple[Order | None, Exception | None]]:
        """Call for some orders; return for each the answer, or what was raised.

        In bulk where the exchange has that, and one by one otherwise: what goes wrong with one is
        then known to concern that one only.
        """
        bulk = getattr(self._exchange, f"{what}_bulk_orders", None)
        function = getattr(self._exchange, f"{what}_orders") if bulk is None else bulk
        told: list[tuple[Order | None, Exception | None]] = []
        for batch in [[order] for order in orders] if bulk is None else [orders]:
            answers: list[Order] = []
            with Caught() as call:
                answers = list(function(batch) or ())
            if call.error is None and len(answers) == len(batch):
                told += [(answer, None) for answer in answers]
            else:
                told += [(None, call.error)] * len(batch)
        return told

    def _create(self, places: Sequence[Place]) -> None:
        prefix = str(getattr(getattr(self._exchange, "bitmex", None), "orderIDPrefix", ""))
        orders: list[dict[str, Any]] = [
            {
                "clOrdID": prefix + place.cloid[len(prefix) - CLIENT_ID_MAX :],
                "price": self._float(place.price),
                "orderQty": self._number(place.qty),
                "side": _word(place.side),
            }
            for place in places
        ]
        told = self._ask("create", orders)
        for place, order, (answer, error) in zip(places, orders, told, strict=True):
            # In bulk the sample has put an id of its own in its place, before it sent anything.
            self._named[str(order["clOrdID"])] = place.cloid
            if answer is None:
                self._failed(place, error)
            else:
                self._created(place, answer)

    def _created(self, place: Place, answer: Order) -> None:
        now, status = self._clock.now(), answer.get("ordStatus")
        if status in _ENDED and not answer.get("cumQty"):
            why = str(answer.get("text") or answer.get("ordRejReason") or status)
            self._say(Rejected(now, place.cloid, why, place.request))
            return
        if "orderID" not in answer:
            self._failed(place, None)
            return
        oid = str(answer["orderID"])
        self._cloids[oid] = place.cloid
        self._say(Accepted(now, place.cloid, oid, place.request))
        if "cumQty" in answer:
            for fill in self._fills({**answer, "side": _word(place.side)}, now):
                self._say(fill)
        if status in _ENDED:
            self._say(Cancelled(now, place.cloid, oid, CancelReason.VENUE))

    def _amend(self, modifies: Sequence[Modify]) -> None:
        orders = [
            {
                "orderID": modify.oid,
                "orderQty": self._number(modify.qty),
                "price": self._float(modify.price),
                "side": _word(modify.side),
            }
            for modify in modifies
        ]
        told = self._ask("amend", orders)
        for modify, (answer, error) in zip(modifies, told, strict=True):
            if answer is None or modify.oid is None:
                self._failed(modify, error)
                continue
            what = (self._clock.now(), modify.cloid, modify.oid, modify.qty, modify.price)
            self._say(Modified(*what, modify.request))

    def _cancel(self, cancels: Sequence[Cancel]) -> None:
        told = self._ask("cancel", [{"orderID": one.oid} for one in cancels])
        by_oid = {str(answer.get("orderID")): answer for answer, _ in told if answer is not None}
        for cancel, (_, error) in zip(cancels, told, strict=True):
            if error is not None:
                self._failed(cancel, error)
                continue
            now, answer = self._clock.now(), by_oid.get(str(cancel.oid))
            if answer is not None and answer.get("ordStatus", "Canceled") == "Canceled":
                done = (cancel.cloid, cancel.oid, CancelReason.USER, cancel.request)
                self._say(Cancelled(now, *done))
            else:
                # An order that is not found, or has filled: a look says which.
                self._say(CancelRejected(now, cancel.cloid, "too late", cancel.request))

    def _failed(self, command: Request, error: Exception | None) -> None:
        """Tell what is known of a request that has raised, or was not answered as it should."""
        log.warning("%s %s: %r", type(command).__name__, command.cloid, error)
        status = getattr(getattr(error, "response", None), "status_code", 0)
        if not (isinstance(status, int) and 400 <= status < 500):
            outcome = outcome_of(error or ValueError("no answer"))
            self._say(NoAnswer(command, outcome))
            return
        what = (self._clock.now(), command.cloid, f"{status}: {error}")
        if isinstance(command, Place):
            self._say(Rejected(*what, command.request))
        elif isinstance(command, Modify):
            self._say(ModifyRejected(*what, Alive.UNKNOWN, command.request))
        else:
            self._say(CancelRejected(*what, command.request))

    # Rows.

    def _row(self, row: Order) -> Order:
        cloid = self._named.pop(str(row.get("clOrdID")), None)
        if cloid is not None:
            self._cloids[str(row["orderID"])] = cloid
        return row

    def _listed(self, row: Order) -> OpenOrder | None:
        """Return a row of a look; None for what does not rest."""
        left = self._qty(row["leavesQty"])
        if left <= 0:
            return None
        oid = str(row["orderID"])
        price = price_of(self.instrument, float(row["price"]), _SIDES[row["side"]])
        return OpenOrder(oid, self._cloids.get(oid), _SIDES[row["side"]], price, left)

    def _fills(self, row: Order, at: Nanos) -> list[Fill]:
        """Return what a row shows to have filled and was not told, as one fill."""
        oid, done = str(row["orderID"]), self._qty(row.get("cumQty") or 0)
        cloid = self._cloids.get(oid)
        new = done - self._filled.get(oid, 0)
        if new <= 0 or cloid is None:
            return []
        self._filled[oid] = done
        price = self._price(row.get("avgPx") or row.get("price")) or 0
        return [Fill(at, cloid, oid, new, price, f"{oid}:{done}", _SIDES[row["side"]])]

    # Numbers.

    def _price(self, price: float | None) -> Price | None:
        if not price:
            return None
        return round(Decimal(str(price)) / self.instrument.price_unit) or None

    def _qty(self, qty: float) -> Qty:
        return round(Decimal(str(qty)) / self.instrument.lot)

    def _float(self, price: Price) -> float:
        return float(price * self.instrument.price_unit)

    def _number(self, qty: Qty) -> int | float:
        size = qty * self.instrument.lot
        return int(size) if size == size.to_integral_value() else float(size)

    def _say(self, said: Report | NoAnswer) -> None:
        self._inbox.append(Received(self._clock.now(), said))


def _word(side: Side) -> str:
    return "Buy" if side is Side.BUY else "Sell"
