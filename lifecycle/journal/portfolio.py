"""The journal of a portfolio: the records of all its instruments in one file, in their order.

The instruments share a quota, so what one decided depends on what those before it had spent, and
only all records together tell it. It is a journal like any other otherwise: as durable, as well
guarded against damage, and forwarded to a fleet's journal alike.
"""

from pathlib import Path
from typing import Final

from lifecycle.journal.address import Address
from lifecycle.journal.base import Header
from lifecycle.journal.encoding import PortfolioEncoder
from lifecycle.journal.forward import FleetJournal
from lifecycle.journal.sqlite import UNWRITABLE, SqliteJournal, Synchronous
from spec.trace import Record


class PortfolioJournal:
    """A portfolio's journal file that this process writes."""

    def __init__(
        self, journal: SqliteJournal, forward: Address | None = None, *, account: str = ""
    ) -> None:
        """Take over an open journal whose header names the instruments; closed with this one.

        What it has goes to the fleet's journal at `forward` as well, as that of `account`. Raises
        JournalError where that can never be.
        """
        self.header: Final[Header] = journal.header
        self._journal = journal
        self._numbers = {one.symbol: number for number, one in enumerate(self.header.portfolio)}
        self._encode = PortfolioEncoder(len(self._numbers)).encode
        self._forwarded = (
            None if forward is None else FleetJournal(journal, forward, account=account)
        )

    @classmethod
    def create(
        cls, path: str | Path, header: Header, *, synchronous: Synchronous = "NORMAL"
    ) -> "PortfolioJournal":
        """Begin a journal at `path`, where nothing must be yet; raises JournalError."""
        return cls(SqliteJournal.create(path, header, synchronous=synchronous))

    def append(self, symbol: str, record: Record) -> None:
        """Add one record of an instrument; otherwise as `SqliteJournal.append`."""
        try:
            body = self._encode(self._numbers[symbol], record)
        except UNWRITABLE as error:
            raise self._journal.lost(error) from error
        self._journal.put(body, record.now)

    @property
    def count(self) -> int:
        """How many records it has."""
        return self._journal.count

    def close(self) -> None:
        """End the journal. A repetition does nothing."""
        if self._forwarded is not None:
            self._forwarded.close()
        self._journal.close()
