"""What the bot sees of the market, and the rows that a recorded or generated market is made of."""

import enum
from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

from exchange.units import Nanos, Price, Qty
from exchange.words import Cloid


class Queue(NamedTuple):
    """Where one of our orders stands at its price."""

    ahead: Qty
    behind: Qty


class Market(Struct, frozen=True):
    """The book as seen at one moment, our own orders not in it."""

    at: Nanos
    """The exchange time of the newest thing seen."""
    bid: Price | None
    ask: Price | None
    bid_qty: Qty = 0
    ask_qty: Qty = 0
    queues: Mapping[Cloid, Queue] = {}
    """Queue positions of our resting orders, where known."""
    volatility: int = 0
    """Of one minute, in millionths of a basis point; 0 where it is not known."""


class RowKind(enum.IntEnum):
    """The kinds of market rows (`Row.kind`)."""

    BBO = 0
    TRADE = 1
    DEPTH = 2
    L3 = 3


class Row(NamedTuple):
    """One market event; the columns that its kind does not use are 0 or empty."""

    ts: Nanos
    """Exchange time."""
    recv: Nanos
    """When the recorder saw it, -1 where it was not recorded."""
    kind: int
    """A `RowKind`."""
    bid: Price = 0
    bid_qty: Qty = 0
    ask: Price = 0
    ask_qty: Qty = 0
    price: Price = 0
    qty: Qty = 0
    """Trade size; depth: the level's new size, 0 gone, -1 left the visible window; l3: what
    remains of the order."""
    side: int = 0
    """Trade: the aggressor, +1 buys, -1 sells, 0 unknown. Depth and l3: +1 bid, -1 ask."""
    oid: str = ""
    act: str = ""
    """Depth: S snapshot row (clear first), U update. L3: A added, M modified, C cancelled,
    F filled, X clear, P removed because its deletion was missed."""
