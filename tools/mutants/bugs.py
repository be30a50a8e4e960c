"""The seeded bugs: fifteen ways to be wrong that real order managers have shipped.

Each is the shipped core with one function exchanged while a `with` lasts, so that whoever checks
the core checks this one with the same code. They are the proof that a checker has teeth: a bug that
it cannot find is a property or a step that it lacks.

Source: the public issue trackers that `docs/scenarios.md` names.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from exchange.commands import Cancel, Command, Modify, Place, QueryOpen
from exchange.reports import Accepted, Cancelled, CancelRejected, Fill, ModifyRejected
from exchange.units import Nanos, Price, Qty
from exchange.words import Alive, CancelReason, Outcome
from lifecycle.core import evidence, manager, order, reports, timers
from lifecycle.core.blotter import Blotter
from lifecycle.core.desk import Desk
from lifecycle.core.manager import OrderManager
from lifecycle.core.order import Leg, Order
from lifecycle.core.plan import Round
from lifecycle.core.sides import SidePlan
from spec.states import Phase, PhaseEvent, Request, RequestEvent
from spec.trace import Reaction, Reason

Change: TypeAlias = tuple[object, str, Any]
"""Whose attribute, its name, and what stands there while the bug is in."""


class Bug(Struct, frozen=True):
    """One way to be wrong."""

    name: str
    sentence: str
    changes: tuple[Change, ...]


@contextmanager
def seeded(bug: Bug) -> Iterator[None]:
    """Let the core have the bug while the `with` lasts; not for two threads at a time."""
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in bug.changes]
    for owner, name, wrong in bug.changes:
        setattr(owner, name, wrong)
    try:
        yield
    finally:
        for owner, name, right in before:
            setattr(owner, name, right)


# Unknown taken as failed.

_unanswered: Final = OrderManager.unanswered
_run_timers: Final = timers.run_timers


def _failed_at_once(
    self: OrderManager, command: Place | Modify | Cancel, outcome: Outcome, now: Nanos
) -> Reaction:
    del outcome
    return _unanswered(self, command, Outcome.NOT_SENT, now)


def _failed_in_time(desk: Desk) -> tuple[Command, ...]:
    for one in list(desk.blotter.open.values()):
        if not one.is_in_flight or desk.now < one.expires_at:
            continue
        if one.request is Request.PLACING:
            told = Accepted(desk.now, one.cloid, "")
            desk.blotter.advance(one, PhaseEvent.GONE, told)
        else:
            one.ask(RequestEvent.DISPROVED)
    return _run_timers(desk)


_ask: Final = Order.ask


def _ask_unfenced(self: Order, event: RequestEvent) -> bool:
    asked = _ask(self, event)
    if event is RequestEvent.UNANSWERED:
        self.expires_at = 0
    return asked


def _refused_is_gone(blotter: Blotter, report: CancelRejected) -> None:
    one = blotter.find(report.cloid, None)
    if one is not None and not one.is_closed and reports.answers(one, report.request):
        blotter.advance(one, PhaseEvent.CANCELLED, report)


# Reports taken for another order's, another leg's, another request's.

_on_cancelled: Final = reports.on_cancelled
_on_modify_rejected: Final = reports.on_modify_rejected


def _by_cloid_only(blotter: Blotter, report: Cancelled) -> None:
    _on_cancelled(blotter, Cancelled(report.at, report.cloid, None, CancelReason.USER))


def _any_request(_order: Order, _request: int) -> bool:
    return True


def _always_alive(blotter: Blotter, report: ModifyRejected) -> None:
    _on_modify_rejected(blotter, replace(report, alive=Alive.YES))


# Fills lost, or counted again.

_on_fill: Final = reports.on_fill
_book: Final = Blotter.book


def _book_again(self: Blotter, one: Order, leg: Leg, fill: Fill, *, counted: bool = False) -> bool:
    (leg.booked or set()).discard(fill.trade_id)
    return _book(self, one, leg, fill, counted=counted)


def _known_oids_only(blotter: Blotter, fill: Fill) -> None:
    one = blotter.find(fill.cloid, fill.oid)
    if one is not None and one.has_oid(fill.oid):
        _on_fill(blotter, fill)


def _open_orders_only(blotter: Blotter, fill: Fill) -> None:
    one = blotter.find(fill.cloid, fill.oid)
    if one is None or not one.is_closed:
        _on_fill(blotter, fill)


# Forgotten over a crash, or after the end.

_restarted: Final = OrderManager.restarted
_on_accepted: Final = reports.on_accepted


def _restarted_empty(self: OrderManager, now: Nanos, session: str = "") -> Reaction:
    blotter = self._desk.blotter
    for one in blotter.open.values():
        # What is retired is known by its name still, but nothing is expected of it.
        one.phase, one.request = Phase.RETIRED, Request.IDLE
    blotter.open.clear()
    return _restarted(self, now, session)


def _opened_again(blotter: Blotter, report: Accepted) -> None:
    one = blotter.find(report.cloid, report.oid)
    if one is not None and one.phase is Phase.CANCELLED:
        one.phase, one.leg.ended = Phase.PENDING_NEW, False
        blotter.closing.pop(one.cloid, None)
        blotter.open[one.cloid] = one
    _on_accepted(blotter, report)


# The venue never asked.


def _never_compared(desk: Desk) -> tuple[Command, ...]:
    return tuple(query for query in _run_timers(desk) if not isinstance(query, QueryOpen))


def _compared_while_open(desk: Desk) -> tuple[Command, ...]:
    return _run_timers(desk) if desk.blotter.open else _never_compared(desk)


# Wrong commands.

_modify: Final = Desk.modify


def _cancel_and_place(self: Round, plan: SidePlan, i: int) -> None:
    if self._cancel(plan, i, Reason.REPLACE):
        self._place(plan, plan.levels[i])


def _original_size(self: Desk, one: Order, price: Price, qty: Qty) -> Modify:
    return replace(_modify(self, one, price, qty), qty=one.leg.qty)


def _bug(sentence: str, *changes: tuple[object, str, Callable[..., Any]]) -> tuple[str, Any]:
    return sentence, changes


_FILL: Final = ((reports, "on_fill"), (evidence, "on_fill"))

# fmt: off
_TABLE: Final[dict[str, tuple[str, Any]]] = {
    "timeout_is_failure": _bug(
        "a request without an answer is taken as not done",
        (OrderManager, "unanswered", _failed_at_once), (manager, "run_timers", _failed_in_time)),
    "no_expiry_fence": _bug(
        "absence is believed while the request may still arrive",
        (order.Order, "ask", _ask_unfenced)),
    "cancel_reject_is_gone": _bug(
        "a refused cancel is taken as the order's end",
        (reports, "on_cancel_rejected", _refused_is_gone)),
    "cancel_by_cid": _bug(
        "a cancellation is matched by cloid only: the old leg's end ends the order",
        (reports, "on_cancelled", _by_cloid_only)),
    "match_response_by_cid": _bug(
        "an answer is matched by cloid only: an old one answers the newest request",
        (reports, "answers", _any_request)),
    "no_dedupe": _bug(
        "a fill that is heard twice counts twice",
        (Blotter, "book", _book_again)),
    "drop_unknown_oid_fill": _bug(
        "a fill of an oid that is not known yet is dropped",
        *((owner, name, _known_oids_only) for owner, name in _FILL)),
    "no_journal": _bug(
        "after a crash the open orders are forgotten",
        (OrderManager, "restarted", _restarted_empty)),
    "no_poll": _bug(
        "the venue is never compared with the record",
        (manager, "run_timers", _never_compared)),
    "no_idle_poll": _bug(
        "the venue is not compared while nothing is believed open",
        (manager, "run_timers", _compared_while_open)),
    "modify_reject_is_resting": _bug(
        "after a refused modify the old order is taken to rest",
        (reports, "on_modify_rejected", _always_alive)),
    "late_fill_dropped_after_cancel": _bug(
        "a fill that arrives after its order has closed is dropped",
        *((owner, name, _open_orders_only) for owner, name in _FILL)),
    "replace_instead_of_modify": _bug(
        "a modify becomes a cancel and, in the same cycle, a place",
        (Round, "_modify", _cancel_and_place)),
    "no_tombstone": _bug(
        "an acceptance that comes late opens a closed order again",
        (reports, "on_accepted", _opened_again)),
    "modify_sends_original_qty": _bug(
        "a modify sends the size that the order was placed with, not the one that is wanted",
        (Desk, "modify", _original_size)),
}
# fmt: on

BUGS: Final = tuple(Bug(name, sentence, changes) for name, (sentence, changes) in _TABLE.items())
