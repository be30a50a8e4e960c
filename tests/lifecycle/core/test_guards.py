"""Each hard limit alone, on its border: what it holds back, and that no cancel waits for it."""

from decimal import Decimal
from typing import Final

import pytest
from msgspec.structs import replace

from exchange.commands import Cancel, Modify, Place
from exchange.market import Market
from exchange.reports import Accepted, Modified, ModifyRejected, Rejected
from exchange.units import MINUTE, SECOND
from exchange.words import Alive
from lifecycle.config import UNGUARDED, Config, RiskConfig, TimingConfig
from lifecycle.core.guards import Guards
from lifecycle.core.manager import OrderManager
from lifecycle.core.settings import Settings
from spec.trace import Action, Reason
from tests.story import AMENDING, INSTRUMENT, PLAIN, Story

HERE: Final = [(20_000, 10)]
THERE: Final = [(20_100, 10)]


def guarded(risk: RiskConfig, *, amends: bool = False) -> Story:
    """Return a story with these hard limits, the collar among them."""
    config = replace(PLAIN, risk=risk)
    if amends:
        return Story(manager=OrderManager(INSTRUMENT, config=config, capabilities=AMENDING))
    return Story(manager=OrderManager(INSTRUMENT, config=config))


def limited(**limits: object) -> RiskConfig:
    """Return hard limits, of which only these are set."""
    return replace(UNGUARDED, **limits)


def reasons(story: Story) -> list[Reason]:
    """Return why the last cycle's targets without an order have none."""
    return [one.reason for one in story.plan.decisions if one.action is Action.WAIT]


def refuse(story: Story) -> Rejected:
    """Have the last place refused; returns the refusal."""
    (place,) = story.requests()
    refusal = Rejected(story.now, place.cloid, "no", place.request)
    story.receive(refusal)
    return refusal


# The collar.


@pytest.mark.parametrize(
    ("price", "sent"),
    # A hundred basis points of the mid, 20000, are 200 units.
    [(19_800, True), (19_799, False), (20_200, True), (20_201, False)],
)
def test_a_price_on_the_border_of_the_collar_is_sent_and_one_beyond_is_not(
    price: int, sent: bool
) -> None:
    story = guarded(limited(collar_bps=100.0))

    bids, asks = ([(price, 10)], []) if price < 20_000 else ([], [(price, 10)])
    story.cycle(bids, asks, bid=19_999, ask=20_001)

    assert (story.kinds(), reasons(story)) == ((["place"], []) if sent else ([], [Reason.COLLAR]))


@pytest.mark.parametrize(
    ("bid", "ask", "border"),
    [
        (20_000, 20_001, (19_801, 20_200)),
        (20_000, None, (19_800, 20_200)),
        (None, 20_000, (19_800, 20_200)),
        (None, None, (1, 0)),
    ],
)
def test_the_collar_lies_inwards_of_its_width_around_the_mid_or_the_only_side(
    bid: int | None, ask: int | None, border: tuple[int, int]
) -> None:
    config = replace(PLAIN, risk=limited(collar_bps=100.0))
    guards = Guards(Settings(config, INSTRUMENT))

    guards.look(Market(0, bid, ask))

    assert (guards.lowest, guards.highest) == border


def test_without_a_book_no_price_is_inside_the_collar() -> None:
    story = guarded(limited(collar_bps=10_000.0))

    story.cycle(HERE)

    assert (story.kinds(), reasons(story)) == ([], [Reason.COLLAR])


def test_without_a_collar_no_book_is_needed() -> None:
    story = guarded(limited(collar_bps=None))

    story.cycle(HERE)

    assert story.kinds() == ["place"]


def test_a_modify_out_of_the_collar_waits_and_the_order_stays() -> None:
    story = guarded(limited(collar_bps=40.0))
    story.cycle(HERE, bid=19_990, ask=20_010)
    story.tell("accepted:101 wait:1")

    story.cycle([(19_900, 10)], bid=19_990, ask=20_010)

    assert (story.kinds(), story.reasons()) == ([], [Reason.COLLAR])


def test_what_rests_outside_the_collar_is_not_withdrawn_for_it() -> None:
    story = guarded(limited(collar_bps=40.0))
    story.cycle(HERE, bid=19_990, ask=20_010)
    story.tell("accepted:101 wait:1")

    story.cycle(HERE, bid=21_000, ask=21_002)

    assert (story.kinds(), story.reasons()) == ([], [Reason.SAME_POINT])


# The size.


@pytest.mark.parametrize(("qty", "sent"), [(12, True), (13, False)])
def test_the_largest_order_is_sent_and_a_larger_one_is_not(qty: int, sent: bool) -> None:
    story = guarded(limited(order_qty_max=Decimal("0.12")))

    story.cycle([(20_000, qty)])

    assert (story.kinds(), reasons(story)) == ((["place"], []) if sent else ([], [Reason.SIZE]))


def test_an_order_that_has_filled_may_be_amended_to_the_largest_size_once_more() -> None:
    story = guarded(limited(order_qty_max=Decimal("0.12")), amends=True)
    story.tell("rest fill:101:4")

    story.cycle([(20_000, 12)])

    # The venue is told the total, filled included; what will rest is no more than allowed.
    (modify,) = story.requests()
    assert isinstance(modify, Modify)
    assert modify.qty == 16


# The rate.


def test_the_last_request_of_a_minute_is_sent_and_the_next_waits() -> None:
    story = guarded(limited(requests_per_minute=3))

    story.cycle([(20_000, 10), (19_900, 10), (19_800, 10), (19_700, 10)])

    assert story.kinds() == ["place"] * 3
    assert reasons(story) == [Reason.RATE]


def test_a_request_is_forgotten_exactly_a_minute_after() -> None:
    story = guarded(limited(requests_per_minute=1))
    story.tell("rest")
    sent_at = story.now - SECOND // 10

    story.now = sent_at + MINUTE - 1
    story.cycle([(20_000, 10), (19_900, 10)])
    before = story.kinds()
    story.now = sent_at + MINUTE
    story.cycle([(20_000, 10), (19_900, 10)])

    assert (before, story.kinds()) == ([], ["place"])


def test_cancels_count_for_the_rate_and_never_wait_for_it() -> None:
    story = guarded(limited(requests_per_minute=2))
    story.rest([(20_000, 10), (19_900, 10)])

    story.wait(1)
    story.cycle()
    cancelled = story.kinds()
    story.tell("cancelled:101")
    story.now += MINUTE - SECOND - SECOND // 10
    story.cycle([(20_000, 10), (19_900, 10)])

    # The two places are a minute old, the two cancels are not.
    assert cancelled == ["cancel", "cancel"]
    assert (story.kinds(), Reason.RATE in reasons(story)) == ([], True)


def test_a_modify_waits_for_the_rate_as_well() -> None:
    story = guarded(limited(requests_per_minute=1))
    story.tell("rest wait:1")

    story.cycle(THERE)

    assert (story.kinds(), story.reasons()) == ([], [Reason.RATE])


# The breaker.


def test_the_breaker_opens_at_so_many_refusals_and_lets_one_probe_through_at_a_time() -> None:
    story = guarded(limited(rejects_in_row=2, reject_pause_s=30.0))
    for price in (20_000, 20_010):
        story.cycle([(price, 10)])
        refuse(story)
    opened = story.now

    story.cycle([(20_020, 10)])
    waits = reasons(story)
    story.now = opened + 30 * SECOND - 1
    story.cycle([(20_020, 10)])
    still = reasons(story)
    story.now = opened + 30 * SECOND
    story.cycle([(20_020, 10), (20_000, 10)])

    assert (waits, still) == ([Reason.BREAKER], [Reason.BREAKER])
    assert (story.kinds(), reasons(story)) == (["place"], [Reason.BREAKER])


def test_one_refusal_less_leaves_the_breaker_closed() -> None:
    story = guarded(limited(rejects_in_row=2))
    story.cycle(HERE)
    refuse(story)

    story.cycle(THERE)

    assert story.kinds() == ["place"]


def test_a_refused_probe_costs_another_pause() -> None:
    story = guarded(limited(rejects_in_row=1, reject_pause_s=30.0))
    story.cycle(HERE)
    refuse(story)
    story.wait(30)
    story.cycle(THERE)
    story.wait(1)
    refuse(story)

    story.wait(29.9)
    story.cycle([(20_020, 10)])
    early = story.kinds()
    story.wait(0.1)
    story.cycle([(20_020, 10)])

    assert (early, story.kinds()) == ([], ["place"])


def test_a_probe_without_an_answer_costs_a_pause_too() -> None:
    story = guarded(limited(rejects_in_row=1, reject_pause_s=30.0))
    story.cycle(HERE)
    refuse(story)
    story.wait(30)
    story.cycle(HERE)
    probe = story.requests()[0]
    story.unanswered(probe)

    story.wait(29)
    story.cycle([*HERE, (19_900, 10)])
    early = story.kinds()
    story.wait(1)
    story.cycle([*HERE, (19_900, 10)])

    assert (early, story.kinds()) == ([], ["place"])


def test_an_acceptance_closes_the_breaker() -> None:
    story = guarded(limited(rejects_in_row=1, reject_pause_s=30.0))
    story.cycle(HERE)
    refuse(story)
    story.wait(30)
    story.cycle(HERE)
    (probe,) = story.requests()
    story.receive(Accepted(story.now, probe.cloid, "102", probe.request))

    story.cycle([*HERE, (19_900, 10), (19_800, 10)])

    assert story.kinds() == ["place", "place"]


def test_an_accepted_modify_closes_the_breaker() -> None:
    story = guarded(limited(rejects_in_row=2, reject_pause_s=30.0))
    story.tell("rest to:20050 refused:alive to:20060 refused:alive wait:40 to:20070")
    (probe,) = story.requests()

    story.receive(Modified(story.now, probe.cloid, "102", 10, 20_070, probe.request))
    story.cycle([(20_070, 10), (19_900, 10), (19_800, 10)])

    assert story.kinds() == ["place", "place"]


def test_a_refusal_that_is_heard_twice_counts_once() -> None:
    story = guarded(limited(rejects_in_row=2))
    story.cycle(HERE)
    story.receive(refuse(story))

    story.cycle(THERE)

    assert story.kinds() == ["place"]


@pytest.mark.parametrize("alive", [Alive.YES, Alive.NO, Alive.UNKNOWN])
def test_a_refused_modify_that_is_heard_twice_counts_once(alive: Alive) -> None:
    story = guarded(limited(rejects_in_row=2))
    story.tell("rest wait:1")
    story.cycle(THERE)
    (modify,) = story.requests()
    refusal = ModifyRejected(story.now, modify.cloid, "no", alive, modify.request)

    story.receive(refusal)
    story.receive(refusal)

    assert story.manager._desk.guards.refused == 1


def test_an_answer_to_nothing_of_ours_is_no_refusal() -> None:
    story = guarded(limited(rejects_in_row=1))
    story.tell("rest")

    story.receive(Rejected(story.now, "another's", "no", 7))
    story.receive(Rejected(story.now, story.orders[0].cloid, "no", 99))

    assert story.manager._desk.guards.refused == 0


def test_with_the_breaker_open_what_is_unwanted_is_cancelled() -> None:
    story = guarded(limited(rejects_in_row=1))
    story.tell("rest wait:1")
    story.cycle([*HERE, (19_900, 10)])
    refuse(story)

    story.cycle()

    assert story.kinds() == ["cancel"]


def test_no_limit_holds_a_cancel_back() -> None:
    risk = limited(
        collar_bps=1.0, order_qty_max=Decimal("0.01"), requests_per_minute=1, rejects_in_row=1
    )
    story = guarded(risk)
    loose = guarded(limited())
    loose.rest([(20_000, 10), (19_900, 10)], [(20_200, 10)])
    story.manager._desk.blotter = loose.manager._desk.blotter
    story.manager._desk.guards.refuse(0)
    story.manager._desk.guards.enter(0, cancel=False)
    story.now = loose.now

    story.cycle()

    assert story.kinds() == ["cancel"] * 3


def test_a_limit_of_no_requests_or_no_refusals_has_no_meaning() -> None:
    for risk in (limited(requests_per_minute=0), limited(rejects_in_row=0)):
        with pytest.raises(ValueError, match="requests_per_minute and rejects_in_row"):
            guarded(risk)


# The market's age.


def aged(stale: float | None, withdraw: float | None) -> Story:
    timing = TimingConfig(market_stale_s=stale, market_withdraw_s=withdraw)
    return Story(replace(PLAIN, timing=timing))


def test_by_a_market_as_old_as_allowed_it_is_quoted_and_by_an_older_one_nothing_is_sent() -> None:
    story = aged(30.0, 120.0)

    story.cycle(HERE, age=30.000000001)
    old = (story.kinds(), story.reasons())
    story.cycle(HERE, age=30)

    assert old == ([], [Reason.STALE_MARKET])
    assert story.kinds() == ["place"]


def test_a_stale_market_freezes_what_rests_and_a_staler_one_withdraws_it() -> None:
    story = aged(30.0, 120.0)
    story.rest(HERE)
    story.wait(1)

    story.cycle(THERE, age=120)
    frozen = (story.kinds(), story.reasons())
    story.cycle(THERE, age=120.000000001)

    assert frozen == ([], [Reason.STALE_MARKET])
    assert story.kinds() == ["cancel"]
    assert story.reasons() == [Reason.STALE_MARKET, Reason.STALE_MARKET]


def test_not_even_what_nobody_wants_is_withdrawn_while_frozen() -> None:
    story = aged(30.0, 120.0)
    story.rest(HERE)

    story.cycle(age=31)

    assert (story.kinds(), story.reasons()) == ([], [Reason.STALE_MARKET])


def test_a_fresh_market_ends_the_freeze() -> None:
    story = aged(30.0, 120.0)
    story.rest(HERE)
    story.wait(1)
    story.cycle(THERE, age=31)

    story.cycle(THERE)

    assert story.kinds() == ["modify"]


def test_an_age_to_withdraw_alone_withdraws() -> None:
    story = aged(None, 60.0)
    story.rest(HERE)

    story.cycle(HERE, age=60)
    kept = story.kinds()
    story.cycle(HERE, age=61)

    assert (kept, story.kinds()) == ([], ["cancel"])


def test_without_either_a_market_never_gets_too_old() -> None:
    story = aged(None, None)

    story.cycle(HERE, age=1_000_000)

    assert story.kinds() == ["place"]


def test_over_the_exposure_cap_orders_are_cancelled_by_a_stale_market_too() -> None:
    risk = limited(exposure_cap=Decimal("0.15"))
    story = guarded(risk)
    story.rest(HERE)
    story.tell("fill_by_oid:999:8:t1:buy")

    story.cycle(HERE, age=60)

    assert (story.kinds(), story.reasons()[0]) == (["cancel"], Reason.EMERGENCY)


def test_the_fast_path_does_not_outlive_the_age_of_the_market() -> None:
    story = aged(30.0, 120.0)
    story.rest(HERE)
    story.cycle(HERE)
    assert story.manager._desk.quiet is not None

    story.cycle(HERE, age=31)

    assert story.reasons() == [Reason.STALE_MARKET]


def test_the_defaults_hold_nothing_back_of_an_ordinary_story() -> None:
    story = Story(manager=OrderManager(INSTRUMENT, config=replace(PLAIN, risk=Config().risk)))

    story.cycle(HERE, [(20_020, 10)], bid=20_005, ask=20_015)

    assert story.kinds() == ["place", "place"]


def test_requests_of_every_kind_count_for_the_rate() -> None:
    story = guarded(limited(requests_per_minute=9))
    story.tell("rest move moved none")

    sent = list(story.manager._desk.guards.sent)

    assert [type(c) for c in story.sent if isinstance(c, (Place, Modify, Cancel))] == [
        Place,
        Modify,
        Cancel,
    ]
    assert len(sent) == 3
