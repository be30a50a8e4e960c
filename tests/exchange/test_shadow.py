"""A dry run: what a shadow answers, and that nothing passes it."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

from exchange.commands import Cancel, Command, Modify, Place, QueryOpen, QueryOrder
from exchange.instrument import Instrument
from exchange.market import Market, Row, RowKind
from exchange.paper.shadow import ShadowVenue
from exchange.reports import (
    Accepted,
    Cancelled,
    Disconnected,
    Fill,
    Modified,
    OrderStatus,
    Reconnected,
    Rejected,
    Report,
    Snapshot,
)
from exchange.units import MILLISECOND, Nanos
from exchange.venue import Capabilities, NoAnswer, Received
from exchange.words import Side, Status

INSTRUMENT = Instrument("SHADE", price_unit=Decimal("0.1"), lot=Decimal("0.01"))
TRIP = 10


class Window:
    """A live venue that can be looked at, and must not be sent anything."""

    def __init__(self) -> None:
        self.instrument = INSTRUMENT
        self.capabilities = Capabilities()
        self.rows: list[Row] = []
        self.said: list[Received] = []
        self.waited: list[float] = []

    def submit(self, commands: Sequence[Command], now: Nanos) -> None:
        """Fail: that is what a dry run must never do."""
        raise AssertionError(f"{commands} were sent at {now}")

    def poll(self, now: Nanos) -> list[Received]:
        """Return what was said."""
        del now
        said, self.said = self.said, []
        return said

    async def wait(self, timeout_s: float) -> bool:
        """Note how long was waited for."""
        self.waited.append(timeout_s)
        return False

    def market(self, now: Nanos) -> Market:
        """Return a book."""
        return Market(now, 9_990, 10_010)

    def seen(self, now: Nanos) -> list[Row]:
        """Return what has come."""
        del now
        rows, self.rows = self.rows, []
        return rows


def shadow() -> tuple[Window, ShadowVenue]:
    window = Window()
    window.rows = [Row(1, 1, RowKind.BBO, 9_990, 500, 10_010, 500)]
    venue = ShadowVenue(window, trip=TRIP)
    venue.poll(1)
    return window, venue


def place(price: int = 9_990, qty: int = 100, request: int = 1, cloid: str = "a") -> Place:
    return Place(request, cloid, Side.BUY, price, qty, True, False, 0)


def said(venue: ShadowVenue, now: Nanos) -> list[Report | NoAnswer]:
    return [received.report for received in venue.poll(now)]


def trade(at: Nanos, price: int, qty: int) -> Row:
    return Row(at, at, RowKind.TRADE, price=price, qty=qty, side=-1)


def test_a_place_is_answered_after_there_and_back_and_nothing_is_sent() -> None:
    _, venue = shadow()

    venue.submit([place()], 100)

    assert said(venue, 100 + 2 * TRIP - 1) == []
    assert said(venue, 100 + 2 * TRIP) == [Accepted(110, "a", "1000001", 1)]
    assert [order.cloid for order in venue.open_orders()] == ["a"]


def test_a_modify_and_a_cancel_do_what_they_say() -> None:
    _, venue = shadow()
    venue.submit([place()], 100)
    venue.submit([Modify(2, "a", "1000001", Side.BUY, 9_980, 200, True, False, 0)], 200)
    venue.submit([Cancel(3, "a", "1000002", 0)], 300)

    reports = said(venue, 400)

    assert [type(report) for report in reports] == [Accepted, Cancelled, Modified, Cancelled]
    assert venue.open_orders() == ()


def test_a_post_only_order_that_would_take_is_rejected() -> None:
    _, venue = shadow()

    venue.submit([place(price=10_010)], 100)

    assert said(venue, 200) == [Rejected(110, "a", "post_only", 1)]


def test_an_order_fills_when_what_stood_ahead_has_traded() -> None:
    window, venue = shadow()
    venue.submit([place()], 100)
    venue.poll(150)

    window.rows = [trade(160, 9_990, 450)]
    before = said(venue, 170)
    window.rows = [trade(180, 9_990, 80)]
    fills = said(venue, 190)

    assert before == []
    assert [(f.qty, f.price) for f in fills if isinstance(f, Fill)] == [(30, 9_990)]


def test_an_order_fills_whole_when_the_market_trades_through_it() -> None:
    window, venue = shadow()
    venue.submit([place()], 100)
    venue.poll(150)

    window.rows = [trade(160, 9_980, 1)]

    assert [f.qty for f in said(venue, 170) if isinstance(f, Fill)] == [100]
    assert venue.open_orders() == ()


def test_questions_are_answered_from_what_rests_here() -> None:
    _, venue = shadow()
    venue.submit([place()], 100)
    venue.submit([QueryOpen(2, 0), QueryOrder(3, "a", None), QueryOrder(4, "b", None)], 200)

    reports = said(venue, 300)

    snapshot = next(report for report in reports if isinstance(report, Snapshot))
    statuses = [report.status for report in reports if isinstance(report, OrderStatus)]
    assert [order.cloid for order in snapshot.open] == ["a"]
    assert statuses == [Status.OPEN, Status.UNKNOWN_ORDER]


def test_of_the_live_venue_only_the_stream_is_heard() -> None:
    window, venue = shadow()
    window.said = [
        Received(5, Disconnected(5)),
        Received(6, Fill(6, None, "9", 1, 1, "real")),
        Received(7, Reconnected(7)),
    ]

    assert said(venue, 10) == [Disconnected(5), Reconnected(7)]


def test_what_is_said_comes_in_the_order_of_its_time() -> None:
    window, venue = shadow()
    venue.submit([place()], 100)
    window.said = [Received(115, Disconnected(115))]

    times = [received.at for received in venue.poll(200)]

    assert times == sorted(times)
    assert len(times) == 2


def test_it_waits_no_longer_than_until_an_answer_is_due() -> None:
    window, venue = shadow()
    venue.submit([place()], 100)

    asyncio.run(venue.wait(10.0))

    assert window.waited == [TRIP / 1_000 / MILLISECOND]


def test_rows_are_seen_once_by_the_bot_and_by_the_orders() -> None:
    window, venue = shadow()
    rows = [trade(5, 9_990, 1), trade(6, 9_990, 1)]
    window.rows = list(rows)

    venue.poll(10)
    seen = venue.seen(10)

    assert seen[-2:] == rows
    assert venue.seen(11) == []


def test_the_market_shows_where_orders_would_stand() -> None:
    _, venue = shadow()
    venue.submit([place()], 100)
    venue.poll(200)

    assert venue.market(200).queues["a"].ahead == 500
