"""What is said twice, said once: answers to requests, and what is pushed about the same orders.

The venue tells most things in two ways that overtake each other: as the answer to a request, which
says which request, and on the stream, which says nothing of requests. An answer is always handed
on. What is pushed is handed on unless it was said already; and while a request about the order is
unanswered it is held for a moment, because the answer mostly says the same and more. It is held no
longer than that: evidence is not kept from anybody. Fills are never held, and each is told once.

On the stream the venue calls the old leg of a modify plainly cancelled. It is told as replaced when
the modify is known to have been done, and as the venue calls it otherwise.
"""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from exchange.commands import Modify, Place, Request
from exchange.reports import Accepted, Cancelled, Fill, Modified, Rejected, Report
from exchange.units import Nanos
from exchange.venue import NoAnswer
from exchange.words import CancelReason, Cloid, Oid

REMEMBERED_MAX: Final = 20_000
"""Facts, and fills, that are remembered; a snapshot repeats 2000 fills."""

Said = Report | NoAnswer
_Held = tuple[Nanos, Accepted | Cancelled | Rejected]


class _Memory:
    """What was said: the oldest is forgotten first."""

    def __init__(self) -> None:
        self._facts: Final[dict[object, None]] = {}

    def add(self, fact: object) -> bool:
        """Remember; False if it was known."""
        if fact in self._facts:
            return False
        self._facts[fact] = None
        if len(self._facts) > REMEMBERED_MAX:
            del self._facts[next(iter(self._facts))]
        return True

    def __contains__(self, fact: object) -> bool:
        return fact in self._facts


class Hearing:
    """Decides what is handed on, and when."""

    def __init__(self, hold: Nanos) -> None:
        """Hold pushed words for `hold` at most."""
        self._hold: Final = hold
        self._opened: Final = _Memory()
        self._closed: Final = _Memory()
        self._replaced: Final = _Memory()
        self._fills: Final = _Memory()
        self._unanswered: Final[dict[Cloid, dict[int, Request]]] = {}
        self._held: Final[dict[Cloid, list[_Held]]] = {}
        self._names: Final[dict[Oid, Cloid]] = {}
        """Of the legs under a request."""

    def sent(self, commands: Iterable[Request]) -> None:
        """Learn what is sent."""
        for command in commands:
            self._unanswered.setdefault(command.cloid, {})[command.request] = command
            if not isinstance(command, Place) and command.oid is not None:
                self._names[command.oid] = command.cloid

    @property
    def placing(self) -> frozenset[Cloid]:
        """The orders whose place is unanswered."""
        return frozenset(
            cloid
            for cloid, requests in self._unanswered.items()
            if any(isinstance(one, Place) for one in requests.values())
        )

    @property
    def holds(self) -> bool:
        """Whether anything waits."""
        return bool(self._held)

    # Answers.

    def answered(self, command: Request, said: Said) -> list[Said]:
        """Return what is to be handed on when `said` is what became of a request."""
        requests = self._unanswered.get(command.cloid, {})
        requests.pop(command.request, None)
        if not requests:
            self._unanswered.pop(command.cloid, None)
        if not isinstance(command, Place) and command.oid is not None:
            self._names.pop(command.oid, None)
        match said:
            case Accepted():
                self._opened.add(said.oid)
            case Modified():
                self._opened.add(said.oid)
                if isinstance(command, Modify) and command.oid not in {None, said.oid}:
                    self._replaced.add(command.oid)
            case Cancelled():
                # By name: whichever leg was current, and all before it.
                self._closed.add(said.oid or (said.cloid,))
            case _:
                pass
        # What was pushed came first, and a request that its order outlives is a doubt less.
        return [*self._released(command.cloid, said), said]

    def _released(self, cloid: Cloid, said: Said) -> list[Said]:
        released: list[Said] = []
        for _, report in self._held.pop(cloid, ()):
            if isinstance(report, Rejected):
                # An answer says it with its request; without one this is all we have.
                if isinstance(said, NoAnswer):
                    released.append(report)
            elif (new := self._new(report)) is not None:
                released.append(new)
        return released

    # What is pushed.

    def pushed(self, report: Report, now: Nanos) -> list[Report]:
        """Return what is to be handed on of something that was pushed."""
        if isinstance(report, Fill):
            return [report] if self._fills.add(report.trade_id) else []
        if not isinstance(report, Accepted | Cancelled | Rejected):
            return [report]
        cloid = report.cloid
        if cloid is None and isinstance(report, Cancelled) and report.oid is not None:
            cloid = self._names.get(report.oid)
        if cloid is not None and cloid in self._unanswered and self._hold:
            self._held.setdefault(cloid, []).append((now + self._hold, report))
            return []
        if isinstance(report, Rejected):
            return [report]
        new = self._new(report)
        return [] if new is None else [new]

    def due(self, now: Nanos) -> list[Report]:
        """Return what was held long enough; a rejection waits for the answer as long as it takes.

        Its request is answered, or known to be lost, in the end.
        """
        told: list[Report] = []
        for cloid, held in tuple(self._held.items()):
            kept: list[_Held] = []
            for until, report in held:
                if now < until or isinstance(report, Rejected):
                    kept.append((until, report))
                elif (new := self._new(report)) is not None:
                    told.append(new)
            if kept:
                self._held[cloid] = kept
            else:
                del self._held[cloid]
        return told

    def _new(self, report: Accepted | Cancelled) -> Accepted | Cancelled | None:
        """Return a word about an oid if it is new."""
        if isinstance(report, Accepted):
            is_new = report.oid not in self._closed and self._opened.add(report.oid)
            return report if is_new else None
        is_new = report.oid is None or self._closed.add(report.oid)
        if not is_new or (report.cloid,) in self._closed:
            return None
        if report.reason is CancelReason.USER and report.oid in self._replaced:
            return replace(report, reason=CancelReason.REPLACED)
        return report
