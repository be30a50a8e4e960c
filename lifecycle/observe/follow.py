"""What log and metrics have in common: fills that count once, sight, and the words of labels."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Final, NamedTuple, TypeVar

from exchange.commands import Place
from exchange.reports import Disconnected, Fill, Reconnected, Snapshot
from exchange.units import Nanos
from exchange.words import Cloid, Oid, Side, TradeId
from spec.trace import Cycled, Record, Reported, Restarted

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

REMEMBERED: Final = 1 << 16
"""How many fills, and how many orders, are remembered; what is older repeats no more."""
SIDE_WORDS: Final = {Side.BUY: "buy", Side.SELL: "sell", None: "unknown"}


class Filled(NamedTuple):
    """A fill heard of for the first time."""

    fill: Fill
    side: Side | None
    """The side of our order; None where neither the venue nor a place of ours says it."""


class Fills:
    """Tells new fills from repeated ones: the stream and each snapshot may bring the same."""

    def __init__(self) -> None:
        # Dictionaries for their order: the oldest is forgotten first.
        self._seen: dict[tuple[Oid, TradeId], None] = {}
        self._sides: dict[Cloid, Side] = {}

    def feed(self, record: Record) -> list[Filled]:
        """Take a record in; returns the fills that it is the first to tell of."""
        if isinstance(record, Cycled):
            for command in record.plan.commands:
                if isinstance(command, Place):
                    self._sides[command.cloid] = command.side
            _forget_oldest(self._sides)
            return []
        return [self._filled(fill) for fill in _fills_of(record) if self._is_new(fill)]

    def _is_new(self, fill: Fill) -> bool:
        # A trade id may be shared by two of our orders.
        key = fill.oid, fill.trade_id
        if key in self._seen:
            return False
        self._seen[key] = None
        _forget_oldest(self._seen)
        return True

    def _filled(self, fill: Fill) -> Filled:
        side = fill.side
        if side is None and fill.cloid is not None:
            side = self._sides.get(fill.cloid)
        return Filled(fill, side)


class Sight:
    """Whether the manager is blind, by the rule that it keeps to itself.

    A broken stream and a restart make it blind; a snapshot looked at since then, with the
    connection back, ends it.
    """

    def __init__(self) -> None:
        self.blind_since: Nanos | None = None
        """When it began; None where all is seen."""
        self.after = ""
        """What it began with: `restart` or `disconnect`."""
        self._connected = True
        self._evidence_from: Nanos = 0

    def feed(self, record: Record) -> Snapshot | None:
        """Take a record in; returns the snapshot with which sight came back, if it did."""
        match record:
            case Restarted():
                self._lose(record.now, "restart", connected=True)
            case Reported(report=Disconnected()):
                self._lose(record.now, "disconnect", connected=False)
            case Reported(report=Reconnected()):
                self._lose(record.now, "disconnect", connected=True)
            case Reported(report=Snapshot() as snapshot):
                is_enough = self._connected and snapshot.at >= self._evidence_from
                if self.blind_since is not None and is_enough:
                    self.blind_since = None
                    return snapshot
            case _:
                pass
        return None

    def _lose(self, now: Nanos, after: str, *, connected: bool) -> None:
        self._connected = connected
        self._evidence_from = now
        if self.blind_since is None:
            self.blind_since = now
            self.after = after


def package_version() -> str:
    """Return the version of the package, `unknown` where it is not installed."""
    try:
        return version("order-lifecycle")
    except PackageNotFoundError:
        return "unknown"


def _fills_of(record: Record) -> Iterator[Fill]:
    if isinstance(record, Reported):
        if isinstance(record.report, Fill):
            yield record.report
        elif isinstance(record.report, Snapshot):
            yield from record.report.fills


def _forget_oldest(memory: dict[_Key, _Value]) -> None:
    while len(memory) > REMEMBERED:
        del memory[next(iter(memory))]
