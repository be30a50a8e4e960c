"""The venue contract: what any venue, real or paper, is to the code that drives it.

A venue takes commands and hands back what has been said since. It decides nothing and remembers
nothing for the caller. Every status and error of the real thing is mapped to a report with a
definite meaning; what cannot be mapped is left unanswered, loudly, and never guessed.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from exchange.commands import Command, Request
from exchange.instrument import Instrument
from exchange.market import Market, Row
from exchange.reports import Report
from exchange.units import Nanos
from exchange.words import Outcome


class Capabilities(Struct, frozen=True):
    """How a venue's requests behave; the order manager plans by it."""

    modify_keeps_oid: bool = False
    """A modify changes the order in place. Otherwise it is one request that cancels and replaces:
    new oid, queue position lost."""
    modify_keeps_queue_on_size_down: bool = False
    """A pure size decrease keeps the queue position."""
    qty_is_total: bool = False
    """The size in a modify includes what has filled. Otherwise it is what shall remain."""
    refused_modify_may_kill: bool = True
    """A refused modify can leave nothing resting."""
    modify_any_distance: bool = True
    """One modify request moves an order however far."""
    cancel_by_cloid: bool = True
    expires: bool = True
    """The venue honours `expires_at`: a request that has not arrived by then never will."""
    batch_max: int = 200


class NoAnswer(Struct, frozen=True, tag="no_answer", gc=False):
    """The transport's own word: a request has failed on its way, and no answer will come.

    What became of it is as the outcome says, which is unknown but for `Outcome.NOT_SENT`.
    """

    command: Request
    outcome: Outcome


class Received(Struct, frozen=True, gc=False):
    """A report, or the news that there will be none, and when it reached us."""

    at: Nanos
    report: Report | NoAnswer


class Venue(Protocol):
    """A place to trade one instrument at."""

    @property
    def instrument(self) -> Instrument:
        """The instrument's units and rules."""

    @property
    def capabilities(self) -> Capabilities:
        """How this venue's requests behave."""

    def submit(self, commands: Sequence[Command], now: Nanos) -> None:
        """Send commands; their answers come by `poll`. A batch of n counts n."""

    def poll(self, now: Nanos) -> list[Received]:
        """Return what has reached us up to `now` and was not returned yet, in order of arrival."""


class LiveVenue(Venue, Protocol):
    """A venue of the real world, where one waits: its clock is ours."""

    async def wait(self, timeout_s: float) -> bool:
        """Wait until something has reached us, or so long; False if nothing has."""

    def market(self, now: Nanos) -> Market:
        """Return the book as it is seen."""

    def seen(self, now: Nanos) -> list[Row]:
        """Return the market rows that have come since the last call."""
