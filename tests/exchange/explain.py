"""A simulation relation: whether a path of the venue model explains what a venue said.

Reports are taken in the order of their effects, by the time for which they are evidence. Each must
be one that the model may say in the state that it has come to: the answer to a request under one
of the verdicts that the model may choose, a fill within what rests, the end of a replaced leg once,
a look at just this moment. Oids and trade ids are named anew, one to one.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from exchange.commands import Cancel, Command, Modify, Place, QueryOpen, QueryOrder
from exchange.reports import (
    Accepted,
    Cancelled,
    CancelRejected,
    Fill,
    Modified,
    ModifyRejected,
    OrderStatus,
    Rejected,
    Report,
    Snapshot,
)
from exchange.words import Oid, Status
from spec.venue_model import Resting, Stream, VenueModel

Queries = dict[int, QueryOrder | QueryOpen]
_ANSWERS: Final = (Accepted, Rejected, Modified, ModifyRejected, CancelRejected)


class Run(NamedTuple):
    """What was sent to a venue, and what it said, in the order of arrival."""

    commands: tuple[Command, ...]
    reports: tuple[Report, ...]


class _State(NamedTuple):
    model: VenueModel
    oids: dict[Oid, Oid]
    """The model's oids by the venue's."""
    taken: tuple[int, int, int]
    """How many reports of each stream are explained."""


def streams(reports: Sequence[Report]) -> tuple[list[Report], list[Report], list[Report]]:
    """Return answers to requests, pushed reports and answers to queries, each in its order."""
    answers: list[Report] = []
    pushed: list[Report] = []
    looks: list[Report] = []
    for report in reports:
        if isinstance(report, (Snapshot, OrderStatus)):
            looks.append(report)
        elif isinstance(report, _ANSWERS) or (isinstance(report, Cancelled) and report.request):
            answers.append(report)
        else:
            pushed.append(report)
    return answers, pushed, looks


def unexplained(run: Run, *, amends: bool) -> str | None:
    """Return the first report that no path explains, None where one explains them all."""
    model = VenueModel(amends=amends)
    model.uplink = [c for c in run.commands if isinstance(c, (Place, Modify, Cancel))]
    queries = {c.request: c for c in run.commands if isinstance(c, (QueryOrder, QueryOpen))}
    said = streams(run.reports)
    furthest, stuck = -1, ""
    paths = [_State(model, {}, (0, 0, 0))]
    known: set[tuple[object, ...]] = set()
    while paths:
        state = paths.pop()
        # Two paths that have said the same, and have the same resting, are one.
        resting = tuple((one.oid, one.price, one.leaves) for one in state.model.resting())
        key = (state.taken, resting, len(state.model.book))
        if key in known:
            continue
        known.add(key)
        heads = [
            (stream[count], which)
            for which, (stream, count) in enumerate(zip(said, state.taken, strict=True))
            if count < len(stream)
        ]
        if not heads:
            return _left_over(state)
        at = min(report.at for report, _ in heads)
        now = [(report, which) for report, which in heads if report.at == at]
        found = [
            _taken(after, which)
            for report, which in now
            for after in _explained(state, report, queries)
        ]
        paths += found
        if not found and sum(state.taken) > furthest:
            furthest, stuck = sum(state.taken), " or ".join(str(report) for report, _ in now)
    return stuck


def _left_over(state: _State) -> str | None:
    """Return what a venue has not said that it should have, when it has said all it will."""
    model = state.model
    if model.uplink:
        return f"no answer to {model.uplink[0]}"
    pushes = model.streams[Stream.PUSHES]
    return f"never said: {pushes[0]}" if pushes else None


def _taken(state: _State, which: int) -> _State:
    counts = list(state.taken)
    counts[which] += 1
    return state._replace(taken=(counts[0], counts[1], counts[2]))


def _explained(state: _State, report: Report, queries: Queries) -> Iterator[_State]:
    """Yield the states that the model may be in after saying this."""
    if isinstance(report, Fill):
        yield from _filled(state, report)
    elif isinstance(report, (Snapshot, OrderStatus)):
        query = queries.get(report.request)
        if query is not None:
            model = state.model.clone()
            model.look(query, report.at)
            if _same_look(state.oids, report, model.streams[Stream.LOOKS].pop(), query):
                yield state._replace(model=model)
    elif isinstance(report, Cancelled) and not report.request:
        pushes = state.model.streams[Stream.PUSHES]
        if pushes and _same(state.oids, report, pushes[0]) is not None:
            model = state.model.clone()
            model.streams[Stream.PUSHES].pop(0)
            yield state._replace(model=model)
    else:
        yield from _answered(state, report)


def _filled(state: _State, fill: Fill) -> Iterator[_State]:
    model = state.model.clone()
    one = _resting(model, state.oids.get(fill.oid))
    if one is None or not 0 < fill.qty <= one.leaves or (fill.price - one.price) * one.side > 0:
        return
    if (fill.cloid, fill.side) != (one.cloid, one.side):
        return
    model.fill(one, fill.qty, fill.at)
    yield state._replace(model=model)


def _resting(model: VenueModel, oid: Oid | None) -> Resting | None:
    return next((one for one in model.resting() if one.oid == oid), None)


def _answered(state: _State, report: Report) -> Iterator[_State]:
    number = getattr(report, "request", 0)
    for index, request in enumerate(state.model.uplink):
        if request.request != number:
            continue
        for verdict in state.model.verdicts(request):
            model = state.model.clone()
            model.execute(index, verdict, report.at)
            oids = _same(state.oids, report, model.streams[Stream.ANSWERS].pop())
            if oids is not None:
                yield state._replace(model=model, oids=oids)


def _same(oids: dict[Oid, Oid], report: Report, said: Report) -> dict[Oid, Oid] | None:
    """Return the oids by their names if both reports say the same, None if they do not."""
    if type(report) is not type(said):
        return None
    ours, theirs = getattr(report, "oid", None), getattr(said, "oid", None)
    if (ours is None) != (theirs is None):
        return None
    if ours is not None and theirs is not None:
        if ours in oids or theirs in oids.values():
            if oids.get(ours) != theirs:
                return None
        else:
            oids = {**oids, ours: theirs}
    names = ("cloid", "request", "qty", "price", "alive")
    equal = all(getattr(report, name, None) == getattr(said, name, None) for name in names)
    return oids if equal and _may_give(report, said) else None


def _may_give(report: Report, said: Report) -> bool:
    """Say whether the reason is one that the model has, as far as it is more than words."""
    if isinstance(report, CancelRejected) and isinstance(said, CancelRejected):
        # A cancel of what is gone may be refused for another reason, which says less.
        return report.reason != "too_late" or said.reason == "too_late"
    if isinstance(report, Cancelled) and isinstance(said, Cancelled):
        return report.reason is said.reason
    return True


def _same_look(
    oids: dict[Oid, Oid], report: Report, said: Report, query: QueryOrder | QueryOpen
) -> bool:
    if isinstance(report, Snapshot) and isinstance(said, Snapshot):
        assert isinstance(query, QueryOpen), "snapshots answer such"
        rows = [(oids.get(r.oid), r.cloid, r.side, r.price, r.qty) for r in report.open]
        theirs = [(r.oid, r.cloid, r.side, r.price, r.qty) for r in said.open]
        fills = [(oids.get(fill.oid), fill.at, fill.qty) for fill in report.fills]
        # The model tells all fills, a venue those that were asked for.
        known = [(f.oid, f.at, f.qty) for f in said.fills if f.at >= query.fills_since]
        return sorted(rows) == sorted(theirs) and fills == known
    if not isinstance(report, OrderStatus) or not isinstance(said, OrderStatus):
        return False
    if report.cloid != said.cloid:
        return False
    if report.status is Status.REJECTED:
        # The model forgets what it has turned down; a venue may say so.
        return said.status is Status.UNKNOWN_ORDER
    mapped = None if report.oid is None else oids.get(report.oid)
    return (report.status, report.filled, mapped) == (said.status, said.filled, said.oid)
