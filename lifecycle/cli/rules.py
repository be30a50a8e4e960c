"""What makes sense in a configuration: one row a key, and a few rows for keys that go together.

Types are not checked here, they are by then right. A test holds the table complete: every key of
`RunConfig` has its row.
"""

import math
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeAlias

from lifecycle.run.config import RunConfig

CYCLE_S_MIN: Final = 0.001
"""A shorter cycle would be rounded away in a clock that the venue's latencies dwarf."""

SECONDS_MAX: Final = 1_000_000_000
"""Thirty years are as good as never; far beyond, a float has no nanoseconds to be rounded to."""

MINUTES_MAX: Final = 60 * 24 * 366
"""A year and a day: a longer run is a slip of the finger."""


class Rule(NamedTuple):
    """What a value must, in words and as a predicate."""

    words: str
    holds: Callable[[Any], bool]


Broken: TypeAlias = tuple[str, str, Any]
"""Key path, what it must, and what it was."""


def _quantity(value: str) -> bool:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return False
    return number.is_finite() and number > 0


def _amount(value: float | Decimal) -> bool:
    return math.isfinite(value) and value >= 0


ANY: Final = Rule("be what its type allows", lambda _: True)
TEXT: Final = Rule("not be empty", lambda value: bool(value.strip()))
AMOUNT: Final = Rule("be finite and not negative", _amount)
COUNT: Final = Rule("not be negative", lambda value: value >= 0)
POSITIVE: Final = Rule("be finite and positive", lambda v: math.isfinite(v) and v > 0)
SHARE: Final = Rule("be a share from 0 to 1", lambda value: 0 <= value <= 1)
FACTOR: Final = Rule("be finite and at least 1", lambda v: math.isfinite(v) and v >= 1)
FACTORS: Final = Rule(
    "be a list of at least one finite and positive number",
    lambda values: len(values) > 0 and all(math.isfinite(v) and v > 0 for v in values),
)
QUANTITY: Final = Rule("be a finite and positive number", _quantity)
CYCLE: Final = Rule(
    f"be from {CYCLE_S_MIN} to {SECONDS_MAX}", lambda v: CYCLE_S_MIN <= v <= SECONDS_MAX
)
SPAN: Final = Rule(f"be above 0 and at most {SECONDS_MAX}", lambda v: 0 < v <= SECONDS_MAX)
WAIT: Final = Rule(f"be from 0 to {SECONDS_MAX}", lambda v: 0 <= v <= SECONDS_MAX)
RATE: Final = Rule("be from 1 to 1000000000", lambda value: 1 <= value <= 1_000_000_000)
DIVISOR: Final = Rule(
    "be finite and at least 0.001", lambda value: math.isfinite(value) and value >= 0.001
)
MINUTES: Final = Rule(
    f"be positive and at most {MINUTES_MAX}, a year", lambda value: 0 < value <= MINUTES_MAX
)
LEVELS: Final = Rule("be from 1 to 100", lambda value: 1 <= value <= 100)

WEIGHT: Final = Rule("be above 0 and at most 1", lambda value: 0 < value <= 1)
AT_LEAST_ONE: Final = Rule("be at least 1", lambda value: value >= 1)
MARGIN: Final = Rule("be from 0 to below 0.5", lambda value: 0 <= value < 0.5)

KEYS: Final[dict[str, Rule]] = {
    "smoothing.enabled": ANY,
    "smoothing.kappa_alpha": WEIGHT,
    "smoothing.kappa_deadband": SHARE,
    "smoothing.sigma_alpha": WEIGHT,
    "smoothing.sigma_deadband": SHARE,
    "smoothing.gamma_alpha": WEIGHT,
    "smoothing.gamma_deadband": SHARE,
    "smoothing.size_alpha": WEIGHT,
    "smoothing.size_deadband": SHARE,
    "smoothing.cooldown_cycles": COUNT,
    "smoothing.ramp_cycles": COUNT,
    "grid.enabled": ANY,
    "grid.min_ticks": AT_LEAST_ONE,
    "grid.sigma_divisor": DIVISOR,
    "grid.pressure": AMOUNT,
    "grid.margin": MARGIN,
    "grid.hold": SHARE,
    "bands.enabled": ANY,
    "bands.latch_bps": AMOUNT,
    "bands.half_spread_share": SHARE,
    "bands.sigma_share": AMOUNT,
    "bands.latch_bps_min": AMOUNT,
    "bands.latch_bps_max": AMOUNT,
    "bands.queue_bonus": AMOUNT,
    "bands.adverse_factor": SHARE,
    "bands.level_factors": FACTORS,
    "bands.in_step": ANY,
    "bands.stale_factor": FACTOR,
    "bands.stale_bps": AMOUNT,
    "bands.size": SHARE,
    "modify.enabled": ANY,
    "modify.min_interval_ms": COUNT,
    "modify.max_bps": AMOUNT,
    "modify.scope": ANY,
    "modify.gated": ANY,
    "quota.enabled": ANY,
    "quota.cap": COUNT,
    "quota.used": COUNT,
    "quota.cancel_cap": COUNT,
    "quota.earns": AMOUNT,
    "quota.wide_below": SHARE,
    "quota.widest_below": SHARE,
    "quota.widest_factor": FACTOR,
    "quota.normal_floor": SHARE,
    "quota.low_floor": SHARE,
    "quota.horizon_h": SPAN,
    "quota.window_s": SPAN,
    "quota.modify_share": SHARE,
    "quota.place_share": SHARE,
    "quota.cancel_share": SHARE,
    "churn.enabled": ANY,
    "churn.window": AT_LEAST_ONE,
    "churn.spiral_ratio": POSITIVE,
    "churn.spiral_cycles": AT_LEAST_ONE,
    "churn.absence_share": SHARE,
    "churn.absence_cycles": AT_LEAST_ONE,
    "churn.deadband_boost": FACTOR,
    "risk.exposure_cap": AMOUNT,
    "risk.order_qty_max": POSITIVE,
    "risk.collar_bps": POSITIVE,
    "risk.requests_per_minute": RATE,
    "risk.rejects_in_row": AT_LEAST_ONE,
    "risk.reject_pause_s": WAIT,
    "timing.cycle_s": CYCLE,
    "timing.request_timeout_s": SPAN,
    "timing.retire_s": WAIT,
    "timing.reconcile_s": SPAN,
    "timing.market_stale_s": SPAN,
    "timing.market_withdraw_s": SPAN,
    "orders.post_only": ANY,
    "orders.place_with_cancel": ANY,
    "orders.refill_s": WAIT,
    "orders.foreign": ANY,
    "market.file": TEXT,
    "market.seed": COUNT,
    "market.minutes": MINUTES,
    "venue.latency": ANY,
    "venue.feed": ANY,
    "venue.request_cap": COUNT,
    "venue.cancel_cap": COUNT,
    "venue.requests_used": COUNT,
    "venue.cancel_share_ahead": SHARE,
    "quoter.gamma": POSITIVE,
    "quoter.levels": LEVELS,
    "quoter.level_step_bps": POSITIVE,
    "quoter.size": QUANTITY,
    "quoter.inventory_max": QUANTITY,
    "quoter.skew_bps": AMOUNT,
    "quoter.warmup_s": WAIT,
}
"""A key that is None has no value to check."""


def _pairs(config: RunConfig) -> Iterator[Broken]:
    """Yield what is broken between two keys; each is right alone."""
    bands, quota = config.bands, config.quota
    if bands.latch_bps_max < bands.latch_bps_min:
        rule = f"not be below bands.latch_bps_min, {bands.latch_bps_min}"
        yield "bands.latch_bps_max", rule, bands.latch_bps_max
    latch, stale = bands.latch_bps, bands.stale_bps
    if latch is not None and stale is not None and stale < latch:
        yield "bands.stale_bps", f"not be below bands.latch_bps, {latch}", stale
    if quota.widest_below > quota.wide_below:
        rule = f"not be above quota.wide_below, {quota.wide_below}"
        yield "quota.widest_below", rule, quota.widest_below
    if quota.normal_floor > quota.low_floor:
        rule = f"not be above quota.low_floor, {quota.low_floor}"
        yield "quota.normal_floor", rule, quota.normal_floor
    shares = quota.modify_share + quota.place_share + quota.cancel_share
    if not math.isclose(shares, 1.0):
        yield "quota.cancel_share", "make 1 with modify_share and place_share", quota.cancel_share


def first_broken(config: RunConfig) -> Broken | None:
    """Return the first key of `config` that makes no sense, None where all do."""
    for key, rule in KEYS.items():
        value = attrgetter(key)(config)
        if value is not None and not rule.holds(value):
            return key, rule.words, value
    return next(_pairs(config), None)
