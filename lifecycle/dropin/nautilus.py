"""NautilusTrader: a strategy whose quotes are kept by the order lifecycle.

    class Maker(LifecycleMixin, Strategy):
        def on_start(self):
            self.start_lifecycle(self.config.instrument_id, config=STABLE)
            self.subscribe_quote_ticks(self.config.instrument_id)

        def quotes(self, market):
            return bids, asks

`NautilusVenue` turns commands into `submit_order`, `modify_order` and `cancel_order`, under client
order ids that are our cloids, and the order events that come back into reports. `LifecycleMixin`
drives a manager by the strategy's own clock, so that a backtest and a live node run the same.

**Whose word it is.** Nautilus keeps an order by its client order id through modifies, and
reconciles its cache with the venue; what it says is taken as the venue's word. So an order's oid is
its client order id here: venues that give a new id at each modify are Nautilus's affair, and a size
is the total, filled and not. Questions are answered from the cache; not while it has an order of
ours submitted and has not heard of it: then what rests is not known to it either.

**What it does not do.** Quote ticks are taken as they come: where they show our own orders,
override `market`. Without NautilusTrader the module can be imported, and not used.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from importlib import import_module
from typing import Any, Final, TypeAlias

from exchange.commands import Cancel, Command, Modify, Place, QueryOpen, QueryOrder
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
    OrderStatus,
    Rejected,
    Report,
    Snapshot,
)
from exchange.units import SECOND, Nanos, Price, Qty, seconds
from exchange.venue import Capabilities, Received
from exchange.words import Alive, CancelReason, Cloid, Side, Status
from lifecycle.config import STABLE, Config
from lifecycle.core.manager import OrderManager
from lifecycle.drive.driver import NOTHING_WANTED, Driver, Sink
from lifecycle.drive.recovery import new_session
from lifecycle.dropin.bases import check_first
from lifecycle.dropin.converged import Unplaced
from lifecycle.dropin.given import check_config
from lifecycle.dropin.volatility import Volatility
from lifecycle.dropin.wanted import Quote, both_of, targets_of

Quotes: TypeAlias = tuple[Iterable[Quote], Iterable[Quote]]
"""Bids and asks, as pairs of price and size or as targets."""

IN_PLACE: Final = Capabilities(
    modify_keeps_oid=True,
    qty_is_total=True,
    refused_modify_may_kill=True,
    expires=False,
    batch_max=1,
)
"""How Nautilus's own calls behave, whatever the venue below does."""
CANCEL_AND_PLACE: Final = Capabilities(expires=False, batch_max=1)
"""For adapters that take no modifies: turn `config.modify.enabled` off with it."""

TIMER: Final = "order lifecycle"
TICK_S: Final = 0.5
"""How often timers are looked at between cycles."""
FILLS_MAX: Final = 20_000
UNSEEN_MAX: Final = 10 * SECOND
"""Without a quote tick for so long from the start, something is amiss."""

STATUSES: Final[dict[str, Status]] = {
    "ACCEPTED": Status.OPEN,
    "TRIGGERED": Status.OPEN,
    "PENDING_UPDATE": Status.OPEN,
    "PENDING_CANCEL": Status.OPEN,
    "PARTIALLY_FILLED": Status.OPEN,
    "FILLED": Status.FILLED,
    "CANCELED": Status.CANCELLED,
    "EXPIRED": Status.CANCELLED,
    "REJECTED": Status.REJECTED,
    "DENIED": Status.REJECTED,
}
"""Nautilus's statuses; any other is of an order on its way, and says nothing."""


def instrument_of(theirs: Any) -> Instrument:
    """Return the units of a Nautilus instrument; raises ValueError for an inverse one."""
    if getattr(theirs, "is_inverse", False):
        raise ValueError(f"an instrument must be spot or linear, was inverse: {theirs.id}")
    least = getattr(theirs, "min_notional", None)
    return Instrument(
        str(theirs.id),
        Decimal(str(theirs.price_increment)),
        Decimal(str(theirs.size_increment)) * Decimal(str(theirs.multiplier)),
        Decimal(0) if least is None else least.as_decimal(),
    )


class NautilusVenue:
    """The orders of one strategy in one instrument, as a venue that lives by its clock."""

    def __init__(
        self, strategy: Any, instrument_id: Any, capabilities: Capabilities = IN_PLACE
    ) -> None:
        """Join a strategy that has been registered; its cache must have the instrument.

        Raises ValueError where it has not.
        """
        theirs = strategy.cache.instrument(instrument_id)
        if theirs is None:
            raise ValueError(f"the cache must have the instrument, has not: {instrument_id}")
        self.instrument: Final = instrument_of(theirs)
        self.capabilities: Final = capabilities
        self.unexpected = 0
        """Changes of our orders that nobody here asked for."""
        self._strategy: Final = strategy
        self._theirs: Final = theirs
        enums = import_module("nautilus_trader.model.enums")
        self._sides: Final = {Side.BUY: enums.OrderSide.BUY, Side.SELL: enums.OrderSide.SELL}
        self._client_id: Final = import_module("nautilus_trader.model.identifiers").ClientOrderId
        self._multiplier: Final = Decimal(str(theirs.multiplier))
        self._readers: Final[dict[str, Callable[[Any, Cloid], None]]] = {
            "OrderAccepted": self._on_accepted,
            "OrderDenied": self._on_rejected,
            "OrderRejected": self._on_rejected,
            "OrderUpdated": self._on_updated,
            "OrderModifyRejected": self._on_modify_rejected,
            "OrderCancelRejected": self._on_cancel_rejected,
            "OrderCanceled": self._on_cancelled,
            "OrderExpired": self._on_expired,
            "OrderFilled": self._on_filled,
        }
        """By the class of the event; the others (initialised, submitted, pending) say nothing."""
        self._inbox: Final[deque[Report]] = deque()
        self._asked: Final[deque[QueryOpen | QueryOrder]] = deque()
        self._modifies: Final[dict[Cloid, Modify]] = {}
        self._cancels: Final[dict[Cloid, Cancel]] = {}
        self._fills: Final[deque[Fill]] = deque(maxlen=FILLS_MAX)

    # The contract.

    def submit(self, commands: Sequence[Command], now: Nanos) -> None:  # noqa: ARG002 - theirs is
        """Hand commands to Nautilus; what comes of them is told by `poll`."""
        for command in commands:
            match command:
                case Place():
                    self._place(command)
                case Modify():
                    self._modify(command)
                case Cancel():
                    self._cancel(command)
                case QueryOrder() | QueryOpen():
                    self._asked.append(command)

    def poll(self, now: Nanos) -> list[Received]:
        """Return what has been said since, and the answers to questions."""
        if self._asked and all(order.status_string() in STATUSES for order in self._ours()):
            while self._asked:
                self._answer(self._asked.popleft(), now)
        received = [Received(now, report) for report in self._inbox]
        self._inbox.clear()
        return received

    # Commands.

    def _place(self, command: Place) -> None:
        strategy, theirs = self._strategy, self._theirs
        order = strategy.order_factory.limit(
            instrument_id=theirs.id,
            order_side=self._sides[command.side],
            quantity=self._their_qty(command.qty),
            price=self._their_price(command.price),
            post_only=command.post_only,
            reduce_only=command.reduce_only,
            client_order_id=self._client_id(command.cloid),
        )
        strategy.submit_order(order)

    def _modify(self, command: Modify) -> None:
        order = self._find(command.cloid)
        if order is None or order.is_closed:
            self._say(
                ModifyRejected(self._now(), command.cloid, "closed", Alive.NO, command.request)
            )
            return
        self._modifies[command.cloid] = command
        strategy, price = self._strategy, self._their_price(command.price)
        strategy.modify_order(order, quantity=self._their_qty(command.qty), price=price)

    def _cancel(self, command: Cancel) -> None:
        order = self._find(command.cloid)
        if order is None or order.is_closed:
            self._say(CancelRejected(self._now(), command.cloid, "too late", command.request))
            return
        self._cancels[command.cloid] = command
        self._strategy.cancel_order(order)

    # Events.

    def heard(self, event: Any) -> None:
        """Take an order event; those of other orders are left alone."""
        cloid = event.client_order_id.value
        read = self._readers.get(type(event).__name__)
        if event.instrument_id == self._theirs.id and read is not None:
            read(event, cloid)

    def _on_accepted(self, event: Any, cloid: Cloid) -> None:
        self._say(Accepted(event.ts_event, cloid, cloid))

    def _on_rejected(self, event: Any, cloid: Cloid) -> None:
        self._say(Rejected(event.ts_event, cloid, str(event.reason)))

    def _on_updated(self, event: Any, cloid: Cloid) -> None:
        command = self._modifies.pop(cloid, None)
        if command is None:
            # A reduce-only order shrinks with its position, or somebody else has modified it.
            self.unexpected += 1
            self._asked.append(QueryOpen(0, self._now()))
            return
        price = command.price if event.price is None else self.units(event.price)
        qty = self.lots(event.quantity)
        self._say(Modified(event.ts_event, cloid, cloid, qty, price, command.request))

    def _on_modify_rejected(self, event: Any, cloid: Cloid) -> None:
        command = self._modifies.pop(cloid, None)
        order = self._find(cloid)
        alive = Alive.YES if order is not None and order.is_open else Alive.UNKNOWN
        request = 0 if command is None else command.request
        self._say(ModifyRejected(event.ts_event, cloid, str(event.reason), alive, request))

    def _on_cancel_rejected(self, event: Any, cloid: Cloid) -> None:
        command = self._cancels.pop(cloid, None)
        request = 0 if command is None else command.request
        self._say(CancelRejected(event.ts_event, cloid, str(event.reason), request))

    def _on_cancelled(self, event: Any, cloid: Cloid) -> None:
        self._ended(event, cloid, CancelReason.VENUE)

    def _on_expired(self, event: Any, cloid: Cloid) -> None:
        self._ended(event, cloid, CancelReason.EXPIRED)

    def _ended(self, event: Any, cloid: Cloid, why: CancelReason) -> None:
        command = self._cancels.pop(cloid, None)
        modify = self._modifies.pop(cloid, None)
        if modify is not None:
            # Nautilus has nothing that rests under this id: the modify came to nothing as well.
            what = (event.ts_event, cloid, "cancelled")
            self._say(ModifyRejected(*what, Alive.NO, modify.request))
        reason, request = (why, 0) if command is None else (CancelReason.USER, command.request)
        self._say(Cancelled(event.ts_event, cloid, cloid, reason, request))

    def _on_filled(self, event: Any, cloid: Cloid) -> None:
        fill = Fill(
            event.ts_event,
            cloid,
            cloid,
            self.lots(event.last_qty),
            self.units(event.last_px),
            event.trade_id.value,
            Side.BUY if event.is_buy else Side.SELL,
        )
        self._fills.append(fill)
        self._say(fill)

    # Questions.

    def _answer(self, query: QueryOpen | QueryOrder, now: Nanos) -> None:
        if isinstance(query, QueryOpen):
            rows = tuple(
                self._row(order)
                for order in self._ours()
                if STATUSES.get(order.status_string()) is Status.OPEN
            )
            fills = tuple(fill for fill in self._fills if fill.at >= query.fills_since)
            self._say(Snapshot(now, rows, fills, query.request))
            return
        order = self._find(query.cloid)
        if order is None:
            status, filled = Status.UNKNOWN_ORDER, None
        else:
            told = STATUSES.get(order.status_string())
            if told is None:
                return
            status, filled = told, self.lots(order.filled_qty)
        oid = None if status in (Status.UNKNOWN_ORDER, Status.REJECTED) else query.cloid
        self._say(OrderStatus(now, query.cloid, status, filled, oid, query.request))

    def _row(self, order: Any) -> OpenOrder:
        cloid = order.client_order_id.value
        side = Side.BUY if order.side_string() == "BUY" else Side.SELL
        price, leaves = self.units(order.price), self.lots(order.leaves_qty)
        return OpenOrder(cloid, cloid, side, price, leaves)

    # Inside.

    def _ours(self) -> Iterable[Any]:
        strategy = self._strategy
        cache, which = (
            strategy.cache,
            {"instrument_id": self._theirs.id, "strategy_id": strategy.id},
        )
        inflight = {order.client_order_id: order for order in cache.orders_inflight(**which)}
        opened = {order.client_order_id: order for order in cache.orders_open(**which)}
        limits = (inflight | opened).values()
        return [order for order in limits if getattr(order, "price", None) is not None]

    def _find(self, cloid: Cloid) -> Any:
        return self._strategy.cache.order(self._client_id(cloid))

    def _say(self, report: Report) -> None:
        self._inbox.append(report)

    def _now(self) -> Nanos:
        return int(self._strategy.clock.timestamp_ns())

    def _their_qty(self, qty: Qty) -> Any:
        return self._theirs.make_qty(qty * self.instrument.lot / self._multiplier)

    def _their_price(self, price: Price) -> Any:
        return self._theirs.make_price(price * self.instrument.price_unit)

    def lots(self, qty: Any) -> Qty:
        """Return a quantity of Nautilus's in lots."""
        return int(qty.as_decimal() * self._multiplier / self.instrument.lot)

    def units(self, price: Any) -> Price:
        """Return a price of Nautilus's in units."""
        return int((price.as_decimal() / self.instrument.price_unit).to_integral_value())


class LifecycleMixin:
    """To be put before `Strategy` among the bases; `quotes` is what a strategy says besides.

    Where a strategy has `on_quote_tick`, `on_order_event` or `on_stop` of its own, it calls these.
    """

    venue: NautilusVenue
    driver: Driver

    def __init_subclass__(cls, **options: Any) -> None:
        """Check the order of the bases."""
        super().__init_subclass__(**options)
        check_first(cls, LifecycleMixin, "on_order_event")

    def quotes(self, market: Market) -> Quotes | None:
        """Return the wanted bids and asks; None: what rests stays as it is for now."""
        raise NotImplementedError("a strategy must say what it wants: define quotes(market)")

    def start_lifecycle(
        self,
        instrument_id: Any,
        *,
        config: Config = STABLE,
        capabilities: Capabilities = IN_PLACE,
        sinks: Sequence[Sink] = (),
        observers: Sequence[Sink] = (),
    ) -> None:
        """Begin; to be called in `on_start`, where the cache has the instrument.

        The manager decides every `timing.cycle_s`, and sooner where a level has lost its order.
        `sinks` take every record before anything is sent, a journal first.
        """
        check_config(config)
        strategy: Any = self
        self.venue = NautilusVenue(strategy, instrument_id, capabilities)
        self._session = new_session()
        manager = OrderManager(
            self.venue.instrument, config=config, capabilities=capabilities, session=self._session
        )
        refill = config.orders.refill_s
        refill_after = None if refill is None else seconds(refill)
        self.driver = Driver(manager, self.venue, sinks, observers=observers, refill=refill_after)
        self._cycle_every: Nanos = seconds(config.timing.cycle_s)
        self._cycle_due: Nanos = 0
        self._volatility = Volatility(config.smoothing)
        self._unplaced = Unplaced()
        self._tick: Any = None
        self._unseen_from: Nanos | None = self._now()
        self._is_busy = False
        now = self._now()
        self._busily(lambda: self.driver.start(now, self._session))
        strategy.clock.set_timer(
            TIMER, timedelta(seconds=min(TICK_S, config.timing.cycle_s)), callback=self._on_timer
        )

    def market(self) -> Market:
        """Return the touch as the last quote tick showed it."""
        tick = self._tick
        if tick is None:
            return Market(self._now(), None, None)
        venue = self.venue
        return Market(
            int(tick.ts_event),
            venue.units(tick.bid_price),
            venue.units(tick.ask_price),
            venue.lots(tick.bid_size),
            venue.lots(tick.ask_size),
        )

    @property
    def position(self) -> int:
        """Signed sum of the fills heard of, in lots."""
        return self.driver.manager.position

    # What Nautilus calls.

    def on_quote_tick(self, tick: Any) -> None:
        """Take the touch, and decide at once where that is due.

        Raises RuntimeError before `start_lifecycle`.
        """
        if not hasattr(self, "driver"):
            raise RuntimeError("start_lifecycle must be called in on_start, was not")
        self._tick = tick
        self._busily(self._look)

    def on_order_event(self, event: Any) -> None:
        """Take what is said of an order."""
        if hasattr(self, "venue"):
            self.venue.heard(event)
            self._busily(self._look)

    def on_stop(self) -> None:
        """Withdraw everything."""
        if hasattr(self, "driver"):
            self._busily(self._withdraw)

    # Inside.

    def _on_timer(self, _: Any) -> None:
        if self._tick is None and self._unseen_from is not None:
            unseen_for = self._now() - self._unseen_from
            if unseen_for >= UNSEEN_MAX:
                name, so_far = self.venue.instrument.symbol, unseen_for // SECOND
                self._warn(
                    f"no quote tick of {name} in {so_far} s, and nothing is placed before the "
                    f"first: call subscribe_quote_ticks"
                )
                self._unseen_from = None
        self._busily(self._look)

    def _busily(self, what: Callable[[], None]) -> None:
        """Do it, unless we are in the middle of something: Nautilus answers some calls at once."""
        if self._is_busy:
            return
        self._is_busy = True
        try:
            what()
            # What was said meanwhile, and the answers to what was asked because of it.
            for _ in range(2):
                self.driver.deliver(self._now())
        finally:
            self._is_busy = False

    def _look(self) -> None:
        now = self._now()
        self.driver.deliver(now)
        if self._tick is not None and self._volatility.is_due(now):
            self._volatility.see(self.market())
        if now >= self._cycle_due or self.driver.is_to_refill(now):
            if self._tick is None and not self.driver.manager.is_halted:
                return
            market = self.market()
            wanted = self.quotes(market)
            self._cycle_due = now + self._cycle_every
            if wanted is None:
                self.driver.skip(now)
            else:
                instrument = self.venue.instrument
                targets = targets_of(instrument, *both_of(wanted))
                plan = self.driver.cycle(now, targets, self._volatility.shown(market))
                for line in self._unplaced.news(plan, instrument):
                    self._warn(line)

    def _warn(self, what: str) -> None:
        strategy: Any = self
        strategy.log.warning(what)

    def _withdraw(self) -> None:
        now = self._now()
        self.driver.deliver(now)
        self.driver.halt(now, "the strategy has stopped")
        self.driver.cycle(now, NOTHING_WANTED, self.market())

    def _now(self) -> Nanos:
        strategy: Any = self
        return int(strategy.clock.timestamp_ns())
