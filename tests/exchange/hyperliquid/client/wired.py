"""The live client at a served venue, behind the face of a venue that is told what time it is.

The contract tests name their own times. Here each time that they name is a moment of the real
clock: what is sent at a named time is sent now, and what comes later has come as much later as it
really did. A named time that lies further on is come to when everything that was asked is answered.

Their names of orders are no client order ids of Hyperliquid, and their prices have another unit.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final, TypeVar

from msgspec.structs import asdict, replace

from exchange.commands import Command, QueryOpen, QueryOrder
from exchange.hyperliquid.served.server import Manner, Served, Server
from exchange.hyperliquid.served.world import Terms
from exchange.hyperliquid.venue import HyperliquidVenue
from exchange.instrument import Instrument
from exchange.market import Row
from exchange.paper.latency import LATENCIES, NO_DELAY
from exchange.reports import Report, Snapshot
from exchange.units import Nanos
from exchange.venue import Capabilities, NoAnswer, Received
from tests.exchange.hyperliquid.client.serving import QUICK, client

T = TypeVar("T")

SPEED: Final = 5.0
QUIET_S: Final = 0.3
"""After the last answer, for what else may be said."""
ANSWERS_S: Final = 5.0
"""In which everything is answered."""


class Wired:
    """A served venue and its client, as one venue of a test's own time."""

    def __init__(self, instrument: Instrument, rows: Sequence[Row]) -> None:
        self._instrument: Final = instrument
        self._loop: Final = asyncio.new_event_loop()
        self._stack: Final = AsyncExitStack()
        self._venue: Final[HyperliquidVenue] = self._run(self._open(rows))
        finer = instrument.price_unit / self._venue.instrument.price_unit
        self._finer: Final = int(finer)
        self._named: Nanos = 0
        self._real: Nanos = self._venue.clock.now()
        self._open_requests: Final[set[int]] = set()
        self._names: Final[dict[str, str]] = {}
        self._inbox: list[Received] = []

    @property
    def instrument(self) -> Instrument:
        """The instrument of the tests."""
        return self._instrument

    @property
    def capabilities(self) -> Capabilities:
        """As the client has them."""
        return self._venue.capabilities

    def submit(self, commands: Sequence[Command], now: Nanos) -> None:
        """Send now what is to be sent at a named time."""
        self._come_to(now)
        self._named, self._real = now, self._venue.clock.now()
        for command in commands:
            self._open_requests.add(command.request)
        told = [self._out(command) for command in commands]
        self._run(self._submit(told))

    def poll(self, now: Nanos) -> list[Received]:
        """Return what has come by a named time."""
        self._come_to(now)
        ready = [one for one in self._inbox if one.at <= now]
        self._inbox = [one for one in self._inbox if one.at > now]
        return ready

    def close(self) -> None:
        """Hang up, and close the venue."""
        self._run(self._stack.aclose())
        self._loop.close()

    # Inside.

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)

    async def _open(self, rows: Sequence[Row]) -> HyperliquidVenue:
        market = Served(self._instrument, "TEST", lambda: iter(rows), rows[0].ts)
        manner = Manner(speed=SPEED, push_delay=NO_DELAY, ip_weight=0)
        server = Server(market, Terms(latency=LATENCIES["none"]), manner)
        await server.start(0)
        over = asyncio.Event()
        running = asyncio.create_task(server.run(over.is_set))
        self._stack.push_async_callback(_ended, running)
        self._stack.callback(over.set)
        return await self._stack.enter_async_context(
            client(server.url, coin="TEST", options=replace(QUICK, look_lag_ms=60))
        )

    async def _submit(self, commands: list[Command]) -> None:
        self._venue.submit(commands, self._venue.clock.now())

    def _come_to(self, now: Nanos) -> None:
        if now > self._named and self._open_requests:
            self._run(self._answers())

    async def _answers(self) -> None:
        """Listen until everything is answered, and then a little longer."""
        try:
            async with asyncio.timeout(ANSWERS_S):
                while self._open_requests:
                    await self._venue.wait(ANSWERS_S)
                    self._take()
        except TimeoutError:
            pass
        await asyncio.sleep(QUIET_S)
        self._take()

    def _take(self) -> None:
        for received in self._venue.poll(self._venue.clock.now()):
            report = received.report
            answered = report.command if isinstance(report, NoAnswer) else report
            self._open_requests.discard(getattr(answered, "request", 0))
            self._inbox.append(Received(self._time(received.at), self._in(report)))

    def _time(self, real: Nanos) -> Nanos:
        return self._named + real - self._real

    # Names, prices and times.

    def _out(self, command: Command) -> Command:
        if isinstance(command, QueryOpen):
            return command
        cloid = command.cloid.encode().hex().rjust(8, "0")
        self._names[cloid] = command.cloid
        if isinstance(command, QueryOrder):
            return replace(command, cloid=cloid)
        changes: dict[str, Any] = {"cloid": cloid}
        if command.expires_at:
            changes["expires_at"] = self._real + command.expires_at - self._named
        if hasattr(command, "price"):
            changes["price"] = command.price * self._finer
        return replace(command, **changes)

    def _in(self, report: Report | NoAnswer) -> Report | NoAnswer:
        if isinstance(report, NoAnswer):
            return report
        changes: dict[str, Any] = {"at": self._time(report.at)}
        plain = asdict(report)
        if plain.get("cloid") is not None:
            changes["cloid"] = self._names[plain["cloid"]]
        if "price" in plain:
            changes["price"] = plain["price"] // self._finer
        if isinstance(report, Snapshot):
            changes["open"] = tuple(
                replace(row, cloid=self._names[row.cloid or ""], price=row.price // self._finer)
                for row in report.open
            )
        told: Report = replace(report, **changes)
        return told


async def _ended(task: asyncio.Task[None]) -> None:
    await task
