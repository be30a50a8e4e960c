"""The paper venue: an exchange in process, trading our orders against a market that is replayed.

Time is the caller's: nothing happens until `poll` says how late it is, and then everything happens
in the order of time, however often one polls. A request reaches the venue after its way out and is
executed against the true book of that moment; the bot sees the market, and hears of its fills, with
a delay of their own. Answers to requests, answers to queries and pushed reports are three streams:
each keeps its order, and they overtake each other.

The same seed, market and commands give the same reports.
"""

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from random import Random
from typing import Final, NamedTuple

from exchange.commands import Cancel, Command, Modify, Place, QueryOpen, QueryOrder
from exchange.instrument import Instrument
from exchange.market import Market, Row
from exchange.paper.desk import Desk
from exchange.paper.feed import Feed
from exchange.paper.latency import FAST_FEED, LATENCIES, Latency, Quantiles
from exchange.paper.matching import Matcher
from exchange.paper.order import SHARES
from exchange.paper.quota import Quota
from exchange.reports import Limited, OpenOrder, Report
from exchange.units import Nanos, Price
from exchange.venue import Capabilities, Received

_ANSWERS: Final = 0
_QUERIES: Final = 1
_PUSHED: Final = 2


class _Arrival(NamedTuple):
    """A request on its way; ordered by time and then by sending."""

    at: Nanos
    serial: int
    back: Nanos
    """How long its answer will take."""
    stream: int
    commands: tuple[Command, ...]


class PaperVenue:
    """A venue that trades one instrument on paper."""

    def __init__(
        self,
        instrument: Instrument,
        rows: Iterable[Row],
        *,
        latency: Latency = LATENCIES["fast"],
        feed: Quantiles | None = FAST_FEED,
        quota: Quota | None = None,
        seed: int = 0,
        cancel_share_ahead: float = 0.5,
        capabilities: Capabilities | None = None,
    ) -> None:
        """Open a venue on a market whose rows come in the order of exchange time.

        A `feed` of None takes the recording's own delay. `quota` belongs to the venue from now on.
        `cancel_share_ahead` weighs which of the unexplained decreases at a level stood ahead of us.
        Raises ValueError where that is not within 0…1.
        """
        if not 0 <= cancel_share_ahead <= 1:
            raise ValueError(f"cancel_share_ahead must be within 0…1, was {cancel_share_ahead}")
        self._instrument: Final = instrument
        self._capabilities: Final = Capabilities() if capabilities is None else capabilities
        self._latency: Final = latency
        self._push_delay: Final = FAST_FEED if feed is None else feed
        # Each its own, so that what one draws does not depend on how often another does.
        self._trips, feed_random, self._pushes = (
            Random(f"{name} {seed}")  # noqa: S311 - a simulation, not a secret
            for name in ("trips", "feed", "pushes")
        )
        self._feed: Final = Feed(feed, feed_random)
        self._matcher: Final = Matcher(rows, self._feed, round(cancel_share_ahead * SHARES))
        self.quota: Final = Quota() if quota is None else quota
        """The venue's own ledgers."""
        unit = instrument.price_unit * instrument.lot
        self.quota.units_per_request = max(1, int(1 / unit))
        self._desk: Final = Desk(instrument, self._matcher, self.quota, self._capabilities)
        self._now: Nanos = 0
        self._serial = 0
        self._arrivals: list[_Arrival] = []
        self._outbox: list[tuple[Nanos, int, Report]] = []
        self._last: list[Nanos] = [0, 0, 0]

    @property
    def instrument(self) -> Instrument:
        """The instrument's units and rules."""
        return self._instrument

    @property
    def capabilities(self) -> Capabilities:
        """How this venue's requests behave."""
        return self._capabilities

    # The contract.

    def submit(self, commands: Sequence[Command], now: Nanos) -> None:
        """Send commands: one request for places and modifies, one for cancels, one for queries."""
        placing = tuple(c for c in commands if isinstance(c, Place | Modify))
        cancels = tuple(c for c in commands if isinstance(c, Cancel))
        queries = tuple(c for c in commands if isinstance(c, QueryOrder | QueryOpen))
        for group, stream in ((cancels, _ANSWERS), (placing, _ANSWERS), (queries, _QUERIES)):
            if not group:
                continue
            out, back = self._latency.round_trip(group[0], self._trips)
            self._serial += 1
            # The venue does not go back in time for a request that says it was sent in the past.
            at = max(now + out, self._now)
            heappush(self._arrivals, _Arrival(at, self._serial, back, stream, group))

    def poll(self, now: Nanos) -> list[Received]:
        """Play everything up to `now`; return what has reached us, in order of arrival."""
        arrivals = self._arrivals
        while arrivals and arrivals[0].at <= now:
            self._play(arrivals[0].at)
            self._execute(heappop(arrivals))
        self._play(now)
        self._now = max(self._now, now)
        outbox = self._outbox
        received: list[Received] = []
        while outbox and outbox[0][0] <= now:
            at, _, report = heappop(outbox)
            received.append(Received(at, report))
        return received

    def _play(self, until: Nanos) -> None:
        """Advance the market, and push what it has filled."""
        self._matcher.advance(until)
        self._push_fills()

    def _push_fills(self) -> None:
        for fill in self._desk.collect():
            self._say(_PUSHED, fill.at, self._push_delay.draw(self._pushes), fill)

    def _execute(self, arrival: _Arrival) -> None:
        at = arrival.at
        is_limited = False
        for command in arrival.commands:
            said = self._desk.execute(command, at)
            for report in said.pushed:
                if isinstance(report, Limited):
                    # Said once a request, and with its answer.
                    if not is_limited:
                        self._say(arrival.stream, at, arrival.back, report)
                    is_limited = True
                else:
                    self._say(_PUSHED, at, self._push_delay.draw(self._pushes), report)
            for report in said.answers:
                self._say(arrival.stream, at, arrival.back, report)
        self._push_fills()

    def _say(self, stream: int, at: Nanos, delay: Nanos, report: Report) -> None:
        """Send a report; within one stream none overtakes another."""
        arrives = max(self._last[stream], at + delay)
        self._last[stream] = arrives
        self._serial += 1
        heappush(self._outbox, (arrives, self._serial, report))

    # The market, as the bot sees it.

    def market(self, now: Nanos) -> Market:
        """Return the book visible at `now`, which never falls, and where our orders truly stand."""
        at, touch = self._feed.touch(now)
        queues = ((order.cloid, self._matcher.queue(order)) for order in self._matcher.resting())
        return Market(
            at=at,
            bid=touch.bid or None,
            ask=touch.ask or None,
            bid_qty=touch.bid_qty,
            ask_qty=touch.ask_qty,
            queues={cloid: queue for cloid, queue in queues if queue is not None},
        )

    def seen(self, now: Nanos) -> list[Row]:
        """Return the rows that have become visible since the last call, in order of visibility."""
        return self._feed.seen(now)

    @property
    def done(self) -> bool:
        """Whether the market has no more rows."""
        return self._matcher.next_row_time is None

    @property
    def next_row_time(self) -> Nanos | None:
        """The exchange time of the next row, None where there is none."""
        return self._matcher.next_row_time

    # The truth, for those who judge.

    def mid_at(self, at: Nanos) -> Price | None:
        """Return twice the mid at exchange time `at`, as far as the market has been played.

        None where no book with two sides was known by then.
        """
        return self._feed.mid_at(at)

    @property
    def position(self) -> int:
        """The signed sum of all fills, in lots."""
        return self._desk.position

    def open_orders(self) -> tuple[OpenOrder, ...]:
        """Return what truly rests."""
        return self._desk.open_orders()
