"""The closed sets of words that a venue and an order manager exchange.

Each enum is closed on purpose: an adapter maps every wire word of its venue onto one of these,
and a new member breaks the type check wherever it was forgotten.
"""

import enum
from typing import TypeAlias

Cloid: TypeAlias = str
"""Client order id: ours, known before sending, the identity of a logical order."""

Oid: TypeAlias = str
"""Exchange order id: theirs, the identity of a leg; it may change on a modify."""

TradeId: TypeAlias = str
"""The venue's id of one fill; the key by which a fill is counted once."""


class Side(enum.IntEnum):
    """The side of an order; as a number it is the sign of its fills."""

    BUY = 1
    SELL = -1

    @property
    def opposite(self) -> "Side":
        """Return the other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class CancelReason(enum.StrEnum):
    """Why the venue says that an oid is gone."""

    USER = "user"
    REPLACED = "replaced"
    POST_ONLY = "post_only"
    MARGIN = "margin"
    SELF_TRADE = "self_trade"
    EXPIRED = "expired"
    VENUE = "venue"


class Alive(enum.StrEnum):
    """Whether the old order still rests after a modify was refused."""

    YES = "true"
    NO = "false"
    UNKNOWN = "unknown"


class Status(enum.StrEnum):
    """A venue's answer to a query about one order."""

    OPEN = "open"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    UNKNOWN_ORDER = "unknown_order"


class Outcome(enum.StrEnum):
    """What the sender learnt of a request that got no answer from the venue.

    All but `NOT_SENT` leave the effect unknown; `NOT_SENT` is definite, nothing left this process.
    """

    TIMEOUT = "timeout"
    SERVER_ERROR = "server_error"
    BROKEN = "broken"
    NOT_SENT = "not_sent"
