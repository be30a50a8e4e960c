"""Which faults, and how often: plans by name, and random mixes by seed.

A request here is what travels together: a batch of commands counts once. Shares are of requests,
of reports or of queries; rates are a minute. Where a request has more than one thing that could
befall it, one does, so the shares of all that may befall a request sum to one at most.
"""

import enum
from random import Random
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from exchange.units import MILLISECOND, SECOND, Nanos

FOREVER: Final[Nanos] = 1 << 62


class Kind(enum.StrEnum):
    """What may go wrong; each is named like its share or rate in the plan."""

    LOST_REQUEST = "lost_request"
    """It never reaches the venue, and nobody says so."""
    LATE_REQUEST = "late_request"
    """It is long under way, perhaps until it has expired."""
    LOST_ACK = "lost_ack"
    """It is executed, and the answer never comes."""
    LATE_ACK = "late_ack"
    """It is executed, and the answer comes after those to later requests."""
    BROKEN = "broken"
    """The connection breaks under it: `Outcome.BROKEN`, executed or not."""
    RATE_LIMIT = "rate_limit"
    """HTTP 429: refused by a limiter in front of the venue, so certainly not executed. Said as
    `Limited`, because whoever is told must slow down, and as `Outcome.NOT_SENT`."""
    ERROR_BEFORE = "error_before"
    """HTTP 5xx, not executed: `Outcome.SERVER_ERROR`."""
    ERROR_AFTER = "error_after"
    """HTTP 5xx, executed all the same, perhaps only after the error was heard."""
    PARTIAL_BATCH = "partial_batch"
    """The first commands of a batch are executed and answered, the others are lost."""
    DUPLICATE = "duplicate"
    """A report is heard twice."""
    REORDER = "reorder"
    """A report is overtaken: an answer by any other, a pushed one by those of other streams. Fills
    keep their order, and so do pushed order updates; they overtake each other."""
    STALE_LOOK = "stale_look"
    """A query is answered from an earlier moment, whose time the answer carries."""
    GAP = "gap"
    """The report stream breaks; what is pushed before it is back is lost, also what is pushed
    before the break is noticed. Answers, and sight of the market, may go with it."""
    HALT_REFUSES = "halt_refuses"
    """For a while the venue refuses every request."""
    HALT_CANCELS = "halt_cancels"
    """The same, and it begins with the cancellation of all that rests."""
    HALT_SILENT = "halt_silent"
    """For a while the venue neither executes nor answers anything; what rests is still filled."""
    UNASKED = "unasked"
    """An order is cancelled that nobody asked to cancel."""
    SKEW = "skew"
    """The venue's clock is off: everything that it says about time is by that clock, and it judges
    expiry by it. It never runs backwards."""


OF_REQUESTS: Final = (
    Kind.LOST_REQUEST,
    Kind.LATE_REQUEST,
    Kind.LOST_ACK,
    Kind.LATE_ACK,
    Kind.BROKEN,
    Kind.RATE_LIMIT,
    Kind.ERROR_BEFORE,
    Kind.ERROR_AFTER,
    Kind.PARTIAL_BATCH,
)
OF_REPORTS: Final = (Kind.DUPLICATE, Kind.REORDER, Kind.STALE_LOOK)
HALTS: Final = (Kind.HALT_REFUSES, Kind.HALT_CANCELS, Kind.HALT_SILENT)
EPISODES: Final = (Kind.GAP, *HALTS, Kind.UNASKED)
DRIFT_MAX: Final = 200_000
"""Parts in a million by which a clock's speed may be wrong."""


class FaultPlan(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How often each kind of fault happens, how bad it is, and until when.

    Raises:
        ValueError: a value is outside its range.

    """

    lost_request: float = 0.0
    late_request: float = 0.0
    lost_ack: float = 0.0
    late_ack: float = 0.0
    broken: float = 0.0
    rate_limit: float = 0.0
    error_before: float = 0.0
    error_after: float = 0.0
    partial_batch: float = 0.0
    """Of requests, and only batches of two or more have it."""
    duplicate: float = 0.0
    reorder: float = 0.0
    stale_look: float = 0.0
    gap: float = 0.0
    """A minute, like all that follow; a wait between the end of one and the next is drawn."""
    halt_refuses: float = 0.0
    halt_cancels: float = 0.0
    halt_silent: float = 0.0
    unasked: float = 0.0
    skew: Nanos = 0
    """The venue's clock is off by so much at most, either way."""
    drift_ppm: int = 0
    """How fast it wanders within that; 0: it is off by the same all the time."""
    late_max: Nanos = 9 * SECOND
    """The most by which something late is late, and a second copy later than the first."""
    reorder_max: Nanos = 3 * SECOND
    stale_max: Nanos = 6 * SECOND
    """The age of the oldest look that is shown."""
    gap_max: Nanos = 20 * SECOND
    notice_max: Nanos = 5 * SECOND
    """How long a break may go unnoticed, within the gap."""
    halt_max: Nanos = 20 * SECOND
    until: Nanos = FOREVER
    """When all is healed, counted from the first row of the market. From then on nothing is lost,
    refused, repeated or reordered, and a broken stream is back; what was made late before may
    still come, and a wrong clock comes right within twice what it was off."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        for kind in (*OF_REQUESTS, *OF_REPORTS):
            if not 0 <= self.rate(kind) <= 1:
                raise ValueError(f"{kind} must be a share within 0…1, was {self.rate(kind)}")
        for kind in EPISODES:
            if not 0 <= self.rate(kind) <= 60:
                raise ValueError(f"{kind} must be within 0…60 a minute, was {self.rate(kind)}")
        whole = sum(self.rate(kind) for kind in OF_REQUESTS)
        if whole > 1 + 1e-9:
            raise ValueError(f"the shares of requests must sum to 1 at most, was {whole}")
        if not 0 <= self.drift_ppm <= DRIFT_MAX:
            raise ValueError(f"drift_ppm must be within 0…{DRIFT_MAX}, was {self.drift_ppm}")
        for name in ("skew", "until"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, was {getattr(self, name)}")
        for name in ("late_max", "reorder_max", "stale_max", "gap_max", "notice_max", "halt_max"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, was {getattr(self, name)}")

    def rate(self, kind: Kind) -> float:
        """Return the share or rate of a kind; of the clock, its skew in milliseconds."""
        if kind is Kind.SKEW:
            return self.skew / MILLISECOND
        rate: float = getattr(self, kind.value)
        return rate

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Return the kinds of fault that this plan has."""
        return tuple(kind for kind in Kind if self.rate(kind) > 0)


def _of(rates: dict[Kind, float]) -> FaultPlan:
    shares = {kind.value: rate for kind, rate in rates.items() if kind is not Kind.SKEW}
    plan = replace(FaultPlan(), **shares)
    if Kind.SKEW in rates:
        plan = replace(plan, skew=round(rates[Kind.SKEW] * MILLISECOND), drift_ppm=20_000)
    return plan


_OFTEN: Final[dict[Kind, float]] = (
    dict.fromkeys(OF_REQUESTS, 0.25)
    | dict.fromkeys(OF_REPORTS, 0.4)
    | {Kind.GAP: 2.0, Kind.UNASKED: 6.0, Kind.SKEW: 800.0}
    | dict.fromkeys(HALTS, 1.0)
)
_STORM: Final[dict[Kind, float]] = (
    dict.fromkeys(OF_REQUESTS, 0.04)
    | dict.fromkeys(OF_REPORTS, 0.1)
    | {Kind.GAP: 0.7, Kind.UNASKED: 1.5, Kind.SKEW: 300.0}
    | dict.fromkeys(HALTS, 0.25)
)

PLANS: Final[dict[str, FaultPlan]] = {
    "calm": FaultPlan(),
    **{kind.value: _of({kind: rate}) for kind, rate in _OFTEN.items()},
    "storm": _of(_STORM),
}
"""Plans by name: one for each kind that has it often, one without any and one with all."""


def mix(seed: int, until: Nanos = FOREVER) -> FaultPlan:
    """Return a random plan: a random subset of the kinds, each at a random rate.

    What hides a bug is often another fault; a run that has only some of the kinds meets what a run
    with all of them never comes to (Groce and others, "Swarm testing", 2012).
    """
    random = Random(f"mix {seed}")  # noqa: S311 - a simulation, not a secret
    chance = random.choice((0.15, 0.4, 0.7))
    rates: dict[Kind, float] = {}
    for kind, often in _OFTEN.items():
        # Both are drawn for every kind, so that one kind more does not change the others.
        is_in, strength = random.random() < chance, random.uniform(0.05, 1.5)
        if is_in:
            rates[kind] = often * strength
    whole = sum(rates.get(kind, 0.0) for kind in OF_REQUESTS)
    if whole > 0.9:
        rates |= {kind: rates[kind] * 0.9 / whole for kind in OF_REQUESTS if kind in rates}
    is_drifting = random.random() < 0.5
    plan = _of(rates)
    return replace(plan, until=until, drift_ppm=plan.drift_ppm if is_drifting else 0)
