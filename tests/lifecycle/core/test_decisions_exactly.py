"""Each decision field by field: for every order and every target of a cycle, with its numbers."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from exchange.words import Side
from lifecycle.config import (
    UNGUARDED,
    BandsConfig,
    Config,
    ModifyConfig,
    OrdersConfig,
    QuotaConfig,
)
from lifecycle.core.manager import OrderManager
from spec.trace import Action, Decision, Reason
from tests.story import INSTRUMENT, PLAIN, Ladder, Story

C1, C2 = "000000001", "000000002"
NEAR = replace(PLAIN, modify=ModifyConfig(max_bps=20.0))
"""With a reach of 40 units at 20000."""


def only(words: str, config: Config | None = None) -> Decision:
    """Return the one decision of the last cycle of a story."""
    story = Story(config) if config else Story()
    (decision,) = story.tell(words).plan.decisions
    return decision


def bid(action: Action, reason: Reason, *numbers: int) -> Decision:
    """Return a decision about the first order, at level 0: price, target, qty, target_qty, band."""
    price, target, qty, target_qty, band = numbers
    return Decision(C1, Side.BUY, 0, action, reason, price, target, qty, target_qty, band)


def test_a_place_is_decided_with_what_it_sends() -> None:
    expected = bid(Action.PLACE, Reason.UNCOVERED, 20_000, 20_000, 10, 10, 6)

    assert only("place") == expected


def test_an_order_in_flight_waits_for_its_target() -> None:
    expected = bid(Action.WAIT, Reason.IN_FLIGHT, 20_000, 20_050, 10, 10, 6)

    assert only("rest move move") == expected


def test_an_order_at_its_point_is_kept_for_that() -> None:
    expected = bid(Action.KEEP, Reason.SAME_POINT, 20_000, 20_000, 10, 10, 6)

    assert only("rest to:20000") == expected


@pytest.mark.parametrize(("words", "target", "qty"), [("6", 20_006, 10), ("0:9", 20_000, 9)])
def test_an_order_inside_its_band_is_latched(words: str, target: int, qty: int) -> None:
    expected = bid(Action.KEEP, Reason.LATCHED, 20_000, target, 10, qty, 6)

    assert only(f"rest to:2000{words}") == expected


def test_a_modify_is_decided_with_where_the_order_is_and_where_it_goes() -> None:
    expected = bid(Action.MODIFY, Reason.MODIFY, 20_000, 20_050, 6, 12, 6)

    assert only("rest fill:101:4 to:20050:12") == expected


def test_a_debounced_order_waits() -> None:
    story = Story().tell("rest move moved")

    (decision,) = story.cycle([(20_100, 10)]).decisions

    assert decision == bid(Action.WAIT, Reason.DEBOUNCED, 20_050, 20_100, 10, 10, 6)


def test_by_a_market_seen_too_long_ago_an_order_waits() -> None:
    story = Story().tell("rest")

    (decision,) = story.cycle([(20_050, 10)], age=31).decisions

    assert decision == bid(Action.WAIT, Reason.STALE_MARKET, 20_000, 20_050, 10, 10, 6)


def test_a_gated_order_waits_and_is_not_debounced() -> None:
    config = replace(PLAIN, modify=ModifyConfig(gated="drop"))
    story = Story(config).tell("rest move moved")

    (decision,) = story.cycle([(20_100, 10)]).decisions

    assert decision == bid(Action.WAIT, Reason.GATED, 20_050, 20_100, 10, 10, 6)
    assert story.told() == "resting idle 0 10@20050 102"


def test_a_withdrawn_order_has_no_target() -> None:
    expected = Decision(C1, Side.BUY, -1, Action.CANCEL, Reason.WITHDRAWN, 20_000, 0, 6, 0, 0)

    assert only("rest fill:101:4 none") == expected


@pytest.mark.parametrize(
    ("config", "words", "reason"),
    [
        (PLAIN, "rest limited none", Reason.LIMITED),
        (replace(PLAIN, quota=QuotaConfig(cap=5, cancel_cap=0)), "rest none", Reason.QUOTA),
    ],
)
def test_a_cancel_that_may_not_be_sent_is_a_wait(
    config: Config, words: str, reason: Reason
) -> None:
    expected = Decision(C1, Side.BUY, -1, Action.WAIT, reason, 20_000, 0, 10, 0, 0)

    assert only(words, config) == expected


def test_a_modify_that_may_not_be_sent_is_a_wait() -> None:
    expected = bid(Action.WAIT, Reason.QUOTA, 20_000, 20_050, 10, 10, 18)

    assert only("rest move", replace(PLAIN, quota=QuotaConfig(cap=1))) == expected


def test_a_replacement_is_a_cancel_and_a_target_that_waits_for_its_predecessor() -> None:
    story = Story(NEAR).tell("rest move")

    waits = Decision(None, Side.BUY, 0, Action.WAIT, Reason.PREDECESSOR, 0, 20_050, 0, 10, 6)
    cancelled = bid(Action.CANCEL, Reason.REPLACE, 20_000, 20_050, 10, 10, 6)
    assert sorted(story.plan.decisions, key=lambda d: d.cloid or "") == [waits, cancelled]


@pytest.mark.parametrize("lonely", [True, False])
def test_a_replacement_that_must_wait_says_so_once(lonely: bool) -> None:
    config = replace(
        PLAIN,
        modify=ModifyConfig(max_bps=20.0),
        orders=OrdersConfig(place_with_cancel=not lonely),
    )
    story = Story(config).tell("rest limited move")

    expected = bid(Action.WAIT, Reason.LIMITED, 20_000, 20_050, 10, 10, 6)
    assert story.plan.decisions == (expected,)
    assert story.kinds() == []


def test_a_replacement_with_its_place_has_two_decisions() -> None:
    config = replace(
        PLAIN,
        modify=ModifyConfig(max_bps=20.0),
        orders=OrdersConfig(place_with_cancel=True),
    )
    story = Story(config).tell("rest move")

    cancelled = bid(Action.CANCEL, Reason.REPLACE, 20_000, 20_050, 10, 10, 6)
    placed = Decision(
        "000000003", Side.BUY, 0, Action.PLACE, Reason.UNCOVERED, 20_050, 20_050, 10, 10, 6
    )
    assert story.plan.decisions == (cancelled, placed)
    assert story.kinds() == ["cancel", "place"]


def test_a_target_that_may_not_be_placed_waits_without_an_order() -> None:
    story = Story()

    story.cycle((), [(20_000, 10)], bid=20_000)

    expected = Decision(None, Side.SELL, 0, Action.WAIT, Reason.WOULD_CROSS, 0, 20_000, 0, 10, 6)
    assert story.plan.decisions == (expected,)


def test_the_levels_of_a_ladder_have_their_own_bands() -> None:
    rungs: Ladder = [(20_000 - 100 * level, 10) for level in range(4)]
    story = Story()

    story.cycle(rungs)

    assert [(d.level, d.band) for d in story.plan.decisions] == [(0, 6), (1, 11), (2, 17), (3, 17)]
    assert [order.level for order in story.orders] == [0, 1, 2, 3]


def test_what_a_cycle_places_for_an_ask_and_what_it_notes_of_it() -> None:
    story = Story()

    story.cycle((), [(20_000, 10), (20_030, 4)])

    assert story.plan.decisions == (
        Decision(C1, Side.SELL, 0, Action.PLACE, Reason.UNCOVERED, 20_000, 20_000, 10, 10, 6),
        Decision(C2, Side.SELL, 1, Action.PLACE, Reason.UNCOVERED, 20_030, 20_030, 4, 4, 12),
    )


@pytest.mark.parametrize("stale_factor", [0.7, 1.7])
def test_bands_are_whole_numbers_of_units(stale_factor: float) -> None:
    story = Story(replace(PLAIN, bands=BandsConfig(stale_factor=stale_factor)))

    story.cycle([(19_961, 10)], [(20_040, 10)])

    assert {type(decision.band) for decision in story.plan.decisions} == {int}


def test_bands_that_a_low_quota_has_widened_are_whole_numbers_too() -> None:
    config = replace(PLAIN, quota=QuotaConfig(cap=1_000, used=850))

    decision = only("place", config)

    assert (type(decision.band), decision.band) == (int, 15)


def test_blind_each_decision_has_what_is_known_and_no_band() -> None:
    story = Story().tell("rest fill:101:4 disconnected")

    story.cycle([(20_000, 10)], [(20_100, 5)])

    assert story.plan.decisions == (
        Decision(C1, Side.BUY, -1, Action.WAIT, Reason.BLIND, 20_000, 0, 6, 0, 0),
        Decision(None, Side.BUY, 0, Action.WAIT, Reason.BLIND, 0, 20_000, 0, 10, 0),
        Decision(None, Side.SELL, 0, Action.WAIT, Reason.BLIND, 0, 20_100, 0, 5, 0),
    )


@pytest.mark.parametrize(("drift", "reason"), [(18, Reason.LATCHED), (37, Reason.STALE)])
def test_with_a_low_quota_what_is_stale_is_modified_for_that(drift: int, reason: Reason) -> None:
    config = replace(PLAIN, quota=QuotaConfig(cap=1_000, used=950))

    assert only(f"rest to:{20_000 + drift}", config).reason is reason


def test_the_stale_band_itself_is_not_stale() -> None:
    bands = BandsConfig(latch_bps=3.0, stale_bps=9.0)
    config = replace(PLAIN, bands=bands, quota=QuotaConfig(cap=100, used=95))

    assert only("rest to:20018", config).reason is Reason.LATCHED
    assert only("rest to:20019", config).reason is Reason.STALE


def test_a_refused_modify_of_an_order_in_the_way_is_a_cancel() -> None:
    story = Story().tell("rest to:19950 refused:alive wait:0.5")

    story.cycle([(19_950, 10)], [(19_990, 10)])

    assert story.kinds() == ["cancel"]
    assert story.reasons() == [Reason.EMERGENCY, Reason.OWN_ORDER]


def test_a_place_at_a_price_that_was_refused_to_the_other_side_is_sent() -> None:
    story = Story().tell("place rejected")

    story.cycle((), [(20_000, 10)])

    assert story.kinds() == ["place"]


def test_an_instrument_without_a_least_notional_takes_one_lot() -> None:
    tiny = type(INSTRUMENT)("TINY", Decimal("0.1"), Decimal("0.01"), Decimal(0))
    story = Story(manager=OrderManager(tiny, config=Config(risk=UNGUARDED)))

    story.cycle([(20_000, 1)])

    assert story.kinds() == ["place"]
