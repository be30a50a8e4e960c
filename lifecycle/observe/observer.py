"""What a run is seen by from outside: its log and its metrics, as one."""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from exchange.market import Market
from exchange.units import Nanos
from lifecycle.core.churn import Churn
from lifecycle.core.manager import OrderManager
from lifecycle.observe.log import CycleLog
from lifecycle.observe.metrics import MetricsExporter
from spec.trace import Record


class Forwarding(Protocol):
    """What forwards records to where they are kept for longer."""

    @property
    def behind(self) -> int:
        """How many have not arrived yet."""


class Observer:
    """A log, metrics, or both; it only looks."""

    def __init__(self, log: CycleLog | None = None, metrics: MetricsExporter | None = None) -> None:
        self.log = log
        self.metrics = metrics
        self.forwarding: Forwarding | None = None
        """What is asked how far behind it is, if records are forwarded."""

    def feed(self, record: Record) -> None:
        """Take a record, after what came of it was sent."""
        if self.log is not None:
            self.log.feed(record)
        if self.metrics is not None:
            self.metrics.feed(record)

    def look(
        self, manager: OrderManager, now: Nanos, market: Market, churn: Churn, *, early: bool
    ) -> None:
        """Look at the manager, before each cycle."""
        if self.log is not None:
            self.log.note(headroom=manager.headroom)
        if self.metrics is not None:
            self.metrics.look(manager, now, market, alarms=churn.alerts, early=early)
        if self.forwarding is not None:
            behind = self.forwarding.behind
            if self.log is not None:
                self.log.note(unforwarded=behind)
            if self.metrics is not None:
                self.metrics.forwarded(behind)

    def cycle_timer(self) -> AbstractContextManager[None]:
        """Take the time of the cycle that runs inside."""
        return nullcontext() if self.metrics is None else self.metrics.cycle_timer()

    def alert(self, now: Nanos, what: str) -> None:
        """Note that an alarm began or ended."""
        if self.log is not None:
            self.log.alert(now, what)

    def violated(self, now: Nanos, invariant: str, what: str) -> None:
        """Note that an invariant was broken."""
        if self.log is not None:
            self.log.violated(now, invariant, what)
        if self.metrics is not None:
            self.metrics.violated(invariant)
