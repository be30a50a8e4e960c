"""Kappa: each source says what it should of a market made for it, and the blend stays sane."""

from math import exp
from random import Random

import pytest

from exchange.market import Row, RowKind
from exchange.units import BPS, SECOND
from lifecycle.bot.evidence import TAIL
from lifecycle.bot.kappa import FACTOR_MAX, PRIOR, WINDOW, KappaEstimator

MID = 20_000


def touch(at: int) -> Row:
    """Return a touch of one tick around the mid."""
    return Row(at, -1, RowKind.BBO, bid=MID - 1, bid_qty=10, ask=MID + 1, ask_qty=10)


def book(at: int, kappa: float) -> list[Row]:
    """Return a snapshot of a book whose depth decays by `kappa`."""
    return [
        Row(
            at,
            -1,
            RowKind.DEPTH,
            price=MID - side * level,
            qty=1 + int(1e6 * exp(-kappa * level / MID)),
            side=side,
            act="S",
        )
        for side in (1, -1)
        for level in range(1, 21)
    ]


def sweep(at: int, reach: float, side: int = 1) -> list[Row]:
    """Return the prints of a taker who reaches to `reach`, a share of the price, and the touch."""
    last = round(MID * (1 + side * reach))
    prints = range(MID + side, last + side, side)
    trades = [Row(at, -1, RowKind.TRADE, price=price, qty=3, side=side) for price in prints]
    return [*trades, touch(at)]


def seen(rows: list[Row]) -> KappaEstimator:
    """Return an estimator that has seen `rows`."""
    estimator = KappaEstimator()
    for row in rows:
        estimator.see(row)
    return estimator


def test_without_data_kappa_is_the_prior() -> None:
    kappa = KappaEstimator().estimate(0)

    assert kappa.blend == PRIOR
    assert (kappa.book, kappa.trades, kappa.robust) == (None, None, None)


def test_the_book_source_is_the_inverse_of_the_mean_distance_of_the_depth() -> None:
    batches = [row for at in range(5) for row in book(at * SECOND, 0.0)]

    kappa = seen([touch(0), *batches]).estimate(5 * SECOND)

    # Twenty even levels rest 10.5 price units from the mid on average.
    assert kappa.book == pytest.approx(MID / 10.5)


def test_the_faster_the_depth_decays_the_higher_is_kappa() -> None:
    kappas = [
        seen([touch(0), *book(0, decay), *book(1, decay)]).estimate(1) for decay in (0.0, 3_000.0)
    ]

    assert kappas[0].book is not None
    assert kappas[1].book is not None
    assert kappas[0].book < kappas[1].book
    assert kappas[0].blend < kappas[1].blend


def test_the_trade_source_finds_the_law_of_how_far_takers_reach() -> None:
    random = Random(1)
    rows = [touch(0)]
    for at in range(400):
        reach = TAIL + random.expovariate(900.0)
        rows += sweep(at * SECOND // 10, reach, random.choice([1, -1]))

    kappa = seen(rows).estimate(40 * SECOND)

    assert kappa.trades == pytest.approx(900.0, rel=0.15)
    assert kappa.robust == pytest.approx(900.0, rel=0.25)
    assert kappa.blend < PRIOR


def test_one_deep_sweep_moves_the_mean_but_not_the_median() -> None:
    shallow = [row for at in range(9) for row in sweep(at * SECOND, 10 / BPS)]

    before = seen([touch(0), *shallow]).estimate(10 * SECOND)
    after = seen([touch(0), *shallow, *sweep(9 * SECOND, 40 / BPS)]).estimate(10 * SECOND)

    assert before.trades is not None
    assert after.trades is not None
    assert after.trades < 0.8 * before.trades
    assert after.robust == before.robust


def test_one_taker_is_one_sample_however_many_levels_it_prints() -> None:
    single = [touch(0), Row(1, -1, RowKind.TRADE, price=MID + 20, qty=3, side=1), touch(1)]

    kappa = seen([touch(0), *sweep(1, 10 / BPS)]).estimate(SECOND)

    assert kappa == seen(single).estimate(SECOND)


def test_prints_at_the_touch_say_nothing_of_distance() -> None:
    rows = [Row(at, -1, RowKind.TRADE, price=MID + 1, qty=3, side=1) for at in range(1, 100)]

    kappa = seen([touch(0), *rows]).estimate(SECOND)

    assert kappa.trades is None
    assert kappa.blend == PRIOR


def test_what_has_left_the_window_is_forgotten() -> None:
    estimator = seen([touch(0), *sweep(SECOND, 20 / BPS)])

    within = estimator.estimate(SECOND + WINDOW)
    beyond = estimator.estimate(SECOND + WINDOW + 1)

    assert within.trades is not None
    assert beyond.trades is None
    assert beyond.blend == PRIOR


def test_no_source_is_believed_beyond_a_factor() -> None:
    rows = [row for at in range(100) for row in book(at * SECOND // 2, 20_000.0)]

    kappa = seen([touch(0), *rows]).estimate(50 * SECOND)

    assert kappa.book == PRIOR * FACTOR_MAX
    assert kappa.blend < 2 * PRIOR


def test_a_book_of_few_levels_and_trades_before_any_touch_are_no_samples() -> None:
    rows = [*book(0, 1_000.0)[:5], Row(1, -1, RowKind.TRADE, price=MID, qty=1, side=1)]

    kappa = seen([*rows, touch(2), *rows]).estimate(SECOND)

    assert kappa.book is None
    assert kappa.trades is None
