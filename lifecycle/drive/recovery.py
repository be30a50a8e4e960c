"""Coming back: a manager restored from its journal, and what was found when it was.

The journal's records are fed to a new manager, which must decide as the one that died did; then it
is told that it has started again, and everything that was in flight is in doubt. What the venue
lists, says of single orders and has filled since is the evidence by which record and venue come to
agree; until a snapshot has come nothing is sent but questions.
"""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from msgspec import structs, to_builtins

from exchange.units import SECOND, Nanos
from exchange.venue import Capabilities
from exchange.words import Cloid
from lifecycle.config import Config
from lifecycle.core.manager import OrderManager
from lifecycle.drive.driver import Driver
from lifecycle.journal.base import Header, Journal, JournalError
from lifecycle.journal.sqlite import SqliteJournal, Synchronous
from lifecycle.trace import replay
from spec.states import Request
from spec.trace import Record

SESSION_BYTES: Final = 5
"""Two journals in a trillion share a prefix."""
START_BYTES: Final = 3
"""The same for the starts of one journal, which are few."""


def new_session(of: str = "") -> str:
    """Return a prefix for the cloids of one start, never used before.

    `of` is the session of the journal, which its header has: each start's prefix begins with it,
    so that it proves an order ours even where the record of its start is lost.
    """
    return of + secrets.token_hex(START_BYTES if of else SESSION_BYTES)


@dataclass(slots=True)
class Recovery:
    """What was restored, and what became of it."""

    records: int
    """Read from the journal."""
    damage: str | None
    """What of it could not be read; None: nothing."""
    last_at: Nanos
    """The time of the last record; no earlier one may be told to the manager."""
    position: int
    """By the journal, in lots."""
    resting: frozenset[Cloid]
    """Believed to rest, with nothing asked of them."""
    in_doubt: frozenset[Cloid]
    """Something was asked of them, or unknown already."""
    started_at: Nanos | None = None
    agreed_at: Nanos | None = None
    """When the record and the venue were found to agree."""
    adopted: tuple[Cloid, ...] = ()
    """Found resting, not on record, and taken over."""
    filled: int = 0
    """What had filled meanwhile, as change of the position in lots."""
    gone: tuple[Cloid, ...] = ()
    """Believed to rest or in doubt, and proven closed."""
    left: int = 0
    """Open orders of the account that are not ours and are left alone."""
    _known: frozenset[Cloid] = field(default=frozenset())

    def look(self, driver: Driver, now: Nanos) -> bool:
        """Take note of what has been found so far; True once, when record and venue agree."""
        manager = driver.manager
        if self.agreed_at is not None or not driver.is_agreed:
            return False
        before, open_orders = self.resting | self.in_doubt, manager.open_orders
        if any(open_orders[cloid].absences for cloid in before & open_orders.keys()):
            # The venue does not list one of them, and is being asked whether it has gone.
            return False
        self.agreed_at = now
        self.adopted = tuple(cloid for cloid in manager.orders if cloid not in self._known)
        self.filled = manager.position - self.position
        self.gone = tuple(sorted(before - open_orders.keys()))
        self.left = manager.foreign_orders
        return True

    def lines(self) -> Iterator[str]:
        """Say it in words, a line a fact."""
        yield (
            f"restored from {self.records} records: position {self.position} lots, "
            f"{len(self.resting)} resting, {len(self.in_doubt)} in doubt"
        )
        if self.damage is not None:
            yield f"the journal was {self.damage}"
        if self.agreed_at is None or self.started_at is None:
            yield "not yet agreed with the venue"
            return
        yield (
            f"agreed with the venue after {(self.agreed_at - self.started_at) / SECOND:.1f} s: "
            f"{len(self.gone)} gone, {len(self.adopted)} taken over, {self.left} others left "
            f"alone, {self.filled:+d} lots filled meanwhile"
        )


def begin(header: Header) -> OrderManager:
    """Return a manager for a journal that has no record yet."""
    return OrderManager(
        header.instrument,
        config=header.config,
        capabilities=header.capabilities,
        session=header.session,
    )


def resume(
    path: str | Path, *, config: Config | None = None, synchronous: Synchronous = "NORMAL"
) -> tuple[OrderManager, Journal, Recovery]:
    """Restore the manager of a journal, and take the journal over.

    `config`, if given, must be the one that the journal was begun with: its records are decisions
    made by that. Raises JournalError where the journal cannot be used, where it was begun with
    another configuration, or where this version decides otherwise than the one that wrote it.
    """
    journal, recording = SqliteJournal.resume(path, synchronous=synchronous)
    with ExitStack() as undo:
        undo.callback(journal.close)
        if config is not None:
            check_config(path, recording.header.config, config)
        counted = _Counted(recording.records())
        manager = begin(recording.header)
        try:
            replay(manager, counted)
        except ValueError as error:
            raise decided_otherwise(path, recording.header, error) from error
        undo.pop_all()
    in_doubt = {
        cloid for cloid, order in manager.open_orders.items() if order.request is not Request.IDLE
    }
    damage = recording.damage
    return (
        manager,
        journal,
        Recovery(
            records=counted.count,
            damage=None if damage is None else str(damage),
            last_at=counted.last_at,
            position=manager.position,
            resting=frozenset(manager.open_orders.keys() - in_doubt),
            in_doubt=frozenset(in_doubt),
            _known=frozenset(manager.orders),
        ),
    )


class _Counted:
    """Records on their way, counted."""

    def __init__(self, records: Iterator[Record]) -> None:
        self._records = records
        self.count = 0
        self.last_at: Nanos = 0

    def __iter__(self) -> Iterator[Record]:
        for record in self._records:
            self.count += 1
            self.last_at = record.now
            yield record


def decided_otherwise(path: str | Path, header: Header, error: ValueError) -> JournalError:
    """Return the error for a journal whose records this version does not reproduce."""
    return JournalError(
        f"{path} must be resumed by the version that wrote it ({header.version}), "
        f"this one decides otherwise: {error}"
    )


def check_capabilities(path: str | Path, begun: Capabilities, given: Capabilities) -> None:
    """Raise JournalError where the venue is another one now."""
    if begun != given:
        raise JournalError(
            f"{path} must be the journal of a venue that has {given}, is of one that has {begun}"
        )


def check_config(path: str | Path, begun: Config, given: Config) -> None:
    """Raise JournalError naming the first setting that differs."""
    plain = structs.asdict(begun)
    for table, values in plain.items():
        was, now = to_builtins(values), to_builtins(getattr(given, table))
        for key in was:
            if was[key] != now[key]:
                raise JournalError(
                    f"{path} must be resumed with the settings that it was begun with, "
                    f"{table}.{key} was {was[key]} and is {now[key]}: begin another journal for "
                    "other settings, when nothing rests or with orders.foreign = 'adopt'"
                )
