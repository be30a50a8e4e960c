"""Quotes as people write them, made into targets: prices and sizes in the instrument's own units.

A quote is a pair of price and size, or a `Target`, which is in units already. A `Decimal`, a `str`
or an `int` is exact: it must be a whole number of price units or lots, and is refused otherwise. A
`float` is a computed number: it is read to twelve significant figures and then rounded the passive
way, bids down and asks up to a valid price, sizes down to whole lots.

A ladder may come in any order; it is sorted best first. Quotes that fall on one price are one, of
the sum of their sizes, and a quote of size 0 is none.
"""

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final, TypeAlias

from exchange.instrument import Instrument
from exchange.units import Price, Qty
from exchange.words import Side
from spec.trace import Target, Targets

Number: TypeAlias = Decimal | str | int | float
"""A price or a size; only a float is ever rounded."""
Quote: TypeAlias = Target | tuple[Number, Number]
"""Price and size of one wanted order."""

FIGURES: Final = 12
"""To which a float is read: what is beyond is noise of the arithmetic that made it."""


def both_of(told: Any) -> tuple[Iterable[Quote], Iterable[Quote]]:
    """Return bids and asks as a bot's `quotes` has returned them; raises TypeError for less."""
    try:
        bids, asks = told
    except (TypeError, ValueError):
        raise TypeError(f"quotes must return bids and asks, or None, was {told!r}") from None
    return bids, asks


def listed(quotes: Iterable[Quote]) -> tuple[Quote, ...]:
    """Return the quotes of a side; raises TypeError for what holds none."""
    try:
        each = iter(quotes)
    except TypeError:
        raise TypeError(f"quotes must be in a list, [] for none, was {quotes!r}") from None
    return tuple(each)


def targets_of(instrument: Instrument, bids: Iterable[Quote], asks: Iterable[Quote]) -> Targets:
    """Return targets for the quotes of both sides.

    Raises ValueError where a number is not finite, is negative, or is exact and not valid;
    TypeError for what is no quote.
    """
    return Targets(_side(instrument, bids, Side.BUY), _side(instrument, asks, Side.SELL))


def _side(instrument: Instrument, quotes: Iterable[Quote], side: Side) -> tuple[Target, ...]:
    sizes: dict[Price, Qty] = {}
    for quote in listed(quotes):
        if isinstance(quote, Target):
            price, qty = quote.price, quote.qty
        else:
            told: Any = quote
            # Of a text each letter would be a number.
            pair: Any = (told,) if isinstance(told, str) else told
            try:
                told_price, told_qty = pair
            except (TypeError, ValueError):
                what = f"a quote must be a price and a size, or a Target, was {quote!r}"
                raise TypeError(what) from None
            price, qty = price_of(instrument, told_price, side), qty_of(instrument, told_qty)
        if qty:
            sizes[price] = sizes.get(price, 0) + qty
    best_first = sorted(sizes, reverse=side is Side.BUY)
    return tuple(Target(price, sizes[price]) for price in best_first)


def price_of(instrument: Instrument, price: Number, side: Side) -> Price:
    """Return a price in units; raises ValueError as `targets_of`."""
    if not isinstance(price, float):
        units = instrument.price(Decimal(price) if isinstance(price, int) else price)
    else:
        away = ROUND_FLOOR if side is Side.BUY else ROUND_CEILING
        exact = _read(price, "price") / instrument.price_unit
        units = instrument.snap(int(exact.to_integral_value(rounding=away)), side)
    if units <= 0:
        raise ValueError(f"a price must be at least {instrument.price_unit}, was {price}")
    return units


def qty_of(instrument: Instrument, qty: Number) -> Qty:
    """Return a size in lots; raises ValueError as `targets_of`."""
    if not isinstance(qty, float):
        lots = instrument.qty(Decimal(qty) if isinstance(qty, int) else qty)
    else:
        lots = int((_read(qty, "size") / instrument.lot).to_integral_value(rounding=ROUND_FLOOR))
    if lots < 0:
        raise ValueError(f"a size must not be negative, was {qty}")
    return lots


def _read(value: float, what: str) -> Decimal:
    exact = Decimal(f"{value:.{FIGURES}g}")
    if not exact.is_finite():
        raise ValueError(f"{what} must be finite, was {value}")
    return exact
