"""A dry run: a live market, and orders that exist only here.

A shadow stands between an order manager and a live venue. It hands on what is seen, and nothing
that is to be sent: places, modifies, cancels and questions are answered here, a while later, by the
rules of the paper venue (`exchange.paper.desk`). Orders rest in memory and fill by the trades and
touches that are seen (`exchange.paper.matching`), so that decisions, journal and numbers are as
they would be. What is not: the market never sees these orders, and nobody competes for them.

Of what the live venue says only that the stream broke, or came back, is handed on: whatever the
account's own orders do is no business of a dry run.
"""

from collections import deque
from collections.abc import Sequence
from random import Random
from typing import Final

from msgspec import structs

from exchange.commands import Command
from exchange.instrument import Instrument
from exchange.market import Market, Queue, Row
from exchange.paper.book import Touch
from exchange.paper.desk import Desk
from exchange.paper.feed import Feed
from exchange.paper.latency import FAST_FEED
from exchange.paper.matching import Matcher
from exchange.paper.order import SHARES
from exchange.paper.quota import Quota
from exchange.reports import Disconnected, Fill, OpenOrder, Reconnected, Report
from exchange.units import MILLISECOND, SECOND, Nanos
from exchange.venue import Capabilities, LiveVenue, Received
from exchange.words import Cloid

OUT: Final = 200 * MILLISECOND
"""How long a request is on its way, and its answer again. Measured round trips are about 400 ms."""


class ShadowVenue:
    """A live venue to which nothing is ever sent."""

    def __init__(self, inner: LiveVenue, *, quota: Quota | None = None, trip: Nanos = OUT) -> None:
        """Stand before `inner`, which must be open; `trip` is the way there, and the way back."""
        self._inner: Final = inner
        self._trip: Final = trip
        self._matcher: Final = Matcher((), _Nowhere(FAST_FEED, Random(0)), SHARES // 2)  # noqa: S311
        self._desk: Final = Desk(
            inner.instrument, self._matcher, quota or Quota(), inner.capabilities
        )
        self._waiting: Final[deque[tuple[Nanos, tuple[Command, ...]]]] = deque()
        self._coming: list[Received] = []
        self._rows: list[Row] = []
        self._now: Nanos = 0
        self.sent = 0
        """Commands that were taken, questions among them."""

    @property
    def instrument(self) -> Instrument:
        """The instrument's units and rules."""
        return self._inner.instrument

    @property
    def capabilities(self) -> Capabilities:
        """How the venue's requests behave."""
        return self._inner.capabilities

    @property
    def fills(self) -> Sequence[Fill]:
        """All fills, in order of time."""
        return self._desk.fills

    def open_orders(self) -> tuple[OpenOrder, ...]:
        """Return what would rest."""
        return self._desk.open_orders()

    def submit(self, commands: Sequence[Command], now: Nanos) -> None:
        """Take commands, and send nothing; their answers come by `poll`."""
        self._now = max(self._now, now)
        self.sent += len(commands)
        self._waiting.append((now + self._trip, tuple(commands)))

    def poll(self, now: Nanos) -> list[Received]:
        """Return what is said by `now`: by the shadow, and of the stream."""
        self._now = max(self._now, now)
        for received in self._inner.poll(now):
            if isinstance(received.report, Disconnected | Reconnected):
                self._coming.append(received)
        self._watch(now)
        while self._waiting and self._waiting[0][0] <= now:
            due, commands = self._waiting.popleft()
            for command in commands:
                said = self._desk.execute(command, due)
                for report in (*said.pushed, *said.answers):
                    self._say(due + self._trip, report)
            self._collect(due)
        ready = [received for received in self._coming if received.at <= now]
        self._coming = [received for received in self._coming if received.at > now]
        return sorted(ready, key=_time)

    async def wait(self, timeout_s: float) -> bool:
        """Wait until something has come, or an answer is due, or so long."""
        due = [at for at, _ in self._waiting] + [received.at for received in self._coming]
        left = (min(due) - self._now) / SECOND if due else timeout_s
        return bool(await self._inner.wait(max(0.0, min(timeout_s, left))))

    def market(self, now: Nanos) -> Market:
        """Return the book as it is seen, and where our orders would stand in it."""
        market = self._inner.market(now)
        queues: dict[Cloid, Queue] = {}
        for order in self._matcher.resting():
            queue = self._matcher.queue(order)
            if queue is not None:
                queues[order.cloid] = queue
        return structs.replace(market, queues=queues)

    def seen(self, now: Nanos) -> list[Row]:
        """Return the market rows that have come since the last call."""
        self._watch(now)
        rows, self._rows = self._rows, []
        return rows

    # Inside.

    def _watch(self, now: Nanos) -> None:
        """Let what the market has done since happen to our orders."""
        rows = self._inner.seen(now)
        if rows:
            self._rows += rows
            self._matcher.push(rows)
            self._collect(now)

    def _collect(self, now: Nanos) -> None:
        for fill in self._desk.collect():
            self._say(now, fill)

    def _say(self, at: Nanos, report: Report) -> None:
        self._coming.append(Received(at, report))


class _Nowhere(Feed):
    """Keeps nothing of what passes: who looks is shown the live venue's market."""

    def packet(self, rows: list[Row], touch: Touch) -> None:
        """Forget it."""


def _time(received: Received) -> Nanos:
    return received.at
