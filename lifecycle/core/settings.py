"""The configuration in integers: what decisions are made with.

Bands are held in millionths of a basis point, factors in millionths, times in nanoseconds, the
exposure cap in lots. A band becomes price units once a cycle (`lifecycle.core.bands`), so every
decision is an integer comparison.
"""

from dataclasses import dataclass
from typing import Final

from exchange.instrument import Instrument
from exchange.units import MILLISECOND, Nanos, Qty, seconds
from lifecycle.config import Config

INFINITY: Final = float("inf")

MILLION: Final = 1_000_000
"""Factors, shares and basis points are counted in millionths of themselves."""


def _millionths(value: float) -> int:
    return round(value * MILLION)


def _millionths_or_none(value: float | None) -> int | None:
    return None if value is None else _millionths(value)


def _seconds_or_none(value: float | None) -> Nanos | None:
    return None if value is None else seconds(value)


def _check_numbers(config: Config) -> None:
    """Raise ValueError where a number is negative, or is none."""
    for table in ("grid", "bands", "modify", "quota", "churn", "risk", "timing"):
        values = getattr(config, table)
        for field in values.__struct_fields__:
            value = getattr(values, field)
            for number in value if isinstance(value, tuple) else (value,):
                if isinstance(number, (int, float)) and not 0 <= number < INFINITY:
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
    if not quota.widest_below < quota.wide_below:
        raise ValueError(f"quota.widest_below must be below wide_below, was {quota.widest_below}")
    if risk.requests_per_minute == 0 or risk.rejects_in_row == 0:
        raise ValueError("risk.requests_per_minute and rejects_in_row must be positive, was 0")


@dataclass(frozen=True, slots=True)
class Settings:
    """One configuration, compiled for one instrument."""

    grid: bool
    grid_min_ticks: int
    grid_divisor: int
    grid_pressure: int
    grid_margin: int
    grid_hold: int
    latch: int | None
    half_spread_share: int
    sigma_share: int
    queue_bonus: int
    adverse_factor: int
    in_step: bool
    latch_min: int
    latch_max: int
    level_factors: tuple[int, ...]
    stale_factor: int
    stale: int | None
    size_latch: int
    modify_interval: Nanos
    modify_max: int | None
    """Millionths of a basis point; None: any distance."""
    modify_global: bool
    modify_drop: bool
    quota_cap: int | None
    quota_used: int
    quota_cancel_cap: int | None
    quota_earns: int
    """Requests earned by one unit of quote currency traded, in millionths."""
    saving: bool
    """Whether quota is saved up before it ends."""
    wide_below: int
    widest_below: int
    widest_factor: int
    normal_floor: int
    low_floor: int
    horizon: Nanos
    window: Nanos
    modify_share: int
    place_share: int
    cancel_share: int
    exposure_cap: Qty | None
    qty_max: Qty | None
    collar: int | None
    """Millionths of a basis point."""
    rate_max: int | None
    """Requests in any minute."""
    rejects_max: int | None
    reject_pause: Nanos
    market_stale: Nanos | None
    market_withdraw: Nanos | None
    adopt_foreign: bool
    cancel_foreign: bool
    timeout: Nanos
    retire: Nanos
    reconcile: Nanos
    post_only: bool
    place_with_cancel: bool


def compile_settings(config: Config, instrument: Instrument) -> Settings:
    """Turn a configuration into integers; raises ValueError where a value has no meaning."""
    grid, bands, modify = config.grid, config.bands, config.modify
    quota, timing, risk = config.quota, config.timing, config.risk
    _check_together(config)
    _check_numbers(config)
    cap = risk.exposure_cap
    max_bps = modify.max_bps if modify.enabled else 0.0
    latch_bps = bands.latch_bps if bands.enabled else 0.0
    return Settings(
        grid=grid.enabled,
        grid_min_ticks=grid.min_ticks,
        grid_divisor=_millionths(grid.sigma_divisor),
        grid_pressure=_millionths(grid.pressure),
        grid_margin=_millionths(grid.margin),
        grid_hold=_millionths(grid.hold),
        latch=_millionths_or_none(latch_bps),
        half_spread_share=_millionths(bands.half_spread_share),
        sigma_share=_millionths(bands.sigma_share),
        queue_bonus=_millionths(bands.queue_bonus),
        adverse_factor=_millionths(bands.adverse_factor),
        in_step=bands.in_step and bands.enabled,
        latch_min=_millionths(bands.latch_bps_min),
        latch_max=_millionths(bands.latch_bps_max),
        level_factors=tuple(_millionths(factor) for factor in bands.level_factors),
        stale_factor=_millionths(bands.stale_factor),
        stale=_millionths_or_none(bands.stale_bps),
        size_latch=_millionths(bands.size) if bands.enabled else 0,
        modify_interval=modify.min_interval_ms * MILLISECOND,
        modify_max=_millionths_or_none(max_bps),
        modify_global=modify.scope == "global",
        modify_drop=modify.gated == "drop",
        quota_cap=quota.cap,
        quota_used=quota.used,
        quota_cancel_cap=quota.cap if quota.cancel_cap is None else quota.cancel_cap,
        quota_earns=_millionths(quota.earns),
        saving=quota.enabled,
        wide_below=_millionths(quota.wide_below),
        widest_below=_millionths(quota.widest_below),
        widest_factor=_millionths(quota.widest_factor),
        normal_floor=_millionths(quota.normal_floor),
        low_floor=_millionths(quota.low_floor),
        horizon=seconds(3600 * quota.horizon_h),
        window=seconds(quota.window_s),
        modify_share=_millionths(quota.modify_share),
        place_share=_millionths(quota.place_share),
        cancel_share=_millionths(quota.cancel_share),
        exposure_cap=None if cap is None else instrument.qty(cap),
        qty_max=None if risk.order_qty_max is None else instrument.qty(risk.order_qty_max),
        collar=_millionths_or_none(risk.collar_bps),
        rate_max=risk.requests_per_minute,
        rejects_max=risk.rejects_in_row,
        reject_pause=seconds(risk.reject_pause_s),
        market_stale=_seconds_or_none(timing.market_stale_s),
        market_withdraw=_seconds_or_none(timing.market_withdraw_s),
        adopt_foreign=config.orders.foreign != "leave",
        cancel_foreign=config.orders.foreign == "cancel",
        timeout=seconds(timing.request_timeout_s),
        retire=seconds(timing.retire_s),
        reconcile=seconds(timing.reconcile_s),
        post_only=config.orders.post_only,
        place_with_cancel=config.orders.place_with_cancel,
    )
