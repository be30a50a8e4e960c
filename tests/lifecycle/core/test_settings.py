"""The configuration in integers, and what of it has no meaning."""

from decimal import Decimal
from typing import Any

import pytest

from lifecycle.config import (
    LEGACY,
    STABLE,
    BandsConfig,
    Config,
    GridConfig,
    ModifyConfig,
    OrdersConfig,
    QuotaConfig,
    RiskConfig,
)
from lifecycle.core.settings import MILLION, Settings
from tests.story import INSTRUMENT


def test_the_defaults_are_those_of_the_design() -> None:
    settings = Settings(STABLE, INSTRUMENT)

    assert settings.latch is None
    assert (settings.latch_min, settings.latch_max) == (3 * MILLION, 10 * MILLION)
    assert settings.level_factors == (MILLION, 2 * MILLION, 3 * MILLION)
    assert settings.modify_interval == 500_000_000
    assert settings.modify_max is None
    assert (settings.quota_cap, settings.quota_cancel_cap) == (None, None)
    assert (settings.modify_global, settings.modify_drop) == (False, False)


def test_the_legacy_policy_differs_by_configuration_only() -> None:
    settings = Settings(LEGACY, INSTRUMENT)

    assert settings.latch == 350_000
    assert settings.modify_max == 0
    assert (settings.modify_global, settings.modify_drop) == (True, True)
    assert settings.place_with_cancel is True


def test_modifying_switched_off_is_a_reach_of_nothing() -> None:
    config = Config(modify=ModifyConfig(enabled=False, max_bps=50.0))

    assert Settings(config, INSTRUMENT).modify_max == 0


def test_the_cap_of_the_cancels_is_that_of_the_requests_where_it_is_not_given() -> None:
    shared = Settings(Config(quota=QuotaConfig(cap=7)), INSTRUMENT)
    own = Settings(Config(quota=QuotaConfig(cap=7, cancel_cap=9)), INSTRUMENT)

    assert (shared.quota_cancel_cap, own.quota_cancel_cap) == (7, 9)


def test_the_exposure_cap_is_counted_in_lots() -> None:
    config = Config(risk=RiskConfig(exposure_cap=Decimal("0.25")))

    assert Settings(config, INSTRUMENT).exposure_cap == 25


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        (Config(bands=BandsConfig(level_factors=())), "level_factors must not be empty"),
        (
            Config(bands=BandsConfig(latch_bps_min=11.0)),
            "latch_bps_min must not exceed latch_bps_max, was 11.0",
        ),
        (
            Config(bands=BandsConfig(adverse_factor=1.5)),
            "bands.adverse_factor must not exceed 1, was 1.5",
        ),
        (
            Config(quota=QuotaConfig(widest_below=0.3)),
            "widest_below must be below wide_below, was 0.3",
        ),
        (
            Config(risk=RiskConfig(exposure_cap=Decimal("0.001"))),
            "risk.exposure_cap must be a multiple of 0.01, was 0.001",
        ),
        (Config(bands=BandsConfig(latch_bps=float("nan"))), "finite"),
    ],
)
def test_what_has_no_meaning_is_refused(config: Config, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Settings(config, INSTRUMENT)


WORD: Any = "no"
HALF: Any = 2.5
FLOAT: Any = 0.1
LIST: Any = [1.0, 2.0]


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        (None, "config must be a Config, was None"),
        (WORD, "config must be a Config, was 'no'"),
        (Config(grid=WORD), "grid must be a GridConfig, was 'no'"),
        (Config(grid=GridConfig(enabled=WORD)), "grid.enabled must be of its type, was 'no'"),
        (Config(grid=GridConfig(min_ticks=HALF)), "grid.min_ticks must be of its type, was 2.5"),
        (Config(quota=QuotaConfig(cap=HALF)), "quota.cap must be of its type, was 2.5"),
        (Config(modify=ModifyConfig(scope=WORD)), "modify.scope must be of its type, was 'no'"),
        (Config(orders=OrdersConfig(foreign=WORD)), "orders.foreign must be of its type"),
        (Config(bands=BandsConfig(level_factors=LIST)), "bands.level_factors must be a tuple"),
        (Config(risk=RiskConfig(exposure_cap=FLOAT)), "risk.exposure_cap must be a Decimal, was"),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_place(config: Any, complaint: str) -> None:
    with pytest.raises(TypeError, match=f"^{complaint}"):
        Settings(config, INSTRUMENT)


def test_a_limit_below_nothing_is_refused() -> None:
    for risk in (RiskConfig(exposure_cap=Decimal(-1)), RiskConfig(order_qty_max=Decimal(-1))):
        with pytest.raises(ValueError, match=r"^risk\..* must be finite and not negative, was -1"):
            Settings(Config(risk=risk), INSTRUMENT)
