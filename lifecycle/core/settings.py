"""The configuration in integers: what decisions are made with.

Bands are held in millionths of a basis point, factors in millionths, times in nanoseconds, the
exposure cap in lots. A band becomes price units once a cycle (`lifecycle.core.bands`), so every
decision is an integer comparison.
"""

from decimal import Decimal
from functools import cache
from math import isfinite
from typing import Any, Final

from msgspec import ValidationError, convert, structs

from exchange.instrument import Instrument
from exchange.units import MILLISECOND, Nanos, Qty, seconds
from lifecycle.config import Config, QuotaConfig, RiskConfig

MILLION: Final = 1_000_000
"""Factors, shares and basis points are counted in millionths of themselves."""


def _millionths(value: float) -> int:
    return round(value * MILLION)


def _millionths_or_none(value: float | None) -> int | None:
    return None if value is None else _millionths(value)


def _seconds_or_none(value: float | None) -> Nanos | None:
    return None if value is None else seconds(value)


@cache
def _kinds(table: type) -> dict[str, Any]:
    return {field.name: field.type for field in structs.fields(table)}


def _check_types(config: Config) -> None:
    """Raise TypeError where a value is not of its type: "no" would be true, 2.5 ticks no price."""
    told: object = config
    if not isinstance(told, Config):
        raise TypeError(f"config must be a Config, was {told!r}")
    for table, kind in _kinds(Config).items():
        values = getattr(config, table)
        if not isinstance(values, kind):
            raise TypeError(f"{table} must be a {kind.__name__}, was {values!r}")
        for field, wanted in _kinds(kind).items():
            value = getattr(values, field)
            try:
                read = convert(value, wanted)
            except ValidationError as error:
                problem = f"{table}.{field} must be of its type, was {value!r}: {error}"
                raise TypeError(problem) from None
            # Another type would be another configuration to a journal that is resumed.
            if read is not value and read != value:
                kind_name = type(read).__name__
                raise TypeError(f"{table}.{field} must be a {kind_name}, was {value!r}")


def _check_numbers(config: Config) -> None:
    """Raise ValueError where a number is negative, or is none."""
    for table in ("grid", "bands", "modify", "quota", "churn", "risk", "timing"):
        values = getattr(config, table)
        for field in values.__struct_fields__:
            value = getattr(values, field)
            for number in value if isinstance(value, tuple) else (value,):
                if isinstance(number, int | float | Decimal) and not (
                    isfinite(number) and number >= 0
                ):
                    raise ValueError(
                        f"{table}.{field} must be finite and not negative, was {number}"
                    )


def _check_together(config: Config) -> None:
    """Raise ValueError where values do not go together, or one makes no sense."""
    bands, quota, risk = config.bands, config.quota, config.risk
    if not bands.level_factors:
        raise ValueError("bands.level_factors must not be empty")
    if bands.latch_bps_min > bands.latch_bps_max:
        raise ValueError(
            f"bands.latch_bps_min must not exceed latch_bps_max, was {bands.latch_bps_min}"
        )
    if bands.adverse_factor > 1:
        # It narrows the band: no order is looked at that is beyond the whole one.
        raise ValueError(f"bands.adverse_factor must not exceed 1, was {bands.adverse_factor}")
    if not quota.widest_below < quota.wide_below:
        raise ValueError(f"quota.widest_below must be below wide_below, was {quota.widest_below}")
    if risk.requests_per_minute == 0 or risk.rejects_in_row == 0:
        raise ValueError("risk.requests_per_minute and rejects_in_row must be positive, was 0")


class Settings:
    """One configuration, compiled for one instrument; not to be changed."""

    def __init__(self, config: Config, instrument: Instrument) -> None:
        """Turn a configuration into integers.

        Raises ValueError where a value has no meaning, TypeError where it is not of its type.
        """
        _check_types(config)
        grid, bands, modify = config.grid, config.bands, config.modify
        timing = config.timing
        _check_together(config)
        _check_numbers(config)
        max_bps = modify.max_bps if modify.enabled else 0.0
        latch_bps = bands.latch_bps if bands.enabled else 0.0
        self.grid = grid.enabled
        self.grid_min_ticks = grid.min_ticks
        self.grid_divisor = _millionths(grid.sigma_divisor)
        self.grid_pressure = _millionths(grid.pressure)
        self.grid_margin = _millionths(grid.margin)
        self.grid_hold = _millionths(grid.hold)
        self.latch: int | None = _millionths_or_none(latch_bps)
        self.half_spread_share = _millionths(bands.half_spread_share)
        self.sigma_share = _millionths(bands.sigma_share)
        self.queue_bonus = _millionths(bands.queue_bonus)
        self.adverse_factor = _millionths(bands.adverse_factor)
        self.in_step = bands.in_step and bands.enabled
        self.latch_min = _millionths(bands.latch_bps_min)
        self.latch_max = _millionths(bands.latch_bps_max)
        self.level_factors = tuple(_millionths(factor) for factor in bands.level_factors)
        self.stale_factor = _millionths(bands.stale_factor)
        self.stale: int | None = _millionths_or_none(bands.stale_bps)
        self.size_latch = _millionths(bands.size) if bands.enabled else 0
        self.modify_interval: Nanos = modify.min_interval_ms * MILLISECOND
        self.modify_max: int | None = _millionths_or_none(max_bps)
        """Millionths of a basis point; None: any distance."""
        self.modify_global = modify.scope == "global"
        self.modify_drop = modify.gated == "drop"
        self._keep_quota(config.quota)
        self._keep_risk(config.risk, instrument)
        self.market_stale: Nanos | None = _seconds_or_none(timing.market_stale_s)
        self.market_withdraw: Nanos | None = _seconds_or_none(timing.market_withdraw_s)
        self.adopt_foreign = config.orders.foreign != "leave"
        self.cancel_foreign = config.orders.foreign == "cancel"
        self.timeout: Nanos = seconds(timing.request_timeout_s)
        self.retire: Nanos = seconds(timing.retire_s)
        self.reconcile: Nanos = seconds(timing.reconcile_s)
        self.post_only = config.orders.post_only
        self.place_with_cancel = config.orders.place_with_cancel

    def _keep_quota(self, quota: QuotaConfig) -> None:
        self.quota_cap: int | None = quota.cap
        self.quota_used = quota.used
        self.quota_cancel_cap: int | None = (
            quota.cap if quota.cancel_cap is None else quota.cancel_cap
        )
        self.quota_earns = _millionths(quota.earns)
        """Requests earned by one unit of quote currency traded, in millionths."""
        self.saving = quota.enabled
        """Whether quota is saved up before it ends."""
        self.wide_below = _millionths(quota.wide_below)
        self.widest_below = _millionths(quota.widest_below)
        self.widest_factor = _millionths(quota.widest_factor)
        self.normal_floor = _millionths(quota.normal_floor)
        self.low_floor = _millionths(quota.low_floor)
        self.horizon: Nanos = seconds(3600 * quota.horizon_h)
        self.window: Nanos = seconds(quota.window_s)
        self.modify_share = _millionths(quota.modify_share)
        self.place_share = _millionths(quota.place_share)
        self.cancel_share = _millionths(quota.cancel_share)

    def _keep_risk(self, risk: RiskConfig, instrument: Instrument) -> None:
        cap, most = risk.exposure_cap, risk.order_qty_max
        self.exposure_cap: Qty | None = (
            None if cap is None else instrument.qty(cap, "risk.exposure_cap")
        )
        self.qty_max: Qty | None = (
            None if most is None else instrument.qty(most, "risk.order_qty_max")
        )
        self.collar: int | None = _millionths_or_none(risk.collar_bps)
        """Millionths of a basis point."""
        self.rate_max: int | None = risk.requests_per_minute
        """Requests in any minute."""
        self.rejects_max: int | None = risk.rejects_in_row
        self.reject_pause: Nanos = seconds(risk.reject_pause_s)
