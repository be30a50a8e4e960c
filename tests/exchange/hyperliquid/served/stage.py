"""A small world for tests: a written market, no latency, a block whenever a test wants one."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from exchange.hyperliquid.served.account import Account, News
from exchange.hyperliquid.served.world import Block, Terms, World
from exchange.hyperliquid.signing import Key, sign_request
from exchange.hyperliquid.wire import (
    Action,
    Answer,
    Cancel,
    CancelWire,
    ExchangeReply,
    ExchangeRequest,
    Limit,
    Order,
    OrderType,
    OrderWire,
    Tif,
)
from exchange.market import Row, RowKind
from exchange.paper.generator import GENERATED
from exchange.paper.latency import LATENCIES
from exchange.units import MILLISECOND, SECOND, Nanos

KEY: Final = Key("0123456789" * 6 + "0123")
OTHER: Final = Key("11" * 32)
ETH: Final = 1
EPOCH_MS: Final = 1_700_000_000_000
INSTANT: Final = Terms(latency=LATENCIES["none"])
BID: Final = 20_000
ASK: Final = 20_001


def wall_ms(market: Nanos) -> int:
    """Return the wall-clock time of a market time."""
    return EPOCH_MS + market // MILLISECOND


def book(at: Nanos = 0) -> list[Row]:
    """Return a book of five levels a side of one ETH each, around 2000.05."""
    return [
        Row(at, -1, RowKind.DEPTH, price=price, qty=10_000, side=side, act="S")
        for side, best in ((1, BID), (-1, ASK))
        for price in (best - side * level for level in range(5))
    ]


def trade(at: Nanos, price: int, qty: int, side: int) -> Row:
    """Return a trade; `side` is the aggressor's."""
    return Row(at, -1, RowKind.TRADE, price=price, qty=qty, side=side)


def order(
    px: str,
    sz: str = "0.1",
    *,
    buy: bool = True,
    tif: Tif = "Alo",
    cloid: int | None = None,
    reduce_only: bool = False,
    asset: int = ETH,
) -> OrderWire:
    """Return an order, as the wire has it."""
    name = None if cloid is None else f"0x{cloid:032x}"
    return OrderWire(asset, buy, px, sz, reduce_only, OrderType(Limit(tif)), name)


class Stage:
    """A world in which each action has a block to itself."""

    def __init__(self, rows: Iterable[Row] = (), terms: Terms = INSTANT) -> None:
        self.world: Final = World(GENERATED, "ETH", [*book(), *rows], 0, terms, wall_ms)
        self.now: Nanos = 0
        self.news = News()
        self._nonce = EPOCH_MS

    def request(
        self,
        action: Action,
        key: Key = KEY,
        *,
        nonce: int | None = None,
        vault: str | None = None,
        expires: int | None = None,
    ) -> ExchangeRequest:
        """Sign an action."""
        self._nonce += 1
        return sign_request(
            key,
            action,
            self._nonce if nonce is None else nonce,
            vault=vault,
            expires_after=expires,
            mainnet=False,
        )

    def block(self, at: Nanos | None = None) -> Block:
        """Play a block, 100 ms after the last one."""
        self.now = self.now + 100 * MILLISECOND if at is None else at
        block = self.world.block(self.now)
        for account, news in block.news:
            if account.address == KEY.address.lower():
                self.news = news
        return block

    def do(self, action: Action, key: Key = KEY, **more: Any) -> ExchangeReply:
        """Have an action executed."""
        self.news = News()
        ticket = self.world.submit(self.request(action, key, **more), self.now)
        self.block()
        assert ticket.reply is not None
        return ticket.reply

    def place(self, *orders: OrderWire, key: Key = KEY) -> list[Any]:
        """Place orders; return what became of each."""
        return statuses(self.do(Order(list(orders), "na"), key))

    def rest(self, px: str, **more: Any) -> int:
        """Place an order that rests; return its oid."""
        (status,) = self.place(order(px, **more))
        oid: int = status.resting.oid
        return oid

    def cancel(self, oid: int, asset: int = ETH) -> Any:
        """Cancel an order; return what became of it."""
        (status,) = statuses(self.do(Cancel([CancelWire(asset, oid)])))
        return status

    @property
    def account(self) -> Account:
        """The account that signs with `KEY`."""
        return self.world.account(KEY.address)

    def open_prices(self) -> list[str]:
        """Return the prices at which orders rest, oldest first."""
        return [o.basic().limit_px for o in self.account.open_orders()[::-1]]

    def told(self) -> list[tuple[int, str]]:
        """Return what was pushed about orders: oid and status."""
        return [(u.order.oid, u.status) for u in self.news.updates]


def statuses(reply: ExchangeReply) -> list[Any]:
    """Return what became of each item of an action that was processed."""
    assert isinstance(reply.response, Answer), reply
    assert reply.response.data is not None
    return reply.response.data.statuses


def terms(**changes: Any) -> Terms:
    """Return terms without latency, changed."""
    return replace(INSTANT, **changes)


def at(seconds: float) -> Nanos:
    """Return a market time."""
    return round(seconds * SECOND)
