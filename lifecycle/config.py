"""The configuration: one table a layer, every default documented where it stands.

These are plain values; `lifecycle.core.settings` turns them into the integers that decisions are
made with, `lifecycle.cli.configuration` reads them from TOML and names the line of an error.
"""

from decimal import Decimal
from typing import Literal

from msgspec import Struct


class SmoothingConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """L1: each parameter's EMA, and a deadband against the last value that was emitted."""

    enabled: bool = True
    """Off: parameters go to the quoter as they are."""
    kappa_alpha: float = 0.10
    """Weight of the newest sample. Kappa is the noisiest estimate of all, hence the slowest."""
    kappa_deadband: float = 0.05
    """Relative change below which the last emitted value stays. Kappa sets the half-spread almost
    in inverse proportion: 5 % of it is less than half a basis point at the usual 8.5."""
    sigma_alpha: float = 0.15
    """As `kappa_alpha`, of the volatility."""
    sigma_deadband: float = 0.03
    """As `kappa_deadband`, of the volatility."""
    gamma_alpha: float = 0.20
    """As `kappa_alpha`, of the risk aversion."""
    gamma_deadband: float = 0.03
    """As `kappa_deadband`, of the risk aversion."""
    size_alpha: float = 0.20
    """As `kappa_alpha`, of the size of a quote."""
    size_deadband: float = 0.10
    """A size taken from a balance moves with our own resting orders, which makes a loop."""
    cooldown_cycles: int = 3
    """A regime change resets; another one within so many cycles is not heeded."""
    ramp_cycles: int = 5
    """Cycles after a reset over which the weights come back from 1."""


class GridConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """L2: an absolute price lattice, so that a difference below its step is no new price."""

    enabled: bool = True
    """Off: the targets' prices are taken as they are."""
    min_ticks: int = 2
    """The step is never below so many ticks."""
    sigma_divisor: float = 16.0
    """The step is the volatility of one minute divided by this; larger is finer. Under bands a
    coarser grid saves no more calls, and half a step is staleness on every order."""
    pressure: float = 2.0
    """With no quota left the step is wider by so many times itself, linear in the headroom."""
    margin: float = 0.25
    """A price must leave its cell by this share of a step to move, or it flips on a border."""
    hold: float = 0.5
    """The step changes only when the wanted one differs from it by more than this share."""


class BandsConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """L4: how far an order may drift from its target before it costs a call."""

    enabled: bool = True
    """Off: an order that is not at its target's price and size is acted on."""
    latch_bps: float | None = None
    """The latch half-width; None takes it from the half-spread of the targets (next four)."""
    half_spread_share: float = 0.3
    """Latch as a share of the half-spread: wider quotes can afford more drift."""
    sigma_share: float = 0.65
    """Latch as a share of the volatility of one minute, where that is known and gives more: calls
    go with the square of volatility over band, so the same share costs the same in any market."""
    latch_bps_min: float = 3.0
    """The latch is never narrower than this, before level, queue and quota widen it."""
    latch_bps_max: float = 10.0
    """Nor wider than this, before level, queue and quota widen it."""
    queue_bonus: float = 0.5
    """At the very front of its queue an order's latch is wider by this share of itself."""
    adverse_factor: float = 1.0
    """The latch of an order more aggressive than wanted, as a share of the usual one: such an
    order is the one that is picked off."""
    level_factors: tuple[float, ...] = (1.0, 2.0, 3.0)
    """The latch is multiplied by level, the last factor holds for all levels beyond."""
    in_step: bool = True
    """What is sent goes not to its target but as far beside it as the ladder that is kept has
    drifted, inside the band: the rungs stay as far apart as wanted, and when all of it has to move
    by one, that is one call again. Off, or without a ladder: to the target."""
    stale_factor: float = 2.0
    """The stale band as a multiple of the latch."""
    stale_bps: float | None = None
    """The stale half-width; None takes `stale_factor`."""
    size: float = 0.20
    """Size latch: a size change up to this share of what remains is not worth a call."""


class ModifyConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """L3: one modify instead of a cancel and a place."""

    enabled: bool = True
    """Off: an order that is acted on is cancelled and placed again."""
    min_interval_ms: int = 500
    """The least time between two modifies, counted from sending; a modify that is wanted
    earlier is debounced: the order rests and is retried."""
    max_bps: float | None = None
    """Beyond this drift cancel and place; None modifies at any distance."""
    scope: Literal["order", "global"] = "order"
    """Whose last modify the interval counts from. `global` is the legacy policy's fault."""
    gated: Literal["retry", "drop"] = "retry"
    """What becomes of a modify inside the interval. `drop` is the legacy policy's fault: the
    next cycle sees a larger drift and pays for a cancel and a place."""


class QuotaConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """L5: the request ledgers. Without a cap there is no limit."""

    enabled: bool = True
    """Off: nothing is saved up, only the ledgers' hard end is kept to."""
    cap: int | None = None
    """Requests that the venue grants. None: no limit, and nothing to save up."""
    used: int = 0
    """Of these, used before we start."""
    cancel_cap: int | None = None
    """The cancels' own ledger; None: as `cap`."""
    earns: float = 0.0
    """Requests that one unit of quote currency traded adds to both ledgers; Hyperliquid: 1."""
    wide_below: float = 0.30
    """Headroom below which the latch widens."""
    widest_below: float = 0.10
    """Headroom below which the latch is as wide as it gets."""
    widest_factor: float = 3.0
    """What the latch is multiplied by then; between the two it rises linearly."""
    normal_floor: float = 0.05
    """Headroom below which a modify waits that is neither stale nor small."""
    low_floor: float = 0.20
    """Headroom below which a small one waits: a drift just beyond the latch, a size alone."""
    horizon_h: float = 24.0
    """How long what is left shall last; what a window may spend follows from it."""
    window_s: float = 600.0
    """Over which spending is budgeted."""
    modify_share: float = 0.4
    """Of a window's budget, for modifies; what one kind leaves is lent to the others."""
    place_share: float = 0.4
    """The same, for places."""
    cancel_share: float = 0.2
    """The same, for cancels. The three make 1."""


class ChurnConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """L6: what is counted over the last cycles, and when that is an alarm."""

    enabled: bool = True
    """Off: nothing is counted, and there are no alarms."""
    window: int = 100
    """Cycles."""
    spiral_ratio: float = 10.0
    """Cancels per fill in the window above which churn spirals."""
    spiral_cycles: int = 50
    """Cycles in a row that it must be so."""
    absence_share: float = 0.95
    """Presence of a side in the window below which it is absent."""
    absence_cycles: int = 50
    """Cycles in a row that it must be so."""
    deadband_boost: float = 2.0
    """What a spiral multiplies the smoother's deadbands with; 1 leaves them alone."""


class RiskConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Hard limits."""

    exposure_cap: Decimal | None = None
    """The worst case a side, in base quantity, if everything possibly live were to fill."""
    order_qty_max: Decimal | None = None
    """The most that one order may have, in base quantity; a larger target is not sent."""
    collar_bps: float | None = 500.0
    """How far from the mid a price may be; without a book nothing is sent. None: anywhere."""
    requests_per_minute: int | None = 300
    """Requests in any minute, cancels counted; then places and modifies wait. Cancels never do."""
    rejects_in_row: int | None = 10
    """So many places and modifies refused in a row open the breaker: one probe at a time."""
    reject_pause_s: float = 30.0
    """The time before each probe."""


class TimingConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long things take."""

    cycle_s: float = 6.0
    """Time between two cycles, for whoever runs the loop."""
    request_timeout_s: float = 5.0
    """A request without an answer is in doubt after this; it carries the same expiry, so that one
    that has not reached the venue by then never will."""
    retire_s: float = 60.0
    """A closed order is kept this long, for its late fills and duplicates."""
    reconcile_s: float = 60.0
    """How often open orders and fills are compared with the venue, also when nothing is believed
    open."""
    market_stale_s: float | None = 30.0
    """A market seen longer ago than this is not quoted by: what rests stays, nothing is sent."""
    market_withdraw_s: float | None = 120.0
    """Seen longer ago than this, everything is withdrawn."""


class OrdersConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How orders are sent."""

    post_only: bool = True
    """A place that would cross the book is refused by the venue instead of taking."""
    place_with_cancel: bool = False
    """Send the place of a replacement together with its cancel, without waiting for the proof
    that the predecessor is gone. The legacy policy's fault: both may fill."""
    refill_s: float | None = 0.5
    """Whoever runs the loop adds a cycle at once when an order is gone that nobody cancelled, so
    that its level does not stand empty until the next one, if the last cycle is so long ago; None
    waits for the next."""
    foreign: Literal["leave", "adopt", "cancel"] = "leave"
    """What becomes of orders that rest when we start and are not ours: someone else's are left
    alone, or quoted with as if they were ours, or cancelled. What carries our own prefix and is
    not in the journal is always adopted."""


UNGUARDED = RiskConfig(collar_bps=None, requests_per_minute=None, rejects_in_row=None)
"""No hard limits."""


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that the order manager can be told."""

    smoothing: SmoothingConfig = SmoothingConfig()
    grid: GridConfig = GridConfig()
    bands: BandsConfig = BandsConfig()
    modify: ModifyConfig = ModifyConfig()
    quota: QuotaConfig = QuotaConfig()
    churn: ChurnConfig = ChurnConfig()
    risk: RiskConfig = RiskConfig()
    timing: TimingConfig = TimingConfig()
    orders: OrdersConfig = OrdersConfig()


STABLE = Config()
"""The defaults."""

LEGACY = Config(
    smoothing=SmoothingConfig(enabled=False),
    grid=GridConfig(enabled=False),
    bands=BandsConfig(
        latch_bps=0.35, level_factors=(1.0,), size=0.05, queue_bonus=0.0, in_step=False
    ),
    modify=ModifyConfig(max_bps=0.0, min_interval_ms=2000, scope="global", gated="drop"),
    quota=QuotaConfig(enabled=False),
    churn=ChurnConfig(enabled=False),
    risk=UNGUARDED,
    orders=OrdersConfig(place_with_cancel=True, refill_s=None),
)
"""The recorded behaviour: a band below the noise, modifies limited to uselessness, and a cancel
with its place instead."""
