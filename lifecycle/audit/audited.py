"""An audit: one pass over a trace, with every promise held against it.

The predicates are those of `spec.invariants`, and they read nothing of the order manager. On
request its own code is asked as well, and must decide as it did when the trace was made. What an
audit found is a value, which views and scripts take from here.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct, structs

from exchange.commands import Cancel, Modify, Place
from exchange.units import Nanos
from exchange.words import Cloid
from lifecycle.audit.long_watch import LongWatch
from lifecycle.audit.window import EVERYTHING, Window
from lifecycle.core.manager import OrderManager
from lifecycle.journal.base import Damage, Header
from lifecycle.rules import rules_of
from lifecycle.trace import outcome, step
from spec.invariants.all import INVARIANTS
from spec.invariants.base import Broken, Invariant
from spec.rules import Rules
from spec.trace import Cycled, Halted, Record, Reported, Restarted
from spec.witness import Witness

LISTED_MAX: Final = 10_000
"""Violations kept one by one; the others are only counted."""
TELL_EVERY: Final = 1000
"""Records between two words about how far it is."""

Tell = Callable[["Read"], None]


class Violation(Struct, frozen=True):
    """A promise that was broken, and where."""

    invariant: str
    sentence: str
    at: Nanos
    cloid: Cloid | None
    what: str
    record: int
    """The index of the record in a journal, the number of the line in a log."""


class Read(Struct):
    """What has gone by."""

    records: int = 0
    cycles: int = 0
    reports: int = 0
    orders: int = 0
    modifies: int = 0
    cancels: int = 0
    fills: int = 0
    restarts: int = 0
    halts: int = 0
    first_at: Nanos = 0
    last_at: Nanos = 0
    violations: int = 0

    @property
    def span(self) -> Nanos:
        """The time between the first record and the last."""
        return self.last_at - self.first_at


class Difference(Struct, frozen=True):
    """The first record that this version does not reproduce."""

    record: int
    at: Nanos
    recorded: str
    now: str


class Audited(Struct, kw_only=True):
    """What an audit has found."""

    source: str
    """The file's name."""
    about: tuple[tuple[str, str], ...] = ()
    """What is said of it as a whole, as name and value."""
    notes: tuple[str, ...] = ()
    """What a reader should know of how it was read."""
    numbered: str = "record"
    """What the numbers of violations count: records or lines."""
    read: Read
    since: Nanos | None = None
    """Only what broke from here on counts."""
    until: Nanos | None = None
    """Nothing after it was read."""
    promises: tuple[tuple[str, str], ...]
    """All promises, as id and sentence."""
    excused: Mapping[str, str] = {}
    """Those that were not judged, and why."""
    counts: Mapping[str, int]
    """How often each was broken, where it was."""
    violations: tuple[Violation, ...]
    """The first of them."""
    damage: Damage | None = None
    replayed: bool = False
    """Whether the manager was asked to decide again."""
    difference: Difference | None = None

    @property
    def total(self) -> int:
        """How many violations there are."""
        return sum(self.counts.values())

    @property
    def judged(self) -> int:
        """How many promises were judged."""
        return len(self.promises) - len(self.excused)

    @property
    def holds(self) -> bool:
        """Whether nothing was broken, lost or decided otherwise."""
        return not self.total and self.damage is None and self.difference is None

    def sentence(self) -> str:
        """Say how it ended."""
        judged = f"judged {self.judged} of {len(self.promises)} promises"
        found = []
        if self.total:
            orders = len({one.cloid for one in self.violations if one.cloid is not None})
            found.append(f"broken {self.total}× ({_plural(orders, 'order')} named)")
        if self.damage is not None:
            found.append(f"{self.numbered} {self.damage.record} and what follows is lost")
        if self.difference is not None:
            found.append(f"{self.numbered} {self.difference.record} is not reproduced")
        return f"{judged}: {', '.join(found) if found else 'held'}"


class Audit:
    """One pass, record by record."""

    def __init__(
        self,
        rules: Rules,
        *,
        invariants: Sequence[Invariant] = INVARIANTS,
        window: Window = EVERYTHING,
        manager: OrderManager | None = None,
        position: int = 0,
    ) -> None:
        """Hold a trace to these invariants, and to the decisions of a new `manager` if given.

        `position` is what was held before the trace begins, in lots.
        """
        self.read = Read()
        self.counts: Counter[str] = Counter()
        self.violations: list[Violation] = []
        self.difference: Difference | None = None
        self.since: Nanos | None = None
        self.until: Nanos | None = None
        self._watch = LongWatch(rules, invariants)
        self.facts.position = position
        self._window = window
        self._manager = manager

    @property
    def facts(self) -> Witness:
        """What the trace has proven so far."""
        return self._watch.watch.facts

    def feed(self, record: Record, number: int) -> bool:
        """Take a record in, by its index or line; False where it is beyond the window."""
        read = self.read
        if not read.records:
            read.first_at = record.now
            since, until = self._window.since, self._window.until
            self.since = None if since is None else since.resolve(record.now)
            self.until = None if until is None else until.resolve(record.now)
        if self.until is not None and record.now > self.until:
            return False
        read.last_at = max(read.last_at, record.now)
        read.records += 1
        self._count(record)
        for broken in self._watch.feed(record):
            if self.since is None or record.now >= self.since:
                self._note(broken, record, number)
        read.fills = len(self.facts.seen_fills)
        if self._manager is not None and self.difference is None:
            self._reproduce(self._manager, record, number)
        return True

    def _count(self, record: Record) -> None:
        read = self.read
        match record:
            case Cycled():
                read.cycles += 1
                for command in record.plan.commands:
                    read.orders += isinstance(command, Place)
                    read.modifies += isinstance(command, Modify)
                    read.cancels += isinstance(command, Cancel)
            case Reported():
                read.reports += 1
            case Restarted():
                read.restarts += 1
            case Halted():
                read.halts += 1
            case _:
                pass

    def _note(self, broken: Broken, record: Record, number: int) -> None:
        self.read.violations += 1
        self.counts[broken.invariant] += 1
        if len(self.violations) < LISTED_MAX:
            self.violations.append(
                Violation(
                    broken.invariant,
                    broken.sentence,
                    broken.now,
                    broken.cloid or _only_order(record),
                    broken.what,
                    number,
                )
            )

    def _reproduce(self, manager: OrderManager, record: Record, number: int) -> None:
        expected = outcome(record)
        try:
            output = step(manager, record)
        except ValueError as error:
            self.difference = Difference(number, record.now, str(expected), str(error))
            return
        if output != expected:
            self.difference = Difference(number, record.now, *_where(expected, output))


def audit_journal(
    source: str,
    header: Header,
    records: Iterable[Record],
    *,
    window: Window = EVERYTHING,
    replay: bool = False,
    tell: Tell | None = None,
) -> Audited:
    """Audit the records of one journal by the rules of its header.

    `tell` hears now and then how far it is. The caller knows of damage, and says it.
    """
    rules = rules_of(header.config, header.instrument, header.capabilities, header.session)
    manager = None
    if replay:
        manager = OrderManager(
            header.instrument,
            config=header.config,
            capabilities=header.capabilities,
            session=header.session,
        )
    audit = Audit(rules, window=window, manager=manager)
    run(audit, enumerate(records), tell)
    about = [
        ("instrument", header.instrument.symbol),
        ("begun", header.created),
        ("version", header.version),
        ("session", header.session),
    ]
    if header.note:
        about.append(("note", header.note))
    return audited(audit, source, about=tuple(about), replayed=replay)


def run(audit: Audit, numbered: Iterable[tuple[int, Record]], tell: Tell | None = None) -> None:
    """Feed an audit to the end of the trace or of its window."""
    for number, record in numbered:
        if not audit.feed(record, number):
            return
        if tell is not None and audit.read.records % TELL_EVERY == 0:
            tell(audit.read)


def audited(
    audit: Audit,
    source: str,
    *,
    about: tuple[tuple[str, str], ...],
    replayed: bool = False,
) -> Audited:
    """Return what an audit has found so far, as a value."""
    return Audited(
        source=source,
        about=about,
        read=structs.replace(audit.read),
        since=audit.since,
        until=audit.until,
        promises=tuple((one.id, one.sentence) for one in INVARIANTS),
        counts=dict(audit.counts),
        violations=tuple(audit.violations),
        replayed=replayed,
        difference=audit.difference,
    )


def _only_order(record: Record) -> Cloid | None:
    """Return the order of a record's one command, None where there are several or none."""
    if not isinstance(record, Cycled) or len(record.plan.commands) != 1:
        return None
    cloid: Cloid | None = getattr(record.plan.commands[0], "cloid", None)
    return cloid


def _where(expected: Struct, output: Struct) -> tuple[str, str]:
    """Return the first part in which two outputs differ."""
    if type(expected) is type(output):
        for name in expected.__struct_fields__:
            was, now = getattr(expected, name), getattr(output, name)
            if was != now:
                if isinstance(was, tuple) and isinstance(now, tuple):
                    was, now = _first_apart(was, now)
                return f"{name}: {was}", f"{name}: {now}"
    return str(expected), str(output)


def _first_apart(was: tuple[object, ...], now: tuple[object, ...]) -> tuple[object, object]:
    for one, other in zip(was, now, strict=False):
        if one != other:
            return one, other
    shared = min(len(was), len(now))
    return was[shared:] or "nothing more", now[shared:] or "nothing more"


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
