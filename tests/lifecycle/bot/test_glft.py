"""Where the bot wants to quote, and what of it the venue would accept."""

from decimal import Decimal
from itertools import pairwise
from math import inf, log, nan
from random import Random

import pytest

from exchange.instrument import Instrument
from exchange.units import BPS
from exchange.words import Side
from lifecycle.bot.glft import Ladder, half_spread, ladder, rounded
from spec.trace import Target, Targets

ETH = Instrument("ETH", significant_figures=5)
COARSE = Instrument("BTC", price_unit=Decimal("0.1"), significant_figures=5)


def prices(targets: Targets) -> tuple[list[int], list[int]]:
    """Return the prices of both sides."""
    return [t.price for t in targets.bids], [t.price for t in targets.asks]


def test_the_half_spread_of_the_recorded_kappa_is_eight_and_a_half_bps() -> None:
    assert half_spread(0.1, 1169.0) * BPS == pytest.approx(8.554, abs=0.001)


def test_more_risk_aversion_narrows_the_half_spread() -> None:
    assert half_spread(500.0, 1169.0) == pytest.approx(log(1 + 500 / 1169) / 500)
    assert half_spread(500.0, 1169.0) < half_spread(0.1, 1169.0)


@pytest.mark.parametrize(("gamma", "kappa"), [(0.0, 1.0), (1.0, -1.0), (nan, 1.0), (1.0, inf)])
def test_a_half_spread_of_nonsense_is_refused(gamma: float, kappa: float) -> None:
    with pytest.raises(ValueError, match=r"^(gamma|kappa) must be positive and finite, was "):
        half_spread(gamma, kappa)


def test_a_flat_inventory_is_quoted_symmetrically() -> None:
    wanted = ladder(20_000.0, 0.001, 0.0, skew_bps=6.0, levels=2, step_bps=5.0)

    assert wanted.bids == pytest.approx((19_980.0, 19_970.0))
    assert wanted.asks == pytest.approx((20_020.0, 20_030.0))


def test_a_long_inventory_shifts_both_sides_down() -> None:
    wanted = ladder(20_000.0, 0.001, 0.5, skew_bps=10.0, levels=1, step_bps=0.0)

    assert wanted.bids == pytest.approx((19_970.01,))
    assert wanted.asks == pytest.approx((20_009.99,))


@pytest.mark.parametrize("inventory", [1.0, 1.7])
def test_a_full_inventory_is_not_made_fuller(inventory: float) -> None:
    long = ladder(20_000.0, 0.001, inventory, skew_bps=6.0, levels=2, step_bps=5.0)
    short = ladder(20_000.0, 0.001, -inventory, skew_bps=6.0, levels=2, step_bps=5.0)

    assert (len(long.bids), len(long.asks)) == (0, 2)
    assert (len(short.bids), len(short.asks)) == (2, 0)
    assert long.asks[0] == pytest.approx(20_000 * (1 - 0.0006) * 1.001)


def test_bids_round_down_and_asks_up() -> None:
    targets = rounded(Ladder((19_980.7,), (20_019.2,)), 19_999, 20_001, 5, ETH)

    assert targets == Targets((Target(19_980, 5),), (Target(20_020, 5),))


def test_rounding_follows_the_tick_of_the_price() -> None:
    # Above 10 000 five significant figures leave whole numbers only: ten units of 0.1.
    targets = rounded(Ladder((605_013.0,), (605_017.0,)), 605_010, 605_020, 5, COARSE)

    assert prices(targets) == ([605_010], [605_020])


def test_a_bid_stays_below_the_best_ask_and_an_ask_above_the_best_bid() -> None:
    targets = rounded(Ladder((20_010.0,), (20_011.0,)), 19_999, 20_001, 5, ETH)
    mirrored = rounded(Ladder((19_989.0,), (19_990.0,)), 19_999, 20_001, 5, ETH)

    assert prices(targets) == ([20_000], [20_011])
    assert prices(mirrored) == ([19_989], [20_000])


def test_levels_that_round_to_one_price_are_spread_out() -> None:
    targets = rounded(Ladder((100.9, 100.5, 100.1), (101.1, 101.5, 101.9)), 100, 102, 5, ETH)

    assert prices(targets) == ([100, 99, 98], [102, 103, 104])


def test_bids_that_would_end_at_zero_are_not_quoted() -> None:
    targets = rounded(Ladder((1.5, 0.5), ()), 1, 3, 5, ETH)

    assert prices(targets) == ([1], [])


def test_any_ladder_beside_any_touch_gives_targets_that_a_venue_accepts() -> None:
    random = Random(1)
    for _ in range(3_000):
        mid = random.uniform(500.0, 300_000.0)
        bid = ETH.snap(int(mid), Side.BUY)
        ask = ETH.snap(bid + 1 + int(random.expovariate(0.05)), Side.SELL)
        wanted = ladder(
            mid * random.uniform(0.99, 1.01),
            random.choice([1e-12, 1e-4, 1e-3]),
            random.uniform(-1.2, 1.2),
            skew_bps=random.uniform(0.0, 30.0),
            levels=random.randint(1, 5),
            step_bps=random.choice([0.0, 0.1, 4.0]),
        )

        bids, asks = prices(rounded(wanted, bid, ask, 1, ETH))

        assert all(ETH.is_valid_price(price) for price in bids + asks)
        assert all(better > worse for better, worse in pairwise(bids))
        assert all(better < worse for better, worse in pairwise(asks))
        assert (len(bids), len(asks)) == (len(wanted.bids), len(wanted.asks))
        assert all(price < ask for price in bids)
        assert all(price > bid for price in asks)
        assert all(price <= raw for price, raw in zip(bids, wanted.bids, strict=True))
        assert all(price >= raw for price, raw in zip(asks, wanted.asks, strict=True))
        if bids and asks:
            assert bids[0] < asks[0]
