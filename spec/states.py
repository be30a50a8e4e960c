"""The names of the machines' states and events, and the one displayed state.

An order is the product of three small machines (`spec.charts` says which transitions each has):
its *phase* is the venue's side, its *request* is ours, its *hold* is the policy's. The values
are dense from zero, because the compiled tables are indexed by them.
"""

import enum
from typing import Final


class Phase(enum.IntEnum):
    """Where the order is, as far as the venue's reports prove it."""

    PENDING_NEW = 0
    RESTING = 1
    FILLED = 2
    CANCELLED = 3
    REJECTED = 4
    RETIRED = 5


class PhaseEvent(enum.IntEnum):
    """What a report means for the phase, after classification."""

    ACCEPTED = 0
    """It rests, or rested, under some oid."""
    FILLED_IN_PART = 1
    """A fill that does not end the order: something remains, or a modify is unanswered."""
    FILLED_WHOLE = 2
    """A fill, or a status, that leaves nothing of the order."""
    CANCELLED = 3
    """The current leg is gone, and no modify is unanswered."""
    REJECTED = 4
    """The place was turned down by the venue."""
    LEG_ENDED = 5
    """A leg ended without ending the order: an old one, a replaced one, or the current one while
    a modify is unanswered."""
    GONE = 6
    """Proven absent from the venue, nobody said how it ended."""
    RETIRE = 7
    """Closed for long enough that nothing more is expected of it."""


class Request(enum.IntEnum):
    """What we have asked for and not been answered; in doubt: the outcome is unknown."""

    IDLE = 0
    PLACING = 1
    PLACING_IN_DOUBT = 2
    MODIFYING = 3
    MODIFYING_IN_DOUBT = 4
    CANCELLING = 5
    CANCELLING_IN_DOUBT = 6


class RequestEvent(enum.IntEnum):
    """What a command sent or a report received means for the request."""

    SEND_PLACE = 0
    SEND_MODIFY = 1
    SEND_CANCEL = 2
    PLACE_ANSWERED = 3
    """Accepted, refused, or proven by other evidence."""
    MODIFY_ANSWERED = 4
    """Done, refused with the old leg's fate known, or proven done."""
    MODIFY_REFUSED_UNKNOWN = 5
    """Refused, and nobody said whether the old leg still rests."""
    CANCEL_ANSWERED = 6
    """The leg is gone."""
    CANCEL_REFUSED = 7
    """Too late, or refused for unknown reasons: it may or may not rest."""
    UNANSWERED = 8
    """Timed out, 5xx, broken connection, crash: the outcome is unknown."""
    DISPROVED = 9
    """Evidence that the request was not, and will not be, executed."""
    CLOSED = 10
    """The order ended, whatever was asked."""


class Hold(enum.IntEnum):
    """Why we are holding still, if we are."""

    FREE = 0
    LATCHED = 1
    """The drift is inside the band: kept on purpose."""
    DEBOUNCED = 2
    """A modify is wanted, its interval has not passed: rests, and is retried."""


class HoldEvent(enum.IntEnum):
    """What a cycle decided about holding."""

    LATCH = 0
    DEBOUNCE = 1
    RELEASE = 2


class State(enum.StrEnum):
    """The one state that people see: a projection of the three machines."""

    RETIRED = "retired"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    IN_DOUBT = "in-doubt"
    CANCELLING = "cancelling"
    MODIFY_PENDING = "modify-pending"
    PENDING_NEW = "pending-new"
    DEBOUNCED = "debounced"
    LATCHED = "latched"
    RESTING = "resting"


CLOSED_PHASES: Final = frozenset(
    {Phase.FILLED, Phase.CANCELLED, Phase.REJECTED, Phase.RETIRED},
)
IN_DOUBT_REQUESTS: Final = frozenset(
    {Request.PLACING_IN_DOUBT, Request.MODIFYING_IN_DOUBT, Request.CANCELLING_IN_DOUBT},
)

_CLOSED_STATES: Final = {
    Phase.RETIRED: State.RETIRED,
    Phase.FILLED: State.FILLED,
    Phase.CANCELLED: State.CANCELLED,
    Phase.REJECTED: State.REJECTED,
}
_HELD_STATES: Final = {
    Hold.DEBOUNCED: State.DEBOUNCED,
    Hold.LATCHED: State.LATCHED,
    Hold.FREE: State.RESTING,
}


def displayed(phase: Phase, request: Request, hold: Hold) -> State:
    """Project the three machines onto the displayed state, first match in order of precedence."""
    closed = _CLOSED_STATES.get(phase)
    if closed is not None:
        return closed
    if request in IN_DOUBT_REQUESTS:
        return State.IN_DOUBT
    if request is Request.CANCELLING:
        return State.CANCELLING
    if request is Request.MODIFYING:
        return State.MODIFY_PENDING
    if phase is Phase.PENDING_NEW:
        return State.PENDING_NEW
    return _HELD_STATES[hold]


_REQUEST_WORDS: Final = {
    Request.IDLE: "idle",
    Request.PLACING: "placing",
    Request.PLACING_IN_DOUBT: "placing?",
    Request.MODIFYING: "modifying",
    Request.MODIFYING_IN_DOUBT: "modifying?",
    Request.CANCELLING: "cancelling",
    Request.CANCELLING_IN_DOUBT: "cancelling?",
}


def request_word(request: Request) -> str:
    """Return the request's word, with `?` behind it while it is in doubt."""
    return _REQUEST_WORDS[request]
