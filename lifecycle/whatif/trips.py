"""How long the requests of a journal took, as latencies that the paper venue can draw from.

A request's round trip runs from the record that sent it to the record of its answer; requests of
one kind that were sent together count once. What filled was heard of after a delay of its own.
Where a kind has too few answers for a distribution of their own, the shape is that of a fast
client, around the median that was seen; where it has none, a fast client's altogether.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from exchange.commands import Cancel, Command, Modify, Place
from exchange.paper.latency import (
    FAST_FEED,
    LATENCIES,
    NO_DELAY,
    SHARES,
    Latency,
    Quantiles,
)
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
from exchange.units import Nanos

ENOUGH: Final = 20
"""So many durations have a shape of their own."""

_PLACE: Final = "place"
_CANCEL: Final = "cancel"
_QUERY: Final = "query"

_ANSWERS: Final = (
    Accepted | Rejected | Modified | ModifyRejected | Cancelled | CancelRejected
    | Snapshot | OrderStatus
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trips:
    """How long things take."""

    latency: Latency
    push: Quantiles
    """From a fill to the news of it."""
    measured: int
    """Round trips that this is made of; 0: none could be measured."""


class Stopwatch:
    """Takes the times of requests and their answers."""

    def __init__(self) -> None:
        self._sent: dict[int, tuple[str, Nanos]] = {}
        """Kind and time of what is not answered yet, by request number."""
        self._counted: set[tuple[str, Nanos]] = set()
        self._taken: dict[str, list[Nanos]] = {_PLACE: [], _CANCEL: [], _QUERY: []}
        self._pushed: list[Nanos] = []

    def sent(self, commands: Iterable[Command], now: Nanos) -> None:
        """Take note of what is sent."""
        for command in commands:
            self._sent[command.request] = (_kind(command), now)

    def heard(self, report: Report, now: Nanos) -> None:
        """Take note of an answer, or of a fill's arrival."""
        if isinstance(report, Fill):
            self._pushed.append(max(0, now - report.at))
        elif isinstance(report, _ANSWERS):
            sent = self._sent.pop(report.request, None)
            if sent is not None and sent not in self._counted:
                self._counted.add(sent)
                kind, at = sent
                self._taken[kind].append(now - at)

    def trips(self) -> Trips:
        """Return what was measured, and a fast client's where nothing was."""
        fast = LATENCIES["fast"]
        taken = self._taken
        return Trips(
            latency=Latency(
                place=_quantiles(taken[_PLACE], fast.place),
                cancel=_quantiles(taken[_CANCEL], fast.cancel),
                query=_quantiles(taken[_QUERY], fast.query),
            ),
            push=_quantiles(self._pushed, FAST_FEED),
            measured=sum(len(times) for times in taken.values()),
        )


def _kind(command: Command) -> str:
    if isinstance(command, Place | Modify):
        return _PLACE
    return _CANCEL if isinstance(command, Cancel) else _QUERY


def _quantiles(times: Sequence[Nanos], shape: Quantiles) -> Quantiles:
    """Return the distribution of durations, of this shape where they are too few for one."""
    if not times:
        return shape
    ordered = sorted(times)
    last = len(ordered) - 1
    if len(ordered) >= ENOUGH:
        return Quantiles(SHARES, tuple(ordered[round(share * last)] for share in SHARES))
    median = ordered[last // 2]
    return shape.scaled(median) if median > 0 else NO_DELAY
