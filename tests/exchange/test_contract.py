"""What any venue must do, whatever it is made of.

Only the contract is used: commands in, reports out. A venue is added by one more factory; its
market must hold still for ten seconds around `BID` and `ASK`. Hyperliquid's is the live client,
behind it the served paper venue.
"""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import pytest

from exchange.commands import Cancel, Command, Modify, Place, QueryOpen, QueryOrder
from exchange.market import Row
from exchange.paper.latency import LATENCIES
from exchange.paper.venue import PaperVenue
from exchange.reports import (
    Accepted,
    Cancelled,
    CancelRejected,
    Modified,
    ModifyRejected,
    OpenOrder,
    OrderStatus,
    Rejected,
    Report,
    Snapshot,
)
from exchange.units import SECOND, Nanos
from exchange.venue import Capabilities, NoAnswer, Received, Venue
from exchange.words import Alive, CancelReason, Side, Status
from tests.exchange.hyperliquid.client.wired import Wired
from tests.exchange.play import AMEND, INSTRUMENT, REPLACE, bbo

BID: Final = 1000
ASK: Final = 1010
START: Final = SECOND
LATE: Final = 10 * SECOND
"""A time by which everything has been answered."""

Make: TypeAlias = Callable[[], Venue]


def rows() -> list[Row]:
    return [bbo(second * SECOND, BID, 500, ASK, 500) for second in range(1, 60)]


def paper(capabilities: Capabilities) -> Make:
    return lambda: PaperVenue(
        INSTRUMENT, rows(), latency=LATENCIES["fast"], capabilities=capabilities, seed=1
    )


def hyperliquid() -> Venue:
    return Wired(INSTRUMENT, rows())


@pytest.fixture(
    params=[paper(REPLACE), paper(AMEND), hyperliquid],
    ids=["paper-replace", "paper-amend", "hyperliquid"],
)
def venue(request: pytest.FixtureRequest) -> Iterator[Venue]:
    made: Venue = request.param()
    made.poll(START)
    yield made
    if isinstance(made, Wired):
        made.close()


def place(request: int, cloid: str = "a", price: int = BID, qty: int = 50) -> Place:
    return Place(request, cloid, Side.BUY, price, qty, True, False, START + 5 * SECOND)


def modify(request: int, oid: str | None, price: int, qty: int = 50) -> Modify:
    expires_at = START + 100 * SECOND
    return Modify(request, "a", oid, Side.BUY, price, qty, True, False, expires_at)


def said(venue: Venue, *commands: Command, now: Nanos = START) -> list[Report]:
    """Send commands at `now` and return all that is said within ten seconds."""
    venue.submit(commands, now)
    received = venue.poll(now + LATE)
    return [one.report for one in received if not isinstance(one.report, NoAnswer)]


def accepted(venue: Venue) -> str:
    """Place an order that is accepted, and return its oid."""
    reports = said(venue, place(1))
    assert [type(report) for report in reports] == [Accepted]
    report = reports[0]
    assert isinstance(report, Accepted)
    return report.oid


def test_a_place_is_answered_under_its_request_number(venue: Venue) -> None:
    reports = said(venue, place(7))

    assert [(type(r), getattr(r, "request", None)) for r in reports] == [(Accepted, 7)]


def test_nothing_is_answered_before_it_was_sent_and_everything_once(venue: Venue) -> None:
    venue.submit([place(1)], START)

    early = venue.poll(START)
    received = venue.poll(START + LATE)
    again = venue.poll(START + LATE)

    assert early == again == []
    assert len(received) == 1
    assert START < received[0].at <= START + LATE


def test_reports_come_in_the_order_of_their_arrival(venue: Venue) -> None:
    venue.submit([place(n, f"c{n}", BID - n) for n in range(1, 6)], START)
    venue.submit([Cancel(9, "c1", None, 0), QueryOpen(10, 0)], START + SECOND)

    received: list[Received] = venue.poll(START + LATE)

    assert [one.at for one in received] == sorted(one.at for one in received)
    assert len(received) == 7


def test_a_cloid_that_is_live_cannot_be_placed_again(venue: Venue) -> None:
    if isinstance(venue, Wired):
        pytest.skip("what Hyperliquid does with such a place is not known")
    accepted(venue)

    again = Place(2, "a", Side.BUY, BID, 50, True, False, START + 100 * SECOND)
    reports = said(venue, again, now=START + LATE)

    assert [type(report) for report in reports] == [Rejected]


@pytest.mark.parametrize(
    ("price", "qty"), [(0, 50), (-5, 50), (BID, 0), (BID, -1), (50, 1), (ASK, 50), (ASK + 5, 50)]
)
def test_an_order_that_is_malformed_or_would_take_is_rejected(
    venue: Venue, price: int, qty: int
) -> None:
    reports = said(venue, place(1, price=price, qty=qty))

    assert [type(report) for report in reports] == [Rejected]
    assert isinstance(reports[0], Rejected)
    assert reports[0].request == 1
    assert reports[0].reason


def test_a_request_that_has_expired_is_refused(venue: Venue) -> None:
    late = Place(1, "a", Side.BUY, BID, 50, True, False, START - 1)

    reports = said(venue, late)

    assert [type(report) for report in reports] == [Rejected]


def test_a_cancel_is_answered_once_and_the_second_is_too_late(venue: Venue) -> None:
    oid = accepted(venue)

    first = said(venue, Cancel(2, "a", oid, 0), now=START + LATE)
    second = said(venue, Cancel(3, "a", oid, 0), now=START + 2 * LATE)

    assert len(first) == len(second) == 1
    assert isinstance(first[0], Cancelled)
    assert (first[0].oid, first[0].request, first[0].reason) == (oid, 2, CancelReason.USER)
    assert isinstance(second[0], CancelRejected)
    assert (second[0].request, second[0].reason) == (3, "too_late")


def test_a_cancel_of_what_never_was_is_refused(venue: Venue) -> None:
    reports = said(venue, Cancel(1, "nobody", None, 0))

    assert [type(report) for report in reports] == [CancelRejected]


def test_a_modify_names_the_oid_that_rests_from_then_on(venue: Venue) -> None:
    oid = accepted(venue)

    reports = said(venue, modify(2, oid, BID - 3, 70), now=START + LATE)
    modified = next(report for report in reports if isinstance(report, Modified))
    others = [report for report in reports if report is not modified]
    cancelled = said(venue, Cancel(3, "a", modified.oid, 0), now=START + 2 * LATE)

    assert (modified.request, modified.price, modified.qty) == (2, BID - 3, 70)
    assert (modified.oid == oid) is venue.capabilities.modify_keeps_oid
    if venue.capabilities.modify_keeps_oid:
        assert others == []
    else:
        gone = others[0]
        assert isinstance(gone, Cancelled)
        assert (gone.oid, gone.reason, gone.request) == (oid, CancelReason.REPLACED, 0)
    assert [type(report) for report in cancelled] == [Cancelled]


def test_a_malformed_modify_leaves_the_order_as_it_was(venue: Venue) -> None:
    oid = accepted(venue)

    refused = said(venue, modify(2, oid, 0), now=START + LATE)
    snapshot = said(venue, QueryOpen(3, 0), now=START + 2 * LATE)

    assert [type(report) for report in refused] == [ModifyRejected]
    assert isinstance(refused[0], ModifyRejected)
    # Unknown, where the venue's word is not known to say it.
    assert refused[0].alive in {Alive.YES, Alive.UNKNOWN}
    assert refused[0].request == 2
    assert isinstance(snapshot[0], Snapshot)
    assert snapshot[0].open == (OpenOrder(oid, "a", Side.BUY, BID, 50),)


def test_a_modify_that_would_take_says_truly_whether_the_order_rests(venue: Venue) -> None:
    oid = accepted(venue)

    refused = said(venue, modify(2, oid, ASK), now=START + LATE)
    snapshot = said(venue, QueryOpen(3, 0), now=START + 2 * LATE)

    # That it is gone may be pushed before the request is answered.
    (answer,) = [report for report in refused if isinstance(report, ModifyRejected)]
    assert isinstance(snapshot[0], Snapshot)
    rests = snapshot[0].open != ()
    assert answer.alive is (Alive.YES if rests else Alive.NO)
    assert rests or venue.capabilities.refused_modify_may_kill


def test_a_modify_of_what_is_gone_says_so(venue: Venue) -> None:
    reports = said(venue, modify(1, "404", BID))

    assert [type(report) for report in reports] == [ModifyRejected]
    assert isinstance(reports[0], ModifyRejected)
    assert reports[0].alive is Alive.NO


def test_a_query_tells_an_open_order_from_one_never_heard_of(venue: Venue) -> None:
    oid = accepted(venue)

    reports = said(venue, QueryOrder(2, "a", oid), QueryOrder(3, "b", None), now=START + LATE)

    assert [type(report) for report in reports] == [OrderStatus, OrderStatus]
    known, unknown = reports
    assert isinstance(known, OrderStatus)
    assert isinstance(unknown, OrderStatus)
    assert (known.status, known.oid, known.request) == (Status.OPEN, oid, 2)
    assert known.filled in {0, None}
    assert (unknown.status, unknown.request) == (Status.UNKNOWN_ORDER, 3)


def test_a_snapshot_is_of_the_time_when_the_venue_looked(venue: Venue) -> None:
    oid = accepted(venue)
    venue.submit([QueryOpen(2, 0)], START + LATE)

    received = venue.poll(START + 2 * LATE)

    assert len(received) == 1
    snapshot = received[0].report
    assert isinstance(snapshot, Snapshot)
    assert snapshot.open == (OpenOrder(oid, "a", Side.BUY, BID, 50),)
    assert START + LATE <= snapshot.at <= received[0].at
    assert snapshot.request == 2
