"""The counters, on hand-made cycles."""

from collections.abc import Callable

import pytest

from exchange.commands import Cancel, Modify, Place, QueryOpen
from exchange.reports import Accepted, Fill, Rejected, Report, Snapshot
from exchange.units import MINUTE, SECOND, Nanos
from exchange.words import Side
from lifecycle.core.order import Order
from lifecycle.run.frame import Presence
from lifecycle.run.metrics import MARKOUT, Metrics
from spec.states import PhaseEvent
from spec.trace import Action, Decision, Plan, Reason, Target, Targets

START = 1_700_000_000 * SECOND
PRICE = 20_000
PLACE = Place(1, "a", Side.BUY, PRICE, 5, True, False, 0)
MODIFY = Modify(2, "a", "o", Side.BUY, PRICE, 5, True, False, 0)
CANCEL = Cancel(3, "a", "o", 0)
BID = Targets(bids=(Target(PRICE, 5),))
BOTH = Targets(bids=(Target(PRICE, 5),), asks=(Target(PRICE + 40, 5),))


def no_mid(_: Nanos) -> int | None:
    return None


def metrics(mid_at: Callable[[Nanos], int | None] = no_mid) -> Metrics:
    return Metrics(START, mid_at)


def resting(cloid: str = "a", side: Side = Side.BUY) -> Order:
    order = Order(cloid, side, PRICE, 5, START)
    order.advance(PhaseEvent.ACCEPTED, START)
    return order


def decided(
    action: Action, reason: Reason, *, price: int = PRICE, target: int = PRICE, band: int = 6
) -> Decision:
    return Decision("a", Side.BUY, 0, action, reason, price, target, 5, 5, band)


def fill(trade_id: str = "t", *, at: Nanos = START, side: Side | None = Side.BUY) -> Fill:
    return Fill(at, "a", "o", 5, PRICE, trade_id, side)


def test_a_run_without_cycles_divides_by_nothing() -> None:
    counted = metrics()

    assert counted.calls_per_minute(START + MINUTE) == 0.0
    assert counted.zero_action == 0.0
    assert counted.presence == Presence(0.0, 0.0)
    assert counted.modify_share is None
    assert counted.queue_kept is None
    assert counted.staleness_rms_bps is None
    assert counted.staleness_limit_bps is None
    assert counted.markout_bps is None


def test_queries_are_no_calls() -> None:
    counted = metrics()

    counted.cycle(START, BID, Plan((QueryOpen(1, 0),), ()), {})

    assert counted.calls == 0
    assert counted.zero_action == 1.0


def test_the_call_rate_counts_from_the_first_quote() -> None:
    counted = metrics()

    counted.cycle(START + MINUTE, BID, Plan((PLACE, MODIFY, CANCEL), ()), {})

    assert (counted.placed, counted.modified, counted.cancelled) == (1, 1, 1)
    assert counted.calls_per_minute(START + 3 * MINUTE) == 1.5
    assert counted.modify_share == 0.5


def test_calls_leave_the_last_minute_when_it_has_passed() -> None:
    counted = metrics()
    counted.cycle(START, BID, Plan((PLACE,), ()), {})
    counted.cycle(START + 30 * SECOND, BID, Plan((CANCEL,), ()), {})

    counted.pass_time(START + MINUTE)

    assert counted.calls_last_minute == 1


def test_the_timeline_has_every_minute_also_the_silent_ones() -> None:
    counted = metrics()
    counted.cycle(START + MINUTE + SECOND, BID, Plan((PLACE,), ()), {})

    counted.pass_time(START + 3 * MINUTE)

    assert counted.timeline == [(60, 0, 0, 0), (120, 1, 0, 0), (180, 1, 0, 0)]


def test_what_happens_at_the_end_of_a_minute_belongs_to_the_next() -> None:
    counted = metrics()

    counted.cycle(START + MINUTE, BID, Plan((PLACE,), ()), {})

    assert counted.timeline == [(60, 0, 0, 0)]


RESTS = {"a": PRICE}
PLACED = Decision("a", Side.BUY, 0, Action.PLACE, Reason.UNCOVERED, PRICE, PRICE, 5, 5, 6)


def test_a_side_is_present_when_by_the_end_of_the_cycle_as_many_rest_as_were_wanted() -> None:
    counted = metrics()
    pending = Order("a", Side.BUY, PRICE, 5, START)
    counted.cycle(START, BOTH, Plan((PLACE,), (PLACED,)), {"a": pending})

    counted.settle(RESTS)

    assert counted.presence == Presence(bid=1.0, ask=0.0)


def test_a_side_whose_place_does_not_rest_by_the_end_of_the_cycle_is_absent() -> None:
    counted = metrics()
    pending = {"a": Order("a", Side.BUY, PRICE, 5, START)}
    counted.cycle(START, BID, Plan((PLACE,), (PLACED,)), pending)

    counted.settle({})

    assert counted.presence == Presence(bid=0.0, ask=1.0)


def test_a_cycle_is_settled_once() -> None:
    counted = metrics()
    counted.cycle(START, BID, Plan((PLACE,), (PLACED,)), {})

    counted.settle(RESTS)
    counted.settle({})

    assert counted.presence == Presence(1.0, 1.0)


@pytest.mark.parametrize(
    ("action", "reason", "kept"),
    [
        (Action.KEEP, Reason.SAME_POINT, 1.0),
        (Action.KEEP, Reason.LATCHED, 1.0),
        (Action.WAIT, Reason.DEBOUNCED, 1.0),
        (Action.WAIT, Reason.QUOTA, 1.0),
        (Action.WAIT, Reason.IN_FLIGHT, 0.0),
        (Action.WAIT, Reason.IN_DOUBT, 0.0),
        (Action.MODIFY, Reason.MODIFY, 0.0),
        (Action.CANCEL, Reason.REPLACE, 0.0),
    ],
)
def test_the_queue_is_kept_where_the_order_is_left_alone(
    action: Action, reason: Reason, kept: float
) -> None:
    counted = metrics()

    counted.cycle(START, BID, Plan((), (decided(action, reason),)), {"a": resting()})

    assert counted.queue_kept == kept
    assert counted.reasons[reason] == 1


def test_staleness_is_a_root_mean_square_beside_half_the_band() -> None:
    counted = metrics()
    near = decided(Action.KEEP, Reason.SAME_POINT)
    far = decided(Action.KEEP, Reason.LATCHED, target=PRICE + 4)

    for targets, decision in ((BID, near), (Targets(bids=(Target(PRICE + 4, 5),)), far)):
        counted.cycle(START, targets, Plan((), (decision,)), {"a": resting()})
        counted.settle(RESTS)

    assert counted.staleness_rms_bps == pytest.approx(2.0 / 2**0.5, rel=1e-3)
    assert counted.staleness_limit_bps == pytest.approx(1.5, rel=1e-3)


def test_staleness_is_judged_by_what_the_bot_wanted_not_by_the_grid() -> None:
    counted = metrics()
    on_the_grid = decided(Action.KEEP, Reason.SAME_POINT, target=PRICE)
    wanted = Targets(bids=(Target(PRICE + 6, 5),))

    counted.cycle(START, wanted, Plan((), (on_the_grid,), targets=BID), {"a": resting()})
    counted.settle(RESTS)

    assert counted.staleness_rms_bps == pytest.approx(3.0, rel=1e-3)


def test_a_modify_that_arrived_within_its_cycle_is_not_stale() -> None:
    counted = metrics()
    wanted = decided(Action.MODIFY, Reason.MODIFY, target=PRICE + 9)
    targets = Targets(bids=(Target(PRICE + 9, 5),))
    counted.cycle(START, targets, Plan((MODIFY,), (wanted,)), {"a": resting()})

    counted.settle({"a": PRICE + 9})

    assert counted.staleness_rms_bps == 0.0


def test_orders_that_do_not_rest_or_that_nothing_wants_are_not_stale() -> None:
    counted = metrics()
    pending = {"a": Order("a", Side.BUY, PRICE, 5, START)}
    waiting = decided(Action.WAIT, Reason.IN_FLIGHT, target=PRICE + 9)
    unwanted = Decision("a", Side.BUY, -1, Action.CANCEL, Reason.WITHDRAWN, PRICE, 0, 5, 0, 0)

    counted.cycle(START, BID, Plan((), (waiting,)), pending)
    counted.settle({})
    counted.cycle(START, Targets(), Plan((), (unwanted,)), {"a": resting()})
    counted.settle(RESTS)

    assert counted.staleness_rms_bps is None
    assert counted.queue_kept is None


def test_the_series_has_each_minute_by_itself_also_those_without_a_cycle() -> None:
    counted = metrics()
    far = decided(Action.KEEP, Reason.LATCHED)
    aim = Targets(bids=(Target(PRICE + 4, 5),))

    counted.cycle(START + MINUTE, BOTH, Plan((PLACE, CANCEL), (PLACED,)), {})
    counted.settle(RESTS)
    counted.cycle(START + 2 * MINUTE - 1, aim, Plan((), (far,)), {"a": resting()})
    counted.pass_time(START + 2 * MINUTE)
    counted.settle(RESTS)

    first, second = counted.series
    assert first == (60, None, None, None, 0)
    assert (second[:3], second[4]) == ((120, 1.0, 0.5), 2)
    assert second[3] == pytest.approx(2.0 / 2**0.5, rel=1e-3)


def test_a_fill_counts_once_whoever_tells_it() -> None:
    counted = metrics()
    reports: list[Report] = [fill(), fill(), Snapshot(START, (), (fill(), fill("u")))]

    for report in reports:
        counted.report(report, {}, START)

    assert counted.fills == 2
    assert counted.filled_qty == 10


def test_only_rejections_count_as_rejected() -> None:
    counted = metrics()

    counted.report(Rejected(START, "a", "post_only", 1), {}, START)
    counted.report(Accepted(START, "b", "o", 2), {}, START)

    assert counted.rejected == 1


@pytest.mark.parametrize(("side", "wanted"), [(Side.BUY, 5.0), (Side.SELL, -5.0)])
def test_the_markout_is_signed_in_our_favour(side: Side, wanted: float) -> None:
    asked: list[Nanos] = []

    def mid_at(at: Nanos) -> int:
        asked.append(at)
        return 2 * PRICE + 20

    counted = metrics(mid_at)
    counted.report(fill(side=side), {}, START + SECOND)

    counted.judge(START + MARKOUT - 1)
    before = counted.markout_bps
    counted.judge(START + MARKOUT)

    assert before is None
    assert counted.markout_bps == pytest.approx(wanted)
    assert asked == [START + MARKOUT]


def test_the_side_of_a_fill_that_does_not_say_it_is_the_orders() -> None:
    counted = metrics(lambda _: 2 * PRICE + 20)

    counted.report(fill(side=None), {"a": resting(side=Side.SELL)}, START)
    counted.judge(START + MARKOUT)

    assert counted.markout_bps == pytest.approx(-5.0)


def test_cancels_without_a_fill_have_no_finite_ratio() -> None:
    counted = metrics()
    at_first = counted.cancel_fill

    counted.cycle(START, BID, Plan((CANCEL,), ()), {})

    assert at_first == 0.0
    assert counted.cancel_fill is None
