"""The schema of the log: one class for each kind of line, its fields the keys of the JSON.

Every line has `event`, which names its kind, and the time twice, for people and for arithmetic.
Keys stay as they are, and none is ever left out; new ones may come, and then `SCHEMA` stays. It
grows where a key goes or changes its meaning. Prices are in the instrument's price units, sizes in
its lots, durations in nanoseconds; the `start` line says what a unit and a lot are worth.

A line can be read back: `msgspec.json.decode(text, type=Line)`.
"""

from typing import Final, TypeAlias

from msgspec import Struct

from exchange.units import Nanos, Price, Qty

SCHEMA: Final = 1

Value: TypeAlias = bool | int | float | str | None
"""What a note may be."""


class _Timed(Struct, frozen=True, tag_field="event"):
    """What every line begins with, after its kind."""

    time: str
    """ISO 8601, UTC, to the nanosecond."""
    time_ns: Nanos
    """The same as nanoseconds since 1970, or since the epoch of a simulated run."""


class StartLine(_Timed, frozen=True, tag="start"):
    """The log begins, or begins again: in a new file, or by a new process."""

    schema: int
    """The version of these keys."""
    version: str
    """Of the package."""
    instrument: str
    policy: str
    session: str
    """The prefix of every cloid."""
    price_unit: str
    """In quote currency."""
    lot: str
    """In base currency."""


class CycleLine(_Timed, frozen=True, tag="cycle"):
    """One cycle. What was done to each order is in the journal; here it is counted."""

    cycle: int
    """Its number, from 1."""
    bids_wanted: int
    """Targets, after the grid."""
    asks_wanted: int
    bids_open: int
    """Possibly-live orders before the cycle's own commands."""
    asks_open: int
    placed: int
    """Commands sent, by kind."""
    modified: int
    cancelled: int
    queried: int
    actions: dict[str, int]
    """Decisions by action; those that were not taken are left out."""
    reasons: dict[str, int]
    """Decisions by reason, likewise."""
    fills: int
    """Heard of since the cycle before."""
    filled_lots: Qty
    position_lots: int
    """Signed."""
    bid_price_units: Price | None
    """The touch that was decided by."""
    ask_price_units: Price | None
    market_age_ns: Nanos
    """How old the newest thing seen of the market is."""
    step_price_units: Price
    """The grid's step; 0 without a grid."""
    band_price_units_min: Price | None
    """The narrowest latch half-width that applied to an order; None where there was none."""
    band_price_units_max: Price | None
    drift_price_units_max: Price | None
    """The furthest that an order is from its target."""
    notes: dict[str, Value]
    """What the caller added."""


class FillLine(_Timed, frozen=True, tag="fill"):
    """An execution, told once however often it is reported."""

    cloid: str | None
    oid: str
    trade_id: str
    side: str
    """`buy`, `sell`, or `unknown`."""
    qty_lots: Qty
    price_units: Price


class RejectLine(_Timed, frozen=True, tag="reject"):
    """The venue turned a request down."""

    request: str
    """`place`, `modify` or `cancel`."""
    cloid: str
    why: str
    """The venue's words."""


class UnansweredLine(_Timed, frozen=True, tag="unanswered"):
    """A request will get no answer."""

    request: str
    cloid: str
    outcome: str


class LimitedLine(_Timed, frozen=True, tag="limited"):
    """The venue refuses requests for quota."""


class DisconnectLine(_Timed, frozen=True, tag="disconnect"):
    """The report stream broke: blind from now on."""


class ReconnectLine(_Timed, frozen=True, tag="reconnect"):
    """The report stream is back; blind until a snapshot has come."""


class RestartLine(_Timed, frozen=True, tag="restart"):
    """The process came back on its journal: blind until a snapshot has come."""

    session: str
    in_doubt: int
    """Orders that the venue is asked about, because their requests are in doubt."""


class SightedLine(_Timed, frozen=True, tag="sighted"):
    """A snapshot has come, and all is seen again; after a restart, the recovery in numbers."""

    after: str
    """`restart` or `disconnect`."""
    blind_ns: Nanos
    """How long nothing could be sent."""
    open: int
    """Orders in the snapshot, those of others included."""
    fills: int
    """Missed meanwhile, and heard of now."""
    filled_lots: Qty


class HaltLine(_Timed, frozen=True, tag="halt"):
    """Nothing is wanted any more: all that rests is to go."""

    why: str


class DivergenceLine(_Timed, frozen=True, tag="divergence"):
    """A report that cannot be true together with the record."""

    label: str
    """The state and what it was told."""
    cloid: str | None
    report: str
    """Its kind."""


class GuardLine(_Timed, frozen=True, tag="guard"):
    """A guard began to hold orders back, or does so no longer."""

    guard: str
    """The reason that its decisions have."""
    is_holding: bool


class ViolationLine(_Timed, frozen=True, tag="violation"):
    """An invariant was broken: a fault of ours."""

    invariant: str
    what: str


class AlertLine(_Timed, frozen=True, tag="alert"):
    """An alarm of the churn layer began or ended."""

    what: str


class LostLine(_Timed, frozen=True, tag="lost"):
    """Lines before this one could not be written."""

    lines: int


class NotedLine(_Timed, frozen=True, tag="noted"):
    """Something that the caller found notable."""

    what: str
    notes: dict[str, Value]


Line: TypeAlias = (
    StartLine
    | CycleLine
    | FillLine
    | RejectLine
    | UnansweredLine
    | LimitedLine
    | DisconnectLine
    | ReconnectLine
    | RestartLine
    | SightedLine
    | HaltLine
    | DivergenceLine
    | GuardLine
    | ViolationLine
    | AlertLine
    | LostLine
    | NotedLine
)
