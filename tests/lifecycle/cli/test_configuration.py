"""The configuration file: what is read, and how every kind of error is named."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from lifecycle import config as configs
from lifecycle.cli.configuration import BYTES_MAX, ConfigError, check, read_config
from lifecycle.cli.rules import KEYS, SECONDS_MAX
from lifecycle.run.config import QuoterConfig, RunConfig


def read(directory: Path, source: str | bytes) -> RunConfig:
    path = directory / "bot.toml"
    path.write_bytes(source.encode() if isinstance(source, str) else source)
    return read_config(path)


def refusal(directory: Path, source: str | bytes) -> str:
    """Return the error's text after the file's path."""
    with pytest.raises(ConfigError) as caught:
        read(directory, source)
    return str(caught.value).removeprefix(f"{directory / 'bot.toml'}:")


def test_an_empty_file_is_the_default(tmp_path: Path) -> None:
    assert read(tmp_path, "") == RunConfig()


def test_values_replace_defaults_one_by_one(tmp_path: Path) -> None:
    source = """
    quoter.levels = 3
    [timing]
    cycle_s = 3
    [bands]
    level_factors = [1, 1.5]
    [risk]
    exposure_cap = 0.1
    [market]
    seed = 7
    """

    config = read(tmp_path, source)

    default = RunConfig()
    assert config == structs.replace(
        default,
        timing=structs.replace(default.timing, cycle_s=3.0),
        bands=structs.replace(default.bands, level_factors=(1.0, 1.5)),
        risk=configs.RiskConfig(exposure_cap=Decimal("0.1")),
        market=structs.replace(default.market, seed=7),
        quoter=QuoterConfig(levels=3),
    )


@pytest.mark.parametrize("written", ['"0.30"', "0.30"])
def test_a_size_keeps_its_digits_quoted_or_not(tmp_path: Path, written: str) -> None:
    config = read(tmp_path, f"[quoter]\nsize = {written}\n")

    assert config.quoter.size == "0.30"


def test_a_whole_size_may_be_a_number(tmp_path: Path) -> None:
    assert read(tmp_path, "[quoter]\nsize = 1\n").quoter.size == "1"


def test_a_market_file_is_relative_to_the_configuration(tmp_path: Path) -> None:
    config = read(tmp_path, '[market]\nfile = "eth.csv"\n')

    assert config.market.file == str(tmp_path / "eth.csv")


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbf[market]\nseed = 7\n").market.seed == 7


REFUSALS = {
    "[bands]\n\nlach_bps = 3\n": (
        "3: bands.lach_bps must be a key of [bands], was 3; did you mean latch_bps?"
    ),
    "[band]\nsize = 1\n": "1: band must be a key of the file, was a table; did you mean bands?",
    "zzz = 1\n": (
        "1: zzz must be a key of the file, was 1; known are bands, churn, grid, market, "
        "modify, orders, quota, quoter, risk, smoothing, timing, venue"
    ),
    "a = 1\nbands.size = 2\n": (
        "1: a must be a key of the file, was 1; known are bands, churn, grid, market, "
        "modify, orders, quota, quoter, risk, smoothing, timing, venue"
    ),
    "\nbands = { size = 0.1, sise = 1 }\n": (
        "2: bands.sise must be a key of [bands], was 1; did you mean size?"
    ),
    "[quota]\nused = 1\ncap = 1.5\n": "3: quota.cap must be a whole number, was 1.5",
    "[quoter]\nlevels = '3'\n": '2: quoter.levels must be a whole number, was "3"',
    "quoter.levels = true\n": "1: quoter.levels must be a whole number, was true",
    "[timing]\ncycle_s = [6]\n": "2: timing.cycle_s must be a number, was [6]",
    "[orders]\npost_only = 1\n": "2: orders.post_only must be true or false, was 1",
    "[modify]\nscope = 'all'\n": '2: modify.scope must be one of global, order, was "all"',
    "[venue]\nlatency = 5\n": "2: venue.latency must be one of fast, none, slow, was 5",
    "[risk]\nexposure_cap = 'much'\n": '2: risk.exposure_cap must be a number, was "much"',
    "bands = 1\n": "1: bands must be a table, was 1",
    "[[bands]]\nsize = 0.1\n": "1: bands must be a table, was [a table]",
    "[market]\nfile = 2024-01-01\n": "2: market.file must be text in quotes, was 2024-01-01",
    "[bands]\nlatch_bps = -1\n": "2: bands.latch_bps must be finite and not negative, was -1.0",
    "[bands]\nlatch_bps = nan\n": "2: bands.latch_bps must be finite and not negative, was nan",
    "[timing]\ncycle_s = inf\n": "2: timing.cycle_s must be from 0.001 to 1000000000, was inf",
    "[timing]\ncycle_s = 1e300\n": "2: timing.cycle_s must be from 0.001 to 1000000000, was 1e+300",
    "[timing]\nretire_s = 1e300\n": "2: timing.retire_s must be from 0 to 1000000000, was 1e+300",
    "[quota]\nhorizon_h = 1e300\n": (
        "2: quota.horizon_h must be above 0 and at most 1000000000, was 1e+300"
    ),
    "[risk]\nrequests_per_minute = 10000000000\n": (
        "2: risk.requests_per_minute must be from 1 to 1000000000, was 10000000000"
    ),
    "[grid]\nsigma_divisor = 1e-300\n": (
        "2: grid.sigma_divisor must be finite and at least 0.001, was 1e-300"
    ),
    "[timing]\ncycle_s = 0\n": "2: timing.cycle_s must be from 0.001 to 1000000000, was 0.0",
    "[bands]\nlevel_factors = []\n": (
        "2: bands.level_factors must be a list of at least one finite and positive number, was []"
    ),
    "[bands]\nlevel_factors = [1, nan]\n": (
        "2: bands.level_factors must be a list of at least one finite and positive number, "
        "was [1.0, nan]"
    ),
    "[bands]\nlatch_bps_min = 4\nlatch_bps_max = 3\n": (
        "3: bands.latch_bps_max must not be below bands.latch_bps_min, 4.0, was 3.0"
    ),
    # The maximum is the default's, so the nearest line is that of the table.
    "[bands]\nlatch_bps_min = 40\n": (
        "1: bands.latch_bps_max must not be below bands.latch_bps_min, 40.0, was 10.0"
    ),
    "[bands]\nlatch_bps = 4\nstale_bps = 3\n": (
        "3: bands.stale_bps must not be below bands.latch_bps, 4.0, was 3.0"
    ),
    "[quota]\nwidest_below = 0.5\n": (
        "2: quota.widest_below must not be above quota.wide_below, 0.3, was 0.5"
    ),
    "[bands]\nsize = 1.5\n": "2: bands.size must be a share from 0 to 1, was 1.5",
    "[quoter]\nsize = -0.1\n": '2: quoter.size must be a finite and positive number, was "-0.1"',
    "[quoter]\nsize = 'lots'\n": '2: quoter.size must be a finite and positive number, was "lots"',
    "[quoter]\nlevels = 0\n": "2: quoter.levels must be from 1 to 100, was 0",
    "[risk]\nexposure_cap = -2\n": "2: risk.exposure_cap must be finite and not negative, was -2",
    "[risk]\nexposure_cap = inf\n": (
        "2: risk.exposure_cap must be finite and not negative, was Infinity"
    ),
    "[market]\nminutes = -5\n": (
        "2: market.minutes must be positive and at most 527040, a year, was -5.0"
    ),
    "[market]\nfile = ''\n": '2: market.file must not be empty, was ""',
    "[bands]\n\nsize = \n": "3: the file must be TOML: Invalid value",
    "[bands]\nsize = 1\nsize = 2\n": "3: the file must be TOML: Cannot overwrite a value",
    b"[market]\nfile = '\xff'\n": "2: the file must be UTF-8 text, was byte 0xff",
}


@pytest.mark.parametrize("source", REFUSALS)
def test_an_error_names_line_rule_and_value(tmp_path: Path, source: str | bytes) -> None:
    assert refusal(tmp_path, source) == REFUSALS[source]


def test_a_file_that_ends_too_early_names_its_last_line(tmp_path: Path) -> None:
    text = refusal(tmp_path, "[bands]\nlevel_factors = [1,\n")

    assert text.startswith("3: the file must be TOML: ")


def test_a_long_value_is_cut_short(tmp_path: Path) -> None:
    text = refusal(tmp_path, f"[modify]\nscope = '{'x' * 500}'\n")

    assert text.endswith("xxx...")
    assert len(text) < 150


def test_a_missing_file_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_config(tmp_path / "none.toml")


def leaves(shape: type[Any], prefix: str = "") -> set[str]:
    keys = set()
    for field in structs.fields(shape):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            keys |= leaves(field.type, f"{prefix}{field.name}.")
        else:
            keys.add(f"{prefix}{field.name}")
    return keys


def test_every_key_of_the_configuration_has_its_rule() -> None:
    assert set(KEYS) == leaves(RunConfig)


@pytest.mark.parametrize("preset", [configs.STABLE, configs.LEGACY])
def test_the_presets_hold_every_rule(preset: configs.Config) -> None:
    tables = {field.name: getattr(preset, field.name) for field in structs.fields(preset)}

    check(RunConfig(**tables))


def test_check_names_the_key_without_a_file() -> None:
    with pytest.raises(ConfigError) as caught:
        check(RunConfig(quoter=QuoterConfig(gamma=0.0)))

    assert caught.value.key == "quoter.gamma"
    assert str(caught.value) == "quoter.gamma must be finite and positive, was 0.0"


@pytest.mark.parametrize("key", [key for key in KEYS if key.endswith(("_s", "_h"))])
def test_no_time_is_too_long_for_a_clock_of_nanoseconds(key: str) -> None:
    assert not KEYS[key].holds(1e300)
    assert KEYS[key].holds(float(SECONDS_MAX))


def test_a_file_without_an_end_is_not_read_to_it(tmp_path: Path) -> None:
    path = tmp_path / "bot.toml"
    path.write_bytes(b"#" * (BYTES_MAX + 1))

    with pytest.raises(ConfigError, match="the file must have at most 1,000,000 bytes, had more"):
        read_config(path)
