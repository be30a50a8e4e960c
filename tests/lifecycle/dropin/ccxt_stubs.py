"""Two venues on this machine, in the shapes of their own documents: what ccxt's classes speak to.

They keep orders and fill none by themselves; a test fills. OKX's answers acknowledge and no more:
what was asked for is done a moment later. Binance's answers show the order as it is.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from time import time
from typing import Any, Final
from urllib.parse import parse_qsl

from aiohttp import web

LATER_S: Final = 0.05
STAMP: Final = "1795420000000"
BIDS: Final = [["2000.0", "10"], ["1999.9", "10"]]
ASKS: Final = [["2000.1", "10"], ["2000.2", "10"]]


@dataclass
class Order:
    """An order at a stub."""

    oid: str
    cloid: str
    side: str
    price: Decimal
    size: Decimal
    filled: Decimal = Decimal(0)
    state: str = "open"

    @property
    def leaves(self) -> Decimal:
        """What remains."""
        return self.size - self.filled


@dataclass
class Stub:
    """A venue that keeps orders."""

    orders: dict[str, Order] = field(default_factory=dict)
    fills: list[tuple[str, Order, Decimal]] = field(default_factory=list)
    refusals: dict[str, tuple[int, Any]] = field(default_factory=dict)
    """Answers to give in place of doing a thing, by its name."""
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Names and parameters of what has arrived."""
    ids: Any = field(default_factory=lambda: count(7001))
    url: str = ""

    def place(self, cloid: str, side: str, price: str, size: str) -> Order:
        """Put an order on the book."""
        order = Order(str(next(self.ids)), cloid, side.lower(), Decimal(price), Decimal(size))
        self.orders[order.oid] = order
        return order

    def find(self, oid: str | None, cloid: str | None) -> Order | None:
        """Return an order by either id."""
        for order in self.orders.values():
            if order.oid == oid or (cloid and order.cloid == cloid):
                return order
        return None

    def fill(self, order: Order, size: str) -> None:
        """Fill a part of an order."""
        order.filled += Decimal(size)
        self.fills.append((str(next(self.ids)), order, Decimal(size)))
        if order.leaves <= 0:
            order.state = "filled"

    def amend(self, order: Order, price: str, size: str) -> None:
        """Change an order in place; as the venues have it, too small a total ends it."""
        if order.state == "open":
            order.price, order.size = Decimal(price), Decimal(size)
            if order.leaves <= 0:
                order.state = "cancelled"

    def end(self, order: Order) -> None:
        """Cancel an order."""
        if order.state == "open":
            order.state = "cancelled"

    @property
    def open(self) -> list[Order]:
        """All that rests."""
        return [order for order in self.orders.values() if order.state == "open"]


Handler = Callable[[str, dict[str, Any]], Any]


@asynccontextmanager
async def listening(stub: Stub, handle: Handler) -> AsyncIterator[None]:
    """Serve a stub: `handle` takes the name of a thing and its parameters."""

    async def answer(request: web.Request) -> web.Response:
        body = await request.text()
        params: Any = dict(request.query)
        if body.startswith(("{", "[")):
            told = await request.json()
            params |= told[0] if isinstance(told, list) else told
        else:
            params |= dict(parse_qsl(body))
        name = f"{request.method} {request.path.rpartition('/')[2]}"
        stub.asked.append((name, params))
        if name in stub.refusals:
            status, refused = stub.refusals[name]
            return web.json_response(refused, status=status)
        return web.json_response(handle(name, params))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    stub.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield
    finally:
        await runner.cleanup()


# OKX, a swap of 0.1 ETH a contract.

OKX_MARKET: Final = {
    "alias": "", "baseCcy": "", "category": "1", "ctMult": "1", "ctType": "linear",
    "ctVal": "0.1", "ctValCcy": "ETH", "expTime": "", "instFamily": "ETH-USDT",
    "instId": "ETH-USDT-SWAP", "instType": "SWAP", "lever": "100", "listTime": STAMP,
    "lotSz": "0.01", "maxLmtSz": "100000000", "minSz": "0.01", "optType": "", "quoteCcy": "",
    "settleCcy": "USDT", "state": "live", "stk": "", "tickSz": "0.1", "uly": "ETH-USDT",
}  # fmt: skip
OKX_STATES: Final = {"open": "live", "filled": "filled", "cancelled": "canceled"}


def okx_order(order: Order) -> dict[str, str]:
    """Return an order as "Get order details" does."""
    return {
        "accFillSz": str(order.filled), "avgPx": "", "cTime": STAMP, "category": "normal",
        "clOrdId": order.cloid, "fee": "0", "feeCcy": "USDT", "instId": "ETH-USDT-SWAP",
        "instType": "SWAP", "lever": "3", "ordId": order.oid, "ordType": "post_only",
        "px": str(order.price), "side": order.side, "state": OKX_STATES[order.state],
        "sz": str(order.size), "tdMode": "cross", "uTime": STAMP,
    }  # fmt: skip


def okx(stub: Stub) -> Handler:
    """Return OKX's REST API, version 5."""

    def later(what: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(LATER_S, what)

    def acknowledged(order: Order | None, params: dict[str, Any]) -> Any:
        oid = params.get("ordId", "") if order is None else order.oid
        code, text = ("51400", "Cancellation failed as the order does not exist.")
        if order is not None:
            code, text = "0", ""
        row = {"clOrdId": "", "ordId": oid, "sCode": code, "sMsg": text}
        return {"code": "0" if order is not None else "1", "data": [row], "msg": ""}

    def handle(name: str, params: dict[str, Any]) -> Any:
        order = stub.find(params.get("ordId"), params.get("clOrdId"))
        data: list[Any] = []
        match name:
            case "POST batch-orders" | "POST order":
                placed = stub.place(params["clOrdId"], params["side"], params["px"], params["sz"])
                return acknowledged(placed, params)
            case "POST amend-order":
                if order is not None:
                    which = order
                    later(lambda: stub.amend(which, params["newPx"], params["newSz"]))
                return acknowledged(order, params)
            case "POST cancel-order":
                if order is not None:
                    gone = order
                    later(lambda: stub.end(gone))
                return acknowledged(order, params)
            case "GET order":
                if order is None:
                    return {"code": "51603", "data": [], "msg": "Order does not exist"}
                data = [okx_order(order)]
            case "GET orders-pending":
                data = [okx_order(one) for one in stub.open]
            case "GET fills-history" | "GET fills":
                data = [
                    {
                        "instType": "SWAP", "instId": "ETH-USDT-SWAP", "tradeId": trade_id,
                        "ordId": one.oid, "clOrdId": one.cloid, "billId": trade_id, "tag": "",
                        "fillPx": str(one.price), "fillSz": str(size), "side": one.side,
                        "posSide": "net", "execType": "M", "feeCcy": "USDT", "fee": "0",
                        "ts": str(int(time() * 1000)),
                    }
                    for trade_id, one, size in stub.fills
                ]  # fmt: skip
            case "GET books":
                book = {
                    side: [[*level, "0", "1"] for level in levels]
                    for side, levels in (("bids", BIDS), ("asks", ASKS))
                }
                data = [{**book, "ts": STAMP}]
            case _:
                raise AssertionError(f"the stub must know {name}")
        return {"code": "0", "data": data, "msg": ""}

    return handle


# Binance, USD-M futures.

BINANCE_MARKET: Final = {
    "symbol": "ETHUSDT", "pair": "ETHUSDT", "contractType": "PERPETUAL",
    "deliveryDate": 4133404800000, "onboardDate": 1569398400000, "status": "TRADING",
    "baseAsset": "ETH", "quoteAsset": "USDT", "marginAsset": "USDT", "pricePrecision": 2,
    "quantityPrecision": 3, "baseAssetPrecision": 8, "quotePrecision": 8,
    "underlyingType": "COIN",
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "39.86", "maxPrice": "306177",
         "tickSize": "0.10"},
        {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "10000", "stepSize": "0.001"},
        {"filterType": "MIN_NOTIONAL", "notional": "20"},
    ],
    "orderTypes": ["LIMIT", "MARKET"], "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
}  # fmt: skip


def binance_order(order: Order) -> dict[str, Any]:
    """Return an order as all of "New Order", "Modify Order" and "Query Order" do."""
    status = {"filled": "FILLED", "cancelled": "CANCELED"}.get(
        order.state, "PARTIALLY_FILLED" if order.filled else "NEW"
    )
    return {
        "orderId": int(order.oid), "symbol": "ETHUSDT", "status": status,
        "clientOrderId": order.cloid, "price": str(order.price), "avgPrice": "0.00",
        "origQty": str(order.size), "executedQty": str(order.filled), "cumQty": str(order.filled),
        "cumQuote": "0", "timeInForce": "GTX", "type": "LIMIT", "reduceOnly": False,
        "side": order.side.upper(), "positionSide": "BOTH", "origType": "LIMIT",
        "updateTime": int(STAMP), "time": int(STAMP),
    }  # fmt: skip


def binance(stub: Stub) -> Handler:
    """Return Binance's REST API for USD-M futures."""

    def handle(name: str, params: dict[str, Any]) -> Any:
        order = stub.find(params.get("orderId"), params.get("origClientOrderId"))
        match name:
            case "POST order":
                what = (params["newClientOrderId"], params["side"])
                return binance_order(stub.place(*what, params["price"], params["quantity"]))
            case "PUT order":
                assert order is not None, "a test modifies what there is"
                stub.amend(order, params["price"], params["quantity"])
                return binance_order(order)
            case "DELETE order" | "GET order":
                assert order is not None, "a test asks about what there is"
                if name.startswith("DELETE"):
                    stub.end(order)
                return binance_order(order)
            case "GET openOrders":
                return [binance_order(one) for one in stub.open]
            case "GET userTrades":
                return [
                    {
                        "buyer": one.side == "buy", "commission": "0", "commissionAsset": "USDT",
                        "id": int(trade_id), "maker": True, "orderId": int(one.oid),
                        "price": str(one.price), "qty": str(size), "quoteQty": "0",
                        "realizedPnl": "0", "side": one.side.upper(), "positionSide": "BOTH",
                        "symbol": "ETHUSDT", "time": int(time() * 1000),
                    }
                    for trade_id, one, size in stub.fills
                ]  # fmt: skip
            case "GET depth":
                stamps = {"lastUpdateId": 1, "E": int(STAMP), "T": int(STAMP)}
                return {**stamps, "bids": BIDS, "asks": ASKS}
            case _:
                raise AssertionError(f"the stub must know {name}")

    return handle
