"""Bands in integers: exactly what the fractions say, rounded down; and what an order is kept by."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exchange.market import Market, Queue
from exchange.words import Side
from lifecycle.config import BandsConfig, Config
from lifecycle.core.bands import base_latch, in_units, level_latch, stale_band
from lifecycle.core.settings import MILLION, Settings
from spec.trace import Action, Decision
from tests.story import INSTRUMENT, PLAIN, Story, targets

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


# What an order is kept by.


def drifted(
    side: Side,
    drift: int,
    *,
    wanted: int = 20_000,
    queue: Queue | None = None,
    bands: BandsConfig | None = None,
) -> Decision:
    """Return what is decided about an order this much more aggressive than wanted.

    `queue` is its place, where one is known. The latch is 6 units at 20000, the stale band 12.
    """
    story = Story(replace(PLAIN, bands=bands or BandsConfig(latch_bps=3.0)))
    rests = [(wanted + side * drift, 10)]
    [order] = story.rest(rests) if side > 0 else story.rest((), rests)
    story.wait(6)
    queues = {} if queue is None else {order.cloid: queue}
    one = [(wanted, 10)]
    both = targets(one) if side > 0 else targets((), one)
    [found] = story.manager.cycle(
        story.now, both, Market(story.now, None, None, queues=queues)
    ).decisions
    return found


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("outwards", [False, True])
@pytest.mark.parametrize(
    ("queue", "border"),
    [
        (Queue(0, 10), 9),
        (Queue(10, 10), 7),
        (Queue(30, 10), 6),
        (Queue(10, 0), 6),
        (Queue(0, 0), 6),
        (None, 6),
    ],
)
def test_an_order_is_kept_the_further_out_the_more_of_its_queue_is_behind_it(
    queue: Queue | None, border: int, outwards: bool, side: Side
) -> None:
    sign = -1 if outwards else 1

    inside = drifted(side, sign * border, queue=queue)
    outside = drifted(side, sign * (border + 1), queue=queue)

    assert (inside.action, outside.action) == (Action.KEEP, Action.MODIFY)
    assert (type(inside.band), inside.band) == (int, border)


def test_a_band_that_a_place_in_the_queue_has_widened_is_rounded_once() -> None:
    # 6.99 units, and half as much again 10.48.
    decisions = [drifted(Side.BUY, drift, wanted=23_300, queue=Queue(0, 10)) for drift in (10, 11)]

    assert [one.action for one in decisions] == [Action.KEEP, Action.MODIFY]
    assert [one.band for one in decisions] == [10, 10]


def test_without_a_bonus_the_place_in_the_queue_widens_nothing() -> None:
    bands = BandsConfig(latch_bps=3.0, queue_bonus=0.0)

    assert drifted(Side.BUY, 7, queue=Queue(0, 10), bands=bands).action is Action.MODIFY


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("queue", [None, Queue(0, 10)])
def test_an_order_more_aggressive_than_wanted_has_the_adverse_band_and_another_has_not(
    queue: Queue | None, side: Side
) -> None:
    bands = BandsConfig(latch_bps=3.0, adverse_factor=0.5)
    # Half of 6, or of 9.
    adverse, usual = (3, 6) if queue is None else (4, 9)

    found = [
        drifted(side, drift, queue=queue, bands=bands)
        for drift in (adverse, adverse + 1, -usual, -usual - 1)
    ]

    assert [one.action for one in found] == [Action.KEEP, Action.MODIFY] * 2
    assert [one.band for one in found] == [adverse, adverse, usual, usual]
    assert {type(one.band) for one in found} == {int}
