"""What reports prove in the rare orders of events that the tables of single handlers leave out.

The tables are read as those of `tests/lifecycle/core/test_reports.py`.
"""

from typing import Final

import pytest

from exchange.commands import QueryOrder
from exchange.reports import Fill, Modified, OpenOrder, OrderStatus, Snapshot
from exchange.units import SECOND
from exchange.words import Side, Status
from tests.story import Story, rows, told

ENDED_LEGS: Final = """
# the current leg ended while a modify was unanswered: its answer decides
rest move status:cancelled refused:alive | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest move status:cancelled refused:unknown | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest move cancelled:101:replaced refused:alive | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest move cancelled:101:replaced refused:unknown | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest move cancelled:101 cancelled:102:replaced | resting idle 0 10@20050 102 | 0 | 10 0 | -
# in place: an amendment of the same moment or later shows that it rests, an older one does not
amend:rest move status:cancelled modified:101:10:20050 | resting idle 0 10@20050 101 | 0 | 10 0 | -
amend:rest move status:cancelled modified:101:10:20050<0.1 | resting idle 0 10@20050 101 | 0 | 10 0 | -
amend:rest move status:cancelled modified:101:10:20050<0.2 | cancelled idle 0 0@20050 101 | 0 | 0 0 | -
amend:rest move cancelled:101 modified:101:10:20050 | resting idle 0 10@20050 101 | 0 | 10 0 | -
amend:rest move cancelled:101 modified:101:10:20050<0.1 | resting idle 0 10@20050 101 | 0 | 10 0 | -
amend:rest move cancelled:101 modified:101:10:20050<0.2 | cancelled idle 0 0@20050 101 | 0 | 0 0 | -
# a look from before the end of the leg
rest move cancelled:101 unanswered wait:5 as_was | resting idle 0 10@20000 101 | 0 | 10 0 | -
rest move unanswered wait:5.5 cancelled:101 as_was<0.15 | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest move unanswered wait:5.5 cancelled:101 as_was<0.1 | resting idle 0 10@20000 101 | 0 | 10 0 | -
# strays of a leg that a snapshot names
rest fill_by_oid:102:8 listed:102:20050:8 | filled idle 8 0@20050 102 | 8 | 8 0 | fill-of-unknown-order; @H listed-under-another-oid
place fill_by_oid:101:10 fill:101:1 | filled idle 11 0@20000 101 | 11 | 11 0 | fill-of-unknown-order; overfill
place fill_by_oid:101:10 cancelled:101 | filled idle 10 0@20000 101 | 10 | 10 0 | fill-of-unknown-order; filled-cancelled
# a row about an order that is modified before its oid was known
place status:open move listed:101:20000:10 | modify-pending modifying 0 10@20000 101 | 0 | 20 0 | -
place status:open to:20000:20 listed:101:20000:6 | modify-pending modifying 0 6@20000 101 | 0 | 30 0 | -
place status:open move listed:101:20000:10 stray | modify-pending modifying 4 6@20000 101 | 4 | 20 0 | -
amend:place status:open move listed:101:20000:10 | modify-pending modifying 0 10@20000 101 | 0 | 10 0 | -
# statuses alone do not prove that a modify left nothing
rest move expired status:cancelled status:cancelled | in-doubt modifying? 0 10@20000 101 | 0 | 20 0 | -
# of the very moment of closing
rest cancelled:101 as_was<0.1 | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest cancelled:101 status:open<0.1 | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
# filled whole while a modify is unanswered
rest move fill:101:10 refused:unknown | filled idle 10 0@20000 101 | 10 | 10 0 | -
# the size that a modify asks for is no leave to fill more of the old leg
rest to:20000:20 fill:101:12 | modify-pending modifying 12 0@20000 101 | 12 | 32 0 | overfill
amend:rest to:20000:20 refused:alive fill:101:12 | filled idle 12 0@20000 101 | 12 | 12 0 | overfill
amend:rest to:20000:20 fill:101:12 | modify-pending modifying 12 0@20000 101 | 12 | 20 0 | -
# an answer that names the present leg, or an old one
rest move fill:101:4 modified:101:4:20050 | filled idle 4 0@20050 101 | 4 | 4 0 | -
rest move moved to:20090 modified:101:10:20090 | modify-pending modifying 0 10@20050 102 | 0 | 20 0 | -
# said before a look that lacked it: that look counts
place absent accepted:101<0.15 absent | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
place absent accepted:101 absent | resting idle 0 10@20000 101 | 0 | 10 0 | -
# while a modify is unanswered nothing else ends the order
rest move fill:101:10 accepted:101 | modify-pending modifying 10 0@20000 101 | 10 | 20 0 | -
# a sign of life between two absences
rest absent fill:101:1 absent | resting idle 1 9@20000 101 | 1 | 10 0 | -
rest absent status:open absent | resting idle 0 10@20000 101 | 0 | 10 0 | -
# how much has filled, by the venue's word, over all legs
rest status:open:1 | resting idle 0 9@20000 101 | 0 | 10 0 | -
rest fill:101:4 status:open:3 | resting idle 4 6@20000 101 | 4 | 10 0 | -
rest fill:101:4 status:open:5 | resting idle 4 5@20000 101 | 4 | 10 0 | -
rest move fill:101:4 moved status:open:9:102 | resting idle 4 10@20050 102 | 4 | 19 0 | -
rest move fill:101:4 moved status:open:11:102 | resting idle 4 9@20050 102 | 4 | 20 0 | -
rest move moved to:20090 modified:103:10:20090 status:open:9:103 | resting idle 0 10@20090 103 | 0 | 19 0 | -
rest move moved to:20090 modified:103:10:20090 status:open:14:103 | resting idle 0 10@20090 103 | 0 | 24 0 | -
rest move moved to:20090 modified:103:10:20090 status:open:24:103 | resting idle 0 6@20090 103 | 0 | 30 0 | -
rest move fill:101:10 moved status:open:11:102 | resting idle 10 9@20050 102 | 10 | 20 0 | -
"""  # noqa: E501


@pytest.mark.parametrize(
    ("words", "order", "position", "exposure", "diverged"),
    [pytest.param(*cells, id=cells[0]) for cells in rows(ENDED_LEGS)],
)
def test_reports_in_a_rare_order_prove_what_the_table_says(
    words: str, order: str, position: str, exposure: str, diverged: str
) -> None:
    came_to = told(words)

    assert came_to == f"{order} | {position} | {exposure} | {diverged}"


def test_an_overfill_is_asked_about_while_the_order_is_open() -> None:
    # The modify's answer is still out, so the order is not closed by what is too much.
    story = Story().tell("rest move fill:101:12")

    assert story.diverged == ["overfill"]
    assert [type(query) for query in story.queries()] == [QueryOrder]


@pytest.mark.parametrize("older", [0, 1])
def test_evidence_of_the_same_moment_counts_and_older_does_not(older: int) -> None:
    story = Story().tell("rest accepted:101")
    seen_at = story.now

    story.tell("wait:1")
    story.receive(OrderStatus(seen_at - older, story.orders[0].cloid, Status.CANCELLED))

    assert story.orders[0].is_closed is (older == 0)


def test_an_absence_of_the_moment_of_the_last_sign_of_life_proves_nothing() -> None:
    story = Story().tell("rest as_was")
    seen_at = story.now

    story.wait(1)
    story.receive(Snapshot(seen_at, ()))

    assert story.orders[0].absences == 0


def test_one_look_counts_once_however_often_it_is_told() -> None:
    story = Story().tell("rest absent")
    looked_at = story.now

    story.wait(1)
    story.receive(Snapshot(looked_at, ()))

    assert story.orders[0].is_closed is False


@pytest.mark.parametrize(("early", "settled"), [(0, True), (1, False)])
def test_a_look_at_the_very_expiry_has_seen_all_that_a_request_can_do(
    early: int, settled: bool
) -> None:
    story = Story().tell("rest none")
    order = story.orders[0]
    story.tell("unanswered wait:5")

    story.receive(
        Snapshot(order.expires_at - early, (OpenOrder("101", order.cloid, Side.BUY, 20_000, 10),))
    )

    assert order.is_in_doubt is not settled


@pytest.mark.parametrize(("early", "settled"), [(0, True), (1, False)])
def test_a_look_at_the_very_refusal_has_seen_all_that_a_request_can_do(
    early: int, settled: bool
) -> None:
    story = Story().tell("rest none too_late")
    order = story.orders[0]
    refused_at = story.now
    story.wait(1)

    story.receive(
        Snapshot(refused_at - early, (OpenOrder("101", order.cloid, Side.BUY, 20_000, 10),))
    )

    assert order.is_in_doubt is not settled


def test_a_fill_that_was_booked_before_leaves_a_request_of_today_alone() -> None:
    story = Story().tell("rest fill:101:4:t1 none unanswered")
    before = story.told(), story.orders[0].evidence_at

    story.tell("fill:101:4:t1")

    assert (story.told(), story.orders[0].evidence_at) == before


def test_an_order_that_is_answered_again_keeps_the_time_of_its_newest_evidence() -> None:
    story = Story().tell("rest fill:101:1")
    newest = story.orders[0].evidence_at

    story.tell("fill:101:1<1")

    assert story.orders[0].evidence_at == newest


def test_the_answer_to_the_very_modify_takes_price_and_size_from_the_venue() -> None:
    story = Story().tell("rest move")

    story.tell("modified:101:7:20049")

    assert story.told() == "resting idle 0 7@20049 101"


def test_a_modify_that_kept_its_oid_undoes_the_end_of_the_leg() -> None:
    story = Story().tell("rest move cancelled:101 modified:101:10:20050")

    assert story.told() == "resting idle 0 10@20050 101"


def test_a_leg_that_no_request_explains_keeps_price_and_size_of_its_fill() -> None:
    story = Story().tell("rest fill:999:3")

    leg = story.orders[0].legs[0]

    assert (leg.oid, leg.price, leg.qty, leg.filled) == ("999", 20_000, 3, 3)


def test_a_leg_that_came_and_went_unheard_has_the_goal_of_the_last_request() -> None:
    story = Story().tell("rest move refused:dead status:cancelled:-:777")

    leg = story.orders[0].legs[0]

    assert (leg.oid, leg.price, leg.qty) == ("777", 20_050, 10)


def test_a_late_acknowledgement_of_an_old_price_is_the_venues_word_on_its_leg() -> None:
    story = Story().tell("rest move accepted:102 modified:102:9:20049#0")

    assert story.told() == "resting idle 0 9@20049 102"


def test_a_smaller_amendment_is_seen_in_a_row_that_shows_less() -> None:
    story = Story(amends=True).tell("rest fill:101:4 to:20000:3")

    assert story.tell("listed:101:20000:3").told() == "resting idle 4 3@20000 101"


def test_a_row_that_shows_more_than_a_smaller_amendment_leaves_does_not_prove_it() -> None:
    story = Story(amends=True).tell("rest to:20000:5 listed:101:20000:8")

    assert story.told() == "modify-pending modifying 0 8@20000 101"


def test_an_amendment_of_the_price_alone_is_not_seen_in_a_row_at_the_old_price() -> None:
    story = Story(amends=True).tell("rest move listed:101:20000:8")

    assert story.told() == "modify-pending modifying 0 8@20000 101"


def test_an_amendment_in_place_needs_no_name_for_its_order() -> None:
    story = Story(amends=True).tell("rest move")
    story.receive(Modified(story.now, story.orders[0].cloid, "101", 10, 20_050))

    assert story.told() == "resting idle 0 10@20050 101"


def test_a_closing_time_is_that_of_the_report() -> None:
    story = Story().tell("rest wait:5 cancelled:101<2")

    assert story.orders[0].closed_at == story.now - 2 * SECOND


def test_a_fill_of_the_old_leg_does_not_end_the_new_one() -> None:
    story = Story().tell("rest move moved")
    story.receive(Fill(story.now, story.orders[0].cloid, "101", 10, 20_000, "t1"))

    assert story.told() == "resting idle 10 10@20050 102"


@pytest.mark.parametrize("word", ["accepted:101", "as_was", "status:open", "fill:101:1"])
def test_what_shows_that_an_order_is_there_is_its_newest_evidence(word: str) -> None:
    story = Story().tell(f"rest {word}")

    assert story.orders[0].evidence_at == story.now


@pytest.mark.parametrize("word", ["refused:alive", "moved"])
def test_what_answers_a_modify_shows_that_the_order_is_there(word: str) -> None:
    story = Story().tell(f"rest move {word}")

    assert story.orders[0].evidence_at == story.now


def test_an_order_whose_modify_never_left_closed_when_we_learnt_it() -> None:
    story = Story().tell("rest move cancelled:101 wait:1 unsent")

    assert story.orders[0].closed_at == story.now


def test_a_refusal_that_does_not_say_what_rests_puts_the_same_modify_off_for_nothing() -> None:
    story = Story().tell("rest move refused:unknown as_was wait:0.5")

    story.cycle([(20_050, 10)])

    assert story.kinds() == ["modify"]


@pytest.mark.parametrize("stranger_first", [True, False])
def test_an_order_is_seen_wherever_it_stands_among_the_rows(stranger_first: bool) -> None:
    story = Story().tell("rest wait:1")
    ours = OpenOrder("101", story.orders[0].cloid, Side.BUY, 20_000, 10)
    stranger = OpenOrder("999", None, Side.SELL, 20_100, 5)
    listed = (stranger, ours) if stranger_first else (ours, stranger)

    for _ in range(2):
        story.wait(1)
        story.receive(Snapshot(story.now, listed))

    assert story.told() == "resting idle 0 10@20000 101"
    assert story.manager._desk.blotter.foreign == {"999": Side.SELL}


def test_a_row_under_two_names_does_not_hide_those_behind_it() -> None:
    story = Story()
    orders = story.rest([(20_000, 10), (19_960, 10), (19_920, 10)])
    story.wait(1)
    confused = OpenOrder("101", orders[1].cloid, Side.BUY, 20_000, 10)
    last = OpenOrder("103", orders[2].cloid, Side.BUY, 19_920, 4)

    story.receive(Snapshot(story.now, (confused, last)))

    assert orders[2].leaves == 4


def test_a_snapshot_of_the_very_moment_of_the_break_ends_it() -> None:
    story = Story().tell("rest disconnected reconnected as_was<0.1")

    assert story.manager.is_blind is False


def test_an_order_accepted_before_a_look_that_lacked_it_is_asked_about() -> None:
    story = Story().tell("place absent accepted:101<0.15")

    assert [type(query) for query in story.queries()] == [QueryOrder]
    assert story.orders[0].absences == 1


@pytest.mark.parametrize("answer", ["refused:alive<0.25", "modified:101:10:20050<0.25"])
def test_a_look_that_lacked_it_counts_when_an_answer_from_before_an_older_look_is_heard(
    answer: str,
) -> None:
    # The explorer's: the venue refuses, is looked at, cancels by itself, and is looked at again,
    # all before the refusal is heard.
    story = Story().tell(f"rest move as_was absent {answer}")

    assert [type(query) for query in story.queries()] == [QueryOrder]
    assert (story.orders[0].absences, story.orders[0].is_closed) == (1, False)


def test_a_look_from_before_a_request_does_not_count_once_it_is_answered() -> None:
    story = Story().tell("rest absent move refused:alive")

    assert story.orders[0].absences == 0


def test_an_order_that_was_never_confirmed_is_asked_about_when_it_diverges() -> None:
    story = Story().tell("place refused:alive")

    assert story.diverged == ["placing-modify_answered"]
    assert [type(query) for query in story.queries()] == [QueryOrder]
