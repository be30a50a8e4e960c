"""Why something wanted is not sent now: every gate, its reason, and when it opens."""

from decimal import Decimal

import pytest

from exchange.instrument import Instrument
from exchange.reports import Accepted, Limited, Rejected
from exchange.units import MILLISECOND, SECOND
from exchange.venue import Capabilities
from lifecycle.config import (
    Config,
    ModifyConfig,
    OrdersConfig,
    QuotaConfig,
    RiskConfig,
)
from lifecycle.core.manager import OrderManager
from spec.trace import Action, Reason
from tests.story import BANDS, INSTRUMENT, PLAIN, Ladder, Story

BID: Ladder = [(20_000, 10)]
MOVED: Ladder = [(20_050, 10)]


def capped(cap: str) -> Config:
    """Return a configuration with an exposure cap, in base quantity."""
    return Config(bands=BANDS, risk=RiskConfig(exposure_cap=Decimal(cap)))


def quota(cap: int, used: int = 0, cancel_cap: int | None = None) -> Config:
    """Return a configuration with a request quota."""
    return Config(bands=BANDS, quota=QuotaConfig(cap=cap, used=used, cancel_cap=cancel_cap))


# What the venue would not accept.


@pytest.mark.parametrize(
    ("price", "qty"),
    [pytest.param(12_345, 1_000, id="tick"), pytest.param(20_000, 1, id="notional")],
)
def test_what_the_venue_would_not_accept_is_not_sent(price: int, qty: int) -> None:
    coarse = Instrument(
        "COARSE", Decimal("0.1"), Decimal("0.01"), Decimal(50), significant_figures=3
    )
    story = Story(manager=OrderManager(coarse, config=PLAIN))

    story.cycle([(price, qty)])

    assert story.kinds() == []
    assert story.reasons() == [Reason.INVALID]


@pytest.mark.parametrize(("ask", "kinds"), [(20_000, []), (19_990, []), (20_001, ["place"])])
def test_a_bid_does_not_cross_the_book_seen(ask: int, kinds: list[str]) -> None:
    story = Story()

    story.cycle(BID, ask=ask)

    assert story.kinds() == kinds
    assert story.reasons() == [Reason.UNCOVERED if kinds else Reason.WOULD_CROSS]


@pytest.mark.parametrize(("bid", "kinds"), [(20_000, []), (19_999, ["place"])])
def test_an_ask_does_not_cross_the_book_seen(bid: int, kinds: list[str]) -> None:
    story = Story()

    story.cycle(asks=BID, bid=bid)

    assert story.kinds() == kinds


def test_a_modify_does_not_cross_the_book_seen() -> None:
    story = Story()
    story.rest(BID)
    story.wait(6)

    story.cycle(MOVED, ask=20_040)

    assert story.kinds() == []
    assert story.reasons() == [Reason.WOULD_CROSS]


def test_without_post_only_crossing_is_no_matter() -> None:
    story = Story(Config(bands=BANDS, orders=OrdersConfig(post_only=False)))

    story.cycle(BID, ask=19_990)

    assert story.kinds() == ["place"]


# What the venue refused before.


def test_a_refused_place_waits_a_second_and_then_twice_as_long() -> None:
    story = Story().tell("place rejected")
    refused_at = story.now

    story.now = refused_at + SECOND - 1
    story.cycle(BID)
    assert story.reasons() == [Reason.BACKOFF]
    story.now += 1
    story.cycle(BID)
    assert story.kinds() == ["place"]
    second = story.requests()[0]
    story.receive(Rejected(story.now, second.cloid, "no", second.request))
    story.wait(1.5)
    story.cycle(BID)

    assert story.reasons() == [Reason.BACKOFF]


def test_another_price_is_placed_at_once_though_the_first_was_refused() -> None:
    story = Story().tell("place rejected")

    story.cycle([(20_001, 10)])

    assert story.kinds() == ["place"]


@pytest.mark.parametrize("amends", [False, True])
def test_a_refused_modify_waits(amends: bool) -> None:
    story = Story(amends=amends).tell("rest fill:101:2 move")
    assert story.kinds() == ["modify"]

    story.tell("refused:alive wait:0.4")
    story.cycle(MOVED)

    assert story.reasons() == [Reason.BACKOFF]
    story.wait(1)
    story.cycle(MOVED)
    assert story.kinds() == ["modify"]


@pytest.mark.parametrize("words", ["place rejected#999", "rest move refused:alive#999"])
def test_a_refusal_of_another_request_holds_nothing_back(words: str) -> None:
    story = Story().tell(words)

    assert story.manager._desk.refusals._until == {}


# The exposure cap.


def test_a_place_that_may_take_the_worst_case_over_the_cap_is_not_sent() -> None:
    story = Story(capped("0.15"))

    story.cycle([(20_000, 10), (19_960, 10), (19_920, 5)])

    assert story.kinds() == ["place", "place"]
    assert story.reasons() == [Reason.UNCOVERED, Reason.EXPOSURE, Reason.UNCOVERED]
    assert story.manager.exposure == (15, 0)


def test_both_legs_of_a_modify_count_so_that_it_waits_below_the_stale_band() -> None:
    story = Story(capped("0.19"))
    story.rest(BID)
    story.wait(6)

    story.cycle([(20_010, 10)])

    assert story.kinds() == []
    assert story.reasons() == [Reason.EXPOSURE]


def test_a_stale_order_under_a_tight_cap_is_cancelled_and_placed_later() -> None:
    story = Story(capped("0.19"))
    story.rest(BID)
    story.wait(6)

    story.cycle(MOVED)
    assert story.kinds() == ["cancel"]
    assert story.reasons() == [Reason.REPLACE]
    story.tell("cancelled:101")
    story.cycle(MOVED)

    assert story.kinds() == ["place"]


def test_a_debounced_stale_order_under_a_tight_cap_is_cancelled_as_an_emergency() -> None:
    story = Story(capped("0.29"))
    story.rest(BID)
    story.cycle(MOVED)
    story.tell("modified:102:10:20050")
    story.cycle([(20_000, 10)])
    assert story.reasons() == [Reason.DEBOUNCED]
    story.wait(6)

    story.cycle([(20_000, 20)])

    assert story.kinds() == ["cancel"]
    assert story.reasons() == [Reason.EMERGENCY]


def test_in_place_an_amendment_counts_by_what_it_adds() -> None:
    story = Story(capped("0.15"), amends=True)
    story.rest(BID)
    story.wait(6)

    story.cycle([(20_050, 15)])

    assert story.kinds() == ["modify"]
    assert story.manager.exposure == (15, 0)


def test_an_amendment_over_the_cap_waits() -> None:
    story = Story(capped("0.15"), amends=True)
    story.rest(BID)
    story.wait(6)

    story.cycle([(20_005, 16)])

    assert story.reasons() == [Reason.EXPOSURE]


# The quota.


def test_an_empty_ledger_sends_no_place_and_no_modify_but_cancels() -> None:
    story = Story(quota(cap=2, cancel_cap=3))
    story.rest([(20_000, 10), (19_900, 10)])
    story.wait(6)

    story.cycle([(20_050, 10), (19_900, 10), (19_800, 10)])
    assert story.kinds() == []
    assert Reason.QUOTA in story.reasons()
    story.cycle()

    assert story.kinds() == ["cancel", "cancel"]
    assert story.manager.headroom == 0.0


def test_an_empty_ledger_of_cancels_keeps_what_is_withdrawn() -> None:
    story = Story(quota(cap=5, used=4))
    story.rest(BID)
    story.manager._desk.ledger.cancels = 5

    story.cycle()

    assert story.kinds() == []
    assert story.reasons() == [Reason.QUOTA]


def test_low_headroom_widens_the_latch() -> None:
    story = Story(quota(cap=1_000, used=950))
    story.rest(BID)
    story.wait(6)

    story.cycle([(20_018, 10)])

    assert story.reasons() == [Reason.LATCHED]
    assert story.plan.decisions[0].band == 18


# The venue refuses requests.


def test_while_limited_one_probe_at_a_time_is_sent_with_doubling_pauses() -> None:
    story = Story()
    story.receive(Limited(0))
    probes = []

    for second in range(200):
        story.now = second * SECOND
        wanted = [(20_000 - 40 * level, 10) for level in range(12)]
        story.cycle(wanted)
        if story.kinds():
            probes.append((second, story.kinds()))

    assert probes == [(at, ["place"]) for at in (10, 30, 70, 150)]
    assert Reason.LIMITED in story.reasons()


def test_an_accepted_probe_ends_the_limit() -> None:
    story = Story()
    story.receive(Limited(0))
    story.now = 10 * SECOND
    story.cycle([(20_000, 10), (19_960, 10)])
    probe = story.requests()[0]

    story.receive(Accepted(story.now, probe.cloid, "101", probe.request))
    story.cycle([(20_000, 10), (19_960, 10)])

    assert story.kinds() == ["place"]


@pytest.mark.parametrize("words", ["rest", "rest limited wait:11"])
def test_a_cancel_waits_while_limited_and_may_be_the_probe(words: str) -> None:
    story = Story().tell(words)
    if "limited" not in words:
        story.tell("limited")

    story.cycle()

    assert story.kinds() == ([] if words == "rest" else ["cancel"])
    assert story.reasons() == [Reason.LIMITED if words == "rest" else Reason.WITHDRAWN]


def test_a_cancellation_by_us_ends_the_limit_another_does_not() -> None:
    ours = Story().tell("rest limited cancelled:101")
    theirs = Story().tell("rest limited cancelled:101:margin")

    assert ours.manager._desk.ledger.limited is False
    assert theirs.manager._desk.ledger.limited is True


# The interval between modifies.


@pytest.mark.parametrize(
    ("early", "reason", "action"),
    [(1, Reason.DEBOUNCED, Action.WAIT), (0, Reason.MODIFY, Action.MODIFY)],
)
def test_exactly_the_interval_between_two_modifies_is_enough(
    early: int, reason: Reason, action: Action
) -> None:
    story = Story().tell("rest move")
    sent_at = story.now
    story.tell("moved")

    story.now = sent_at + 500 * MILLISECOND - early
    story.cycle([(20_100, 10)])

    assert [(d.reason, d.action) for d in story.plan.decisions] == [(reason, action)]


def test_a_debounced_order_rests_and_is_retried_however_far_it_has_drifted() -> None:
    config = Config(bands=BANDS, modify=ModifyConfig(max_bps=30.0))
    story = Story(config).tell("rest move moved")
    story.cycle([(20_100, 10)])
    assert story.told() == "debounced idle 0 10@20050 102"

    story.wait(1)
    story.cycle([(20_900, 10)])

    assert story.kinds() == ["modify"]


def test_a_debounced_order_whose_target_comes_back_is_kept() -> None:
    story = Story().tell("rest move moved")
    story.cycle([(20_100, 10)])

    story.cycle([(20_050, 10)])

    assert story.told() == "resting idle 0 10@20050 102"
    assert story.reasons() == [Reason.SAME_POINT]


# Too far to modify.


def test_beyond_the_greatest_distance_an_order_is_replaced_in_two_cycles() -> None:
    config = Config(bands=BANDS, modify=ModifyConfig(max_bps=20.0))
    story = Story(config).tell("rest move")
    assert story.kinds() == ["cancel"]
    assert story.reasons() == [Reason.REPLACE, Reason.PREDECESSOR]

    story.cycle(MOVED)
    assert story.reasons() == [Reason.IN_FLIGHT, Reason.PREDECESSOR]
    story.tell("cancelled:101 move")

    assert story.kinds() == ["place"]


def test_another_choice_of_keeps_leaves_the_targets_of_orders_in_flight_alone() -> None:
    config = Config(bands=BANDS, modify=ModifyConfig(max_bps=20.0))
    story = Story(config)
    story.rest([(20_000, 10), (19_900, 10)])
    story.wait(1)
    story.cycle([(20_020, 10), (19_900, 10)])
    assert story.kinds() == ["modify"]

    story.cycle([(20_020, 10), (19_000, 10)])

    assert story.kinds() == ["cancel"]
    assert story.reasons() == [Reason.IN_FLIGHT, Reason.REPLACE, Reason.PREDECESSOR]


def test_within_the_greatest_distance_an_order_is_modified() -> None:
    config = Config(bands=BANDS, modify=ModifyConfig(max_bps=25.0))

    assert Story(config).tell("rest move").kinds() == ["modify"]


def test_with_modifying_switched_off_a_change_of_size_is_a_replacement() -> None:
    config = Config(bands=BANDS, modify=ModifyConfig(enabled=False))

    assert Story(config).tell("rest to:20000:20").kinds() == ["cancel"]


def test_a_replacement_whose_cancel_may_not_be_sent_is_not_placed() -> None:
    config = Config(
        bands=BANDS,
        modify=ModifyConfig(enabled=False),
        orders=OrdersConfig(place_with_cancel=True),
        quota=QuotaConfig(cap=5, cancel_cap=0),
    )

    story = Story(config).tell("rest move")

    assert story.kinds() == []
    assert story.reasons() == [Reason.QUOTA]


def test_a_size_inside_its_latch_is_kept_and_one_beyond_it_modified() -> None:
    kept = Story().tell("rest to:20000:12")
    moved = Story().tell("rest to:20000:13")

    assert kept.told() == "latched idle 0 10@20000 101"
    assert moved.kinds() == ["modify"]


def test_a_venue_that_counts_totals_is_asked_for_the_total() -> None:
    story = Story(amends=True).tell("rest fill:101:4 move")

    assert [getattr(c, "qty", None) for c in story.requests()] == [14]


def test_an_order_withdrawn_in_doubt_is_cancelled_when_the_doubt_ends() -> None:
    story = Story().tell("place unanswered none")
    assert story.reasons() == [Reason.IN_DOUBT]

    story.tell("accepted:101 none")

    assert story.kinds() == ["cancel"]


def test_a_cancel_is_not_repeated_while_it_is_in_doubt() -> None:
    story = Story().tell("rest none too_late none none")

    assert story.kinds() == []
    assert story.reasons() == [Reason.IN_DOUBT]


def test_the_capabilities_of_the_venue_are_the_managers_own() -> None:
    by_total = Capabilities(qty_is_total=True)
    manager = OrderManager(INSTRUMENT, capabilities=by_total)

    assert manager._desk.blotter.amends is False
    assert manager._desk.capabilities.qty_is_total is True
