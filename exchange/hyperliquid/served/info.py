"""What is answered to questions, over REST and over the websocket alike.

A question about an address that nobody has traded from is answered as if it had a new account:
what a first action would find.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, NamedTuple, assert_never

from exchange.hyperliquid.served.account import KEPT, Account
from exchange.hyperliquid.served.orders import Holding, money, shown, sz
from exchange.hyperliquid.served.universe import SPOT
from exchange.hyperliquid.served.view import FIGURES_MAX, FIGURES_MIN, spread
from exchange.hyperliquid.served.world import World
from exchange.hyperliquid.wire_info import (
    AllMids,
    AssetPosition,
    Balance,
    CandleSnapshot,
    ClearinghouseState,
    ExchangeStatus,
    FrontendOpenOrders,
    GetClearinghouseState,
    GetExchangeStatus,
    GetL2Book,
    GetMeta,
    GetOrderStatus,
    GetSpotClearinghouseState,
    GetSpotMeta,
    GetUserFees,
    GetUserFills,
    GetUserRateLimit,
    GetUserRole,
    HistoricalOrders,
    InfoRequest,
    L2Book,
    Leverage,
    MarginSummary,
    MetaAndAssetCtxs,
    OpenOrders,
    OrderStatusReply,
    PerpDexs,
    Position,
    SpotClearinghouseState,
    UserFill,
    UserFillsByTime,
    UserRateLimit,
)

FEES: Final[dict[str, Any]] = {
    "dailyUserVlm": [],
    "feeSchedule": {"cross": "0.00045", "add": "0.00015"},
    "userCrossRate": "0.00045",
    "userAddRate": "0.00015",
    "activeReferralDiscount": "0.0",
}


class Failed(NamedTuple):
    """The venue itself fails on a question."""

    status: int


class Informant:
    """Answers questions about a world."""

    def __init__(self, world: World, lag_ms: Callable[[], float] = lambda: 0.0) -> None:
        """`lag_ms` gives how old an order must be to be found, by the wall clock."""
        self._world: Final = world
        self._lag_ms: Final = lag_ms

    def answer(self, question: InfoRequest) -> Any:
        """Return the answer to a question, or `Failed`."""
        world = self._world
        match question:
            case AllMids() | GetMeta() | MetaAndAssetCtxs() | PerpDexs() | GetSpotMeta():
                return self._listed(question)
            case GetL2Book():
                return self._book(question)
            case CandleSnapshot(req=req):
                asset = world.universe.coin(req.coin)
                if asset is None:
                    return []
                return world.view.candles(asset, req.interval, req.start_time, req.end_time)
            case GetUserRole():
                return world.role(question.user)
            case GetUserFees():
                return FEES
            case GetExchangeStatus():
                return ExchangeStatus(time=world.now.ms)
            case _:
                return self._of_account(question, world.look(question.user))

    def _listed(
        self, question: AllMids | GetMeta | MetaAndAssetCtxs | PerpDexs | GetSpotMeta
    ) -> Any:
        world = self._world
        match question:
            case AllMids():
                return world.view.mids(question.dex)
            case GetMeta():
                return world.universe.meta(question.dex) or Failed(500)
            case MetaAndAssetCtxs():
                assets = world.universe.dex(question.dex)
                if assets is None:
                    return Failed(500)
                contexts = [world.view.context(asset) for asset in assets]
                return [world.universe.meta(question.dex), contexts]
            case PerpDexs():
                return world.universe.perp_dexs()
            case GetSpotMeta():
                return SPOT
            case _:
                assert_never(question)

    def _book(self, question: GetL2Book) -> L2Book | Failed | None:
        figures = question.n_sig_figs
        if figures is not None and not FIGURES_MIN <= figures <= FIGURES_MAX:
            return Failed(500)
        asset = self._world.universe.coin(question.coin)
        if asset is None:
            return None
        return book_of(self._world, asset.id, figures)

    def _of_account(
        self,
        question: OpenOrders
        | FrontendOpenOrders
        | GetOrderStatus
        | HistoricalOrders
        | GetUserFills
        | UserFillsByTime
        | GetUserRateLimit
        | GetClearinghouseState
        | GetSpotClearinghouseState,
        account: Account,
    ) -> Any:
        match question:
            case OpenOrders():
                return [order.basic() for order in account.open_orders(question.dex)]
            case FrontendOpenOrders():
                return [order.frontend() for order in account.open_orders(question.dex)]
            case GetOrderStatus():
                order = account.find(question.oid)
                if order is None or self._world.now.ms - order.placed_ms < self._lag_ms():
                    return OrderStatusReply("unknownOid")
                return OrderStatusReply("order", order.record())
            case HistoricalOrders():
                return [order.record() for order in account.recent()]
            case GetUserFills():
                return newest_fills(account)
            case UserFillsByTime(start_time=start, end_time=end):
                return [
                    fill
                    for fill in account.fills
                    if fill.time >= start and (end is None or fill.time <= end)
                ][:KEPT]
            case GetUserRateLimit():
                return rate_limit(account)
            case GetClearinghouseState():
                return clearinghouse(account, question.dex, self._world.now.ms)
            case GetSpotClearinghouseState():
                return SpotClearinghouseState([Balance("USDC", 0, money(account.equity()))])
            case _:
                assert_never(question)


def book_of(world: World, asset_id: int, figures: int | None) -> L2Book:
    """Return a book; the spread is said of an aggregated one."""
    asset = world.universe.asset(asset_id)
    assert asset is not None, "asked for by id"
    book = world.view.book(asset, world.now.ms, figures=figures)
    if figures is None:
        return book
    return L2Book(book.coin, book.time, book.levels, spread=spread(book))


def newest_fills(account: Account) -> list[UserFill]:
    """Return the fills that the venue still shows, newest first."""
    return account.fills[: -KEPT - 1 : -1]


def rate_limit(account: Account) -> UserRateLimit:
    """Return what an account has used of its requests."""
    ledger = account.ledger
    return UserRateLimit(
        cum_vlm=shown(ledger.volume),
        n_requests_used=max(0, ledger.used - ledger.reserved),
        n_requests_cap=ledger.cap,
        n_requests_surplus=max(0, ledger.reserved - ledger.used),
    )


def clearinghouse(account: Account, dex: str, ms: int) -> ClearinghouseState:
    """Return an account's positions on a dex, and its sums."""
    held = [h for h in account.holdings.values() if h.asset.dex == dex and h.size]
    equity = account.equity()
    total = sum((abs(account.value(h)) for h in held), Decimal(0))
    worth = sum((account.value(h) for h in held), Decimal(0))
    used = sum((abs(account.value(h)) / h.leverage for h in held), Decimal(0))
    summary = MarginSummary(
        account_value=money(equity),
        total_ntl_pos=money(total),
        total_raw_usd=money(equity - worth),
        total_margin_used=money(used),
    )
    return ClearinghouseState(
        asset_positions=[AssetPosition(_position(account, h)) for h in held],
        time=ms,
        margin_summary=summary,
        cross_margin_summary=summary,
        withdrawable=money(max(Decimal(0), equity - used)),
    )


def _position(account: Account, held: Holding) -> Position:
    asset, value = held.asset, abs(account.value(held))
    profit = account.unrealised(held)
    margin = value / held.leverage
    finest = Decimal(1).scaleb(asset.sz_decimals - 6)
    entry = held.entry / (abs(held.size) * asset.instrument.lot)
    leverage = Leverage("cross", held.leverage)
    if not held.is_cross:
        leverage = Leverage("isolated", held.leverage, money(margin - value))
    return Position(
        coin=asset.coin,
        szi=sz(asset, held.size),
        entry_px=shown(entry.quantize(finest)),
        position_value=money(value),
        unrealized_pnl=money(profit),
        return_on_equity=money(profit / margin if margin else Decimal(0)),
        margin_used=money(margin),
        max_leverage=asset.max_leverage,
        leverage=leverage,
    )
