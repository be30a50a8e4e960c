"""What an order manager asks of a venue.

A command carries its request number: the answer names it, so that an answer belongs to one
request and a duplicate answers nothing. Every command that changes something carries the time
after which the venue must no longer execute it (`expires_at`), where the venue can honour that.
"""

from typing import TypeAlias

from msgspec import Struct

from exchange.units import Nanos, Price, Qty
from exchange.words import Cloid, Oid, Side


class Place(Struct, frozen=True, tag="place", gc=False):
    """Put a new limit order on the book."""

    request: int
    cloid: Cloid
    side: Side
    price: Price
    qty: Qty
    post_only: bool
    reduce_only: bool
    expires_at: Nanos


class Modify(Struct, frozen=True, tag="modify", gc=False):
    """Change price or size of a resting order."""

    request: int
    cloid: Cloid
    oid: Oid | None
    """The leg to change; None only where the venue modifies by cloid and the oid is not known."""
    side: Side
    price: Price
    qty: Qty
    """As the venue counts it: what shall remain, or the total including what has filled
    (`Capabilities.qty_is_total`)."""
    post_only: bool
    reduce_only: bool
    expires_at: Nanos


class Cancel(Struct, frozen=True, tag="cancel", gc=False):
    """Take an order off the book."""

    request: int
    cloid: Cloid
    oid: Oid | None
    """The current leg, None where it is not known: the venue then cancels by cloid."""
    expires_at: Nanos


class QueryOrder(Struct, frozen=True, tag="query_order", gc=False):
    """Ask for the status of one order; the answer is an `OrderStatus`."""

    request: int
    cloid: Cloid
    oid: Oid | None


class QueryOpen(Struct, frozen=True, tag="query_open", gc=False):
    """Ask for all open orders and the fills since a time; the answer is a `Snapshot`."""

    request: int
    fills_since: Nanos


Request: TypeAlias = Place | Modify | Cancel
"""A command that changes something at the venue, and counts against its quota."""

Query: TypeAlias = QueryOrder | QueryOpen
"""A command that only asks."""

Command: TypeAlias = Request | Query
