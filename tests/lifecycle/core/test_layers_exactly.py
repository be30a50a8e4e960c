"""The layers to the last unit: what rounds, where a border lies, and what is counted."""

from decimal import Decimal
from fractions import Fraction
from typing import Final

import pytest

from exchange.commands import Cancel
from exchange.instrument import Instrument
from exchange.market import Market, Queue
from exchange.units import MINUTE, SECOND
from exchange.words import Cloid, Side
from lifecycle.config import BandsConfig, ChurnConfig, Config, GridConfig, QuotaConfig
from lifecycle.core.bands import base_latch, queue_factor, stale_band
from lifecycle.core.budget import BUCKETS, Budget, Ration, Spending, room_for_changes, spendable
from lifecycle.core.churn import Cause, Churn, Rest, judge_rest
from lifecycle.core.grid import Grid
from lifecycle.core.ledger import Ledger
from lifecycle.core.settings import MILLION, Settings
from lifecycle.core.smoothing import Smoother
from spec.trace import Action, Decision, Plan, Reason, Targets
from tests.story import INSTRUMENT, targets

FIGURED: Final = Instrument("FIVE", Decimal("0.1"), Decimal("0.01"), significant_figures=5)
WIDE: Final = Market(0, 1, 10**9)
"""A book that nothing crosses."""


# Smoothing.


def test_a_reset_without_a_ramp_leaves_the_weight_as_it_is() -> None:
    smoother = Smoother(0.2, 0.0)

    smoother.reset()

    assert smoother.weight == 0.2


# Grid.


def lattice(config: GridConfig, instrument: Instrument = INSTRUMENT) -> Grid:
    return Grid(Settings(Config(grid=config), instrument), instrument)


def snapped(
    grid: Grid,
    bids: list[int],
    asks: list[int] | None = None,
    *,
    market: Market = WIDE,
    headroom: int = MILLION,
) -> tuple[list[int], list[int]]:
    """Snap targets of one size; returns the prices of both sides."""
    raw = targets([(price, 10) for price in bids], [(price, 10) for price in asks or []])
    wanted = grid.snap(raw, market, headroom)
    return [target.price for target in wanted.bids], [target.price for target in wanted.asks]


def test_a_lattice_of_single_units_leaves_every_price_as_it_is() -> None:
    grid = lattice(GridConfig(min_ticks=1))

    assert snapped(grid, [1], [3]) == ([1], [3])
    assert (grid.step, grid.epoch) == (1, 1)


def test_without_a_least_step_and_a_volatility_there_is_no_lattice() -> None:
    grid = lattice(GridConfig(min_ticks=0))

    assert snapped(grid, [20_001], [20_003]) == ([20_001], [20_003])
    assert (grid.step, grid.epoch) == (0, 0)


def test_a_step_of_a_single_unit_is_held_like_any_other() -> None:
    grid = lattice(GridConfig(min_ticks=1, hold=1.0))
    snapped(grid, [20_000])

    snapped(grid, [20_000], headroom=750_000)

    assert (grid.step, grid.epoch) == (1, 1)


def test_a_step_as_wide_as_the_ladder_is_held() -> None:
    grid = lattice(GridConfig(min_ticks=8))
    snapped(grid, [20_000, 19_990], headroom=875_000)

    snapped(grid, [20_000, 19_990])

    assert (grid.step, grid.epoch) == (10, 1)


def test_the_share_of_the_volatility_is_rounded_down_before_the_ticks_are_rounded_up() -> None:
    grid = lattice(GridConfig())
    market = Market(0, 1, 10**9, volatility=39_999_001)

    snapped(grid, [20_000], [20_001], market=market)

    # A sixteenth of it is 4.9999 units at 20000, and 5 at 20000.5.
    assert grid.step == 4


def test_the_lattice_has_whole_ticks_where_the_ladder_has_not() -> None:
    grid = lattice(GridConfig(min_ticks=50), FIGURED)

    snapped(grid, [200_000, 199_955])

    assert grid.step == 40


def test_the_margin_is_rounded_down() -> None:
    grid = lattice(GridConfig(min_ticks=10))

    # A quarter of ten units is two.
    assert [snapped(grid, [price])[0] for price in (20_000, 20_011, 20_012)] == [
        [20_000],
        [20_000],
        [20_010],
    ]


@pytest.mark.parametrize("sign", [1, -1])
def test_held_levels_that_would_fall_on_one_point_are_not_held(sign: int) -> None:
    grid = lattice(GridConfig(min_ticks=8))
    ladders = [20_000, 20_000 - sign * 16], [20_000 + sign * 9, 20_000 + sign * 1]

    before, after = (
        snapped(grid, prices)[0] if sign > 0 else snapped(grid, [], prices)[1] for prices in ladders
    )

    assert before == [20_000, 20_000 - sign * 16]
    assert after == [20_000 + sign * 8, 20_000]
    assert grid.epoch == 1


def test_held_levels_a_single_unit_apart_stay_held() -> None:
    grid = lattice(GridConfig(min_ticks=1, margin=1.0))
    snapped(grid, [20_000, 19_999])

    assert snapped(grid, [20_001, 19_999]) == ([20_000, 19_999], [])


def test_a_held_ask_gives_way_to_the_book() -> None:
    grid = lattice(GridConfig(min_ticks=8))
    snapped(grid, [], [20_000])

    assert snapped(grid, [], [20_001], market=Market(0, 19_999, None)) == ([], [20_000])
    assert snapped(grid, [], [20_002], market=Market(0, 20_000, None)) == ([], [20_008])


@pytest.mark.parametrize(
    ("sides", "market", "after"),
    [
        pytest.param(([19_999], []), Market(0, None, 20_001), ([20_000], []), id="no bid seen"),
        pytest.param(([19_999], []), Market(0, None, 20_000), ([19_992], []), id="held bid"),
        pytest.param(([], [20_001]), Market(0, 19_999, None), ([], [20_000]), id="no ask seen"),
        pytest.param(([], [20_001]), Market(0, 20_000, None), ([], [20_008]), id="held ask"),
        pytest.param(([], [20_001]), Market(0, None, None), ([], [20_000]), id="no book"),
    ],
)
def test_a_book_that_reaches_a_held_point_is_noticed_though_the_targets_are_the_same(
    sides: tuple[list[int], list[int]], market: Market, after: tuple[list[int], list[int]]
) -> None:
    grid = lattice(GridConfig(min_ticks=8))
    snapped(grid, *([20_000] if side else [] for side in sides))
    snapped(grid, *sides)

    assert snapped(grid, *sides, market=market) == after


def test_after_prices_too_small_for_any_lattice_it_starts_again() -> None:
    grid = lattice(GridConfig(min_ticks=8))
    unfit = snapped(grid, [3], [5])

    assert unfit == snapped(grid, [3], [5]) == ([3], [5])
    assert snapped(grid, [20_001], [20_004]) == ([20_000], [20_008])


# Bands.


def banded(bands: BandsConfig) -> Settings:
    """Compile a configuration of these bands."""
    return Settings(Config(bands=bands), INSTRUMENT)


@pytest.mark.parametrize(("bids", "asks"), [([(19_999, 1)], []), ([(19_999, 1)], [(20_001, 1)])])
def test_the_latch_is_a_share_of_a_larger_volatility_rounded_down(
    bids: list[tuple[int, int]], asks: list[tuple[int, int]]
) -> None:
    settings = banded(BandsConfig(sigma_share=0.65))

    assert base_latch(settings, targets(bids, asks), 10_000_001) == 6_500_000


def test_the_half_spread_and_its_share_are_each_rounded_down() -> None:
    settings = banded(BandsConfig(half_spread_share=0.3))

    # A half-spread of 10993403.3 millionths, of which three tenths are 3298020.9.
    latch = base_latch(settings, targets([(19_990, 1)], [(20_034, 1)]), 0)

    assert latch == 3_298_020


@pytest.mark.parametrize(
    ("queue", "factor"),
    [
        pytest.param(None, 1_000_000, id="not known"),
        pytest.param(Queue(0, 0), 1_000_000, id="alone"),
        pytest.param(Queue(5, 0), 1_000_000, id="last"),
        pytest.param(Queue(2, 1), 1_166_666, id="a third behind"),
        pytest.param(Queue(0, 7), 1_500_000, id="first"),
    ],
)
def test_a_band_widens_by_the_share_of_the_queue_behind(queue: Queue | None, factor: int) -> None:
    assert queue_factor(banded(BandsConfig(queue_bonus=0.5)), queue) == factor


def test_the_stale_band_is_rounded_down() -> None:
    assert stale_band(banded(BandsConfig(stale_factor=1.5)), 3_333_333) == 4_999_999


# The ledger.


def limited(quota: QuotaConfig) -> Settings:
    """Compile a configuration of this quota."""
    return Settings(Config(quota=quota), INSTRUMENT)


def test_before_any_refusal_nothing_is_held_back() -> None:
    assert Ledger(limited(QuotaConfig())).is_held(0) is False


def test_the_volume_that_was_heard_of_is_kept() -> None:
    ledger = Ledger(limited(QuotaConfig(cap=10, earns=2.0)), Fraction(1, 1_000))

    ledger.earn(2_600)

    assert ledger.traded == 2_600


def test_the_widening_of_the_latch_is_rounded_down() -> None:
    settings = limited(QuotaConfig(cap=MILLION, used=700_001, widest_factor=2.5))

    # One millionth below the border, of a slope of 7.5.
    assert Ledger(settings).latch_factor(settings) == 1_000_007


# The budget.


def test_a_reserve_is_rounded_down() -> None:
    settings = limited(QuotaConfig(horizon_h=0.0))

    assert spendable(settings, granted=10_050, left=200, earned=0) == 100


def test_room_is_rounded_down() -> None:
    settings = limited(QuotaConfig(modify_share=0.4, place_share=0.4, cancel_share=0.2))

    room = room_for_changes(settings, total=3, changes=0, places=9, cancels=9)

    assert (room, type(room)) == (1, int)


@pytest.mark.parametrize(
    ("place_share", "cancel_share"), [(0.000001, 0.0), (0.0, 0.000001)], ids=["places", "cancels"]
)
def test_an_overdrawn_share_lends_not_even_a_millionth(
    place_share: float, cancel_share: float
) -> None:
    quota = QuotaConfig(modify_share=0.999999, place_share=place_share, cancel_share=cancel_share)

    assert room_for_changes(limited(quota), total=1, changes=0, places=1, cancels=1) == 0


@pytest.mark.parametrize(
    ("earned", "wanted"),
    [
        pytest.param(0, 6, id="900 but for the reserve"),
        pytest.param(1_000, 13, id="1890 of a larger grant"),
    ],
)
def test_a_cycle_is_granted_what_the_window_may_spend_and_no_more(earned: int, wanted: int) -> None:
    settings = limited(QuotaConfig(cap=10_000, used=9_000, horizon_h=24.0, window_s=600.0))
    ledger = Ledger(settings)
    ledger.earned = earned
    ration = Ration(Budget(settings), ledger, 0)

    granted = [ration.grants(0) for _ in range(20)]

    assert granted == [True] * wanted + [False] * (20 - wanted)


def test_every_order_that_is_replaced_has_its_place_prepaid() -> None:
    budget = Budget(limited(QuotaConfig(cap=100)))

    budget.replace(0, orders=2)
    budget.replace(0, orders=2)

    assert (budget.prepaid, budget.within(0)) == (2, (2, 0, 0, 0))


def test_what_has_just_left_the_window_is_thrown_away() -> None:
    budget = Budget(limited(QuotaConfig(cap=100, window_s=600.0)))

    for minute in range(BUCKETS + 2):
        budget.enter(Spending.CHANGE, minute * MINUTE)

    assert [bucket[0] // MINUTE for bucket in budget.buckets] == list(range(1, BUCKETS + 2))


def test_the_horizon_counts_from_the_first_decision_in_whole_nanoseconds() -> None:
    budget = Budget(limited(QuotaConfig(cap=100, window_s=600.0)))
    budget.enter(Spending.CHANGE, 2 * MINUTE, count=7)

    horizon = budget.horizon(1, 5 * MINUTE)

    assert (horizon, type(horizon)) == (180 * SECOND // 7, int)


# Churn.


def decided(
    cloid: Cloid | None, side: Side = Side.BUY, *, level: int = 0, band: int = 0
) -> Decision:
    return Decision(cloid, side, level, Action.KEEP, Reason.LATCHED, 0, 0, 5, 5, band)


BOTH: Final = targets([(9_990, 5)], [(10_010, 5)])
KEPT: Final = (decided("b"), decided("a", Side.SELL))
CANCEL: Final = Cancel(3, "b", "o", 0)


@pytest.mark.parametrize(
    ("resting", "rest"),
    [
        pytest.param({"b0": 8, "a0": 16}, (False, False, 2, 0), id="one of two"),
        pytest.param({"b0": 8, "b1": 4, "a0": 16}, (True, False, 3, 0), id="both bids"),
        pytest.param({"b0": 8, "a0": 16, "a1": 32}, (False, True, 3, 0), id="both asks"),
        pytest.param(
            {"b0": 7, "b1": 5},
            (True, False, 2, 1_250_000_000**2 + 2_500_000_000**2),
            id="bids beside their targets",
        ),
    ],
)
def test_a_side_is_there_with_as_many_orders_as_were_wanted(
    resting: dict[Cloid, int], rest: tuple[bool, bool, int, int]
) -> None:
    wanted = targets([(8, 5), (4, 5)], [(16, 5), (32, 5)])
    decisions = (
        decided("b0"),
        decided("b1", level=1),
        decided("a0", Side.SELL),
        decided("a1", Side.SELL, level=1),
        decided(None),
    )

    assert judge_rest(wanted, decisions, resting)[:4] == rest


@pytest.mark.parametrize("level", [-1, 1], ids=["withdrawn", "beyond the ladder"])
def test_an_order_without_a_target_has_no_distance(level: int) -> None:
    decisions = (decided("b", level=level, band=6),)

    assert judge_rest(BOTH, decisions, {"b": 9_990}) == Rest(True, False, 0, 0, 0)


def test_bands_are_summed_as_shares_of_what_was_wanted() -> None:
    decisions = (decided("b", band=6), decided("a", Side.SELL, band=9))

    rest = judge_rest(targets([(3, 5)], [(7, 5)]), decisions, {"b": 3, "a": 7})

    assert (rest.bands, type(rest.bands)) == (20_000_000_000 + 12_857_142_857, int)


def test_the_least_price_has_a_distance() -> None:
    rest = judge_rest(targets([(1, 5)]), (decided("b"),), {"b": 1})

    assert rest.distances == 1


def test_before_the_first_cycle_the_line_counts_nothing() -> None:
    assert Churn(ChurnConfig()).line() == (
        "cycle 0 keep 0 mod 0 place 0 cancel 0 | 0: c/f 0.0 skip –% queue –% present –/–% rms –bp"
    )


@pytest.mark.parametrize("boost", [1.0, 1.5])
def test_a_boost_that_does_not_narrow_is_taken(boost: float) -> None:
    assert Churn(ChurnConfig(deadband_boost=boost)).config.deadband_boost == boost


def test_a_smoother_that_held_nothing_back_is_not_counted() -> None:
    churn = Churn(ChurnConfig())

    churn.track(BOTH, Plan((), KEPT), fills=0, resting={})

    assert churn.kept_by == {Cause.LATCH: 2}


def test_each_side_has_its_own_alarm_and_count() -> None:
    churn = Churn(ChurnConfig(window=20, absence_cycles=3))

    said = [churn.track(BOTH, Plan((), KEPT), fills=0, resting={"a": 10_010}) for _ in range(4)]

    assert said == [(), (), (), ("bid absent: there in 0 of 3 cycles",)]
    assert churn.alerts == ("bid absent",)


def test_the_line_names_every_alarm_that_is_on() -> None:
    churn = Churn(ChurnConfig(window=10, spiral_cycles=1, absence_cycles=1))

    for _ in range(2):
        churn.track(BOTH, Plan((CANCEL,), KEPT), fills=0, resting={"a": 10_010})

    assert churn.line().endswith("present 0/100% rms 0.0bp SPIRAL BID ABSENT")


def test_nothing_is_wanted_where_there_are_no_targets() -> None:
    assert judge_rest(Targets(), (decided("b"),), {"b": 9_990}) == Rest(True, True, 0, 0, 0)
