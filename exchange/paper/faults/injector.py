"""The injector: draws what goes wrong, by seed, and counts what did.

The venue asks it at each step of the way: what becomes of a request that is sent, what the desk
makes of a command, how a report arrives. What happens by itself (the stream breaks, the venue
halts, an order is cancelled) stands in an agenda of its own, which the venue plays in the order of
time. Every draw is made when the thing happens, so that it does not matter how often one polls.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from random import Random
from typing import Final, NamedTuple

from msgspec.structs import replace

from exchange.commands import Command, QueryOpen, QueryOrder
from exchange.paper.desk import Desk, Look, Said
from exchange.paper.faults.clock import SkewedClock
from exchange.paper.faults.plan import (
    EPISODES,
    FOREVER,
    HALTS,
    OF_REQUESTS,
    FaultPlan,
    Kind,
)
from exchange.reports import Cancelled, Disconnected, Fill, Reconnected, Report, Snapshot
from exchange.units import MINUTE, Nanos
from exchange.venue import NoAnswer
from exchange.words import CancelReason, Outcome

ALL: Final = 1 << 30
"""More commands than any batch has."""
LOOKS: Final = 6
"""How many earlier moments are remembered within the age of the oldest."""

_UNASKED: Final = (CancelReason.MARGIN, CancelReason.VENUE)


class Fate(NamedTuple):
    """What becomes of one request."""

    reaching: int = ALL
    """How many of its commands reach the venue, from the first on."""
    later: Nanos = 0
    """How much longer they take."""
    answer_later: Nanos = 0
    """How much longer the answer takes; it is then overtaken by those to later requests."""
    is_answered: bool = True
    outcome: Outcome | None = None
    """What the transport says in place of an answer."""
    is_limited: bool = False
    is_stale: bool = False
    """The look that answers it is an old one."""


class Happening(NamedTuple):
    """What has happened by itself."""

    pushed: list[Report]
    told: list[Report]
    """By our own transport, at once."""
    cuts: bool = False
    """The stream broke: what is on its way to us is lost."""


PLAIN: Final = Fate()
LOST: Final = Fate(reaching=0)


class _Entry(NamedTuple):
    """One line of the agenda."""

    at: Nanos
    serial: int
    what: str
    """A kind of fault that begins, or one of the words below."""
    gap: int = 0


_LOOK: Final = "look"
_NOTICED: Final = "noticed"
_GAP_ENDS: Final = "gap ends"
_HALT_ENDS: Final = "halt ends"


class Faults:
    """The faults of one paper venue."""

    def __init__(
        self, plan: FaultPlan, seed: int = 0, *, hear: Callable[[Report], None] | None = None
    ) -> None:
        """Follow a plan; `hear` is told all that the venue says, whether or not it arrives."""
        self.plan: Final = plan
        self.counts: Final[Counter[Kind]] = Counter()
        """What really happened, by kind."""
        self.is_down = False
        """The report stream is broken, noticed or not."""
        self.frozen_at: Nanos | None = None
        """Until when the market is seen; None: all of it."""
        self.halt: Kind | None = None
        """How the venue is halted; None: it is not."""
        # Each its own, so that what one draws does not depend on how often another does.
        self._requests, self._reports, self._episodes, clock = (
            Random(f"{name} {seed}")  # noqa: S311 - a simulation, not a secret
            for name in ("requests", "reports", "episodes", "clock")
        )
        self._clock: Final = SkewedClock(plan.skew, plan.drift_ppm, clock)
        self._hear: Final = hear
        self._until: Nanos = FOREVER
        self._agenda: list[_Entry] = []
        self._serial = 0
        self._gap = 0
        """The number of the newest gap."""
        self._takes_answers = False
        """Whether answers are lost with the stream."""
        self._looks: Final[deque[Look]] = deque()

    def open(self, start: Nanos) -> None:
        """Begin, at the exchange time of the first row."""
        self._until = min(FOREVER, start + self.plan.until)
        self._clock.set(start, self._until)
        for kind in EPISODES:
            self._expect(kind, start)
        if self.plan.stale_look:
            self._enter(start, _LOOK)

    def is_healed(self, at: Nanos) -> bool:
        """Say whether nothing goes wrong any more."""
        return at >= self._until

    # Requests.

    def fate(self, commands: Sequence[Command], now: Nanos) -> Fate:
        """Draw what becomes of a request that is sent now."""
        if self.is_healed(now):
            return PLAIN
        random, plan = self._requests, self.plan
        share, stale = random.random(), random.random()
        for kind in OF_REQUESTS:
            share -= plan.rate(kind)
            if share < 0:
                return self._befallen(kind, commands)
        if stale < plan.stale_look and isinstance(commands[0], QueryOrder | QueryOpen):
            return Fate(is_stale=True)
        return PLAIN

    def _befallen(self, kind: Kind, commands: Sequence[Command]) -> Fate:
        random = self._requests
        late = random.randint(1, self.plan.late_max)
        is_done = random.random() < 0.5
        if kind is Kind.PARTIAL_BATCH:
            if len(commands) < 2:
                return PLAIN
            fate = Fate(reaching=random.randrange(1, len(commands)))
        elif kind is Kind.LOST_REQUEST:
            fate = LOST
        elif kind is Kind.LATE_REQUEST:
            fate = Fate(later=late)
        elif kind is Kind.LOST_ACK:
            fate = Fate(is_answered=False)
        elif kind is Kind.LATE_ACK:
            fate = Fate(answer_later=late)
        elif kind is Kind.BROKEN:
            reaching = ALL if is_done else 0
            fate = Fate(reaching=reaching, is_answered=False, outcome=Outcome.BROKEN)
        elif kind is Kind.RATE_LIMIT:
            fate = Fate(reaching=0, outcome=Outcome.NOT_SENT, is_limited=True)
        elif kind is Kind.ERROR_BEFORE:
            fate = Fate(reaching=0, outcome=Outcome.SERVER_ERROR)
        else:
            # A gateway gives up on what is still in its queue.
            later = late if is_done else 0
            fate = Fate(later=later, is_answered=False, outcome=Outcome.SERVER_ERROR)
        self.counts[kind] += 1
        return fate

    def execute(self, desk: Desk, command: Command, at: Nanos, fate: Fate) -> Said:
        """Have the desk execute a command, as far as the venue is not halted."""
        if self.halt is Kind.HALT_SILENT or (self.is_down and self._takes_answers):
            # Of a broken connection: this was on its way over it.
            return Said()
        if self.halt is not None and not isinstance(command, QueryOrder | QueryOpen):
            said = desk.refuse(command, at, "halted")
        elif fate.is_stale and self._looks:
            self.counts[Kind.STALE_LOOK] += 1
            look = self._looks[self._reports.randrange(len(self._looks))]
            said = self._by_clock(desk, command, at, look)
        else:
            said = self._by_clock(desk, command, at, None)
        if self._hear is not None:
            for report in said.answers:
                self._hear(self.stamp(report))
        return said

    def _by_clock(self, desk: Desk, command: Command, at: Nanos, look: Look | None) -> Said:
        """Execute a command whose times are by the venue's clock, ours are true."""
        offset = self._clock.offset(at)
        if isinstance(command, QueryOpen | QueryOrder):
            if isinstance(command, QueryOrder) or not self.plan.skew:
                return desk.answer(command, at, look)
            since = command.fills_since
            said = desk.answer(replace(command, fills_since=since - self.plan.skew), at, look)
            snapshot = said.answers[0]
            assert isinstance(snapshot, Snapshot), "the answer to this query"
            fills = [fill for fill in snapshot.fills if self.stamp(fill).at >= since]
            return Said((replace(snapshot, fills=tuple(fills)),))
        if offset and command.expires_at > 0:
            command = replace(command, expires_at=max(1, command.expires_at - offset))
        return desk.execute(command, at)

    # Reports.

    def stamp(self, report: Report) -> Report:
        """Return a report whose times are true with those of the venue's clock."""
        if not self.plan.skew:
            return report
        offset = self._clock.offset(report.at)
        if isinstance(report, Snapshot):
            fills = tuple(
                replace(fill, at=fill.at + self._clock.offset(fill.at)) for fill in report.fills
            )
            return replace(report, at=report.at + offset, fills=fills)
        return replace(report, at=report.at + offset)

    def shown(self, at: Nanos) -> Nanos:
        """Return what the venue's clock shows at true time `at`."""
        return at + self._clock.offset(at)

    def splits(self, at: Nanos) -> bool:
        """Say whether fills and other pushed reports are two streams at `at`, or one."""
        return self.plan.reorder > 0 and not self.is_healed(at)

    def say(self, report: Report, at: Nanos, *, is_pushed: bool) -> list[Nanos]:
        """Return how much later than otherwise each copy of a report arrives, none if it is lost.

        The report is stamped, and `at` is the true time. Only the first copy keeps the order of its
        stream, where it has to.
        """
        if is_pushed and self._hear is not None:
            self._hear(report)
        if self.plan.skew and self._clock.offset(at):
            self.counts[Kind.SKEW] += 1
        if self.is_healed(at):
            return [0]
        random, plan = self._reports, self.plan
        is_reordered, is_twice = random.random() < plan.reorder, random.random() < plan.duplicate
        by, again = random.randint(1, plan.reorder_max), random.randint(1, plan.late_max)
        if self.is_down and (is_pushed or self._takes_answers):
            return []
        later = [0]
        if is_reordered:
            self.counts[Kind.REORDER] += 1
            later = [by]
        if is_twice:
            self.counts[Kind.DUPLICATE] += 1
            later.append(later[0] + again)
        return later

    def is_lost(self, report: Report | NoAnswer) -> bool:
        """Say whether what was on its way is lost with a stream that has just broken."""
        if isinstance(report, NoAnswer | Disconnected | Reconnected):
            # Our own transport's.
            return False
        if isinstance(report, Fill) or (isinstance(report, Cancelled) and not report.request):
            return True
        return self._takes_answers

    # What happens by itself.

    @property
    def next_at(self) -> Nanos:
        """Return when something happens next."""
        return self._agenda[0].at if self._agenda else FOREVER

    def happen(self, at: Nanos, desk: Desk) -> Happening:
        """Let happen what is due, and what follows from it later."""
        happening = Happening([], [])
        while self._agenda and self._agenda[0].at <= at:
            entry = heappop(self._agenda)
            if entry.what == _LOOK:
                self._look(at, desk)
            elif entry.what == Kind.GAP:
                self._gap_begins(at)
                happening = happening._replace(cuts=True)
            elif entry.what in {_NOTICED, _GAP_ENDS}:
                self._gap_goes_on(entry, at, happening.told)
            elif entry.what == _HALT_ENDS:
                self.halt = None
            elif entry.what == Kind.UNASKED:
                self._cancel_one(at, desk, happening.pushed)
            else:
                self._halt_begins(Kind(entry.what), at, desk, happening.pushed)
        return happening

    def reconnected(self, at: Nanos) -> None:
        """Take a new client: its stream is not the one that is broken."""
        if self.is_down:
            self._gap += 1
            self._stream_is_back(at)

    def _enter(self, at: Nanos, what: str, gap: int = 0) -> None:
        self._serial += 1
        heappush(self._agenda, _Entry(at, self._serial, what, gap))

    def _expect(self, kind: Kind, since: Nanos) -> None:
        """Draw when a kind of fault happens next, if it still does."""
        rate = self.plan.rate(kind)
        if rate > 0:
            at = since + 1 + round(self._episodes.expovariate(rate) * MINUTE)
            if at < self._until:
                self._enter(at, kind)

    def _look(self, at: Nanos, desk: Desk) -> None:
        looks, age = self._looks, self.plan.stale_max
        while looks and looks[0].at < at - age:
            looks.popleft()
        looks.append(desk.look(at))
        following = at + self._episodes.randint(1, 2 * age // LOOKS)
        if following < self._until:
            self._enter(following, _LOOK)

    def _gap_begins(self, at: Nanos) -> None:
        random, plan = self._episodes, self.plan
        self.counts[Kind.GAP] += 1
        self._gap += 1
        self.is_down = True
        self._takes_answers = random.random() < 0.5
        if random.random() < 0.5:
            self.frozen_at = at
        ends = min(self._until, at + random.randint(1, plan.gap_max))
        noticed = min(ends, at + random.randint(0, plan.notice_max))
        self._enter(noticed, _NOTICED, self._gap)
        self._enter(ends, _GAP_ENDS, self._gap)

    def _gap_goes_on(self, entry: _Entry, at: Nanos, told: list[Report]) -> None:
        if entry.gap != self._gap:
            return
        if entry.what == _NOTICED:
            told.append(Disconnected(at))
        else:
            told.append(Reconnected(at))
            self._stream_is_back(at)

    def _stream_is_back(self, at: Nanos) -> None:
        self.is_down = self._takes_answers = False
        self.frozen_at = None
        self._expect(Kind.GAP, at)

    def _halt_begins(self, kind: Kind, at: Nanos, desk: Desk, pushed: list[Report]) -> None:
        assert kind in HALTS, f"what is left on the agenda must be a halt, was {kind}"
        self._expect(kind, at)
        if self.halt is not None:
            return
        self.counts[kind] += 1
        self.halt = kind
        self._enter(
            min(self._until, at + self._episodes.randint(1, self.plan.halt_max)), _HALT_ENDS
        )
        if kind is Kind.HALT_CANCELS:
            pushed += [desk.drop(order, CancelReason.VENUE, at) for order in tuple(desk.resting())]

    def _cancel_one(self, at: Nanos, desk: Desk, pushed: list[Report]) -> None:
        self._expect(Kind.UNASKED, at)
        resting = desk.resting()
        which, reason = self._episodes.random(), self._episodes.choice(_UNASKED)
        if resting:
            self.counts[Kind.UNASKED] += 1
            pushed.append(desk.drop(resting[int(which * len(resting))], reason, at))
