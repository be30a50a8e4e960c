"""The manager at the borders of its gates: own orders that touch, room, the fast path."""

import pytest
from msgspec.structs import replace

from exchange.commands import QueryOpen
from exchange.reports import Accepted, Cancelled, Rejected
from exchange.units import SECOND
from exchange.words import CancelReason
from lifecycle.config import ModifyConfig, OrdersConfig, RiskConfig
from spec.trace import Action, Reason
from tests.story import PLAIN, Ladder, Story

BID: Ladder = [(20_000, 10)]


def resting(bids: Ladder = (), asks: Ladder = ()) -> Story:
    """Return a story in which these quotes have rested for six seconds."""
    story = Story()
    story.rest(bids, asks)
    story.wait(6)
    return story


# Own orders that touch.


@pytest.mark.parametrize(("bid", "reason"), [(20_040, Reason.EMERGENCY), (20_039, Reason.MODIFY)])
def test_an_own_ask_at_the_very_price_of_a_wanted_bid_is_in_the_way(
    bid: int, reason: Reason
) -> None:
    story = resting((), [(20_040, 10)])

    story.cycle([(bid, 10)], [(20_090, 10)])

    asks = [d.reason for d in story.plan.decisions if d.side < 0]
    assert asks == [reason]


def test_the_best_of_several_wanted_places_is_what_an_own_order_is_in_the_way_of() -> None:
    story = resting((), [(20_040, 10)])

    story.cycle([(20_050, 10), (19_900, 10)], [(20_090, 10)])

    assert [d.reason for d in story.plan.decisions if d.side < 0] == [Reason.EMERGENCY]


def test_the_best_of_several_wanted_modifies_is_what_an_own_order_is_in_the_way_of() -> None:
    story = resting([(20_000, 10), (19_900, 10)], [(20_040, 10)])

    story.cycle([(20_050, 10), (19_950, 10)], [(20_090, 10)])

    assert [d.reason for d in story.plan.decisions if d.side < 0] == [Reason.EMERGENCY]


def test_a_wanted_modify_finds_an_own_order_in_its_way_though_a_better_bid_is_under_way() -> None:
    story = resting([(20_000, 10), (19_900, 10)], [(20_040, 10)])
    story.cycle([(19_900, 10)], [(20_040, 10)])
    assert story.kinds() == ["cancel"]

    story.cycle([(20_050, 10)], [(20_090, 10)])

    assert [d.reason for d in story.plan.decisions if d.side < 0] == [Reason.EMERGENCY]


def test_a_wanted_ask_finds_an_own_bid_in_its_way_whatever_its_other_levels_want() -> None:
    story = resting([(20_000, 10)])

    story.cycle([(19_900, 10)], [(19_950, 10), (20_100, 10)])

    assert [d.reason for d in story.plan.decisions if d.side > 0] == [Reason.EMERGENCY]


@pytest.mark.parametrize(
    ("bid", "reason"), [(20_000, Reason.OWN_ORDER), (19_999, Reason.UNCOVERED)]
)
def test_a_place_does_not_touch_an_own_order_that_is_under_way(bid: int, reason: Reason) -> None:
    story = Story()
    story.cycle((), [(20_000, 10)])

    story.cycle([(bid, 10)], [(20_040, 10)])

    assert [d.reason for d in story.plan.decisions if d.side > 0] == [reason]


def test_the_best_of_several_own_orders_is_what_a_place_must_not_meet() -> None:
    story = resting([(20_000, 10), (19_900, 10)])

    story.cycle([(19_940, 10), (19_900, 10)], [(19_950, 10)])

    assert [d.reason for d in story.plan.decisions if d.side < 0] == [Reason.OWN_ORDER]


@pytest.mark.parametrize(("before", "after"), [(20_000, 20_050), (20_050, 20_000)])
def test_a_modify_under_way_is_met_where_it_is_and_where_it_goes(before: int, after: int) -> None:
    story = resting([(before, 10)])
    story.cycle([(after, 10)])
    assert story.kinds() == ["modify"]

    story.cycle([(after - 40, 10)], [(20_030, 10)])

    assert [d.reason for d in story.plan.decisions if d.side < 0] == [Reason.OWN_ORDER]


# Room for places.


def test_places_are_as_many_as_leave_no_more_possibly_live_orders_than_targets() -> None:
    story = resting([(20_000, 10), (19_900, 10)])
    story.cycle()
    assert story.kinds() == ["cancel", "cancel"]

    story.cycle([(20_000, 10), (19_900, 10), (19_800, 10)])

    assert story.kinds() == ["place"]
    assert story.reasons()[2:] == [Reason.UNCOVERED, Reason.PREDECESSOR, Reason.PREDECESSOR]


def test_a_target_that_may_not_be_placed_leaves_its_room_to_the_next() -> None:
    story = resting([(20_000, 10)])
    story.cycle()

    story.cycle([(20_000, 10), (19_900, 10)], ask=20_000)

    assert story.kinds() == ["place"]
    assert story.reasons()[1:] == [Reason.WOULD_CROSS, Reason.UNCOVERED]


def test_where_places_go_with_cancels_what_is_being_cancelled_takes_no_room() -> None:
    config = replace(
        PLAIN, modify=ModifyConfig(enabled=False), orders=OrdersConfig(place_with_cancel=True)
    )
    story = Story(config)
    story.rest([(20_000, 10), (19_900, 10)])
    story.cycle([(20_000, 10)])
    assert story.kinds() == ["cancel"]

    story.cycle([(20_000, 10), (19_800, 10)])

    assert story.kinds() == ["place"]


# Refusals.


def test_what_was_accepted_after_a_refusal_starts_with_the_shortest_pause_again() -> None:
    story = Story().tell("place rejected")
    story.wait(1)
    story.cycle(BID)
    second = story.requests()[0]
    story.receive(Accepted(story.now, second.cloid, "102", second.request))
    story.cycle()
    story.receive(Cancelled(story.now, second.cloid, "102", CancelReason.USER))
    story.cycle(BID)
    third = story.requests()[0]
    story.receive(Rejected(story.now, third.cloid, "no", third.request))

    story.wait(1)
    story.cycle(BID)

    assert story.kinds() == ["place"]


def test_a_modify_that_was_accepted_after_a_refusal_starts_with_the_shortest_pause_again() -> None:
    story = Story().tell("rest move refused:alive wait:1 move moved")
    story.tell("to:20000 modified:103:10:20000 move refused:alive wait:0.1 move")

    assert story.kinds() == ["modify"]


def with_the_breaker_open() -> Story:
    """Return a story whose breaker lets a probe through thirty seconds from now."""
    risk = RiskConfig(rejects_in_row=1, reject_pause_s=30.0)
    story = Story(replace(PLAIN, risk=risk))
    story.rest([(20_000, 10), (19_900, 10)])
    story.cycle([(20_000, 10), (19_900, 10), (19_800, 10)])
    (place,) = story.requests()
    story.receive(Rejected(story.now, place.cloid, "no", place.request))
    return story


def test_with_the_breaker_open_a_modify_is_a_probe_as_a_place_is() -> None:
    story = with_the_breaker_open()
    story.wait(30)

    story.cycle([(20_050, 10), (19_950, 10)])

    assert story.kinds() == ["modify"]


def test_with_the_breaker_open_a_cancel_is_no_probe_and_costs_no_pause() -> None:
    story = with_the_breaker_open()
    story.wait(29)
    story.cycle(BID)
    assert story.kinds() == ["cancel"]
    story.wait(1)

    story.cycle(BID, [(20_100, 10)])

    assert story.kinds() == ["place"]


# Targets.


@pytest.mark.parametrize("bids", [[(1, 1_000_000)], [(20_000, 10), (19_999, 10)]])
def test_the_least_price_and_neighbouring_prices_make_a_ladder(bids: Ladder) -> None:
    story = Story()

    story.cycle(bids)

    assert story.kinds() == ["place"] * len(bids)


def test_an_order_has_the_level_of_the_target_that_it_last_stood_for() -> None:
    story = resting([(20_000, 10), (19_900, 10)])

    story.cycle([(19_900, 10)])

    assert story.orders[1].level == 0


# Oids that a venue uses again.


def test_an_oid_that_two_orders_have_had_is_that_of_the_order_that_the_report_names() -> None:
    story = Story()
    first, second = story.rest([(20_000, 10), (19_900, 10)])
    blotter = story.manager._desk.blotter
    blotter.by_oid["101"] = second

    assert blotter.find(first.cloid, "101") is first
    assert blotter.find(first.cloid, "102") is second


def test_an_order_with_an_old_leg_does_not_answer_to_an_oid_of_another() -> None:
    story = Story()
    first, second = story.rest([(20_000, 10), (19_900, 10)])
    first.next_leg("103", 20_010, 10)

    assert story.manager._desk.blotter.find(first.cloid, "102") is second


# The fast path.


def test_the_fast_path_tells_the_position_as_well() -> None:
    story = Story().tell("rest fill:101:4 to:20000:6 to:20000:6")

    assert story.plan.position == 4
    assert [d.action for d in story.plan.decisions] == [Action.KEEP]


@pytest.mark.parametrize(("early", "asked"), [(1, 0), (0, 1)])
def test_the_fast_path_ends_at_the_very_time_of_the_next_timer(early: int, asked: int) -> None:
    story = Story().tell("rest wait:7 to:20000")
    story.now = story.manager.next_timer - early

    story.cycle(BID)

    assert [type(query) for query in story.plan.commands] == [QueryOpen] * asked
    assert story.now > 7 * SECOND
