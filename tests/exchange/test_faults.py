"""Each fault of the paper venue does what its name says, and no more than an honest venue may."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

import pytest
from msgspec.structs import replace

from exchange.commands import Cancel, Command, Modify, Place, QueryOpen, QueryOrder
from exchange.market import Row
from exchange.paper.faults import FaultPlan, Faults
from exchange.paper.latency import LATENCIES
from exchange.paper.venue import PaperVenue
from exchange.reports import (
    Accepted,
    Cancelled,
    CancelRejected,
    Disconnected,
    Fill,
    Limited,
    ModifyRejected,
    OpenOrder,
    OrderStatus,
    Reconnected,
    Rejected,
    Report,
    Snapshot,
)
from exchange.units import MILLISECOND, MINUTE, SECOND, Nanos
from exchange.venue import NoAnswer, Received
from exchange.words import Alive, CancelReason, Outcome, Side, Status
from tests.exchange.play import INSTRUMENT, bbo, trade

BID: Final = 1000
ASK: Final = 1010
START: Final = SECOND
LATE: Final = 30 * SECOND
"""After which nothing is to be expected any more."""


def quiet() -> list[Row]:
    """Return ten minutes of a book that holds still."""
    return [bbo(second * SECOND, BID, 500, ASK, 500) for second in range(1, 601)]


def busy() -> list[Row]:
    """Return ten minutes with a trade each second that clears what rests at the touch."""
    trades = [trade(second * SECOND + 1, BID, 2_000, -1) for second in range(2, 601)]
    return sorted([*quiet(), *trades])


def venue(plan: FaultPlan, rows: Iterable[Row] | None = None, seed: int = 1) -> PaperVenue:
    """Return a venue with faults, a second after its start."""
    faults = Faults(plan, seed)
    rows = quiet() if rows is None else rows
    made = PaperVenue(INSTRUMENT, rows, latency=LATENCIES["fast"], seed=seed, faults=faults)
    made.poll(START)
    return made


def place(number: int, price: int = BID, qty: int = 50, expires_at: Nanos = 0) -> Place:
    return Place(number, f"c{number}", Side.BUY, price, qty, True, False, expires_at)


def modify(number: int, cloid: str, price: int) -> Modify:
    return Modify(number, cloid, None, Side.BUY, price, 50, True, False, 0)


def heard(at: PaperVenue, *commands: Command, now: Nanos = START) -> list[Received]:
    """Send commands at `now`, and hear all that comes of it."""
    at.submit(commands, now)
    return at.poll(now + LATE)


def said(at: PaperVenue, *commands: Command, now: Nanos = START) -> list[Report | NoAnswer]:
    return [received.report for received in heard(at, *commands, now=now)]


def resting(at: PaperVenue) -> list[str | None]:
    return [row.cloid for row in at.open_orders()]


# Requests.


def test_a_lost_request_never_was() -> None:
    lost = venue(FaultPlan(lost_request=1.0))

    assert said(lost, place(1)) == []
    assert resting(lost) == []


def test_a_lost_answer_is_to_a_request_that_was_executed() -> None:
    lost = venue(FaultPlan(lost_ack=1.0))

    assert said(lost, place(1)) == []
    assert resting(lost) == ["c1"]


def test_a_late_answer_is_overtaken_and_says_when_it_was_so() -> None:
    late = venue(FaultPlan(late_ack=0.5))
    for number in range(1, 9):
        late.submit([place(number, BID - number)], START + number * SECOND)

    answers = [received.report for received in late.poll(START + 2 * LATE)]

    numbers = [answer.request for answer in answers if isinstance(answer, Accepted)]
    assert numbers != sorted(numbers)
    assert sorted(numbers) == list(range(1, 9))
    assert all(
        answer.at < START + (answer.request + 2) * SECOND
        for answer in answers
        if isinstance(answer, Accepted)
    )


def test_a_late_request_is_not_executed_after_its_expiry() -> None:
    late = venue(FaultPlan(late_request=1.0))
    expires_at = START + 5 * SECOND
    for number in range(1, 21):
        late.submit([place(number, BID - number, expires_at=expires_at)], START)

    answers = [received.report for received in late.poll(START + LATE)]

    accepted = [answer for answer in answers if isinstance(answer, Accepted)]
    rejected = [answer for answer in answers if isinstance(answer, Rejected)]
    assert len(accepted) + len(rejected) == 20
    assert accepted
    assert all(answer.at <= expires_at for answer in accepted)
    assert {answer.reason for answer in rejected} == {"expired"}


def test_what_the_rate_limiter_refuses_was_not_sent_and_we_are_limited() -> None:
    limited = venue(FaultPlan(rate_limit=1.0))
    batch = place(1), place(2, BID - 1)

    first, *others = said(limited, *batch)

    assert isinstance(first, Limited)
    assert others == [NoAnswer(command, Outcome.NOT_SENT) for command in batch]
    assert resting(limited) == []


@pytest.mark.parametrize(("kind", "rests"), [("error_before", []), ("error_after", ["c1"])])
def test_a_server_error_does_not_say_whether_the_request_was_executed(
    kind: str, rests: list[str]
) -> None:
    failing = venue(replace(FaultPlan(), **{kind: 1.0}))

    assert said(failing, place(1)) == [NoAnswer(place(1), Outcome.SERVER_ERROR)]
    assert resting(failing) == rests


def test_a_request_may_be_executed_after_its_error_was_heard() -> None:
    failing = venue(FaultPlan(error_after=1.0))
    for number in range(1, 21):
        failing.submit([place(number, BID - number)], START)

    early = failing.poll(START + 2 * SECOND)
    before = len(resting(failing))
    failing.poll(START + LATE)

    assert len(early) == 20
    assert before < len(resting(failing)) == 20


def test_what_a_request_pushes_is_heard_although_its_answer_is_an_error() -> None:
    failing = venue(FaultPlan(error_after=1.0))
    said(failing, place(1))

    reports = said(failing, modify(2, "c1", BID - 3), now=START + LATE)

    assert sorted(type(report).__name__ for report in reports) == ["Cancelled", "NoAnswer"]
    assert [row.price for row in failing.open_orders()] == [BID - 3]


def test_a_broken_connection_leaves_some_requests_executed() -> None:
    broken = venue(FaultPlan(broken=1.0))

    reports = []
    for number in range(1, 21):
        reports += said(broken, place(number, BID - number), now=START + number * LATE)

    assert [report.outcome for report in reports if isinstance(report, NoAnswer)] == (
        [Outcome.BROKEN] * 20
    )
    assert len(reports) == 20
    assert 0 < len(resting(broken)) < 20


def test_of_a_partial_batch_the_first_are_executed_and_answered() -> None:
    partial = venue(FaultPlan(partial_batch=1.0))
    batch = [place(number, BID - number) for number in range(1, 6)]

    answers = said(partial, *batch)

    names = [answer.cloid for answer in answers if isinstance(answer, Accepted)]
    assert 0 < len(names) < 5
    assert names == resting(partial) == [f"c{n}" for n in range(1, len(names) + 1)]


def test_a_single_command_is_no_partial_batch() -> None:
    assert len(said(venue(FaultPlan(partial_batch=1.0)), place(1))) == 1


# Reports.


def test_a_report_that_is_heard_twice_says_the_same() -> None:
    twice = venue(FaultPlan(duplicate=1.0), busy())

    reports = said(twice, place(1))

    kinds = [type(report) for report in reports]
    assert kinds.count(Accepted) == 2
    assert kinds.count(Fill) == 2
    assert len(set(reports)) == 2


def test_reordered_reports_are_all_heard_and_fills_keep_their_order() -> None:
    mixed = venue(FaultPlan(reorder=0.5), busy())
    for number in range(1, 40):
        mixed.submit([place(number, qty=80)], START + number * SECOND)

    reports = [received.report for received in mixed.poll(START + 2 * MINUTE)]

    fills = [int(report.trade_id) for report in reports if isinstance(report, Fill)]
    answers = [report.request for report in reports if isinstance(report, Accepted)]
    oids = [report.oid for report in reports if isinstance(report, Accepted | Fill)]
    overtaken = [oid for oid in oids if oids.index(oid) != len(oids) - 1 - oids[::-1].index(oid)]
    assert fills == sorted(fills)
    assert answers != sorted(answers)
    assert len(answers) == 39
    assert overtaken


def test_a_stale_look_is_of_the_moment_that_it_names() -> None:
    stale = venue(FaultPlan(stale_look=1.0), busy())
    times: dict[Nanos, tuple[OpenOrder, ...]] = {}
    snapshots: list[Snapshot] = []
    for step in range(600):
        now = START + step * 100 * MILLISECOND
        if step % 20 == 0:
            stale.submit([place(step + 1, BID - 1 - step)], now)
            stale.submit([QueryOpen(step + 2, 0)], now)
        reports = [received.report for received in stale.poll(now)]
        times[now] = stale.open_orders()
        snapshots += [report for report in reports if isinstance(report, Snapshot)]

    assert len(snapshots) > 20
    for snapshot in snapshots:
        before = max((at for at in times if at <= snapshot.at), default=START)
        after = min((at for at in times if at > snapshot.at), default=START)
        assert snapshot.open in (times[before], times[after])
        assert all(fill.at <= snapshot.at for fill in snapshot.fills)
    ages = [START + (s.request - 2) * 100 * MILLISECOND - s.at for s in snapshots]
    assert max(ages) > SECOND
    assert max(ages) < 10 * SECOND


def test_a_stale_status_may_not_know_an_order_yet() -> None:
    stale = venue(FaultPlan(stale_look=1.0))
    reports = said(stale, place(1), now=START + 5 * SECOND)
    accepted = reports[0]
    assert isinstance(accepted, Accepted)

    answers = [
        report
        for number in range(2, 30)
        for report in said(stale, QueryOrder(number, "c1", None), now=accepted.at + LATE)
    ]

    assert {
        (answer.status, answer.at >= accepted.at)
        for answer in answers
        if isinstance(answer, OrderStatus)
    } == {(Status.OPEN, True)}


# Episodes.


def test_what_is_pushed_in_a_gap_is_lost_and_a_snapshot_has_it() -> None:
    broken = venue(FaultPlan(gap=3.0), busy())
    for number in range(1, 290):
        broken.submit([place(number, BID)], START + 2 * number * SECOND)

    received = broken.poll(10 * MINUTE)
    now = 10 * MINUTE
    fills: list[Fill] = []
    while not fills:
        broken.submit([QueryOpen(1_000, 0)], now)
        now += MINUTE
        fills = [
            f for r in broken.poll(now) if isinstance(r.report, Snapshot) for f in r.report.fills
        ]

    ends = [one for one in received if isinstance(one.report, Disconnected | Reconnected)]
    pushed = {one.report.trade_id for one in received if isinstance(one.report, Fill)}
    assert len(ends) > 6
    assert all(type(one.report) is not type(other.report) for one, other in pairwise(ends))
    assert isinstance(ends[0].report, Disconnected)
    assert pushed < {fill.trade_id for fill in fills}
    for gone, back in zip(ends[::2], ends[1::2], strict=False):
        within = [one for one in received if gone.at < one.at < back.at]
        assert not any(isinstance(one.report, Fill) for one in within)


def test_sight_of_the_market_may_go_with_the_stream() -> None:
    broken = venue(FaultPlan(gap=3.0))

    ages = []
    for now in range(START, 10 * MINUTE, SECOND):
        broken.poll(now)
        ages.append(now - broken.market(now).at)

    assert sorted(ages)[len(ages) // 2] <= SECOND
    assert 5 * SECOND < max(ages) < 25 * SECOND


def test_a_venue_that_halts_refuses_requests_and_answers_queries() -> None:
    halted = venue(FaultPlan(halt_refuses=60.0, halt_max=MINUTE))
    said(halted, place(1))
    now = START + 2 * LATE
    reports = said(
        halted, place(2), modify(3, "c2", BID), Cancel(4, "c2", None, 0), QueryOpen(5, 0), now=now
    )

    refused = {type(report): report for report in reports}
    assert {Rejected, ModifyRejected, CancelRejected, Snapshot} == set(refused)
    assert {getattr(report, "reason", "halted") for report in reports} == {"halted"}


def test_a_refused_modify_in_a_halt_says_truly_that_the_order_rests() -> None:
    halted = venue(FaultPlan(halt_refuses=2.0, halt_max=MINUTE))
    said(halted, place(1))
    assert resting(halted) == ["c1"]

    reports: list[Report | NoAnswer] = []
    now = START + LATE
    while not any(isinstance(report, ModifyRejected) for report in reports):
        reports = said(halted, modify(int(now), "c1", BID - 1), now=now)
        now += LATE

    assert [report.alive for report in reports if isinstance(report, ModifyRejected)] == [Alive.YES]
    assert resting(halted) == ["c1"]


def test_a_halt_that_cancels_says_of_each_order_that_it_is_gone() -> None:
    halted = venue(FaultPlan(halt_cancels=1.0, halt_max=SECOND))
    halted.submit([place(1), place(2, BID - 5)], START)

    reports = [received.report for received in halted.poll(10 * MINUTE)]

    gone = [report for report in reports if isinstance(report, Cancelled)]
    assert {report.cloid for report in gone} == {"c1", "c2"}
    assert {(report.reason, report.request) for report in gone} == {(CancelReason.VENUE, 0)}
    assert resting(halted) == []


def test_a_venue_that_is_silent_executes_nothing() -> None:
    silent = venue(FaultPlan(halt_silent=60.0, halt_max=10 * MINUTE))
    silent.poll(MINUTE)

    assert said(silent, place(1), QueryOpen(2, 0), now=MINUTE) == []
    assert resting(silent) == []


def test_an_order_may_be_cancelled_unasked_and_that_is_pushed() -> None:
    unasked = venue(FaultPlan(unasked=10.0))

    reports = said(unasked, place(1)) + [r.report for r in unasked.poll(10 * MINUTE)]

    gone = [report for report in reports if isinstance(report, Cancelled)]
    assert [(report.cloid, report.request) for report in gone] == [("c1", 0)]
    assert gone[0].reason in (CancelReason.MARGIN, CancelReason.VENUE)
    assert resting(unasked) == []
