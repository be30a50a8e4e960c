"""An instrument's integer arithmetic: units, valid prices and sizes, text in and out.

Two price rules are enough for the venues we know. A fixed tick, and Hyperliquid's: at most five
significant figures, and integers are always valid, so that the tick depends on the price
(Hyperliquid documentation, "Tick and lot size"). A price unit is the finest step that any price
may have; the tick at a price is a whole number of units.
"""

from bisect import bisect_right
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Final

from exchange.units import Price, Qty
from exchange.words import Side

PRICE_UNIT: Final = Decimal("0.1")
LOT: Final = Decimal("0.0001")
MIN_NOTIONAL: Final = Decimal(10)
DECADES_MAX: Final = 18
"""Decades of price above one unit for which ticks are tabulated; prices end long before."""


class Instrument:
    """What one market trades in, and which prices and sizes its venue accepts; never changed."""

    __slots__ = (
        "_starts",
        "_ticks",
        "lot",
        "min_notional",
        "min_notional_units",
        "price_unit",
        "significant_figures",
        "symbol",
    )

    def __init__(
        self,
        symbol: str,
        price_unit: Decimal = PRICE_UNIT,
        lot: Decimal = LOT,
        min_notional: Decimal = MIN_NOTIONAL,
        significant_figures: int = 0,
    ) -> None:
        """Check the values and tabulate the tick by decade of price.

        Raises ValueError, and TypeError for a step that is no Decimal: no float is exactly one.
        """
        _check_type("symbol", symbol, str, "a str")
        decimals = (("price_unit", price_unit), ("lot", lot), ("min_notional", min_notional))
        for name, value in decimals:
            _check_type(name, value, Decimal, 'a Decimal, as Decimal("0.1")')
        _check_type("significant_figures", significant_figures, int, "an int")
        for name, value in (("price_unit", price_unit), ("lot", lot)):
            if not value.is_finite() or value <= 0:
                raise ValueError(f"{name} must be positive, was {value}")
        if not min_notional.is_finite() or min_notional < 0:
            raise ValueError(f"min_notional must not be negative, was {min_notional}")
        if significant_figures < 0:
            raise ValueError(f"significant_figures must not be negative, was {significant_figures}")
        self.symbol = symbol
        self.price_unit = price_unit
        """The finest price step, in quote currency."""
        self.lot = lot
        """The finest size step, in base currency."""
        self.min_notional = min_notional
        """The least price × size of an order, in quote currency."""
        self.significant_figures = significant_figures
        """At most so many significant figures in a price, integers always valid; 0 = no such
        rule."""
        least = min_notional / (price_unit * lot)
        self.min_notional_units = int(least.to_integral_value(rounding=ROUND_CEILING))
        """`min_notional` in price units × lots."""
        self._starts, self._ticks = self._tabulate()

    def replaced(
        self,
        *,
        symbol: str | None = None,
        min_notional: Decimal | None = None,
        significant_figures: int | None = None,
    ) -> "Instrument":
        """Return one with other values; raises ValueError as the constructor does."""
        figures = self.significant_figures if significant_figures is None else significant_figures
        return Instrument(
            self.symbol if symbol is None else symbol,
            self.price_unit,
            self.lot,
            self.min_notional if min_notional is None else min_notional,
            figures,
        )

    @property
    def values(self) -> tuple[str, Decimal, Decimal, Decimal, int]:
        """What the constructor takes, in its order."""
        return (
            self.symbol,
            self.price_unit,
            self.lot,
            self.min_notional,
            self.significant_figures,
        )

    def __eq__(self, other: object) -> bool:
        """Say whether the other is an instrument of the same values."""
        return isinstance(other, Instrument) and self.values == other.values

    def __hash__(self) -> int:
        return hash(self.values)

    def __repr__(self) -> str:
        """Return the call that makes it."""
        symbol, price_unit, lot, min_notional, figures = self.values
        return (
            f"Instrument({symbol!r}, price_unit={price_unit!r}, lot={lot!r}, "
            f"min_notional={min_notional!r}, significant_figures={figures})"
        )

    def __reduce__(self) -> tuple[type["Instrument"], tuple[str, Decimal, Decimal, Decimal, int]]:
        """Have it pickled by its values: the compiled class knows no other way."""
        return Instrument, self.values

    def _tabulate(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the first price of each decade and the tick from there on, both in units."""
        if self.significant_figures == 0:
            return (), (1,)
        starts: list[int] = []
        ticks: list[int] = [1]
        # An integer price is valid however many figures it has: the tick is never coarser than 1.
        whole = max(1, int((Decimal(1) / self.price_unit).to_integral_value()))
        for exponent in range(-DECADES_MAX, DECADES_MAX):
            decade = Decimal(10) ** exponent
            start = int((decade / self.price_unit).to_integral_value(rounding=ROUND_CEILING))
            step = decade.scaleb(1 - self.significant_figures) / self.price_unit
            tick = min(whole, max(1, int(step)))
            if start >= 1 and tick != ticks[-1]:
                starts.append(start)
                ticks.append(tick)
        return tuple(starts), tuple(ticks)

    @property
    def has_one_tick(self) -> bool:
        """Whether every price of whole units is valid."""
        return not self._starts

    def tick(self, price: Price) -> int:
        """Return the least price step at `price`, in price units."""
        return self._ticks[bisect_right(self._starts, price)] if self._starts else 1

    def is_valid_price(self, price: Price) -> bool:
        """Say whether the venue accepts `price`."""
        return price > 0 and price % self.tick(price) == 0

    def is_valid_qty(self, qty: Qty) -> bool:
        """Say whether the venue accepts `qty`, notional apart."""
        return qty > 0

    def is_valid_notional(self, price: Price, qty: Qty) -> bool:
        """Say whether price × qty reaches the venue's minimum."""
        return price * qty >= self.min_notional_units

    def accepts(self, price: Price, qty: Qty) -> bool:
        """Say whether the venue accepts an order of this price and size."""
        return (
            price > 0
            and qty > 0
            and (not self._starts or price % self.tick(price) == 0)
            and price * qty >= self.min_notional_units
        )

    def snap(self, price: Price, side: Side) -> Price:
        """Return the nearest valid price that is not more aggressive: bids down, asks up."""
        if not self._starts:
            # Each unit is a tick.
            return price
        tick = self.tick(price)
        if side > 0:
            return price - price % tick
        return price + -price % tick

    def price(self, text: str | Decimal) -> Price:
        """Parse a price; raises ValueError where it is no whole number of units, or TypeError."""
        return self._whole(text, self.price_unit, "price")

    def qty(self, text: str | Decimal, name: str = "size") -> Qty:
        """Parse a size; raises ValueError where it is no whole number of lots, or TypeError.

        `name` is what it is called then, as the key of a configuration.
        """
        return self._whole(text, self.lot, name)

    def price_text(self, price: Price) -> str:
        """Write a price in quote currency, without exponent or trailing zeros of ours."""
        return f"{price * self.price_unit:f}"

    def qty_text(self, qty: Qty) -> str:
        """Write a size in base currency."""
        return f"{qty * self.lot:f}"

    @staticmethod
    def _whole(text: str | Decimal, unit: Decimal, what: str) -> int:
        # A number of numpy is one to nobody else: int(…) or str(…) makes it one.
        _check_type(what, text, (str, Decimal, int, float), "a str, a Decimal or an int")
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise ValueError(f"{what} must be a number, was {text!r}") from None
        if not value.is_finite():
            raise ValueError(f"{what} must be finite, was {text}")
        count = value / unit
        whole = int(count.to_integral_value())
        if whole != count:
            raise ValueError(f"{what} must be a multiple of {unit}, was {value}")
        return whole


def _check_type(name: str, value: object, kinds: type | tuple[type, ...], what: str) -> None:
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise TypeError(f"{name} must be {what}, was {value!r}")
