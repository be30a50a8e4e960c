"""Which of a venue's orders is which of ours, where the venue may not keep our names."""

import logging
from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from exchange.commands import Cancel, Modify, Place, Request
from exchange.reports import OpenOrder
from exchange.units import MINUTE, Nanos
from exchange.words import Cloid, Oid
from lifecycle.core.order import Order
from spec.states import Request as Asked

log = logging.getLogger(__name__)

DOUBT: Final = 10 * MINUTE
"""How long an order without a name is looked for by what it looks like."""
LOST: Final = frozenset(
    {Asked.PLACING, Asked.PLACING_IN_DOUBT, Asked.MODIFYING, Asked.MODIFYING_IN_DOUBT}
)
"""What may have brought an order under an id that nobody has heard of."""


class Names:
    """Which of the venue's orders is which of ours."""

    def __init__(self) -> None:
        self.looked_at: Nanos = 0
        """When the last look was asked for that has come to something."""
        self._cloids: dict[Oid, Cloid] = {}
        self._listed: frozenset[Oid] = frozenset()
        """At the last look."""
        self._lost: dict[Cloid, tuple[Place | Modify, frozenset[Oid], Nanos]] = {}
        """What may rest under an id that nobody has told, what rested before, and since when."""

    def sending(self, command: Request, now: Nanos) -> None:
        """Note that a request leaves."""
        if not isinstance(command, Cancel):
            self._lost[command.cloid] = (command, self._listed, now)

    def restored(self, orders: Iterable[Order], now: Nanos) -> None:
        """Learn of what another process knew when it died, or this one before it left."""
        oids = {order.leg.oid: order.cloid for order in orders if order.leg.oid is not None}
        self._cloids |= oids
        for one in orders:
            if one.request in LOST:
                price, qty, number = one.goal_price, one.goal_qty, one.request_no
                sent = Place(number, one.cloid, one.side, price, qty, False, one.reduce_only, 0)
                self._lost[one.cloid] = (sent, frozenset(oids), now)

    def settled(self, command: Request, oid: Oid | None) -> None:
        """Note the id that an order has now; None: none of this request."""
        self._lost.pop(command.cloid, None)
        if oid is not None:
            self._cloids[oid] = command.cloid

    def named(
        self, rows: Iterable[tuple[OpenOrder, Cloid | None]], asked: Nanos
    ) -> tuple[OpenOrder, ...]:
        """Return the rows of a look, each with the cloid that it has or must have."""
        named = tuple(self._name(row, cloid, asked) for row, cloid in rows)
        self._listed = frozenset(row.oid for row in named)
        self.looked_at = asked
        return named

    def _name(self, row: OpenOrder, told: Cloid | None, asked: Nanos) -> OpenOrder:
        cloid = self._cloids.get(row.oid)
        if told is not None:
            cloid = cloid or self._within(row, told)
        elif cloid is None:
            cloid = self._by_looks(row, asked)
        return row if cloid is None else replace(row, cloid=cloid)

    def _within(self, row: OpenOrder, told: Cloid) -> Cloid:
        """Return ours where a row names it; some venues put something before it, or behind."""
        for cloid, (sent, before, _) in self._lost.items():
            if cloid in told:
                if told == cloid or row.oid not in before:
                    self.settled(sent, row.oid)
                return cloid
        return told

    def _by_looks(self, row: OpenOrder, asked: Nanos) -> Cloid | None:
        for cloid, (sent, before, since) in list(self._lost.items()):
            if since + DOUBT < asked:
                del self._lost[cloid]
            elif (
                row.oid not in before
                and (row.side, row.price) == (sent.side, sent.price)
                and row.qty <= sent.qty
            ):
                self.settled(sent, row.oid)
                log.warning("order %s is taken for %s, by what it looks like", row.oid, cloid)
                return cloid
        return None
