"""hummingbot: a script or a V2 strategy whose quotes are kept by the order lifecycle.

    class Maker(LifecycleMixin, StrategyV2Base):
        def on_tick(self):
            self.keep(self.create_proposal())

`HummingbotVenue` turns commands into `buy`, `sell` and `cancel`, and the events that come back into
reports; `LifecycleMixin` drives a manager by the strategy's ticks. hummingbot has no modify: an
order that shall move is cancelled, and placed again when it is proven gone.

**Names.** hummingbot makes an order's client id when it is placed, so that is its oid here; which
of our cloids it is, is remembered as long as the process lives.

**Whose word it is.** A failure event says that a call of hummingbot's has failed, for whatever
reason, a timeout among them; so it is no refusal: the order is in doubt until its time is up and
the connector has been found twice not to track it. A fill that comes after all is counted. What
rests is what the connector tracks, and on its paper connectors what their book holds; while an
order is being created there, that is not asked for.

**What goes past the strategy.** Cancels go to the connector itself: the strategy's own `cancel`
drops a second one for the same order within a minute, whatever became of the first.

**What it does not do.** It imports nothing of hummingbot: what is needed is asked of the connector.
"""

import logging
from collections import deque
from collections.abc import Iterable, Sequence
from decimal import Decimal
from math import isnan
from typing import Any, Final

from msgspec.structs import replace

from exchange.commands import Cancel, Command, Modify, Place, QueryOpen, QueryOrder
from exchange.instrument import Instrument
from exchange.market import Market
from exchange.reports import (
    Accepted,
    Cancelled,
    CancelRejected,
    Fill,
    OpenOrder,
    OrderStatus,
    Snapshot,
)
from exchange.units import SECOND, Nanos, Price, Qty, seconds
from exchange.venue import Capabilities, NoAnswer, Received
from exchange.words import CancelReason, Cloid, Oid, Outcome, Side, Status
from lifecycle.caught import Caught
from lifecycle.config import STABLE, Config
from lifecycle.core.manager import OrderManager
from lifecycle.drive.driver import NOTHING_WANTED, Driver, Sink
from lifecycle.drive.recovery import new_session
from lifecycle.dropin.bases import check_first
from lifecycle.dropin.calls import outcome_of
from lifecycle.dropin.converged import Unplaced
from lifecycle.dropin.given import check_config
from lifecycle.dropin.volatility import Volatility
from lifecycle.dropin.wanted import targets_of
from spec.trace import Plan, Targets

log = logging.getLogger(__name__)

WITHOUT_MODIFY: Final = Capabilities(expires=False, batch_max=1)
FILLS_MAX: Final = 20_000
STEP_MIN: Final = Decimal("1e-18")
"""A connector that knows no step says one that is finer than any."""
PROBE: Final = 123_456_789_123
"""In price steps: more figures than a venue with a limit on them takes."""

LISTED: Final = frozenset({"OPEN", "CREATED", "PARTIALLY_FILLED", "PENDING_CANCEL"})
"""hummingbot's states of an order that rests."""
ON_ITS_WAY: Final = frozenset({"PENDING_CREATE", "PENDING_APPROVAL", "APPROVED"})


def instrument_of(connector: Any, trading_pair: str) -> Instrument:
    """Return the units of a pair, as the connector rounds to them.

    Raises ValueError where it does not trade the pair, or does not say its steps.
    """
    rules = getattr(connector, "trading_rules", None)
    if rules is not None and trading_pair not in rules:
        known = (
            ", ".join(sorted(rules)) or "none yet: start in on_tick, when the connector is ready"
        )
        raise ValueError(
            f"trading_pair must be one of {connector.name} ({known}), was {trading_pair}"
        )
    # A paper connector has no rules; its steps at price and size 0 are its finest.
    unit = Decimal(connector.get_order_price_quantum(trading_pair, Decimal(0)))
    lot = Decimal(connector.get_order_size_quantum(trading_pair, Decimal(0)))
    if min(unit, lot) < STEP_MIN:
        raise ValueError(
            f"{connector.name} must say the steps of {trading_pair}, says {unit}, {lot}"
        )
    least = Decimal(0) if rules is None else Decimal(rules[trading_pair].min_notional_size)
    probe = PROBE * unit
    shown = connector.quantize_order_price(trading_pair, probe)
    figures = 0 if shown == probe else len(shown.normalize().as_tuple().digits)
    return Instrument(trading_pair, unit, lot, max(Decimal(0), least), figures)


def order_type_of(connector: Any, wanted: Any = None) -> Any:
    """Return what places are sent as: what is wanted, or else post-only where there is that.

    Raises ValueError for a type that the connector does not take.
    """
    taken = connector.supported_order_types()
    if wanted is None:
        wanted = connector.get_maker_order_type()
    # A paper connector says that it has created an order of a type it does not know.
    if wanted not in taken:
        names = ", ".join(one.name for one in taken)
        raise ValueError(f"order_type must be one of {connector.name} ({names}), was {wanted.name}")
    if wanted.name != "LIMIT_MAKER":
        log.warning("orders are sent as %s: one that crosses the book trades", wanted.name)
    return wanted


class HummingbotVenue:
    """The orders of one strategy in one pair at one connector, as a venue."""

    def __init__(
        self, strategy: Any, connector_name: str, trading_pair: str, order_type: Any = None
    ) -> None:
        """Join a strategy whose connector is ready; `order_type` is hummingbot's, for places.

        Raises ValueError for a connector, a pair or an order type that is not there.
        """
        connector = strategy.connectors.get(connector_name)
        if connector is None:
            known = ", ".join(sorted(strategy.connectors)) or "none"
            raise ValueError(f"connector_name must be one of {known}, was {connector_name}")
        self.instrument: Final = instrument_of(connector, trading_pair)
        self.capabilities: Final = WITHOUT_MODIFY
        self._strategy: Final = strategy
        self._connector: Final = connector
        self._name: Final = connector_name
        self._pair: Final = trading_pair
        self._order_type: Final = order_type_of(connector, order_type)
        rules = getattr(connector, "trading_rules", None)
        self._is_paper: Final = rules is None
        self._size_min: Final = Decimal(0) if rules is None else rules[trading_pair].min_order_size
        self._inbox: Final[deque[Any]] = deque()
        self._asked: Final[deque[QueryOpen | QueryOrder]] = deque()
        self._cloids: Final[dict[Oid, Cloid]] = {}
        self._oids: Final[dict[Cloid, Oid]] = {}
        self._places: Final[dict[Oid, Place]] = {}
        """That have no answer."""
        self._cancels: Final[dict[Oid, Cancel]] = {}
        self._fills: Final[deque[Fill]] = deque(maxlen=FILLS_MAX)

    # The contract.

    def submit(self, commands: Sequence[Command], now: Nanos) -> None:
        """Hand commands to hummingbot, cancels first; what comes of them is told by `poll`."""
        for command in sorted(commands, key=lambda one: not isinstance(one, Cancel)):
            match command:
                case Place():
                    self._place(command)
                case Cancel():
                    self._cancel(command, now)
                case Modify():
                    raise AssertionError("modifies are off where there are none")
                case QueryOrder() | QueryOpen():
                    self._asked.append(command)

    def poll(self, now: Nanos) -> list[Received]:
        """Return what has been said since, and the answers to questions."""
        if self._asked and not any(_state(order) in ON_ITS_WAY for order in self._tracked()):
            rows = self._rows()
            while self._asked:
                self._answer(self._asked.popleft(), rows, now)
        # What an event says of its time is by another clock than ticks are.
        received = [
            Received(now, one if isinstance(one, NoAnswer) else replace(one, at=now))
            for one in self._inbox
        ]
        self._inbox.clear()
        return received

    def touch(self, *, is_buy: bool) -> Price | None:
        """Return the price at which one buys, or sells; None where nobody offers."""
        price = Decimal(self._connector.get_price(self._pair, is_buy))
        return self._units(price) if price.is_finite() else None

    # Commands.

    def _place(self, command: Place) -> None:
        strategy, instrument = self._strategy, self.instrument
        send = strategy.buy if command.side is Side.BUY else strategy.sell
        size, price = command.qty * instrument.lot, command.price * instrument.price_unit
        if size < self._size_min:
            # hummingbot would say that it has failed, and not that it was never sent.
            log.warning(
                "not sent: %s %s is below the least size %s", size, self._pair, self._size_min
            )
            self._inbox.append(NoAnswer(command, Outcome.NOT_SENT))
            return
        with Caught() as call:
            oid = send(self._name, self._pair, size, self._order_type, price)
            self._cloids[oid], self._oids[command.cloid] = command.cloid, oid
            self._places[oid] = command
        if call.error is not None:
            self._inbox.append(NoAnswer(command, outcome_of(call.error)))

    def _cancel(self, command: Cancel, now: Nanos) -> None:
        oid = command.oid or self._oids.get(command.cloid)
        if oid is None or not self._has(oid):
            # hummingbot sends nothing for what it does not track, and says nothing either.
            self._inbox.append(CancelRejected(now, command.cloid, "not tracked", command.request))
            return
        self._cancels[oid] = command
        with Caught() as call:
            self._connector.cancel(self._pair, oid)
        if call.error is not None:
            self._inbox.append(NoAnswer(command, outcome_of(call.error)))

    # Events, each named by hummingbot's client order id.

    def created(self, event: Any) -> None:
        """Learn that an order rests."""
        cloid = self._cloids.get(event.order_id)
        place = self._places.pop(event.order_id, None)
        if cloid is not None:
            request = 0 if place is None else place.request
            self._inbox.append(Accepted(0, cloid, event.order_id, request))

    def filled(self, event: Any) -> None:
        """Learn of a fill; one that names no trade is named by what it is."""
        cloid = self._cloids.get(event.order_id)
        if cloid is None or event.trading_pair != self._pair:
            return
        # hummingbot counts a trade id once in an order, not once in all.
        trade = event.exchange_trade_id or f"{event.timestamp}:{event.price}:{event.amount}"
        side = Side.BUY if event.trade_type.name == "BUY" else Side.SELL
        qty, price = self._lots(event.amount), self._units(event.price)
        heard = round(self._strategy.current_timestamp * SECOND)
        fill = Fill(heard, cloid, event.order_id, qty, price, f"{event.order_id}:{trade}", side)
        self._fills.append(fill)
        self._inbox.append(fill)

    def failed(self, event: Any) -> None:
        """Learn that placing an order has failed: why, and whether it was taken, is not known."""
        place = self._places.pop(event.order_id, None)
        if place is not None:
            self._inbox.append(NoAnswer(place, Outcome.SERVER_ERROR))

    def cancelled(self, event: Any, why: CancelReason = CancelReason.VENUE) -> None:
        """Learn that an order is gone."""
        cloid, oid = self._cloids.get(event.order_id), event.order_id
        if cloid is None:
            return
        self._places.pop(oid, None)
        command = self._cancels.pop(oid, None)
        reason, request = (why, 0) if command is None else (CancelReason.USER, command.request)
        self._inbox.append(Cancelled(0, cloid, oid, reason, request))

    # Questions.

    def _tracked(self) -> list[Any]:
        """Return the connector's orders; a paper connector's are on its book at once."""
        if self._is_paper:
            return []
        orders = self._connector.in_flight_orders.values()
        return [order for order in orders if order.trading_pair == self._pair]

    def _has(self, oid: Oid) -> bool:
        if self._is_paper:
            return any(order.client_order_id == oid for order in self._connector.limit_orders)
        return oid in self._connector.in_flight_orders

    def _rows(self) -> list[OpenOrder]:
        """Return what rests; an order that has filled is tracked for a while after that."""
        if self._is_paper:
            book = self._connector.limit_orders
            rows = [self._row(one, one.is_buy, one.quantity) for one in book if self._is_ours(one)]
        else:
            rows = [
                self._row(one, one.trade_type.name == "BUY", one.amount - one.executed_amount_base)
                for one in self._tracked()
                if _state(one) in LISTED
            ]
        return [row for row in rows if row.qty > 0]

    def _is_ours(self, order: Any) -> bool:
        return bool(order.trading_pair == self._pair)

    def _answer(self, query: QueryOpen | QueryOrder, rows: list[OpenOrder], now: Nanos) -> None:
        if isinstance(query, QueryOpen):
            fills = tuple(fill for fill in self._fills if fill.at >= query.fills_since)
            self._inbox.append(Snapshot(now, tuple(rows), fills, query.request))
            return
        row = next((row for row in rows if row.cloid == query.cloid), None)
        status = Status.UNKNOWN_ORDER if row is None else Status.OPEN
        oid = None if row is None else row.oid
        self._inbox.append(OrderStatus(now, query.cloid, status, None, oid, query.request))

    def _row(self, order: Any, is_buy: bool, leaves: Any) -> OpenOrder:
        oid, side = order.client_order_id, Side.BUY if is_buy else Side.SELL
        what = (self._units(order.price), self._lots(leaves))
        return OpenOrder(oid, self._cloids.get(oid), side, *what)

    # Inside.

    def _lots(self, amount: Any) -> Qty:
        return int((Decimal(amount) / self.instrument.lot).to_integral_value())

    def _units(self, price: Any) -> Price:
        return int((Decimal(price) / self.instrument.price_unit).to_integral_value())


def _state(order: Any) -> str:
    return str(order.current_state.name)


class LifecycleMixin:
    """To be put before the strategy's base; `keep` takes what it wants, in each tick.

    Where a strategy has `did_…` handlers or `on_stop` of its own, it calls these.
    """

    venue: HummingbotVenue
    driver: Driver

    def __init_subclass__(cls, **options: Any) -> None:
        """Check the order of the bases."""
        super().__init_subclass__(**options)
        check_first(cls, LifecycleMixin, "did_fill_order")

    def start_lifecycle(
        self,
        connector_name: str,
        trading_pair: str,
        order_type: Any = None,
        *,
        config: Config = STABLE,
        sinks: Sequence[Sink] = (),
        observers: Sequence[Sink] = (),
    ) -> None:
        """Begin; to be called once the connector is ready, as in the first `on_tick`.

        `order_type` is what places are sent as; None: post-only where the connector has that, as
        `LIMIT` otherwise. `sinks` take every record before anything is sent. hummingbot restores
        its own orders when it starts: those are not ours, and `config.orders.foreign` says what
        becomes of them. Raises ValueError for a connector, a pair or a type that is not there.
        """
        check_config(config)
        config = replace(config, modify=replace(config.modify, enabled=False))
        self.venue = HummingbotVenue(self, connector_name, trading_pair, order_type)
        self._session = new_session()
        manager = OrderManager(
            self.venue.instrument,
            config=config,
            capabilities=self.venue.capabilities,
            session=self._session,
        )
        refill = config.orders.refill_s
        refill_after = None if refill is None else seconds(refill)
        self.driver = Driver(manager, self.venue, sinks, observers=observers, refill=refill_after)
        self._cycle_every: Nanos = seconds(config.timing.cycle_s)
        self._cycle_due: Nanos = 0
        self._volatility = Volatility(config.smoothing)
        self._unplaced = Unplaced()
        self.driver.start(self._now(), self._session)

    def keep(self, proposal: Iterable[Any]) -> Plan | None:
        """Take in what has happened, and where a cycle is due have what rests follow a proposal.

        `proposal` is of hummingbot's order candidates: anything with `trading_pair`, `order_side`,
        `price` and `amount`. Where a price is NaN, as hummingbot has it where a book is empty, all
        stays as it is. Returns the plan, None where nothing was decided. Raises RuntimeError before
        `start_lifecycle`, ValueError for a candidate of another pair, TypeError for None.
        """
        if not hasattr(self, "driver"):
            raise RuntimeError("start_lifecycle must be called before keep, in the first on_tick")
        driver, now = self.driver, self._now()
        for _ in range(2):
            # The second time the answers to what was asked because of the first.
            driver.deliver(now)
        if self._volatility.is_due(now):
            self._volatility.see(self.market())
        if now < self._cycle_due and not driver.is_to_refill(now):
            return None
        self._cycle_due = now + self._cycle_every
        if driver.manager.is_halted:
            return driver.cycle(now, NOTHING_WANTED, self.market())
        targets = self._targets(proposal)
        if targets is None:
            log.warning("nothing is decided: the proposal has no price")
            driver.skip(now)
            return None
        plan = driver.cycle(now, targets, self._volatility.shown(self.market()))
        for line in self._unplaced.news(plan, self.venue.instrument):
            log.warning("%s", line)
        return plan

    def _targets(self, proposal: Iterable[Any] | None) -> Targets | None:
        instrument = self.venue.instrument
        bids: list[tuple[float, float]] = []
        asks: list[tuple[float, float]] = []
        if proposal is None:
            raise TypeError("a proposal must be a list of candidates, [] for none, was None")
        for candidate in proposal:
            pair, price = candidate.trading_pair, float(candidate.price)
            if pair != instrument.symbol:
                raise ValueError(f"a candidate must be of {instrument.symbol}, was of {pair}")
            if isnan(price):
                return None
            quotes = bids if candidate.order_side.name == "BUY" else asks
            # As a computed number: hummingbot's own are off the grid, and rounded when sent.
            quotes.append((price, float(candidate.amount)))
        return targets_of(instrument, bids, asks)

    def market(self) -> Market:
        """Return the touch as the connector's order book has it, our own orders in it."""
        return Market(self._now(), self.venue.touch(is_buy=False), self.venue.touch(is_buy=True))

    def withdraw(self) -> None:
        """Want nothing any more; `keep` goes on to look after it until nothing rests."""
        now = self._now()
        self.driver.deliver(now)
        self.driver.halt(now, "the strategy has stopped")
        self.driver.cycle(now, NOTHING_WANTED, self.market())

    @property
    def position(self) -> int:
        """Signed sum of the fills heard of, in lots."""
        return self.driver.manager.position

    # What hummingbot calls.

    def did_create_buy_order(self, event: Any) -> None:
        """Take a BuyOrderCreatedEvent."""
        self._told("created", event)

    def did_create_sell_order(self, event: Any) -> None:
        """Take a SellOrderCreatedEvent."""
        self._told("created", event)

    def did_fill_order(self, event: Any) -> None:
        """Take an OrderFilledEvent."""
        self._told("filled", event)

    def did_fail_order(self, event: Any) -> None:
        """Take a MarketOrderFailureEvent."""
        self._told("failed", event)

    def did_cancel_order(self, event: Any) -> None:
        """Take an OrderCancelledEvent."""
        self._told("cancelled", event)

    def did_expire_order(self, event: Any) -> None:
        """Take an OrderExpiredEvent."""
        if hasattr(self, "venue"):
            self.venue.cancelled(event, CancelReason.EXPIRED)

    def _told(self, what: str, event: Any) -> None:
        # Events come as they like; what comes of them waits for the tick.
        if hasattr(self, "venue"):
            getattr(self.venue, what)(event)

    def _now(self) -> Nanos:
        strategy: Any = self
        return int(strategy.current_timestamp * SECOND)
