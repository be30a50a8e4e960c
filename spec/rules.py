"""What the order manager of a trace was told to keep to: the numbers that invariants need.

These are the promises in the units of the trace, as fractions where the configuration has
decimals, so that a predicate computes exactly and shares no arithmetic with the core.
"""

from fractions import Fraction

from msgspec import Struct

from exchange.instrument import Instrument
from exchange.units import Nanos, Price, Qty
from exchange.venue import Capabilities
from spec.trace import Targets


class Rules(Struct, frozen=True, kw_only=True):
    """The limits and bands that a trace is judged by."""

    instrument: Instrument
    capabilities: Capabilities
    latch_bps: Fraction | None = None
    """Latch half-width; None: a share of the half-spread, clamped."""
    half_spread_share: Fraction = Fraction(3, 10)
    latch_bps_min: Fraction = Fraction(3)
    latch_bps_max: Fraction = Fraction(10)
    level_factors: tuple[Fraction, ...] = (Fraction(1), Fraction(2), Fraction(3))
    stale_factor: Fraction = Fraction(2)
    stale_bps: Fraction | None = None
    size_latch: Fraction = Fraction(1, 5)
    modify_interval: Nanos = 500_000_000
    exposure_cap: Qty | None = None
    quota_cap: int | None = None
    quota_used: int = 0
    cancel_cap: int | None = None
    widest_factor: Fraction = Fraction(3)
    """By how much a low quota may widen the bands at most."""
    timeout: Nanos = 5_000_000_000
    retire: Nanos = 60_000_000_000
    reconcile: Nanos = 60_000_000_000
    post_only: bool = True
    legacy: bool = False
    """The recorded behaviour, exempt from S4, S5 and the promises of patience."""

    def latch(self, targets: Targets, level: int) -> Fraction:
        """Return the latch half-width of a level in bps, before any widening by quota."""
        base = self.latch_bps
        if base is None:
            base = self.latch_bps_min
            if targets.bids and targets.asks:
                bid, ask = targets.bids[0].price, targets.asks[0].price
                half_spread = Fraction(10_000 * (ask - bid), ask + bid)
                base = half_spread * self.half_spread_share
                base = min(max(base, self.latch_bps_min), self.latch_bps_max)
        return base * self.level_factors[min(level, len(self.level_factors) - 1)]

    def stale(self, targets: Targets, level: int) -> Fraction:
        """Return the stale half-width of a level in bps, with the widest quota factor."""
        if self.stale_bps is not None:
            return self.stale_bps
        return self.latch(targets, level) * self.stale_factor * self.widest_factor


def drift_bps(price: Price, target: Price) -> Fraction:
    """Return the distance of a price from its target, in bps of the target."""
    return Fraction(10_000 * abs(price - target), target)
