"""What a venue says happened.

`at` is the time for which a report is evidence, in nanoseconds: for a pushed report when it was
said, for the answer to a query when the venue looked. `request` is the number of the request that
a report answers, 0 where it answers none that we can name (a pushed report).

What is not of its field's type is refused when a report is made: TypeError, and ValueError for a
fill below 0.
"""

from typing import TypeAlias, final

from exchange.typed import Typed
from exchange.units import Nanos, Price, Qty
from exchange.words import Alive, CancelReason, Cloid, Oid, Side, Status, TradeId


@final
class Accepted(Typed, frozen=True, tag="accepted", gc=False):
    """The order rests under this oid."""

    at: Nanos
    cloid: Cloid
    oid: Oid
    request: int = 0


@final
class Rejected(Typed, frozen=True, tag="rejected", gc=False):
    """The place is refused; nothing rests."""

    at: Nanos
    cloid: Cloid
    reason: str
    request: int = 0


@final
class Fill(Typed, frozen=True, tag="fill", gc=False):
    """One execution."""

    at: Nanos
    cloid: Cloid | None
    oid: Oid
    qty: Qty
    price: Price
    trade_id: TradeId
    side: Side | None = None
    """The side of our order, where the venue says it."""

    def __post_init__(self) -> None:
        """Check that the size is none below 0 as well: the side is told apart."""
        super().__post_init__()
        if self.qty < 0:
            raise ValueError(f"Fill.qty must not be negative, was {self.qty} in {self!r}")


@final
class Modified(Typed, frozen=True, tag="modified", gc=False):
    """The modify is done; `oid` is the order's oid from now on."""

    at: Nanos
    cloid: Cloid
    oid: Oid
    qty: Qty
    """The size with which the new leg came on the book, its own fills not deducted; where a
    modify keeps its oid, the order's total."""
    price: Price
    request: int = 0


@final
class ModifyRejected(Typed, frozen=True, tag="modify_rejected", gc=False):
    """The modify is refused; `alive` says whether the old order still rests."""

    at: Nanos
    cloid: Cloid
    reason: str
    alive: Alive
    request: int = 0


@final
class Cancelled(Typed, frozen=True, tag="cancelled", gc=False):
    """This oid is gone."""

    at: Nanos
    cloid: Cloid | None
    oid: Oid | None
    reason: CancelReason
    request: int = 0


@final
class CancelRejected(Typed, frozen=True, tag="cancel_rejected", gc=False):
    """The cancel is refused: `too_late` (it no longer rests, not why) or for unknown reasons."""

    at: Nanos
    cloid: Cloid
    reason: str
    request: int = 0


@final
class Limited(Typed, frozen=True, tag="limited", gc=False):
    """The venue refuses requests for quota until further notice."""

    at: Nanos


@final
class Disconnected(Typed, frozen=True, tag="disconnected", gc=False):
    """The report stream broke."""

    at: Nanos


@final
class Reconnected(Typed, frozen=True, tag="reconnected", gc=False):
    """The report stream is back; what was said meanwhile is lost."""

    at: Nanos


@final
class OpenOrder(Typed, frozen=True, gc=False):
    """One row of a snapshot: an order that rests."""

    oid: Oid
    cloid: Cloid | None
    side: Side
    price: Price
    qty: Qty
    """What remains."""


@final
class Snapshot(Typed, frozen=True, tag="snapshot"):
    """All open orders at `at`, and the fills that the stream may have missed."""

    at: Nanos
    open: tuple[OpenOrder, ...]
    fills: tuple[Fill, ...] = ()
    request: int = 0


@final
class OrderStatus(Typed, frozen=True, tag="order_status", gc=False):
    """The answer to a query about one order."""

    at: Nanos
    cloid: Cloid
    status: Status
    filled: Qty | None = None
    """Cumulative over the order's life, None where the venue does not say; may be ahead of
    the fills reported so far."""
    oid: Oid | None = None
    request: int = 0


Report: TypeAlias = (
    Accepted
    | Rejected
    | Fill
    | Modified
    | ModifyRejected
    | Cancelled
    | CancelRejected
    | Limited
    | Disconnected
    | Reconnected
    | Snapshot
    | OrderStatus
)
