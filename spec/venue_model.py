"""An honest but adversarial venue, for the explorer and the stateful tests.

Honest: it does what a venue may do, and says nothing that is not so. Adversarial: it chooses the
worst moment. Requests are unordered and may arrive late, until they expire; what it says goes out
on streams, each in order, with no order across them: answers to requests, pushed order updates,
fills, and answers to queries. A snapshot is a look at one moment, delivered whenever.

It is written from the venue contract alone and shares nothing with the paper venue, which is
tested to be a refinement of it.
"""

import enum
from typing import Final

from exchange.commands import Cancel, Modify, Place, QueryOpen, QueryOrder
from exchange.reports import (
    Accepted,
    Cancelled,
    CancelRejected,
    Fill,
    Modified,
    ModifyRejected,
    OpenOrder,
    OrderStatus,
    Rejected,
    Report,
    Snapshot,
)
from exchange.units import Nanos, Price, Qty
from exchange.words import Alive, CancelReason, Cloid, Oid, Side, Status


class Stream(enum.IntEnum):
    """What the venue says things on."""

    ANSWERS = 0
    PUSHES = 1
    FILLS = 2
    LOOKS = 3
    """Answers to queries."""


STREAMS: Final = tuple(Stream)


class Verdict(enum.StrEnum):
    """How the venue takes a request; all but the first are its own free choice."""

    GRANT = "grant"
    REFUSE = "refuse"
    """Nothing changes."""
    REFUSE_KILL = "refuse-kill"
    """A modify that would cross: refused, and the old order is gone."""
    REFUSE_UNKNOWN = "refuse-unknown"
    """Refused, without saying what rests; nothing changes."""


# Members looked up once: before Python 3.12 each access costs a function call.
_OPEN: Final = Status.OPEN
_GRANT: Final = Verdict.GRANT
_OF_CANCELS: Final = [Verdict.GRANT, Verdict.REFUSE_UNKNOWN]
_OF_PLACES: Final = [Verdict.GRANT, Verdict.REFUSE]
_OF_AMENDMENTS: Final = [Verdict.GRANT, Verdict.REFUSE, Verdict.REFUSE_UNKNOWN]
_OF_REPLACEMENTS: Final = [*_OF_AMENDMENTS, Verdict.REFUSE_KILL]
NAMELESS: Final = "oid:"
"""How the cloids begin by which we know, by their oids, orders that have none."""


class Resting:
    """One oid that has been on the book."""

    __slots__ = ("cloid", "filled", "oid", "price", "qty", "side", "status")

    def __init__(self, oid: Oid, cloid: Cloid, side: Side, price: Price, qty: Qty) -> None:
        self.oid = oid
        self.cloid = cloid
        self.side = side
        self.price = price
        self.qty = qty
        self.filled: Qty = 0
        self.status = _OPEN

    @property
    def leaves(self) -> Qty:
        """What still rests."""
        return self.qty - self.filled if self.status is _OPEN else 0

    @property
    def name(self) -> Cloid | None:
        """The cloid that the venue says of it; None where it was sent without one."""
        return None if self.cloid.startswith(NAMELESS) else self.cloid

    def clone(self) -> "Resting":
        """Return a copy."""
        other = Resting(self.oid, self.cloid, self.side, self.price, self.qty)
        other.filled = self.filled
        other.status = self.status
        return other


class VenueModel:
    """The venue's own truth, and what it has said that nobody has heard yet."""

    __slots__ = ("amends", "book", "changed_at", "fills", "position", "streams", "trades", "uplink")

    def __init__(self, *, amends: bool) -> None:
        self.amends = amends
        self.book: list[Resting] = []
        """Every oid there has been, oldest first; those that rest are `OPEN`."""
        self.fills: list[Fill] = []
        """All executions: snapshots carry them."""
        self.position = 0
        self.trades = 0
        self.changed_at: Nanos = 0
        """When the truth changed last."""
        self.uplink: list[Place | Modify | Cancel] = []
        """Requests on their way, in no order."""
        self.streams: tuple[list[Report], ...] = ([], [], [], [])

    def clone(self) -> "VenueModel":
        """Return a copy that shares only values."""
        other = VenueModel(amends=self.amends)
        other.book = [resting.clone() for resting in self.book]
        other.fills = self.fills.copy()
        other.position = self.position
        other.trades = self.trades
        other.changed_at = self.changed_at
        other.uplink = self.uplink.copy()
        other.streams = tuple(stream.copy() for stream in self.streams)
        return other

    # What it knows.

    def resting(self) -> list[Resting]:
        """Return what rests now."""
        return [one for one in self.book if one.status is _OPEN]

    def current(self, cloid: Cloid, oid: Oid | None = None) -> Resting | None:
        """Return the newest oid of a cloid; of an order without one, that of any of its oids."""
        if cloid.startswith(NAMELESS):
            cloid = next((one.cloid for one in self.book if one.oid == oid), cloid)
        for one in reversed(self.book):
            if one.cloid == cloid:
                return one
        return None

    def verdicts(self, request: Place | Modify | Cancel) -> list[Verdict]:
        """Return how the venue may take a request, the ordinary way first; not to be changed."""
        if type(request) is Cancel:
            return _OF_CANCELS
        if type(request) is Place:
            return _OF_PLACES
        return _OF_AMENDMENTS if self.amends else _OF_REPLACEMENTS

    # What it does.

    def expire(self, now: Nanos) -> None:
        """Drop requests that can no longer be executed."""
        if self.uplink:
            self.uplink = [request for request in self.uplink if now < request.expires_at]

    def execute(self, index: int, verdict: Verdict, now: Nanos) -> None:
        """Take a request that has arrived."""
        request = self.uplink.pop(index)
        if type(request) is Place:
            self._place(request, verdict, now)
        elif type(request) is Modify:
            self._modify(request, verdict, now)
        elif type(request) is Cancel:
            self._cancel(request, verdict, now)

    def _say(self, stream: Stream, report: Report) -> None:
        self.streams[stream].append(report)

    def _new_oid(self) -> Oid:
        return str(len(self.book) + 1)

    def _place(self, place: Place, verdict: Verdict, now: Nanos) -> None:
        if verdict is not _GRANT:
            self._say(Stream.ANSWERS, Rejected(now, place.cloid, "post_only", place.request))
            return
        oid = self._new_oid()
        self.book.append(Resting(oid, place.cloid, place.side, place.price, place.qty))
        self.changed_at = now
        self._say(Stream.ANSWERS, Accepted(now, place.cloid, oid, place.request))

    def _modify(self, modify: Modify, verdict: Verdict, now: Nanos) -> None:
        old = self.current(modify.cloid, modify.oid)
        alive = old is not None and old.status is _OPEN
        if old is None or not alive:
            self._refuse(modify, Alive.NO, now)
        elif verdict is Verdict.REFUSE:
            self._refuse(modify, Alive.YES, now)
        elif verdict is Verdict.REFUSE_UNKNOWN:
            self._refuse(modify, Alive.UNKNOWN, now)
        elif verdict is Verdict.REFUSE_KILL:
            old.status = Status.CANCELLED
            self.changed_at = now
            self._refuse(modify, Alive.NO, now)
        elif self.amends:
            self._amend(old, modify, now)
        else:
            self._replace(old, modify, now)

    def _refuse(self, modify: Modify, alive: Alive, now: Nanos) -> None:
        answer = ModifyRejected(now, modify.cloid, "refused", alive, modify.request)
        self._say(Stream.ANSWERS, answer)

    def _amend(self, old: Resting, modify: Modify, now: Nanos) -> None:
        self.changed_at = now
        if modify.qty <= old.filled:
            # Nothing would remain: the amendment is turned down, the order rests as it was.
            self._refuse(modify, Alive.YES, now)
            return
        old.price, old.qty = modify.price, modify.qty
        answer = Modified(now, old.cloid, old.oid, old.qty, old.price, modify.request)
        self._say(Stream.ANSWERS, answer)

    def _replace(self, old: Resting, modify: Modify, now: Nanos) -> None:
        self.changed_at = now
        old.status = Status.CANCELLED
        oid = self._new_oid()
        self.book.append(Resting(oid, old.cloid, old.side, modify.price, modify.qty))
        self._say(Stream.PUSHES, Cancelled(now, old.name, old.oid, CancelReason.REPLACED))
        answer = Modified(now, old.cloid, oid, modify.qty, modify.price, modify.request)
        self._say(Stream.ANSWERS, answer)

    def _cancel(self, cancel: Cancel, verdict: Verdict, now: Nanos) -> None:
        old = self.current(cancel.cloid, cancel.oid)
        if old is None or old.status is not _OPEN:
            answer = CancelRejected(now, cancel.cloid, "too_late", cancel.request)
            self._say(Stream.ANSWERS, answer)
        elif verdict is not _GRANT:
            answer = CancelRejected(now, cancel.cloid, "unknown", cancel.request)
            self._say(Stream.ANSWERS, answer)
        else:
            old.status = Status.CANCELLED
            self.changed_at = now
            gone = Cancelled(now, old.name, old.oid, CancelReason.USER, cancel.request)
            self._say(Stream.ANSWERS, gone)

    def fill(self, one: Resting, qty: Qty, now: Nanos) -> None:
        """Execute a part or all of what rests."""
        assert 0 < qty <= one.leaves, f"a fill must be within what rests, was {qty}"
        self.trades += 1
        one.filled += qty
        if one.filled == one.qty:
            one.status = Status.FILLED
        self.position += qty * one.side
        self.changed_at = now
        fill = Fill(now, one.name, one.oid, qty, one.price, f"t{self.trades}", one.side)
        self.fills.append(fill)
        self._say(Stream.FILLS, fill)

    def cancel_unasked(self, one: Resting, now: Nanos) -> None:
        """Cancel what rests without having been asked: margin, self-trade, the venue's own."""
        one.status = Status.CANCELLED
        self.changed_at = now
        self._say(Stream.PUSHES, Cancelled(now, one.name, one.oid, CancelReason.MARGIN))

    def place_for_another(
        self, side: Side, price: Price, qty: Qty, now: Nanos, cloid: Cloid | None = None
    ) -> None:
        """Rest an order that somebody else has sent on our account, perhaps without a cloid."""
        oid = self._new_oid()
        self.book.append(Resting(oid, cloid or f"{NAMELESS}{oid}", side, price, qty))
        self.changed_at = now

    # What it answers.

    def look(self, query: QueryOrder | QueryOpen, now: Nanos) -> None:
        """Look at the truth now; the answer is said, and heard whenever."""
        if type(query) is not QueryOrder:
            rows = tuple(
                OpenOrder(one.oid, one.name, one.side, one.price, one.leaves)
                for one in self.resting()
            )
            self._say(Stream.LOOKS, Snapshot(now, rows, tuple(self.fills), query.request))
            return
        one = self.current(query.cloid, query.oid)
        filled = sum(leg.filled for leg in self.book if one and leg.cloid == one.cloid)
        if one is None:
            answer = OrderStatus(now, query.cloid, Status.UNKNOWN_ORDER, None, None, query.request)
        else:
            answer = OrderStatus(now, query.cloid, one.status, filled, one.oid, query.request)
        self._say(Stream.LOOKS, answer)
