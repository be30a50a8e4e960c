"""What the hummingbot drop-in touches of hummingbot, on the paper venue, for where it is not there.

Names and fields are those of hummingbot's own events, candidates and tracked orders (20260922);
`test_hummingbot` holds them against the real ones where hummingbot is installed, and
`test_hummingbot_package` runs the drop-in in hummingbot itself.
"""

import enum
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Any, Final, NamedTuple

from exchange.commands import Cancel, Place
from exchange.paper.venue import PaperVenue
from exchange.reports import Accepted, Cancelled, Fill, Rejected
from exchange.units import SECOND
from exchange.words import Side


class TradeType(enum.Enum):
    """hummingbot's sides."""

    BUY = 1
    SELL = 2


class OrderState(enum.Enum):
    """hummingbot's states, those that it goes through here."""

    PENDING_CREATE = 0
    OPEN = 1
    PENDING_CANCEL = 2


class OrderType(enum.Enum):
    """hummingbot's order types, the ones used."""

    LIMIT = 2
    LIMIT_MAKER = 3


@dataclass
class BuyOrderCreatedEvent:
    """As hummingbot's; the one of a sell has the same fields."""

    timestamp: float
    type: OrderType
    trading_pair: str
    amount: Decimal
    price: Decimal
    order_id: str
    creation_timestamp: float
    exchange_order_id: str | None = None
    leverage: int | None = 1
    position: str | None = "NIL"


class SellOrderCreatedEvent(BuyOrderCreatedEvent):
    """As hummingbot's."""


class OrderFilledEvent(NamedTuple):
    """As hummingbot's."""

    timestamp: float
    order_id: str
    trading_pair: str
    trade_type: TradeType
    order_type: OrderType
    price: Decimal
    amount: Decimal
    trade_fee: Any
    exchange_trade_id: str = ""
    exchange_order_id: str = ""
    leverage: int | None = 1
    position: str | None = "NIL"


class MarketOrderFailureEvent(NamedTuple):
    """As hummingbot's."""

    timestamp: float
    order_id: str
    order_type: OrderType
    error_message: str | None = None
    error_type: str | None = None


@dataclass
class OrderCancelledEvent:
    """As hummingbot's."""

    timestamp: float
    order_id: str
    exchange_order_id: str | None = None


class OrderExpiredEvent(NamedTuple):
    """As hummingbot's."""

    timestamp: float
    order_id: str


@dataclass
class OrderCandidate:
    """What a proposal is made of: the fields that are read."""

    trading_pair: str
    order_side: TradeType
    amount: Decimal
    price: Decimal


@dataclass
class InFlightOrder:
    """What a connector tracks: the fields that are read."""

    client_order_id: str
    trading_pair: str
    trade_type: TradeType
    price: Decimal
    amount: Decimal
    executed_amount_base: Decimal = Decimal(0)
    current_state: OrderState = OrderState.PENDING_CREATE


@dataclass
class TradingRule:
    """A pair's steps: the fields that are read."""

    min_price_increment: Decimal
    min_base_amount_increment: Decimal
    min_notional_size: Decimal
    min_order_size: Decimal = Decimal(0)


PAIR: Final = "ETH-USD"
NAME: Final = "paper"


class Connector:
    """A connector that trades at the paper venue, and calls a strategy's handlers."""

    name = NAME
    order_types: tuple[OrderType, ...] = (OrderType.LIMIT, OrderType.LIMIT_MAKER)

    def __init__(self, venue: PaperVenue) -> None:
        unit = venue.instrument
        self.venue: Final = venue
        self.trading_rules: Final = {
            PAIR: TradingRule(unit.price_unit, unit.lot, unit.min_notional)
        }
        self.in_flight_orders: Final[dict[str, InFlightOrder]] = {}
        self.fills: Final[list[Fill]] = []
        self.loses: set[int] = set()
        """By their numbers, the places whose creation fails though they have arrived."""
        self.now = 0
        self._oids: Final[dict[str, str]] = {}
        self._numbers: Final = count(1)
        self._calls: Final = count(1)

    def get_price(self, _: str, is_buy: bool) -> Decimal:
        """Return the best ask, or bid."""
        market = self.venue.market(self.now)
        price = market.ask if is_buy else market.bid
        return Decimal("NaN") if price is None else price * self.venue.instrument.price_unit

    def supported_order_types(self) -> tuple[OrderType, ...]:
        """Return what a place may be sent as."""
        return self.order_types

    def get_maker_order_type(self) -> OrderType:
        """Return the type for quotes."""
        return self.order_types[-1]

    def get_order_price_quantum(self, pair: str, _: Decimal) -> Decimal:
        """Return the price step."""
        return self.trading_rules[pair].min_price_increment

    def get_order_size_quantum(self, pair: str, _: Decimal) -> Decimal:
        """Return the size step."""
        return self.trading_rules[pair].min_base_amount_increment

    def quantize_order_price(self, pair: str, price: Decimal) -> Decimal:
        """Return a price as it would be sent."""
        step = self.trading_rules[pair].min_price_increment
        return price // step * step

    def place(self, side: TradeType, amount: Decimal, price: Decimal) -> str:
        """Begin to create an order; return its id."""
        number, unit = next(self._numbers), self.venue.instrument
        name = f"hb{number:08d}"
        self.in_flight_orders[name] = InFlightOrder(name, PAIR, side, price, amount)
        ours = Side.BUY if side is TradeType.BUY else Side.SELL
        what = (unit.price(price), unit.qty(amount), True, False, 0)
        self.venue.submit((Place(next(self._calls), name, ours, *what),), self.now)
        return name

    def cancel(self, pair: str, name: str) -> None:
        """Begin to cancel an order, if it is tracked."""
        assert pair == PAIR, "the only one"
        order = self.in_flight_orders.get(name)
        if order is not None:
            order.current_state = OrderState.PENDING_CANCEL
            oid = self._oids.get(name)
            self.venue.submit((Cancel(next(self._calls), name, oid, 0),), self.now)

    def tick(self, now: int, strategy: Any) -> None:
        """Let time pass: what has been said becomes events."""
        self.now = now
        for received in self.venue.poll(now):
            self._tell(received.report, now / SECOND, strategy)

    def _tell(self, report: Any, at: float, strategy: Any) -> None:
        match report:
            case Accepted(cloid=cloid, oid=oid):
                self._accepted(cloid, oid, at, strategy)
            case Rejected(cloid=cloid, reason=why):
                self.in_flight_orders.pop(cloid, None)
                failed = MarketOrderFailureEvent(at, cloid, OrderType.LIMIT_MAKER, why)
                strategy.did_fail_order(failed)
            case Cancelled(cloid=cloid) if cloid is not None:
                if self.in_flight_orders.pop(cloid, None) is not None:
                    strategy.did_cancel_order(OrderCancelledEvent(at, cloid))
            case Fill(cloid=cloid) if cloid is not None:
                self._filled(report, cloid, at, strategy)
            case _:
                pass

    def _accepted(self, name: str, oid: str, at: float, strategy: Any) -> None:
        self._oids[name] = oid
        order = self.in_flight_orders.get(name)
        if order is None or order.current_state is not OrderState.PENDING_CREATE:
            return
        if int(name[2:]) in self.loses:
            # As where the answer was lost: hummingbot gives the order up, and it rests.
            del self.in_flight_orders[name]
            strategy.did_fail_order(MarketOrderFailureEvent(at, name, OrderType.LIMIT_MAKER))
            return
        order.current_state = OrderState.OPEN
        what = (at, OrderType.LIMIT_MAKER, PAIR, order.amount, order.price, name, at, oid)
        if order.trade_type is TradeType.BUY:
            strategy.did_create_buy_order(BuyOrderCreatedEvent(*what))
        else:
            strategy.did_create_sell_order(SellOrderCreatedEvent(*what))

    def _filled(self, fill: Fill, name: str, at: float, strategy: Any) -> None:
        self.fills.append(fill)
        unit = self.venue.instrument
        side = TradeType.BUY if fill.side is Side.BUY else TradeType.SELL
        amount, price = fill.qty * unit.lot, fill.price * unit.price_unit
        order = self.in_flight_orders.get(name)
        if order is not None:
            order.executed_amount_base += amount
            if order.executed_amount_base >= order.amount:
                del self.in_flight_orders[name]
        what = (at, name, PAIR, side, OrderType.LIMIT_MAKER, price, amount, None, fill.trade_id)
        strategy.did_fill_order(OrderFilledEvent(*what))


class StrategyBase:
    """What a strategy has of hummingbot's bases: the two calls, and the time of the tick."""

    def __init__(self, connector: Connector) -> None:
        self.connectors: Final = {NAME: connector}
        self.current_timestamp = 0.0

    def buy(self, name: str, _: str, amount: Decimal, order_type: OrderType, price: Decimal) -> str:
        """Place a bid; return its client order id."""
        assert order_type is OrderType.LIMIT_MAKER, "what it was told to use"
        return self.connectors[name].place(TradeType.BUY, amount, price)

    def sell(
        self, name: str, _: str, amount: Decimal, order_type: OrderType, price: Decimal
    ) -> str:
        """Place an ask; return its client order id."""
        assert order_type is OrderType.LIMIT_MAKER, "what it was told to use"
        return self.connectors[name].place(TradeType.SELL, amount, price)

    def did_fill_order(self, event: OrderFilledEvent) -> None:
        """Do nothing, as hummingbot's."""
