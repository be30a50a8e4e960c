"""The exposure cap to the lot: what counts in the cycle that sends it, and who is cancelled."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from exchange.reports import Fill
from lifecycle.config import Config, RiskConfig
from spec.states import State
from spec.trace import Reason
from tests.story import PLAIN, Ladder, Story

BID: Ladder = [(20_000, 10)]


def capped(lots: int) -> Config:
    """Return a configuration with an exposure cap, in lots."""
    return replace(PLAIN, risk=RiskConfig(exposure_cap=Decimal(lots) / 100))


def resting(lots: int, bids: Ladder = BID, *, amends: bool = False) -> Story:
    """Return a story with a cap whose bids rest, six seconds later."""
    story = Story(capped(lots), amends=amends)
    story.rest(bids)
    story.wait(6)
    return story


@pytest.mark.parametrize(
    ("amends", "size", "worst"),
    [
        # Both legs count: 10 and 10, or 10 and 15.
        (False, 10, 20),
        (False, 15, 25),
        # In place the larger of the two counts.
        (True, 15, 15),
        (True, 10, 10),
        (True, 6, 10),
    ],
)
@pytest.mark.parametrize("missing", [0, 1])
def test_a_place_has_the_room_that_a_modify_of_the_same_cycle_leaves(
    amends: bool, size: int, worst: int, missing: int
) -> None:
    story = resting(worst + 10 - missing, amends=amends)

    story.cycle([(20_050, size), (19_900, 10)])

    assert story.kinds() == (["modify"] if missing else ["modify", "place"])
    assert story.reasons() == [Reason.MODIFY, Reason.EXPOSURE if missing else Reason.UNCOVERED]


@pytest.mark.parametrize("missing", [0, 1])
def test_a_second_modify_has_the_room_that_the_first_leaves(missing: int) -> None:
    story = resting(40 - missing, [(20_000, 10), (19_900, 10)])

    story.cycle([(20_010, 10), (19_915, 10)])

    assert story.kinds() == ["modify"] * (2 - missing)


@pytest.mark.parametrize(("lots", "sent"), [(30, 2), (29, 1)])
def test_each_place_of_a_cycle_takes_its_room(lots: int, sent: int) -> None:
    story = resting(lots)

    story.cycle([(20_000, 10), (19_900, 10), (19_800, 10)])

    assert story.kinds() == ["place"] * sent


def test_an_amendment_that_adds_nothing_is_sent_at_the_cap() -> None:
    story = resting(10, amends=True)

    story.cycle([(20_050, 10)])

    assert story.kinds() == ["modify"]


def test_an_amendment_that_adds_one_lot_over_the_cap_waits() -> None:
    story = resting(10, amends=True)

    story.cycle([(20_010, 11)])

    assert story.reasons() == [Reason.EXPOSURE]


def test_an_amendment_that_adds_nothing_is_sent_though_another_order_is_over_the_cap() -> None:
    story = resting(20, [(20_000, 10), (19_900, 10)], amends=True)
    story.manager._desk.blotter.position += 5

    story.cycle([(20_050, 10), (19_900, 10)])

    assert story.kinds() == ["cancel", "modify"]
    assert story.reasons() == [Reason.MODIFY, Reason.EMERGENCY]


@pytest.mark.parametrize(("lots", "kinds"), [(20, ["place"]), (19, [])])
def test_in_place_an_unanswered_amendment_counts_once(lots: int, kinds: list[str]) -> None:
    story = resting(lots, amends=True)
    story.cycle([(20_050, 10)])

    story.cycle([(20_050, 10), (19_900, 10)])

    assert story.kinds() == kinds


@pytest.mark.parametrize(("lots", "kinds"), [(20, ["place"]), (19, [])])
def test_what_a_closed_order_has_filled_untold_counts_against_the_cap(
    lots: int, kinds: list[str]
) -> None:
    story = Story(capped(lots)).tell("rest status:filled:10")
    assert story.told() == "filled idle 0 0@20000 101"

    story.cycle(BID)

    assert story.kinds() == kinds


@pytest.mark.parametrize(("lots", "state"), [(15, State.RESTING), (14, State.CANCELLING)])
def test_one_lot_over_the_cap_is_over_it(lots: int, state: State) -> None:
    story = resting(lots)
    story.manager._desk.blotter.position += 5

    story.cycle(BID)

    assert story.orders[0].state is state


def test_only_as_many_are_cancelled_as_bring_the_worst_case_to_the_cap() -> None:
    rungs: Ladder = [(20_000 - 100 * level, 10) for level in range(3)]
    story = resting(30, rungs)
    story.manager._desk.blotter.position += 10

    story.cycle(rungs)

    assert [order.state for order in story.orders] == [
        State.RESTING,
        State.RESTING,
        State.CANCELLING,
    ]


def test_an_order_over_the_cap_is_cancelled_though_its_target_moves_away() -> None:
    story = resting(10, amends=True)
    story.manager._desk.blotter.position += 5

    story.cycle([(19_900, 10)])

    assert story.kinds() == ["cancel"]
    assert story.reasons() == [Reason.EMERGENCY]


def test_an_ask_over_the_cap_is_cancelled_for_a_short_position() -> None:
    story = Story(capped(10))
    story.rest((), [(20_000, 10)])
    story.receive(Fill(0, None, "999", 1, 20_000, "t1", story.orders[0].side))
    story.wait(6)

    story.cycle((), [(20_000, 10)])

    assert story.manager.position == -1
    assert story.reasons() == [Reason.EMERGENCY]


def test_strays_of_a_known_side_add_up() -> None:
    story = Story().tell("rest fill_by_oid:999:3:t1:buy fill_by_oid:998:2:t2:sell")

    assert story.manager.position == 1
    assert story.manager.exposure == (11, 0)


def test_the_worst_case_of_both_sides_is_what_may_still_fill() -> None:
    story = Story().tell("rest fill:101:4")
    story.cycle([(20_000, 6)], [(20_100, 7)])

    assert story.manager.exposure == (10, 3)


@pytest.mark.parametrize(("price", "kinds"), [(20_012, []), (20_013, ["cancel"])])
def test_at_the_stale_band_itself_a_larger_order_waits_for_room(
    price: int, kinds: list[str]
) -> None:
    story = resting(19)

    story.cycle([(price, 15)])

    assert story.kinds() == kinds
