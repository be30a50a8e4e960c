"""Where a market maker wants to quote: distance from the mid, inventory skew, ladder of levels.

The distance is that of Guéant, Lehalle and Fernandez-Tapia ("Dealing with the inventory risk",
2013) in its simplest form, delta = (1/gamma)·ln(1 + gamma/kappa): kappa says how fast fills become
rare with distance, gamma how much risk is disliked. Both are taken in units of the price, so that
delta is a share of it.

Two steps, kept apart on purpose. `ladder` wants float prices; `rounded` makes the nearest valid
ones of them that are not more aggressive. Nothing here holds a price still: a grid is the order
manager's business.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, isfinite, log1p
from typing import Final

from exchange.instrument import Instrument
from exchange.units import BPS, Price, Qty
from exchange.words import Side
from spec.trace import Target, Targets

# Looking a member up in its enumeration takes longer than rounding to it.
_BUY: Final = Side.BUY
_SELL: Final = Side.SELL


@dataclass(frozen=True, slots=True)
class Ladder:
    """Wanted prices before rounding, in price units, best first on each side."""

    bids: tuple[float, ...]
    asks: tuple[float, ...]


def half_spread(gamma: float, kappa: float) -> float:
    """Return the distance of the best quotes from the mid, as a share of the price.

    For gamma much smaller than kappa this is 1/kappa: 8.55 bps at kappa = 1169.

    Raises:
        ValueError: gamma or kappa is not positive and finite.

    """
    for name, value in (("gamma", gamma), ("kappa", kappa)):
        if not (isfinite(value) and value > 0):
            raise ValueError(f"{name} must be positive and finite, was {value}")
    return log1p(gamma / kappa) / gamma


def ladder(
    mid: float, delta: float, inventory: float, *, skew_bps: float, levels: int, step_bps: float
) -> Ladder:
    """Return the wanted prices around `mid` (price units).

    `delta` is the half-spread as a share of the price. `inventory` is the position as a share of
    the most that is wanted, positive when long: both sides shift against it, by `skew_bps` when it
    is full, and a full inventory is not made fuller.
    """
    full = max(-1.0, min(1.0, inventory))
    centre = mid * (1 - full * skew_bps / BPS)
    distances = [delta + level * step_bps / BPS for level in range(levels)]
    bids = () if full >= 1 else tuple(centre * (1 - distance) for distance in distances)
    asks = () if full <= -1 else tuple(centre * (1 + distance) for distance in distances)
    return Ladder(bids, asks)


def rounded(wanted: Ladder, bid: Price, ask: Price, qty: Qty, instrument: Instrument) -> Targets:
    """Return the targets for a ladder beside the touch `bid`, `ask` that the bot has seen.

    Bids round down and asks up to valid prices. No bid reaches the best ask and no ask the best
    bid, so that a post-only order is not turned down; no two targets of a side share a price; our
    bids stay below our asks.
    """
    bids = [Target(price, qty) for price in _bids(wanted.bids, ask, instrument)]
    # With a wide touch our own bid may be what our ask must not reach.
    floor_of_asks = max(bid, bids[0].price) if bids else bid
    asks = [Target(price, qty) for price in _asks(wanted.asks, floor_of_asks, instrument)]
    return Targets(tuple(bids), tuple(asks))


def _bids(wanted: Iterable[float], above: Price, instrument: Instrument) -> Iterable[Price]:
    """Yield valid prices, each below the one before and the first below `above`."""
    for price in wanted:
        above = instrument.snap(min(floor(price), above - 1), _BUY)
        if above <= 0:
            return
        yield above


def _asks(wanted: Iterable[float], below: Price, instrument: Instrument) -> Iterable[Price]:
    """Yield valid prices, each above the one before and the first above `below`."""
    for price in wanted:
        below = instrument.snap(max(ceil(price), below + 1), _SELL)
        yield below
