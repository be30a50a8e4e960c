"""What time alone brings: doubts, questions, comparisons and retirement."""

import pytest

from exchange.commands import Cancel, Modify, Place, QueryOpen, QueryOrder
from exchange.units import SECOND, seconds
from lifecycle.config import Config, TimingConfig
from tests.story import BANDS, Story

TIMEOUT = 5.0


def asked(story: Story, since: int = 0) -> list[str]:
    """Return the kinds of the queries after the first `since` of them."""
    return ["open" if isinstance(q, QueryOpen) else "order" for q in story.queries()[since:]]


def test_a_request_falls_in_doubt_exactly_when_its_time_is_out() -> None:
    story = Story().tell("place")
    sent_at = story.now

    story.now = sent_at + seconds(TIMEOUT) - 1
    story.tick()
    assert story.told().startswith("pending-new placing ")
    story.now += 1
    story.tick()

    assert story.told().startswith("in-doubt placing? ")
    # The order is asked about, and the venue's open orders with it: this took a whole timeout.
    assert asked(story) == ["order", "open"]


@pytest.mark.parametrize(
    "words",
    ["place wait:5 tick", "rest move wait:5 tick", "rest none wait:5 tick"],
)
def test_every_kind_of_request_has_its_timer(words: str) -> None:
    story = Story().tell(words)

    assert story.orders[0].is_in_doubt is True
    assert asked(story)[0] == "order"


def test_a_doubt_is_asked_about_until_it_ends_once_a_timeout() -> None:
    story = Story().tell("place unanswered")

    for _ in range(20):
        story.wait(1)
        story.tick()

    assert story.orders[0].is_in_doubt is True
    assert asked(story).count("order") == 1 + 4
    assert asked(story).count("open") == 4


def test_an_order_that_was_missed_once_is_asked_about_again() -> None:
    story = Story().tell("rest absent")
    assert asked(story) == ["order"]

    story.wait(TIMEOUT)
    story.tick()

    assert asked(story, 1)[0] == "order"


def test_the_venue_is_compared_with_the_record_every_minute_though_nothing_is_open() -> None:
    story = Story()
    story.cycle()

    for _ in range(180):
        story.wait(1)
        story.tick()

    assert asked(story) == ["open"] * 3


def test_the_comparison_asks_for_the_fills_since_the_last_snapshot() -> None:
    story = Story().tell("rest as_was")
    seen_at = story.now

    story.tell("wait:61 tick")

    newest = story.queries()[-1]
    assert isinstance(newest, QueryOpen)
    assert newest.fills_since == seen_at


def test_while_disconnected_the_open_orders_are_not_asked_for() -> None:
    story = Story().tell("rest disconnected")

    for _ in range(30):
        story.wait(TIMEOUT)
        story.tick()

    assert asked(story) == []


def test_a_reconnection_asks_for_the_open_orders_at_once() -> None:
    story = Story().tell("rest disconnected wait:5 reconnected")

    assert asked(story) == ["open"]


def test_a_restart_whose_question_was_lost_asks_again_after_a_timeout() -> None:
    story = Story().tell("rest wait:6 tick restart wait:5 tick")

    assert asked(story) == ["open", "open"]


def test_a_closed_order_retires_a_minute_after_it_closed_and_not_before() -> None:
    story = Story().tell("rest cancelled:101")
    closed_at = story.now

    story.now = closed_at + 60 * SECOND - 1
    story.tick()
    assert story.told().startswith("cancelled ")
    story.wait(1)
    story.tell("tick wait:60 tick")

    assert story.told().startswith("retired ")


def test_how_long_a_closed_order_is_kept_is_configured() -> None:
    quick = Config(bands=BANDS, timing=TimingConfig(retire_s=1.0, reconcile_s=1.0))

    story = Story(quick).tell("rest cancelled:101 wait:2 tick wait:2 tick")

    assert story.told().startswith("retired ")


def test_before_a_timer_is_due_nothing_is_done() -> None:
    story = Story().tell("rest")
    due_at = story.manager.next_timer

    story.now = due_at - 1
    story.tick()

    assert story.queries() == []
    assert story.manager.next_timer == due_at


def test_only_cycles_send_what_changes_something() -> None:
    story = Story().tell("rest none wait:5 tick too_late wait:5 tick restart absent")
    requests = [c for c in story.sent if isinstance(c, (Place, Modify, Cancel))]

    assert [type(request) for request in requests] == [Place, Cancel]
    assert any(isinstance(query, QueryOrder) for query in story.queries())
