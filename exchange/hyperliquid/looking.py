"""Looks at the venue: what is open, what has filled, what became of one order.

What a look shows may lag behind what the venue has done, by some blocks. It is therefore taken a
while after it was asked for (`Options.look_lag_ms`), and its answer is evidence for the moment of
the asking: all that was done by then is in it. So "there is no such order", which right after a
place says nothing, says what it seems to. Open orders are listed first and fills asked for when
that is answered, so that an order which fills in between is in both rather than in neither.

A look that fails after its tries is not answered; whoever asked asks again in time.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from exchange.commands import QueryOpen, QueryOrder
from exchange.hyperliquid.clock import Clock, Offset
from exchange.hyperliquid.codec import Codec
from exchange.hyperliquid.connection import Options, VenueError
from exchange.hyperliquid.rest import Rest
from exchange.hyperliquid.sight import Sight
from exchange.hyperliquid.wire_info import (
    BasicOrder,
    GetOrderStatus,
    OrderStatusReply,
    UserFill,
    UserFillsByTime,
)
from exchange.reports import Fill, OrderStatus, Snapshot
from exchange.units import SECOND, Nanos, seconds
from exchange.words import Status

log = logging.getLogger(__name__)

PAGE: Final = 2000
"""Fills in one answer."""
PAGES_MAX: Final = 6
"""The venue keeps 10000 fills."""


class Looker:
    """Answers the queries about one account."""

    def __init__(
        self,
        user: str,
        codec: Codec,
        rest: Rest,
        clock: Clock,
        offset: Offset,
        sight: Sight,
        options: Options,
        *,
        say: Callable[[Snapshot | OrderStatus], None],
        counts: Counter[str],
    ) -> None:
        self._user: Final = user
        self._codec: Final = codec
        self._rest: Final = rest
        self._clock: Final = clock
        self._offset: Final = offset
        self._sight: Final = sight
        self._options: Final = options
        self._say: Final = say
        self._counts: Final = counts
        self._opened_at: Final[Nanos] = clock.now()

    async def look(self, query: QueryOrder | QueryOpen) -> None:
        """Answer a query, or fail to."""
        asked = self._clock.now()
        await asyncio.sleep(self._options.look_lag / SECOND)
        try:
            if isinstance(query, QueryOpen):
                await self._open(query, asked)
            else:
                await self._order(query, asked)
        except VenueError as error:
            self._counts["looks failed"] += 1
            log.warning("a look at the venue failed: %s", error)

    async def _open(self, query: QueryOpen, asked: Nanos) -> None:
        # Who has never looked wants to know what happens from now on, not an account's history.
        since = query.fills_since if query.fills_since > 0 else self._opened_at
        theirs = self._offset.theirs(since) - seconds(self._options.fills_overlap_s)
        shifted = replace(query, fills_since=max(0, theirs))
        of_open, of_fills = self._codec.open_questions(self._user, shifted)
        changes = self._sight.changes
        orders: list[BasicOrder] = await self._rest.ask(of_open)
        fills = await self._fills(of_fills)
        snapshot = self._codec.read_snapshot(query, orders, fills, asked)
        heard = self._clock.now()
        told = tuple(self.in_our_time(fill, heard) for fill in snapshot.fills)
        self._sight.on_open(snapshot.open, changes)
        self._say(replace(snapshot, fills=told))

    async def _fills(self, question: UserFillsByTime) -> list[UserFill]:
        """Return all fills since a time, page by page."""
        found: dict[tuple[int, int, int], UserFill] = {}
        for _ in range(PAGES_MAX):
            page: list[UserFill] = await self._rest.ask(question)
            found.update({(fill.time, fill.tid, fill.oid): fill for fill in page})
            if len(page) < PAGE or page[-1].time == question.start_time:
                return list(found.values())
            question = replace(question, start_time=page[-1].time)
        log.warning("there are more fills than the venue shows: some may be missing")
        self._counts["fills beyond what is shown"] += 1
        return list(found.values())

    async def _order(self, query: QueryOrder, asked: Nanos) -> None:
        try:
            question = self._codec.order_question(self._user, query)
        except ValueError as error:
            self._counts["unsayable"] += 1
            log.warning("an order cannot be asked about: %s", error)
            return
        reply: OrderStatusReply = await self._rest.ask(question)
        status = self._codec.read_status(query, reply, asked)
        is_unknown = status is not None and status.status is Status.UNKNOWN_ORDER
        if is_unknown and query.oid is not None and question.oid != int(query.oid):
            # A cloid is found late; an oid that was named to us is not.
            reply = await self._rest.ask(GetOrderStatus(self._user, int(query.oid)))
            status = self._codec.read_status(query, reply, asked)
        if status is not None:
            self._say(status)

    def in_our_time(self, fill: Fill, heard: Nanos) -> Fill:
        """Return a fill with its time in our clock."""
        return replace(fill, at=self._offset.ours(fill.at, heard))
