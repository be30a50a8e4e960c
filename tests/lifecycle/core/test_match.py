"""Matching: as many keeps as possible, and the least number of calls, against brute force.

The oracle tries every way in which orders may stand for targets. It shares nothing with the core:
bands and reaches are fractions, and it knows neither sorting nor augmenting paths.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.words import Side
from lifecycle.config import BandsConfig, Config, ModifyConfig
from lifecycle.core.bands import base_latch
from lifecycle.core.desk import Desk
from lifecycle.core.match import match_keeps, match_leftovers, nearest
from lifecycle.core.order import Order
from lifecycle.core.settings import MILLION, Settings
from lifecycle.core.sides import SidePlan, Want
from spec.states import Phase
from spec.trace import Target, Targets
from tests.story import INSTRUMENT, REPLACING, Story
from tests.strategies import OneSide, one_side

CALLS = {Want.WAIT: 0, Want.KEEP: 0, Want.MODIFY: 1, Want.REPLACE: 2, Want.WITHDRAW: 1}
SIDES = (Side.BUY, Side.SELL)
REACHES = st.none() | st.integers(0, 60)


def resting(side: Side, price: int, qty: int, name: str = "c") -> Order:
    """Return an idle order on the book."""
    order = Order(name, side, price, qty, 0)
    order.phase = Phase.RESTING
    return order


def matched(side: Side, drawn: OneSide) -> SidePlan:
    """Let the core match one side."""
    config = Config(
        bands=BandsConfig(
            latch_bps=float(drawn.latch_bps),
            level_factors=tuple(float(factor) for factor in drawn.level_factors),
        ),
        modify=ModifyConfig(max_bps=None if drawn.max_bps is None else float(drawn.max_bps)),
    )
    desk = Desk(Settings(config, INSTRUMENT), INSTRUMENT, REPLACING, "0")
    for number, (price, qty) in enumerate(drawn.orders):
        desk.blotter.add(resting(side, price, qty, f"c{number}"))
    base = base_latch(desk.settings, Targets(), 0)
    return SidePlan(desk, side, drawn.targets, base, MILLION)


def cost(drawn: OneSide, i: int, j: int) -> int:
    """Return what it takes that order i stands for target j: 0, 1 or 2 calls."""
    (price, leaves), target = drawn.orders[i], drawn.targets[j]
    away = abs(price - target.price)
    factor = drawn.level_factors[min(j, len(drawn.level_factors) - 1)]
    in_band = away <= Fraction(drawn.latch_bps * factor * target.price, 10_000)
    fits = Fraction(abs(target.qty - leaves), leaves) <= Fraction(1, 5)
    if in_band and fits:
        return 0
    if drawn.max_bps is None:
        return 1
    # A reach of zero switches modifying off, for sizes too.
    in_reach = drawn.max_bps > 0 and away <= Fraction(drawn.max_bps * target.price, 10_000)
    return 1 if in_reach else 2


def assignments(drawn: OneSide) -> Iterator[tuple[int, ...]]:
    """Yield every way to give each order a target of its own, -1 for none."""
    free = [-1] * len(drawn.orders)
    yield from set(permutations([*range(len(drawn.targets)), *free], len(drawn.orders)))


def fewest_calls(drawn: OneSide) -> int:
    """Return the least number of calls over all assignments."""
    return min(
        sum(1 if j < 0 else cost(drawn, i, j) for i, j in enumerate(chosen))
        + len(drawn.targets)
        - sum(1 for j in chosen if j >= 0)
        for chosen in assignments(drawn)
    )


def most_keeps(drawn: OneSide) -> int:
    """Return the greatest number of orders that may be kept at once."""
    return max(
        sum(1 for i, j in enumerate(chosen) if j >= 0 and cost(drawn, i, j) == 0)
        for chosen in assignments(drawn)
    )


def calls(plan: SidePlan) -> int:
    """Return the number of calls that a matched side asks for."""
    return sum(CALLS[want] for want in plan.wants) + len(plan.uncovered)


@pytest.mark.parametrize("side", SIDES)
@given(data=st.data())
def test_the_number_of_calls_is_the_least_possible(side: Side, data: st.DataObject) -> None:
    drawn = data.draw(one_side(side, REACHES))

    assert calls(matched(side, drawn)) == fewest_calls(drawn)


@pytest.mark.parametrize("side", SIDES)
@given(data=st.data())
def test_the_number_of_keeps_is_the_greatest_possible(side: Side, data: st.DataObject) -> None:
    drawn = data.draw(one_side(side, REACHES))

    plan = matched(side, drawn)

    assert sum(1 for want in plan.wants if want is Want.KEEP) == most_keeps(drawn)


@pytest.mark.parametrize("side", SIDES)
@given(data=st.data())
def test_no_order_stands_for_two_targets_and_none_is_forgotten(
    side: Side, data: st.DataObject
) -> None:
    drawn = data.draw(one_side(side, REACHES))

    plan = matched(side, drawn)

    paired = [level for level in plan.levels if level >= 0]
    assert sorted([*paired, *plan.uncovered]) == list(range(len(drawn.targets)))
    assert [level < 0 for level in plan.levels] == [w is Want.WITHDRAW for w in plan.wants]


@pytest.mark.parametrize("moves_away", [True, False])
@pytest.mark.parametrize("side", SIDES)
def test_a_ladder_of_ten_that_shifts_by_a_rung_costs_one_modify(
    side: Side, moves_away: bool
) -> None:
    story = Story()
    rungs = [(20_000 - side * 40 * level, 10) for level in range(11)]
    before, after = (rungs[:10], rungs[1:]) if moves_away else (rungs[1:], rungs[:10])
    story.rest(*(before, ())[::side])
    story.wait(6)

    story.cycle(*(after, ())[::side])

    assert story.kinds() == ["modify"]


def test_a_keep_gives_way_to_a_choice_that_lets_both_orders_stay() -> None:
    drawn = OneSide(
        orders=((10_030, 10), (10_000, 10)),
        targets=(Target(10_090, 10), Target(10_010, 10)),
        latch_bps=20,
        level_factors=(1,),
        max_bps=60,
    )

    plan = matched(Side.BUY, drawn)

    assert plan.wants == [Want.MODIFY, Want.KEEP]
    assert calls(plan) == fewest_calls(drawn) == 1

    drawn = OneSide(
        orders=((10_034, 9), (9_970, 8), (9_968, 9)),
        targets=(Target(10_001, 10), Target(9_967, 9)),
        latch_bps=5,
        level_factors=(3, 1, 2),
        max_bps=23,
    )

    plan = matched(Side.BUY, drawn)

    assert calls(plan) == fewest_calls(drawn) == 3


def test_a_keep_a_cancel_and_a_place_are_better_than_two_modifies() -> None:
    drawn = OneSide(
        orders=((10_015, 9), (9_955, 11)),
        targets=(Target(10_034, 11), Target(9_960, 8)),
        latch_bps=20,
        level_factors=(2, 3, 1),
        max_bps=58,
    )

    plan = matched(Side.BUY, drawn)

    assert [want is Want.KEEP for want in plan.wants].count(True) == most_keeps(drawn) == 1


def test_two_orders_at_one_price_are_not_kept_for_one_target() -> None:
    prices = [20_000, 20_000]

    pairs = match_keeps(prices, [20_000], [False], 6, lambda _o, _t: True, buys=True)

    assert sorted(pairs) == [-1, 0]


def test_the_same_point_is_kept_before_a_nearer_neighbour_takes_it() -> None:
    prices = [20_003, 20_000]
    wanted = [20_000, 19_990]

    pairs = match_keeps(prices, wanted, [False] * 2, 6, lambda _o, _t: True, buys=True)

    assert pairs == [-1, 0]


def test_an_order_gives_way_to_a_neighbour_that_has_no_other_target() -> None:
    prices = [20_004, 19_996]
    wanted = [20_009, 20_001]

    pairs = match_keeps(prices, wanted, [False] * 2, 6, lambda _o, _t: True, buys=True)

    assert pairs == [0, 1]


def test_a_taken_target_is_kept_for_whoever_took_it() -> None:
    prices = [20_000]

    pairs = match_keeps(prices, [20_000], [True], 6, lambda _o, _t: True, buys=True)

    assert pairs == [-1]


def plainly_matched(
    prices: list[int], wanted: list[int], taken: list[bool], reach: int, may: list[list[bool]]
) -> list[int]:
    """Pair by the rule: same points first, then the nearest, then whatever makes room for more."""
    near = [
        [j for j, to in enumerate(wanted) if abs(to - at) <= reach and not taken[j] and may[i][j]]
        for i, at in enumerate(prices)
    ]
    for i, at in enumerate(prices):
        near[i].sort(key=lambda j: abs(wanted[j] - at))
    owner: dict[int, int] = {}

    def settle(i: int, among: list[int], tried: set[int]) -> bool:
        for j in among:
            if j not in tried:
                tried.add(j)
                if j not in owner or settle(owner[j], near[owner[j]], tried):
                    owner[j] = i
                    return True
        return False

    for i, at in enumerate(prices):
        settle(i, [j for j in near[i] if wanted[j] == at], set(owner))
    for i in range(len(prices)):
        if i not in owner.values():
            settle(i, near[i], set(owner))
    for i in range(len(prices)):
        if i not in owner.values():
            settle(i, near[i], set())
    pairs = [-1] * len(prices)
    for j, i in owner.items():
        pairs[i] = j
    return pairs


POINTS = st.lists(st.integers(100, 107), min_size=1, max_size=4)
ONCE = st.lists(st.integers(100, 107), min_size=1, max_size=4, unique=True)
SELDOM = st.integers(0, 15).map(lambda drawn: drawn == 0)


@settings(max_examples=400)
@given(POINTS, st.none() | ONCE, st.integers(-2, 2), st.integers(0, 6), st.booleans(), st.data())
def test_orders_are_paired_as_the_rule_says(
    prices: list[int],
    elsewhere: list[int] | None,
    shift: int,
    reach: int,
    buys: bool,
    data: st.DataObject,
) -> None:
    moved = {price + shift for price in prices}
    wanted = list(moved) if elsewhere is None else elsewhere
    prices.sort(reverse=buys)
    wanted.sort(reverse=buys)
    taken = data.draw(st.lists(SELDOM, min_size=len(wanted), max_size=len(wanted)))
    refused = data.draw(st.sets(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=1))
    may = [[(i, j) not in refused for j in range(len(wanted))] for i in range(len(prices))]

    pairs = match_keeps(prices, wanted, taken, reach, lambda i, j: may[i][j], buys=buys)

    assert pairs == plainly_matched(prices, wanted, taken, reach, may)


@pytest.mark.parametrize(("reach", "pairs"), [(100, [(0, 0)]), (39, []), (40, [(0, 0)])])
def test_a_leftover_is_paired_as_far_as_a_modify_reaches(
    reach: int, pairs: list[tuple[int, int]]
) -> None:
    for wanted in (20_040, 19_960):
        found = match_leftovers([20_000], [wanted], [0], [0], [reach], buys=True)

        assert found == pairs


def test_leftovers_out_of_reach_are_passed_over() -> None:
    prices, wanted = [20_100, 20_000], [20_005, 19_900]

    pairs = match_leftovers(prices, wanted, [0, 1], [0, 1], [20, 20], buys=True)

    assert pairs == [(1, 0)]


@pytest.mark.parametrize(
    ("price", "taken", "found"),
    [
        (20_000, (False, False), 0),
        (19_990, (False, False), 0),
        (19_981, (False, False), 1),
        (20_000, (True, False), 1),
        (20_000, (True, True), -1),
    ],
)
def test_the_nearest_free_target_is_found(price: int, taken: tuple[bool, bool], found: int) -> None:
    assert nearest(price, [Target(20_000, 10), Target(19_980, 10)], taken) == found
