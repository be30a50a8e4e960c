"""Bands in integers: exactly what the fractions say, rounded down once."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.config import BandsConfig, Config
from lifecycle.core.bands import base_latch, in_units, level_latch, stale_band
from lifecycle.core.settings import MILLION, Settings
from tests.story import INSTRUMENT, targets

BASIS_POINT = Fraction(1, 10_000)
millionths = st.integers(0, 50 * MILLION)


def settings(bands: BandsConfig | None = None) -> Settings:
    """Compile a configuration of these bands."""
    return Settings(Config(bands=bands or BandsConfig()), INSTRUMENT)


@given(millionths, st.integers(1, 10**12))
def test_a_band_in_units_is_the_exact_fraction_of_the_price_rounded_down(
    band: int, price: int
) -> None:
    exact = Fraction(band, MILLION) * BASIS_POINT * price

    assert in_units(band, price) == floor(exact)


@given(st.integers(1, 10**9), st.integers(0, 10**6))
def test_without_a_fixed_latch_it_is_a_share_of_the_half_spread_between_its_bounds(
    bid: int, spread: int
) -> None:
    ask = bid + spread + 1
    half_spread = Fraction(ask - bid, ask + bid) / BASIS_POINT
    exact = min(max(Fraction(3, 10) * half_spread, Fraction(3)), Fraction(10))

    latch = base_latch(settings(), targets([(bid, 1)], [(ask, 1)]), 0)

    # Two divisions round down, each by less than a millionth of a basis point.
    assert 0 <= exact * MILLION - latch < 2


@given(millionths, st.integers(0, 5), st.integers(MILLION, 3 * MILLION))
def test_level_and_quota_multiply_the_latch(base: int, level: int, quota: int) -> None:
    factor = (1, 2, 3, 3, 3, 3)[level]
    exact = Fraction(base) * factor * Fraction(quota, MILLION)

    assert level_latch(settings(), base, level, quota) == floor(exact)


@pytest.mark.parametrize(("bids", "asks"), [([], []), ([(20_000, 1)], []), ([], [(20_000, 1)])])
def test_a_ladder_of_one_side_has_the_least_latch(
    bids: list[tuple[int, int]], asks: list[tuple[int, int]]
) -> None:
    assert base_latch(settings(), targets(bids, asks), 0) == 3 * MILLION


def test_a_fixed_latch_takes_no_notice_of_the_spread() -> None:
    fixed = settings(BandsConfig(latch_bps=0.35))

    assert base_latch(fixed, targets([(1, 1)], [(9_999, 1)]), 0) == 350_000


@pytest.mark.parametrize(
    ("stale_bps", "band"), [(None, 2 * 3 * MILLION), (4.5, 4_500_000), (0.0, 0)]
)
def test_the_stale_band_is_a_multiple_of_the_latch_or_fixed(
    stale_bps: float | None, band: int
) -> None:
    assert stale_band(settings(BandsConfig(stale_bps=stale_bps)), 3 * MILLION) == band


def test_a_drift_equal_to_the_band_is_inside() -> None:
    latch = settings(BandsConfig(latch_bps=3.0))

    assert in_units(base_latch(latch, targets(), 0), 20_000) == 6
