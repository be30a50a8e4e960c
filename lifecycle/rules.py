"""The promises of a configuration, as invariants read them.

The numbers go over as exact fractions of what the configuration says; nothing of the core's integer
settings is used, so that a mistake there is not repeated here.
"""

from fractions import Fraction

from exchange.instrument import Instrument
from exchange.units import MILLISECOND, seconds
from exchange.venue import Capabilities
from lifecycle.config import Config, ModifyConfig
from spec.rules import Rules


def _exact(value: float) -> Fraction:
    return Fraction(str(value))


def _reach(modify: ModifyConfig) -> Fraction | None:
    if not modify.enabled:
        return Fraction(0)
    return None if modify.max_bps is None else _exact(modify.max_bps)


def rules_of(
    config: Config, instrument: Instrument, capabilities: Capabilities, session: str = ""
) -> Rules:
    """Return the limits and bands that a manager with this configuration must keep to.

    `session` is the prefix of the manager's cloids, where orders may have to be known by it.
    """
    bands, quota, timing = config.bands, config.quota, config.timing
    risk = config.risk
    cap = risk.exposure_cap
    widens = quota.enabled and quota.cap is not None
    latch_bps = bands.latch_bps if bands.enabled else 0.0
    return Rules(
        instrument=instrument,
        capabilities=capabilities,
        latch_bps=None if latch_bps is None else _exact(latch_bps),
        half_spread_share=_exact(bands.half_spread_share),
        sigma_share=_exact(bands.sigma_share),
        queue_bonus=_exact(bands.queue_bonus),
        adverse_factor=_exact(bands.adverse_factor),
        in_step=bands.in_step and bands.enabled,
        grid_margin=_exact(config.grid.margin),
        latch_bps_min=_exact(bands.latch_bps_min),
        latch_bps_max=_exact(bands.latch_bps_max),
        level_factors=tuple(_exact(factor) for factor in bands.level_factors),
        stale_factor=_exact(bands.stale_factor),
        stale_bps=None if bands.stale_bps is None else _exact(bands.stale_bps),
        size_latch=_exact(bands.size) if bands.enabled else Fraction(0),
        modify_bps=_reach(config.modify),
        modify_interval=config.modify.min_interval_ms * MILLISECOND,
        exposure_cap=None if cap is None else instrument.qty(cap),
        qty_max=None if risk.order_qty_max is None else instrument.qty(risk.order_qty_max),
        collar_bps=None if risk.collar_bps is None else _exact(risk.collar_bps),
        rate_max=risk.requests_per_minute,
        rejects_max=risk.rejects_in_row,
        reject_pause=seconds(risk.reject_pause_s),
        market_stale=None if timing.market_stale_s is None else seconds(timing.market_stale_s),
        market_withdraw=(
            None if timing.market_withdraw_s is None else seconds(timing.market_withdraw_s)
        ),
        adopts_foreign=config.orders.foreign != "leave",
        cancels_foreign=config.orders.foreign == "cancel",
        session=session,
        quota_cap=quota.cap,
        quota_used=quota.used,
        cancel_cap=quota.cap if quota.cancel_cap is None else quota.cancel_cap,
        quota_earns=_exact(quota.earns),
        widest_factor=_exact(quota.widest_factor) if widens else Fraction(1),
        timeout=seconds(timing.request_timeout_s),
        retire=seconds(timing.retire_s),
        reconcile=seconds(timing.reconcile_s),
        post_only=config.orders.post_only,
        legacy=config.orders.place_with_cancel,
    )
