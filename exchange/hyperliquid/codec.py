"""Our commands to Hyperliquid's wire, and what comes back to our reports.

Stateless but for a count of what it could not map: which order is which, and which clock says
when, is the caller's. What the words mean stands in `codec_words`. An outcome that is not certain
comes back as `NoAnswer`, and `on_unmapped` is told: it is never guessed.

**Modifies** are sent as a batch of one or more, because the single form does not answer with the
new oid. Their size is what the new leg comes on the book with.

**Fills** are the truth about what has been executed: an acknowledgement that says "filled" gives
the oid and no more, and a status of "filled" comes as fills.
"""

from collections.abc import Callable, Container, Iterable, Sequence
from decimal import Decimal
from typing import Final, TypeAlias, assert_never

from msgspec import DecodeError, Struct

from exchange import reports
from exchange.commands import Cancel, Modify, Place, QueryOpen, QueryOrder, Request
from exchange.hyperliquid import wire
from exchange.hyperliquid.codec_cloids import from_wire, is_sent, to_wire
from exchange.hyperliquid.codec_words import (
    LIMITED,
    REFUSING_HTTP,
    Row,
    find_error,
    find_status,
)
from exchange.hyperliquid.instruments import Asset
from exchange.hyperliquid.wire_info import (
    BasicOrder,
    FrontendOrder,
    GetOrderStatus,
    OpenOrders,
    OrderStatusReply,
    UserFill,
    UserFillsByTime,
)
from exchange.hyperliquid.wire_socket import OrderUpdate, UserEvent
from exchange.reports import Report
from exchange.units import MILLISECOND, Nanos, Price
from exchange.venue import NoAnswer
from exchange.words import Alive, CancelReason, Cloid, Outcome, Side, Status

HTTP_OK: Final = 200
SUCCESS: Final = "success"
"""Of a cancel."""
UNKNOWN_OID: Final = "unknownOid"

_SIDES: Final = {"B": Side.BUY, "A": Side.SELL}
_POST_ONLY: Final = wire.OrderType(wire.Limit("Alo"))
_GOOD_TILL_CANCELLED: Final = wire.OrderType(wire.Limit("Gtc"))

Said: TypeAlias = Report | NoAnswer


class Unmapped(Struct, frozen=True):
    """Something that the venue said and that we do not understand, or not in this place."""

    where: str
    """What it was said about: place, modify, cancel, action, status or update."""
    text: str


class Batch(Struct, frozen=True):
    """An action to be signed and sent, and the commands that it carries, item by item."""

    action: wire.Action
    commands: tuple[Request, ...]

    @property
    def expires_at(self) -> Nanos:
        """The earliest expiry of its commands, 0 if none has any."""
        return min((one.expires_at for one in self.commands if one.expires_at > 0), default=0)


class Told(Struct, frozen=True):
    """What an answer to an action proves."""

    said: list[Said]
    """In the order of the commands, and `Limited` after them where the address is limited."""
    fatal: str = ""
    """Why nothing that we could send would fare better; empty otherwise."""


class Codec:
    """Translates for one asset of one account."""

    def __init__(
        self,
        asset: Asset,
        *,
        origin: Nanos = 0,
        cloids: bool = True,
        on_unmapped: Callable[[Unmapped], None] | None = None,
    ) -> None:
        """`origin` is the wall-clock time, in nanoseconds, at which the caller's clock shows 0.

        Without `cloids` orders are placed without a client order id, for dexes that do not take
        them: an order whose acknowledgement is lost can then only be recognised by a person.
        """
        self._asset: Final = asset
        self._instrument: Final = asset.instrument
        self._origin: Final = origin
        self._cloids: Final = cloids
        self._on_unmapped: Final = on_unmapped
        self.unmapped = 0
        """How often we did not understand."""

    # Out.

    def batches(self, commands: Iterable[Request]) -> list[Batch]:
        """Return the actions for some commands, at most 200 to each, in order within a kind.

        Post-only orders go apart from others, which the venue executes later in a block. Raises
        ValueError, before anything is returned, where a command cannot be said to the venue.
        """
        kinds: dict[tuple[type[wire.Action], bool], list[Request]] = {}
        for command in commands:
            kinds.setdefault(self._kind(command), []).append(command)
        found: list[Batch] = []
        for (kind, _), alike in kinds.items():
            for start in range(0, len(alike), wire.ITEMS_MAX):
                part = alike[start : start + wire.ITEMS_MAX]
                found.append(Batch(self._action(kind, part), tuple(part)))
        return found

    @staticmethod
    def _kind(command: Request) -> tuple[type[wire.Action], bool]:
        match command:
            case Place():
                return wire.Order, command.post_only
            case Modify():
                return wire.BatchModify, command.post_only
            case Cancel():
                return (wire.CancelByCloid if command.oid is None else wire.Cancel), False
            case _:
                assert_never(command)

    def _action(self, kind: type[wire.Action], commands: Sequence[Request]) -> wire.Action:
        if kind is wire.Order:
            places = [self._order(one) for one in commands if isinstance(one, Place)]
            return wire.Order(places, "na")
        if kind is wire.BatchModify:
            return wire.BatchModify([self._modify(o) for o in commands if isinstance(o, Modify)])
        cancels = [one for one in commands if isinstance(one, Cancel)]
        asset = self._asset.id
        if kind is wire.Cancel:
            return wire.Cancel(
                [wire.CancelWire(asset, int(o.oid)) for o in cancels if o.oid is not None]
            )
        return wire.CancelByCloid(
            [wire.CancelByCloidWire(asset, self._name(one.cloid)) for one in cancels]
        )

    def _order(self, command: Place | Modify) -> wire.OrderWire:
        """Return the order that shall rest."""
        has_cloid = self._cloids and (isinstance(command, Place) or is_sent(command.cloid))
        return wire.OrderWire(
            self._asset.id,
            command.side is Side.BUY,
            plain(self._instrument.price_text(command.price)),
            plain(self._instrument.qty_text(command.qty)),
            command.reduce_only,
            _POST_ONLY if command.post_only else _GOOD_TILL_CANCELLED,
            to_wire(command.cloid) if has_cloid else None,
        )

    def _modify(self, command: Modify) -> wire.ModifyWire:
        old = self._name(command.cloid) if command.oid is None else int(command.oid)
        return wire.ModifyWire(old, self._order(command))

    def _name(self, cloid: Cloid) -> str:
        """Return the cloid by which the venue shall find an order."""
        if not self._cloids:
            raise ValueError(f"an order of a dex without cloids must be named by oid, was {cloid}")
        return to_wire(cloid)

    def order_question(self, user: str, query: QueryOrder) -> GetOrderStatus:
        """Return the question about one order: about the leg whose oid is known, or by cloid.

        Raises ValueError where it has neither.
        """
        name = self._name(query.cloid) if query.oid is None else int(query.oid)
        return GetOrderStatus(user, name)

    def open_questions(self, user: str, query: QueryOpen) -> tuple[OpenOrders, UserFillsByTime]:
        """Return the questions for a snapshot, to be asked one after the other, in this order.

        An order that fills between the two is then listed, and its fill is too. The other way
        round it would be neither.
        """
        since = max(0, query.fills_since + self._origin) // MILLISECOND
        return OpenOrders(user, self._asset.dex), UserFillsByTime(user, since)

    # In: answers to actions.

    def read_http(self, batch: Batch, status: int, body: bytes | str, at: Nanos) -> Told:
        """Return what an answer by HTTP proves; `at` is the time for which it is evidence."""
        if status == HTTP_OK:
            try:
                return self.read_reply(batch, wire.REPLIES.decode(body), at)
            except DecodeError as error:
                self._note("action", f"an answer that cannot be read: {error}")
                return unanswered(batch)
        reason = REFUSING_HTTP.get(status)
        if reason is None:
            return unanswered(batch)
        return refuse(batch, reason, at)

    def read_post(self, batch: Batch, error: str, at: Nanos) -> Told:
        """Return what an error by websocket proves: its text begins with an HTTP status."""
        code = error[:3]
        if not code.isdigit() or int(code) == HTTP_OK:
            self._note("action", error)
            return unanswered(batch)
        return self.read_http(batch, int(code), "", at)

    def read_reply(self, batch: Batch, reply: wire.ExchangeReply, at: Nanos) -> Told:
        """Return what an answer proves about each command."""
        answer = reply.response
        if isinstance(answer, str):
            if reply.status == "err":
                return self._told(batch, [wire.ItemStatus(error=answer)] * len(batch.commands), at)
            self._note("action", f"{reply.status}: {answer}")
            return unanswered(batch)
        statuses = [] if answer.data is None or reply.status != "ok" else answer.data.statuses
        if len(statuses) == 1 and isinstance(statuses[0], wire.ItemStatus) and statuses[0].error:
            # One error may stand for all, where it was seen before the items were looked at.
            statuses = statuses * len(batch.commands)
        if len(statuses) != len(batch.commands):
            self._note(
                "action",
                f"{reply.status} {answer.type} with {len(statuses)} statuses for "
                f"{len(batch.commands)} commands",
            )
            return unanswered(batch)
        return self._told(batch, statuses, at)

    def _told(self, batch: Batch, statuses: Sequence[wire.ItemStatus | str], at: Nanos) -> Told:
        said: list[Said] = []
        fatal, limited = "", False
        for command, status in zip(batch.commands, statuses, strict=True):
            if isinstance(status, wire.ItemStatus) and status.error is not None:
                row = find_error(status.error)
                said.append(self._refused(command, row, status.error, at))
                if row is not None:
                    fatal = status.error if row.fatal else fatal
                    limited = limited or row.reason == LIMITED
            else:
                said.append(self._done(command, status, at))
        if limited:
            said.append(reports.Limited(at))
        return Told(said, fatal)

    def _done(self, command: Request, status: wire.ItemStatus | str, at: Nanos) -> Said:
        """Return what a status other than an error proves."""
        if isinstance(status, str):
            if isinstance(command, Cancel) and status == SUCCESS:
                return reports.Cancelled(
                    at, command.cloid, command.oid, CancelReason.USER, command.request
                )
            self._note(_kind_of(command), status)
            return _no_answer(command)
        named = status.resting or status.filled
        if named is not None and not isinstance(command, Cancel):
            oid = str(named.oid)
            if isinstance(command, Place):
                return reports.Accepted(at, command.cloid, oid, command.request)
            return reports.Modified(
                at, command.cloid, oid, command.qty, command.price, command.request
            )
        self._note(_kind_of(command), "a status of another kind" if named else "an unknown status")
        return _no_answer(command)

    def _refused(self, command: Request, row: Row | None, text: str, at: Nanos) -> Said:
        """Return what an error proves: a refusal, or nothing."""
        if row is not None:
            match command:
                case Place() if row.proof.place:
                    return reports.Rejected(at, command.cloid, row.reason, command.request)
                case Modify() if row.proof.modify is not None:
                    return reports.ModifyRejected(
                        at, command.cloid, row.reason, row.proof.modify, command.request
                    )
                case Cancel() if row.proof.cancel:
                    return reports.CancelRejected(at, command.cloid, row.reason, command.request)
                case _:
                    pass
        self._note(_kind_of(command), text)
        return _no_answer(command)

    # In: answers to questions.

    def read_status(
        self, query: QueryOrder, reply: OrderStatusReply, at: Nanos
    ) -> reports.OrderStatus | None:
        """Return what is said of one order, None where it is not clear.

        That an order is unknown is no proof that there is none: cloids are found late, and old
        orders are forgotten. How much has filled is not said, because sizes shrink otherwise too.
        """
        request = query.request
        if reply.status == UNKNOWN_OID:
            return reports.OrderStatus(at, query.cloid, Status.UNKNOWN_ORDER, request=request)
        record = reply.order
        word = None if record is None else find_status(record.status)
        if record is None or word is None or word.status is None:
            self._note("status", reply.status if record is None else record.status)
            return None
        # A refused order's oid has never been on the book.
        oid = None if word.status is Status.REJECTED else str(record.order.oid)
        return reports.OrderStatus(at, query.cloid, word.status, None, oid, request)

    def read_snapshot(
        self,
        query: QueryOpen,
        orders: Iterable[BasicOrder | FrontendOrder],
        fills: Iterable[UserFill],
        at: Nanos,
    ) -> reports.Snapshot:
        """Return all that is open, and the fills; `at` is when the first question was sent.

        Raises ValueError where a size is no whole number of lots.
        """
        rows = [
            reports.OpenOrder(
                str(order.oid),
                None if order.cloid is None else from_wire(order.cloid),
                _SIDES[order.side],
                self._price(order.limit_px),
                self._instrument.qty(order.sz),
            )
            for order in orders
            if order.coin == self._asset.coin
        ]
        filled = [fill for fill in map(self.read_fill, fills) if fill is not None]
        return reports.Snapshot(at, tuple(rows), tuple(filled), query.request)

    # In: what is pushed.

    def read_update(
        self, update: OrderUpdate, placing: Container[Cloid], at: Nanos | None = None
    ) -> Report | None:
        """Return what a pushed update proves, None for nothing new.

        `placing` are the orders whose place is unanswered. A rejection of any other's is that of
        a modify's new leg, which its answer tells better. `at` is the venue's time if not given.
        """
        order = update.order
        if order.coin != self._asset.coin:
            return None
        word = find_status(update.status)
        if word is None or word.status is None:
            self._note("update", update.status)
            return None
        at = self._time(update.status_timestamp) if at is None else at
        cloid = None if order.cloid is None else from_wire(order.cloid)
        oid = str(order.oid)
        if isinstance(word.why, CancelReason):
            return reports.Cancelled(at, cloid, oid, word.why)
        if cloid is None:
            return None
        if word.status is Status.OPEN:
            return reports.Accepted(at, cloid, oid)
        if word.status is Status.REJECTED and cloid in placing:
            return reports.Rejected(at, cloid, word.why)
        return None

    def read_event(self, event: UserEvent, at: Nanos) -> list[Report]:
        """Return what a message about the account proves; `at` is for what has no time."""
        fills = [self.read_fill(fill) for fill in event.fills or ()]
        gone = [
            reports.Cancelled(at, None, str(one.oid), CancelReason.VENUE)
            for one in event.non_user_cancel or ()
            if one.coin == self._asset.coin
        ]
        return [*(fill for fill in fills if fill is not None), *gone]

    def read_fill(self, fill: UserFill) -> reports.Fill | None:
        """Return a fill, None if it is of another coin; raises ValueError for part of a lot."""
        if fill.coin != self._asset.coin:
            return None
        return reports.Fill(
            self._time(fill.time),
            None if fill.cloid is None else from_wire(fill.cloid),
            str(fill.oid),
            self._instrument.qty(fill.sz),
            self._price(fill.px),
            # Alone, `tid` may come twice.
            f"{fill.time}:{fill.tid}",
            _SIDES[fill.side],
        )

    def _price(self, text: str) -> Price:
        """Return a price; settlements are made off the grid, and are taken to the nearest unit."""
        units = Decimal(text) / self._instrument.price_unit
        return int(units.to_integral_value())

    def _time(self, ms: int) -> Nanos:
        return ms * MILLISECOND - self._origin

    def _note(self, where: str, text: str) -> None:
        self.unmapped += 1
        if self._on_unmapped is not None:
            self._on_unmapped(Unmapped(where, text))


def plain(text: str) -> str:
    """Return a number's text without what the venue takes off before it checks a signature."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def refuse(batch: Batch, reason: str, at: Nanos) -> Told:
    """Return that nothing of an action was done, and nothing ever will be."""
    said: list[Said] = []
    for command in batch.commands:
        match command:
            case Place():
                said.append(reports.Rejected(at, command.cloid, reason, command.request))
            case Modify():
                said.append(
                    reports.ModifyRejected(at, command.cloid, reason, Alive.YES, command.request)
                )
            case Cancel():
                said.append(reports.CancelRejected(at, command.cloid, reason, command.request))
            case _:
                assert_never(command)
    return Told(said)


def unanswered(batch: Batch, outcome: Outcome = Outcome.SERVER_ERROR) -> Told:
    """Return that nothing is known of what became of an action, or that it was not sent."""
    return Told([NoAnswer(command, outcome) for command in batch.commands])


def _no_answer(command: Request) -> NoAnswer:
    return NoAnswer(command, Outcome.SERVER_ERROR)


def _kind_of(command: Request) -> str:
    return type(command).__name__.lower()
