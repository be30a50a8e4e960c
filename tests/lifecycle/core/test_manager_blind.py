"""Blind: nothing is placed, modified or cancelled until the connection is back and seen through."""

import pytest

from exchange.commands import QueryOpen, QueryOrder
from spec.trace import Action, Reason
from tests.story import Story


@pytest.mark.parametrize(
    ("words", "blind"),
    [
        ("rest", False),
        ("rest disconnected", True),
        ("rest disconnected as_was", True),
        ("rest disconnected reconnected", True),
        ("rest disconnected reconnected as_was", False),
        ("rest disconnected reconnected as_was<2", True),
        ("rest restart", True),
        ("rest restart as_was", False),
        ("rest restart as_was<2", True),
        ("rest disconnected restart as_was", False),
    ],
)
def test_blind_until_a_snapshot_of_after_the_break_has_come(words: str, blind: bool) -> None:
    story = Story().tell(words)

    assert story.manager.is_blind is blind


@pytest.mark.parametrize("break_", ["disconnected", "restart", "disconnected reconnected"])
@pytest.mark.parametrize("wish", ["none", "move", "place"])
def test_blind_nothing_is_sent_and_everything_says_why(break_: str, wish: str) -> None:
    story = Story().tell(f"rest {break_} {wish}")

    assert story.kinds() == []
    assert set(story.reasons()) == {Reason.BLIND}
    assert {decision.action for decision in story.plan.decisions} == {Action.WAIT}


def test_blind_decisions_name_every_order_and_every_target() -> None:
    story = Story()
    story.rest([(20_000, 10)])
    story.tell("disconnected")

    story.cycle([(20_000, 10), (19_960, 7)], [(20_100, 5)])

    seen = [(d.cloid is not None, d.side, d.level, d.target_qty) for d in story.plan.decisions]
    assert seen == [(True, 1, -1, 0), (False, 1, 0, 10), (False, 1, 1, 7), (False, -1, 0, 5)]


def test_reports_are_read_while_blind() -> None:
    story = Story().tell("rest disconnected fill:101:4")

    assert story.told() == "resting idle 4 6@20000 101"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("place restart", "in-doubt placing? 0 10@20000 -"),
        ("rest move restart", "in-doubt modifying? 0 10@20000 101"),
        ("rest none restart", "in-doubt cancelling? 0 10@20000 101"),
        ("rest none too_late restart", "in-doubt cancelling? 0 10@20000 101"),
        ("rest restart", "resting idle 0 10@20000 101"),
        ("rest cancelled:101 restart", "cancelled idle 0 0@20000 101"),
    ],
)
def test_after_a_restart_all_that_was_in_flight_is_in_doubt(words: str, told: str) -> None:
    story = Story().tell(words)

    assert story.told() == told


def test_a_restart_asks_for_the_open_orders_and_for_each_doubt() -> None:
    idle = Story().tell("rest restart")
    doubtful = Story().tell("place restart")

    assert [type(query) for query in idle.queries()] == [QueryOpen]
    assert [type(query) for query in doubtful.queries()] == [QueryOrder, QueryOpen]


def test_after_a_restart_an_unchanged_wish_is_blind_as_well() -> None:
    story = Story().tell("rest to:20000 restart to:20000")

    assert story.reasons() == [Reason.BLIND] * 2
