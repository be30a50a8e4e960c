"""The manager with its grid: what it says of the lattice, and when it need not think again.

The step is ten units, the latch six, and a point is held until the price is two units beyond its
cell.
"""

from typing import Final

import pytest
from msgspec.structs import replace

from lifecycle.config import GridConfig
from spec.trace import Action, Reason
from tests.story import PLAIN, Ladder, Story, targets

CONFIG: Final = replace(PLAIN, grid=GridConfig(min_ticks=10))
BID: Final[Ladder] = [(20_003, 6)]
ASK: Final[Ladder] = [(20_096, 10)]


def resting() -> Story:
    """Return a story in which both sides have rested on the lattice for six seconds."""
    story = Story(CONFIG)
    bid, _ = story.rest([(20_003, 10)], ASK)
    story.tell(f"fill:{bid.oid}:4 wait:6")
    return story


def test_a_cycle_says_what_it_made_of_the_targets_and_the_step() -> None:
    story = resting()

    plan = story.cycle(BID, ASK)

    assert (plan.targets, plan.step) == (targets([(20_000, 6)], [(20_100, 10)]), 10)
    assert [one.action for one in plan.decisions] == [Action.KEEP] * 2


def test_blind_it_says_so_all_the_same() -> None:
    story = resting().tell("disconnected")

    plan = story.cycle(BID, ASK)

    assert (plan.targets, plan.step) == (targets([(20_000, 6)], [(20_100, 10)]), 10)
    assert {one.reason for one in plan.decisions} == {Reason.BLIND}


def test_jitter_inside_a_cell_is_no_reason_to_think_again() -> None:
    story = resting()
    first = story.cycle(BID, ASK)

    second = story.cycle([(20_007, 6)], [(20_091, 10)])
    third = story.cycle([(20_007, 6)], [(20_091, 10)])

    assert second == third == first
    assert second.decisions is third.decisions is first.decisions


@pytest.mark.parametrize("cycles", [1, 2])
def test_an_unchanged_cycle_is_the_plan_of_the_one_before(cycles: int) -> None:
    story = resting()
    before = [story.cycle([(20_003 + n, 6)], ASK) for n in range(cycles)]

    again = story.cycle([(20_003 + cycles - 1, 6)], ASK)

    assert again == before[-1]
    assert again.decisions is before[0].decisions


def test_a_point_that_the_book_has_reached_is_given_up_though_nothing_else_has_changed() -> None:
    story = resting()
    # Held, although the price is in the next cell by now.
    kept = story.cycle([(19_999, 6)], ASK, ask=20_050)

    given_up = story.cycle([(19_999, 6)], ASK, ask=20_000)

    assert kept.targets == targets([(20_000, 6)], [(20_100, 10)])
    assert given_up.targets == targets([(19_990, 6)], [(20_100, 10)])
    assert story.kinds() == ["modify"]
