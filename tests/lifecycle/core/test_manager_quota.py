"""A low quota: which changes wait, what never does, and what a scarce request is spent on.

The latch is 6 units and the stale band 12; at 19 % headroom they are 12 and 25, half-way is 18;
below 10 % they are 18 and 36.
"""

import pytest
from msgspec.structs import replace

from exchange.market import Market, Queue
from exchange.reports import Cancelled, Fill, Limited, Snapshot
from exchange.units import SECOND
from exchange.words import CancelReason
from lifecycle.config import BandsConfig, Config, ModifyConfig, QuotaConfig
from spec.trace import Action, Reason
from tests.story import PLAIN, Ladder, Story, targets

BID: Ladder = [(20_000, 10)]
CAP = 100_000
"""Large enough that no window is used up by a few changes."""
FIFTH, FEW = 81_000, 96_000
"""Used so that 19 %, and 4 %, are left."""


def quota(used: int, cap: int = CAP, *, enabled: bool = True, earns: float = 0.0) -> Config:
    """Return a configuration with a request quota, of which so much was used before."""
    table = QuotaConfig(cap=cap, used=used, enabled=enabled, earns=earns)
    return replace(PLAIN, quota=table)


def resting(config: Config, bids: Ladder = BID, asks: Ladder = ()) -> Story:
    """Return a story in which these quotes have rested for six seconds."""
    story = Story(config)
    story.rest(bids, asks)
    story.wait(6)
    return story


# Floors.


@pytest.mark.parametrize(
    ("used", "bid", "action", "reason"),
    [
        pytest.param(FIFTH, (20_012, 10), Action.KEEP, Reason.LATCHED, id="latched"),
        pytest.param(FIFTH, (20_018, 10), Action.WAIT, Reason.QUOTA, id="small"),
        pytest.param(FIFTH, (20_019, 10), Action.MODIFY, Reason.MODIFY, id="not small"),
        pytest.param(FIFTH, (20_026, 10), Action.MODIFY, Reason.STALE, id="stale"),
        pytest.param(FIFTH, (20_000, 13), Action.WAIT, Reason.QUOTA, id="a size alone"),
        pytest.param(FIFTH, (20_019, 13), Action.MODIFY, Reason.MODIFY, id="a size as well"),
        pytest.param(79_000, (20_018, 10), Action.MODIFY, Reason.MODIFY, id="above the low floor"),
        pytest.param(75_000, (20_019, 10), Action.MODIFY, Reason.STALE, id="stale above them"),
        pytest.param(50_000, (20_000, 13), Action.MODIFY, Reason.MODIFY, id="plenty"),
        pytest.param(50_000, (20_019, 10), Action.MODIFY, Reason.MODIFY, id="stale, plenty"),
        pytest.param(FEW, (20_036, 10), Action.WAIT, Reason.QUOTA, id="below the normal floor"),
        pytest.param(FEW, (20_037, 10), Action.MODIFY, Reason.STALE, id="stale however low"),
    ],
)
def test_a_change_waits_below_the_floor_of_its_priority(
    used: int, bid: tuple[int, int], action: Action, reason: Reason
) -> None:
    story = resting(quota(used))

    story.cycle([bid])

    assert [(d.action, d.reason) for d in story.plan.decisions] == [(action, reason)]


@pytest.mark.parametrize("used", [FIFTH, CAP - 5])
def test_where_nothing_is_saved_up_no_change_waits(used: int) -> None:
    story = resting(quota(used, enabled=False))

    story.cycle([(20_007, 10)])

    assert story.kinds() == ["modify"]


def test_a_replacement_waits_like_a_modify() -> None:
    table = QuotaConfig(cap=CAP, used=FIFTH)
    story = resting(replace(PLAIN, quota=table, modify=ModifyConfig(enabled=False)))

    story.cycle([(20_018, 10)])
    waited = [(one.action, one.reason) for one in story.plan.decisions]
    story.cycle([(20_026, 10)])

    assert waited == [(Action.WAIT, Reason.QUOTA)]
    assert story.kinds() == ["cancel"]


def test_a_change_of_each_side_waits() -> None:
    story = resting(quota(FIFTH), BID, [(20_100, 10)])

    story.cycle([(20_018, 10)], [(20_118, 10)])

    assert story.reasons() == [Reason.QUOTA] * 2


def test_a_change_waits_behind_an_order_that_is_kept() -> None:
    story = resting(quota(FIFTH), [(20_000, 10), (19_900, 10)])

    story.cycle([(20_000, 10), (19_930, 10)])

    assert story.reasons() == [Reason.SAME_POINT, Reason.QUOTA]


@pytest.mark.parametrize(
    ("bid", "reason"), [(20_016, Reason.QUOTA), (20_017, Reason.MODIFY), (20_021, Reason.STALE)]
)
def test_a_change_is_small_up_to_half_way_to_a_stale_band_that_is_fixed(
    bid: int, reason: Reason
) -> None:
    # The latch is 12 units, the stale band 20.
    story = resting(replace(quota(FIFTH), bands=BandsConfig(latch_bps=3.0, stale_bps=10.0)))

    story.cycle([(bid, 10)])

    assert story.reasons() == [reason]


def test_a_small_change_is_judged_by_the_place_of_its_own_order_in_the_queue() -> None:
    # Two orders whose latch is 12 units, or 18 at the front of the queue; of what is beyond, up to
    # 27 is small there.
    story = resting(quota(FIFTH), BID, [(20_200, 10)])
    front, back = story.orders
    queues = {front.cloid: Queue(0, 10), back.cloid: Queue(10, 0)}

    plan = story.manager.cycle(
        story.now,
        targets([(20_022, 10)], [(20_222, 10)]),
        Market(story.now, None, None, queues=queues),
    )

    assert [one.reason for one in plan.decisions] == [Reason.QUOTA, Reason.MODIFY]


def test_a_change_that_waits_leaves_the_hold_as_it_was() -> None:
    story = resting(quota(FIFTH))
    story.cycle([(20_010, 10)])
    assert story.told() == "latched idle 0 10@20000 101"

    story.cycle([(20_018, 10)])

    assert story.reasons() == [Reason.QUOTA]
    assert story.told() == "latched idle 0 10@20000 101"


def test_a_debounced_modify_waits_for_its_interval_only() -> None:
    story = Story(quota(FIFTH)).tell("rest move moved to:20080")
    story.cycle([(20_050, 10)])
    story.cycle([(20_080, 10)])
    sent = story.kinds()
    story = Story(quota(FIFTH)).tell("rest move moved")
    story.cycle([(20_080, 10)])
    assert story.reasons() == [Reason.DEBOUNCED]

    story.wait(6)
    story.cycle([(20_066, 10)])

    assert sent == []
    assert story.kinds() == ["modify"]


# What never waits.


def test_an_uncovered_level_is_placed_with_the_last_request() -> None:
    story = Story(quota(CAP - 1))

    story.cycle([(20_000, 10), (19_900, 10)])

    assert story.kinds() == ["place"]
    assert story.reasons() == [Reason.UNCOVERED, Reason.QUOTA]


def test_what_is_withdrawn_goes_however_low_the_quota() -> None:
    story = resting(quota(CAP - 5), [(20_000, 10), (19_900, 10)])

    story.cycle(BID)

    assert story.kinds() == ["cancel"]


def test_an_order_in_the_way_moves_however_low_the_quota() -> None:
    story = resting(quota(FEW), (), [(20_030, 10)])

    story.cycle([(20_030, 10)], [(20_060, 10)])

    assert story.kinds() == ["modify"]
    assert story.reasons() == [Reason.EMERGENCY, Reason.OWN_ORDER]


def test_a_change_that_waits_moves_nothing_out_of_its_way() -> None:
    story = resting(quota(FEW), BID, [(20_030, 10)])

    story.cycle([(20_033, 10)], [(20_040, 10)])

    assert story.kinds() == []
    assert story.reasons() == [Reason.QUOTA, Reason.LATCHED]


def test_a_stale_change_moves_an_order_out_of_its_way_though_another_change_waits() -> None:
    story = resting(quota(FEW), [(20_000, 10), (19_900, 10)], [(20_030, 10)])

    # The outer bid's latch is 36 units, its stale band 72.
    story.cycle([(20_040, 10), (19_940, 10)], [(20_060, 10)])

    assert story.reasons() == [Reason.OWN_ORDER, Reason.QUOTA, Reason.EMERGENCY]


# The window.


def test_a_window_used_up_holds_back_until_it_is_over() -> None:
    story = resting(quota(0, cap=1_500))
    prices = [20_000 + 10 * (n % 2) for n in range(1, 13)]
    sent = []

    for price in prices:
        story.cycle([(price, 10)])
        sent.append(story.kinds() == ["modify"])
        if sent[-1]:
            story.tell(f"modified:{200 + len(sent)}:10:{price}")
        story.wait(6)
    waited = story.reasons()
    story.wait(660)
    story.cycle([(prices[-1], 10)])

    # Ten decisions a window: one place, so nine of them may be changes.
    assert (sent.count(True), sent.index(False)) == (9, 9)
    assert waited == [Reason.QUOTA]
    assert story.kinds() == ["modify"]


def test_each_modify_of_a_cycle_is_one_change_of_the_window_at_its_time() -> None:
    story = resting(quota(0), BID, [(20_100, 10)])
    story.wait(1_000)

    story.cycle([(20_050, 10)], [(20_150, 10)])

    assert story.manager._desk.budget.within(story.now) == (2, 0, 0, 0)


def test_a_replacement_is_one_change_and_a_withdrawal_one_cancel() -> None:
    story = resting(replace(quota(0), modify=ModifyConfig(enabled=False)), BID, [(20_100, 10)])
    bid = story.orders[0]
    budget = story.manager._desk.budget

    story.cycle([(20_050, 10)])
    both = budget.within(story.now)
    story.receive(Cancelled(story.now, bid.cloid, bid.oid, CancelReason.USER))
    story.cycle([(20_050, 10)])

    assert both == budget.within(story.now) == (1, 2, 1, 0)
    assert story.kinds() == ["place"]


def test_the_place_that_a_replacement_has_paid_for_takes_no_room_of_another_change() -> None:
    # Ten decisions a window: two places, so eight of them may be changes.
    config = replace(quota(0, cap=1_500), modify=ModifyConfig(max_bps=20.0))
    story = resting(config, BID, [(20_200, 10)])
    ask = story.orders[1]
    for n in range(1, 7):
        price = 20_000 + 10 * (n % 2)
        story.cycle([(price, 10)], [(20_200, 10)])
        story.tell(f"modified:{200 + n}:10:{price} wait:6")
    story.cycle(BID, [(20_400, 10)])
    assert story.reasons() == [Reason.SAME_POINT, Reason.REPLACE, Reason.PREDECESSOR]
    story.receive(Cancelled(story.now, ask.cloid, ask.oid, CancelReason.USER))

    story.cycle([(20_010, 10)], [(20_400, 10)])

    assert story.kinds() == ["modify", "place"]


def test_what_is_stale_does_not_wait_for_the_window() -> None:
    story = resting(quota(0, cap=100))

    story.cycle([(20_012, 10)])
    assert story.reasons() == [Reason.QUOTA]
    story.cycle([(20_013, 10)])

    assert story.kinds() == ["modify"]
    assert story.reasons() == [Reason.STALE]


# What a scarce request is spent on.


def test_the_last_request_covers_before_it_moves_what_is_stale() -> None:
    story = resting(quota(0, cap=2))

    story.cycle([(20_050, 10)], [(20_100, 10)])

    assert story.kinds() == ["place"]
    assert sorted(story.reasons()) == [Reason.QUOTA, Reason.UNCOVERED]


def test_without_a_request_for_its_place_nothing_is_cancelled_for_replacement() -> None:
    table = QuotaConfig(cap=1, cancel_cap=5)
    story = resting(replace(PLAIN, quota=table, modify=ModifyConfig(enabled=False)))

    story.cycle([(20_050, 10)])

    assert (story.kinds(), story.reasons()) == ([], [Reason.QUOTA])


@pytest.mark.parametrize(
    "config", [PLAIN, quota(0, cap=6)], ids=["no cap", "enough left for all of it"]
)
@pytest.mark.parametrize(
    ("bids", "asks", "probe"),
    [
        pytest.param([(20_050, 10), (19_900, 10)], [(20_100, 10)], "place", id="before stale"),
        pytest.param([(20_000, 10)], [(20_100, 10)], "place", id="before withdrawn"),
        pytest.param([(20_050, 10), (19_904, 10)], [], "modify", id="stale, all covered"),
        pytest.param([(19_900, 10)], [(20_000, 10)], "cancel", id="after emergencies"),
        pytest.param([(20_000, 10)], [], "cancel", id="withdrawn, all covered"),
    ],
)
def test_the_probe_of_a_limited_venue_is_chosen_by_priority(
    bids: Ladder, asks: Ladder, probe: str, config: Config
) -> None:
    story = resting(config, [(20_000, 10), (19_900, 10)])
    story.receive(Limited(story.now))
    story.wait(10)

    story.cycle(bids, asks)

    assert story.kinds() == [probe]


def test_the_stale_order_is_moved_before_the_one_that_is_not() -> None:
    story = resting(PLAIN, [(20_000, 10), (19_900, 10)])
    story.receive(Limited(story.now))
    story.wait(10)

    # The outer level's latch is twice as wide, so that 20 units are not stale there.
    story.cycle([(20_008, 10), (19_880, 10)], [])
    first = [request.cloid for request in story.requests()]
    story = resting(PLAIN, [(20_000, 10), (19_900, 10)])
    story.receive(Limited(story.now))
    story.wait(10)
    story.cycle([(20_008, 10), (19_870, 10)], [])

    assert first == [story.orders[0].cloid]
    assert [request.cloid for request in story.requests()] == [story.orders[1].cloid]


# What fills earn.


@pytest.mark.parametrize("in_snapshot", [False, True])
def test_a_fill_earns_once_however_it_is_heard_of(in_snapshot: bool) -> None:
    story = resting(quota(0, cap=2, earns=0.5), BID, [(20_100, 10)])
    assert story.manager.headroom == 0.0
    ask = story.orders[1]
    # 4 lots of 0.01 at 2000.0 are 80 in quote currency.
    fill = Fill(story.now, ask.cloid, ask.oid or "", 4, 20_000, "t1")

    if in_snapshot:
        story.receive(Snapshot(story.now, (), (fill,)))
    story.receive(fill)
    story.receive(fill)

    ledger = story.manager._desk.ledger
    assert (ledger.earned, ledger.left, ledger.can_cancel) == (40, 40, True)
    assert story.manager.headroom == pytest.approx(40 / 42, abs=1e-6)


def test_what_fills_earn_adds_up_to_whole_requests() -> None:
    story = resting(quota(0, cap=2, earns=0.5), BID, [(20_100, 10)])

    # Each is 20 in quote currency, but for a thousandth the last.
    story.tell("fill:101:1 fill:101:1")
    ask = story.orders[1]
    story.receive(Fill(story.now, ask.cloid, ask.oid or "", 1, 19_999, "t9"))

    assert story.manager._desk.ledger.earned == 29
    assert story.manager._desk.budget.within(story.now) == (0, 2, 0, 29)


def test_a_fill_refills_an_empty_ledger_and_coverage_comes_first() -> None:
    story = resting(quota(0, cap=2, earns=0.005), BID, [(20_100, 10)])
    ask = story.orders[1]
    story.receive(Fill(story.now, ask.cloid, ask.oid or "", 10, 20_100, "t1"))

    story.cycle([(20_050, 10)], [(20_100, 10)])

    assert story.kinds() == ["place"]
    assert story.manager.headroom == 0.0


# How long it lasts.


def test_the_manager_says_in_how_many_hours_its_quota_ends() -> None:
    story = resting(quota(0, cap=7))

    assert story.manager.quota_horizon_h(600 * SECOND) == pytest.approx(1.0)
    assert Story().manager.quota_horizon_h(0) is None
