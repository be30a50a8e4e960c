"""What a journal says of its run apart from what the manager made of it.

That is when the bot wanted what, on which market, and when the process was started again or told
to stop: all that is the same whatever the settings are.
"""

from dataclasses import dataclass

from exchange.market import Market, Queue
from exchange.units import Nanos, Price, Qty, seconds
from exchange.words import Side
from lifecycle.journal.base import Header
from lifecycle.whatif.trips import Trips
from spec.trace import Targets


@dataclass(frozen=True, slots=True)
class Stand:
    """Where an order of ours stood at its price."""

    side: Side
    price: Price
    queue: Queue
    since: Nanos
    """The first cycle that found it there."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What the bot wanted at one cycle."""

    at: Nanos
    targets: Targets
    market: Market
    """As the bot saw it."""
    stands: tuple[Stand, ...]
    """Of our orders, where their queues were known."""
    is_early: bool
    """The cycle came before its time, because an order was gone that nobody had cancelled."""


@dataclass(frozen=True, slots=True)
class Start:
    """The process was started."""

    at: Nanos
    since: Nanos
    """The last that is known of the process before; the time of the start where it is the first."""
    session: str


@dataclass(frozen=True, slots=True)
class Halt:
    """Nothing is wanted any more."""

    at: Nanos
    why: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What a fill of ours proves: that so much traded at this price, when it was our turn."""

    at: Nanos
    side: Side
    """Of our order."""
    price: Price
    qty: Qty
    ahead: Qty
    """What stood ahead of our order when its queue was last seen."""


@dataclass(frozen=True, slots=True)
class Script:
    """A run without its manager."""

    header: Header
    start: Nanos
    end: Nanos
    """Of the first and of the last record."""
    records: int
    events: tuple[Quote | Start | Halt, ...]
    """In order of time."""
    quotes: tuple[Quote, ...]
    """Those among the events."""
    proofs: tuple[Proof, ...]
    trips: Trips

    @property
    def period(self) -> Nanos:
        """The time from one cycle to the next."""
        return seconds(self.header.config.timing.cycle_s)

    def is_over(self, cycled_at: Nanos) -> bool:
        """Say whether the period of a cycle is over by the end, so that it can be judged."""
        return self.end >= cycled_at + self.period
