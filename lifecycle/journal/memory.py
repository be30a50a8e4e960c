"""A journal in memory: for tests, and for runs that nobody needs to recover."""

from lifecycle.journal.base import Header, JournalError
from spec.trace import Record


class MemoryJournal:
    """Keeps the records in a list; lost with the process."""

    def __init__(self, header: Header) -> None:
        self.header = header
        self.records: list[Record] = []
        self._closed = False

    def append(self, record: Record) -> None:
        """Add one record; raises JournalError where the journal was closed."""
        if self._closed:
            raise JournalError("the journal must be open to append to it, was closed")
        self.records.append(record)

    def close(self) -> None:
        """End the journal; the records stay."""
        self._closed = True
