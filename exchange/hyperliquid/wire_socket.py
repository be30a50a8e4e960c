"""Hyperliquid's websocket: what is sent and what comes, types for both directions.

Messages of ours are told apart by `method`, the venue's by `channel`. There are no sequence
numbers and nothing is sent again: what a broken connection has lost must be asked for.

Source: Hyperliquid documentation, "WebSocket"; captures where these differ.
"""

from typing import Any, Final, TypeAlias

from msgspec import DecodeError, Raw, Struct, ValidationError, json

from exchange.hyperliquid.wire import Address, ExchangeReply, ExchangeRequest, WireOid
from exchange.hyperliquid.wire_info import (
    AssetContext,
    BasicOrder,
    BookLevel,
    Candle,
    ClearinghouseState,
    FrontendOrder,
    InfoRequest,
    L2Book,
    UserFill,
    WireSide,
)

GREETING: Final = "Websocket connection established."
"""A first frame that is no JSON."""


class _Feed(Struct, frozen=True, omit_defaults=True, rename="camel", tag_field="type"):
    """What may be subscribed to."""


class _OfCoin(_Feed, frozen=True):
    """About one coin, which is named with its dex ("hyna:ETH")."""

    coin: str


class _OfUser(_Feed, frozen=True):
    """About one account."""

    user: Address


class AllMidsFeed(_Feed, frozen=True, tag="allMids"):
    """Mid prices."""

    dex: str = ""


class L2BookFeed(_OfCoin, frozen=True, tag="l2Book"):
    """Whole books: 20 levels every five seconds, or with `fast` five every half second."""

    n_sig_figs: int | None = None
    mantissa: int | None = None
    fast: bool = False


class BboFeed(_OfCoin, frozen=True, tag="bbo"):
    """The touch, when it has changed."""


class TradesFeed(_OfCoin, frozen=True, tag="trades"):
    """Everyone's trades."""


class CandleFeed(_OfCoin, frozen=True, tag="candle"):
    """Candles."""

    interval: str


class ActiveAssetCtxFeed(_OfCoin, frozen=True, tag="activeAssetCtx"):
    """How an asset trades."""


class ActiveAssetDataFeed(_OfUser, frozen=True, tag="activeAssetData"):
    """How much of a coin an account may trade."""

    coin: str


class OrderUpdatesFeed(_OfUser, frozen=True, tag="orderUpdates"):
    """What becomes of orders."""


class UserEventsFeed(_OfUser, frozen=True, tag="userEvents"):
    """Fills and what else happens to an account, on the channel "user"."""


class UserFillsFeed(_OfUser, frozen=True, tag="userFills"):
    """Fills, after a snapshot of the newest."""

    aggregate_by_time: bool = False


class OpenOrdersFeed(_OfUser, frozen=True, tag="openOrders"):
    """The whole list of open orders, each time."""

    dex: str = ""


class ClearinghouseStateFeed(_OfUser, frozen=True, tag="clearinghouseState"):
    """Positions and margin."""

    dex: str = ""


class SpotStateFeed(_OfUser, frozen=True, tag="spotState"):
    """Token balances."""


class UserFundingsFeed(_OfUser, frozen=True, tag="userFundings"):
    """Funding payments."""


class LedgerFeed(_OfUser, frozen=True, tag="userNonFundingLedgerUpdates"):
    """Deposits, withdrawals and the like."""


class WebDataFeed(_OfUser, frozen=True, tag="webData2"):
    """What the web page shows."""


class NotificationFeed(_OfUser, frozen=True, tag="notification"):
    """What the web page announces."""


Feed: TypeAlias = (
    AllMidsFeed
    | L2BookFeed
    | BboFeed
    | TradesFeed
    | CandleFeed
    | ActiveAssetCtxFeed
    | ActiveAssetDataFeed
    | OrderUpdatesFeed
    | UserEventsFeed
    | UserFillsFeed
    | OpenOrdersFeed
    | ClearinghouseStateFeed
    | SpotStateFeed
    | UserFundingsFeed
    | LedgerFeed
    | WebDataFeed
    | NotificationFeed
)


# What the client sends.


class Subscribe(Struct, frozen=True, tag_field="method", tag="subscribe"):
    """Begin to send a feed."""

    subscription: Feed


class Unsubscribe(Struct, frozen=True, tag_field="method", tag="unsubscribe"):
    """End it."""

    subscription: Feed


class Ping(Struct, frozen=True, tag_field="method", tag="ping"):
    """Show that the connection lives; due every 60 seconds."""


class PostedAction(Struct, frozen=True, tag_field="type", tag="action"):
    """What `/exchange` would take."""

    payload: ExchangeRequest


class PostedInfo(Struct, frozen=True, tag_field="type", tag="info"):
    """What `/info` would take."""

    payload: InfoRequest


class Post(Struct, frozen=True, tag_field="method", tag="post"):
    """Do over the websocket what could be posted; the answer names the id."""

    id: int
    request: PostedAction | PostedInfo


ClientMessage: TypeAlias = Subscribe | Unsubscribe | Ping | Post


# What the server sends.


class SubscriptionState(Struct, frozen=True):
    """Which feed has begun or ended, as the venue puts it."""

    method: str
    subscription: dict[str, Any]


class Subscribed(Struct, frozen=True, tag_field="channel", tag="subscriptionResponse"):
    """A feed has begun or ended."""

    data: SubscriptionState


class Pong(Struct, frozen=True, tag_field="channel", tag="pong"):
    """The answer to a ping."""


class WireError(Struct, frozen=True, tag_field="channel", tag="error"):
    """What was sent cannot be done."""

    data: str


class Mids(Struct, frozen=True):
    """Mid price by coin."""

    mids: dict[str, str]


class AllMidsMessage(Struct, frozen=True, tag_field="channel", tag="allMids"):
    """Mid prices."""

    data: Mids


class L2BookMessage(Struct, frozen=True, tag_field="channel", tag="l2Book"):
    """A whole book."""

    data: L2Book


class Touch(Struct, frozen=True):
    """Best bid and best ask; None: that side is empty."""

    coin: str
    time: int
    bbo: tuple[BookLevel | None, BookLevel | None]


class BboMessage(Struct, frozen=True, tag_field="channel", tag="bbo"):
    """The touch."""

    data: Touch


class WireTrade(Struct, frozen=True):
    """Anyone's trade; `side` is the aggressor's, `users` are buyer and seller."""

    coin: str
    side: WireSide
    px: str
    sz: str
    time: int
    tid: int
    hash: str = ""
    users: tuple[str, str] | None = None


class TradesMessage(Struct, frozen=True, tag_field="channel", tag="trades"):
    """Trades."""

    data: list[WireTrade]


class CandleMessage(Struct, frozen=True, tag_field="channel", tag="candle"):
    """A candle."""

    data: Candle


class ContextOfCoin(Struct, frozen=True):
    """How a coin trades."""

    coin: str
    ctx: AssetContext


class ActiveAssetCtxMessage(Struct, frozen=True, tag_field="channel", tag="activeAssetCtx"):
    """How an asset trades."""

    data: ContextOfCoin


class OrderUpdate(Struct, frozen=True, rename="camel"):
    """An order and what became of it."""

    order: BasicOrder
    status: str
    status_timestamp: int


class OrderUpdatesMessage(Struct, frozen=True, tag_field="channel", tag="orderUpdates"):
    """What became of orders; does not say whose they are."""

    data: list[OrderUpdate]


class CancelledByVenue(Struct, frozen=True):
    """An order that the venue has cancelled."""

    coin: str
    oid: WireOid


class UserEvent(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Something that happened to an account; does not say to which."""

    fills: list[UserFill] | None = None
    non_user_cancel: list[CancelledByVenue] | None = None
    funding: Any = None
    liquidation: Any = None


class UserMessage(Struct, frozen=True, tag_field="channel", tag="user"):
    """Something that happened to an account."""

    data: UserEvent


class FillsOfUser(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Fills, newest first in a snapshot."""

    user: str
    fills: list[UserFill]
    is_snapshot: bool = False


class UserFillsMessage(Struct, frozen=True, tag_field="channel", tag="userFills"):
    """Fills."""

    data: FillsOfUser


class OpenOrdersOfUser(Struct, frozen=True):
    """All open orders of an account on a dex."""

    user: str
    orders: list[FrontendOrder]
    dex: str = ""


class OpenOrdersMessage(Struct, frozen=True, tag_field="channel", tag="openOrders"):
    """All open orders."""

    data: OpenOrdersOfUser


class StateOfUser(Struct, frozen=True, rename="camel"):
    """Positions and margin of an account on a dex."""

    user: str
    clearinghouse_state: ClearinghouseState
    dex: str = ""


class ClearinghouseStateMessage(Struct, frozen=True, tag_field="channel", tag="clearinghouseState"):
    """Positions and margin."""

    data: StateOfUser


class AnsweredAction(Struct, frozen=True, tag_field="type", tag="action"):
    """What `/exchange` would answer."""

    payload: ExchangeReply


class InfoPayload(Struct, frozen=True):
    """What `/info` would answer to the question of this type."""

    type: str
    data: Raw


class AnsweredInfo(Struct, frozen=True, tag_field="type", tag="info"):
    """What `/info` would answer."""

    payload: InfoPayload


class AnsweredError(Struct, frozen=True, tag_field="type", tag="error"):
    """An HTTP status and its description, in words."""

    payload: str


class PostAnswer(Struct, frozen=True):
    """The answer to the post of this id."""

    id: int
    response: AnsweredAction | AnsweredInfo | AnsweredError


class PostMessage(Struct, frozen=True, tag_field="channel", tag="post"):
    """The answer to a post."""

    data: PostAnswer


ServerMessage: TypeAlias = (
    Subscribed
    | Pong
    | WireError
    | AllMidsMessage
    | L2BookMessage
    | BboMessage
    | TradesMessage
    | CandleMessage
    | ActiveAssetCtxMessage
    | OrderUpdatesMessage
    | UserMessage
    | UserFillsMessage
    | OpenOrdersMessage
    | ClearinghouseStateMessage
    | PostMessage
)


class UnknownMessage(Struct, frozen=True):
    """A frame that we do not know: its channel, "" where it has none, and why it was not read."""

    channel: str
    why: str


class _Channel(Struct, frozen=True):
    channel: str


SENT: Final[json.Decoder[ClientMessage]] = json.Decoder(ClientMessage)
"""Reads what a client sends; raises ValidationError or DecodeError, both DecodeError."""

_RECEIVED: Final[json.Decoder[ServerMessage]] = json.Decoder(ServerMessage)
_CHANNELS: Final = json.Decoder(_Channel)


def read_message(frame: str | bytes) -> ServerMessage | UnknownMessage:
    """Return what the server sent; what cannot be read is returned too, and never raised.

    A caller must say so of an `UnknownMessage`, and if it is of a channel that carries reports, ask
    for a snapshot: something was lost.
    """
    try:
        return _RECEIVED.decode(frame)
    except ValidationError as error:
        why = str(error)
    except DecodeError as error:
        return UnknownMessage("", str(error))
    try:
        return UnknownMessage(_CHANNELS.decode(frame).channel, why)
    except ValidationError:
        return UnknownMessage("", why)
