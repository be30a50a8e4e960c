"""The record: names of orders, strays, and the position, in what the stories do not reach."""

import pytest

from exchange.commands import QueryOrder
from exchange.reports import Accepted, Fill, OpenOrder
from exchange.words import Side
from lifecycle.core.blotter import Blotter
from lifecycle.core.order import Order
from spec.states import PhaseEvent, RequestEvent, State
from tests.story import Story


def a_blotter() -> tuple[Blotter, Order]:
    """Return a blotter with one bid, accepted as 101."""
    blotter = Blotter(amends=False)
    order = Order("c1", Side.BUY, 20_000, 10, 0)
    blotter.add(order)
    blotter.bind(order, order.leg, "101", Accepted(0, "c1", "101"))
    return blotter, order


def test_a_cloid_is_entered_once() -> None:
    blotter, order = a_blotter()

    with pytest.raises(AssertionError, match=r"^cloid must be new, was c1$"):
        blotter.add(order)


def test_an_order_is_found_by_its_oid_before_its_cloid() -> None:
    blotter, order = a_blotter()
    other = Order("c2", Side.BUY, 19_990, 10, 0)
    blotter.add(other)

    assert blotter.find("c2", "101") is order
    assert blotter.find("c2", "999") is other
    assert blotter.find("c2", None) is other
    assert blotter.find(None, "999") is None
    assert blotter.find("c9", None) is None


def test_closing_moves_an_order_from_the_open_ones_and_forgets_the_question() -> None:
    blotter, order = a_blotter()
    blotter.query(order)

    blotter.advance(order, PhaseEvent.CANCELLED, Accepted(3, "c1", "101"))

    assert blotter.open == {}
    assert blotter.closing == {"c1": order}
    assert blotter.orders == {"c1": order}
    assert blotter.to_query == {}


def test_older_evidence_leaves_the_newest_time_alone() -> None:
    blotter, order = a_blotter()
    blotter.witness(order, 9)
    order.absences = 1

    blotter.witness(order, 8)
    blotter.book(order, order.leg, Fill(7, "c1", "101", 1, 20_000, "t1"))

    assert order.evidence_at == 9
    assert order.absences == 1


def test_an_older_answer_about_an_order_that_no_look_has_lacked_asks_nothing() -> None:
    blotter, order = a_blotter()
    blotter.witness(order, 9)

    blotter.witness(order, 8)

    assert order.absences == 0
    assert blotter.to_query == {}


def test_an_older_answer_while_a_request_is_unanswered_counts_no_look() -> None:
    blotter, order = a_blotter()
    order.ask(RequestEvent.SEND_CANCEL)
    blotter.witness(order, 5)
    order.absent_at = 9

    blotter.witness(order, 4)

    assert order.absences == 0
    assert blotter.to_query == {}


def test_a_look_that_was_counted_is_not_counted_again_by_an_older_answer() -> None:
    blotter, order = a_blotter()
    blotter.witness(order, 5)
    order.absences, order.absent_at = 2, 9

    blotter.witness(order, 4)

    assert order.absences == 2
    assert blotter.to_query == {}


def test_an_order_seen_at_the_moment_of_the_look_that_lacked_it_was_there() -> None:
    blotter, order = a_blotter()
    order.absent_at = 9
    blotter.witness(order, 9)

    blotter.witness(order, 8)

    assert order.absences == 0
    assert blotter.to_query == {}


def test_a_look_that_lacked_an_order_is_the_snapshot_among_its_two_absences() -> None:
    # The look came while the cancel was under way, the older answer after it.
    story = Story().tell("rest none absent unanswered status:open<0.25")
    assert story.told() == "in-doubt cancelling? 0 10@20000 101"

    story.tell("wait:5 unknown")

    assert story.told() == "cancelled idle 0 0@20000 101"


def test_one_look_asks_about_one_order_and_ends_another() -> None:
    story = Story()
    first, second = story.rest([(20_000, 10), (19_960, 10)])
    story.wait(1)
    story.look(OpenOrder("101", first.cloid, Side.BUY, 20_000, 10))
    story.wait(1)

    reaction = story.look(OpenOrder("101", first.cloid, Side.BUY, 20_000, 8))

    assert [type(query) for query in reaction.queries] == [QueryOrder]
    assert second.state is State.CANCELLED


def test_each_late_fill_of_an_old_leg_takes_its_part_of_what_no_fill_has_told() -> None:
    # Five have filled of the old leg, and four of the new one.
    story = Story().tell("rest move moved status:open:5 listed:102:20050:6")
    before = story.manager.exposure

    story.tell("fill:101:2")
    one = story.manager.exposure
    story.tell("fill:101:3")

    # The position has what the exposure has no longer.
    assert before == one == story.manager.exposure == (15, 0)
    assert story.manager.position == 5


def test_fills_of_both_sides_add_up_to_the_position() -> None:
    story = Story()
    bid, ask = story.rest([(20_000, 10)], [(20_100, 10)])

    story.receive(Fill(0, bid.cloid, "101", 7, 20_000, "t1"))
    story.receive(Fill(0, ask.cloid, "102", 3, 20_100, "t1"))

    assert story.manager.position == 4
    assert story.manager.exposure == (7, 3)


def test_a_stray_of_a_stranger_counts_as_the_snapshot_says_which_side_it_is() -> None:
    story = Story().tell("rest stranger fill_by_oid:999:3")

    assert story.manager.position == 3
    assert story.diverged == []


def test_a_fill_of_our_place_that_a_snapshot_listed_without_cloid_counts_once() -> None:
    story = Story().tell("place listed_by_oid:101:20000:10 stray accepted:101")

    assert story.manager.position == 4


def test_a_stray_that_fills_the_order_whole_ends_it_when_a_status_names_its_oid() -> None:
    story = Story().tell("place fill_by_oid:101:10 status:open:-:101")

    assert story.told() == "filled idle 10 0@20000 101"
