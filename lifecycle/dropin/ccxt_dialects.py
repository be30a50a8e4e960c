"""How venues behave behind ccxt, which unifies their calls and not what they mean: as data.

A row is a venue. What it leaves out is as `UNKNOWN` has it, the conservative row: no modify, an
answer that proves that a request was received and no more, orders found by their own ids only.

What an exception of ccxt proves is a table as well, by the name of its class; the nearest named
class it derives from decides. What is in no row proves nothing: the outcome is unknown.
"""

import enum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from exchange.venue import Capabilities
from exchange.words import Outcome

UNIFIED: Final = "clientOrderId"


class Cloids(enum.StrEnum):
    """What a venue makes of our client order ids, which are 8 to 28 hexadecimal digits."""

    TEXT = "text"
    """They go out as they are."""
    HEX_128 = "hex128"
    """As Hyperliquid has them: 0x and 32 digits."""


class Fence(enum.StrEnum):
    """How a request says until when it may be executed, as far as ccxt passes it on."""

    NONE = "none"
    WINDOW = "recvWindow"
    """Milliseconds from the stamp that ccxt gives the request."""


class Dialect(Struct, frozen=True, kw_only=True):
    """How one venue behaves."""

    capabilities: Capabilities = Capabilities(
        expires=False, cancel_by_cloid=False, batch_max=1, modify_any_distance=True
    )
    modifies: bool = False
    """Whether `edit_order` is the venue's own, and its size is as `capabilities` say."""
    modify_is_done: bool = False
    """The answer to a modify proves it. Otherwise it proves that the request was received."""
    cancel_is_done: bool = False
    """The same of a cancel."""
    cloids: Cloids = Cloids.TEXT
    cancel_cloid: str = ""
    """The parameter by which an order is cancelled by cloid, empty where that is not possible."""
    ask_cloid: str = ""
    """The same for asking what became of it."""
    fill_cloid: str = ""
    """Where the cloid stands in what the venue itself says of a fill; empty: nowhere."""
    edit_has_cloid: bool = False
    """Whether a modify must name the cloid, for the new leg to keep it."""
    ask_params: dict[str, bool] = {}
    """What `fetch_order` wants besides."""
    fence: Fence = Fence.NONE
    significant_figures: int = 0
    """Of a price; 0: the venue has one tick."""
    figures_decimals: int = 0
    """Where prices have significant figures: decimals of price and size together."""
    min_notional: str = "0"
    """In quote currency, where ccxt does not know it."""


UNKNOWN: Final = Dialect()

# Whatever modifies in place takes the total, and may cancel a post-only order that would cross.
# None of the venues promises in writing that a smaller size keeps its place in the queue.
_IN_PLACE: Final = Capabilities(
    modify_keeps_oid=True,
    qty_is_total=True,
    refused_modify_may_kill=True,
    cancel_by_cloid=True,
    expires=False,
    batch_max=1,
)

_BINANCE: Final = Dialect(
    capabilities=replace(_IN_PLACE, expires=True),
    modifies=True,
    modify_is_done=True,
    cancel_is_done=True,
    cancel_cloid=UNIFIED,
    ask_cloid=UNIFIED,
    fence=Fence.WINDOW,
)

DIALECTS: Final[dict[str, Dialect]] = {
    # A modify cancels and places: another oid, the size is what shall remain. The venue has a
    # fence, but ccxt signs none into orders.
    # Source: Hyperliquid documentation, "Exchange endpoint".
    "hyperliquid": Dialect(
        capabilities=Capabilities(expires=False, batch_max=1),
        modifies=True,
        modify_is_done=True,
        cancel_is_done=True,
        cloids=Cloids.HEX_128,
        cancel_cloid=UNIFIED,
        ask_cloid=UNIFIED,
        fill_cloid="cloid",
        edit_has_cloid=True,
        significant_figures=5,
        figures_decimals=6,
        min_notional="10",
    ),
    # Source: Binance, USD-M futures, "Modify Order": both price and quantity, an order that has
    # filled as much is cancelled, and so is a GTX order that would take. "Timing security".
    "binanceusdm": _BINANCE,
    # Only contracts are modified in place: spot's `edit_order` cancels and places by other rules.
    "binance": replace(_BINANCE, modifies=False, min_notional="5"),
    # Source: Bybit V5, "Amend Order", "Cancel Order": an answer acknowledges the request only.
    "bybit": Dialect(
        capabilities=replace(_IN_PLACE, expires=True),
        modifies=True,
        cancel_cloid="orderLinkId",
        fill_cloid="orderLinkId",
        ask_params={"acknowledged": True},
        fence=Fence.WINDOW,
    ),
    # Source: OKX V5, "Amend order": newSz includes what has filled; the answer means accepted for
    # processing. "Cancel order": the same.
    "okx": Dialect(
        capabilities=_IN_PLACE,
        modifies=True,
        cancel_cloid=UNIFIED,
        ask_cloid=UNIFIED,
        fill_cloid="clOrdId",
    ),
    # No modify of orders on the book; a cancel is answered with the ids that are being cancelled.
    "kucoinfutures": Dialect(
        capabilities=replace(_IN_PLACE, modify_keeps_oid=False, qty_is_total=False),
        cancel_cloid=UNIFIED,
        ask_cloid=UNIFIED,
    ),
    # Source: BitMEX, "Order/amend": orderQty is the total, leavesQty what remains; answers show
    # the order as it is then.
    "bitmex": Dialect(
        capabilities=_IN_PLACE,
        modifies=True,
        modify_is_done=True,
        cancel_is_done=True,
        cancel_cloid=UNIFIED,
        ask_cloid=UNIFIED,
        fill_cloid="clOrdID",
    ),
}


def dialect_of(exchange_id: str) -> Dialect:
    """Return a venue's dialect by ccxt's id of it, the conservative one where it is in no row."""
    return DIALECTS.get(exchange_id, UNKNOWN)


class Proof(Struct, frozen=True):
    """What an exception proves of the request whose call has raised it."""

    outcome: Outcome | None
    """None: the venue has refused it."""
    is_limit: bool = False
    """The venue asks for fewer requests."""
    is_gone: bool = False
    """There is no such order, or none any more."""


REFUSED: Final = Proof(None)
NOT_SENT: Final = Proof(Outcome.NOT_SENT)
UNCERTAIN: Final = Proof(Outcome.SERVER_ERROR)

# fmt: off
PROOFS: Final[dict[str, Proof]] = {
    # The venue's word, in a class that says what it is.
    "AuthenticationError":      REFUSED,
    "BadRequest":               REFUSED,
    "OperationRejected":        REFUSED,
    "InsufficientFunds":        REFUSED,
    "InvalidAddress":           REFUSED,
    "InvalidOrder":             REFUSED,
    "InvalidNonce":             REFUSED,                    # Seen before anything is executed.
    "OrderNotFound":            Proof(None, is_gone=True),
    "RateLimitExceeded":        Proof(None, is_limit=True),
    # An order with this cloid is there, or was: ours, by a request that we thought lost.
    "DuplicateOrderId":         UNCERTAIN,
    # Any other error text: it may be "internal error", after the fact.
    "ExchangeError":            UNCERTAIN,
    "OperationFailed":          UNCERTAIN,
    "BadResponse":              UNCERTAIN,
    "CancelPending":            UNCERTAIN,
    "ExchangeNotAvailable":     UNCERTAIN,                  # Half of them come from a gateway.
    "DDoSProtection":           Proof(Outcome.SERVER_ERROR, is_limit=True),
    "ChecksumError":            UNCERTAIN,
    "UnsubscribeError":         UNCERTAIN,
    # The wire.
    "RequestTimeout":           Proof(Outcome.TIMEOUT),
    "TimeoutError":             Proof(Outcome.TIMEOUT),
    "NetworkError":             Proof(Outcome.BROKEN),
    "ExchangeClosedByUser":     Proof(Outcome.BROKEN),
    "OSError":                  Proof(Outcome.BROKEN),
    # Raised by ccxt itself, before it sends.
    "ArgumentsRequired":        NOT_SENT,
    "BadSymbol":                NOT_SENT,
    "NotSupported":             NOT_SENT,
    "InvalidProxySettings":     NOT_SENT,
    "OrderNotCached":           NOT_SENT,
}
# fmt: on


def proof_of(error: BaseException) -> Proof:
    """Return what an exception proves; by the nearest class that has a row, else nothing."""
    for kind in type(error).__mro__:
        found = PROOFS.get(kind.__name__)
        if found is not None:
            return found
    return UNCERTAIN
