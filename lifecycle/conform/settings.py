"""The default scenario configuration and its overrides.

Smoothing and grid off; latch 3 bps, outer levels ×2 and ×3; stale at twice the latch; size latch
20 %; modify interval 500 ms, at any distance; cycle 6 s; request timeout 5 s; no quota limit, no
exposure cap; price unit 0.1, lot 0.01, minimum notional 10; post-only.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

from msgspec import ValidationError, convert
from msgspec.structs import replace

from exchange.instrument import Instrument
from lifecycle.config import (
    UNGUARDED,
    BandsConfig,
    Config,
    GridConfig,
    ModifyConfig,
    QuotaConfig,
    SmoothingConfig,
    TimingConfig,
)

_Layer = TypeVar("_Layer", SmoothingConfig, GridConfig)

KEYS: Final = (
    "latch_bps", "stale_bps", "size_latch", "min_modify_interval_ms", "max_modify_bps", "cycle_s",
    "request_timeout_s", "exposure_cap", "grid", "smoothing", "quota", "tick", "lot",
    "min_notional",
)  # fmt: skip
_QUOTA_KEYS: Final = ("cap", "used", "cancel_cap")


def scenario_config(table: object) -> tuple[Instrument, Config]:
    """Return instrument and configuration of a `[config]` table.

    Raises ValueError naming the key and the value.
    """
    given = _table(table, KEYS, "config")
    instrument = Instrument(
        "scenario",
        price_unit=_decimal(given.get("tick", "0.1"), "tick"),
        lot=_decimal(given.get("lot", "0.01"), "lot"),
        min_notional=_decimal(given.get("min_notional", "10"), "min_notional"),
    )
    cap = given.get("exposure_cap")
    return instrument, Config(
        smoothing=_layer(given.get("smoothing", False), SmoothingConfig, "smoothing"),
        grid=_layer(given.get("grid", False), GridConfig, "grid"),
        bands=BandsConfig(
            latch_bps=_float(given.get("latch_bps", 3.0), "latch_bps"),
            stale_bps=_optional(given.get("stale_bps"), "stale_bps"),
            size=_float(given.get("size_latch", 0.20), "size_latch"),
            # A command of a scenario carries exactly its target's price.
            in_step=False,
        ),
        modify=ModifyConfig(
            min_interval_ms=round(
                _float(given.get("min_modify_interval_ms", 500), "min_modify_interval_ms")
            ),
            max_bps=_optional(given.get("max_modify_bps"), "max_modify_bps"),
        ),
        quota=_quota(given.get("quota")),
        risk=replace(
            UNGUARDED, exposure_cap=None if cap is None else _decimal(cap, "exposure_cap")
        ),
        timing=TimingConfig(
            cycle_s=_float(given.get("cycle_s", 6.0), "cycle_s"),
            request_timeout_s=_float(given.get("request_timeout_s", 5.0), "request_timeout_s"),
            market_stale_s=None,
            market_withdraw_s=None,
        ),
    )


def _table(value: object, keys: tuple[str, ...], what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} must be a table, was {value!r}")  # noqa: TRY004
    for key in value:
        if key not in keys:
            raise ValueError(f"{what} has no {key!r}; it takes {', '.join(keys)}")
    return value


def _layer(value: object, kind: type[_Layer], name: str) -> _Layer:
    """Return a layer that is off (`false`), or on with what its table says.

    Smoothing acts on the bot's parameters, and a scenario has none: its table is checked and
    changes nothing.
    """
    if value is False:
        return kind(enabled=False)
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be false or a table, was {value!r}")  # noqa: TRY004
    try:
        return convert(value, kind)
    except ValidationError as error:
        raise ValueError(f"{name}: {error}") from None


def _quota(value: object) -> QuotaConfig:
    if value is None:
        return QuotaConfig()
    table = _table(value, _QUOTA_KEYS, "quota")
    for key, count in table.items():
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise ValueError(f"quota.{key} must be a whole number, was {count!r}")
    return QuotaConfig(
        cap=table.get("cap"), used=table.get("used", 0), cancel_cap=table.get("cancel_cap")
    )


def _decimal(value: object, what: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(f"{what} must be a number, was {value!r}")  # noqa: TRY004
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{what} must be a number, was {value!r}") from None
    if not number.is_finite() or number < 0:
        raise ValueError(f"{what} must be finite and not negative, was {value!r}")
    return number


def _float(value: object, what: str) -> float:
    return float(_decimal(value, what))


def _optional(value: object, what: str) -> float | None:
    return None if value is None else _float(value, what)
