"""A scenario as values: what is wanted, what the venue says and when, what must hold after it.

Everything is parsed into integers before anything is played; `lifecycle.conform.reading` does that
and names the file and the step of whatever is wrong.
"""

from typing import TypeAlias

from msgspec import Struct

from exchange.instrument import Instrument
from exchange.units import Nanos, Price, Qty
from exchange.venue import Capabilities
from exchange.words import Alive, CancelReason, Side, Status
from lifecycle.config import Config
from spec.trace import Targets


class Named(Struct, frozen=True):
    """How a report names its order: by our place (`b1`), by cloid, or by oid alone."""

    name: str | None = None
    cloid: str | None = None
    oid: str | None = None


class CycleStimulus(Struct, frozen=True):
    """One cycle with these targets."""

    targets: Targets
    bid: Price | None
    ask: Price | None


class TickStimulus(Struct, frozen=True):
    """Time passes."""


class CrashStimulus(Struct, frozen=True):
    """The process dies and restarts on its journal."""


class FillRow(Struct, frozen=True):
    """One execution."""

    order: Named
    oid: str
    qty: Qty
    price: Price
    trade_id: str


class OpenRow(Struct, frozen=True):
    """One open order of a snapshot."""

    order: Named
    oid: str
    side: Side
    price: Price
    qty: Qty


class AcceptedSaid(Struct, frozen=True):
    """The place rests."""

    order: Named
    oid: str


class RejectedSaid(Struct, frozen=True):
    """The place is refused."""

    order: Named
    reason: str


class ModifiedSaid(Struct, frozen=True):
    """The modify is done."""

    order: Named
    oid: str
    qty: Qty
    price: Price


class ModifyRejectedSaid(Struct, frozen=True):
    """The modify is refused."""

    order: Named
    reason: str
    alive: Alive


class CancelledSaid(Struct, frozen=True):
    """An oid is gone."""

    order: Named
    oid: str | None
    reason: CancelReason


class CancelRejectedSaid(Struct, frozen=True):
    """The cancel is refused."""

    order: Named
    reason: str


class UnansweredSaid(Struct, frozen=True):
    """A request's outcome is unknown."""

    order: Named
    command: str


class LimitedSaid(Struct, frozen=True):
    """The venue refuses requests for quota."""


class DisconnectedSaid(Struct, frozen=True):
    """The report stream broke."""


class ReconnectedSaid(Struct, frozen=True):
    """The report stream is back."""


class SnapshotSaid(Struct, frozen=True):
    """All open orders, and fills that the stream may have missed."""

    open: tuple[OpenRow, ...]
    fills: tuple[FillRow, ...]
    taken_at: Nanos


class StatusSaid(Struct, frozen=True):
    """The answer to a query about one order."""

    order: Named
    status: Status
    filled: Qty | None


Said: TypeAlias = (
    AcceptedSaid
    | RejectedSaid
    | FillRow
    | ModifiedSaid
    | ModifyRejectedSaid
    | CancelledSaid
    | CancelRejectedSaid
    | UnansweredSaid
    | LimitedSaid
    | DisconnectedSaid
    | ReconnectedSaid
    | SnapshotSaid
    | StatusSaid
)


class ReportStimulus(Struct, frozen=True):
    """Reports, in this order, before any expectation."""

    said: tuple[Said, ...]


Stimulus: TypeAlias = CycleStimulus | ReportStimulus | TickStimulus | CrashStimulus


class OrderExpectation(Struct, frozen=True):
    """What must be true of one order; None is not checked."""

    state: tuple[str, ...] | None = None
    filled: Qty | None = None
    leaves: Qty | None = None
    price: Price | None = None
    request: str | None = None


class Expectations(Struct, frozen=True):
    """What must be true after a step; None, or a name left out, is not checked."""

    sent: dict[str, int] | None = None
    sent_max: dict[str, int] | None = None
    sent_min: dict[str, int] | None = None
    orders: dict[str, OrderExpectation] = {}
    position: int | None = None
    long: Qty | None = None
    short: Qty | None = None
    live_bids: int | None = None
    live_asks: int | None = None
    diverged: tuple[int, ...] = (0,)
    reasons: dict[str, str] = {}


class Step(Struct, frozen=True):
    """One stimulus, then its expectations."""

    at: Nanos
    stimulus: Stimulus
    expected: Expectations


class Scenario(Struct, frozen=True):
    """One story."""

    path: str
    id: str
    title: str
    source: str
    instrument: Instrument
    capabilities: Capabilities
    config: Config
    steps: tuple[Step, ...]
