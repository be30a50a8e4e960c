"""Settings of the command line: which key is meant, and what its value is."""

import re
from decimal import Decimal
from typing import Any

import pytest

from lifecycle.cli.configuration import ConfigError
from lifecycle.cli.setting import changed, differences, parse, resolved, split
from lifecycle.config import STABLE, BandsConfig, Config


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("latch_bps=3", ["latch_bps=3"]),
        ("latch_bps=3,bands.size=0.1", ["latch_bps=3", "bands.size=0.1"]),
        ("level_factors=1,2,3, in_step=true,", ["level_factors=1,2,3", "in_step=true,"]),
        (" ", []),
    ],
)
def test_a_comma_before_a_key_parts_two_settings(text: str, parts: list[str]) -> None:
    assert split(text) == parts


@pytest.mark.parametrize(
    ("setting", "path", "value"),
    [
        ("latch_bps=4", "bands.latch_bps", 4.0),
        ("bands.latch_bps = 4.5", "bands.latch_bps", 4.5),
        ("latch_bps=none", "bands.latch_bps", None),
        ("min_interval_ms=1000", "modify.min_interval_ms", 1000),
        ("in_step=false", "bands.in_step", False),
        ("scope=global", "modify.scope", "global"),
        ('scope="global"', "modify.scope", "global"),
        ("level_factors=1,2", "bands.level_factors", (1.0, 2.0)),
        ("level_factors=[1, 2]", "bands.level_factors", (1.0, 2.0)),
        ("exposure_cap=1.5", "risk.exposure_cap", Decimal("1.5")),
    ],
)
def test_a_setting_is_a_key_and_a_value_of_its_type(setting: str, path: str, value: Any) -> None:
    found, parsed = parse(setting)

    assert ".".join(found) == path
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("latch_bps", "a setting must be written key=value, was 'latch_bps'"),
        ("=4", "a setting must be written key=value, was '=4'"),
        ("latchbps=4", "did you mean latch_bps?"),
        ("zzzz=4", "'zzzz' must be a key of the order manager's; tables are bands, churn, grid"),
        ("enabled=true", "enabled must be a key of one table, was a key of smoothing.enabled, "),
        ("latch_bps=wide", 'bands.latch_bps must be a number, was "wide"'),
        ("min_interval_ms=none", 'modify.min_interval_ms must be a whole number, was "none"'),
        ("scope=nobody", 'modify.scope must be one of global, order, was "nobody"'),
        ("scope=", 'modify.scope must be one of global, order, was ""'),
        ("latch_bps=1\nsize=3", "bands.latch_bps must be a number"),
    ],
)
def test_what_is_wrong_with_a_setting_is_said(setting: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(problem)):
        parse(setting)


def test_settings_are_checked_together_when_all_are_made() -> None:
    both = [parse("latch_bps_min=12"), parse("latch_bps_max=15")]

    assert changed(STABLE, both).bands == BandsConfig(latch_bps_min=12.0, latch_bps_max=15.0)
    with pytest.raises(ConfigError, match=r"bands\.latch_bps_max must not be below"):
        changed(STABLE, both[:1])


def test_what_differs_is_named_with_its_table() -> None:
    other = Config(bands=BandsConfig(latch_bps=4.0, size=0.1))

    assert differences(STABLE, other) == {"bands.latch_bps": 4.0, "bands.size": 0.1}
    assert differences(STABLE, STABLE) == {}


def test_every_key_can_be_named_with_its_table() -> None:
    assert resolved("bands.enabled") == ("bands", "enabled")
    assert resolved("latch_bps") == ("bands", "latch_bps")
