"""L2: the lattice under the targets."""

from decimal import Decimal
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.instrument import Instrument
from exchange.market import Market
from lifecycle.config import Config, GridConfig
from lifecycle.core.grid import Grid
from lifecycle.core.settings import MILLION, Settings
from spec.trace import Target, Targets

PLAIN: Final = Instrument("GRID", price_unit=Decimal("0.1"), lot=Decimal("0.01"))
FIGURED: Final = Instrument("FIVE", Decimal("0.1"), Decimal("0.01"), significant_figures=5)
DEFAULTS: Final = GridConfig()
WIDE: Final = Market(0, 1, 10**9)
"""A book that nothing crosses."""


def lattice(config: GridConfig = DEFAULTS, instrument: Instrument = PLAIN) -> Grid:
    return Grid(Settings(Config(grid=config), instrument), instrument)


def quotes(bids: list[int], asks: list[int] | None = None) -> Targets:
    return Targets(
        tuple(Target(price, 10) for price in bids), tuple(Target(price, 10) for price in asks or [])
    )


def points(targets: Targets) -> tuple[list[int], list[int]]:
    return [target.price for target in targets.bids], [target.price for target in targets.asks]


def snapped(
    grid: Grid, bids: list[int], asks: list[int] | None = None, *, market: Market = WIDE
) -> tuple[list[int], list[int]]:
    return points(grid.snap(quotes(bids, asks), market, MILLION))


def test_bids_snap_down_and_asks_up() -> None:
    grid = lattice(GridConfig(min_ticks=10))

    assert snapped(grid, [19_996], [20_014]) == ([19_990], [20_020])


def test_the_step_is_the_greater_of_ticks_and_volatility() -> None:
    calm, wild = lattice(), lattice()

    calm.snap(quotes([20_000]), WIDE, MILLION)
    # 32 bp a minute, a sixteenth of it is 2 bp, which at 20000 units are 4 of them.
    wild.snap(quotes([20_000]), Market(0, 1, 10**9, volatility=32_000_000), MILLION)

    assert (calm.step, wild.step) == (2, 4)


@pytest.mark.parametrize(("headroom", "step"), [(1.0, 10), (0.5, 20), (0.0, 30)])
def test_the_step_widens_as_the_quota_runs_out(headroom: float, step: int) -> None:
    grid = lattice(GridConfig(min_ticks=10))

    grid.snap(quotes([20_000]), WIDE, round(headroom * MILLION))

    assert grid.step == step


def test_a_step_is_held_until_the_wanted_one_differs_by_half_of_it() -> None:
    grid = lattice(GridConfig(min_ticks=10))
    steps = []

    for headroom in (MILLION, 750_000, 740_000, 700_000, 500_000):
        grid.snap(quotes([20_000]), WIDE, headroom)
        steps.append((grid.step, grid.epoch))

    # Wanted in turn: 10, 15, 16, 16, 20.
    assert steps == [(10, 1), (10, 1), (16, 2), (16, 2), (16, 2)]


def test_a_price_on_the_border_of_two_cells_does_not_flip() -> None:
    grid = lattice(GridConfig(min_ticks=8))

    seen = [snapped(grid, [price])[0] for price in (20_000, 19_999, 20_000, 19_998, 20_000)]

    assert seen == [[20_000]] * 5


def test_a_price_that_leaves_its_cell_by_more_than_the_margin_moves() -> None:
    grid = lattice(GridConfig(min_ticks=8))
    snapped(grid, [20_000])

    assert snapped(grid, [19_997]) == ([19_992], [])


def test_held_sides_that_would_meet_are_not_held() -> None:
    grid = lattice(GridConfig(min_ticks=8))
    snapped(grid, [20_000], [20_016])

    assert snapped(grid, [19_999], [20_000]) == ([19_992], [20_000])


def test_a_held_price_gives_way_to_the_book() -> None:
    grid = lattice(GridConfig(min_ticks=8))
    snapped(grid, [20_000])

    assert snapped(grid, [19_999], market=Market(0, 19_990, 20_000)) == ([19_992], [])
    assert snapped(grid, [19_999], market=Market(0, 19_990, 20_001)) == ([19_992], [])


def test_the_lattice_is_not_coarser_than_the_ladder() -> None:
    grid = lattice(GridConfig(min_ticks=50))

    assert snapped(grid, [20_000, 19_990, 19_980]) == ([20_000, 19_990, 19_980], [])
    assert grid.step == 10


def test_prices_too_small_for_any_lattice_stay_as_they_are() -> None:
    grid = lattice()

    assert snapped(grid, [1], [2]) == ([1], [2])
    assert grid.step == 0


def test_nothing_wanted_is_nothing() -> None:
    assert lattice().snap(Targets(), WIDE, MILLION) == Targets()


def test_the_same_targets_come_back_as_the_same_object() -> None:
    grid = lattice()
    first = grid.snap(quotes([20_001]), WIDE, MILLION)

    assert grid.snap(quotes([20_001]), WIDE, MILLION) is first


def test_prices_are_valid_where_the_tick_depends_on_the_price() -> None:
    # Below 10000.0 a tenth is a tick, above it only whole numbers are.
    grid = lattice(GridConfig(min_ticks=3), FIGURED)

    bids, asks = snapped(grid, [99_997], [100_003])

    assert (bids, asks) == ([99_990], [100_020])


@st.composite
def ladders(draw: st.DrawFn) -> Targets:
    """Draw a ladder of a few levels a side around 20000 units."""
    mid = draw(st.integers(19_900, 20_100))
    inner, outer = draw(st.integers(1, 30)), draw(st.integers(0, 30))
    gap = draw(st.integers(1, 25))
    levels = draw(st.integers(1, 4))
    bids = [mid - inner - gap * level for level in range(levels)]
    asks = [mid + outer + gap * level for level in range(levels)]
    return quotes(bids, asks)


def _inside(grid: Grid, raw: Targets, wanted: Targets) -> None:
    """Assert what the layer promises of one answer."""
    margin = grid.step * 250_000 // MILLION
    bids, asks = points(wanted)
    assert bids == sorted(set(bids), reverse=True)
    assert asks == sorted(set(asks))
    assert bids[0] < asks[0]
    for side, before, after in ((1, raw.bids, wanted.bids), (-1, raw.asks, wanted.asks)):
        assert [one.qty for one in before] == [one.qty for one in after]
        for one, other in zip(before, after, strict=True):
            assert other.price % grid.step == 0
            assert -margin <= (one.price - other.price) * side < grid.step + margin


@given(
    st.lists(ladders(), min_size=1, max_size=8),
    st.integers(1, 30),
    st.integers(0, 60_000_000),
    st.lists(st.integers(0, MILLION), min_size=8, max_size=8),
)
def test_whatever_comes_what_it_makes_of_it_is_in_order_and_near(
    raws: list[Targets], ticks: int, volatility: int, headrooms: list[int]
) -> None:
    grid = lattice(GridConfig(min_ticks=ticks))
    market = Market(0, 1, 10**9, volatility=volatility)

    for raw, headroom in zip(raws, headrooms, strict=False):
        _inside(grid, raw, grid.snap(raw, market, headroom))


@given(ladders(), st.integers(2, 30), st.lists(st.integers(-100, 100), max_size=12))
def test_jitter_inside_the_margin_moves_nothing(
    raw: Targets, ticks: int, jitter: list[int]
) -> None:
    grid = lattice(GridConfig(min_ticks=ticks))
    first = grid.snap(raw, WIDE, MILLION)
    margin = grid.step * 250_000 // MILLION

    for percent in jitter:
        shift = margin * percent // 100
        moved = Targets(
            tuple(Target(one.price + shift, one.qty) for one in raw.bids),
            tuple(Target(one.price + shift, one.qty) for one in raw.asks),
        )
        assert grid.snap(moved, WIDE, MILLION) == first
