"""What is said twice, said once."""

from exchange.commands import Cancel, Modify, Place
from exchange.hyperliquid.hearing import Hearing
from exchange.reports import (
    Accepted,
    Cancelled,
    CancelRejected,
    Fill,
    Modified,
    ModifyRejected,
    Rejected,
    Report,
)
from exchange.venue import NoAnswer
from exchange.words import Alive, CancelReason, Outcome, Side

HOLD = 300
PLACE = Place(1, "a", Side.BUY, 100, 5, True, False, 0)
MODIFY = Modify(2, "a", "7", Side.BUY, 101, 5, True, False, 0)
CANCEL = Cancel(3, "a", "7", 0)
OPEN = Accepted(10, "a", "7")
OPEN_NEW = Accepted(12, "a", "8")
GONE = Cancelled(11, "a", "7", CancelReason.USER)
FILL = Fill(10, "a", "7", 2, 100, "t1")


def kinds(told: list[Report | NoAnswer]) -> list[str]:
    return [type(one).__name__ for one in told]


def asked(command: Place | Modify | Cancel) -> Hearing:
    hearing = Hearing(HOLD)
    hearing.sent([command])
    return hearing


def test_what_nothing_was_asked_about_is_told_at_once_and_once() -> None:
    hearing = Hearing(HOLD)

    assert [hearing.pushed(OPEN, 0), hearing.pushed(OPEN, 1)] == [[OPEN], []]
    assert [hearing.pushed(GONE, 2), hearing.pushed(GONE, 3)] == [[GONE], []]


def test_an_answer_is_told_and_what_was_pushed_of_the_same_is_not() -> None:
    hearing = asked(PLACE)
    answer = Accepted(12, "a", "7", 1)

    assert hearing.pushed(OPEN, 0) == []
    assert hearing.answered(PLACE, answer) == [answer]
    assert hearing.pushed(OPEN, 1) == []
    assert not hearing.holds


def test_what_was_held_long_enough_is_told_and_the_answer_after_it() -> None:
    hearing = asked(PLACE)
    answer = Accepted(12, "a", "7", 1)
    hearing.pushed(OPEN, 0)

    assert hearing.due(HOLD - 1) == []
    assert hearing.due(HOLD) == [OPEN]
    assert hearing.answered(PLACE, answer) == [answer]


def test_what_was_held_is_told_before_the_news_that_there_is_no_answer() -> None:
    hearing = asked(PLACE)
    lost = NoAnswer(PLACE, Outcome.BROKEN)
    hearing.pushed(OPEN, 0)

    assert hearing.answered(PLACE, lost) == [OPEN, lost]


def test_a_pushed_rejection_is_told_only_where_there_is_no_answer() -> None:
    pushed = Rejected(10, "a", "post_only")
    answered, unanswered = asked(PLACE), asked(PLACE)
    for hearing in (answered, unanswered):
        hearing.pushed(pushed, 0)
        assert hearing.due(HOLD) == []
    answer, lost = Rejected(11, "a", "post_only", 1), NoAnswer(PLACE, Outcome.TIMEOUT)

    assert answered.answered(PLACE, answer) == [answer]
    assert unanswered.answered(PLACE, lost) == [pushed, lost]


def test_the_old_leg_of_a_modify_is_told_as_replaced() -> None:
    before, after = asked(MODIFY), asked(MODIFY)
    modified = Modified(12, "a", "8", 5, 101, 2)
    before.pushed(GONE, 0)
    before.pushed(OPEN_NEW, 0)
    told_before = before.answered(MODIFY, modified)
    told_after = [*after.answered(MODIFY, modified), *after.pushed(GONE, 1)]

    assert kinds(told_before) == ["Cancelled", "Modified"]
    assert kinds(told_after) == ["Modified", "Cancelled"]
    replaced = told_before[0], told_after[1]
    assert all(isinstance(one, Cancelled) for one in replaced)
    assert {getattr(one, "reason", None) for one in replaced} == {CancelReason.REPLACED}
    assert after.pushed(OPEN_NEW, 2) == []


def test_the_leg_of_a_refused_modify_is_told_as_the_venue_called_it() -> None:
    hearing = asked(MODIFY)
    refused = ModifyRejected(12, "a", "post_only", Alive.NO, 2)
    hearing.pushed(GONE, 0)

    assert hearing.answered(MODIFY, refused) == [GONE, refused]


def test_a_cancellation_without_a_name_is_known_by_the_leg_under_a_request() -> None:
    hearing = asked(CANCEL)
    nameless = Cancelled(11, None, "7", CancelReason.VENUE)
    answer = Cancelled(12, "a", "7", CancelReason.USER, 3)

    assert hearing.pushed(nameless, 0) == []
    assert hearing.answered(CANCEL, answer) == [answer]


def test_a_cancel_by_name_says_of_every_leg_that_it_is_gone() -> None:
    command = Cancel(3, "a", None, 0)
    hearing = asked(command)
    answer = Cancelled(12, "a", None, CancelReason.USER, 3)

    assert hearing.answered(command, answer) == [answer]
    assert hearing.pushed(GONE, 1) == []


def test_a_cancel_that_came_too_late_is_told_after_what_was_pushed() -> None:
    hearing = asked(CANCEL)
    refused = CancelRejected(12, "a", "too_late", 3)
    hearing.pushed(GONE, 0)

    assert hearing.answered(CANCEL, refused) == [GONE, refused]


def test_an_order_that_was_told_gone_is_not_told_open() -> None:
    hearing = Hearing(HOLD)
    hearing.pushed(GONE, 0)

    assert hearing.pushed(OPEN, 1) == []


def test_a_fill_is_told_once_and_never_held() -> None:
    hearing = asked(PLACE)

    assert [hearing.pushed(FILL, 0), hearing.pushed(FILL, 1)] == [[FILL], []]


def test_only_unanswered_places_are_being_placed() -> None:
    hearing = Hearing(HOLD)
    hearing.sent([PLACE, Cancel(4, "b", "9", 0)])
    before = hearing.placing
    hearing.answered(PLACE, NoAnswer(PLACE, Outcome.TIMEOUT))

    assert before == {"a"}
    assert hearing.placing == frozenset()
