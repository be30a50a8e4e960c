"""What a run shows while it runs, and what it has to say at the end: plain values, no rendering.

`Frame` is everything that a view may know; `Summary` is what `--json` prints and the table of
before and after compares.
"""

from typing import TypeAlias

from msgspec import Struct

from exchange.units import Nanos
from exchange.words import Side
from lifecycle.core.window import Window

Minute: TypeAlias = tuple[int, float | None, float | None, float | None, int]
"""One minute of a run: its end in seconds, presence of bids and of asks, RMS staleness in bps, and
calls; None where it had no cycle."""


class OrderRow(Struct, frozen=True):
    """One order, as text is made of it; prices are in quote currency."""

    lane: int
    """The row that this order keeps while it lives: its place on the screen."""
    cloid: str
    state: str
    side: Side
    level: int
    price: str
    target: str
    """Empty where no target wants it."""
    qty: str
    filled: str
    drift_bps: float
    """Signed: positive is more aggressive than wanted."""
    band_bps: float
    ahead: str
    """Quantity before us at our price; empty where not known."""
    age_s: float
    why: str
    """Action and reason of the last decision."""


class Presence(Struct, frozen=True):
    """Share of cycles after warm-up in which a side had as many resting orders as wanted."""

    bid: float
    ask: float


class Summary(Struct, frozen=True):
    """One policy's run in numbers. Shares are 0…1; None where there is nothing to divide by."""

    policy: str
    market: str
    seconds: float
    """Run time, warm-up included."""
    cycles: int
    """After warm-up."""
    rows: int
    """Market rows replayed."""
    placed: int
    modified: int
    cancelled: int
    """Cancels sent, not unsolicited cancellations."""
    rejected: int
    fills: int
    """Number of fills."""
    filled_qty: str
    calls: int
    """Places, modifies and cancels sent."""
    calls_per_minute: float
    """Over the time after warm-up."""
    cancels_per_cycle: float
    modify_share: float | None
    """Modifies among the actions that change a resting order: modifies and cancels."""
    queue_kept: float | None
    """Share of order-cycles in which a resting order was left alone."""
    zero_action: float
    """Share of cycles that sent nothing."""
    cancel_fill: float | None
    """Cancels sent per fill; None where cancels were sent and nothing filled (infinite), 0 where
    nothing was cancelled."""
    presence: Presence
    staleness_rms_bps: float | None
    """Root mean square distance between resting and wanted price, over order-cycles."""
    staleness_limit_bps: float | None
    """Half the latch band, averaged over the same order-cycles."""
    markout_5s_bps: float | None
    """Mean over fills: how far the mid moved in our favour (positive) within 5 s of the fill,
    in bps of the fill price, from the fill price."""
    position: str
    kept: dict[str, int]
    """Order-cycles by the reason of their decision."""
    timeline: list[tuple[int, int, int, int]]
    """Each minute: (seconds, placed, cancelled, filled so far)."""
    kept_by: dict[str, int] = {}
    """Order-cycles by the cause that left the order alone (`lifecycle.core.churn.Cause`)."""
    suppressed: dict[str, int] = {}
    """Changes that the smoother held back, by parameter."""
    alerts: list[str] = []
    """The alarms that began or ended, each with its time: spirals and absences."""
    violations: int = 0
    """How often an invariant was broken."""
    broken: list[str] = []
    """The first of these, one line each."""
    series: list[Minute] = []
    """The minutes up to the last cycle's, each by itself."""


class Frame(Struct, frozen=True):
    """One moment of a run."""

    policy: str
    market: str
    now: Nanos
    """Since the start of the run."""
    end: Nanos
    warm: bool
    mid: str
    spread_bps: float
    orders: tuple[OrderRow, ...]
    position: str
    exposure_long: str
    exposure_short: str
    headroom: float
    """Unused share of the request quota, 1 where there is no limit."""
    requests_used: int
    request_cap: int | None
    calls_last_minute: int
    reports: tuple[str, ...]
    """The last few reports, newest last, one line each."""
    summary: Summary
    """So far."""
    horizon_h: float | None = None
    """Hours until the request quota is empty at the present burn; None where that is not in
    sight."""
    cycle_line: str = ""
    """What the last cycle did; empty before the first."""
    window_line: str = ""
    """How the last cycles stand."""
    window: Window | None = None
    """The same in numbers; None before the first cycle."""
    alerts: tuple[str, ...] = ()
    """The alarms that are on."""
    recovery: tuple[str, ...] = ()
    """What the run was restored from, in words; empty where it began afresh."""
