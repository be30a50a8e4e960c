"""What a snapshot or the status of one order proves: the rows @A to @I, absences, statuses.

The tables are read as those of `tests/lifecycle/core/test_reports.py`. Their snapshots are of the
time at which they come, where nothing else is said.
"""

from typing import Final

import pytest

from exchange.commands import QueryOrder
from exchange.reports import Fill, OpenOrder, OrderStatus, Snapshot
from exchange.words import Side, Status
from spec.states import State
from tests.story import Story, rows, told

SNAPSHOTS: Final = """
# @A: a closed order, listed after it closed
rest cancelled:101 as_was | cancelled idle 0 0@20000 101 | 0 | 0 0 | @A listed-though-closed
rest move cancelled:101 refused:dead<1 as_was<0.25 | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest cancelled:101 as_was<1 | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
# @B: our oid, placing
place as_was | resting idle 0 10@20000 101 | 0 | 10 0 | -
place listed:101:20000:6 | resting idle 0 6@20000 101 | 0 | 10 0 | -
place unanswered as_was | resting idle 0 10@20000 101 | 0 | 10 0 | -
# @C: an oid we never saw, modifying
rest move listed:102:20050:10 | resting idle 0 10@20050 102 | 0 | 10 0 | -
rest move unanswered listed:102:20050:7 | resting idle 0 7@20050 102 | 0 | 10 0 | -
rest move fill:101:4 unanswered listed:102:20050:10 | resting idle 4 10@20050 102 | 4 | 14 0 | -
# @D: our oid at the new price or size, modifying, amend
amend:rest move listed:101:20050:10 | resting idle 0 10@20050 101 | 0 | 10 0 | -
amend:rest move unanswered listed:101:20050:8 | resting idle 0 8@20050 101 | 0 | 10 0 | -
amend:rest to:20000:20 listed:101:20000:20 | resting idle 0 20@20000 101 | 0 | 20 0 | -
amend:rest to:20000:5 listed:101:20000:5 | resting idle 0 5@20000 101 | 0 | 5 0 | -
# @E: our oid as it was, in doubt, and refused or expired
rest move expired as_was | resting idle 0 10@20000 101 | 0 | 10 0 | -
rest move refused:unknown as_was | resting idle 0 10@20000 101 | 0 | 10 0 | -
rest none too_late as_was | resting idle 0 10@20000 101 | 0 | 10 0 | -
rest none expired as_was | resting idle 0 10@20000 101 | 0 | 10 0 | -
amend:rest move expired as_was | resting idle 0 10@20000 101 | 0 | 10 0 | -
amend:rest to:20000:20 expired as_was | resting idle 0 10@20000 101 | 0 | 10 0 | -
# @F: our oid as it was, in flight, or in doubt before expiry
rest move as_was | modify-pending modifying 0 10@20000 101 | 0 | 20 0 | -
rest move unanswered as_was | in-doubt modifying? 0 10@20000 101 | 0 | 20 0 | -
rest none as_was | cancelling cancelling 0 10@20000 101 | 0 | 10 0 | -
rest none unanswered as_was | in-doubt cancelling? 0 10@20000 101 | 0 | 10 0 | -
amend:rest move as_was | modify-pending modifying 0 10@20000 101 | 0 | 10 0 | -
amend:rest to:20000:20 as_was | modify-pending modifying 0 10@20000 101 | 0 | 20 0 | -
# @G: our oid at another price, idle
rest listed:101:20050:10 | resting idle 0 10@20050 101 | 0 | 10 0 | @G listed-at-another-price
# @H: an oid we never saw, idle, cancelling
rest listed:102:20050:8 | resting idle 0 8@20050 102 | 0 | 8 0 | @H listed-under-another-oid
rest none listed:102:20050:8 | cancelling cancelling 0 8@20050 102 | 0 | 8 0 | @H listed-under-another-oid
amend:rest move listed:102:20050:10 | modify-pending modifying 0 10@20050 102 | 0 | 10 0 | @H listed-under-another-oid
# @I: an old leg of ours
rest move moved as_was | resting idle 0 10@20050 102 | 0 | 10 0 | @I listed-under-old-oid
# listed, as expected
rest as_was | resting idle 0 10@20000 101 | 0 | 10 0 | -
rest listed_by_oid:101:20000:8 | resting idle 0 8@20000 101 | 0 | 10 0 | -
rest listed:101:20000:8 fill:101:2 | resting idle 2 8@20000 101 | 2 | 10 0 | -
rest listed:101:20000:8 fill:101:2 fill:101:8 | filled idle 10 0@20000 101 | 10 | 10 0 | -
amend:rest fill:101:4 listed:101:20000:8 | resting idle 4 8@20000 101 | 4 | 12 0 | -
rest listed:101:20050:10<3 | resting idle 0 10@20000 101 | 0 | 10 0 | -
rest stranger | resting idle 0 10@20000 101 | 0 | 10 0 | -
# absent
place absent | pending-new placing 0 10@20000 - | 0 | 10 0 | -
rest absent | resting idle 0 10@20000 101 | 0 | 10 0 | -
rest absent<3 | resting idle 0 10@20000 101 | 0 | 10 0 | -
rest absent absent | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest absent absent<0.1 | resting idle 0 10@20000 101 | 0 | 10 0 | -
rest fill:101:4 absent absent | cancelled idle 4 0@20000 101 | 4 | 4 0 | -
rest absent as_was absent | resting idle 0 10@20000 101 | 0 | 10 0 | -
place unanswered absent absent | in-doubt placing? 0 10@20000 - | 0 | 10 0 | -
place expired absent | in-doubt placing? 0 10@20000 - | 0 | 10 0 | -
place expired absent absent | rejected idle 0 0@20000 - | 0 | 0 0 | -
place expired absent accepted:101 | resting idle 0 10@20000 101 | 0 | 10 0 | -
rest none expired absent absent | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest move expired absent absent | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest move fill:101:10 expired absent absent | filled idle 10 0@20000 101 | 10 | 10 0 | -
rest move cancelled:101 expired absent absent | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
place stray expired absent absent | rejected idle 0 0@20000 - | 0 | 0 0 | fill-of-unknown-order
"""  # noqa: E501

STATUSES: Final = """
# open
place status:open | resting idle 0 10@20000 - | 0 | 10 0 | -
place status:open:4:101 | resting idle 0 6@20000 101 | 0 | 10 0 | -
rest status:open | resting idle 0 10@20000 101 | 0 | 10 0 | -
rest status:open:4 | resting idle 0 6@20000 101 | 0 | 10 0 | -
rest status:open:4 fill:101:4 | resting idle 4 6@20000 101 | 4 | 10 0 | -
amend:rest status:open:0 | resting idle 0 10@20000 101 | 0 | 10 0 | -
amend:rest status:open:4 | resting idle 0 6@20000 101 | 0 | 10 0 | -
amend:rest listed:101:20000:6 none status:open:0 | cancelling cancelling 0 6@20000 101 | 0 | 10 0 | -
rest none status:open | cancelling cancelling 0 10@20000 101 | 0 | 10 0 | -
rest none unanswered status:open | in-doubt cancelling? 0 10@20000 101 | 0 | 10 0 | -
rest none expired status:open | resting idle 0 10@20000 101 | 0 | 10 0 | -
rest none too_late status:open | resting idle 0 10@20000 101 | 0 | 10 0 | -
rest move status:open:-:102 | resting idle 0 10@20050 102 | 0 | 10 0 | -
rest move unanswered status:open:-:101 | in-doubt modifying? 0 10@20000 101 | 0 | 20 0 | -
rest move expired status:open:-:101 | resting idle 0 10@20000 101 | 0 | 10 0 | -
rest move expired status:open | in-doubt modifying? 0 10@20000 101 | 0 | 20 0 | -
amend:rest move expired status:open:-:101 | in-doubt modifying? 0 10@20000 101 | 0 | 10 0 | -
# filled
place status:filled:10 | filled idle 0 0@20000 - | 0 | 10 0 | -
rest status:filled | filled idle 0 0@20000 101 | 0 | 10 0 | -
rest status:filled:10 | filled idle 0 0@20000 101 | 0 | 10 0 | -
rest status:filled:10 fill:101:10 | filled idle 10 0@20000 101 | 10 | 10 0 | -
rest move fill:101:4 modified:102:6:20050 status:filled:10 | filled idle 4 0@20050 102 | 4 | 10 0 | -
# cancelled
rest status:cancelled:4 | cancelled idle 0 0@20000 101 | 0 | 4 0 | -
rest status:cancelled:4 fill:101:4 | cancelled idle 4 0@20000 101 | 4 | 4 0 | -
rest none unanswered status:cancelled | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest move status:cancelled | modify-pending modifying 0 10@20000 101 | 0 | 20 0 | -
rest move status:cancelled moved | resting idle 0 10@20050 102 | 0 | 10 0 | -
rest move refused:unknown status:cancelled | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest move expired status:cancelled | in-doubt modifying? 0 10@20000 101 | 0 | 20 0 | -
rest move expired status:cancelled absent | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
# rejected
place status:rejected | rejected idle 0 0@20000 - | 0 | 0 0 | -
place unanswered status:rejected | rejected idle 0 0@20000 - | 0 | 0 0 | -
rest status:rejected | resting idle 0 10@20000 101 | 0 | 10 0 | resting-rejected
# unknown to the venue
place unknown | pending-new placing 0 10@20000 - | 0 | 10 0 | -
place unanswered unknown | in-doubt placing? 0 10@20000 - | 0 | 10 0 | -
place expired unknown | in-doubt placing? 0 10@20000 - | 0 | 10 0 | -
place expired unknown unknown | in-doubt placing? 0 10@20000 - | 0 | 10 0 | -
place expired unknown absent | rejected idle 0 0@20000 - | 0 | 0 0 | -
place expired absent unknown | rejected idle 0 0@20000 - | 0 | 0 0 | -
rest unknown | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest fill:101:4 unknown | cancelled idle 4 0@20000 101 | 4 | 4 0 | -
rest absent unknown | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest none unknown unanswered status:open<0.25 wait:5 unknown | in-doubt cancelling? 0 10@20000 101 | 0 | 10 0 | -
rest none expired unknown | in-doubt cancelling? 0 10@20000 101 | 0 | 10 0 | -
# of a closed order, of another leg, or stale
rest cancelled:101 status:open | cancelled idle 0 0@20000 101 | 0 | 0 0 | open-though-closed
rest cancelled:101 status:open<1 | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest cancelled:101 status:cancelled | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest status:open:-:999 | resting idle 0 10@20000 101 | 0 | 10 0 | status-of-another-oid
amend:rest move status:open:-:999 | modify-pending modifying 0 10@20000 101 | 0 | 10 0 | status-of-another-oid
rest move moved status:cancelled:-:101 | resting idle 0 10@20050 102 | 0 | 10 0 | -
rest status:cancelled<3 | resting idle 0 10@20000 101 | 0 | 10 0 | -
"""  # noqa: E501


@pytest.mark.parametrize(
    ("words", "order", "position", "exposure", "diverged"),
    [pytest.param(*cells, id=cells[0]) for cells in rows(SNAPSHOTS)],
)
def test_a_snapshot_proves_what_the_table_says(
    words: str, order: str, position: str, exposure: str, diverged: str
) -> None:
    came_to = told(words)

    assert came_to == f"{order} | {position} | {exposure} | {diverged}"


@pytest.mark.parametrize(
    ("words", "order", "position", "exposure", "diverged"),
    [pytest.param(*cells, id=cells[0]) for cells in rows(STATUSES)],
)
def test_a_status_proves_what_the_table_says(
    words: str, order: str, position: str, exposure: str, diverged: str
) -> None:
    came_to = told(words)

    assert came_to == f"{order} | {position} | {exposure} | {diverged}"


def test_every_row_of_the_reconciliation_has_its_stories() -> None:
    sections = [line[2:4] for line in SNAPSHOTS.splitlines() if line.startswith("# @")]

    assert sections == [f"@{letter}" for letter in "ABCDEFGHI"]


@pytest.mark.parametrize("words", ["rest absent", "place expired absent"])
def test_an_order_that_a_snapshot_lacks_is_asked_about(words: str) -> None:
    story = Story().tell(words)

    newest = story.queries()[-1]

    assert isinstance(newest, QueryOrder)
    assert newest.cloid == story.orders[0].cloid


def test_a_row_ahead_of_the_fills_has_the_order_asked_about() -> None:
    story = Story().tell("rest listed:101:20000:8")

    assert [type(query) for query in story.queries()] == [QueryOrder]


def test_the_fills_of_a_snapshot_are_booked_before_its_rows_are_read() -> None:
    story = Story().tell("rest")
    order = story.orders[0]
    story.wait(1)
    fill = Fill(story.now, order.cloid, "101", 4, 20_000, "t1")
    row = OpenOrder("101", order.cloid, Side.BUY, 20_000, 6)

    story.receive(Snapshot(story.now, (row,), (fill,)))

    assert story.told() == "resting idle 4 6@20000 101"
    assert story.queries() == []


def test_a_row_that_names_two_of_our_orders_proves_nothing_about_either() -> None:
    story = Story()
    first, second = story.rest([(20_000, 10), (19_960, 10)])
    story.wait(1)
    row = OpenOrder("101", second.cloid, Side.BUY, 19_900, 3)

    for _ in range(3):
        story.wait(1)
        story.receive(Snapshot(story.now, (row,)))

    assert (first.price, first.leaves) == (20_000, 10)
    assert (second.price, second.leaves) == (19_960, 10)
    assert story.diverged == ["@J listed-under-two-names"] * 3


def test_a_leg_that_came_and_went_unheard_keeps_its_late_fills() -> None:
    story = Story().tell("rest cancelled:101 status:cancelled:-:777 fill_by_oid:777:4")

    assert story.told() == "cancelled idle 4 0@20000 101"
    assert story.manager.position == 4
    assert story.diverged == []


def test_what_no_fill_has_told_yet_is_counted_to_the_old_legs_first() -> None:
    early = Story().tell("rest move moved status:open:4:102")
    late = Story().tell("rest move moved status:open:14:102")

    assert (early.told(), early.manager.exposure) == ("resting idle 0 10@20050 102", (14, 0))
    assert (late.told(), late.manager.exposure) == ("resting idle 0 6@20050 102", (20, 0))


def test_what_a_row_and_a_status_know_of_both_legs_is_waited_for_after_the_close() -> None:
    five_of_the_old_and_four_of_the_new = "rest move moved status:open:5 listed:102:20050:6"
    seven_of_the_old = "rest move moved status:open:5 status:open:7 listed:102:20050:6"

    story = Story().tell(f"{five_of_the_old_and_four_of_the_new} cancelled:102")
    grown = Story().tell(seven_of_the_old)

    assert story.manager.exposure == (9, 0)
    assert grown.manager.exposure == (7 + 10, 0)


def test_what_was_counted_to_an_old_leg_and_came_from_the_new_one_is_not_waited_for_again() -> None:
    none_missing = Story().tell("rest move moved status:open:5 fill:102:5 cancelled:102")
    two_missing = Story().tell("rest move moved status:open:5 fill:102:5")
    two_missing.tell("listed:102:20050:3 cancelled:102")

    assert none_missing.manager.exposure == (5, 0)
    assert two_missing.manager.exposure == (5 + 2, 0)


def test_what_is_not_heard_of_each_old_leg_adds_up() -> None:
    story = Story().tell("rest listed:101:20000:6 move moved listed:102:20050:7")

    story.tell("to:20100 modified:103:10:20100")

    assert story.manager.exposure == (4 + 3 + 10, 0)


def test_a_leg_that_only_a_fill_told_of_rests_and_what_is_not_heard_of_the_others_is_kept() -> None:
    story = Story().tell("rest move moved status:open:5 fill:103:1")

    story.tell("listed:103:20070:10")
    once = story.told()
    story.tell("listed:103:20070:10")

    # One has come, four of the five are missing.
    assert once == story.told() == "resting idle 1 10@20070 103"
    assert story.manager.exposure == (1 + 4 + 10, 0)


def test_a_row_names_the_order_that_had_no_oid_and_was_not_moved_yet() -> None:
    words = "place unanswered status:open move listed:101:20000:10 fill_by_oid:101:4"

    story = Story().tell(words)

    assert story.told() == "modify-pending modifying 4 6@20000 101"
    assert story.diverged == []


def test_a_row_at_the_goal_proves_the_modify_of_an_order_without_an_oid() -> None:
    story = Story().tell("place unanswered status:open move listed:102:20050:10")

    assert story.told() == "resting idle 0 10@20050 102"


def test_open_without_an_oid_does_not_disprove_the_modify_of_an_order_without_one() -> None:
    story = Story().tell("place unanswered status:open move expired status:open")

    assert story.told().startswith("in-doubt modifying? ")


def test_a_smaller_row_does_not_prove_that_an_order_was_made_larger() -> None:
    story = Story(amends=True).tell("rest to:20000:20 listed:101:20000:8")

    assert story.told() == "modify-pending modifying 0 8@20000 101"


def test_a_fill_may_overtake_the_acknowledgement_that_made_its_order_larger() -> None:
    story = Story(amends=True).tell("rest to:20000:20 fill:101:15 modified:101:20:20000")

    assert story.told() == "resting idle 15 5@20000 101"
    assert story.diverged == []


def test_a_refused_cancel_does_not_answer_a_modify() -> None:
    story = Story().tell("rest move unanswered too_late#0 as_was")

    assert story.told().startswith("in-doubt modifying? ")


def test_a_status_about_a_stranger_changes_nothing() -> None:
    story = Story()

    reaction = story.receive(OrderStatus(0, "not ours", Status.OPEN))

    assert reaction.divergences == ()
    assert story.orders == []


def test_a_status_that_adds_nothing_asks_no_further_question() -> None:
    # Found by the stateful tests: each answer led to the next question, as fast as the line goes.
    story = Story().tell("rest move expired unknown")
    asked = len(story.queries())

    story.tell("unknown unknown unknown")

    assert len(story.queries()) == asked
    assert story.tell("absent").told().startswith("cancelled idle")


@pytest.mark.parametrize("later", ["", " fill:101:4:t1<9"])
def test_an_open_older_than_the_end_of_its_leg_proves_the_modify_undone_and_the_order_gone(
    later: str,
) -> None:
    words = "rest move wait:6 tick wait:1 cancelled:101:margin status:open:-:101<0.5"

    assert Story().tell(words + later).orders[0].state is State.CANCELLED


@pytest.mark.parametrize("age", ["<1", "<0.1"], ids=["newer", "of the same moment"])
def test_an_open_not_older_than_the_end_of_its_leg_takes_that_back(age: str) -> None:
    words = f"rest move wait:6 tick wait:1 cancelled:101:margin{age} status:open:-:101<0.2"

    assert Story().tell(words).told() == "resting idle 0 10@20000 101"


# What an amendment did whose record is lost with the end of a journal.


def amended(*row: int) -> Story:
    """Return a story of a bid for 10 at 20000 that is listed with another price and size."""
    story = Story(amends=True)
    (order,) = story.rest([(20_000, 10)])
    story.wait(1)
    story.look(OpenOrder("101", order.cloid, Side.BUY, *row))
    return story


def status(story: Story, filled: int) -> None:
    (order,) = story.orders
    story.wait(0.1)
    story.receive(OrderStatus(story.now, order.cloid, Status.OPEN, filled, "101"))


@pytest.mark.parametrize("size", [6, 14], ids=["smaller", "larger"])
def test_an_order_listed_at_another_price_has_the_size_it_is_listed_with(size: int) -> None:
    (order,) = amended(20_050, size).orders

    assert (order.price, order.leaves, order.filled, order.leg.qty) == (20_050, size, 0, size)


def test_an_order_listed_with_more_than_it_had_is_larger_than_on_record() -> None:
    (order,) = amended(20_000, 14).orders

    assert (order.leaves, order.leg.qty) == (14, 14)


def test_what_a_row_lacks_has_filled_until_a_status_says_that_it_has_not() -> None:
    story = amended(20_000, 6)
    (order,) = story.orders
    lacking = (order.leaves, order.leg.qty, order.known)
    status(story, filled=0)

    assert lacking == (6, 10, 4)
    assert (order.leaves, order.leg.qty, order.known) == (6, 6, 0)


def test_what_a_status_says_to_have_filled_of_what_a_row_lacks_is_waited_for() -> None:
    story = amended(20_000, 6)
    (order,) = story.orders
    status(story, filled=1)

    assert (order.leaves, order.leg.qty, order.known) == (6, 7, 1)


def test_a_fill_from_before_the_row_takes_nothing_from_the_size_it_is_listed_with() -> None:
    story = amended(20_050, 6)
    (order,) = story.orders
    story.tell("fill:101:3<0.5")
    before = order.leaves
    story.tell("fill:101:2")

    assert (before, order.leaves, order.filled) == (6, 4, 5)


def test_what_a_row_lacks_and_a_status_says_to_have_filled_is_waited_for() -> None:
    story = amended(20_000, 6)
    (order,) = story.orders
    status(story, filled=4)

    assert (order.leaves, order.leg.qty, order.known) == (6, 10, 4)
    assert isinstance(story.queries()[-1], QueryOrder)


def test_the_newest_row_replaces_what_was_made_of_older_ones() -> None:
    story = amended(20_000, 6)
    (order,) = story.orders
    story.wait(1)
    story.look(OpenOrder("101", order.cloid, Side.BUY, 20_000, 9))

    assert (order.leaves, order.leg.reported) == (9, 1)


def test_an_order_that_is_known_to_have_filled_more_than_was_heard_does_not_retire() -> None:
    story = Story().tell("rest status:filled:10:101")
    (order,) = story.orders
    story.wait(200)
    story.tick()
    before = order.state
    story.receive(Fill(story.now, order.cloid, "101", 10, 20_000, "t1"))
    story.wait(200)
    story.tick()

    assert (before, order.state) == (State.FILLED, State.RETIRED)
