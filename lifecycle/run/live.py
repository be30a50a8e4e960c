"""A run by the real clock: it waits for what the venue says, and acts when something is due.

It begins as every start does, with questions: what rests, what has filled. Until a snapshot has
come nothing else is sent. It ends only one way: everything is withdrawn, and a look that was asked
for after that has found nothing. Where that cannot be had in time, or whoever runs it gives up, it
says so.
"""

import asyncio
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from exchange.market import Market, Row
from exchange.units import MILLISECOND, MINUTE, SECOND, Nanos, seconds
from exchange.venue import LiveVenue
from lifecycle.core.manager import OrderManager
from lifecycle.drive.driver import Sink
from lifecycle.drive.recovery import Recovery, new_session
from lifecycle.drive.switch import KillSwitch
from lifecycle.journal.base import JournalError
from lifecycle.observe.observer import Observer
from lifecycle.run.config import RunConfig
from lifecycle.run.trader import Trader
from spec.trace import Record

LOOK: Final = 200 * MILLISECOND
"""How often the kill switch is looked at, whatever happens."""
GIVE_UP: Final = 5 * MINUTE
"""How long it is tried to prove that nothing rests."""
FLUSH_S: Final = 2.0
"""How long what is left to send may take where the journal can no longer be written."""
MIDS_KEPT: Final = 20_000


def wall_clock() -> Nanos:
    """Return nanoseconds since 1970."""
    return time.time_ns()


class LiveRun(Trader):
    """One bot at one live venue."""

    def __init__(
        self,
        config: RunConfig,
        policy: str,
        name: str,
        venue: LiveVenue,
        manager: OrderManager,
        *,
        sinks: Sequence[Sink] = (),
        observer: Observer | None = None,
        switch: KillSwitch | None = None,
        recovery: Recovery | None = None,
        earlier: Iterable[Record] = (),
        minutes: float | None = None,
        clock: Callable[[], Nanos] = wall_clock,
        prefix: str = "0",
    ) -> None:
        """Join a bot and a live venue; `minutes` is how long to run, None until it is stopped.

        `earlier` is what the manager was restored from, so that the invariants know of the orders
        in it; what broke then is not counted again. `clock` may step back: the run's own time then
        stands still until it has caught up.
        """
        self._clock = clock
        self._prefix = prefix
        self._mids = _Mids()
        self.venue = venue
        self._last = max(clock(), manager.now)
        self._noted = _Noted(venue, self._mids)
        super().__init__(
            config,
            policy,
            name,
            self._noted,
            manager,
            self._last,
            self._mids.at,
            sinks=sinks,
            observer=observer,
            switch=switch if switch is not None else KillSwitch(),
            recovery=recovery,
            prefix=prefix,
        )
        if self.watched is not None:
            self.watched.catch_up(earlier)
        self.cycle_ns = seconds(config.timing.cycle_s)
        self._gives_up = False
        self._length = None if minutes is None else seconds(60 * minutes)
        self._next: Nanos = 0

    @property
    def end(self) -> Nanos:
        """How long the run is; 0 until it is stopped."""
        return self._length or 0

    @property
    def rows(self) -> int:
        """Market rows so far."""
        return self._noted.rows

    def stop(self, why: str) -> None:
        """Have everything withdrawn and the run ended."""
        assert self._switch is not None, "a live run has one"
        self._switch.throw(why)

    def give_up(self) -> None:
        """End the run now, whatever rests."""
        self._gives_up = True

    async def run(self, each: Callable[[], None] = lambda: None) -> bool:
        """Run to the end; returns whether it is proven that nothing of ours rests.

        `each` is called after every round, for whoever shows it. Raises JournalError where the
        journal can no longer be written, after everything idle was cancelled without a record.
        """
        try:
            return await self._run(each)
        except JournalError:
            # What the driver has had cancelled is still to be sent.
            await self._flush()
            raise

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + FLUSH_S
        while (left := until - loop.time()) > 0:
            await self.venue.wait(left)
            self.venue.poll(self._now())

    async def _run(self, each: Callable[[], None]) -> bool:
        now = self._now()
        if self.recovery is not None:
            self.recovery.started_at = now
        self.driver.start(now, new_session(self._prefix))
        self._next = now + self.cycle_ns
        give_up: Nanos | None = None
        while not self.is_withdrawn():
            due = min(self._next, max(self.manager.next_timer, now + MILLISECOND), now + LOOK)
            await self.venue.wait((due - now) / SECOND)
            now = self._round()
            each()
            if self._gives_up:
                return self.is_withdrawn()
            if self._length is not None and now - self.start >= self._length:
                self.stop("the time is over")
            if self.manager.is_halted:
                give_up = now + GIVE_UP if give_up is None else give_up
                if now >= give_up:
                    return False
        return True

    def _round(self) -> Nanos:
        """Take in what has come, and do what is due; returns when that was."""
        now = self._at = self._now()
        self.driver.deliver(now, self._heard)
        if self.recovery is not None:
            self.recovery.look(self.driver, now)
        self._look_at_switch()
        if now >= self._next:
            self._settle(now)
            self._cycle()
            self._next = max(self._next + self.cycle_ns, now + self.cycle_ns // 2)
        elif self.driver.is_to_refill(now):
            self._cycle(early=True)
        return now

    def _now(self) -> Nanos:
        self._last = max(self._last, self._clock())
        return self._last


class _Mids:
    """The mids seen lately, by which fills are judged."""

    def __init__(self) -> None:
        self._times: deque[Nanos] = deque(maxlen=MIDS_KEPT)
        self._mids: deque[int | None] = deque(maxlen=MIDS_KEPT)

    def note(self, market: Market) -> None:
        """Note a book; an older one than the last is none."""
        if self._times and market.at <= self._times[-1]:
            return
        both = market.bid is not None and market.ask is not None
        self._times.append(market.at)
        self._mids.append(market.bid + market.ask if both else None)  # type: ignore[operator]

    def at(self, at: Nanos) -> int | None:
        """Return twice the mid as it was then, None where that is not known."""
        index = bisect_right(self._times, at)
        return self._mids[index - 1] if index else None


class _Noted:
    """A live venue whose mids are noted as they are seen."""

    def __init__(self, venue: LiveVenue, mids: _Mids) -> None:
        self._venue = venue
        self._mids = mids
        self.instrument = venue.instrument
        self.capabilities = venue.capabilities
        self.submit = venue.submit
        self.poll = venue.poll
        self.rows = 0

    def market(self, now: Nanos) -> Market:
        """Return the book as it is seen."""
        market = self._venue.market(now)
        self._mids.note(market)
        return market

    def seen(self, now: Nanos) -> list[Row]:
        """Return the rows that have come since the last call, and note their mids."""
        rows = self._venue.seen(now)
        self.rows += len(rows)
        for row in rows:
            if row.bid and row.ask:
                self._mids.note(Market(row.ts, row.bid, row.ask))
        return rows
