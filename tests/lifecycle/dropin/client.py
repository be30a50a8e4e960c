"""A client of a made-up venue, as a bot has one: functions that answer at once, or raise.

Behind it is the paper venue, without latency. It fails as it is told to: before anything happened,
after it did, or by saying nothing.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final

from exchange.commands import Cancel, Modify, Place, QueryOrder
from exchange.paper.latency import LATENCIES
from exchange.paper.venue import PaperVenue
from exchange.reports import (
    Accepted,
    Cancelled,
    Modified,
    ModifyRejected,
    OrderStatus,
    Rejected,
    Report,
)
from exchange.units import SECOND, Nanos
from exchange.venue import Capabilities
from exchange.words import Alive, Side
from lifecycle.dropin.callbacks import Filled, Named, Refused, Resting, Ticket
from lifecycle.run.config import MarketConfig, VenueConfig
from lifecycle.run.market import load_market
from tests.lifecycle.dropin.virtual import START

FAR: Final = 1 << 62


def instant(minutes: float = 20, capabilities: Capabilities | None = None) -> PaperVenue:
    """Return a paper venue that answers at once, its book already there."""
    market = load_market(MarketConfig(minutes=minutes, seed=1), VenueConfig())
    venue = PaperVenue(
        market.instrument,
        market.rows(),
        latency=LATENCIES["none"],
        capabilities=capabilities,
    )
    venue.poll(START)
    return venue


class Client:
    """The functions."""

    def __init__(
        self,
        venue: PaperVenue,
        now: Callable[[], Nanos],
        *,
        keeps_cloids: bool = True,
    ) -> None:
        self.venue = venue
        self._now = now
        self._keeps_cloids = keeps_cloids
        self._request = 0
        self._sides: dict[str, Side] = {}
        self.calls: list[str] = []
        self.fails: dict[str, list[tuple[str, Exception]]] = {}
        """What the next calls of a function raise, and whether before or after it happened."""

    def fail(self, what: str, when: str, error: Exception) -> None:
        """Have the next call of a function raise."""
        self.fails.setdefault(what, []).append((when, error))

    def place(self, order: Ticket) -> str:
        """Place an order; return its id."""
        with _Failing(self, "place"):
            side = Side.BUY if order.side == "buy" else Side.SELL
            price, qty = self._units(order)
            self._sides[order.cloid] = side
            post_only, reduce_only = order.post_only, order.reduce_only
            number = self._number()
            told = self._ask(
                Place(number, order.cloid, side, price, qty, post_only, reduce_only, FAR)
            )
            if isinstance(told, Rejected):
                raise Refused(told.reason)
            assert isinstance(told, Accepted)
        return told.oid

    def modify(self, order: Ticket) -> str:
        """Replace an order; return its id from now on."""
        with _Failing(self, "modify"):
            price, qty = self._units(order)
            side, number = self._sides[order.cloid], self._number()
            told = self._ask(
                Modify(number, order.cloid, order.oid, side, price, qty, True, False, FAR)
            )
            if isinstance(told, ModifyRejected):
                rests = {Alive.YES: True, Alive.NO: False, Alive.UNKNOWN: None}[told.alive]
                raise Refused(told.reason, rests=rests)
            assert isinstance(told, Modified)
        return told.oid

    def cancel(self, order: Named) -> bool:
        """Cancel an order; say whether it was there."""
        with _Failing(self, "cancel"):
            told = self._ask(Cancel(self._number(), order.cloid, order.oid, FAR))
        return isinstance(told, Cancelled)

    def open_orders(self) -> list[Any]:
        """Return what rests."""
        with _Failing(self, "open_orders"):
            self.venue.poll(self._now())
            unit, lot = self.venue.instrument.price_unit, self.venue.instrument.lot
            return [
                Resting(
                    row.oid,
                    "buy" if row.side is Side.BUY else "sell",
                    row.price * unit,
                    row.qty * lot,
                    row.cloid if self._keeps_cloids else None,
                )
                for row in self.venue.open_orders()
            ]

    def fills(self, since_s: float) -> Iterable[Filled]:
        """Return what has filled."""
        self.venue.poll(self._now())
        unit, lot = self.venue.instrument.price_unit, self.venue.instrument.lot
        return [
            Filled(
                fill.oid, fill.trade_id, fill.price * unit, fill.qty * lot, at_s=fill.at / SECOND
            )
            for fill in self.venue.fills
            if fill.at >= since_s * SECOND
        ]

    def order(self, order: Named) -> dict[str, Any] | None:
        """Return what became of an order."""
        told = self._ask(QueryOrder(self._number(), order.cloid, order.oid))
        assert isinstance(told, OrderStatus)
        if told.status.value == "unknown_order":
            return None
        lot = self.venue.instrument.lot
        return {"status": told.status.value, "filled": (told.filled or 0) * lot, "oid": told.oid}

    def touch(self) -> tuple[Decimal | None, Decimal | None]:
        """Return best bid and ask."""
        market, unit = self.venue.market(self._now()), self.venue.instrument.price_unit
        return (
            None if market.bid is None else market.bid * unit,
            None if market.ask is None else market.ask * unit,
        )

    def _units(self, order: Ticket) -> tuple[int, int]:
        instrument = self.venue.instrument
        return instrument.price(order.price), instrument.qty(order.qty)

    def _number(self) -> int:
        self._request += 1
        return self._request

    def _ask(self, command: Place | Modify | Cancel | QueryOrder) -> Report:
        now = self._now()
        self.venue.submit((command,), now)
        answers = [
            one.report
            for one in self.venue.poll(now + 1)
            if getattr(one.report, "request", 0) == command.request
        ]
        assert len(answers) == 1
        return answers[0]  # type: ignore[return-value]


class _Failing:
    """One call, which raises as it was told to."""

    def __init__(self, client: Client, what: str) -> None:
        client.calls.append(what)
        left = client.fails.get(what, [])
        self._failure = left.pop(0) if left else None

    def __enter__(self) -> None:
        if self._failure is not None and self._failure[0] == "before":
            raise self._failure[1]

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if self._failure is not None and error is None:
            raise self._failure[1]
