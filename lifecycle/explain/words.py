"""What happened to an order, in words: decisions, commands and reports, each one sentence."""

from typing import Final, assert_never

from exchange.commands import Cancel, Command, Modify, Place, QueryOpen, QueryOrder
from exchange.instrument import Instrument
from exchange.reports import (
    Accepted,
    Cancelled,
    CancelRejected,
    Disconnected,
    Fill,
    Limited,
    Modified,
    ModifyRejected,
    OrderStatus,
    Reconnected,
    Rejected,
    Report,
    Snapshot,
)
from exchange.units import Price, Qty
from exchange.words import Alive
from spec.trace import Action, Reason

ACTIONS: Final[dict[Action, str]] = {
    Action.KEEP: "kept",
    Action.WAIT: "left alone",
    Action.MODIFY: "modified",
    Action.CANCEL: "cancelled",
    Action.PLACE: "placed",
}

REASONS: Final[dict[Reason, str]] = {
    Reason.SAME_POINT: "it rests as wanted",
    Reason.LATCHED: "what is wanted is inside its band",
    Reason.DEBOUNCED: "a modify is wanted, and its interval has not passed",
    Reason.QUOTA: "the quota is low, and the change can wait or cannot be paid",
    Reason.IN_FLIGHT: "its last request is unanswered",
    Reason.IN_DOUBT: "what became of its last request is unknown",
    Reason.MODIFY: "what is wanted is outside its band",
    Reason.REPLACE: "too far to modify: its successor is placed when it is proven gone",
    Reason.STALE: "beyond the stale band, so the low quota does not hold it",
    Reason.EMERGENCY: "in the way of our other side, or over the exposure cap",
    Reason.WITHDRAWN: "no target wants it",
    Reason.UNCOVERED: "a target had no order",
    Reason.PREDECESSOR: "its side has as many possibly-live orders as targets",
    Reason.EXPOSURE: "the change would take the worst case over the exposure cap",
    Reason.LIMITED: "the venue refuses requests",
    Reason.BLIND: "blind: the stream is broken, or no snapshot has come since",
    Reason.BACKOFF: "the venue has just refused this very change",
    Reason.WOULD_CROSS: "the wanted price crosses the book, and it is post-only",
    Reason.OWN_ORDER: "an order of ours on the other side is in the way",
    Reason.INVALID: "the venue does not accept such a price or size",
    Reason.GATED: "dropped by the global debounce",
    Reason.HALTED: "halted: everything is withdrawn",
    Reason.STALE_MARKET: "the market seen is too old to quote by",
    Reason.COLLAR: "the wanted price is outside the collar",
    Reason.SIZE: "the wanted size is above what one order may have",
    Reason.RATE: "as many requests as a minute may have were sent",
    Reason.BREAKER: "too much was refused in a row: one probe at a time",
    Reason.FOREIGN: "it was found at the start, and is not ours",
}
"""One sentence a reason."""

_ALIVE: Final = {
    Alive.YES: "it rests as before",
    Alive.NO: "it is gone",
    Alive.UNKNOWN: "nobody says whether it rests",
}


class Words:
    """Sentences in the units of one instrument."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument

    def at(self, qty: Qty, price: Price) -> str:
        """Write a size at a price."""
        return f"{self._instrument.qty_text(qty)} at {self._instrument.price_text(price)}"

    def decided(self, action: Action, reason: Reason) -> str:
        """Say what a cycle did with an order, and why."""
        return f"{ACTIONS[action]}: {REASONS[reason]}"

    def sent(self, command: Command) -> str:
        """Say what was sent."""
        number = f"request {command.request}"
        match command:
            case Place():
                side = command.side.name.lower()
                return f"place sent: {side} {self.at(command.qty, command.price)}, {number}"
            case Modify():
                return f"modify sent: to {self.at(command.qty, command.price)}, {number}"
            case Cancel():
                return f"cancel sent: {number}"
            case QueryOrder():
                return f"asked about it: {number}"
            case QueryOpen():
                return f"asked for all open orders: {number}"
            case _ as unreachable:
                assert_never(unreachable)

    def reported(self, report: Report) -> str:
        """Say what the venue said; of a snapshot `listed` and `lacking` say more."""
        match report:
            case Accepted():
                return f"accepted as oid {report.oid}"
            case Rejected():
                return f"rejected: {report.reason}"
            case Fill():
                return f"filled {self.at(report.qty, report.price)}, trade {report.trade_id}"
            case Modified():
                return f"modified to {self.at(report.qty, report.price)}, oid {report.oid}"
            case ModifyRejected():
                return f"modify rejected: {report.reason}, {_ALIVE[report.alive]}"
            case Cancelled():
                oid = "" if report.oid is None else f", oid {report.oid}"
                return f"cancelled ({report.reason}){oid}"
            case CancelRejected():
                return f"cancel rejected: {report.reason}"
            case Limited():
                return "the venue refuses requests for quota"
            case Disconnected():
                return "the report stream broke"
            case Reconnected():
                return "the report stream is back"
            case Snapshot():
                return "a snapshot came"
            case OrderStatus():
                filled = ""
                if report.filled is not None:
                    filled = f", {self._instrument.qty_text(report.filled)} filled"
                return f"asked, the venue says: {report.status.value.replace('_', ' ')}{filled}"
            case _ as unreachable:
                assert_never(unreachable)
