"""What ccxt says, in our words: markets, orders, fills and books. Numbers are read exactly.

ccxt's numbers are floats unless it is told otherwise; the shortest text of a float is what the
venue has sent, as long as that had no more than fifteen figures, so it is read by that. Sizes of
contracts are counted in contracts there and in base currency here.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from exchange.hyperliquid.codec_cloids import from_wire, is_sent, to_wire
from exchange.hyperliquid.wire_info import BookLevel, L2Book
from exchange.instrument import Instrument
from exchange.reports import Fill, OpenOrder
from exchange.units import Nanos, Price, Qty
from exchange.words import CancelReason, Cloid, Side, Status
from lifecycle.dropin.ccxt_dialects import Cloids, Dialect

Told = Mapping[str, Any]
"""A structure of ccxt's."""

DECIMAL_PLACES: Final = 2
TICK_SIZE: Final = 4
"""ccxt's own numbers for how it states precision."""
LEVELS: Final = 20

STATUSES: Final[dict[str, Status]] = {
    "open": Status.OPEN,
    "canceling": Status.OPEN,
    "closed": Status.FILLED,
    "canceled": Status.CANCELLED,
    "expired": Status.CANCELLED,
    "rejected": Status.REJECTED,
}
"""ccxt's words for an order; any other says nothing."""
ENDED: Final[dict[str, CancelReason]] = {
    "canceled": CancelReason.USER,
    "expired": CancelReason.EXPIRED,
}


def exact(value: object) -> Decimal | None:
    """Return a number of ccxt's, None where it states none; raises ValueError for any other."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float | str):
        raise ValueError(f"a number must be a number, was {value!r}")  # noqa: TRY004 - the venue's
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError(f"a number must be finite, was {value!r}")
    return number


class Reader:
    """Reads for one market of one venue."""

    def __init__(self, dialect: Dialect, market: Told, precision_mode: int) -> None:
        """Learn the market's units.

        Raises ValueError for a market that is not linear: what it trades is no base currency.
        """
        if market.get("inverse"):
            raise ValueError(f"a market must be spot or linear, was inverse: {market['symbol']}")
        self._dialect: Final = dialect
        self.symbol: Final = str(market["symbol"])
        self._contract: Final = _contract_of(market)
        self.instrument: Final = self._instrument(market, precision_mode)

    def _instrument(self, market: Told, mode: int) -> Instrument:
        dialect = self._dialect
        lot = _step(market["precision"].get("amount"), mode, "amount")
        if dialect.significant_figures:
            # Sizes and prices share a number of decimals; what ccxt calls a tick is today's.
            size_decimals = max(0, -int(lot.normalize().as_tuple().exponent))
            decimals = dialect.figures_decimals + (2 if market.get("spot") else 0)
            unit = Decimal(1).scaleb(size_decimals - decimals)
        else:
            unit = _step(market["precision"].get("price"), mode, "price")
        least = exact(market.get("limits", {}).get("cost", {}).get("min"))
        return Instrument(
            self.symbol,
            unit,
            lot * self._contract,
            Decimal(dialect.min_notional) if least is None else least,
            dialect.significant_figures,
        )

    # Out.

    def price(self, price: Price) -> float:
        """Return a price as ccxt takes it."""
        return float(price * self.instrument.price_unit)

    def amount(self, qty: Qty) -> float:
        """Return a size as ccxt takes it."""
        return float(qty * self.instrument.lot / self._contract)

    def client_id(self, cloid: Cloid) -> str | None:
        """Return what the venue calls an order of ours; None where it has no name of ours."""
        if not is_sent(cloid):
            return None
        return to_wire(cloid) if self._dialect.cloids is Cloids.HEX_128 else cloid

    # In.

    def cloid(self, order: Told) -> Cloid | None:
        """Return what we call an order that ccxt tells of; None where it has no name."""
        return self._cloid(order.get("clientOrderId"))

    def _cloid(self, text: object) -> Cloid | None:
        if not isinstance(text, str) or not text:
            return None
        return from_wire(text) if self._dialect.cloids is Cloids.HEX_128 else text

    def row(self, order: Told, cloid: Cloid | None) -> OpenOrder:
        """Return a row of the open orders; raises ValueError where it lacks what it must have."""
        amount, filled = exact(order.get("amount")), exact(order.get("filled"))
        left = exact(order.get("remaining"))
        if left is None and amount is not None:
            left = amount - (filled or 0)
        price = exact(order.get("price"))
        if price is None or left is None or order.get("id") is None:
            raise ValueError(f"an open order must have id, price and size, was {dict(order)}")
        return OpenOrder(
            str(order["id"]), cloid, side_of(order), self._units(price), self._lots(left)
        )

    def fill(self, trade: Told, heard: Nanos) -> Fill | None:
        """Return a fill; None of one that names no order."""
        price, amount = exact(trade.get("price")), exact(trade.get("amount"))
        oid = trade.get("order")
        if oid is None or price is None or amount is None:
            return None
        name = trade.get("id") or f"{trade.get('timestamp')}:{price}:{amount}"
        info = trade.get("info")
        key = self._dialect.fill_cloid
        cloid = self._cloid(info.get(key)) if key and isinstance(info, Mapping) else None
        qty = self._lots(amount)
        if qty <= 0:
            return None
        return Fill(heard, cloid, str(oid), qty, self._units(price), str(name), side_of(trade))

    def status(self, order: Told) -> tuple[Status, Qty | None] | None:
        """Return what is said of an order, and how much of its leg has filled; None: unclear."""
        status = STATUSES.get(str(order.get("status")))
        if status is None:
            return None
        filled, left = exact(order.get("filled")), exact(order.get("remaining"))
        if status is Status.FILLED and left is not None and left > 0:
            # "closed" is said of what was cancelled in part, by some.
            status = Status.CANCELLED
        return status, None if filled is None else self._lots(filled)

    def shows(self, order: Told, price: Price, qty: Qty) -> bool:
        """Say whether an order is of this price and total size."""
        told_price, told_amount = exact(order.get("price")), exact(order.get("amount"))
        if told_price is None or told_amount is None:
            return False
        return (self._units(told_price), self._lots(told_amount)) == (price, qty)

    def book(self, book: Told, time_ms: int) -> L2Book:
        """Return a book, sizes in base currency."""
        return L2Book(self.symbol, time_ms, (self._side(book["bids"]), self._side(book["asks"])))

    def _side(self, levels: Sequence[Sequence[Any]]) -> list[BookLevel]:
        contract = self._contract
        return [
            BookLevel(str(level[0]), str(Decimal(str(level[1])) * contract))
            for level in levels[:LEVELS]
        ]

    def _units(self, price: Decimal) -> Price:
        # An average of several fills is off the grid.
        return int((price / self.instrument.price_unit).to_integral_value())

    def _lots(self, amount: Decimal) -> Qty:
        lots = amount * self._contract / self.instrument.lot
        whole = int(lots.to_integral_value())
        if abs(lots - whole) > Decimal("1e-6"):
            raise ValueError(f"a size must be a multiple of {self.instrument.lot}, was {amount}")
        return whole


def side_of(told: Told) -> Side:
    """Return a side; raises ValueError where none is told."""
    side = told.get("side")
    if side not in ("buy", "sell"):
        raise ValueError(f"side must be buy or sell, was {side!r}")
    return Side.BUY if side == "buy" else Side.SELL


def _contract_of(market: Told) -> Decimal:
    size = exact(market.get("contractSize")) if market.get("contract") else None
    return Decimal(1) if size is None else size


def _step(precision: object, mode: int, what: str) -> Decimal:
    number = exact(precision)
    if number is None or mode not in (DECIMAL_PLACES, TICK_SIZE):
        raise ValueError(f"the precision of {what} must be a step or decimals, was {precision!r}")
    return number if mode == TICK_SIZE else Decimal(1).scaleb(-int(number))
