"""The driver: hands the venue's reports to the manager, and the manager's commands to the venue.

It owns no clock and never waits: whoever calls it says what time it is, be it a simulation or a
loop that sleeps. Everything that the manager is told, and what came of it, goes to the sinks before
anything is sent; the first of them is the journal, so that a process that dies between deciding and
sending leaves a record of what may be under way.

Where the journal can no longer be written, what rests is taken off the book without it, as far as
that is possible, and the error is raised: a bot that cannot remember must not quote.
"""

from collections.abc import Callable, Sequence
from typing import Final

from exchange.commands import Command, QueryOpen, QueryOrder
from exchange.market import Market
from exchange.reports import Cancelled, OrderStatus, Snapshot
from exchange.units import SECOND, Nanos
from exchange.venue import NoAnswer, Received, Venue
from exchange.words import CancelReason
from lifecycle.core.manager import OrderManager
from lifecycle.core.traced import TracedManager
from lifecycle.journal.base import JournalError
from spec.states import Request
from spec.trace import Plan, Reaction, Record, Targets

Sink = Callable[[Record], None]

NOTHING_WANTED: Final = Targets()
ANSWER_MAX: Final = 60 * SECOND
"""An answer to a question is not awaited for longer."""


class Driver:
    """One manager at one venue."""

    def __init__(
        self,
        manager: OrderManager,
        venue: Venue,
        sinks: Sequence[Sink] = (),
        *,
        observers: Sequence[Sink] = (),
        refill: Nanos | None = None,
    ) -> None:
        """Join a manager and a venue.

        `sinks` take each record in turn, the journal first: one that raises keeps the others from
        it, and the command from being sent. `observers` take them when that is done. `refill` is
        how long after a cycle the next one may replace what has filled; None: at its own time.
        """
        self.manager = manager
        self.venue = venue
        self._told: OrderManager | TracedManager = manager
        """The manager as whoever tells it something sees it."""
        self._sinks = tuple(sinks)
        self._observers = tuple(observers)
        self._unseen: list[Record] = []
        """Records that the observers have not had."""
        if sinks or observers:
            self._told = TracedManager(manager, self._note)
        self._asked: dict[int, Nanos] = {}
        """Queries without an answer so far, and when they were sent."""
        self._refill = refill
        self._cycled_at: Nanos = 0
        self._has_lost = False
        """An order is gone since the last cycle that nobody cancelled."""
        self._market: Market | None = None
        """As last seen."""

    # What is done.

    def start(self, now: Nanos, session: str = "") -> None:
        """Begin: nothing is sent but questions until a snapshot says what rests.

        `session` is the prefix of every cloid from now on. Of a manager that was restored from a
        journal all that was in flight is in doubt from now on.
        """
        self._send(self._told.restarted(now, session), now)

    def deliver(self, now: Nanos, heard: Callable[[Received], None] | None = None) -> None:
        """Hand over what has arrived by `now`, each at its own time, and run what is due.

        `heard` is told of each after the manager.
        """
        asked = self._asked
        while asked and next(iter(asked.values())) <= now - ANSWER_MAX:
            # Lost, or its answer is; the manager asks again by its own timers.
            del asked[next(iter(asked))]
        for received in self.venue.poll(now):
            self._receive(received, now)
            if heard is not None:
                heard(received)
        if self.manager.next_timer <= now:
            self._send(self._told.tick(now), now)

    def cycle(self, now: Nanos, targets: Targets, market: Market) -> Plan:
        """Decide and send; as `OrderManager.cycle`."""
        self._cycled_at = now
        self._has_lost = False
        self._market = market
        plan = self._told.cycle(now, targets, market)
        self._submit(plan.commands, now)
        self._show()
        return plan

    def skip(self, now: Nanos) -> None:
        """Let a cycle pass in which there is nothing to say: what rests stays."""
        self._cycled_at = now
        self._has_lost = False

    def halt(self, now: Nanos, why: str) -> None:
        """Want nothing any more: cycles withdraw what rests from now on, until the next start."""
        told = self._told
        if isinstance(told, TracedManager):
            told.halt(now, why)
            self._show()
        else:
            told.halt(now)

    # What is known.

    @property
    def is_awaiting(self) -> bool:
        """Whether an answer is awaited, to a question or to a request."""
        if self._asked:
            return True
        orders = self.manager.open_orders
        return any(order.request is not Request.IDLE for order in orders.values())

    @property
    def is_agreed(self) -> bool:
        """Whether the record and the venue agree: a snapshot has come, and nothing is in doubt."""
        if self.manager.is_blind:
            return False
        return not any(order.is_in_doubt for order in self.manager.open_orders.values())

    def is_to_refill(self, now: Nanos) -> bool:
        """Say whether a level has lost its order, and shall not wait for the next cycle."""
        due = self._refill is not None and now >= self._cycled_at + self._refill
        return due and self._has_lost

    # Inside.

    def _note(self, record: Record) -> None:
        try:
            for sink in self._sinks:
                sink(record)
        except JournalError:
            self._abandon(record.now)
            raise
        if self._observers:
            self._unseen.append(record)

    def _show(self) -> None:
        unseen, self._unseen = self._unseen, []
        for record in unseen:
            for observer in self._observers:
                observer(record)

    def _receive(self, received: Received, now: Nanos) -> None:
        report, at = received.report, received.at
        if isinstance(report, NoAnswer):
            reaction = self._told.unanswered(report.command, report.outcome, at)
        else:
            if isinstance(report, OrderStatus | Snapshot):
                self._asked.pop(report.request, None)
            live = len(self.manager.open_orders)
            reaction = self._told.receive(report, at)
            if len(self.manager.open_orders) < live:
                ours = isinstance(report, Cancelled) and report.reason is CancelReason.USER
                self._has_lost = self._has_lost or not ours
        self._send(reaction, now)

    def _send(self, reaction: Reaction, now: Nanos) -> None:
        self._submit(reaction.queries, now)
        self._show()

    def _submit(self, commands: Sequence[Command], now: Nanos) -> None:
        if not commands:
            return
        for command in commands:
            if isinstance(command, QueryOrder | QueryOpen):
                self._asked[command.request] = now
        self.venue.submit(commands, now)

    def _abandon(self, now: Nanos) -> None:
        """Take off the book what can be, without a record of it.

        To whoever resumes the journal the orders are gone as if the venue had cancelled them.
        """
        market = self._market or Market(now, None, None)
        self.manager.halt(now)
        self.venue.submit(self.manager.cycle(now, NOTHING_WANTED, market).commands, now)
