"""A server in a thread of the test's own process, on a free port of 127.0.0.1."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import httpx
from msgspec import json

from exchange.hyperliquid.served.knobs import Knobs
from exchange.hyperliquid.served.server import Manner, Served, Server
from exchange.hyperliquid.served.world import Terms
from exchange.paper.generator import GENERATED, GeneratorConfig, generate
from exchange.paper.latency import LATENCIES, NO_DELAY
from exchange.units import MINUTE

DEADLINE_S: Final = 45.0
GENERATED_ETH: Final = Served(GENERATED, "ETH", lambda: generate(GeneratorConfig(), 1), MINUTE)
INSTANT: Final = Terms(latency=LATENCIES["none"], seed=1)
QUICK: Final = Manner(speed=20.0, push_delay=NO_DELAY, ip_weight=0, has_admin=True, knobs=Knobs())


@contextmanager
def serving(
    served: Served = GENERATED_ETH,
    terms: Terms = INSTANT,
    manner: Manner = QUICK,
    **changes: Any,
) -> Iterator[Server]:
    """Serve until the block ends; `changes` are of the manner."""
    over, ready = threading.Event(), threading.Event()
    failures: list[BaseException] = []
    server = Server(served, terms, replace(manner, **changes))

    async def serve() -> None:
        await server.start(0)
        ready.set()
        await server.run(over.is_set)

    def work() -> None:
        try:
            asyncio.run(serve())
        except (OSError, AssertionError, ValueError, KeyError) as error:
            failures.append(error)
            ready.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(DEADLINE_S)
    try:
        yield server
    finally:
        over.set()
        thread.join(DEADLINE_S)
    assert not thread.is_alive()
    assert failures == []


def eventually(what: Callable[[], object], why: str = "") -> Any:
    """Return the first thing that is true; fail where nothing is by the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    wait = threading.Event()
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        wait.wait(0.005)
    raise AssertionError(f"it must come true within {DEADLINE_S} s: {why or what}")


def post(server: Server, path: str, body: object) -> httpx.Response:
    """Post JSON, over a connection of its own."""
    return raw(server, path, body if isinstance(body, bytes) else json.encode(body))


def raw(server: Server, path: str, body: bytes, kind: str = "application/json") -> httpx.Response:
    """Post bytes, said to be of a kind."""
    headers = {"content-type": kind}
    return httpx.post(server.url + path, content=body, headers=headers, timeout=DEADLINE_S)


def truth(server: Server) -> Any:
    """Return what is so at the server."""
    return httpx.get(server.url + "/admin/truth", timeout=DEADLINE_S).json()
