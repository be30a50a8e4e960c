"""The numbers that one cycle decided about one order by, as the core computes them.

They are computed anew with the functions of `lifecycle.core.bands`, from the manager's own settings
and the market that it decided with, and come to the band that stands in the decision.
"""

from msgspec import Struct

from exchange.instrument import Instrument
from exchange.market import Queue
from exchange.units import BPS, Nanos, Price, Qty
from lifecycle.core import bands
from lifecycle.core.settings import MILLION, Settings
from spec.trace import Decision, Targets


class Circumstances(Struct, frozen=True):
    """What a cycle found, beside its targets."""

    volatility: int
    """Of one minute, in millionths of a basis point."""
    quota_factor: int
    """By how much the quota widens the bands, in millionths."""
    headroom: int
    """In millionths."""


class Numbers(Struct, frozen=True, kw_only=True):
    """Drift, band and their parts; basis points are of the target's price."""

    drift: Price
    """Our price less the wanted one, in price units."""
    drift_bps: float
    drift_ticks: float
    is_adverse: bool
    """More aggressive than wanted."""
    band: Price
    """The latch half-width that applied, in price units."""
    band_bps: float
    """Before it is rounded down to price units."""
    base_bps: float
    level_factor: float
    quota_factor: float
    queue_factor: float
    adverse_factor: float
    """1 where the drift is not adverse."""
    stale: Price
    stale_bps: float
    ahead: Qty | None
    """None where its place in the queue is not known."""
    behind: Qty | None
    headroom: float
    interval_left: Nanos
    """Until its next modify may be sent, 0 if it may now."""
    qty: Qty
    target_qty: Qty


def numbers(
    decision: Decision,
    wanted: Targets,
    found: Circumstances,
    queue: Queue | None,
    interval_left: Nanos,
    settings: Settings,
    instrument: Instrument,
) -> Numbers | None:
    """Return the numbers of a decision; None where no target wants the order."""
    if decision.level < 0 or decision.cloid is None or not decision.target:
        return None
    drift, target = decision.price - decision.target, decision.target
    is_adverse = drift * decision.side > 0
    base = bands.base_latch(settings, wanted, found.volatility)
    latch = bands.level_latch(settings, base, decision.level, found.quota_factor)
    of_queue = bands.queue_factor(settings, queue)
    width = latch * of_queue // MILLION
    if is_adverse:
        width = width * settings.adverse_factor // MILLION
    stale = bands.stale_band(settings, width)
    factors = settings.level_factors
    return Numbers(
        drift=drift,
        drift_bps=drift * BPS / target,
        drift_ticks=drift / instrument.tick(target),
        is_adverse=is_adverse,
        band=bands.in_units(min(width, stale), target),
        band_bps=min(width, stale) / MILLION,
        base_bps=base / MILLION,
        level_factor=factors[min(decision.level, len(factors) - 1)] / MILLION,
        quota_factor=found.quota_factor / MILLION,
        queue_factor=of_queue / MILLION,
        adverse_factor=settings.adverse_factor / MILLION if is_adverse else 1.0,
        stale=bands.in_units(stale, target),
        stale_bps=stale / MILLION,
        ahead=None if queue is None else queue.ahead,
        behind=None if queue is None else queue.behind,
        headroom=found.headroom / MILLION,
        interval_left=interval_left,
        qty=decision.qty,
        target_qty=decision.target_qty,
    )
