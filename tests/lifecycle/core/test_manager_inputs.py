"""What the manager is told: bad input changes nothing, unsent requests, and the fast path."""

from typing import Any

import pytest
from msgspec.structs import replace

from exchange.market import Market
from exchange.reports import Accepted, Snapshot
from exchange.units import SECOND
from exchange.words import Outcome
from lifecycle.core.manager import OrderManager
from spec.trace import Action, Plan, Reaction, Target, Targets
from tests.story import INSTRUMENT, Ladder, Story, targets

BOOK = Market(0, 19_900, 20_200)
CROSSED: list[tuple[Ladder, Ladder, str]] = [
    ([(20_000, 10)], [(20_000, 10)], "bids must stay below asks, was 20000 and 20000"),
    ([(20_010, 10)], [(20_000, 10)], "bids must stay below asks, was 20010 and 20000"),
    ([(20_000, 10), (20_000, 10)], [], "bids must be best first and each price once"),
    ([(1, 10), (1, 10)], [], "bids must be best first and each price once"),
    ([(19_990, 10), (20_000, 10)], [], "bids must be best first and each price once"),
    ([], [(20_010, 10), (20_000, 10)], "asks must be best first and each price once"),
    ([(0, 10)], [], "bids must have a positive price and size"),
    ([], [(20_000, 0)], "asks must have a positive price and size"),
    ([(20_000, -1)], [], "bids must have a positive price and size"),
]


@pytest.mark.parametrize(("bids", "asks", "complaint"), CROSSED)
def test_targets_that_make_no_ladder_are_refused_and_nothing_has_happened(
    bids: Ladder, asks: Ladder, complaint: str
) -> None:
    story = Story().tell("place")
    story.wait(7)
    timer = story.manager.next_timer

    with pytest.raises(ValueError, match=f"^{complaint}"):
        story.cycle(bids, asks)

    assert story.told() == "pending-new placing 0 10@20000 -"
    assert story.manager.next_timer == timer
    # Not even time has passed.
    assert story.manager.tick(story.now - SECOND) is not None


@pytest.mark.parametrize(("price", "qty"), [(19_990.0, 10), (19_990, 10.0), ("19990", 10)])
def test_what_is_no_whole_number_is_refused_as_a_target(price: Any, qty: Any) -> None:
    story = Story()

    # The compiled core checks the type already where it reads the value.
    said = r"^bids must have whole price units and lots, was Target|^int object expected; got "
    with pytest.raises(TypeError, match=said):
        story.manager.cycle(story.now, Targets((Target(price, qty),)), BOOK)


def test_time_that_runs_backwards_is_refused_by_every_input() -> None:
    story = Story().tell("place")
    manager, before = story.manager, story.now - 1
    command = story.requests()[0]
    said = f"now must not run backwards, was {before} after {story.now}"

    for told in (
        lambda: manager.cycle(before, Targets(), BOOK),
        lambda: manager.receive(Accepted(0, command.cloid, "101"), before),
        lambda: manager.unanswered(command, Outcome.TIMEOUT, before),
        lambda: manager.tick(before),
        lambda: manager.restarted(before),
    ):
        with pytest.raises(ValueError, match=f"^{said}$"):
            told()

    assert story.told() == "pending-new placing 0 10@20000 -"


def test_an_unchanged_cycle_returns_the_same_decisions_object() -> None:
    story = Story()
    story.rest([(20_000, 10)], [(20_100, 10)])
    story.wait(6)
    first = story.cycle([(20_000, 10)], [(20_100, 10)])
    story.wait(6)

    second = story.cycle([(20_000, 10)], [(20_100, 10)])

    assert first.commands == second.commands == ()
    assert second.decisions is first.decisions
    assert [decision.action for decision in first.decisions] == [Action.KEEP] * 2


@pytest.mark.parametrize(
    "disturbance", ["fill:101:1", "limited", "status:open", "accepted:101", "rejected#999"]
)
def test_after_a_report_the_cycle_is_thought_through_again(disturbance: str) -> None:
    story = Story().tell("rest to:20000")
    before = story.plan.decisions
    story.tell(disturbance)

    story.tell("to:20000")

    assert story.plan.decisions is not before


def test_the_fast_path_decides_as_the_slow_one() -> None:
    story = Story()
    story.rest([(20_000, 10), (19_960, 10)], [(20_100, 10)])
    wanted: tuple[Ladder, Ladder] = ([(20_003, 10), (19_960, 11)], [(20_100, 10)])
    story.cycle(*wanted)

    fast = story.cycle(*wanted)
    story.manager._desk.quiet = None
    slow = story.cycle(*wanted)

    assert fast == slow
    assert fast.decisions is not slow.decisions


def test_the_fast_path_ends_when_a_timer_is_due() -> None:
    story = Story().tell("rest to:20000 wait:61 to:20000")

    assert [type(query).__name__ for query in story.plan.commands] == ["QueryOpen"]


def test_a_wait_is_thought_through_in_every_cycle() -> None:
    story = Story().tell("rest move")
    first = story.plan.decisions

    story.tell("move")

    assert story.plan.decisions is not first


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("place unsent", "rejected idle 0 0@20000 -"),
        ("place unanswered unsent", "rejected idle 0 0@20000 -"),
        ("rest move unsent", "resting idle 0 10@20000 101"),
        ("rest move unanswered unsent", "resting idle 0 10@20000 101"),
        ("rest none unsent", "resting idle 0 10@20000 101"),
        ("rest none cancelled:101 unsent", "cancelled idle 0 0@20000 101"),
        ("rest move moved unsent", "resting idle 0 10@20050 102"),
    ],
)
def test_a_request_that_never_left_was_not_done(words: str, told: str) -> None:
    story = Story().tell(words)

    assert story.told() == told
    assert story.diverged == []


def test_a_place_that_never_left_is_sent_again_by_the_next_cycle() -> None:
    story = Story().tell("place unsent place")

    assert story.kinds() == ["place"]


@pytest.mark.parametrize("end", ["cancelled:101", "fill:101:10"])
def test_an_order_whose_leg_ended_ends_when_its_modify_never_left(end: str) -> None:
    story = Story().tell(f"rest move {end} unsent")

    assert story.orders[0].is_closed is True


@pytest.mark.parametrize("outcome", [Outcome.TIMEOUT, Outcome.SERVER_ERROR, Outcome.BROKEN])
@pytest.mark.parametrize("answer", ["accepted:101", "rejected", "cancelled:101"])
def test_an_answered_request_falls_in_no_doubt(answer: str, outcome: Outcome) -> None:
    story = Story().tell("place")
    place = story.requests()[0]
    told = story.tell(answer).told()

    reaction = story.unanswered(place, outcome)

    assert reaction == Reaction()
    assert story.told() == told


@pytest.mark.parametrize("outcome", [Outcome.TIMEOUT, Outcome.SERVER_ERROR, Outcome.BROKEN])
def test_a_repeated_doubt_changes_nothing(outcome: Outcome) -> None:
    story = Story().tell("place")
    place = story.requests()[0]
    first = story.unanswered(place, outcome)

    second = story.unanswered(place, outcome)

    assert [type(query).__name__ for query in first.queries] == ["QueryOrder"]
    assert second == Reaction()


def test_a_doubt_about_an_older_request_changes_nothing() -> None:
    story = Story().tell("place")
    place = story.requests()[0]
    story.tell("accepted:101 move")

    reaction = story.unanswered(place)

    assert reaction == Reaction()
    assert story.told().startswith("modify-pending modifying ")


def test_a_doubt_about_a_stranger_changes_nothing() -> None:
    place = Story().tell("place").requests()[0]
    story = Story()

    assert story.unanswered(place) == Reaction()


def test_a_manager_without_a_word_of_configuration_works() -> None:
    manager = OrderManager(INSTRUMENT)

    plan = manager.cycle(0, targets([(20_000, 10)]), BOOK)

    assert len(plan.commands) == 1
    assert (manager.headroom, manager.requests_used, manager.is_blind) == (1.0, 1, False)
    assert len(manager.open_orders) == len(manager.orders) == 1


def test_cloids_bear_their_session() -> None:
    manager = OrderManager(INSTRUMENT, session="run7-")
    manager.cycle(0, targets([(20_000, 10)]), BOOK)

    assert list(manager.orders) == ["run7-00000001"]


def test_without_a_session_cloids_are_counted_from_the_first_also_after_a_restart() -> None:
    manager = OrderManager(INSTRUMENT)
    manager.cycle(0, targets([(20_000, 10)]), BOOK)
    asked = manager.restarted(1).queries
    manager.receive(Snapshot(1, (), (), asked[-1].request), 1)

    manager.cycle(1, targets([(20_000, 10), (19_900, 10)]), replace(BOOK, at=1))

    assert list(manager.orders) == ["000000001", "000000004"]


def test_nothing_wanted_and_nothing_resting_is_a_plan_of_nothing() -> None:
    assert Story().cycle() == Plan((), ())
