"""Halted: everything goes, nothing comes, and the proof that nothing of ours rests."""

from typing import Final

import pytest

from exchange.commands import QueryOpen
from exchange.reports import Cancelled, Limited, OpenOrder
from exchange.words import CancelReason, Side
from spec.trace import Action, Reason
from tests.story import Story

HERE: Final = [(20_000, 10)]
BOTH: Final = ([(20_000, 10), (19_900, 10)], [(20_100, 10)])
OURS: Final = OpenOrder("101", "000000001", Side.BUY, 20_000, 10)


def halted(words: str = "rest") -> Story:
    """Return a story of one bid that is halted."""
    return Story().tell(f"{words} halt")


def gone(story: Story, oid: str = "101") -> None:
    """Have the venue say that the first order is cancelled."""
    cloid = story.orders[0].cloid
    story.receive(Cancelled(story.now, cloid, oid, CancelReason.USER))


# What is sent.


def test_halted_every_order_is_cancelled_and_no_target_gets_one() -> None:
    story = Story()
    story.rest(*BOTH)
    story.halt()

    story.cycle(*BOTH)

    assert story.kinds() == ["cancel"] * 3
    assert story.reasons() == [Reason.HALTED] * 6
    assert [d.action for d in story.plan.decisions].count(Action.WAIT) == 3


def test_a_halt_itself_sends_nothing() -> None:
    story = Story().tell("rest")

    reaction = story.halt()

    assert reaction.queries == ()
    assert story.manager.is_halted


def test_a_halt_before_anything_was_sent_places_nothing() -> None:
    story = Story()
    story.halt()

    story.cycle(HERE)

    assert (story.kinds(), story.reasons()) == ([], [Reason.HALTED])


@pytest.mark.parametrize("words", ["place", "rest move", "rest none"])
def test_what_is_in_flight_is_waited_for(words: str) -> None:
    story = halted(words)

    story.cycle(HERE)

    assert (story.kinds(), story.reasons()) == ([], [Reason.IN_FLIGHT, Reason.HALTED])


@pytest.mark.parametrize(
    ("words", "answer"), [("place", "accepted:101"), ("rest move", "moved"), ("rest", "fill:101:4")]
)
def test_what_comes_to_rest_after_the_halt_is_cancelled_then(words: str, answer: str) -> None:
    story = halted(words).tell(answer)

    story.cycle(HERE)

    assert story.kinds() == ["cancel"]


def test_a_doubt_is_asked_about_and_cancelled_when_it_has_ended() -> None:
    story = halted("place unanswered")
    story.cycle(HERE)
    in_doubt = (story.kinds(), story.reasons()[0])

    story.tell("wait:6 listed:101:20000:10")
    story.cycle(HERE)

    assert in_doubt == ([], Reason.IN_DOUBT)
    assert story.kinds() == ["cancel"]


@pytest.mark.parametrize("words", ["rest disconnected", "rest disconnected reconnected"])
def test_the_kill_switch_withdraws_also_while_blind(words: str) -> None:
    story = halted(words)

    story.cycle(HERE)

    assert story.manager.is_blind
    assert (story.kinds(), story.reasons()) == (["cancel"], [Reason.HALTED, Reason.HALTED])


def test_a_debounced_order_is_cancelled_too() -> None:
    story = Story().tell("rest move moved")
    story.cycle([(20_200, 10)])
    debounced = story.reasons()
    story.halt()

    story.cycle([(20_200, 10)])

    assert (debounced, story.kinds()) == ([Reason.DEBOUNCED], ["cancel"])


def test_where_the_venue_takes_no_requests_one_cancel_is_a_probe_at_a_time() -> None:
    story = Story()
    story.rest(*BOTH)
    story.receive(Limited(story.now))
    story.halt()

    story.cycle()
    held = (story.kinds(), set(story.reasons()))
    story.wait(60)
    story.cycle()

    assert held == ([], {Reason.LIMITED})
    assert story.kinds() == ["cancel"]


def test_a_stale_market_does_not_hold_a_halt_back() -> None:
    story = halted()

    story.cycle(HERE, age=60)

    assert (story.kinds(), story.reasons()[0]) == (["cancel"], Reason.HALTED)


def test_the_fast_path_ends_with_a_halt() -> None:
    story = Story().tell("rest place")
    assert story.manager._desk.quiet is not None
    story.halt()

    story.cycle(HERE)

    assert story.kinds() == ["cancel"]


def test_halted_targets_must_be_in_order_still() -> None:
    story = halted()

    with pytest.raises(ValueError, match="best first"):
        story.cycle([(20_000, 10), (20_100, 10)])


# The proof.


def test_nothing_rests_is_proven_by_a_look_that_was_asked_for_since() -> None:
    story = halted()
    story.cycle()
    gone(story)
    before = story.manager.nothing_rests

    story.wait(6)
    story.tick()
    story.look()

    assert (before, story.manager.nothing_rests) == (False, True)


def test_the_timers_ask_for_the_look_within_a_timeout() -> None:
    story = Story().tell("rest tick halt")
    story.cycle()
    gone(story)

    story.wait(5)
    story.tick()

    assert isinstance(story.sent[-1], QueryOpen)


def test_a_look_asked_for_before_the_halt_proves_nothing() -> None:
    story = Story().tell("rest wait:61 tick")
    asked = max(q.request for q in story.queries())
    story.halt()
    story.cycle()
    gone(story)
    story.wait(1)

    story.look(request=asked)

    assert not story.manager.nothing_rests


def test_a_look_that_no_question_of_ours_asked_for_proves_nothing() -> None:
    story = halted()
    story.cycle()
    gone(story)
    story.wait(1)

    story.look(request=0)

    assert not story.manager.nothing_rests


def test_a_look_from_before_the_last_order_went_proves_nothing() -> None:
    story = halted()
    story.wait(6)
    story.cycle()
    gone(story)
    story.wait(1)

    story.look(age=1.000000001)
    before = story.manager.nothing_rests
    story.look(age=1)

    assert (before, story.manager.nothing_rests) == (False, True)


def test_while_something_is_believed_open_nothing_is_proven() -> None:
    story = halted()
    story.wait(6)
    story.tick()

    story.look()

    # It was absent once, which is asked about.
    assert story.manager.open_orders
    assert not story.manager.nothing_rests


def test_a_look_that_lists_an_order_that_we_took_for_gone_proves_nothing() -> None:
    story = halted()
    story.cycle()
    gone(story)
    story.wait(6)
    story.tick()

    story.look(OURS)

    assert story.diverged == ["@A listed-though-closed"]
    assert not story.manager.nothing_rests


def test_a_later_look_takes_the_proof_back() -> None:
    story = halted()
    story.cycle()
    gone(story)
    story.wait(6)
    story.tick()
    story.look()
    proven = story.manager.nothing_rests

    story.wait(6)
    story.tick()
    story.look(OURS)

    assert (proven, story.manager.nothing_rests) == (True, False)


def test_orders_of_others_do_not_hinder_the_proof() -> None:
    story = halted()
    story.cycle()
    gone(story)
    story.wait(6)
    story.tick()

    story.look(OpenOrder("999", "another's", Side.BUY, 20_000, 8))

    assert story.manager.nothing_rests


def test_with_the_stream_broken_the_venue_is_asked_and_the_proof_can_come() -> None:
    story = halted("rest disconnected")
    story.cycle()
    gone(story)

    story.wait(6)
    story.tick()
    story.look()

    assert story.manager.is_blind
    assert story.manager.nothing_rests


def test_without_a_halt_nothing_is_proven() -> None:
    story = Story().tell("wait:61 tick")

    story.look()

    assert not story.manager.nothing_rests


def test_a_second_halt_changes_nothing() -> None:
    story = halted()
    story.cycle()
    gone(story)
    story.wait(6)
    story.tick()
    story.look()

    story.halt()

    assert story.manager.nothing_rests


# The end of it.


def test_a_restart_ends_a_halt_and_its_proof() -> None:
    story = halted()
    story.cycle()
    gone(story)
    story.wait(6)
    story.tick()
    story.look()

    story.restart()
    story.look()
    story.cycle(HERE)

    assert not story.manager.is_halted
    assert not story.manager.nothing_rests
    assert story.kinds() == ["place"]


def test_an_order_that_was_to_go_may_stay_after_a_restart() -> None:
    story = halted()
    story.restart()
    story.wait(0.1)
    story.look(OURS)

    story.cycle(HERE)

    assert (story.kinds(), story.reasons()) == ([], [Reason.SAME_POINT])


def test_a_halt_does_not_turn_the_clock_back() -> None:
    story = Story().tell("rest")

    with pytest.raises(ValueError, match="backwards"):
        story.manager.halt(story.now - 1)


def test_the_look_that_proves_a_doubtful_place_gone_proves_that_nothing_rests() -> None:
    story = halted("place")
    story.tell("wait:6 tick")
    story.look()
    once = story.manager.nothing_rests
    story.wait(6)
    story.tick()

    story.look()

    assert (once, story.manager.nothing_rests) == (False, True)


def test_the_end_of_the_last_order_asks_at_once_for_the_look_that_proves() -> None:
    story = Story()
    (order,) = story.rest([(20_000, 10)])
    story.halt()
    story.wait(0.1)
    story.cycle()
    asked = len(story.queries())

    story.tell("cancelled:101:user")

    assert len(story.queries()) == asked + 1
    story.wait(0.1)
    story.look()
    assert story.manager.nothing_rests
    assert order.is_closed


def test_what_diverges_with_the_last_order_of_a_halt_is_told() -> None:
    story = halted("rest")

    story.tell("fill:101:15")

    assert story.diverged == ["overfill"]
    assert isinstance(story.queries()[-1], QueryOpen)
