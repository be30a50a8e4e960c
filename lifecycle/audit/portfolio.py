"""The audit of a portfolio's journal: each instrument by itself, and their quota as one.

What the venue meters, the account spends. So before a record of an instrument is judged, its facts
are told what all have spent and earned by then, and whether the venue refuses; what the record adds
to that is told to the next.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import chain, islice
from typing import Final

from msgspec import structs

from exchange.units import Nanos
from lifecycle.audit.audited import LISTED_MAX, TELL_EVERY, Audit, Audited, Read, Tell, audited
from lifecycle.audit.window import EVERYTHING, Window
from lifecycle.drive.portfolio import part_of, portfolio_of
from lifecycle.journal.base import Header, named
from lifecycle.rules import rules_of
from spec.trace import Record
from spec.witness import Witness

_SUMMED: Final = ("records", "cycles", "reports", "orders", "modifies", "cancels", "fills")
_ONCE: Final = ("restarts", "halts")
"""What happens to all instruments at once."""


class _Account:
    """What all instruments together have spent and earned, by their traces."""

    def __init__(self, used: int) -> None:
        self.requests = self.cancels = used
        self.earned = 0
        self.limited = False

    def lend(self, facts: Witness) -> None:
        """Tell an instrument's facts; what others have earned is as if it were not spent."""
        others = self.earned - facts.earned
        facts.requests = self.requests - others
        facts.cancels = self.cancels - others
        facts.limited = self.limited

    def take(self, facts: Witness, earned: int) -> None:
        """Take in what a record has added, which had `earned` so much before."""
        others = self.earned - earned
        self.requests = facts.requests + others
        self.cancels = facts.cancels + others
        self.earned = others + facts.earned
        self.limited = facts.limited


def audit_portfolio(
    source: str,
    header: Header,
    told: Iterable[tuple[str, Record]],
    *,
    window: Window = EVERYTHING,
    replay: bool = False,
    tell: Tell | None = None,
) -> Audited:
    """Audit the records of a portfolio's journal by the rules of its header.

    As `lifecycle.audit.audited.audit_journal`; `told` are records with the symbols of theirs.
    """
    portfolio = portfolio_of(header) if replay else None
    told = iter(told)
    first = list(islice(told, 1))
    # Since the beginning of all of it, not since each one's own first record.
    window = window.resolved(first[0][1].now if first else 0)
    audits = {}
    for number, instrument in enumerate(header.portfolio):
        part = part_of(header, number)
        rules = rules_of(part.config, instrument, part.capabilities, part.session)
        manager = None if portfolio is None else portfolio.managers[instrument.symbol]
        audits[instrument.symbol] = Audit(rules, window=window, manager=manager)
    _run(audits, header.config.quota.used, chain(first, told), tell)
    return _merged(audits, source, header, replayed=replay)


def _run(
    audits: dict[str, Audit], used: int, told: Iterable[tuple[str, Record]], tell: Tell | None
) -> None:
    account = _Account(used)
    for number, (symbol, record) in enumerate(told):
        audit = audits[symbol]
        facts, earned = audit.facts, audit.facts.earned
        account.lend(facts)
        if not audit.feed(record, number):
            return
        account.take(facts, earned)
        if tell is not None and (number + 1) % TELL_EVERY == 0:
            tell(_read(audits))


def _merged(audits: dict[str, Audit], source: str, header: Header, *, replayed: bool) -> Audited:
    """Return what was found of all as one."""
    symbols = list(audits)
    about = [
        ("instruments", f"{len(symbols)}: {named(symbols)}"),
        ("begun", header.created),
        ("version", header.version),
        ("session", header.session),
    ]
    if header.note:
        about.append(("note", header.note))
    violations = [
        structs.replace(one, what=f"{symbol}: {one.what}")
        for symbol, audit in audits.items()
        for one in audit.violations
    ]
    violations.sort(key=lambda one: one.record)
    differences = [audit.difference for audit in audits.values() if audit.difference is not None]
    counts: Counter[str] = Counter()
    for audit in audits.values():
        counts.update(audit.counts)
    one = audited(next(iter(audits.values())), source, about=tuple(about), replayed=replayed)
    return structs.replace(
        one,
        read=_read(audits),
        since=_earliest(audit.since for audit in audits.values()),
        until=_earliest(audit.until for audit in audits.values()),
        counts=dict(counts),
        violations=tuple(violations[:LISTED_MAX]),
        difference=min(differences, key=lambda one: one.record, default=None),
    )


def _read(audits: dict[str, Audit]) -> Read:
    """Return what has gone by, of all instruments."""
    reads = [audit.read for audit in audits.values() if audit.read.records]
    found = Read()
    for name in _SUMMED:
        setattr(found, name, sum(getattr(read, name) for read in reads))
    for name in _ONCE:
        setattr(found, name, max((getattr(read, name) for read in reads), default=0))
    found.violations = sum(read.violations for read in reads)
    found.first_at = min((read.first_at for read in reads), default=0)
    found.last_at = max((read.last_at for read in reads), default=0)
    return found


def _earliest(times: Iterable[Nanos | None]) -> Nanos | None:
    return min((time for time in times if time is not None), default=None)
