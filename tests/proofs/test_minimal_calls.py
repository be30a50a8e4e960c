"""Proof that pairing the leftovers greedily saves the most calls, for up to three on each side.

`match_leftovers` runs on symbolic prices. Under each of its ways no larger pairing exists, of all
that there are, so that as many cancels and places as possible become modifies.
"""

import itertools
from typing import Final

import pytest

from exchange.words import Side
from lifecycle.core.bands import in_units
from lifecycle.core.match import match_leftovers
from lifecycle.core.settings import MILLION
from tests.proofs.symbolic import Formula, counterexample, integer, of, paths, z3

SIZES: Final = tuple(itertools.product(range(1, 4), repeat=2))


def outward(prices: list[int], side: Side) -> list[Formula]:
    """Return that the prices run from the touch outwards, equal ones allowed."""
    return [(of(near) - of(far)) * int(side) >= 0 for near, far in itertools.pairwise(prices)]


def within(order: int, target: int, reach: int) -> Formula:
    """Return that an order and a target are within reach of each other."""
    drift = of(order) - of(target)
    return z3.And(drift <= of(reach), -drift <= of(reach))


def some_pairing(orders: list[int], targets: list[int], reach: list[int], size: int) -> Formula:
    """Return that some `size` orders and targets may be paired, `reach` being the targets'."""
    ways = [
        z3.And(*[within(orders[i], targets[j], reach[j]) for i, j in zip(chosen, to, strict=True)])
        for chosen in itertools.combinations(range(len(orders)), size)
        for to in itertools.permutations(range(len(targets)), size)
    ]
    return z3.Or(*ways)


def larger_pairing(
    counts: tuple[int, int], side: Side, *, band: int = 0, uniform: bool = True
) -> Formula | None:
    """Return prices for which the greedy pairing is not the largest, None where it always is.

    The reach is any one for all targets, `band` millionths of a basis point of each target's
    price, or not `uniform`: any for each.
    """
    prices = [integer(f"order{i}") for i in range(counts[0])]
    wanted = [integer(f"target{j}") for j in range(counts[1])]
    if band:
        reach = [in_units(band, price) for price in wanted]
    else:
        reach = [integer("reach" if uniform else f"reach{j}") for j in range(counts[1])]
    given = [*outward(prices, side), *outward(wanted, side), *[of(limit) >= 0 for limit in reach]]
    if band:
        given += [of(price) > 0 for price in [*prices, *wanted]]
    orders, targets = (list(range(count)) for count in counts)

    ways = paths(
        given,
        lambda: match_leftovers(prices, wanted, orders, targets, reach, buys=side is Side.BUY),
    )

    for way in ways:
        for i, j in way.result:
            legal = counterexample([*given, way.condition], within(prices[i], wanted[j], reach[j]))
            assert legal is None, "a pair must be within reach"
        more = some_pairing(prices, wanted, reach, len(way.result) + 1)
        found = counterexample([*given, way.condition], z3.Not(more))
        if found is not None:
            return found
    return None


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("counts", SIZES)
def test_no_pairing_of_leftovers_is_larger(counts: tuple[int, int], side: Side) -> None:
    assert larger_pairing(counts, side) is None


@pytest.mark.parametrize("bps", [5, 500])
@pytest.mark.parametrize("counts", [(1, 2), (2, 2), (3, 2), (2, 3)])
def test_no_pairing_is_larger_where_the_reach_is_a_share_of_the_price(
    counts: tuple[int, int], bps: int
) -> None:
    assert larger_pairing(counts, Side.SELL, band=bps * MILLION) is None


def test_a_reach_that_differs_between_targets_may_cost_a_call() -> None:
    assert larger_pairing((2, 2), Side.BUY, uniform=False) is not None
