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

MILLION = 1_000_000


class Rules(Struct, frozen=True, kw_only=True):
    """The limits and bands that a trace is judged by."""

    instrument: Instrument
    capabilities: Capabilities
    latch_bps: Fraction | None = None
    """Latch half-width; None: a share of the half-spread, clamped."""
    half_spread_share: Fraction = Fraction(3, 10)
    sigma_share: Fraction = Fraction(13, 20)
    latch_bps_min: Fraction = Fraction(3)
    latch_bps_max: Fraction = Fraction(10)
    queue_bonus: Fraction = Fraction(1, 2)
    adverse_factor: Fraction = Fraction(1)
    in_step: bool = False
    """Whether what is sent may go beside its target, inside the band."""
    level_factors: tuple[Fraction, ...] = (Fraction(1), Fraction(2), Fraction(3))
    stale_factor: Fraction = Fraction(2)
    stale_bps: Fraction | None = None
    size_latch: Fraction = Fraction(1, 5)
    modify_interval: Nanos = 500_000_000
    modify_bps: Fraction | None = None
    """How far a modify may go; None: any distance."""
    exposure_cap: Qty | None = None
    qty_max: Qty | None = None
    collar_bps: Fraction | None = None
    rate_max: int | None = None
    """Requests in any minute; cancels count, and are never held back."""
    rejects_max: int | None = None
    reject_pause: Nanos = 30_000_000_000
    market_stale: Nanos | None = None
    market_withdraw: Nanos | None = None
    adopts_foreign: bool = False
    """Whether what is not ours is taken over at the start."""
    cancels_foreign: bool = False
    """Whether that is to be cancelled."""
    session: str = ""
    """The prefix of cloids before the first start that names one."""
    quota_cap: int | None = None
    quota_used: int = 0
    cancel_cap: int | None = None
    quota_earns: Fraction = Fraction(0)
    """Requests, and cancels, that one unit of quote currency traded earns."""
    widest_factor: Fraction = Fraction(3)
    """By how much a low quota may widen the bands at most."""
    timeout: Nanos = 5_000_000_000
    retire: Nanos = 60_000_000_000
    reconcile: Nanos = 60_000_000_000
    post_only: bool = True
    grid_margin: Fraction = Fraction(1, 4)
    """By which share of a step a price may leave its cell and not move."""
    legacy: bool = False
    """The recorded behaviour, exempt from S4, S5 and the promises of patience."""

    def latch(self, targets: Targets, level: int, volatility: int = 0) -> Fraction:
        """Return the latch half-width of a level in bps, before quota, queue and direction.

        It ends where an order is stale: that one is acted on, whatever its latch would have been.
        `volatility` is that of one minute in millionths of a bp, 0 where not known.
        """
        base = self.latch_bps
        if base is None:
            base = self.sigma_share * volatility / MILLION
            if targets.bids and targets.asks:
                bid, ask = targets.bids[0].price, targets.asks[0].price
                half_spread = Fraction(10_000 * (ask - bid), ask + bid)
                base = max(base, half_spread * self.half_spread_share)
            base = min(max(base, self.latch_bps_min), self.latch_bps_max)
        latch = base * self.level_factors[min(level, len(self.level_factors) - 1)]
        return latch if self.stale_bps is None else min(latch, self.stale_bps)

    @property
    def stale_least(self) -> Fraction:
        """The narrowest stale half-width that any level can have, in bps."""
        if self.stale_bps is not None:
            return self.stale_bps
        base = self.latch_bps_min if self.latch_bps is None else self.latch_bps
        return base * min(self.level_factors) * self.stale_factor

    def stale(
        self,
        targets: Targets,
        level: int,
        volatility: int = 0,
        behind: Fraction = Fraction(0),
    ) -> Fraction:
        """Return the stale half-width of a level in bps, with the widest quota factor.

        `behind` is the share of its level that stands behind the order, 0 where not known.
        """
        if self.stale_bps is not None:
            return self.stale_bps
        widest = self.widest_factor * (1 + self.queue_bonus * behind)
        return self.latch(targets, level, volatility) * self.stale_factor * widest


def drift_bps(price: Price, target: Price) -> Fraction:
    """Return the distance of a price from its target, in bps of the target."""
    return Fraction(10_000 * abs(price - target), target)
