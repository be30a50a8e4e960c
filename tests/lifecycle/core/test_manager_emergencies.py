"""What cannot wait: an own order in the way, and a worst case over the cap."""

from decimal import Decimal

import pytest

from exchange.reports import Fill
from lifecycle.config import Config, RiskConfig
from spec.states import State
from spec.trace import Action, Reason
from tests.story import BANDS, Ladder, Story


def capped(cap: str) -> Config:
    """Return a configuration with an exposure cap, in base quantity."""
    return Config(bands=BANDS, risk=RiskConfig(exposure_cap=Decimal(cap)))


def test_an_own_ask_in_the_way_is_moved_and_the_bid_waits() -> None:
    story = Story()
    story.rest([(20_000, 10)], [(20_040, 10)])
    story.wait(6)

    story.cycle([(20_050, 10)], [(20_090, 10)])

    assert story.kinds() == ["modify"]
    assert story.reasons() == [Reason.OWN_ORDER, Reason.EMERGENCY]


def test_an_own_bid_in_the_way_of_a_place_is_moved() -> None:
    story = Story()
    story.rest([(20_000, 10)])
    story.wait(6)

    story.cycle([(19_990, 10)], [(19_998, 10)])

    assert story.kinds() == ["modify"]
    assert story.reasons() == [Reason.EMERGENCY, Reason.OWN_ORDER]


def test_an_own_order_in_the_way_that_is_wanted_no_more_is_cancelled() -> None:
    story = Story()
    story.rest([(20_000, 10)])
    story.wait(6)

    story.cycle([], [(19_990, 10)])

    assert story.kinds() == ["cancel"]
    assert story.reasons() == [Reason.EMERGENCY, Reason.OWN_ORDER]


def test_an_own_order_in_the_way_inside_its_interval_is_cancelled_alone() -> None:
    story = Story().tell("rest move moved")

    story.cycle([(19_990, 10)], [(20_000, 10)])

    assert story.kinds() == ["cancel"]
    assert [d.action for d in story.plan.decisions] == [Action.CANCEL, Action.WAIT]


def test_an_own_order_in_the_way_that_is_in_flight_is_waited_for() -> None:
    story = Story()
    story.cycle([(20_000, 10)])

    story.cycle([(19_980, 10)], [(19_990, 10)])

    assert story.kinds() == []
    assert story.reasons() == [Reason.IN_FLIGHT, Reason.OWN_ORDER]


def test_a_place_does_not_meet_what_a_modify_of_the_same_cycle_moves_to() -> None:
    story = Story()
    story.rest([(20_000, 10)])
    story.wait(6)
    story.cycle([(20_050, 10)])

    story.cycle([(20_020, 10)], [(20_045, 10)])

    assert story.kinds() == []
    assert story.reasons() == [Reason.IN_FLIGHT, Reason.OWN_ORDER]


def test_over_the_cap_the_outermost_orders_are_cancelled_first() -> None:
    rungs: Ladder = [(20_000 - 40 * level, 10) for level in range(3)]
    story = Story(capped("0.30"))
    orders = story.rest(rungs)
    story.receive(Fill(0, orders[0].cloid, "101", 4, 20_000, "t1"))
    story.manager._desk.blotter.position += 5
    story.wait(6)

    story.cycle([(20_000, 6), *rungs[1:]])

    assert story.kinds() == ["cancel"]
    assert orders[2].state is State.CANCELLING
    assert story.reasons()[2] is Reason.EMERGENCY


def test_a_cancel_under_way_counts_as_relief() -> None:
    story = Story(capped("0.20"))
    orders = story.rest([(20_000, 10), (19_960, 10)])
    story.manager._desk.blotter.position += 5
    story.wait(1)
    story.cycle([(20_000, 10), (19_960, 10)])
    assert story.kinds() == ["cancel"]

    story.cycle([(20_000, 10), (19_960, 10)])

    assert story.kinds() == []
    assert orders[0].state is State.RESTING


def test_far_over_the_cap_everything_idle_is_cancelled() -> None:
    story = Story(capped("0.20"))
    story.rest([(20_000, 10), (19_960, 10)])
    story.manager._desk.blotter.position += 50
    story.wait(1)

    story.cycle([(20_000, 10), (19_960, 10)])

    assert story.kinds() == ["cancel", "cancel"]


@pytest.mark.parametrize("position", [-50, 50])
def test_the_cap_of_one_side_leaves_the_other_alone(position: int) -> None:
    story = Story(capped("0.30"))
    bid, ask = story.rest([(20_000, 10)], [(20_100, 10)])
    story.manager._desk.blotter.position += position
    story.wait(1)

    story.cycle([(20_000, 10)], [(20_100, 10)])

    assert (bid.state is State.CANCELLING) is (position > 0)
    assert (ask.state is State.CANCELLING) is (position < 0)
