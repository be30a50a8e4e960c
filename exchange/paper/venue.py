"""The paper venue: an exchange in process, trading our orders against a market that is replayed.

Time is the caller's: nothing happens until `poll` says how late it is, and then everything happens
in the order of time, however often one polls. A request reaches the venue after its way out and is
executed against the true book of that moment; the bot sees the market, and hears of its fills, with
a delay of their own. Answers to requests, answers to queries and pushed reports are three streams:
each keeps its order, and they overtake each other. A venue with faults (`exchange.paper.faults`)
keeps less than that.

The same seed, market, commands and faults give the same reports.
"""

from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush
from random import Random
from typing import Final, NamedTuple

from exchange.columns import Sight
from exchange.commands import Cancel, Command, Modify, Place, QueryOpen, QueryOrder
from exchange.instrument import Instrument
from exchange.market import Market, Row
from exchange.paper.column_feed import ColumnFeed
from exchange.paper.desk import Desk, Said
from exchange.paper.faults.injector import PLAIN, Fate, Faults
from exchange.paper.feed import Feed
from exchange.paper.latency import FAST_FEED, LATENCIES, Latency, Quantiles
from exchange.paper.matching import Matcher, Matching
from exchange.paper.order import SHARES
from exchange.paper.quota import Quota
from exchange.paper.replay import Replay
from exchange.paper.tape import Tape
from exchange.reports import Fill, Limited, OpenOrder, Report
from exchange.units import Nanos, Price
from exchange.venue import Capabilities, NoAnswer, Received
from exchange.words import Cloid

_ANSWERS: Final = 0
_QUERIES: Final = 1
_PUSHED: Final = 2
_FILLS: Final = 3
"""Where there are faults, fills and other pushed reports are two streams."""
_ITSELF: Final = 4
"""Nobody has sent it: something happens by itself."""


class _Arrival(NamedTuple):
    """A request on its way; ordered by time and then by sending."""

    at: Nanos
    serial: int
    back: Nanos
    """How long its answer will take."""
    stream: int
    commands: tuple[Command, ...]
    client: int = 0
    """Who has sent it."""
    fate: Fate = PLAIN


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
        faults: Faults | None = None,
    ) -> None:
        """Open a venue on a market whose rows come in the order of exchange time.

        A market that is a `Tape` is played in bulk, with the same results, unless the recording's
        own delay is wanted.
        A `feed` of None takes the recording's own delay. `quota` and `faults` belong to the venue
        from now on.
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
        share_ahead = round(cancel_share_ahead * SHARES)
        self._feed: Feed | ColumnFeed
        self._matcher: Matching
        if feed is not None and isinstance(rows, Tape):
            self._feed = bulk = ColumnFeed(feed, feed_random)
            self._matcher = Replay(rows, bulk, share_ahead)
        else:
            self._feed = plain = Feed(feed, feed_random)
            self._matcher = Matcher(rows, plain, share_ahead)
        self.quota: Final = Quota() if quota is None else quota
        """The venue's own ledgers."""
        unit = instrument.price_unit * instrument.lot
        self.quota.units_per_request = max(1, int(1 / unit))
        self._desk: Final = Desk(instrument, self._matcher, self.quota, self._capabilities)
        self._now: Nanos = 0
        self._serial = 0
        self._arrivals: list[_Arrival] = []
        self._outbox: list[tuple[Nanos, int, Report | NoAnswer]] = []
        self._last: list[Nanos] = [0, 0, 0, 0]
        self._client = 0
        self._faults: Final = faults
        if faults is not None:
            faults.open(self._matcher.next_row_time or 0)
            self._await_next(faults)

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
            arrival = _Arrival(at, self._serial, back, stream, group, self._client)
            if self._faults is None:
                heappush(self._arrivals, arrival)
            else:
                self._send(self._faults, arrival, now)

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
        at, faults = arrival.at, self._faults
        if faults is not None and arrival.stream == _ITSELF:
            self._happen(faults, at)
            return
        is_heard = arrival.client == self._client and arrival.fate.is_answered
        is_late = arrival.fate.answer_later > 0
        is_limited = False
        for command in arrival.commands:
            if faults is None:
                said = self._desk.execute(command, at)
            else:
                said = faults.execute(self._desk, command, at, arrival.fate)
            for limited in self._pushed(said, at):
                # Said once a request, and with its answer.
                if is_heard and not is_limited:
                    self._say(arrival.stream, at, arrival.back, limited, alone=is_late)
                is_limited = True
            for report in said.answers if is_heard else ():
                self._say(arrival.stream, at, arrival.back, report, alone=is_late)
        self._push_fills()

    def _pushed(self, said: Said, at: Nanos) -> list[Limited]:
        """Push what is pushed; return what goes with the answer instead."""
        limited = []
        for report in said.pushed:
            if isinstance(report, Limited):
                limited.append(report)
            else:
                self._say(_PUSHED, at, self._push_delay.draw(self._pushes), report)
        return limited

    def _say(
        self, stream: int, at: Nanos, delay: Nanos, report: Report, *, alone: bool = False
    ) -> None:
        """Send a report; within one stream none overtakes another, but those that go `alone`."""
        if self._faults is not None:
            self._say_with(self._faults, stream, at, delay, report, alone=alone)
            return
        arrives = max(self._last[stream], at + delay)
        self._last[stream] = arrives
        self._post(arrives, report)

    def _post(self, arrives: Nanos, report: Report | NoAnswer) -> None:
        self._serial += 1
        heappush(self._outbox, (arrives, self._serial, report))

    # With faults.

    def _await_next(self, faults: Faults) -> None:
        self._serial += 1
        heappush(self._arrivals, _Arrival(faults.next_at, self._serial, 0, _ITSELF, ()))

    def _send(self, faults: Faults, arrival: _Arrival, now: Nanos) -> None:
        """Send a request on its way, with what is to become of it."""
        commands = arrival.commands
        fate = faults.fate(commands, now)
        answered = arrival.at + arrival.back
        if fate.outcome is not None:
            requests = [c for c in commands if isinstance(c, Place | Modify | Cancel)]
            if fate.is_limited and requests:
                self._post(answered, Limited(faults.shown(arrival.at)))
            for command in requests:
                self._post(answered, NoAnswer(command, fate.outcome))
        if fate.reaching:
            arrival = arrival._replace(
                at=arrival.at + fate.later,
                back=arrival.back + fate.answer_later,
                commands=commands[: fate.reaching],
                fate=fate,
            )
            heappush(self._arrivals, arrival)

    def _say_with(
        self, faults: Faults, stream: int, at: Nanos, delay: Nanos, report: Report, *, alone: bool
    ) -> None:
        """Send a report, or lose it, or send it twice."""
        report = faults.stamp(report)
        is_pushed = stream == _PUSHED
        last = self._last
        lane = stream
        if is_pushed and faults.splits(at):
            lane = _FILLS if isinstance(report, Fill) else _PUSHED
        elif is_pushed:
            last[_PUSHED] = max(last[_PUSHED], last[_FILLS])
        for number, later in enumerate(faults.say(report, at, is_pushed=is_pushed)):
            arrives = at + delay + later
            # An answer that comes later than it should does not hold up those to other requests.
            if number == 0 and not alone and (is_pushed or later == 0):
                arrives = last[lane] = max(last[lane], arrives)
            self._post(arrives, report)

    def _happen(self, faults: Faults, at: Nanos) -> None:
        """Let something happen by itself."""
        happening = faults.happen(at, self._desk)
        if happening.cuts:
            outbox = self._outbox
            outbox[:] = [
                entry for entry in outbox if entry[0] <= at or not faults.is_lost(entry[2])
            ]
            heapify(outbox)
        for report in happening.told:
            self._post(at, report)
        for report in happening.pushed:
            self._say(_PUSHED, at, self._push_delay.draw(self._pushes), report)
        self._await_next(faults)

    # The client's death.

    def new_client(self, now: Nanos) -> None:
        """Hand the venue over to a new client: the one before has died.

        What was said to that one is lost, also what is still on its way. What it has sent arrives
        all the same, and nobody hears the answers. What is pushed from now on, the new one hears.
        """
        self.poll(now)
        self._outbox.clear()
        self._client += 1
        if self._faults is not None:
            self._faults.reconnected(now)

    # The market, as the bot sees it.

    def market(self, now: Nanos) -> Market:
        """Return the book visible at `now`, which never falls, and where our orders truly stand."""
        at, touch = self._feed.touch(self._sees(now))
        if self._faults is not None:
            at = self._faults.shown(at)
        return Market(
            at=at,
            bid=touch.bid or None,
            ask=touch.ask or None,
            bid_qty=touch.bid_qty,
            ask_qty=touch.ask_qty,
            queues=self._matcher.queues(),
        )

    def seen(self, now: Nanos) -> list[Row]:
        """Return the rows that have become visible since the last call, in order of visibility."""
        rows = list(self._feed.seen(self._sees(now)))
        if self._faults is not None and self._faults.plan.skew:
            rows = [row._replace(ts=self._faults.shown(row.ts)) for row in rows]
        return rows

    def sight(self, now: Nanos) -> Sight | list[Row]:
        """Return as `seen`, in columns where the market is in columns."""
        if self._faults is None and isinstance(self._feed, ColumnFeed):
            return self._feed.seen(now)
        return self.seen(now)

    def _sees(self, now: Nanos) -> Nanos:
        """Return up to when the market is seen."""
        frozen_at = None if self._faults is None else self._faults.frozen_at
        return now if frozen_at is None else min(now, frozen_at)

    @property
    def done(self) -> bool:
        """Whether the market has no more rows."""
        return self._matcher.next_row_time is None

    @property
    def next_row_time(self) -> Nanos | None:
        """The exchange time of the next row, None where there is none."""
        return self._matcher.next_row_time

    @property
    def rows_played(self) -> int:
        """How many rows of the market have been played."""
        return self._matcher.rows_played

    def quiet_until(self, limit: Nanos) -> Nanos:
        """Return up to when nothing will reach us, at most `limit`, if nothing is sent till then.

        The market is played as far as that takes, so nothing may be sent for an earlier time
        afterwards. Where it is played row by row, or things happen by themselves, nothing is said:
        it is now.
        """
        matcher, arrivals, outbox = self._matcher, self._arrivals, self._outbox
        if self._faults is not None or not isinstance(matcher, Replay):
            return self._now
        while True:
            quiet = min(limit, outbox[0][0]) if outbox else limit
            is_due = bool(arrivals) and arrivals[0].at <= quiet
            if matcher.advance_to_fill(arrivals[0].at if is_due else quiet):
                self._push_fills()
            elif is_due:
                self._execute(heappop(arrivals))
            else:
                return quiet

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

    @property
    def now(self) -> Nanos:
        """How late it is here."""
        return self._now

    @property
    def fills(self) -> tuple[Fill, ...]:
        """Every fill there ever was, in order of time."""
        return tuple(self._desk.fills)

    @property
    def known(self) -> tuple[Cloid, ...]:
        """Every cloid that a place ever came with."""
        return self._desk.known

    @property
    def repeated(self) -> int:
        """Places refused because an order of the same cloid rested."""
        return self._desk.repeated

    def open_orders(self) -> tuple[OpenOrder, ...]:
        """Return what truly rests."""
        return self._desk.open_orders()
