"""Small markets written by hand, and a paper venue without delays to play them at."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from exchange.commands import Cancel, Command, Modify, Place
from exchange.instrument import Instrument
from exchange.market import Queue, Row, RowKind
from exchange.paper.latency import LATENCIES, NO_DELAY
from exchange.paper.quota import Quota
from exchange.paper.venue import PaperVenue
from exchange.reports import Fill, Report
from exchange.units import Nanos, Price, Qty
from exchange.venue import Capabilities, NoAnswer, Received
from exchange.words import Cloid, Oid, Side

INSTRUMENT: Final = Instrument(
    "TEST", price_unit=Decimal("0.1"), lot=Decimal("0.1"), min_notional=Decimal(10)
)
"""Prices around 1000 units: one lot of size is worth as much as the least order."""
REPLACE: Final = Capabilities()
AMEND: Final = Capabilities(
    modify_keeps_oid=True,
    modify_keeps_queue_on_size_down=True,
    qty_is_total=True,
    refused_modify_may_kill=False,
)


def bbo(ts: Nanos, bid: Price, bid_qty: Qty, ask: Price, ask_qty: Qty) -> Row:
    return Row(ts, -1, RowKind.BBO, bid, bid_qty, ask, ask_qty)


def trade(ts: Nanos, price: Price, qty: Qty, side: int) -> Row:
    return Row(ts, -1, RowKind.TRADE, price=price, qty=qty, side=side)


def depth(ts: Nanos, side: int, price: Price, qty: Qty, act: str = "U") -> Row:
    return Row(ts, -1, RowKind.DEPTH, price=price, qty=qty, side=side, act=act)


def single(ts: Nanos, act: str, oid: str, side: int, price: Price, qty: Qty) -> Row:
    return Row(ts, -1, RowKind.L3, price=price, qty=qty, side=side, oid=oid, act=act)


def said(received: Iterable[Received]) -> list[Report]:
    """Return what the venue said, of what has reached us."""
    return [one.report for one in received if not isinstance(one.report, NoAnswer)]


class Play:
    """A paper venue whose requests arrive at once and whose reports are heard at once."""

    def __init__(
        self,
        rows: Iterable[Row],
        *,
        capabilities: Capabilities = REPLACE,
        quota: Quota | None = None,
        cancel_share_ahead: float = 0.5,
    ) -> None:
        self.venue = PaperVenue(
            INSTRUMENT,
            rows,
            latency=LATENCIES["none"],
            feed=NO_DELAY,
            quota=quota,
            cancel_share_ahead=cancel_share_ahead,
            capabilities=capabilities,
        )
        self.now: Nanos = 0
        self.request = 0

    def until(self, now: Nanos) -> list[Report]:
        """Let time pass; return what was said."""
        self.now = now
        return said(self.venue.poll(now))

    def fills(self, now: Nanos) -> list[tuple[Nanos, Qty, Price]]:
        """Let time pass; return time, size and price of what was filled."""
        reports = self.until(now)
        return [(fill.at, fill.qty, fill.price) for fill in reports if isinstance(fill, Fill)]

    def send(self, *commands: Command) -> list[Report]:
        """Send commands and return what is said to them."""
        self.venue.submit(commands, self.now)
        return self.until(self.now)

    def place(
        self,
        cloid: Cloid,
        side: Side,
        price: Price,
        qty: Qty,
        *,
        post_only: bool = True,
        reduce_only: bool = False,
        expires_at: Nanos = 0,
    ) -> list[Report]:
        """Place an order and return what is said to it."""
        self.request += 1
        place = Place(self.request, cloid, side, price, qty, post_only, reduce_only, expires_at)
        return self.send(place)

    def modify(
        self,
        cloid: Cloid,
        oid: Oid | None,
        side: Side,
        price: Price,
        qty: Qty,
        expires_at: Nanos = 0,
    ) -> list[Report]:
        """Modify an order, post-only, and return what is said to it."""
        self.request += 1
        return self.send(
            Modify(self.request, cloid, oid, side, price, qty, True, False, expires_at)
        )

    def cancel(self, cloid: Cloid, oid: Oid | None = None, expires_at: Nanos = 0) -> list[Report]:
        """Cancel an order and return what is said to it."""
        self.request += 1
        return self.send(Cancel(self.request, cloid, oid, expires_at))

    def queue(self, cloid: Cloid) -> Queue | None:
        """Return where an order stands now."""
        return self.venue.market(self.now).queues.get(cloid)
