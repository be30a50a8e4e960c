"""Where modifies do not reach everywhere: fewest calls, then most keeps, then the least drift."""

from collections.abc import Iterator
from itertools import permutations
from random import Random
from typing import Final

from exchange.words import Side
from lifecycle.config import BandsConfig, Config, ModifyConfig
from lifecycle.core.desk import Desk
from lifecycle.core.order import Order
from lifecycle.core.settings import MILLION, Settings
from lifecycle.core.sides import SidePlan, Want
from spec.states import Hold, Phase, Request
from spec.trace import Target
from tests.story import INSTRUMENT, REPLACING

LATCH: Final = 5
"""Basis points, which are as many price units at about 10000."""
REACH: Final = 20
SAVED: Final = {Want.KEEP: 2, Want.MODIFY: 1}

Quotes = list[tuple[int, int]]
"""Price and quantity, best first."""


def matched(
    orders: Quotes,
    wanted: Quotes,
    *,
    side: Side = Side.BUY,
    debounced: tuple[int, ...] = (),
    bound_for: dict[int, int] | None = None,
) -> SidePlan:
    """Let the core match one side; orders of `bound_for` are being modified to that price."""
    config = Config(
        bands=BandsConfig(latch_bps=float(LATCH), level_factors=(1.0,)),
        modify=ModifyConfig(max_bps=float(REACH)),
    )
    desk = Desk(Settings(config, INSTRUMENT), INSTRUMENT, REPLACING, "0")
    for number, (price, qty) in enumerate(orders):
        order = Order(f"c{number}", side, price, qty, 0)
        order.phase = Phase.RESTING
        if number in debounced:
            order.hold = Hold.DEBOUNCED
        if bound_for and number in bound_for:
            order.request, order.goal_price = Request.MODIFYING, bound_for[number]
        desk.blotter.add(order)
    targets = tuple(Target(price, qty) for price, qty in wanted)
    return SidePlan(desk, side, targets, desk.settings.latch or 0, MILLION)


def gain(order: tuple[int, int], target: tuple[int, int]) -> tuple[int, int, int]:
    """Return what a pair saves: calls, whether it is a keep, and minus its drift."""
    (price, leaves), (goal, qty) = order, target
    drift = abs(price - goal)
    if drift * 10_000 <= LATCH * goal and 5 * abs(qty - leaves) <= leaves:
        return 2, 1, -drift
    return (1, 0, -drift) if drift * 10_000 <= REACH * goal else (0, 0, 0)


def choices(orders: Quotes, wanted: Quotes) -> Iterator[tuple[int, int, int]]:
    """Yield what each choice of pairs saves in all."""
    free = [-1] * len(orders)
    for chosen in set(permutations([*range(len(wanted)), *free], len(orders))):
        saved = [gain(orders[i], wanted[j]) for i, j in enumerate(chosen) if j >= 0]
        yield sum(a for a, _, _ in saved), sum(b for _, b, _ in saved), sum(c for _, _, c in saved)


def drawn(chance: Random, most: int) -> Quotes:
    """Return quotes at different prices, best bid first."""
    prices = chance.sample(range(9_940, 10_060), chance.randint(1, most))
    return [(price, chance.choice((8, 10, 12, 20))) for price in sorted(prices, reverse=True)]


def test_where_something_is_replaced_no_other_choice_saves_more() -> None:
    chance = Random(7)
    replaced = 0

    for _ in range(700):
        orders, wanted = drawn(chance, 4), drawn(chance, 4)
        plan = matched(orders, wanted)
        if Want.REPLACE not in plan.wants:
            continue
        replaced += 1
        pairs = [
            (SAVED[want], want is Want.KEEP, -abs(orders[i][0] - wanted[plan.levels[i]][0]))
            for i, want in enumerate(plan.wants)
            if want in SAVED
        ]
        saved = tuple(sum(column) for column in zip((0, 0, 0), *pairs, strict=True))

        assert saved == max(choices(orders, wanted))
    assert replaced > 100


def test_what_is_left_over_is_replaced_from_the_touch_outwards() -> None:
    plan = matched([(10_100, 10), (10_060, 10)], [(10_010, 10), (9_900, 10)])

    assert plan.levels == [0, 1]
    assert plan.wants == [Want.REPLACE, Want.REPLACE]


def test_more_orders_than_targets_leaves_the_outermost_to_be_withdrawn() -> None:
    plan = matched([(10_100, 10), (10_060, 10)], [(9_900, 10)])

    assert plan.levels == [0, -1]
    assert plan.wants == [Want.REPLACE, Want.WITHDRAW]


def test_a_keep_at_the_touch_is_kept_though_another_order_is_replaced() -> None:
    plan = matched([(10_000, 10), (9_900, 10)], [(10_000, 10), (9_800, 10)])

    assert plan.levels == [0, 1]
    assert plan.wants == [Want.KEEP, Want.REPLACE]


def test_a_target_that_an_order_in_flight_goes_to_is_passed_over_and_those_behind_are_not() -> None:
    plan = matched(
        [(10_100, 10), (10_000, 10), (9_900, 10)],
        [(10_050, 10), (10_002, 10), (9_800, 10)],
        bound_for={0: 10_050},
    )

    assert plan.levels == [0, 1, 2]
    assert plan.wants == [Want.WAIT, Want.KEEP, Want.REPLACE]


def test_a_debounced_order_is_modified_however_far_and_the_other_replaced() -> None:
    plan = matched(
        [(10_100, 10), (10_000, 10), (9_900, 10)],
        [(10_000, 10), (9_850, 10), (9_700, 10)],
        debounced=(0,),
    )

    assert plan.levels == [1, 0, 2]
    assert plan.wants == [Want.MODIFY, Want.KEEP, Want.REPLACE]


def test_orders_of_asks_are_paired_as_those_of_bids() -> None:
    plan = matched([(10_000, 10), (10_100, 10)], [(10_000, 10), (10_200, 10)], side=Side.SELL)

    assert plan.levels == [0, 1]
    assert plan.wants == [Want.KEEP, Want.REPLACE]


def test_a_debounced_order_within_reach_stays_with_its_target() -> None:
    plan = matched([(10_015, 10)], [(10_000, 10), (9_800, 10)], debounced=(0,))

    assert plan.levels == [0]
    assert plan.uncovered == [1]


def test_a_debounced_order_within_reach_keeps_its_target_though_another_is_replaced() -> None:
    plan = matched([(10_100, 10), (10_015, 10)], [(10_000, 10), (9_800, 10)], debounced=(1,))

    assert plan.levels == [1, 0]
    assert plan.wants == [Want.REPLACE, Want.MODIFY]


def test_a_size_alone_is_modified_though_another_order_is_replaced() -> None:
    plan = matched([(10_000, 10), (9_900, 10)], [(10_000, 20), (9_700, 10)])

    assert plan.levels == [0, 1]
    assert plan.wants == [Want.MODIFY, Want.REPLACE]


def ten(*prices: int) -> Quotes:
    """Return quotes for ten lots each."""
    return [(price, 10) for price in prices]


def test_an_order_inside_two_bands_stays_for_the_nearer_target() -> None:
    plan = matched(ten(10_000), ten(10_004, 10_001))

    assert plan.levels == [1]
    assert plan.wants == [Want.KEEP]


def test_orders_give_way_more_than_once_until_all_targets_have_one() -> None:
    plan = matched(ten(10_022, 10_017, 10_011, 10_009), ten(10_023, 10_022, 10_014))

    assert plan.levels == [0, 1, 2, -1]
    assert plan.uncovered == []


def test_targets_out_of_reach_are_passed_over_one_by_one() -> None:
    plan = matched(ten(10_000), ten(10_200, 10_010))

    assert plan.levels == [1]
    assert plan.wants == [Want.MODIFY]


def test_neighbouring_leftovers_are_all_modified() -> None:
    plan = matched(ten(10_100, 10_000, 9_900), ten(10_110, 10_010, 9_910))

    assert plan.levels == [0, 1, 2]
    assert plan.wants == [Want.MODIFY] * 3
