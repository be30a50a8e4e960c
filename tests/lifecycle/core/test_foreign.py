"""Orders that rest when we start and are not on record: left, adopted, or cancelled."""

from typing import Final, Literal

import pytest
from msgspec.structs import replace

from exchange.commands import Cancel, Modify
from exchange.reports import (
    Cancelled,
    Disconnected,
    Fill,
    Modified,
    OpenOrder,
    OrderStatus,
    Reconnected,
)
from exchange.words import CancelReason, Side, Status
from lifecycle.config import OrdersConfig
from spec.trace import Reason
from tests.story import PLAIN, Story

HERE: Final = [(20_000, 10)]
SESSION: Final = "session1-"
NAMED: Final = OpenOrder("999", "another's", Side.BUY, 20_000, 10)
NAMELESS: Final = OpenOrder("999", None, Side.BUY, 20_000, 10)
OURS: Final = OpenOrder("999", f"{SESSION}00000007", Side.BUY, 20_000, 10)
NAME: Final = {NAMED: "another's", NAMELESS: "oid:999"}

Policy = Literal["leave", "adopt", "cancel"]


def told(policy: Policy, session: str = SESSION) -> Story:
    """Return a story with a policy that is told of the restart."""
    story = Story(replace(PLAIN, orders=OrdersConfig(foreign=policy)), session=session)
    story.wait(1)
    story.restart()
    story.wait(1)
    return story


def started(policy: Policy, *rows: OpenOrder, session: str = SESSION) -> Story:
    """Return a story that starts where these rest, just looked at."""
    story = told(policy, session)
    story.look(*rows)
    return story


def fill(story: Story, qty: int, trade: str = "t1", *, age: float = 0, oid: str = "999") -> Fill:
    """Have an execution of a nameless bid heard, which happened some time ago."""
    at = story.now - round(age * 1e9)
    report = Fill(at, None, oid, qty, 20_000, trade, Side.BUY)
    story.receive(report)
    return report


# The policies.


@pytest.mark.parametrize("row", [NAMED, NAMELESS])
def test_left_alone_it_is_no_order_of_ours(row: OpenOrder) -> None:
    story = started("leave", row)

    story.cycle(HERE)

    assert story.manager.foreign_orders == 1
    assert story.kinds() == ["place"]
    assert NAME[row] not in story.manager.orders


@pytest.mark.parametrize("row", [NAMED, NAMELESS])
def test_adopted_it_stands_for_a_target(row: OpenOrder) -> None:
    story = started("adopt", row)

    story.cycle(HERE)

    assert story.manager.foreign_orders == 0
    assert [one.cloid for one in story.orders] == [NAME[row]]
    assert (story.kinds(), story.reasons()) == ([], [Reason.SAME_POINT])


@pytest.mark.parametrize("row", [NAMED, NAMELESS])
def test_adopted_it_is_modified_and_cancelled_by_its_oid(row: OpenOrder) -> None:
    story = started("adopt", row)

    story.cycle([(20_100, 10)])
    (modify,) = story.requests()
    story.receive(Modified(story.now, NAME[row], "1000", 10, 20_100, modify.request))
    story.wait(1)
    story.cycle()
    (cancel,) = story.requests()

    assert isinstance(modify, Modify)
    assert isinstance(cancel, Cancel)
    assert (modify.cloid, modify.oid) == (NAME[row], "999")
    assert (cancel.cloid, cancel.oid) == (NAME[row], "1000")


def test_adopted_and_wanted_by_nobody_it_is_withdrawn() -> None:
    story = started("adopt", NAMED)

    story.cycle()

    assert (story.kinds(), story.reasons()) == (["cancel"], [Reason.WITHDRAWN])


@pytest.mark.parametrize("row", [NAMED, NAMELESS])
def test_cancelled_it_goes_although_a_target_stands_there(row: OpenOrder) -> None:
    story = started("cancel", row)

    story.cycle(HERE)

    # Its place follows when it is proven gone.
    assert story.kinds() == ["cancel"]
    assert story.reasons() == [Reason.FOREIGN, Reason.PREDECESSOR]


def test_when_it_has_gone_the_target_gets_its_place() -> None:
    story = started("cancel", NAMELESS)
    story.cycle(HERE)

    story.receive(Cancelled(story.now, None, "999", CancelReason.USER))
    story.cycle(HERE)

    assert story.kinds() == ["place"]


def test_under_a_halt_what_was_adopted_goes_and_what_was_left_stays() -> None:
    adopted, left = started("adopt", NAMED), started("leave", NAMED)
    for story in (adopted, left):
        story.halt()
        story.cycle()

    assert (adopted.kinds(), left.kinds()) == (["cancel"], [])


# Whose it is.


@pytest.mark.parametrize("policy", ["leave", "adopt", "cancel"])
def test_what_carries_our_prefix_is_adopted_whatever_the_policy(policy: Policy) -> None:
    story = started(policy, OURS)

    story.cycle(HERE)

    assert [one.cloid for one in story.orders] == [OURS.cloid]
    assert (story.kinds(), story.reasons()) == ([], [Reason.SAME_POINT])


def test_the_prefixes_of_earlier_starts_are_ours_too() -> None:
    story = Story(session=SESSION)
    story.wait(1)
    story.restart("session2-")
    story.restart("session3-")
    story.wait(1)

    story.look(
        OURS,
        OpenOrder("998", "session2-00000001", Side.BUY, 19_900, 10),
        OpenOrder("997", "session4-00000001", Side.BUY, 19_800, 10),
    )

    assert [one.oid for one in story.orders] == ["999", "998"]
    assert story.manager.foreign_orders == 1


def test_a_prefix_of_less_than_eight_characters_proves_nothing() -> None:
    story = started("leave", replace(OURS, cloid="session00000007"), session="session")

    assert story.orders == []


def test_a_prefix_of_eight_characters_proves_it_ours_from_the_first_start_on() -> None:
    first, next_start = (
        replace(OURS, cloid=f"{prefix}00000007") for prefix in ("eight-1-", "eight-2-")
    )
    story = Story(session="eight-1-")
    story.wait(1)
    story.restart("eight-2-")
    story.wait(1)

    story.look(first, replace(next_start, oid="998"))

    assert list(story.manager.open_orders) == ["eight-1-00000007", "eight-2-00000007"]


def test_no_cloid_is_given_twice_after_a_restart_with_another_prefix() -> None:
    story = started("leave")
    story.cycle(HERE)
    story.restart("session2-")
    story.look()
    story.wait(1)
    story.look()

    story.cycle([(20_000, 10), (19_900, 10)])

    assert {one.cloid[:9] for one in story.orders} == {SESSION, "session2-"}


# When.


def test_nothing_is_adopted_before_a_restart() -> None:
    story = Story(replace(PLAIN, orders=OrdersConfig(foreign="adopt")))

    story.look(NAMED)

    assert story.orders == []


def test_only_the_first_look_adopts_what_is_others() -> None:
    story = started("adopt")

    story.wait(1)
    story.look(NAMED)

    assert story.orders == []


def test_a_look_from_before_the_start_adopts_nothing() -> None:
    story = told("adopt")

    story.look(NAMED, age=1.5)
    before = len(story.orders)
    story.look(NAMED)

    assert (before, len(story.orders)) == (0, 1)


def test_what_is_ours_is_adopted_whenever_it_is_seen() -> None:
    story = started("leave")

    story.wait(1)
    story.look(OURS, replace(NAMED, oid="998"))

    assert [one.cloid for one in story.orders] == [OURS.cloid]


def test_a_look_over_a_broken_stream_adopts_nothing_yet() -> None:
    story = told("adopt")
    story.receive(Disconnected(story.now))

    story.look(NAMED)
    blind = len(story.orders)
    story.receive(Reconnected(story.now))
    story.look(NAMED)

    assert (blind, len(story.orders)) == (0, 1)


def test_an_order_on_record_is_not_adopted_again() -> None:
    story = Story(replace(PLAIN, orders=OrdersConfig(foreign="cancel")))
    story.tell("rest restart")

    story.look(OpenOrder("101", None, Side.BUY, 20_000, 10))
    story.cycle(HERE)

    assert (story.kinds(), story.reasons()) == ([], [Reason.SAME_POINT])


# Its fills.


def test_a_fill_heard_before_it_was_adopted_counts_once_and_what_rests_is_what_is_seen() -> None:
    story = told("adopt")
    fill(story, 4)
    story.wait(0.1)

    story.look(replace(NAMELESS, qty=6))

    (order,) = story.orders
    assert (order.filled, order.leaves, order.leg.qty) == (4, 6, 10)
    assert story.manager.position == 4


def test_a_fill_heard_before_and_newer_than_the_look_is_not_in_what_it_saw() -> None:
    story = told("adopt")
    fill(story, 4)
    story.wait(0.1)

    story.look(NAMELESS, age=0.2)

    (order,) = story.orders
    assert (order.filled, order.leaves, order.leg.qty) == (4, 6, 10)
    assert story.manager.position == 4


def test_a_whole_fill_newer_than_the_look_leaves_nothing_to_adopt() -> None:
    story = told("adopt")
    fill(story, 10)
    story.wait(0.1)

    story.look(NAMELESS, age=0.2)
    story.cycle(HERE)

    assert story.orders[0].state.value == "filled"
    assert story.kinds() == ["place"]
    assert story.diverged == ["fill-of-unknown-order"]


def test_a_fill_heard_after_it_was_adopted_takes_from_what_rests() -> None:
    story = started("adopt", NAMELESS)
    story.wait(0.1)

    fill(story, 4)

    (order,) = story.orders
    assert (order.filled, order.leaves) == (4, 6)
    assert story.manager.position == 4


def test_a_fill_from_before_the_look_that_is_heard_late_takes_nothing_from_it() -> None:
    story = started("adopt", replace(NAMELESS, qty=6))
    story.wait(1)

    late = fill(story, 4, age=1.5)
    story.receive(late)

    (order,) = story.orders
    assert (order.filled, order.leaves, order.leg.qty) == (4, 6, 10)
    assert story.manager.position == 4


def test_a_fill_at_the_moment_of_the_look_is_in_what_it_saw() -> None:
    story = started("adopt", replace(NAMELESS, qty=6))

    fill(story, 4)

    assert (story.orders[0].filled, story.orders[0].leaves) == (4, 6)


def test_a_fill_heard_late_is_none_of_those_that_a_later_look_has_shown() -> None:
    story = started("adopt", NAMED)
    story.wait(1)
    story.look(replace(NAMED, qty=6))
    fill(story, 3, age=1.5)

    story.receive(Cancelled(story.now, "another's", "999", CancelReason.USER))

    # Of the four that the look lacked no fill has told: they may still come.
    assert story.manager.position == 3
    assert story.manager.exposure == (7, 0)


def test_a_fill_heard_late_adds_nothing_to_what_the_venue_has_said_is_left() -> None:
    story = started("adopt", replace(NAMELESS, qty=6))
    story.wait(1)
    story.look(replace(NAMELESS, qty=4))

    fill(story, 4, age=1.5)

    assert story.orders[0].leaves == 4


def test_the_total_that_a_status_says_is_filled_says_nothing_of_what_rests() -> None:
    story = started("adopt", replace(NAMED, qty=6))
    story.wait(1)

    story.receive(OrderStatus(story.now, "another's", Status.OPEN, 4, "999"))

    assert story.orders[0].leaves == 6


def test_the_cap_counts_what_was_adopted() -> None:
    story = started("adopt", NAMED)

    assert story.manager.exposure == (10, 0)


def test_a_fill_of_an_earlier_leg_that_was_counted_before_is_not_counted_again() -> None:
    story = told("leave")
    earlier = Fill(story.now, OURS.cloid, "998", 4, 20_000, "t1", Side.BUY)
    story.receive(earlier)
    story.wait(0.1)
    story.look(OURS)

    story.receive(earlier)
    story.receive(replace(earlier, trade_id="t2", qty=3))

    (order,) = story.orders
    assert story.manager.position == 7
    assert (order.filled, order.leaves) == (7, 10)


def test_a_leg_that_only_a_fill_told_of_is_the_order_when_it_is_seen_to_rest() -> None:
    story = Story(PLAIN)
    (order,) = story.rest([(20_000, 10)])
    # The record of its modify is lost with the end of a journal.
    story.receive(Fill(story.now, order.cloid, "777", 4, 20_050, "t1"))
    story.wait(0.1)

    story.look(OpenOrder("777", order.cloid, Side.BUY, 20_050, 8))

    assert (order.leg.oid, order.price, order.leaves, order.filled) == ("777", 20_050, 8, 4)
    assert story.manager.position == 4


def test_what_is_listed_before_it_keeps_no_order_of_ours_from_being_taken_over() -> None:
    # One on record, somebody else's, ours: in the order in which the venue lists them.
    story = Story(replace(PLAIN, orders=OrdersConfig(foreign="leave")), session=SESSION)
    (known,) = story.rest([(20_010, 10)])
    story.wait(1)
    story.restart()
    story.wait(1)
    on_record = OpenOrder("101", known.cloid, Side.BUY, 20_010, 10)
    story.look(on_record, replace(NAMED, oid="998"), OURS)

    assert story.manager.foreign_orders == 1
    assert sorted(story.manager.open_orders) == sorted([known.cloid, OURS.cloid or ""])
