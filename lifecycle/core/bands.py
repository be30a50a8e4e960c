"""L4: how far an order may drift from its target before it costs a call.

All half-widths are computed once a cycle, in price units, from millionths of a basis point:
latch = clamp(the greater of a share of the half-spread and one of the volatility, least, most)
× level factor × quota factor × (1 + bonus × share of the queue that is behind the order). An order
more aggressive than wanted has the adverse factor besides. A drift equal to the half-width is
inside.
"""

from typing import Final

from exchange.market import Queue
from exchange.units import BPS, Price
from lifecycle.core.settings import MILLION, Settings
from spec.trace import Targets

_UNIT: Final = BPS * MILLION
"""Millionths of a basis point in the whole price."""


def base_latch(settings: Settings, targets: Targets, volatility: int) -> int:
    """Return the latch half-width before level, quota and queue, in millionths of a basis point.

    So is `volatility`, which is that of one minute, 0 where not known.
    """
    if settings.latch is not None:
        return settings.latch
    wanted = volatility * settings.sigma_share // MILLION
    if targets.bids and targets.asks:
        bid, ask = targets.bids[0].price, targets.asks[0].price
        half_spread = (ask - bid) * _UNIT // (ask + bid)
        wanted = max(wanted, half_spread * settings.half_spread_share // MILLION)
    return min(max(wanted, settings.latch_min), settings.latch_max)


def level_latch(settings: Settings, base: int, level: int, quota_factor: int) -> int:
    """Return the latch half-width of a level, in millionths of a basis point.

    `quota_factor` is in millionths, 1,000,000 where the quota does not widen anything.
    """
    factors = settings.level_factors
    factor = factors[level] if level < len(factors) else factors[-1]
    return base * factor * quota_factor // (MILLION * MILLION)


def level_latches(settings: Settings, base: int, levels: int, quota_factor: int) -> list[int]:
    """Return the latch half-width of so many levels, as `level_latch` does of one."""
    differ = min(levels, len(settings.level_factors))
    if quota_factor == MILLION:
        # The same, within a machine word.
        found = [base * settings.level_factors[level] // MILLION for level in range(differ)]
    else:
        found = [level_latch(settings, base, level, quota_factor) for level in range(differ)]
    # The last factor holds for all levels beyond.
    return found + found[-1:] * (levels - differ)


def level_bands(settings: Settings, latches: list[int], wanted: list[Price]) -> list[Price]:
    """Return how far an order may be from each wanted price, in price units.

    A stale order is not kept, however its latch has widened.
    """
    capped = settings.stale is not None or settings.stale_factor < MILLION
    bands: list[Price] = []
    for level, latch in enumerate(latches):
        width = min(latch, stale_band(settings, latch)) if capped else latch
        bands.append(width * wanted[level] // _UNIT)
    return bands


def queue_factor(settings: Settings, queue: Queue | None) -> int:
    """Return how much wider an order's band is for its place in the queue, in millionths.

    The place is scale-free: the share of the level that stands behind the order.
    """
    if queue is None or queue.behind <= 0:
        return MILLION
    return MILLION + settings.queue_bonus * queue.behind // (queue.ahead + queue.behind)


def stale_band(settings: Settings, latch: int) -> int:
    """Return the half-width beyond which an order is acted on whatever the soft quota says."""
    if settings.stale is not None:
        return settings.stale
    return latch * settings.stale_factor // MILLION


def in_units(band: int, price: Price) -> int:
    """Turn millionths of a basis point of `price` into whole price units, rounded down."""
    return band * price // _UNIT
