"""Each command field by field: numbers, oids, totals, expiries, and its entry in the ledger."""

import pytest
from msgspec.structs import replace

from exchange.commands import Cancel, Modify, Place, QueryOpen, QueryOrder
from exchange.units import MILLISECOND, SECOND
from exchange.words import Side
from lifecycle.config import OrdersConfig, QuotaConfig, TimingConfig
from tests.story import PLAIN, Story

TIMEOUT = 5 * SECOND
C1 = "000000001"


def test_a_place_says_all_that_the_venue_must_know() -> None:
    story = Story()
    story.now = 7 * SECOND

    story.cycle((), [(20_000, 10)])

    assert story.requests() == [
        Place(1, C1, Side.SELL, 20_000, 10, True, False, 7 * SECOND + TIMEOUT)
    ]


@pytest.mark.parametrize(("amends", "qty"), [(False, 12), (True, 16)])
def test_a_modify_names_the_leg_and_what_shall_rest_as_the_venue_counts(
    amends: bool, qty: int
) -> None:
    story = Story(amends=amends).tell("rest fill:101:4 to:20050:12")

    expires_at = story.now + TIMEOUT
    assert story.requests() == [
        Modify(2, C1, "101", Side.BUY, 20_050, qty, True, False, expires_at)
    ]
    assert (story.orders[0].goal_price, story.orders[0].goal_qty) == (20_050, qty)


def test_a_cancel_names_the_leg() -> None:
    story = Story().tell("rest move moved none")

    assert story.requests() == [Cancel(3, C1, "102", story.now + TIMEOUT)]


def test_a_cancel_of_an_order_without_an_oid_goes_by_its_cloid() -> None:
    story = Story().tell("place status:open none")

    assert story.requests() == [Cancel(2, C1, None, story.now + TIMEOUT)]


def test_without_post_only_no_request_asks_for_it() -> None:
    story = Story(replace(PLAIN, orders=OrdersConfig(post_only=False)))
    asked = []

    for words in ("rest", "move"):
        story.tell(words)
        asked += [c.post_only for c in story.sent if isinstance(c, (Place, Modify))]

    assert asked == [False, False, False]


def test_a_query_names_the_order_and_its_leg_and_has_a_number_of_its_own() -> None:
    story = Story().tell("rest move unanswered")

    assert story.queries() == [QueryOrder(3, C1, "101")]


def test_a_query_for_all_asks_for_the_fills_since_the_newest_look() -> None:
    story = Story().tell("rest as_was")
    newest = story.now

    story.tell("listed:101:20000:10<2 disconnected reconnected")

    assert story.queries() == [QueryOpen(2, newest)]


def test_every_command_has_the_next_number() -> None:
    story = Story().tell("rest move unanswered listed:102:20050:10 none wait:5 tick")

    numbers = [command.request for command in story.sent]

    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize(
    ("words", "requests", "cancels"),
    [("rest", 1, 0), ("rest move", 2, 0), ("rest none", 1, 1), ("rest move unanswered", 2, 0)],
)
def test_places_and_modifies_are_entered_as_requests_and_cancels_apart(
    words: str, requests: int, cancels: int
) -> None:
    ledger = Story().tell(words).manager._desk.ledger

    assert (ledger.requests, ledger.cancels) == (requests, cancels)


def test_what_was_used_before_counts_in_both_ledgers() -> None:
    story = Story(replace(PLAIN, quota=QuotaConfig(cap=9, used=4)))
    story.tell("rest none")

    ledger = story.manager._desk.ledger
    assert (ledger.requests, ledger.cancels) == (5, 5)
    assert story.manager.requests_used == 5


@pytest.mark.parametrize("words", ["rest", "rest move", "rest none"])
def test_while_limited_every_request_puts_off_the_next_probe(words: str) -> None:
    story = Story().tell("rest limited wait:10")
    story.tell({"rest": "none", "rest move": "move", "rest none": "none"}[words])

    ledger = story.manager._desk.ledger
    assert story.kinds() != []
    assert ledger.probe_at == story.now + 20 * SECOND


def test_a_request_forgets_what_was_missed_before_it() -> None:
    story = Story().tell("rest absent move")

    assert (story.orders[0].absences, story.orders[0].absent_in_snapshot) == (0, False)


def test_the_next_timer_is_the_expiry_of_the_newest_request() -> None:
    story = Story().tell("rest wait:6 tick")
    story.tell("move")

    assert story.manager.next_timer == story.now + TIMEOUT


def test_the_timeout_is_configured() -> None:
    quick = replace(PLAIN, timing=TimingConfig(request_timeout_s=0.25))
    story = Story(quick).tell("place")

    place = story.requests()[0]

    assert place.expires_at == story.now + 250 * MILLISECOND
    assert story.manager.next_timer == place.expires_at


def test_after_asking_for_all_it_looks_again_within_a_timeout_or_a_period() -> None:
    slow = Story().tell("rest disconnected reconnected")
    quick = Story(replace(PLAIN, timing=TimingConfig(reconcile_s=2.0)))
    quick.tell("rest disconnected reconnected")

    assert slow.now < slow.manager.next_timer <= slow.now + TIMEOUT
    assert quick.now < quick.manager.next_timer <= quick.now + 2 * SECOND
