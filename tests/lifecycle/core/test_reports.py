"""What a pushed report proves: every handler, by stories of one bid, each told in words.

A row: the story, what the first order came to (state, request, filled, leaves @ price, oid), the
position, the exposure (long, short) and the divergences. `tests/story.py` says what the words do;
the bid is for 10 lots at 20000, and the wanted price moves to 20050.
"""

from typing import Final

import pytest

from exchange.commands import QueryOrder
from tests.story import Story, rows, told

STORIES: Final = """
# accepted
rest | resting idle 0 10@20000 101 | 0 | 10 0 | -
rest accepted:101 | resting idle 0 10@20000 101 | 0 | 10 0 | -
place unanswered accepted:101 | resting idle 0 10@20000 101 | 0 | 10 0 | -
place rejected accepted:101 | rejected idle 0 0@20000 101 | 0 | 0 0 | rejected-accepted
place cancelled:101 accepted:101 | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest accepted:999 | resting idle 0 10@20000 101 | 0 | 10 0 | accepted-under-another-oid
rest move accepted:101 | modify-pending modifying 0 10@20000 101 | 0 | 20 0 | -
rest move accepted:102 | resting idle 0 10@20050 102 | 0 | 10 0 | -
amend:rest move accepted:999 | modify-pending modifying 0 10@20000 101 | 0 | 10 0 | accepted-under-another-oid
# rejected
place rejected | rejected idle 0 0@20000 - | 0 | 0 0 | -
place rejected#999 | pending-new placing 0 10@20000 - | 0 | 10 0 | -
place unanswered rejected | rejected idle 0 0@20000 - | 0 | 0 0 | -
rest rejected | resting idle 0 10@20000 101 | 0 | 10 0 | resting-rejected
place cancelled:101 rejected | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
place rejected rejected | rejected idle 0 0@20000 - | 0 | 0 0 | -
# fill
place fill:101:4 | resting idle 4 6@20000 101 | 4 | 10 0 | -
place fill:101:4 accepted:101 | resting idle 4 6@20000 101 | 4 | 10 0 | -
place fill:101:10 | filled idle 10 0@20000 101 | 10 | 10 0 | -
place fill:101:10 accepted:101 | filled idle 10 0@20000 101 | 10 | 10 0 | -
place unanswered fill:101:4 | resting idle 4 6@20000 101 | 4 | 10 0 | -
rest fill:101:4:t1 fill:101:4:t1 | resting idle 4 6@20000 101 | 4 | 10 0 | -
rest fill:101:4 fill:101:6 | filled idle 10 0@20000 101 | 10 | 10 0 | -
rest stray | resting idle 4 6@20000 101 | 4 | 10 0 | -
rest cancelled:101 fill:101:4 | cancelled idle 4 0@20000 101 | 4 | 4 0 | -
rest cancelled:101 fill:101:10 | cancelled idle 10 0@20000 101 | 10 | 10 0 | -
place rejected fill:101:4 | rejected idle 4 0@20000 101 | 4 | 4 0 | rejected-filled_in_part
rest fill:101:12 | filled idle 12 0@20000 101 | 12 | 12 0 | overfill
rest fill:999:3 | resting idle 3 10@20000 101 | 3 | 13 0 | fill-of-unknown-leg
rest fill:999:3:t1 fill_by_oid:999:3:t1 | resting idle 3 10@20000 101 | 3 | 13 0 | fill-of-unknown-leg
rest none fill:101:4 | cancelling cancelling 4 6@20000 101 | 4 | 10 0 | -
rest none fill:101:10 | filled idle 10 0@20000 101 | 10 | 10 0 | -
# fill while a modify is unanswered, or after it was done
rest move fill:101:4 | modify-pending modifying 4 6@20000 101 | 4 | 20 0 | -
rest move fill:101:4 modified:102:6:20050 | resting idle 4 6@20050 102 | 4 | 10 0 | -
rest move fill:101:10 | modify-pending modifying 10 0@20000 101 | 10 | 20 0 | -
rest move fill:101:10 refused:alive | filled idle 10 0@20000 101 | 10 | 10 0 | -
rest move fill:101:10 moved | resting idle 10 10@20050 102 | 10 | 20 0 | -
rest move fill:102:4 | resting idle 4 6@20050 102 | 4 | 10 0 | -
rest move fill:102:4 moved | resting idle 4 6@20050 102 | 4 | 10 0 | -
rest move fill:102:10 | filled idle 10 0@20050 102 | 10 | 10 0 | -
rest move fill:102:10 moved | filled idle 10 0@20050 102 | 10 | 10 0 | -
rest move moved fill:101:4 | resting idle 4 10@20050 102 | 4 | 14 0 | -
rest move moved fill:101:4:t1 fill:102:4:t1 | resting idle 8 6@20050 102 | 8 | 14 0 | -
amend:rest move fill:999:4 | modify-pending modifying 4 10@20000 101 | 4 | 14 0 | fill-of-unknown-leg
# fill of an oid that is not known yet
place stray | pending-new placing 0 10@20000 - | 0 | 10 0 | fill-of-unknown-order
place stray accepted:101 | resting idle 4 6@20000 101 | 4 | 10 0 | fill-of-unknown-order
place stray stray accepted:101 | resting idle 4 6@20000 101 | 4 | 10 0 | fill-of-unknown-order
place fill_by_oid:101:10 accepted:101 | filled idle 10 0@20000 101 | 10 | 10 0 | fill-of-unknown-order
place fill_by_oid:101:4:t1:buy | pending-new placing 0 10@20000 - | 4 | 14 0 | fill-of-unknown-order
place fill_by_oid:101:4:t1:buy accepted:101 | resting idle 4 6@20000 101 | 4 | 10 0 | fill-of-unknown-order
place stray fill:101:4:t9 accepted:101 | resting idle 4 6@20000 101 | 4 | 10 0 | fill-of-unknown-order
rest move fill_by_oid:102:4 | modify-pending modifying 0 10@20000 101 | 0 | 20 0 | fill-of-unknown-order
rest move fill_by_oid:102:4 moved | resting idle 4 6@20050 102 | 4 | 10 0 | fill-of-unknown-order
rest stranger fill_by_oid:999:3 | resting idle 0 10@20000 101 | 3 | 13 0 | -
rest stranger cancelled_by_oid:999 fill_by_oid:999:3 | resting idle 0 10@20000 101 | 0 | 10 0 | fill-of-unknown-order
rest cancelled_by_oid:- | resting idle 0 10@20000 101 | 0 | 10 0 | -
# modified
rest move moved | resting idle 0 10@20050 102 | 0 | 10 0 | -
rest move moved#0 | resting idle 0 10@20050 102 | 0 | 10 0 | -
rest move moved#999 | modify-pending modifying 0 10@20000 101 | 0 | 20 0 | modified-to-unknown-oid
rest move moved moved | resting idle 0 10@20050 102 | 0 | 10 0 | -
rest move fill:102:4 modified:102:12:20050 | resting idle 4 8@20050 102 | 4 | 12 0 | -
rest move fill:102:4 modified:102:4:20050 | filled idle 4 0@20050 102 | 4 | 4 0 | -
rest move moved modified:103:10:20050 | resting idle 0 10@20050 102 | 0 | 10 0 | modified-to-unknown-oid
rest move moved to:20099 modified:103:9:20099 moved#0 | resting idle 0 9@20099 103 | 0 | 9 0 | -
rest move moved cancelled:102 moved | cancelled idle 0 0@20050 102 | 0 | 0 0 | -
amend:rest move modified:101:10:20050 | resting idle 0 10@20050 101 | 0 | 10 0 | -
amend:rest move modified:101:10:20050#0 | resting idle 0 10@20050 101 | 0 | 10 0 | -
amend:rest move modified:101:10:20010#0 | modify-pending modifying 0 10@20000 101 | 0 | 10 0 | -
amend:rest modified:101:10:20050#0 | resting idle 0 10@20000 101 | 0 | 10 0 | -
amend:rest fill:101:4 move modified:101:14:20050 | resting idle 4 10@20050 101 | 4 | 14 0 | -
amend:rest fill:101:4 to:20000:2 fill:101:2 modified:101:6:20000 | filled idle 6 0@20000 101 | 6 | 6 0 | -
# modify refused
place refused:alive | pending-new placing 0 10@20000 - | 0 | 10 0 | placing-modify_answered
rest refused:alive | resting idle 0 10@20000 101 | 0 | 10 0 | -
rest move refused:alive | resting idle 0 10@20000 101 | 0 | 10 0 | -
rest move refused:alive#999 | modify-pending modifying 0 10@20000 101 | 0 | 20 0 | -
rest move refused:dead | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest move refused:unknown | in-doubt modifying? 0 10@20000 101 | 0 | 20 0 | -
rest move refused:unknown refused:unknown | in-doubt modifying? 0 10@20000 101 | 0 | 20 0 | -
rest move cancelled:101 refused:alive | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest move cancelled:101 refused:unknown | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest cancelled:101 refused:alive | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
# cancelled
place cancelled:101 | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
place cancelled:- | cancelled idle 0 0@20000 - | 0 | 0 0 | -
rest cancelled:101 | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest cancelled:101:self_trade | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest cancelled_by_oid:101 | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest cancelled:101 cancelled:101 | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest fill:101:4 cancelled:101 | cancelled idle 4 0@20000 101 | 4 | 4 0 | -
rest fill:101:10 cancelled:101 | filled idle 10 0@20000 101 | 10 | 10 0 | filled-cancelled
place rejected cancelled:101 | rejected idle 0 0@20000 101 | 0 | 0 0 | -
rest none cancelled:101 | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest none unanswered cancelled:101 | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest cancelled:999 | resting idle 0 10@20000 101 | 0 | 10 0 | cancelled-under-another-oid
rest cancelled:999:replaced | resting idle 0 10@20000 101 | 0 | 10 0 | -
rest cancelled:101:replaced | resting idle 0 10@20000 101 | 0 | 10 0 | replaced-without-modify
rest cancelled:101 cancelled:101:replaced | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
# cancelled while a modify is unanswered, or after it was done
rest move cancelled:101 | modify-pending modifying 0 10@20000 101 | 0 | 20 0 | -
rest move cancelled:101:replaced | modify-pending modifying 0 10@20000 101 | 0 | 20 0 | -
rest move cancelled:101 moved | resting idle 0 10@20050 102 | 0 | 10 0 | -
rest move cancelled:102 | cancelled idle 0 0@20050 102 | 0 | 0 0 | -
rest move cancelled:102:replaced | resting idle 0 10@20050 102 | 0 | 10 0 | -
rest move moved cancelled:101 | resting idle 0 10@20050 102 | 0 | 10 0 | -
rest move moved cancelled:101:replaced | resting idle 0 10@20050 102 | 0 | 10 0 | -
rest move moved cancelled:102 | cancelled idle 0 0@20050 102 | 0 | 0 0 | -
amend:rest move cancelled:101 | modify-pending modifying 0 10@20000 101 | 0 | 10 0 | -
amend:rest move cancelled:999 | modify-pending modifying 0 10@20000 101 | 0 | 10 0 | cancelled-under-another-oid
# cancel refused
place too_late | pending-new placing 0 10@20000 - | 0 | 10 0 | placing-cancel_refused
rest too_late | resting idle 0 10@20000 101 | 0 | 10 0 | -
rest none too_late | in-doubt cancelling? 0 10@20000 101 | 0 | 10 0 | -
rest none too_late#999 | cancelling cancelling 0 10@20000 101 | 0 | 10 0 | -
rest none too_late too_late | in-doubt cancelling? 0 10@20000 101 | 0 | 10 0 | -
rest none too_late fill:101:10 | filled idle 10 0@20000 101 | 10 | 10 0 | -
rest none too_late cancelled:101 | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
rest none cancelled:101 too_late | cancelled idle 0 0@20000 101 | 0 | 0 0 | -
"""  # noqa: E501


@pytest.mark.parametrize(
    ("words", "order", "position", "exposure", "diverged"),
    [pytest.param(*cells, id=cells[0]) for cells in rows(STORIES)],
)
def test_a_report_proves_what_the_table_says(
    words: str, order: str, position: str, exposure: str, diverged: str
) -> None:
    came_to = told(words)

    assert came_to == f"{order} | {position} | {exposure} | {diverged}"


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("rest accepted:999", id="a divergence"),
        pytest.param("rest move refused:unknown", id="a refusal for no reason"),
        pytest.param("rest none too_late", id="a cancel that came too late"),
        pytest.param("place unanswered", id="no answer"),
    ],
)
def test_what_is_unresolved_is_asked_about_at_once(words: str) -> None:
    story = Story().tell(words)

    assert [type(query) for query in story.queries()] == [QueryOrder]


def test_a_closed_order_is_asked_about_no_more() -> None:
    story = Story().tell("rest fill:101:12")

    assert story.diverged == ["overfill"]
    assert story.queries() == []


def test_a_fill_after_retirement_counts_and_diverges() -> None:
    story = Story().tell("rest cancelled:101 wait:61 tick fill:101:4")

    assert story.told() == "retired idle 4 0@20000 101"
    assert story.manager.position == 4
    assert story.diverged == ["retired-filled_in_part"]


def test_reports_about_strangers_change_nothing() -> None:
    words = "accepted:9 rejected modified:9:1:1 refused:alive cancelled:9 too_late status:open"
    stranger = Story().tell("place")
    story = Story()

    for word in words.split():
        verb, *args = word.split(":")
        report = stranger._report(verb, [*args, "-", "-", "-", "-"], 0, None)
        assert story.receive(report).divergences == ()
    assert story.orders == []
