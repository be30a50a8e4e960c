"""Timers to the nanosecond: when the next one is due, and that each of several gets its turn."""

import pytest
from msgspec.structs import replace

from exchange.commands import QueryOpen, QueryOrder
from exchange.reports import Cancelled, OpenOrder, Reconnected, Snapshot
from exchange.units import SECOND
from exchange.words import CancelReason
from lifecycle.config import TimingConfig
from lifecycle.core.refusals import REMEMBERED_MAX, Refusals
from spec.states import State
from tests.story import PLAIN, Story


def asked(story: Story) -> list[str]:
    """Return the kinds of all queries so far."""
    return ["open" if isinstance(query, QueryOpen) else "order" for query in story.queries()]


def at(story: Story, now: int) -> Story:
    """Let the timers run at this time."""
    story.now = now
    story.tick()
    return story


def test_the_first_comparison_is_due_a_period_after_the_start_and_not_before() -> None:
    story = Story()
    story.cycle()
    assert story.manager.next_timer == 60 * SECOND

    assert asked(at(story, 60 * SECOND - 1)) == []
    assert asked(at(story, 60 * SECOND)) == ["open"]


def test_after_a_comparison_the_next_is_due_a_period_after_it() -> None:
    story = Story()
    story.cycle()
    at(story, 61 * SECOND)

    at(story, 66 * SECOND)

    assert asked(story) == ["open"]
    assert story.manager.next_timer == (61 + 60) * SECOND


def test_a_doubt_makes_the_comparison_due_a_timeout_after_the_last() -> None:
    story = Story().tell("rest disconnected reconnected as_was")
    asked_at = story.now
    story.tell("move unanswered")

    at(story, asked_at + 5 * SECOND - SECOND // 10 - 1)
    assert asked(story).count("open") == 1
    at(story, asked_at + 5 * SECOND)

    assert asked(story).count("open") == 2


def test_a_request_in_flight_is_no_doubt_so_the_comparison_keeps_its_period() -> None:
    table = TimingConfig(request_timeout_s=30.0, reconcile_s=40.0, retire_s=32.0)
    story = Story(replace(PLAIN, timing=table))
    story.cycle()
    story.tell("rest cancelled:101")
    retired_at = story.orders[0].closed_at + 32 * SECOND
    story.now = 20 * SECOND
    story.tell("place")

    at(story, retired_at)

    assert story.orders[0].state is State.RETIRED
    assert asked(story) == []


def test_an_order_that_closed_longer_ago_than_one_we_heard_of_before_retires_before_it() -> None:
    story = Story()
    first, second = story.rest([(20_000, 10), (19_900, 10)])
    story.wait(10)
    story.receive(Cancelled(story.now, first.cloid, "101", CancelReason.VENUE))
    story.receive(Cancelled(story.now - 5 * SECOND, second.cloid, "102", CancelReason.VENUE))

    at(story, second.closed_at + 60 * SECOND)

    assert (first.state, second.state) == (State.CANCELLED, State.RETIRED)


def test_where_the_period_is_shorter_than_the_timeout_a_doubt_does_not_lengthen_it() -> None:
    quick = replace(PLAIN, timing=TimingConfig(reconcile_s=2.0))
    story = Story(quick).tell("place unanswered")
    first = story.now

    at(story, first + 2 * SECOND)

    assert asked(story) == ["order", "open"]


@pytest.mark.parametrize(("early", "times"), [(1, 1), (0, 2)])
def test_a_doubt_is_asked_about_again_exactly_a_timeout_after_the_last_time(
    early: int, times: int
) -> None:
    story = Story().tell("place unanswered")
    asked_at = story.now

    at(story, asked_at + 5 * SECOND - early)

    assert asked(story).count("order") == times
    assert asked_at + 5 * SECOND * (times - 1) < story.manager.next_timer
    assert story.manager.next_timer <= asked_at + 5 * SECOND * times


def test_every_order_in_doubt_is_asked_about() -> None:
    story = Story()
    story.cycle([(20_000, 10), (19_900, 10)])

    at(story, 5 * SECOND)

    queries = [query for query in story.queries() if isinstance(query, QueryOrder)]
    assert [query.cloid for query in queries] == [order.cloid for order in story.orders]
    assert all(order.is_in_doubt for order in story.orders)


@pytest.mark.parametrize("kept", [0, 1])
def test_one_order_in_doubt_is_enough_for_a_comparison(kept: int) -> None:
    story = Story()
    quotes = [(20_000, 10), (19_900, 10)]
    orders = story.rest(quotes)
    story.receive(Reconnected(story.now))
    asked_at = story.now
    rows = [OpenOrder(one.oid or "", one.cloid, one.side, one.price, 10) for one in orders]
    story.receive(Snapshot(story.now, tuple(rows)))
    story.cycle([quotes[kept]])
    story.unanswered(story.requests()[0])

    at(story, asked_at + 5 * SECOND)

    assert asked(story).count("open") == 2


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_closed_orders_each_retires_in_its_own_time(first: int) -> None:
    story = Story()
    orders = story.rest([(20_000, 10), (19_900, 10)])
    oids = ["101", "102"]
    story.wait(1)
    for which in (first, 1 - first):
        story.receive(Cancelled(story.now, orders[which].cloid, oids[which], CancelReason.VENUE))
        story.wait(10)
    closed_at = orders[first].closed_at

    at(story, closed_at + 60 * SECOND)

    assert orders[first].state is State.RETIRED
    assert orders[1 - first].state is State.CANCELLED
    assert story.manager.next_timer <= closed_at + 70 * SECOND
    at(story, closed_at + 70 * SECOND)
    assert orders[1 - first].state is State.RETIRED


def test_a_retired_order_is_kept_no_longer_among_the_closing_ones() -> None:
    story = Story().tell("rest cancelled:101 wait:61 tick")

    assert story.manager._desk.blotter.closing == {}


def test_while_disconnected_the_next_timer_is_that_of_the_order() -> None:
    story = Story().tell("rest disconnected")
    story.tell("wait:61 tick")

    assert story.manager.next_timer > story.now + 1_000_000 * SECOND


def test_no_more_is_remembered_of_refusals_than_what_fits() -> None:
    refusals = Refusals()

    for price in range(1, REMEMBERED_MAX + 1):
        refusals.add((1, price, 10), 0)
    assert refusals.holds((1, 1, 10), 0) is True
    refusals.add((1, 9_999, 10), 0)

    assert refusals.holds((1, 1, 10), 0) is False
    assert refusals.holds((1, 2, 10), 0) is True
