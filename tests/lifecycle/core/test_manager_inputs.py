"""What the manager is told: bad input changes nothing, unsent requests, and the fast path."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from exchange.commands import QueryOpen
from exchange.market import Market
from exchange.reports import (
    Accepted,
    Disconnected,
    Snapshot,
)
from exchange.units import MINUTE, SECOND
from exchange.words import Outcome
from lifecycle.config import STABLE, GridConfig
from lifecycle.core.desk import FOREVER
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


@pytest.mark.parametrize(
    ("now", "wanted", "book", "said"),
    [
        (0, Targets((Target(1 << 70, 10),)), BOOK, "bids must have no number above"),
        (0, Targets((), (Target(10, 10**33),)), BOOK, "asks must have no number above"),
        (1 << 70, Targets(), BOOK, "now must be in nanoseconds, in this century or the next"),
        (0, Targets(), Market(0, 1 << 70, None), "Market must have no number above"),
    ],
)
def test_a_number_that_no_journal_can_hold_is_refused(
    now: int, wanted: Targets, book: Market, said: str
) -> None:
    story = Story()

    with pytest.raises(ValueError, match=f"^{said}"):
        story.manager.cycle(story.now + now, wanted, book)

    assert story.manager.open_orders == {}
    assert story.manager.tick(story.now) is not None


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


@pytest.mark.parametrize("report", [None, {"oid": "1"}, Disconnected])
def test_what_is_no_report_is_refused_and_nothing_has_happened(report: Any) -> None:
    story = Story().tell("place")

    with pytest.raises(TypeError, match=r"^report must be one of exchange.reports, was "):
        story.manager.receive(report, story.now + SECOND)

    assert story.told() == "pending-new placing 0 10@20000 -"
    # Not even time has passed.
    assert story.manager.now == story.now


WRONG_TIMES: list[Any] = [90.5e9, None, "90", True]


@pytest.mark.parametrize("now", WRONG_TIMES)
def test_a_time_that_is_no_int_is_refused_by_every_input(now: Any) -> None:
    story = Story().tell("place")
    manager, command = story.manager, story.requests()[0]

    for told in (
        lambda: manager.cycle(now, Targets(), BOOK),
        lambda: manager.receive(Accepted(0, command.cloid, "101"), now),
        lambda: manager.unanswered(command, Outcome.TIMEOUT, now),
        lambda: manager.tick(now),
        lambda: manager.restarted(now),
        lambda: manager.halt(now),
    ):
        with pytest.raises((TypeError, ValueError)):
            told()

    assert story.told() == "pending-new placing 0 10@20000 -"
    assert manager.now == story.now


WRONG_MARKETS: list[tuple[Any, str]] = [
    (replace(BOOK, bid=1990.0), "Market.bid must be a whole number of price units, .*was 1990.0"),
    (replace(BOOK, ask=Decimal(2020)), "Market.ask must be a whole number of price units"),
    (replace(BOOK, at=0.5), "Market.at must be whole nanoseconds, an int, was 0.5"),
    (replace(BOOK, volatility=2.5), "Market.volatility must be whole millionths"),
    (replace(BOOK, queues=None), "Market.queues must be places in their queues by cloid"),
    ((19_900, 20_200), "market must be an exchange.market.Market"),
]


@pytest.mark.parametrize(("market", "complaint"), WRONG_MARKETS)
def test_a_market_that_is_not_in_units_is_refused_and_nothing_has_happened(
    market: Any, complaint: str
) -> None:
    story = Story().tell("place")
    before = story.manager.next_timer

    for grid in (True, False):
        config = replace(STABLE, grid=GridConfig(enabled=grid))
        fresh = OrderManager(INSTRUMENT, config=config)
        for manager in (story.manager, fresh):
            with pytest.raises(TypeError, match=f"^{complaint}|object expected; got "):
                manager.cycle(story.now, targets([(20_000, 10)], []), market)
        assert fresh.now == 0

    assert story.told() == "pending-new placing 0 10@20000 -"
    assert story.manager.next_timer == before


WRONG_TARGETS: list[Any] = [
    None,
    ([Target(20_000, 10)], []),
    Targets([Target(20_000, 10)]),  # type: ignore[arg-type]
    Targets(((20_000, 10),)),  # type: ignore[arg-type]
    Targets(Target(20_000, 10)),  # type: ignore[arg-type]
    Targets(None),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("wanted", WRONG_TARGETS)
def test_what_are_no_targets_are_refused_with_what_they_must_be(wanted: Any) -> None:
    story = Story().tell("place")

    with pytest.raises(TypeError, match=r"must be a (Targets|tuple of Targets).*, was |expected"):
        story.manager.cycle(story.now + SECOND, wanted, BOOK)

    assert story.manager.now == story.now


def test_the_end_of_what_is_no_request_is_refused() -> None:
    story = Story().tell("place")
    manager, command = story.manager, story.requests()[0]
    query: Any = QueryOpen(9, 0)
    word: Any = "timeout"

    with pytest.raises(
        TypeError, match=r"^command must be a Place, Modify or Cancel, was Query|exp"
    ):
        manager.unanswered(query, Outcome.TIMEOUT, story.now + SECOND)
    with pytest.raises(TypeError, match=r"^outcome must be a member of Outcome, was 'timeout'|exp"):
        manager.unanswered(command, word, story.now + SECOND)

    assert story.told() == "pending-new placing 0 10@20000 -"
    assert manager.now == story.now


def test_what_is_nothing_to_make_an_order_manager_of_is_refused() -> None:
    wrong: Any = 5

    with pytest.raises(
        TypeError, match=r"^instrument must be an Instrument, was 5|object expected"
    ):
        OrderManager(wrong)
    with pytest.raises(
        TypeError, match=r"^capabilities must be Capabilities, was 5|object expected"
    ):
        OrderManager(INSTRUMENT, capabilities=wrong)
    with pytest.raises(TypeError, match=r"^session must be a str, was 5|^str object expected"):
        OrderManager(INSTRUMENT, session=wrong)


def test_a_start_under_what_is_no_prefix_changes_nothing() -> None:
    story = Story().tell("place")
    session: Any = 5

    with pytest.raises(TypeError, match=r"^session must be a str, was 5|^str object expected"):
        story.manager.restarted(story.now + SECOND, session)

    assert story.manager.now == story.now
    assert not story.manager.is_blind


def test_a_market_of_the_day_after_tomorrow_is_one_in_other_units() -> None:
    story = Story().tell("place")
    day = 24 * 60 * MINUTE

    with pytest.raises(ValueError, match=r"^Market.at must not be a day after now, both in nano"):
        story.manager.cycle(story.now, Targets(), replace(BOOK, at=story.now + day + 1))

    assert story.told() == "pending-new placing 0 10@20000 -"
    assert (
        story.manager.cycle(story.now, Targets(), replace(BOOK, at=story.now + day)).commands == ()
    )


def test_a_market_that_is_meant_to_be_never_old_is_taken() -> None:
    manager = OrderManager(INSTRUMENT)

    plan = manager.cycle(0, targets([(20_000, 10)]), replace(BOOK, at=FOREVER))

    assert len(plan.commands) == 1
