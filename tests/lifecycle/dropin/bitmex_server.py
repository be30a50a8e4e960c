"""A server on this machine that speaks BitMEX's HTTP and websocket, as far as the sample uses them.

Behind it is the stand-in for the sample's exchange. It runs in a thread of its own, so that the
sample's own program can be started against it.
"""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic_ns
from typing import Any, Final

from aiohttp import web

from exchange.units import Nanos
from tests.lifecycle.dropin.bitmex_sample import ExchangeInterface, HTTPError
from tests.lifecycle.dropin.virtual import START

KEY: Final = "key"
PUSH_S: Final = 0.05
SPEED: Final = 5
TERMS: Final = {
    "state": "Open", "isQuanto": False, "isInverse": False, "multiplier": 1,
    "underlyingToSettleMultiplier": 1, "quoteToSettleMultiplier": 1,
}  # fmt: skip
"""What the sample reads of an instrument besides its steps and prices."""


class Going:
    """The time of this machine, at the speed of the market."""

    def __init__(self) -> None:
        self._start: Final = monotonic_ns()

    def now(self) -> Nanos:
        """Return how late it is."""
        return START + SPEED * (monotonic_ns() - self._start)


class Server:
    """The exchange behind both wires; to be looked at under its lock."""

    def __init__(self) -> None:
        self.exchange: Final = ExchangeInterface(Going())  # type: ignore[arg-type]
        self.lock: Final = threading.Lock()
        self.url = ""

    def count(self, *what: str) -> int:
        """Return how many requests of some kinds have come."""
        with self.lock:
            return sum(call in what for call in self.exchange.calls)

    def resting(self) -> list[dict[str, Any]]:
        """Return what rests."""
        with self.lock:
            return self.exchange.rows()

    async def order(self, request: web.Request) -> web.Response:
        """Answer what concerns orders."""
        if request.headers.get("api-key") != KEY:
            return web.json_response({"error": {"message": "Invalid API Key."}}, status=401)
        asked = json.loads(await request.text() or "{}")
        try:
            with self.lock:
                return web.json_response(self._done(request.method, asked))
        except HTTPError as error:
            said = {"error": {"message": str(error)}}
            return web.json_response(said, status=error.response.status_code)

    def _done(self, method: str, asked: dict[str, Any]) -> Any:
        exchange = self.exchange
        match method:
            case "POST":
                return exchange.create([asked])[0]
            case "PUT":
                return exchange.amend_bulk_orders([asked])[0]
            case "DELETE":
                return exchange.cancel_bulk_orders([{"orderID": oid} for oid in asked["orderID"]])
            case _:
                exchange.calls.append("http_open_orders")
                return exchange.rows()

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        """Push the tables: all of them first, and then what has changed."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        instrument = self._instrument()
        first: dict[str, list[Any]] = {
            "instrument": [instrument], "quote": [], "trade": [], "order": [], "execution": [],
            "margin": [{"marginBalance": 1e8, "availableFunds": 1e8}], "position": [],
        }  # fmt: skip
        keys = {"instrument": ["symbol"], "order": ["orderID"]}
        for table, seen in first.items():
            told = {"table": table, "action": "partial", "keys": keys.get(table, []), "data": seen}
            await socket.send_json(told)
        shown: dict[str, Any] = {}
        while not socket.closed:
            told = {"table": "instrument", "action": "update", "data": [self._instrument()]}
            await socket.send_json(told)
            rows = {row["orderID"]: row for row in self.resting()}
            gone = [{"orderID": oid, "leavesQty": 0} for oid in shown if oid not in rows]
            new = [row | {"symbol": "XBTUSD"} for oid, row in rows.items() if oid not in shown]
            changed = [row for oid, row in rows.items() if shown.get(oid, row) != row]
            for action, data in (("insert", new), ("update", changed), ("update", gone)):
                if data:
                    await socket.send_json({"table": "order", "action": action, "data": data})
            shown = rows
            await asyncio.sleep(PUSH_S)
        return socket

    def _instrument(self) -> dict[str, Any]:
        with self.lock:
            about, ticker = self.exchange.get_instrument(), self.exchange.get_ticker()
        bid, ask = ticker["buy"], ticker["sell"]
        prices = dict.fromkeys(("midPrice", "markPrice", "indicativeSettlePrice"), (bid + ask) / 2)
        return about | TERMS | prices | {"bidPrice": bid, "askPrice": ask, "lastPrice": bid}


@contextmanager
def serving() -> Iterator[Server]:
    """Serve in a thread until the end of the block."""
    server, ready, loop = Server(), threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        app = web.Application()
        app.router.add_route("*", "/api/v1/order", server.order)
        app.router.add_get("/realtime", server.stream)
        runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/v1/"
        ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
