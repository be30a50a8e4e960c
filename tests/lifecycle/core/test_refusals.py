"""What was refused is not asked again at once, and not remembered for ever."""

import pytest

from exchange.units import SECOND
from lifecycle.core.refusals import PAUSE_MAX, REMEMBERED_MAX, Refusals

THING = ("c1", 20_000, 10)


@pytest.mark.parametrize(
    ("times", "pause"), [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60), (40, 60)]
)
def test_the_pause_doubles_with_each_refusal_up_to_a_minute(times: int, pause: int) -> None:
    refusals = Refusals()
    for _ in range(times):
        refusals.add(THING, 0)

    assert refusals.holds(THING, pause * SECOND - 1) is True
    assert refusals.holds(THING, pause * SECOND) is False
    assert PAUSE_MAX == 60 * SECOND


@pytest.mark.parametrize("other", [("c2", 20_000, 10), ("c1", 20_001, 10), ("c1", 20_000, 9)])
def test_another_order_price_or_size_is_another_thing(other: tuple[str, int, int]) -> None:
    refusals = Refusals()
    refusals.add(THING, 0)

    assert refusals.holds(other, 0) is False


def test_nothing_is_held_while_nothing_was_refused() -> None:
    refusals = Refusals()
    refusals.forget(THING)

    assert refusals.holds(THING, 0) is False


def test_what_was_accepted_is_forgotten() -> None:
    refusals = Refusals()
    refusals.add(THING, 0)

    refusals.forget(THING)

    assert refusals.holds(THING, 0) is False


def test_what_was_refused_longest_ago_is_forgotten_first() -> None:
    refusals = Refusals()
    for price in range(REMEMBERED_MAX):
        refusals.add((1, price, 10), 0)
    refusals.add((1, 0, 10), 0)

    refusals.add((1, REMEMBERED_MAX, 10), 0)

    assert refusals.holds((1, 1, 10), 0) is False
    assert refusals.holds((1, 0, 10), 0) is True
