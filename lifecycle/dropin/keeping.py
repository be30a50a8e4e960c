"""Where a drop-in keeps its journal, and the order manager that begins it or goes on with it."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from lifecycle.core.manager import OrderManager
from lifecycle.drive.recovery import Recovery, begin, check_capabilities, resume
from lifecycle.journal.address import Address
from lifecycle.journal.base import Header, Journal, JournalError
from lifecycle.journal.forward import FleetJournal
from lifecycle.journal.sqlite import SqliteJournal


@dataclass(frozen=True, slots=True)
class Begun:
    """An order manager to drive."""

    manager: OrderManager
    journal: Journal | None
    """To be written first, and closed at the end; None where nothing is kept."""
    recovery: Recovery | None
    """What the journal had; None where it is new."""
    session: str
    """The prefix of the cloids so far."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """A journal's file, and the fleet's journal that it is forwarded to."""

    path: Path | None
    forward: Address | None

    @classmethod
    def of(cls, journal: str | Path | None, forward: str | None) -> "Keeping":
        """Read what a bot says of it.

        Raises ValueError where there is nothing to forward, JournalError for what is no URL.
        """
        if forward is not None and journal is None:
            raise ValueError("forward must come with a journal to be forwarded, was without")
        if journal is not None and not Path(journal).name:
            raise ValueError(f"journal must be the name of a file, was {str(journal)!r}")
        path = None if journal is None else Path(journal)
        return cls(path, None if forward is None else Address.parse(forward))

    def begin(self, header: Header, *, account: str = "") -> Begun:
        """Go on with the journal where there is one, begin it with this header where there is none.

        `account` is whose it is, for the fleet's journal. Raises JournalError where the file cannot
        be used, or is of another instrument, venue or configuration.
        """
        path, recovery = self.path, None
        if path is None:
            return Begun(begin(header), None, None, header.session)
        if path.exists():
            manager, kept, recovery = resume(path, config=header.config)
        else:
            manager, kept = begin(header), SqliteJournal.create(path, header)
        with ExitStack() as undo:
            undo.callback(kept.close)
            _check(path, kept.header, header)
            journal = kept if self.forward is None else _forwarded(kept, self.forward, account)
            undo.pop_all()
        return Begun(manager, journal, recovery, kept.header.session)


def _check(path: Path, found: Header, wanted: Header) -> None:
    """Raise JournalError where a journal is of something else."""
    if found.instrument != wanted.instrument:
        raise JournalError(
            f"{path} must be the journal of {wanted.instrument.symbol} as it is traded now, is of "
            f"{found.instrument}"
        )
    check_capabilities(path, found.capabilities, wanted.capabilities)


def _forwarded(journal: Journal, address: Address, account: str) -> Journal:
    assert isinstance(journal, SqliteJournal), "a file is what is forwarded"
    return FleetJournal(journal, address, account=account)
