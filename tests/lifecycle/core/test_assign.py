"""The cheapest pairing, by itself against every pairing, and what it does among equals."""

from itertools import permutations
from random import Random

import pytest

from lifecycle.core.assign import assign

Gains = list[list[int]]


def total(gains: Gains, pairs: list[int]) -> int:
    """Return what a pairing is worth."""
    return sum(gains[i][j] for i, j in enumerate(pairs) if j >= 0)


def greatest(gains: Gains, targets: int) -> int:
    """Return what the best of all pairings is worth; a pair that gains nothing is none."""
    free = [-1] * len(gains)
    worth = {0}
    for chosen in set(permutations([*range(targets), *free], len(gains))):
        worth.add(sum(max(0, gains[i][j]) for i, j in enumerate(chosen) if j >= 0))
    return max(worth)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (3, 1), (2, 2), (3, 3), (4, 3), (3, 4), (4, 4)])
def test_no_pairing_gains_more(shape: tuple[int, int]) -> None:
    orders, targets = shape
    chance = Random(orders * 10 + targets)

    for _ in range(60):
        most = chance.choice((2, 9, 1_000))
        gains = [[chance.randint(-2, most) for _ in range(targets)] for _ in range(orders)]
        pairs = assign(gains, targets)

        assert total(gains, pairs) == greatest(gains, targets)
        assert all(gains[i][j] > 0 for i, j in enumerate(pairs) if j >= 0)
        taken = [j for j in pairs if j >= 0]
        assert len(taken) == len(set(taken))


def test_a_pair_that_gains_one_is_worth_having_and_one_that_gains_nothing_is_not() -> None:
    assert assign([[1]], 1) == [0]
    assert assign([[0]], 1) == [-1]
    assert assign([[-1]], 1) == [-1]


def test_among_targets_that_gain_the_same_the_best_is_taken() -> None:
    assert assign([[5, 5, 5]], 3) == [0]
    assert assign([[5, 7, 7]], 3) == [1]


def test_among_orders_that_gain_the_same_the_first_has_the_target() -> None:
    assert assign([[5], [5]], 1) == [0, -1]


def test_orders_give_way_along_a_chain_as_long_as_there_are_orders() -> None:
    # Each is best off with its own rung until the last one, which has no other, comes.
    gains = [[9, 8, 0, 0], [0, 9, 8, 0], [0, 0, 9, 8], [9, 0, 0, 0]]

    assert assign(gains, 4) == [1, 2, 3, 0]


def test_without_orders_or_without_targets_nothing_is_paired() -> None:
    assert assign([], 2) == []
    assert assign([[], []], 0) == [-1, -1]
