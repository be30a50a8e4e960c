"""Every number of the configuration reaches the settings, in its unit; what has none is refused."""

from decimal import Decimal
from typing import Any

import pytest

from lifecycle.config import (
    BandsConfig,
    Config,
    ModifyConfig,
    OrdersConfig,
    QuotaConfig,
    RiskConfig,
    TimingConfig,
)
from lifecycle.core.settings import Settings
from tests.story import INSTRUMENT

ALL_DIFFERENT = Config(
    bands=BandsConfig(
        latch_bps=1.5,
        half_spread_share=0.25,
        latch_bps_min=2.0,
        latch_bps_max=7.0,
        level_factors=(1.0, 1.5),
        stale_factor=2.5,
        stale_bps=4.5,
        size=0.125,
    ),
    modify=ModifyConfig(min_interval_ms=750, max_bps=33.0, scope="global", gated="drop"),
    quota=QuotaConfig(
        cap=100, used=7, cancel_cap=200, wide_below=0.4, widest_below=0.2, widest_factor=5.0
    ),
    risk=RiskConfig(exposure_cap=Decimal("1.23")),
    timing=TimingConfig(request_timeout_s=1.5, retire_s=2.5, reconcile_s=3.5),
    orders=OrdersConfig(post_only=False, place_with_cancel=True),
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("latch", 1_500_000),
        ("half_spread_share", 250_000),
        ("latch_min", 2_000_000),
        ("latch_max", 7_000_000),
        ("level_factors", (1_000_000, 1_500_000)),
        ("stale_factor", 2_500_000),
        ("stale", 4_500_000),
        ("size_latch", 125_000),
        ("modify_interval", 750_000_000),
        ("modify_max", 33_000_000),
        ("modify_global", True),
        ("modify_drop", True),
        ("quota_cap", 100),
        ("quota_used", 7),
        ("quota_cancel_cap", 200),
        ("wide_below", 400_000),
        ("widest_below", 200_000),
        ("widest_factor", 5_000_000),
        ("exposure_cap", 123),
        ("timeout", 1_500_000_000),
        ("retire", 2_500_000_000),
        ("reconcile", 3_500_000_000),
        ("post_only", False),
        ("place_with_cancel", True),
    ],
)
def test_a_number_of_the_configuration_is_compiled_to_its_unit(name: str, value: object) -> None:
    assert getattr(Settings(ALL_DIFFERENT, INSTRUMENT), name) == value


@pytest.mark.parametrize("name", ["latch", "stale", "modify_max", "exposure_cap", "quota_cap"])
def test_what_is_not_given_is_none(name: str) -> None:
    assert getattr(Settings(Config(), INSTRUMENT), name) is None


@pytest.mark.parametrize("bad", [-0.5, float("inf"), float("nan")])
@pytest.mark.parametrize(
    ("table", "field"),
    [
        ("bands", "half_spread_share"),
        ("bands", "stale_bps"),
        ("modify", "max_bps"),
        ("quota", "widest_factor"),
        ("timing", "retire_s"),
    ],
)
def test_a_negative_or_endless_number_is_refused_by_its_name(
    table: str, field: str, bad: float
) -> None:
    tables: dict[str, Any] = {
        "bands": BandsConfig,
        "modify": ModifyConfig,
        "quota": QuotaConfig,
        "timing": TimingConfig,
    }
    config = Config(**{table: tables[table](**{field: bad})})

    with pytest.raises(
        ValueError, match=rf"^{table}\.{field} must be finite and not .*, was {bad}$"
    ):
        Settings(config, INSTRUMENT)


def test_each_of_the_level_factors_is_looked_at() -> None:
    config = Config(bands=BandsConfig(level_factors=(1.0, -2.0)))

    with pytest.raises(ValueError, match=r"^bands\.level_factors must be finite .*, was -2\.0$"):
        Settings(config, INSTRUMENT)


def test_nothing_is_a_number_too() -> None:
    config = Config(
        bands=BandsConfig(latch_bps=0.0, latch_bps_min=0.0, level_factors=(0.0,), stale_bps=0.0),
        modify=ModifyConfig(min_interval_ms=0),
        quota=QuotaConfig(cap=0, used=0, widest_below=0.0),
    )

    settings = Settings(config, INSTRUMENT)

    assert (settings.latch, settings.latch_min, settings.stale) == (0, 0, 0)
    assert (settings.quota_cap, settings.quota_cancel_cap) == (0, 0)


def test_the_least_latch_may_be_the_greatest() -> None:
    config = Config(bands=BandsConfig(latch_bps_min=5.0, latch_bps_max=5.0))

    settings = Settings(config, INSTRUMENT)

    assert settings.latch_min == settings.latch_max == 5_000_000


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        (
            Config(bands=BandsConfig(level_factors=())),
            r"^bands\.level_factors must not be empty$",
        ),
        (
            Config(bands=BandsConfig(latch_bps_min=11.0)),
            r"^bands\.latch_bps_min must not exceed latch_bps_max, was 11\.0$",
        ),
        (
            Config(quota=QuotaConfig(widest_below=0.3)),
            r"^quota\.widest_below must be below wide_below, was 0\.3$",
        ),
    ],
)
def test_a_complaint_names_the_field_and_the_rule(config: Config, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Settings(config, INSTRUMENT)
