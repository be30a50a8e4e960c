"""What each subscription is told, and when: on the block, when something has changed, by the clock.

A feed's message is made once a block, however many have subscribed to it. Intervals are the
market's time. Of those that the venue does not document, some are measured (books every 5.4
seconds) and some chosen (mids, contexts and states every second).
"""

from typing import Any, Final, TypeAlias

from msgspec import json, to_builtins

from exchange.hyperliquid.served.account import Account, News
from exchange.hyperliquid.served.info import clearinghouse, newest_fills
from exchange.hyperliquid.served.orders import money
from exchange.hyperliquid.served.universe import SPOT, Asset
from exchange.hyperliquid.served.view import FAST_LEVELS, FIGURES_MAX, FIGURES_MIN, INTERVALS
from exchange.hyperliquid.served.world import Block, World
from exchange.hyperliquid.wire_info import Balance, L2Book, SpotClearinghouseState
from exchange.hyperliquid.wire_socket import (
    ActiveAssetCtxFeed,
    ActiveAssetCtxMessage,
    ActiveAssetDataFeed,
    AllMidsFeed,
    AllMidsMessage,
    BboFeed,
    BboMessage,
    CandleFeed,
    CandleMessage,
    ClearinghouseStateFeed,
    ClearinghouseStateMessage,
    ContextOfCoin,
    Feed,
    FillsOfUser,
    L2BookFeed,
    L2BookMessage,
    LedgerFeed,
    Mids,
    OpenOrdersFeed,
    OpenOrdersMessage,
    OpenOrdersOfUser,
    OrderUpdatesFeed,
    OrderUpdatesMessage,
    SpotStateFeed,
    StateOfUser,
    TradesFeed,
    TradesMessage,
    UserEvent,
    UserEventsFeed,
    UserFillsFeed,
    UserFillsMessage,
    UserFundingsFeed,
    UserMessage,
    WebDataFeed,
)
from exchange.units import MILLISECOND, SECOND, Nanos

SPOT_COINS: Final = frozenset(pair.name for pair in SPOT.universe)
Message: TypeAlias = bytes | None
"""A frame, or nothing to say."""

_BOOKS: Final = 5_400 * MILLISECOND
_FAST_BOOKS: Final = 500 * MILLISECOND


def interval(feed: Feed) -> Nanos:
    """Return how often a feed is told by the clock, 0 where it is not."""
    match feed:
        case L2BookFeed():
            return _FAST_BOOKS if feed.fast else _BOOKS
        case WebDataFeed():
            return 5 * SECOND
        case (
            AllMidsFeed()
            | ActiveAssetCtxFeed()
            | ActiveAssetDataFeed()
            | ClearinghouseStateFeed()
            | SpotStateFeed()
        ):
            return SECOND
        case _:
            return 0


class Teller:
    """Makes the frames of feeds."""

    def __init__(self, world: World) -> None:
        self._world: Final = world
        self._touches: Final[dict[str, Any]] = {}

    def is_valid(self, feed: Feed) -> bool:
        """Say whether there is such a feed."""
        coin = getattr(feed, "coin", None)
        if coin is not None and self._world.universe.coin(coin) is None and coin not in SPOT_COINS:
            return False
        if isinstance(feed, CandleFeed):
            return feed.interval in INTERVALS
        if isinstance(feed, L2BookFeed) and feed.n_sig_figs is not None:
            return FIGURES_MIN <= feed.n_sig_figs <= FIGURES_MAX
        return True

    def first(self, feed: Feed) -> Message:
        """Return what a new subscriber is told at once."""
        match feed:
            case UserFillsFeed():
                fills = newest_fills(self._world.look(feed.user))
                told = FillsOfUser(feed.user, fills, is_snapshot=True)
                return json.encode(UserFillsMessage(told))
            case UserFundingsFeed():
                return _plain(
                    "userFundings", {"isSnapshot": True, "user": feed.user, "fundings": []}
                )
            case LedgerFeed():
                nothing = {"isSnapshot": True, "user": feed.user, "nonFundingLedgerUpdates": []}
                return _plain("userNonFundingLedgerUpdates", nothing)
            case BboFeed():
                asset = self._world.universe.coin(feed.coin)
                return None if asset is None else self._bbo(asset)
            case OpenOrdersFeed():
                return self._open_orders(feed)
            case CandleFeed():
                return self._candle(feed)
            case _:
                return self.by_clock(feed)

    def by_clock(self, feed: Feed) -> Message:
        """Return what subscribers are told at each interval."""
        world = self._world
        match feed:
            case L2BookFeed():
                return self._book(feed)
            case AllMidsFeed():
                return json.encode(AllMidsMessage(Mids(world.view.mids(feed.dex))))
            case ActiveAssetCtxFeed():
                asset = world.universe.coin(feed.coin)
                if asset is None:
                    return None
                context = ContextOfCoin(feed.coin, world.view.context(asset))
                return json.encode(ActiveAssetCtxMessage(context))
            case ActiveAssetDataFeed():
                return self._asset_data(feed)
            case ClearinghouseStateFeed():
                state = clearinghouse(world.look(feed.user), feed.dex, world.now.ms)
                return json.encode(
                    ClearinghouseStateMessage(StateOfUser(feed.user, state, feed.dex))
                )
            case SpotStateFeed():
                balance = Balance("USDC", 0, money(world.look(feed.user).equity()))
                state_of = {"user": feed.user, "spotState": SpotClearinghouseState([balance])}
                return _plain("spotState", state_of)
            case WebDataFeed():
                return self._web_data(feed)
            case _:
                return None

    def on_block(self, feed: Feed, block: Block, news: dict[str, News]) -> Message:
        """Return what subscribers are told after a block."""
        world = self._world
        match feed:
            case TradesFeed():
                trades = block.trades.get(feed.coin)
                return json.encode(TradesMessage(trades)) if trades else None
            case CandleFeed():
                return self._candle(feed) if feed.coin in block.trades else None
            case UserEventsFeed() | UserFillsFeed() | OrderUpdatesFeed() | OpenOrdersFeed() if (
                feed.user in news
            ):
                return self._said(feed, news[feed.user])
            case BboFeed():
                asset = world.universe.coin(feed.coin)
                return None if asset is None else self._changed(asset)
            case _:
                return None

    def _said(
        self, feed: UserEventsFeed | UserFillsFeed | OrderUpdatesFeed | OpenOrdersFeed, news: News
    ) -> Message:
        """Return what is told about an account."""
        match feed:
            case OrderUpdatesFeed() if news.updates:
                return json.encode(OrderUpdatesMessage(news.updates))
            case OpenOrdersFeed() if news.updates:
                return self._open_orders(feed)
            case UserEventsFeed() if news.fills:
                return json.encode(UserMessage(UserEvent(fills=news.fills)))
            case UserFillsFeed() if news.fills:
                return json.encode(UserFillsMessage(FillsOfUser(feed.user, news.fills)))
            case _:
                return None

    def _book(self, feed: L2BookFeed) -> Message:
        world = self._world
        asset = world.universe.coin(feed.coin)
        if asset is None:
            return None
        levels = FAST_LEVELS if feed.fast else 20
        book = world.view.book(asset, world.now.ms, levels=levels, figures=feed.n_sig_figs)
        if feed.fast:
            book = L2Book(book.coin, book.time, book.levels, fast=True)
        return json.encode(L2BookMessage(book))

    def _bbo(self, asset: Asset) -> bytes:
        touch = self._world.view.touch(asset, self._world.now.ms)
        # Nothing changes between two blocks: other subscribers know this one.
        self._touches[asset.coin] = touch.bbo
        return json.encode(BboMessage(touch))

    def _changed(self, asset: Asset) -> Message:
        """Return the touch if it is not what it was after the last block."""
        touch = self._world.view.touch(asset, self._world.now.ms)
        if self._touches.get(asset.coin) == touch.bbo:
            return None
        self._touches[asset.coin] = touch.bbo
        return json.encode(BboMessage(touch))

    def _candle(self, feed: CandleFeed) -> Message:
        asset, ms = self._world.universe.coin(feed.coin), self._world.now.ms
        if asset is None:
            return None
        candles = self._world.view.candles(asset, feed.interval, ms, ms)
        return json.encode(CandleMessage(candles[-1])) if candles else None

    def _open_orders(self, feed: OpenOrdersFeed) -> bytes:
        orders = [order.frontend() for order in self._world.look(feed.user).open_orders(feed.dex)]
        return json.encode(OpenOrdersMessage(OpenOrdersOfUser(feed.user, orders, feed.dex)))

    def _asset_data(self, feed: ActiveAssetDataFeed) -> Message:
        world = self._world
        asset = world.universe.coin(feed.coin)
        if asset is None:
            return None
        account = world.look(feed.user)
        held, mid = account.holding(asset), world.view.mid(asset) or asset.mid
        most = money(account.equity() * held.leverage)
        size = money(account.equity() * held.leverage / mid)
        return _plain(
            "activeAssetData",
            {
                "user": feed.user,
                "coin": feed.coin,
                "leverage": {"type": "cross" if held.is_cross else "isolated",
                             "value": held.leverage},
                "maxTradeSzs": [size, size],
                "availableToTrade": [most, most],
                "markPx": money(mid),
            },
        )  # fmt: skip

    def _web_data(self, feed: WebDataFeed) -> bytes:
        world = self._world
        account: Account = world.look(feed.user)
        contexts = [world.view.context(asset) for asset in world.universe.dex("") or ()]
        return _plain(
            "webData2",
            {
                "user": feed.user,
                "serverTime": world.now.ms,
                "clearinghouseState": clearinghouse(account, "", world.now.ms),
                "openOrders": [order.frontend() for order in account.open_orders("")],
                "meta": world.universe.meta(""),
                "assetCtxs": contexts,
                "isVault": False,
            },
        )


def normal(feed: Feed) -> dict[str, Any]:
    """Return a subscription as the venue repeats it."""
    plain: dict[str, Any] = to_builtins(feed)
    if isinstance(feed, L2BookFeed):
        return {**plain, "nSigFigs": feed.n_sig_figs, "mantissa": feed.mantissa}
    return plain


def _plain(channel: str, data: Any) -> bytes:
    return json.encode({"channel": channel, "data": data})
