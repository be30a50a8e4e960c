"""The configuration: one table a layer, every default documented where it stands.

These are plain values; `lifecycle.core.settings` turns them into the integers that decisions are
made with, `lifecycle.cli.configuration` reads them from TOML and names the line of an error.
"""

from decimal import Decimal
from typing import Literal

from msgspec import Struct


class BandsConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """L4: how far an order may drift from its target before it costs a call."""

    latch_bps: float | None = None
    """The latch half-width; None takes it from the half-spread of the targets (next three)."""
    half_spread_share: float = 0.3
    """Latch as a share of the half-spread: wider quotes can afford more drift."""
    latch_bps_min: float = 3.0
    latch_bps_max: float = 10.0
    level_factors: tuple[float, ...] = (1.0, 2.0, 3.0)
    """The latch is multiplied by level, the last factor holds for all levels beyond."""
    stale_factor: float = 2.0
    """The stale band as a multiple of the latch."""
    stale_bps: float | None = None
    """The stale half-width; None takes `stale_factor`."""
    size: float = 0.20
    """Size latch: a size change up to this share of what remains is not worth a call."""


class ModifyConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """L3: one modify instead of a cancel and a place."""

    enabled: bool = True
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

    cap: int | None = None
    used: int = 0
    cancel_cap: int | None = None
    """The cancels' own ledger; None: as `cap`."""
    wide_below: float = 0.30
    """Headroom below which the latch widens."""
    widest_below: float = 0.10
    widest_factor: float = 3.0


class RiskConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Hard limits."""

    exposure_cap: Decimal | None = None
    """The worst case a side, in base quantity, if everything possibly live were to fill."""


class TimingConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long things take."""

    cycle_s: float = 6.0
    request_timeout_s: float = 5.0
    """A request without an answer is in doubt after this; it carries the same expiry, so that one
    that has not reached the venue by then never will."""
    retire_s: float = 60.0
    """A closed order is kept this long, for its late fills and duplicates."""
    reconcile_s: float = 60.0
    """How often open orders and fills are compared with the venue, also when nothing is believed
    open."""


class OrdersConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How orders are sent."""

    post_only: bool = True
    place_with_cancel: bool = False
    """Send the place of a replacement together with its cancel, without waiting for the proof
    that the predecessor is gone. The legacy policy's fault: both may fill."""


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that the order manager can be told."""

    bands: BandsConfig = BandsConfig()
    modify: ModifyConfig = ModifyConfig()
    quota: QuotaConfig = QuotaConfig()
    risk: RiskConfig = RiskConfig()
    timing: TimingConfig = TimingConfig()
    orders: OrdersConfig = OrdersConfig()


STABLE = Config()
"""The defaults."""

LEGACY = Config(
    bands=BandsConfig(latch_bps=0.35, level_factors=(1.0,), size=0.05),
    modify=ModifyConfig(max_bps=0.0, min_interval_ms=2000, scope="global", gated="drop"),
    orders=OrdersConfig(place_with_cancel=True),
)
"""The recorded behaviour: a band below the noise, modifies limited to uselessness, and a cancel
with its place instead."""
