"""What a sweep varies, as it is written."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from lifecycle.cli.configuration import ConfigError
from lifecycle.cli.varied import seeds_of, sensible, varied_of
from lifecycle.run.config import RunConfig


@pytest.mark.parametrize(
    ("text", "key", "values"),
    [
        ("bands.latch_bps=3,5,none", "bands.latch_bps", (3.0, 5.0, None)),
        ("latch_bps_min = 3 , 5", "bands.latch_bps_min", (3.0, 5.0)),
        ("quoter.levels=1", "quoter.levels", (1,)),
        ("quoter.size=0.1,0.20", "quoter.size", ("0.1", "0.20")),
        ("timing.cycle_s=3,6", "timing.cycle_s", (3.0, 6.0)),
        ("venue.latency=fast,slow", "venue.latency", ("fast", "slow")),
        ("grid.enabled=true,false", "grid.enabled", (True, False)),
        ("level_factors=[1,2],[1.5]", "bands.level_factors", ((1.0, 2.0), (1.5,))),
        ("exposure_cap=1.50", "risk.exposure_cap", (Decimal("1.50"),)),
    ],
)
def test_a_key_and_its_values_are_read(text: str, key: str, values: tuple[Any, ...]) -> None:
    [one] = varied_of([text])

    assert (one.key, one.values) == (key, values)


@pytest.mark.parametrize(
    ("texts", "line"),
    [
        (["latch_bps"], "--vary must be written KEY=VALUE,VALUE, was 'latch_bps'"),
        (["latch_bps="], "--vary must be written KEY=VALUE,VALUE"),
        (["latch=3"], "'latch' must be a key of the configuration; did you mean latch_bps?"),
        (["zzz=3"], "'zzz' must be a key of the configuration; see lifecycle init"),
        (["enabled=true"], "enabled must be a key of one table, was a key of smoothing.enabled"),
        (["market.seed=1,2"], "market.seed must be said with --market, --seeds or --minutes"),
        (["latch_bps=3,wide"], 'bands.latch_bps must be a number, was "wide"'),
        (["venue.latency=fats"], "venue.latency must be one of fast, none, slow"),
        (["levels=1,2.5"], "quoter.levels must be a whole number, was 2.5"),
        (["levels=1,1"], "--vary must give each value once, was 1 twice"),
        (["levels=1", "quoter.levels=2"], "--vary must name quoter.levels once, was twice"),
        (["levels=1\nx = 2"], "quoter.levels must be a whole number"),
    ],
)
def test_what_cannot_be_varied_is_said_in_one_line(texts: list[str], line: str) -> None:
    with pytest.raises(ConfigError) as raised:
        varied_of(texts)

    assert line in str(raised.value)


@pytest.mark.parametrize(
    ("text", "seeds"), [("1:50", range(1, 51)), ("7", range(7, 8)), ("0:0", range(1))]
)
def test_seeds_are_read(text: str, seeds: range) -> None:
    assert seeds_of(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "9:2", "1:2:3", "-1:3", "1:", "1:99999999"])
def test_what_are_no_seeds_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--seeds must be FIRST:LAST"):
        seeds_of(text)


def test_a_combination_that_makes_no_sense_is_left_out() -> None:
    varied = varied_of(["latch_bps_min=2,6", "latch_bps_max=4,8"])

    settings, wrong = sensible(RunConfig(), ["stable"], varied)

    assert [one.values for one in settings] == [(2.0, 4.0), (2.0, 8.0), (6.0, 8.0)]
    assert len(wrong) == 1
    assert "bands.latch_bps_max must" in str(wrong[0])


def test_a_value_that_makes_sense_with_no_other_is_a_slip() -> None:
    with pytest.raises(ConfigError, match=r"bands.latch_bps must .* was -1"):
        sensible(RunConfig(), ["stable"], varied_of(["latch_bps=3,-1", "levels=1,2"]))


def test_a_configuration_that_makes_no_sense_is_refused_with_nothing_varied() -> None:
    config = RunConfig(timing=structs.replace(RunConfig().timing, cycle_s=-1.0))

    with pytest.raises(ConfigError, match=r"timing.cycle_s must"):
        sensible(config, ["stable"], [])
